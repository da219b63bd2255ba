"""Settings: files, environment, and errors that name the place."""

from pathlib import Path

import pytest

from ocs.config import (
    Address,
    KeyDescription,
    Settings,
    describe,
    load_settings,
    parse_address,
    render_markdown,
    render_toml,
    values,
)
from ocs.errors import InputError, InputErrors

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def write(folder: Path, text: str) -> Path:
    """A settings file with this text."""
    path = folder / "ocs.toml"
    path.write_text(text)
    return path


def errors_of(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    """Every error of a file, as lines."""
    with pytest.raises(InputError) as caught:
        load_settings(path, environment or {})
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:1812", "127.0.0.1", 1812),
        (" radius.example:0 ", "radius.example", 0),
        ("[::1]:65535", "::1", 65535),
        ("[2001:db8::1]:50051", "2001:db8::1", 50051),
    ],
)
def test_address_is_host_and_port(text: str, host: str, port: int) -> None:
    """Addresses are HOST:PORT, IPv6 in brackets, and print as they were written."""
    address = parse_address(text)

    assert address == Address(host, port)
    assert str(address) == text.strip()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("127.0.0.1", "is not HOST:PORT"),
        ("::1:1812", "goes into brackets"),
        ("[::1]", "is not HOST:PORT"),
        ("[127.0.0.1]:1812", "is not an IPv6 address"),
        ("[]:1812", "is not an IPv6 address"),
        ("127.0.0.1:65536", "port 65536 is above 65535"),
        ("127.0.0.1:-1", "is not HOST:PORT"),
        ("127.0.0.1:٣", "is not HOST:PORT"),
        (":1812", "is not HOST:PORT"),
        ("a b:1812", "is not HOST:PORT"),
        ("", "is not HOST:PORT"),
    ],
)
def test_bad_address_says_why(text: str, reason: str) -> None:
    """What is no address is refused with its place and the reason."""
    with pytest.raises(InputError, match="here") as caught:
        parse_address(text, "here")

    assert reason in caught.value.reason


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    """A missing file means defaults, and the database is beside where the file would be."""
    settings = load_settings(tmp_path / "ocs.toml", {})

    assert settings.storage.url == f"sqlite:///{tmp_path}/ocs.db"
    assert settings.radius.listen_auth == (Address("127.0.0.1", 1812),)
    assert settings.grpc.unauthenticated_gateway == ""
    assert settings.charging.event_time_tolerance_s == 300


def test_file_is_read(tmp_path: Path) -> None:
    """Every type of value is taken from the file; one address needs no list."""
    path = write(
        tmp_path,
        """
        [storage]
        url = "postgresql://ocs@db/ocs"
        allow_unsafe_durability = true
        [radius]
        listen_auth = ["0.0.0.0:1812", "[::]:1812"]
        listen_acct = []
        [grpc]
        listen = "127.0.0.1:9000"
        [charging]
        queue_max = 7
        [log]
        level = "debug"
        """,
    )

    settings = load_settings(path, {})

    assert settings.storage.url == "postgresql://ocs@db/ocs"
    assert settings.storage.allow_unsafe_durability is True
    assert settings.radius.listen_auth == (Address("0.0.0.0", 1812), Address("::", 1812))
    assert settings.radius.listen_acct == ()
    assert settings.grpc.listen == (Address("127.0.0.1", 9000),)
    assert settings.charging.queue_max == 7
    assert settings.log.level == "debug"


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("sqlite:///ocs.db", "sqlite:///{folder}/ocs.db"),
        ("sqlite:///data/ocs.db", "sqlite:///{folder}/data/ocs.db"),
        ("sqlite+pysqlite:///ocs.db", "sqlite+pysqlite:///{folder}/ocs.db"),
        ("sqlite:////var/lib/ocs.db", "sqlite:////var/lib/ocs.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql://db/ocs", "postgresql://db/ocs"),
    ],
)
def test_relative_database_is_beside_the_file(tmp_path: Path, url: str, absolute: str) -> None:
    """A relative SQLite file is taken from the settings file's folder, not from the working folder."""
    settings = load_settings(write(tmp_path, f'[storage]\nurl = "{url}"\n'), {})

    assert settings.storage.url == absolute.format(folder=tmp_path)


def test_environment_overrides_the_file(tmp_path: Path) -> None:
    """Every key has its variable; lists have commas, switches words."""
    path = write(tmp_path, '[radius]\nlisten_auth = ["127.0.0.1:1"]\n[charging]\nqueue_max = 1\n')
    environment = {
        "OCS_RADIUS_LISTEN_AUTH": "127.0.0.1:1812,[::1]:1812",
        "OCS_CHARGING_QUEUE_MAX": " 50 ",
        "OCS_STORAGE_ALLOW_UNSAFE_DURABILITY": "Yes",
        "OCS_GRPC_LISTEN": "",
        "OCS_CONFIG": "elsewhere",
        "OCS_EXTRA": "not ours",
    }

    settings = load_settings(path, environment)

    assert settings.radius.listen_auth == (Address("127.0.0.1", 1812), Address("::1", 1812))
    assert settings.charging.queue_max == 50
    assert settings.storage.allow_unsafe_durability is True
    assert settings.grpc.listen == ()


@pytest.mark.parametrize("one", tuple(describe()), ids=lambda one: one.variable)
def test_every_key_can_be_overridden(tmp_path: Path, one: KeyDescription) -> None:
    """Each key takes its own default from its variable."""
    text = one.default.strip("[]").replace('"', "").replace(", ", ",")

    settings = load_settings(tmp_path / "ocs.toml", {one.variable: text})

    assert settings == load_settings(tmp_path / "ocs.toml", {})


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("[radus]\n", "[radus]", "no such section; did you mean radius?"),
        ("[radius]\nlisten_ath = []\n", "[radius] listen_ath", "no such key; did you mean listen_auth?"),
        ("[grpc]\nzzz = 1\n", "[grpc] zzz", "no such key; there are listen, unauthenticated_gateway"),
        ("storage = 1\n", "storage", "is a section"),
        ("[radius]\nlisten_auth = [1812]\n", "[radius] listen_auth", "is not a list such as"),
        ('[radius]\nlisten_auth = ["x"]\n', "[radius] listen_auth", "'x' is not HOST:PORT"),
        ('[radius]\nlisten_auth = ["a:1", "a:1"]\n', "[radius] listen_auth", "a:1 is listed twice"),
        ("[charging]\nqueue_max = true\n", "[charging] queue_max", "True is not a whole number"),
        ("[charging]\nqueue_max = 0\n", "[charging] queue_max", "0 is below 1"),
        ('[charging]\nqueue_max = "9"\n', "[charging] queue_max", "'9' is not a whole number"),
        ('[storage]\nurl = "ocs.db"\n', "[storage] url", "is not a URL"),
        ("[storage]\nurl = 5\n", "[storage] url", "5 is not a text in quotes"),
        ("[storage]\nallow_unsafe_durability = 1\n", "allow_unsafe_durability", "1 is not true or false"),
        ('[log]\nlevel = "loud"\n', "[log] level", "'loud' is none of debug, info"),
    ],
)
def test_bad_key_names_file_key_and_reason(tmp_path: Path, text: str, place: str, reason: str) -> None:
    """Unknown and bad keys are errors that name the file, the key and what is wrong."""
    path = write(tmp_path, text)

    (line,) = errors_of(path)

    assert line.startswith(str(path))
    assert place in line
    assert reason in line


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("OCS_RADIUS_LISTN_AUTH", "", "no such key in [radius]; did you mean listen_auth?"),
        ("OCS_CHARGING_QUEUE_MAX", "many", "'many' is not a whole number"),
        ("OCS_CHARGING_QUEUE_MAX", "-3", "-3 is below 1"),
        ("OCS_STORAGE_ALLOW_UNSAFE_DURABILITY", "maybe", "'maybe' is not true or false"),
        ("OCS_GRPC_LISTEN", "nowhere", "'nowhere' is not HOST:PORT"),
    ],
)
def test_bad_variable_is_named(tmp_path: Path, variable: str, text: str, reason: str) -> None:
    """A bad or misspelt variable is an error that names it."""
    (line,) = errors_of(tmp_path / "ocs.toml", {variable: text})

    assert line == f"environment {variable}: {reason}" or line.startswith(
        f"environment {variable}: {reason} ("
    )


def test_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    """Nobody has to run it once for every mistake."""
    path = write(tmp_path, "[radius]\nx = 1\n[charging]\nqueue_max = 0\n")

    with pytest.raises(InputErrors) as caught:
        load_settings(path, {"OCS_LOG_LEVEL": "loud"})

    assert len(caught.value.errors) == 3


def test_syntax_error_names_the_line(tmp_path: Path) -> None:
    """What is no TOML is an error with its line."""
    (line,) = errors_of(write(tmp_path, "[radius]\n\nlisten_auth = [\n"))

    assert line.startswith(f"{tmp_path}/ocs.toml")
    assert "is not TOML" in line


def test_line_of_a_bad_value_is_in_the_place(tmp_path: Path) -> None:
    """The line is part of the place, as editors and people expect it."""
    (line,) = errors_of(write(tmp_path, "[radius]\n\nlisten_auth = ?\n"))

    assert line.startswith(f"{tmp_path}/ocs.toml:3: ")


def test_unreadable_file_is_bad_input(tmp_path: Path) -> None:
    """A folder in the file's place, or bytes that are no text, are errors that name it."""
    (line,) = errors_of(tmp_path)
    assert line.startswith(f"{tmp_path}: cannot be read")

    path = tmp_path / "ocs.toml"
    path.write_bytes(b"\xff\xfe")
    (line,) = errors_of(path)
    assert line.startswith(f"{path}: cannot be read")


def test_written_file_reads_back(tmp_path: Path) -> None:
    """The rendered file holds every key, chosen ones in force and the others as comments."""
    path = write(tmp_path, render_toml({("charging", "queue_max"): "5", ("radius", "class_key"): '"abc"'}))

    settings = load_settings(path, {})

    assert settings.charging.queue_max == 5
    assert settings.radius.class_key == "abc"
    assert settings.radius.listen_auth == load_settings(tmp_path / "none.toml", {}).radius.listen_auth
    assert all(f"{one.key} = " in path.read_text() for one in describe())


def test_values_are_written_as_the_file_has_them(tmp_path: Path) -> None:
    """The value of each key now, in TOML: what was shown can be pasted back."""
    settings = load_settings(write(tmp_path, '[radius]\nclass_key = "a\\"b"\n'), {})

    shown = values(settings)

    assert shown["radius"]["class_key"] == '"a\\"b"'
    assert shown["radius"]["listen_acct"] == '["127.0.0.1:1813"]'
    assert shown["storage"]["allow_unsafe_durability"] == "false"


def test_page_is_current() -> None:
    """docs/configuration.md is what `ocs config --markdown` prints."""
    assert PAGE.read_text() == render_markdown()


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """Settings are read once: nobody may change them afterwards."""
    settings = Settings(path=tmp_path)

    with pytest.raises(AttributeError):
        settings.log = settings.log  # type: ignore[misc]

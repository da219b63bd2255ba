"""The command line as a whole: settings, first steps, errors and exit codes."""

import sqlite3
from collections.abc import Callable

import pytest
from command import Shell

from ocs.cli import main
from ocs.cli.console import exit_code, format_time, parse_time
from ocs.config import render_markdown
from ocs.errors import (
    AlreadyExistsError,
    ConflictError,
    InputError,
    InputErrors,
    NotFoundError,
    OcsError,
    StoreUnavailableError,
)

NewShell = Callable[[], Shell]


def test_init_makes_settings_and_database_for_their_owner_alone(new_shell: NewShell) -> None:
    """Both files hold secrets: nobody else may read them."""
    shell = new_shell()

    out = shell.ok("init")

    assert "wrote" in out
    assert "created the database" in out
    assert shell.config.stat().st_mode & 0o777 == 0o600
    assert (shell.folder / "ocs.db").stat().st_mode & 0o777 == 0o600
    assert shell.json("account", "list") == []


def test_init_again_changes_nothing_and_says_so(shell: Shell) -> None:
    """A second run leaves the settings and every record as they are."""
    settings = shell.config.read_text()
    accounts = shell.json("account", "list")

    out = shell.ok("init", "--sample")

    assert out == "nothing to do: everything is there\n"
    assert shell.config.read_text() == settings
    assert shell.json("account", "list") == accounts


def test_every_installation_has_a_key_of_its_own(new_shell: NewShell) -> None:
    """The key that signs join tokens is made by init."""
    shell = new_shell()
    shell.ok("init")
    first = shell.config.read_text()
    shell.config.unlink()

    shell.ok("init")

    key = [line for line in first.splitlines() if line.startswith("class_key")]
    assert len(key[0]) > 32
    assert key[0] not in shell.config.read_text()


def test_sample_has_something_of_everything(shell: Shell) -> None:
    """Tariffs, plans, accounts with money, limits and identities, a reseller's tree, gateways."""
    accounts = {account["name"]: account for account in shell.json("account", "list")}

    assert accounts["alice"]["balance"] == "10.00"
    assert accounts["carol"]["available"] == "0.00"
    assert accounts["dave"]["available"] == "20.00"
    assert shell.json("account", "show", "erin")["parent"] == "nova-reseller"
    assert {tariff["name"] for tariff in shell.json("tariff", "list")} >= {"retail-voice", "data", "messages"}
    assert [gateway["name"] for gateway in shell.json("gateway", "list")] == ["grpc-local", "sample-gateway"]
    assert shell.json("ledger", "verify") == {"differences": []}
    assert "testing123" not in shell.ok("gateway", "list", "--json")


def test_init_without_grpc_gateway_in_old_settings_says_what_to_write(new_shell: NewShell) -> None:
    """Settings that are there are never changed: the person is told what the sample needs."""
    shell = new_shell()
    shell.ok("init")

    out = shell.ok("init", "--sample")

    assert 'unauthenticated_gateway = "grpc-local"' in out


def test_init_says_what_it_did_in_machine_form(new_shell: NewShell) -> None:
    """Scripts get the list of what was done."""
    done = new_shell().json("init")["done"]

    assert [step.split()[0] for step in done] == ["wrote", "created"]


def test_migrate_is_repeatable(shell: Shell) -> None:
    """A database of this version's schema needs nothing."""
    assert "nothing to do" in shell.ok("migrate")
    assert shell.json("migrate") == {"done": []}


def test_database_of_another_schema_is_refused_before_anything_is_done(shell: Shell) -> None:
    """A newer or foreign schema is bad input, for reading commands too."""
    connection = sqlite3.connect(shell.folder / "ocs.db")
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = 'unknown'")
    connection.close()

    assert "ocs migrate" in shell.refused(2, "account", "list")


def test_without_a_database_people_are_told_what_to_do(new_shell: NewShell) -> None:
    """The error names the missing database and the command that makes it."""
    shell = new_shell()
    shell.write("ocs.toml", "")

    assert "ocs migrate" in shell.refused(2, "account", "list")


def test_missing_settings_file_is_an_error_when_it_was_named(new_shell: NewShell) -> None:
    """A named file must exist: a misspelt path must not mean defaults."""
    shell = new_shell()

    assert shell.refused(2, "account", "list") == (
        f"error: {shell.config}: does not exist; `ocs init` makes one\n"
    )


def test_every_bad_setting_is_a_line(shell: Shell) -> None:
    """Settings are checked whole; each error names file and key."""
    shell.write("ocs.toml", "[radius]\nlisten = 1\n[grpc]\nlisten = 5\n")

    err = shell.refused(2, "account", "list")

    assert [line.split(": ")[2] for line in err.splitlines()] == ["[radius] listen", "[grpc] listen"]


def test_settings_that_cannot_be_written_are_bad_input(new_shell: NewShell) -> None:
    """A folder that does not exist is named."""
    shell = new_shell()
    shell.folder /= "nowhere"

    assert "cannot be written" in shell.refused(2, "init")


def test_config_option_may_stand_anywhere(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """Before the noun, behind the verb, with an equals sign."""
    for arguments in (
        ["account", "list", "--config", str(shell.config)],
        ["account", f"--config={shell.config}", "list"],
    ):
        with pytest.raises(SystemExit) as exited:
            main(arguments)
        assert exited.value.code == 0
        assert "alice" in capsys.readouterr().out


def test_config_file_comes_from_the_environment(
    shell: Shell, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OCS_CONFIG names the file when the option does not."""
    monkeypatch.setenv("OCS_CONFIG", str(shell.config))

    with pytest.raises(SystemExit):
        main(["account", "list"])

    assert "alice" in capsys.readouterr().out


def test_config_shows_settings_without_secrets(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values in force are shown with what overrides them; keys and passwords are not."""
    secret = next(line for line in shell.config.read_text().splitlines() if line.startswith("class_key"))
    monkeypatch.setenv("OCS_CHARGING_QUEUE_MAX", "17")
    monkeypatch.setenv("OCS_STORAGE_URL", "postgresql://ocs:hidden@db/ocs")

    settings = {one["name"]: one for one in shell.json("config")}

    assert settings["charging.queue_max"]["value"] == "17"
    assert settings["charging.queue_max"]["variable"] == "OCS_CHARGING_QUEUE_MAX"
    assert settings["radius.class_key"]["value"] == "(set)"
    assert settings["storage.url"]["value"] == '"postgresql://ocs:***@db/ocs"'
    assert secret.partition('"')[2].rstrip('"') not in shell.ok("config")


def test_config_prints_the_page(new_shell: NewShell) -> None:
    """The documentation is made without any settings file."""
    assert new_shell().ok("config", "--markdown") == render_markdown()


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """`ocs --version` says which it is."""
    with pytest.raises(SystemExit) as exited:
        main(["--version"])

    assert exited.value.code == 0
    assert capsys.readouterr().out.startswith("ocs ")


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["account", "show"], ["account", "list", "--limit", "0"], ["quote", "--seconds", "x"]],
)
def test_wrong_usage_is_bad_input(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be parsed is exit code 2, told on stderr."""
    with pytest.raises(SystemExit) as exited:
        main(arguments)

    printed = capsys.readouterr()
    assert exited.value.code == 2
    assert printed.out == ""
    assert printed.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OcsError("x"), 1),
        (InputError("x", "y"), 2),
        (InputErrors("x", []), 2),
        (NotFoundError("x"), 3),
        (AlreadyExistsError("x"), 4),
        (ConflictError("x"), 4),
        (StoreUnavailableError("x"), 5),
    ],
)
def test_scripts_can_tell_errors_apart(error: OcsError, code: int) -> None:
    """Each kind of error has its exit code."""
    assert exit_code(error) == code


@pytest.mark.parametrize(
    ("epoch_ms", "text"),
    [(0, None), (None, None), (1_767_225_600_000, "2026-01-01T00:00:00Z"), (1, "1970-01-01T00:00:00.001Z")],
)
def test_times_are_shown_in_utc(epoch_ms: int | None, text: str | None) -> None:
    """ISO 8601 with Z; what is not known is nothing."""
    assert format_time(epoch_ms) == text


@pytest.mark.parametrize(
    ("text", "zone", "epoch_ms"),
    [
        ("2026-01-01", "UTC", 1_767_225_600_000),
        ("2026-01-01T01:00:00.5+01:00", "Asia/Tokyo", 1_767_225_600_500),
        ("2026-01-01 09:00", "Asia/Tokyo", 1_767_225_600_000),
    ],
)
def test_times_are_read_with_their_zone(text: str, zone: str, epoch_ms: int) -> None:
    """An offset counts, else the zone."""
    assert parse_time(text, "--at", zone) == epoch_ms


def test_bad_time_names_the_option() -> None:
    """What is no time is refused at its place."""
    with pytest.raises(InputError, match="--at: 'soon' is not a time"):
        parse_time("soon", "--at")

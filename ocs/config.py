"""Settings: read once from ``ocs.toml`` and the environment, checked whole, frozen.

Owns: which keys exist, their types, defaults and meaning, and where each came from when it is wrong. Does not
own what the settings do. Every key can be overridden by ``OCS_<SECTION>_<KEY>``; an unknown section, key or
variable of a known section is an error, because a misspelt key would otherwise silently keep its default.
"""

import difflib
import ipaddress
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

from ocs.errors import InputError, InputErrors

DEFAULT_FILE: Final = "ocs.toml"
FILE_VARIABLE: Final = "OCS_CONFIG"
"Names the file when ``--config`` does not."
VARIABLE_PREFIX: Final = "OCS_"

T = TypeVar("T")


class Address(NamedTuple):
    """Where to listen or connect."""

    host: str
    "IP address without brackets, or host name."
    port: int
    "0 to 65535; 0 lets the system choose."

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_ADDRESS = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]\s]+)):(?P<port>\d{1,5})", re.ASCII)


def parse_address(text: str, place: str = "address") -> Address:
    """Parse ``127.0.0.1:1812``, ``localhost:1812`` or ``[::1]:1812``.

    Raises:
        InputError: anything else, an IPv6 address without brackets, a port above 65535.
    """
    match = _ADDRESS.fullmatch(text.strip())
    if match is None:
        raise InputError(place, f"{text!r} is not HOST:PORT (an IPv6 address goes into brackets: [::1]:1812)")
    host, port = match["v6"] if match["host"] is None else match["host"], int(match["port"])
    if match["v6"] is not None:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise InputError(place, f"{host!r} is not an IPv6 address") from None
    if port > 65535:
        raise InputError(place, f"port {port} is above 65535")
    return Address(host, port)


# ----------------------------------------------------------------------------------------- kinds of values


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A type of setting: how it is called, read from TOML and from a variable's text, and written as TOML."""

    name: str
    read: Callable[[Any, str], T]
    "(value as TOML has it, place) -> setting; InputError when it has the wrong type or is out of range."
    from_text: Callable[[str], Any]
    "A variable's text -> the value TOML would have had; what does not fit stays text, for `read` to refuse."
    to_toml: Callable[[T], str]


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _read_text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise InputError(place, f"{value!r} is not a text in quotes")
    return value


def _read_switch(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise InputError(place, f"{value!r} is not true or false")
    return value


def _switch_from_text(text: str) -> bool | str:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return words.get(text.strip().lower(), text)


def _read_addresses(value: Any, place: str) -> tuple[Address, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError(place, f'{value!r} is not a list such as ["127.0.0.1:1812", "[::1]:1812"]')
    addresses = tuple(parse_address(text, place) for text in texts)
    for address in addresses:
        if address.port and addresses.count(address) > 1:
            raise InputError(place, f"{address} is listed twice")
    return addresses


def _addresses_from_text(text: str) -> list[str]:
    return [part for part in text.split(",") if part.strip()]


def _number_from_text(text: str) -> int | str:
    return int(text) if re.fullmatch(r"\s*-?\d{1,18}\s*", text, re.ASCII) else text


def _whole(*, least: int) -> Kind[int]:
    def read(value: Any, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise InputError(place, f"{value!r} is not a whole number")
        if value < least:
            raise InputError(place, f"{value} is below {least}")
        return value

    return Kind(f"whole number from {least}", read, _number_from_text, str)


def _choice(*choices: str) -> Kind[str]:
    def read(value: Any, place: str) -> str:
        text = _read_text(value, place)
        if text not in choices:
            raise InputError(place, f"{text!r} is none of {', '.join(choices)}")
        return text

    return Kind(" | ".join(choices), read, str, _quote)


def _read_url(value: Any, place: str) -> str:
    text = _read_text(value, place)
    if not re.match(r"[a-z][a-z0-9+]*://", text):
        raise InputError(place, "is not a URL such as sqlite:///ocs.db")
    return text


def _addresses_to_toml(addresses: tuple[Address, ...]) -> str:
    return "[" + ", ".join(_quote(str(address)) for address in addresses) + "]"


def _switch_to_toml(value: bool) -> str:  # noqa: FBT001 - the value itself, not an option
    return "true" if value else "false"


TEXT: Final = Kind("text", _read_text, str, _quote)
URL: Final = Kind("URL", _read_url, str, _quote)
SWITCH: Final = Kind("true | false", _read_switch, _switch_from_text, _switch_to_toml)
ADDRESSES: Final = Kind("list of HOST:PORT", _read_addresses, _addresses_from_text, _addresses_to_toml)


# ----------------------------------------------------------------------------------------- sections


def _key(kind: Kind[T], default: T, meaning: str) -> T:
    """A settings field: what it is, what it is when nobody says, and one line of what it means."""
    return field(default=default, metadata={"kind": kind, "meaning": meaning})


def _addresses(text: str) -> tuple[Address, ...]:
    return (parse_address(text),)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where the books are."""

    url: str = _key(
        URL,
        "sqlite:///ocs.db",
        "Database, sqlite:///FILE; a relative file is taken from this file's folder.",
    )
    allow_unsafe_durability: bool = _key(
        SWITCH,
        default=False,
        meaning="Serve although the database may lose commits that it acknowledged. For tests only.",
    )
    secret_key: str = _key(
        TEXT,
        "",
        "Key that gateways' secrets and subscribers' passwords are encrypted with in the database "
        "(`ocs secret new-key`). Empty, without a file too: they are kept as they are.",
    )
    secret_key_file: str = _key(
        TEXT,
        "",
        "File with such keys, one a line, relative to this file's folder: the first encrypts, all decrypt.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RadiusSettings:
    """The RADIUS front end."""

    listen_auth: tuple[Address, ...] = _key(
        ADDRESSES, _addresses("127.0.0.1:1812"), "Where Access-Requests are received; an empty list: nowhere."
    )
    listen_acct: tuple[Address, ...] = _key(
        ADDRESSES,
        _addresses("127.0.0.1:1813"),
        "Where Accounting-Requests are received; an empty list: nowhere.",
    )
    listen_tcp: tuple[Address, ...] = _key(
        ADDRESSES,
        (),
        "Where RADIUS over TCP (RFC 6613) is served, all kinds of requests. It hides nothing but passwords: "
        "for networks that nobody else can reach.",
    )
    listen_radsec: tuple[Address, ...] = _key(
        ADDRESSES,
        (),
        "Where RADIUS over TLS (RadSec, RFC 6614) is served, all kinds of requests; its port is 2083.",
    )
    radsec_certificate: str = _key(
        TEXT,
        "",
        "PEM file with the server's certificate and its intermediates, relative to this file's folder. "
        "Renewed files are taken up without a restart.",
    )
    radsec_key: str = _key(TEXT, "", "PEM file with the certificate's private key, without a passphrase.")
    radsec_client_ca: str = _key(
        TEXT,
        "",
        "PEM file with who signs client certificates; every client needs one. It is the gateway that its "
        "certificate is made out to by name, else the one at its address.",
    )
    coa_source: str = _key(
        TEXT,
        "",
        "IP address that CoA and Disconnect requests leave from, where gateways take them from one only; "
        "with a comma between one for IPv4 and one for IPv6. Empty: what routing chooses.",
    )
    stream_connections_max: int = _key(
        _whole(least=1),
        1_000,
        "TCP and TLS connections at once on each listening address; one peer may have half of them.",
    )
    stream_idle_s: int = _key(
        _whole(least=1),
        600,
        "Seconds without a packet after which a connection is closed; a Status-Server is one.",
    )
    class_key: str = _key(
        TEXT,
        "",
        "Secret that signs the Class attribute by which accounting is joined to its authorisation. "
        "Empty: a new one at every start; calls that span a restart are then joined by session id alone.",
    )
    status_file: str = _key(
        TEXT,
        "radius-status.json",
        "File in which the server says every few seconds what it has seen of each gateway, for `ocs gateway "
        "test`, relative to this file's folder; empty: none.",
    )
    dialects_folder: str = _key(
        TEXT,
        "",
        "Folder with more gateway dialects (*.toml), relative to this file's folder; empty: only ours.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcSettings:
    """The gRPC front end."""

    listen: tuple[Address, ...] = _key(
        ADDRESSES, _addresses("127.0.0.1:50051"), "Where gRPC is served; an empty list: nowhere."
    )
    unauthenticated_gateway: str = _key(
        TEXT, "", "Gateway that loopback callers without an API key act as; empty: they are refused."
    )
    tls_certificate: str = _key(
        TEXT,
        "",
        "PEM file with the server's certificate and its intermediates, relative to this file's folder; "
        "empty: clear text, for this machine only. Renewed files are taken up without a restart.",
    )
    tls_key: str = _key(TEXT, "", "PEM file with the certificate's private key, without a passphrase.")
    tls_client_ca: str = _key(
        TEXT,
        "",
        "PEM file with who signs client certificates: every client needs one then, made out to a gateway's "
        "name. Empty: clients show none.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingSettings:
    """Bounds of the charging engine."""

    queue_max: int = _key(
        _whole(least=1), 20_000, "Requests that may wait; more are dropped (RADIUS) or refused (gRPC)."
    )
    accounts_cached_max: int = _key(_whole(least=1), 200_000, "Accounts kept in memory.")
    sessions_cached_max: int = _key(_whole(least=1), 400_000, "Sessions kept in memory.")
    event_time_tolerance_s: int = _key(
        _whole(least=0),
        300,
        "Seconds that a gateway's time of a live event may differ from ours and still count.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """What the server tells about itself."""

    level: str = _key(
        _choice("debug", "info", "warning", "error"), "info", "The least severe messages that are written."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that `ocs.toml` and the environment say. Build one with `load_settings`."""

    path: Path
    "The file they come from; it need not exist."
    storage: StorageSettings = field(default_factory=StorageSettings)
    radius: RadiusSettings = field(default_factory=RadiusSettings)
    grpc: GrpcSettings = field(default_factory=GrpcSettings)
    charging: ChargingSettings = field(default_factory=ChargingSettings)
    log: LogSettings = field(default_factory=LogSettings)


_SECTIONS: Final[Mapping[str, type[Any]]] = {
    "storage": StorageSettings,
    "radius": RadiusSettings,
    "grpc": GrpcSettings,
    "charging": ChargingSettings,
    "log": LogSettings,
}


class KeyDescription(NamedTuple):
    """One key for people."""

    section: str
    key: str
    type: str
    default: str
    "As it would be written in the file."
    meaning: str

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return _variable(self.section, self.key)


def describe() -> Iterator[KeyDescription]:
    """Every key there is, in the order of the sections."""
    for section, settings_class in _SECTIONS.items():
        for one in fields(settings_class):
            kind = one.metadata["kind"]
            yield KeyDescription(
                section, one.name, kind.name, kind.to_toml(one.default), one.metadata["meaning"]
            )


def values(settings: Settings) -> dict[str, dict[str, str]]:
    """Section -> key -> value as it would be written in the file. Holds secrets."""
    return {
        section: {
            one.name: one.metadata["kind"].to_toml(getattr(getattr(settings, section), one.name))
            for one in fields(settings_class)
        }
        for section, settings_class in _SECTIONS.items()
    }


def render_toml(chosen: Mapping[tuple[str, str], str]) -> str:
    """A settings file with every key and its meaning: chosen ones in force, the rest as comments.

    Args:
        chosen: (section, key) -> value as the file has it, quotes included.
    """
    lines = ["# Settings of the online charging system. Each key can be overridden by OCS_<SECTION>_<KEY>.\n"]
    section = ""
    for one in describe():
        if one.section != section:
            section = one.section
            lines.append(f"\n[{section}]\n")
        value = chosen.get((section, one.key))
        lines.append(f"# {one.meaning}\n")
        lines.append(f"# {one.key} = {one.default}\n" if value is None else f"{one.key} = {value}\n")
    return "".join(lines)


def render_markdown() -> str:
    """The page that documents every key."""
    lines = [_MARKDOWN_HEAD]
    section = ""
    for one in describe():
        if one.section != section:
            section = one.section
            lines.append(f"\n## [{section}]\n\n")
            lines.append("| key | type | default | meaning | variable |\n|---|---|---|---|---|\n")
        kind = one.type.replace("|", "\\|")
        lines.append(f"| `{one.key}` | {kind} | `{one.default}` | {one.meaning} | `{one.variable}` |\n")
    return "".join(lines)


_MARKDOWN_HEAD: Final = """\
# Configuration

This page is written by `ocs config --markdown`.

Settings come from one TOML file: the one that `--config` names, else the one that `OCS_CONFIG` names, else
`ocs.toml` in the working folder. `ocs init` writes one. Every key can be overridden by an environment
variable; lists are written there with commas between: `OCS_RADIUS_LISTEN_AUTH="127.0.0.1:1812,[::1]:1812"`.
A section, key or variable that does not exist, and a value that does not fit, are errors that name file and
key.
"""


# ----------------------------------------------------------------------------------------- reading


def load_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """Read the file, when it exists, and the variables that override it.

    Raises:
        InputErrors: every unknown or bad key, each naming file (or variable) and key.
        InputError: the file cannot be read, or is not TOML; names the line.
    """
    errors: list[InputError] = []
    written = _from_document(_read_document(path), path, errors)
    overrides = _from_environment(environment, errors)
    if errors:
        raise InputErrors(str(path), errors)
    sections = {
        name: settings_class(**{**written.get(name, {}), **overrides.get(name, {})})
        for name, settings_class in _SECTIONS.items()
    }
    storage = sections["storage"]
    sections["storage"] = replace(storage, url=_absolute_url(storage.url, path))
    return Settings(path=path, **sections)


def _absolute_url(url: str, path: Path) -> str:
    """The URL, with a relative SQLite file taken from the settings file's folder."""
    scheme, separator, name = url.partition(":///")
    if not scheme.startswith("sqlite") or not separator or not name or name.startswith((":", "/")):
        return url
    return f"{scheme}:///{path.absolute().parent / name}"


def _read_document(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise InputError(_with_line(path, str(error)), f"is not TOML: {error}") from error


def _with_line(path: Path, message: str) -> str:
    match = re.search(r"at line (\d+)", message)
    return f"{path}:{match[1]}" if match else str(path)


def _from_document(
    document: Mapping[str, Any], path: Path, errors: list[InputError]
) -> dict[str, dict[str, Any]]:
    chosen: dict[str, dict[str, Any]] = {}
    for section, body in document.items():
        if section not in _SECTIONS:
            errors.append(
                InputError(f"{path}: [{section}]", "no such section" + _suggest(section, _SECTIONS))
            )
        elif not isinstance(body, dict):
            errors.append(
                InputError(f"{path}: {section}", f"is a section: write [{section}] on a line of its own")
            )
        else:
            chosen[section] = _read_section(section, body, path, errors)
    return chosen


def _read_section(
    section: str, body: Mapping[str, Any], path: Path, errors: list[InputError]
) -> dict[str, Any]:
    known = _keys(section)
    chosen = {}
    for name, value in body.items():
        place = f"{path}: [{section}] {name}"
        if name not in known:
            errors.append(InputError(place, "no such key" + _suggest(name, known)))
            continue
        try:
            chosen[name] = known[name].metadata["kind"].read(value, place)
        except InputError as error:
            errors.append(error)
    return chosen


def _from_environment(environment: Mapping[str, str], errors: list[InputError]) -> dict[str, dict[str, Any]]:
    chosen: dict[str, dict[str, Any]] = {}
    for variable, text in sorted(environment.items()):
        section = next((name for name in _SECTIONS if variable.startswith(_variable(name, ""))), None)
        if section is None:
            continue
        place = f"environment {variable}"
        known = _keys(section)
        name = variable.removeprefix(_variable(section, "")).lower()
        if name not in known:
            errors.append(InputError(place, f"no such key in [{section}]" + _suggest(name, known)))
            continue
        kind = known[name].metadata["kind"]
        try:
            chosen.setdefault(section, {})[name] = kind.read(kind.from_text(text), place)
        except InputError as error:
            errors.append(error)
    return chosen


def _keys(section: str) -> dict[str, Field[Any]]:
    return {one.name: one for one in fields(_SECTIONS[section])}


def _variable(section: str, key: str) -> str:
    return f"{VARIABLE_PREFIX}{section}_{key}".upper()


def _suggest(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"

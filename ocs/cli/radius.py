"""``ocs radius``: packets explained to people."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import read_settings
from ocs.cli.console import Column, Json, print_facts, print_json, print_records, say
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.radius.explanation import Explanation

app = typer.Typer(name="radius", help="RADIUS packets, explained.", no_args_is_help=True)

_COLUMNS = (
    Column("octet", "octet", right=True),
    Column("attribute", "attribute"),
    Column("value", "value"),
)


@app.callback()
def radius() -> None:
    """RADIUS packets, explained."""


@app.command("decode")
def decode(
    context: typer.Context,
    packet: Annotated[
        str, typer.Argument(metavar="HEX", help="The packet's octets; - reads them from a pipe.")
    ],
    secret: Annotated[
        str | None, typer.Option(help="Shared secret: checks authenticators, reveals the password.")
    ] = None,
    request: Annotated[
        str | None, typer.Option(metavar="HEX", help="For a reply: the packet that it answers.")
    ] = None,
    dialect: Annotated[
        str | None, typer.Option(help="Family of the gateway: says what is understood, too.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Explain a packet: header, authenticity, attributes, and where it breaks."""
    from ocs.radius.codec import Secret
    from ocs.radius.explanation import explain, interpret

    datagram = _octets(sys.stdin.read() if packet == "-" else packet, "HEX")
    asked = None if request is None else _octets(request, "--request")
    key = None if secret is None else Secret(secret)
    dialects, dictionary = _load(context, dialect)
    explanation = explain(datagram, dictionary, secret=key, request=asked)
    if dialect is not None:
        explanation.meaning = dict(interpret(datagram, dialects[dialect], key or Secret("")))
    if as_json:
        print_json(_record(explanation))
        return
    print_facts(explanation.facts, as_json=False)
    print_records(_lines(explanation), _COLUMNS, as_json=False, empty="no attributes")
    if explanation.fault:
        say(f"This is no RADIUS packet, and gets no answer: {explanation.fault}.")
    if explanation.meaning:
        print_facts(explanation.meaning, as_json=False, title=f"understood, as {dialect} writes it:")


def _octets(text: str, place: str) -> bytes:
    """Octets of hexadecimal digits; blanks, colons and a leading 0x do not count."""
    digits = "".join(text.replace(":", "").split()).removeprefix("0x")
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise InputError(place, f"are no hexadecimal octets: {error}") from error


def _load(context: typer.Context, dialect: str | None) -> tuple[Any, Any]:
    """Every dialect, and the names that one of them, or all vendors together, give to attributes."""
    from ocs.radius.dialect import load_dialects
    from ocs.radius.dictionary import VENDORS, load_dictionary

    settings = read_settings(context)
    folder = settings.radius.dialects_folder
    folders = [settings.path.parent / folder] if folder else []
    if dialect is None:
        return {}, load_dictionary(["rfc", *VENDORS], folders)
    dialects = load_dialects(folders)
    if dialect not in dialects:
        raise InputError("--dialect", f"{dialect!r} is none of {', '.join(sorted(dialects))}")
    return dialects, dialects[dialect].dictionary


def _lines(explanation: "Explanation") -> list[dict[str, Any]]:
    return [{"octet": at, "attribute": name, "value": value} for at, name, value in explanation.attributes]


def _record(explanation: "Explanation") -> dict[str, Any]:
    return {
        **explanation.facts,
        "attributes": _lines(explanation),
        "fault": explanation.fault or None,
        "meaning": explanation.meaning or None,
    }

"""What people and scripts see: tables and JSON on stdout, errors on stderr, exit codes.

One record serves both: a mapping of plain values, amounts as decimal strings and times as ISO 8601 in UTC.
JSON prints it as it is, a table shows chosen keys of it.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import typer

from ocs.errors import (
    AlreadyExistsError,
    ConflictError,
    InputError,
    InUseError,
    NotFoundError,
    OcsError,
    StoreUnavailableError,
)

if TYPE_CHECKING:
    from rich.console import Console

E = TypeVar("E", bound=Enum)
Record = Mapping[str, Any]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

EXIT_OTHER: Final = 1
EXIT_INPUT: Final = 2
EXIT_NOT_FOUND: Final = 3
EXIT_EXISTS: Final = 4
EXIT_UNAVAILABLE: Final = 5
_EXIT_CODES: Final[Sequence[tuple[type[OcsError], int]]] = (
    (InputError, EXIT_INPUT),
    (NotFoundError, EXIT_NOT_FOUND),
    (AlreadyExistsError, EXIT_EXISTS),
    (ConflictError, EXIT_EXISTS),
    (InUseError, EXIT_EXISTS),
    (StoreUnavailableError, EXIT_UNAVAILABLE),
)

NARROW: Final = 12
"Columns that a cell gets before it is folded, where the terminal has room."
PIPE_WIDTH: Final = 240
"Columns of a table that no terminal bounds, so that nothing is cut off in files and pipes."


class Column(NamedTuple):
    """One column of a table."""

    key: str
    "Of the records."
    title: str
    right: bool = False
    "Numbers are set against the right edge."
    blank: str = ""
    "What stands for a missing value. A column in which nothing else stands is left out."
    is_time: bool = False
    "ISO 8601 in the record, shortened to seconds for people."

    def text(self, record: Record) -> str:
        """The cell of a record."""
        value = record.get(self.key)
        if value is None or value == "":
            return self.blank
        if isinstance(value, bool):
            return "yes" if value else ""
        return str(value)[:19].replace("T", " ") if self.is_time else printable(str(value))


def printable(text: str) -> str:
    """The text with what a terminal would obey written out: much of what is shown comes from strangers."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else f"\\x{ord(character):02x}"
        for character in text
    )


def exit_code(error: OcsError) -> int:
    """The exit code by which scripts tell errors apart."""
    return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), EXIT_OTHER)


def print_error(error: OcsError) -> None:
    """One line on stderr for each thing that is wrong."""
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)  # noqa: T201 - this is where the command line prints


def console() -> "Console":
    """The terminal; colours and width are those of the terminal, or none when there is none."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(markup=False, highlight=False, width=width, soft_wrap=False)


def say(text: str) -> None:
    """A sentence for people."""
    typer.echo(text)


def print_json(value: Any) -> None:
    """Machine form, indented so that people can read it too."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_records(
    records: Sequence[Record],
    columns: Sequence[Column],
    *,
    as_json: bool,
    title: str = "",
    empty: str = "nothing found",
) -> None:
    """A table of the columns, or all of the records as a JSON list."""
    if as_json:
        print_json([dict(record) for record in records])
    elif not records:
        say(f"{title}: {empty}" if title else empty)
    else:
        print_table(records, columns, title=title)


def print_table(records: Sequence[Record], columns: Sequence[Column], *, title: str = "") -> None:
    """A table for people."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    if title:
        say(title)
    filled = [column for column in columns if any(column.text(record) for record in records)]
    has_header = any(column.title for column in filled)
    table = Table(
        box=SIMPLE_HEAD, show_header=has_header, show_edge=has_header, pad_edge=False, padding=(0, 1, 0, 0)
    )
    for column in filled:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=column.right or column.is_time,
            min_width=min(NARROW, max(len(column.text(record)) for record in records)),
        )
    for record in records:
        table.add_row(*(Text(column.text(record)) for column in filled))
    console().print(table)


def print_facts(record: Record, *, as_json: bool, title: str = "") -> None:
    """One record: a line for each key that has a plain value, or all of it as a JSON object."""
    if as_json:
        print_json(dict(record))
        return
    facts = [
        {"key": key.replace("_", " "), "value": value}
        for key, value in record.items()
        if value not in (None, "") and not isinstance(value, list)
    ]
    print_table(facts, (Column("key", ""), Column("value", "")), title=title)


# ----------------------------------------------------------------------------------------- options


def choose(choices: type[E], word: str, option: str) -> E:
    """The member of an enum that a person named, in any case; InputError when there is none."""
    for choice in choices:
        if str(choice.value).casefold() == word.strip().casefold():
            return choice
    known = ", ".join(str(choice.value) for choice in choices)
    raise InputError(option, f"{word!r} is none of {known}")


# ----------------------------------------------------------------------------------------- times


def format_time(epoch_ms: int | None) -> str | None:
    """ISO 8601 in UTC with milliseconds where there are any; None for 0 and None: not known."""
    if not epoch_ms:
        return None
    instant = datetime.fromtimestamp(epoch_ms // 1000, UTC).replace(microsecond=epoch_ms % 1000 * 1000)
    text = instant.isoformat(timespec="milliseconds" if epoch_ms % 1000 else "seconds")
    return text.replace("+00:00", "Z")


def parse_time(text: str, place: str, zone: str = "UTC") -> int:
    """Epoch milliseconds of ``2026-02-01``, ``2026-02-01T18:00`` or the same with ``Z`` or an offset.

    Args:
        text: ISO 8601.
        place: what to name in the error.
        zone: IANA name; counts when the text has no offset.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(place, f"{text!r} is not a time such as 2026-02-01T18:00:00Z") from None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=ZoneInfo(zone))
    return round(instant.timestamp() * 1000)

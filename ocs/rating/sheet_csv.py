"""CSV files as rows of cells: encoding, delimiter, quoting.

Owns what bytes become cells. Does not own what cells mean (`ocs.rating.sheet_row`).
"""

import csv
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, NamedTuple

from ocs.errors import InputError

DELIMITERS: Final = (",", ";", "\t", "|")

SAMPLE_LINES: Final = 50
"Lines that are looked at before the first is read: to find the delimiter, the header, the decimal mark."


class SheetRow(NamedTuple):
    """One record of a sheet."""

    line: int
    "Where it begins, counted from 1."
    cells: Sequence[str]
    fault: str = ""
    "Why it cannot be taken apart; there are no cells then."


def decode_lines(lines: Iterable[bytes], name: str) -> Iterator[str]:
    """Decode UTF-8, with or without a byte order mark; a line that is none is taken for Latin-1.

    Raises:
        InputError: the file is UTF-16.
    """
    for index, line in enumerate(lines):
        if index == 0:
            if line.startswith((BOM_UTF16_BE, BOM_UTF16_LE)):
                raise InputError(f"{name} line 1", "the file is UTF-16: save it as CSV UTF-8")
            line = line.removeprefix(BOM_UTF8)  # noqa: PLW2901 - the mark is no part of the line
        try:
            yield line.decode()
        except UnicodeDecodeError:
            yield line.decode("latin-1")


def find_delimiter(sample: Sequence[str], recognised: Callable[[Sequence[str]], int]) -> str:
    """The delimiter by which some line of the sample reads as the fullest header."""
    return max(
        DELIMITERS,
        key=lambda delimiter: max((recognised(row.cells) for row in _rows(sample, delimiter)), default=0),
    )


def read_csv(
    lines: Iterable[bytes], *, name: str, recognised: Callable[[Sequence[str]], int], delimiter: str | None
) -> Iterator[SheetRow]:
    """Return the rows, blank ones left out. The delimiter is found from the header when None is given.

    Raises:
        InputError: the file is UTF-16.
    """
    decoded = decode_lines(lines, name)
    sample = list(islice(decoded, SAMPLE_LINES))
    return _rows(chain(sample, decoded), delimiter or find_delimiter(sample, recognised))


def _rows(lines: Iterable[str], delimiter: str) -> Iterator[SheetRow]:
    # Strict, because a quote that is never closed would otherwise swallow the rows behind it in silence.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield SheetRow(line, (), f"is not CSV: {error}")
        else:
            if any(cells):
                yield SheetRow(line, cells)

"""A rate sheet as a stream of rates, with every bad row on a list.

Owns finding the header and the decimal mark, rules between rows, the list of errors. Does not own the file:
it is given, and read once. Rating section 9.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import BinaryIO, Final

from ocs.errors import InputError
from ocs.rating.index import Version, to_rate
from ocs.rating.sheet_cell import read_price, read_price_with_comma
from ocs.rating.sheet_column import DESTINATION, PRICED_FIELDS, Column, HeaderReader
from ocs.rating.sheet_csv import SAMPLE_LINES, SheetRow, read_csv
from ocs.rating.sheet_instant import InstantReader, parse_zone
from ocs.rating.sheet_row import BadRowError, RowReader
from ocs.rating.sheet_xlsx import MAGIC, read_xlsx
from ocs.rating.tariff import Rate

ERRORS_MAX: Final = 1_000
"Errors that are kept; further ones are only counted."

_COMMA_PRICE: Final = re.compile(r"\s*\d+,\d+\s*", re.ASCII)


class Sheet:
    """A rate sheet. Iterating, which works once, yields the rates of its good rows."""

    def __init__(self, name: str, header: "_Header", rows: Iterator[SheetRow], reader: RowReader) -> None:
        self.name = name
        self.columns: frozenset[Column] = frozenset(column for _, column in header.columns.values())
        "What the sheet says of a rate; everything else is left as it is."
        self.row_count = 0
        "Rows read so far below the header, good and bad."
        self.bad_row_count = 0
        self.error_count = 0
        self.errors: list[InputError] = []
        "The first `ERRORS_MAX` of them, in order; complete once the sheet has been iterated."
        self.unread: set[str] = set()
        "Destinations of bad rows: the sheet names them, whatever else it says of them is lost."
        self._width = header.width
        self._destination_title = header.destination_title
        self._rows = rows
        self._reader = reader
        self._lines: dict[int, dict[str, int]] = {}

    def __iter__(self) -> Iterator[Rate]:
        for row in self._rows:
            self.row_count += 1
            try:
                destinations, version = self._read(row)
            except BadRowError as bad:
                self._refuse(row.line, bad.faults)
                self.unread.update(bad.destinations)
                continue
            for destination in destinations:
                yield to_rate(destination, version)

    def _read(self, row: SheetRow) -> tuple[Sequence[str], Version]:
        """Read a row and compare it with the rows before."""
        cells = row.cells
        if row.fault:
            raise BadRowError([InputError("", row.fault)])
        if len(cells) != self._width:
            if any(cell.strip() for cell in cells[self._width :]):
                raise BadRowError([InputError("", f"has {len(cells)} cells under {self._width} titles")])
            cells = [*cells, *[""] * (self._width - len(cells))]
        destinations, version = self._reader.read(cells)
        lines = self._lines.setdefault(version.effective_from_s, {})
        for destination in destinations:
            first = lines.setdefault(destination, row.line)
            if first != row.line:
                instant = datetime.fromtimestamp(version.effective_from_s, UTC)
                reason = f"{destination!r} from {instant:%Y-%m-%d %H:%M:%S} UTC is already on line {first}"
                raise BadRowError([InputError(self._destination_title, reason)], destinations)
        return destinations, version

    def _refuse(self, line: int, faults: Sequence[InputError]) -> None:
        self.bad_row_count += 1
        self.error_count += len(faults)
        for fault in faults[: max(0, ERRORS_MAX - len(self.errors))]:
            column = f", column {fault.place!r}" if fault.place else ""
            self.errors.append(InputError(f"{self.name} line {line}{column}", fault.reason))


class _Header:
    """The columns of a sheet, found."""

    def __init__(self, line: int, cells: Sequence[str], columns: Sequence[Column | None]) -> None:
        self.line = line
        self.width = len(cells)
        self.columns = {
            index: (cells[index].strip(), column)
            for index, column in enumerate(columns)
            if column is not None
        }
        "Cell index -> title as written, and its column."

    @property
    def destination_title(self) -> str:
        """The title under which destinations stand."""
        titles = [title for title, column in self.columns.values() if column is DESTINATION]
        return titles[0] if titles else next(iter(self.columns.values()))[0]

    @property
    def price_indexes(self) -> list[int]:
        """Cells that hold prices."""
        return [
            index
            for index, (_, column) in self.columns.items()
            if column.field != "formula" and not set(column.fields).isdisjoint(PRICED_FIELDS)
        ]


def parse_sheet(
    source: BinaryIO,
    *,
    name: str,
    now_s: int,
    zone: str = "UTC",
    mapping: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    decimal_comma: bool | None = None,
    day_first: bool | None = None,
    worksheet: str | None = None,
) -> Sheet:
    """Open a rate sheet, CSV or XLSX: its header is read, its rows when it is iterated.

    Args:
        source: the file, open for bytes; a CSV is read line by line, a workbook at once.
        name: what errors call it.
        now_s: what an empty or absent date means, epoch seconds.
        zone: IANA zone of dates that carry none.
        mapping: foreign titles and what they mean, ``{"Dial code": "destination"}``; an empty meaning leaves
            the column out. Other unknown titles are refused: a misspelt price would be a free one.
        delimiter: of a CSV; None: found from the header.
        decimal_comma: how prices are written; None: found from the first rows.
        day_first: how 01/04/2026 is meant; None: refused unless only one reading is possible.
        worksheet: of a workbook; None: the active one.

    Raises:
        InputError: the file is not readable, or has no header that `ocs.rating.sheet_column` accepts.
    """
    titles = HeaderReader(mapping or {})
    instants = InstantReader(
        now_s=now_s, zone=parse_zone(zone, "as the zone of the sheet", "zone"), day_first=day_first
    )
    first_line = source.readline()
    if first_line.startswith(MAGIC):
        rows = read_xlsx(first_line + source.read(), name=name, worksheet=worksheet)
    else:
        lines = chain([first_line], source)
        rows = read_csv(lines, name=name, recognised=titles.recognised, delimiter=delimiter)
    header = _find_header(rows, titles, name)
    if decimal_comma is None:
        sample = list(islice(rows, SAMPLE_LINES))
        rows = chain(sample, rows)
        decimal_comma = _writes_comma(sample, header.price_indexes)
    reader = RowReader(
        header.columns, instants=instants, read_price=read_price_with_comma if decimal_comma else read_price
    )
    return Sheet(name, header, rows, reader)


def _find_header(rows: Iterator[SheetRow], titles: HeaderReader, name: str) -> _Header:
    """Pass over what stands above the header, and read it."""
    for row in islice(rows, SAMPLE_LINES):
        if titles.recognised(row.cells):
            return _Header(row.line, row.cells, titles.read(row.cells, f"{name} line {row.line}"))
    raise InputError(
        f"{name} line 1",
        f"no column 'Destination' in the first {SAMPLE_LINES} rows: map the column that has it",
    )


def _writes_comma(sample: Sequence[SheetRow], price_indexes: Sequence[int]) -> bool:
    """Whether more prices of the sample are written with a decimal comma than with a point."""
    prices = [row.cells[index] for row in sample for index in price_indexes if index < len(row.cells)]
    commas = sum(_COMMA_PRICE.fullmatch(price) is not None for price in prices)
    return commas > sum("." in price for price in prices)

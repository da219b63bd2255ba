"""Rates as rows of a sheet that reads back as the same rates.

Owns what an exported cell says. Does not own which rates are exported (`ocs.rating.search` finds some) or
files. Rating section 9.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from enum import Enum
from io import TextIOWrapper
from typing import Any, BinaryIO, Final

from ocs.errors import InputError
from ocs.rating.directory import Directory
from ocs.rating.sheet_cell import ALWAYS
from ocs.rating.sheet_column import (
    COLUMNS,
    COMPOSITE_FIELDS,
    COUNTRY_PREFIX,
    DESTINATION,
    PRICE_SET_TITLES,
    Column,
    check_columns,
    sets,
)
from ocs.rating.sheet_xlsx import write_xlsx
from ocs.rating.tariff import PriceSet, Rate
from ocs.units import format_price

EXPORTED: Final = tuple(
    column
    for column in COLUMNS
    if column is not COUNTRY_PREFIX and column.field not in COMPOSITE_FIELDS and not column.about_destination
)
"Columns that say everything about a rate."


class SheetFormat(Enum):
    """Kind of file."""

    CSV = "csv"
    "UTF-8, commas."
    XLSX = "xlsx"


def write_sheet(
    rates: Iterable[Rate],
    columns: Sequence[Column],
    target: BinaryIO,
    *,
    form: SheetFormat = SheetFormat.CSV,
    zone: tzinfo = UTC,
    directory: Directory | None = None,
) -> int:
    """Write a sheet and return the number of rates in it. Importing what was written changes nothing.

    Args:
        rates: in the order of the rows. Without the column Effective From: one version of each destination.
        columns: in the order of the sheet; `EXPORTED` are all that matter.
        target: a file open for bytes.
        form: kind of file.
        zone: in which dates are written; the offset stands beside each.
        directory: fills the columns about destinations; without it they stay empty.

    Raises:
        InputError: the columns cannot be read back (see `check_columns`), or not for one of the rates.
    """
    _check_export(columns)
    writers = [_cell_writer(column, zone=zone, directory=directory) for column in columns]
    counted = _Counted(rates, may_end=any(column.field == "discontinued" for column in columns))
    rows = ([writer(rate) for writer in writers] for rate in counted)
    titles = [column.title for column in columns]
    if form is SheetFormat.XLSX:
        write_xlsx(titles, rows, target)
    else:
        _write_csv(titles, rows, target)
    return counted.count


def _check_export(columns: Sequence[Column]) -> None:
    """Refuse columns that an import cannot tell apart from something else."""
    check_columns(columns, "columns")
    if DESTINATION not in columns or COUNTRY_PREFIX in columns:
        raise InputError("columns", "an export writes whole prefixes under 'Destination'")
    for price_set in (1, 2):
        fields = sets(columns, price_set)
        if fields and fields.isdisjoint(("next_price_nanos", "unit_price_nanos")):
            title = f"{PRICE_SET_TITLES[price_set]}Price"
            raise InputError("columns", f"without {title!r} nobody could tell which rates have such prices")


class _Counted:
    """Rates that pass by, counted. A discontinued one needs its column: without it, it would read as sold."""

    def __init__(self, rates: Iterable[Rate], *, may_end: bool) -> None:
        self.count = 0
        self._rates = rates
        self._may_end = may_end

    def __iter__(self) -> Iterator[Rate]:
        for rate in self._rates:
            if rate.discontinued and not self._may_end:
                raise InputError("columns", f"rate {rate.destination!r} needs the column 'Discontinued'")
            self.count += 1
            yield rate


def _write_csv(titles: Sequence[str], rows: Iterable[Sequence[str]], target: BinaryIO) -> None:
    text = TextIOWrapper(target, encoding="utf-8", newline="")
    try:
        writer = csv.writer(text)
        writer.writerow(titles)
        writer.writerows(rows)
    finally:
        text.detach()  # The file is the caller's to close.


CellWriter = Callable[[Rate], str]


def _cell_writer(column: Column, *, zone: tzinfo, directory: Directory | None) -> CellWriter:
    """Make what writes one column's cell of a rate."""
    name = column.field
    if column.about_destination:
        return lambda rate: _about(rate.destination, name, directory)
    if column.price_set is not None:
        return _price_set_writer(column)
    if name == "destination":
        return lambda rate: rate.destination
    if name == "effective_from_s":
        return lambda rate: format_instant(rate.effective_from_s, zone)
    return lambda rate: _flag(getattr(rate, name))


def _price_set_writer(column: Column) -> CellWriter:
    """Make what writes a column of one price set; empty for rates without that set."""
    name = column.field
    if not column.price_set:
        return lambda rate: _price_set_cell(rate.peak, name, rate)
    place = column.price_set - 1

    def write(rate: Rate) -> str:
        if place >= len(rate.off_peak):
            return ""
        off_peak = rate.off_peak[place]
        if name == "period":
            return "" if off_peak.period is None else off_peak.period or ALWAYS
        return _price_set_cell(off_peak.prices, name, rate)

    return write


def _price_set_cell(prices: PriceSet, name: str, rate: Rate) -> str:
    if name == "intervals":
        return f"{prices.first_interval_s}/{prices.next_interval_s}"
    if name == "price":
        if prices.first_price_nanos != prices.next_price_nanos:
            raise InputError(
                "columns", f"first and next price of {rate.destination!r} differ: 'Price' cannot say both"
            )
        return format_price(prices.next_price_nanos)
    value: Any = getattr(prices, name)
    if isinstance(value, bool):
        return _flag(value)
    return format_price(value) if name.endswith("_nanos") else str(value)


def _flag(value: bool) -> str:  # noqa: FBT001 - the value itself is what is written
    return "yes" if value else ""


def _about(destination: str, name: str, directory: Directory | None) -> str:
    info = None if directory is None else directory.find(destination)
    return "" if info is None else getattr(info, name)


def format_instant(at_s: int, zone: tzinfo) -> str:
    """Write an instant with its offset; in UTC where the zone's offset then was not of whole minutes."""
    moment = datetime.fromtimestamp(at_s, zone)
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        moment = moment.astimezone(UTC)
    return moment.isoformat(sep=" ")

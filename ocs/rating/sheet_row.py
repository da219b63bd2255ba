"""Rows of rate sheets: cells to destinations and what holds for them.

Owns the rules within one row. Does not own rules between rows (`ocs.rating.sheet_reading`) or against the
tariff (`ocs.rating.sheet_diff`). Rating section 9.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from ocs.errors import InputError
from ocs.rating import sheet_cell
from ocs.rating.destination import parse_destination
from ocs.rating.index import Version
from ocs.rating.sheet_column import (
    COUNTRY_PREFIX,
    DESTINATION,
    FLAG_FIELDS,
    PRICE_FIELDS,
    PRICED_FIELDS,
    STEP_FIELDS,
    Column,
    sets,
)
from ocs.rating.sheet_instant import InstantReader
from ocs.rating.tariff import OffPeak, PriceSet

REMEMBERED_MAX: Final = 65_536
"Versions that are remembered by the text of their cells: carriers repeat a few prices all over a sheet."

CellReader = Callable[[str, str], Any]

_READERS: Final[dict[str, CellReader]] = {
    "first_interval_s": sheet_cell.read_count,
    "next_interval_s": sheet_cell.read_count,
    "intervals": sheet_cell.read_intervals,
    "rounding": sheet_cell.read_count,
    "formula": sheet_cell.read_formula,
    "period": sheet_cell.read_period,
    "route_category": sheet_cell.read_text,
    "preference": sheet_cell.read_preference,
    "huntstop": sheet_cell.read_flag,
    **dict.fromkeys(FLAG_FIELDS, sheet_cell.read_flag),
}
_PRICE_FIELDS: Final = ("first_price_nanos", "next_price_nanos", "price", "unit_price_nanos")

Values = dict[str, Any]
"Fields that cells of a row gave, by name."


class BadRowError(Exception):
    """A row has faults; all of them, each with the title of its column as place."""

    def __init__(self, faults: Sequence[InputError], destinations: Sequence[str] = ()) -> None:
        super().__init__(faults)
        self.faults = faults
        self.destinations = destinations
        "What the row is about, if that could be read."


class RowReader:
    """Reads the rows under one header."""

    def __init__(
        self,
        header: Mapping[int, tuple[str, Column]],
        *,
        instants: InstantReader,
        read_price: CellReader = sheet_cell.read_price,
    ) -> None:
        """Prepare for a header.

        Args:
            header: cell index -> title in this sheet, and its column.
            instants: reads dates.
            read_price: reads prices.
        """
        self._readers = {
            **_READERS,
            **dict.fromkeys(_PRICE_FIELDS, read_price),
            "effective_from_s": instants.read,
        }
        self._now_s = instants.now_s
        self._destination = _index_of(DESTINATION, header)
        self._country = _index_of(COUNTRY_PREFIX, header)
        self._titles = {index: title for index, (title, _) in header.items()}
        self._terms = [
            (index, title, column)
            for index, (title, column) in header.items()
            if column not in (DESTINATION, COUNTRY_PREFIX) and not column.about_destination
        ]
        self._term_indexes = [index for index, _, _ in self._terms]
        columns = [column for _, _, column in self._terms]
        self._sets = tuple(sets(columns, price_set) for price_set in range(3))
        self._remembered: dict[tuple[str, ...], Version] = {}

    def read(self, cells: Sequence[str]) -> tuple[Sequence[str], Version]:
        """Return the destinations of a row and what it says about each of them.

        Raises:
            BadRowError: every fault of the row.
        """
        faults: list[InputError] = []
        destinations: Sequence[str] = ()
        try:
            destinations = self._destinations(cells)
        except InputError as fault:
            faults.append(fault)
        key = tuple([cells[index] for index in self._term_indexes])
        version = self._remembered.get(key)
        if version is None:
            version = self._version(cells, faults)
            if faults:
                raise BadRowError(faults, destinations)
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[key] = version
        elif faults:
            raise BadRowError(faults)
        return destinations, version

    def _destinations(self, cells: Sequence[str]) -> Sequence[str]:
        country = "" if self._country is None else cells[self._country].strip()
        if not country:
            if self._destination is None:
                raise InputError(self._titles[self._country or 0], "is empty")
            return (parse_destination(cells[self._destination], self._titles[self._destination]),)
        prefix = sheet_cell.read_country_prefix(country, self._titles[self._country or 0])
        if self._destination is None:
            return (prefix,)
        areas = sheet_cell.read_areas(prefix, cells[self._destination], self._titles[self._destination])
        return tuple(dict.fromkeys(areas))

    def _version(self, cells: Sequence[str], faults: list[InputError]) -> Version:
        """Read everything but the destination; what cannot be read is added to `faults`."""
        rows: Values = {}
        price_sets: tuple[Values, Values, Values] = ({}, {}, {})
        for index, title, column in self._terms:
            if cells[index].strip():
                into = rows if column.price_set is None else price_sets[column.price_set]
                try:
                    value = self._readers[column.field](cells[index], title)
                except InputError as fault:
                    faults.append(_within_cell(fault, title, cells[index]))
                    value = None
                into.update(_spread(column, value))
        if not faults:
            faults.extend(self._row_faults(rows, price_sets))
        if faults:
            return _NOTHING
        peak, first, second = price_sets
        return Version(
            effective_from_s=rows.get("effective_from_s", self._now_s),
            peak=PriceSet(**peak),
            off_peak=tuple(_off_peak(values, peak) for values in (first, second) if values),
            **{flag: rows.get(flag, False) for flag in FLAG_FIELDS},
        )

    def _row_faults(self, rows: Values, price_sets: Sequence[Values]) -> Iterator[InputError]:
        """What is wrong between the cells of a row."""
        ends = rows.get("discontinued", False) or rows.get("forbidden", False)
        for price_set, values in enumerate(price_sets):
            title = self._title_of_price(price_set)
            # A peak formula alone may be blank: the prices of the rate in force stay, only its formula goes.
            expected = bool(values) if price_set else not self._sets[0].isdisjoint(PRICE_FIELDS)
            must_have_price = expected and not ends
            if ("first_price_nanos" in values) != ("next_price_nanos" in values):
                yield InputError(title, "one of first and next price is empty")
            elif must_have_price and values.keys().isdisjoint(PRICED_FIELDS):
                yield InputError(title, "is empty: the row has no price")
        if price_sets[2] and not price_sets[1]:
            yield InputError(self._title_of_price(1), "is empty, but the second off-peak prices are given")

    def _title_of_price(self, price_set: int) -> str:
        """The title of the first column that can price a set, empty when there is none."""
        return next(
            (
                title
                for _, title, column in self._terms
                if column.price_set == price_set and not set(column.fields).isdisjoint(PRICED_FIELDS)
            ),
            "",
        )


_NOTHING: Final = Version(0, PriceSet(), (), payback=False, hidden=False, discontinued=False, forbidden=False)


def _index_of(wanted: Column, header: Mapping[int, tuple[str, Column]]) -> int | None:
    return next((index for index, (_, column) in header.items() if column is wanted), None)


def _within_cell(fault: InputError, title: str, text: str) -> InputError:
    """A fault with the column as its place; a position within the cell goes into the reason."""
    position = fault.place.removeprefix(title)
    return InputError(title, f"{text!r}{position}: {fault.reason}" if position else fault.reason)


def _spread(column: Column, value: Any) -> Values:
    """The fields that a column sets, with their values."""
    if isinstance(value, tuple):
        return dict(zip(column.fields, value, strict=True))
    return dict.fromkeys(column.fields, value)


def _off_peak(values: Values, peak: Values) -> OffPeak:
    """An off-peak set; steps of billing that it does not give are those of the peak."""
    steps: Values = {field: peak[field] for field in STEP_FIELDS if field in peak}
    period = values.pop("period", None)
    return OffPeak(period=period, prices=PriceSet(**(steps | values)))

"""Columns of rate sheets: their titles, what they set, and which of them make a readable header.

Owns the list of columns, the matching of header names, the rules between columns. Does not own cells
(`ocs.rating.sheet_cell`) or rows (`ocs.rating.sheet_row`). Rating section 9.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ocs.errors import InputError

PRICE_SET_TITLES: Final = ("", "Off-peak ", "Second Off-peak ")
"What stands in front of a column's title in each of the three price sets."

_FIELD_TITLES: Final = {
    "first_interval_s": "First Interval",
    "next_interval_s": "Next Interval",
    "intervals": "Intervals",
    "first_price_nanos": "First Price",
    "next_price_nanos": "Next Price",
    "price": "Price",
    "rounding": "Rounding",
    "unit_price_nanos": "Unit Price",
    "formula": "Formula",
    "route_category": "Route Category",
    "preference": "Preference",
    "huntstop": "Huntstop",
}

COMPOSITE_FIELDS: Final = {
    "price": ("first_price_nanos", "next_price_nanos"),
    "intervals": ("first_interval_s", "next_interval_s"),
}
"Columns that set two fields of a price set at once."

PRICE_FIELDS: Final = ("first_price_nanos", "next_price_nanos", "unit_price_nanos")
PRICED_FIELDS: Final = (*PRICE_FIELDS, "formula")
"Fields of which a price set needs at least one."

STEP_FIELDS: Final = ("first_interval_s", "next_interval_s", "rounding")
"Fields that a new off-peak set takes from the peak when nobody says otherwise."

FLAG_FIELDS: Final = ("payback", "hidden", "discontinued", "forbidden")


@dataclass(frozen=True, slots=True)
class Column:
    """One kind of column."""

    title: str
    "As it is exported; a header may write it in any case and spacing."
    field: str
    "What it sets: a field of `Rate`, `PriceSet` or `DestinationInfo`, or a composite."
    price_set: int | None = None
    "0 peak, 1 off-peak, 2 second off-peak; None: it belongs to the row."
    about_destination: bool = False
    "Says something of the destination, not of the rate: exported, passed over on import."

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it sets."""
        return COMPOSITE_FIELDS.get(self.field, (self.field,))


DESTINATION: Final = Column("Destination", "destination")
COUNTRY_PREFIX: Final = Column("Country Prefix", "country_prefix")
EFFECTIVE_FROM: Final = Column("Effective From", "effective_from_s")


def _price_set_columns(price_set: int) -> list[Column]:
    prefix = PRICE_SET_TITLES[price_set]
    columns = [Column(f"{prefix}{title}", field, price_set) for field, title in _FIELD_TITLES.items()]
    return [Column(f"{prefix}Period", "period", price_set), *columns] if price_set else columns


COLUMNS: Final[tuple[Column, ...]] = (
    DESTINATION,
    COUNTRY_PREFIX,
    EFFECTIVE_FROM,
    *_price_set_columns(0),
    *_price_set_columns(1),
    *_price_set_columns(2),
    *(Column(field.title(), field) for field in FLAG_FIELDS),
    Column("Description", "description", about_destination=True),
    Column("Country", "country", about_destination=True),
    Column("ISO", "iso", about_destination=True),
    Column("MCC", "mcc", about_destination=True),
    Column("MNC", "mnc", about_destination=True),
    Column("Destination Group", "group", about_destination=True),
)
"Every column that a sheet may have."


def normalised(title: str) -> str:
    """What of a title counts when titles are compared: letters and digits, in one case."""
    return "".join(character for character in title.casefold() if character.isalnum())


_BY_NAME: Final = {normalised(column.title): column for column in COLUMNS}


def find_column(title: str, place: str = "column") -> Column:
    """Return the column with this title.

    Raises:
        InputError: there is none.
    """
    column = _BY_NAME.get(normalised(title))
    if column is None:
        raise InputError(place, f"{title!r} is not one of: {', '.join(column.title for column in COLUMNS)}")
    return column


class HeaderReader:
    """Reads the row that names a sheet's columns."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        """Take foreign titles and what they mean: ``{"Dial code": "destination", "Comment": ""}``.

        Raises:
            InputError: a meaning is no column; empty means that the column is left out.
        """
        self._meaning: dict[str, Column | None] = dict(_BY_NAME)
        for foreign, ours in mapping.items():
            column = find_column(ours, f"mapping of {foreign!r}") if ours.strip() else None
            self._meaning[normalised(foreign)] = column

    def recognised(self, cells: Sequence[str]) -> int:
        """How many cells are titles of columns, 0 when this cannot be a header: none names destinations."""
        meanings = [self._meaning.get(normalised(cell)) for cell in cells]
        if not _names_destinations(meanings):
            return 0
        return sum(meaning is not None for meaning in meanings)

    def read(self, cells: Sequence[str], place: str) -> list[Column | None]:
        """Return each cell's column, None for those that are left out.

        Raises:
            InputError: an unknown title, a title twice, or a combination that `check_columns` refuses.
        """
        columns: list[Column | None] = []
        for title in cells:
            if title.strip() and normalised(title) not in self._meaning:
                raise InputError(
                    place, f"unknown column {title!r}: map it to a known one, or to '' to leave it out"
                )
            column = self._meaning.get(normalised(title))
            if column is not None and column in columns:
                raise InputError(place, f"column {title!r} is there twice")
            columns.append(column)
        check_columns([column for column in columns if column is not None], place)
        return columns


def _names_destinations(columns: Collection[Column | None]) -> bool:
    return DESTINATION in columns or COUNTRY_PREFIX in columns


def check_columns(columns: Sequence[Column], place: str) -> None:
    """Refuse columns that no rate can be read from without guessing.

    Raises:
        InputError: no destination; a field set by two columns; one of first and next price without the other;
            an off-peak set without its prices, or a second one without a first.
    """
    if not _names_destinations(columns):
        raise InputError(place, "no column 'Destination'")
    setter: dict[tuple[int | None, str], Column] = {}
    for column in columns:
        for field in column.fields:
            other = setter.setdefault((column.price_set, field), column)
            if other is not column:
                raise InputError(place, f"columns {other.title!r} and {column.title!r} say the same")
    for price_set, prefix in enumerate(PRICE_SET_TITLES):
        fields = sets(columns, price_set)
        if ("first_price_nanos" in fields) != ("next_price_nanos" in fields):
            raise InputError(
                place,
                f"'{prefix}First Price' and '{prefix}Next Price' come together; '{prefix}Price' sets both",
            )
        if price_set and fields and fields.isdisjoint(PRICED_FIELDS):
            raise InputError(
                place, f"columns of the {prefix.strip()} prices, but no '{prefix}Price' or the like"
            )
    price_sets = {column.price_set for column in columns}
    if 2 in price_sets and 1 not in price_sets:
        raise InputError(place, "columns of the second off-peak prices without those of the first")


def sets(columns: Collection[Column], price_set: int) -> frozenset[str]:
    """The fields of one price set that these columns set."""
    return frozenset(field for column in columns if column.price_set == price_set for field in column.fields)

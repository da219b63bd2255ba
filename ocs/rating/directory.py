"""The destination directory: what a prefix is called, and where it is.

Owns its entries, the search for the one that covers a destination, and the reading of it from CSV and XLSX.
Does not own prices, or what taking it over changes (`ocs.rating.directory_sheet`). Rating sections 1 and 9.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, Final

from ocs.errors import InputError, InputErrors
from ocs.rating.destination import parse_destination
from ocs.rating.sheet_column import normalised
from ocs.rating.sheet_csv import SheetRow, read_csv
from ocs.rating.sheet_xlsx import MAGIC, read_xlsx

ERRORS_MAX: Final = 1_000
"Errors that are listed; reading stops at the last of them."


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationInfo:
    """One entry: a prefix or special destination, and what is known of all that begins with it."""

    prefix: str
    description: str = ""
    country: str = ""
    iso: str = ""
    "ISO 3166-1 alpha-2."
    mcc: str = ""
    "Mobile country code, three digits."
    mnc: str = ""
    "Mobile network code, two or three digits; their number matters."
    group: str = ""
    "Destination group."


class Directory:
    """An immutable directory."""

    __slots__ = ("_entries", "_lengths")

    def __init__(self, entries: Iterable[DestinationInfo]) -> None:
        self._entries = {entry.prefix: entry for entry in entries}
        self._lengths = sorted({len(prefix) for prefix in self._entries}, reverse=True)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[DestinationInfo]:
        return iter(self._entries.values())

    def find(self, destination: str) -> DestinationInfo | None:
        """Return the entry of a special destination, or of the longest prefix that covers these digits."""
        if not destination.isdigit():
            return self._entries.get(destination)
        for length in self._lengths:
            entry = self._entries.get(destination[:length]) if length <= len(destination) else None
            if entry is not None:
                return entry
        return None


_FIELDS: Final = {
    "prefix": "prefix",
    "destination": "prefix",
    "description": "description",
    "country": "country",
    "iso": "iso",
    "mcc": "mcc",
    "mnc": "mnc",
    "destinationgroup": "group",
    "group": "group",
}
"Normalised title -> field."


def parse_directory(
    source: BinaryIO,
    *,
    name: str,
    mapping: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    worksheet: str | None = None,
) -> Directory:
    """Read a CSV or XLSX: Prefix (or Destination), Description, Country, ISO, MCC, MNC, Group.

    Args:
        source: the file, open for bytes.
        name: what errors call it.
        mapping: foreign titles and what they mean; other columns are left out.
        delimiter: of a CSV; None: found from the header.
        worksheet: of a workbook; None: the active one.

    Raises:
        InputErrors: bad rows, all of them: no prefix, a prefix twice, a code that is none.
        InputError: there is no header.
    """
    fields = dict(_FIELDS)
    for foreign, ours in (mapping or {}).items():
        if normalised(ours) not in _FIELDS:
            raise InputError(f"mapping of {foreign!r}", f"{ours!r} is not a column of a directory")
        fields[normalised(foreign)] = _FIELDS[normalised(ours)]

    def recognised(cells: Sequence[str]) -> int:
        known = [fields.get(normalised(cell)) for cell in cells]
        return len(known) - known.count(None) if "prefix" in known else 0

    first_line = source.readline()
    if first_line.startswith(MAGIC):
        rows = read_xlsx(first_line + source.read(), name=name, worksheet=worksheet)
    else:
        lines = chain([first_line], source)
        rows = read_csv(lines, name=name, recognised=recognised, delimiter=delimiter)
    header = next(rows, SheetRow(1, ()))
    if not recognised(header.cells):
        raise InputError(f"{name} line {header.line}", "no column 'Prefix'")
    return _read(rows, [fields.get(normalised(cell)) for cell in header.cells], name)


def _read(rows: Iterator[SheetRow], columns: Sequence[str | None], name: str) -> Directory:
    entries: dict[str, tuple[DestinationInfo, int]] = {}
    errors: list[InputError] = []
    for row in rows:
        if len(errors) >= ERRORS_MAX:
            break
        place = f"{name} line {row.line}"
        try:
            entry = _entry(row, columns, place)
        except InputError as error:
            errors.append(error)
            continue
        _, first = entries.setdefault(entry.prefix, (entry, row.line))
        if first != row.line:
            errors.append(
                InputError(f"{place}, column 'Prefix'", f"{entry.prefix!r} is already on line {first}")
            )
    if errors:
        raise InputErrors(name, errors)
    return Directory(entry for entry, _ in entries.values())


def _entry(row: SheetRow, columns: Sequence[str | None], place: str) -> DestinationInfo:
    if row.fault:
        raise InputError(place, row.fault)
    values = {
        column: cell.strip() for column, cell in zip(columns, row.cells, strict=False) if column is not None
    }
    return make_entry(values, lambda column: f"{place}, column '{column}'")


def make_entry(values: Mapping[str, str], place: Callable[[str], str]) -> DestinationInfo:
    """An entry of texts by field.

    Args:
        values: fields of `DestinationInfo`; absent ones are empty.
        place: what errors call the title of a field: Prefix, MCC, MNC.

    Raises:
        InputError: no prefix or special destination, or a code that is none.
    """
    rest = dict(values)
    prefix = parse_destination(rest.pop("prefix", ""), place("Prefix"))
    _check_code(rest.get("mcc", ""), lengths=(3,), place=place("MCC"))
    _check_code(rest.get("mnc", ""), lengths=(2, 3), place=place("MNC"))
    return DestinationInfo(prefix=prefix, **rest)


def _check_code(code: str, *, lengths: Sequence[int], place: str) -> None:
    if code and not (code.isascii() and code.isdigit() and len(code) in lengths):
        raise InputError(place, f"{code!r} is not a code of {' or '.join(map(str, lengths))} digits")

"""The destination directory as a file to take over, and to write.

Owns what an import of it would change, and its export. Does not own entries or how a file is read
(`ocs.rating.directory`). Rating section 9.
"""

import csv
from collections.abc import Collection, Iterable, Sequence
from io import TextIOWrapper
from typing import BinaryIO, Final, NamedTuple

from ocs.rating.directory import DestinationInfo, Directory
from ocs.rating.sheet_writing import SheetFormat
from ocs.rating.sheet_xlsx import write_xlsx

_TITLES: Final = ("Prefix", "Description", "Country", "ISO", "MCC", "MNC", "Group")
"As they are exported."


class DirectoryDiff(NamedTuple):
    """What taking a directory over would change."""

    new: Sequence[DestinationInfo]
    changed: Sequence[DestinationInfo]
    removed: Collection[str]
    "Prefixes."
    unchanged: int

    @property
    def changes_anything(self) -> bool:
        """Whether there is something to write."""
        return bool(self.new or self.changed or self.removed)


def diff_directory(
    existing: Iterable[DestinationInfo], wanted: Directory, *, replaces: bool
) -> DirectoryDiff:
    """Compare what is stored with a directory that was read.

    Args:
        existing: every entry that is stored.
        wanted: what was read; an entry of it replaces the one of the same prefix whole.
        replaces: entries that it does not have are removed.
    """
    before = {entry.prefix: entry for entry in existing}
    new = [entry for entry in wanted if entry.prefix not in before]
    changed = [entry for entry in wanted if before.get(entry.prefix, entry) != entry]
    removed = before.keys() - {entry.prefix for entry in wanted} if replaces else frozenset[str]()
    return DirectoryDiff(new, changed, removed, len(wanted) - len(new) - len(changed))


def write_directory(entries: Iterable[DestinationInfo], target: BinaryIO, *, form: SheetFormat) -> int:
    """Write all entries under titles that `parse_directory` reads; the number of them."""
    rows = [
        (entry.prefix, entry.description, entry.country, entry.iso, entry.mcc, entry.mnc, entry.group)
        for entry in entries
    ]
    if form is SheetFormat.XLSX:
        write_xlsx(_TITLES, rows, target)
        return len(rows)
    text = TextIOWrapper(target, encoding="utf-8", newline="")
    try:
        csv.writer(text).writerows([_TITLES, *rows])
    finally:
        text.detach()  # The file is the caller's to close.
    return len(rows)

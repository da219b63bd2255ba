"""The destination directory as resources: what prefixes mean to people. No price depends on it."""

from collections.abc import Sequence
from typing import Any, Final

from ocs.charging.resource.collection import Collection, Key, behind
from ocs.charging.resource.fact import FactReader, Facts
from ocs.charging.resource.rate import directory_facts
from ocs.ports import AuditEntry, CatalogStore
from ocs.rating.destination import parse_destination
from ocs.rating.directory import DestinationInfo

DESCRIPTION_CHARACTERS_MAX: Final = 200
MCC_DIGITS: Final = (3,)
MNC_DIGITS: Final = (2, 3)


class Destinations(Collection[DestinationInfo]):
    """Entries of the directory."""

    segments = ("destinations",)
    title = "destination"
    fields = frozenset({"description", "country", "country_code", "mcc", "mnc", "group"})

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog

    def new_key(self, parent: Key, new_id: str, facts: Facts) -> Key:  # noqa: ARG002 - prefixes are its ids
        """A phone prefix or a special destination."""
        return (parse_destination(new_id, "id"),)

    async def find(self, key: Key) -> DestinationInfo | None:
        """The entry of this prefix."""
        entries = await self._catalog.load_destinations()
        return next((entry for entry in entries if entry.prefix == key[0]), None)

    async def page(
        self, filters: Facts, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, DestinationInfo]]:
        """Entries by prefix; filters: `prefix` and `group`."""
        prefix, group = str(filters.get("prefix") or ""), str(filters.get("group") or "")
        entries = await self._catalog.load_destinations()
        return behind(
            [
                ((entry.prefix,), entry)
                for entry in entries
                if entry.prefix.startswith(prefix) and group in ("", entry.group)
            ],
            after,
            limit,
        )

    async def facts(self, record: DestinationInfo) -> dict[str, Any]:
        """What the directory says."""
        facts = directory_facts(record)
        if record.group:
            facts["group"] = f"destinationGroups/{record.group}"
        return facts

    async def build(
        self,
        key: Key,
        facts: Facts,
        former: DestinationInfo | None,  # noqa: ARG002 - all of an entry is shown
    ) -> DestinationInfo:
        """The entry that the facts say."""
        reader = FactReader(facts)
        code = reader.text("country_code").upper()
        if code and not (len(code) == 2 and code.isascii() and code.isalpha()):
            reader.refuse("country_code", f"{code!r} is not an ISO 3166-1 alpha-2 code")
        record = DestinationInfo(
            prefix=key[0],
            description=reader.text("description", characters_max=DESCRIPTION_CHARACTERS_MAX),
            country=reader.text("country"),
            iso=code,
            mcc=_read_digits(reader, "mcc", MCC_DIGITS),
            mnc=_read_digits(reader, "mnc", MNC_DIGITS),
            group=reader.reference("group", "destinationGroups"),
        )
        reader.finish()
        return record

    async def write(
        self,
        record: DestinationInfo,
        former: DestinationInfo | None,  # noqa: ARG002 - an entry replaces whatever is there
        audit: AuditEntry,
    ) -> None:
        """Keep an entry."""
        await self._catalog.save_destinations([record], audit=audit)

    async def erase(self, record: DestinationInfo, audit: AuditEntry) -> None:
        """Delete an entry."""
        await self._catalog.save_destinations([], removed=[record.prefix], audit=audit)


def _read_digits(reader: FactReader, field: str, lengths: tuple[int, ...]) -> str:
    text = reader.text(field)
    if text and not (text.isascii() and text.isdigit() and len(text) in lengths):
        reader.refuse(field, f"{text!r} does not have {' or '.join(map(str, lengths))} digits")
    return text

"""The destination directory on SQL: what prefixes mean to people."""

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, delete, select

from ocs.ports import AuditEntry
from ocs.rating.directory import DestinationInfo
from ocs.storage.sql import statement
from ocs.storage.sql.access import add_audit
from ocs.storage.sql.database import Database
from ocs.storage.sql.schema import destination

T = TypeVar("T")

CHUNK: Final = 500
"Entries per transaction, so that a server that waits for the write lock gets it soon."
GAP_S: Final = 0.002
"Left between transactions."

_UPSERT: Final = statement.upsert(destination, ["prefix"])


class SqlDestinations:
    """The part of the catalogue that is about destinations."""

    _database: Database

    async def load_destinations(self) -> Sequence[DestinationInfo]:
        """Every entry, by prefix."""
        ordered = select(destination).order_by(destination.c.prefix)
        return await self._database.read(
            lambda connection: [_info_of(row) for row in connection.execute(ordered)]
        )

    async def save_destinations(
        self,
        entries: Iterable[DestinationInfo],
        *,
        removed: Collection[str] = (),
        audit: AuditEntry | None = None,
    ) -> None:
        """Insert or replace entries by prefix, and remove others, in short transactions."""

        def write() -> None:
            for part in _parts(entries):
                self._database.transact(partial(_upsert, part))
                time.sleep(GAP_S)
            for prefixes in _parts(removed):
                self._database.transact(partial(_delete, prefixes))
                time.sleep(GAP_S)

        def write_with_entry(entry: AuditEntry) -> None:
            new, gone = list(entries), list(removed)

            def last(connection: Connection) -> None:
                if new:
                    _upsert(new[-CHUNK:], connection)
                if gone:
                    _delete(gone[-CHUNK:], connection)
                add_audit(connection, entry)

            for part in _parts(new[:-CHUNK]):
                self._database.transact(partial(_upsert, part))
                time.sleep(GAP_S)
            for prefixes in _parts(gone[:-CHUNK]):
                self._database.transact(partial(_delete, prefixes))
                time.sleep(GAP_S)
            self._database.transact(last)

        await self._database.run(write if audit is None else partial(write_with_entry, audit))


def _parts(values: Iterable[T]) -> Iterator[list[T]]:
    source = iter(values)
    while part := list(islice(source, CHUNK)):
        yield part


def _upsert(entries: Sequence[DestinationInfo], connection: Connection) -> None:
    rows = [
        (entry.prefix, entry.description, entry.country, entry.iso, entry.mcc, entry.mnc, entry.group)
        for entry in entries
    ]
    connection.exec_driver_sql(_UPSERT, rows)


def _delete(prefixes: Sequence[str], connection: Connection) -> None:
    connection.execute(delete(destination).where(destination.c.prefix.in_(prefixes)))


def _info_of(row: Sequence[Any]) -> DestinationInfo:
    prefix, description, country, iso, mcc, mnc, group = row
    return DestinationInfo(
        prefix=prefix, description=description, country=country, iso=iso, mcc=mcc, mnc=mnc, group=group
    )

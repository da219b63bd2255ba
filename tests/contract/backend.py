"""What the contract runs against. To add a store: one class here, one name in `BACKENDS`."""

import sqlite3
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from ocs.ports import AuditEntry, CatalogStore, LedgerStore
from ocs.storage.memory import MemoryCatalogStore, MemoryLedgerStore
from ocs.storage.migrations import migrate
from ocs.storage.sql.stores import open_sql_stores


@dataclass(frozen=True)
class Stores:
    """Both stores, as one process has them."""

    ledger: LedgerStore
    catalog: CatalogStore

    async def close(self) -> None:
        """Close both."""
        await self.ledger.close()
        await self.catalog.close()


class Backend(Protocol):
    """An empty database that stores can be opened on, repeatedly and at the same time."""

    def open(self) -> Stores:
        """Open both stores as a process of their own would."""
        ...

    def damage(self, table: str, where: dict[str, Any], **changes: Any) -> None:
        """Change records behind the stores' back."""
        ...


class MemoryBackend:
    """The reference. Whoever opens it gets the same dictionaries."""

    def __init__(self, folder: Path) -> None:
        audit: list[AuditEntry] = []
        self._stores = Stores(MemoryLedgerStore(audit), MemoryCatalogStore(audit))

    def open(self) -> Stores:
        """The one pair of stores."""
        return self._stores

    def damage(self, table: str, where: dict[str, Any], **changes: Any) -> None:
        """Replace fields of the records that match."""
        ledger = self._stores.ledger
        assert isinstance(ledger, MemoryLedgerStore)
        records: Any = {
            "account_state": [ledger.accounts],
            "session": [ledger.sessions],
            "reservation": list(ledger.reservations.values()),
            "ledger_entry": [ledger.entries],
        }[table]
        for mapping in records:
            for key, row in mapping.items():
                if all(getattr(row, name) == value for name, value in where.items()):
                    mapping[key] = row._replace(**changes)


@cache
def _empty_database() -> bytes:
    """An empty database of the present schema; making it takes longer than writing a copy."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


class SqliteBackend:
    """A database file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ocs.db"
        self.path.write_bytes(_empty_database())

    @property
    def url(self) -> str:
        """What the stores are opened by."""
        return f"sqlite:///{self.path}"

    def open(self) -> Stores:
        """Stores with connections of their own."""
        return Stores(*open_sql_stores(self.url))

    def damage(self, table: str, where: dict[str, Any], **changes: Any) -> None:
        """Update rows on a connection that checks nothing."""
        condition = " AND ".join(f"{name} = ?" for name in where)
        values = ", ".join(f"{name} = ?" for name in changes)
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute(
            f"UPDATE {table} SET {values} WHERE {condition}", [*changes.values(), *where.values()]
        )
        connection.close()


BACKENDS = {"memory": MemoryBackend, "sqlite": SqliteBackend}

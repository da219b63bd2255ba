"""Opening both stores on one database."""

from ocs.storage.migrations import check_schema
from ocs.storage.sql.catalog import SqlCatalogStore
from ocs.storage.sql.database import BUSY_TIMEOUT_S, Database
from ocs.storage.sql.ledger import SqlLedgerStore
from ocs.storage.vault import Vault


def open_sql_stores(
    url: str,
    *,
    allow_unsafe_durability: bool = False,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    vault: Vault | None = None,
) -> tuple[SqlLedgerStore, SqlCatalogStore]:
    """Open the ledger and the catalogue of one database; both are closed separately.

    Args:
        url: ``sqlite:///path/ocs.db``.
        allow_unsafe_durability: whether to go on with settings under which a power cut loses commits.
        busy_timeout_s: how long a write waits while another process has the write lock.
        vault: what secrets are written with; None: as they are.

    Raises:
        InputError: no such database, settings that are not durable, or a schema that is not this program's
            (``ocs migrate`` brings an older one up to date).
    """
    check_schema(url)
    database = Database(url, allow_unsafe_durability=allow_unsafe_durability, busy_timeout_s=busy_timeout_s)
    return SqlLedgerStore(database), SqlCatalogStore(database, vault or Vault())

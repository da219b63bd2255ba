"""`ocs.ports.ApiKeyStore` and `ocs.ports.AuditStore` on SQL."""

import json
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, Row, insert, select, update

from ocs.errors import AlreadyExistsError
from ocs.ports import ApiKey, ApiRole, AuditEntry, ChangeKind
from ocs.storage.sql.database import Database
from ocs.storage.sql.rate import log_change
from ocs.storage.sql.schema import api_key, audit_log


class SqlAccess:
    """The part of the catalogue that is about who may change it and who did."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_api_keys(self) -> Sequence[ApiKey]:
        """Every key, revoked ones too, oldest first."""
        statement = select(api_key).order_by(api_key.c.created_at_ms, api_key.c.id)
        return await self._database.read(
            lambda connection: [_key_of(row) for row in connection.execute(statement)]
        )

    async def create_api_key(self, key: ApiKey, audit: AuditEntry) -> None:
        """Keep a new key, with its audit entry."""

        def write(connection: Connection) -> None:
            if _find_key(connection, key.id) is not None:
                raise AlreadyExistsError(f"API key {key.id} exists already")
            connection.execute(
                insert(api_key).values(
                    id=key.id,
                    digest=key.digest.hex(),
                    title=key.title,
                    roles=json.dumps(sorted(role.value for role in key.roles)),
                    gateway=key.gateway,
                    created_at_ms=key.created_at_ms,
                    expires_at_ms=key.expires_at_ms,
                    revoked_at_ms=key.revoked_at_ms,
                )
            )
            add_audit(connection, audit)
            log_change(connection, ChangeKind.API_KEY, [0])

        await self._database.write(write)

    async def revoke_api_key(self, key_id: str, *, at_ms: int, audit: AuditEntry) -> ApiKey | None:
        """Revoke a key for good, with its audit entry."""

        def write(connection: Connection) -> ApiKey | None:
            key = _find_key(connection, key_id)
            if key is None or key.revoked_at_ms is not None:
                return key
            connection.execute(update(api_key).where(api_key.c.id == key_id).values(revoked_at_ms=at_ms))
            add_audit(connection, audit)
            log_change(connection, ChangeKind.API_KEY, [0])
            return replace(key, revoked_at_ms=at_ms)

        return await self._database.write(write)

    async def append_audit(self, entry: AuditEntry) -> None:
        """Add an entry; AlreadyExistsError when its request id is taken."""
        await self._database.write(lambda connection: add_audit(connection, entry))

    async def list_audit(self, *, before_number: int | None = None, limit: int = 100) -> Sequence[AuditEntry]:
        """Entries, newest first."""
        statement = select(audit_log).order_by(audit_log.c.number.desc()).limit(limit)
        if before_number is not None:
            statement = statement.where(audit_log.c.number < before_number)
        return await self._database.read(
            lambda connection: [AuditEntry(*row) for row in connection.execute(statement)]
        )

    async def find_audit(self, request_id: str) -> AuditEntry | None:
        """The entry of the command with this request id."""
        return await self._database.read(lambda connection: _find_audit(connection, request_id))


def add_audit(connection: Connection, entry: AuditEntry) -> None:
    """Add an entry in the open transaction; AlreadyExistsError when its request id is taken."""
    if entry.request_id is not None and _find_audit(connection, entry.request_id) is not None:
        raise AlreadyExistsError(f"request {entry.request_id!r} was carried out before")
    values = entry._asdict()
    del values["number"]
    connection.execute(insert(audit_log).values(values))


def add_audits(connection: Connection, *entries: AuditEntry | None) -> None:
    """Add the entries of one change in the open transaction; None is no entry."""
    for entry in entries:
        if entry is not None:
            add_audit(connection, entry)


def _find_audit(connection: Connection, request_id: str) -> AuditEntry | None:
    row = connection.execute(select(audit_log).where(audit_log.c.request_id == request_id)).first()
    return None if row is None else AuditEntry(*row)


def _find_key(connection: Connection, key_id: str) -> ApiKey | None:
    row = connection.execute(select(api_key).where(api_key.c.id == key_id)).first()
    return None if row is None else _key_of(row)


def _key_of(row: Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        digest=bytes.fromhex(row.digest),
        title=row.title,
        roles=frozenset(ApiRole(role) for role in json.loads(row.roles)),
        gateway=row.gateway,
        created_at_ms=row.created_at_ms,
        expires_at_ms=row.expires_at_ms,
        revoked_at_ms=row.revoked_at_ms,
    )

"""The part of the catalogue that is about who may change it and who did: change log, API keys, audit log."""

from collections.abc import Sequence
from dataclasses import replace

from ocs.errors import AlreadyExistsError
from ocs.ports import ApiKey, AuditEntry, Change, ChangeKind


class MemoryAccess:
    """`ocs.ports.ApiKeyStore` and `ocs.ports.AuditStore` in memory, and the change log under both."""

    def __init__(self, audit: list[AuditEntry] | None = None) -> None:
        self.changes: list[Change] = []
        self.api_keys: dict[str, ApiKey] = {}
        self.audit: list[AuditEntry] = [] if audit is None else audit

    def _changed(self, kind: ChangeKind, object_id: int) -> None:
        self.changes.append(Change(len(self.changes) + 1, kind, object_id))

    async def load_api_keys(self) -> Sequence[ApiKey]:
        """Every key; see the port."""
        return sorted(self.api_keys.values(), key=lambda key: (key.created_at_ms, key.id))

    async def create_api_key(self, key: ApiKey, audit: AuditEntry) -> None:
        """Keep a new key; see the port."""
        if key.id in self.api_keys:
            raise AlreadyExistsError(f"API key {key.id} exists already")
        await self.append_audit(audit)
        self.api_keys[key.id] = key
        self._changed(ChangeKind.API_KEY, 0)

    async def revoke_api_key(self, key_id: str, *, at_ms: int, audit: AuditEntry) -> ApiKey | None:
        """Revoke a key; see the port."""
        key = self.api_keys.get(key_id)
        if key is None or key.revoked_at_ms is not None:
            return key
        await self.append_audit(audit)
        revoked = self.api_keys[key_id] = replace(key, revoked_at_ms=at_ms)
        self._changed(ChangeKind.API_KEY, 0)
        return revoked

    async def append_audit(self, entry: AuditEntry) -> None:
        """Add an entry; see the port."""
        if entry.request_id is not None and await self.find_audit(entry.request_id) is not None:
            raise AlreadyExistsError(f"request {entry.request_id!r} was carried out before")
        self.audit.append(entry._replace(number=len(self.audit) + 1))

    async def _append_audits(self, *entries: AuditEntry | None) -> None:
        """Add the entries of one change, all or none; None is no entry."""
        given = [entry for entry in entries if entry is not None]
        taken = [entry.request_id for entry in given if entry.request_id is not None]
        for request_id in taken:
            if taken.count(request_id) > 1 or await self.find_audit(request_id) is not None:
                raise AlreadyExistsError(f"request {request_id!r} was carried out before")
        for entry in given:
            await self.append_audit(entry)

    async def list_audit(self, *, before_number: int | None = None, limit: int = 100) -> Sequence[AuditEntry]:
        """Entries, newest first; see the port."""
        last = len(self.audit) if before_number is None else min(before_number - 1, len(self.audit))
        return self.audit[:last][::-1][:limit]

    async def find_audit(self, request_id: str) -> AuditEntry | None:
        """The entry of one command; see the port."""
        return next((entry for entry in self.audit if entry.request_id == request_id), None)

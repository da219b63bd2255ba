"""API keys and the audit log over `ocs.v1.Admin`."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf.message import Message

from ocs.charging.api_key import keep_key, revoke_key
from ocs.charging.audit import Command
from ocs.charging.posting import command_id
from ocs.errors import InputError
from ocs.grpc.access import Caller, make_key
from ocs.grpc.admin_resource import Method
from ocs.grpc.fact import placed, to_facts, to_message
from ocs.grpc.pb import admin_pb2 as pb
from ocs.grpc.resource import id_of, page_position, page_size_of, page_token
from ocs.ports import ApiKey, ApiRole, AuditEntry, CatalogStore, Clock
from ocs.units import MILLIS_PER_SECOND

ENTRIES_PER_READ: Final = 500
_NANOS_PER_MILLI: Final = 1_000_000


class KeyMethods:
    """Methods on keys and the audit log, by name."""

    def __init__(self, catalog: CatalogStore, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self.methods: Mapping[str, Method] = {
            "ListApiKeys": self._list_keys,
            "CreateApiKey": self._create_key,
            "RevokeApiKey": self._revoke_key,
            "ListAuditEntries": self._list_audit,
        }

    async def _list_keys(self, request: pb.ListApiKeysRequest, _: Caller) -> Message:
        size = page_size_of(request)
        position = page_position(request)
        keys = list(reversed(await self._catalog.load_api_keys()))
        start = 0
        if position is not None:
            ids = [key.id for key in keys]
            start = ids.index(str(position[0])) + 1 if position[0] in ids else len(ids)
        page = keys[start : start + size]
        response = pb.ListApiKeysResponse(api_keys=[key_message(key) for key in page])
        if len(keys) > start + size:
            response.next_page_token = page_token(request, (page[-1].id,))
        return response

    async def _create_key(self, request: pb.CreateApiKeyRequest, caller: Caller) -> Message:
        sent = request.api_key
        try:
            facts = to_facts(sent)
        except InputError as error:
            raise placed(error, "api_key") from error
        now_ms = self._clock.now_ms()
        new = make_key(
            title=sent.title,
            roles=[ApiRole(role) for role in facts.get("roles", ())],
            gateway=id_of(sent.gateway, "gateways", "api_key.gateway") if sent.gateway else "",
            created_at_ms=now_ms,
            expires_at_ms=facts.get("expire_time"),
        )
        try:
            await keep_key(self._catalog, new.record, Command(caller.title, now_ms))
        except InputError as error:
            raise placed(error, "api_key") from error
        return pb.CreateApiKeyResponse(api_key=key_message(new.record), key_text=new.text)

    async def _revoke_key(self, request: pb.RevokeApiKeyRequest, caller: Caller) -> Message:
        key_id = id_of(request.name, "apiKeys", "name")
        command = Command(caller.title, self._clock.now_ms())
        return key_message(await revoke_key(self._catalog, key_id, command))

    async def _list_audit(self, request: pb.ListAuditEntriesRequest, _: Caller) -> Message:
        size = page_size_of(request)
        position = page_position(request)
        before = None if position is None else int(position[0])
        page: list[AuditEntry] = []
        while len(page) <= size:
            found = await self._catalog.list_audit(before_number=before, limit=ENTRIES_PER_READ)
            page += _matching(found, request)
            if len(found) < ENTRIES_PER_READ:
                break
            before = found[-1].number
        response = pb.ListAuditEntriesResponse(audit_entries=[audit_message(one) for one in page[:size]])
        if len(page) > size:
            response.next_page_token = page_token(request, (page[size - 1].number,))
        return response


def _matching(entries: Sequence[AuditEntry], request: pb.ListAuditEntriesRequest) -> list[AuditEntry]:
    from_ms = request.from_time.seconds * MILLIS_PER_SECOND + request.from_time.nanos // _NANOS_PER_MILLI
    until_ms = request.until_time.seconds * MILLIS_PER_SECOND + request.until_time.nanos // _NANOS_PER_MILLI
    return [
        entry
        for entry in entries
        if request.actor in ("", entry.actor)
        and (not request.resource or f"{entry.target}/".startswith(f"{request.resource}/"))
        and (not request.HasField("from_time") or entry.at_ms >= from_ms)
        and (not request.HasField("until_time") or entry.at_ms < until_ms)
    ]


def key_message(key: ApiKey) -> pb.ApiKey:
    """A key without its digest."""
    facts: dict[str, Any] = {
        "name": f"apiKeys/{key.id}",
        "title": key.title,
        "roles": sorted(role.value for role in key.roles),
        "gateway": f"gateways/{key.gateway}" if key.gateway else None,
        "expire_time": key.expires_at_ms,
        "create_time": key.created_at_ms,
        "revoke_time": key.revoked_at_ms,
    }
    return to_message(facts, pb.ApiKey())


def audit_message(entry: AuditEntry) -> pb.AuditEntry:
    """An entry of the audit log."""
    facts: dict[str, Any] = {
        "name": f"auditEntries/{entry.number}",
        "change_time": entry.at_ms,
        "actor": entry.actor,
        "action": entry.action,
        "resource": entry.target,
        "before_json": entry.before,
        "after_json": entry.after,
        "request_id": command_id(entry),
    }
    return to_message(facts, pb.AuditEntry())

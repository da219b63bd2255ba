"""Use cases on API keys: keep a new one, revoke one. Each change and its audit entry are one transaction.

Does not own how a key is made or recognised (`ocs.grpc.access`).
"""

from typing import Any

from ocs.charging.audit import Command
from ocs.errors import InputError, NotFoundError
from ocs.ports import ApiKey, ApiRole, CatalogStore

TITLE_CHARACTERS_MAX = 100


async def keep_key(catalog: CatalogStore, key: ApiKey, command: Command) -> None:
    """Keep a new key; running servers accept it within two seconds.

    Raises:
        InputError: its title or roles cannot be, it cannot charge for want of a gateway, or has expired.
        AlreadyExistsError: the id is taken.
    """
    if not (key.title.isprintable() and 1 <= len(key.title) <= TITLE_CHARACTERS_MAX):
        raise InputError("title", f"{key.title!r}: 1 to {TITLE_CHARACTERS_MAX} printable characters")
    if not key.roles:
        raise InputError("roles", "a key without a role opens nothing")
    if (ApiRole.CHARGING in key.roles) != bool(key.gateway):
        raise InputError("gateway", "goes with the role charging: its bearer charges as this gateway")
    if key.gateway and all(key.gateway != one.name for one in await catalog.load_gateways()):
        raise InputError("gateway", f"there is no gateway named {key.gateway!r}")
    if key.expires_at_ms is not None and key.expires_at_ms <= key.created_at_ms:
        raise InputError("expires", "is past")
    await catalog.create_api_key(key, command.entry("create", _target(key.id), after=key_facts(key)))


async def revoke_key(catalog: CatalogStore, key_id: str, command: Command) -> ApiKey:
    """Revoke a key for good; again, it changes nothing. Running servers refuse it within two seconds.

    Raises:
        NotFoundError: there is no such key.
    """
    known = {key.id: key for key in await catalog.load_api_keys()}
    if key_id not in known:
        raise NotFoundError(f"API key {key_id!r} does not exist")
    before = key_facts(known[key_id])
    after = {**before, "revoked_at_ms": command.at_ms}
    audit = command.entry("revoke", _target(key_id), before=before, after=after)
    revoked = await catalog.revoke_api_key(key_id, at_ms=command.at_ms, audit=audit)
    assert revoked is not None, "keys are never deleted"
    return revoked


def key_facts(key: ApiKey) -> dict[str, Any]:
    """What may be told of a key: not its digest."""
    return {
        "id": key.id,
        "title": key.title,
        "roles": sorted(role.value for role in key.roles),
        "gateway": key.gateway,
        "created_at_ms": key.created_at_ms,
        "expires_at_ms": key.expires_at_ms,
        "revoked_at_ms": key.revoked_at_ms,
    }


def _target(key_id: str) -> str:
    return f"apiKeys/{key_id}"

"""`ApiKeyStore` and `AuditStore`: keys survive without their texts, and every change is remembered."""

import asyncio
from dataclasses import replace

import pytest
from contract.backend import Backend, Stores

from ocs.errors import AlreadyExistsError, NotFoundError
from ocs.ports import ApiKey, ApiRole, AuditEntry, ChangeKind
from ocs.rating.tariff import Rate, TariffTerms

KEY = ApiKey(
    id="0011223344556677",
    digest=bytes(range(32)),
    title="kam1",
    roles=frozenset({ApiRole.CHARGING, ApiRole.READ}),
    gateway="kam1",
    created_at_ms=1_000,
    expires_at_ms=9_000,
)


def entry(target: str, request_id: str | None = None) -> AuditEntry:
    """A change of some target."""
    return AuditEntry(0, 1_000, "alice", "create", target, "", '{"a":1}', request_id, "digest")


def create(stores: Stores, key: ApiKey) -> None:
    """Keep a key."""
    asyncio.run(stores.catalog.create_api_key(key, entry(f"apiKeys/{key.id}")))


def revoke(stores: Stores, key_id: str, at_ms: int) -> ApiKey | None:
    """Revoke a key."""
    audit = entry(f"apiKeys/{key_id}")._replace(action="revoke")
    return asyncio.run(stores.catalog.revoke_api_key(key_id, at_ms=at_ms, audit=audit))


def kinds(stores: Stores) -> list[ChangeKind]:
    """What the change log says."""
    return [change.kind for change in asyncio.run(stores.catalog.changes_after(0))]


def targets(stores: Stores) -> list[str]:
    """What was changed, newest first."""
    return [found.target for found in asyncio.run(stores.catalog.list_audit())]


def test_a_key_comes_back_with_every_field(backend: Backend) -> None:
    """In another process too, oldest first."""
    stores, other = backend.open(), backend.open()
    plain = ApiKey(id="0", digest=b"\0" * 32, title="", roles=frozenset({ApiRole.ADMIN}))
    create(stores, KEY)
    create(stores, plain)

    assert asyncio.run(other.catalog.load_api_keys()) == [plain, KEY]
    assert kinds(other) == [ChangeKind.API_KEY, ChangeKind.API_KEY]
    asyncio.run(stores.close())
    asyncio.run(other.close())


def test_an_id_is_used_once(stores: Stores) -> None:
    """The second key is refused, and neither audited nor announced."""
    create(stores, KEY)
    with pytest.raises(AlreadyExistsError, match="0011223344556677"):
        create(stores, replace(KEY, title="other"))

    assert asyncio.run(stores.catalog.load_api_keys()) == [KEY]
    assert kinds(stores) == [ChangeKind.API_KEY]
    assert len(targets(stores)) == 1


def test_revoking_is_for_good(stores: Stores) -> None:
    """The first instant stays, and the second revocation is no change."""
    create(stores, KEY)
    revoked = replace(KEY, revoked_at_ms=5_000)

    assert revoke(stores, KEY.id, 5_000) == revoked
    assert revoke(stores, KEY.id, 6_000) == revoked
    assert revoke(stores, "nobody", 6_000) is None
    assert asyncio.run(stores.catalog.load_api_keys()) == [revoked]
    assert kinds(stores) == [ChangeKind.API_KEY] * 2
    assert targets(stores) == [f"apiKeys/{KEY.id}"] * 2


def test_audit_entries_are_numbered_and_listed_newest_first(stores: Stores) -> None:
    """Pages go on below the last number seen."""
    for number in range(5):
        asyncio.run(stores.catalog.append_audit(entry(f"accounts/{number}")))

    first = asyncio.run(stores.catalog.list_audit(limit=2))
    second = asyncio.run(stores.catalog.list_audit(before_number=first[-1].number, limit=10))

    assert [found.number for found in (*first, *second)] == [5, 4, 3, 2, 1]
    assert first[0] == entry("accounts/4")._replace(number=5)


def test_a_request_id_is_used_once(stores: Stores) -> None:
    """Entries without one are no repetitions of each other."""
    asyncio.run(stores.catalog.append_audit(entry("a", "r1")))
    asyncio.run(stores.catalog.append_audit(entry("b")))
    asyncio.run(stores.catalog.append_audit(entry("c")))
    with pytest.raises(AlreadyExistsError, match="r1"):
        asyncio.run(stores.catalog.append_audit(entry("d", "r1")))

    assert targets(stores) == ["c", "b", "a"]
    assert asyncio.run(stores.catalog.find_audit("r1")) == entry("a", "r1")._replace(number=1)
    assert asyncio.run(stores.catalog.find_audit("r2")) is None


def test_rates_and_their_audit_entry_are_written_together(stores: Stores) -> None:
    """A repeated request writes neither; nor does a tariff that is not there."""
    terms = asyncio.run(stores.catalog.save_tariff(TariffTerms(id=0, name="retail")))

    def write(tariff_id: int, destination: str, request_id: str) -> int:
        audit = entry("tariffs/retail", request_id)
        return asyncio.run(
            stores.catalog.write_rates(tariff_id, [Rate(destination=destination)], audit=audit)
        )

    assert write(terms.id, "44", "r1") == 1
    with pytest.raises(AlreadyExistsError, match="r1"):
        write(terms.id, "45", "r1")
    with pytest.raises(NotFoundError):
        write(terms.id + 1, "46", "r2")

    tariff = asyncio.run(stores.catalog.load_tariff(terms))
    assert list(tariff.destinations()) == ["44"]
    assert targets(stores) == ["tariffs/retail"]

"""`CatalogStore`: changes with their audit entries, on the record that was expected, and deletions."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Literal

import pytest
from contract.backend import Stores

from ocs.errors import AlreadyExistsError, ConflictError, InputError, InUseError, NotFoundError
from ocs.ports import AuditEntry, CatalogStore, ChangeKind, Gateway, Identity, IdentityKind, NewAccount, Plan
from ocs.quota.account import AccountProfile, AccountStatus
from ocs.rating.tariff import Rate, TariffTerms
from ocs.units import AccessCode

Seen = Literal["current", "stale"]
"Whether the record that the change expects is the one that is there."
Change = Callable[[CatalogStore, AuditEntry | None, Seen], Awaitable[Any]]


def entry(request_id: str | None = None) -> AuditEntry:
    """A change that somebody made."""
    return AuditEntry(0, 1_000, "alice", "update", "plans/p", "{}", '{"a":1}', request_id, "digest")


async def describe(catalog: CatalogStore) -> None:
    """One record of each kind."""
    terms = await catalog.save_tariff(TariffTerms(id=0, name="t"))
    plan = await catalog.save_plan(Plan(id=0, name="p", tariffs={("voice", AccessCode.OUTGOING): terms.id}))
    await catalog.save_gateway(Gateway(id=0, name="gw"))
    identity = Identity(kind=IdentityKind.USERNAME, value="a", account_id=0, secret="pw")
    profile = AccountProfile(id=0, name="a", plan_id=plan.id)
    await catalog.create_accounts([NewAccount(profile=profile, identities=[identity])])


async def change_account(catalog: CatalogStore, audit: AuditEntry | None, seen: Seen) -> None:
    """Suspend the account."""
    stored = await catalog.find_account("a")
    assert stored is not None
    expected = replace(stored, zone="Europe/Prague") if seen == "stale" else stored
    changed = replace(stored, status=AccountStatus.SUSPENDED)
    await catalog.update_account(changed, expected=expected, audit=audit)


async def change_identity(catalog: CatalogStore, audit: AuditEntry | None, seen: Seen) -> None:
    """Limit the identity's sessions."""
    stored = await catalog.find_identity(IdentityKind.USERNAME, "a")
    assert stored is not None
    expected = replace(stored, secret="another") if seen == "stale" else stored
    await catalog.update_identity(replace(stored, max_sessions=1), expected=expected, audit=audit)


async def remove_identity(catalog: CatalogStore, audit: AuditEntry | None, seen: Seen) -> None:
    """Remove the identity."""
    stored = await catalog.find_identity(IdentityKind.USERNAME, "a")
    assert stored is not None
    expected = replace(stored, secret="another") if seen == "stale" else stored
    await catalog.remove_identity(stored.kind, stored.value, expected=expected, audit=audit)


async def change_gateway(catalog: CatalogStore, audit: AuditEntry | None, seen: Seen) -> None:
    """Disable the gateway."""
    (stored,) = await catalog.load_gateways()
    expected = replace(stored, secret="another") if seen == "stale" else stored
    await catalog.save_gateway(replace(stored, enabled=False), expected=expected, audit=audit)


async def delete_gateway(catalog: CatalogStore, audit: AuditEntry | None, seen: Seen) -> None:
    """Delete the gateway."""
    (stored,) = await catalog.load_gateways()
    await catalog.delete_gateway(
        replace(stored, secret="another") if seen == "stale" else stored, audit=audit
    )


async def change_plan(catalog: CatalogStore, audit: AuditEntry | None, seen: Seen) -> None:
    """Take the tariff out of the plan."""
    (stored,) = await catalog.load_plans()
    expected = replace(stored, tariffs={}) if seen == "stale" else stored
    await catalog.save_plan(replace(stored, bill_by_ani=True), expected=expected, audit=audit)


async def change_tariff(catalog: CatalogStore, audit: AuditEntry | None, seen: Seen) -> None:
    """Set a connect fee."""
    (stored,) = await catalog.load_tariffs()
    expected = replace(stored, grace_seconds=9) if seen == "stale" else stored
    await catalog.save_tariff(replace(stored, connect_fee_micros=5), expected=expected, audit=audit)


CHANGES: list[Change] = [
    change_account,
    change_identity,
    remove_identity,
    change_gateway,
    delete_gateway,
    change_plan,
    change_tariff,
]


async def snapshot(catalog: CatalogStore) -> Any:
    """All that the changes can touch."""
    return (
        await catalog.find_account("a"),
        await catalog.find_identity(IdentityKind.USERNAME, "a"),
        await catalog.load_gateways(),
        await catalog.load_plans(),
        await catalog.load_tariffs(),
        await catalog.last_change(),
        await catalog.list_audit(),
    )


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_and_its_audit_entry_are_one(stores: Stores, change: Change) -> None:
    """Both are there; with a request id that is taken neither is, nor is the change logged."""

    async def story() -> None:
        await describe(stores.catalog)
        await stores.catalog.append_audit(entry("taken"))
        before = await snapshot(stores.catalog)
        with pytest.raises(AlreadyExistsError):
            await change(stores.catalog, entry("taken"), "current")
        assert await snapshot(stores.catalog) == before

        await change(stores.catalog, entry("new"), "current")

        after = await snapshot(stores.catalog)
        assert after[:5] != before[:5]
        assert [found.request_id for found in after[6]] == ["new", "taken"]
        assert after[5] > before[5]

    asyncio.run(story())


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_another_record_than_expected_is_refused(stores: Stores, change: Change) -> None:
    """Somebody else was faster: nothing is written, nothing audited."""

    async def story() -> None:
        await describe(stores.catalog)
        before = await snapshot(stores.catalog)

        with pytest.raises(ConflictError):
            await change(stores.catalog, entry(), "stale")

        assert await snapshot(stores.catalog) == before

    asyncio.run(story())


def test_new_accounts_and_identities_carry_their_entries(stores: Stores) -> None:
    """All or none, entries included."""

    async def story() -> None:
        catalog = stores.catalog
        await catalog.append_audit(entry("taken"))
        fresh = [NewAccount(profile=AccountProfile(id=0, name="a"))]
        for audits in ([entry("x"), entry("taken")], [entry("x"), entry("x")]):
            with pytest.raises(AlreadyExistsError):
                await catalog.create_accounts(fresh, audits=audits)
        assert await catalog.find_account("a") is None
        (account,) = await catalog.create_accounts(fresh, audits=[entry("x")])
        identity = Identity(kind=IdentityKind.CODE, value="1", account_id=account.id)
        with pytest.raises(AlreadyExistsError):
            await catalog.add_identities([identity], audits=[entry("x")])
        assert await catalog.find_identity(IdentityKind.CODE, "1") is None
        await catalog.add_identities([identity], audits=[entry("y")])
        assert [found.request_id for found in await catalog.list_audit()] == ["y", "x", "taken"]

    asyncio.run(story())


def test_what_is_referred_to_is_not_deleted(stores: Stores) -> None:
    """The error names what refers to it; from the leaves on everything can go."""

    async def story() -> None:
        catalog = stores.catalog
        await describe(catalog)
        account = await catalog.find_account("a")
        assert account is not None
        (plan,), (terms,) = await catalog.load_plans(), await catalog.load_tariffs()
        with pytest.raises(InUseError, match="in plan 'p'"):
            await catalog.delete_tariff(terms)
        with pytest.raises(InUseError, match="account 'a'"):
            await catalog.delete_plan(plan)
        with pytest.raises(InUseError, match="identity 'a'"):
            await catalog.delete_account(account)
        await catalog.create_accounts([NewAccount(profile=AccountProfile(id=0, name="b"), parent="a")])
        await catalog.remove_identity(IdentityKind.USERNAME, "a")
        with pytest.raises(InUseError, match="parent of 'b'"):
            await catalog.delete_account(account)
        child = await catalog.find_account("b")
        assert child is not None
        await catalog.delete_account(child)
        await catalog.delete_account(account, audit=entry())
        await catalog.delete_plan(plan, audit=entry())
        await catalog.delete_tariff(terms, audit=entry())

        assert await catalog.find_account("a") is None
        assert not await catalog.load_plans()
        assert not await catalog.load_tariffs()
        assert len(await catalog.list_audit()) == 3
        kinds = [change.kind for change in await catalog.changes_after(0)]
        assert kinds[-3:] == [ChangeKind.ACCOUNT, ChangeKind.PLAN, ChangeKind.TARIFF]

    asyncio.run(story())


def test_a_tariff_with_rates_and_an_identity_s_plan_stay(stores: Stores) -> None:
    """Rates are history; a plan may be an identity's alone."""

    async def story() -> None:
        catalog = stores.catalog
        terms = await catalog.save_tariff(TariffTerms(id=0, name="t"))
        await catalog.write_rates(terms.id, [Rate(destination="44")])
        with pytest.raises(InUseError, match="has rates"):
            await catalog.delete_tariff(terms)
        plan = await catalog.save_plan(Plan(id=0, name="p", override_tariff_id=terms.id))
        (account,) = await catalog.create_accounts([NewAccount(profile=AccountProfile(id=0, name="a"))])
        await catalog.add_identities(
            [Identity(kind=IdentityKind.CODE, value="1", account_id=account.id, plan_id=plan.id)]
        )
        with pytest.raises(InUseError, match="identity '1'"):
            await catalog.delete_plan(plan)

    asyncio.run(story())


def test_a_did_has_a_payback_tariff_that_exists_and_stays(stores: Stores) -> None:
    """Only a DID, only a tariff that is there; it comes back as written and is not deleted under it."""

    async def story() -> None:
        catalog = stores.catalog
        terms = await catalog.save_tariff(TariffTerms(id=0, name="t"))
        (account,) = await catalog.create_accounts([NewAccount(profile=AccountProfile(id=0, name="a"))])
        did = Identity(kind=IdentityKind.DID, value="4420", account_id=account.id, payback_tariff_id=terms.id)
        with pytest.raises(NotFoundError, match="tariff 99"):
            await catalog.add_identities([replace(did, payback_tariff_id=99)])
        with pytest.raises(InputError, match="only a DID"):
            await catalog.add_identities([replace(did, kind=IdentityKind.CODE)])
        await catalog.add_identities([did])
        with pytest.raises(NotFoundError, match="tariff 99"):
            await catalog.update_identity(replace(did, payback_tariff_id=99))
        assert await catalog.find_identity(IdentityKind.DID, "4420") == did
        with pytest.raises(InUseError, match="payback tariff of identity '4420'"):
            await catalog.delete_tariff(terms)
        await catalog.update_identity(replace(did, payback_tariff_id=None))
        await catalog.delete_tariff(terms)

    asyncio.run(story())


def test_a_primary_identity_exists_and_stays_and_has_none_itself(stores: Stores) -> None:
    """Of any account; found before it in one call too. One step only, both when added and when changed."""

    async def story() -> None:
        catalog = stores.catalog
        await describe(catalog)
        account = await catalog.find_account("a")
        assert account is not None
        fields: dict[str, Any] = {"account_id": account.id, "primary_kind": IdentityKind.USERNAME}
        desk = Identity(kind=IdentityKind.EXTENSION, value="201", primary_value="a", **fields)
        mobile = replace(desk, kind=IdentityKind.VIRTUAL, value="4420", primary_value="b")
        other = Identity(kind=IdentityKind.USERNAME, value="b", account_id=account.id, secret="pw")
        await catalog.add_identities([desk, mobile, other])
        assert await catalog.find_identity(IdentityKind.EXTENSION, "201") == desk
        assert [one for one in await catalog.list_identities(account.id) if one.primary_value] == [
            desk,
            mobile,
        ]

        alone = replace(desk, value="7")
        for wrong, error, words in (
            (replace(alone, primary_value="c"), NotFoundError, "primary identity username 'c' does not"),
            (replace(alone, value="201x", primary_kind=desk.kind, primary_value="201"), InputError, "itself"),
            (replace(alone, primary_kind=IdentityKind.EXTENSION, primary_value="7"), InputError, "its own"),
            (replace(alone, primary_kind=IdentityKind.IP, primary_value="10.0.0.1"), InputError, "address"),
            (replace(alone, kind=IdentityKind.CODE), InputError, "only a virtual number"),
            (replace(alone, max_sessions=1), InputError, "limit of its own"),
        ):
            with pytest.raises(error, match=words):
                await catalog.add_identities([wrong])
            with pytest.raises((error, NotFoundError)):
                await catalog.update_identity(wrong)
        assert await catalog.find_identity(IdentityKind.EXTENSION, "7") is None

        first = replace(alone, primary_kind=None, primary_value="")
        second = replace(alone, value="8", primary_kind=first.kind, primary_value="7")
        await catalog.add_identities([first, second])
        with pytest.raises(InputError, match="is the primary identity of extension '8'"):
            await catalog.update_identity(alone)
        with pytest.raises(InUseError, match="is the primary identity of virtual '4420'"):
            await catalog.remove_identity(IdentityKind.USERNAME, "b")
        await catalog.update_identity(replace(mobile, primary_kind=None, primary_value=""))
        await catalog.remove_identity(IdentityKind.USERNAME, "b")

    asyncio.run(story())


def test_only_what_was_seen_is_deleted_and_only_once(stores: Stores) -> None:
    """A record that changed stays; one that is gone is not found; a new one gets an id of its own."""

    async def story() -> None:
        catalog = stores.catalog
        terms = await catalog.save_tariff(TariffTerms(id=0, name="t"))
        plan = await catalog.save_plan(Plan(id=0, name="p"))
        gateway = await catalog.save_gateway(Gateway(id=0, name="gw"))
        (account,) = await catalog.create_accounts([NewAccount(profile=AccountProfile(id=0, name="a"))])
        with pytest.raises(ConflictError):
            await catalog.delete_tariff(replace(terms, grace_seconds=1))
        with pytest.raises(ConflictError):
            await catalog.delete_plan(replace(plan, bill_by_ani=True))
        with pytest.raises(ConflictError):
            await catalog.delete_gateway(replace(gateway, coa_port=1))
        with pytest.raises(ConflictError):
            await catalog.delete_account(replace(account, zone="Europe/Prague"))
        await catalog.delete_tariff(terms)
        await catalog.delete_plan(plan)
        await catalog.delete_gateway(gateway)
        await catalog.delete_account(account)
        with pytest.raises(NotFoundError):
            await catalog.delete_tariff(terms)
        with pytest.raises(NotFoundError):
            await catalog.delete_plan(plan)
        with pytest.raises(NotFoundError):
            await catalog.delete_gateway(gateway)
        with pytest.raises(NotFoundError):
            await catalog.delete_account(account)

    asyncio.run(story())

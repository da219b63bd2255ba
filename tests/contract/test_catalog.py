"""`CatalogStore`: accounts, identities, gateways, plans and tariffs, and the log of their changes."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from contract.backend import Backend, Stores

from ocs.errors import AlreadyExistsError, InputError, NotFoundError
from ocs.ports import (
    Change,
    ChangeKind,
    Gateway,
    GrantMode,
    GrantPolicy,
    Identity,
    IdentityKind,
    NewAccount,
    NumberRules,
    Plan,
)
from ocs.quota.account import AccountKind, AccountProfile, AccountStatus
from ocs.rating.tariff import OffPeakWhen, PriceSet, RoundMode, TariffTerms
from ocs.units import AccessCode

TERMS = TariffTerms(
    id=0,
    name="retail",
    currency="EUR",
    off_peak_periods=("hr{6pm-5am}", "none"),
    off_peak_when=OffPeakWhen.SPLIT,
    connect_fee_micros=50_000,
    connect_fee_on_zero=True,
    grace_seconds=3,
    free_seconds=10,
    post_call_surcharge_ppm=50_000,
    round_decimals=4,
    round_mode=RoundMode.AWAY_FROM_ZERO,
    default_rate=PriceSet(first_interval_s=1, next_interval_s=6, unit_price_nanos=5, huntstop=True),
)
GATEWAY = Gateway(
    id=0,
    name="sbc",
    address="10.0.0.0/24",
    secret="s3cret",
    dialect="cisco",
    identity_order=(IdentityKind.ANI, IdentityKind.IP),
    numbers=NumberRules(strip_prefixes=("99", "98"), national_prefix="0", country_code="44"),
    grant=GrantPolicy(mode=GrantMode.WHOLE, slice_s=30, expiry_charges="granted"),
    zone="Europe/London",
    require_message_authenticator="yes",
    limit_proxy_state="no",
    authorize_without_password=True,
    coa_address="192.0.2.99",
    coa_port=1700,
    return_codes={"zero_balance": 40},
    enabled=False,
)


def new(name: str, parent: str | None = None, *identities: Identity, **fields: Any) -> NewAccount:
    """An account to be created."""
    return NewAccount(profile=AccountProfile(id=0, name=name, **fields), parent=parent, identities=identities)


def username(value: str, **fields: Any) -> Identity:
    """A username whose account is still to be assigned."""
    return Identity(kind=IdentityKind.USERNAME, value=value, account_id=fields.pop("account_id", 0), **fields)


def network(value: str, account_id: int = 0) -> Identity:
    """An address or network."""
    return Identity(kind=IdentityKind.IP, value=value, account_id=account_id)


def create(stores: Stores, *accounts: NewAccount) -> list[AccountProfile]:
    """Create accounts."""
    return list(asyncio.run(stores.catalog.create_accounts(accounts)))


# ------------------------------------------------------------------------------------------------ accounts


def test_a_created_account_comes_back_with_every_field(backend: Backend) -> None:
    """Whatever was set survives, in another process too."""
    stores = backend.open()
    tariff = asyncio.run(stores.catalog.save_tariff(TERMS))
    plan = asyncio.run(stores.catalog.save_plan(Plan(id=0, name="p", override_tariff_id=tariff.id)))
    wanted = new(
        "alice",
        None,
        username("alice", secret="pw", max_sessions=2, plan_id=plan.id, cost_centre="7"),
        kind=AccountKind.POSTPAID,
        currency="EUR",
        status=AccountStatus.SUSPENDED,
        credit_limit_micros=5_000_000,
        plan_id=plan.id,
        zone="Europe/Berlin",
        activates_at_ms=1,
        expires_at_ms=2,
        max_sessions=0,
        daily_spend_limit_micros=3,
        low_balance_micros=-4,
    )
    (created,) = create(stores, wanted)
    assert created == replace(wanted.profile, id=created.id, root_id=created.id)
    asyncio.run(stores.close())
    reader = backend.open()
    assert asyncio.run(reader.catalog.find_account("alice")) == created
    assert list(asyncio.run(reader.catalog.load_chain(created.id))) == [created]
    (identity,) = asyncio.run(reader.catalog.list_identities(created.id))
    assert identity == replace(wanted.identities[0], account_id=created.id)
    asyncio.run(reader.close())


def test_a_chain_runs_from_the_leaf_to_the_root(stores: Stores) -> None:
    """Parents may be created in the same call, earlier in it, or before; all know the root."""
    root, reseller = create(stores, new("root"), new("reseller", "root"))
    (customer,) = create(stores, new("customer", "reseller"))
    assert (root.parent_id, root.root_id) == (None, root.id)
    assert (reseller.parent_id, reseller.root_id) == (root.id, root.id)
    assert (customer.parent_id, customer.root_id) == (reseller.id, root.id)
    assert list(asyncio.run(stores.catalog.load_chain(customer.id))) == [customer, reseller, root]
    assert list(asyncio.run(stores.catalog.load_chain(99))) == []


REFUSED = {
    "a name that exists": ([new("x"), new("alice")], AlreadyExistsError, "account 'alice'"),
    "a name twice": ([new("x"), new("x")], AlreadyExistsError, "account 'x'"),
    "an identity that exists": ([new("x"), new("y", None, username("alice"))], AlreadyExistsError, "'alice'"),
    "an identity twice": (
        [new("x", None, network("10.0.0.1")), new("y", None, network("10.0.0.1/32"))],
        AlreadyExistsError,
        "10.0.0.1/32",
    ),
    "a parent that does not exist": ([new("x"), new("y", "nobody")], NotFoundError, "'nobody'"),
    "a parent that comes later": ([new("x", "y"), new("y")], NotFoundError, "'y'"),
    "a plan that does not exist": ([new("x"), new("y", plan_id=99)], NotFoundError, "plan 99"),
    "an identity's plan that does not exist": (
        [new("x", None, username("u", plan_id=99))],
        NotFoundError,
        "plan 99",
    ),
    "no name": ([new("x"), new("")], InputError, "name is empty"),
    "a negative credit limit": ([new("x", credit_limit_micros=-1)], InputError, "credit_limit_micros is -1"),
    "a limit out of range": ([new("x", low_balance_micros=2**62)], InputError, "out of range"),
    "no address": ([new("x", None, network("10.0.0.300"))], InputError, "10.0.0.300"),
    "host bits behind the prefix": ([new("x", None, network("10.0.0.1/24"))], InputError, "host bits"),
    "an empty identity": ([new("x", None, username(""))], InputError, "empty"),
}


@pytest.mark.parametrize("story", REFUSED)
def test_accounts_are_created_all_or_none(stores: Stores, story: str) -> None:
    """One bad account in a list and none of it is created; the refusal names the culprit."""
    create(stores, new("alice", None, username("alice")))
    before = asyncio.run(stores.catalog.last_change())
    accounts, error, text = REFUSED[story]
    with pytest.raises(error, match=text):
        create(stores, *accounts)
    assert [found.name for found in asyncio.run(stores.catalog.list_accounts())] == ["alice"]
    assert asyncio.run(stores.catalog.last_change()) == before
    assert asyncio.run(stores.catalog.find_identity(IdentityKind.USERNAME, "u")) is None


def test_thousands_of_accounts_are_created_in_one_call(stores: Stores) -> None:
    """More than fit in one statement, each with its identity and its change."""
    accounts = [new(f"a{number:04}", None, username(f"u{number}")) for number in range(2_500)]
    profiles = create(stores, *accounts)
    assert len({profile.id for profile in profiles}) == 2_500
    found = asyncio.run(stores.catalog.find_identity(IdentityKind.USERNAME, "u2499"))
    assert found is not None
    assert found.account_id == profiles[-1].id
    assert asyncio.run(stores.catalog.last_change()) == 2_500


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["Bob", "a%", "a%b", "alice", "bob"]),
        ({"after": "a%b"}, ["alice", "bob"]),
        ({"limit": 2}, ["Bob", "a%"]),
        ({"prefix": "a"}, ["a%", "a%b", "alice"]),
        ({"prefix": "a%"}, ["a%", "a%b"]),
        ({"prefix": "b"}, ["bob"]),
        ({"prefix": "a", "after": "a%", "limit": 1}, ["a%b"]),
        ({"prefix": "z"}, []),
    ],
)
def test_accounts_are_listed_by_name(stores: Stores, filters: dict, expected: list[str]) -> None:
    """In order of the code points, from a name on, with a prefix that is taken literally."""
    create(stores, *(new(name) for name in ("bob", "alice", "Bob", "a%b", "a%")))
    found = asyncio.run(stores.catalog.list_accounts(**filters))
    assert [profile.name for profile in found] == expected


def test_master_data_is_replaced_whole(stores: Stores) -> None:
    """An update stands in place of what was there, optional fields that are gone included."""
    (created,) = create(stores, new("alice", credit_limit_micros=5, max_sessions=1))
    changed = replace(created, name="alicia", credit_limit_micros=None, status=AccountStatus.BLOCKED)
    asyncio.run(stores.catalog.update_account(changed))
    assert asyncio.run(stores.catalog.find_account("alicia")) == changed
    assert asyncio.run(stores.catalog.find_account("alice")) is None


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"id": 99}, NotFoundError, "account 99"),
        ({"name": "bob"}, AlreadyExistsError, "account 'bob'"),
        ({"plan_id": 99}, NotFoundError, "plan 99"),
        ({"max_sessions": -1}, InputError, "max_sessions is -1"),
        ({"parent_id": 2, "root_id": 2}, InputError, "parent of an account cannot change"),
    ],
)
def test_an_impossible_update_changes_nothing(
    stores: Stores, changes: dict, error: type[Exception], text: str
) -> None:
    """The refusal says why, and the account stays as it was."""
    alice, _ = create(stores, new("alice"), new("bob"))
    with pytest.raises(error, match=text):
        asyncio.run(stores.catalog.update_account(replace(alice, **changes)))
    assert asyncio.run(stores.catalog.find_account("alice")) == alice


# ---------------------------------------------------------------------------------------------- identities


def test_the_longest_network_answers_for_an_address(stores: Stores) -> None:
    """An address is known by its smallest network; IPv4 in IPv6 clothes is IPv4."""
    networks = ("0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "2001:db8::/32", "2001:db8::1")
    created = create(stores, *(new(value, None, network(value)) for value in networks))
    by_id = {profile.id: profile.name for profile in created}

    def who(address: str) -> str | None:
        found = asyncio.run(stores.catalog.find_identity(IdentityKind.IP, address))
        return None if found is None else by_id[found.account_id]

    assert who("10.1.2.3") == "10.1.2.3"
    assert who("::ffff:10.1.2.3") == "10.1.2.3"
    assert who("10.1.2.4") == "10.1.0.0/16"
    assert who("10.2.0.1") == "10.0.0.0/8"
    assert who("192.0.2.1") == "0.0.0.0/0"
    assert who("2001:0db8:0:0::0001") == "2001:db8::1"
    assert who("2001:db8:ffff::") == "2001:db8::/32"
    assert who("2001:db9::") is None
    assert who("not an address") is None


def test_a_value_belongs_to_its_kind(stores: Stores) -> None:
    """The same text as a username and as a calling number are two identities."""
    ani = Identity(kind=IdentityKind.ANI, value="4420", account_id=0)
    first, second = create(stores, new("a", None, username("4420")), new("b", None, ani))
    for kind, owner in ((IdentityKind.USERNAME, first), (IdentityKind.ANI, second)):
        found = asyncio.run(stores.catalog.find_identity(kind, "4420"))
        assert found is not None
        assert found.account_id == owner.id
    assert asyncio.run(stores.catalog.find_identity(IdentityKind.DID, "4420")) is None


def test_identities_are_added_all_or_none(stores: Stores) -> None:
    """A taken value or an unknown account refuses all of them; networks become canonical."""
    (alice,) = create(stores, new("alice", None, username("alice")))
    add = stores.catalog.add_identities
    for culprit, error in (
        (username("alice", account_id=alice.id), AlreadyExistsError),
        (username("bob", account_id=99), NotFoundError),
        (network("nonsense", alice.id), InputError),
    ):
        with pytest.raises(error):
            asyncio.run(add([username("second", account_id=alice.id), culprit]))
    assert [found.value for found in asyncio.run(stores.catalog.list_identities(alice.id))] == ["alice"]
    asyncio.run(add([username("second", account_id=alice.id), network("2001:DB8:0::/48", alice.id)]))
    found = asyncio.run(stores.catalog.list_identities(alice.id))
    assert [one.value for one in found] == ["2001:db8::/48", "alice", "second"]


# ------------------------------------------------------------------------------ gateways, plans, tariffs


def test_gateways_come_back_with_every_field(stores: Stores) -> None:
    """Nested rules and policies included; by name; replaced by id."""
    saved = asyncio.run(stores.catalog.save_gateway(GATEWAY))
    other = asyncio.run(stores.catalog.save_gateway(Gateway(id=0, name="asterisk")))
    assert list(asyncio.run(stores.catalog.load_gateways())) == [other, saved]
    assert saved == replace(GATEWAY, id=saved.id)
    changed = replace(saved, name="aaa", return_codes={})
    assert asyncio.run(stores.catalog.save_gateway(changed)) == changed
    assert list(asyncio.run(stores.catalog.load_gateways())) == [changed, other]


def test_tariffs_come_back_with_every_field(stores: Stores) -> None:
    """The default rate and the periods included; by name; replaced by id."""
    saved = asyncio.run(stores.catalog.save_tariff(TERMS))
    plain = asyncio.run(stores.catalog.save_tariff(TariffTerms(id=0, name="basic")))
    assert list(asyncio.run(stores.catalog.load_tariffs())) == [plain, replace(TERMS, id=saved.id)]
    changed = replace(saved, default_rate=None, off_peak_periods=())
    asyncio.run(stores.catalog.save_tariff(changed))
    assert list(asyncio.run(stores.catalog.load_tariffs())) == [plain, changed]


def test_plans_come_back_with_their_tariffs(stores: Stores) -> None:
    """Saving a plan again replaces its services, all of them."""
    tariff = asyncio.run(stores.catalog.save_tariff(TERMS))
    plan = Plan(
        id=0,
        name="home",
        tariffs={("voice", AccessCode.OUTGOING): tariff.id, ("data", AccessCode.INCOMING): tariff.id},
        override_tariff_id=tariff.id,
        bill_by_ani=True,
    )
    saved = asyncio.run(stores.catalog.save_plan(plan))
    empty = asyncio.run(stores.catalog.save_plan(Plan(id=0, name="empty")))
    assert list(asyncio.run(stores.catalog.load_plans())) == [empty, replace(plan, id=saved.id)]
    changed = replace(saved, tariffs={("voice", AccessCode.FORWARDED): tariff.id}, bill_by_ani=False)
    asyncio.run(stores.catalog.save_plan(changed))
    assert list(asyncio.run(stores.catalog.load_plans())) == [empty, changed]


@pytest.mark.parametrize(
    ("save", "record"),
    [("save_gateway", GATEWAY), ("save_tariff", TERMS), ("save_plan", Plan(id=0, name="home"))],
)
def test_names_are_unique_and_ids_are_given_here(stores: Stores, save: str, record: Any) -> None:
    """A taken name and an unknown id are refused; a record may keep its own name."""
    saving = getattr(stores.catalog, save)
    first = asyncio.run(saving(record))
    second = asyncio.run(saving(replace(record, name="second")))
    assert first.id != second.id
    with pytest.raises(AlreadyExistsError, match=record.name):
        asyncio.run(saving(record))
    with pytest.raises(AlreadyExistsError, match=record.name):
        asyncio.run(saving(replace(second, name=record.name)))
    with pytest.raises(NotFoundError, match="99"):
        asyncio.run(saving(replace(record, id=99, name="third")))
    assert asyncio.run(saving(first)) == first


@pytest.mark.parametrize(
    "part", [{"override_tariff_id": 99}, {"tariffs": {("voice", AccessCode.OUTGOING): 99}}]
)
def test_a_plan_of_an_unknown_tariff_is_refused(stores: Stores, part: dict) -> None:
    """Nothing of it is saved."""
    with pytest.raises(NotFoundError, match="tariff 99"):
        asyncio.run(stores.catalog.save_plan(Plan(id=0, name="home", **part)))
    assert list(asyncio.run(stores.catalog.load_plans())) == []


# ---------------------------------------------------------------------------------------------- change log


def test_every_change_is_logged_in_order(backend: Backend) -> None:
    """Another process polls what changed since the number it knows."""
    writer, reader = backend.open(), backend.open()
    catalog = writer.catalog

    async def story() -> None:
        assert await reader.catalog.last_change() == 0
        tariff = await catalog.save_tariff(TERMS)
        await catalog.write_rates(tariff.id, [])
        plan = await catalog.save_plan(Plan(id=0, name="home"))
        gateway = await catalog.save_gateway(GATEWAY)
        known = await reader.catalog.last_change()
        first, second = await catalog.create_accounts([new("a"), new("b")])
        await catalog.add_identities([username("u", account_id=second.id)])
        await catalog.update_account(first)
        await catalog.touch(ChangeKind.ACCOUNT, second.id)
        assert list(await reader.catalog.changes_after(0))[:known] == [
            Change(1, ChangeKind.TARIFF, tariff.id),
            Change(2, ChangeKind.TARIFF, tariff.id),
            Change(3, ChangeKind.PLAN, plan.id),
            Change(4, ChangeKind.GATEWAY, gateway.id),
        ]
        assert list(await reader.catalog.changes_after(known)) == [
            Change(5, ChangeKind.ACCOUNT, first.id),
            Change(6, ChangeKind.ACCOUNT, second.id),
            Change(7, ChangeKind.IDENTITY, second.id),
            Change(8, ChangeKind.ACCOUNT, first.id),
            Change(9, ChangeKind.ACCOUNT, second.id),
        ]
        assert await reader.catalog.last_change() == 9
        assert list(await reader.catalog.changes_after(9)) == []

    asyncio.run(story())
    asyncio.run(writer.close())
    asyncio.run(reader.close())


def test_accounts_that_expired_in_a_span(stores: Stores) -> None:
    """The later bound is in the span, the earlier is not; accounts without an expiry never are."""
    accounts = create(
        stores,
        new("never", None),
        *(new(f"at{at_ms}", None, expires_at_ms=at_ms) for at_ms in (10, 20, 30)),
    )
    found = asyncio.run(stores.catalog.list_expired(after_ms=10, until_ms=30))
    assert sorted(found) == [accounts[2].id, accounts[3].id]

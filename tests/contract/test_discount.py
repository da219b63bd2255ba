"""Discounts in every store: plans and who has them, and the audit of allowances."""

import asyncio
from typing import Any

import pytest
from contract.backend import Backend, Stores
from contract.books import account, reservation, session

from ocs.errors import AlreadyExistsError, InputError, NotFoundError
from ocs.ports import Change, ChangeKind, Decision, DiscountAssignment, NewAccount, Plan
from ocs.quota.account import Account, AccountProfile
from ocs.quota.allowance import Share, replace_shares, write_shares
from ocs.quota.session import SessionState
from ocs.rating.discount import Counting, DiscountPlan, DiscountRule, Level, Owner
from ocs.rating.reset import ResetCycle

RULES = (
    DiscountRule(
        name="minutes",
        prefixes=("44", "447", "|"),
        ladders=((Level(6000, 1_000_000),),),
        reset=ResetCycle.BILLING_DAY,
        billing_day=15,
        prorates=True,
        rollover_periods=3,
    ),
    DiscountRule(
        name="money",
        prefixes=("MSG",),
        counting=Counting.MONEY,
        ladders=((), (Level(5, 0), Level(None, 100_000)), ()),
    ),
)


async def furnish(stores: Stores) -> tuple[DiscountPlan, AccountProfile, Plan]:
    """A discount plan, an account and a plan."""
    saved = await stores.catalog.save_discount_plan(DiscountPlan(name="gold", rules=RULES))
    profile = AccountProfile(id=0, name="alice")
    (created,) = await stores.catalog.create_accounts([NewAccount(profile=profile)])
    return saved, created, await stores.catalog.save_plan(Plan(id=0, name="retail"))


def test_a_plan_comes_back_as_it_was_saved(stores: Stores) -> None:
    """Every field of every rule, in order; names are unique; replacing replaces the rules."""

    async def story() -> None:
        catalog = stores.catalog
        saved, _, _ = await furnish(stores)
        other = await catalog.save_discount_plan(DiscountPlan(name="blue", rules=()))
        assert [*await catalog.load_discount_plans()] == [other, saved]
        assert saved.rules == RULES
        changed = DiscountPlan(id=saved.id, name="silver", rules=RULES[1:])
        assert await catalog.save_discount_plan(changed) == changed
        assert [*await catalog.load_discount_plans()] == [other, changed]
        with pytest.raises(AlreadyExistsError, match="'blue' exists already"):
            await catalog.save_discount_plan(DiscountPlan(id=saved.id, name="blue", rules=()))
        with pytest.raises(NotFoundError, match="discount_plan 99 does not exist"):
            await catalog.save_discount_plan(DiscountPlan(id=99, name="x", rules=()))
        await catalog.delete_discount_plan(other.id)
        again = await catalog.save_discount_plan(DiscountPlan(name="blue", rules=()))
        assert again.id > other.id, "counters of a deleted plan are nobody's"
        with pytest.raises(NotFoundError, match="does not exist"):
            await catalog.delete_discount_plan(other.id)

    asyncio.run(story())


def test_assignments_are_found_by_account_plan_and_discount(stores: Stores) -> None:
    """The first assigned first; the same one twice is refused, also at another instant."""

    async def story() -> None:
        catalog = stores.catalog
        gold, alice, retail = await furnish(stores)
        made = [
            DiscountAssignment(
                discount_plan_id=gold.id, owner=owner, account_id=account_id, plan_id=plan_id, since_ms=since
            )
            for since, (owner, account_id, plan_id) in enumerate(
                [
                    (Owner.CUSTOMER, alice.id, None),
                    (Owner.PLAN, None, retail.id),
                    (Owner.ACCOUNT, alice.id, None),
                    (Owner.ADD_ON, None, retail.id),
                    (Owner.ADD_ON, alice.id, None),
                ]
            )
        ]
        for one in made:
            await catalog.assign_discount(one)
        assert [*await catalog.account_discounts([alice.id, 77])] == [made[0], made[2], made[4]]
        assert [*await catalog.account_discounts([])] == []
        assert [*await catalog.plan_discounts()] == [made[1], made[3]]
        assert [*await catalog.list_discounts(gold.id)] == made
        again = DiscountAssignment(
            discount_plan_id=gold.id, owner=Owner.ACCOUNT, account_id=alice.id, since_ms=9
        )
        with pytest.raises(AlreadyExistsError, match="'gold' is assigned there already"):
            await catalog.assign_discount(again)
        with pytest.raises(InputError, match=r"discount plan gold: is assigned 5 time"):
            await catalog.delete_discount_plan(gold.id)
        await catalog.withdraw_discount(again)
        assert [*await catalog.account_discounts([alice.id])] == [made[0], made[4]]
        with pytest.raises(NotFoundError, match="is not assigned there"):
            await catalog.withdraw_discount(again)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"discount_plan_id": 99, "owner": Owner.ACCOUNT, "account_id": 1}, "discount_plan 99"),
        ({"discount_plan_id": 1, "owner": Owner.ACCOUNT, "account_id": 99}, "account 99"),
        ({"discount_plan_id": 1, "owner": Owner.PLAN, "plan_id": 99}, "plan 99"),
    ],
)
def test_assigning_what_does_not_exist_is_refused(
    stores: Stores, fields: dict[str, Any], reason: str
) -> None:
    """It is named, and nothing is written."""

    async def story() -> None:
        await furnish(stores)
        before = await stores.catalog.last_change()
        with pytest.raises(NotFoundError, match=f"{reason} does not exist"):
            await stores.catalog.assign_discount(DiscountAssignment(**fields))
        assert await stores.catalog.last_change() == before

    asyncio.run(story())


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"owner": Owner.ACCOUNT}, "to an account or to a plan"),
        ({"owner": Owner.ADD_ON, "account_id": 1, "plan_id": 1}, "to an account or to a plan"),
        ({"owner": Owner.PLAN, "account_id": 1}, "not to an account"),
        ({"owner": Owner.CUSTOMER, "plan_id": 1}, "of customer kind is not assigned to a plan"),
    ],
)
def test_an_assignment_has_one_owner(fields: dict[str, Any], reason: str) -> None:
    """Of the kind that it takes precedence as."""
    with pytest.raises(InputError, match=reason):
        DiscountAssignment(discount_plan_id=1, **fields)


def test_changes_are_logged_where_servers_look(stores: Stores) -> None:
    """What an account has is the account's change; plans and what plans have are the discount's."""

    async def story() -> None:
        catalog = stores.catalog
        gold, alice, retail = await furnish(stores)
        before = await catalog.last_change()
        own = DiscountAssignment(discount_plan_id=gold.id, owner=Owner.ACCOUNT, account_id=alice.id)
        of_plan = DiscountAssignment(discount_plan_id=gold.id, owner=Owner.PLAN, plan_id=retail.id)
        for one in (own, of_plan):
            await catalog.assign_discount(one)
            await catalog.withdraw_discount(one)
        await catalog.delete_discount_plan(gold.id)
        assert [*await catalog.changes_after(before)] == [
            Change(before + number, kind, key)
            for number, (kind, key) in enumerate(
                [
                    (ChangeKind.ACCOUNT, alice.id),
                    (ChangeKind.ACCOUNT, alice.id),
                    (ChangeKind.DISCOUNT, gold.id),
                    (ChangeKind.DISCOUNT, gold.id),
                    (ChangeKind.DISCOUNT, gold.id),
                ],
                1,
            )
        ]

    asyncio.run(story())


# ----------------------------------------------------------------------------------------- audit

SHARE = Share(
    account_id=2,
    counter="c1/minutes",
    label="gold: minutes of family",
    per_set=0,
    ladder=0,
    level=0,
    first=20_454,
    until=20_485,
    quantity=6000,
    off_ppm=1_000_000,
    counts_money=0,
    promised=1,
)


def sharing_books() -> Decision:
    """Account 1 has an open and a closed session that share minutes of account 2."""
    owners = {1: Account(1), 2: Account(2)}
    shares = {11: SHARE._replace(taken=60, held=70), 12: SHARE._replace(taken=180)}
    for share in shares.values():
        replace_shares([], [share], find_account=owners.__getitem__, today=20_460)
    return Decision(
        root_id=2,
        accounts=[
            account(1, open_sessions=1, open_voice=1),
            account(2, counters=owners[2].counters),
        ],
        sessions=[session(11), session(12, state=SessionState.CLOSED)],
        reservations=[
            reservation(number, 1, allowance=write_shares([share])) for number, share in shares.items()
        ],
    )


POOL = "c1/minutes|0|0|20454"


@pytest.mark.parametrize(
    ("damage", "sentences"),
    [
        (None, []),
        (
            ("account_state", {"account_id": 2}, {"counters": f'{{"{POOL}":[239,70,20485]}}'}),
            [f"allowance {POOL} counts 239 taken and 70 held, its sessions have 240 and 70"],
        ),
        (
            ("account_state", {"account_id": 2}, {"counters": ""}),
            [f"allowance {POOL} counts 0 taken and 0 held, its sessions have 240 and 70"],
        ),
        (
            (
                "reservation",
                {"session_id": 11},
                {"allowance": write_shares([SHARE._replace(taken=60, held=71)])},
            ),
            [f"allowance {POOL} counts 240 taken and 70 held, its sessions have 240 and 71"],
        ),
        (
            (
                "reservation",
                {"session_id": 12},
                {"allowance": write_shares([SHARE._replace(taken=180, held=5)])},
            ),
            [
                f"allowance {POOL} counts 240 taken and 70 held, its sessions have 240 and 75",
                f"session 12 has ended and still holds 5 of allowance {POOL}",
            ],
        ),
    ],
)
def test_counters_are_what_sessions_took_and_hold(
    backend: Backend, damage: tuple[str, dict[str, Any], dict[str, Any]] | None, sentences: list[str]
) -> None:
    """Clean books are silent, each damage is named with account, counter and numbers."""

    async def story() -> None:
        stores = backend.open()
        await stores.ledger.commit([sharing_books()])
        if damage is not None:
            table, where, changes = damage
            backend.damage(table, where, **changes)
        found = list(await stores.ledger.verify())
        await stores.close()
        assert found == [f"account 2: {sentence}" for sentence in sentences]

    asyncio.run(story())

"""Who is recognised by what: every kind of identity, the order of looking, and what an identity overrides."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from world import World, voice_prices

from ocs.charging.master_data import identity_value
from ocs.charging.outcome import Outcome, OutcomeCode
from ocs.charging.request import RequestType
from ocs.ports import Identity, IdentityKind
from ocs.rating.tariff import Rate, TariffTerms
from ocs.units import VOICE, AccessCode, parse_money

Hint = tuple[IdentityKind, str]


def play(story: Callable[[World], Awaitable[None]]) -> None:
    """Run one story in a world where retail costs 1.00 a minute and staff 0.10; alice and bob have 10.00."""

    async def run() -> None:
        async with World() as w:
            await w.tariff("retail", {"44": voice_prices("1.00", "1/1")})
            await w.tariff("staff", {"44": voice_prices("0.10", "1/1")})
            for name in ("alice", "bob"):
                await w.account(name, "10", plan="retail")
            await story(w)

    asyncio.run(run())


async def own(w: World, account: str, kind: IdentityKind, text: str, *, plan: str | None = None) -> None:
    """Give an account an identity as an operator does."""
    value = identity_value(kind, text, "VALUE")
    await w.administration.add_identity(account, Identity(kind=kind, value=value, account_id=0), plan=plan)


async def call(w: World, key: str, *hints: Hint) -> Outcome:
    """One call of a minute by whoever the hints name."""
    return await w.ask(w.request(RequestType.INITIAL, key, called="441", identities=hints))


@pytest.mark.parametrize(
    ("kind", "kept", "asked"),
    [
        (IdentityKind.USERNAME, "sip-7", "sip-7"),
        (IdentityKind.CODE, "4711", "4711"),
        (IdentityKind.DID, "+44 20 7946-0000", "442079460000"),
        (IdentityKind.EXTENSION, "201", "201"),
        (IdentityKind.TRUNK, "trunk.example", "trunk.example"),
        (IdentityKind.IP, "192.0.2.0/24", "192.0.2.77"),
        (IdentityKind.IP, "2001:db8::/32", "2001:db8:1::5"),
        (IdentityKind.ANI, "+1 (202) 555-0100", "12025550100"),
        (IdentityKind.VIRTUAL, "442079460001", "442079460001"),
    ],
)
def test_every_kind_finds_its_account(kind: IdentityKind, kept: str, asked: str) -> None:
    """As operators write it and as equipment sends it; another kind of the same value is nobody."""

    async def story(w: World) -> None:
        await own(w, "alice", kind, kept)
        await w.begin()
        other = IdentityKind.CODE if kind is not IdentityKind.CODE else IdentityKind.TRUNK

        found = await call(w, "c1", (kind, asked))

        assert (found.code, found.account_name) == (OutcomeCode.SUCCESS, "alice")
        assert (await call(w, "c2", (other, asked))).code is OutcomeCode.UNKNOWN_IDENTITY

    play(story)


@pytest.mark.parametrize(
    ("hints", "account"),
    [
        ([(IdentityKind.USERNAME, "alice"), (IdentityKind.IP, "10.0.0.1")], "alice"),
        ([(IdentityKind.IP, "10.0.0.1"), (IdentityKind.USERNAME, "alice")], "bob"),
        ([(IdentityKind.USERNAME, "nobody"), (IdentityKind.IP, "10.0.0.1")], "bob"),
        ([(IdentityKind.USERNAME, "nobody"), (IdentityKind.ANI, "1"), (IdentityKind.IP, "10.0.0.1")], "bob"),
        ([(IdentityKind.IP, "10.9.0.1")], "alice"),
        ([(IdentityKind.IP, "10.0.0.9")], "bob"),
    ],
)
def test_the_first_known_hint_counts_and_the_longest_range(hints: Sequence[Hint], account: str) -> None:
    """The gateway's order decides; of ranges that contain an address the narrowest does."""

    async def story(w: World) -> None:
        await own(w, "alice", IdentityKind.IP, "10.0.0.0/8")
        await own(w, "bob", IdentityKind.IP, "10.0.0.0/24")
        await w.begin()

        assert (await call(w, "c1", *hints)).account_name == account

    play(story)


def test_an_identity_may_have_a_plan_of_its_own() -> None:
    """Its calls are priced by that, the account's others by the account's; all are paid by the account."""

    async def story(w: World) -> None:
        await own(w, "alice", IdentityKind.EXTENSION, "201", plan="staff")
        await own(w, "alice", IdentityKind.EXTENSION, "202")
        await w.begin()
        for key, extension in (("c1", "201"), ("c2", "202")):
            await call(w, key, (IdentityKind.EXTENSION, extension))
            await w.stop(key, 60)

        assert sorted(await w.charges("alice")) == [parse_money("0.10"), parse_money("1")]

    play(story)


def test_what_operators_change_counts_at_the_next_call() -> None:
    """An identity that moves, is limited or is gone; a call that runs goes on."""

    async def story(w: World) -> None:
        await own(w, "alice", IdentityKind.TRUNK, "t1")
        await w.begin()
        hint = (IdentityKind.TRUNK, "t1")
        await call(w, "c1", hint)
        await w.catalog.remove_identity(*hint)
        await w.engine.follow_changes()
        gone = await call(w, "c2", hint)
        await own(w, "bob", IdentityKind.TRUNK, "t1")
        await w.engine.follow_changes()

        assert gone.code is OutcomeCode.UNKNOWN_IDENTITY
        assert (await call(w, "c3", hint)).account_name == "bob"
        assert (await w.update("c1", 60)).granted_units == 60

    play(story)


# ----------------------------------------------------------------------------------------- primary identity

PRIMARY: Hint = (IdentityKind.USERNAME, "alice")
DESK: Hint = (IdentityKind.EXTENSION, "201")
MOBILE: Hint = (IdentityKind.VIRTUAL, "442079460001")


async def stand_for(w: World, account: str, hint: Hint, primary: Hint, **fields: Any) -> None:
    """An identity of an account that stands for another."""
    kinds: dict[str, Any] = {"primary_kind": primary[0], "primary_value": primary[1]}
    identity = Identity(kind=hint[0], value=hint[1], account_id=0, **kinds, **fields)
    await w.administration.add_identity(account, identity)


async def change(w: World, hint: Hint, **fields: Any) -> None:
    """What an operator changes of an identity, and the server has noticed."""
    stored = await w.catalog.find_identity(*hint)
    assert stored is not None
    await w.catalog.update_identity(replace(stored, **fields))
    await w.engine.follow_changes()


def test_a_virtual_number_shares_the_plan_and_the_money_of_its_primary() -> None:
    """Of another account too; the record says by which identity it was asked."""

    async def story(w: World) -> None:
        (staff,) = (plan for plan in await w.catalog.load_plans() if plan.name == "staff")
        await own(w, "bob", IdentityKind.CODE, "7")
        await stand_for(w, "bob", DESK, PRIMARY)
        await w.begin()
        await change(w, PRIMARY, plan_id=staff.id)

        assert (await call(w, "1", DESK)).account_name == "alice"
        await w.restart()
        assert (await w.stop("1", 60)).charged_micros == parse_money("0.10")

        assert await w.charges("alice") == [parse_money("0.10")]
        assert not await w.charges("bob")
        (record,) = await w.ledger.list_cdrs(session_id=(await w.session("1")).session_id)
        assert (record.identity_kind, record.identity_value) == ("extension", "201")

    play(story)


def test_sessions_of_a_primary_and_of_what_stands_for_it_are_counted_together() -> None:
    """Two in all, by whichever; the books agree, and one that ends makes room for the other."""

    async def story(w: World) -> None:
        await stand_for(w, "bob", DESK, PRIMARY)
        await stand_for(w, "alice", MOBILE, PRIMARY)
        await w.begin()
        await change(w, PRIMARY, max_sessions=2)
        await call(w, "1", DESK)
        await call(w, "2", PRIMARY)

        for hint in (DESK, MOBILE, PRIMARY):
            assert (await call(w, "3", hint)).code is OutcomeCode.TOO_MANY_SESSIONS
        assert not await w.ledger.verify()
        await w.stop("1", 10)
        assert (await call(w, "4", MOBILE)).code is OutcomeCode.SUCCESS
        assert (await call(w, "5", PRIMARY)).code is OutcomeCode.TOO_MANY_SESSIONS
        await w.stop("2", 10)
        await w.stop("4", 10)
        assert (await w.state("alice")).open_by_identity == ""

    play(story)


def test_with_a_plan_of_its_own_it_is_an_account_of_its_own() -> None:
    """Its account pays by that plan, whatever its primary has; without it again the primary does."""

    async def story(w: World) -> None:
        (staff,) = (plan for plan in await w.catalog.load_plans() if plan.name == "staff")
        await stand_for(w, "bob", DESK, PRIMARY)
        await w.begin()
        await change(w, PRIMARY, max_sessions=0)
        assert (await call(w, "1", DESK)).code is OutcomeCode.TOO_MANY_SESSIONS

        await change(w, DESK, plan_id=staff.id)
        assert (await call(w, "2", DESK)).account_name == "bob"
        await w.stop("2", 60)
        assert await w.charges("bob") == [parse_money("0.10")]

        await change(w, DESK, plan_id=None)
        assert (await call(w, "3", DESK)).code is OutcomeCode.TOO_MANY_SESSIONS

    play(story)


# ------------------------------------------------------------------------------------------------ out-payment

DID: Hint = (IdentityKind.DID, "442079460000")


async def save_received(w: World, name: str, rates: Sequence[Rate]) -> int:
    """A tariff for calls that are received."""
    tariff = await w.catalog.save_tariff(TariffTerms(id=0, name=name))
    await w.catalog.write_rates(tariff.id, rates)
    return tariff.id


async def describe_payback(w: World) -> None:
    """Alice receives calls at 1.00 a minute by her plan, and is paid 0.02 for those to her DID."""
    paid = Rate(destination="INCOMING", peak=voice_prices("0.02"), payback=True)
    payback_id = await save_received(w, "payback", [paid])
    dear = Rate(destination="INCOMING", peak=voice_prices("1.00"))
    (plan,) = (plan for plan in await w.catalog.load_plans() if plan.name == "retail")
    received_id = await save_received(w, "received", [dear])
    tariffs = {**plan.tariffs, (VOICE.name, AccessCode.INCOMING): received_id}
    await w.catalog.save_plan(replace(plan, tariffs=tariffs, override_tariff_id=received_id))
    did = Identity(kind=DID[0], value=DID[1], account_id=0, payback_tariff_id=payback_id)
    await w.administration.add_identity("alice", did)


async def receive(w: World, key: str, hint: Hint) -> int:
    """A call of 120 s to whoever the hint names, the server stopped and started in the middle; its charge."""
    request = w.request(
        RequestType.INITIAL, key, called=hint[1], identities=[hint], access_code=AccessCode.INCOMING
    )
    assert (await w.ask(request)).code is OutcomeCode.SUCCESS
    await w.restart()
    w.pass_seconds(5)
    await w.start(key)
    w.pass_seconds(120)
    return (await w.stop(key, 120)).charged_micros


def test_a_call_to_a_did_is_paid_out_by_its_tariff_alone() -> None:
    """Rating 10: INCOMING payback 0.02, 60/60, 120 s credits 0.04, and also when rated anew at its start."""

    async def story(w: World) -> None:
        await describe_payback(w)
        await own(w, "alice", IdentityKind.EXTENSION, "201")
        await w.begin()

        assert await receive(w, "1", DID) == -parse_money("0.04")
        assert (await w.state("alice")).balance_micros == parse_money("10.04")
        assert await receive(w, "2", (IdentityKind.EXTENSION, "201")) == parse_money("2.00")

        outgoing = w.request(RequestType.INITIAL, "3", called="441", identities=[DID])
        assert (await w.ask(outgoing)).reserved_micros == parse_money("1.00")

    play(story)


def test_a_payback_tariff_counts_from_the_next_call_on() -> None:
    """Taken from the DID while the server runs; the open call keeps what it was opened with."""

    async def story(w: World) -> None:
        await describe_payback(w)
        await w.begin()
        fields = {"called": DID[1], "identities": [DID], "access_code": AccessCode.INCOMING}
        await w.ask(w.request(RequestType.INITIAL, "1", **fields))
        stored = await w.catalog.find_identity(*DID)
        assert stored is not None
        await w.catalog.update_identity(replace(stored, payback_tariff_id=None))
        await w.engine.follow_changes()
        await w.ask(w.request(RequestType.INITIAL, "2", **fields))
        for key in ("1", "2"):
            await w.start(key)
        w.pass_seconds(60)

        charged = [(await w.stop(key, 60)).charged_micros for key in ("1", "2")]
        assert charged == [-parse_money("0.02"), parse_money("1.00")]

    play(story)

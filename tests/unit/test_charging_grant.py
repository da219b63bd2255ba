"""Grant policies: the least and the most that is granted, and what follows the last grant."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from world import SLICE, WHOLE, World, voice_prices

from ocs.charging.case import EMERGENCY
from ocs.charging.outcome import FinalUnitAction, OutcomeCode
from ocs.charging.request import RequestType, Usage
from ocs.ports import GrantPolicy, Identity, IdentityKind
from ocs.quota.session import SessionState
from ocs.rating.tariff import Rate
from ocs.units import parse_money


def play(story: Callable[[World], Awaitable[None]], **world: Any) -> None:
    """Run one story in a world where a call costs 1.00 a minute by the second; 112 is EMERGENCY."""

    async def run() -> None:
        async with World(**world) as w:
            prices = voice_prices("1.00", "1/1")
            await w.tariff("retail", {"44": prices, "0800": voice_prices("0", "1/1")})
            (terms,) = await w.catalog.load_tariffs()
            rates = [Rate(destination="900", peak=prices, payback=True)]
            await w.catalog.write_rates(terms.id, rates)
            await story(w)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("balance", "wanted", "granted", "action"),
    [
        ("10", None, 60, None),
        ("10", 30, 30, None),
        ("10", 600, 60, None),
        ("0.75", None, 45, FinalUnitAction.TERMINATE),
        ("0.50", None, 30, FinalUnitAction.TERMINATE),
        ("0.50", 20, 20, None),
    ],
)
def test_what_is_wanted_is_capped_by_policy_and_money(
    balance: str, wanted: int | None, granted: int, action: FinalUnitAction | None
) -> None:
    """A slice where nothing is wanted; less where less is wanted or affordable, and then it is the last."""

    async def story(w: World) -> None:
        await w.account("alice", balance, plan="retail")
        await w.begin()

        outcome = await w.initial("c1", "alice", requested_units=wanted)

        assert (outcome.granted_units, outcome.final_unit_action) == (granted, action)

    play(story)


@pytest.mark.parametrize(
    ("balance", "wanted", "code"),
    [
        ("0.49", None, OutcomeCode.INSUFFICIENT_BALANCE),
        ("0.50", None, OutcomeCode.SUCCESS),
        ("0.49", 20, OutcomeCode.SUCCESS),
    ],
)
def test_less_than_the_minimum_is_refused(balance: str, wanted: int | None, code: OutcomeCode) -> None:
    """30 seconds here, unless less was asked for."""

    async def story(w: World) -> None:
        await w.account("alice", balance, plan="retail")
        await w.begin()

        assert (await w.initial("c1", "alice", requested_units=wanted)).code is code

    play(story, grant=replace(SLICE, min_grant_s=30))


@pytest.mark.parametrize("action", list(FinalUnitAction))
def test_what_follows_the_last_grant_is_the_gateway_s_policy(action: FinalUnitAction) -> None:
    """Said with the last grant; a refusal after it repeats what is to be done instead of ending."""

    async def story(w: World) -> None:
        await w.account("alice", "0.50", plan="retail")
        await w.begin()
        last = await w.initial("c1", "alice")
        nothing = await w.update("c1", 30)

        assert last.final_unit_action is action
        assert nothing.code is OutcomeCode.ZERO_BALANCE
        ends = action is FinalUnitAction.TERMINATE
        assert nothing.final_unit_action is (None if ends else action)

    play(story, grant=replace(SLICE, final_unit_action=action.name.lower()))


@pytest.mark.parametrize("grant", [SLICE, replace(WHOLE, max_grant_s=86_400)], ids=["slice", "whole"])
@pytest.mark.parametrize("to", ["0800", "900"])
def test_what_costs_nothing_is_bounded_by_the_session_cap_alone(to: str, grant: GrantPolicy) -> None:
    """Free and payback numbers are granted without money, up to the longest session."""

    async def story(w: World) -> None:
        await w.account("poor", "0", plan="retail")
        await w.begin()

        outcome = await w.initial("c1", "poor", to=to)
        ended = await w.stop("c1", 60)

        assert outcome.code is OutcomeCode.SUCCESS
        assert outcome.final_unit_action is None
        assert max(outcome.granted_units, outcome.affordable_units) == grant.session_max_s
        assert ended.charged_micros == (0 if to == "0800" else -parse_money("1"))
        assert (await w.state("poor")).reserved_micros == 0

    play(story, grant=grant)


def test_an_emergency_call_is_never_refused() -> None:
    """Whatever the money and the limits; what it costs is charged."""

    async def story(w: World) -> None:
        prices = voice_prices("0.60", "60/60")
        await w.tariff("public", {EMERGENCY: prices})
        await w.account("poor", "0", plan="public", max_sessions=0, daily_spend_limit_micros=0)
        await w.begin()

        outcome = await w.initial("c1", "poor", to=EMERGENCY)

        assert (outcome.code, outcome.granted_units) == (OutcomeCode.SUCCESS, 60)
        assert outcome.affordable_units == 86_400
        assert (await w.stop("c1", 61)).charged_micros == parse_money("1.20")

    play(story)


@pytest.mark.parametrize(
    ("policy", "whole", "charged"),
    [("last_report", 30, "0.50"), ("granted", 30, "1.50"), ("elapsed", 30, "1.50")],
)
def test_silence_is_charged_by_policy_also_after_a_restart(policy: str, whole: int, charged: str) -> None:
    """What was reported, what was granted, or the time that passed within it; the Stop settles exactly."""

    async def story(w: World) -> None:
        await w.account("alice", "10", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")
        await w.update("c1", whole)
        await w.restart()
        w.pass_seconds(3600)
        await w.expire()

        record = await w.session("c1")
        (cdr,) = await w.ledger.list_cdrs()
        assert record.state == SessionState.EXPIRED
        assert cdr.charged_micros == parse_money(charged)
        assert await w.free("alice") == parse_money("10") - parse_money(charged)
        await w.stop("c1", 80)
        assert await w.balance("alice") == parse_money("10") - parse_money("1.33333")

    play(story, grant=replace(SLICE, expiry_charges=policy))


def test_a_record_says_whose_clock_it_has_and_for_whom_it_is() -> None:
    """A report whose own time was not believed marks its session for good; so does the cost centre."""

    async def story(w: World) -> None:
        await w.account("alice", "10", plan="retail")
        did = Identity(kind=IdentityKind.TRUNK, value="t1", account_id=0, cost_centre="sales")
        await w.administration.add_identity("alice", did)
        await w.begin()
        for key, late in (("c1", False), ("c2", True)):
            identities = ((IdentityKind.TRUNK, "t1"),)
            opening = w.request(RequestType.INITIAL, key, called="441", identities=identities)
            await w.ask(opening)
            await w.update(key, 30, receipt_timed=late)
            await w.stop(key, 60, usage=Usage(seconds=60))

        records = {cdr.session_key: cdr for cdr in await w.ledger.list_cdrs()}

        assert {key: cdr.receipt_timed for key, cdr in records.items()} == {"c1": 0, "c2": 1}
        assert {cdr.cost_centre for cdr in records.values()} == {"sales"}

    play(story)


def test_a_record_says_which_legs_of_the_call_were_reported() -> None:
    """Each once, in the order of their coming, over a restart and after the end; charged once."""

    async def story(w: World) -> None:
        await w.account("alice", "10", plan="retail")
        await w.begin()
        for key in ("c1", "c2"):
            await w.initial(key, "alice")
        await w.start("c1", leg="originate")
        await w.start("c1", leg="answer")
        await w.restart()
        await w.update("c1", 30, leg="answer")
        await w.update("c1", 30, leg="originate")
        await w.stop("c1", 60, leg="answer")
        await w.stop("c1", 61, leg="forward")
        await w.stop("c2", 60)

        records = {cdr.session_key: cdr for cdr in await w.ledger.list_cdrs()}

        assert {key: cdr.legs for key, cdr in records.items()} == {"c1": "originate,answer,forward", "c2": ""}
        assert records["c1"].used_units == 61
        assert (await w.session("c1")).legs == "originate,answer,forward"

    play(story)

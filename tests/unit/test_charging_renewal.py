"""Calls whose equipment asks again: slices by its own word, and nothing granted twice."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from world import SLICE, World, voice_prices

from ocs.charging.outcome import OutcomeCode
from ocs.charging.request import Usage
from ocs.ports import GrantMode, GrantPolicy
from ocs.quota.session import SessionState
from ocs.units import parse_money

ONCE = GrantPolicy(mode=GrantMode.WHOLE, max_grant_s=3600, margin_s=0, interim_interval_s=60)
"A gateway whose equipment is told once, unless it says of a session that it asks again."


def play(
    story: Callable[[World], Awaitable[None]], balance: str = "10.00", grant: GrantPolicy = ONCE
) -> None:
    """A story of alice, who pays 1.00 a minute by the second."""

    async def run() -> None:
        async with World(grant=grant) as w:
            await w.tariff("retail", {"44": voice_prices("1.00", "1/1")})
            await w.account("alice", balance, plan="retail")
            await w.begin()
            await story(w)

    asyncio.run(run())


def test_who_asks_again_shares_the_balance_with_who_is_told_once() -> None:
    """A minute is held for the one, all the rest for the other, also after reports and a restart."""

    async def story(w: World) -> None:
        asks = await w.initial("asks", "alice", request_key="1", slice_units=60)
        once = await w.initial("once", "alice", request_key="1")
        assert (asks.granted_units, asks.final_unit_action) == (60, None)
        assert (once.granted_units, await w.free("alice")) == (540, 0)
        await w.stop("once", 0)

        await w.restart()
        await w.start("asks")
        assert await w.free("alice") == parse_money("9.00")
        await w.update("asks", 50)
        assert (await w.session("asks")).granted_units == 110
        assert (await w.stop("asks", 55)).charged_micros == parse_money("0.91667")
        assert await w.free("alice") == await w.balance("alice") == parse_money("9.08333")

    play(story)


def test_a_question_without_its_usage_is_granted_on_top_of_the_time_that_passed() -> None:
    """Held is all that the equipment was ever told; a report then puts the true usage in its place."""

    async def story(w: World) -> None:
        held = []
        await w.initial("c1", "alice", request_key="1", slice_units=60)
        await w.start("c1")
        for number in (2, 3):
            w.pass_seconds(60)
            again = await w.initial("c1", "alice", request_key=str(number), slice_units=60)
            assert (again.granted_units, again.charged_micros) == (60, 0)
            assert again.presumed_units == 60 * (number - 1)
            held.append(parse_money("10") - await w.free("alice"))
        assert held == [parse_money("2.00"), parse_money("3.00")]

        replay = await w.initial("c1", "alice", request_key="3", slice_units=60)
        assert replay.granted_units == 60
        late = await w.update("c1", 30)
        assert (late.charged_micros, await w.free("alice")) == (parse_money("0.50"), parse_money("7.00"))
        await w.stop("c1", 121)
        assert await w.free("alice") == parse_money("7.98333")

    play(story)


@pytest.mark.parametrize("usage", [None, Usage(octets_in=160_000)], ids=["nothing", "no time"])
def test_no_more_is_presumed_than_was_granted(usage: Usage | None) -> None:
    """A question that comes late adds one slice: the equipment kept to what it was told."""

    async def story(w: World) -> None:
        await w.initial("c1", "alice", request_key="1", slice_units=60)
        w.pass_seconds(90)
        again = await w.initial("c1", "alice", request_key="2", slice_units=60, usage=usage)
        assert (again.presumed_units, again.granted_units) == (60, 60)
        assert await w.free("alice") == parse_money("8.00")

    play(story)


def test_the_last_part_of_the_money_is_the_last_grant() -> None:
    """Then there is none, and what was told before stays held until the end settles it."""

    async def story(w: World) -> None:
        await w.initial("c1", "alice", request_key="1", slice_units=60)
        await w.start("c1")
        w.pass_seconds(60)
        last = await w.initial("c1", "alice", request_key="2", slice_units=60)
        assert (last.granted_units, last.final_unit_action is not None) == (30, True)
        w.pass_seconds(30)
        none = await w.initial("c1", "alice", request_key="3", slice_units=60)
        assert (none.code, none.granted_units) == (OutcomeCode.INSUFFICIENT_BALANCE, 0)
        assert await w.free("alice") == 0
        await w.stop("c1", 90)
        assert await w.balance("alice") == 0

    play(story, balance="1.50")


def test_who_no_longer_says_so_is_told_all() -> None:
    """The word holds for the question that has it: without it equipment need not come back."""

    async def story(w: World) -> None:
        await w.initial("c1", "alice", request_key="1", slice_units=60)
        w.pass_seconds(60)
        again = await w.initial("c1", "alice", request_key="2")
        assert (again.granted_units, await w.free("alice")) == (540, 0)

    play(story)


def test_silence_is_borne_as_long_as_the_grant() -> None:
    """Equipment that sends no interim reports is heard of when it asks again, 300 s later."""

    async def story(w: World) -> None:
        await w.initial("c1", "alice", request_key="1", slice_units=300)
        w.pass_seconds(300 + 119)
        await w.expire()
        assert (await w.session("c1")).state == SessionState.OPEN
        w.pass_seconds(2)
        await w.expire()
        assert (await w.session("c1")).state == SessionState.EXPIRED
        assert await w.free("alice") == parse_money("10.00")

    play(story)


def test_a_whole_grant_asked_for_again_is_held_on_top_of_the_time_that_passed() -> None:
    """Equipment told once, asking again mid-call without its usage, is told what is left and no more."""

    async def story(w: World) -> None:
        first = await w.initial("c1", "alice", request_key="1")
        await w.start("c1")
        w.pass_seconds(120)
        again = await w.initial("c1", "alice", request_key="2")
        assert (first.granted_units, again.granted_units) == (600, 480)

    play(story)


def test_where_slices_are_usual_the_longer_word_holds() -> None:
    """A gateway with slices of its own may be asked for longer ones."""

    async def story(w: World) -> None:
        asked = await w.initial("c1", "alice", slice_units=300)
        usual = await w.initial("c2", "alice")
        assert (asked.granted_units, usual.granted_units) == (300, 60)

    play(story, grant=SLICE)

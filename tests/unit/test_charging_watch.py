"""What equipment is told without asking: money for a last grant, and sessions that must end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from world import SLICE, World, voice_prices

from ocs.charging.outcome import FinalUnitAction, OutcomeCode
from ocs.charging.service import SessionNotice
from ocs.ports import ChangeKind
from ocs.quota.account import AccountStatus
from ocs.units import parse_money

REPORT, END = SessionNotice.REPORT, SessionNotice.END


def play(story: Callable[[World], Awaitable[None]], **world: Any) -> None:
    """Run one story in a fresh world with a tariff `retail` of 1.00 a minute by the second."""

    async def run() -> None:
        async with World(**world) as w:
            await w.tariff("retail", {"44": voice_prices("1.00", "1/1")})
            await story(w)

    asyncio.run(run())


async def hear(w: World) -> list[tuple[str, SessionNotice, str]]:
    """What equipment hears once the engine has seen what others changed, and had its turn."""
    await w.engine.follow_changes()
    await w.settle()
    await asyncio.sleep(0.01)
    return w.notices.take()


async def last_grant(w: World, key: str, user: str) -> None:
    """A call that runs on its last grant."""
    outcome = await w.initial(key, user)
    assert outcome.final_unit_action is FinalUnitAction.TERMINATE, outcome


def test_a_top_up_reaches_a_call_on_its_last_grant() -> None:
    """Money that another process books has the call report, once; its next grant is no longer the last."""

    async def story(w: World) -> None:
        await w.account("alice", "0.50", plan="retail")
        await w.begin()
        await last_grant(w, "c1", "alice")
        assert await hear(w) == []

        await w.administration.treasury.pay("alice", parse_money("5"), key="k")

        assert await hear(w) == [("c1", REPORT, "money_arrived")]
        renewed = await w.update("c1", 10)
        assert (renewed.granted_units, renewed.final_unit_action) == (60, None)
        await w.administration.treasury.pay("alice", parse_money("5"), key="k2")
        assert await hear(w) == []

    play(story)


def test_money_that_another_call_releases() -> None:
    """The end of one call gives its hold to the one that ran out, which is told; itself is not."""

    async def story(w: World) -> None:
        await w.account("alice", "1.50", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")
        await last_grant(w, "c2", "alice")

        await w.stop("c1", 6)

        assert await hear(w) == [("c2", REPORT, "money_arrived")]
        assert (await w.update("c2", 0)).granted_units == 60
        await w.stop("c2", 30)
        assert await hear(w) == []

    play(story)


def test_a_report_that_frees_nothing_tells_nobody() -> None:
    """Calls that share the last money do not wake each other up for ever."""

    async def story(w: World) -> None:
        await w.account("alice", "1.50", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")
        await last_grant(w, "c2", "alice")

        await w.update("c1", 30)
        await w.update("c2", 10)
        await w.update("c1", 60)

        assert await hear(w) == []

    play(story)


def test_money_at_the_reseller_reaches_its_customers_calls() -> None:
    """A call waits for every account of its chain."""

    async def story(w: World) -> None:
        await w.tariff("wholesale", {"44": voice_prices("0.50", "1/1")})
        await w.account("reseller", "0.25", plan="wholesale")
        await w.account("alice", "100", plan="retail", parent="reseller")
        await w.begin()
        await last_grant(w, "c1", "alice")

        await w.administration.treasury.pay("reseller", parse_money("5"), key="k")

        assert await hear(w) == [("c1", REPORT, "money_arrived")]

    play(story)


def test_who_waits_is_known_after_a_restart() -> None:
    """A call that was granted its last before a restart hears of money after it, by release or top-up."""

    async def story(w: World) -> None:
        await w.account("alice", "1.50", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")
        await last_grant(w, "c2", "alice")
        await w.restart()
        assert await hear(w) == []

        await w.stop("c1", 6)
        assert await hear(w) == [("c2", REPORT, "money_arrived")]

        await w.restart()
        await w.administration.treasury.pay("alice", parse_money("5"), key="k")
        assert await hear(w) == [("c2", REPORT, "money_arrived")]

    play(story)


def test_a_higher_credit_limit_is_money_too() -> None:
    """An operator who raises the limit lets the call go on."""

    async def story(w: World) -> None:
        await w.account("alice", "0.50", plan="retail")
        await w.begin()
        await last_grant(w, "c1", "alice")

        await w.set_profile("alice", low_balance_micros=1)
        assert await hear(w) == []
        await w.set_profile("alice", credit_limit_micros=5_000_000)
        assert await hear(w) == [("c1", REPORT, "money_arrived")]

    play(story)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": AccountStatus.BLOCKED}, "account_blocked"),
        ({"status": AccountStatus.SUSPENDED}, "account_blocked"),
        ({"status": AccountStatus.CLOSED}, "account_blocked"),
        ({"expires_at_ms": 1}, "expired"),
    ],
)
@pytest.mark.parametrize("whose", ["alice", "reseller"])
def test_sessions_of_an_account_that_is_stopped(whose: str, change: dict[str, Any], reason: str) -> None:
    """Every open session of the account and of those below it is to be ended; its usage is still charged."""

    async def story(w: World) -> None:
        await w.account("reseller", "100", plan="retail")
        await w.account("alice", "100", plan="retail", parent="reseller")
        await w.account("bob", "100", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")
        await w.initial("c2", "alice")
        await w.initial("c3", "bob")

        await w.set_profile(whose, **change)

        assert sorted(await hear(w)) == [("c1", END, reason), ("c2", END, reason)]
        assert (await w.stop("c1", 60)).charged_micros == parse_money("1")

    play(story)


def test_an_account_that_expires_mid_call() -> None:
    """The instant of expiry ends its sessions though nothing else happens; once."""

    async def story(w: World) -> None:
        await w.account("alice", "10", plan="retail", expires_at_ms=w.clock.ms + 30_000)
        await w.begin()
        await w.initial("c1", "alice")
        assert await hear(w) == []

        w.pass_seconds(30)

        assert await hear(w) == [("c1", END, "expired")]
        assert await hear(w) == []

    play(story)


def test_an_account_that_expired_while_the_server_was_down() -> None:
    """It is told at the start."""

    async def story(w: World) -> None:
        await w.account("alice", "10", plan="retail", expires_at_ms=w.clock.ms + 30_000)
        await w.begin()
        await w.initial("c1", "alice")
        await w.engine.stop()
        w.pass_seconds(60)
        await w.begin()

        assert await hear(w) == [("c1", END, "expired")]

    play(story)


def test_thousands_that_wait_are_told_bit_by_bit() -> None:
    """A top-up reaches every waiting call once, in turns, and requests go on between them."""

    async def story(w: World) -> None:
        await w.tariff("free", {"44": voice_prices("0.00", "1/1")})
        await w.account("trunk", "0.50", plan="retail")
        await w.begin()
        keys = [f"c{n}" for n in range(200)]
        await last_grant(w, "c0", "trunk")
        for key in keys[1:]:
            outcome = await w.update(key, 0, "trunk")
            assert outcome.code is OutcomeCode.FUNDS_LOCKED

        await w.administration.treasury.pay("trunk", parse_money("500"), key="k")
        first = await hear(w)
        assert 0 < len(first) <= 64
        while len(w.notices.heard) + len(first) < len(keys):
            await asyncio.sleep(0.01)

        assert sorted(key for key, _, _ in first + w.notices.take()) == sorted(keys)

    play(story, grant=SLICE)


def test_a_session_that_nobody_knows_is_passed_over() -> None:
    """A change that names no session, or one that goes on, ends nothing."""

    async def story(w: World) -> None:
        await w.account("alice", "10", plan="retail")
        await w.begin()
        granted = await w.initial("c1", "alice")
        assert granted.session_id is not None

        await w.catalog.touch(ChangeKind.SESSION, 999)
        await w.catalog.touch(ChangeKind.SESSION, granted.session_id)

        assert await hear(w) == []
        assert (await w.update("c1", 30)).code is OutcomeCode.SUCCESS

    play(story)

"""Credit resets: the balance returns to a set amount once per day, week or month of the account's zone."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from world import World, voice_prices

from ocs.charging.credit_reset import period_start_ms
from ocs.charging.service import SessionNotice
from ocs.quota.account import AccountProfile, AccountStatus, CreditReset
from ocs.units import parse_money

DAY_S = 86_400


def at_ms(text: str, zone: str = "UTC") -> int:
    """Epoch milliseconds of a local time."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def play(story: Callable[[World], Awaitable[None]], **world: Any) -> None:
    """Run one story in a world where a call costs 1.00 a minute by the second."""

    async def run() -> None:
        async with World(**world) as w:
            await w.tariff("retail", {"44": voice_prices("1.00", "1/1")})
            await story(w)

    asyncio.run(run())


async def resets(w: World, name: str) -> list[int]:
    """Amounts of the account's resets, in order."""
    profile = await w.administration.account(name)
    return [one.amount_micros for one in await w.ledger.list_entries(profile.id) if one.kind == "reset"]


@pytest.mark.parametrize(
    ("cycle", "now", "zone", "start"),
    [
        ("daily", "2026-03-29T12:00", "Europe/Berlin", "2026-03-29T00:00"),
        ("daily", "2026-03-29T23:59", "Europe/Berlin", "2026-03-29T00:00"),
        ("daily", "2026-03-30T00:00", "Europe/Berlin", "2026-03-30T00:00"),
        ("daily", "2026-10-25T23:30", "Europe/Berlin", "2026-10-25T00:00"),
        ("daily", "2026-04-24T00:30", "Africa/Cairo", "2026-04-24T01:00"),
        ("weekly", "2026-01-04T23:59", "UTC", "2025-12-29T00:00"),
        ("weekly", "2026-01-05T00:00", "UTC", "2026-01-05T00:00"),
        ("monthly", "2026-03-01T00:00", "America/St_Johns", "2026-03-01T00:00"),
        ("monthly", "2026-03-31T23:59", "Asia/Kathmandu", "2026-03-01T00:00"),
    ],
)
def test_a_period_begins_at_midnight_of_the_account_s_zone(
    cycle: str, now: str, zone: str, start: str
) -> None:
    """Also on days of 23 or 25 hours, and where the clock skips midnight; weeks begin on Monday."""
    profile = AccountProfile(id=1, name="a", zone=zone, reset_cycle=CreditReset(cycle))

    assert period_start_ms(profile, at_ms(now, zone)) == at_ms(start, zone)


def test_the_balance_returns_to_its_amount_once_a_day() -> None:
    """Money that is left goes, debt goes too; asking again changes nothing, nor does a restart."""

    async def story(w: World) -> None:
        profile = {"reset_cycle": CreditReset.DAILY, "reset_amount_micros": parse_money("5")}
        await w.account("alice", "8", plan="retail", reset_since_ms=w.clock.ms, **profile)
        await w.begin()
        await w.engine.reset_credit()
        assert await resets(w, "alice") == []

        w.pass_seconds(DAY_S)
        for _ in range(3):
            await w.engine.reset_credit()
            await w.restart()
        assert (await w.balance("alice"), await resets(w, "alice")) == (parse_money("5"), [-parse_money("3")])

        await w.stop("c1", 360, "alice")
        w.pass_seconds(DAY_S)
        await w.engine.reset_credit()
        assert await resets(w, "alice") == [-parse_money("3"), parse_money("6")]
        assert await w.ledger.verify() == []

    play(story)


def test_midnights_while_the_server_is_down_are_made_up_once() -> None:
    """However many were missed, the next start resets once, for the period that runs."""

    async def story(w: World) -> None:
        profile = {"reset_cycle": CreditReset.DAILY, "reset_amount_micros": parse_money("5")}
        await w.account("alice", "1", plan="retail", reset_since_ms=w.clock.ms, **profile)
        await w.begin()
        await w.engine.stop()
        w.pass_seconds(3 * DAY_S + 3600)

        await w.begin()
        await w.engine.reset_credit()

        assert await resets(w, "alice") == [parse_money("4")]

    play(story)


def test_money_at_midnight_reaches_a_call_on_its_last_grant() -> None:
    """A reset is money that arrives; what the call holds stays held."""

    async def story(w: World) -> None:
        profile = {"reset_cycle": CreditReset.DAILY, "reset_amount_micros": parse_money("5")}
        await w.account("alice", "0.50", plan="retail", reset_since_ms=w.clock.ms, **profile)
        await w.begin()
        w.pass_seconds(DAY_S - 10)
        await w.initial("c1", "alice")

        w.pass_seconds(20)
        await w.engine.reset_credit()
        await asyncio.sleep(0.01)

        assert w.notices.take() == [("c1", SessionNotice.REPORT, "money_arrived")]
        assert await w.free("alice") == parse_money("4.50")

    play(story)


def test_a_cycle_that_is_set_now_begins_with_its_next_period() -> None:
    """An operator who sets a monthly credit mid-month does not take away what is there."""

    async def story(w: World) -> None:
        await w.account("alice", "8", plan="retail")
        await w.account("gone", "8", plan="retail", status=AccountStatus.CLOSED)
        await w.begin()
        cycle = {"reset_cycle": CreditReset.MONTHLY, "reset_amount_micros": parse_money("5")}
        for name in ("alice", "gone"):
            await w.administration.update_account(name, cycle)

        await w.engine.reset_credit()
        before = await resets(w, "alice")
        w.clock.ms = at_ms("2026-02-01T00:00")
        await w.engine.reset_credit()

        assert (before, await resets(w, "alice")) == ([], [-parse_money("3")])
        assert await resets(w, "gone") == []

    play(story)


def test_a_reset_whose_commit_fails_is_made_later() -> None:
    """A database that is away at midnight costs nobody their credit, and gives it to nobody twice."""

    async def story(w: World) -> None:
        profile = {"reset_cycle": CreditReset.DAILY, "reset_amount_micros": parse_money("5")}
        await w.account("alice", "1", plan="retail", reset_since_ms=w.clock.ms, **profile)
        await w.begin()
        w.pass_seconds(DAY_S)
        # Another process moves the account after it was read: our commit conflicts.
        await w.stop("c1", 30, "alice")
        await w.administration.treasury.pay("alice", parse_money("2"), key="k")

        await w.engine.reset_credit()
        await w.engine.reset_credit()

        assert await w.balance("alice") == parse_money("5")
        assert await resets(w, "alice") == [parse_money("2.50")]

    play(story)


def test_low_balance_is_noticed_once_per_crossing() -> None:
    """The entry that takes the balance below the threshold leaves a notice; those after it none."""

    async def story(w: World) -> None:
        await w.account("alice", "5", plan="retail", low_balance_micros=parse_money("3"))
        await w.begin()
        for n, seconds in enumerate((60, 60, 60, 60)):
            await w.stop(f"c{n}", seconds, "alice")
        await w.administration.treasury.pay("alice", parse_money("5"), key="k")
        await w.engine.follow_changes()
        await w.administration.treasury.adjust("alice", -parse_money("4"), key="a", note="fraud")

        notices = await w.ledger.list_notices()

        assert sorted((one.number, one.kind, one.balance_micros) for one in notices) == [
            (4, "low_balance", parse_money("2")),
            (7, "low_balance", parse_money("2")),
        ]

    play(story)

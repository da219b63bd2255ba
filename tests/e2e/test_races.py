"""The table "worked races and faults" of the charging rules, row by row, on the real engine and SQLite.

Each test is named by its row's story and its docstring says what must hold. Restarts close the database and
open it again; nothing is taken over in memory.
"""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from contract.backend import SqliteBackend
from kill import Harness
from world import World, voice_prices

from ocs.charging.clock import SystemClock
from ocs.charging.outcome import FinalUnitAction, NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import RequestType, Usage
from ocs.ports import GrantMode, GrantPolicy
from ocs.quota.account import AccountStatus
from ocs.quota.session import SessionState
from ocs.storage.sql.database import Database
from ocs.storage.sql.stores import open_sql_stores
from ocs.units import parse_money

Story = Callable[["SqliteWorld"], Awaitable[None]]

RATE = {"44": voice_prices("1.00", "1/1")}
"1.00 a minute by the second."
SLICE_60 = GrantPolicy(mode=GrantMode.SLICE, slice_s=60, margin_s=0)
SLICE_180 = GrantPolicy(mode=GrantMode.SLICE, slice_s=180, margin_s=0, interim_interval_s=180)
LOCK_WAIT_S = 0.2
"How long the server waits for a locked database here; 30 s where it is served."


class SqliteWorld(World):
    """A world on a database file."""

    def __init__(self, folder: Path, **fields: Any) -> None:
        self.backend = SqliteBackend(folder)
        super().__init__(stores=open_sql_stores(self.backend.url), **fields)

    async def restart(self) -> None:
        """Stop, close the database, and start from the file alone."""
        await self.engine.stop()
        await self.ledger.close()
        await self.catalog.close()
        self.ledger, self.catalog = open_sql_stores(self.backend.url)
        await self.begin()


def play(folder: Path, story: Story, **world: Any) -> None:
    """Run one story; in the end the books add up."""

    async def run() -> None:
        async with SqliteWorld(folder, **{"grant": SLICE_60, **world}) as w:
            await w.tariff("retail", RATE)
            await story(w)
            assert await w.ledger.verify() == []

    asyncio.run(run())


def money(text: str) -> int:
    """Micros of an amount."""
    return int(parse_money(text))


def test_15_authorizations_at_once_money_for_10_first_blocks(tmp_path: Path) -> None:
    """Exactly 10 granted, 5 refused."""

    async def story(w: SqliteWorld) -> None:
        await w.account("alice", "10.00", plan="retail")
        await w.begin()

        outcomes = await asyncio.gather(*(w.initial(f"c{n}", "alice") for n in range(15)))

        codes = [outcome.code for outcome in outcomes]
        assert codes.count(OutcomeCode.SUCCESS) == 10
        assert codes.count(OutcomeCode.FUNDS_LOCKED) == 5
        assert await w.free("alice") == 0
        assert (await w.state("alice")).open_sessions == 10

    play(tmp_path, story)


def test_two_calls_share_10_00_at_1_00_per_min_in_slices_of_180_s(tmp_path: Path) -> None:
    """Free money after each step: 7, 4, 1, 0 (B gets a final 60 s), 0 (A gets nothing more), 0.50."""

    async def story(w: SqliteWorld) -> None:
        await w.account("alice", "10.00", plan="retail")
        await w.begin()
        steps: tuple[Callable[[], Awaitable[Outcome]], ...] = (
            lambda: w.initial("A", "alice"),
            lambda: w.initial("B", "alice"),
            lambda: w.update("A", 180),
            lambda: w.update("B", 180),
            lambda: w.update("A", 360),
            lambda: w.stop("B", 210),
        )
        outcomes, free = [], []
        for step in steps:
            outcomes.append(await step())
            free.append(await w.free("alice"))

        assert free == [money(text) for text in ("7", "4", "1", "0", "0", "0.50")]
        final, nothing = outcomes[3], outcomes[4]
        assert (final.granted_units, final.final_unit_action) == (60, FinalUnitAction.TERMINATE)
        assert (nothing.code, nothing.granted_units) == (OutcomeCode.FUNDS_LOCKED, 0)
        assert sum(await w.charges("alice")) == money("9.50")

    play(tmp_path, story, grant=SLICE_180)


@pytest.mark.parametrize("usage", [Usage(seconds=61), None], ids=["with a duration", "by the clock"])
def test_the_same_stop_again_new_identifier_after_a_restart_a_day_later(
    tmp_path: Path, usage: Usage | None
) -> None:
    """One charge, also when the packet has no duration and only its arrival says when."""

    async def story(w: SqliteWorld) -> None:
        await w.account("alice", "1000", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")
        await w.start("c1", "alice")
        w.pass_seconds(61)
        stop: dict[str, Any] = {"usage": usage, "measured_by_time": usage is None}

        first = await w.stop("c1", request_key="packet 1", **stop)
        again = await w.stop("c1", request_key="packet 2", **stop)
        await w.restart()
        restarted = await w.stop("c1", request_key="packet 3", **stop)
        w.pass_seconds(86_400)
        tomorrow = await w.stop("c1", request_key="packet 4", **stop)

        assert first.charged_micros == money("1.01667")
        assert {answer.code for answer in (again, restarted, tomorrow)} == {OutcomeCode.SUCCESS}
        assert {answer.charged_micros for answer in (again, restarted, tomorrow)} == {first.charged_micros}
        assert await w.charges("alice") == [first.charged_micros]
        assert len(await w.ledger.list_cdrs()) == 1

    play(tmp_path, story)


def test_interim_60_interim_30_late_stop_61(tmp_path: Path) -> None:
    """charge(61) once."""

    async def story(w: SqliteWorld) -> None:
        await w.account("alice", "10", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")

        await w.update("c1", 60)
        await w.update("c1", 30)
        await w.stop("c1", 61)
        await w.update("c1", 60)

        assert await w.charges("alice") == [money("1"), money("0.01667")]
        assert await w.free("alice") == money("8.98333")

    play(tmp_path, story)


@pytest.mark.parametrize("order", ["stop", "stop start", "start start stop", "start stop start stop"])
@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "at once"])
def test_stop_without_start_start_after_stop_two_starts(tmp_path: Path, order: str, *, at_once: bool) -> None:
    """Charged once, one CDR."""

    async def story(w: SqliteWorld) -> None:
        await w.account("alice", "10", plan="retail")
        await w.begin()
        steps = [
            w.start("c1", "alice") if step == "start" else w.stop("c1", 120, "alice")
            for step in order.split()
        ]
        if at_once:
            await asyncio.gather(*steps)
        else:
            for step in steps:
                await step

        assert await w.charges("alice") == [money("2")]
        assert len(await w.ledger.list_cdrs()) == 1
        assert (await w.state("alice")).open_sessions == 0
        assert await w.free("alice") == money("8")

    play(tmp_path, story)


@pytest.mark.slow
def test_kill_9_at_any_moment_under_load_restart(tmp_path: Path) -> None:
    """Answered = booked; nothing reserved for ever: 30 times, over RADIUS and gRPC (tests/kill.py)."""
    report = Harness(tmp_path, seed=time.time_ns() % 1_000_000).run(30)

    assert report.kills >= 30, report
    assert report.answered > 1000, report
    assert report.debits > 30, report
    assert report.expired > 0, report


def test_database_gone(tmp_path: Path) -> None:
    """No answers meanwhile, no restart needed after, books exact.

    Another process holds the write lock for longer than the server waits: here a short while, 30 s and more
    in `test_server_faults.py`, which has the full disk and the read-only file too.
    """

    async def story(w: SqliteWorld) -> None:
        await w.account("alice", "10", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")
        with closing(sqlite3.connect(w.backend.path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            unanswered = await asyncio.gather(
                w.engine.charge(w.request(RequestType.UPDATE, "c1", usage=Usage(seconds=60))),
                w.engine.charge(w.request(RequestType.INITIAL, "c2", user="alice", called="441")),
                w.engine.charge(w.request(RequestType.TERMINATION, "c1", usage=Usage(seconds=90))),
            )
            assert not w.engine.is_store_available
            other.execute("ROLLBACK")

        ended = await w.stop("c1", 90)

        assert unanswered == [NoAnswer.UNAVAILABLE] * 3
        assert ended.charged_micros == money("1.50")
        assert await w.charges("alice") == [money("1.50")]
        assert await w.free("alice") == money("8.50")
        assert w.engine.is_store_available

    with pytest.MonkeyPatch.context() as patch:
        connect = Database.__init__
        patch.setattr(
            Database,
            "__init__",
            lambda self, url, **fields: connect(self, url, **{**fields, "busy_timeout_s": LOCK_WAIT_S}),
        )
        play(tmp_path, story)


def test_usage_20_min_on_money_for_10(tmp_path: Path) -> None:
    """All charged, overrun recorded, next request refused."""

    async def story(w: SqliteWorld) -> None:
        await w.account("alice", "10", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")

        ended = await w.stop("c1", 1200)
        refused = await w.initial("c2", "alice")

        assert ended.charged_micros == money("20")
        assert await w.balance("alice") == money("-10")
        (record,) = await w.ledger.list_cdrs()
        assert record.overrun_micros == money("10")
        profile = await w.catalog.find_account("alice")
        assert profile is not None
        entries = await w.ledger.list_entries(profile.id)
        assert [entry.overrun_micros for entry in entries if entry.kind == "charge"] == [money("10")]
        assert refused.code is OutcomeCode.ZERO_BALANCE

    play(tmp_path, story)


def test_reseller_has_money_for_5_calls_its_10_customers_have_plenty(tmp_path: Path) -> None:
    """5 granted."""

    async def story(w: SqliteWorld) -> None:
        await w.tariff("wholesale", {"44": voice_prices("0.50", "60/60")})
        await w.account("reseller", "2.50", plan="wholesale")
        for n in range(10):
            await w.account(f"customer{n}", "100", plan="retail", parent="reseller")
        await w.begin()

        outcomes = await asyncio.gather(*(w.initial(f"c{n}", f"customer{n}") for n in range(10)))

        codes = [outcome.code for outcome in outcomes]
        assert codes.count(OutcomeCode.SUCCESS) == 5
        assert codes.count(OutcomeCode.FUNDS_LOCKED) == 5
        assert await w.free("reseller") == 0
        held = [await w.free(f"customer{n}") == money("99") for n in range(10)]
        assert held == [code is OutcomeCode.SUCCESS for code in codes]

    play(tmp_path, story)


def test_account_blocked_mid_call(tmp_path: Path) -> None:
    """Next report ends the session; the usage is charged."""

    async def story(w: SqliteWorld) -> None:
        await w.account("alice", "10", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")

        await w.set_profile("alice", status=AccountStatus.BLOCKED)
        refused = await w.update("c1", 60)
        ended = await w.stop("c1", 63)

        assert (refused.code, refused.granted_units) == (OutcomeCode.ACCOUNT_DENIED, 0)
        assert ended.code is OutcomeCode.SUCCESS
        assert await w.balance("alice") == money("8.95")
        assert await w.free("alice") == money("8.95")

    play(tmp_path, story)


class Machine:
    """A machine's clocks: one that can be set, one that only runs."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.wall_ns = 1_767_225_600_000_000_000
        self.running_ns = 1_000_000_000
        patch.setattr(time, "time_ns", lambda: self.wall_ns)
        patch.setattr(time, "monotonic_ns", lambda: self.running_ns)

    def run(self, seconds: int) -> None:
        """Let time pass."""
        self.wall_ns += seconds * 1_000_000_000
        self.running_ns += seconds * 1_000_000_000


class SteppedWorld(SqliteWorld):
    """A world on the server's own clock and a machine whose clock is set by hand."""

    def __init__(self, folder: Path, machine: Machine, **fields: Any) -> None:
        super().__init__(folder, **fields)
        self._machine = machine
        self._use_clock()

    def _use_clock(self) -> None:
        """What a server process starts with."""
        self.system_clock = SystemClock()
        self.clock.now_ms = self.system_clock.now_ms  # type: ignore[method-assign]

    def pass_seconds(self, seconds: int) -> None:
        """Let time pass, on the machine."""
        self._machine.run(seconds)
        self.system_clock.follow()
        self.clock.ms = self.system_clock.now_ms()

    def step_back(self, seconds: int) -> None:
        """Somebody sets the machine's clock."""
        self._machine.wall_ns -= seconds * 1_000_000_000
        self.pass_seconds(0)

    async def reboot(self) -> None:
        """A new process, which knows the machine's clock only as it is now."""
        self._use_clock()
        self.pass_seconds(0)
        await self.restart()


@pytest.mark.parametrize("is_rebooted", [False, True], ids=["while it runs", "and a restart"])
def test_clock_steps_back_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_rebooted: bool
) -> None:
    """No free time, no early expiry."""
    machine = Machine(monkeypatch)

    async def story() -> None:
        async with SteppedWorld(tmp_path, machine, grant=SLICE_60) as w:
            w.pass_seconds(0)
            await w.tariff("retail", RATE)
            await w.account("alice", "10", plan="retail")
            await w.begin()
            for key in ("talks", "silent"):
                await w.initial(key, "alice")
                await w.start(key, "alice")
            w.pass_seconds(30)

            w.step_back(3600)
            if is_rebooted:
                await w.reboot()
            await w.expire()
            assert (await w.session("silent")).is_open
            w.pass_seconds(30)
            renewed = await w.update("talks", 60)
            assert (renewed.charged_micros, renewed.granted_units) == (money("1"), 60)
            w.pass_seconds(30)
            await w.stop("talks", 90)

            assert (await w.session("talks")).used_units == 90
            assert await w.balance("alice") == money("8.50")
            await w.expire()
            assert (await w.session("silent")).is_open
            w.pass_seconds(3600 + 120)
            await w.expire()
            assert (await w.session("silent")).state == SessionState.EXPIRED
            assert await w.free("alice") == money("8.50")
            assert await w.ledger.verify() == []

    asyncio.run(story())

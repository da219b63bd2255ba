"""Stories of failing and slow commits: what the engine must not believe, forget or leave held."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from world import WHOLE, World, voice_prices

from ocs.charging.case import Case
from ocs.charging.engine import Engine, EngineLimits
from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType, Usage
from ocs.errors import StoreUnavailableError
from ocs.ports import ChangeKind, CommitResult, Decision, LoadedState
from ocs.quota.account import AccountKind, AccountStatus
from ocs.quota.session import Session, SessionState
from ocs.rating.tariff import PriceSet
from ocs.storage.memory import MemoryCatalogStore, MemoryLedgerStore
from ocs.units import DATA, parse_money, parse_price

PER_SECOND = {"44": voice_prices("1.00", "1/1")}


class ScriptedLedger(MemoryLedgerStore):
    """A ledger whose next commits end as the story says: ``ok``, ``fail`` (nothing written), ``unknown``.

    An unknown commit is written, but its caller only learns that the connection broke.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fates: list[str] = []
        self.gate = asyncio.Event()
        "Commits wait until it is set."
        self.gate.set()

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Write, or not, by the next fate."""
        fate = self.fates.pop(0) if self.fates else "ok"
        await self.gate.wait()
        if fate == "fail":
            raise StoreUnavailableError("the database is away")
        results = await super().commit(decisions)
        if fate == "unknown":
            raise StoreUnavailableError("the connection broke")
        return results


class FaultyWorld(World):
    """A world whose ledger store misbehaves on demand."""

    def __init__(self, **fields: Any) -> None:
        self.faults = ScriptedLedger()
        super().__init__(stores=(self.faults, MemoryCatalogStore()), **fields)

    async def turns(self, count: int = 20) -> None:
        """Let everything that can go on go on."""
        for _ in range(count):
            await asyncio.sleep(0)


def play(story: Callable[[FaultyWorld], Awaitable[None]], **world: Any) -> None:
    """Run one story in a fresh world with a tariff `retail` of 1.00 a minute by the second."""

    async def run() -> None:
        async with FaultyWorld(**world) as w:
            await w.tariff("retail", PER_SECOND)
            await story(w)

    asyncio.run(run())


def money(text: str) -> int:
    """Micros of an amount."""
    return int(parse_money(text))


class TestFailedCommit:
    """A batch that could not be written takes everything that was built on it along."""

    def test_customers_of_one_reseller_forget_what_was_built_on_a_failed_batch(self) -> None:
        """The open batch joins two customers through their reseller; both are forgotten when it is undone.

        `ann`'s commit is under way while `bob`'s decision joins `ann`'s next one through the reseller. The
        failure of the first undoes the second: nothing may be left held at `bob`.
        """

        async def story(w: FaultyWorld) -> None:
            await w.account("reseller", "100", plan="retail")
            for name in ("ann", "bob"):
                await w.account(name, "10", plan="retail", parent="reseller")
            await w.begin()
            for name in ("ann", "bob"):
                await w.stop(f"warm-{name}", 0, name)
            w.faults.gate.clear()
            w.faults.fates = ["fail"]

            first = asyncio.create_task(w.engine.charge(_authorise(w, "c1", "ann")))
            await w.turns()
            second = asyncio.create_task(w.engine.charge(_authorise(w, "c2", "bob")))
            await w.turns()
            w.faults.gate.set()
            assert await first is await second is NoAnswer.UNAVAILABLE
            await w.stop("c3", 60, "bob")

            assert await w.ledger.verify() == []
            assert await w.free("bob") == money("9")

        play(story)

    def test_a_batch_holds_nothing_of_the_next_one(self) -> None:
        """What is decided in the turn that closes a batch is not in that batch's rows.

        The second authorisation comes right behind the start of the first one's commit, and its own commit
        fails: the account's row must not hold money for it.
        """

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.stop("warm", 0, "alice")
            w.faults.fates = ["ok", "fail"]
            answers: list[Outcome | NoAnswer] = []

            w.engine.submit(_authorise(w, "c1", "alice"), answers.append)
            while w.engine._inflight is None:
                await asyncio.sleep(0)
            w.engine.submit(_authorise(w, "c2", "alice"), answers.append)
            await w.turns()

            assert isinstance(answers[0], Outcome)
            assert answers[1] is NoAnswer.UNAVAILABLE
            assert await w.ledger.verify() == []
            assert await w.free("alice") == money("9")

        play(story)

    def test_a_session_whose_opening_was_written_unknown_to_us_expires(self) -> None:
        """The commit was written, its result was lost and the gateway gave up: nothing is held for ever."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            w.faults.fates = ["unknown"]

            answer = await w.engine.charge(_authorise(w, "c1", "alice"))
            w.pass_seconds(600)
            await w.expire()
            w.pass_seconds(600)
            await w.expire()

            assert answer is NoAnswer.UNAVAILABLE
            assert (await w.session("c1")).state == SessionState.EXPIRED
            assert await w.free("alice") == money("10")

        play(story)

    def test_a_session_ended_before_its_opening_was_written_expires_when_its_end_is_lost(self) -> None:
        """The Stop is decided while the authorisation is being written, and fails: the session still ends."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            w.faults.gate.clear()
            w.faults.fates = ["ok", "fail"]

            opened = asyncio.create_task(w.engine.charge(_authorise(w, "c1", "alice")))
            await w.turns()
            ended = asyncio.create_task(
                w.engine.charge(w.request(RequestType.TERMINATION, "c1", usage=Usage(seconds=5)))
            )
            await w.turns()
            w.faults.gate.set()
            assert isinstance(await opened, Outcome)
            assert await ended is NoAnswer.UNAVAILABLE
            w.pass_seconds(600)
            await w.expire()
            w.pass_seconds(600)
            await w.expire()

            assert (await w.session("c1")).state == SessionState.EXPIRED
            assert await w.free("alice") == money("10")

        play(story)

    def test_a_due_session_is_looked_at_again_when_its_end_could_not_be_written(self) -> None:
        """Expiry meets a session whose Stop is being written and fails: it comes back for it."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            w.faults.gate.clear()
            w.faults.fates = ["fail"]
            w.pass_seconds(600)

            ended = asyncio.create_task(
                w.engine.charge(w.request(RequestType.TERMINATION, "c1", usage=Usage(seconds=5)))
            )
            await w.turns()
            w.engine.expire_due()
            w.faults.gate.set()
            assert await ended is NoAnswer.UNAVAILABLE
            w.pass_seconds(600)
            await w.expire()

            assert (await w.session("c1")).state == SessionState.EXPIRED
            assert await w.free("alice") == money("10")

        play(story)

    def test_a_gateway_restart_is_not_acknowledged_while_an_end_is_being_written(self) -> None:
        """The Stop is decided but fails to be written: Accounting-On hears no before it may hear yes."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            w.faults.gate.clear()
            w.faults.fates = ["fail"]
            w.pass_seconds(10)
            heard: list[bool] = []

            ended = asyncio.create_task(
                w.engine.charge(w.request(RequestType.TERMINATION, "c1", usage=Usage(seconds=5)))
            )
            await w.turns()
            w.pass_seconds(10)
            w.engine.end_gateway_sessions(w.gateway.id, w.clock.ms, heard.append)
            w.faults.gate.set()
            await ended
            await w.turns()

            assert heard == [False]
            assert (await w.session("c1")).is_open

        play(story)


class TestExpiry:
    """Nothing is held beyond the instant that the session's record names."""

    def test_a_grant_that_shrinks_ends_earlier(self) -> None:
        """An hour was granted, then ten seconds are asked for: silence counts from those."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "100", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            await w.update("c1", 60, requested_units=10)
            due_ms = (await w.session("c1")).expires_at_ms
            w.clock.ms = due_ms

            await w.expire()

            assert (await w.session("c1")).state == SessionState.EXPIRED
            assert await w.free("alice") == money("99")

        play(story, grant=WHOLE)

    def test_what_another_server_left_open_is_ended(self) -> None:
        """A server on the same database died with a session that this one was never asked about."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            other = Engine(
                ledger=w.ledger, catalog=w.catalog, clock=w.clock, ids=w.ids, limits=EngineLimits(tick_s=3600)
            )
            await other.start()
            await other.charge(_authorise(w, "c1", "alice"))
            await other.stop()
            assert await w.free("alice") == money("9")
            w.pass_seconds(600)

            await w.engine.look_for_overdue()
            await w.expire()

            assert (await w.session("c1")).state == SessionState.EXPIRED
            assert await w.free("alice") == money("10")

        play(story)

    def test_a_session_that_was_only_read_is_ended_too(self) -> None:
        """Another server opened it; this one repeats its grant, which commits nothing, and knows its end."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            other = Engine(
                ledger=w.ledger, catalog=w.catalog, clock=w.clock, ids=w.ids, limits=EngineLimits(tick_s=3600)
            )
            await other.start()
            request = w.request(RequestType.INITIAL, "c1", user="alice", called="441", request_key="a")
            first = await other.charge(request)
            await other.stop()

            assert await w.engine.charge(request) == first
            w.pass_seconds(600)
            await w.expire()

            assert (await w.session("c1")).state == SessionState.EXPIRED
            assert await w.free("alice") == money("10")

        play(story)


@pytest.mark.plants
class TestBug:
    """A decision that fails half-way is as if it had never been begun."""

    def test_a_session_that_was_half_decided_is_read_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The usage was debited in memory when the next step failed: the Stop debits it in the books."""

        def fail(case: Case) -> None:
            raise AssertionError("a bug")

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            with monkeypatch.context() as patch:
                patch.setattr(Case, "grant", fail)
                report = w.request(RequestType.UPDATE, "c1", usage=Usage(seconds=60))
                assert await w.engine.charge(report) is NoAnswer.UNAVAILABLE

            await w.stop("c1", 60)

            assert await w.ledger.verify() == []
            assert await w.balance("alice") == money("9")

        play(story)

    def test_what_was_read_beside_a_batch_under_way_is_read_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The Stop that frees the money is being written when a bug makes the account be read: too early."""

        def fail(case: Case) -> None:
            raise AssertionError("a bug")

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "1", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            w.faults.gate.clear()
            ended = asyncio.create_task(
                w.engine.charge(w.request(RequestType.TERMINATION, "c1", usage=Usage()))
            )
            await w.turns()
            with monkeypatch.context() as patch:
                patch.setattr(Case, "grant", fail)
                assert await w.engine.charge(_authorise(w, "c2", "alice")) is NoAnswer.UNAVAILABLE
            refused = asyncio.create_task(w.engine.charge(_authorise(w, "c3", "alice")))
            await w.turns()
            w.faults.gate.set()
            await ended
            await refused

            assert (await w.initial("c4", "alice")).code is OutcomeCode.SUCCESS

        play(story)

    def test_a_record_that_cannot_be_read_is_no_answer(self) -> None:
        """A bug in the store while loading: the request is given up, its place in the queue free again."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()

            async def fail(*_: object) -> LoadedState:
                raise ValueError("a row that makes no sense")

            w.faults.load = fail  # type: ignore[method-assign]
            answer = await asyncio.wait_for(w.engine.charge(_authorise(w, "c1", "alice")), 5)

            assert answer is NoAnswer.UNAVAILABLE
            assert not w.engine.is_busy

        play(story)

    def test_one_session_that_cannot_be_ended_does_not_keep_the_others(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Ending the first of two silent sessions fails; the second ends, and the first when it is mended."""

        def fail(self: Case, **_: object) -> None:
            if self.session.session_key == "c1":
                raise AssertionError("a bug")
            close(self, ended_at_ms=1, cause="expired", state=SessionState.EXPIRED)

        async def story(w: FaultyWorld) -> None:
            for name in ("alice", "bob"):
                await w.account(name, "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            await w.initial("c2", "bob")
            w.pass_seconds(600)
            with monkeypatch.context() as patch:
                patch.setattr(Case, "close", fail)
                await w.expire()
            assert await w.free("bob") == money("10")
            w.pass_seconds(600)
            await w.expire()

            assert await w.free("alice") == money("10")
            assert await w.ledger.verify() == []

        close = Case.close
        play(story)


class TestBrokenCounter:
    """What no column of the books can hold fails nobody else, and is kept for the operator."""

    @pytest.mark.parametrize("octets", [2**48 + 1, 2**63, 2**64 - 1])
    @pytest.mark.parametrize("kind", [RequestType.UPDATE, RequestType.TERMINATION])
    def test_it_is_parked_and_the_neighbours_are_booked(self, kind: RequestType, octets: int) -> None:
        """Two customers of one reseller share a batch: the one with a broken counter does not sink it."""

        async def story(w: FaultyWorld) -> None:
            await w.tariff("data", {"NETACCESS": _per_megabyte("1.00")})
            await w.account("reseller", "100", plan="data")
            for name in ("ann", "bob"):
                await w.account(name, "10", plan="data", parent="reseller")
            await w.begin()
            for key, name in (("c1", "ann"), ("c2", "bob")):
                await w.initial(key, name, to="", service=DATA)

            broken = w.request(kind, "c1", service=DATA, usage=Usage(octets_in=octets))
            honest = w.request(RequestType.TERMINATION, "c2", service=DATA, usage=Usage(octets_in=2**20))
            answers = await asyncio.gather(w.engine.charge(broken), w.engine.charge(honest))

            assert [answer.code for answer in answers if isinstance(answer, Outcome)] == [
                OutcomeCode.INVALID_ARGUMENT,
                OutcomeCode.SUCCESS,
            ]
            assert await w.balance("ann") == money("10")
            assert await w.balance("bob") == money("9")
            (parked,) = await w.ledger.list_parked()
            assert parked.reason == "invalid_argument"
            assert parked.used_units <= 2**62
            assert str(octets) in parked.report

        play(story)

    def test_an_event_for_more_than_there_can_be_is_refused(self) -> None:
        """Without a limit on debt the units themselves are the limit."""

        async def story(w: FaultyWorld) -> None:
            await w.tariff("sms", {"MSG": PriceSet(unit_price_nanos=parse_price("0.50"))})
            await w.account("rich", plan="sms", kind=AccountKind.POSTPAID)
            await w.begin()

            answer = await w.event("m1", "rich", RequestedAction.DIRECT_DEBITING, requested_units=2**61)

            assert isinstance(answer, Outcome)
            assert answer.code is OutcomeCode.INVALID_ARGUMENT
            assert await w.balance("rich") == 0

        play(story)

    def test_octets_that_a_call_brings_along_are_hearsay(self) -> None:
        """A gateway that never set its octet counters charges its calls all the same."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()

            await w.stop(
                "c1", user="alice", usage=Usage(seconds=60, octets_in=2**64 - 1, octets_out=2**64 - 1)
            )

            assert await w.balance("alice") == money("9")
            assert (await w.session("c1")).octets_in < 2**63

        play(story)


class TestGrant:
    """An answer promises no more than is held for it."""

    def test_a_smaller_wish_is_granted_as_small_as_it_is_held(self) -> None:
        """60 s were granted, then 10 are asked for after 30: the answer says 10, for 10 are held."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")

            renewed = await w.update("c1", 30, requested_units=10)

            assert renewed.reserved_micros == money("0.16667")
            assert renewed.granted_units == 10

        play(story)

    def test_money_that_another_session_overran_is_not_promised_again(self) -> None:
        """What one session used above its grant is gone: the other's next grant is what is left."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "2", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            await w.initial("c2", "alice")
            await w.stop("c2", 90)

            renewed = await w.update("c1", 15)

            assert await w.free("alice") == 0
            assert renewed.granted_units == 15
            assert renewed.reserved_micros == money("0.25")

        play(story)


class TestOtherServer:
    """Another server on the same database changes what we have in memory."""

    def test_a_session_ended_elsewhere_while_it_reports_here_is_charged_once(self) -> None:
        """The end is noticed between a report that is decided but not written and the Stop behind it.

        The Stop must not be decided on the record as it is in the store, beside the report's: both would
        debit.
        """

        async def story(w: FaultyWorld) -> None:
            for name in ("alice", "bob"):
                await w.account(name, "10", plan="retail")
            await w.begin()
            for key, name in (("c1", "alice"), ("warm", "bob")):
                await w.initial(key, name)
            await w.update("c1", 60)
            session_id = (await w.session("c1")).session_id
            await _stop_elsewhere(w, "c1", 60)
            profile = await w.catalog.find_account("alice")
            assert profile is not None
            await w.catalog.touch(ChangeKind.ACCOUNT, profile.id)
            await w.catalog.touch(ChangeKind.SESSION, session_id)
            read = asyncio.Event()
            find = w.faults.find_session

            async def find_slowly(number: int) -> Session | None:
                found = await find(number)
                await read.wait()
                return found

            w.faults.find_session = find_slowly  # type: ignore[method-assign]
            following = asyncio.create_task(w.engine.follow_changes())
            await w.turns()
            w.faults.gate.clear()
            under_way = [asyncio.create_task(w.engine.charge(_authorise(w, "other", "bob")))]
            await w.turns()
            for kind in (RequestType.UPDATE, RequestType.TERMINATION):
                request = w.request(kind, "c1", usage=Usage(seconds=120))
                under_way.append(asyncio.create_task(w.engine.charge(request)))
                await w.turns()
                read.set()
                await following
            w.faults.gate.set()
            await asyncio.gather(*under_way)

            assert await w.ledger.verify() == []
            assert sum(await w.charges("alice")) == money("2")

        play(story)

    def test_money_that_another_server_released_is_found(self) -> None:
        """Nobody is refused for sums in memory: they are read again first, and commits compare the rest."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "1", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            assert (await w.initial("c2", "alice")).code is OutcomeCode.FUNDS_LOCKED
            await _stop_elsewhere(w, "c1", 0)

            assert (await w.initial("c3", "alice")).code is OutcomeCode.SUCCESS

        play(story)

    def test_a_payment_that_nobody_announced_is_found(self) -> None:
        """The command that booked it was killed before it could tell the server."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "0", plan="retail")
            await w.begin()
            assert (await w.initial("c1", "alice")).code is OutcomeCode.ZERO_BALANCE
            await w.administration.treasury.pay("alice", money("5"), key="p1")

            assert (await w.initial("c2", "alice")).code is OutcomeCode.SUCCESS

        play(story)


class TestReplay:
    """A repeat gets the answer that the first copy got."""

    def test_a_debited_message_is_not_refused_after_a_restart(self) -> None:
        """The last money paid for the message; the repeat of it after a restart is still a success."""

        async def story(w: FaultyWorld) -> None:
            await w.tariff("sms", {"MSG": PriceSet(unit_price_nanos=parse_price("0.50"))})
            await w.account("dan", "1", plan="sms")
            await w.begin()
            await w.event("m1", "dan", RequestedAction.DIRECT_DEBITING, requested_units=2)
            await w.restart()
            await w.event("other", "dan", RequestedAction.CHECK_BALANCE)

            again = await w.event("m1", "dan", RequestedAction.DIRECT_DEBITING, requested_units=2)

            assert isinstance(again, Outcome)
            assert again.code is OutcomeCode.SUCCESS
            assert await w.balance("dan") == 0

        play(story)

    def test_a_debited_message_is_not_refused_after_a_block(self) -> None:
        """The message was charged and its answer lost; its repeat succeeds though dan is blocked."""

        async def story(w: FaultyWorld) -> None:
            await w.tariff("sms", {"MSG": PriceSet(unit_price_nanos=parse_price("0.50"))})
            await w.account("dan", "1", plan="sms")
            await w.begin()
            await w.event("m1", "dan", RequestedAction.DIRECT_DEBITING)
            await w.set_profile("dan", status=AccountStatus.BLOCKED)

            again = await w.event("m1", "dan", RequestedAction.DIRECT_DEBITING)

            assert isinstance(again, Outcome)
            assert again.code is OutcomeCode.SUCCESS
            assert await w.balance("dan") == money("0.50")

        play(story)

    def test_a_stop_without_a_duration_is_no_correction_tomorrow(self) -> None:
        """Its time is that of its arrival: the same Stop a day later must not charge a day."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.start("c1", "alice")
            w.pass_seconds(60)
            first = await w.stop("c1", measured_by_time=True)
            w.pass_seconds(86_400)

            again = await w.stop("c1", measured_by_time=True)

            assert first.code is again.code is OutcomeCode.SUCCESS
            assert await w.balance("alice") == money("9")

        play(story)

    def test_a_late_small_report_does_not_replace_a_parked_one(self) -> None:
        """Two reports that nobody can be charged for arrive in the wrong order: the larger usage is kept."""

        async def story(w: FaultyWorld) -> None:
            await w.begin()

            await w.stop("c1", 61, "nobody")
            await w.update("c1", 30, "nobody")

            (parked,) = await w.ledger.list_parked()
            assert '"seconds":61' in parked.report

        play(story)


class TestFreshness:
    """What an operator did takes effect at the next look, whatever was under way."""

    def test_a_top_up_during_a_commit_is_seen(self) -> None:
        """The change is followed while the account's commit has no result yet: the next look sees it."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "1", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            ended = w.request(RequestType.TERMINATION, "c1", usage=Usage(seconds=60))
            written = asyncio.Event()
            told = asyncio.Event()
            commit = w.faults.commit

            async def slow_commit(decisions: Sequence[Decision]) -> Sequence[CommitResult]:
                results = await commit(decisions)
                written.set()
                await told.wait()
                return results

            w.faults.commit = slow_commit  # type: ignore[method-assign]
            stopped = asyncio.create_task(w.engine.charge(ended))
            await written.wait()
            w.faults.commit = commit  # type: ignore[method-assign]
            await w.administration.treasury.pay("alice", money("5"), key="p1")
            await w.engine.follow_changes()
            told.set()
            await stopped
            await w.engine.follow_changes()

            assert (await w.initial("c2", "alice")).code is OutcomeCode.SUCCESS

        play(story)

    def test_a_top_up_that_had_to_be_repeated_is_seen(self) -> None:
        """The payment was written but not announced, as its connection broke; repeating it announces it."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "0", plan="retail")
            await w.begin()
            assert (await w.initial("c1", "alice")).code is OutcomeCode.ZERO_BALANCE
            w.faults.fates = ["unknown"]
            with pytest.raises(StoreUnavailableError):
                await w.administration.treasury.pay("alice", money("5"), key="p1")

            repeated = await w.administration.treasury.pay("alice", money("5"), key="p1")
            await w.engine.follow_changes()

            assert repeated.is_repeat
            assert (await w.initial("c2", "alice")).code is OutcomeCode.SUCCESS

        play(story)

    def test_a_block_during_the_first_look_at_an_account_is_seen(self) -> None:
        """The account is read, blocked and the change followed before the reading arrives: it is stale."""

        async def story(w: FaultyWorld) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            profile = await w.catalog.find_account("alice")
            assert profile is not None
            load_chain = w.catalog.load_chain
            read = asyncio.Event()
            arrived = asyncio.Event()

            async def slow_chain(account_id: int) -> Sequence[Any]:
                chain = await load_chain(account_id)
                read.set()
                await arrived.wait()
                return chain

            w.catalog.load_chain = slow_chain  # type: ignore[method-assign]
            asking = asyncio.create_task(w.engine.charge(_authorise(w, "c1", "alice")))
            await read.wait()
            w.catalog.load_chain = load_chain  # type: ignore[method-assign]
            await w.administration.update_account("alice", {"status": AccountStatus.BLOCKED})
            await w.engine.follow_changes()
            arrived.set()
            await asking

            assert (await w.initial("c2", "alice")).code is OutcomeCode.ACCOUNT_DENIED

        play(story)


async def _stop_elsewhere(w: FaultyWorld, key: str, seconds: int) -> None:
    """A server of its own ends the session."""
    other = Engine(
        ledger=w.ledger, catalog=w.catalog, clock=w.clock, ids=w.ids, limits=EngineLimits(tick_s=3600)
    )
    await other.start()
    await other.charge(w.request(RequestType.TERMINATION, key, usage=Usage(seconds=seconds)))
    await other.stop()


def _per_megabyte(price: str) -> PriceSet:
    return PriceSet(unit_price_nanos=parse_price(price))


def _authorise(w: World, key: str, user: str) -> ChargingRequest:
    return w.request(RequestType.INITIAL, key, user=user, called="441")

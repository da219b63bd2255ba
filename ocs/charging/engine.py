"""The engine: prefetch, decide, commit, answer.

Owns: the caches of live records, the open batch, the committer, expiry and the watch on catalogue changes.
Does not own what is decided (`ocs.charging.decision`) or how it is kept (`ocs.ports.LedgerStore`).

One request: its records are gathered from memory, or loaded first; the decision is one synchronous step
into the open batch; while one batch is being written the next one fills; answers leave when their batch is
durable. A batch that conflicts is loaded and decided again; one that fails takes everyone who built on it
along: their answers are dropped and the records they touched are forgotten. Correctness rests on the
store's compare-and-set alone; caches and order only make it fast.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ocs.charging.answer import AnswerBook, note_number, read_answer, stored_answer
from ocs.charging.batch import Batch, Group, Pending
from ocs.charging.cache import GenerationCache
from ocs.charging.catalogue import Catalogue, RateBook
from ocs.charging.credit_reset import CreditResets, apply_reset, is_due
from ocs.charging.decision import Decider
from ocs.charging.directory import Directory
from ocs.charging.expiry import ExpiryQueue
from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.password import PasswordBook
from ocs.charging.prefetch import Prefetch
from ocs.charging.refresh import Refresh
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType
from ocs.charging.service import Observers, Reply, SessionObserver
from ocs.charging.situation import Situation
from ocs.charging.watch import Watch
from ocs.errors import StoreUnavailableError
from ocs.ports import (
    CatalogStore,
    Change,
    ChangeKind,
    Clock,
    CommitResult,
    Decision,
    Gateway,
    IdSource,
    LedgerStore,
)
from ocs.quota.account import AccountProfile

log = logging.getLogger(__name__)

ATTEMPTS_MAX = 20
"Times that one request is decided anew after conflicts before it goes unanswered."
EXPIRY_RETRY_MS = 5_000
"When a session whose end could not be written is looked at again."
STORE_DOUBT_MS = 5_000
"How long after a failure the store counts as away, unless a commit proves otherwise."
OVERDUE_LOOK_MS = 15_000
"""How often the store is asked for open sessions that should have ended: those that another server opened and
did not live to end, or that were written behind our back."""
QUIET_TURNS = 8
"""Turns of the event loop without a further decision after which a batch is committed. A request takes
several turns from its arrival to its decision, and a turn without work takes 20 microseconds; a commit takes
fifty times that."""
GATHER_MAX = 64
"Decisions that are committed without waiting for more."
EXPIRIES_PER_TICK = 500
"Sessions ended for silence in one go, so that live requests do not wait for a backlog."


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """Bounds of the engine: past them it refuses honestly or forgets what it can read again."""

    queue_max: int = 20_000
    "Requests under way; the next one gets NoAnswer.OVERLOADED."
    accounts_cached_max: int = 200_000
    sessions_cached_max: int = 400_000
    tick_s: float = 0.5
    "How often due sessions and catalogue changes are looked for."
    drain_s: float = 10.0
    "How long `stop` waits for requests under way."


class Engine:
    """Charging over one ledger store and one catalogue store; see `ocs.charging.service.ChargingService`.

    Lives on one event loop. `start` before the first request, `stop` after the last.
    """

    def __init__(
        self,
        *,
        ledger: LedgerStore,
        catalog: CatalogStore,
        clock: Clock,
        ids: IdSource,
        limits: EngineLimits | None = None,
        on_gateways: Callable[[Sequence[Gateway]], None] = lambda _: None,
        observer: SessionObserver | None = None,
    ) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock
        self._limits = limits or EngineLimits()
        self._on_gateways = on_gateways
        self._catalogue = Catalogue()
        self._rates = RateBook()
        self._directory = Directory(catalog, self._catalogue, max_entries=self._limits.accounts_cached_max)
        self._refresh = Refresh(catalog, self._catalogue, self._directory.forget_chains)
        passwords = PasswordBook(self._limits.accounts_cached_max)
        self._decider = Decider(self._catalogue, self._rates, passwords, ids)
        self._open = Batch()
        self._inflight: Batch | None = None
        self._answers = AnswerBook(self._limits.sessions_cached_max)
        self._prefetch = Prefetch(
            ledger=ledger,
            directory=self._directory,
            catalogue=self._catalogue,
            rates=self._rates,
            answers=self._answers,
            passwords=passwords,
            accounts=GenerationCache(self._limits.accounts_cached_max, self._dirty_account_ids),
            sessions=GenerationCache(self._limits.sessions_cached_max, self._dirty_session_keys),
        )
        self._expiry = ExpiryQueue()
        self._watch = Watch(
            ledger=ledger,
            catalog=catalog,
            clock=clock,
            observer=Observers() if observer is None else observer,
        )
        self._resets = CreditResets(catalog, clock, self._reset_credit)
        self._outstanding = 0
        self._is_stopping = False
        self._wakeup_scheduled = False
        self._joined = 0
        "Decisions that were ever put into a batch."
        self._committed = 0
        "How many of them the batches had that were handed to the store."
        self._gathered = 0
        self._quiet_turns = 0
        "Turns of the loop in a row that brought no decision to the open batch."
        self._tasks: dict[asyncio.Task[None], None] = {}
        "In the order of their beginning, so that stopping does the same every time."
        self._ticker: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._change_seq = 0
        self._overdue_looked_at_ms = 0
        self._stale: set[int] = set()
        "Accounts that another process changed and that must be read again."
        self._store_failed_at_ms: int | None = None
        "When the store last failed us; None: it did not, or a commit has succeeded since."

    # ------------------------------------------------------------------------------ life

    async def start(self) -> None:
        """Load the catalogue and the open sessions, then watch both."""
        self._change_seq = await self._catalog.last_change()
        await self.load_catalogue()
        for expires_at_ms, gateway_id, session_key in await self._ledger.open_sessions():
            self._expiry.opened(gateway_id, session_key, expires_at_ms)
        await self._watch.rebuild()
        self._overdue_looked_at_ms = self._clock.now_ms()
        self._ticker = asyncio.create_task(self._tick_for_ever())

    async def stop(self) -> None:
        """Refuse new requests, finish those under way (bounded by `drain_s`), stop watching."""
        self._is_stopping = True
        self._watch.close()
        if self._outstanding:
            self._idle.clear()
            try:
                await asyncio.wait_for(self._idle.wait(), self._limits.drain_s)
            except TimeoutError:
                log.warning("stopping with %d requests unanswered", self._outstanding)
        for task in (self._ticker, *self._tasks):
            if task is not None:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def is_busy(self) -> bool:
        """Whether any request, or work of our own, is under way."""
        return self._outstanding > 0

    @property
    def is_store_available(self) -> bool:
        """Whether requests can be booked, as far as the last commits and looks at the store tell."""
        failed_at_ms = self._store_failed_at_ms
        return failed_at_ms is None or self._clock.now_ms() - failed_at_ms > STORE_DOUBT_MS

    @property
    def gateways(self) -> Sequence[Gateway]:
        """Every gateway of the catalogue."""
        return tuple(self._directory.gateways.values())

    # ------------------------------------------------------------------------------ the door

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Decide, commit, then call `reply`. Never blocks, never raises."""
        if self._is_stopping or self._outstanding >= self._limits.queue_max:
            reply(NoAnswer.OVERLOADED)
            return
        self._outstanding += 1
        self._attempt(Pending(request, reply, self._attempt))

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """`submit` as a coroutine. Cancelling the caller does not undo what was decided."""
        answer: asyncio.Future[Outcome | NoAnswer] = asyncio.get_running_loop().create_future()

        def reply(outcome: Outcome | NoAnswer) -> None:
            if not answer.done():
                answer.set_result(outcome)

        self.submit(request, reply)
        return await answer

    def end_gateway_sessions(
        self,
        gateway_id: int,
        at_ms: int,
        reply: Callable[[bool], None],
        concerns: Callable[[str], bool] | None = None,
    ) -> None:
        """Accounting-On / Off: end the gateway's open sessions at their last known usage.

        A session that was heard of after `at_ms`, when the gateway restarted, is a new one and goes on.
        """
        gateway = self._directory.gateways.get(gateway_id)
        keys = self._expiry.of_gateway(gateway_id) if gateway is not None else ()
        if concerns is not None:
            keys = [key for key in keys if concerns(key)]
        if gateway is None or not keys:
            reply(True)  # noqa: FBT003 - the callback's only argument
            return
        waiting = set(keys)
        failed = False

        def ended(session_key: str, outcome: Outcome | NoAnswer) -> None:
            nonlocal failed
            failed = failed or isinstance(outcome, NoAnswer)
            waiting.discard(session_key)
            if not waiting:
                reply(not failed)

        for session_key in keys:
            request = _internal_request(gateway, session_key, at_ms, cause="gateway restarted")
            self._outstanding += 1  # our own work: never refused because equipment keeps us busy
            self._end_with_gateway(Pending(request, partial(ended, session_key), self._end_with_gateway))

    def _end_with_gateway(self, pending: Pending) -> None:
        """End one session of a gateway that restarted, unless it began since."""
        situation = self._prefetch.recall(pending)
        if situation is None:
            self._spawn(self._load(pending))
            return
        session = situation.session
        if session is None:
            self._finish(pending, Outcome(code=OutcomeCode.SUCCESS))
        elif not session.is_open or session.updated_at_ms > pending.request.event_at_ms:
            # Nothing to do, but its end may still be on its way to the store.
            account_ids = [account.account_id for account in situation.accounts]
            pending.outcome = Outcome(code=OutcomeCode.SUCCESS)
            self._join(pending, self._open.group_of(account_ids), account_ids)
        else:
            self._decide(pending, situation)

    # ------------------------------------------------------------------------------ prefetch

    def _attempt(self, pending: Pending) -> None:
        """Decide the request if all it needs is in memory, else load first."""
        request = pending.request
        if request.request_digest and self._answer_replay(pending):
            return
        situation = self._prefetch.recall(pending)
        if situation is None:
            self._spawn(self._load(pending))
        else:
            self._decide(pending, situation)

    async def _load(self, pending: Pending) -> None:
        """Bring everything the request needs into memory, then attempt it again."""
        pending.attempts += 1
        if pending.attempts > ATTEMPTS_MAX:
            log.error("gave up on session %s after %d attempts", pending.request.session_key, ATTEMPTS_MAX)
            self._finish(pending, NoAnswer.UNAVAILABLE)
            return
        try:
            await self._prefetch.load(pending)
        except StoreUnavailableError as error:
            log.warning("cannot load: %s", error)
            self._finish(pending, NoAnswer.UNAVAILABLE)
            return
        except Exception:
            log.exception("loading for session %s failed", pending.request.session_key)
            self._finish(pending, NoAnswer.UNAVAILABLE)
            return
        self._expect_end(pending.request)
        pending.resume(pending)

    def _expect_end(self, request: ChargingRequest) -> None:
        """A session that was read is ours to end, whoever opened it and whatever became of its commit."""
        session = self._prefetch.sessions.get((request.gateway.id, request.session_key))
        if session is not None and session.is_open:
            self._expiry.opened(session.gateway_id, session.session_key, session.expires_at_ms)

    # ------------------------------------------------------------------------------ decide

    def _decide(self, pending: Pending, situation: Situation) -> None:
        request = pending.request
        now_ms = self._clock.now_ms()
        account_ids = [account.account_id for account in situation.accounts] or [0]
        group = self._open.group_of(account_ids)
        try:
            outcome = self._decider.decide(request, situation, group, now_ms)
        except Exception:
            log.exception("deciding on session %s failed", request.session_key)
            self._poison(group, pending)
            return
        is_verified = pending.absent and pending.is_verified
        if situation.session is None and not is_verified and _rests_on_memory(request, outcome):
            pending.is_verified = True
            self._open.discard_if_idle(group)
            self._forget_sums(account_ids)
            self._spawn(self._load(pending))
            return
        pending.outcome = outcome
        if request.request_digest:
            outcome.request_gap = note_number(request, situation.session)
            group.answers.append(stored_answer(request, outcome, now_ms))
            self._answers.begin(pending)
        if situation.session is None and outcome.session_id in group.sessions:
            self._prefetch.sessions.put(
                (request.gateway.id, request.session_key), group.sessions[outcome.session_id]
            )
        self._join(pending, group, account_ids)

    def _forget_sums(self, account_ids: Iterable[int]) -> None:
        """Have accounts read anew before somebody is refused for sums that another server may have moved.

        A grant need not be: its commit compares versions. Nor need accounts of a batch: its commit does.
        """
        for account_id in account_ids:
            is_pending = self._inflight is not None and self._inflight.find((account_id,)) is not None
            if not is_pending and self._open.find((account_id,)) is None:
                self._prefetch.accounts.pop(account_id)

    def _join(self, pending: Pending, group: Group, account_ids: Iterable[int]) -> None:
        """Answer with the batch that makes the outcome durable; at once when it rests on nothing pending."""
        if not group.is_empty:
            group.pending.append(pending)
            self._joined += 1
            self._wake()
            return
        built_on = self._inflight.find(account_ids) if self._inflight is not None else None
        self._open.discard_if_idle(group)
        if built_on is not None:
            built_on.pending.append(pending)
        else:
            self._finish(pending, pending.outcome)

    def _poison(self, group: Group, pending: Pending) -> None:
        """A bug left records half changed: nobody may build on them, the store has the truth."""
        group.pending.append(pending)
        self._prefetch.sessions.pop((pending.request.gateway.id, pending.request.session_key))
        unanswered = self._withdraw(group)
        # What is read before the batch under way is written is too old: read once more then.
        self._stale |= group.members.intersection(self._dirty_account_ids())
        self._abandon(unanswered)

    def _finish(self, pending: Pending, outcome: Outcome | NoAnswer) -> None:
        self._outstanding -= 1
        if self._is_stopping and not self._outstanding:
            self._idle.set()
        try:
            pending.reply(outcome)
        except Exception:
            log.exception("a reply failed; its request is booked, the equipment will ask again")

    def _answer_replay(self, pending: Pending) -> bool:
        """Answer a keyed request that was answered before, or make it wait for its first copy."""
        request = pending.request
        if self._answers.wait(pending):
            return True
        stored = self._answers.get((request.gateway.id, request.request_key))
        if stored is None:
            return False
        is_same = stored.digest == request.request_digest
        self._finish(pending, read_answer(stored) if is_same else NoAnswer.KEY_REUSED)
        return True

    # ------------------------------------------------------------------------------ commit

    def _wake(self) -> None:
        """Commit the open batch soon: when the loop's turns bring no more to it."""
        if self._inflight is None and not self._wakeup_scheduled:
            self._wakeup_scheduled = True
            self._quiet_turns = 0
            asyncio.get_running_loop().call_soon(self._gather)

    def _gather(self) -> None:
        """Look whether the turn of the loop that has passed brought more; commit once it did not."""
        count = self._joined
        self._quiet_turns = self._quiet_turns + 1 if count == self._gathered else 0
        self._gathered = count
        if self._quiet_turns < QUIET_TURNS and count - self._committed < GATHER_MAX:
            asyncio.get_running_loop().call_soon(self._gather)
        else:
            self._start_commit()

    def _start_commit(self) -> None:
        self._wakeup_scheduled = False
        self._committed = self._joined
        groups = [group for group in self._open.groups.values() if not group.is_empty]
        if not groups:
            return
        self._inflight, self._open = self._open, Batch()
        # Sealed in the same step as the swap: the next decision already changes these records in place.
        decisions = [group.seal() for group in groups]
        self._spawn(self._commit(groups, decisions))

    async def _commit(self, groups: Sequence[Group], decisions: Sequence[Decision]) -> None:
        """Write one sealed batch and deliver what became of it."""
        try:
            results = await self._ledger.commit(decisions)
        except StoreUnavailableError as error:
            log.warning("a batch of %d groups failed: %s", len(groups), error)
            results = None
        except Exception:
            log.exception("a batch of %d groups failed", len(groups))
            results = None
        self._inflight = None
        if results is None:
            self._store_failed_at_ms = self._clock.now_ms()
            self._fail(groups)
        else:
            self._store_failed_at_ms = None
            for group, result in zip(groups, results, strict=True):
                if result is CommitResult.COMMITTED:
                    self._deliver(group)
                else:
                    self._retry(group)
        if self._open.groups:
            self._wake()

    def _deliver(self, group: Group) -> None:
        for session in group.sessions.values():
            if session.is_open:
                self._expiry.opened(session.gateway_id, session.session_key, session.expires_at_ms)
            else:
                self._expiry.closed(session.gateway_id, session.session_key)
        for snapshot_id in group.snapshots:
            self._rates.stored.put(snapshot_id, value=True)
        self._watch.note(group)
        for stored in group.answers:
            self._answers.put(key=(stored.gateway_id, stored.request_key), stored=stored)
        if self._stale:
            self._forget_stale()
        for pending in group.pending:
            self._finish(pending, pending.outcome)
            self._release_waiters(pending)

    def _retry(self, group: Group) -> None:
        """A record was not what we thought: read again and decide again, in the same order."""
        for pending in self._withdraw(group):
            for again in (pending, *self._answers.end(pending)):
                again.absent = False
                self._spawn(self._load(again))

    def _fail(self, groups: Iterable[Group]) -> None:
        """Nothing is known to be booked: no answers, and nobody trusts what was built on it."""
        for group in groups:
            self._abandon(self._withdraw(group))

    def _abandon(self, unanswered: Iterable[Pending]) -> None:
        for pending in unanswered:
            for waiting in (pending, *self._answers.end(pending)):
                self._finish(waiting, NoAnswer.UNAVAILABLE)

    def _withdraw(self, group: Group) -> list[Pending]:
        """Forget a failed group and what the open batch built on it; their requests, undecided, in order.

        What became of their sessions is unknown: each is looked at again soon, so that none that the store
        holds open is forgotten.
        """
        look_at_ms = self._clock.now_ms() + EXPIRY_RETRY_MS
        unanswered: list[Pending] = []
        dependents = [other for other in self._open.withdraw(group.members) if other is not group]
        for failed in (group, *dependents):
            self._prefetch.forget(failed)
            for session in failed.sessions.values():
                self._expiry.doubted(session.gateway_id, session.session_key, look_at_ms)
            unanswered += failed.pending
        return unanswered

    def _release_waiters(self, pending: Pending) -> None:
        if pending.request.request_digest:
            for waiting in self._answers.end(pending):
                self._attempt(waiting)

    def _dirty_account_ids(self) -> Iterable[int]:
        for batch in (self._open, self._inflight):
            if batch is not None:
                yield from batch.dirty_account_ids()

    def _dirty_session_keys(self) -> Iterable[tuple[int, str]]:
        for batch in (self._open, self._inflight):
            if batch is not None:
                yield from batch.dirty_session_keys()

    # ------------------------------------------------------------------------------ time

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._limits.tick_s)
            try:
                self.expire_due()
                await self._note_changes()
                if not self._watch.is_attending:
                    self._spawn(self._beside(self._attend, "equipment is told later"))
                if self._resets.waits_to_run:
                    self._spawn(self._beside(self._resets.run, "credit is reset later"))
                self._spawn(self._look_beside())
                if self._refresh.waits_to_run:
                    self._spawn(self._beside(self._refresh.run, "plans or tariffs stay as they were for now"))
            except StoreUnavailableError as error:
                self._store_failed_at_ms = self._clock.now_ms()
                log.warning("the store is away: %s", error)
            except Exception:
                log.exception("a tick failed; the next one goes on")

    def expire_due(self) -> None:
        """End sessions that were silent for too long, a bounded number at a time."""
        now_ms = self._clock.now_ms()
        for gateway_id, session_key in self._expiry.due(now_ms, EXPIRIES_PER_TICK):
            gateway = self._directory.gateways.get(gateway_id) or Gateway(id=gateway_id, name="(removed)")
            request = _internal_request(gateway, session_key, now_ms, cause="expired")
            self._outstanding += 1
            self._expire(Pending(request, self._expiry_reply(gateway_id, session_key), self._expire))

    async def look_for_overdue(self) -> None:
        """Now and then, queue open sessions of the store that should have ended and that none here knows."""
        now_ms = self._clock.now_ms()
        if now_ms - self._overdue_looked_at_ms < OVERDUE_LOOK_MS:
            return
        self._overdue_looked_at_ms = now_ms
        overdue = await self._ledger.open_sessions(due_before_ms=now_ms)
        for expires_at_ms, gateway_id, session_key in overdue:
            self._expiry.opened(gateway_id, session_key, expires_at_ms)

    async def _look_beside(self) -> None:
        try:
            await self.look_for_overdue()
        except StoreUnavailableError as error:
            log.warning("overdue sessions are looked for later: %s", error)
        except Exception:
            log.exception("looking for overdue sessions failed")

    def _expiry_reply(self, gateway_id: int, session_key: str) -> Reply:
        """Queue the session once more when ending it could not be made durable."""

        def reply(outcome: Outcome | NoAnswer) -> None:
            if isinstance(outcome, NoAnswer):
                retry_at_ms = self._clock.now_ms() + EXPIRY_RETRY_MS
                self._expiry.opened(gateway_id, session_key, retry_at_ms)

        return reply

    def _expire(self, pending: Pending) -> None:
        """End one session if it is still open and its time has come; else queue it for its next instant."""
        request = pending.request
        situation = self._prefetch.recall(pending)
        if situation is None:
            self._spawn(self._load(pending))
            return
        pending.outcome = Outcome(code=OutcomeCode.SUCCESS)
        session = situation.session
        now_ms = self._clock.now_ms()
        if session is None or not session.is_open:
            self._expiry.not_open(request.gateway.id, request.session_key, now_ms)
        elif session.expires_at_ms > now_ms:
            self._expiry.opened(session.gateway_id, session.session_key, session.expires_at_ms)
        else:
            account_ids = [account.account_id for account in situation.accounts]
            group = self._open.group_of(account_ids)
            try:
                self._decider.expire(request, situation, session, group, now_ms)
            except Exception:
                log.exception("ending session %s for silence failed", request.session_key)
                self._poison(group, pending)
            else:
                self._join(pending, group, account_ids)
            return
        self._finish(pending, pending.outcome)

    async def reset_credit(self) -> None:
        """Reset the credit of every account whose period has begun."""
        await self._resets.run()

    async def _reset_credit(self, profile: AccountProfile, start_ms: int) -> bool:
        """Book one account's reset unless its books know of it; whether they do now."""
        await self._prefetch.load_accounts([profile.id])
        account = self._prefetch.accounts.get(profile.id)
        if account is None or not is_due(profile, account, start_ms):
            return account is not None
        now_ms = self._clock.now_ms()
        booked: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        request = _internal_request(Gateway(id=0, name="(credit reset)"), "", now_ms, cause="reset")
        # A conflict is not decided again here: the next run finds what it left.
        pending = Pending(
            request,
            lambda outcome: booked.set_result(not isinstance(outcome, NoAnswer)),
            lambda again: self._finish(again, NoAnswer.UNAVAILABLE),
        )
        pending.outcome = Outcome(code=OutcomeCode.SUCCESS)
        self._outstanding += 1
        group = self._open.group_of([profile.id])
        group.accounts[profile.id] = account
        entry = apply_reset(profile, account, start_ms, now_ms)
        if entry is not None:
            group.book(entry, profile)
        self._join(pending, group, [profile.id])
        return await booked

    # ------------------------------------------------------------------------------ catalogue

    async def follow_changes(self) -> None:
        """Take in what operators changed since the last look, all of it."""
        await self._note_changes()
        await self._attend()
        await self._refresh.run()

    async def _note_changes(self) -> None:
        """Take in what operators changed, but leave what may take long to `_refresh`."""
        changes = await self._catalog.changes_after(self._change_seq)
        if not changes:
            return
        await self._apply_changes(changes)
        self._refresh.note(changes)
        self._watch.look_at(changes)
        self._change_seq = changes[-1].seq

    async def _attend(self) -> None:
        """Tell edges what others changed, and forget what they ended."""
        ended = await self._watch.attend()
        # Of this instant: what requests changed during the look must not be read beside the changes.
        dirty = set(self._dirty_session_keys())
        for session in ended:
            key = (session.gateway_id, session.session_key)
            self._expiry.closed(*key)
            if key not in dirty:  # else our commit conflicts, and everything is read again
                self._prefetch.sessions.pop(key)

    async def _beside(self, work: Callable[[], Coroutine[Any, Any, None]], otherwise: str) -> None:
        """Do something beside requests; what fails now is done at a later tick."""
        try:
            await work()
        except StoreUnavailableError as error:
            log.warning("%s: %s", otherwise, error)
        except Exception:
            log.exception("%s", otherwise)

    async def _apply_changes(self, changes: Sequence[Change]) -> None:
        kinds = {change.kind for change in changes}
        if ChangeKind.GATEWAY in kinds:
            await self._directory.load_gateways()
            self._on_gateways(self.gateways)
        if ChangeKind.IDENTITY in kinds:
            self._directory.forget_identities()
        for change in changes:
            if change.kind is ChangeKind.ACCOUNT:
                self._directory.forget_account(change.object_id)
                self._stale.add(change.object_id)
        self._forget_stale()

    def _forget_stale(self) -> None:
        """Drop accounts that others changed, as soon as nothing of ours is on its way to them."""
        dirty = set(self._dirty_account_ids())
        for account_id in self._stale - dirty:
            self._prefetch.accounts.pop(account_id)
        self._stale &= dirty

    async def load_catalogue(self) -> None:
        """Load plans, tariffs and gateways; enough to charge beside the server that watches the books."""
        await self._refresh.load_all()
        await self._directory.load_gateways()
        self._on_gateways(self.gateways)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))


def _rests_on_memory(request: ChargingRequest, outcome: Outcome) -> bool:
    """Whether the answer would be another one if the store knew the session, or had other sums.

    A grant need not be checked: its commit inserts the session and conflicts. A refusal over money or
    counts commits nothing, so it is checked.
    """
    if outcome.code.is_success:
        return False
    if request.action is RequestedAction.DIRECT_DEBITING:
        return outcome.code.precedence >= OutcomeCode.ACCOUNT_DENIED.precedence
    return (
        request.type is RequestType.INITIAL
        and outcome.code.precedence >= OutcomeCode.TOO_MANY_SESSIONS.precedence
    )


def _internal_request(gateway: Gateway, session_key: str, at_ms: int, *, cause: str) -> ChargingRequest:
    """A request of our own that ends a session at its last known usage."""
    return ChargingRequest(
        type=RequestType.TERMINATION,
        gateway=gateway,
        session_key=session_key,
        received_at_ms=at_ms,
        event_at_ms=at_ms,
        end_cause=cause,
    )

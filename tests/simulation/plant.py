"""Bugs to plant into the product, each of which the simulation must notice.

A simulation that finds nothing proves nothing until it is known what it would find. Some of these were
real: they are how the engine once was.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import pytest

from ocs.charging import case, decision, engine
from ocs.charging.answer import AnswerBook, AnswerKey
from ocs.charging.batch import Batch, Group, Pending
from ocs.charging.case import Case
from ocs.charging.directory import Directory
from ocs.charging.engine import Engine
from ocs.charging.expiry import ExpiryQueue
from ocs.charging.grant import Ask, Grant, plan_grant
from ocs.charging.outcome import Outcome, OutcomeCode
from ocs.charging.prefetch import Prefetch
from ocs.charging.request import ChargingRequest, RequestType
from ocs.charging.situation import Payer
from ocs.ports import Decision, StoredAnswer


class Plant(NamedTuple):
    """One bug."""

    name: str
    plant: Callable[[pytest.MonkeyPatch], None]
    "Puts it into the product, until the patch is undone."
    seeds: int
    "It is noticed within this many, from seed 0 on."


def _debit_before_commit(patch: pytest.MonkeyPatch) -> None:
    """A failed commit is not undone in memory: the books go on from what was never written."""

    def keep(self: Engine, groups: Iterable[Group]) -> None:
        for group in groups:
            for record in (*group.accounts.values(), *group.sessions.values()):
                record.version -= 1
            self._abandon(group.pending)

    patch.setattr(Engine, "_fail", keep)


def _reply_before_commit(patch: pytest.MonkeyPatch) -> None:
    """The answer leaves when the request is decided."""

    def join(self: Engine, pending: Pending, group: Group, account_ids: Iterable[int]) -> None:
        if not group.is_empty:
            self._wake()
        self._finish(pending, pending.outcome)
        self._release_waiters(pending)

    patch.setattr(Engine, "_join", join)


def _cache_kept(patch: pytest.MonkeyPatch) -> None:
    """Records of a failed commit stay in memory."""
    patch.setattr(Prefetch, "forget", lambda self, group: None)


def _replay_by_number(patch: pytest.MonkeyPatch) -> None:
    """A replay is recognised by its request number, whatever its session."""
    get, put = AnswerBook.get, AnswerBook.put

    def number(key: AnswerKey) -> AnswerKey:
        return key[0], key[1].rpartition("/")[2]

    def put_by_number(self: AnswerBook, *, key: AnswerKey, stored: StoredAnswer) -> None:
        put(self, key=number(key), stored=stored)

    patch.setattr(AnswerBook, "get", lambda self, key: get(self, number(key)))
    patch.setattr(AnswerBook, "put", put_by_number)


def _expiry_twice(patch: pytest.MonkeyPatch) -> None:
    """Whoever is due is ended, be it ended already; and nobody is taken off the list."""
    expire = Engine._expire

    def end(self: Engine, pending: Pending) -> None:
        situation = self._prefetch.recall(pending)
        if situation is None or situation.session is None or situation.session.is_open:
            expire(self, pending)
            return
        pending.outcome = Outcome(code=OutcomeCode.SUCCESS)
        account_ids = [account.account_id for account in situation.accounts]
        group = self._open.group_of(account_ids)
        self._decider.expire(pending.request, situation, situation.session, group, self._clock.now_ms())
        self._join(pending, group, account_ids)

    patch.setattr(Engine, "_expire", end)
    patch.setattr(ExpiryQueue, "closed", lambda self, gateway_id, session_key: None)


def _parent_unchecked(patch: pytest.MonkeyPatch) -> None:
    """Only the asking account's money is looked at."""

    def plan_for_the_leaf(payers: Sequence[Payer], ask: Ask, **fields: Any) -> Grant:
        grant = plan_grant(payers[:1], ask, **fields)
        grant.held_micros = [*grant.held_micros, *(0 for _ in payers[1:])]
        return grant

    patch.setattr(case, "plan_grant", plan_for_the_leaf)


def _late_correction_dropped(patch: pytest.MonkeyPatch) -> None:
    """What is reported after the end is acknowledged and forgotten."""
    patch.setattr(decision, "_correct", lambda case: None)


def _lost_stop_never_expires(patch: pytest.MonkeyPatch) -> None:
    """Silence does not end a session."""
    patch.setattr(Engine, "expire_due", lambda self: None)


def _usage_as_delta(patch: pytest.MonkeyPatch) -> None:
    """Reports are added up, as if they were not cumulative."""
    reported = Case.reported_units
    patch.setattr(Case, "reported_units", lambda self: self.session.used_units + reported(self))


def _batch_sealed_late(patch: pytest.MonkeyPatch) -> None:
    """A batch's rows are taken ten milliseconds after the next batch was opened."""
    commit = Engine._commit

    async def commit_late(self: Engine, groups: Sequence[Group], decisions: Sequence[Decision]) -> None:
        await asyncio.sleep(0.01)
        for group, sealed in zip(groups, decisions, strict=True):
            sealed.accounts = [account.row() for account in group.accounts.values()]
        await commit(self, groups, decisions)

    patch.setattr(Engine, "_commit", commit_late)


def _dependents_half_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Of what was built on a failed commit only the accounts of that commit are forgotten."""
    withdraw = Batch.withdraw

    def withdraw_half(self: Batch, account_ids: Iterable[int]) -> list[Group]:
        groups = withdraw(self, set(account_ids))
        for group in groups:
            group.members &= set(account_ids)
        return groups

    patch.setattr(Batch, "withdraw", withdraw_half)


def _failed_commit_unwatched(patch: pytest.MonkeyPatch) -> None:
    """Sessions of a failed commit are not looked at again, though the store may have them."""
    withdraw = Engine._withdraw

    def withdraw_unwatched(self: Engine, group: Group) -> list[Pending]:
        queue, self._expiry = self._expiry, ExpiryQueue()
        unanswered = withdraw(self, group)
        self._expiry = queue
        return unanswered

    patch.setattr(Engine, "_withdraw", withdraw_unwatched)


def _grant_never_shrinks(patch: pytest.MonkeyPatch) -> None:
    """The answer promises the greatest grant so far, whatever is held now."""
    grant = Case.grant

    def grant_greatest(self: Case) -> OutcomeCode | None:
        before = self.session.granted_units
        refusal = grant(self)
        self.session.granted_units = max(before, self.session.granted_units)
        return refusal

    patch.setattr(Case, "grant", grant_greatest)


def _absence_believed(patch: pytest.MonkeyPatch) -> None:
    """A refusal is given without asking the store whether the session is known."""

    def never(request: ChargingRequest, outcome: Outcome) -> bool:
        return request.type is RequestType.AUTHENTICATION

    patch.setattr(engine, "_rests_on_memory", never)


def _sums_believed(patch: pytest.MonkeyPatch) -> None:
    """A refusal over money rests on what memory says, whatever another server or a payment made of it."""
    patch.setattr(Engine, "_forget_sums", lambda self, account_ids: None)


def _change_missed(patch: pytest.MonkeyPatch) -> None:
    """What operators change about an account is not noticed."""
    patch.setattr(Directory, "forget_account", lambda self, account_id: None)


SEEDS = 50
"Ample: most bugs are noticed at the first seed, the rarest at the thirtieth."
PLANTS = (
    Plant("sums-believed", _sums_believed, SEEDS),
    Plant("change-missed", _change_missed, SEEDS),
    Plant("debit-before-commit", _debit_before_commit, SEEDS),
    Plant("reply-before-commit", _reply_before_commit, SEEDS),
    Plant("cache-kept-after-a-failed-commit", _cache_kept, SEEDS),
    Plant("replay-by-number", _replay_by_number, SEEDS),
    Plant("expiry-twice", _expiry_twice, SEEDS),
    Plant("parent-unchecked", _parent_unchecked, SEEDS),
    Plant("late-correction-dropped", _late_correction_dropped, SEEDS),
    Plant("lost-stop-never-expires", _lost_stop_never_expires, SEEDS),
    Plant("usage-as-delta", _usage_as_delta, SEEDS),
    Plant("batch-sealed-late", _batch_sealed_late, SEEDS),
    Plant("dependents-half-forgotten", _dependents_half_forgotten, SEEDS),
    Plant("failed-commit-unwatched", _failed_commit_unwatched, SEEDS),
    Plant("grant-never-shrinks", _grant_never_shrinks, SEEDS),
    Plant("absence-believed", _absence_believed, SEEDS),
)

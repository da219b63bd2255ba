"""Stored answers of keyed requests: a replay gets the same answer, the same key with another body none.

Softswitches name each request (session and number), so every one of their answers is kept with the books.
RADIUS reports need none: their session and cumulative usage already make a repeat harmless.
"""

import json
from dataclasses import fields

from ocs.charging.batch import Pending
from ocs.charging.cache import GenerationCache
from ocs.charging.outcome import FinalUnitAction, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.ports import StoredAnswer
from ocs.quota.session import Session

AnswerKey = tuple[int, str]
"(gateway id, request key)"

_DEFAULTS = tuple((field.name, field.default) for field in fields(Outcome) if field.name != "code")
"What an outcome says where nothing is written of it: a default must stay what it is."
_to_json = json.JSONEncoder(separators=(",", ":")).encode


def stored_answer(request: ChargingRequest, outcome: Outcome, now_ms: int) -> StoredAnswer:
    """The row that keeps an outcome for its request's replays."""
    body: dict[str, object] = {}
    for name, default in _DEFAULTS:
        value = getattr(outcome, name)
        if value != default:
            body[name] = value
    body["code"] = outcome.code.name
    action = outcome.final_unit_action
    if action is not None:
        body["final_unit_action"] = action.name
    return StoredAnswer(
        gateway_id=request.gateway.id,
        request_key=request.request_key,
        digest=request.request_digest,
        session_id=outcome.session_id,
        answer=_to_json(body),
        at_ms=now_ms,
    )


def read_answer(stored: StoredAnswer) -> Outcome:
    """The outcome that `stored_answer` kept."""
    body = json.loads(stored.answer)
    body["code"] = OutcomeCode[body["code"]]
    action = body.get("final_unit_action")
    if action is not None:
        body["final_unit_action"] = FinalUnitAction[action]
    return Outcome(**body)


def note_number(request: ChargingRequest, session: Session | None) -> bool:
    """Whether numbers were skipped since the session's newest request; remembers this one if it is newer.

    Nothing is known of a session that was not known before, and an older number that arrives late skips none.
    """
    if session is None or request.request_number is None:
        return False
    newest = session.request_key.rpartition("/")[2]
    last = int(newest) if newest.isdigit() else None
    if last is None or request.request_number > last:
        session.request_key = request.request_key
    return last is not None and request.request_number > last + 1


class AnswerBook:
    """Recent answers in memory, and keyed requests under way whose copies must wait."""

    __slots__ = ("_answers", "_waiting")

    def __init__(self, max_entries: int) -> None:
        self._answers: GenerationCache[AnswerKey, StoredAnswer] = GenerationCache(max_entries)
        self._waiting: dict[AnswerKey, list[Pending]] = {}

    def get(self, key: AnswerKey) -> StoredAnswer | None:
        """The durable answer, if it is in memory."""
        return self._answers.get(key)

    def put(self, *, key: AnswerKey, stored: StoredAnswer) -> None:
        """Remember a durable answer."""
        self._answers.put(key, stored)

    def begin(self, pending: Pending) -> None:
        """The request is decided but not durable: copies of it wait from now on."""
        self._waiting.setdefault(_key(pending), [])

    def wait(self, pending: Pending) -> bool:
        """Make a copy of a request under way wait for it; False when none is under way."""
        waiting = self._waiting.get(_key(pending))
        if waiting is None:
            return False
        waiting.append(pending)
        return True

    def end(self, pending: Pending) -> list[Pending]:
        """The request is durable, failed or to be decided anew; returns the copies that waited for it."""
        return self._waiting.pop(_key(pending), [])


def _key(pending: Pending) -> AnswerKey:
    return pending.request.gateway.id, pending.request.request_key

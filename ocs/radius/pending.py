"""Accepted calls that are not reported yet, of families that name a call anew in accounting. Pure.

Such equipment neither returns our Class nor repeats the session id of its Access-Request: only the two
numbers, shortly after each other, say that both speak of one call. Owns finding the acceptance that a first
report belongs to, so that what it holds can be given back when the reported session takes over. Nothing that
is charged depends on it: an acceptance that nobody claims expires by itself.
"""

from collections import OrderedDict, deque
from typing import Final, NamedTuple

CLAIM_MAX_MS: Final = 180_000
"How long after its acceptance a call may be answered: the longest ringing."
CALLS_MAX = 65_536
"Acceptances that are remembered; the oldest are forgotten first."


class Parties(NamedTuple):
    """By what a call is recognised."""

    gateway_id: int
    calling: str
    called: str


class PendingCalls:
    """Acceptances by their parties, oldest first."""

    def __init__(self) -> None:
        self._accepted_ms: OrderedDict[tuple[Parties, str], int] = OrderedDict()
        "By parties and session key, oldest first."
        self._keys: dict[Parties, deque[str]] = {}
        "The same session keys by parties."

    def note(self, parties: Parties, session_key: str, now_ms: int) -> None:
        """Remember an accepted call."""
        if not parties.called or (parties, session_key) in self._accepted_ms:
            return
        if len(self._accepted_ms) >= CALLS_MAX:
            self._forget(*next(iter(self._accepted_ms)))
        self._accepted_ms[parties, session_key] = now_ms
        self._keys.setdefault(parties, deque()).append(session_key)

    def claim(self, parties: Parties, session_key: str, now_ms: int) -> str:
        """The session key of the acceptance that the first report of another session belongs to.

        Empty when there is none, or when the report goes by the same key: then nothing has to be joined.
        """
        if (parties, session_key) in self._accepted_ms:
            self._forget(parties, session_key)
            return ""
        while keys := self._keys.get(parties):
            key = keys[0]
            age_ms = now_ms - self._accepted_ms[parties, key]
            self._forget(parties, key)
            if age_ms <= CLAIM_MAX_MS:
                return key
        return ""

    def _forget(self, parties: Parties, session_key: str) -> None:
        del self._accepted_ms[parties, session_key]
        keys = self._keys[parties]
        keys.remove(session_key)
        if not keys:
            del self._keys[parties]

    def __len__(self) -> int:
        return len(self._accepted_ms)

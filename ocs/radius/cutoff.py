"""When sessions are to be ended by us: at the end of a final grant, or now. Pure: time is an argument.

Owns: one deadline per session, and trying again. Does not own: how a session is ended
(`ocs.radius.enforcer`), nor what is known after a restart (`ocs.radius.udp.RadiusServer.restore`).
"""

import heapq
from typing import Final, NamedTuple

from ocs.ports import Gateway
from ocs.radius.dynauth import Verdict

CUTOFFS_MAX: Final = 65_536
"Sessions with a deadline; beyond it the next report is what ends a session."
RETRY_MS: Final = 30_000
ATTEMPTS_MAX: Final = 10


class Target(NamedTuple):
    """A session at a gateway."""

    gateway: Gateway
    session_key: str
    host: str
    "Where its reports come from."
    identification: bytes
    "Attributes by which the gateway knows it, as it sent them."


class Cutoffs:
    """Deadlines of sessions that are under a final grant."""

    def __init__(self) -> None:
        self._deadlines: dict[tuple[int, str], tuple[int, int, Target]] = {}
        "By gateway and session key: (when, attempts so far, session)."
        self._acting: set[tuple[int, str]] = set()
        "Sessions that were due and are being ended, unless they were granted more since."
        self._alarms: list[tuple[int, tuple[int, str]]] = []

    def __len__(self) -> int:
        return len(self._deadlines)

    def set(self, target: Target, at_ms: int, *, attempts: int = 0) -> bool:
        """End the session at this time, whatever was planned before; False when too many are planned."""
        key = (target.gateway.id, target.session_key)
        if key not in self._deadlines and len(self._deadlines) >= CUTOFFS_MAX:
            return False
        self._deadlines[key] = (at_ms, attempts, target)
        heapq.heappush(self._alarms, (at_ms, key))
        return True

    def cancel(self, gateway_id: int, session_key: str) -> None:
        """Let the session go on, or be over."""
        key = (gateway_id, session_key)
        self._deadlines.pop(key, None)
        self._acting.discard(key)

    def is_planned(self, gateway_id: int, session_key: str) -> bool:
        """Whether the session has a deadline, or is being ended."""
        key = (gateway_id, session_key)
        return key in self._deadlines or key in self._acting

    def is_being_ended(self, target: Target) -> bool:
        """Whether the session was due, and has not been let go on since."""
        return (target.gateway.id, target.session_key) in self._acting

    def next_timeout_ms(self) -> int | None:
        """The next deadline; None when there is none."""
        alarms = self._alarms
        while alarms and not self._is_current(*alarms[0]):
            heapq.heappop(alarms)
        return alarms[0][0] if alarms else None

    def _is_current(self, at_ms: int, key: tuple[int, str]) -> bool:
        deadline = self._deadlines.get(key)
        return deadline is not None and deadline[0] == at_ms

    def take_due(self, now_ms: int) -> list[tuple[Target, int]]:
        """Sessions whose time has come, with the attempts made before; each must be followed by `learn`."""
        due = []
        while (at_ms := self.next_timeout_ms()) is not None and at_ms <= now_ms:
            _, key = heapq.heappop(self._alarms)
            _, attempts, target = self._deadlines.pop(key)
            self._acting.add(key)
            due.append((target, attempts))
        return due

    def learn(self, target: Target, attempts: int, verdict: Verdict, now_ms: int) -> None:
        """Plan another attempt, unless the session has ended, was granted more, or was planned anew."""
        key = (target.gateway.id, target.session_key)
        is_wanted = key in self._acting and key not in self._deadlines
        self._acting.discard(key)
        is_over = verdict in (Verdict.ACKNOWLEDGED, Verdict.GONE)
        if is_wanted and not is_over and attempts < ATTEMPTS_MAX:
            self.set(target, now_ms + RETRY_MS, attempts=attempts + 1)

"""The door that the edges knock on. `ocs.charging.engine.Engine` is what stands behind it."""

from collections.abc import Callable
from enum import Enum
from typing import Protocol

from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest

Reply = Callable[[Outcome | NoAnswer], None]
"Called once, on the event loop, after the outcome is durable or when there will be none. Must not raise."


class ChargingService(Protocol):
    """Charging as the RADIUS and gRPC edges see it. Event-loop only, not thread-safe."""

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Decide, commit, then call `reply`. Never blocks, never raises; no task or future per request."""
        ...

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """`submit` as a coroutine. Cancelling the caller does not undo what was decided."""
        ...

    def end_gateway_sessions(
        self,
        gateway_id: int,
        at_ms: int,
        reply: Callable[[bool], None],
        concerns: Callable[[str], bool] | None = None,
    ) -> None:
        """Accounting-On / Off: end every open session of the gateway at its last known usage.

        Or those only whose key `concerns` says yes to, where several boxes are behind one gateway.
        `reply(True)` once that is durable (also when there was none), `reply(False)` when it failed.
        """
        ...


class SessionNotice(Enum):
    """What equipment should do about an open session that changed without its asking."""

    REPORT = "report"
    "Report now: money arrived, or the final grant is no longer final (RFC 8506 section 5.5)."
    END = "end"
    "End it: the account was blocked, or an operator ended the session."


class SessionObserver(Protocol):
    """What the engine tells an edge that can reach its equipment by itself."""

    def session_changed(
        self,
        gateway_id: int,
        session_key: str,
        notice: SessionNotice,
        reason: str,
        *,
        peer_attributes: str = "",
    ) -> None:
        """A session needs its equipment's attention. `reason` is one word, such as ``money_arrived``.

        `peer_attributes` are those of the session's record: how its edge finds it at the equipment.
        Called on the event loop after the change is durable. Must not block and must not raise. A notice may
        be lost: the next report of the session tells the equipment the same.
        """
        ...


class Observers:
    """Several edges as one observer: each hears every notice and passes over foreign sessions."""

    def __init__(self) -> None:
        self._observers: list[SessionObserver] = []

    def add(self, observer: SessionObserver) -> None:
        """Tell this edge too, from now on."""
        self._observers.append(observer)

    def session_changed(
        self,
        gateway_id: int,
        session_key: str,
        notice: SessionNotice,
        reason: str,
        *,
        peer_attributes: str = "",
    ) -> None:
        """Tell every edge."""
        for observer in self._observers:
            observer.session_changed(gateway_id, session_key, notice, reason, peer_attributes=peer_attributes)

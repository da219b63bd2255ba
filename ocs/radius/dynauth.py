"""CoA and Disconnect requests: this server as client of its gateways (RFC 5176). Pure: time is an argument.

Owns: identifiers, retransmission (RFC 5080 section 2.2.1), matching, verifying and reading answers. Does not
own: sockets (`ocs.radius.enforcer`), which session is to end and when (`ocs.radius.cutoff`).
"""

import heapq
from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

from ocs.radius.codec import (
    PACKET_OCTETS_MAX,
    Code,
    MalformedPacketError,
    Packet,
    Secret,
    decode,
    encode_attribute,
    encode_request,
    is_reply_authentic,
)

INITIAL_TIMEOUT_MS: Final = 2_000
"IRT of RFC 5080 section 2.2.1; each further wait is twice as long."
TIMEOUT_MS_MAX: Final = 16_000
DURATION_MS_MAX: Final = 30_000
TRIES_MAX: Final = 5
PENDING_MAX: Final = 4_096
"Requests under way; further ones are refused, and asked for again by who wanted them."
IDENTIFIERS: Final = 256

EVENT_TIMESTAMP: Final = 55
ERROR_CAUSE: Final = 101
SESSION_CONTEXT_NOT_FOUND: Final = 503
"RFC 5176 section 3.5: there is no such session, so it has ended."
REQUEST_INITIATED: Final = 507
"The same: the gateway has asked for the Access-Request that an Authorize-Only CoA wants."
_HEADROOM_OCTETS: Final = 64
"What the header and the attributes that are added here take."


class Verdict(Enum):
    """What became of a request."""

    ACKNOWLEDGED = "acknowledged"
    GONE = "gone"
    "The gateway knows no such session."
    REFUSED = "refused"
    TIMED_OUT = "timed_out"
    NOT_SENT = "not_sent"
    "Too many are under way, or the socket would not take it."


Conclusion = Callable[[Verdict, int], None]
"Called once with the verdict and the Error-Cause, 0 when there is none."


class Order(NamedTuple):
    """One request that is to be made."""

    code: Code
    "CoA-Request or Disconnect-Request."
    host: str
    port: int
    secret: str
    attributes: bytes
    "What identifies the gateway and the session, and what is to change."
    conclude: Conclusion


class Datagram(NamedTuple):
    """Octets to be sent from one of the sockets."""

    socket: int
    host: str
    port: int
    octets: bytes


class _Pending:
    """A request that waits for its answer."""

    __slots__ = ("datagram", "deadline_ms", "order", "secret", "timeout_ms", "tries", "wakes_at_ms")

    def __init__(self, order: Order, datagram: Datagram, secret: Secret, now_ms: int) -> None:
        self.order = order
        self.datagram = datagram
        self.secret = secret
        self.tries = 1
        self.timeout_ms = INITIAL_TIMEOUT_MS
        self.wakes_at_ms = now_ms + INITIAL_TIMEOUT_MS
        self.deadline_ms = now_ms + DURATION_MS_MAX


_Key = tuple[int, str, int, int]
"Socket, host, port, Identifier."


class DynauthClient:
    """Requests under way to any number of gateways, over a fixed number of sockets.

    The caller sends the datagrams that come out, feeds those that come in, and calls `handle_timeout` when
    `next_timeout_ms` says so.
    """

    def __init__(self, sockets: int) -> None:
        self._sockets = sockets
        self._pending: dict[_Key, _Pending] = {}
        self._alarms: list[tuple[int, _Key]] = []
        self._next_identifier: dict[tuple[str, int], int] = {}

    @property
    def pending(self) -> int:
        """Requests under way."""
        return len(self._pending)

    def submit(self, order: Order, now_ms: int) -> Datagram | None:
        """The datagram that makes a request; None, and a conclusion, when it cannot be made now."""
        key = self._find_key(order) if len(self._pending) < PENDING_MAX else None
        if key is None or len(order.attributes) > PACKET_OCTETS_MAX - _HEADROOM_OCTETS:
            order.conclude(Verdict.NOT_SENT, 0)
            return None
        secret = Secret(order.secret)
        # Against replays, RFC 5176 section 6.3.
        stamp = encode_attribute(EVENT_TIMESTAMP, (now_ms // 1000).to_bytes(4))
        octets = encode_request(
            order.code, identifier=key[3], attributes=order.attributes + stamp, secret=secret
        )
        datagram = Datagram(key[0], order.host, order.port, octets)
        pending = self._pending[key] = _Pending(order, datagram, secret, now_ms)
        heapq.heappush(self._alarms, (pending.wakes_at_ms, key))
        return datagram

    def _find_key(self, order: Order) -> _Key | None:
        """A free Identifier towards the gateway, on any socket; None when all are in use."""
        destination = (order.host, order.port)
        start = self._next_identifier.pop(destination, 0)
        span = IDENTIFIERS * self._sockets
        for number in range(start, start + span):
            socket, identifier = divmod(number % span, IDENTIFIERS)
            key = (socket, order.host, order.port, identifier)
            if key not in self._pending:
                self._next_identifier[destination] = (number + 1) % span
                if len(self._next_identifier) > PENDING_MAX:
                    del self._next_identifier[next(iter(self._next_identifier))]
                return key
        return None

    def receive_datagram(self, octets: bytes, *, socket: int, host: str, port: int) -> bool:
        """Conclude the request that these octets answer; whether they answer any."""
        try:
            packet = decode(octets)
        except MalformedPacketError:
            return False
        key = (socket, host, port, packet.identifier)
        pending = self._pending.get(key)
        if pending is None or not _answers(packet, pending):
            return False
        del self._pending[key]
        if packet.code in (Code.DISCONNECT_ACK, Code.COA_ACK):
            pending.order.conclude(Verdict.ACKNOWLEDGED, 0)
            return True
        cause = int.from_bytes(packet.get(ERROR_CAUSE) or b"")
        pending.order.conclude(_VERDICTS.get((packet.code, cause), Verdict.REFUSED), cause)
        return True

    def next_timeout_ms(self) -> int | None:
        """When `handle_timeout` is next needed; None while nothing is under way."""
        alarms = self._alarms
        while alarms and not self._is_current(*alarms[0]):
            heapq.heappop(alarms)
        return alarms[0][0] if alarms else None

    def _is_current(self, at_ms: int, key: _Key) -> bool:
        pending = self._pending.get(key)
        return pending is not None and pending.wakes_at_ms == at_ms

    def handle_timeout(self, now_ms: int) -> list[Datagram]:
        """What is due to be sent again, byte for byte; requests that were tried long enough are concluded."""
        again = []
        while (due_ms := self.next_timeout_ms()) is not None and due_ms <= now_ms:
            _, key = heapq.heappop(self._alarms)
            pending = self._pending[key]
            if pending.tries >= TRIES_MAX or now_ms >= pending.deadline_ms:
                del self._pending[key]
                pending.order.conclude(Verdict.TIMED_OUT, 0)
                continue
            pending.tries += 1
            pending.timeout_ms = min(2 * pending.timeout_ms, TIMEOUT_MS_MAX)
            pending.wakes_at_ms = min(now_ms + pending.timeout_ms, pending.deadline_ms)
            heapq.heappush(self._alarms, (pending.wakes_at_ms, key))
            again.append(pending.datagram)
        return again


_VERDICTS: Final = {
    (Code.DISCONNECT_NAK, SESSION_CONTEXT_NOT_FOUND): Verdict.GONE,
    (Code.COA_NAK, SESSION_CONTEXT_NOT_FOUND): Verdict.GONE,
    (Code.COA_NAK, REQUEST_INITIATED): Verdict.ACKNOWLEDGED,
}
_ANSWERS: Final = {
    Code.DISCONNECT_REQUEST: (Code.DISCONNECT_ACK, Code.DISCONNECT_NAK),
    Code.COA_REQUEST: (Code.COA_ACK, Code.COA_NAK),
}


def _answers(packet: Packet, pending: _Pending) -> bool:
    """Whether the packet is a right answer to the request."""
    if packet.code not in _ANSWERS[pending.order.code]:
        return False
    return is_reply_authentic(packet, pending.datagram.octets[4:20], pending.secret)

"""A RADIUS load generator: whole calls in a closed loop, and a memory of what was acknowledged.

Owns: building packets, keeping a fixed number of requests outstanding, retransmission, latencies, and which
report of which call was answered, so that whoever runs it can hold the books against it. It is a client
like any gateway: it knows nothing of the server but its ports and a secret. Blocking; one process each.
"""

import functools
import hmac
import random
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ocs.radius.codec import HEADER, HEADER_OCTETS, NO_AUTHENTICATOR, Code, Secret, hide_password

_BUFFER_OCTETS: Final = 4 * 1024 * 1024
_IDS_PER_SOCKET: Final = 256
_TIMEOUTS_EVERY_S: Final = 0.02
"How often requests are looked for whose time is up."

_USER_NAME, _USER_PASSWORD, _NAS_IP, _FRAMED_PROTOCOL, _CLASS, _CALLED, _CALLING = 1, 2, 4, 7, 25, 30, 31
_STATUS_TYPE, _DELAY, _INPUT, _OUTPUT, _SESSION_ID, _SESSION_TIME = 40, 41, 42, 43, 44, 46
_START, _STOP, _INTERIM = 1, 2, 3
_PPP: Final = 1


@dataclass(slots=True)
class Call:
    """One call or data session to be made, and how far it was acknowledged."""

    session_id: str
    user: str
    password: str
    calling: str
    called: str
    "Empty for a data session."
    seconds: int
    "Acct-Session-Time of the Stop."
    interims: Sequence[int] = ()
    "Acct-Session-Time of each interim report."
    ends_before: int | None = None
    "Request (numbered as `next_request`) before which a run leaves the call; None: it is made to its end."
    octets: int = 0
    "Volume of a data session at its end; reports before have their share. 0: a call, priced by time."
    next_request: int = 0
    "0 is the authorisation, 1 the Start, then the interims, then the Stop: a later run goes on here."
    granted: bool = False
    "The authorisation was accepted."
    reported_seconds: int = 0
    "Greatest Acct-Session-Time that was sent."
    acknowledged_seconds: int = -1
    "Greatest Acct-Session-Time whose report was answered; -1: none was."
    stop_acknowledged: bool = False
    ahead: "Sequence[bytes]" = ()
    "Packets that were built before the run, without Identifier, Class and what is computed of them."
    join: bytes = b""
    "The Class attribute of the Accept, which accounting repeats (RFC 2865 section 5.25)."

    @property
    def requests(self) -> int:
        """How many requests the whole call takes."""
        return len(self.interims) + 3

    def octets_at(self, seconds: int) -> int:
        """What a data session had used after so many seconds."""
        return self.octets * seconds // self.seconds if self.seconds else self.octets


@dataclass(slots=True, kw_only=True)
class Target:
    """A server under load."""

    host: str
    auth_port: int
    acct_port: int
    secret: bytes
    nas_ip: str = "127.0.0.1"


@dataclass(slots=True)
class Result:
    """What one run saw."""

    answered: int = 0
    accepted: int = 0
    rejected: int = 0
    repeated: int = 0
    "Requests that were sent twice on purpose."
    retransmitted: int = 0
    "Sent again because no answer came in time."
    given_up: int = 0
    "Requests that were never answered, however often they were sent."
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    "Of the generator itself."
    latencies_ms: list[float] = field(default_factory=list)
    "From first sending to the answer."

    def percentile_ms(self, share: float) -> float:
        """Latency that `share` (0 to 1) of the answers did not exceed."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class _Request:
    __slots__ = ("call", "due", "first_sent", "octets", "slot", "step", "tries")

    def __init__(self, call: Call, step: int, slot: int) -> None:
        self.call = call
        self.step = step
        self.slot = slot
        self.octets = b""
        self.first_sent = 0.0
        self.due = 0.0
        self.tries = 0


class LoadGenerator:
    """Makes calls until they are done or `stop_when` says so.

    Args:
        target: the server.
        outstanding: requests that wait for an answer at any time; with a `pace` the most that may wait.
        timeout_s: after which a request is sent again, with the same octets.
        tries: how often it is sent at most.
        stop_when: asked again and again.
        pace: how many calls may have begun by now (an open loop); None: a new one whenever there is room.
        repeat_share: share (0 to 1) of requests that are sent twice at once, as impatient gateways do.
    """

    def __init__(
        self,
        target: Target,
        *,
        outstanding: int = 32,
        timeout_s: float = 2.0,
        tries: int = 5,
        stop_when: Callable[[], bool] = lambda: False,
        pace: Callable[[], float] | None = None,
        repeat_share: float = 0.0,
    ) -> None:
        self._target = target
        self._secret = Secret(target.secret)
        self._outstanding = outstanding
        self._timeout_s = timeout_s
        self._tries = tries
        self._stop_when = stop_when
        self._pace = pace
        self._repeat_share = repeat_share
        self._begun = 0
        self._waiting: dict[int, _Request] = {}
        self._timers: deque[_Request] = deque()
        self._look_at = 0.0
        self._free: deque[int] = deque()
        "Slots: socket number * 256 + Identifier."
        self._auth: list[socket.socket] = []
        self._acct: list[socket.socket] = []
        self.result = Result()

    def run(self, calls: Iterator[Call]) -> Result:
        """Make the calls and return what happened; the calls themselves remember what was acknowledged."""
        result = self.result
        with selectors.DefaultSelector() as selector:
            self._open(selector)
            started, cpu = time.perf_counter(), time.process_time()
            try:
                self._loop(selector, calls)
            finally:
                result.seconds = time.perf_counter() - started
                result.cpu_seconds = time.process_time() - cpu
                for opened in (*self._auth, *self._acct):
                    opened.close()
        return result

    def _open(self, selector: selectors.BaseSelector) -> None:
        target = self._target
        sockets = -(-self._outstanding // _IDS_PER_SOCKET)
        for number in range(sockets):
            for opened, port in ((self._auth, target.auth_port), (self._acct, target.acct_port)):
                made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                made.setblocking(False)  # noqa: FBT003 - the socket module's own signature
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_OCTETS)
                made.connect((target.host, port))
                selector.register(made, selectors.EVENT_READ, number)
                opened.append(made)
        self._free.extend(range(sockets * _IDS_PER_SOCKET))

    def _loop(self, selector: selectors.BaseSelector, calls: Iterator[Call]) -> None:
        patience_s = 0.05 if self._pace is None else 0.001
        is_exhausted = False
        while True:
            while not is_exhausted and self._has_room() and not self._stop_when():
                call = next(calls, None)
                if call is None:
                    is_exhausted = True
                    break
                self._begun += 1
                self._send_step(call, call.next_request)
            if not self._waiting and (is_exhausted or self._pace is None):
                return
            for key, _ in selector.select(timeout=patience_s):
                self._receive(key.fileobj, key.data)  # type: ignore[arg-type]  # only sockets are registered
            self._retransmit()
            if self._stop_when():
                return

    def _has_room(self) -> bool:
        """Whether one more call may begin now."""
        if len(self._waiting) >= self._outstanding:
            return False
        return self._pace is None or self._begun < self._pace()

    def _receive(self, opened: socket.socket, number: int) -> None:
        now = time.perf_counter()
        while True:
            try:
                reply = opened.recv(4096)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue  # the server is away; retransmission is the cure
            if len(reply) < HEADER_OCTETS:
                continue
            slot = number * _IDS_PER_SOCKET + reply[1]
            request = self._waiting.get(slot)
            if request is None or not self._is_answer(request, reply):
                continue
            del self._waiting[slot]
            self._free.append(slot)
            self.result.answered += 1
            self.result.latencies_ms.append((now - request.first_sent) * 1000)
            self._answered(request, reply)

    def _is_answer(self, request: _Request, reply: bytes) -> bool:
        """Whether the Response Authenticator is of this request (RFC 2865 section 3)."""
        expected = self._secret.md5_after(reply[:4] + request.octets[4:20] + reply[20:])
        return hmac.compare_digest(expected, reply[4:20])

    def _answered(self, request: _Request, reply: bytes) -> None:
        call = request.call
        if request.step == 0:
            if reply[0] != Code.ACCESS_ACCEPT:
                self.result.rejected += 1
                return
            self.result.accepted += 1
            call.granted = True
            call.join = _find_attribute(reply, _CLASS)
        else:
            seconds = _reported_seconds(call, request.step)
            call.acknowledged_seconds = max(call.acknowledged_seconds, seconds)
            call.stop_acknowledged = request.step == call.requests - 1
        call.next_request = request.step + 1
        if call.next_request < (call.requests if call.ends_before is None else call.ends_before):
            self._send_step(call, call.next_request)

    def _send_step(self, call: Call, step: int) -> None:
        slot = self._free.popleft()
        request = _Request(call, step, slot)
        packet = call.ahead[step] if call.ahead else _build(call, step, self._target, self._secret)
        if step:
            call.reported_seconds = max(call.reported_seconds, _reported_seconds(call, step))
            request.octets = self._signed(packet + call.join, slot % _IDS_PER_SOCKET)
        else:
            request.octets = _with_identifier(packet, slot % _IDS_PER_SOCKET)
        request.first_sent = time.perf_counter()
        self._waiting[slot] = request
        self._send(request)
        if self._repeat_share and random.random() < self._repeat_share:  # noqa: S311 - load, not secrecy
            self.result.repeated += 1
            self._put_on_wire(request)

    def _signed(self, packet: bytes, identifier: int) -> bytes:
        """An Accounting-Request with its authenticator (RFC 2866 section 3)."""
        attributes = packet[HEADER_OCTETS:]
        head = HEADER.pack(Code.ACCOUNTING_REQUEST, identifier, len(packet))
        return head + self._secret.md5_after(head + NO_AUTHENTICATOR + attributes) + attributes

    def _send(self, request: _Request) -> None:
        request.tries += 1
        request.due = time.perf_counter() + self._timeout_s
        self._timers.append(request)
        self._put_on_wire(request)

    def _put_on_wire(self, request: _Request) -> None:
        sockets = self._acct if request.step else self._auth
        try:
            sockets[request.slot // _IDS_PER_SOCKET].send(request.octets)
        except (BlockingIOError, ConnectionRefusedError):
            return  # as good as lost on the way; it is sent again when its time is up

    def _retransmit(self) -> None:
        now = time.perf_counter()
        if now < self._look_at:
            return
        self._look_at = now + min(_TIMEOUTS_EVERY_S, self._timeout_s)
        while self._timers and self._timers[0].due <= now:
            request = self._timers.popleft()
            if self._waiting.get(request.slot) is not request:
                continue
            if request.tries >= self._tries:
                del self._waiting[request.slot]
                self._free.append(request.slot)
                self.result.given_up += 1
                continue
            self.result.retransmitted += 1
            self._send(request)


# ---------------------------------------------------------------------------------- packets


def build_ahead(calls: Iterable[Call], target: Target) -> list[Call]:
    """Build the packets of calls before a run, so that the run measures the server and not us."""
    built = list(calls)
    secret = Secret(target.secret)
    for call in built:
        call.ahead = [_build(call, step, target, secret) for step in range(call.requests)]
    return built


def _build(call: Call, step: int, target: Target, secret: Secret) -> bytes:
    """A request's packet with Identifier 0, an Accounting-Request without its authenticator."""
    if step:
        return bytes(HEADER_OCTETS) + _accounting_attributes(call, step, target)
    authenticator = random.randbytes(16)  # noqa: S311 - load, not secrecy
    hidden = hide_password(call.password.encode(), authenticator, secret)
    attributes = _attribute(_USER_PASSWORD, hidden) + _common_attributes(call, target)
    head = HEADER.pack(Code.ACCESS_REQUEST, 0, HEADER_OCTETS + len(attributes))
    return head + authenticator + attributes


def _accounting_attributes(call: Call, step: int, target: Target) -> bytes:
    status = _START if step == 1 else _STOP if step == call.requests - 1 else _INTERIM
    attributes = _number(_STATUS_TYPE, status) + _common_attributes(call, target) + _number(_DELAY, 0)
    if status == _START:
        return attributes
    seconds = _reported_seconds(call, step)
    attributes += _number(_SESSION_TIME, seconds)
    if call.octets:
        total = call.octets_at(seconds)
        attributes += _number(_INPUT, total // 10) + _number(_OUTPUT, total - total // 10)
    return attributes


def _common_attributes(call: Call, target: Target) -> bytes:
    """What every packet of the call carries."""
    return b"".join(
        (
            _attribute(_USER_NAME, call.user.encode()),
            _attribute(_NAS_IP, _packed_address(target.nas_ip)),
            _number(_FRAMED_PROTOCOL, _PPP) if call.octets else _attribute(_CALLED, call.called.encode()),
            _attribute(_CALLING, call.calling.encode()),
            _attribute(_SESSION_ID, call.session_id.encode()),
        )
    )


@functools.cache
def _packed_address(address: str) -> bytes:
    return socket.inet_aton(address)


def _with_identifier(packet: bytes, identifier: int) -> bytes:
    return b"%b%c%b" % (packet[:1], identifier, packet[2:])


def _attribute(number: int, value: bytes) -> bytes:
    return bytes((number, len(value) + 2)) + value


def _number(number: int, value: int) -> bytes:
    return _attribute(number, value.to_bytes(4))


def _find_attribute(packet: bytes, number: int) -> bytes:
    """The first attribute of this number with its header; empty when there is none."""
    at = HEADER_OCTETS
    while at + 2 <= len(packet) and packet[at + 1] >= 2:
        end = at + packet[at + 1]
        if packet[at] == number:
            return packet[at:end]
        at = end
    return b""


def _reported_seconds(call: Call, step: int) -> int:
    """Acct-Session-Time of the request at `step`."""
    if step <= 1:
        return 0
    return call.seconds if step == call.requests - 1 else call.interims[step - 2]

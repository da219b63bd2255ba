"""A RADIUS load generator: whole calls in a closed loop, and a memory of what was acknowledged.

Owns: building packets, keeping a fixed number of requests outstanding, retransmission, latencies, and which
report of which call was answered, so that whoever runs it can hold the books against it. It is a client
like any gateway: it knows nothing of the server but its ports and a secret. Blocking; one process each.
"""

import hashlib
import hmac
import random
import selectors
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ocs.radius.codec import Code

_HEADER: Final = struct.Struct("!BBH")
_ZEROS: Final = bytes(16)
_SEND_BUFFER_OCTETS: Final = 4 * 1024 * 1024
_IDS_PER_SOCKET: Final = 256

_USER_NAME, _USER_PASSWORD, _NAS_IP, _CALLED, _CALLING = 1, 2, 4, 30, 31
_STATUS_TYPE, _DELAY, _SESSION_ID, _SESSION_TIME = 40, 41, 44, 46
_START, _STOP, _INTERIM = 1, 2, 3


@dataclass(slots=True)
class Call:
    """One call to be made, and how far it was acknowledged."""

    session_id: str
    user: str
    password: str
    calling: str
    called: str
    seconds: int
    "Acct-Session-Time of the Stop."
    interims: Sequence[int] = ()
    "Acct-Session-Time of each interim report."
    ends_before: int | None = None
    "Request (numbered as `next_request`) before which a run leaves the call; None: it is made to its end."
    next_request: int = 0
    "0 is the authorisation, 1 the Start, then the interims, then the Stop: a later run goes on here."
    granted: bool = False
    "The authorisation was accepted."
    reported_seconds: int = 0
    "Greatest Acct-Session-Time that was sent."
    acknowledged_seconds: int = -1
    "Greatest Acct-Session-Time whose report was answered; -1: none was."
    stop_acknowledged: bool = False

    @property
    def requests(self) -> int:
        """How many requests the whole call takes."""
        return len(self.interims) + 3


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
    retransmitted: int = 0
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
    """Makes calls, `outstanding` at a time, until they are done or `stop_when` says so."""

    def __init__(
        self,
        target: Target,
        *,
        outstanding: int = 32,
        timeout_s: float = 2.0,
        tries: int = 5,
        stop_when: Callable[[], bool] = lambda: False,
    ) -> None:
        self._target = target
        self._outstanding = outstanding
        self._timeout_s = timeout_s
        self._tries = tries
        self._stop_when = stop_when
        self._waiting: dict[int, _Request] = {}
        self._timers: deque[_Request] = deque()
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
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SEND_BUFFER_OCTETS)
                made.connect((target.host, port))
                selector.register(made, selectors.EVENT_READ, number)
                opened.append(made)
        self._free.extend(range(sockets * _IDS_PER_SOCKET))

    def _loop(self, selector: selectors.BaseSelector, calls: Iterator[Call]) -> None:
        while True:
            while len(self._waiting) < self._outstanding and not self._stop_when():
                call = next(calls, None)
                if call is None:
                    break
                self._send_step(call, call.next_request)
            if not self._waiting:
                return
            for key, _ in selector.select(timeout=0.05):
                self._receive(key.fileobj, key.data)  # type: ignore[arg-type]  # only sockets are registered
            self._retransmit()
            if self._stop_when():
                return

    def _receive(self, opened: socket.socket, number: int) -> None:
        now = time.perf_counter()
        while True:
            try:
                reply = opened.recv(4096)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue  # the server is away; retransmission is the cure
            if len(reply) < 20:
                continue
            slot = number * _IDS_PER_SOCKET + reply[1]
            request = self._waiting.get(slot)
            if request is None or not self._is_answer(request, reply):
                continue
            del self._waiting[slot]
            self._free.append(slot)
            self.result.answered += 1
            self.result.latencies_ms.append((now - request.first_sent) * 1000)
            self._answered(request, reply[0])

    def _is_answer(self, request: _Request, reply: bytes) -> bool:
        """Whether the Response Authenticator is of this request (RFC 2865 section 3)."""
        digest = hashlib.md5(reply[:4], usedforsecurity=False)
        digest.update(request.octets[4:20])
        digest.update(reply[20:])
        digest.update(self._target.secret)
        return hmac.compare_digest(digest.digest(), reply[4:20])

    def _answered(self, request: _Request, code: int) -> None:
        call = request.call
        if request.step == 0:
            if code != Code.ACCESS_ACCEPT:
                self.result.rejected += 1
                return
            self.result.accepted += 1
            call.granted = True
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
        identifier = slot % _IDS_PER_SOCKET
        request.octets = (
            self._access_request(call, identifier)
            if step == 0
            else self._accounting_request(call, step, identifier)
        )
        request.first_sent = time.perf_counter()
        self._waiting[slot] = request
        self._send(request)

    def _send(self, request: _Request) -> None:
        sockets = self._acct if request.step else self._auth
        request.tries += 1
        request.due = time.perf_counter() + self._timeout_s
        self._timers.append(request)
        try:
            sockets[request.slot // _IDS_PER_SOCKET].send(request.octets)
        except (BlockingIOError, ConnectionRefusedError):
            return  # as good as lost on the way; it is sent again when its time is up

    def _retransmit(self) -> None:
        now = time.perf_counter()
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

    # ------------------------------------------------------------------------------ packets

    def _access_request(self, call: Call, identifier: int) -> bytes:
        authenticator = random.randbytes(16)  # noqa: S311 - load, not secrecy
        attributes = b"".join(
            (
                _attribute(_USER_NAME, call.user.encode()),
                _attribute(_USER_PASSWORD, self._hide(call.password.encode(), authenticator)),
                _attribute(_NAS_IP, socket.inet_aton(self._target.nas_ip)),
                _attribute(_CALLED, call.called.encode()),
                _attribute(_CALLING, call.calling.encode()),
                _attribute(_SESSION_ID, call.session_id.encode()),
            )
        )
        length = 20 + len(attributes)
        return _HEADER.pack(Code.ACCESS_REQUEST, identifier, length) + authenticator + attributes

    def _accounting_request(self, call: Call, step: int, identifier: int) -> bytes:
        status = _START if step == 1 else _STOP if step == call.requests - 1 else _INTERIM
        seconds = _reported_seconds(call, step)
        call.reported_seconds = max(call.reported_seconds, seconds)
        attributes = b"".join(
            (
                _attribute(_STATUS_TYPE, struct.pack("!I", status)),
                _attribute(_USER_NAME, call.user.encode()),
                _attribute(_NAS_IP, socket.inet_aton(self._target.nas_ip)),
                _attribute(_CALLED, call.called.encode()),
                _attribute(_CALLING, call.calling.encode()),
                _attribute(_SESSION_ID, call.session_id.encode()),
                _attribute(_DELAY, struct.pack("!I", 0)),
                b"" if status == _START else _attribute(_SESSION_TIME, struct.pack("!I", seconds)),
            )
        )
        head = _HEADER.pack(Code.ACCOUNTING_REQUEST, identifier, 20 + len(attributes))
        digest = hashlib.md5(head + _ZEROS + attributes + self._target.secret, usedforsecurity=False)
        return head + digest.digest() + attributes

    def _hide(self, password: bytes, authenticator: bytes) -> bytes:
        """User-Password hiding, RFC 2865 section 5.2."""
        padded = password + bytes(-len(password) % 16 or (0 if password else 16))
        hidden, last = b"", authenticator
        for start in range(0, len(padded), 16):
            mask = hashlib.md5(self._target.secret + last, usedforsecurity=False).digest()
            last = bytes(a ^ b for a, b in zip(padded[start : start + 16], mask, strict=True))
            hidden += last
        return hidden


def _attribute(number: int, value: bytes) -> bytes:
    return bytes((number, len(value) + 2)) + value


def _reported_seconds(call: Call, step: int) -> int:
    """Acct-Session-Time of a step: 1 is the Start, then the interims, then the Stop."""
    if step == 1:
        return 0
    return call.interims[step - 2] if step - 2 < len(call.interims) else call.seconds

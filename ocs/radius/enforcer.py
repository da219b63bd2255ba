"""Ends sessions at gateways and changes their limits: the skin of `dynauth`, `lane` and `cutoff`.

Owns: one bounded pool of UDP sockets, one timer, counting. Does not own: what a session may use.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from ocs.ports import Clock
from ocs.radius.codec import PACKET_OCTETS_MAX, Code
from ocs.radius.cutoff import Cutoffs, Target
from ocs.radius.dynauth import Conclusion, Datagram, DynauthClient, Order, Verdict
from ocs.radius.lane import Errand, Lanes

SOCKETS_PER_FAMILY: Final = 4
"With 256 identifiers each, towards every gateway."
BATCH: Final = 64
FAMILIES: Final = (socket.AF_INET, socket.AF_INET6)


class Enforcer:
    """Sends CoA and Disconnect requests, now or when a grant ends."""

    def __init__(self, clock: Clock, tell: Callable[[int, str], None] = lambda *_: None) -> None:
        """`tell`: told what became of each request, by gateway id and as it is counted."""
        self._clock = clock
        self._tell = tell
        self._cutoffs = Cutoffs()
        self._lanes = Lanes()
        self._clients = {family: DynauthClient(SOCKETS_PER_FAMILY) for family in FAMILIES}
        self._sockets: dict[tuple[socket.AddressFamily, int], socket.socket] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_open = False
        self._sources: dict[socket.AddressFamily, str] = {}
        self.counters: Counter[str] = Counter()

    def start(self, sources: Iterable[str] = ()) -> None:
        """Take orders from now on; sockets are opened when they are first needed.

        Requests leave from these addresses, the last of each family; without one routing chooses.
        """
        self._sources = {family_of(host): host for host in sources}
        self._is_open = True

    def stop(self) -> None:
        """Close every socket and forget what was planned."""
        self._is_open = False
        loop = asyncio.get_running_loop()
        for opened in self._sockets.values():
            loop.remove_reader(opened.fileno())
            opened.close()
        self._sockets.clear()
        if self._timer is not None:
            self._timer.cancel()

    def end_session(self, target: Target, at_ms: int) -> None:
        """Disconnect the session at this time, and again until the gateway says that it is over."""
        if not self._cutoffs.set(target, at_ms):
            self.counters["cutoff_not_planned"] += 1
        self._advance()

    def keep_session(self, gateway_id: int, session_key: str) -> None:
        """Forget what was planned for the session: it was granted more, or has ended."""
        self._cutoffs.cancel(gateway_id, session_key)

    def is_ending(self, gateway_id: int, session_key: str) -> bool:
        """Whether the session is to be disconnected, now or at the end of its last grant."""
        return self._cutoffs.is_planned(gateway_id, session_key)

    def change_session(self, target: Target, attributes: bytes) -> None:
        """Tell the gateway new limits; the session goes on by its old ones when it does not listen."""
        self._order(Code.COA_REQUEST, target, attributes, self._count_of("coa", target), lambda: True)
        self._advance()

    # ---------------------------------------------------------------------------------------- machinery

    def _advance(self) -> None:
        """Do what is due, then set the timer to what is due next."""
        if not self._is_open:
            return
        now_ms = self._clock.now_ms()
        for target, attempts in self._cutoffs.take_due(now_ms):
            self._disconnect(target, attempts)
        for family, client in self._clients.items():
            for datagram in client.handle_timeout(now_ms):
                self._send(family, datagram)
        for order in self._lanes.take():
            self._submit(order, now_ms)
        times = [client.next_timeout_ms() for client in self._clients.values()]
        times.append(self._cutoffs.next_timeout_ms())
        known = [at_ms for at_ms in times if at_ms is not None]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if known:
            delay_s = max(0, min(known) - now_ms) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._advance)

    def _disconnect(self, target: Target, attempts: int) -> None:
        count = self._count_of("disconnect", target)

        def conclude(verdict: Verdict, cause: int) -> None:
            count(verdict, cause)
            self._cutoffs.learn(target, attempts, verdict, self._clock.now_ms())

        self._order(
            Code.DISCONNECT_REQUEST, target, b"", conclude, lambda: self._cutoffs.is_being_ended(target)
        )

    def _count_of(self, kind: str, target: Target) -> Conclusion:
        def count(verdict: Verdict, cause: int) -> None:
            event = f"{kind}_{verdict.value}" + (f"_{cause}" if cause else "")
            self.counters[event] += 1
            self._tell(target.gateway.id, event)

        return count

    def _order(
        self,
        code: Code,
        target: Target,
        attributes: bytes,
        conclude: Conclusion,
        is_wanted: Callable[[], bool],
    ) -> None:
        """Queue a request; it is sent when the gateway has dealt with those before it."""
        destination = (target.gateway.coa_address or target.host, target.gateway.coa_port)

        def finish(verdict: Verdict, cause: int) -> None:
            self._lanes.finish(destination, has_answered=verdict is not Verdict.TIMED_OUT)
            conclude(verdict, cause)

        order = Order(code, *destination, target.gateway.secret, target.identification + attributes, finish)
        if not self._lanes.put(Errand(order, is_wanted)):
            conclude(Verdict.NOT_SENT, 0)

    def _submit(self, order: Order, now_ms: int) -> None:
        family = family_of(order.host)
        datagram = self._clients[family].submit(order, now_ms)
        if datagram is not None:
            self._send(family, datagram)

    def _send(self, family: socket.AddressFamily, datagram: Datagram) -> None:
        """Send, or leave it to the retransmission."""
        try:
            self._socket(family, datagram.socket).sendto(datagram.octets, (datagram.host, datagram.port))
        except OSError:
            self.counters["unsent"] += 1

    def _socket(self, family: socket.AddressFamily, number: int) -> socket.socket:
        opened = self._sockets.get((family, number))
        if opened is None:
            opened = socket.socket(family, socket.SOCK_DGRAM)
            opened.settimeout(0)
            source = self._sources.get(family)
            if source is not None:
                try:
                    opened.bind((source, 0))
                except OSError:
                    opened.close()
                    raise
            self._sockets[family, number] = opened
            asyncio.get_running_loop().add_reader(opened.fileno(), self._receive, family, number, opened)
        return opened

    def _receive(self, family: socket.AddressFamily, number: int, opened: socket.socket) -> None:
        for _ in range(BATCH):
            try:
                octets, peer = opened.recvfrom(PACKET_OCTETS_MAX)
            except BlockingIOError:
                break
            except OSError:
                self.counters["unreachable"] += 1
                break
            client = self._clients[family]
            if not client.receive_datagram(octets, socket=number, host=peer[0], port=peer[1]):
                self.counters["unexpected"] += 1
        self._advance()


def family_of(host: str) -> socket.AddressFamily:
    """The family of an IP address."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET

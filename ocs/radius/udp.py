"""The RADIUS server: the thin skin that owns UDP sockets, the clock and log lines.

Owns: listening sockets, reading in batches, sending each reply from the address that its request came to, and
the promise that no packet stops the server. Does not own: any decision (`ocs.radius.endpoint`,
`ocs.radius.translate`, the charging service), connections (`ocs.radius.stream`).
"""

import asyncio
import contextlib
import functools
import ipaddress
import itertools
import logging
import socket
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest, RequestType, Usage
from ocs.charging.service import ChargingService, SessionNotice
from ocs.ports import Clock, Gateway
from ocs.quota.session import Session
from ocs.radius.codec import PACKET_OCTETS_MAX, Code
from ocs.radius.dialect import Dialect, load_dialects
from ocs.radius.endpoint import RADSEC_SECRET, Client, Endpoint, Exchange, Role, Silence, Source
from ocs.radius.enforcer import Enforcer
from ocs.radius.pending import Parties, PendingCalls
from ocs.radius.status import describe_status
from ocs.radius.stream import Connection, RenewedContext, StreamLimits, StreamListener, bind_stream
from ocs.radius.translate import (
    TOLERANCE_MS,
    Acknowledgement,
    Challenge,
    EndOfGateway,
    Peer,
    Refusal,
    Translator,
    encode_refusal,
    find_enforcement,
    read_peer,
)
from ocs.units import Measure

BATCH: Final = 64
"Datagrams read before the event loop gets its turn."
RECEIVE_BUFFER_OCTETS: Final = 1024 * 1024
"""Asked of the kernel, which caps it at net.core.rmem_max: some 2,500 requests, the work of half a second.
What comes beyond is dropped by the kernel, at no cost to us. A longer queue would be answered when its
gateways have given up waiting and asked again, so that work done for nobody would crowd out the rest."""
LOG_INTERVAL_MS: Final = 10_000
"At most one line per client and reason in this time."

_LOG: Final = logging.getLogger("ocs.radius")
_IP_PKTINFO: Final = getattr(socket, "IP_PKTINFO", 8)
"The socket module names it from Python 3.14 on; 8 is Linux's."
_SO_RCVBUFFORCE: Final = 33
"Linux's way past net.core.rmem_max (socket(7))."
_SO_MEMINFO: Final = 55
"Linux's account of a socket's memory: nine 32-bit words, of which the last counts dropped datagrams."
_MEMINFO: Final = struct.Struct("=9I")
_PKTINFO4: Final = struct.Struct("=I4s4s")
_ANCILLARY_OCTETS: Final = 128
_SILENCES: Final = {reason: Silence(reason.value) for reason in NoAnswer}
_OUT_OF_STEP: Final = {
    Silence.UNKNOWN_CLIENT,
    Silence.MALFORMED,
    Silence.UNEXPECTED_CODE,
    Silence.BAD_AUTHENTICATOR,
    Silence.BAD_MESSAGE_AUTHENTICATOR,
}
"What ends a connection (RFC 6613 section 2.6.4): who sends it is not who it should be, or out of step."


class RadiusServer:
    """Serves authentication and accounting on any number of UDP sockets, for one charging service."""

    def __init__(
        self,
        service: ChargingService,
        clock: Clock,
        gateways: Iterable[Gateway],
        *,
        class_key: bytes,
        tolerance_ms: int = TOLERANCE_MS,
        dialects: Mapping[str, Dialect] | None = None,
        log: logging.Logger = _LOG,
    ) -> None:
        """Prepare to serve; nothing is bound yet.

        Args:
            service: what decides.
            clock: server time.
            gateways: those that are enabled and have an address become clients.
            class_key: signs join tokens and nonces; must be the same on every node and after a restart, or
                accounting of sessions that were authorised before is joined by its recipe alone.
            tolerance_ms: how far a report's own time may be from ours and still count.
            dialects: by name; None for those that the project ships.
            log: where the few lines go.

        Raises:
            InputError: a gateway's record cannot be used.
        """
        self._service = service
        self._clock = clock
        self._dialects = load_dialects() if dialects is None else dialects
        self._endpoint = Endpoint()
        self._translator = Translator(class_key, tolerance_ms=tolerance_ms)
        self._enforcer = Enforcer(clock, self._count_verdict)
        self._pending = PendingCalls()
        self._listeners: list[_Listener] = []
        self._streams: list[StreamListener] = []
        self._numbers = itertools.count()
        "Of sockets and connections."
        self._log = _RateLimitedLog(log, clock)
        self._unsent = 0
        self.set_gateways(gateways)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """What is bound, authentication first, in the order asked for."""
        return [listener.address for listener in self._listeners]

    @property
    def stream_addresses(self) -> list[tuple[str, int]]:
        """What is bound for connections, TCP first, in the order asked for."""
        return [listener.address for listener in self._streams]

    @property
    def connections(self) -> int:
        """TCP and TLS connections that are open."""
        return sum(listener.connections for listener in self._streams)

    @property
    def counters(self) -> dict[str, dict[str, int]]:
        """What happened so far, by gateway name and event; the empty name: strangers, the server."""
        counted = self._endpoint.counters()
        counted[""]["unsent"] = self._unsent
        counted[""]["overflowed"] = sum(listener.overflowed for listener in self._listeners)
        counted[""].update(self._enforcer.counters)
        for listener in self._streams:
            for event, count in listener.counters.items():
                counted[""][event] = counted[""].get(event, 0) + count
        return counted

    def status(self) -> dict[str, Any]:
        """What the server has seen, for the status file (`ocs.radius.status`)."""
        return describe_status(self._endpoint, self.counters, self._clock.now_ms())

    def set_gateways(self, gateways: Iterable[Gateway]) -> None:
        """Serve these gateways from now on.

        Raises:
            InputError: a record cannot be used; the former ones stay.
        """
        self._endpoint.set_clients(gateways, self._dialects)

    async def start(
        self,
        *,
        auth: Sequence[tuple[str, int]],
        acct: Sequence[tuple[str, int]],
        coa_sources: Sequence[str] = (),
    ) -> None:
        """Bind and serve; port 0 takes a free one.

        CoA and Disconnect requests leave from `coa_sources`, one address of each family.

        Raises:
            OSError: an address cannot be bound; then none is.
        """
        loop = asyncio.get_running_loop()
        wanted = [(address, Role.AUTHENTICATION) for address in auth]
        wanted += [(address, Role.ACCOUNTING) for address in acct]
        try:
            for address, role in wanted:
                listener = _Listener(next(self._numbers), role, await _bind(loop, address))
                self._listeners.append(listener)
        except OSError:
            await self.stop()
            raise
        for listener in self._listeners:
            size = listener.receive_buffer_octets
            if size < RECEIVE_BUFFER_OCTETS:
                self._log.warning(
                    "",
                    "buffer",
                    "the kernel keeps %d octets of unread packets instead of %d: raise net.core.rmem_max",
                    size,
                    RECEIVE_BUFFER_OCTETS,
                )
            loop.add_reader(listener.socket.fileno(), self._receive, listener)
        self._enforcer.start(coa_sources)

    async def start_streams(
        self,
        *,
        tcp: Sequence[tuple[str, int]] = (),
        radsec: Sequence[tuple[str, int]] = (),
        tls: RenewedContext | None = None,
        limits: StreamLimits | None = None,
    ) -> None:
        """Serve connections too, until `stop`; port 0 takes a free one.

        Args:
            tcp: RFC 6613, clients by address; for networks that nobody else can reach.
            radsec: RFC 6614, needs `tls`; clients by the name in their certificate, else by address.
            tls: certificates.
            limits: of each listening address; None: the usual ones.

        Raises:
            OSError: an address cannot be bound; then none is.
        """
        assert tls is not None or not radsec, "RadSec needs certificates"
        wanted = [(address, None) for address in tcp] + [(address, tls) for address in radsec]
        limits = limits or StreamLimits()
        bound = []
        try:
            for address, context in wanted:
                opened = await bind_stream(address)
                bound.append(opened)
                self._streams.append(
                    StreamListener(
                        opened, self, self._clock, numbers=self._numbers, limits=limits, tls=context
                    )
                )
        except OSError:
            for opened in bound:
                opened.close()
            self._streams = []
            raise
        for listener in self._streams:
            listener.start()

    async def stop(self) -> None:
        """Close every socket. Answers that come later are not sent: their requests will be repeated."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.remove_reader(listener.socket.fileno())
            listener.socket.close()
        self._listeners = []
        for stream in self._streams:
            await stream.stop()
        self._enforcer.stop()

    # -------------------------------------------------------------------------------------------- notices

    def restore(self, sessions: Iterable[Session]) -> None:
        """Plan the end of sessions that were on their last grant before a restart.

        What has ended since is disconnected at once; the gateway knows better if its report was lost.
        """
        for session in sessions:
            client, peer = self._endpoint.find_client(session.gateway_id), read_peer(session.peer_attributes)
            if client is None or peer is None or not client.can_be_stopped:
                continue
            if peer.service.measure is Measure.SECONDS:
                left_ms = 1000 * max(0, session.granted_units - session.used_units)
                target = peer.target(client.gateway, session.session_key)
                self._enforcer.end_session(target, session.updated_at_ms + left_ms)

    def session_changed(
        self,
        gateway_id: int,
        session_key: str,
        notice: SessionNotice,
        reason: str,
        *,
        peer_attributes: str = "",
    ) -> None:
        """Tell the session's gateway what the engine has to say (`ocs.charging.service.SessionObserver`)."""
        client, peer = self._endpoint.find_client(gateway_id), read_peer(peer_attributes)
        if client is None or peer is None:
            return
        try:
            if notice is SessionNotice.REPORT:
                self._ask_for_report(client, session_key, peer, peer_attributes)
            elif client.can_be_stopped:
                self._enforcer.end_session(peer.target(client.gateway, session_key), self._clock.now_ms())
            else:
                client.count("cannot_be_stopped")
                self._log.warning(
                    client.gateway.name, reason, "cannot end session %r: %s", session_key, reason
                )
        except Exception:  # noqa: BLE001 - the engine must not suffer
            self._log.exception(client.gateway.name)

    def _ask_for_report(self, client: Client, session_key: str, peer: Peer, peer_attributes: str) -> None:
        """Renew the session's grant: make its gateway ask, or ask for it where it cannot be made to."""
        target = peer.target(client.gateway, session_key)
        if client.dialect.renews:
            self._enforcer.change_session(target, self._translator.encode_renewal(client, session_key))
            return
        if not self._enforcer.is_ending(client.gateway.id, session_key) and not client.dialect.changed:
            return
        now_ms = self._clock.now_ms()
        request = ChargingRequest(
            type=RequestType.UPDATE,
            gateway=client.gateway,
            session_key=session_key,
            received_at_ms=now_ms,
            event_at_ms=now_ms,
            service=peer.service,
            peer_attributes=peer_attributes,
        )
        self._service.submit(request, functools.partial(self._take_renewal, client, request))

    def _count_verdict(self, gateway_id: int, event: str) -> None:
        """Let the gateway's operator see what becomes of what it is told, above all that it never answers."""
        client = self._endpoint.find_client(gateway_id)
        if client is not None:
            client.count(event)

    def _take_renewal(self, client: Client, request: ChargingRequest, outcome: Outcome | NoAnswer) -> None:
        """Let a session go on that has got more; what was planned for any other still holds."""
        if (
            isinstance(outcome, NoAnswer)
            or not outcome.code.is_success
            or outcome.final_unit_action is not None
        ):
            return
        try:
            self._enforce(client, request, outcome)
        except Exception:  # noqa: BLE001 - the service's other answers must not suffer
            self._log.exception(client.gateway.name)

    # -------------------------------------------------------------------------------------------- one packet

    def _receive(self, listener: "_Listener") -> None:
        """Take what the socket holds, up to one batch."""
        now_ms = self._clock.now_ms()
        for _ in range(BATCH):
            try:
                datagram, peer, local = listener.receive()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                # An ICMP error of an earlier reply is reported here; the socket itself is well.
                self._log.warning("", "receive", "receiving failed: %s", error)
                return
            self._handle(listener, datagram, peer, local, now_ms)

    def _handle(self, listener: "_Listener", datagram: bytes, peer: Any, local: Any, now_ms: int) -> None:
        source = Source(listener.number, peer[0], peer[1])
        result = self._endpoint.receive_datagram(datagram, source, listener.role, now_ms)
        if isinstance(result, Silence):
            self._log.silence(source, result, self._endpoint.name_of(source.host))
        else:
            self._take(result, functools.partial(self._send, listener, peer, local))

    def may_connect(self, host: str) -> bool:
        """Whether a gateway is at this address (`ocs.radius.stream.StreamHandler`)."""
        return self._endpoint.find_peer((), host) is not None

    def receive_packet(self, octets: bytes, connection: Connection) -> bool:
        """Handle a packet of a connection; False ends it (`ocs.radius.stream.StreamHandler`)."""
        source = Source(connection.number, connection.host, connection.port)
        client = self._endpoint.find_peer(connection.names, connection.host)
        if client is None:
            self._log.silence(source, Silence.UNKNOWN_CLIENT, "")
            return False
        secret = RADSEC_SECRET if connection.is_tls else client.secret
        result = self._endpoint.receive_packet(
            octets, client, secret, source, Role.STREAM, self._clock.now_ms()
        )
        if isinstance(result, Silence):
            self._log.silence(source, result, client.gateway.name)
            return result not in _OUT_OF_STEP
        self._take(result, connection.send)
        return True

    def _take(self, result: bytes | Exchange, send: Callable[[bytes], None]) -> None:
        """Send a reply that is known, or find it."""
        if isinstance(result, bytes):
            send(result)
            return
        try:
            self._serve(result, send)
        except Exception:  # noqa: BLE001 - whatever is wrong with one packet, the others are served
            self._report_bug(result)

    def _serve(self, exchange: Exchange, send: Callable[[bytes], None]) -> None:
        """Ask the charging service what the packet asks for."""
        action = self._translator.to_charging(exchange)
        if isinstance(action, ChargingRequest):
            if exchange.client.dialect.joins_by_number:
                self._join_by_number(exchange.client, action)
            self._service.submit(action, functools.partial(self._answer, exchange, action, send))
        elif isinstance(action, Silence):
            self._abandon(exchange, action)
        elif isinstance(action, Acknowledgement):
            send(self._endpoint.answer(exchange, Code.ACCOUNTING_RESPONSE, b""))
        elif isinstance(action, Refusal):
            attributes = encode_refusal(exchange.client, action.code)
            send(self._endpoint.answer(exchange, Code.ACCESS_REJECT, attributes))
        elif isinstance(action, Challenge):
            send(self._endpoint.answer(exchange, Code.ACCESS_CHALLENGE, action.attributes))
        else:
            self._end_gateway(exchange, action, send)

    def _join_by_number(self, client: Client, request: ChargingRequest) -> None:
        """Give back what the acceptance of a call holds that is reported as another session."""
        usage = request.usage
        is_first = request.starts or (
            request.type is RequestType.TERMINATION and not (usage and usage.seconds)
        )
        if not is_first:
            return
        accepted = self._pending.claim(_parties(request), request.session_key, request.received_at_ms)
        if accepted:
            release = ChargingRequest(
                type=RequestType.TERMINATION,
                gateway=client.gateway,
                session_key=accepted,
                received_at_ms=request.received_at_ms,
                event_at_ms=request.received_at_ms,
                service=request.service,
                usage=Usage(),
                end_cause="joined",
            )
            self._service.submit(release, _pass_over)

    def _end_gateway(self, exchange: Exchange, action: EndOfGateway, send: Callable[[bytes], None]) -> None:
        def reply(is_done: bool) -> None:  # noqa: FBT001 - the service's callback
            if is_done:
                send(self._endpoint.answer(exchange, Code.ACCOUNTING_RESPONSE, b""))
            else:
                self._abandon(exchange, Silence.UNAVAILABLE)

        gateway_id = exchange.client.gateway.id
        self._service.end_gateway_sessions(gateway_id, action.at_ms, reply, action.concerns)

    def _answer(
        self,
        exchange: Exchange,
        request: ChargingRequest,
        send: Callable[[bytes], None],
        outcome: Outcome | NoAnswer,
    ) -> None:
        """Tell the gateway the outcome; never raises, whatever the outcome holds."""
        try:
            if isinstance(outcome, NoAnswer):
                self._abandon(exchange, _SILENCES[outcome])
                return
            code, attributes = self._translator.to_reply(exchange, request, outcome)
            send(self._endpoint.answer(exchange, code, attributes))
            is_opened = code is Code.ACCESS_ACCEPT and request.type is RequestType.INITIAL
            if is_opened and exchange.client.dialect.joins_by_number:
                self._pending.note(_parties(request), request.session_key, request.received_at_ms)
            self._enforce(exchange.client, request, outcome)
        except Exception:  # noqa: BLE001 - the service's other answers must not suffer
            self._report_bug(exchange)

    def _enforce(self, client: Client, request: ChargingRequest, outcome: Outcome) -> None:
        """Tell the gateway what its report's answer cannot: when the session ends, and new limits."""
        enforcement = find_enforcement(client, request, outcome)
        if enforcement is None or enforcement.ends_at_ms is None:
            self._enforcer.keep_session(request.gateway.id, request.session_key)
        else:
            self._enforcer.end_session(enforcement.target, enforcement.ends_at_ms)
        if enforcement is not None and enforcement.changes:
            self._enforcer.change_session(enforcement.target, enforcement.changes)

    def _send(self, listener: "_Listener", peer: Any, local: Any, reply: bytes) -> None:
        """Send, or let the gateway's retransmission fetch it from the duplicate cache."""
        try:
            listener.send(reply, peer, local)
        except OSError:
            self._unsent += 1

    def _abandon(self, exchange: Exchange, reason: Silence) -> None:
        self._endpoint.abandon(exchange, reason)
        self._log.silence(exchange.source, reason, exchange.client.gateway.name)

    def _report_bug(self, exchange: Exchange) -> None:
        self._endpoint.abandon(exchange, Silence.BUG)
        self._log.exception(exchange.client.gateway.name)


def _parties(request: ChargingRequest) -> Parties:
    return Parties(request.gateway.id, request.calling, request.called)


def _pass_over(outcome: Outcome | NoAnswer) -> None:
    """An acceptance that could not be given back now expires by itself."""


async def _bind(loop: asyncio.AbstractEventLoop, address: tuple[str, int]) -> socket.socket:
    """A non-blocking UDP socket on the address, which may be a name."""
    host, port = address
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, resolved = found[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.settimeout(0)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_OCTETS)
        with contextlib.suppress(OSError):  # for who may administer the network
            bound.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_OCTETS)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(resolved)
    except OSError:
        bound.close()
        raise
    return bound


class _Listener:
    """One bound socket.

    On a wildcard address the kernel is asked where each datagram arrived, because the reply must leave from
    there (RFC 2865 section 3): a machine with several addresses would choose another by its routes.
    """

    def __init__(self, number: int, role: Role, bound: socket.socket) -> None:
        self.number = number
        self.role = role
        self.socket = bound
        host, port = bound.getsockname()[:2]
        self.address: tuple[str, int] = (host, port)
        self._is_wildcard = ipaddress.ip_address(host.partition("%")[0]).is_unspecified
        if self._is_wildcard:
            if bound.family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
            else:
                bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)

    @property
    def receive_buffer_octets(self) -> int:
        """What the kernel keeps for us; it reports twice as much, for its own bookkeeping (socket(7))."""
        return self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2

    @property
    def overflowed(self) -> int:
        """Datagrams that the kernel dropped unread, because the buffer was full; 0 where it does not say."""
        try:
            words = self.socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        except OSError:
            return 0
        return int(_MEMINFO.unpack(words)[-1]) if len(words) == _MEMINFO.size else 0

    def receive(self) -> tuple[bytes, Any, Any]:
        """One datagram, the peer's address, and where it arrived (None unless the address is a wildcard)."""
        if not self._is_wildcard:
            datagram, peer = self.socket.recvfrom(PACKET_OCTETS_MAX)
            return datagram, peer, None
        datagram, ancillary, _, peer = self.socket.recvmsg(PACKET_OCTETS_MAX, _ANCILLARY_OCTETS)
        return datagram, peer, _reply_from(ancillary)

    def send(self, reply: bytes, peer: Any, local: Any) -> None:
        """Send one datagram, from where its request arrived."""
        if local is None:
            self.socket.sendto(reply, peer)
        else:
            self.socket.sendmsg([reply], [local], 0, peer)


def _reply_from(ancillary: list[tuple[int, int, bytes]]) -> tuple[int, int, bytes] | None:
    """Ancillary data that makes a reply leave from the address that a request's ancillary data names."""
    for level, kind, octets in ancillary:
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
            return level, kind, octets
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
            # struct in_pktinfo: interface, local address, header's destination. Routing finds the interface.
            _, address, _ = _PKTINFO4.unpack_from(octets)
            return level, kind, _PKTINFO4.pack(0, address, b"\0\0\0\0")
    return None


class _RateLimitedLog:
    """Log lines about packets, at most one per client and reason in an interval."""

    KEYS_MAX: Final = 1_024

    def __init__(self, log: logging.Logger, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._next_ms: dict[tuple[str, str], int] = {}

    def silence(self, source: Source, reason: Silence, gateway: str) -> None:
        """Say that a packet was not answered.

        One line for all addresses of a gateway, and of strangers (an empty name): addresses can be invented.
        """
        if reason is not Silence.DUPLICATE_IN_PROGRESS:
            self.warning(gateway, reason.value, "no answer to %s: %s", source.host, reason.value)

    def warning(self, subject: str, reason: str, message: str, *values: object) -> None:
        """Write a line unless one about the same was written just now."""
        if self._is_due(subject, reason):
            self._log.warning(message, *values)

    def exception(self, subject: str) -> None:
        """Write the exception that is being handled."""
        if self._is_due(subject, "bug"):
            self._log.exception("a packet of gateway %s was not served", subject)

    def _is_due(self, subject: str, reason: str) -> bool:
        now_ms = self._clock.now_ms()
        key = (subject, reason)
        if now_ms < self._next_ms.get(key, 0):
            return False
        if len(self._next_ms) >= self.KEYS_MAX:
            self._next_ms = {key: next_ms for key, next_ms in self._next_ms.items() if next_ms > now_ms}
            if len(self._next_ms) >= self.KEYS_MAX:
                return False
        self._next_ms[key] = now_ms + LOG_INTERVAL_MS
        return True

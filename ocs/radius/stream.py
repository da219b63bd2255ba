"""RADIUS over TCP (RFC 6613) and TLS (RFC 6614): connections, and cutting their octets into packets.

Owns: listening sockets, who may connect and how many, handshakes, framing, and the end of connections that
are idle, stuck, flooded or out of step. Does not own: what a packet means (`ocs.radius.udp`,
`ocs.radius.endpoint`).

Whatever a peer does, a connection holds no more than what one read brings, one packet, and
`UNREAD_OCTETS_MAX` of answers.
"""

import asyncio
import contextlib
import itertools
import socket
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, cast

from ocs.errors import InputError
from ocs.ports import Clock
from ocs.radius.codec import PACKET_OCTETS_MAX, MalformedPacketError

HEADER_OCTETS: Final = 20
BATCH: Final = 64
"Packets of one connection that are handled before others get their turn."
UNREAD_OCTETS_MAX: Final = 65_536
"Answers that a peer may leave unread; one that reads nothing is cut off."
KERNEL_OCTETS: Final = 131_072
"What the kernel keeps of a connection in each direction."
PACKET_MS: Final = 10_000
"From a packet's first octet to its last, and for what is left to be done when a connection is closed."
HANDSHAKE_S: Final = 10.0
CLOSE_S: Final = 1.0
"What peers have for their part of closing when the server stops."
SWEEP_S: Final = 0.5
"How often connections that have gone silent are looked for."
BACKLOG: Final = 256


class Framer:
    """Cuts a stream of octets into packets by their Length (RFC 6613 section 2.6). Pure."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def __len__(self) -> int:
        return len(self._octets)

    def feed(self, octets: bytes) -> None:
        """Add what was read."""
        self._octets += octets

    def take(self) -> bytes | None:
        """The next whole packet; None while it has not arrived.

        Raises:
            MalformedPacketError: no packet can have this length, so nothing behind it can be found either.
        """
        held = self._octets
        if len(held) < 4:
            return None
        length = int.from_bytes(held[2:4])
        if not HEADER_OCTETS <= length <= PACKET_OCTETS_MAX:
            raise MalformedPacketError(f"a packet of {length} octets")
        if len(held) < length:
            return None
        packet = bytes(held[:length])
        del held[:length]
        return packet


class TlsFiles(NamedTuple):
    """Where the server's certificate is, and who signs those of its peers."""

    certificate: Path
    key: Path
    client_ca: Path

    def context(self) -> ssl.SSLContext:
        """What TLS needs: both sides show a certificate (RFC 6614 section 2.3).

        Raises:
            InputError: a file cannot be read or used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        # Connections live long: tickets to resume them are worth nothing. And FreeRADIUS 3 as a client that
        # reads one before it has sent its first request locks its connection until more comes: for ever.
        context.num_tickets = 0
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_passphrase)
            context.load_verify_locations(self.client_ca)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            files = ", ".join(str(path) for path in self)
            raise InputError(files, f"no usable certificate, key and client CA: {error}") from error
        return context

    def modified_ns(self) -> tuple[int, ...]:
        """When each file was written; empty while one is missing."""
        try:
            return tuple(path.stat().st_mtime_ns for path in self)
        except OSError:
            return ()


def _no_passphrase() -> str:
    """Refuse a key with a passphrase instead of asking for it on the terminal."""
    raise ValueError("the key has a passphrase")


class RenewedContext:
    """The files' TLS context, made anew when they have changed; while they are unusable the last good one."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen_ns = files.modified_ns()
        self._context = files.context()

    def current(self) -> ssl.SSLContext:
        """For the next handshake."""
        modified_ns = self._files.modified_ns()
        if modified_ns not in (self._seen_ns, ()):
            self._seen_ns = modified_ns
            # A file that is half written is looked at again with its next change.
            with contextlib.suppress(InputError):
                self._context = self._files.context()
        return self._context


class StreamLimits(NamedTuple):
    """What a listener's peers may take."""

    connections_max: int = 1_000
    "At once, those in their handshake included; one address may have half of them."
    idle_ms: int = 600_000
    "Without any packet; a Status-Server is one (RFC 6613 section 2.6.5)."


class StreamHandler(Protocol):
    """What is done with connections and their packets."""

    def may_connect(self, host: str) -> bool:
        """Whether somebody is known at this address."""
        ...

    def receive_packet(self, octets: bytes, connection: "Connection") -> bool:
        """Handle one packet; False when the connection must be closed."""
        ...


class StreamListener:
    """One listening socket and its connections."""

    def __init__(
        self,
        bound: socket.socket,
        handler: StreamHandler,
        clock: Clock,
        *,
        numbers: Iterator[int],
        limits: StreamLimits,
        tls: RenewedContext | None = None,
    ) -> None:
        """Take over a bound socket.

        `numbers` gives each connection one that no other connection or socket of this server has. Without
        `tls` it is plain TCP.
        """
        self.socket = bound
        self.handler = handler
        self.clock = clock
        self.counters: Counter[str] = Counter()
        self.is_tls = tls is not None
        host, port = bound.getsockname()[:2]
        self.address: tuple[str, int] = (host, port)
        self._numbers = numbers
        self._limits = limits
        self._tls = tls
        self._connections: set[Connection] = set()
        self._opening: dict[asyncio.Task[None], str] = {}
        self._has_closed = asyncio.Event()
        self._sweeper: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Accept from now on."""
        self.socket.listen(BACKLOG)
        asyncio.get_running_loop().add_reader(self.socket.fileno(), self._accept)
        self._sweep()

    async def stop(self) -> None:
        """Accept no more, and close every connection.

        Pending answers are dropped (RFC 6613 section 2.6.1): the requests come again on another connection.
        """
        asyncio.get_running_loop().remove_reader(self.socket.fileno())
        self.socket.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for task in self._opening:
            task.cancel()
        for connection in list(self._connections):
            connection.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                while self._connections:
                    self._has_closed.clear()
                    await self._has_closed.wait()
        for connection in list(self._connections):
            connection.abort("stopped")

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self._connections)

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(BATCH):
            try:
                accepted, peer = self.socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # No descriptor is left: the sweep listens again.
                self.counters["connection_not_accepted"] += 1
                loop.remove_reader(self.socket.fileno())
                return
            refusal = self._refusal(peer[0])
            if refusal:
                self.counters[refusal] += 1
                accepted.close()
                continue
            accepted.settimeout(0)
            task = loop.create_task(self._open(accepted))
            self._opening[task] = peer[0]
            task.add_done_callback(self._opening.pop)

    def _refusal(self, host: str) -> str:
        """Why this address may not connect; empty when it may. Certificates are seen later."""
        if not self.is_tls and not self.handler.may_connect(host):
            return "connection_of_stranger"
        most = self._limits.connections_max
        hosts = [connection.host for connection in self._connections] + list(self._opening.values())
        if len(hosts) >= most or hosts.count(host) >= max(1, most // 2):
            return "connection_beyond_limit"
        return ""

    async def _open(self, accepted: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        number = next(self._numbers)
        tls: dict[str, Any] = {}
        if self._tls is not None:
            tls = {"ssl": self._tls.current(), "ssl_handshake_timeout": HANDSHAKE_S}
        try:
            await loop.connect_accepted_socket(lambda: Connection(self, number), accepted, **tls)
        except (OSError, ssl.SSLError, TimeoutError):
            self.counters["handshake_failed"] += 1
            accepted.close()

    def opened(self, connection: "Connection") -> None:
        """Count one in."""
        self._connections.add(connection)
        self.counters["connection_opened"] += 1

    def closed(self, connection: "Connection") -> None:
        """Count one out."""
        self._connections.discard(connection)
        self._has_closed.set()

    def _sweep(self) -> None:
        """Close what has been silent for too long, and accept again if that had to stop."""
        loop = asyncio.get_running_loop()
        now_ms = self.clock.now_ms()
        for connection in list(self._connections):
            connection.check(now_ms, self._limits.idle_ms)
        loop.add_reader(self.socket.fileno(), self._accept)
        self._sweeper = loop.call_later(SWEEP_S, self._sweep)


class Connection(asyncio.Protocol):
    """One peer."""

    def __init__(self, listener: StreamListener, number: int) -> None:
        self.number = number
        "Set apart from those of all other connections."
        self.is_tls = listener.is_tls
        self.host = ""
        self.port = 0
        self.names: Sequence[str] = ()
        "What the peer's certificate is made out to."
        self._listener = listener
        self._framer = Framer()
        self._transport: asyncio.Transport
        self._is_closing = False
        self._since_ms = 0
        "When the last packet was whole, or the connection was closed by us."
        self._partial_since_ms: int | None = None
        "When the first octet of the packet that is arriving came."

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Learn who it is."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self.host, self.port = transport.get_extra_info("peername")[:2]
        self.names = certificate_names(transport.get_extra_info("peercert") or {})
        self._since_ms = self._listener.clock.now_ms()
        self._transport.set_write_buffer_limits(high=UNREAD_OCTETS_MAX)
        self._listener.opened(self)

    def data_received(self, data: bytes) -> None:
        """Handle the packets that are whole."""
        self._framer.feed(data)
        self._handle()

    def _handle(self) -> None:
        if self._is_closing:
            return
        try:
            for _ in range(BATCH):
                packet = self._framer.take()
                if packet is None:
                    break
                self._since_ms, self._partial_since_ms = self._listener.clock.now_ms(), None
                if not self._listener.handler.receive_packet(packet, self):
                    self.close("out_of_step")
                    return
            else:
                # The others first; what is not read yet stays with the kernel, which slows the peer down.
                self._transport.pause_reading()
                asyncio.get_running_loop().call_soon(self._go_on)
                return
        except MalformedPacketError:
            self.close("malformed")
            return
        if len(self._framer) and self._partial_since_ms is None:
            self._partial_since_ms = self._listener.clock.now_ms()

    def _go_on(self) -> None:
        if not self._is_closing:
            self._transport.resume_reading()
            self._handle()

    def send(self, reply: bytes) -> None:
        """Send an answer; one whose connection is closed is dropped (RFC 6613 section 2.6.1)."""
        if self._is_closing:
            self._listener.counters["unsent"] += 1
            return
        self._transport.write(reply)
        if self._transport.get_write_buffer_size() > UNREAD_OCTETS_MAX:
            self.abort("unread")

    def check(self, now_ms: int, idle_ms: int) -> None:
        """Close the connection if its peer keeps it waiting."""
        if self._is_closing:
            if now_ms - self._since_ms > PACKET_MS:
                self._transport.abort()
        elif self._partial_since_ms is not None and now_ms - self._partial_since_ms > PACKET_MS:
            self.abort("stuck")
        elif now_ms - self._since_ms > idle_ms:
            self.close("idle")

    def close(self, reason: str = "stopped") -> None:
        """Close, after what was answered has been sent."""
        if not self._is_closing:
            self._is_closing = True
            self._since_ms = self._listener.clock.now_ms()
            self._listener.counters[f"connection_{reason}"] += 1
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once, whatever was to be sent."""
        if not self._is_closing:
            self._is_closing = True
            self._listener.counters[f"connection_{reason}"] += 1
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget it."""
        self._is_closing = True
        self._listener.closed(self)


def certificate_names(certificate: dict[str, Any]) -> list[str]:
    """What a certificate is made out to: its alternative names, then its common name."""
    names = [value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"]
    subject = itertools.chain.from_iterable(certificate.get("subject", ()))
    return names + [value for kind, value in subject if kind == "commonName"]


async def bind_stream(address: tuple[str, int]) -> socket.socket:
    """A non-blocking TCP socket on the address, which may be a name.

    Raises:
        OSError: it cannot be bound.
    """
    host, port = address
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, resolved = found[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.settimeout(0)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Its connections inherit them. Left alone the kernel would let each grow to megabytes.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_OCTETS)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_OCTETS)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(resolved)
    except OSError:
        bound.close()
        raise
    return bound

"""RADIUS over TCP and TLS, real sockets: who is served, what ends a connection, what a peer may take."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest
import uvloop
from certificate import Party, certify
from radius_vectors import SECRET, access_request, accounting_request, gateway

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.charging.service import Reply
from ocs.errors import InputError
from ocs.radius import stream
from ocs.radius.codec import (
    Code,
    Packet,
    Secret,
    decode,
    encode_request,
    is_reply_authentic,
)
from ocs.radius.stream import RenewedContext, StreamLimits, TlsFiles
from ocs.radius.udp import RadiusServer

HOST = "127.0.0.1"
RADSEC = "radsec"
CALL = {"User-Name": "alice", "Called-Station-Id": "441", "Acct-Session-Id": "c1"}
AUTHORITY = certify("test authority")
STRANGER = certify("another authority")
WAIT_S = 30.0

Story = Callable[["Server"], Awaitable[None]]


class LoopClock:
    """The event loop's time, as far ahead as a story has moved it."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return 1_700_000_000_000 + self.ahead_ms + int(asyncio.get_running_loop().time() * 1000)


class NotingService:
    """Grants a minute to everybody, when it may, and notes what it is asked."""

    def __init__(self) -> None:
        self.requests: list[ChargingRequest] = []
        self.held: list[Reply] | None = None
        "Answers that are kept back; None: none are."

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Answer at once, or when the story lets it."""
        self.requests.append(request)
        if self.held is not None:
            self.held.append(reply)
        else:
            reply(self.outcome)

    @property
    def outcome(self) -> Outcome:
        """A minute."""
        return Outcome(code=OutcomeCode.SUCCESS, granted_units=60, affordable_units=60)

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """Not used by RADIUS."""
        return self.outcome

    def end_gateway_sessions(self, gateway_id: int, at_ms: int, reply: Callable[[bool], None]) -> None:
        """Nothing is open."""
        reply(True)  # noqa: FBT003 - the service's callback


class Server:
    """A RADIUS server that takes connections over TCP and TLS."""

    def __init__(self, folder: Path, limits: StreamLimits) -> None:
        self.folder = folder
        self.limits = limits
        self.clock = LoopClock()
        self.service = NotingService()
        self.gateways = [
            gateway(id=1, name="near", address="127.0.0.0/8"),
            gateway(id=2, name="roaming", address="", secret=""),
        ]
        self.radius = RadiusServer(self.service, self.clock, self.gateways, class_key=b"k")

    async def start(self) -> None:
        """Serve on free ports."""
        files = write_files(self.folder, certify("ocs", AUTHORITY))
        await self.radius.start_streams(
            tcp=[(HOST, 0)], radsec=[(HOST, 0)], tls=RenewedContext(files), limits=self.limits
        )

    async def connect(self, host: str = HOST) -> "Peer":
        """A TCP connection from this address."""
        address = self.radius.stream_addresses[0]
        connecting = socket.socket()
        connecting.settimeout(0)
        # Little room for what the peer does not read.
        connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connecting.bind((host, 0))
        await asyncio.get_running_loop().sock_connect(connecting, address)
        return Peer(await asyncio.open_connection(sock=connecting), SECRET)

    async def connect_tls(self, shown: Party | None, host: str = HOST) -> "Peer":
        """A TLS connection that shows a certificate."""
        context = ssl.create_default_context(cadata=AUTHORITY.certificate_pem.decode())
        if shown is not None:
            (self.folder / "shown.pem").write_bytes(shown.certificate_pem + shown.key_pem)
            context.load_cert_chain(self.folder / "shown.pem")
        address = self.radius.stream_addresses[1]
        opened = await asyncio.open_connection(
            *address, local_addr=(host, 0), ssl=context, server_hostname="localhost"
        )
        return Peer(opened, RADSEC)

    async def count(self, event: str, count: int = 1) -> None:
        """Wait until the server has counted an event so often."""
        async with asyncio.timeout(WAIT_S):
            while self.radius.counters[""].get(event, 0) != count:
                await asyncio.sleep(0.01)


class Peer:
    """The other end of a connection."""

    def __init__(self, opened: tuple[asyncio.StreamReader, asyncio.StreamWriter], secret: str) -> None:
        self._reader, self._writer = opened
        self._secret = secret

    def write(self, octets: bytes) -> None:
        """Send octets."""
        self._writer.write(octets)

    async def read(self) -> Packet:
        """The next packet."""
        async with asyncio.timeout(WAIT_S):
            header = await self._reader.readexactly(4)
            return decode(header + await self._reader.readexactly(int.from_bytes(header[2:]) - 4))

    async def ask(self, request: bytes) -> Packet:
        """The reply to a request, verified."""
        self.write(request)
        reply = await self.read()
        assert is_reply_authentic(reply, request[4:20], Secret(self._secret))
        return reply

    @property
    def session(self) -> ssl.SSLSession:
        """What TLS has agreed on."""
        tls: ssl.SSLObject = self._writer.get_extra_info("ssl_object")
        assert tls.session is not None
        return tls.session

    async def is_closed(self) -> bool:
        """Wait for the end of what the server sends: true when it sends no more packet before."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self._reader.read(1) == b""
            except OSError:
                return True

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    # What follows is signed with the connection's secret.

    def access(self, identifier: int = 1, **changes: object) -> bytes:
        """An Access-Request."""
        authenticator = identifier.to_bytes(16)
        return access_request(
            {**CALL, **changes},
            password="arctangent",
            identifier=identifier,
            authenticator=authenticator,
            secret=self._secret,
        )

    def report(self, identifier: int = 2, **changes: object) -> bytes:
        """An Accounting-Request."""
        attributes = {"Acct-Status-Type": "Start", **CALL, **changes}
        return accounting_request(attributes, identifier=identifier, secret=self._secret)

    def status(self, identifier: int = 0) -> bytes:
        """A Status-Server."""
        return encode_request(
            Code.STATUS_SERVER,
            identifier=identifier,
            attributes=b"",
            secret=Secret(self._secret),
            authenticator=bytes(15) + b"s",
        )


def write_files(folder: Path, server: Party) -> TlsFiles:
    """A server's certificate, its key, and who signs clients."""
    files = TlsFiles(folder / "ocs.pem", folder / "ocs.key", folder / "ca.pem")
    files.certificate.write_bytes(server.certificate_pem)
    files.key.write_bytes(server.key_pem)
    files.client_ca.write_bytes(AUTHORITY.certificate_pem)
    return files


def play(folder: Path, story: Story, **limits: int) -> Server:
    """Play a story with a server."""
    ended: list[Server] = []

    async def run() -> None:
        server = Server(folder, StreamLimits(**limits))
        await server.start()
        try:
            await story(server)
        finally:
            await server.radius.stop()
        ended.append(server)

    uvloop.run(run())
    return ended[0]


@pytest.mark.parametrize("over_tls", [False, True], ids=["tcp", "tls"])
def test_one_connection_carries_all_kinds_of_requests(tmp_path: Path, over_tls: bool) -> None:  # noqa: FBT001 - parametrised
    """Octet by octet or all at once, in any order; the watchdog is answered (RFC 6613 section 2.6.5)."""

    async def story(server: Server) -> None:
        peer = await (server.connect_tls(certify("gw", AUTHORITY)) if over_tls else server.connect())
        async with peer:
            for octet in peer.access():
                peer.write(bytes([octet]))
                await asyncio.sleep(0)
            accept = await peer.read()
            peer.write(peer.report(2) + peer.status(0) + peer.access(3))
            codes = [(await peer.read()).code for _ in range(3)]

        assert accept.code is Code.ACCESS_ACCEPT
        assert codes == [Code.ACCOUNTING_RESPONSE, Code.ACCESS_ACCEPT, Code.ACCESS_ACCEPT]
        assert [request.gateway.name for request in server.service.requests] == ["near"] * 3

    play(tmp_path, story)


def test_a_certificate_says_which_gateway_it_is(tmp_path: Path) -> None:
    """By name before address: it may have none, nor a secret, as passwords are hidden by "radsec"."""

    async def story(server: Server) -> None:
        async with await server.connect_tls(certify("roaming", AUTHORITY)) as peer:
            assert (await peer.ask(peer.access())).code is Code.ACCESS_ACCEPT
        assert [request.gateway.name for request in server.service.requests] == ["roaming"]
        (request,) = server.service.requests
        assert request.credential is not None
        assert request.credential.verify("arctangent")

    assert "roaming" in play(tmp_path, story).radius.counters


def test_after_the_handshake_nothing_is_sent_unasked(tmp_path: Path) -> None:
    """A session ticket would be: FreeRADIUS 3 that reads one before its first request waits for ever."""

    async def story(server: Server) -> None:
        async with await server.connect_tls(certify("roaming", AUTHORITY)) as peer:
            await peer.ask(peer.status())
            assert not peer.session.has_ticket

    play(tmp_path, story)


def test_a_gateway_that_is_disabled_is_not_served_by_its_address_either(tmp_path: Path) -> None:
    """Its certificate says who it is: it must not become another gateway that its address belongs to."""

    async def story(server: Server) -> None:
        async with await server.connect_tls(certify("roaming", AUTHORITY)) as peer:
            assert (await peer.ask(peer.access())).code is Code.ACCESS_ACCEPT
            near, roaming = server.gateways
            server.radius.set_gateways([near, replace(roaming, enabled=False)])
            peer.write(peer.access(2))
            assert await peer.is_closed()
        assert len(server.service.requests) == 1

    play(tmp_path, story)


@pytest.mark.parametrize("shown", [None, certify("near", STRANGER)], ids=["none", "of another authority"])
def test_without_a_certificate_of_our_authority_nothing_is_read(tmp_path: Path, shown: Party | None) -> None:
    """The handshake fails and is counted."""

    async def story(server: Server) -> None:
        # With TLS 1.3 the client hears of it only after its own part of the handshake.
        with contextlib.suppress(OSError):
            async with await server.connect_tls(shown) as peer:
                peer.write(peer.access())
                assert await peer.is_closed()
        await server.count("handshake_failed")
        assert server.service.requests == []

    play(tmp_path, story)


def test_a_stranger_is_hung_up_on(tmp_path: Path) -> None:
    """TCP knows its clients by address alone."""

    async def story(server: Server) -> None:
        server.radius.set_gateways([gateway(id=1, name="near", address="127.0.0.1")])
        async with await server.connect("127.0.0.9") as peer:
            assert await peer.is_closed()
        async with await server.connect() as peer:
            assert (await peer.ask(peer.access())).code is Code.ACCESS_ACCEPT
            server.radius.set_gateways([])
            peer.write(peer.access(2))
            assert await peer.is_closed()

    assert play(tmp_path, story).radius.counters[""]["connection_of_stranger"] == 1


def _with_wrong_length(peer: Peer) -> bytes:
    return peer.access()[:2] + (19).to_bytes(2) + peer.access()[4:]


def _too_long(peer: Peer) -> bytes:
    return peer.access()[:2] + (4097).to_bytes(2) + bytes(5000)


def _with_broken_attribute(peer: Peer) -> bytes:
    return b"\x01\x01" + (22).to_bytes(2) + bytes(16) + b"\x01\x00"


def _with_wrong_authenticator(peer: Peer) -> bytes:
    report = bytearray(peer.report())
    report[4] ^= 1
    return bytes(report)


def _with_wrong_signature(peer: Peer) -> bytes:
    status = bytearray(peer.status())
    status[-1] ^= 1
    return bytes(status)


def _of_unknown_code(peer: Peer) -> bytes:
    return b"\xfe" + peer.access()[1:]


@pytest.mark.parametrize(
    "spoil",
    [
        _with_wrong_length,
        _too_long,
        _with_broken_attribute,
        _with_wrong_authenticator,
        _with_wrong_signature,
        _of_unknown_code,
    ],
)
def test_a_packet_that_cannot_be_right_ends_the_connection(
    tmp_path: Path, spoil: Callable[[Peer], bytes]
) -> None:
    """RFC 6613 section 2.6.4: what was answered before arrives, what comes behind is not looked at."""

    async def story(server: Server) -> None:
        async with await server.connect() as peer, await server.connect() as other:
            peer.write(peer.access(5) + spoil(peer) + peer.access(6))
            assert (await peer.read()).identifier == 5
            assert await peer.is_closed()
            assert (await other.ask(other.access())).code is Code.ACCESS_ACCEPT
        assert len(server.service.requests) == 2

    play(tmp_path, story)


def test_a_request_without_an_answer_does_not_end_the_connection(tmp_path: Path) -> None:
    """Silence is for the request: what follows is served."""

    async def story(server: Server) -> None:
        async with await server.connect() as peer:
            nothing = accounting_request({"Acct-Status-Type": "Start"}, identifier=8, secret=SECRET)
            peer.write(nothing)
            assert (await peer.ask(peer.access())).identifier == 1

    assert play(tmp_path, story).radius.counters["near"]["missing_attribute"] == 1


@pytest.mark.parametrize(
    ("code", "refusal"),
    [(Code.COA_REQUEST, Code.COA_NAK), (Code.DISCONNECT_REQUEST, Code.DISCONNECT_NAK)],
)
def test_requests_for_equipment_are_refused_by_name(tmp_path: Path, code: Code, refusal: Code) -> None:
    """A connection may carry them (RFC 6614 section 3.4): 406, and the connection goes on."""

    async def story(server: Server) -> None:
        async with await server.connect() as peer:
            request = encode_request(code, identifier=4, attributes=b"", secret=Secret(SECRET))
            reply = await peer.ask(request)
            assert (reply.code, reply.get(101)) == (refusal, (406).to_bytes(4))
            assert (await peer.ask(peer.access())).code is Code.ACCESS_ACCEPT

    play(tmp_path, story)


def test_a_repeated_request_is_charged_once_per_connection(tmp_path: Path) -> None:
    """The same octets on one connection get the same answer; on another connection they are asked again.

    A request in progress that comes again is not worked on twice.
    """

    async def story(server: Server) -> None:
        async with await server.connect() as peer, await server.connect() as other:
            first = await peer.ask(peer.report())
            again = await peer.ask(peer.report())
            assert first.data == again.data
            assert len(server.service.requests) == 1
            server.service.held = []
            other.write(other.report() + other.report())
            async with asyncio.timeout(WAIT_S):
                while len(server.service.requests) < 2:
                    await asyncio.sleep(0.01)
            (reply,) = server.service.held
            reply(server.service.outcome)
            assert (await other.read()).code is Code.ACCOUNTING_RESPONSE

    assert play(tmp_path, story).radius.counters["near"]["duplicate"] == 1


def test_an_answer_for_a_connection_that_is_gone_is_dropped(tmp_path: Path) -> None:
    """RFC 6613 section 2.6.1; the request comes again on another connection."""

    async def story(server: Server) -> None:
        server.service.held = []
        async with await server.connect() as peer:
            peer.write(peer.report())
            async with asyncio.timeout(WAIT_S):
                while not server.service.held:
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(WAIT_S):
            while server.radius.connections:
                await asyncio.sleep(0.01)
        (reply,) = server.service.held
        reply(server.service.outcome)

    assert play(tmp_path, story).radius.counters[""]["unsent"] == 1


def test_silence_ends_a_connection_and_a_watchdog_keeps_it(tmp_path: Path) -> None:
    """Whoever says nothing for the idle time is hung up on, Status-Server is enough to stay."""

    async def story(server: Server) -> None:
        async with await server.connect() as idle, await server.connect() as alive:
            for _ in range(3):
                server.clock.ahead_ms += 40_000
                await alive.ask(alive.status())
            await server.count("connection_idle")
            assert await idle.is_closed()
            assert (await alive.ask(alive.access())).code is Code.ACCESS_ACCEPT

    play(tmp_path, story, idle_ms=60_000)


def test_a_packet_that_never_ends_is_not_waited_for(tmp_path: Path) -> None:
    """Slow loris: an octet now and then does not keep a connection open."""

    async def story(server: Server) -> None:
        async with await server.connect() as peer:
            packet = peer.access()
            for octet in packet[:-1]:
                server.clock.ahead_ms += stream.PACKET_MS // 20
                peer.write(bytes([octet]))
                await asyncio.sleep(0)
            await server.count("connection_stuck")
            assert await peer.is_closed()

    play(tmp_path, story)


def test_a_peer_that_reads_nothing_is_cut_off(tmp_path: Path) -> None:
    """Its answers are not kept without end."""

    async def story(server: Server) -> None:
        async with await server.connect() as peer:
            peer._reader._transport.pause_reading()  # type: ignore[attr-defined]
            requests = peer.status() * 1000
            for _ in range(1000):
                peer.write(requests)
                if server.radius.counters[""].get("connection_unread"):
                    break
                await asyncio.sleep(0)
            await server.count("connection_unread")

    play(tmp_path, story)


def test_connections_are_bounded_and_one_peer_leaves_room_for_others(tmp_path: Path) -> None:
    """Half of them is for others; who is too many is hung up on at once."""

    async def story(server: Server) -> None:
        peers = [await server.connect("127.0.0.2") for _ in range(3)]
        await server.count("connection_beyond_limit")
        assert await peers[2].is_closed()
        others = [await server.connect(f"127.0.0.{number}") for number in (3, 4, 5)]
        assert await others[2].is_closed()
        assert (await others[1].ask(others[1].access())).code is Code.ACCESS_ACCEPT
        for peer in peers + others:
            await peer.close()
        async with asyncio.timeout(WAIT_S):
            while server.radius.connections:
                await asyncio.sleep(0.01)
        async with await server.connect("127.0.0.2") as peer:
            assert (await peer.ask(peer.access())).code is Code.ACCESS_ACCEPT

    play(tmp_path, story, connections_max=4)


def test_a_handshake_that_never_ends_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as a connection for as long as it is waited for, then others may come."""
    monkeypatch.setattr(stream, "HANDSHAKE_S", 1.0)

    async def story(server: Server) -> None:
        address = server.radius.stream_addresses[1]
        mute = [await asyncio.open_connection(*address, local_addr=(f"127.0.0.{n}", 0)) for n in (2, 3, 4)]
        await server.count("connection_beyond_limit")
        await server.count("handshake_failed", 2)
        # Whoever does shake hands is given the time that a busy machine may take.
        monkeypatch.setattr(stream, "HANDSHAKE_S", WAIT_S)
        async with await server.connect_tls(certify("gw", AUTHORITY)) as peer:
            assert (await peer.ask(peer.access())).code is Code.ACCESS_ACCEPT
        for _, writer in mute:
            writer.transport.abort()

    play(tmp_path, story, connections_max=2)


def test_a_flood_on_one_connection_lets_others_be_served(tmp_path: Path) -> None:
    """Every packet is answered, in turns with those of others."""

    async def story(server: Server) -> None:
        async with await server.connect() as flood, await server.connect() as other:
            flood.write(b"".join(flood.status(number % 256) for number in range(2000)))
            assert (await other.ask(other.access())).code is Code.ACCESS_ACCEPT
            assert {(await flood.read()).code for _ in range(2000)} == {Code.ACCESS_ACCEPT}

    play(tmp_path, story)


def test_renewed_certificates_are_taken_up(tmp_path: Path) -> None:
    """At the next handshake; files that are half written leave the last good ones in force."""
    files = write_files(tmp_path, certify("first", AUTHORITY))
    renewed = RenewedContext(files)
    first = renewed.current()

    files.certificate.write_text("half")
    assert renewed.current() is first
    write_files(tmp_path, certify("second", AUTHORITY))
    assert renewed.current() is not first


def test_unusable_files_are_named(tmp_path: Path) -> None:
    """Before anything is bound."""
    files = write_files(tmp_path, certify("ocs", AUTHORITY))
    files.key.write_bytes(STRANGER.key_pem)

    with pytest.raises(InputError, match=r"ocs\.key"):
        RenewedContext(files)

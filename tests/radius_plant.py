"""A gateway of some family before the real engine: real sockets on loopback, CoA and Disconnect included."""

import asyncio
import itertools
import socket
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Self

from radius_vectors import SECRET, access_request, accounting_request, families
from world import EPOCH_MS, World

from ocs.ports import Gateway, GrantPolicy, IdentityKind
from ocs.radius.codec import (
    Code,
    Packet,
    Secret,
    decode,
    encode_attribute,
    encode_reply,
    is_message_authentic,
    is_reply_authentic,
    is_request_authentic,
)
from ocs.radius.udp import RadiusServer

HOST = "127.0.0.1"
ERROR_CAUSE = 101
ACK = {Code.DISCONNECT_REQUEST: Code.DISCONNECT_ACK, Code.COA_REQUEST: Code.COA_ACK}
NAK = {Code.DISCONNECT_REQUEST: Code.DISCONNECT_NAK, Code.COA_REQUEST: Code.COA_NAK}

Answer = int | None
"Error-Cause of a NAK, 0 for an ACK, None for silence."


class RunningClock:
    """Real time, from the stories' first instant on, and as far ahead as a story has moved it."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return EPOCH_MS + self.ahead_ms + int(asyncio.get_running_loop().time() * 1000)


class CoaListener(asyncio.DatagramProtocol):
    """The part of a gateway that takes CoA and Disconnect requests (RFC 5176 section 2).

    It checks each as equipment does, remembers it and answers; a retransmission gets the same octets again.
    """

    def __init__(self, answer: Callable[[Packet], Answer] = lambda _: 0) -> None:
        self.answer = answer
        self.requests: list[Packet] = []
        "In the order of their arrival, without repeats."
        self.repeats = 0
        self.peers: set[tuple[str, int]] = set()
        self._answered: dict[bytes, bytes | None] = {}
        self._transport: asyncio.DatagramTransport

    async def open(self, host: str = HOST) -> int:
        """Listen on a free port; the port."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, 0))
        opened = self._transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024 * 1024)
        return int(opened.getsockname()[1])

    def close(self) -> None:
        """Listen no more."""
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Check, remember, answer."""
        self.peers.add(addr)
        if data in self._answered:
            self.repeats += 1
        else:
            packet = decode(data)
            assert is_request_authentic(packet, Secret(SECRET))
            assert is_message_authentic(packet, Secret(SECRET))
            self.requests.append(packet)
            self._answered[data] = self._reply(packet)
        reply = self._answered[data]
        if reply is not None:
            self._transport.sendto(reply, addr)

    def _reply(self, packet: Packet) -> bytes | None:
        cause = self.answer(packet)
        if cause is None:
            return None
        codes, attributes = (NAK, encode_attribute(ERROR_CAUSE, cause.to_bytes(4))) if cause else (ACK, b"")
        return encode_reply(codes[packet.code], packet, attributes, Secret(SECRET))

    async def wait_for(self, count: int, timeout_s: float = 30) -> Sequence[Packet]:
        """The requests, once there are as many."""
        async with asyncio.timeout(timeout_s):
            while len(self.requests) < count:
                await asyncio.sleep(0.005)
        return self.requests


class Plant:
    """A world with a RADIUS server and one gateway. `open` it when the catalogue is described."""

    def __init__(self, world: World, dialect: str, grant: GrantPolicy, **changes: object) -> None:
        self.world = world
        self.clock = world.clock = RunningClock()  # type: ignore[assignment]  # stories here do not set time
        self.dialect = dialect
        self.listener = CoaListener()
        fields = {"id": 0, "name": "nas", "address": HOST, "secret": SECRET, "dialect": dialect}
        fields |= {"grant": grant, "identity_order": (IdentityKind.USERNAME,), **changes}
        self._record = Gateway(**fields)  # type: ignore[arg-type]
        self._identifiers = itertools.cycle(range(1, 256))
        self.server: RadiusServer

    async def open(self) -> Self:
        """Start engine, server and gateway."""
        port = await self.listener.open()
        self.world.gateway = replace(self._record, coa_port=port)
        await self.world.begin()
        await self._serve()
        return self

    async def _serve(self) -> None:
        self.server = RadiusServer(
            self.world.engine, self.clock, [self.world.gateway], class_key=b"k", dialects=families()
        )
        await self.server.start(auth=[(HOST, 0)], acct=[(HOST, 0)])

    async def restart(self) -> None:
        """Stop engine and server; start others that know what the store knows."""
        await self.server.stop()
        await self.world.restart()
        await self._serve()

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.server.stop()
        self.listener.close()

    async def authorise(self, attributes: dict[str, object], password: str = "x") -> dict[str, str]:
        """Ask for service; what the Accept says."""
        identifier = next(self._identifiers)
        datagram = access_request(
            attributes,
            dialect=self.dialect,
            password=None if attributes.get("Service-Type") == "Authorize-Only" else password,
            identifier=identifier,
            authenticator=identifier.to_bytes(16),
        )
        reply = await self._ask(datagram, self.server.addresses[0])
        assert reply.code is Code.ACCESS_ACCEPT, reply.code
        return self.texts(reply)

    async def report(self, status: str, attributes: dict[str, object]) -> dict[str, str]:
        """Report; what the answer says."""
        datagram = accounting_request(
            {"Acct-Status-Type": status, **attributes},
            dialect=self.dialect,
            identifier=next(self._identifiers),
        )
        return self.texts(await self._ask(datagram, self.server.addresses[1]))

    async def _ask(self, datagram: bytes, address: tuple[str, int]) -> Packet:
        loop = asyncio.get_running_loop()
        with socket.socket(type=socket.SOCK_DGRAM) as asking:
            asking.settimeout(0)
            asking.bind((HOST, 0))
            await loop.sock_sendto(asking, datagram, address)
            async with asyncio.timeout(30):
                reply = decode(await loop.sock_recv(asking, 4096))
        assert is_reply_authentic(reply, datagram[4:20], Secret(SECRET))
        return reply

    def texts(self, packet: Packet) -> dict[str, str]:
        """The attributes of a packet by name."""
        return dict(families()[self.dialect].dictionary.describe(packet))

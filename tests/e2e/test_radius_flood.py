"""Floods: what nobody may send costs little, is written down once, and lets good gateways be served."""

import asyncio
import logging
import socket
import tracemalloc
from collections.abc import Callable

import pytest
from radius_vectors import SECRET, access_request, accounting_request, gateway

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.charging.service import Reply
from ocs.radius.codec import Code, Secret, decode, is_reply_authentic
from ocs.radius.endpoint import Silence
from ocs.radius.udp import RadiusServer

PACKETS = 5_000
ADDRESSES = 500
GROWTH_OCTETS_MAX = 2_000_000
CALL = {"User-Name": "alice", "Called-Station-Id": "441", "Acct-Session-Id": "c1"}


class StillClock:
    """A clock that stands."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return 1_700_000_000_000


class GrantingService:
    """Grants a minute to everybody."""

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Answer at once."""
        reply(Outcome(code=OutcomeCode.SUCCESS, granted_units=60, affordable_units=60))

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """Not used by RADIUS."""
        return NoAnswer.UNAVAILABLE

    def end_gateway_sessions(self, gateway_id: int, at_ms: int, reply: Callable[[bool], None]) -> None:
        """Nothing is open."""
        reply(True)  # noqa: FBT003 - the service's callback


def stranger(number: int) -> tuple[str, bytes]:
    """A right request from an address that is nobody's."""
    host = f"127.1.{number % ADDRESSES // 250}.{number % 250 + 1}"
    return host, access_request(CALL, password="x", authenticator=(1 + number).to_bytes(16))


def forger(number: int) -> tuple[str, bytes]:
    """A report in a gateway's name with another secret."""
    return "127.0.0.1", accounting_request(
        {**CALL, "Acct-Status-Type": "Start", "Acct-Delay-Time": number}, secret="guess"
    )


@pytest.mark.parametrize(
    ("attacker", "reason", "name"),
    [(stranger, Silence.UNKNOWN_CLIENT, ""), (forger, Silence.BAD_AUTHENTICATOR, "good")],
)
def test_a_flood_is_counted_and_good_gateways_are_answered(
    caplog: pytest.LogCaptureFixture,
    attacker: Callable[[int], tuple[str, bytes]],
    reason: Silence,
    name: str,
) -> None:
    """One line in the log for all of it, nothing is kept, and a request in between gets its answer."""
    hosts: dict[str, socket.socket] = {}

    def attack(number: int, port: int) -> None:
        host, packet = attacker(number)
        if host not in hosts:
            hosts[host] = socket.socket(type=socket.SOCK_DGRAM)
            hosts[host].bind((host, 0))
        hosts[host].sendto(packet, ("127.0.0.1", port))

    async def ask(own: socket.socket, number: int, port: int) -> None:
        """A good request; who gets no answer in time asks again, as the kernel drops what it cannot hold."""
        loop = asyncio.get_running_loop()
        request = access_request(
            CALL, password="x", authenticator=number.to_bytes(16), identifier=number % 256
        )
        for _ in range(30):
            await loop.sock_sendto(own, request, ("127.0.0.1", port))
            try:
                reply = decode(await asyncio.wait_for(loop.sock_recv(own, 4096), 1))
            except TimeoutError:
                continue
            assert reply.code is Code.ACCESS_ACCEPT
            assert is_reply_authentic(reply, request[4:20], Secret(SECRET))
            return
        pytest.fail("a good gateway gets no answer")

    async def story() -> int:
        server = RadiusServer(
            GrantingService(), StillClock(), [gateway(name="good", address="127.0.0.1")], class_key=b"k"
        )
        await server.start(auth=[("127.0.0.1", 0)], acct=[("127.0.0.1", 0)])
        (_, auth_port), (_, acct_port) = server.addresses
        port = auth_port if attacker is stranger else acct_port
        with socket.socket(type=socket.SOCK_DGRAM) as own:
            own.bind(("127.0.0.1", 0))
            own.settimeout(0)
            await ask(own, 1, auth_port)
            tracemalloc.start()
            for number in range(PACKETS):
                attack(number, port)
                if number % 1000 == 0:
                    await ask(own, 2 + number // 1000, auth_port)
            await asyncio.sleep(0.2)
            grown, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        await server.stop()
        assert server.counters[name][reason.value] > PACKETS // 10
        return grown

    caplog.set_level(logging.WARNING, "ocs.radius")
    try:
        grown = asyncio.run(story())
    finally:
        for opened in hosts.values():
            opened.close()

    assert len([record for record in caplog.records if reason.value in record.getMessage()]) == 1
    assert grown < GROWTH_OCTETS_MAX


def test_what_finds_no_room_is_dropped_unread_and_counted() -> None:
    """More than is worth queueing comes at once: what was not kept is known, and service goes on."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        server = RadiusServer(
            GrantingService(), StillClock(), [gateway(name="good", address="127.0.0.1")], class_key=b"k"
        )
        await server.start(auth=[("127.0.0.1", 0)], acct=[])
        with socket.socket(type=socket.SOCK_DGRAM) as own:
            own.connect(server.addresses[0])
            own.settimeout(0)
            for _ in range(2 * PACKETS):
                own.send(b"no packet of RADIUS, but as long as one, " + bytes(100))
            read = dropped = 0
            while read + dropped < 2 * PACKETS:
                await asyncio.sleep(0.01)
                counted = server.counters
                read, dropped = counted["good"].get("malformed", 0), counted[""]["overflowed"]
            assert read > 0
            assert dropped > 0

            own.send(access_request(CALL, password="x"))
            reply = decode(await asyncio.wait_for(loop.sock_recv(own, 4096), 60))
            assert reply.code is Code.ACCESS_ACCEPT
        await server.stop()

    asyncio.run(asyncio.wait_for(story(), 120))

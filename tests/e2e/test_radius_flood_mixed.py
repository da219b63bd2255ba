"""Floods over real sockets: strangers, forgers and talkers of nonsense cost neither memory nor log lines."""

import asyncio
import gc
import itertools
import logging
import resource
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from radius_vectors import NOW_MS, SECRET, access_request, accounting_request, gateway

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.charging.service import Reply
from ocs.radius.client import RadiusClient
from ocs.radius.endpoint import ADDRESSES_MAX, MEMORIES_MAX, SIGHTINGS_MAX
from ocs.radius.udp import RadiusServer

PACKETS = 20_000
CALLS = 30
GROWTH_OCTETS_MAX = 24 * 1024 * 1024
STRANGERS = [f"127.9.0.{number}" for number in range(1, 60)]
NEIGHBOURS = [f"127.2.0.{number}" for number in range(1, 60)]
REPORT: dict[str, object] = {"Acct-Status-Type": "Stop", "Acct-Session-Id": "1", "Acct-Session-Time": 9}


class StandingClock:
    """No interval ever passes, so every line that is written twice is seen."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return NOW_MS


class FakeService:
    """Grants whatever is asked, and keeps who asked."""

    def __init__(self) -> None:
        self.gateway_ids: set[int] = set()

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Answer at the next turn of the loop, as the engine does after its commit."""
        self.gateway_ids.add(request.gateway.id)
        asyncio.get_running_loop().call_soon(reply, Outcome(code=OutcomeCode.SUCCESS, granted_units=60))

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """As `submit` answers."""
        self.gateway_ids.add(request.gateway.id)
        return Outcome(code=OutcomeCode.SUCCESS, granted_units=60)

    def end_gateway_sessions(
        self, gateway_id: int, at_ms: int, reply: Callable[[bool], None], concerns: Callable[[str], bool]
    ) -> None:
        """There are none."""
        reply(True)  # noqa: FBT003 - the callback has one argument


CALL = {"User-Name": "15550100", "Called-Station-Id": "442071838750"}


def flood() -> list[tuple[Sequence[str], bytes, bool]]:
    """What is sent from which addresses, and whether to the accounting port."""
    forged = access_request({"User-Name": "mallory"}, secret="guessed", password="x")
    unsigned = access_request({"User-Name": "m", "Proxy-State": b"c" * 230}, signed=False)
    return [
        (STRANGERS, access_request({"User-Name": "mallory"}), False),
        (STRANGERS, b"\1" * 4096, False),
        (NEIGHBOURS, forged, False),
        (NEIGHBOURS, accounting_request(REPORT, secret="guessed"), True),
        (NEIGHBOURS, b"\4\1\xff\xff" + bytes(500), True),
        (NEIGHBOURS, unsigned, False),
    ]


def send_all(auth: tuple[str, int], acct: tuple[str, int], is_over: threading.Event) -> None:
    """Send the flood as fast as the kernel takes it."""
    with ExitStack() as stack:
        opened: dict[str, socket.socket] = {}
        for host in STRANGERS + NEIGHBOURS:
            opened[host] = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            opened[host].bind((host, 0))
        kinds = [
            (itertools.cycle(hosts), octets, acct if is_acct else auth) for hosts, octets, is_acct in flood()
        ]
        for number in range(PACKETS):
            hosts, octets, target = kinds[number % len(kinds)]
            opened[next(hosts)].sendto(octets, target)
    is_over.set()


def resident_octets() -> int:
    """Memory of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_a_flood_leaves_good_gateways_answered(caplog: pytest.LogCaptureFixture) -> None:
    """Calls go on meanwhile; every silence is counted, few are written down, nothing grows."""
    caplog.set_level(logging.WARNING, logger="ocs.radius")
    service = FakeService()

    async def main() -> RadiusServer:
        neighbours = gateway(id=8, name="neighbours", address="127.2.0.0/16", limit_proxy_state="yes")
        server = RadiusServer(
            service, StandingClock(), [gateway(address="127.0.0.1"), neighbours], class_key=b"k"
        )
        await server.start(auth=[("127.0.0.1", 0)], acct=[("127.0.0.1", 0)])
        auth, acct = server.addresses
        is_over = threading.Event()
        before = resident_octets()
        sending = asyncio.to_thread(send_all, auth, acct, is_over)
        try:
            await asyncio.gather(sending, asyncio.to_thread(call, auth[1], acct[1], is_over))
            assert resident_octets() - before < GROWTH_OCTETS_MAX
        finally:
            await server.stop()
        return server

    server = asyncio.run(main())

    counters = server.counters
    silences = {"bad_message_authenticator", "bad_authenticator", "malformed", "unprotected_proxy_state"}
    assert counters[""]["unknown_client"] > 0
    assert silences <= set(counters["neighbours"])
    assert sum(counters["neighbours"].values()) + counters[""]["unknown_client"] <= PACKETS
    assert not silences & set(counters["gw"])
    assert counters["gw"]["access_accept"] >= CALLS
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == len(silences) + 1, lines
    endpoint = server._endpoint
    assert len(endpoint.strangers) == SIGHTINGS_MAX
    assert all(len(client.silences) <= SIGHTINGS_MAX for client in endpoint.clients)
    assert len(endpoint._memories) <= MEMORIES_MAX
    assert len(endpoint._table._remembered) <= min(ADDRESSES_MAX, len(NEIGHBOURS) + 1)
    assert service.gateway_ids == {7}


def call(auth_port: int, acct_port: int, is_over: threading.Event) -> None:
    """Calls of a good gateway, at least as long as the flood lasts: each packet is answered."""
    with RadiusClient(
        "127.0.0.1", SECRET, auth_port=auth_port, acct_port=acct_port, timeout_s=2.0, tries=10
    ) as client:
        for number in itertools.count():
            if number >= CALLS and is_over.is_set():
                return
            session = {**CALL, "Acct-Session-Id": f"call-{number}"}
            assert client.authorise(session, password="arctangent").is_accept
            assert client.stop({**session, "Acct-Session-Time": 9}).code

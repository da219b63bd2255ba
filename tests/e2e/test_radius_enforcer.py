"""Disconnect and CoA requests over real sockets: the server against a gateway that listens."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from radius_vectors import SECRET, accounting_request, gateway

from ocs.charging.outcome import FinalUnitAction, NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.charging.service import Reply
from ocs.radius.codec import Code, Packet, Secret, decode, encode_attribute, encode_reply
from ocs.radius.udp import RadiusServer

REPORT = {"Acct-Status-Type": "Interim-Update", "Acct-Session-Id": "s1", "Acct-Session-Time": 60}


class LoopClock:
    """The event loop's time, as epoch milliseconds of a made-up day."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return 1_700_000_000_000 + int(asyncio.get_running_loop().time() * 1000)


class FixedService:
    """A charging service that has one answer."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Answer at once."""
        reply(self.outcome)

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """Not used by RADIUS."""
        return self.outcome

    def end_gateway_sessions(
        self, gateway_id: int, at_ms: int, reply: Callable[[bool], None], concerns: Callable[[str], bool]
    ) -> None:
        """Not used here."""
        reply(True)  # noqa: FBT003 - the service's callback


async def report_and_listen(
    service: FixedService,
    host: str,
    *,
    dialect: str,
    answers: list[tuple[Code, bytes]],
    reports: int = 1,
    at: str = "",
) -> tuple[list[Packet], dict[str, int]]:
    """Report from a gateway at this host, answer what it is asked (at another), and tell what that was."""
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_DGRAM)
    asking = socket.socket(family, socket.SOCK_DGRAM)
    asked = []
    with listening, asking:
        for own, own_host in ((listening, at or host), (asking, host)):
            own.bind((own_host, 0))
            own.settimeout(0)
        port = listening.getsockname()[1]
        record = gateway(address=host, coa_address=at, coa_port=port, dialect=dialect)
        server = RadiusServer(service, LoopClock(), [record], class_key=b"k")
        await server.start(auth=[], acct=[(host, 0)])
        for identifier in range(reports):
            packet = accounting_request(REPORT, identifier=identifier)
            await loop.sock_sendto(asking, packet, server.addresses[0])
            await asyncio.wait_for(loop.sock_recv(asking, 4096), 30)
        for code, attributes in answers:
            octets, peer = await asyncio.wait_for(loop.sock_recvfrom(listening, 4096), 30)
            asked.append(decode(octets))
            await loop.sock_sendto(listening, encode_reply(code, asked[-1], attributes, Secret(SECRET)), peer)
        await asyncio.sleep(0.05)
        await server.stop()
    counters = server.counters
    verdicts = ("disconnect_", "coa_")
    of_gateway = {event: n for event, n in counters["gw"].items() if event.startswith(verdicts)}
    assert of_gateway == {event: n for event, n in counters[""].items() if event.startswith(verdicts)}
    return asked, counters[""]


@pytest.mark.parametrize(
    ("host", "at"), [("127.0.0.1", ""), ("::1", ""), ("127.0.0.1", "127.0.0.2")], ids=["4", "6", "elsewhere"]
)
def test_a_session_that_may_not_go_on_is_disconnected(host: str, at: str) -> None:
    """At once, with what identifies it, over IPv4 and IPv6; the acknowledgement ends the matter.

    It is asked where its reports come from, or where the gateway's record says.
    """
    service = FixedService(Outcome(code=OutcomeCode.ACCOUNT_DENIED))

    asked, counters = asyncio.run(
        report_and_listen(service, host, at=at, dialect="generic", answers=[(Code.DISCONNECT_ACK, b"")])
    )

    assert [(packet.code, packet.get(44)) for packet in asked] == [(Code.DISCONNECT_REQUEST, b"s1")]
    assert counters["disconnect_acknowledged"] == 1


def test_a_final_grant_ends_when_it_is_used_up() -> None:
    """The Disconnect-Request comes with the end of the granted second, and a gateway may know better."""
    outcome = Outcome(code=OutcomeCode.SUCCESS, granted_units=1, final_unit_action=FinalUnitAction.TERMINATE)
    gone = encode_attribute(101, (503).to_bytes(4))

    async def story() -> tuple[float, dict[str, int]]:
        started = asyncio.get_running_loop().time()
        answers = [(Code.DISCONNECT_NAK, gone)]
        _, counters = await report_and_listen(
            FixedService(outcome), "127.0.0.1", dialect="generic", answers=answers
        )
        return asyncio.get_running_loop().time() - started, counters

    elapsed_s, counters = asyncio.run(story())

    assert elapsed_s > 0.9
    assert counters["disconnect_gone_503"] == 1


def test_new_limits_are_sent_after_each_report() -> None:
    """MikroTik takes its volume limits by CoA."""
    service = FixedService(Outcome(code=OutcomeCode.SUCCESS, granted_units=1000, used_units=500))
    refused = encode_attribute(101, (401).to_bytes(4))

    asked, counters = asyncio.run(
        report_and_listen(
            service,
            "127.0.0.1",
            dialect="mikrotik",
            answers=[(Code.COA_ACK, b""), (Code.COA_NAK, refused)],
            reports=2,
        )
    )

    assert [packet.get_vendor(14988, 17) for packet in asked] == [[(1500).to_bytes(4)]] * 2
    assert (counters["coa_acknowledged"], counters["coa_refused_401"]) == (1, 1)


def test_a_session_that_is_granted_more_is_let_go_on() -> None:
    """A report with a further grant cancels the cut that the one before had planned."""
    service = FixedService(
        Outcome(code=OutcomeCode.SUCCESS, granted_units=1, final_unit_action=FinalUnitAction.TERMINATE)
    )

    async def story() -> dict[str, int]:
        with socket.socket(type=socket.SOCK_DGRAM) as asking:
            asking.bind(("127.0.0.1", 0))
            asking.settimeout(0)
            loop = asyncio.get_running_loop()
            server = RadiusServer(service, LoopClock(), [gateway(address="127.0.0.1")], class_key=b"k")
            await server.start(auth=[], acct=[("127.0.0.1", 0)])
            for identifier in range(2):
                packet = accounting_request(REPORT, identifier=identifier)
                await loop.sock_sendto(asking, packet, server.addresses[0])
                await asyncio.wait_for(loop.sock_recv(asking, 4096), 30)
                service.outcome = Outcome(code=OutcomeCode.SUCCESS, granted_units=60)
            await asyncio.sleep(1.2)
            counters = server.counters[""]
            await server.stop()
            return counters

    assert [name for name in asyncio.run(story()) if name.startswith("disconnect")] == []

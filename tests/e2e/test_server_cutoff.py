"""Calls that the server ends by itself: a real process, kill -9 included, a gateway that listens."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from radius_vectors import SECRET, access_request, accounting_request
from server import ServerProcess, free_ports

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

HOST = "127.0.0.5"
WAIT_S = 60.0
CALL: dict[str, object] = {"User-Name": "short", "Called-Station-Id": "4930123456", "Acct-Session-Id": "cut"}
ERROR_CAUSE = 101


class Nas:
    """A gateway: it asks, reports, and takes Disconnect-Requests (RFC 5176)."""

    def __init__(self, server: ServerProcess, coa_port: int) -> None:
        self._server = server
        self._asking = socket.socket(type=socket.SOCK_DGRAM)
        self._listening = socket.socket(type=socket.SOCK_DGRAM)
        self._asking.bind((HOST, 0))
        self._listening.bind((HOST, coa_port))
        self._identifier = 0

    def authorise(self) -> Packet:
        """Ask for the call."""
        self._identifier += 1
        request = access_request(
            CALL,
            password="short-secret",
            identifier=self._identifier,
            authenticator=self._identifier.to_bytes(16),
        )
        return self._ask(request, self._server.auth_port)

    def report(self, status: str, seconds: int = 0) -> Packet:
        """Report the call."""
        self._identifier += 1
        attributes = {"Acct-Status-Type": status, "Acct-Session-Time": seconds, **CALL}
        request = accounting_request(attributes, identifier=self._identifier)
        return self._ask(request, self._server.acct_port)

    def _ask(self, request: bytes, port: int) -> Packet:
        self._asking.settimeout(WAIT_S)
        self._asking.sendto(request, ("127.0.0.1", port))
        reply = decode(self._asking.recv(4096))
        assert is_reply_authentic(reply, request[4:20], Secret(SECRET))
        return reply

    def hear(self) -> tuple[Packet, tuple[str, int]]:
        """The next request of the server, verified, and who to answer."""
        self._listening.settimeout(WAIT_S)
        octets, peer = self._listening.recvfrom(4096)
        packet = decode(octets)
        assert is_request_authentic(packet, Secret(SECRET))
        assert is_message_authentic(packet, Secret(SECRET))
        return packet, peer

    def answer(self, asked: tuple[Packet, tuple[str, int]], code: Code, cause: int = 0) -> None:
        """Acknowledge, or refuse with an Error-Cause."""
        attributes = encode_attribute(ERROR_CAUSE, cause.to_bytes(4)) if cause else b""
        packet, peer = asked
        self._listening.sendto(encode_reply(code, packet, attributes, Secret(SECRET)), peer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._asking.close()
        self._listening.close()


@pytest.fixture
def server(tmp_path: Path) -> ServerProcess:
    """A server with the sample, not started yet, and an account that has money for 4 seconds."""
    made = ServerProcess(tmp_path)
    made.ocs("init", "--sample")
    made.ocs(
        *("account", "create", "short", "--balance", "0.00667", "--plan", "retail"),
        *("--username", "short", "--password", "short-secret"),
    )
    return made


@pytest.fixture
def nas(server: ServerProcess) -> Iterator[Nas]:
    """A gateway that the server knows."""
    (coa_port,) = free_ports(1, socket.SOCK_DGRAM)
    server.ocs(
        *("gateway", "add", "nas", "--address", HOST, "--secret", SECRET, "--coa-port", str(coa_port)),
        *("--dialect", "generic"),
    )
    with Nas(server, coa_port) as made:
        yield made


def wait_for_count(server: ServerProcess, event: str) -> None:
    """Wait until the server says that it has counted an event."""
    ends_at = time.monotonic() + WAIT_S
    while not json.loads((server.folder / "radius-status.json").read_text())["server"].get(event):
        assert time.monotonic() < ends_at, event
        time.sleep(0.05)


def test_a_call_is_ended_though_the_server_was_killed(server: ServerProcess, nas: Nas) -> None:
    """What ends when is in the books: the server that comes up next disconnects the call, once it is due.

    A Stop that reports what was granted settles it: the account is empty, not below.
    """
    with server.start():
        assert nas.authorise().code is Code.ACCESS_ACCEPT
        granted_at = time.monotonic()
        nas.report("Start")
        server.kill()
        with server.start():
            asked = nas.hear()
            heard_at = time.monotonic()
            nas.answer(asked, Code.DISCONNECT_ACK)
            wait_for_count(server, "disconnect_acknowledged")
            nas.report("Stop", 4)
            shown = json.loads(server.ocs("account", "show", "short", "--json"))

    assert asked[0].code is Code.DISCONNECT_REQUEST
    assert asked[0].get(44) == b"cut"
    assert heard_at - granted_at > 3.9
    assert (shown["balance"], shown["reserved"]) == ("0.00", "0.00")


def test_a_gateway_that_knows_no_such_call_is_not_asked_again(server: ServerProcess, nas: Nas) -> None:
    """503: it has ended there. Its Stop may still come. The request leaves from where the settings say."""
    server.settings["OCS_RADIUS_COA_SOURCE"] = "127.0.0.6, ::1"
    with server.start():
        nas.authorise()
        nas.report("Start")
        asked = nas.hear()
        assert asked[1][0] == "127.0.0.6"
        nas.answer(asked, Code.DISCONNECT_NAK, 503)
        wait_for_count(server, "disconnect_gone_503")
        nas.report("Stop", 4)
        (session,) = json.loads(server.ocs("session", "list", "--all", "--json"))

    assert (session["state"], session["used"], session["charged"]) == ("closed", 4, "0.00667")


@pytest.mark.parametrize("source", ["192.0.2.1", "here"])
def test_an_address_that_is_not_this_machines_stops_the_start(server: ServerProcess, source: str) -> None:
    """Better now than when a call is to be ended."""
    server.settings["OCS_RADIUS_COA_SOURCE"] = source

    assert f"[radius] coa_source: {source}: " in server.ocs("serve", code=2)

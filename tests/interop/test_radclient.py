"""FreeRADIUS's radclient against a running server, and FreeRADIUS as the gateway that we disconnect."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from program import Program, run_program, says
from server import ServerProcess, free_ports

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]
CALL = """
User-Name = "alice"
Called-Station-Id = "442079460000"
NAS-IP-Address = 192.0.2.10
Acct-Session-Id = "by-radclient"
"""
REPORT = CALL + "Acct-Session-Time = {seconds}\nAcct-Status-Type = {status}\n"


class Line:
    """radclient towards one server; each file that it sends is written first."""

    def __init__(self, folder: Path, server: ServerProcess) -> None:
        self.folder = folder
        self.server = server

    def send(self, text: str, kind: str, *, acct: bool = False) -> str:
        """Send one packet and return what radclient shows of the answer, which it has verified."""
        file = self.folder / "packet.txt"
        file.write_text(text)
        port = self.server.acct_port if acct else self.server.auth_port
        done = run_program(
            "radclient", "-x", "-r", "1", "-t", "10", "-f", str(file), f"127.0.0.1:{port}", kind, "testing123"
        )
        assert "Received" in done.stdout, done.stdout + done.stderr
        return done.stdout[done.stdout.index("Received") :]


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    """A server with the sample, whose gateway listens where a test wants it to."""
    server = ServerProcess(tmp_path)
    server.ocs("init", "--sample")
    with server.start():
        yield Line(tmp_path, server)


def test_every_kind_of_request(line: Line) -> None:
    """PAP and CHAP, right and wrong, a call from Start to Stop, Status-Server on both ports."""
    server = line.server
    for attribute in ("User-Password", "CHAP-Password"):
        accept = line.send(f'{CALL}{attribute} = "alice-secret"\n', "auth")
        assert "Access-Accept" in accept, attribute
        assert 'h323-credit-time = "h323-credit-time=9966"' in accept, attribute
        reject = line.send(f'{CALL}{attribute} = "guess"\n', "auth")
        assert "Access-Reject" in reject, attribute
        assert 'Reply-Message = "invalid_password"' in reject, attribute
    signed = line.send(f'{CALL}User-Password = "alice-secret"\nMessage-Authenticator = 0x00\n', "auth")
    assert "Message-Authenticator" in signed

    for status, seconds in (("Start", 0), ("Interim-Update", 60), ("Stop", 95), ("Stop", 95)):
        answer = line.send(REPORT.format(status=status, seconds=seconds), "acct", acct=True)
        assert "Accounting-Response" in answer, status
    shown = json.loads(server.ocs("account", "show", "alice", "--json"))
    assert (shown["balance"], shown["reserved"]) == ("9.874", "0.00")

    alive = "Message-Authenticator = 0x00\n"
    assert "Access-Accept" in line.send(alive, "status")
    alive += "Response-Packet-Type = Accounting-Response\n"
    assert "Accounting-Response" in line.send(alive, "status", acct=True)


SHORT_CALL = """
Packet-Src-IP-Address = 127.0.0.4
User-Name = "short"
Called-Station-Id = "4930123456"
Acct-Session-Id = "cut-1"
Acct-Session-Time = {seconds}
"""
CUT_S = 30.0
GATEWAY = """\
name = freeradius
libdir = /usr/lib/freeradius
run_dir = {folder}
log {{
	destination = stdout
}}
thread pool {{
}}
modules {{
	always ok {{
		rcode = ok
	}}
}}
client ocs {{
	ipaddr = 127.0.0.1
	secret = testing123
	require_message_authenticator = yes
}}
server gateway {{
	listen {{
		type = coa
		ipaddr = 127.0.0.4
		port = {port}
		virtual_server = gateway
	}}
	recv-coa {{
		ok
	}}
	send-coa {{
		ok
	}}
}}
"""


def test_freeradius_takes_the_disconnect_of_a_call_whose_money_ends(tmp_path: Path) -> None:
    """It verifies authenticator and Message-Authenticator as equipment does, and acknowledges."""
    (coa_port,) = free_ports(1, socket.SOCK_DGRAM)
    config = tmp_path / "gateway"
    config.mkdir()
    (config / "radiusd.conf").write_text(GATEWAY.format(folder=tmp_path, port=coa_port))
    server = ServerProcess(tmp_path)
    server.ocs("init", "--sample")
    server.ocs(
        *("gateway", "add", "nas", "--address", "127.0.0.4", "--secret", "testing123"),
        *("--coa-port", str(coa_port)),
    )
    server.ocs(
        *("account", "create", "short", "--balance", "0.005", "--plan", "retail"),
        *("--username", "short", "--password", "short-secret"),
    )
    command = ["freeradius", "-f", "-xx", "-l", "stdout", "-d", str(config), "-n", "radiusd"]
    with server.start(), Program(tmp_path, *command, is_ready=says("Ready to process requests")) as gateway:
        line = Line(tmp_path, server)
        call = SHORT_CALL.format(seconds=0)
        accept = line.send(call + 'User-Password = "short-secret"\n', "auth")
        assert "Session-Timeout = 3" in accept
        line.send(call + "Acct-Status-Type = Start\n", "acct", acct=True)
        wait_until(lambda: "Sent Disconnect-ACK" in gateway.output, gateway)
        line.send(SHORT_CALL.format(seconds=3) + "Acct-Status-Type = Stop\n", "acct", acct=True)
        wait_until(lambda: counted(server).get("disconnect_acknowledged") == 1, gateway)
        shown = json.loads(server.ocs("account", "show", "short", "--json"))

    assert (shown["balance"], shown["reserved"]) == ("0.00", "0.00")
    asked = gateway.output[gateway.output.index("Received Disconnect-Request") :]
    assert 'Acct-Session-Id = "cut-1"' in asked
    assert 'User-Name = "short"' in asked


def wait_until(holds: Callable[[], bool], program: Program) -> None:
    """Wait for something that must come."""
    ends_at = time.monotonic() + CUT_S
    while not holds():
        assert time.monotonic() < ends_at, program.output
        time.sleep(0.05)


def counted(server: ServerProcess) -> dict[str, int]:
    """What the running server says it has counted of its own requests."""
    return dict(json.loads((server.folder / "radius-status.json").read_text())["server"])

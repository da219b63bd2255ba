"""FreeRADIUS as a proxy in front of the server, with the configuration of `deploy/freeradius`."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from program import Program, copy_example, says
from server import ServerProcess, free_ports

from ocs.radius.client import RadiusClient

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]
CALL = {
    "User-Name": "alice",
    "Called-Station-Id": "442079460000",
    "Acct-Session-Id": "proxied-1",
    "NAS-IP-Address": "192.0.2.10",
}


def money(server: ServerProcess, account: str) -> tuple[str, str]:
    """Balance and reserved of an account."""
    shown = json.loads(server.ocs("account", "show", account, "--json"))
    return shown["balance"], shown["reserved"]


@contextmanager
def udp_proxy(server: ServerProcess, folder: Path) -> Iterator[tuple[RadiusClient, Program]]:
    """FreeRADIUS before the server, and a client that talks to it."""
    auth_port, acct_port = free_ports(2, socket.SOCK_DGRAM)
    changes = {
        "port = 1812": f"port = {server.auth_port}",
        "port = 1813": f"port = {server.acct_port}",
        "port = 1912": f"port = {auth_port}",
        "port = 1913": f"port = {acct_port}",
    }
    config = copy_example("freeradius", folder, changes)
    (folder / "run").mkdir()
    command = ["freeradius", "-f", "-xx", "-l", "stdout", "-d", str(config), "-n", "radiusd"]
    with Program(folder, *command, is_ready=says("Ready to process requests")) as proxy:
        client = RadiusClient(
            "127.0.0.1", "gateway-secret", auth_port=auth_port, acct_port=acct_port, timeout_s=5
        )
        with client:
            yield client, proxy


def test_a_call_through_a_proxy_is_charged_exactly(tmp_path: Path) -> None:
    """The proxy adds Proxy-State, verifies what comes back, and passes on Accept, limits and Class."""
    server = ServerProcess(tmp_path)
    server.ocs("init", "--sample")
    server.ocs("gateway", "add", "freeradius", "--address", "127.0.0.3", "--secret", "proxy-secret")
    with server.start(), udp_proxy(server, tmp_path) as (client, proxy):
        accept = client.authorise(CALL, password="alice-secret")
        reject = client.authorise({**CALL, "Acct-Session-Id": "proxied-2"}, password="guess")
        assert accept.is_accept
        assert accept.get("Session-Timeout") == "9966"
        assert not reject.is_accept
        assert reject.get("Reply-Message") == "invalid_password"

        joined = {**CALL, "Class": bytes.fromhex((accept.get("Class") or "")[2:])}
        client.start(joined)
        client.interim({**joined, "Acct-Session-Time": 60})
        assert money(server, "alice")[0] == "9.91"
        for _ in range(2):
            client.stop({**joined, "Acct-Session-Time": 95})
        assert money(server, "alice") == ("9.874", "0.00")
    # Each request that went on was given a Proxy-State, which the proxy took off its answer again.
    assert proxy.output.count("Proxy-State = 0x") >= 2 * 6
    assert accept.get("Proxy-State") is None

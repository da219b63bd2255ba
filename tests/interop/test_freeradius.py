"""FreeRADIUS as a proxy in front of the server, over UDP and over TLS: the files of `deploy/freeradius`."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from certificate import certify
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
def running_proxy(folder: Path, changes: Mapping[str, str]) -> Iterator[tuple[RadiusClient, Program]]:
    """FreeRADIUS before the server, and a client that talks to it."""
    auth_port, acct_port = free_ports(2, socket.SOCK_DGRAM)
    ports = {"port = 1912": f"port = {auth_port}", "port = 1913": f"port = {acct_port}"}
    config = copy_example("freeradius", folder, {**ports, **changes})
    command = ["freeradius", "-f", "-xx", "-l", "stdout", "-d", str(config), "-n", "radiusd"]
    with Program(folder, *command, is_ready=says("Ready to process requests")) as proxy:
        client = RadiusClient(
            "127.0.0.1", "gateway-secret", auth_port=auth_port, acct_port=acct_port, timeout_s=5
        )
        with client:
            yield client, proxy


def place_call(client: RadiusClient, server: ServerProcess) -> None:
    """A call through the proxy, and one with a wrong password; the books after each step."""
    accept = client.authorise(CALL, password="alice-secret")
    reject = client.authorise({**CALL, "Acct-Session-Id": "proxied-2"}, password="guess")
    assert accept.is_accept
    assert accept.get("Session-Timeout") == "9966"
    assert accept.get("Proxy-State") is None
    assert not reject.is_accept
    assert reject.get("Reply-Message") == "invalid_password"

    joined = {**CALL, "Class": bytes.fromhex((accept.get("Class") or "")[2:])}
    client.start(joined)
    client.interim({**joined, "Acct-Session-Time": 60})
    assert money(server, "alice")[0] == "9.91"
    for _ in range(2):
        client.stop({**joined, "Acct-Session-Time": 95})
    assert money(server, "alice") == ("9.874", "0.00")


def test_a_call_through_a_proxy_is_charged_exactly(tmp_path: Path) -> None:
    """The proxy adds Proxy-State, verifies what comes back, and passes on Accept, limits and Class."""
    server = ServerProcess(tmp_path)
    server.ocs("init", "--sample")
    server.ocs(
        *("gateway", "add", "freeradius", "--address", "127.0.0.3", "--secret", "proxy-secret"),
        *("--grant", "whole"),
    )
    changes = {
        "port = 1812": f"port = {server.auth_port}",
        "port = 1813": f"port = {server.acct_port}",
    }
    with server.start(), running_proxy(tmp_path, changes) as (client, proxy):
        place_call(client, server)
    # Each request that went on was given a Proxy-State, which came back with its answer.
    assert proxy.output.count("Proxy-State = 0x") >= 2 * 6


def test_a_call_over_radsec_is_charged_exactly(tmp_path: Path) -> None:
    """Both sides show certificates; the gateway is who its certificate is made out to, not its address."""
    authority = certify("test authority")
    ours, theirs = certify("ocs", authority), certify("freeradius", authority)
    (tmp_path / "ca.pem").write_bytes(authority.certificate_pem)
    for name, party in (("ocs", ours), ("proxy", theirs)):
        (tmp_path / f"{name}.pem").write_bytes(party.certificate_pem)
        (tmp_path / f"{name}.key").write_bytes(party.key_pem)
    (port,) = free_ports(1, socket.SOCK_STREAM)
    server = ServerProcess(tmp_path)
    server.settings = {
        "OCS_RADIUS_LISTEN_RADSEC": f"127.0.0.1:{port}",
        "OCS_RADIUS_RADSEC_CERTIFICATE": "ocs.pem",
        "OCS_RADIUS_RADSEC_KEY": "ocs.key",
        "OCS_RADIUS_RADSEC_CLIENT_CA": "ca.pem",
    }
    server.ocs("init", "--sample")
    server.ocs("gateway", "add", "freeradius", "--grant", "whole")
    changes = {
        "port = 2083": f"port = {port}",
        "/etc/freeradius/3.0/certs": str(tmp_path),
        "$INCLUDE ocs-udp.conf\n#$INCLUDE ocs-radsec.conf": "$INCLUDE ocs-radsec.conf",
    }
    with server.start(), running_proxy(tmp_path, changes) as (client, proxy):
        place_call(client, server)
    assert "(TLS) Handshake state - SSL negotiation finished successfully" in proxy.output
    assert f"ready: RADIUS over TLS on 127.0.0.1:{port}" in server.log.read_text()

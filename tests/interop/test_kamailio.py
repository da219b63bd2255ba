"""Kamailio with auth_radius and acc_radius, the configuration of `deploy/kamailio-radius`, driven by sipp."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from program import Program, copy_example, holds, run_program
from server import ServerProcess, free_ports

from ocs.units import format_money

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]
SCENARIOS = Path(__file__).parent / "sipp"
MINUTE_PRICE = Decimal("0.10")
"What sample calls to Germany cost, by the second."
SETTLED_S = 30.0


class Proxy:
    """Kamailio between a caller and a callee."""

    def __init__(self, folder: Path, server: ServerProcess) -> None:
        self.folder = folder
        self.server = server
        self.port, self.callee_port, self.caller_port = free_ports(3, socket.SOCK_DGRAM)

    @contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Kamailio and a callee that answers."""
        config = copy_example(
            "kamailio-radius",
            self.folder,
            {
                "listen=udp:127.0.0.1:5060": f"listen=udp:127.0.0.1:{self.port}",
                "sip:127.0.0.1:5080": f"sip:127.0.0.1:{self.callee_port}",
                "/etc/kamailio/radius": str(self.folder / "kamailio-radius"),
                "127.0.0.1:1812": f"127.0.0.1:{self.server.auth_port}",
                "127.0.0.1:1813": f"127.0.0.1:{self.server.acct_port}",
            },
        )
        command = ["kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-f", str(config / "kamailio.cfg")]
        command += ["-Y", str(self.folder), "-P", str(self.folder / "kamailio.pid")]
        callee = ["sipp", "-sf", str(SCENARIOS / "callee.xml"), "-i", "127.0.0.1", "-nostdin"]
        callee += ["-p", str(self.callee_port)]
        with (
            Program(self.folder, *command, is_ready=holds(self.port)),
            Program(self.folder, *callee, is_ready=holds(self.callee_port)),
        ):
            yield self

    def call(self, scenario: str, user: str, called: str = "4930123456", count: int = 1) -> None:
        """Place calls and see them through as the scenario says."""
        done = run_program(
            "sipp",
            *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-p", str(self.caller_port)),
            *("-s", called, "-au", user, "-ap", f"{user}-secret", "-m", str(count), "-r", "5"),
            *("-nostdin", "-timeout", "90", "-timeout_error", f"127.0.0.1:{self.port}"),
            timeout_s=110,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr

    def ledger(self, account: str) -> list[dict[str, Any]]:
        """The entries of an account."""
        return list(json.loads(self.server.ocs("ledger", "show", account, "--json"))["entries"])

    def sessions(self, count: int) -> list[dict[str, Any]]:
        """The sessions that there were, once as many have ended."""
        ends_at = time.monotonic() + SETTLED_S
        while True:
            found = json.loads(self.server.ocs("session", "list", "--all", "--json"))
            if sum(one["state"] == "closed" for one in found) >= count or time.monotonic() > ends_at:
                return list(found)


def price_of(seconds: int) -> str:
    """What so many seconds cost, rounded as the sample tariff does."""
    price = (MINUTE_PRICE * seconds / 60).quantize(Decimal("0.00001"), ROUND_HALF_UP)
    return format_money(int(price * 1_000_000))


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """Kamailio before a server with the sample and a caller who can pay for 3 seconds."""
    server = ServerProcess(tmp_path)
    server.ocs("init", "--sample")
    server.ocs(
        *("gateway", "add", "kamailio", "--address", "127.0.0.2", "--secret", "kamailio-secret"),
        *("--dialect", "kamailio", "--identified-by", "username", "--max-seconds", "600"),
    )
    server.ocs(
        *("account", "create", "short", "--balance", "0.005", "--plan", "retail"),
        *("--username", "short", "--password", "short-secret"),
    )
    with server.start(), Proxy(tmp_path, server).running() as running:
        yield running


def test_a_call_is_authorised_answered_cut_by_its_quota_and_charged_exactly(proxy: Proxy) -> None:
    """Kamailio ends the call when the granted seconds are over; its Stop settles what was used."""
    proxy.call("caller", "short")
    (session,) = proxy.sessions(1)
    entries = proxy.ledger("short")

    # Kamailio writes times in whole seconds, and its timer ticks once a second.
    assert session["granted"] == 3
    assert session["used"] in (2, 3, 4)
    assert (session["called"], session["calling"]) == ("4930123456", "12025550100")
    price = price_of(session["used"])
    assert [(entry["kind"], entry["amount"]) for entry in entries] == [
        ("payment", "0.005"),
        ("charge", f"-{price}"),
    ]
    assert (session["charged"], session["reserved"]) == (price, "0.00")


def test_a_call_that_is_hung_up_is_charged_for_what_it_took(proxy: Proxy) -> None:
    """Five calls at once; the BYE of each caller is the Stop, what was reserved beyond it is given back."""
    proxy.call("hangup", "alice", count=5)
    sessions = proxy.sessions(5)
    proxy.server.ocs("ledger", "verify")

    assert [one["state"] for one in sessions] == ["closed"] * 5
    assert {one["reserved"] for one in sessions} == {"0.00"}
    assert {one["charged"] for one in sessions} <= {price_of(seconds) for seconds in (1, 2, 3)}


@pytest.mark.parametrize("account", ["carol", "stranger"])
def test_a_caller_without_money_or_account_is_refused(proxy: Proxy, account: str) -> None:
    """The Reject becomes a 402; nothing is reserved."""
    proxy.call("refused", account)

    assert proxy.sessions(0) == []

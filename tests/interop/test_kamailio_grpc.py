"""Kamailio with the KEMI script of `deploy/kamailio`, which asks over gRPC, driven by sipp."""

import json
import socket
import sys
import sysconfig
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
CHECKOUT = Path(__file__).parents[2]
MINUTE_PRICE = Decimal("0.10")
"What sample calls to Germany cost, by the second."
SETTLED_S = 60.0


class Proxy:
    """Kamailio between a caller and a callee."""

    def __init__(self, folder: Path, server: ServerProcess) -> None:
        self.folder = folder
        self.server = server
        self.port, self.callee_port, self.caller_port = free_ports(3, socket.SOCK_DGRAM)

    @contextmanager
    def running(self, callee_scenario: str) -> Iterator["Proxy"]:
        """Kamailio and a callee."""
        config = copy_example(
            "kamailio",
            self.folder,
            {
                "listen=udp:127.0.0.1:5060": f"listen=udp:127.0.0.1:{self.port}",
                "sip:127.0.0.1:5080": f"sip:127.0.0.1:{self.callee_port}",
                "CHARGING 127.0.0.1:50051": f"CHARGING 127.0.0.1:{self.server.grpc_port}",
                "/etc/kamailio/charging.py": str(self.folder / "kamailio" / "charging.py"),
            },
        )
        command = ["kamailio", "-DD", "-E", "-m", "32", "-M", "4", "-f", str(config / "kamailio.cfg")]
        command += ["-Y", str(self.folder), "-P", str(self.folder / "kamailio.pid")]
        callee = ["sipp", "-sf", str(SCENARIOS / callee_scenario), "-i", "127.0.0.1", "-nostdin"]
        callee += ["-p", str(self.callee_port)]
        with (
            Program(self.folder, *command, is_ready=holds(self.port)),
            Program(self.folder, *callee, is_ready=holds(self.callee_port)),
        ):
            yield self

    def call(self, scenario: Path, calling: str, called: str = "4930123456", count: int = 1) -> None:
        """Place calls and see them through as the scenario says."""
        done = run_program(
            "sipp",
            *("-sf", str(scenario), "-i", "127.0.0.1", "-p", str(self.caller_port)),
            *("-s", called, "-key", "calling", calling, "-m", str(count), "-r", "5"),
            *("-nostdin", "-timeout", "90", "-timeout_error", f"127.0.0.1:{self.port}"),
            timeout_s=110,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr + self.log

    def refused(self, status: int, calling: str, called: str = "4930123456") -> None:
        """Place a call that gets this answer."""
        scenario = self.folder / f"refused-{status}.xml"
        text = (SCENARIOS / "trusted_refused.xml").read_text()
        scenario.write_text(text.replace('response="402"', f'response="{status}"'))
        self.call(scenario, calling, called)

    @property
    def log(self) -> str:
        """What Kamailio said."""
        return "".join(file.read_text(errors="replace") for file in self.folder.glob("kamailio-*.log"))

    def ledger(self, account: str) -> list[dict[str, Any]]:
        """The entries of an account."""
        return list(json.loads(self.server.ocs("ledger", "show", account, "--json"))["entries"])

    def sessions(self, count: int) -> list[dict[str, Any]]:
        """The sessions that there were, once as many have ended."""
        ends_at = time.monotonic() + SETTLED_S
        while True:
            found = json.loads(self.server.ocs("session", "list", "--all", "--json"))
            if sum(one["state"] == "closed" for one in found) >= count:
                return list(found)
            assert time.monotonic() < ends_at, (found, self.log)


def price_of(seconds: int) -> str:
    """What so many seconds cost, rounded as the sample tariff does."""
    price = (MINUTE_PRICE * seconds / 60).quantize(Decimal("0.00001"), ROUND_HALF_UP)
    return format_money(int(price * 1_000_000))


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """Kamailio with a key, before a server with the sample and a caller who can pay for 8 seconds."""
    assert sys.version_info[:2] == (3, 11), "Kamailio embeds Debian's Python 3.11: run this one under 3.11"
    server = ServerProcess(tmp_path)
    server.ocs("init", "--sample")
    # So little at once that a call is cut unless the script renews its grant.
    server.ocs("gateway", "add", "kamailio", "--identified-by", "username,ani", "--slice-seconds", "5")
    server.ocs(
        *("account", "create", "short", "--balance", "0.0134", "--plan", "retail", "--username", "short")
    )
    callee = getattr(request, "param", "callee.xml")
    key = json.loads(
        server.ocs("key", "create", "kam1", "--role", "charging", "--gateway", "kamailio", "--json")
    )
    monkeypatch.setenv("OCS_API_KEY", key["key"])
    monkeypatch.setenv("PYTHONPATH", f"{sysconfig.get_path('purelib')}:{CHECKOUT}")
    with server.start(), Proxy(tmp_path, server).running(callee) as running:
        yield running


def test_a_call_is_renewed_cut_by_its_last_quota_and_charged_exactly(proxy: Proxy) -> None:
    """Kamailio ends the call when the money is used up; the end of the dialog settles what was used."""
    proxy.call(SCENARIOS / "trusted_caller.xml", "short")
    (session,) = proxy.sessions(1)
    entries = proxy.ledger("short")
    proxy.server.ocs("ledger", "verify")

    # More than one slice, and no more than the money. Kamailio's dialog timer looks once a second.
    assert session["granted"] == 8
    assert 5 <= session["used"] <= 8
    assert (session["called"], session["calling"]) == ("4930123456", "short")
    price = price_of(session["used"])
    charges = [entry["amount"] for entry in entries if entry["kind"] == "charge"]
    assert [entry["amount"] for entry in entries if entry["kind"] == "payment"] == ["0.0134"]
    assert sum(map(Decimal, charges)) == -Decimal(price)
    assert (session["charged"], session["reserved"]) == (price, "0.00")


def test_calls_that_are_hung_up_are_charged_for_what_they_took(proxy: Proxy) -> None:
    """Five calls at once by calling number; what was reserved beyond each BYE is given back."""
    proxy.call(SCENARIOS / "trusted_hangup.xml", "12025550100", count=5)
    sessions = proxy.sessions(5)
    proxy.server.ocs("ledger", "verify")

    assert [one["state"] for one in sessions] == ["closed"] * 5
    assert {one["reserved"] for one in sessions} == {"0.00"}
    assert {one["charged"] for one in sessions} <= {price_of(seconds) for seconds in (2, 3)}
    charges = [entry["amount"] for entry in proxy.ledger("alice") if entry["kind"] == "charge"]
    assert -sum(map(Decimal, charges)) == sum(Decimal(one["charged"]) for one in sessions)


def test_refusals_become_statuses_and_silence_is_no_call(proxy: Proxy) -> None:
    """Each result has its status; without an answer there is no call; nothing is reserved."""
    proxy.refused(402, "carol")
    proxy.refused(403, "alice", called="19005550100")
    proxy.refused(404, "stranger")
    assert proxy.sessions(0) == []

    proxy.server.stop()
    proxy.refused(503, "alice")
    assert "is refused without an answer: UNAVAILABLE" in proxy.log


@pytest.mark.parametrize("proxy", ["busy.xml"], indirect=True)
def test_a_call_that_is_not_answered_costs_nothing(proxy: Proxy) -> None:
    """The callee's status goes back to the caller, what was reserved to the account."""
    proxy.refused(486, "alice")
    (session,) = proxy.sessions(1)

    assert (session["used"], session["charged"], session["reserved"]) == (0, "0.00", "0.00")
    assert [entry["kind"] for entry in proxy.ledger("alice")] == ["payment"]


def test_an_end_while_the_server_is_away_is_charged_once_it_is_back(proxy: Proxy) -> None:
    """The call goes on within its grant; the report of its end waits in Kamailio."""
    proxy.server.stop()
    proxy.server.ocs("gateway", "set", "kamailio", "--slice-seconds", "60")
    proxy.server.start()
    scenario = proxy.folder / "long.xml"
    text = (SCENARIOS / "trusted_hangup.xml").read_text()
    scenario.write_text(text.replace('milliseconds="2000"', 'milliseconds="12000"'))

    with ThreadPoolExecutor(1) as caller:
        call = caller.submit(proxy.call, scenario, "alice")
        while not proxy.sessions(0):
            assert not call.done()
        proxy.server.stop()
        assert not call.done()
        call.result(timeout=110)
    assert [one["state"] for one in proxy.sessions(0)] == ["open"]
    proxy.server.start()
    (session,) = proxy.sessions(1)
    proxy.server.ocs("ledger", "verify")

    assert 12 <= session["used"] <= 20
    assert (session["charged"], session["reserved"]) == (price_of(session["used"]), "0.00")

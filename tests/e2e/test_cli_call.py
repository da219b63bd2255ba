"""The README's story: a server, a second terminal, calls over RADIUS and gRPC, and the books after each."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from radius_vectors import access_request
from server import ServerProcess

from ocs.radius.client import RadiusClient
from ocs.radius.codec import Code, decode

CALL = {"User-Name": "alice", "Called-Station-Id": "442079460123", "Acct-Session-Id": "by-hand"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the sample."""
    made = ServerProcess(Path(tmp_path_factory.mktemp("ocs")))
    made.ocs("init", "--sample")
    with made.start():
        yield made


def ask(server: ServerProcess, *arguments: str, code: int = 0) -> Any:
    """One command in its machine form."""
    return json.loads(server.ocs(*arguments, "--json", code=code))


def test_money_is_held_while_a_call_runs_and_charged_exactly_at_its_end(server: ServerProcess) -> None:
    """Reserved after the authorisation, charged by the reports, the rest released by the Stop."""
    before = ask(server, "account", "show", "alice")
    with RadiusClient(
        "127.0.0.1", "testing123", auth_port=server.auth_port, acct_port=server.acct_port
    ) as client:
        assert client.authorise(CALL, password="alice-secret").is_accept
        client.start(CALL)
        running = ask(server, "session", "list", "--account", "alice")
        held = ask(server, "ledger", "show", "alice")["account"]
        client.interim({**CALL, "Acct-Session-Time": 60})
        client.stop({**CALL, "Acct-Session-Time": 95})
    after = ask(server, "ledger", "show", "alice")

    (session,) = running
    assert session["called"] == "442079460123"
    assert float(session["reserved"]) > 0
    assert held["reserved"] == session["reserved"]
    assert held["balance"] == before["balance"] == "10.00"
    assert [entry["amount"] for entry in after["entries"]] == ["10.00", "-0.09", "-0.036"]
    assert (after["account"]["balance"], after["account"]["reserved"]) == ("9.874", "0.00")
    assert ask(server, "session", "list", "--account", "alice") == []


def test_unsigned_request_is_answered_after_signed_ones(server: ServerProcess) -> None:
    """`ocs call` signs its Access-Requests, `radclient` does not: a newcomer uses both as the same client."""
    ask(server, "call", "--account", "dave", "--to", "442079460123", "--seconds", "1")
    request = access_request(CALL, password="wrong", secret="testing123", signed=False)
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(10)
        asking.sendto(request, ("127.0.0.1", server.auth_port))
        reply = decode(asking.recv(4096))

    assert reply.code == Code.ACCESS_REJECT
    assert reply.get(18) == b"invalid_password"


@pytest.mark.parametrize("way", [[], ["--grpc"]])
def test_call_of_95_seconds_costs_its_quote(server: ServerProcess, way: list[str]) -> None:
    """Our own client makes the whole call, and the ledger has the quoted price, over RADIUS and gRPC."""
    made = ask(server, "call", "--account", "dave", "--to", "442079460123", "--seconds", "95", *way)

    assert all(step["is_granted"] for step in made["steps"])
    assert made["steps"][-1]["at_s"] == 95
    assert sum(float(entry["amount"]) for entry in made["entries"]) == pytest.approx(-0.126)
    assert made["account"]["reserved"] == "0.00"


@pytest.mark.parametrize("way", [[], ["--grpc"]])
def test_call_ends_where_the_money_ends(server: ServerProcess, way: list[str]) -> None:
    """0.15 buys 120 s: the call is cut there, to the last micro, and the next one is refused."""
    name = f"short{len(way)}"
    server.ocs("account", "create", name, "--balance", "0.15", "--plan", "retail", "--username", name)

    made = ask(
        server,
        "call",
        "--account",
        name,
        "--password",
        "any",
        "--to",
        "442079460123",
        "--seconds",
        "300",
        *way,
    )
    again = server.ocs(
        "call",
        "--account",
        name,
        "--password",
        "any",
        "--to",
        "442079460123",
        "--seconds",
        "300",
        *way,
        code=1,
    )

    assert made["steps"][-1]["at_s"] == 120
    assert made["account"]["balance"] == made["account"]["available"] == "0.00"
    assert "zero_balance" in again


def test_wrong_password_is_refused(server: ServerProcess) -> None:
    """The reason is shown, nothing is booked, and scripts see exit code 1."""
    shown = server.ocs(
        "call", "--user", "bob", "--password", "wrong", "--to", "442079460123", "--seconds", "5", code=1
    )

    assert "Access-Reject" in shown
    assert "invalid_password" in shown
    assert "no new entries" in shown


def test_books_are_right_after_all_that(server: ServerProcess) -> None:
    """Every balance is what its entries say, nothing is held."""
    assert "The books are right" in server.ocs("ledger", "verify")

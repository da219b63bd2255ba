"""``ocs load``: whole calls at a real server, every one of them in the books."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from server import ServerProcess


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the sample and two rich callers in a sheet."""
    made = ServerProcess(Path(tmp_path_factory.mktemp("ocs")))
    made.ocs("init", "--sample")
    (made.folder / "callers.csv").write_text(
        "account,balance,plan,identity kind,value,secret\n"
        "one,1000,retail,username,one,secret-1\n"
        "two,1000,retail,username,two,secret-2\n"
    )
    made.ocs("account", "import", "callers.csv")
    with made.start():
        yield made


def load(server: ServerProcess, *arguments: str, code: int = 0) -> Any:
    """One run, in its machine form."""
    common = ("--to", "442079460123", "--warm-up", "0", "--seconds", "1", "--json")
    return json.loads(server.ocs("load", *common, *arguments, code=code))


def charged(server: ServerProcess) -> list[int]:
    """How many calls each account was charged for."""
    with closing(sqlite3.connect(server.database)) as books:
        return [
            count for _, count in books.execute("SELECT account_id, count(*) FROM cdr GROUP BY 1 ORDER BY 1")
        ]


@pytest.mark.parametrize("way", [["--repeat-share", "0.3"], ["--grpc"], ["--data-mb", "3"]])
def test_every_call_that_load_made_is_charged(server: ServerProcess, way: list[str]) -> None:
    """All requests are answered, nothing is refused, no session stays open, the books are right."""
    before = sum(charged(server))
    result = load(
        server, "--sheet", "callers.csv", "--rate", "40", "--ramp-to", "60", "--interims", "0", *way
    )

    assert result["rejected"] == result["given_up"] == 0
    calls, rest = divmod(result["answered"], 3)
    assert (calls > 2, rest) == (True, 0)
    assert sum(charged(server)) - before == calls
    assert len(charged(server)) == 2
    assert json.loads(server.ocs("session", "list", "--json")) == []
    assert "The books are right" in server.ocs("ledger", "verify")


def test_a_refused_caller_is_counted(server: ServerProcess) -> None:
    """Carol has no money: each of her calls ends with its authorisation."""
    result = load(server, "--user", "carol", "--password", "carol-secret", "--rate", "20")

    assert result["rejected"] == result["answered"] > 0


def test_people_read_a_summary(server: ServerProcess) -> None:
    """Requests, rate, latency."""
    told = server.ocs(
        "load", "--user", "one", "--password", "secret-1", "--to", "442079460123",
        "--warm-up", "0.1", "--seconds", "0.3", "--rate", "20",
    )  # fmt: skip

    assert "requests answered in" in told
    assert "latency: p50" in told

"""`kill -9` under load: what was acknowledged is in the books after a restart, and the books add up."""

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from server import ServerProcess

from ocs.radius.load import Call, LoadGenerator, Target

ACCOUNTS = 40
MICROS_PER_SECOND = 250
"Price of the sample's wholesale tariff to 44: 0.015 a minute by the second."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server over the sample catalogue and forty accounts with plenty of money."""
    with ServerProcess(tmp_path) as made:
        made.ocs("init", "--sample")
        sheet = tmp_path / "accounts.csv"
        rows = [f"load{n},1000,wholesale,username,load{n},secret{n}" for n in range(ACCOUNTS)]
        sheet.write_text("\n".join(["account,balance,plan,identity kind,value,secret", *rows]))
        made.ocs("account", "import", str(sheet))
        yield made


def endless_calls(salt: str) -> Iterator[Call]:
    """Calls of random length with one interim report each."""
    chance = random.Random(salt)
    number = 0
    while True:
        number += 1
        seconds = chance.randrange(60, 600)
        account = chance.randrange(ACCOUNTS)
        yield Call(
            session_id=f"{salt}-{number}",
            user=f"load{account}",
            password=f"secret{account}",
            calling="12025550100",
            called="442079460000",
            seconds=seconds,
            interims=(seconds // 2,),
        )


def make_calls_until_killed(server: ServerProcess, *, after_s: float) -> list[Call]:
    """Load the server, kill it `after_s` seconds in, and return every call with what was acknowledged."""
    made: list[Call] = []

    def remembered() -> Iterator[Call]:
        for call in endless_calls("kill"):
            made.append(call)
            yield call

    killed = threading.Event()
    target = Target(
        host="127.0.0.1", auth_port=server.auth_port, acct_port=server.acct_port, secret=b"testing123"
    )
    load = LoadGenerator(target, outstanding=64, timeout_s=1.0, stop_when=killed.is_set)
    worker = threading.Thread(target=load.run, args=(remembered(),))
    worker.start()
    threading.Event().wait(after_s)
    server.kill()
    killed.set()
    worker.join(timeout=20)
    return made


def booked(database: Path) -> dict[str, int]:
    """What each session was charged in all, by its Acct-Session-Id."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT substr(s.session_key, instr(s.session_key, '|') + 1),"
            " -coalesce(sum(e.amount_micros), 0) FROM session s"
            " LEFT JOIN ledger_entry e ON e.session_id = s.session_id AND e.kind = 'charge'"
            " GROUP BY s.session_id"
        )
        return dict(rows.fetchall())


def test_what_was_acknowledged_survives(server: ServerProcess) -> None:
    """Every answered report is booked at its exact price, no call is charged more than it used."""
    server.start()
    made = make_calls_until_killed(server, after_s=4.0)
    server.start()

    charged = booked(server.folder / "ocs.db")
    acknowledged = [call for call in made if call.granted]
    assert sum(call.stop_acknowledged for call in made) > 100
    for call in acknowledged:
        assert call.session_id in charged, call
        least = MICROS_PER_SECOND * max(call.acknowledged_seconds, 0)
        most = MICROS_PER_SECOND * call.seconds
        assert least <= charged[call.session_id] <= most, (call, charged[call.session_id])
        if call.stop_acknowledged:
            assert charged[call.session_id] == most, call
    server.ocs("ledger", "verify")


def test_a_second_server_on_the_same_books_is_refused(server: ServerProcess) -> None:
    """Two servers on one file would not see each other's caches: the second names the first."""
    server.start()

    message = server.ocs("serve", code=2)

    assert "ocs.db" in message
    assert server.stop() == 0

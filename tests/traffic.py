"""Calls that a gateway makes at a real server, from a thread; and the books held against what it was told.

The gateway goes on whatever becomes of the server: what is not answered is sent again, with the same octets,
as RFC 2865 section 2.5 has it, until it is answered.
"""

import asyncio
import random
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from server import ServerProcess

from ocs.ports import GrantPolicy
from ocs.radius.load import Call, LoadGenerator, Target
from ocs.storage.sql.stores import open_sql_stores

MICROS_PER_SECOND: Final = 250
"Price of the sample's wholesale tariff to 44: 0.015 a minute by the second."
SECRET: Final = b"testing123"
"Of the sample's gateway, which is this machine."
TRIES_MAX: Final = 10_000
_SECONDS: Final = range(60, 600)
_STAGES: Final = (1, 2, 3)
"Requests after which a call that falls silent does so: authorised only, started, reported once."


def stock(server: ServerProcess, *, accounts: int, interim_interval_s: int | None = None) -> None:
    """Give the server the sample's catalogue and accounts load0, load1, ... with plenty of money.

    Args:
        server: not running yet.
        accounts: how many.
        interim_interval_s: what the gateway is told to report by: twice that silence ends a call.
    """
    server.ocs("init", "--sample")
    sheet = server.folder / "accounts.csv"
    rows = [f"load{n},1000000,wholesale,username,load{n},secret{n}" for n in range(accounts)]
    sheet.write_text("\n".join(["account,balance,plan,identity kind,value,secret", *rows]))
    server.ocs("account", "import", str(sheet))
    if interim_interval_s is not None:
        policy = GrantPolicy(interim_interval_s=interim_interval_s)
        asyncio.run(_set_grant_policy(server.database, policy))


async def _set_grant_policy(database: Path, policy: GrantPolicy) -> None:
    ledger, catalog = open_sql_stores(f"sqlite:///{database}")
    for gateway in await catalog.load_gateways():
        await catalog.save_gateway(replace(gateway, grant=policy))
    await ledger.close()
    await catalog.close()


class Traffic:
    """A gateway that makes calls of random length, each with one interim report, in a thread of its own.

    A context manager; leaving it ends the gateway, whatever is unanswered.
    """

    def __init__(
        self,
        target: Target | ServerProcess,
        *,
        accounts: int,
        seed: int | str = 0,
        outstanding: int = 64,
        timeout_s: float = 0.5,
        calls_max: int | None = None,
        silent_share: float = 0.0,
    ) -> None:
        """Prepare a gateway.

        Args:
            target: what it asks.
            accounts: how many of load0, load1, ... have calls.
            seed: of the calls and of their session ids.
            outstanding: requests that wait for an answer at any time.
            timeout_s: after which one is sent again.
            calls_max: how many calls are made in all; None: no end.
            silent_share: the share of calls (0 to 1) whose gateway is never heard of again half way.
        """
        self.made: list[Call] = []
        self._accounts = accounts
        self._seed = seed
        self._calls_max = calls_max
        self._silent_share = silent_share
        self._finishing = threading.Event()
        self._ended = threading.Event()
        self._generator = LoadGenerator(
            target_of(target) if isinstance(target, ServerProcess) else target,
            outstanding=outstanding,
            timeout_s=timeout_s,
            tries=TRIES_MAX,
            stop_when=self._ended.is_set,
        )
        self._thread = threading.Thread(target=self._generator.run, args=(self._calls(),), daemon=True)
        self.result = self._generator.result

    def _calls(self) -> Iterator[Call]:
        chance = random.Random(self._seed)
        while not self._finishing.is_set() and len(self.made) != self._calls_max:
            seconds = chance.choice(_SECONDS)
            account = chance.randrange(self._accounts)
            call = Call(
                session_id=f"{self._seed}-{len(self.made)}",
                user=f"load{account}",
                password=f"secret{account}",
                calling="12025550100",
                called="442079460000",
                seconds=seconds,
                interims=(seconds // 2,),
                ends_before=chance.choice(_STAGES) if chance.random() < self._silent_share else None,
            )
            self.made.append(call)
            yield call

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()

    def finish(self, *, timeout_s: float = 30.0) -> None:
        """Begin no call any more, and wait until all that were begun are made."""
        self._finishing.set()
        self._thread.join(timeout=timeout_s)
        assert not self._thread.is_alive(), "requests were not answered in time"
        assert self.result.given_up == 0

    def wait_for_answers(self, count: int, *, timeout_s: float = 30.0) -> None:
        """Wait until so many more requests are answered."""
        goal = self.result.answered + count
        pause = threading.Event()
        for _ in range(int(timeout_s / 0.01)):
            if self.result.answered >= goal:
                return
            pause.wait(0.01)
        raise AssertionError(f"{goal - self.result.answered} of {count} answers are missing")

    def receipts(self) -> dict[str, int]:
        """Seconds of each granted call that were acknowledged so far: the books hold them from now on."""
        return {
            call.session_id: max(call.acknowledged_seconds, 0) for call in list(self.made) if call.granted
        }

    def check(self, database: Path, receipts: Mapping[str, int] | None = None) -> None:
        """Hold the books against what the gateway was told; it may go on meanwhile.

        Args:
            database: of the server, or a copy of it.
            receipts: what had been acknowledged when it was copied; None: what is now.

        Raises:
            AssertionError: something that was answered is not booked, or was never reported.
        """
        known = self.receipts() if receipts is None else receipts
        charged = booked(database, f"{self._seed}-")
        reported = {call.session_id: call.reported_seconds for call in list(self.made)}
        for session_id, seconds in known.items():
            assert session_id in charged, f"call {session_id} was granted but is not in the books"
            assert charged[session_id] >= MICROS_PER_SECOND * seconds, (session_id, seconds)
        for session_id, micros in charged.items():
            assert micros <= MICROS_PER_SECOND * reported[session_id], (session_id, micros)


def target_of(server: ServerProcess) -> Target:
    """The server as its gateways see it."""
    return Target(host="127.0.0.1", auth_port=server.auth_port, acct_port=server.acct_port, secret=SECRET)


def booked(database: Path, prefix: str) -> dict[str, int]:
    """What each session was charged in all, by its Acct-Session-Id, for those that begin with `prefix`."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT substr(session_key, instr(session_key, '|') + 1) AS number, coalesce(micros, 0)"
            " FROM session LEFT JOIN (SELECT session_id, -sum(amount_micros) AS micros FROM ledger_entry"
            " WHERE kind = 'charge' GROUP BY session_id) USING (session_id)"
            " WHERE substr(number, 1, ?) = ?",
            (len(prefix), prefix),
        )
        return dict(rows.fetchall())

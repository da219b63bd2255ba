"""`kill -9` at random moments, over and over, and each time the books held against what had been answered.

A real server, real sockets, a real database. A RADIUS gateway makes calls, of which some fall silent;
a softswitch makes direct debits over gRPC. Both go on through every kill and send again what is not answered.
After each restart: whatever was answered is booked, nothing was charged that was not reported, no session
that was due is still open, and `ocs ledger verify` finds nothing. In the end nothing is held.

    python tests/kill.py --rounds 30 --seed 7
"""

import argparse
import random
import secrets
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self

from server import ServerProcess
from traffic import Traffic, stock

from ocs.grpc.client import ChargingClient, RetryPolicy
from ocs.grpc.pb import charging_pb2 as pb

ACCOUNTS: Final = 40
INTERIM_INTERVAL_S: Final = 2
"Twice this much silence ends a call."
SILENT_SHARE: Final = 0.1
LIFE_S_MAX: Final = 2.5
"How long a server may serve before it is killed."
START_S_MAX: Final = 1.0
"How far a server may get with its start before it is killed."
STARTS_KILLED_EVERY: Final = 4
"Of so many kills one is followed by another before the server serves again."
EXPIRED_WITHIN_S: Final = 10.0
MESSAGE_MICROS: Final = 30_000
"Price of a message in the sample's retail plan."


class Debits:
    """A softswitch that debits one message after the other, each under a key of its own, until it is told.

    A context manager; leaving it ends the softswitch, whatever is unanswered.
    """

    def __init__(self, server: ServerProcess, *, account: str) -> None:
        self.account = account
        self.answered = 0
        "Debits that were acknowledged; at most one more is under way."
        self._client = ChargingClient.connect(
            f"127.0.0.1:{server.grpc_port}", retry=RetryPolicy(attempt_timeout_s=1.0, delay_s_max=0.2)
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._debit_until_ended, daemon=True)

    def _debit_until_ended(self) -> None:
        who = pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value=self.account)
        while not self._ended.is_set():
            request = pb.DirectDebitRequest(
                request_id=f"debit-{self.answered}", subscription_ids=[who], service="messages", units=1
            )
            answer = self._client.direct_debit(request, timeout_s=120)
            assert answer.charged_micros == MESSAGE_MICROS, answer
            self.answered += 1

    def finish(self) -> None:
        """Wait for the debit under way and make no more."""
        self._ended.set()
        self._thread.join(timeout=30)
        assert not self._thread.is_alive(), "a debit was not answered"

    def check(self, database: Path, *, least: int, most: int) -> None:
        """Hold the books against the number of debits that were answered before, and begun by now.

        Raises:
            AssertionError: one was answered and is not booked, or was booked twice.
        """
        with closing(sqlite3.connect(database)) as connection:
            ((micros,),) = connection.execute(
                "SELECT -coalesce(sum(amount_micros), 0)"
                " FROM ledger_entry JOIN account ON account.id = account_id"
                " WHERE name = ? AND ledger_entry.kind = 'charge'",
                (self.account,),
            )
        assert least * MESSAGE_MICROS <= micros <= most * MESSAGE_MICROS, (least, micros, most)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._client.close()
        self._thread.join(timeout=30)


@dataclass(slots=True)
class Report:
    """What a run of the harness went through."""

    seed: int
    kills: int = 0
    kills_while_starting: int = 0
    answered: int = 0
    retransmitted: int = 0
    debits: int = 0
    expired: int = 0
    "Sessions that were ended for silence."
    restart_s: list[float] = field(default_factory=list)
    "From each launch to the first moment at which the server serves."

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.kills} kills, {self.kills_while_starting} of them while starting; "
            f"{self.answered} requests answered, {self.retransmitted} sent again, {self.debits} debits, "
            f"{self.expired} sessions expired; slowest start {max(self.restart_s):.1f} s; the books are right"
        )


class Harness:
    """One server that is killed again and again."""

    def __init__(self, folder: Path, *, seed: int, say: Callable[[str], None] = lambda _: None) -> None:
        self._chance = random.Random(seed)
        self._server = ServerProcess(folder)
        self._say = say
        self.report = Report(seed)

    def run(self, rounds: int) -> Report:
        """Kill, restart and check so many times, then let everything end.

        Raises:
            AssertionError: a promise was broken.
        """
        server, report = self._server, self.report
        stock(server, accounts=ACCOUNTS, interim_interval_s=INTERIM_INTERVAL_S)
        server.ocs(
            *[
                "account",
                "create",
                "postbox",
                "--plan",
                "retail",
                "--balance",
                "1000000",
                "--username",
                "postbox",
            ]
        )
        traffic = Traffic(server, accounts=ACCOUNTS, seed=report.seed, silent_share=SILENT_SHARE)
        with server, traffic, Debits(server, account="postbox") as debits:
            self._start()
            for number in range(1, rounds + 1):
                self._round(traffic, debits, is_start_killed=number % STARTS_KILLED_EVERY == 1)
                self._say(f"{number}/{rounds}: {traffic.result.answered} answered, the books are right")
            traffic.finish()
            debits.finish()
            traffic.check(server.database)
            debits.check(server.database, least=debits.answered, most=debits.answered)
            self._wait_until_none("SELECT count(*) FROM session WHERE state = 1")
            self._wait_until_none("SELECT count(*) FROM account_state WHERE reserved_micros OR open_sessions")
            assert server.stop() == 0
            server.ocs("ledger", "verify")
            report.answered = traffic.result.answered
            report.retransmitted = traffic.result.retransmitted
            report.debits = debits.answered
            report.expired = self._count("SELECT count(*) FROM session WHERE end_cause = 'expired'")
        return report

    def _round(self, traffic: Traffic, debits: Debits, *, is_start_killed: bool) -> None:
        time.sleep(self._chance.uniform(0, LIFE_S_MAX))
        self._server.kill()
        self.report.kills += 1
        receipts, debited = traffic.receipts(), debits.answered
        if is_start_killed:
            self._kill_while_starting()
        restarted_ms = time.time_ns() // 1_000_000
        self._start()
        traffic.check(self._server.database, receipts)
        debits.check(self._server.database, least=debited, most=debits.answered + 1)
        self._server.ocs("ledger", "verify")
        self._wait_until_none(
            f"SELECT count(*) FROM session WHERE state = 1 AND expires_at_ms < {restarted_ms}"
        )

    def _kill_while_starting(self) -> None:
        self._server.launch()
        time.sleep(self._chance.uniform(0, START_S_MAX))
        self._server.kill()
        self.report.kills += 1
        self.report.kills_while_starting += 1

    def _start(self) -> None:
        started = time.monotonic()
        self._server.start()
        self.report.restart_s.append(time.monotonic() - started)

    def _wait_until_none(self, query: str) -> None:
        ends_at = time.monotonic() + EXPIRED_WITHIN_S
        while (left := self._count(query)) and time.monotonic() < ends_at:
            time.sleep(0.1)
        assert not left, f"{query}: {left}"

    def _count(self, query: str) -> int:
        with closing(sqlite3.connect(self._server.database)) as connection:
            ((count,),) = connection.execute(query)
        return int(count)


def main() -> None:
    """Run the harness from the command line; the seed that it prints repeats its choices."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)  # noqa: T201 - a script
    with TemporaryDirectory() as folder:
        harness = Harness(Path(folder), seed=options.seed, say=lambda line: print(line, flush=True))  # noqa: T201
        print(harness.run(options.rounds))  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

"""How long `ocs ledger verify` takes over a million ledger entries, and whether it sees one that is wrong.

Makes a database of accounts that were paid in once and charged twice by each of their sessions, of which some
are still open; then runs the command, and again after one amount was changed by a micro.

    python benchmarks/verify.py --entries 1000000 --accounts 10000
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from contract.books import account, cdr, entry, reservation, session

from ocs.ports import Decision
from ocs.quota.session import SessionState
from ocs.storage.sql.commit import write

OPENING_MICROS = 100_000_000
CHARGE_MICROS = 15_000
HELD_MICROS = 60_000
OPEN_EVERY = 50
"One session of so many is open."
ACCOUNTS_PER_TRANSACTION = 100


def books_of(number: int, charges: int) -> Decision:
    """One account's books: an opening, then two charges per session."""
    balance = OPENING_MICROS
    entries = [entry(number, 1, balance, balance, request_key="opening")]
    sessions, reservations, cdrs = [], [], []
    held = open_sessions = 0
    for ordinal in range(charges // 2):
        key = number * 100_000 + ordinal
        is_open = ordinal % OPEN_EVERY == 0
        held += HELD_MICROS * is_open
        open_sessions += is_open
        state = SessionState.OPEN if is_open else SessionState.CLOSED
        sessions.append(session(key, account_id=number, state=state, used_units=120))
        money = {"debited_micros": 2 * CHARGE_MICROS, "reserved_micros": HELD_MICROS * is_open}
        reservations.append(reservation(key, number, **money))
        for _ in range(2):
            balance -= CHARGE_MICROS
            place = {"kind": "charge", "session_id": key, "snapshot_id": 7}
            entries.append(entry(number, len(entries) + 1, -CHARGE_MICROS, balance, **place))
        if not is_open:
            cdrs.append(cdr(key, number, charged_micros=2 * CHARGE_MICROS))
    sums = {"balance_micros": balance, "reserved_micros": held, "entries": len(entries)}
    counts = {"open_sessions": open_sessions, "open_voice": open_sessions}
    return Decision(
        root_id=number,
        accounts=[account(number, **sums, **counts)],
        sessions=sessions,
        reservations=reservations,
        entries=entries,
        cdrs=cdrs,
    )


def chunks(accounts: int, charges: int) -> Iterator[list[Decision]]:
    """All accounts' books, some at a time."""
    for first in range(1, accounts + 1, ACCOUNTS_PER_TRANSACTION):
        last = min(first + ACCOUNTS_PER_TRANSACTION, accounts + 1)
        yield [books_of(number, charges) for number in range(first, last)]


def ocs(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder."""
    environment = os.environ | {"OCS_CONFIG": str(folder / "ocs.toml")}
    return subprocess.run(
        [sys.executable, "-m", "ocs", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def verify(folder: Path, *, code: int) -> None:
    """Run the command and say how long it took."""
    began_s = time.perf_counter()
    done = ocs(folder, "ledger", "verify")
    took_s = time.perf_counter() - began_s
    print(f"ocs ledger verify: {took_s:.1f} s, exit code {done.returncode}: {done.stdout.strip()[:200]}")
    assert done.returncode == code, done.stdout + done.stderr


def main() -> None:
    """Make the books, verify them, damage them, verify them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    options = parser.parse_args()
    with TemporaryDirectory() as name:
        folder = Path(name)
        made = ocs(folder, "init")
        assert made.returncode == 0, made.stderr
        database = folder / "ocs.db"
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            for decisions in chunks(options.accounts, options.entries // options.accounts):
                connection.execute("BEGIN")
                assert write(connection, decisions), "the books conflict with themselves"
                connection.execute("COMMIT")
            ((entries,),) = connection.execute("SELECT count(*) FROM ledger_entry")
            ((sessions,),) = connection.execute("SELECT count(*) FROM session")
        size = database.stat().st_size / 2**20
        print(f"{options.accounts} accounts, {entries} entries, {sessions} sessions, {size:.0f} MiB")
        verify(folder, code=0)
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(
                "UPDATE ledger_entry SET amount_micros = amount_micros - 1"
                " WHERE account_id = 77 AND number = 3"
            )
        verify(folder, code=1)


if __name__ == "__main__":
    main()

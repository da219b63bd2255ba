"""Group commit: many decisions, one transaction, one fsync. The hot path of the whole product.

Owns the statements and the order in which a batch is written. Rows are written on the event loop's thread
and only the COMMIT, which waits for the disk, runs in a thread: why, with figures, is in
``docs/decisions/0003-group-commit-on-sqlite.md``.

A batch is tried as a whole. When a row does not take effect the batch is undone and its decisions are
written one by one under savepoints, so that only those that conflict are left out.
"""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ocs.errors import StoreUnavailableError
from ocs.ports import CommitResult, Decision
from ocs.quota.session import SessionState
from ocs.storage.sql import schema, statement
from ocs.storage.sql.aside import Aside
from ocs.storage.sql.database import Database, is_failure

BEGIN_RETRY_S: Final = 0.001
"SQLite's own waiting sleeps up to 100 ms at a time and misses the gaps that an import leaves."

_PRIMARY_CODE: Final = 0xFF
"The part of SQLite's error code that says what; the rest says why."

Rows = Sequence[Sequence[Any]]

_SESSION_FIXED: Final = ["session_id", "gateway_id", "session_key", "account_id"]

INSERT_ACCOUNT: Final = statement.insert(schema.account_state)
UPDATE_ACCOUNT: Final = statement.compare_and_set(schema.account_state, ["account_id"])
INSERT_SESSION: Final = statement.insert(schema.session)
UPDATE_SESSION: Final = statement.compare_and_set(schema.session, _SESSION_FIXED)
UPDATE_STILL_OPEN: Final = statement.compare_and_set(schema.session, [*_SESSION_FIXED, "state"])
"For a session that was open and stays so: the index of open sessions needs no upkeep."
UPSERT_RESERVATION: Final = statement.upsert(schema.reservation, ["session_id", "account_id"])
INSERT_ENTRY: Final = statement.insert(schema.ledger_entry)
UPSERT_CDR: Final = statement.upsert(schema.cdr, ["session_id", "account_id"], growing="revision")
INSERT_ANSWER: Final = statement.insert(schema.answer)
UPSERT_PARKED: Final = statement.upsert(
    schema.parked, ["gateway_id", "session_key"], growing="used_units", equal=True
)
DELETE_PARKED: Final = statement.delete_by(schema.parked, "parked_id")
INSERT_NOTICE: Final = statement.insert(schema.notice)
INSERT_AUDIT: Final = statement.insert(schema.audit_log, without=["number"])
INSERT_SNAPSHOT: Final = statement.insert_if_absent(schema.rate_snapshot)

OPEN: Final = int(SessionState.OPEN)
UNWRITABLE: Final = (sqlite3.IntegrityError, OverflowError, UnicodeEncodeError)
"What a row is to blame for: a key that is taken, a check, a number beyond 64 bits, text that is no Unicode."


class Step(NamedTuple):
    """One statement of a batch and its rows."""

    statement: str
    rows: Rows


def strict_steps(decisions: Sequence[Decision], *, update_open: str) -> list[Step]:
    """What writes the decisions, owners before what they own: each row must take effect.

    Args:
        decisions: what is to be written.
        update_open: the statement for sessions that are open afterwards.
    """
    accounts = [row for decision in decisions for row in decision.accounts]
    sessions = [row for decision in decisions for row in decision.sessions]
    moved = [row for row in sessions if row.version != 1]
    return [
        Step(INSERT_ACCOUNT, [row for row in accounts if row.version == 1]),
        Step(UPDATE_ACCOUNT, [row for row in accounts if row.version != 1]),
        Step(INSERT_SESSION, [row for row in sessions if row.version == 1]),
        Step(update_open, [row for row in moved if row.state == OPEN]),
        Step(UPDATE_SESSION, [row for row in moved if row.state != OPEN]),
        Step(UPSERT_RESERVATION, [row for decision in decisions for row in decision.reservations]),
        Step(INSERT_ENTRY, [row for decision in decisions for row in decision.entries]),
        Step(UPSERT_CDR, [row for decision in decisions for row in decision.cdrs]),
        Step(INSERT_ANSWER, [row for decision in decisions for row in decision.answers]),
        Step(INSERT_NOTICE, [row for decision in decisions for row in decision.notices]),
        Step(INSERT_AUDIT, [entry[1:] for decision in decisions for entry in decision.audits]),
    ]


def lenient_steps(decisions: Sequence[Decision]) -> list[Step]:
    """What else is written: rows that may find nothing to do."""
    return [
        Step(INSERT_SNAPSHOT, [row for decision in decisions for row in decision.snapshots]),
        Step(DELETE_PARKED, [(key,) for decision in decisions for key in decision.unparked]),
        Step(UPSERT_PARKED, [row for decision in decisions for row in decision.parked]),
    ]


def write(
    connection: sqlite3.Connection, decisions: Sequence[Decision], *, update_open: str = UPDATE_SESSION
) -> bool:
    """Write the decisions into the open transaction; False when one of them conflicts."""
    try:
        for step in lenient_steps(decisions):
            if step.rows:
                connection.executemany(step.statement, step.rows)
        return all(
            connection.executemany(step.statement, step.rows).rowcount == len(step.rows)
            for step in strict_steps(decisions, update_open=update_open)
            if step.rows
        )
    except UNWRITABLE:
        # A unique key is taken, or a value is one that no column takes: it must not sink the rest.
        return False


def write_singly(connection: sqlite3.Connection, decisions: Sequence[Decision]) -> list[CommitResult]:
    """Write the decisions one by one into the open transaction, leaving out those that conflict."""
    results = []
    for decision in decisions:
        connection.execute("SAVEPOINT decision")
        if write(connection, [decision]):
            results.append(CommitResult.COMMITTED)
        else:
            connection.execute("ROLLBACK TO decision")
            results.append(CommitResult.CONFLICT)
        connection.execute("RELEASE decision")
    return results


def _try_begin(connection: sqlite3.Connection, *, is_last: bool) -> bool:
    """Take the write lock; False when another process has it, unless this is the last try."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if is_last or error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


class Committer:
    """The one connection that writes decisions, and the thread in which it waits for the disk."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: sqlite3.Connection | None = None
        self._aside = Aside("ocs-commit")
        self._turn = asyncio.Lock()

    async def commit(self, decisions: Sequence[Decision]) -> list[CommitResult]:
        """Write each decision whole or not at all, all in one durable step.

        A caller that is cancelled meanwhile does not know whether they are written.
        """
        async with self._turn:
            try:
                connection = await self._begin()
                # A session hardly ever opens again; the batch of one that does is written singly.
                if write(connection, decisions, update_open=UPDATE_STILL_OPEN):
                    await self._aside.run(connection.commit)
                    return [CommitResult.COMMITTED] * len(decisions)
                return await self._aside.run(self._commit_singly, connection, decisions)
            except BaseException as error:
                # Also when cancelled: what the thread has begun ends before the connection is closed.
                await self._aside.run(self._give_up)
                if is_failure(error):
                    raise StoreUnavailableError(f"the database cannot write: {error}") from error
                raise

    async def _begin(self) -> sqlite3.Connection:
        """Take the write lock: at once if it is free, else in the thread, where waiting hurts nobody."""
        if self._connection is not None and _try_begin(self._connection, is_last=False):
            return self._connection
        return await self._aside.run(self._begin_patiently)

    def _begin_patiently(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._database.connect()
            # From here on no statement waits: most of them run on the event loop's thread.
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA cache_size = -65536")
        deadline = time.monotonic() + self._database.busy_timeout_s
        while not _try_begin(self._connection, is_last=time.monotonic() > deadline):
            time.sleep(BEGIN_RETRY_S)
        return self._connection

    def _commit_singly(
        self, connection: sqlite3.Connection, decisions: Sequence[Decision]
    ) -> list[CommitResult]:
        connection.rollback()
        self._begin_patiently()
        results = write_singly(connection, decisions)
        connection.commit()
        return results

    def _give_up(self) -> None:
        """Close the connection, which undoes its transaction; the next commit opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def close(self) -> None:
        """Finish the commit under way and let go of the connection."""
        async with self._turn:
            await self._aside.run(self._give_up)
        self._aside.close()

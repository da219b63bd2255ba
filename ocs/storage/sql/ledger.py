"""`ocs.ports.LedgerStore` on SQL: live state is read, the books are listed, decisions go to the committer."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Select, func, literal_column, select, tuple_

from ocs.ports import Cdr, CdrPlace, CommitResult, Decision, LoadedState, Notice, ParkedReport, StoredAnswer
from ocs.quota.account import Account
from ocs.quota.ledger import LedgerEntry
from ocs.quota.session import Reservation, Session, SessionState
from ocs.storage.sql import audit, schema
from ocs.storage.sql.commit import Committer
from ocs.storage.sql.database import Database
from ocs.storage.sql.statement import columns_of, select_text, slot

T = TypeVar("T")

_ACCOUNT: Final = select_text(
    select(schema.account_state).where(schema.account_state.c.account_id == slot(1))
)
_SESSION: Final = select_text(
    select(schema.session).where(
        schema.session.c.gateway_id == slot(1), schema.session.c.session_key == slot(2)
    )
)
_SESSION_OF_ID: Final = select_text(select(schema.session).where(schema.session.c.session_id == slot(1)))
_RESERVATIONS: Final = select_text(
    select(schema.reservation)
    .where(schema.reservation.c.session_id == slot(1))
    .order_by(schema.reservation.c.ordinal, schema.reservation.c.account_id)
)
_SNAPSHOT: Final = select_text(
    select(schema.rate_snapshot).where(schema.rate_snapshot.c.snapshot_id == slot(1))
)
_ANSWER: Final = select_text(
    select(schema.answer).where(schema.answer.c.gateway_id == slot(1), schema.answer.c.request_key == slot(2))
)
_ENTRY_OF_KEY: Final = select_text(
    select(schema.ledger_entry).where(
        schema.ledger_entry.c.account_id == slot(1), schema.ledger_entry.c.request_key == slot(2)
    )
)
_IS_OPEN: Final = schema.session.c.state == literal_column(str(SessionState.OPEN.value))
"The constant written out, so that the planner sees that the partial index of open sessions fits."
_SESSION_COLUMNS: Final = columns_of(schema.session)
_RESERVATION_COLUMNS: Final = columns_of(schema.reservation)


class SqlLedgerStore:
    """Live state, ledger and CDRs in an SQL database; `ocs.ports.LedgerStore` says what each call means."""

    def __init__(self, database: Database) -> None:
        database.acquire()
        self._database = database
        self._committer = Committer(database)

    async def load(self, account_ids: Iterable[int], session_keys: Iterable[tuple[int, str]]) -> LoadedState:
        """Read accounts and sessions in one view, on the calling thread: it takes microseconds."""

        def read(reader: sqlite3.Connection) -> LoadedState:
            state = LoadedState()
            for account_id in account_ids:
                row = reader.execute(_ACCOUNT, (account_id,)).fetchone()
                if row is not None:
                    state.accounts[account_id] = Account(*row)
            for key in session_keys:
                row = reader.execute(_SESSION, key).fetchone()
                if row is not None:
                    state.sessions[key] = _session(reader, row)
            return state

        return self._database.read_now(read)

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Write each decision whole or not at all, all with one fsync."""
        named = [row.account_id for decision in decisions for row in decision.accounts]
        assert len(set(named)) == len(named), "an account is named twice in one commit"
        if not decisions:
            return []
        return await self._committer.commit(decisions)

    async def load_snapshots(self, snapshot_ids: Iterable[int]) -> dict[int, str]:
        """Bodies of rate snapshots by id."""

        def read(reader: sqlite3.Connection) -> dict[int, str]:
            found = (reader.execute(_SNAPSHOT, (key,)).fetchone() for key in snapshot_ids)
            return dict(row for row in found if row is not None)

        return self._database.read_now(read)

    async def load_answer(self, gateway_id: int, request_key: str) -> StoredAnswer | None:
        """The stored answer of one keyed request."""
        row = self._point(_ANSWER, gateway_id, request_key)
        return None if row is None else StoredAnswer(*row)

    async def find_entry(self, account_id: int, request_key: str) -> LedgerEntry | None:
        """The entry that a command with this idempotency key made."""
        row = self._point(_ENTRY_OF_KEY, account_id, request_key)
        return None if row is None else LedgerEntry(*row)

    def _point(self, statement: str, *arguments: Any) -> Sequence[Any] | None:
        def read(reader: sqlite3.Connection) -> Sequence[Any] | None:
            row: Sequence[Any] | None = reader.execute(statement, arguments).fetchone()
            return row

        return self._database.read_now(read)

    async def open_sessions(self, *, due_before_ms: int | None = None) -> Sequence[tuple[int, int, str]]:
        """Expiry and key of every open session, or of those that are due."""
        table = schema.session.c
        statement = select(table.expires_at_ms, table.gateway_id, table.session_key).where(_IS_OPEN)
        if due_before_ms is not None:
            statement = statement.where(table.expires_at_ms < due_before_ms)
        return await self._rows(statement)

    async def find_open(
        self, *, account_id: int | None = None, only_final: bool = False
    ) -> Sequence[Session]:
        """Open sessions with their reservations."""
        statement = select(schema.session).where(_IS_OPEN)
        if only_final:
            statement = statement.where(schema.session.c.final_grant == 1)
        if account_id is not None:
            # Driven from the open sessions: an account may have paid for millions that have ended.
            held = schema.reservation.c
            paid: Select[Any] = select(literal_column("1")).where(
                held.session_id == schema.session.c.session_id, held.account_id == account_id
            )
            statement = statement.where(paid.exists())
        return await self._sessions(statement)

    async def list_sessions(
        self,
        *,
        account_id: int | None = None,
        gateway_id: int | None = None,
        state: SessionState | None = None,
        only_open: bool = True,
        before_id: int | None = None,
        limit: int = 100,
    ) -> Sequence[Session]:
        """Sessions for people, newest first."""
        statement = select(schema.session).order_by(schema.session.c.session_id.desc()).limit(limit)
        if account_id is not None:
            statement = statement.where(schema.session.c.account_id == account_id)
        if gateway_id is not None:
            statement = statement.where(schema.session.c.gateway_id == gateway_id)
        if before_id is not None:
            statement = statement.where(schema.session.c.session_id < before_id)
        if only_open or state is SessionState.OPEN:
            statement = statement.where(_IS_OPEN)
        elif state is not None:
            statement = statement.where(schema.session.c.state == int(state))
        return await self._sessions(statement)

    async def _sessions(self, statement: Select[Any]) -> list[Session]:
        def read(connection: Connection) -> list[Session]:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            return [_session(raw, row) for row in connection.execute(statement)]

        return await self._database.read(read)

    async def knows_gateway(self, gateway_id: int) -> bool:
        """Whether the books have anything of this gateway."""
        for table in (schema.session, schema.answer, schema.parked):
            if await self._rows(select(table.c.gateway_id).where(table.c.gateway_id == gateway_id).limit(1)):
                return True
        return False

    async def find_session(self, session_id: int) -> Session | None:
        """The session with this id, with its reservations."""

        def read(reader: sqlite3.Connection) -> Session | None:
            row = reader.execute(_SESSION_OF_ID, (session_id,)).fetchone()
            return None if row is None else _session(reader, row)

        return self._database.read_now(read)

    async def list_entries(
        self,
        account_id: int,
        *,
        after_number: int = 0,
        from_ms: int | None = None,
        until_ms: int | None = None,
        limit: int | None = None,
    ) -> Sequence[LedgerEntry]:
        """An account's ledger entries, oldest first."""
        table = schema.ledger_entry
        statement = (
            select(table)
            .where(table.c.account_id == account_id, table.c.number > after_number)
            .order_by(table.c.number)
            .limit(limit)
        )
        if from_ms is not None:
            statement = statement.where(table.c.at_ms >= from_ms)
        if until_ms is not None:
            statement = statement.where(table.c.at_ms < until_ms)
        return [LedgerEntry(*row) for row in await self._rows(statement)]

    async def sum_entries(self, account_id: int, *, until_ms: int) -> int:
        """What an account's entries of instants before `until_ms` add up to."""
        table = schema.ledger_entry
        total = func.coalesce(func.sum(table.c.amount_micros), 0)
        statement = select(total).where(table.c.account_id == account_id, table.c.at_ms < until_ms)
        ((micros,),) = await self._rows(statement)
        return int(micros)

    async def list_cdrs(
        self, *, account_id: int | None = None, session_id: int | None = None, limit: int | None = None
    ) -> Sequence[Cdr]:
        """Session detail records, the newest first."""
        table = schema.cdr
        statement = (
            select(table)
            .order_by(table.c.recorded_at_ms.desc(), table.c.session_id.desc(), table.c.account_id)
            .limit(limit)
        )
        if account_id is not None:
            statement = statement.where(table.c.account_id == account_id)
        if session_id is not None:
            statement = statement.where(table.c.session_id == session_id)
        return [Cdr(*row) for row in await self._rows(statement)]

    async def page_cdrs(
        self,
        *,
        account_id: int | None = None,
        gateway_id: int | None = None,
        from_ms: int = 0,
        until_ms: int | None = None,
        after: CdrPlace | None = None,
        newest_first: bool = False,
        limit: int = 1000,
    ) -> Sequence[Cdr]:
        """Session detail records by place, oldest or newest first."""
        table = schema.cdr
        place = (table.c.recorded_at_ms, table.c.session_id, table.c.account_id)
        order = [column.desc() for column in place] if newest_first else list(place)
        statement = select(table).where(table.c.recorded_at_ms >= from_ms).order_by(*order).limit(limit)
        if gateway_id is not None:
            statement = statement.where(table.c.gateway_id == gateway_id)
        if account_id is not None:
            statement = statement.where(table.c.account_id == account_id)
        if until_ms is not None:
            statement = statement.where(table.c.recorded_at_ms < until_ms)
        if after is not None:
            # The first condition lets the index find the page, the second the place within an instant.
            if newest_first:
                statement = statement.where(
                    table.c.recorded_at_ms <= after.recorded_at_ms, tuple_(*place) < tuple_(*after)
                )
            else:
                statement = statement.where(
                    table.c.recorded_at_ms >= after.recorded_at_ms, tuple_(*place) > tuple_(*after)
                )
        return [Cdr(*row) for row in await self._rows(statement)]

    async def list_notices(self, *, account_id: int | None = None, limit: int = 100) -> Sequence[Notice]:
        """What owners of accounts should be told, newest first."""
        table = schema.notice
        statement = (
            select(table)
            .order_by(table.c.at_ms.desc(), table.c.account_id, table.c.number.desc())
            .limit(limit)
        )
        if account_id is not None:
            statement = statement.where(table.c.account_id == account_id)
        return [Notice(*row) for row in await self._rows(statement)]

    async def list_parked(self, *, after_id: int = 0, limit: int = 100) -> Sequence[ParkedReport]:
        """Reports that wait for an operator, oldest first."""
        table = schema.parked
        statement = select(table).where(table.c.parked_id > after_id).order_by(table.c.parked_id).limit(limit)
        return [ParkedReport(*row) for row in await self._rows(statement)]

    async def verify(self) -> Sequence[str]:
        """Recompute every balance and reservation in one view of the books."""
        return [str(found) for found in await self._database.read(audit.audit)]

    async def _rows(self, statement: Select[Any]) -> list[Any]:
        return await self._database.read(
            lambda connection: [tuple(row) for row in connection.execute(statement)]
        )

    async def close(self) -> None:
        """Finish the commit under way and let go of the database."""
        await self._committer.close()
        self._database.release()


def _session(reader: sqlite3.Connection, row: Sequence[Any]) -> Session:
    session = Session(**dict(zip(_SESSION_COLUMNS, row, strict=True)))
    rows = reader.execute(_RESERVATIONS, (session.session_id,))
    session.reservations = [Reservation(**dict(zip(_RESERVATION_COLUMNS, row, strict=True))) for row in rows]
    return session

"""The books recomputed by the database itself, with window functions: see `LedgerStore.verify`."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from ocs.quota.ledger import EntryKind
from ocs.quota.session import SessionState
from ocs.storage import finding
from ocs.storage.finding import Finding
from ocs.storage.sql.schema import account_state, ledger_entry, reservation, session


def audit(connection: Connection) -> list[Finding]:
    """Everything in the books that does not add up, by account."""
    return sorted(chain(_entries(connection), _sums(connection), _ended(connection), _debited(connection)))


def _entries(connection: Connection) -> Iterator[Finding]:
    """Entry numbers count up from 1, and each balance is the sum so far."""
    entry = ledger_entry.c
    number = func.row_number().over(partition_by=entry.account_id, order_by=entry.number)
    running = func.sum(entry.amount_micros).over(
        partition_by=entry.account_id, order_by=entry.number, rows=(None, 0)
    )
    ordered = select(
        entry.account_id,
        entry.number,
        entry.balance_micros,
        number.label("expected"),
        running.label("sum_micros"),
    ).subquery()
    found = ordered.c
    wrong = or_(found.number != found.expected, found.balance_micros != found.sum_micros)
    for row in connection.execute(select(ordered).where(wrong)):
        if row.number != row.expected:
            yield finding.wrong_number(row.account_id, number=row.number, expected=row.expected)
        if row.balance_micros != row.sum_micros:
            yield finding.wrong_running_balance(
                row.account_id,
                number=row.number,
                recorded_micros=row.balance_micros,
                sum_micros=row.sum_micros,
            )


def _sums_query() -> Select[Any]:
    """Accounts whose sums differ from what their entries and open sessions add up to."""
    entries = (
        select(
            ledger_entry.c.account_id,
            func.sum(ledger_entry.c.amount_micros).label("micros"),
            func.count().label("number"),
        )
        .group_by(ledger_entry.c.account_id)
        .subquery()
    )
    held = (
        select(
            reservation.c.account_id,
            func.sum(reservation.c.reserved_micros).label("micros"),
            func.count().label("number"),
        )
        .join(session, session.c.session_id == reservation.c.session_id)
        .where(session.c.state == SessionState.OPEN.value)
        .group_by(reservation.c.account_id)
        .subquery()
    )
    account = account_state.c
    found = {
        "entries_micros": (account.balance_micros, func.coalesce(entries.c.micros, 0)),
        "entries_found": (account.entries, func.coalesce(entries.c.number, 0)),
        "held_micros": (account.reserved_micros, func.coalesce(held.c.micros, 0)),
        "open_found": (account.open_sessions, func.coalesce(held.c.number, 0)),
    }
    return (
        select(account_state, *(actual.label(name) for name, (_, actual) in found.items()))
        .outerjoin(entries, entries.c.account_id == account.account_id)
        .outerjoin(held, held.c.account_id == account.account_id)
        .where(or_(*(recorded != actual for recorded, actual in found.values())))
    )


def _sums(connection: Connection) -> Iterator[Finding]:
    for row in connection.execute(_sums_query()):
        key = row.account_id
        if row.balance_micros != row.entries_micros:
            yield finding.wrong_balance(
                key, recorded_micros=row.balance_micros, entries_micros=row.entries_micros
            )
        if row.entries != row.entries_found:
            yield finding.wrong_entry_count(key, recorded=row.entries, found=row.entries_found)
        if row.reserved_micros != row.held_micros:
            yield finding.wrong_reserved(
                key, recorded_micros=row.reserved_micros, held_micros=row.held_micros
            )
        if row.open_sessions != row.open_found:
            yield finding.wrong_open_sessions(key, recorded=row.open_sessions, found=row.open_found)


def _ended(connection: Connection) -> Iterator[Finding]:
    """Sessions that are over hold nothing."""
    statement = (
        select(reservation)
        .join(session, session.c.session_id == reservation.c.session_id)
        .where(session.c.state != SessionState.OPEN.value, reservation.c.reserved_micros != 0)
    )
    for row in connection.execute(statement):
        yield finding.held_after_end(
            row.account_id, session_id=row.session_id, held_micros=row.reserved_micros
        )


def _debited(connection: Connection) -> Iterator[Finding]:
    """What a session has debited from a payer is what the payer's charges for it sum to."""
    entry = ledger_entry.c
    charges = (
        select(entry.session_id, entry.account_id, (-func.sum(entry.amount_micros)).label("micros"))
        .where(entry.kind == EntryKind.CHARGE.value, entry.session_id.is_not(None))
        .group_by(entry.session_id, entry.account_id)
        .subquery()
    )
    charged = func.coalesce(charges.c.micros, 0)
    held = reservation.c
    statement = (
        select(held.session_id, held.account_id, held.debited_micros, charged.label("charged_micros"))
        .outerjoin(
            charges,
            (charges.c.session_id == held.session_id) & (charges.c.account_id == held.account_id),
        )
        .where(held.debited_micros != charged)
    )
    for row in connection.execute(statement):
        yield finding.wrong_debited(
            row.account_id,
            session_id=row.session_id,
            recorded_micros=row.debited_micros,
            charged_micros=row.charged_micros,
        )

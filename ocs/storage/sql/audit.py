"""The books recomputed by the database itself, with window functions: see `LedgerStore.verify`."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, func, or_, select

from ocs.quota.ledger import EntryKind
from ocs.quota.occupancy import write_counts
from ocs.quota.session import SessionState
from ocs.storage import finding
from ocs.storage.finding import Finding
from ocs.storage.pool_audit import Sharing, audit_pools
from ocs.storage.sql.schema import account_state, ledger_entry, reservation, session
from ocs.units import DATA_SERVICES, VOICE_SERVICES


def audit(connection: Connection) -> list[Finding]:
    """Everything in the books that does not add up, by account."""
    parts = (_entries, _sums, _counts, _ended, _debited, _refunded, _pools)
    return sorted(chain.from_iterable(part(connection) for part in parts))


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


def _counts(connection: Connection) -> Iterator[Finding]:
    """Accounts count their open sessions by kind, and by identity that has a limit."""
    is_open = session.c.state == SessionState.OPEN.value
    kinds = {"voice": VOICE_SERVICES, "data": DATA_SERVICES}
    open_kinds = (
        select(
            reservation.c.account_id,
            *(
                func.sum(session.c.service.in_(names).cast(BigInteger)).label(kind)
                for kind, names in kinds.items()
            ),
        )
        .join(session, session.c.session_id == reservation.c.session_id)
        .where(is_open)
        .group_by(reservation.c.account_id)
        .subquery()
    )
    by_identity: dict[int, dict[str, int]] = {}
    who = (session.c.account_id, session.c.counted_identity)
    counted = select(*who, func.count().label("number")).where(is_open, session.c.counted_identity != "")
    for row in connection.execute(counted.group_by(*who)):
        by_identity.setdefault(row.account_id, {})[row.counted_identity] = row.number
    account = account_state.c
    found = {kind: func.coalesce(open_kinds.c[kind], 0) for kind in kinds}
    statement = (
        select(account_state, *(value.label(f"found_{kind}") for kind, value in found.items()))
        .outerjoin(open_kinds, open_kinds.c.account_id == account.account_id)
        .where(
            or_(
                account.open_voice != found["voice"],
                account.open_data != found["data"],
                account.open_by_identity != "",
                account.account_id.in_(by_identity),
            )
        )
    )
    for row in connection.execute(statement):
        if row.open_voice != row.found_voice:
            yield finding.wrong_open_kind(
                row.account_id, kind="voice", recorded=row.open_voice, found=row.found_voice
            )
        if row.open_data != row.found_data:
            yield finding.wrong_open_kind(
                row.account_id, kind="data", recorded=row.open_data, found=row.found_data
            )
        counts = write_counts(by_identity.get(row.account_id, {}))
        if row.open_by_identity != counts:
            yield finding.wrong_open_by_identity(row.account_id, recorded=row.open_by_identity, found=counts)


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
    for row in connection.execute(_moved(EntryKind.CHARGE, reservation.c.debited_micros, sign=-1)):
        yield finding.wrong_debited(
            row.account_id,
            session_id=row.session_id,
            recorded_micros=row.recorded_micros,
            charged_micros=row.moved_micros,
        )


def _refunded(connection: Connection) -> Iterator[Finding]:
    """What a session has given back to a payer is what the payer's refunds for it sum to."""
    for row in connection.execute(_moved(EntryKind.REFUND, reservation.c.refunded_micros, sign=1)):
        yield finding.wrong_refunded(
            row.account_id,
            session_id=row.session_id,
            recorded_micros=row.recorded_micros,
            refunds_micros=row.moved_micros,
        )


def _pools(connection: Connection) -> Iterator[Finding]:
    """Counters of allowances are what their sessions took and hold."""
    counters = select(account_state.c.account_id, account_state.c.counters).where(
        account_state.c.counters != ""
    )
    shares = (
        select(reservation.c.session_id, session.c.state, reservation.c.allowance)
        .join(session, session.c.session_id == reservation.c.session_id)
        .where(reservation.c.allowance != "")
    )
    return audit_pools(
        ((row.account_id, row.counters) for row in connection.execute(counters)),
        (
            Sharing(row.session_id, row.state == SessionState.OPEN.value, row.allowance)
            for row in connection.execute(shares)
        ),
    )


def _moved(kind: EntryKind, recorded: ColumnElement[int], *, sign: int) -> Select[Any]:
    """Reservations that recorded something else than what the entries of a kind moved."""
    entry, held = ledger_entry.c, reservation.c
    moved = (
        select(entry.session_id, entry.account_id, (sign * func.sum(entry.amount_micros)).label("micros"))
        .where(entry.kind == kind.value, entry.session_id.is_not(None))
        .group_by(entry.session_id, entry.account_id)
        .subquery()
    )
    micros = func.coalesce(moved.c.micros, 0)
    return (
        select(
            held.session_id,
            held.account_id,
            recorded.label("recorded_micros"),
            micros.label("moved_micros"),
        )
        .outerjoin(moved, (moved.c.session_id == held.session_id) & (moved.c.account_id == held.account_id))
        .where(recorded != micros)
    )

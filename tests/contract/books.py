"""Rows to build decisions of, with everything that a test does not care about filled in."""

from typing import Any

from ocs.ports import Cdr, CommitResult, StoredAnswer
from ocs.quota.account import Account, AccountRow
from ocs.quota.ledger import LedgerEntry
from ocs.quota.session import Reservation, ReservationRow, SessionRow, SessionState

AT_MS = 1_767_225_600_000
"2026-01-01 00:00 UTC."

COMMITTED, CONFLICT = CommitResult.COMMITTED, CommitResult.CONFLICT


def account(account_id: int, version: int = 1, **sums: Any) -> AccountRow:
    """One version of an account's sums; what is not given is 0."""
    return Account(account_id, version).row()._replace(**sums)


def session(session_id: int, version: int = 1, **fields: Any) -> SessionRow:
    """One version of an open voice session of account 1 at gateway 1, known as ``s<id>``."""
    row = SessionRow(
        session_id=session_id,
        version=version,
        gateway_id=1,
        session_key=f"s{session_id}",
        account_id=1,
        identity_kind="username",
        identity_value="alice",
        service="voice",
        access_code="OUTGOING",
        calling="4420",
        called="4930",
        state=SessionState.OPEN,
        started_at_ms=AT_MS,
        answered=1,
        updated_at_ms=AT_MS,
        expires_at_ms=AT_MS + 120_000,
        ended_at_ms=0,
        used_units=0,
        granted_units=60,
        final_grant=0,
        request_key="",
        end_cause="",
        octets_in=0,
        octets_out=0,
        plan_id=0,
        counted_identity="",
        peer_attributes="",
        legs="answer",
        slice_units=60,
    )
    return row._replace(**fields)


def reservation(session_id: int, account_id: int = 1, **fields: Any) -> ReservationRow:
    """What an account holds for a session; nothing unless given."""
    return (
        Reservation(session_id=session_id, account_id=account_id, ordinal=0, snapshot_id=7)
        .row()
        ._replace(**fields)
    )


def entry(account_id: int, number: int, amount: int, balance: int, **fields: Any) -> LedgerEntry:
    """A payment."""
    return LedgerEntry(account_id, number, "payment", amount, balance, AT_MS)._replace(**fields)


def cdr(session_id: int, account_id: int = 1, revision: int = 1, **fields: Any) -> Cdr:
    """The record of a call of one minute."""
    row = Cdr(
        session_id=session_id,
        account_id=account_id,
        revision=revision,
        gateway_id=1,
        session_key=f"s{session_id}",
        identity_kind="username",
        identity_value="alice",
        service="voice",
        access_code="OUTGOING",
        calling="4420",
        called="4930",
        started_at_ms=AT_MS,
        ended_at_ms=AT_MS + 60_000,
        recorded_at_ms=AT_MS + 60_001,
        end_cause="User-Request",
        used_units=60,
        billed_units=60,
        granted_units=60,
        octets_in=0,
        octets_out=0,
        charged_micros=100_000,
        overrun_micros=0,
        currency="USD",
        tariff="retail",
        destination="49",
        snapshot_id=7,
        explanation="{}",
        legs="originate,answer",
    )
    return row._replace(**fields)


def answer(request_key: str, **fields: Any) -> StoredAnswer:
    """A stored answer of gateway 1."""
    return StoredAnswer(1, request_key, "digest", None, "{}", AT_MS)._replace(**fields)

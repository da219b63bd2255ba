"""The ledger's verbs: reserve, release, debit, post. Each changes the given records and nothing else.

A debit or any other movement of the balance returns an immutable `LedgerEntry`; reservations move no
balance and leave no entry. Whoever calls these owns the decision whether the money is there: `debit` takes
what it is told to, because usage that happened is always charged, and says whether the floor was passed.
"""

from enum import Enum
from typing import NamedTuple

from ocs.quota.account import Account
from ocs.quota.session import Reservation


class EntryKind(Enum):
    """Why a balance moved (charging section 5)."""

    PAYMENT = "payment"
    CHARGE = "charge"
    REFUND = "refund"
    ADJUSTMENT = "adjustment"
    TRANSFER = "transfer"
    RESET = "reset"
    BONUS = "bonus"
    EXPIRY = "expiry"


class LedgerEntry(NamedTuple):
    """One immutable movement of one balance; field order is column order."""

    account_id: int
    number: int
    "1, 2, 3... within the account, without gaps."
    kind: str
    amount_micros: int
    "Added to the balance: negative for a charge."
    balance_micros: int
    "The balance after it."
    at_ms: int
    session_id: int | None = None
    snapshot_id: int | None = None
    "The rate that made the price, for charges."
    request_key: str | None = None
    "Idempotency key of the command, unique per account; None for charges, which their session keys."
    overrun_micros: int = 0
    "Part of the amount that passed the account's floor: recorded debt."
    note: str = ""


def reserve(account: Account, reservation: Reservation, amount_micros: int) -> None:
    """Hold `amount_micros` (>= 0) in place of what the reservation held: new grants replace held ones."""
    assert amount_micros >= 0, amount_micros
    account.reserved_micros += amount_micros - reservation.reserved_micros
    reservation.reserved_micros = amount_micros


def release(account: Account, reservation: Reservation) -> None:
    """Give back everything the reservation holds; harmless when it holds nothing."""
    account.reserved_micros -= reservation.reserved_micros
    reservation.reserved_micros = 0


def debit(
    account: Account,
    reservation: Reservation,
    *,
    total_micros: int,
    floor_micros: int | None,
    at_ms: int,
    note: str = "",
) -> LedgerEntry | None:
    """Bring what the session has paid to `total_micros`, the charge of all usage reported so far.

    The reservation shrinks by what is debited, down to 0. None when nothing is to be moved: repeating a
    report debits nothing. A smaller total than before (a settled price lower than the one assumed, a
    payback) gives money back by the same rule.
    """
    difference = total_micros - reservation.debited_micros
    if difference == 0:
        return None
    reservation.debited_micros = total_micros
    if difference > 0 and reservation.reserved_micros:
        reserve(account, reservation, max(0, reservation.reserved_micros - difference))
    entry = post(
        account,
        kind=EntryKind.CHARGE,
        amount_micros=-difference,
        floor_micros=floor_micros,
        at_ms=at_ms,
        session_id=reservation.session_id,
        snapshot_id=reservation.snapshot_id,
        note=note,
    )
    reservation.overrun_micros += entry.overrun_micros
    return entry


def post(
    account: Account,
    *,
    kind: EntryKind,
    amount_micros: int,
    at_ms: int,
    floor_micros: int | None = None,
    session_id: int | None = None,
    snapshot_id: int | None = None,
    request_key: str | None = None,
    note: str = "",
) -> LedgerEntry:
    """Move the balance by `amount_micros` (signed) and return the entry that says so.

    The entry's overrun is the part of a charge that took balance - reserved below the floor.
    """
    account.balance_micros += amount_micros
    account.entries += 1
    overrun_micros = 0
    if amount_micros < 0 and floor_micros is not None:
        beyond = floor_micros - (account.balance_micros - account.reserved_micros)
        overrun_micros = max(0, min(beyond, -amount_micros))
    return LedgerEntry(
        account.account_id,
        account.entries,
        kind.value,
        amount_micros,
        account.balance_micros,
        at_ms,
        session_id,
        snapshot_id,
        request_key,
        overrun_micros,
        note,
    )

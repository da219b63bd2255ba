"""Accounts: master data (`AccountProfile`) and live sums (`Account`).

The profile belongs to the catalogue and changes when an operator changes it; the live sums belong to the
ledger and change with every decision. TS 32.296 calls the pair the subscriber account of the ABMF.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class AccountKind(Enum):
    """Whose money is spent."""

    PREPAID = "prepaid"
    "Funds are paid in first; the limit is 0 unless a credit limit is set."
    POSTPAID = "postpaid"
    "Debt grows up to the credit limit; no limit set means unlimited."


class CreditReset(Enum):
    """When the balance returns to a set amount, always at midnight of the account's zone."""

    NONE = "none"
    DAILY = "daily"
    WEEKLY = "weekly"
    "On Monday."
    MONTHLY = "monthly"
    "On the first."


class AccountStatus(Enum):
    """What an operator decided about the account."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountProfile:
    """Master data of an account (charging specification: who)."""

    id: int
    name: str
    "What people and gateways' operators call it; unique."
    kind: AccountKind = AccountKind.PREPAID
    currency: str = "USD"
    "ISO 4217 code."
    status: AccountStatus = AccountStatus.ACTIVE
    parent_id: int | None = None
    root_id: int = 0
    "Top of the account's tree; the account itself when it has no parent."
    credit_limit_micros: int | None = None
    "How far below zero the balance may go, >= 0. None: 0 for prepaid, unlimited for postpaid."
    plan_id: int | None = None
    "None: the nearest ancestor's plan; an account without a plan of its own pays nothing itself."
    zone: str = "UTC"
    "IANA time zone of off-peak periods, days and resets."
    activates_at_ms: int | None = None
    expires_at_ms: int | None = None
    max_sessions: int | None = None
    "Open sessions of all kinds; None: no limit."
    daily_spend_limit_micros: int | None = None
    "Undiscounted spend per day of `zone`; never cuts a running call."
    low_balance_micros: int | None = None
    "Below this an answer is classed as low balance; falling below it leaves a notice."
    max_voice_sessions: int | None = None
    "Open calls (`ocs.units.VOICE_SERVICES`); None: no limit."
    max_data_sessions: int | None = None
    "Open data sessions (`ocs.units.DATA_SERVICES`); None: no limit."
    reset_cycle: CreditReset = CreditReset.NONE
    reset_amount_micros: int = 0
    "What the balance is at the beginning of each period."
    reset_since_ms: int = 0
    "Periods that began until this instant, when the cycle was set, reset nothing."

    @property
    def floor_micros(self) -> int | None:
        """The lowest balance allowed: minus the credit limit; None when unlimited."""
        if self.credit_limit_micros is not None:
            return -self.credit_limit_micros
        return 0 if self.kind is AccountKind.PREPAID else None


class AccountRow(NamedTuple):
    """One version of an account's live sums as a store keeps it; field order is column order."""

    account_id: int
    version: int
    balance_micros: int
    reserved_micros: int
    open_sessions: int
    entries: int
    spent_day: int
    spent_micros: int
    open_voice: int
    open_data: int
    open_by_identity: str
    reset_at_ms: int
    counters: str


class Account:
    """Live sums of one account.

    Invariant: `balance_micros` is the sum of the account's ledger entries, `reserved_micros` the sum of its
    unresolved reservations, and balance - reserved >= floor unless an entry is marked overrun.
    """

    __slots__ = (
        "account_id",
        "balance_micros",
        "counters",
        "entries",
        "open_by_identity",
        "open_data",
        "open_sessions",
        "open_voice",
        "reserved_micros",
        "reset_at_ms",
        "spent_day",
        "spent_micros",
        "version",
    )

    def __init__(
        self,
        account_id: int,
        version: int = 0,
        balance_micros: int = 0,
        reserved_micros: int = 0,
        open_sessions: int = 0,
        entries: int = 0,
        spent_day: int = 0,
        spent_micros: int = 0,
        open_voice: int = 0,
        open_data: int = 0,
        open_by_identity: str = "",
        reset_at_ms: int = 0,
        counters: str = "",
    ) -> None:
        self.account_id = account_id
        self.version = version
        "Of the newest sealed row; 0: never stored."
        self.balance_micros = balance_micros
        self.reserved_micros = reserved_micros
        self.open_sessions = open_sessions
        "Of all kinds, also of accounts below it."
        self.entries = entries
        "Ledger entries so far: the number of the newest one."
        self.spent_day = spent_day
        "Day number (days since 1970-01-01 in the account's zone) that `spent_micros` belongs to."
        self.spent_micros = spent_micros
        "Undiscounted spend of `spent_day`."
        self.open_voice = open_voice
        "Calls among the open sessions."
        self.open_data = open_data
        "Data sessions among them."
        self.open_by_identity = open_by_identity
        "Open sessions of each of its identities that has a limit; see `ocs.quota.occupancy`."
        self.reset_at_ms = reset_at_ms
        "Beginning of the period whose credit reset was applied last; 0: none was."
        self.counters = counters
        "What is taken and held of its allowances; see `ocs.quota.allowance`."

    def row(self) -> AccountRow:
        """The account as it is now, as an immutable row."""
        return AccountRow(
            self.account_id,
            self.version,
            self.balance_micros,
            self.reserved_micros,
            self.open_sessions,
            self.entries,
            self.spent_day,
            self.spent_micros,
            self.open_voice,
            self.open_data,
            self.open_by_identity,
            self.reset_at_ms,
            self.counters,
        )

    def available_micros(self, floor_micros: int | None) -> int | None:
        """Money that nothing holds: balance - reserved - floor, may be negative; None when unlimited."""
        if floor_micros is None:
            return None
        return self.balance_micros - self.reserved_micros - floor_micros


def opening_account(account_id: int) -> Account:
    """A new account's live sums: nothing owned, nothing owed."""
    return Account(account_id)

"""Sessions and their reservations: one record per service session, one reservation per payer.

State machine (charging section 3): a session is opened by INITIAL, or by the first report when its start
was lost; it is closed by TERMINATION or by expiry. A closed session stays known for replays and for late
corrections.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from operator import attrgetter
from typing import Final, NamedTuple


class SessionState(IntEnum):
    """Where a session stands; stored as its number."""

    OPEN = 1
    CLOSED = 2
    "Ended by the gateway's report."
    EXPIRED = 3
    "Ended by us for silence; a later report settles the difference."
    REFUNDED = 4
    "A direct debit that was given back, once."


class SessionRow(NamedTuple):
    """One version of a session as a store keeps it; field order is column order."""

    session_id: int
    version: int
    gateway_id: int
    session_key: str
    account_id: int
    identity_kind: str
    identity_value: str
    service: str
    access_code: str
    calling: str
    called: str
    state: int
    started_at_ms: int
    answered: int
    updated_at_ms: int
    expires_at_ms: int
    ended_at_ms: int
    used_units: int
    granted_units: int
    final_grant: int
    request_key: str
    end_cause: str
    octets_in: int
    octets_out: int
    plan_id: int
    counted_identity: str
    peer_attributes: str
    cost_centre: str = ""
    receipt_timed: int = 0
    payback_tariff_id: int = 0
    legs: str = ""
    slice_units: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One service session of one account at one gateway.

    Times are epoch milliseconds, 0 when not known yet. Units are the service's: seconds, octets, messages.
    """

    session_id: int
    version: int = 0
    "Of the newest sealed row; 0: never stored."
    gateway_id: int
    session_key: str
    "What the gateway calls the session; unique per gateway."
    account_id: int
    "The account that asked: the first payer, or the leaf below it."
    identity_kind: str = ""
    identity_value: str = ""
    service: str = "voice"
    access_code: str = "OUTGOING"
    calling: str = ""
    called: str = ""
    state: int = SessionState.OPEN
    started_at_ms: int = 0
    "The instant that prices it: connect time once known, authorisation until then."
    answered: int = 0
    "1 once a report proved that the service started."
    updated_at_ms: int = 0
    expires_at_ms: int = 0
    ended_at_ms: int = 0
    used_units: int = 0
    "Highest cumulative usage reported, over all price sets."
    granted_units: int = 0
    "Cumulative units granted; usage above it is more than was granted."
    final_grant: int = 0
    "1 when the last answer was the last grant."
    request_key: str = ""
    "Key of the last INITIAL, so that its replay gets the stored answer."
    end_cause: str = ""
    octets_in: int = 0
    octets_out: int = 0
    plan_id: int = 0
    "Plan of the identity that opened it, in place of its account's; 0: the account's."
    counted_identity: str = ""
    "The identity, as `Identity.counted_as`, against whose limit it counts; empty: that has no limit."
    peer_attributes: str = ""
    "How its edge finds it at the equipment, in the edge's own words; empty: by its key alone."
    cost_centre: str = ""
    "That of the identity that opened it."
    receipt_timed: int = 0
    "1 when a report's own time was out of tolerance, so that our time of receipt stood in for it."
    payback_tariff_id: int = 0
    "Out-payment tariff of the DID that opened it; 0: none."
    legs: str = ""
    "Legs of the call that were reported as it, by comma, in the order of their coming; empty: none named."
    slice_units: int = 0
    "Slice that its equipment asked for, because it asks again at its end; 0: what the policy gives."
    reservations: "list[Reservation]" = field(default_factory=list)
    "One per payer, leaf first."

    @property
    def is_open(self) -> bool:
        """Whether the session still holds or may ask for money."""
        return self.state == SessionState.OPEN

    def row(self) -> SessionRow:
        """The session as it is now, as an immutable row."""
        return SessionRow._make(_SESSION_FIELDS(self))


class ReservationRow(NamedTuple):
    """One payer's part of a session as a store keeps it; field order is column order."""

    session_id: int
    account_id: int
    ordinal: int
    snapshot_id: int
    reserved_micros: int
    debited_micros: int
    used_set1_units: int
    used_set2_units: int
    overrun_micros: int
    refunded_micros: int
    gross_micros: int
    allowance: str


@dataclass(slots=True, kw_only=True, eq=False)
class Reservation:
    """What one payer holds for, and has paid for, one session."""

    session_id: int
    account_id: int
    ordinal: int
    "Place in the payer chain, 0 is the leaf."
    snapshot_id: int
    "The rate that prices the session for this payer (`ocs.ports.RateSnapshot`); 0: it does not pay."
    reserved_micros: int = 0
    "Held now, >= 0."
    debited_micros: int = 0
    "Debited so far: the charge of everything reported. Negative for payback."
    used_set1_units: int = 0
    "Part of the session's usage in this payer's first off-peak set (volume and messages)."
    used_set2_units: int = 0
    "Part of the session's usage in this payer's second off-peak set."
    overrun_micros: int = 0
    "Part of what was debited that passed the payer's floor."
    refunded_micros: int = 0
    "Given back of what was debited."
    gross_micros: int = 0
    "What `debited_micros` would be without discounts."
    allowance: str = ""
    "The discounts that it is priced with and its part in them; see `ocs.quota.allowance`. Empty: none."
    sealed: ReservationRow | None = None
    "The row that was handed to the store last; None: not known. An equal one need not be written again."

    def row(self) -> ReservationRow:
        """The reservation as it is now, as an immutable row."""
        return ReservationRow._make(_RESERVATION_FIELDS(self))


_SESSION_FIELDS: Final = attrgetter(*SessionRow._fields)
_RESERVATION_FIELDS: Final = attrgetter(*ReservationRow._fields)

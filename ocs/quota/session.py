"""Sessions and their reservations: one record per service session, one reservation per payer.

State machine (charging section 3): a session is opened by INITIAL, or by the first report when its start
was lost; it is closed by TERMINATION or by expiry. A closed session stays known for replays and for late
corrections.
"""

from enum import IntEnum
from typing import NamedTuple


class SessionState(IntEnum):
    """Where a session stands; stored as its number."""

    OPEN = 1
    CLOSED = 2
    "Ended by the gateway's report."
    EXPIRED = 3
    "Ended by us for silence; a later report settles the difference."


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


class Session:
    """One service session of one account at one gateway.

    Times are epoch milliseconds, 0 when not known yet. Units are the service's: seconds, octets, messages.
    """

    __slots__ = (*SessionRow._fields, "reservations")

    def __init__(
        self,
        *,
        session_id: int,
        gateway_id: int,
        session_key: str,
        account_id: int,
        identity_kind: str = "",
        identity_value: str = "",
        service: str = "voice",
        access_code: str = "OUTGOING",
        calling: str = "",
        called: str = "",
        version: int = 0,
        state: int = SessionState.OPEN,
        started_at_ms: int = 0,
        answered: int = 0,
        updated_at_ms: int = 0,
        expires_at_ms: int = 0,
        ended_at_ms: int = 0,
        used_units: int = 0,
        granted_units: int = 0,
        final_grant: int = 0,
        request_key: str = "",
        end_cause: str = "",
        octets_in: int = 0,
        octets_out: int = 0,
    ) -> None:
        self.session_id = session_id
        self.version = version
        "Of the newest sealed row; 0: never stored."
        self.gateway_id = gateway_id
        self.session_key = session_key
        "What the gateway calls the session; unique per gateway."
        self.account_id = account_id
        "The account that asked: the first payer, or the leaf below it."
        self.identity_kind = identity_kind
        self.identity_value = identity_value
        self.service = service
        self.access_code = access_code
        self.calling = calling
        self.called = called
        self.state = state
        self.started_at_ms = started_at_ms
        "The instant that prices it: connect time once known, authorisation until then."
        self.answered = answered
        "1 once a report proved that the service started."
        self.updated_at_ms = updated_at_ms
        self.expires_at_ms = expires_at_ms
        self.ended_at_ms = ended_at_ms
        self.used_units = used_units
        "Highest cumulative usage reported, over all price sets."
        self.granted_units = granted_units
        "Cumulative units granted so far; usage above it is more than was granted."
        self.final_grant = final_grant
        "1 when the last answer was the last grant."
        self.request_key = request_key
        "Key of the last INITIAL, so that its replay gets the stored answer."
        self.end_cause = end_cause
        self.octets_in = octets_in
        self.octets_out = octets_out
        self.reservations: list[Reservation] = []
        "One per payer, leaf first."

    @property
    def is_open(self) -> bool:
        """Whether the session still holds or may ask for money."""
        return self.state == SessionState.OPEN

    def row(self) -> SessionRow:
        """The session as it is now, as an immutable row."""
        return SessionRow(
            self.session_id,
            self.version,
            self.gateway_id,
            self.session_key,
            self.account_id,
            self.identity_kind,
            self.identity_value,
            self.service,
            self.access_code,
            self.calling,
            self.called,
            self.state,
            self.started_at_ms,
            self.answered,
            self.updated_at_ms,
            self.expires_at_ms,
            self.ended_at_ms,
            self.used_units,
            self.granted_units,
            self.final_grant,
            self.request_key,
            self.end_cause,
            self.octets_in,
            self.octets_out,
        )


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


class Reservation:
    """What one payer holds for, and has paid for, one session."""

    __slots__ = ReservationRow._fields

    def __init__(
        self,
        *,
        session_id: int,
        account_id: int,
        ordinal: int,
        snapshot_id: int,
        reserved_micros: int = 0,
        debited_micros: int = 0,
        used_set1_units: int = 0,
        used_set2_units: int = 0,
        overrun_micros: int = 0,
    ) -> None:
        self.session_id = session_id
        self.account_id = account_id
        self.ordinal = ordinal
        "Place in the payer chain, 0 is the leaf."
        self.snapshot_id = snapshot_id
        "The rate that prices the session for this payer (`ocs.ports.RateSnapshot`); 0: it does not pay."
        self.reserved_micros = reserved_micros
        "Held now, >= 0."
        self.debited_micros = debited_micros
        "Debited so far: the charge of everything reported. Negative for payback."
        self.used_set1_units = used_set1_units
        "Part of the session's usage in this payer's first off-peak set (volume and messages)."
        self.used_set2_units = used_set2_units
        "Part of the session's usage in this payer's second off-peak set."
        self.overrun_micros = overrun_micros
        "Part of what was debited that passed the payer's floor."

    def row(self) -> ReservationRow:
        """The reservation as it is now, as an immutable row."""
        return ReservationRow(
            self.session_id,
            self.account_id,
            self.ordinal,
            self.snapshot_id,
            self.reserved_micros,
            self.debited_micros,
            self.used_set1_units,
            self.used_set2_units,
            self.overrun_micros,
        )

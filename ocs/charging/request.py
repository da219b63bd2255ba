"""What equipment asks, whatever the wire: `ChargingRequest` (charging section 2, RFC 8506 section 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Protocol

from ocs.ports import AuditEntry, Gateway, IdentityKind
from ocs.units import VOICE, AccessCode, Service


class RequestType(IntEnum):
    """CC-Request-Type, RFC 8506 section 8.3, and one of ours."""

    AUTHENTICATION = 0
    "Check the credential only; nothing is reserved and no session is opened."
    INITIAL = 1
    UPDATE = 2
    TERMINATION = 3
    EVENT = 4


class RequestedAction(IntEnum):
    """What an EVENT wants, RFC 8506 section 8.41."""

    DIRECT_DEBITING = 0
    REFUND = 1
    CHECK_BALANCE = 2
    PRICE_ENQUIRY = 3


class Credential(Protocol):
    """Proof of identity as the wire carried it."""

    @property
    def password(self) -> bytes | None:
        """The password itself; None: only something made with it was sent."""
        ...

    def verify(self, secret: str) -> bool:
        """Whether it was made with `secret`; constant-time where a secret is compared."""
        ...


class Usage(NamedTuple):
    """Cumulative usage of a session since its start, as far as the equipment measured it."""

    seconds: int = 0
    octets_in: int = 0
    octets_out: int = 0
    messages: int = 0


@dataclass(slots=True, kw_only=True)
class ChargingRequest:
    """One question or report. Built at an edge, never changed afterwards."""

    type: RequestType
    gateway: Gateway
    session_key: str
    "Unique per gateway, at most 250 characters; for an EVENT its idempotency key."
    received_at_ms: int
    event_at_ms: int
    "When it happened at the gateway, already within tolerance; the receipt time when unknown."
    receipt_timed: bool = False
    "The gateway's time was out of tolerance: `event_at_ms` is our time of receipt instead."
    service: Service = VOICE
    access_code: AccessCode = AccessCode.OUTGOING
    identities: Sequence[tuple[IdentityKind, str]] = ()
    "Hints in the gateway's order: the first that is known wins."
    credential: Credential | None = None
    "None: the edge vouches for the identity."
    calling: str = ""
    "Normalised: E.164 digits without plus, or whatever the gateway's rules left."
    called: str = ""
    network: str = ""
    "MCC and MNC of a message's recipient, digits; empty: not known."
    usage: Usage | None = None
    "None: nothing is reported."
    starts: bool = False
    "The service starts at `event_at_ms` (an answered call): that instant prices the session."
    measured_by_time: bool = False
    """The report carries no duration: used is the time from the session's start to `event_at_ms`, 0 if it
    never started."""
    requested_units: int | None = None
    "Wanted units of the service; None: what the policy gives."
    slice_units: int = 0
    """Of an INITIAL of a timed service: its equipment asks again when so many are used up, so that slices of
    this size are enough whatever the policy's mode; 0: what the policy gives."""
    request_key: str = ""
    "Identifies this very request for replays, unique per gateway; empty: the session and usage alone do."
    request_number: int | None = None
    "Counts up by one within a session; `request_key` ends in it, after a slash. None: the wire has none."
    request_digest: str = ""
    "Digest of the request's body, for keyed requests."
    action: RequestedAction | None = None
    amount_micros: int | None = None
    "For a REFUND or a DIRECT_DEBITING of money."
    end_cause: str = ""
    leg: str = ""
    "Leg of the call that is reported, one of the few words its equipment has; empty: not said."
    audit: AuditEntry | None = None
    "Written with what the request changes: an operator gave it."
    peer_attributes: str = ""
    "How the edge finds the session at its equipment, kept with the session; empty: nothing new is known."
    parked_id: int | None = None
    "Of the parked report that is fed again; it is parked no more once it is booked."
    attributes: dict[str, str] = field(default_factory=dict)
    "Raw facts that later steps need, such as what identifies the session in a Disconnect-Request."

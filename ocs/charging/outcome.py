"""The outcome table: what a request was answered, in order of precedence (charging section 2).

One table for every wire: RFC 8506 result codes for gRPC, h323-return-code and reason text for RADIUS.
Refusals are values of this enum, never exceptions.
"""

from dataclasses import dataclass
from enum import Enum


class OutcomeCode(Enum):
    """First that applies wins. Value: (precedence, RFC 8506 result code, h323-return-code, reason text)."""

    INVALID_ARGUMENT = (0, 5004, 11, "invalid_argument")
    UNKNOWN_IDENTITY = (1, 5030, 1, "invalid_account")
    WRONG_SECRET = (2, 4001, 2, "invalid_password")
    ACCOUNT_DENIED = (3, 4010, 7, "user_denied")
    ACCOUNT_EXPIRED = (4, 4010, 5, "account_expired")
    SERVICE_NOT_AVAILABLE = (5, 4010, 8, "not_available")
    NO_RATE = (6, 5031, 9, "cld_blocked")
    DESTINATION_FORBIDDEN = (7, 4010, 9, "cld_blocked")
    TOO_MANY_SESSIONS = (8, 4010, 3, "call_limit_exceeded")
    SPEND_LIMIT_REACHED = (9, 4010, 6, "spend_limit_reached")
    FUNDS_LOCKED = (10, 4012, 114, "funds_locked")
    ZERO_BALANCE = (11, 4012, 4, "zero_balance")
    INSUFFICIENT_BALANCE = (12, 4012, 12, "insufficient_balance")
    SESSION_ENDED = (13, 5002, 115, "reject_authorization")
    SUCCESS = (14, 2001, 0, "success")

    def __init__(self, precedence: int, result_code: int, return_code: int, reason: str) -> None:
        self.precedence = precedence
        self.result_code = result_code
        "RFC 8506 section 9."
        self.return_code = return_code
        "h323-return-code; a gateway's own table may override it."
        self.reason = reason

    @property
    def is_success(self) -> bool:
        """Whether service may go on."""
        return self is OutcomeCode.SUCCESS


class FinalUnitAction(Enum):
    """What the equipment does when a final grant is used up, RFC 8506 section 8.35."""

    TERMINATE = 0
    REDIRECT = 1
    RESTRICT_ACCESS = 2


@dataclass(slots=True, kw_only=True)
class Outcome:
    """The answer to a `ChargingRequest`. It is sent only after what it says is durable."""

    code: OutcomeCode
    granted_units: int = 0
    "Units that may be used on top of what was reported; 0 with SUCCESS means nothing was asked for."
    affordable_units: int = 0
    "What all the money at hand buys beyond the report, >= `granted_units`: a safety net, not reserved."
    validity_s: int = 0
    "When to come back at the latest, 0: no bound."
    final_unit_action: FinalUnitAction | None = None
    "Set when this is the last grant."
    used_units: int = 0
    "What the books now hold as used, cumulative."
    presumed_units: int = 0
    "What may have been used beyond that, where nothing was said of it: the grant comes on top."
    charged_micros: int = 0
    "Debited from the asking account for this session so far."
    reserved_micros: int = 0
    "Held for it now."
    balance_micros: int = 0
    "Balance of the asking account after the decision."
    low_balance: bool = False
    currency: str = ""
    session_id: int | None = None
    account_name: str = ""
    request_gap: bool = False
    "A request number was skipped; accepted, because totals make it safe."
    explanation: str = ""
    "Steps of the price as JSON, for price enquiries."


class NoAnswer(Enum):
    """Why a request gets no outcome. RADIUS stays silent; gRPC maps it to a transport status."""

    UNAVAILABLE = "unavailable"
    "Nothing of it is known to be booked: the store failed. The equipment retries."
    OVERLOADED = "overloaded"
    "Refused at the door, nothing was done: the queue is full."
    KEY_REUSED = "key_reused"
    "Its key was used before with another body, nothing was done: the equipment must not retry."

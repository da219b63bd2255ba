"""What the charging core needs from the outside, and the records that cross that border.

Owns: the store protocols, the catalogue's records, the commit unit. Does not own how anything is kept:
`ocs.storage` implements these, one contract suite tests every implementation.

The two stores:

* `LedgerStore`: live sums, sessions, reservations, ledger, CDRs. Written by compare-and-set on versions.
* `CatalogStore`: what operators configure. Every change appends to a change log that running servers poll.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

from ocs.errors import InputError
from ocs.quota.account import Account, AccountProfile, AccountRow
from ocs.quota.ledger import LedgerEntry
from ocs.quota.session import ReservationRow, Session, SessionRow, SessionState
from ocs.rating.directory import DestinationInfo
from ocs.rating.discount import DiscountPlan, Owner
from ocs.rating.index import Tariff
from ocs.rating.tariff import Rate, TariffTerms
from ocs.units import AccessCode

# ----------------------------------------------------------------------------------------- catalogue records


class IdentityKind(Enum):
    """What a subscriber can be recognised by; values are unique within a kind."""

    USERNAME = "username"
    CODE = "code"
    DID = "did"
    EXTENSION = "extension"
    TRUNK = "trunk"
    IP = "ip"
    "An address or CIDR; the longest that contains the asked address wins."
    ANI = "ani"
    "A calling number."
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One way to recognise an account."""

    kind: IdentityKind
    value: str
    account_id: int
    secret: str | None = field(default=None, repr=False)
    "What a password, CHAP or digest is checked against; None: no password is asked for."
    max_sessions: int | None = None
    plan_id: int | None = None
    "Overrides the account's plan."
    cost_centre: str = ""
    payback_tariff_id: int | None = None
    "Out-payment, for kind DID: prices calls to the number in place of the plan's INCOMING tariff."
    primary_kind: IdentityKind | None = None
    """With `primary_value` the identity that a virtual number or extension without a plan of its own stands
    for: it is charged to that one's account, by its plan, and counted against its limit."""
    primary_value: str = ""

    @property
    def counted_as(self) -> str:
        """What its sessions are called where open ones are counted: by its primary identity if it has one."""
        if self.primary_kind is None:
            return f"{self.kind.value}:{self.value}"
        return f"{self.primary_kind.value}:{self.primary_value}"


class GrantMode(Enum):
    """How much is granted at a time (charging section 4)."""

    WHOLE = "whole"
    "Everything affordable up to the maximum, reserved at once."
    SLICE = "slice"
    "One slice ahead, renewed at each report."


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantPolicy:
    """How a gateway's sessions are granted. Units are the service's: seconds, octets, messages."""

    mode: GrantMode = GrantMode.SLICE
    slice_s: int = 60
    slice_octets: int = 10 * 1024 * 1024
    slice_messages: int = 1
    margin_s: int = 10
    "Reserved beyond a slice of seconds, for the report's way."
    margin_octets: int = 1024 * 1024
    max_grant_s: int = 4 * 3600
    max_grant_octets: int = 4 * 1024**3
    max_grant_messages: int = 100
    min_grant_s: int = 1
    "Below this refusing is better than granting."
    min_grant_octets: int = 1
    interim_interval_s: int = 60
    "What the gateway is told to report by (Acct-Interim-Interval)."
    session_max_s: int = 24 * 3600
    "The longest session, granted when the price does not bound it."
    expiry_charges: str = "last_report"
    "What a session that fell silent is charged for: last_report, granted or elapsed."
    final_unit_action: str = "terminate"
    "What equipment does when its last grant is used up: terminate, redirect or restrict_access."


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRules:
    """How a gateway's numbers become E.164 without plus, in this order."""

    strip_prefixes: tuple[str, ...] = ()
    "Tech prefixes, the longest that matches is taken off."
    international_prefixes: tuple[str, ...] = ("+", "00")
    "What marks an international number; taken off."
    national_prefix: str = ""
    "Trunk prefix that is replaced by the country code; needs `country_code`."
    country_code: str = ""
    "Put in front of numbers that no international prefix marked and that are shorter than E.164 needs."
    national_digits_max: int = 0
    "Unmarked numbers of up to this many digits get the country code; 0: none do."


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """A RADIUS client or gRPC client that asks for its subscribers."""

    id: int
    name: str
    address: str = ""
    "IP address or CIDR that RADIUS packets come from; empty: not a RADIUS client."
    secret: str = field(default="", repr=False)
    dialect: str = "generic"
    identity_order: tuple[IdentityKind, ...] = (IdentityKind.USERNAME, IdentityKind.IP, IdentityKind.ANI)
    numbers: NumberRules = field(default_factory=NumberRules)
    grant: GrantPolicy = field(default_factory=GrantPolicy)
    zone: str = "UTC"
    "IANA zone of times that carry none."
    require_message_authenticator: str = "auto"
    "no, auto or yes."
    limit_proxy_state: str = "auto"
    "no, auto or yes."
    authorize_without_password: bool = False
    "Whether an Access-Request without any password is served."
    coa_address: str = ""
    "Where CoA and Disconnect requests go; empty: to the address that the session's reports came from."
    coa_port: int = 3799
    "Of CoA and Disconnect requests, RFC 5176; 0: it takes none."
    return_codes: Mapping[str, int] = field(default_factory=dict)
    "Reason text -> h323-return-code where this gateway's meaning differs."
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Which tariff prices which service for the accounts that have this plan."""

    id: int
    name: str
    tariffs: Mapping[tuple[str, AccessCode], int] = field(default_factory=dict)
    "(service name, access code) -> tariff id."
    override_tariff_id: int | None = None
    bill_by_ani: bool = False
    "Incoming calls are priced by the caller's number."


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountAssignment:
    """Somebody has a discount plan. Nobody has the same one twice as the same kind of owner."""

    discount_plan_id: int
    owner: Owner
    "As what it takes precedence."
    account_id: int | None = None
    "For ACCOUNT, CUSTOMER and ADD_ON."
    plan_id: int | None = None
    "For PLAN, and ADD_ON that come with a plan."
    since_ms: int = 0
    "Sessions that start earlier do not get it; where a first period is prorated, it begins here."

    def __post_init__(self) -> None:
        if (self.account_id is None) == (self.plan_id is None):
            raise InputError("discount", "is assigned to an account or to a plan, one of them")
        if self.plan_id is None and self.owner is Owner.PLAN:
            raise InputError("discount", "of a plan is assigned to a plan, not to an account")
        if self.plan_id is not None and self.owner not in (Owner.PLAN, Owner.ADD_ON):
            raise InputError("discount", f"of {self.owner.name.lower()} kind is not assigned to a plan")


class RateSnapshot(NamedTuple):
    """The rate that prices sessions, kept for ever beside the charges it made; content-addressed."""

    snapshot_id: int
    "63 bits of the SHA-256 of `body`."
    body: str
    "Canonical JSON of an `ocs.rating` applied rate."


class ChangeKind(Enum):
    """What a catalogue change touched."""

    ACCOUNT = "account"
    "Master data or, by another process, live sums of an account; id is the account's."
    IDENTITY = "identity"
    "id is the account's."
    GATEWAY = "gateway"
    PLAN = "plan"
    TARIFF = "tariff"
    SESSION = "session"
    "By another process: ended or refunded by an operator; id is the session's."
    API_KEY = "api_key"
    "id is 0: keys are few, all are read again."
    DISCOUNT = "discount"
    "A discount plan, or what plans have of it; id is the discount plan's."


class Change(NamedTuple):
    """One entry of the change log."""

    seq: int
    kind: ChangeKind
    object_id: int


# ----------------------------------------------------------------------------------------- ledger records


class Cdr(NamedTuple):
    """Session detail record of one payer; field order is column order. A later revision replaces it."""

    session_id: int
    account_id: int
    revision: int
    gateway_id: int
    session_key: str
    identity_kind: str
    identity_value: str
    service: str
    access_code: str
    calling: str
    called: str
    started_at_ms: int
    ended_at_ms: int
    recorded_at_ms: int
    end_cause: str
    used_units: int
    billed_units: int
    granted_units: int
    octets_in: int
    octets_out: int
    charged_micros: int
    overrun_micros: int
    currency: str
    tariff: str
    destination: str
    snapshot_id: int
    explanation: str
    "The steps that made the price, as JSON."
    allowance: str = ""
    "What was taken from discount counters, as JSON; empty: nothing."
    cost_centre: str = ""
    receipt_timed: int = 0
    "1: a report's own time was out of tolerance, our time of receipt stood in for it."
    legs: str = ""
    "Legs of the call that were reported and charged as this session, by comma, in the order of their coming."


class StoredAnswer(NamedTuple):
    """The answer to one keyed request, for its replays; field order is column order."""

    gateway_id: int
    request_key: str
    "Unique per gateway: session and request number, or an event's idempotency key."
    digest: str
    "Of the request's body: the same key with another digest is refused."
    session_id: int | None
    answer: str
    at_ms: int


class ParkedReport(NamedTuple):
    """Reported usage that nobody can be charged for yet; field order is column order.

    Acknowledged like any other report, so it must not be lost: an operator mends the cause and re-feeds it.
    """

    parked_id: int
    gateway_id: int
    session_key: str
    received_at_ms: int
    reason: str
    "Reason text of the outcome: unknown account, no rate."
    used_units: int
    "Cumulative usage reported, in the service's unit."
    report: str
    "The request as JSON."


class NoticeKind(Enum):
    """What the owner of an account should be told."""

    LOW_BALANCE = "low_balance"
    "The balance fell below the account's threshold."


class Notice(NamedTuple):
    """Something that the owner of an account should be told; field order is column order."""

    account_id: int
    number: int
    "Of the ledger entry that it tells of."
    kind: str
    at_ms: int
    balance_micros: int
    "The balance after the entry."


class CdrPlace(NamedTuple):
    """Where a session detail record stands among all, oldest first."""

    recorded_at_ms: int
    session_id: int
    account_id: int


@dataclass(slots=True, kw_only=True)
class Decision:
    """What is written whole or not at all: everything one tree of accounts decided in one batch.

    Rows carry the *new* version. A store compares with ``version - 1``: an account or session row is
    written only over that very version, and version 1 only where there is none.
    """

    root_id: int = 0
    "Root of the accounts' tree, for stores that shard by it."
    accounts: Sequence[AccountRow] = ()
    sessions: Sequence[SessionRow] = ()
    reservations: Sequence[ReservationRow] = ()
    entries: Sequence[LedgerEntry] = ()
    cdrs: Sequence[Cdr] = ()
    answers: Sequence[StoredAnswer] = ()
    parked: Sequence[ParkedReport] = ()
    "One is kept per (gateway, session key): the one that reports most; the later of equals."
    snapshots: Sequence[RateSnapshot] = ()
    "Written if absent."
    notices: Sequence[Notice] = ()
    unparked: Sequence[int] = ()
    "Ids of parked reports that are booked by now; ids that are gone already are fine."
    audits: Sequence["AuditEntry"] = ()
    "Of operators' commands; a request id that is taken is a conflict."


class CommitResult(Enum):
    """What became of one decision."""

    COMMITTED = "committed"
    "Durable on return."
    CONFLICT = "conflict"
    "A version moved, or a unique key is taken: nothing of this decision is written."


@dataclass(slots=True)
class LoadedState:
    """Records as the store has them; absent ones are missing from the mappings."""

    accounts: dict[int, Account] = field(default_factory=dict)
    sessions: dict[tuple[int, str], Session] = field(default_factory=dict)
    "By (gateway id, session key), with their reservations."


class LedgerStore(Protocol):
    """Live state, ledger and CDRs. Every method may raise `StoreUnavailableError`."""

    async def load(self, account_ids: Iterable[int], session_keys: Iterable[tuple[int, str]]) -> LoadedState:
        """Read accounts' live sums and sessions with their reservations, in one consistent view."""
        ...

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Write each decision whole or not at all, all in one durable step; results in order.

        An account named by two decisions is the caller's bug (AssertionError). When the outcome of a
        commit cannot be known this raises, and the caller reads the truth back.
        """
        ...

    async def load_snapshots(self, snapshot_ids: Iterable[int]) -> dict[int, str]:
        """Bodies of rate snapshots by id; unknown ids are missing."""
        ...

    async def load_answer(self, gateway_id: int, request_key: str) -> StoredAnswer | None:
        """The stored answer of one keyed request."""
        ...

    async def open_sessions(self, *, due_before_ms: int | None = None) -> Sequence[tuple[int, int, str]]:
        """(expires_at_ms, gateway id, session key) of every open session, in no order.

        With a bound, of those only that were to be ended for silence before it.
        """
        ...

    async def find_open(
        self, *, account_id: int | None = None, only_final: bool = False
    ) -> Sequence[Session]:
        """Open sessions with their reservations, in no order.

        Args:
            account_id: only those that this account pays or counts, accounts below it included.
            only_final: only those whose last answer was the last grant.
        """
        ...

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
        """Sessions for people, newest first, from the first with an id below `before_id`."""
        ...

    async def knows_gateway(self, gateway_id: int) -> bool:
        """Whether any session, answer or parked report is of this gateway."""
        ...

    async def list_entries(
        self,
        account_id: int,
        *,
        after_number: int = 0,
        from_ms: int | None = None,
        until_ms: int | None = None,
        limit: int | None = None,
    ) -> Sequence[LedgerEntry]:
        """An account's ledger entries in the order of booking, oldest first.

        With bounds, those whose instant is from `from_ms` until before `until_ms`. A charge's instant is that
        of its report, so that entries booked later may be of earlier instants.
        """
        ...

    async def sum_entries(self, account_id: int, *, until_ms: int) -> int:
        """What an account's entries of instants before `until_ms` add up to."""
        ...

    async def find_entry(self, account_id: int, request_key: str) -> LedgerEntry | None:
        """The entry that a command with this idempotency key made."""
        ...

    async def find_session(self, session_id: int) -> Session | None:
        """The session with this id, with its reservations."""
        ...

    async def list_cdrs(
        self, *, account_id: int | None = None, session_id: int | None = None, limit: int | None = None
    ) -> Sequence[Cdr]:
        """Session detail records, the newest first: by instant of recording, then by session."""
        ...

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
        """Session detail records that were recorded from `from_ms` until before `until_ms`, oldest first.

        The next page begins `after` the last record's place. A record that is revised meanwhile moves to
        the end: oldest first, it may be met twice, never missed.
        """
        ...

    async def list_notices(self, *, account_id: int | None = None, limit: int = 100) -> Sequence[Notice]:
        """What owners of accounts should be told, newest first."""
        ...

    async def list_parked(self, *, after_id: int = 0, limit: int = 100) -> Sequence[ParkedReport]:
        """Reports that wait for an operator, oldest first, from the first with a greater id."""
        ...

    async def verify(self) -> Sequence[str]:
        """Recompute every balance and reservation; each difference as a sentence, empty when clean."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the database."""
        ...


# ----------------------------------------------------------------------------------------- API keys, audit


class ApiRole(Enum):
    """What the bearer of an API key may do."""

    CHARGING = "charging"
    "Charge, as the key's gateway."
    READ = "read"
    "Look at everything, change nothing."
    ADMIN = "admin"
    "Everything but charging."


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key that opens the gRPC API. Its text is shown once and never kept."""

    id: str
    "Public part of the key's text: 16 hexadecimal digits."
    digest: bytes
    "SHA-256 of the key's text, which has 256 random bits: nothing slower is needed."
    title: str
    "Who has it, for people and the audit log."
    roles: frozenset[ApiRole]
    gateway: str = ""
    "Name of the gateway that its bearer charges as; needed for CHARGING."
    created_at_ms: int = 0
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None


class AuditEntry(NamedTuple):
    """One change that an operator made, for ever; field order is column order. Never holds a secret."""

    number: int
    "Ascending; assigned by the store, 0 before."
    at_ms: int
    actor: str
    "Who: the title of the API key, or the user of the command line."
    action: str
    "What was done: create, update, revoke, import, ..."
    target: str
    "The resource it was done to, such as ``tariffs/retail``."
    before: str
    "What it was, as JSON; empty: it was not there, or is not told apart."
    after: str
    "What it became, as JSON; empty: it is gone."
    request_id: str | None = None
    "Identifies the command for its repetitions, unique; None: it has no name."
    request_digest: str = ""
    "Of the command's body: the same id with another digest is another command."


class ApiKeyStore(Protocol):
    """Where API keys are kept. Writes append to the change log, so that running servers learn of them."""

    async def load_api_keys(self) -> Sequence[ApiKey]:
        """Every key, revoked ones too, oldest first."""
        ...

    async def create_api_key(self, key: ApiKey, audit: AuditEntry) -> None:
        """Keep a new key, with its audit entry; AlreadyExistsError when the id is taken."""
        ...

    async def revoke_api_key(self, key_id: str, *, at_ms: int, audit: AuditEntry) -> ApiKey | None:
        """Revoke a key for good, with its audit entry.

        One revoked before keeps its instant and is not audited again. None: there is no such key.
        """
        ...


class AuditStore(Protocol):
    """Where changes by operators are remembered. Entries are never changed."""

    async def append_audit(self, entry: AuditEntry) -> None:
        """Add an entry; AlreadyExistsError when its request id is taken."""
        ...

    async def list_audit(self, *, before_number: int | None = None, limit: int = 100) -> Sequence[AuditEntry]:
        """Entries, newest first, from the first whose number is below `before_number`."""
        ...

    async def find_audit(self, request_id: str) -> AuditEntry | None:
        """The entry of the command with this request id."""
        ...


class CatalogStore(ApiKeyStore, AuditStore, Protocol):
    """What operators configure. Writes append to the change log in the same transaction.

    A write may carry its audit entry, which is kept with the change or not at all: AlreadyExistsError when
    its request id is taken. Where a write names what it expects to replace, ConflictError says that something
    else is there by now. A delete names the whole record for the same reason, and InUseError says what refers
    to it.
    """

    # -- read by the running server
    async def find_identity(self, kind: IdentityKind, value: str) -> Identity | None:
        """The identity with this value; for IP the longest CIDR that contains the address.

        As it is stored: its primary identity, if it has one, is looked up by the caller.
        """
        ...

    async def load_chain(self, account_id: int) -> Sequence[AccountProfile]:
        """The account and its ancestors, leaf first; empty when there is none."""
        ...

    async def load_gateways(self) -> Sequence[Gateway]:
        """Every gateway."""
        ...

    async def load_plans(self) -> Sequence[Plan]:
        """Every plan."""
        ...

    async def load_discount_plans(self) -> Sequence[DiscountPlan]:
        """Every discount plan, by name."""
        ...

    async def account_discounts(self, account_ids: Sequence[int]) -> Sequence[DiscountAssignment]:
        """Discount plans that these accounts have themselves, the first assigned first."""
        ...

    async def plan_discounts(self) -> Sequence[DiscountAssignment]:
        """Discount plans that come with plans, the first assigned first."""
        ...

    async def list_discounts(self, discount_plan_id: int) -> Sequence[DiscountAssignment]:
        """Who has a discount plan, the first assigned first."""
        ...

    async def load_tariffs(self) -> Sequence[TariffTerms]:
        """The terms of every tariff, by name."""
        ...

    def stream_rates(self, tariff_id: int) -> AsyncIterator[Sequence[Rate]]:
        """All rates of a tariff, in chunks, ordered by destination and instant."""
        ...

    async def load_tariff(self, terms: TariffTerms, *, destinations: Collection[str] | None = None) -> Tariff:
        """The tariff compiled from all its rates; much faster than streaming them when there are many.

        Requests go on meanwhile: however many there are, other threads are held up for milliseconds only.
        With destinations it is compiled as if it had rates for those only, to ask it once about them.
        """
        ...

    async def count_rates(self, tariff_id: int) -> int:
        """Rates of a tariff, all versions counted."""
        ...

    async def load_destinations(self) -> Sequence[DestinationInfo]:
        """The whole destination directory, by prefix."""
        ...

    async def last_change(self) -> int:
        """The newest change's number, 0 when there is none."""
        ...

    async def changes_after(self, seq: int) -> Sequence[Change]:
        """Changes with a greater number, in order."""
        ...

    # -- written by operators; names are unique, AlreadyExistsError says which is taken
    async def create_accounts(
        self, accounts: Sequence["NewAccount"], *, audits: Sequence[AuditEntry] = ()
    ) -> Sequence[AccountProfile]:
        """Create all or none, with identities; opening balances are the ledger's business."""
        ...

    async def find_account(self, name: str) -> AccountProfile | None:
        """The account with this name."""
        ...

    async def list_accounts(
        self, *, prefix: str = "", after: str = "", limit: int = 100
    ) -> Sequence[AccountProfile]:
        """Accounts in order of name, from the first name greater than `after`."""
        ...

    async def list_resetting(self, *, after_id: int = 0, limit: int = 100) -> Sequence[AccountProfile]:
        """Accounts with a credit reset that are not closed, in order of id, from the first greater one."""
        ...

    async def list_expired(self, *, after_ms: int, until_ms: int) -> Sequence[int]:
        """Ids of accounts whose expiry is later than `after_ms` and not than `until_ms`, in no order."""
        ...

    async def update_account(
        self,
        profile: AccountProfile,
        *,
        expected: AccountProfile | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """Replace an account's master data."""
        ...

    async def delete_account(self, profile: AccountProfile, *, audit: AuditEntry | None = None) -> None:
        """Delete an account without identities and children; only the ledger knows whether it was charged."""
        ...

    async def add_identities(
        self, identities: Sequence[Identity], *, audits: Sequence[AuditEntry] = ()
    ) -> None:
        """Add all or none."""
        ...

    async def list_identities(self, account_id: int) -> Sequence[Identity]:
        """An account's identities."""
        ...

    async def update_identity(
        self, identity: Identity, *, expected: Identity | None = None, audit: AuditEntry | None = None
    ) -> None:
        """Replace the identity of this kind and value; NotFoundError when there is none."""
        ...

    async def remove_identity(
        self,
        kind: IdentityKind,
        value: str,
        *,
        expected: Identity | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """Nobody is recognised by this value any more; NotFoundError when nobody was."""
        ...

    async def save_gateway(
        self, gateway: Gateway, *, expected: Gateway | None = None, audit: AuditEntry | None = None
    ) -> Gateway:
        """Create (id 0) or replace a gateway; returned with its id."""
        ...

    async def delete_gateway(self, gateway: Gateway, *, audit: AuditEntry | None = None) -> None:
        """Delete a gateway; that the books do not know it is the ledger's to say."""
        ...

    async def save_plan(
        self, plan: Plan, *, expected: Plan | None = None, audit: AuditEntry | None = None
    ) -> Plan:
        """Create (id 0) or replace a plan; returned with its id."""
        ...

    async def delete_plan(self, plan: Plan, *, audit: AuditEntry | None = None) -> None:
        """Delete a plan that no account and no identity has."""
        ...

    async def save_discount_plan(
        self, plan: DiscountPlan, *, expected: DiscountPlan | None = None, audit: AuditEntry | None = None
    ) -> DiscountPlan:
        """Create (id 0) or replace a discount plan; returned with its id."""
        ...

    async def delete_discount_plan(self, discount_plan_id: int, *, audit: AuditEntry | None = None) -> None:
        """Remove a discount plan; InputError while somebody has it, NotFoundError when there is none."""
        ...

    async def assign_discount(
        self, assignment: DiscountAssignment, *, audit: AuditEntry | None = None
    ) -> None:
        """Give somebody a discount plan; AlreadyExistsError when it has it as the same kind of owner.

        NotFoundError when the discount plan, the account or the plan does not exist.
        """
        ...

    async def withdraw_discount(
        self, assignment: DiscountAssignment, *, audit: AuditEntry | None = None
    ) -> None:
        """Take a discount plan away, whenever it was assigned; NotFoundError when it was not."""
        ...

    async def save_tariff(
        self, terms: TariffTerms, *, expected: TariffTerms | None = None, audit: AuditEntry | None = None
    ) -> TariffTerms:
        """Create (id 0) or replace a tariff's terms; returned with its id."""
        ...

    async def delete_tariff(self, terms: TariffTerms, *, audit: AuditEntry | None = None) -> None:
        """Delete a tariff that has no rates and that no plan names."""
        ...

    async def write_rates(
        self, tariff_id: int, rates: Iterable[Rate], *, audit: AuditEntry | None = None
    ) -> int:
        """Insert or replace rates by (destination, effective_from), all or none; the number written.

        An audit entry is written at the instant at which the rates come into force. AlreadyExistsError when
        its request id is taken: nothing is written then.
        """
        ...

    async def save_destinations(
        self,
        entries: Iterable[DestinationInfo],
        *,
        removed: Collection[str] = (),
        audit: AuditEntry | None = None,
    ) -> None:
        """Insert or replace entries of the destination directory by prefix, and remove others.

        Not one step: a reader may see some of it before the rest, the audit entry with the last. No price
        depends on the directory, no server keeps it in memory, and so no change is logged.
        """
        ...

    async def seal_secrets(self) -> int:
        """Write every secret anew, as new ones are written now (encrypted, when there is a key); how many."""
        ...

    async def touch(self, kind: ChangeKind, object_id: int) -> None:
        """Append to the change log: other processes' copies of the object are stale."""
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to be created: its profile (ids are assigned) with the parent by name, and identities."""

    profile: AccountProfile
    parent: str | None = None
    identities: Sequence[Identity] = ()
    "`account_id` is assigned."


# ----------------------------------------------------------------------------------------- time and ids


class Clock(Protocol):
    """Server time. Never steps back within a process, whatever the machine's clock does."""

    def now_ms(self) -> int:
        """Epoch milliseconds, UTC."""
        ...


class IdSource(Protocol):
    """Identifiers for new records."""

    def next_id(self) -> int:
        """A positive 63-bit integer that no node has given out or will; increasing within a process."""
        ...

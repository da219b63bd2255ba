"""The tables, once, for every SQL database: names, checks, foreign keys, indexes.

Two domains share one database. The *catalogue* is what operators configure; the *ledger* is what charging
writes. Foreign keys stay inside a domain, so that the two can be kept apart later. Column order is the field
order of the records in `ocs.ports` and `ocs.quota`: rows cross the border without being rearranged.

Times are epoch milliseconds, money is micros, both signed 64-bit.
"""

from enum import Enum
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from ocs.ports import ChangeKind, IdentityKind, NoticeKind
from ocs.quota.account import AccountKind, AccountStatus, CreditReset
from ocs.quota.ledger import EntryKind
from ocs.quota.session import SessionState
from ocs.rating.discount import ROLLOVER_PERIODS_MAX, Counting
from ocs.rating.reset import ResetCycle
from ocs.rating.tariff import OffPeakWhen, RoundMode
from ocs.units import MAX_MICROS, AccessCode

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

BigInt: Final = BigInteger().with_variant(Integer(), "sqlite")
"64 bits everywhere; SQLite's INTEGER is, and only that name makes a primary key the row's own number."


def _integer(name: str, *arguments: ForeignKey, nullable: bool = False) -> Column[int]:
    return Column(name, BigInt, *arguments, nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean, nullable=False)


def _one_of(column: str, kind: type[Enum]) -> CheckConstraint:
    values = ", ".join(repr(member.value) for member in kind)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def _bounded(*columns: str) -> list[CheckConstraint]:
    """Amounts stay below 2^62 either way, so that the sum of two fits the column."""
    return [
        CheckConstraint(f"{column} > -{MAX_MICROS} AND {column} < {MAX_MICROS}", name=column)
        for column in columns
    ]


def _at_least(column: str, bound: int) -> CheckConstraint:
    return CheckConstraint(f"{column} >= {bound}", name=f"{column}_min")


# ------------------------------------------------------------------------------------------------ catalogue

tariff = Table(
    "tariff",
    metadata,
    Column("id", BigInt, primary_key=True),
    _text("name"),
    _text("currency"),
    Column("off_peak_periods", Text, nullable=False, comment="JSON list of up to two period expressions"),
    _text("off_peak_when"),
    _integer("connect_fee_micros"),
    _flag("connect_fee_on_zero"),
    _integer("grace_seconds"),
    _integer("free_seconds"),
    Column("post_call_surcharge_ppm", BigInt, nullable=False, comment="millionths of the total"),
    _integer("round_decimals"),
    _text("round_mode"),
    Column("default_rate", Text, nullable=True, comment="JSON price set, null when there is none"),
    UniqueConstraint("name"),
    _one_of("off_peak_when", OffPeakWhen),
    _one_of("round_mode", RoundMode),
    *_bounded("connect_fee_micros"),
    CheckConstraint("round_decimals >= 0 AND round_decimals <= 6", name="round_decimals"),
    _at_least("grace_seconds", 0),
    _at_least("free_seconds", 0),
    comment="Terms of a tariff; its prices are in rate.",
    sqlite_autoincrement=True,
)

rate_import = Table(
    "rate_import",
    metadata,
    Column("import_id", BigInt, primary_key=True),
    _integer("tariff_id", ForeignKey("tariff.id")),
    Column("state", Text, nullable=False, comment="see ocs.storage.sql.rate"),
    Column("first_rate_id", BigInt, nullable=False, comment="its rates have ids from here to last_rate_id"),
    _integer("last_rate_id"),
    _integer("at_ms"),
    CheckConstraint("state IN ('open', 'published', 'swept', 'abandoned')", name="state"),
    Index(None, "tariff_id"),
    comment="One write of rates. Publishing it is what makes its rates visible, all at once.",
    sqlite_autoincrement=True,
)


def _price_columns() -> list[Column[int] | Column[str] | Column[bool]]:
    """Columns of an `ocs.rating.tariff.PriceSet`, in its field order."""
    return [
        _integer("first_interval_s"),
        _integer("next_interval_s"),
        _integer("first_price_nanos"),
        _integer("next_price_nanos"),
        _integer("rounding"),
        _integer("unit_price_nanos"),
        _text("formula"),
        _text("route_category"),
        _integer("preference"),
        _flag("huntstop"),
    ]


def _price_checks() -> list[CheckConstraint]:
    return [
        _at_least("first_interval_s", 1),
        _at_least("next_interval_s", 1),
        _at_least("rounding", 1),
        CheckConstraint("preference >= 0 AND preference <= 10", name="preference"),
    ]


rate = Table(
    "rate",
    metadata,
    Column("rate_id", BigInt, primary_key=True),
    _integer("tariff_id", ForeignKey("tariff.id")),
    _integer("import_id", ForeignKey("rate_import.import_id")),
    _text("destination"),
    _integer("effective_from_s"),
    *_price_columns(),
    _flag("payback"),
    _flag("hidden"),
    _flag("discontinued"),
    _flag("forbidden"),
    Index("ix_rate_key", "tariff_id", "destination", "effective_from_s", "rate_id"),
    *_price_checks(),
    comment="Prices of a destination from an instant on; of equal keys the greatest published id counts.",
)

rate_off_peak = Table(
    "rate_off_peak",
    metadata,
    _integer("rate_id", ForeignKey("rate.rate_id", ondelete="CASCADE")),
    _integer("ordinal"),
    Column("period", Text, nullable=True, comment="null: the tariff's default period of the same place"),
    *_price_columns(),
    PrimaryKeyConstraint("rate_id", "ordinal"),
    CheckConstraint("ordinal IN (0, 1)", name="ordinal"),
    *_price_checks(),
    comment="Off-peak price sets of a rate.",
    sqlite_with_rowid=False,
)

destination = Table(
    "destination",
    metadata,
    _text("prefix"),
    _text("description"),
    _text("country"),
    Column("iso", Text, nullable=False, comment="ISO 3166-1 alpha-2"),
    Column("mcc", Text, nullable=False, comment="mobile country code"),
    Column("mnc", Text, nullable=False, comment="mobile network code"),
    _text("group_name"),
    PrimaryKeyConstraint("prefix"),
    comment="What a phone prefix means to people; prices never depend on it.",
)

plan = Table(
    "plan",
    metadata,
    Column("id", BigInt, primary_key=True),
    _text("name"),
    _integer("override_tariff_id", ForeignKey("tariff.id"), nullable=True),
    _flag("bill_by_ani"),
    UniqueConstraint("name"),
    comment="Which tariff prices which service.",
    sqlite_autoincrement=True,
)

plan_tariff = Table(
    "plan_tariff",
    metadata,
    _integer("plan_id", ForeignKey("plan.id", ondelete="CASCADE")),
    _text("service"),
    _text("access_code"),
    _integer("tariff_id", ForeignKey("tariff.id")),
    PrimaryKeyConstraint("plan_id", "service", "access_code"),
    _one_of("access_code", AccessCode),
    comment="The services of a plan.",
)

discount_plan = Table(
    "discount_plan",
    metadata,
    Column("id", BigInt, primary_key=True),
    _text("name"),
    UniqueConstraint("name"),
    comment="Allowances and volume discounts that go together.",
    sqlite_autoincrement=True,
)

discount_rule = Table(
    "discount_rule",
    metadata,
    _integer("discount_plan_id", ForeignKey("discount_plan.id", ondelete="CASCADE")),
    _integer("ordinal"),
    _text("name"),
    Column("prefixes", Text, nullable=False, comment="JSON list of the group's destinations"),
    _text("counting"),
    Column("ladders", Text, nullable=False, comment="JSON: 1 or 3 lists of [up to or null, millionths off]"),
    _text("reset"),
    _integer("billing_day"),
    _flag("prorates"),
    _integer("rollover_periods"),
    PrimaryKeyConstraint("discount_plan_id", "name"),
    _one_of("counting", Counting),
    _one_of("reset", ResetCycle),
    CheckConstraint("billing_day >= 1 AND billing_day <= 31", name="billing_day"),
    CheckConstraint(
        f"rollover_periods >= 0 AND rollover_periods <= {ROLLOVER_PERIODS_MAX}", name="rollover_periods"
    ),
    comment="Thresholds of one destination group.",
)

account = Table(
    "account",
    metadata,
    Column("id", BigInt, primary_key=True),
    _text("name"),
    _text("kind"),
    _text("currency"),
    _text("status"),
    _integer("parent_id", ForeignKey("account.id"), nullable=True),
    _integer("root_id", ForeignKey("account.id")),
    _integer("credit_limit_micros", nullable=True),
    _integer("plan_id", ForeignKey("plan.id"), nullable=True),
    _text("zone"),
    _integer("activates_at_ms", nullable=True),
    _integer("expires_at_ms", nullable=True),
    _integer("max_sessions", nullable=True),
    _integer("daily_spend_limit_micros", nullable=True),
    _integer("low_balance_micros", nullable=True),
    _integer("max_voice_sessions", nullable=True),
    _integer("max_data_sessions", nullable=True),
    _text("reset_cycle"),
    _integer("reset_amount_micros"),
    _integer("reset_since_ms"),
    UniqueConstraint("name"),
    Index(None, "parent_id"),
    _one_of("kind", AccountKind),
    _one_of("status", AccountStatus),
    _one_of("reset_cycle", CreditReset),
    *_bounded("credit_limit_micros", "daily_spend_limit_micros", "low_balance_micros", "reset_amount_micros"),
    _at_least("credit_limit_micros", 0),
    CheckConstraint("parent_id <> id", name="parent_id"),
    comment="Master data of accounts; live sums are in account_state.",
)
Index(
    "ix_account_reset",
    account.c.id,
    sqlite_where=account.c.reset_cycle != CreditReset.NONE.value,
    postgresql_where=account.c.reset_cycle != CreditReset.NONE.value,
)
Index(
    "ix_account_expiry",
    account.c.expires_at_ms,
    sqlite_where=account.c.expires_at_ms.is_not(None),
    postgresql_where=account.c.expires_at_ms.is_not(None),
)

discount_assignment = Table(
    "discount_assignment",
    metadata,
    Column("id", BigInt, primary_key=True),
    _integer("discount_plan_id", ForeignKey("discount_plan.id")),
    Column("owner", Text, nullable=False, comment="as what its owner takes precedence"),
    _integer("account_id", ForeignKey("account.id"), nullable=True),
    _integer("plan_id", ForeignKey("plan.id"), nullable=True),
    _integer("since_ms"),
    UniqueConstraint("discount_plan_id", "owner", "account_id"),
    UniqueConstraint("discount_plan_id", "owner", "plan_id"),
    Index(None, "account_id"),
    Index(None, "plan_id"),
    CheckConstraint("owner IN ('account', 'add_on', 'plan', 'customer')", name="owner"),
    CheckConstraint("(account_id IS NULL) <> (plan_id IS NULL)", name="whose"),
    comment="Who has which discount plan: an account or a plan.",
    sqlite_autoincrement=True,
)

identity = Table(
    "identity",
    metadata,
    _text("kind"),
    Column("value", Text, nullable=False, comment="for kind ip: canonical CIDR"),
    _integer("account_id", ForeignKey("account.id")),
    _text("secret", nullable=True),
    _integer("max_sessions", nullable=True),
    _integer("plan_id", ForeignKey("plan.id"), nullable=True),
    _text("cost_centre"),
    _integer("payback_tariff_id", ForeignKey("tariff.id"), nullable=True),
    Column("primary_kind", Text, comment="with primary_value the identity that it stands for"),
    _text("primary_value"),
    PrimaryKeyConstraint("kind", "value"),
    Index(None, "account_id"),
    Index(None, "primary_value"),
    _one_of("kind", IdentityKind),
    CheckConstraint("(primary_kind IS NULL) = (primary_value = '')", name="primary"),
    comment="What subscribers are recognised by.",
)

gateway = Table(
    "gateway",
    metadata,
    Column("id", BigInt, primary_key=True),
    _text("name"),
    _text("address"),
    _text("secret"),
    _text("dialect"),
    Column("identity_order", Text, nullable=False, comment="JSON list of identity kinds"),
    Column("numbers", Text, nullable=False, comment="JSON number rules"),
    Column("grant_policy", Text, nullable=False, comment="JSON grant policy"),
    _text("zone"),
    _text("require_message_authenticator"),
    _text("limit_proxy_state"),
    _flag("authorize_without_password"),
    _text("coa_address"),
    _integer("coa_port"),
    Column("return_codes", Text, nullable=False, comment="JSON object: reason text to h323-return-code"),
    _flag("enabled"),
    UniqueConstraint("name"),
    CheckConstraint("coa_port >= 0 AND coa_port < 65536", name="coa_port"),
    comment="Equipment that asks for its subscribers.",
    sqlite_autoincrement=True,
)

change_log = Table(
    "change_log",
    metadata,
    Column("seq", BigInt, primary_key=True),
    _text("kind"),
    _integer("object_id"),
    _integer("at_ms"),
    _one_of("kind", ChangeKind),
    comment="What changed in the catalogue, for servers to poll.",
    sqlite_autoincrement=True,
)

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True, comment="public part of the key"),
    Column("digest", Text, nullable=False, comment="SHA-256 of the key, hexadecimal"),
    _text("title"),
    Column("roles", Text, nullable=False, comment="JSON list of roles"),
    _text("gateway"),
    _integer("created_at_ms"),
    _integer("expires_at_ms", nullable=True),
    _integer("revoked_at_ms", nullable=True),
    comment="Keys that open the gRPC API; the keys themselves are not kept.",
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("number", BigInt, primary_key=True),
    _integer("at_ms"),
    _text("actor"),
    _text("action"),
    _text("target"),
    Column("before", Text, nullable=False, comment="JSON, empty when there was nothing"),
    Column("after", Text, nullable=False, comment="JSON, empty when nothing is left"),
    _text("request_id", nullable=True),
    _text("request_digest"),
    UniqueConstraint("request_id"),
    comment="Every change by an operator; append-only, without secrets.",
    sqlite_autoincrement=True,
)

# --------------------------------------------------------------------------------------------------- ledger

rate_snapshot = Table(
    "rate_snapshot",
    metadata,
    Column("snapshot_id", BigInt, primary_key=True, autoincrement=False),
    _text("body"),
    comment="Rates that priced sessions, as they were; content-addressed, never changed.",
)

account_state = Table(
    "account_state",
    metadata,
    Column("account_id", BigInt, primary_key=True, autoincrement=False),
    _integer("version"),
    _integer("balance_micros"),
    _integer("reserved_micros"),
    _integer("open_sessions"),
    _integer("entries"),
    _integer("spent_day"),
    _integer("spent_micros"),
    _integer("open_voice"),
    _integer("open_data"),
    Column("open_by_identity", Text, nullable=False, comment="JSON object: identities with a limit, in use"),
    _integer("reset_at_ms"),
    Column("counters", Text, nullable=False, comment="JSON object: what is taken and held of allowances"),
    *_bounded("balance_micros", "reserved_micros", "spent_micros"),
    _at_least("version", 1),
    _at_least("reserved_micros", 0),
    _at_least("open_sessions", 0),
    _at_least("open_voice", 0),
    _at_least("open_data", 0),
    _at_least("entries", 0),
    comment="Live sums of accounts, written by compare-and-set on version.",
)

session = Table(
    "session",
    metadata,
    Column("session_id", BigInt, primary_key=True, autoincrement=False),
    _integer("version"),
    _integer("gateway_id"),
    _text("session_key"),
    _integer("account_id", ForeignKey("account_state.account_id")),
    _text("identity_kind"),
    _text("identity_value"),
    _text("service"),
    _text("access_code"),
    _text("calling"),
    _text("called"),
    Column("state", BigInt, nullable=False, comment="1 open, 2 closed, 3 expired, 4 refunded"),
    _integer("started_at_ms"),
    _integer("answered"),
    _integer("updated_at_ms"),
    _integer("expires_at_ms"),
    _integer("ended_at_ms"),
    _integer("used_units"),
    _integer("granted_units"),
    _integer("final_grant"),
    _text("request_key"),
    _text("end_cause"),
    _integer("octets_in"),
    _integer("octets_out"),
    Column("plan_id", BigInt, nullable=False, comment="of its identity; 0: the account's"),
    Column("counted_identity", Text, nullable=False, comment="whose limit it counts against; empty: none"),
    Column("peer_attributes", Text, nullable=False, comment="how its edge finds it at the equipment"),
    _text("cost_centre"),
    _integer("receipt_timed"),
    Column("payback_tariff_id", BigInt, nullable=False, comment="of its identity; 0: none"),
    Column("legs", Text, nullable=False, comment="of the call, by comma, that were reported as it"),
    Column("slice_units", BigInt, nullable=False, comment="its equipment asks again after; 0: by policy"),
    UniqueConstraint("gateway_id", "session_key"),
    Index(None, "account_id", "session_id"),
    _one_of("state", SessionState),
    CheckConstraint("answered IN (0, 1)", name="answered"),
    CheckConstraint("final_grant IN (0, 1)", name="final_grant"),
    _at_least("version", 1),
    _at_least("used_units", 0),
    _at_least("granted_units", 0),
    comment="Service sessions, written by compare-and-set on version.",
)
Index(
    "ix_session_open",
    session.c.account_id,
    sqlite_where=session.c.state == SessionState.OPEN.value,
    postgresql_where=session.c.state == SessionState.OPEN.value,
)

reservation = Table(
    "reservation",
    metadata,
    _integer("session_id", ForeignKey("session.session_id")),
    _integer("account_id", ForeignKey("account_state.account_id")),
    _integer("ordinal"),
    Column(
        "snapshot_id", BigInt, nullable=False, comment="0: the account counts the session but does not pay"
    ),
    _integer("reserved_micros"),
    _integer("debited_micros"),
    _integer("used_set1_units"),
    _integer("used_set2_units"),
    _integer("overrun_micros"),
    _integer("refunded_micros"),
    Column("gross_micros", BigInt, nullable=False, comment="debited_micros before discounts"),
    Column(
        "allowance", Text, nullable=False, comment="JSON: its discounts, and what it took and holds of them"
    ),
    PrimaryKeyConstraint("session_id", "account_id"),
    *_bounded("reserved_micros", "debited_micros", "overrun_micros", "refunded_micros", "gross_micros"),
    _at_least("reserved_micros", 0),
    _at_least("overrun_micros", 0),
    comment="What each payer of a session holds and has paid.",
    sqlite_with_rowid=False,
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    _integer("account_id", ForeignKey("account_state.account_id")),
    _integer("number"),
    _text("kind"),
    _integer("amount_micros"),
    _integer("balance_micros"),
    _integer("at_ms"),
    _integer("session_id", nullable=True),
    _integer("snapshot_id", nullable=True),
    _text("request_key", nullable=True),
    _integer("overrun_micros"),
    _text("note"),
    PrimaryKeyConstraint("account_id", "number"),
    _one_of("kind", EntryKind),
    *_bounded("amount_micros", "balance_micros", "overrun_micros"),
    _at_least("number", 1),
    _at_least("overrun_micros", 0),
    comment="Every movement of every balance; append-only.",
    sqlite_with_rowid=False,
)
Index(
    "uq_ledger_entry_request_key",
    ledger_entry.c.account_id,
    ledger_entry.c.request_key,
    unique=True,
    sqlite_where=ledger_entry.c.request_key.is_not(None),
    postgresql_where=ledger_entry.c.request_key.is_not(None),
)

cdr = Table(
    "cdr",
    metadata,
    _integer("session_id"),
    _integer("account_id"),
    _integer("revision"),
    _integer("gateway_id"),
    _text("session_key"),
    _text("identity_kind"),
    _text("identity_value"),
    _text("service"),
    _text("access_code"),
    _text("calling"),
    _text("called"),
    _integer("started_at_ms"),
    _integer("ended_at_ms"),
    _integer("recorded_at_ms"),
    _text("end_cause"),
    _integer("used_units"),
    _integer("billed_units"),
    _integer("granted_units"),
    _integer("octets_in"),
    _integer("octets_out"),
    _integer("charged_micros"),
    _integer("overrun_micros"),
    _text("currency"),
    _text("tariff"),
    _text("destination"),
    _integer("snapshot_id"),
    Column("explanation", Text, nullable=False, comment="JSON: the steps that made the price"),
    Column("allowance", Text, nullable=False, comment="JSON: what was taken from discount counters"),
    _text("cost_centre"),
    Column("receipt_timed", BigInt, nullable=False, comment="1: our time of receipt stood in for a report's"),
    Column("legs", Text, nullable=False, comment="of the call, by comma, that were reported as the session"),
    PrimaryKeyConstraint("session_id", "account_id"),
    Index(None, "account_id", "recorded_at_ms"),
    Index(None, "recorded_at_ms"),
    *_bounded("charged_micros", "overrun_micros"),
    comment="Session detail records, one per payer; a later revision replaces an earlier one.",
    sqlite_with_rowid=False,
)

notice = Table(
    "notice",
    metadata,
    _integer("account_id", ForeignKey("account_state.account_id")),
    Column("number", BigInt, nullable=False, comment="of the ledger entry that is told of"),
    _text("kind"),
    _integer("at_ms"),
    _integer("balance_micros"),
    PrimaryKeyConstraint("account_id", "number", "kind"),
    Index(None, "at_ms"),
    _one_of("kind", NoticeKind),
    *_bounded("balance_micros"),
    comment="What the owners of accounts should be told.",
    sqlite_with_rowid=False,
)

answer = Table(
    "answer",
    metadata,
    _integer("gateway_id"),
    _text("request_key"),
    _text("digest"),
    _integer("session_id", nullable=True),
    _text("answer"),
    _integer("at_ms"),
    PrimaryKeyConstraint("gateway_id", "request_key"),
    comment="Answers to keyed requests, for their replays.",
    sqlite_with_rowid=False,
)

parked = Table(
    "parked",
    metadata,
    Column("parked_id", BigInt, primary_key=True, autoincrement=False),
    _integer("gateway_id"),
    _text("session_key"),
    _integer("received_at_ms"),
    _text("reason"),
    _integer("used_units"),
    Column("report", Text, nullable=False, comment="the request as JSON"),
    UniqueConstraint("gateway_id", "session_key"),
    comment="Reported usage that nobody could be charged for yet.",
)

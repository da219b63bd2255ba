"""The first schema.

Revision ID: 0001
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_account_state()
    _create_answer()
    _create_api_key()
    _create_audit_log()
    _create_cdr()
    _create_change_log()
    _create_destination()
    _create_discount_plan()
    _create_gateway()
    _create_parked()
    _create_rate_snapshot()
    _create_tariff()
    _create_ledger_entry()
    _create_notice()
    _create_plan()
    _create_discount_rule()
    _create_rate_import()
    _create_session()
    _create_account()
    _create_discount_assignment()
    _create_plan_tariff()
    _create_rate()
    _create_reservation()
    _create_identity()
    _create_rate_off_peak()


def downgrade() -> None:
    op.drop_table("rate_off_peak")
    op.drop_table("identity")
    op.drop_table("reservation")
    op.drop_table("rate")
    op.drop_table("plan_tariff")
    op.drop_table("discount_assignment")
    op.drop_table("account")
    op.drop_table("session")
    op.drop_table("rate_import")
    op.drop_table("discount_rule")
    op.drop_table("plan")
    op.drop_table("notice")
    op.drop_table("ledger_entry")
    op.drop_table("tariff")
    op.drop_table("rate_snapshot")
    op.drop_table("parked")
    op.drop_table("gateway")
    op.drop_table("discount_plan")
    op.drop_table("destination")
    op.drop_table("change_log")
    op.drop_table("cdr")
    op.drop_table("audit_log")
    op.drop_table("api_key")
    op.drop_table("answer")
    op.drop_table("account_state")


def _bounded(name: str, column: str) -> sa.CheckConstraint:
    bound = 4611686018427387904
    return sa.CheckConstraint(f"{column} > -{bound} AND {column} < {bound}", name=op.f(f"ck_{name}"))


def _create_account_state() -> None:
    op.create_table(
        "account_state",
        sa.Column("account_id", BIG, autoincrement=False, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("balance_micros", BIG, nullable=False),
        sa.Column("reserved_micros", BIG, nullable=False),
        sa.Column("open_sessions", BIG, nullable=False),
        sa.Column("entries", BIG, nullable=False),
        sa.Column("spent_day", BIG, nullable=False),
        sa.Column("spent_micros", BIG, nullable=False),
        sa.Column("open_voice", BIG, nullable=False),
        sa.Column("open_data", BIG, nullable=False),
        sa.Column(
            "open_by_identity",
            sa.Text(),
            nullable=False,
            comment="JSON object: identities with a limit, in use",
        ),
        sa.Column("reset_at_ms", BIG, nullable=False),
        sa.Column(
            "counters", sa.Text(), nullable=False, comment="JSON object: what is taken and held of allowances"
        ),
        _bounded("account_state_balance_micros", "balance_micros"),
        sa.CheckConstraint("entries >= 0", name=op.f("ck_account_state_entries_min")),
        sa.CheckConstraint("open_data >= 0", name=op.f("ck_account_state_open_data_min")),
        sa.CheckConstraint("open_sessions >= 0", name=op.f("ck_account_state_open_sessions_min")),
        sa.CheckConstraint("open_voice >= 0", name=op.f("ck_account_state_open_voice_min")),
        _bounded("account_state_reserved_micros", "reserved_micros"),
        sa.CheckConstraint("reserved_micros >= 0", name=op.f("ck_account_state_reserved_micros_min")),
        _bounded("account_state_spent_micros", "spent_micros"),
        sa.CheckConstraint("version >= 1", name=op.f("ck_account_state_version_min")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_account_state")),
        comment="Live sums of accounts, written by compare-and-set on version.",
    )


def _create_answer() -> None:
    op.create_table(
        "answer",
        sa.Column("gateway_id", BIG, nullable=False),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("session_id", BIG, nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.PrimaryKeyConstraint("gateway_id", "request_key", name=op.f("pk_answer")),
        comment="Answers to keyed requests, for their replays.",
        sqlite_with_rowid=False,
    )


def _create_api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False, comment="public part of the key"),
        sa.Column("digest", sa.Text(), nullable=False, comment="SHA-256 of the key, hexadecimal"),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False, comment="JSON list of roles"),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("created_at_ms", BIG, nullable=False),
        sa.Column("expires_at_ms", BIG, nullable=True),
        sa.Column("revoked_at_ms", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        comment="Keys that open the gRPC API; the keys themselves are not kept.",
    )


def _create_audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("number", BIG, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False, comment="JSON, empty when there was nothing"),
        sa.Column("after", sa.Text(), nullable=False, comment="JSON, empty when nothing is left"),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("request_digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_log")),
        sa.UniqueConstraint("request_id", name=op.f("uq_audit_log_request_id")),
        comment="Every change by an operator; append-only, without secrets.",
        sqlite_autoincrement=True,
    )


def _create_cdr() -> None:
    op.create_table(
        "cdr",
        sa.Column("session_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("gateway_id", BIG, nullable=False),
        sa.Column("session_key", sa.Text(), nullable=False),
        sa.Column("identity_kind", sa.Text(), nullable=False),
        sa.Column("identity_value", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("access_code", sa.Text(), nullable=False),
        sa.Column("calling", sa.Text(), nullable=False),
        sa.Column("called", sa.Text(), nullable=False),
        sa.Column("started_at_ms", BIG, nullable=False),
        sa.Column("ended_at_ms", BIG, nullable=False),
        sa.Column("recorded_at_ms", BIG, nullable=False),
        sa.Column("end_cause", sa.Text(), nullable=False),
        sa.Column("used_units", BIG, nullable=False),
        sa.Column("billed_units", BIG, nullable=False),
        sa.Column("granted_units", BIG, nullable=False),
        sa.Column("octets_in", BIG, nullable=False),
        sa.Column("octets_out", BIG, nullable=False),
        sa.Column("charged_micros", BIG, nullable=False),
        sa.Column("overrun_micros", BIG, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("tariff", sa.Text(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("snapshot_id", BIG, nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False, comment="JSON: the steps that made the price"),
        sa.Column(
            "allowance", sa.Text(), nullable=False, comment="JSON: what was taken from discount counters"
        ),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column(
            "receipt_timed", BIG, nullable=False, comment="1: our time of receipt stood in for a report's"
        ),
        sa.Column(
            "legs",
            sa.Text(),
            nullable=False,
            comment="of the call, by comma, that were reported as the session",
        ),
        _bounded("cdr_charged_micros", "charged_micros"),
        _bounded("cdr_overrun_micros", "overrun_micros"),
        sa.PrimaryKeyConstraint("session_id", "account_id", name=op.f("pk_cdr")),
        comment="Session detail records, one per payer; a later revision replaces an earlier one.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        op.f("ix_cdr_account_id_recorded_at_ms"), "cdr", ["account_id", "recorded_at_ms"], unique=False
    )
    op.create_index(op.f("ix_cdr_recorded_at_ms"), "cdr", ["recorded_at_ms"], unique=False)


def _create_change_log() -> None:
    op.create_table(
        "change_log",
        sa.Column("seq", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("object_id", BIG, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.CheckConstraint(
            "kind IN ('account', 'identity', 'gateway', 'plan', 'tariff', 'session', 'api_key', 'discount')",
            name=op.f("ck_change_log_kind"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_change_log")),
        comment="What changed in the catalogue, for servers to poll.",
        sqlite_autoincrement=True,
    )


def _create_destination() -> None:
    op.create_table(
        "destination",
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("iso", sa.Text(), nullable=False, comment="ISO 3166-1 alpha-2"),
        sa.Column("mcc", sa.Text(), nullable=False, comment="mobile country code"),
        sa.Column("mnc", sa.Text(), nullable=False, comment="mobile network code"),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("prefix", name=op.f("pk_destination")),
        comment="What a phone prefix means to people; prices never depend on it.",
    )


def _create_discount_plan() -> None:
    op.create_table(
        "discount_plan",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discount_plan")),
        sa.UniqueConstraint("name", name=op.f("uq_discount_plan_name")),
        comment="Allowances and volume discounts that go together.",
        sqlite_autoincrement=True,
    )


def _create_discount_rule() -> None:
    op.create_table(
        "discount_rule",
        sa.Column("discount_plan_id", BIG, nullable=False),
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefixes", sa.Text(), nullable=False, comment="JSON list of the group's destinations"),
        sa.Column("counting", sa.Text(), nullable=False),
        sa.Column(
            "ladders",
            sa.Text(),
            nullable=False,
            comment="JSON: 1 or 3 lists of [up to or null, millionths off]",
        ),
        sa.Column("reset", sa.Text(), nullable=False),
        sa.Column("billing_day", BIG, nullable=False),
        sa.Column("prorates", sa.Boolean(), nullable=False),
        sa.Column("rollover_periods", BIG, nullable=False),
        sa.CheckConstraint("counting IN ('units', 'money')", name=op.f("ck_discount_rule_counting")),
        sa.CheckConstraint(
            "reset IN ('daily', 'weekly', 'monthly', 'billing_day', 'never')",
            name=op.f("ck_discount_rule_reset"),
        ),
        sa.CheckConstraint(
            "billing_day >= 1 AND billing_day <= 31", name=op.f("ck_discount_rule_billing_day")
        ),
        sa.CheckConstraint(
            "rollover_periods >= 0 AND rollover_periods <= 3", name=op.f("ck_discount_rule_rollover_periods")
        ),
        sa.ForeignKeyConstraint(
            ["discount_plan_id"],
            ["discount_plan.id"],
            name=op.f("fk_discount_rule_discount_plan_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("discount_plan_id", "name", name=op.f("pk_discount_rule")),
        comment="Thresholds of one destination group.",
    )


def _create_discount_assignment() -> None:
    op.create_table(
        "discount_assignment",
        sa.Column("id", BIG, nullable=False),
        sa.Column("discount_plan_id", BIG, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="as what its owner takes precedence"),
        sa.Column("account_id", BIG, nullable=True),
        sa.Column("plan_id", BIG, nullable=True),
        sa.Column("since_ms", BIG, nullable=False),
        sa.CheckConstraint(
            "owner IN ('account', 'add_on', 'plan', 'customer')", name=op.f("ck_discount_assignment_owner")
        ),
        sa.CheckConstraint(
            "(account_id IS NULL) <> (plan_id IS NULL)", name=op.f("ck_discount_assignment_whose")
        ),
        sa.ForeignKeyConstraint(
            ["discount_plan_id"], ["discount_plan.id"], name=op.f("fk_discount_assignment_discount_plan_id")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_discount_assignment_account_id")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_discount_assignment_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discount_assignment")),
        sa.UniqueConstraint(
            "discount_plan_id",
            "owner",
            "account_id",
            name=op.f("uq_discount_assignment_discount_plan_id_owner_account_id"),
        ),
        sa.UniqueConstraint(
            "discount_plan_id",
            "owner",
            "plan_id",
            name=op.f("uq_discount_assignment_discount_plan_id_owner_plan_id"),
        ),
        comment="Who has which discount plan: an account or a plan.",
        sqlite_autoincrement=True,
    )
    op.create_index(
        op.f("ix_discount_assignment_account_id"), "discount_assignment", ["account_id"], unique=False
    )
    op.create_index(op.f("ix_discount_assignment_plan_id"), "discount_assignment", ["plan_id"], unique=False)


def _create_gateway() -> None:
    op.create_table(
        "gateway",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("dialect", sa.Text(), nullable=False),
        sa.Column("identity_order", sa.Text(), nullable=False, comment="JSON list of identity kinds"),
        sa.Column("numbers", sa.Text(), nullable=False, comment="JSON number rules"),
        sa.Column("grant_policy", sa.Text(), nullable=False, comment="JSON grant policy"),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("require_message_authenticator", sa.Text(), nullable=False),
        sa.Column("limit_proxy_state", sa.Text(), nullable=False),
        sa.Column("authorize_without_password", sa.Boolean(), nullable=False),
        sa.Column("coa_address", sa.Text(), nullable=False),
        sa.Column("coa_port", BIG, nullable=False),
        sa.Column(
            "return_codes", sa.Text(), nullable=False, comment="JSON object: reason text to h323-return-code"
        ),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.CheckConstraint("coa_port >= 0 AND coa_port < 65536", name=op.f("ck_gateway_coa_port")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway")),
        sa.UniqueConstraint("name", name=op.f("uq_gateway_name")),
        comment="Equipment that asks for its subscribers.",
        sqlite_autoincrement=True,
    )


def _create_parked() -> None:
    op.create_table(
        "parked",
        sa.Column("parked_id", BIG, autoincrement=False, nullable=False),
        sa.Column("gateway_id", BIG, nullable=False),
        sa.Column("session_key", sa.Text(), nullable=False),
        sa.Column("received_at_ms", BIG, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("used_units", BIG, nullable=False),
        sa.Column("report", sa.Text(), nullable=False, comment="the request as JSON"),
        sa.PrimaryKeyConstraint("parked_id", name=op.f("pk_parked")),
        sa.UniqueConstraint("gateway_id", "session_key", name=op.f("uq_parked_gateway_id_session_key")),
        comment="Reported usage that nobody could be charged for yet.",
    )


def _create_rate_snapshot() -> None:
    op.create_table(
        "rate_snapshot",
        sa.Column("snapshot_id", BIG, autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id", name=op.f("pk_rate_snapshot")),
        comment="Rates that priced sessions, as they were; content-addressed, never changed.",
    )


def _create_tariff() -> None:
    op.create_table(
        "tariff",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column(
            "off_peak_periods", sa.Text(), nullable=False, comment="JSON list of up to two period expressions"
        ),
        sa.Column("off_peak_when", sa.Text(), nullable=False),
        sa.Column("connect_fee_micros", BIG, nullable=False),
        sa.Column("connect_fee_on_zero", sa.Boolean(), nullable=False),
        sa.Column("grace_seconds", BIG, nullable=False),
        sa.Column("free_seconds", BIG, nullable=False),
        sa.Column("post_call_surcharge_ppm", BIG, nullable=False, comment="millionths of the total"),
        sa.Column("round_decimals", BIG, nullable=False),
        sa.Column("round_mode", sa.Text(), nullable=False),
        sa.Column(
            "default_rate", sa.Text(), nullable=True, comment="JSON price set, null when there is none"
        ),
        sa.CheckConstraint(
            "off_peak_when IN ('starts', 'finishes', 'both', 'split')", name=op.f("ck_tariff_off_peak_when")
        ),
        sa.CheckConstraint(
            "round_mode IN ('half_away_from_zero', 'away_from_zero', 'toward_zero')",
            name=op.f("ck_tariff_round_mode"),
        ),
        _bounded("tariff_connect_fee_micros", "connect_fee_micros"),
        sa.CheckConstraint("free_seconds >= 0", name=op.f("ck_tariff_free_seconds_min")),
        sa.CheckConstraint("grace_seconds >= 0", name=op.f("ck_tariff_grace_seconds_min")),
        sa.CheckConstraint(
            "round_decimals >= 0 AND round_decimals <= 6", name=op.f("ck_tariff_round_decimals")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tariff")),
        sa.UniqueConstraint("name", name=op.f("uq_tariff_name")),
        comment="Terms of a tariff; its prices are in rate.",
        sqlite_autoincrement=True,
    )


def _create_ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_micros", BIG, nullable=False),
        sa.Column("balance_micros", BIG, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("session_id", BIG, nullable=True),
        sa.Column("snapshot_id", BIG, nullable=True),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("overrun_micros", BIG, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('payment', 'charge', 'refund', 'adjustment', 'transfer', 'reset', 'bonus', 'expiry')",
            name=op.f("ck_ledger_entry_kind"),
        ),
        _bounded("ledger_entry_amount_micros", "amount_micros"),
        _bounded("ledger_entry_balance_micros", "balance_micros"),
        sa.CheckConstraint("number >= 1", name=op.f("ck_ledger_entry_number_min")),
        _bounded("ledger_entry_overrun_micros", "overrun_micros"),
        sa.CheckConstraint("overrun_micros >= 0", name=op.f("ck_ledger_entry_overrun_micros_min")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account_state.account_id"], name=op.f("fk_ledger_entry_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "number", name=op.f("pk_ledger_entry")),
        comment="Every movement of every balance; append-only.",
        sqlite_with_rowid=False,
    )
    op.create_index(
        "uq_ledger_entry_request_key",
        "ledger_entry",
        ["account_id", "request_key"],
        unique=True,
        sqlite_where=sa.text("request_key IS NOT NULL"),
        postgresql_where=sa.text("request_key IS NOT NULL"),
    )


def _create_notice() -> None:
    op.create_table(
        "notice",
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("number", BIG, nullable=False, comment="of the ledger entry that is told of"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.Column("balance_micros", BIG, nullable=False),
        sa.CheckConstraint("kind IN ('low_balance')", name=op.f("ck_notice_kind")),
        _bounded("notice_balance_micros", "balance_micros"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account_state.account_id"], name=op.f("fk_notice_account_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "number", "kind", name=op.f("pk_notice")),
        comment="What the owners of accounts should be told.",
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_notice_at_ms"), "notice", ["at_ms"], unique=False)


def _create_plan() -> None:
    op.create_table(
        "plan",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("override_tariff_id", BIG, nullable=True),
        sa.Column("bill_by_ani", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["override_tariff_id"], ["tariff.id"], name=op.f("fk_plan_override_tariff_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("name", name=op.f("uq_plan_name")),
        comment="Which tariff prices which service.",
        sqlite_autoincrement=True,
    )


def _create_rate_import() -> None:
    op.create_table(
        "rate_import",
        sa.Column("import_id", BIG, nullable=False),
        sa.Column("tariff_id", BIG, nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="see ocs.storage.sql.rate"),
        sa.Column(
            "first_rate_id", BIG, nullable=False, comment="its rates have ids from here to last_rate_id"
        ),
        sa.Column("last_rate_id", BIG, nullable=False),
        sa.Column("at_ms", BIG, nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'published', 'swept', 'abandoned')", name=op.f("ck_rate_import_state")
        ),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_rate_import_tariff_id")),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_rate_import")),
        comment="One write of rates. Publishing it is what makes its rates visible, all at once.",
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_rate_import_tariff_id"), "rate_import", ["tariff_id"], unique=False)


def _create_session() -> None:
    op.create_table(
        "session",
        sa.Column("session_id", BIG, autoincrement=False, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("gateway_id", BIG, nullable=False),
        sa.Column("session_key", sa.Text(), nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("identity_kind", sa.Text(), nullable=False),
        sa.Column("identity_value", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("access_code", sa.Text(), nullable=False),
        sa.Column("calling", sa.Text(), nullable=False),
        sa.Column("called", sa.Text(), nullable=False),
        sa.Column("state", BIG, nullable=False, comment="1 open, 2 closed, 3 expired, 4 refunded"),
        sa.Column("started_at_ms", BIG, nullable=False),
        sa.Column("answered", BIG, nullable=False),
        sa.Column("updated_at_ms", BIG, nullable=False),
        sa.Column("expires_at_ms", BIG, nullable=False),
        sa.Column("ended_at_ms", BIG, nullable=False),
        sa.Column("used_units", BIG, nullable=False),
        sa.Column("granted_units", BIG, nullable=False),
        sa.Column("final_grant", BIG, nullable=False),
        sa.Column("request_key", sa.Text(), nullable=False),
        sa.Column("end_cause", sa.Text(), nullable=False),
        sa.Column("octets_in", BIG, nullable=False),
        sa.Column("octets_out", BIG, nullable=False),
        sa.Column("plan_id", BIG, nullable=False, comment="of its identity; 0: the account's"),
        sa.Column(
            "counted_identity",
            sa.Text(),
            nullable=False,
            comment="whose limit it counts against; empty: none",
        ),
        sa.Column(
            "peer_attributes", sa.Text(), nullable=False, comment="how its edge finds it at the equipment"
        ),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("receipt_timed", BIG, nullable=False),
        sa.Column("payback_tariff_id", BIG, nullable=False, comment="of its identity; 0: none"),
        sa.Column(
            "legs", sa.Text(), nullable=False, comment="of the call, by comma, that were reported as it"
        ),
        sa.Column("slice_units", BIG, nullable=False, comment="its equipment asks again after; 0: by policy"),
        sa.CheckConstraint("answered IN (0, 1)", name=op.f("ck_session_answered")),
        sa.CheckConstraint("final_grant IN (0, 1)", name=op.f("ck_session_final_grant")),
        sa.CheckConstraint("granted_units >= 0", name=op.f("ck_session_granted_units_min")),
        sa.CheckConstraint("state IN (1, 2, 3, 4)", name=op.f("ck_session_state")),
        sa.CheckConstraint("used_units >= 0", name=op.f("ck_session_used_units_min")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_session_version_min")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account_state.account_id"], name=op.f("fk_session_account_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_session")),
        sa.UniqueConstraint("gateway_id", "session_key", name=op.f("uq_session_gateway_id_session_key")),
        comment="Service sessions, written by compare-and-set on version.",
    )
    op.create_index(
        op.f("ix_session_account_id_session_id"), "session", ["account_id", "session_id"], unique=False
    )
    op.create_index(
        "ix_session_open",
        "session",
        ["account_id"],
        unique=False,
        sqlite_where=sa.text("state = 1"),
        postgresql_where=sa.text("state = 1"),
    )


def _create_account() -> None:
    op.create_table(
        "account",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("parent_id", BIG, nullable=True),
        sa.Column("root_id", BIG, nullable=False),
        sa.Column("credit_limit_micros", BIG, nullable=True),
        sa.Column("plan_id", BIG, nullable=True),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("activates_at_ms", BIG, nullable=True),
        sa.Column("expires_at_ms", BIG, nullable=True),
        sa.Column("max_sessions", BIG, nullable=True),
        sa.Column("daily_spend_limit_micros", BIG, nullable=True),
        sa.Column("low_balance_micros", BIG, nullable=True),
        sa.Column("max_voice_sessions", BIG, nullable=True),
        sa.Column("max_data_sessions", BIG, nullable=True),
        sa.Column("reset_cycle", sa.Text(), nullable=False),
        sa.Column("reset_amount_micros", BIG, nullable=False),
        sa.Column("reset_since_ms", BIG, nullable=False),
        sa.CheckConstraint("kind IN ('prepaid', 'postpaid')", name=op.f("ck_account_kind")),
        sa.CheckConstraint(
            "reset_cycle IN ('none', 'daily', 'weekly', 'monthly')", name=op.f("ck_account_reset_cycle")
        ),
        sa.CheckConstraint(
            "status IN ('active', 'suspended', 'blocked', 'closed')", name=op.f("ck_account_status")
        ),
        _bounded("account_credit_limit_micros", "credit_limit_micros"),
        sa.CheckConstraint("credit_limit_micros >= 0", name=op.f("ck_account_credit_limit_micros_min")),
        _bounded("account_daily_spend_limit_micros", "daily_spend_limit_micros"),
        _bounded("account_low_balance_micros", "low_balance_micros"),
        _bounded("account_reset_amount_micros", "reset_amount_micros"),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_account_parent_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["account.id"], name=op.f("fk_account_parent_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_account_plan_id")),
        sa.ForeignKeyConstraint(["root_id"], ["account.id"], name=op.f("fk_account_root_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("name", name=op.f("uq_account_name")),
        comment="Master data of accounts; live sums are in account_state.",
    )
    op.create_index(op.f("ix_account_parent_id"), "account", ["parent_id"], unique=False)
    op.create_index(
        "ix_account_reset",
        "account",
        ["id"],
        unique=False,
        sqlite_where=sa.text("reset_cycle != 'none'"),
        postgresql_where=sa.text("reset_cycle != 'none'"),
    )
    op.create_index(
        "ix_account_expiry",
        "account",
        ["expires_at_ms"],
        unique=False,
        sqlite_where=sa.text("expires_at_ms IS NOT NULL"),
        postgresql_where=sa.text("expires_at_ms IS NOT NULL"),
    )


def _create_plan_tariff() -> None:
    op.create_table(
        "plan_tariff",
        sa.Column("plan_id", BIG, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("access_code", sa.Text(), nullable=False),
        sa.Column("tariff_id", BIG, nullable=False),
        sa.CheckConstraint(
            "access_code IN ('OUTGOING', 'INCOMING', 'FORWARDED')", name=op.f("ck_plan_tariff_access_code")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name=op.f("fk_plan_tariff_plan_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_plan_tariff_tariff_id")),
        sa.PrimaryKeyConstraint("plan_id", "service", "access_code", name=op.f("pk_plan_tariff")),
        comment="The services of a plan.",
    )


def _create_rate() -> None:
    op.create_table(
        "rate",
        sa.Column("rate_id", BIG, nullable=False),
        sa.Column("tariff_id", BIG, nullable=False),
        sa.Column("import_id", BIG, nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("effective_from_s", BIG, nullable=False),
        sa.Column("first_interval_s", BIG, nullable=False),
        sa.Column("next_interval_s", BIG, nullable=False),
        sa.Column("first_price_nanos", BIG, nullable=False),
        sa.Column("next_price_nanos", BIG, nullable=False),
        sa.Column("rounding", BIG, nullable=False),
        sa.Column("unit_price_nanos", BIG, nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("route_category", sa.Text(), nullable=False),
        sa.Column("preference", BIG, nullable=False),
        sa.Column("huntstop", sa.Boolean(), nullable=False),
        sa.Column("payback", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("discontinued", sa.Boolean(), nullable=False),
        sa.Column("forbidden", sa.Boolean(), nullable=False),
        sa.CheckConstraint("first_interval_s >= 1", name=op.f("ck_rate_first_interval_s_min")),
        sa.CheckConstraint("next_interval_s >= 1", name=op.f("ck_rate_next_interval_s_min")),
        sa.CheckConstraint("preference >= 0 AND preference <= 10", name=op.f("ck_rate_preference")),
        sa.CheckConstraint("rounding >= 1", name=op.f("ck_rate_rounding_min")),
        sa.ForeignKeyConstraint(["import_id"], ["rate_import.import_id"], name=op.f("fk_rate_import_id")),
        sa.ForeignKeyConstraint(["tariff_id"], ["tariff.id"], name=op.f("fk_rate_tariff_id")),
        sa.PrimaryKeyConstraint("rate_id", name=op.f("pk_rate")),
        comment="Prices of a destination from an instant on; of equal keys the greatest published id counts.",
    )
    op.create_index(
        "ix_rate_key", "rate", ["tariff_id", "destination", "effective_from_s", "rate_id"], unique=False
    )


def _create_reservation() -> None:
    op.create_table(
        "reservation",
        sa.Column("session_id", BIG, nullable=False),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column(
            "snapshot_id", BIG, nullable=False, comment="0: the account counts the session but does not pay"
        ),
        sa.Column("reserved_micros", BIG, nullable=False),
        sa.Column("debited_micros", BIG, nullable=False),
        sa.Column("used_set1_units", BIG, nullable=False),
        sa.Column("used_set2_units", BIG, nullable=False),
        sa.Column("overrun_micros", BIG, nullable=False),
        sa.Column("refunded_micros", BIG, nullable=False),
        sa.Column("gross_micros", BIG, nullable=False, comment="debited_micros before discounts"),
        sa.Column(
            "allowance",
            sa.Text(),
            nullable=False,
            comment="JSON: its discounts, and what it took and holds of them",
        ),
        _bounded("reservation_debited_micros", "debited_micros"),
        _bounded("reservation_overrun_micros", "overrun_micros"),
        sa.CheckConstraint("overrun_micros >= 0", name=op.f("ck_reservation_overrun_micros_min")),
        _bounded("reservation_refunded_micros", "refunded_micros"),
        _bounded("reservation_gross_micros", "gross_micros"),
        _bounded("reservation_reserved_micros", "reserved_micros"),
        sa.CheckConstraint("reserved_micros >= 0", name=op.f("ck_reservation_reserved_micros_min")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account_state.account_id"], name=op.f("fk_reservation_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["session.session_id"], name=op.f("fk_reservation_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "account_id", name=op.f("pk_reservation")),
        comment="What each payer of a session holds and has paid.",
        sqlite_with_rowid=False,
    )


def _create_identity() -> None:
    op.create_table(
        "identity",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="for kind ip: canonical CIDR"),
        sa.Column("account_id", BIG, nullable=False),
        sa.Column("secret", sa.Text(), nullable=True),
        sa.Column("max_sessions", BIG, nullable=True),
        sa.Column("plan_id", BIG, nullable=True),
        sa.Column("cost_centre", sa.Text(), nullable=False),
        sa.Column("payback_tariff_id", BIG, nullable=True),
        sa.Column(
            "primary_kind",
            sa.Text(),
            nullable=True,
            comment="with primary_value the identity that it stands for",
        ),
        sa.Column("primary_value", sa.Text(), nullable=False),
        sa.CheckConstraint("(primary_kind IS NULL) = (primary_value = '')", name=op.f("ck_identity_primary")),
        sa.CheckConstraint(
            "kind IN ('username', 'code', 'did', 'extension', 'trunk', 'ip', 'ani', 'virtual')",
            name=op.f("ck_identity_kind"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_identity_account_id")),
        sa.ForeignKeyConstraint(
            ["payback_tariff_id"], ["tariff.id"], name=op.f("fk_identity_payback_tariff_id")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_identity_plan_id")),
        sa.PrimaryKeyConstraint("kind", "value", name=op.f("pk_identity")),
        comment="What subscribers are recognised by.",
    )
    op.create_index(op.f("ix_identity_account_id"), "identity", ["account_id"], unique=False)
    op.create_index(op.f("ix_identity_primary_value"), "identity", ["primary_value"], unique=False)


def _create_rate_off_peak() -> None:
    op.create_table(
        "rate_off_peak",
        sa.Column("rate_id", BIG, nullable=False),
        sa.Column("ordinal", BIG, nullable=False),
        sa.Column(
            "period", sa.Text(), nullable=True, comment="null: the tariff's default period of the same place"
        ),
        sa.Column("first_interval_s", BIG, nullable=False),
        sa.Column("next_interval_s", BIG, nullable=False),
        sa.Column("first_price_nanos", BIG, nullable=False),
        sa.Column("next_price_nanos", BIG, nullable=False),
        sa.Column("rounding", BIG, nullable=False),
        sa.Column("unit_price_nanos", BIG, nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("route_category", sa.Text(), nullable=False),
        sa.Column("preference", BIG, nullable=False),
        sa.Column("huntstop", sa.Boolean(), nullable=False),
        sa.CheckConstraint("first_interval_s >= 1", name=op.f("ck_rate_off_peak_first_interval_s_min")),
        sa.CheckConstraint("next_interval_s >= 1", name=op.f("ck_rate_off_peak_next_interval_s_min")),
        sa.CheckConstraint("ordinal IN (0, 1)", name=op.f("ck_rate_off_peak_ordinal")),
        sa.CheckConstraint("preference >= 0 AND preference <= 10", name=op.f("ck_rate_off_peak_preference")),
        sa.CheckConstraint("rounding >= 1", name=op.f("ck_rate_off_peak_rounding_min")),
        sa.ForeignKeyConstraint(
            ["rate_id"], ["rate.rate_id"], name=op.f("fk_rate_off_peak_rate_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rate_id", "ordinal", name=op.f("pk_rate_off_peak")),
        comment="Off-peak price sets of a rate.",
        sqlite_with_rowid=False,
    )

"""Ledger entries and session detail records as lines of a file: CSV with a header, or one JSON document each.

Amounts are decimal strings of the currency, times ISO 8601 in UTC. Owns the layout; who reads what is the
caller's. Pure.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from ocs.ports import Cdr
from ocs.quota.ledger import LedgerEntry
from ocs.units import format_money

ENTRY_COLUMNS = (
    "account",
    "number",
    "at",
    "kind",
    "amount",
    "balance",
    "overrun",
    "session_id",
    "request_id",
    "note",
)
CDR_COLUMNS = (
    "session_id",
    "account",
    "revision",
    "gateway",
    "session_key",
    "identity_kind",
    "identity_value",
    "service",
    "access_code",
    "calling",
    "called",
    "started_at",
    "ended_at",
    "recorded_at",
    "end_cause",
    "used_units",
    "billed_units",
    "granted_units",
    "octets_in",
    "octets_out",
    "charged",
    "overrun",
    "currency",
    "tariff",
    "destination",
    "legs",
    "steps",
)
COLUMNS: Mapping[type, tuple[str, ...]] = {LedgerEntry: ENTRY_COLUMNS, Cdr: CDR_COLUMNS}


class FileForm(Enum):
    """How a file is laid out."""

    CSV = "csv"
    JSON_LINES = "json_lines"


def entry_facts(account: str, entry: LedgerEntry) -> dict[str, Any]:
    """A ledger entry as a line."""
    return {
        "account": account,
        "number": entry.number,
        "at": time_text(entry.at_ms),
        "kind": entry.kind,
        "amount": format_money(entry.amount_micros),
        "balance": format_money(entry.balance_micros),
        "overrun": format_money(entry.overrun_micros),
        "session_id": entry.session_id,
        "request_id": entry.request_key,
        "note": entry.note,
    }


def cdr_facts(cdr: Cdr, *, account: str, gateway: str) -> dict[str, Any]:
    """A session detail record as a line."""
    facts = cdr._asdict()
    return {
        **{name: facts[name] for name in CDR_COLUMNS if name in facts},
        "account": account,
        "gateway": gateway,
        "started_at": time_text(cdr.started_at_ms),
        "ended_at": time_text(cdr.ended_at_ms),
        "recorded_at": time_text(cdr.recorded_at_ms),
        "charged": format_money(cdr.charged_micros),
        "overrun": format_money(cdr.overrun_micros),
        "steps": cdr.explanation,
    }


def write_lines(records: Iterable[Mapping[str, Any]], form: FileForm, kind: type, *, header: bool) -> bytes:
    """The lines of some records in UTF-8, behind a header if it is the file's beginning and has one."""
    if form is FileForm.JSON_LINES:
        return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS[kind], lineterminator="\r\n")
    if header:
        writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in record.items()} for record in records)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """A cell that a spreadsheet takes for text, not for a formula."""
    is_formula = isinstance(value, str) and value[:1] in {"=", "@", "\t", "\r"}
    return f"'{value}" if is_formula else value


def time_text(at_ms: int) -> str | None:
    """ISO 8601 in UTC; None for 0: not known."""
    if not at_ms:
        return None
    instant = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")

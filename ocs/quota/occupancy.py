"""How many sessions an account has open: of each kind, and of each identity that has a limit.

Owns the counting and the text form of the counts by identity. Does not own the limits
(`ocs.charging.limit`). Accounts above the asking one count a session like their own; identities are counted
at the account that they belong to, which bounds the text by the identities that have a limit and are in use.
"""

import json

from ocs.quota.account import Account
from ocs.quota.session import Session
from ocs.units import DATA_SERVICES, VOICE_SERVICES


def occupy(account: Account, session: Session) -> None:
    """Count an opened session."""
    _count(account, session, 1)


def vacate(account: Account, session: Session) -> None:
    """Uncount a session that ended."""
    _count(account, session, -1)


def _count(account: Account, session: Session, step: int) -> None:
    account.open_sessions += step
    if session.service in VOICE_SERVICES:
        account.open_voice += step
    elif session.service in DATA_SERVICES:
        account.open_data += step
    if session.counted_identity and session.account_id == account.account_id:
        counts = read_counts(account.open_by_identity)
        key = session.counted_identity
        counts[key] = counts.get(key, 0) + step
        account.open_by_identity = write_counts(counts)


def open_of_identity(account: Account, counted_identity: str) -> int:
    """Counted open sessions of one identity of the account, and of those that stand for it."""
    return read_counts(account.open_by_identity).get(counted_identity, 0)


def read_counts(text: str) -> dict[str, int]:
    """Counts by `Session.counted_identity`."""
    counts: dict[str, int] = json.loads(text) if text else {}
    return counts


def write_counts(counts: dict[str, int]) -> str:
    """Canonical JSON of the counts above zero; empty when there are none."""
    left = {key: count for key, count in counts.items() if count > 0}
    return json.dumps(left, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if left else ""

"""What the owner of an account should be told, found where the balance moves."""

from ocs.ports import Notice, NoticeKind
from ocs.quota.account import AccountProfile
from ocs.quota.ledger import LedgerEntry


def low_balance_notice(entry: LedgerEntry, profile: AccountProfile) -> Notice | None:
    """The notice that an entry took the balance below the threshold; None when it was there, or is not.

    So there is one for each time that the balance crosses it, however many entries follow.
    """
    low = profile.low_balance_micros
    before_micros = entry.balance_micros - entry.amount_micros
    if low is None or not before_micros >= low > entry.balance_micros:
        return None
    return Notice(
        account_id=entry.account_id,
        number=entry.number,
        kind=NoticeKind.LOW_BALANCE.value,
        at_ms=entry.at_ms,
        balance_micros=entry.balance_micros,
    )

"""The audit of allowances, the same for every store: counters against the shares of sessions."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ocs.quota.account import Account
from ocs.quota.allowance import read_pools, read_shares
from ocs.storage import finding
from ocs.storage.finding import Finding


class Sharing(NamedTuple):
    """A reservation that has discounts."""

    session_id: int
    is_open: bool
    allowance: str


def audit_pools(counters: Iterable[tuple[int, str]], reservations: Iterable[Sharing]) -> Iterator[Finding]:
    """Counters that differ from what their sessions have of them, and ended sessions that hold something.

    A pool whose period is long over is dropped from the counters; nothing is known to compare it with.

    Args:
        counters: (account id, counters) of accounts that have any.
        reservations: those that have discounts, in no order.
    """
    taken: Counter[tuple[int, str]] = Counter()
    held: Counter[tuple[int, str]] = Counter()
    for session_id, is_open, allowance in reservations:
        for share in read_shares(allowance):
            key = (share.account_id, share.pool)
            taken[key] += share.taken
            held[key] += share.held
            if share.held and not is_open:
                yield finding.allowance_after_end(
                    share.account_id, session_id=session_id, pool=share.pool, held=share.held
                )
    for account_id, text in counters:
        for name, pool in read_pools(Account(account_id, counters=text)).items():
            recorded, found = (
                (pool.taken, pool.held),
                (taken[account_id, name], held.pop((account_id, name), 0)),
            )
            if recorded != found:
                yield finding.wrong_pool(account_id, pool=name, recorded=recorded, found=found)
    for (account_id, name), units in held.items():
        if units:
            yield finding.wrong_pool(
                account_id, pool=name, recorded=(0, 0), found=(taken[account_id, name], units)
            )

"""Allowances: what sessions take and hold of an account's counted quantities, like money but in units.

Owns the pools of an account, a session's shares in them, their text form, and the bookkeeping between them.
Does not own what a pool is worth: what a share says about prices is carried along for `ocs.charging`.

A *pool* is one level of one discount rule in one period. The account keeps what all sessions together have
taken of it and hold; a session's reservation keeps its own *share*. Invariant: a pool's taken and held are
the sums over its shares. A share is always replaced whole, so that repeating a step changes nothing. Decision
0010 says why.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring as _quoted
from typing import Final, NamedTuple

from ocs.quota.account import Account

RETAINED_DAYS: Final = 7
"How long a pool that has ended is kept for late reports; as long as closed sessions are."
REMEMBERED_MAX: Final = 4096
"Texts of each kind whose meaning is remembered: most are read again soon after they were written."


class Share(NamedTuple):
    """One session's part of one pool, with the terms that it was opened under."""

    account_id: int
    "Whose pool it is: the payer's, or its customer's."
    counter: str
    "The rule, for ever: id of the discount plan and name of the rule."
    label: str
    "The rule for people, unique within a session."
    per_set: int
    "1: the rule has counters for each price set."
    ladder: int
    "The price set of the counter, 0 where one counts for all."
    level: int
    first: int
    "Local day (days since 1970-01-01) on which the pool's period begins; 0: it never ends."
    until: int
    "Local day from which nothing more can be drawn on it; 0: it never ends."
    quantity: int | None
    "Units, or micros; None: without bound."
    off_ppm: int
    "What is taken off the price."
    counts_money: int
    promised: int
    "1: a grant holds its part ahead, because the session gets dearer without it."
    taken: int = 0
    held: int = 0

    @property
    def pool(self) -> str:
        """What the pool is called among the account's."""
        return f"{self.counter}|{self.ladder}|{self.level}|{self.first}"


class Pool(NamedTuple):
    """What all sessions together have of one pool."""

    taken: int
    held: int
    until: int
    "As in `Share`."


Pools = Mapping[str, Pool]
"By `Share.pool`."


_pools: Final[dict[str, Pools]] = {}
_shares: Final[dict[str, Sequence[Share]]] = {}


def read_pools(account: Account) -> Pools:
    """The account's pools."""
    text = account.counters
    if not text:
        return {}
    pools = _pools.get(text)
    if pools is None:
        pools = _remember_pools(text, {name: Pool(*sums) for name, sums in json.loads(text).items()})
    return pools


def write_pools(account: Account, pools: Pools) -> None:
    """Keep these pools as the account's, in the order of their names."""
    parts = [
        f"{_quoted(name)}:[{pool.taken},{pool.held},{pool.until}]" for name, pool in sorted(pools.items())
    ]
    account.counters = "{" + ",".join(parts) + "}" if parts else ""
    if parts:
        _remember_pools(account.counters, pools)


def read_shares(text: str) -> Sequence[Share]:
    """The shares of a reservation, in order of precedence."""
    if not text:
        return ()
    shares = _shares.get(text)
    if shares is None:
        shares = _remember_shares(text, tuple(Share(*fields) for fields in json.loads(text)))
    return shares


def write_shares(shares: Sequence[Share]) -> str:
    """Shares as a reservation keeps them: the JSON of their fields, written at once."""
    if not shares:
        return ""
    parts = [
        f"[{share.account_id},{_quoted(share.counter)},{_quoted(share.label)},{share.per_set},{share.ladder},"
        f"{share.level},{share.first},{share.until},{'null' if share.quantity is None else share.quantity},"
        f"{share.off_ppm},{share.counts_money},{share.promised},{share.taken},{share.held}]"
        for share in shares
    ]
    text = "[" + ",".join(parts) + "]"
    _remember_shares(text, tuple(shares))
    return text


def _remember_pools(text: str, pools: Pools) -> Pools:
    if len(_pools) >= REMEMBERED_MAX:
        _pools.clear()
    _pools[text] = pools
    return pools


def _remember_shares(text: str, shares: Sequence[Share]) -> Sequence[Share]:
    if len(_shares) >= REMEMBERED_MAX:
        _shares.clear()
    _shares[text] = shares
    return shares


def room(share: Share, pools: Pools, *, today: int) -> int | None:
    """What the share may grow to: what it has, and what nobody has taken or holds. None: without bound.

    Args:
        share: as it is booked.
        pools: of its account.
        today: days since 1970-01-01.
    """
    if share.quantity is None:
        return None
    own = share.taken + share.held
    pool = pools.get(share.pool)
    if pool is None:
        return share.quantity if _is_kept(share.until, today) else own
    return max(own, share.quantity - (pool.taken + pool.held - own))


def replace_shares(
    before: Sequence[Share], after: Sequence[Share], *, find_account: Callable[[int], Account], today: int
) -> None:
    """Book a session's shares in place of those that were booked, in the accounts that have the pools."""
    owners = {share.account_id for share in (*before, *after)}
    for account_id in owners:
        account = find_account(account_id)
        pools = dict(read_pools(account))
        for sign, shares in ((-1, before), (1, after)):
            for share in shares:
                if share.account_id == account_id and (share.taken or share.held):
                    _add(pools, share, sign, today)
        kept = {
            name: pool
            for name, pool in pools.items()
            if pool.held or (pool.taken and _is_kept(pool.until, today))
        }
        write_pools(account, kept)


def _add(pools: dict[str, Pool], share: Share, sign: int, today: int) -> None:
    pool = pools.get(share.pool)
    if pool is None:
        if not _is_kept(share.until, today):
            return
        pool = Pool(0, 0, share.until)
    pools[share.pool] = pool._replace(
        taken=pool.taken + sign * share.taken, held=pool.held + sign * share.held
    )


def _is_kept(until: int, today: int) -> bool:
    return not until or until + RETAINED_DAYS > today

"""Allowances in charging: the discounts of a session, what its usage takes and its grants hold of them.

Owns the way from discount plans (`ocs.rating.discount`) to the shares that a session pins, from the account's
pools (`ocs.quota.allowance`) to what rating is given, and back. Does not own prices or the bookkeeping of
pools. Decision 0010 says why it is done so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ocs.quota.account import Account, AccountProfile
from ocs.quota.allowance import Share, read_pools, read_shares, replace_shares, room, write_shares
from ocs.quota.session import Reservation
from ocs.rating.applied import AppliedRate
from ocs.rating.discount import CountedRule, Counting, DiscountPlan, DiscountRule, Ladder, Level, Owner, Taken
from ocs.rating.price import Priced
from ocs.rating.reset import CounterPeriod, local_date, period_of, prorated
from ocs.units import MILLIS_PER_SECOND

MS_PER_DAY: Final = 86_400 * MILLIS_PER_SECOND
_EPOCH: Final = date(1970, 1, 1)
_DAY: Final = timedelta(days=1)
_PRICE_SETS: Final = 3


class Assigned(NamedTuple):
    """A discount plan that somebody has."""

    owner: Owner
    plan: DiscountPlan
    since_ms: int
    "Sessions that start earlier do not get it."


class Offer(NamedTuple):
    """A discount plan as one payer gets it, and the account that keeps its counters."""

    assigned: Assigned
    holder: AccountProfile
    zone: ZoneInfo
    "Of the holder: its periods are read on this clock."
    is_customer: bool = False
    "Whether the holder keeps the counters for accounts below it, all of them together."


def open_shares(offers: Iterable[Offer], applied: AppliedRate, *, start_s: int) -> list[Share]:
    """The shares of a new session, in order of precedence, nothing taken yet.

    A service that costs nothing, or that credits the account, has none.

    Args:
        offers: the payer's.
        applied: the rate that prices the session.
        start_s: epoch seconds of its start, which decides the periods.
    """
    if applied.is_free or applied.is_payback:
        return []
    shares: dict[tuple[int, str], list[Share]] = {}
    for offer in sorted(offers, key=lambda offer: offer.assigned.owner):
        assigned = offer.assigned
        rule = assigned.plan.rule_for(applied.rate.destination)
        if rule is None or assigned.since_ms > start_s * MILLIS_PER_SECOND:
            continue
        counter = f"{'c' if offer.is_customer else ''}{assigned.plan.id}/{rule.name}"
        # Whoever has the same plan twice has its counters once.
        shares.setdefault(
            (offer.holder.id, counter), list(_rule_shares(offer, rule, counter, start_s=start_s))
        )
    return _with_promises([share for of_rule in shares.values() for share in of_rule])


def current_shares(offer: Offer, *, at_s: int) -> list[Share]:
    """The shares of all rules of a plan that a session would get that starts at `at_s`."""
    shares: list[Share] = []
    for rule in offer.assigned.plan.rules:
        counter = f"{'c' if offer.is_customer else ''}{offer.assigned.plan.id}/{rule.name}"
        shares += _rule_shares(offer, rule, counter, start_s=at_s)
    return shares


def _rule_shares(offer: Offer, rule: DiscountRule, counter: str, *, start_s: int) -> Iterator[Share]:
    """The shares of one rule: rolled over quantities, earliest expiry first, then the period's own levels."""
    label = f"{offer.assigned.plan.name}: {rule.name}"
    if offer.is_customer:
        label += f" of {offer.holder.name}"
    since = _activation(offer)
    period = period_of(rule.reset, local_date(start_s, offer.zone), billing_day=rule.billing_day)
    for ladder_index, ladder in enumerate(rule.ladders):
        for counted in (*_earlier_periods(rule, period, since), period):
            before = 0
            for level_index, level in enumerate(ladder):
                upto = level.upto
                if upto is not None and rule.prorates:
                    upto = prorated(upto, counted, since)
                yield Share(
                    account_id=offer.holder.id,
                    counter=counter,
                    label=label,
                    per_set=int(len(rule.ladders) > 1),
                    ladder=ladder_index,
                    level=level_index,
                    first=_day_number(counted.first),
                    until=_day_number(_expiry(rule, counted)),
                    quantity=None if upto is None else upto - before,
                    off_ppm=level.off_ppm,
                    counts_money=int(rule.counting is Counting.MONEY),
                    promised=0,
                )
                before = upto or before


def _activation(offer: Offer) -> date:
    """The local day from which the holder has the plan: assigned, and the account active."""
    since_ms = max(offer.assigned.since_ms, offer.holder.activates_at_ms or 0)
    return local_date(since_ms // MILLIS_PER_SECOND, offer.zone)


def _earlier_periods(rule: DiscountRule, period: CounterPeriod, since: date) -> Sequence[CounterPeriod]:
    """Periods whose unused quantity lives on in `period`, earliest first; none before the activation."""
    earlier: list[CounterPeriod] = []
    while len(earlier) < rule.rollover_periods and period.first is not None and period.first > since:
        period = period_of(rule.reset, period.first - _DAY, billing_day=rule.billing_day)
        earlier.insert(0, period)
    return earlier


def _expiry(rule: DiscountRule, period: CounterPeriod) -> date | None:
    """The day from which nothing of a period's quantity is left."""
    until = period.until
    for _ in range(rule.rollover_periods):
        assert until is not None, "nothing rolls over without a reset"
        until = period_of(rule.reset, until, billing_day=rule.billing_day).until
    return until


def _day_number(day: date | None) -> int:
    return 0 if day is None else (day - _EPOCH).days


def _with_promises(shares: Sequence[Share]) -> list[Share]:
    """Mark the shares that a grant must hold: those behind which a unit may cost more."""
    marked = list(shares)
    for price_set in range(_PRICE_SETS):
        least_ppm = 0
        for index in range(len(shares) - 1, -1, -1):
            share = shares[index]
            if share.per_set and share.ladder != price_set:
                continue
            if share.quantity is None:
                least_ppm = share.off_ppm
            elif share.off_ppm > least_ppm:
                marked[index] = marked[index]._replace(promised=1)
            else:
                least_ppm = min(least_ppm, share.off_ppm)
    return marked


class Allowance:
    """One payer's discounts in one session: what rating is given, and what it says is taken or held."""

    __slots__ = ("_discounts", "_find_account", "_reservation", "_rooms", "_shares", "_today")

    def __init__(
        self, reservation: Reservation, *, find_account: Callable[[int], Account], now_ms: int
    ) -> None:
        """Read the shares that a reservation has.

        Args:
            reservation: the payer's; it is changed with the shares.
            find_account: the accounts of the session by id: the payer and those above it.
            now_ms: decides which ended pools are still there.
        """
        self._reservation = reservation
        self._find_account = find_account
        self._today = now_ms // MS_PER_DAY
        self._shares: Sequence[Share] = read_shares(reservation.allowance)
        self._rooms: list[int | None] = []
        self._discounts: list[CountedRule] | None = None

    @property
    def shares(self) -> Sequence[Share]:
        """What the session has of each pool."""
        return self._shares

    @property
    def discounts(self) -> Sequence[CountedRule]:
        """The rules in force as rating wants them: thresholds that count from this session's start.

        What the session takes and holds itself does not change the room that others leave it.
        """
        if self._discounts is None:
            owners = {share.account_id for share in self._shares}
            pools = {account_id: read_pools(self._find_account(account_id)) for account_id in owners}
            self._rooms = [room(share, pools[share.account_id], today=self._today) for share in self._shares]
            self._discounts = list(self._counted_rules())
        return self._discounts

    @property
    def is_held_elsewhere(self) -> bool:
        """Whether other sessions hold something of what the session's discounts include."""
        return any(
            pool is not None and pool.held > share.held
            for share in self._shares
            if share.promised
            for pool in (read_pools(self._find_account(share.account_id)).get(share.pool),)
        )

    def _counted_rules(self) -> Iterator[CountedRule]:
        pairs = zip(self._shares, self._rooms, strict=True)
        for label, alike in groupby(pairs, key=lambda pair: pair[0].label):
            of_rule = list(alike)
            first = of_rule[0][0]
            ladders = tuple(
                _ladder([(share, left) for share, left in of_rule if share.ladder == index])
                for index in range(_PRICE_SETS if first.per_set else 1)
            )
            counting = Counting.MONEY if first.counts_money else Counting.UNITS
            yield CountedRule(label, counting, ladders, (0,) * len(ladders))

    def take(self, priced: Priced, applied: AppliedRate) -> None:
        """Book what a usage takes, in place of what the session took before.

        What was held shrinks by what is taken of it, down to 0.
        """
        taken = self._spread(() if priced.meter is None else priced.meter.taken(applied.rounding))
        self._replace(
            [
                share._replace(taken=now, held=max(0, share.held - max(0, now - share.taken)))
                for share, now in zip(self._shares, taken, strict=True)
            ]
        )

    def hold(self, priced: Priced, applied: AppliedRate) -> None:
        """Hold what a grant up to a usage promises, in any price set, in place of what was held."""
        reached = [0] * len(self._shares)
        for meter in priced.meters:
            reached = list(map(max, reached, self._spread(meter.taken(applied.rounding))))
        self._replace(
            [
                share._replace(held=max(0, most - share.taken) if share.promised else 0)
                for share, most in zip(self._shares, reached, strict=True)
            ]
        )

    def release(self) -> None:
        """Hold nothing any more."""
        self._replace([share._replace(held=0) for share in self._shares])

    def give_back(self) -> None:
        """Take nothing and hold nothing any more: the service was refunded."""
        self._replace([share._replace(taken=0, held=0) for share in self._shares])

    def reopen(self, shares: Sequence[Share]) -> None:
        """Put other shares, of which nothing is taken yet, in the place of all."""
        self._replace(shares)
        self._discounts = None

    def _spread(self, taken: Iterable[Taken]) -> list[int]:
        """What rating counted per rule and price set, by share: each is filled before the next."""
        assert self._discounts is not None, "a price was made with them"
        left = {(one.key, one.ladder): one.quantity for one in taken}
        parts = []
        for share, most in zip(self._shares, self._rooms, strict=True):
            quantity = left.get((share.label, share.ladder), 0)
            part = quantity if most is None else min(quantity, most)
            left[share.label, share.ladder] = quantity - part
            parts.append(part)
        return parts

    def _replace(self, shares: Sequence[Share]) -> None:
        if list(shares) == list(self._shares):
            return
        replace_shares(self._shares, shares, find_account=self._find_account, today=self._today)
        self._shares = tuple(shares)
        self._reservation.allowance = write_shares(self._shares)


def offered_discounts(
    shares: Sequence[Share], *, find_account: Callable[[int], Account], now_ms: int
) -> Sequence[CountedRule]:
    """The discounts of a session that is thought of but not opened; nothing is booked."""
    if not shares:
        return ()
    reservation = Reservation(
        session_id=0, account_id=0, ordinal=0, snapshot_id=0, allowance=write_shares(shares)
    )
    return Allowance(reservation, find_account=find_account, now_ms=now_ms).discounts


def _ladder(pairs: Iterable[tuple[Share, int | None]]) -> Ladder:
    """Rooms one after the other as thresholds; those without any are left out."""
    levels: list[Level] = []
    upto = 0
    for share, left in pairs:
        if left is None:
            levels.append(Level(None, share.off_ppm))
            break
        if left:
            upto += left
            levels.append(Level(upto, share.off_ppm))
    return tuple(levels)

"""Reset cycles: which period a discount counter counts in, and what becomes of an unused quantity.

Owns: period bounds in a time zone, the part of a first period that an activation leaves, rolled-over buckets.
Does not own counters or where they are kept. Rating section 6.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import NamedTuple
from zoneinfo import ZoneInfo


class ResetCycle(Enum):
    """When a counter starts from zero again, always at local midnight."""

    DAILY = "daily"
    WEEKLY = "weekly"
    "On Monday."
    MONTHLY = "monthly"
    "On the first."
    BILLING_DAY = "billing_day"
    "On a day of the month, in shorter months on their last day."
    NEVER = "never"


class CounterPeriod(NamedTuple):
    """Local days in which one counter counts: `first` inclusive, `until` exclusive. None: without bound."""

    first: date | None
    until: date | None


class Bucket(NamedTuple):
    """What is left of an earlier period's quantity."""

    quantity: int
    expires_on: date
    "The local day from which it is gone."


_ALL_TIME = CounterPeriod(None, None)


def period_at(cycle: ResetCycle, at_s: int, zone: ZoneInfo, *, billing_day: int = 1) -> CounterPeriod:
    """The period that contains an instant (epoch seconds); `billing_day` is for `BILLING_DAY` alone."""
    return period_of(cycle, local_date(at_s, zone), billing_day=billing_day)


def period_of(cycle: ResetCycle, day: date, *, billing_day: int = 1) -> CounterPeriod:
    """The period that contains a local day."""
    if cycle is ResetCycle.NEVER:
        return _ALL_TIME
    if cycle is ResetCycle.DAILY:
        return CounterPeriod(day, day + timedelta(days=1))
    if cycle is ResetCycle.WEEKLY:
        monday = day - timedelta(days=day.weekday())
        return CounterPeriod(monday, monday + timedelta(days=7))
    anchor = billing_day if cycle is ResetCycle.BILLING_DAY else 1
    this = _day_of_month(day.year, day.month, anchor)
    if day >= this:
        return CounterPeriod(this, _day_of_month(day.year, day.month + 1, anchor))
    return CounterPeriod(_day_of_month(day.year, day.month - 1, anchor), this)


def local_date(at_s: int, zone: ZoneInfo) -> date:
    """The calendar day of an instant."""
    return datetime.fromtimestamp(at_s, zone).date()


def midnight_s(day: date, zone: ZoneInfo) -> int:
    """The instant (epoch seconds) at which a local day begins, also where the clock skips midnight."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).timestamp())


def prorated(quantity: int, period: CounterPeriod, activated_on: date) -> int:
    """What of a quantity an activation inside the period leaves: whole days, its own day not counted.

    300 minutes of April activated on the 20th are 100. Activated on the period's first day or before it, and
    for a period of one day or without bound, it is all of it. Parts of a unit are dropped.
    """
    first, until = period
    if first is None or until is None or activated_on <= first:
        return quantity
    days = (until - first).days
    return quantity * max(0, (until - activated_on).days - 1) // days


def roll_over(
    buckets: Iterable[Bucket],
    *,
    unused: int,
    ended: CounterPeriod,
    periods: int,
    cycle: ResetCycle,
    billing_day: int = 1,
) -> tuple[Bucket, ...]:
    """The buckets of the period after `ended`: what has not expired, and what `ended` left unused.

    Args:
        buckets: those of the period that ended.
        unused: what is left of its own quantity.
        ended: that period; it has an end.
        periods: how many further periods an unused quantity lives, 0 to 3.
        cycle: of the counter, with its `billing_day`.
        billing_day: day of the month for `BILLING_DAY`.
    """
    assert ended.until is not None, "a period without an end leaves nothing"
    kept = [bucket for bucket in buckets if bucket.expires_on > ended.until and bucket.quantity]
    expires_on = ended.until
    for _ in range(periods):
        following = period_of(cycle, expires_on, billing_day=billing_day).until
        assert following is not None, cycle
        expires_on = following
    if unused > 0 and periods:
        kept.append(Bucket(unused, expires_on))
    return tuple(sorted(kept, key=lambda bucket: bucket.expires_on))


def draw(buckets: Iterable[Bucket], quantity: int) -> tuple[tuple[Bucket, ...], int]:
    """Take a quantity, earliest expiry first: the buckets that are left, and what they could not give."""
    left = []
    for bucket in sorted(buckets, key=lambda bucket: bucket.expires_on):
        given = min(bucket.quantity, quantity)
        quantity -= given
        if bucket.quantity > given:
            left.append(bucket._replace(quantity=bucket.quantity - given))
    return tuple(left), quantity


def _day_of_month(year: int, month: int, day: int) -> date:
    """A day of a month, which may be 0 or 13; of a shorter month its last day."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(day, (following - timedelta(days=1)).day))

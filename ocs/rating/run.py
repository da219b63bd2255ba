"""Runs: what a session's usage has to pay for, in order, as (item, blocks, cost of one block).

Owns: the one computation that turns usage into cost. Prices, affordable units, discounts and explanations all
read these runs, so that they cannot disagree. Does not own rounding or discounts. Rating sections 3 to 5.

A run covers as many blocks as the same item is paid for one after another: the number of runs grows with the
elements of a formula and the boundaries of off-peak periods that a session crosses, never with its length.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ocs.rating.applied import AppliedRate
from ocs.rating.course import Course, Item
from ocs.rating.tariff import OffPeakWhen

Run = tuple[Item, int, int]
"Item, blocks (>= 1), numerator of one block's cost."
Usage = Sequence[int]
"Cumulative usage in the service's measured unit, per price set; seconds are all in the first place."


def possible_runs(
    applied: AppliedRate, usage: Usage, *, start_s: int, zone: ZoneInfo, ended: bool
) -> Sequence[Iterable[Run]]:
    """The runs of a usage, once for each price set that the session may still get.

    Args:
        applied: the rate.
        usage: what was used so far.
        start_s: epoch seconds of the session's start.
        zone: of the payer.
        ended: whether the session ends with this usage, so that there is only one possibility.
    """
    if applied.volumes:
        return (volume_runs(applied, folded(applied, usage)),)
    seconds = usage[0]
    if seconds < applied.least_seconds:
        return (_short_runs(applied, seconds, start_s=start_s, zone=zone) if ended else (),)
    if applied.schedule is None:
        return (seconds_runs(applied, seconds, 0, start_s=start_s, zone=zone),)
    if ended:
        sets: Sequence[int | None] = (settled_set(applied, seconds, start_s=start_s, zone=zone),)
    else:
        sets = open_sets(applied, start_s=start_s, zone=zone)
    return [seconds_runs(applied, seconds, set_index, start_s=start_s, zone=zone) for set_index in sets]


def is_split(applied: AppliedRate) -> bool:
    """Whether each stretch of a session is priced by the set that is valid in it."""
    return (
        applied.schedule is not None
        and not applied.volumes
        and applied.terms.off_peak_when is OffPeakWhen.SPLIT
    )


def settled_set(applied: AppliedRate, seconds: int, *, start_s: int, zone: ZoneInfo) -> int | None:
    """The price set of an ended session; None: every stretch has its own."""
    schedule, when = applied.schedule, applied.terms.off_peak_when
    if schedule is None:
        return 0
    if when is OffPeakWhen.SPLIT:
        return None
    return schedule.settled_set(when, start_s=start_s, end_s=start_s + seconds, zone=zone)


def open_sets(applied: AppliedRate, *, start_s: int, zone: ZoneInfo) -> Sequence[int | None]:
    """The price sets that a session may still get while its end is not known; None: each stretch its own."""
    schedule, when = applied.schedule, applied.terms.off_peak_when
    if schedule is None:
        return (0,)
    if when is OffPeakWhen.SPLIT:
        return (None,)
    return schedule.open_sets(when, start_s=start_s, zone=zone)


class Standing(NamedTuple):
    """How far runs have come, between two blocks."""

    position_s: int = 0
    "Where the next block begins."
    block_s: int = -1
    "Where the last paid block began; before the first, outside."
    spent: int = 0
    "Numerator of what has been paid for."


START: Final = Standing()


def seconds_runs(
    applied: AppliedRate, seconds: int, set_index: int | None, *, start_s: int, zone: ZoneInfo
) -> Iterable[Run]:
    """The runs of `seconds` in one price set; None: in the set that is valid where each block begins."""
    if set_index is not None or applied.schedule is None:
        course = applied.courses[set_index or 0]
        if course.is_plain:
            return _plain_runs(course, seconds)
    return walk_runs(applied, seconds, set_index, start_s=start_s, zone=zone)


def _plain_runs(course: Course, seconds: int) -> Sequence[Run]:
    """One first interval, then next ones: what `walk_runs` finds on a plain course."""
    first, following = course.items
    if seconds <= 0:
        return ()
    beyond = seconds - first.size
    if beyond <= 0:
        return ((first, 1, first.cost),)
    return (first, 1, first.cost), (following, -(-beyond // following.size), following.cost)


def walk_runs(
    applied: AppliedRate,
    seconds: int,
    set_index: int | None,
    *,
    start_s: int,
    zone: ZoneInfo,
    standing: Standing = START,
) -> Iterator[Run]:
    """`seconds_runs` of any course, block by block of the same price.

    With None the first interval and the free seconds belong to the set at the start, and a block in progress
    finishes in the set in which it began. A surcharge of a formula is due with the first block at or after
    its position, if that block is priced by the formula's set. With a `standing` only what follows it.
    """
    schedule = applied.schedule if set_index is None else None
    course = applied.courses[schedule.set_at(start_s, zone) if schedule else set_index or 0]
    head_s = course.head_s
    (position, block_start, spent), until = standing, seconds
    while position < seconds:
        if schedule is not None and position >= head_s:
            valid, until_s = schedule.stretch(start_s + position, zone)
            course, until = applied.courses[valid], min(seconds, until_s - start_s)
        if course.head_s and position >= head_s:
            # Whoever enters a set of intervals past the first one pays next intervals.
            index = -1
        else:
            index = bisect_right(course.starts, position) - 1
        for due_s, surcharge in course.surcharges:
            if block_start < due_s <= position:
                cost = surcharge.due(spent)
                spent += cost
                yield surcharge, 1, cost
        item = course.items[index]
        blocks = -((position - min(until, course.ends[index])) // item.size)
        if item.units:
            # Free seconds are no block of their own: they lengthen the first one.
            block_start = position + (blocks - 1) * item.size
        position += blocks * item.size
        spent += blocks * item.cost
        yield item, blocks, item.cost


def folded(applied: AppliedRate, usage: Usage) -> Usage:
    """Usage of volume by the price sets that the rate has; what another set was thought to have is peak."""
    sets = len(applied.volumes)
    return (usage[0] + sum(usage[sets:]), *usage[1:sets])


def volume_runs(applied: AppliedRate, usage: Usage) -> Iterator[Run]:
    """The runs of folded octets or messages, dearest price set first, each set's sum rounded up once."""
    for item in applied.volumes:
        units = usage[item.set_index]
        if units:
            yield item, -(-units // item.size), item.cost


def _short_runs(applied: AppliedRate, seconds: int, *, start_s: int, zone: ZoneInfo) -> Iterator[Run]:
    """The runs of a session that costs nothing but, where the tariff says so, the connect fee of 0 s."""
    if seconds or applied.terms.grace_seconds or not applied.terms.connect_fee_on_zero:
        return
    schedule = applied.schedule
    fee = applied.courses[schedule.set_at(start_s, zone) if schedule else 0].fee
    if fee is not None:
        yield fee, 1, fee.cost

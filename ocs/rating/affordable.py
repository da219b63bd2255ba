"""Affordable units: how much of a service an amount of money buys. The exact inverse of `ocs.rating.price`.

Rating section 7.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from ocs.rating.applied import AppliedRate
from ocs.rating.course import Item
from ocs.rating.discount import Discounts, Meter
from ocs.rating.run import Run, Usage, folded, open_sets, seconds_runs, volume_runs
from ocs.rating.schedule import PEAK
from ocs.rating.trail import trail_of


def affordable(
    applied: AppliedRate,
    funds_micros: int,
    *,
    usage: Usage,
    start_s: int,
    zone: ZoneInfo,
    cap_units: int,
    set_index: int = 0,
    discounts: Discounts = (),
) -> int:
    """The greatest total of a session, in measured units, whose charge is at most `funds_micros`.

    It is a whole block's end, or `cap_units` inside a block that is affordable; 0 when the first block is
    not. Whatever price set the session may still get, the total is affordable in it. A free service and one
    that credits the account are bounded by `cap_units` and a formula's cut alone.

    Args:
        applied: the rate.
        funds_micros: all the money that may go into the session's charge, what it has paid included.
        usage: used so far, as for `ocs.rating.price.charge`.
        start_s: epoch seconds of the session's start.
        zone: of the payer.
        cap_units: the greatest total wanted.
        set_index: price set in which further octets or messages are expected.
        discounts: as for `ocs.rating.price.charge_discounted`.
    """
    room = (applied.discounted_rounding if discounts else applied.rounding).limit(funds_micros)
    if applied.volumes:
        return _affordable_volume(applied, room, usage, cap_units, set_index, discounts)
    sets = open_sets(applied, start_s=start_s, zone=zone)
    total = _until_cut(applied, sets, cap_units, start_s=start_s, zone=zone)
    if applied.is_free or applied.is_payback:
        return total
    if room < 0:
        return 0
    if None in sets and not discounts:
        sets = ()
        if total:
            total = trail_of(applied, start_s=start_s, zone=zone).reach(room, total)
    for index in sets:
        meter = Meter(discounts, denominator=applied.denominator) if discounts else None
        runs = seconds_runs(applied, total, index, start_s=start_s, zone=zone)
        total = min(total, _reach(runs, room, total, meter))
    if usage[0] < applied.least_seconds:
        # Seconds of grace cost nothing, but are no block.
        return max(total, min(usage[0], cap_units))
    return total


def _reach(runs: Iterable[Run], room: int, total: int, meter: Meter | None) -> int:
    """How far the runs can be paid from `room`, in measured units; `total` when to their end."""
    position = 0
    for item, blocks, cost in runs:
        if meter is None:
            due = blocks * cost
            paid = blocks if due <= room else room // cost
        else:
            paid = meter.fit(item, blocks, cost, room)
            due = meter.take(item, paid, cost)
        position += paid * item.size
        if paid < blocks:
            return position
        room -= due
    return total


def _until_cut(
    applied: AppliedRate, sets: Sequence[int | None], cap_units: int, *, start_s: int, zone: ZoneInfo
) -> int:
    """`cap_units`, or where a formula that may price the session at that point disconnects before it."""
    schedule = applied.schedule
    for index, course in enumerate(applied.courses):
        cut_s = course.cut_s
        if cut_s is None or cut_s >= cap_units:
            continue
        # A split session is cut by the set that is valid at that very second.
        valid = sets if schedule is None or None not in sets else (schedule.set_at(start_s + cut_s, zone),)
        if index in valid:
            cap_units = cut_s
    return cap_units


def _affordable_volume(
    applied: AppliedRate, room: int, usage: Usage, cap_units: int, set_index: int, discounts: Discounts
) -> int:
    """The greatest total in the expected price set and in every other that may come."""
    if applied.is_free or applied.is_payback:
        return cap_units
    # A set that the rate does not have is peak, as in `folded`.
    set_index = set_index if set_index < len(applied.volumes) else PEAK
    expected = {set_index, *(applied.schedule.possible if applied.schedule else ())}
    total = cap_units
    for item in applied.volumes:
        if item.set_index in expected:
            total = min(total, _volume_reach(applied, item, usage, room, total, discounts))
    return total


def _volume_reach(
    applied: AppliedRate, item: Item, usage: Usage, room: int, cap_units: int, discounts: Discounts
) -> int:
    """The greatest total when everything more is used in the price set of `item`."""
    spread = list(folded(applied, usage))
    spread[item.set_index] = 0
    others = sum(spread)
    wanted = max(0, -((others - cap_units) // item.size))
    after = applied.volumes[applied.volumes.index(item) + 1 :]
    if discounts and any(spread[other.set_index] for other in after):

        def due(blocks: int) -> int:
            # More in this set moves what cheaper sets have used to other levels.
            spread[item.set_index] = blocks * item.size
            meter = Meter(discounts, denominator=applied.denominator)
            return sum([meter.take(*run) for run in volume_runs(applied, spread)])

        paid = bisect_right(range(wanted + 1), room, key=due) - 1
        if paid < 0:
            return 0
        return cap_units if paid == wanted else others + paid * item.size
    meter = Meter(discounts, denominator=applied.denominator) if discounts else None
    for other, blocks, cost in volume_runs(applied, spread):
        room -= meter.take(other, blocks, cost) if meter else blocks * cost
    if room < 0:
        return 0
    return others + _reach(iter([(item, wanted, item.cost)]), room, cap_units - others, meter)

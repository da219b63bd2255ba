"""Prices: what a session's usage costs, exactly and rounded once.

Owns: the charge of a cumulative usage, its billed units, the price set of an instant. Does not own the steps
(`ocs.rating.run`) or how much money buys (`ocs.rating.affordable`). Rating sections 3 to 6.
"""

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from ocs.rating.applied import AppliedRate
from ocs.rating.discount import Discounts, Meter, Taken
from ocs.rating.run import Run, Usage, is_split, possible_runs
from ocs.rating.trail import trail_of
from ocs.units import Micros


class Priced(NamedTuple):
    """A charge and what made it."""

    amount: Micros
    cost: int
    "Exact, >= 0 also for a credit: numerator over the rate's denominator, with a meter finer by `PPM`."
    runs: Sequence[Run]
    meter: Meter | None
    "None: no discounts."
    meters: Sequence[Meter] = ()
    "With discounts: of every price set that the session may still get."


def charge(applied: AppliedRate, usage: Usage, *, start_s: int, zone: ZoneInfo, ended: bool) -> Micros:
    """The price of a session's cumulative usage, rounded once; negative when the account is credited.

    The charge of a report is this minus what the session has paid, so reports may fall anywhere.

    Args:
        applied: the rate.
        usage: measured units (seconds, octets, messages) per price set. Seconds are all in the first place:
            their price set follows from `start_s`. Volume was put into the set valid when it was used.
        start_s: epoch seconds of the session's start.
        zone: of the payer; off-peak periods are read on its wall clock.
        ended: False: the session goes on. Where its end decides the price set the dearest one that is still
            possible stands in, for a credit the cheapest.
    """
    if is_split(applied) and usage[0] >= applied.least_seconds:
        amount = applied.rounding.amount(trail_of(applied, start_s=start_s, zone=zone).cost(usage[0]))
        return Micros(-amount) if applied.is_payback else amount
    return price(applied, usage, start_s=start_s, zone=zone, ended=ended).amount


def charge_discounted(
    applied: AppliedRate, usage: Usage, *, start_s: int, zone: ZoneInfo, ended: bool, discounts: Discounts
) -> tuple[Micros, Sequence[Taken]]:
    """`charge` after discounts, and what the usage took from their counters.

    A credit is neither changed nor counted.

    Args:
        applied: the rate.
        usage: as for `charge`.
        start_s: as for `charge`.
        zone: as for `charge`.
        ended: as for `charge`.
        discounts: the rules in force, with their counters as they were before this session's usage.
    """
    priced = price(applied, usage, start_s=start_s, zone=zone, ended=ended, discounts=discounts)
    return priced.amount, () if priced.meter is None else priced.meter.taken(applied.rounding)


def price(
    applied: AppliedRate,
    usage: Usage,
    *,
    start_s: int,
    zone: ZoneInfo,
    ended: bool,
    discounts: Discounts = (),
) -> Priced:
    """`charge` or `charge_discounted` with the runs that made it."""
    worst: tuple[int, Sequence[Run], Meter | None] | None = None
    meters: list[Meter] = []
    for possible in possible_runs(applied, usage, start_s=start_s, zone=zone, ended=ended):
        runs: Sequence[Run] = tuple(possible)
        meter = None
        if discounts and not applied.is_payback:
            meter = Meter(discounts, denominator=applied.denominator)
            cost = sum([meter.take(*run) for run in runs])
            meters.append(meter)
        else:
            cost = sum([blocks * each for _, blocks, each in runs])
        if worst is None or (cost < worst[0] if applied.is_payback else cost > worst[0]):
            worst = (cost, runs, meter)
    assert worst is not None, "a session has at least one price set"
    cost, runs, meter = worst
    rounding = applied.rounding if meter is None else applied.discounted_rounding
    amount = rounding.amount(cost)
    return Priced(Micros(-amount) if applied.is_payback else amount, cost, runs, meter, meters)


def billed_units(applied: AppliedRate, usage: Usage, *, start_s: int, zone: ZoneInfo) -> int:
    """Units that the price of an ended session is for: seconds, base units (KB) or messages."""
    (runs,) = possible_runs(applied, usage, start_s=start_s, zone=zone, ended=True)
    return sum(blocks * item.units for item, blocks, _ in runs)


def price_set_at(applied: AppliedRate, at_s: int, zone: ZoneInfo) -> int:
    """The price set that is valid at an instant (epoch seconds): 0 peak, 1 off-peak, 2 second off-peak."""
    return applied.schedule.set_at(at_s, zone) if applied.schedule else 0

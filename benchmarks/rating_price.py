"""Microseconds per charge and per affordable-units question, for several rule mixes and call lengths.

Run from the repository: ``python benchmarks/rating_price.py``. Each figure is the best of five rounds, in
time of the processor, so that others who use the machine count as little as can be.

CPython 3.11, two cores that fourteen others wanted: a charge is 2 to 5 us and affordable units 2 to 5 us for
every rule mix, be the call a minute or thirty days; with an allowance, a money budget and a surcharge 8 to
16 us, split calls of days excepted, whose runs pass the counters one by one.
"""

import time
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ocs.rating.affordable import affordable
from ocs.rating.applied import AppliedRate
from ocs.rating.discount import CountedRule, Counting, Level
from ocs.rating.explanation import explain
from ocs.rating.price import charge, charge_discounted
from ocs.rating.tariff import OffPeak, OffPeakWhen, PriceSet, Rate, TariffTerms
from ocs.units import DATA, VOICE, Service, parse_price

ZONE = ZoneInfo("Europe/Vienna")
START_S = int(datetime(2026, 6, 15, 15, 55, tzinfo=UTC).timestamp())
DAY_S = 86_400
ROUND = 2_000
ALLOWANCE = (
    CountedRule("minutes", Counting.UNITS, ((Level(6_000, 1_000_000),),), (5_880,)),
    CountedRule("volume", Counting.MONEY, ((Level(20_000_000, 0), Level(None, 100_000)),), (19_500_000,)),
)


def prices(first_s: int, next_s: int, price: str = "0.10", formula: str = "") -> PriceSet:
    """Prices of calls by interval or formula, and of volume by the same numbers."""
    nanos = parse_price(price)
    return PriceSet(
        first_interval_s=first_s,
        next_interval_s=next_s,
        first_price_nanos=nanos,
        next_price_nanos=nanos,
        unit_price_nanos=nanos,
        rounding=first_s,
        formula=formula,
    )


def applied(
    peak: PriceSet,
    *,
    period: str | None = None,
    when: OffPeakWhen = OffPeakWhen.STARTS,
    service: Service = VOICE,
    connect_fee_micros: int = 0,
    post_call_surcharge_ppm: int = 0,
) -> AppliedRate:
    """A rate with an off-peak set of 60/1 where a period is given."""
    terms = TariffTerms(
        id=1,
        name="benchmark",
        off_peak_when=when,
        connect_fee_micros=connect_fee_micros,
        post_call_surcharge_ppm=post_call_surcharge_ppm,
    )
    off_peak = () if period is None else (OffPeak(prices=prices(60, 1, "0.05"), period=period),)
    return AppliedRate(terms, Rate(destination="44", peak=peak, off_peak=off_peak), service)


FORMULA = "60x1@1.80;2x60@1.80;+0.50;7x60@1.80;+5%;*x1@0.60"
MIXES = {
    "60/6": applied(prices(60, 6)),
    "1/1, fee, 5 % surcharge": applied(
        prices(1, 1), connect_fee_micros=200_000, post_call_surcharge_ppm=50_000
    ),
    "formula": applied(prices(1, 1, formula=FORMULA)),
    "off-peak, starts": applied(prices(60, 6), period="hr{18-5}"),
    "off-peak, both": applied(prices(60, 6), period="hr{18-5}", when=OffPeakWhen.BOTH),
    "off-peak, split": applied(prices(60, 6), period="hr{18-5}", when=OffPeakWhen.SPLIT),
    "1/1, split hourly": applied(
        prices(1, 1), period="hr{0 2 4 6 8 10 12 14 16 18 20 22}", when=OffPeakWhen.SPLIT
    ),
    "data, two sets": applied(prices(1024, 1), period="hr{18-5}", service=DATA),
}


def microseconds(call: Callable[[], object]) -> float:
    """The best time of one call."""
    return min(timeit.repeat(call, timer=time.process_time, number=ROUND, repeat=5)) / ROUND * 1e6


def report(name: str, rate: AppliedRate, units: int) -> None:
    """Print a line of figures for a session of `units` seconds, or KB on each side of a tariff switch."""
    usage = (units, 0, 0) if rate.courses else (units * 1024, units * 512, 0)
    at = {"start_s": START_S, "zone": ZONE}
    cost = charge(rate, usage, ended=False, **at)
    cap = 2 * sum(usage)
    figures = [
        microseconds(lambda: charge(rate, usage, ended=False, **at)),
        microseconds(lambda: charge(rate, usage, ended=True, **at)),
        microseconds(lambda: affordable(rate, cost * 3 // 2, usage=usage, cap_units=cap, **at)),
        microseconds(lambda: charge_discounted(rate, usage, ended=True, discounts=ALLOWANCE, **at)),
        microseconds(
            lambda: affordable(rate, cost * 3 // 2, usage=usage, cap_units=cap, discounts=ALLOWANCE, **at)
        ),
        microseconds(lambda: explain(rate, usage, **at)),
    ]
    print(f"{name:26} {units:>7}" + "".join(f"{figure:>12.2f}" for figure in figures))


def main() -> None:
    """Print the table."""
    columns = ("charge open", "charge end", "affordable", "discounted", "aff. disc.", "explain")
    print(f"{'microseconds':26} {'units':>7}" + "".join(f"{column:>12}" for column in columns))
    for name, rate in MIXES.items():
        for units in (60, 600, DAY_S, 30 * DAY_S):
            report(name, rate, units)


if __name__ == "__main__":
    main()

"""The rating function agrees with the slow reference on random tariffs and sessions.

They are drawn around the places where prices change: interval ends, boundaries of periods, changes of the
clock, month ends, leap days.
"""

import random
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from rating_reference import (
    BOUNDS,
    Element,
    PeriodParts,
    Story,
    calendar_value,
    everything_paid,
    reference_affordable,
    reference_charge,
    set_at,
)

from ocs.rating.affordable import affordable
from ocs.rating.applied import AppliedRate
from ocs.rating.discount import CountedRule, Counting, Level
from ocs.rating.explanation import explain
from ocs.rating.price import billed_units, charge, charge_discounted, price_set_at
from ocs.rating.tariff import OffPeak, OffPeakWhen, PriceSet, Rate, RoundMode, TariffTerms
from ocs.units import DATA, MESSAGES, VOICE, Measure, Service

ZONES = [
    ZoneInfo(name)
    for name in ("UTC", "Europe/Vienna", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
]
MOMENTS = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Vienna springs forward
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # and falls back
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York springs forward
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # and falls back
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe falls back by half an hour
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),  # and springs forward
    datetime(2028, 2, 29, 0, tzinfo=UTC),  # midnights in UTC before, on and after leap days
    datetime(2028, 3, 1, 0, tzinfo=UTC),
    datetime(2027, 3, 1, 0, tzinfo=UTC),
    datetime(2027, 1, 1, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 23, tzinfo=UTC),  # New Year in Vienna
    datetime(2026, 6, 30, 22, tzinfo=UTC),  # a month's end in Vienna
    datetime(2026, 6, 15, 18, tzinfo=UTC),
    datetime(2026, 6, 19, 6, tzinfo=UTC),
]


SERVICES = [VOICE, VOICE, VOICE, VOICE, DATA, MESSAGES, Service("gb", Measure.OCTETS, None, 1000, 1000)]


def random_story(rng: random.Random) -> Story:
    """A tariff, a rate and a session near a boundary of its periods."""
    service, zone = rng.choice(SERVICES), rng.choice(ZONES)
    boundary_s = int(rng.choice(MOMENTS).timestamp()) + rng.choice([0, rng.randrange(-60, 60) * 60])
    before_s = rng.choice([0, 1, 20, 30, 59, 60, 61, 100, rng.randrange(300), rng.randrange(1500)])
    others = rng.choice([0, 1, 1, 2])
    periods = [random_period(rng, boundary_s, zone) for _ in range(others)]
    formulas = [random_formula(rng) if rng.random() < 0.35 else None for _ in range(others + 1)]
    peak, *off_peak = (random_prices(rng, formula) for formula in formulas)
    rate = Rate(
        destination="44",
        peak=peak,
        off_peak=tuple(
            OffPeak(prices=prices, period=period_text(period))
            for prices, period in zip(off_peak, periods, strict=True)
        ),
        payback=rng.random() < 0.1,
    )
    discounts = random_discounts(rng) if rng.random() < 0.4 else ()
    usage, cap = random_usage(rng, service, sets=others + 1, longest_s=300 if discounts else 1500)
    return Story(
        terms=random_terms(rng),
        rate=rate,
        service=service,
        periods=periods,
        formulas=formulas,
        zone=zone,
        start_s=boundary_s - before_s,
        usage=usage,
        cap=cap,
        funds=rng.choice([-1, 0, *(rng.randrange(10**digits) for digits in (4, 5, 6, 7))]),
        discounts=discounts,
    )


def random_terms(rng: random.Random) -> TariffTerms:
    """Everything that a tariff can say; half of the time the price set changes within a session."""
    return TariffTerms(
        id=1,
        name="random",
        off_peak_when=rng.choice([*OffPeakWhen, OffPeakWhen.SPLIT, OffPeakWhen.SPLIT]),
        connect_fee_micros=rng.choice([0, 0, 100_000, 33_333]),
        connect_fee_on_zero=rng.random() < 0.3,
        grace_seconds=rng.choice([0, 0, 0, 1, 3, 10]),
        free_seconds=rng.choice([0, 0, 0, 7, 20]),
        post_call_surcharge_ppm=rng.choice([0, 0, 50_000, 123_456]),
        round_decimals=rng.randrange(7),
        round_mode=rng.choice(list(RoundMode)),
    )


def random_usage(
    rng: random.Random, service: Service, *, sets: int, longest_s: int
) -> tuple[tuple[int, int, int], int]:
    """Units used so far per price set, and a cap above their sum."""
    if service.measure is Measure.SECONDS:
        lengths = [0, rng.randrange(4), rng.randrange(200), *(rng.randrange(longest_s) for _ in range(3))]
        seconds = rng.choice(lengths)
        return (seconds, 0, 0), seconds + rng.randrange(longest_s)
    scale = 700 if service.measure is Measure.OCTETS else 1
    used = [rng.randrange(60) * scale if n < sets and rng.random() < 0.7 else 0 for n in range(3)]
    return (used[0], used[1], used[2]), sum(used) + rng.randrange(80) * scale


def random_period(rng: random.Random, boundary_s: int, zone: ZoneInfo) -> PeriodParts:
    """A period that begins or ends at `boundary_s`, most of the time; sometimes restricted or wider."""
    if rng.random() < 0.08:
        return rng.choice([[], [{}]])
    local = datetime.fromtimestamp(boundary_s, zone)
    turning = ["min"]
    if local.minute == 0:
        turning = ["hr"] if local.hour else ["hr", "wd", "md", "yd", "mo"]
    parts = [{rng.choice(turning): []}] if rng.random() < 0.8 else []
    for part in parts:
        for scale in part:
            low, high = BOUNDS[scale]
            length = rng.randrange(high - low)
            begins = calendar_value(scale, local) - (length + 1 if rng.random() < 0.5 else 0)
            part[scale] = [(wrapped(begins, low, high), wrapped(begins + length, low, high))]
    if not parts or rng.random() < 0.3:
        parts.append({})
    for part in parts:
        for scale in rng.sample(list(BOUNDS), 0 if part and rng.random() < 0.7 else rng.choice([1, 2])):
            low, high = BOUNDS[scale]
            near = calendar_value(scale, local)
            ends = [min(high, max(low, near + rng.randrange(-3, 4))), rng.randint(low, min(high, near + 20))]
            part.setdefault(scale, []).append((ends[0], ends[1]))
    return parts


def wrapped(value: int, low: int, high: int) -> int:
    """A value that has left its scale, back on it."""
    return (value - low) % (high - low + 1) + low


def random_formula(rng: random.Random) -> list[Element]:
    """Elements in any order; at least one interval, an endless one last."""
    elements: list[Element] = []
    for _ in range(rng.randrange(1, 6)):
        kind = rng.choice(
            ["interval", "interval", "interval", "amount", "amount", "connect", "percent", "cut"]
        )
        if kind == "cut" and any(element[0] == "cut" for element in elements):
            continue
        price = Fraction(rng.randrange(3000), 1000)
        if kind == "percent":
            price = Fraction(rng.choice([5, 10, 12]), 100)
        elements.append(
            (kind, rng.choice([1, 1, 2, rng.randrange(1, 30)]), rng.choice([1, 6, 30, 60, 17]), price)
        )
    if not any(element[0] == "interval" for element in elements) or rng.random() < 0.5:
        elements.append(("interval", 0, rng.choice([1, 6, 60]), Fraction(rng.randrange(3000), 1000)))
    return elements


def random_prices(rng: random.Random, formula: list[Element] | None) -> PriceSet:
    """A price set; awkward intervals and prices, some of them free."""
    return PriceSet(
        first_interval_s=rng.choice([1, 6, 30, 60, 60, 45]),
        next_interval_s=rng.choice([1, 1, 6, 30, 60, 13]),
        first_price_nanos=rng.choice([0, 100_000_000, rng.randrange(10**9)]),
        next_price_nanos=rng.choice([0, 100_000_000, rng.randrange(10**9)]),
        rounding=rng.choice([1, 1, 10, 17, 64]),
        unit_price_nanos=rng.choice([0, 50_000_000, rng.randrange(10**11)]),
        formula="" if formula is None else formula_text(formula),
    )


def random_discounts(rng: random.Random) -> tuple[CountedRule, ...]:
    """Up to three rules with counters somewhere on their scales."""
    rules = []
    for number in range(rng.choice([1, 1, 2, 3])):
        counting = rng.choice(list(Counting))
        top = rng.choice([100, 300]) if counting is Counting.UNITS else rng.choice([10**5, 10**6])
        ladders = []
        for _ in range(rng.choice([1, 1, 3])):
            bounds = sorted(rng.sample(range(1, top), rng.randrange(1, 4)))
            uptos = [*bounds[:-1], rng.choice([bounds[-1], None])]
            ladders.append(tuple(Level(upto, rng.choice([0, 100_000, 333_333, 10**6])) for upto in uptos))
        counted = tuple(rng.choice([0, rng.randrange(-50, top)]) for _ in ladders)
        rules.append(CountedRule(str(number), counting, tuple(ladders), counted))
    return tuple(rules)


def period_text(parts: PeriodParts) -> str:
    """A period as the text that the code reads."""
    if not parts:
        return "none"
    return ",".join(
        " ".join(f"{scale}{{{' '.join(f'{a}-{b}' for a, b in ranges)}}}" for scale, ranges in part.items())
        for part in parts
    )


def formula_text(elements: list[Element]) -> str:
    """A formula as the text that the code reads."""
    texts = {
        "interval": lambda count, seconds, price: f"{count or '*'}x{seconds}@{float(price):.3f}",
        "amount": lambda count, seconds, price: f"+{float(price):.3f}",
        "connect": lambda count, seconds, price: "+connect",
        "percent": lambda count, seconds, price: f"+{int(price * 100)}%",
        "cut": lambda count, seconds, price: "cut",
    }
    return ";".join(texts[kind](count, seconds, price) for kind, count, seconds, price in elements)


def check(story: Story) -> None:
    """Everything that the code says of a story, the reference says too."""
    applied = AppliedRate(story.terms, story.rate, story.service)
    plain = replace(story, discounts=())
    where = {"start_s": story.start_s, "zone": story.zone}
    for ended in (True, False):
        amount, exact, _ = reference_charge(plain, story.usage, ended=ended)
        assert charge(applied, story.usage, ended=ended, **where) == amount
        told = explain(applied, story.usage, ended=ended, **where)
        assert (told.charge_micros, told.exact) == (amount, exact)
        amount, exact, taken = reference_charge(story, story.usage, ended=ended)
        found = charge_discounted(applied, story.usage, ended=ended, discounts=story.discounts, **where)
        assert found[0] == amount
        assert {(t.key, t.ladder): t.quantity for t in found[1]} == taken
        assert explain(applied, story.usage, ended=ended, discounts=story.discounts, **where).exact == exact
    (paid,) = everything_paid(plain, story.usage, ended=True)
    assert billed_units(applied, story.usage, **where) == sum(units for _, units, _, _ in paid)
    for at_s in (story.start_s, story.start_s + story.usage[0], story.start_s + 86_400):
        assert price_set_at(applied, at_s, story.zone) == set_at(story, at_s)
    for asked in (plain, story) if story.discounts else (plain,):
        for set_index in {0, 0 if applied.courses else len(story.periods)}:
            reached = affordable(
                applied,
                story.funds,
                usage=story.usage,
                cap_units=story.cap,
                set_index=set_index,
                discounts=asked.discounts,
                **where,
            )
            assert reached == reference_affordable(asked, set_index)


@pytest.mark.parametrize("seed", range(20))
def test_the_rating_function_agrees_with_the_reference(seed: int) -> None:
    """Charge, billed units, price set, counters, explanation and affordable units: 2,000 random stories."""
    rng = random.Random(seed)
    for _ in range(100):
        check(random_story(rng))


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("part", range(10))
def test_the_rating_function_agrees_with_the_reference_on_many_stories(part: int) -> None:
    """The same for 100,000, in ten parts."""
    for seed in range(part * 10_000, (part + 1) * 10_000):
        check(random_story(random.Random(f"many {seed}")))

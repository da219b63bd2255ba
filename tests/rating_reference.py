"""A slow reference of the rating function, for tests: second by second, unit by unit, in fractions.

It knows the rules and nothing of the code. Periods are evaluated value by value, prices are added up block by
block as each begins, discounts pass every single unit through every rule, and affordable units are found by
trying one block after the other. Periods and formulas come as data; their texts are for the code under test.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

from ocs.rating.discount import CountedRule, Counting
from ocs.rating.tariff import OffPeakWhen, PriceSet, Rate, RoundMode, TariffTerms
from ocs.units import Measure, Service

Ranges = list[tuple[int, int]]
PeriodParts = list[dict[str, Ranges]]
"Each part: scale -> inclusive ranges; [] is never."
Element = tuple[str, int, int, Fraction]
"(kind, count or 0 for the end, seconds, price per minute or amount or part)."


@dataclass
class Story:
    """One random tariff with one random session."""

    terms: TariffTerms
    rate: Rate
    service: Service
    periods: list[PeriodParts]
    formulas: list[list[Element] | None]
    zone: ZoneInfo
    start_s: int
    usage: tuple[int, int, int]
    cap: int
    funds: int
    discounts: tuple[CountedRule, ...] = ()

    @property
    def price_sets(self) -> list[PriceSet]:
        """Peak and off-peak prices in the order of their indices."""
        return [self.rate.peak, *(off_peak.prices for off_peak in self.rate.off_peak)]


BOUNDS = {"yr": (1970, 9999), "mo": (1, 12), "wk": (1, 6), "yd": (1, 366), "md": (1, 31), "wd": (1, 7)}
BOUNDS |= {"hr": (0, 23), "min": (0, 59), "sec": (0, 59)}


def calendar_value(scale: str, local: datetime) -> int:
    """The value of a scale at a local time; weeks of a month begin on Sunday."""
    first_weekday = (local.replace(day=1).weekday() + 1) % 7
    return {
        "yr": local.year,
        "mo": local.month,
        "wk": (local.day + first_weekday - 1) // 7 + 1,
        "yd": local.timetuple().tm_yday,
        "md": local.day,
        "wd": (local.weekday() + 1) % 7 + 1,
        "hr": local.hour,
        "min": local.minute,
        "sec": local.second,
    }[scale]


def in_range(scale: str, value: int, low: int, high: int) -> bool:
    """Whether a value is in an inclusive range that wraps, or for years swaps its ends."""
    if low <= high or scale == "yr":
        return min(low, high) <= value <= max(low, high)
    return value >= low or value <= high


def set_at(story: Story, at_s: int) -> int:
    """The price set of an instant: the first period that holds, or peak."""
    local = datetime.fromtimestamp(at_s, story.zone)
    for index, parts in enumerate(story.periods, 1):
        for part in parts:
            if all(
                any(in_range(scale, calendar_value(scale, local), *ends) for ends in ranges)
                for scale, ranges in part.items()
            ):
                return index
    return 0


def sets_to_consider(story: Story, seconds: int, *, ended: bool) -> list[int | None]:
    """One set, or all that are still possible; None: split."""
    when = story.terms.off_peak_when
    if not story.periods:
        return [0]
    if when is OffPeakWhen.SPLIT:
        return [None]
    at_start, at_end = set_at(story, story.start_s), set_at(story, story.start_s + seconds)
    if when is OffPeakWhen.STARTS:
        return [at_start]
    if ended:
        return [at_end] if when is OffPeakWhen.FINISHES else [at_start if at_start == at_end else 0]
    possible = [0, *(index for index, parts in enumerate(story.periods, 1) if parts)]
    for index, parts in enumerate(story.periods, 1):
        if any(is_whole(part) for part in parts):
            possible = [p for p in possible if p and p <= index]
            break
    if when is OffPeakWhen.FINISHES:
        return list(possible)
    return [at_start] if not at_start or possible == [at_start] else [0, at_start]


def is_whole(part: dict[str, Ranges]) -> bool:
    """Whether a part restricts nothing."""
    return all(
        all(
            any(in_range(scale, v, *ends) for ends in ranges)
            for v in range(BOUNDS[scale][0], BOUNDS[scale][1] + 1)
        )
        for scale, ranges in part.items()
    )


Paid = tuple[int, int, Fraction, int]
"(second at which it is due, billed units, price, price set); surcharges have 0 units."


def paid_second_by_second(story: Story, seconds: int, the_set: int | None) -> Iterator[Paid]:
    """Everything that a session pays, in order, in currency units, before the post-call surcharge."""
    terms = story.terms
    start_set = set_at(story, story.start_s) if the_set is None else the_set
    fee = Fraction(terms.connect_fee_micros, 10**6)
    head = 0
    if story.formulas[start_set] is None:
        head = story.price_sets[start_set].first_interval_s + terms.free_seconds
    paid_until, block_before, total = 0, -1, Fraction(0)
    for second in range(seconds):
        if second < paid_until:
            continue
        now = start_set
        if the_set is None and second >= head:
            now = set_at(story, story.start_s + second)
        prices, formula = story.price_sets[now], story.formulas[now]
        if formula is None:
            if second == 0:
                yield 0, 0, fee, now
                total += fee
            length, per_minute, free = prices.next_interval_s, prices.next_price_nanos, 0
            if second == 0:
                length, per_minute, free = (
                    prices.first_interval_s,
                    prices.first_price_nanos,
                    terms.free_seconds,
                )
            price = Fraction(per_minute, 10**9) * length / 60
        else:
            for position, kind, amount in surcharges(formula):
                if block_before < position <= second:
                    due = {"amount": amount, "connect": fee, "percent": total * amount}[kind]
                    yield second, 0, due, now
                    total += due
            length, each = interval_at(formula, second)
            price, free = each * length / 60, 0
        yield second, length, price, now
        total += price
        block_before, paid_until = second, second + length + free


def surcharges(formula: list[Element]) -> Iterator[tuple[int, str, Fraction]]:
    """Position, kind and value of every surcharge of a formula."""
    position = 0
    for kind, count, seconds, value in formula:
        if kind == "interval":
            position += count * seconds
        elif kind != "cut":
            yield position, kind, value


def interval_at(formula: list[Element], second: int) -> tuple[int, Fraction]:
    """Seconds and price of the interval at a position; the last one goes on for ever."""
    position, last = 0, (0, Fraction(0))
    for kind, count, seconds, value in formula:
        if kind == "interval":
            last = (seconds, value)
            position += count * seconds
            if not count or second < position:
                return last
    return last


def cut_at(formula: list[Element]) -> int | None:
    """Where a formula disconnects; None: nowhere."""
    position = 0
    for kind, count, seconds, _ in formula:
        if kind == "cut":
            return position
        if kind == "interval":
            if not count:
                return None
            position += count * seconds
    return position


def paid_volume(story: Story, usage: Sequence[int]) -> Iterator[Paid]:
    """Everything that a volume pays, the dearest set first."""
    service = story.service
    octets = service.octets_per_base_unit if service.measure is Measure.OCTETS else 1
    by_price = sorted(range(len(story.price_sets)), key=lambda s: -story.price_sets[s].unit_price_nanos)
    for index in by_price:
        prices = story.price_sets[index]
        base = ceil(Fraction(usage[index], octets))
        rounded = ceil(Fraction(base, prices.rounding)) * prices.rounding
        yield (
            0,
            rounded,
            rounded * Fraction(prices.unit_price_nanos, 10**9) / service.base_per_billing_unit,
            index,
        )


def with_surcharge(story: Story, paid: Iterator[Paid]) -> list[Paid]:
    """The post-call surcharge on everything."""
    factor = 1 + Fraction(story.terms.post_call_surcharge_ppm, 10**6)
    return [(at, units, price * factor, index) for at, units, price, index in paid]


def discounted(story: Story, paid: Sequence[Paid]) -> tuple[Fraction, dict[tuple[str, int], Fraction]]:
    """Pass every unit through the rules; the price that is left and what each counter took."""
    at = {(rule.key, n): Fraction(c) for rule in story.discounts for n, c in enumerate(rule.counted)}
    before = dict(at)
    left_to_pay = Fraction(0)
    for _, units, price, index in paid:
        for _ in range(max(1, units)):
            left_to_pay += pass_through(
                story, at, units=min(1, units), price=price / max(1, units), index=index
            )
    return left_to_pay, {key: at[key] - before[key] for key in at if at[key] != before[key]}


def pass_through(
    story: Story, at: dict[tuple[str, int], Fraction], *, units: int, price: Fraction, index: int
) -> Fraction:
    """Pass a unit and its price through the rules; what remains to be paid of it."""
    pays = Fraction(0)
    for rule in story.discounts:
        ladder = index if len(rule.ladders) == 3 else 0
        key = (rule.key, ladder)
        for upto, off_ppm in rule.ladders[ladder]:
            money = rule.counting is Counting.MONEY
            if upto is not None and at[key] >= upto:
                continue
            part = price
            if money and upto is not None:
                part = min(price, (upto - at[key]) / 10**6)
            at[key] += part * 10**6 if money else units
            pays += part * (1 - Fraction(off_ppm, 10**6))
            price -= part
            if not price:
                return pays
    return pays + price


def rounded(terms: TariffTerms, amount: Fraction) -> int:
    """Round an amount in currency units to micros."""
    steps = amount * 10**terms.round_decimals
    whole = {
        RoundMode.HALF_AWAY_FROM_ZERO: floor(steps + Fraction(1, 2)),
        RoundMode.AWAY_FROM_ZERO: ceil(steps),
        RoundMode.TOWARD_ZERO: floor(steps),
    }[terms.round_mode]
    return whole * 10 ** (6 - terms.round_decimals)


def everything_paid(story: Story, usage: Sequence[int], *, ended: bool) -> list[list[Paid]]:
    """What the session pays, once for each price set that it may still get."""
    terms = story.terms
    if story.service.measure is not Measure.SECONDS:
        return [list(paid_volume(story, usage))]
    seconds = usage[0]
    if seconds == 0 and ended and terms.connect_fee_on_zero and not terms.grace_seconds:
        index = set_at(story, story.start_s) if story.periods else 0
        formula = story.formulas[index]
        fees = formula is None or any(at == 0 and kind == "connect" for at, kind, _ in surcharges(formula))
        fee = Fraction(terms.connect_fee_micros if fees else 0, 10**6)
        return [with_surcharge(story, iter([(0, 0, fee, index)]))]
    if seconds < max(1, terms.grace_seconds):
        return [[]]
    return [
        with_surcharge(story, paid_second_by_second(story, seconds, the_set))
        for the_set in sets_to_consider(story, seconds, ended=ended)
    ]


def reference_charge(
    story: Story, usage: Sequence[int], *, ended: bool
) -> tuple[int, Fraction, dict[tuple[str, int], int]]:
    """Rounded charge in micros, exact price, and what the counters gave; discounts do not touch a credit."""
    ways = everything_paid(story, usage, ended=ended)
    if story.rate.payback or not story.discounts:
        totals = [(sum((price for _, _, price, _ in way), Fraction(0)), {}) for way in ways]
    else:
        totals = [discounted(story, way) for way in ways]
    pick = min if story.rate.payback else max
    exact, taken = pick(totals, key=lambda total: total[0])
    counted = {}
    for (key, ladder), quantity in taken.items():
        rule = next(rule for rule in story.discounts if rule.key == key)
        money = rule.counting is Counting.MONEY
        counted[key, ladder] = rounded(story.terms, quantity / 10**6) if money else int(quantity)
    sign = -1 if story.rate.payback else 1
    return sign * rounded(story.terms, exact), sign * exact, {k: q for k, q in counted.items() if q}


def reference_affordable(story: Story, set_index: int) -> int:
    """The greatest total, found by adding one block after the other."""
    voice = story.service.measure is Measure.SECONDS
    if voice:
        cap = capped_by_cuts(story)
    else:
        cap = story.cap
    if story.rate.payback or is_free(story):
        return cap
    if story.funds < 0:
        return 0
    if not voice:
        expected = {set_index, *possible_of(story)}
        return min(affordable_volume(story, index) for index in expected if index < len(story.price_sets))
    for the_set in sets_to_consider(story, story.usage[0], ended=False):
        paid = with_surcharge(story, paid_second_by_second(story, cap, the_set))
        at = {(rule.key, n): Fraction(c) for rule in story.discounts for n, c in enumerate(rule.counted)}
        total = Fraction(0)
        for second, units, price, index in paid:
            for _ in range(max(1, units)):
                total += pass_through(
                    story, at, units=min(1, units), price=price / max(1, units), index=index
                )
            if rounded(story.terms, total) > story.funds:
                cap = min(cap, second)
                break
    used = story.usage[0]
    return max(cap, min(used, story.cap)) if used < max(1, story.terms.grace_seconds) else cap


def possible_of(story: Story) -> list[int]:
    """The price sets that some instant may have."""
    finishes = replace(story, terms=TariffTerms(id=1, name="", off_peak_when=OffPeakWhen.FINISHES))
    return [s for s in sets_to_consider(finishes, 0, ended=False) if s is not None]


def is_free(story: Story) -> bool:
    """Whether nothing can ever cost anything."""
    if story.service.measure is not Measure.SECONDS:
        return not any(prices.unit_price_nanos for prices in story.price_sets)
    fee = story.terms.connect_fee_micros
    for prices, formula in zip(story.price_sets, story.formulas, strict=True):
        if formula is None and (prices.first_price_nanos or prices.next_price_nanos or fee):
            return False
        if formula and any(
            fee if kind == "connect" else value for kind, _, _, value in formula if kind in PRICED
        ):
            return False
    return True


PRICED = ("interval", "amount", "connect")


def capped_by_cuts(story: Story) -> int:
    """The cap, or an earlier cut of a set that may price the session there."""
    cap = story.cap
    sets = sets_to_consider(story, story.usage[0], ended=False)
    for index, formula in enumerate(story.formulas):
        cut = None if formula is None else cut_at(formula)
        if cut is not None:
            reigns = set_at(story, story.start_s + cut) == index if None in sets else index in sets
            if reigns:
                cap = min(cap, cut)
    return cap


def affordable_volume(story: Story, index: int) -> int:
    """The greatest total with everything more in one price set."""
    service, prices = story.service, story.price_sets[index]
    size = prices.rounding * (service.octets_per_base_unit if service.measure is Measure.OCTETS else 1)
    spread = list(story.usage)
    spread[index] = 0
    others, blocks = sum(spread), 0
    while True:
        spread[index] = blocks * size
        if reference_charge(story, spread, ended=False)[0] > story.funds:
            return max(0, others + (blocks - 1) * size) if blocks else 0
        if others + blocks * size >= story.cap:
            return story.cap
        blocks += 1

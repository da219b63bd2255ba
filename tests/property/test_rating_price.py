"""Properties of prices that hold for every mix of rules: monotone, invertible, independent of reports."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ocs.rating.affordable import affordable
from ocs.rating.applied import AppliedRate
from ocs.rating.discount import CountedRule, Counting, Discounts, Level
from ocs.rating.formula import ConnectFee, Cut, Formula, Interval, Percent, Surcharge
from ocs.rating.period import Period
from ocs.rating.price import charge, charge_discounted, price, price_set_at
from ocs.rating.tariff import OffPeak, OffPeakWhen, PriceSet, Rate, RoundMode, TariffTerms
from ocs.units import DATA, MESSAGES, VOICE, Measure, Micros, Nanos

ZONE = ZoneInfo("Europe/Vienna")
NIGHT_CHANGE_S = int(datetime(2026, 10, 25, 0, 0, tzinfo=UTC).timestamp())
DAY_S = 86_400

# ------------------------------------------------------------------------------------------------ strategies

scales = st.sampled_from(
    [("mo", 1, 12), ("wk", 1, 6), ("yd", 1, 366), ("md", 1, 31), ("wd", 1, 7), ("hr", 0, 23), ("min", 0, 59)]
)


@st.composite
def period_texts(draw: st.DrawFn) -> str:
    """Random expressions, some of them never or always."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(["", "none"]))
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        items = []
        for name, low, high in draw(st.lists(scales, min_size=1, max_size=3)):
            ends = st.integers(low, high)
            ranges = draw(st.lists(st.tuples(ends, ends), min_size=1, max_size=3))
            items.append(f"{name}{{{' '.join(f'{a}-{b}' for a, b in ranges)}}}")
        parts.append(" ".join(items))
    return ", ".join(parts)


elements = st.one_of(
    st.builds(
        Interval,
        count=st.integers(1, 40),
        seconds=st.sampled_from([1, 6, 30, 60, 17]),
        price_nanos=st.integers(0, 10**10).map(Nanos),
    ),
    st.builds(Surcharge, amount_micros=st.integers(0, 10**6).map(Micros)),
    st.builds(Percent, ppm=st.integers(0, 10**6)),
    st.just(ConnectFee()),
)
last_intervals = st.builds(
    Interval,
    count=st.none(),
    seconds=st.sampled_from([1, 6, 60]),
    price_nanos=st.integers(0, 10**10).map(Nanos),
)


@st.composite
def formulas(draw: st.DrawFn) -> Formula:
    """Random formulas: at least one interval, at most one cut, an endless interval last."""
    parts: list[Any] = draw(st.lists(elements, max_size=5))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), Cut())
    if draw(st.booleans()) or not any(isinstance(part, Interval) for part in parts):
        parts.append(draw(last_intervals))
    return Formula(elements=tuple(parts))


price_sets = st.builds(
    PriceSet,
    first_interval_s=st.sampled_from([1, 6, 30, 60, 45]),
    next_interval_s=st.sampled_from([1, 6, 30, 60, 13]),
    first_price_nanos=st.one_of(st.just(0), st.integers(0, 10**10)),
    next_price_nanos=st.one_of(st.just(0), st.integers(0, 10**10)),
    rounding=st.sampled_from([1, 10, 1024]),
    unit_price_nanos=st.one_of(st.just(0), st.integers(0, 10**12)),
    formula=st.one_of(st.just(""), st.just(""), formulas().map(str)),
)


@st.composite
def rates(draw: st.DrawFn, *, services: Any = (VOICE, DATA, MESSAGES)) -> AppliedRate:
    """Random rates of random tariffs; no credits."""
    terms = TariffTerms(
        id=1,
        name="random",
        off_peak_when=draw(st.sampled_from(OffPeakWhen)),
        connect_fee_micros=draw(st.sampled_from([0, 0, 150_000, 33_333])),
        grace_seconds=draw(st.sampled_from([0, 0, 3, 20])),
        free_seconds=draw(st.sampled_from([0, 0, 7, 20])),
        post_call_surcharge_ppm=draw(st.sampled_from([0, 0, 50_000, 123_457])),
        round_decimals=draw(st.integers(0, 6)),
        round_mode=draw(st.sampled_from(RoundMode)),
    )
    off_peak = draw(st.lists(st.builds(OffPeak, prices=price_sets, period=period_texts()), max_size=2))
    rate = Rate(destination="44", peak=draw(price_sets), off_peak=tuple(off_peak))
    return AppliedRate(terms, rate, draw(st.sampled_from(services)))


@st.composite
def rules(draw: st.DrawFn) -> CountedRule:
    """A random allowance or volume discount, counters somewhere on its scale."""
    counting = draw(st.sampled_from(Counting))
    top = 2_000 if counting is Counting.UNITS else 20_000_000
    ladders = []
    for _ in range(draw(st.sampled_from([1, 1, 3]))):
        bounds: list[int | None] = [*sorted(draw(st.sets(st.integers(1, top), max_size=3)))]
        if draw(st.booleans()):
            bounds.append(None)
        ladders.append(tuple(Level(bound, draw(st.integers(0, 10**6))) for bound in bounds))
    counted = tuple(draw(st.integers(-100, top)) for _ in ladders)
    return CountedRule(str(draw(st.integers())), counting, tuple(ladders), counted)


discounts = st.one_of(st.just(()), st.lists(rules(), min_size=1, max_size=3, unique_by=lambda rule: rule.key))
starts = st.integers(NIGHT_CHANGE_S - DAY_S, NIGHT_CHANGE_S + DAY_S)
amounts = st.one_of(st.integers(-5, 2_000_000), st.integers(0, 500_000_000))


def open_charge(
    rate: AppliedRate, units: int, *, start_s: int, rules: Discounts = (), set_index: int = 0
) -> int:
    """The charge of a session that goes on; volume is all in one price set."""
    usage = [0, 0, 0]
    usage[set_index] = units
    amount, _ = charge_discounted(
        rate, (usage[0], usage[1], usage[2]), start_s=start_s, zone=ZONE, ended=False, discounts=rules
    )
    return amount


def scale_of(rate: AppliedRate) -> int:
    """Measured units in the unit that volumes are drawn in."""
    return rate.service.octets_per_base_unit if rate.service.measure is Measure.OCTETS else 1


# ------------------------------------------------------------------------------------------------ properties


@given(rates(), starts, st.integers(0, 3 * DAY_S), st.integers(0, 5_000), discounts)
def test_more_usage_never_costs_less(
    rate: AppliedRate, start_s: int, units: int, more: int, rules: Discounts
) -> None:
    """So that a later report of an open session never gives money back."""
    less = open_charge(rate, units, start_s=start_s, rules=rules)

    assert 0 <= less <= open_charge(rate, units + more, start_s=start_s, rules=rules)


@given(rates(), starts, st.integers(0, 3 * DAY_S))
def test_the_settled_price_is_never_above_the_open_one(rate: AppliedRate, start_s: int, units: int) -> None:
    """What is held while the end is unknown covers whatever the end brings."""
    settled = charge(rate, (units, 0, 0), start_s=start_s, zone=ZONE, ended=True)

    assert settled <= charge(rate, (units, 0, 0), start_s=start_s, zone=ZONE, ended=False)


@given(rates(services=[VOICE]), starts, amounts, st.integers(0, 3 * DAY_S), discounts)
def test_affordable_seconds_are_the_inverse_of_the_charge(
    rate: AppliedRate, start_s: int, funds: int, cap: int, rules: Discounts
) -> None:
    """charge(affordable) <= funds < charge(next block), unless the cap or a cut is what bounds it."""
    reached = affordable(
        rate, funds, usage=(0, 0, 0), start_s=start_s, zone=ZONE, cap_units=cap, discounts=rules
    )

    assert 0 <= reached <= cap
    if reached and not rate.is_free:
        assert open_charge(rate, reached, start_s=start_s, rules=rules) <= funds
    if reached < cap and reached not in {course.cut_s for course in rate.courses}:
        following = max(reached + 1, rate.least_seconds)
        assert open_charge(rate, following, start_s=start_s, rules=rules) > funds


@given(rates(services=[DATA, MESSAGES]), starts, amounts, st.integers(0, 10**6), st.integers(0, 2), discounts)
def test_affordable_volume_is_the_inverse_of_the_charge(
    rate: AppliedRate, start_s: int, funds: int, cap: int, set_index: int, rules: Discounts
) -> None:
    """In the price set that is expected and in every other that may come."""
    cap *= scale_of(rate)
    reached = affordable(
        rate,
        funds,
        usage=(0, 0, 0),
        start_s=start_s,
        zone=ZONE,
        cap_units=cap,
        set_index=set_index,
        discounts=rules,
    )
    sets = {set_index, *(rate.schedule.possible if rate.schedule else ())}

    assert 0 <= reached <= cap
    if reached and not rate.is_free:
        assert all(
            open_charge(rate, reached, start_s=start_s, rules=rules, set_index=s) <= funds for s in sets
        )
    if reached < cap:
        assert any(
            open_charge(rate, reached + 1, start_s=start_s, rules=rules, set_index=s) > funds for s in sets
        )


@given(rates(), starts, amounts, st.integers(0, 5_000), st.integers(0, DAY_S), discounts)
def test_what_is_paid_for_stays_affordable(
    rate: AppliedRate, start_s: int, spare: int, used: int, more: int, rules: Discounts
) -> None:
    """Whoever can pay for the usage so far is told at least that total."""
    used, more = used * scale_of(rate), more * scale_of(rate)
    funds = open_charge(rate, used, start_s=start_s, rules=rules) + max(0, spare)
    reached = affordable(
        rate,
        funds,
        usage=(used, 0, 0),
        start_s=start_s,
        zone=ZONE,
        cap_units=used + more,
        discounts=rules,
    )
    cuts = [course.cut_s for course in rate.courses if course.cut_s is not None]

    assert reached >= min([used, *cuts])


@given(rates(), starts, st.lists(st.integers(0, 4_000), min_size=1, max_size=6), discounts)
def test_any_split_into_reports_costs_the_same(
    rate: AppliedRate, start_s: int, deltas: list[int], rules: Discounts
) -> None:
    """Debits of the differences add up to the charge of the whole, and none of them is negative."""
    used = debited = 0
    for delta in deltas:
        used += delta
        debit = open_charge(rate, used, start_s=start_s, rules=rules) - debited
        assert debit >= 0
        debited += debit

    assert debited == open_charge(rate, sum(deltas), start_s=start_s, rules=rules)


@given(st.lists(st.integers(0, 900), min_size=1, max_size=5), rules())
def test_a_counter_does_not_care_how_usage_falls_into_sessions(lengths: list[int], rule: CountedRule) -> None:
    """By the second without a fee, sessions one after another cost and count what one long session does."""
    # 0.10 a second, whole percents and thresholds of whole 100 micros: nothing is ever rounded.
    prices = PriceSet(
        first_interval_s=1, next_interval_s=1, first_price_nanos=6 * 10**9, next_price_nanos=6 * 10**9
    )
    rate = AppliedRate(
        TariffTerms(id=1, name="even", round_decimals=6), Rate(destination="44", peak=prices), VOICE
    )
    step = 100 if rule.counting is Counting.MONEY else 1
    whole = rule._replace(
        ladders=tuple(
            tuple(Level(upto and upto * step, off // 10_000 * 10_000) for upto, off in ladder)
            for ladder in rule.ladders
        ),
        counted=tuple(counted * step for counted in rule.counted),
    )
    where: dict[str, Any] = {"start_s": 0, "zone": ZONE, "ended": True}
    total, taken = charge_discounted(rate, (sum(lengths), 0, 0), discounts=[whole], **where)

    spent, counted = 0, list(whole.counted)
    for length in lengths:
        amount, took = charge_discounted(
            rate, (length, 0, 0), discounts=[whole._replace(counted=tuple(counted))], **where
        )
        spent += amount
        for part in took:
            counted[part.ladder] += part.quantity

    assert spent == total
    assert sum(counted) - sum(whole.counted) == sum(part.quantity for part in taken)


@given(
    rates(services=[VOICE]),
    starts,
    st.lists(st.tuples(st.integers(0, 3 * DAY_S), amounts), min_size=2, max_size=6),
)
def test_what_was_asked_before_changes_no_answer(
    rate: AppliedRate, start_s: int, questions: list[tuple[int, int]]
) -> None:
    """Prices and affordable seconds of one session, asked in any order, are those of a rate never asked."""
    where: dict[str, Any] = {"start_s": start_s, "zone": ZONE}
    asked = [
        (
            charge(rate, (seconds, 0, 0), ended=True, **where),
            affordable(rate, funds, usage=(0, 0, 0), cap_units=seconds, **where),
        )
        for seconds, funds in questions
    ]
    for (seconds, funds), answer in zip(questions, asked, strict=True):
        fresh = AppliedRate(rate.terms, rate.rate, rate.service)
        walked = price(fresh, (seconds, 0, 0), ended=True, **where).amount
        assert answer == (walked, affordable(fresh, funds, usage=(0, 0, 0), cap_units=seconds, **where))


@given(formulas())
def test_a_formula_text_round_trips(formula: Formula) -> None:
    """What is written is read back."""
    assert Formula.parse(str(formula)) == formula


@given(period_texts(), st.lists(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1))))  # noqa: DTZ001 - wall-clock times
def test_a_period_text_round_trips(text: str, moments: list[datetime]) -> None:
    """The canonical text is its own canonical text, and holds at the same times."""
    period = Period.parse(text)
    again = Period.parse(str(period))

    assert str(again) == str(period)
    assert [again.contains(at) for at in moments] == [period.contains(at) for at in moments]


@given(rates(), starts)
def test_a_snapshot_restores_the_rate(rate: AppliedRate, start_s: int) -> None:
    """The same number, and the same price set."""
    restored = AppliedRate.from_json(rate.snapshot[1])

    assert restored.snapshot == rate.snapshot
    assert price_set_at(restored, start_s, ZONE) == price_set_at(rate, start_s, ZONE)

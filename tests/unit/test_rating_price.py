"""Prices: the tables of stories, and what they cannot say."""

from zoneinfo import ZoneInfo

import pytest
from rating_story import Story, measured_per_unit, place_of, prefixes, rate_of, stories, usage_of

from ocs.errors import InputError
from ocs.rating.applied import AppliedRate
from ocs.rating.price import billed_units, charge, price_set_at
from ocs.rating.run import seconds_runs, walk_runs
from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms
from ocs.units import DATA, VOICE, format_money


def used(story: Story) -> tuple[int, int, int]:
    """What the story used, in octets where KB are too coarse."""
    return (story["octets"], 0, 0) if "octets" in story else usage_of(story)


@stories("voice")
def test_a_call_costs_what_its_intervals_say(story: Story) -> None:
    """The charge, the billed seconds, and the charge while the call goes on."""
    check(story)


@stories("formula")
def test_a_call_costs_what_its_formula_says(story: Story) -> None:
    """Intervals, surcharges at their positions, what follows a cut."""
    check(story)


@stories("off_peak")
def test_the_price_set_follows_the_wall_clock(story: Story) -> None:
    """Periods, ways of choosing, changes of the clock, ends of months and years."""
    check(story)


@stories("volume")
def test_volume_is_rounded_up_on_its_sum(story: Story) -> None:
    """Octets to base units to rounding steps, per price set; messages alike."""
    check(story)


@stories("rounding")
def test_a_charge_is_rounded_once(story: Story) -> None:
    """Every mode, every number of decimals, credits too."""
    check(story)


def check(story: Story) -> None:
    """The story's amounts are what the code says."""
    applied, usage, place = rate_of(story), used(story), place_of(story)

    assert format_money(charge(applied, usage, ended=True, **place)) == story["charge"]
    if "open" in story:
        assert format_money(charge(applied, usage, ended=False, **place)) == story["open"]
    if "billed" in story:
        assert billed_units(applied, usage, **place) == story["billed"]


@pytest.mark.parametrize("name", ["voice", "formula", "off_peak"])
def test_a_report_owes_what_the_total_owes_beyond_what_was_paid(name: str) -> None:
    """Every story, reported in seven parts: the differences add up, and none is negative but for a credit."""
    for param in stories(name).args[1]:
        (story,) = param.values
        applied, place = rate_of(story), place_of(story)
        paid = 0
        for total in prefixes(story["used"], 7):
            owed = charge(applied, (total, 0, 0), ended=False, **place)
            assert owed <= paid if applied.is_payback else owed >= paid
            paid = owed
        assert paid == charge(applied, (story["used"], 0, 0), ended=False, **place)


def test_data_reported_in_parts_starts_a_megabyte_only_once() -> None:
    """400, 400 and 225 KB reported in turn charge 1 MB, nothing, 1 MB."""
    story = {"service": "data", "rate": "1024@0.05"}
    applied, place = rate_of(story), place_of(story)
    totals = [
        charge(applied, (kb * measured_per_unit(story), 0, 0), ended=False, **place)
        for kb in (400, 800, 1025)
    ]

    assert totals == [50_000, 50_000, 100_000]


@pytest.mark.parametrize(
    ("at", "expected"), [("17:59:59", 0), ("18:00:00", 1), ("21:59:59", 1), ("22:00:00", 2), ("06:00:00", 0)]
)
def test_the_price_set_of_an_instant(at: str, expected: int) -> None:
    """Peak, off-peak and second off-peak change at their boundaries."""
    story = {
        "rate": "60/60@0.30",
        "off": "60/60@0.20",
        "when": "hr{18-21}",
        "off2": "60/60@0.10",
        "when2": "hr{22-5}",
        "at": f"2026-01-05T{at}",
        "zone": "Europe/Vienna",
    }
    place = place_of(story)

    assert price_set_at(rate_of(story), place["start_s"], place["zone"]) == expected


def test_a_rate_without_off_peak_is_always_peak() -> None:
    """No period is looked at."""
    place = place_of({})

    assert price_set_at(rate_of({"rate": "60/60@0.30"}), place["start_s"], place["zone"]) == 0


BAD_RATES = {
    "peak first interval": PriceSet(first_interval_s=0),
    "peak next interval": PriceSet(next_interval_s=0),
    "peak first price": PriceSet(first_price_nanos=-1),
    "peak next price": PriceSet(next_price_nanos=-1),
    "peak formula, column 6": PriceSet(formula="1x60@"),
}


@pytest.mark.parametrize("place", BAD_RATES)
def test_a_rate_that_prices_nothing_is_refused_where_it_is_wrong(place: str) -> None:
    """Intervals below a second, prices below 0 and malformed formulas name their field."""
    rate = Rate(destination="44", peak=BAD_RATES[place])

    with pytest.raises(InputError) as caught:
        AppliedRate(TariffTerms(id=1, name="bad"), rate, VOICE)

    assert caught.value.place == place


@pytest.mark.parametrize(
    ("prices", "place"),
    [(PriceSet(rounding=0), "off-peak rounding"), (PriceSet(unit_price_nanos=-1), "off-peak unit price")],
)
def test_a_volume_price_that_prices_nothing_is_refused(prices: PriceSet, place: str) -> None:
    """Rounding below 1 and prices below 0 name their field and price set."""
    rate = Rate(destination="NETACCESS", off_peak=(OffPeak(prices=prices, period="hr{1}"),))

    with pytest.raises(InputError) as caught:
        AppliedRate(TariffTerms(id=1, name="bad"), rate, DATA)

    assert caught.value.place == place


def test_a_malformed_period_is_refused_where_it_is_wrong() -> None:
    """The place names which period, and the column."""
    off_peak = (OffPeak(prices=PriceSet(), period="hr{1}"), OffPeak(prices=PriceSet(), period="hr{24}"))

    with pytest.raises(InputError) as caught:
        AppliedRate(TariffTerms(id=1, name="bad"), Rate(destination="44", off_peak=off_peak), VOICE)

    assert caught.value.place == "off-peak period 2, column 4"


def test_a_third_off_peak_set_is_refused() -> None:
    """There are two."""
    off_peak = (OffPeak(prices=PriceSet(), period="hr{1}"),) * 3

    with pytest.raises(InputError, match="more than two"):
        AppliedRate(TariffTerms(id=1, name="bad"), Rate(destination="44", off_peak=off_peak), VOICE)


@pytest.mark.parametrize(
    "terms",
    [
        TariffTerms(id=1, name="bad", round_decimals=7),
        TariffTerms(id=1, name="bad", round_decimals=-1),
        TariffTerms(id=1, name="bad", connect_fee_micros=-1),
        TariffTerms(id=1, name="bad", grace_seconds=-1),
        TariffTerms(id=1, name="bad", free_seconds=-1),
        TariffTerms(id=1, name="bad", post_call_surcharge_ppm=-1),
    ],
)
def test_terms_out_of_range_are_refused(terms: TariffTerms) -> None:
    """Money has six decimals; a fee, a surcharge or seconds below 0 would make a longer call cheaper."""
    with pytest.raises(InputError):
        AppliedRate(terms, Rate(destination="44"), VOICE)


@pytest.mark.parametrize("seconds", [*range(1, 130), 3_600, 86_399])
@pytest.mark.parametrize("intervals", [(30, 6), (60, 60), (1, 1), (6, 1)])
def test_the_short_way_of_a_plain_rate_finds_what_the_long_one_finds(
    seconds: int, intervals: tuple[int, int]
) -> None:
    """Runs of one first interval and next ones are written down at once, and are those of the walk."""
    first_s, next_s = intervals
    prices = PriceSet(
        first_interval_s=first_s, next_interval_s=next_s, first_price_nanos=7, next_price_nanos=3
    )
    applied = AppliedRate(TariffTerms(id=1, name="plain"), Rate(destination="44", peak=prices), VOICE)
    assert applied.courses[0].is_plain
    place = {"start_s": 1_700_000_000, "zone": ZoneInfo("UTC")}
    assert list(seconds_runs(applied, seconds, 0, **place)) == list(walk_runs(applied, seconds, 0, **place))

"""Applied rates: what is free, and snapshots that keep a rate for ever."""

import json
from dataclasses import replace

import pytest
from rating_story import Story, place_of, rate_of, stories, usage_of

from ocs.rating.applied import AppliedRate
from ocs.rating.price import charge
from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms
from ocs.units import MESSAGES, VOICE


@pytest.mark.parametrize("name", ["voice", "formula", "off_peak", "volume", "rounding"])
def test_a_snapshot_restores_the_rate_exactly(name: str) -> None:
    """Every story costs the same by the restored rate, whose snapshot is the same again."""
    for param in stories(name).args[1]:
        (story,) = param.values
        applied = rate_of(story)
        restored = AppliedRate.from_json(applied.snapshot[1])
        usage, place = usage_of(story), place_of(story)

        assert restored.snapshot == applied.snapshot
        assert (restored.terms, restored.rate, restored.service) == (
            applied.terms,
            applied.rate,
            applied.service,
        )
        assert charge(restored, usage, ended=True, **place) == charge(applied, usage, ended=True, **place)


def test_a_snapshot_is_canonical_json_and_a_positive_63_bit_number() -> None:
    """Fields that have their default are left out, so that a field added later changes no number."""
    rate = Rate(destination="44", peak=PriceSet(first_price_nanos=1))
    number, text = AppliedRate(TariffTerms(id=7, name="Café"), rate, VOICE).snapshot

    assert text == (
        '{"rate":{"destination":"44","peak":{"first_price_nanos":1}},'
        '"service":{"measure":"seconds","name":"voice"},"terms":{"id":7,"name":"Caf\\u00e9"}}'
    )
    assert 0 < number < 2**63


def test_snapshots_of_different_rates_differ() -> None:
    """By the rate, by the tariff's terms and by the service."""
    rate = Rate(destination="44")
    terms = TariffTerms(id=1, name="a")
    others = [
        (terms, Rate(destination="45"), VOICE),
        (terms, Rate(destination="44", effective_from_s=1), VOICE),
        (TariffTerms(id=1, name="a", grace_seconds=1), rate, VOICE),
        (terms, rate, MESSAGES),
    ]
    numbers = {AppliedRate(*what).snapshot[0] for what in [(terms, rate, VOICE), *others]}

    assert len(numbers) == 5


def test_the_tariffs_default_rate_is_not_part_of_a_snapshot() -> None:
    """Changing what unpriced numbers cost leaves priced sessions' rates alone."""
    rate = Rate(destination="44")
    plain = AppliedRate(TariffTerms(id=1, name="a"), rate, VOICE)
    other = AppliedRate(TariffTerms(id=1, name="a", default_rate=PriceSet()), rate, VOICE)

    assert plain.snapshot == other.snapshot
    assert "default" not in json.loads(plain.snapshot[1])["terms"]


FREE: list[tuple[Story, bool]] = [
    ({"rate": "60/60@0"}, True),
    ({"rate": "60/60@0.01/0"}, False),
    ({"rate": "60/60@0/0.01"}, False),
    ({"rate": "60/60@0", "fee": "0.01"}, False),
    ({"rate": "60/60@0", "off": "60/60@0.01", "when": "none"}, False),
    ({"rate": "60/60@0", "off": "60/60@0", "when": "hr{1}"}, True),
    ({"rate": "*x60@0", "fee": "0.01"}, True),
    ({"rate": "+connect;*x60@0", "fee": "0.01"}, False),
    ({"rate": "+10%;*x60@0"}, True),
    ({"rate": "1x60@0;+0.01"}, False),
    ({"rate": "1@0", "service": "data", "fee": "0.01"}, True),
    ({"rate": "1@0.01", "service": "messages"}, False),
]


@pytest.mark.parametrize(("story", "free"), FREE)
def test_a_rate_is_free_when_nothing_can_ever_cost_anything(*, story: Story, free: bool) -> None:
    """Prices, fee and amounts of every price set are 0."""
    assert rate_of(story).is_free is free


def test_a_rate_knows_that_it_pays_back() -> None:
    """The flag of the rate."""
    assert rate_of({"rate": "60/60@0.01", "payback": True}).is_payback
    assert not rate_of({"rate": "60/60@0.01"}).is_payback


def test_a_second_period_defaults_to_the_tariffs_second() -> None:
    """Places correspond."""
    terms = TariffTerms(id=1, name="a", off_peak_periods=("hr{1}", "hr{2}"))
    off_peak = (OffPeak(prices=PriceSet(), period="hr{3}"), OffPeak(prices=PriceSet()))
    schedule = AppliedRate(terms, Rate(destination="44", off_peak=off_peak), VOICE).schedule

    assert schedule is not None
    assert [str(schedule.period(index)) for index in (1, 2)] == ["hr{3}", "hr{2}"]


def test_a_rate_of_another_destination_takes_over_what_was_compiled() -> None:
    """It has the same courses, and the very snapshot that it would have had by itself."""
    terms = TariffTerms(id=7, name="Café", default_rate=PriceSet())
    one = AppliedRate(terms, Rate(destination="44", peak=PriceSet(first_price_nanos=1)), VOICE)
    other = replace(one.rate, destination='INCOMING "é"')
    renamed = one.renamed(other)
    assert renamed.courses is one.courses
    assert renamed.rate is other
    assert renamed.snapshot == AppliedRate(one.terms, other, one.service).snapshot
    assert renamed.renamed(one.rate).snapshot == one.snapshot

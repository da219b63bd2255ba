"""Explanations: the steps are those of the charge, and read as a person would tell them."""

import json
from fractions import Fraction

import pytest
from rating_story import Story, place_of, rate_of, stories, usage_of

from ocs.rating.discount import CountedRule, Counting, Level
from ocs.rating.explanation import StepKind, exact_text, explain, to_json
from ocs.rating.price import billed_units, charge
from ocs.units import parse_money


@pytest.mark.parametrize("name", ["voice", "formula", "off_peak", "volume", "rounding"])
def test_the_steps_add_up_to_the_charge(name: str) -> None:
    """In every story: the steps' amounts are the exact price, the result is the charge, all of it is JSON."""
    for param in stories(name).args[1]:
        (story,) = param.values
        applied, usage, place = rate_of(story), usage_of(story), place_of(story)
        told = explain(applied, usage, **place)

        assert told.charge_micros == charge(applied, usage, ended=True, **place)
        assert told.exact == sum((step.amount for step in told.steps), Fraction(0))
        assert abs(told.exact * 10**6 - told.charge_micros) < 10 ** (6 - applied.terms.round_decimals)
        assert told.billed_units == billed_units(applied, usage, **place)
        assert to_json(told) == json.dumps(told.to_dict(), separators=(",", ":"))


def steps(story: Story) -> list[tuple[str, str, int, int, str]]:
    """The steps of a story: text, price set, blocks, billed units, amount."""
    told = explain(rate_of(story), usage_of(story), **place_of(story))
    return [(s.text, s.price_set, s.blocks, s.billed_units, exact_text(s.amount)) for s in told.steps]


def test_a_call_is_told_interval_by_interval() -> None:
    """Fee, first interval, free seconds, next intervals, post-call surcharge."""
    story = {"rate": "30/6@0.60", "fee": "0.10", "free": 20, "post": "10", "used": 62}

    assert steps(story) == [
        ("connect fee", "peak", 1, 0, "0.10"),
        ("each 30 s at 0.60 per minute", "peak", 1, 30, "0.30"),
        ("free seconds", "peak", 1, 0, "0.00"),
        ("each 6 s at 0.60 per minute", "peak", 2, 12, "0.12"),
        ("post-call surcharge 10%", "", 0, 0, "0.052"),
    ]


def test_a_split_call_is_told_stretch_by_stretch() -> None:
    """Blocks of one set that follow each other are one step."""
    story = {"by": "split", "rate": "60/60@0.20", "off": "60/60@0.10", "when": "hr{18-5}"}
    story |= {"at": "2026-01-05T17:55", "used": 86_400}

    assert steps(story) == [
        ("each 60 s at 0.20 per minute", "peak", 1, 60, "0.20"),
        ("each 60 s at 0.20 per minute", "peak", 4, 240, "0.80"),
        ("each 60 s at 0.10 per minute", "off-peak", 720, 43_200, "72.00"),
        ("each 60 s at 0.20 per minute", "peak", 715, 42_900, "143.00"),
    ]


def test_surcharges_of_a_formula_are_steps() -> None:
    """A fixed and a relative one, at their places."""
    assert steps({"rate": "1x60@1.00;+0.50;+10%;*x60@1.00", "used": 61}) == [
        ("each 60 s at 1.00 per minute", "peak", 1, 60, "1.00"),
        ("surcharge", "peak", 1, 0, "0.50"),
        ("surcharge 10%", "peak", 1, 0, "0.15"),
        ("each 60 s at 1.00 per minute", "peak", 1, 60, "1.00"),
    ]


def test_volume_is_told_per_price_set() -> None:
    """Dearest first, in base units."""
    story = {"service": "data", "rate": "1024@0.01", "off": "1@0.05", "when": "hr{18-5}", "used": [1025, 512]}

    assert steps(story) == [
        ("each 1 KB at 0.05 per 1024 KB", "off-peak", 512, 512, "0.025"),
        ("each 1024 KB at 0.01 per 1024 KB", "peak", 2, 2048, "0.02"),
    ]


def test_a_discount_is_a_step_for_each_level() -> None:
    """What fell into it, and what it took off; 25 % of 0.80 in all."""
    levels = (Level(6000, 1_000_000), Level(60_000, 0), Level(None, 100_000))
    rule = CountedRule("minutes", Counting.UNITS, (levels,), (5880,))
    story = {"rate": "60/60@0.10", "used": 480}
    told = explain(rate_of(story), usage_of(story), discounts=(rule,), **place_of(story))

    discounts = [step for step in told.steps if step.kind is StepKind.DISCOUNT]
    assert [(s.text, s.billed_units, exact_text(s.amount)) for s in discounts] == [
        ("minutes: 100% off", 120, "-0.20"),
        ("minutes: 0% off", 360, "0.00"),
    ]
    assert (told.billed_units, told.charge_micros) == (480, parse_money("0.60"))


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        ("starts", "starts 2026-01-05 17:55:00+01:00 at peak"),
        ("finishes", "finishes 2026-01-05 18:05:00+01:00 in off-peak hr{18-5}"),
        (
            "both",
            (
                "starts 2026-01-05 17:55:00+01:00 at peak, "
                "finishes 2026-01-05 18:05:00+01:00 in off-peak hr{18-5}"
            ),
        ),
        ("split", "each stretch is priced by the set that is valid in it"),
    ],
)
def test_the_reason_for_the_price_set_is_told(by: str, reason: str) -> None:
    """On the payer's wall clock, with the period."""
    story = {"by": by, "rate": "60/60@0.20", "off": "60/60@0.10", "when": "hr{6pm-5am}"}
    story |= {"at": "2026-01-05T17:55", "zone": "Europe/Vienna", "used": 600}

    assert explain(rate_of(story), usage_of(story), **place_of(story)).reason == reason


def test_the_reason_while_a_call_goes_on() -> None:
    """The end decides, and is not known."""
    story = {"by": "finishes", "rate": "60/60@0.20", "off": "60/60@0.10", "when": "hr{18-5}", "used": 60}
    told = explain(rate_of(story), usage_of(story), ended=False, **place_of(story))

    assert told.reason.endswith("the dearest set that its end may bring about")
    assert (told.price_set, told.charge_micros) == ("peak", 200_000)


def test_the_dict_has_every_step_of_the_price() -> None:
    """What a quote and a session detail record show."""
    story = {"rate": "1/1@0.10", "used": 61}

    assert explain(rate_of(story), usage_of(story), **place_of(story)).to_dict() == {
        "tariff": "story",
        "currency": "USD",
        "service": "voice",
        "destination": "44",
        "effective_from": "1970-01-01T00:00:00+00:00",
        "payback": False,
        "price_set": "peak",
        "reason": "the rate has no off-peak prices",
        "unit": "s",
        "used_units": 61,
        "billed_unit": "s",
        "billed_units": 61,
        "steps": [
            {
                "kind": "usage",
                "text": "each 1 s at 0.10 per minute",
                "price_set": "peak",
                "blocks": 1,
                "billed_units": 1,
                "amount": "1/600",
            },
            {
                "kind": "usage",
                "text": "each 1 s at 0.10 per minute",
                "price_set": "peak",
                "blocks": 60,
                "billed_units": 60,
                "amount": "0.10",
            },
        ],
        "exact": "61/600",
        "rounding": "5 decimals, half away from zero",
        "charge": "0.10167",
    }


def test_a_name_with_quotes_is_json_too() -> None:
    """Texts of operators may hold anything."""
    (story,) = stories("voice").args[1][0].values
    told = explain(rate_of(story), usage_of(story), **place_of(story))._replace(
        tariff='Café "né"\\', payback=True
    )
    assert to_json(told) == json.dumps(told.to_dict(), separators=(",", ":"))

"""Discount rules round-trip through their text, and whatever else is typed is an error with a place."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.charging.discount_text import parse_rule, rule_text
from ocs.errors import InputError
from ocs.rating.discount import Counting, DiscountRule, Ladder, Level
from ocs.rating.formula import PPM
from ocs.rating.reset import ResetCycle

groups = st.lists(
    st.sampled_from(["44", "447", "1", "|", "MSG", "NETACCESS", "VOICEONNET", "WiFi"]), min_size=1
)


@st.composite
def ladders(draw: st.DrawFn) -> Ladder:
    """Thresholds of any kind."""
    levels, upto = [], 0
    for off_ppm in draw(st.lists(st.integers(0, PPM), min_size=1, max_size=4)):
        upto += draw(st.integers(1, 10**7))
        levels.append(Level(upto, off_ppm))
    if draw(st.booleans()):
        levels[-1] = Level(None, levels[-1].off_ppm)
    return tuple(levels)


@st.composite
def rules(draw: st.DrawFn) -> DiscountRule:
    """Any rule that a text can say."""
    rolls = draw(st.integers(0, 3))
    reset = draw(st.sampled_from(ResetCycle))
    if rolls and reset is not ResetCycle.NEVER:
        scales: tuple[Ladder, ...] = ((Level(draw(st.integers(1, 10**9)), PPM),),)
    else:
        rolls = 0
        scales = (draw(ladders()),)
        if draw(st.booleans()):
            scales = tuple(draw(st.one_of(st.just(()), ladders())) for _ in range(3))
            if not any(scales):
                scales = (*scales[:2], draw(ladders()))
    return DiscountRule(
        name=draw(st.text("abcxyz-_0", min_size=1)),
        prefixes=tuple(draw(groups)),
        counting=draw(st.sampled_from(Counting)),
        ladders=scales,
        reset=reset,
        billing_day=draw(st.integers(1, 31)) if reset is ResetCycle.BILLING_DAY else 1,
        prorates=draw(st.booleans()),
        rollover_periods=rolls,
    )


@given(rules())
def test_a_rule_round_trips(rule: DiscountRule) -> None:
    """Written and read again it is the same, and so is its text."""
    text = rule_text(rule)

    assert parse_rule(text, "here") == rule
    assert rule_text(parse_rule(text, "here")) == text


WORDS = st.sampled_from(
    [
        "m",
        "44",
        "included=",
        "included=5min",
        "levels=1:2%,rest:3%",
        "peak=",
        "money",
        "prorate",
        "reset=daily",
    ]
)


@given(st.lists(WORDS | st.text(max_size=8), max_size=7).map(" ".join))
def test_whatever_is_typed_is_a_rule_or_an_error(text: str) -> None:
    """Never another exception; the place is named."""
    with suppress(InputError):
        assert parse_rule(text, "here").name == text.split(maxsplit=1)[0]


def test_an_error_names_its_place() -> None:
    """The place that was given, and the word."""
    with pytest.raises(InputError) as caught:
        parse_rule("m 44 levels=5min", "line 3")

    assert caught.value.place == "line 3, levels"

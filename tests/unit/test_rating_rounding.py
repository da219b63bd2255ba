"""The one rounding of amounts, its inverse, and whole seconds."""

import pytest

from ocs.rating.rounding import Rounding, whole_seconds
from ocs.rating.tariff import RoundMode

MODES = list(RoundMode)


@pytest.mark.parametrize(
    ("numerator", "half", "away", "toward"),
    [
        (0, 0, 0, 0),
        (1, 0, 10, 0),
        (19, 0, 10, 0),
        (20, 10, 10, 0),
        (39, 10, 10, 0),
        (40, 10, 10, 10),
        (59, 10, 20, 10),
        (60, 20, 20, 10),
    ],
)
def test_an_amount_is_a_whole_number_of_steps(*, numerator: int, half: int, away: int, toward: int) -> None:
    """Five decimals are steps of 10 micros; numerators are quarters of a micro."""
    amounts = [Rounding(decimals=5, mode=mode, denominator=4).amount(numerator) for mode in MODES]

    assert amounts == [half, away, toward]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("funds", [-11, -10, -1, 0, 9, 10, 11, 12_345])
def test_the_limit_is_the_last_numerator_that_the_funds_cover(mode: RoundMode, funds: int) -> None:
    """One more is rounded to more than the funds."""
    rounding = Rounding(decimals=5, mode=mode, denominator=4)
    limit = rounding.limit(funds)

    assert limit < 0 or rounding.amount(limit) <= funds
    assert limit < -1 or rounding.amount(limit + 1) > funds
    assert (limit < 0) == (funds < 0)


@pytest.mark.parametrize(
    ("millis", "rounded", "up"),
    [
        (0, 0, 0),
        (1, 0, 1),
        (499, 0, 1),
        (1000, 1, 1),
        (1100, 1, 2),
        (1400, 1, 2),
        (1499, 1, 2),
        (1500, 2, 2),
        (60_000, 60, 60),
        (60_100, 60, 61),
        (60_400, 60, 61),
        (60_500, 61, 61),
        (60_900, 61, 61),
    ],
)
def test_a_duration_becomes_whole_seconds(*, millis: int, rounded: int, up: int) -> None:
    """Half a second rounds up; the option takes every started second."""
    assert whole_seconds(millis) == rounded
    assert whole_seconds(millis, up=True) == up

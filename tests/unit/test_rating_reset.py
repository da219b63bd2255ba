"""Reset cycles: period bounds, first periods in part, and what rolls over."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rating_story import Story, stories

from ocs.rating.reset import (
    Bucket,
    CounterPeriod,
    ResetCycle,
    draw,
    local_date,
    midnight_s,
    period_at,
    period_of,
    prorated,
    roll_over,
)

VIENNA = ZoneInfo("Europe/Vienna")
APRIL = CounterPeriod(date(2026, 4, 1), date(2026, 5, 1))


@stories("reset", "day")
def test_a_day_lies_in_its_period(story: Story) -> None:
    """First day inclusive, end exclusive; a billing day beyond the month's end is its last day."""
    found = period_of(
        ResetCycle(story["cycle"]), date.fromisoformat(story["day"]), billing_day=story.get("billing_day", 1)
    )

    assert found == CounterPeriod(date.fromisoformat(story["first"]), date.fromisoformat(story["until"]))


@pytest.mark.parametrize("cycle", [c for c in ResetCycle if c is not ResetCycle.NEVER])
def test_periods_follow_one_another_without_a_gap(cycle: ResetCycle) -> None:
    """Over four years, from any day, the end of one period begins the next."""
    day = date(2025, 1, 20)
    while day.year < 2029:
        first, until = period_of(cycle, day, billing_day=31)
        assert first is not None
        assert until is not None
        assert first <= day < until
        assert period_of(cycle, until, billing_day=31).first == until
        day = until


def test_a_counter_that_never_resets_has_one_period() -> None:
    """Without bounds."""
    assert period_of(ResetCycle.NEVER, date(2026, 1, 1)) == (None, None)


def test_a_period_turns_at_local_midnight() -> None:
    """Half past eleven in London is the next month in Vienna."""
    at_s = int(datetime(2026, 1, 31, 23, 30, tzinfo=UTC).timestamp())

    assert period_at(ResetCycle.MONTHLY, at_s, VIENNA).first == date(2026, 2, 1)
    assert period_at(ResetCycle.MONTHLY, at_s, ZoneInfo("UTC")).first == date(2026, 1, 1)
    assert local_date(at_s, VIENNA) == date(2026, 2, 1)


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("Europe/Vienna", "2026-03-29", "2026-03-28T23:00"),
        ("Europe/Vienna", "2026-03-30", "2026-03-29T22:00"),
        ("Europe/Vienna", "2026-10-26", "2026-10-25T23:00"),
        ("America/Havana", "2026-03-08", "2026-03-08T05:00"),  # the clock goes from 00:00 to 01:00
        ("America/Havana", "2025-11-02", "2025-11-02T04:00"),  # 00:00 comes twice, the day begins once
    ],
)
def test_the_instant_at_which_a_day_begins(zone: str, day: str, instant: str) -> None:
    """Also where the clock skips midnight, or strikes it twice."""
    begins_s = midnight_s(date.fromisoformat(day), ZoneInfo(zone))

    assert datetime.fromtimestamp(begins_s, UTC) == datetime.fromisoformat(instant).replace(tzinfo=UTC)
    assert local_date(begins_s, ZoneInfo(zone)) == date.fromisoformat(day)
    assert local_date(begins_s - 1, ZoneInfo(zone)) < date.fromisoformat(day)


@stories("reset", "quantity")
def test_a_first_period_in_part_has_part_of_the_quantity(story: Story) -> None:
    """Whole days after the activation's own; parts of a unit are dropped."""
    assert prorated(story["quantity"], APRIL, date.fromisoformat(story["activated"])) == story["leaves"]


@stories("reset", "months")
def test_what_is_unused_rolls_over_and_is_drawn(story: Story) -> None:
    """Month after month from April on; what expires first is taken first."""
    buckets: tuple[Bucket, ...] = ()
    ended = APRIL
    for unused in story["months"]:
        buckets = roll(buckets, unused=unused, ended=ended, periods=story["periods"])
        assert ended.until is not None
        ended = period_of(ResetCycle.MONTHLY, ended.until)
    left, missing = draw(buckets, story["takes"])

    assert buckets == buckets_of(story["left"])
    assert left == buckets_of(story["after"])
    assert missing == max(0, story["takes"] - sum(bucket.quantity for bucket in buckets))


def buckets_of(rows: list[list[Any]]) -> tuple[Bucket, ...]:
    """Buckets from a story: quantity and the day on which it is gone."""
    return tuple(Bucket(quantity, date.fromisoformat(day)) for quantity, day in rows)


def test_a_period_without_bounds_is_never_in_part() -> None:
    """There is nothing to divide."""
    assert prorated(300, CounterPeriod(None, None), date(2026, 4, 20)) == 300


def roll(
    buckets: tuple[Bucket, ...], *, unused: int, ended: CounterPeriod, periods: int = 2
) -> tuple[Bucket, ...]:
    """Roll a monthly allowance over."""
    return roll_over(buckets, unused=unused, ended=ended, periods=periods, cycle=ResetCycle.MONTHLY)


def test_what_is_unused_lives_for_its_periods_and_is_then_gone() -> None:
    """Two periods: the leftovers of April are usable in May and June."""
    may = roll((), unused=50, ended=APRIL)
    june = roll(may, unused=0, ended=period_of(ResetCycle.MONTHLY, date(2026, 5, 1)))
    july = roll(june, unused=7, ended=period_of(ResetCycle.MONTHLY, date(2026, 6, 1)))

    assert may == june == (Bucket(50, date(2026, 7, 1)),)
    assert july == (Bucket(7, date(2026, 9, 1)),)


@pytest.mark.parametrize("periods", [0, 1, 3])
def test_the_number_of_periods_decides_how_long(periods: int) -> None:
    """None at all without rollover."""
    rolled = roll((), unused=50, ended=APRIL, periods=periods)

    assert rolled == ((Bucket(50, date(2026, 5 + periods, 1)),) if periods else ())


def test_nothing_unused_leaves_no_bucket() -> None:
    """Nor does an overdrawn quantity."""
    assert roll((), unused=0, ended=APRIL) == roll((), unused=-5, ended=APRIL) == ()


def test_a_quantity_is_drawn_from_what_expires_first() -> None:
    """What the buckets cannot give is left to the period's own quantity."""
    buckets = (Bucket(10, date(2026, 7, 1)), Bucket(5, date(2026, 6, 1)))

    assert draw(buckets, 0) == ((Bucket(5, date(2026, 6, 1)), Bucket(10, date(2026, 7, 1))), 0)
    assert draw(buckets, 7) == ((Bucket(8, date(2026, 7, 1)),), 0)
    assert draw(buckets, 15) == ((), 0)
    assert draw(buckets, 22) == ((), 7)

"""Periods: the table of stories, and schedules that are laid out from them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from rating_story import Story, stories

from ocs.errors import InputError
from ocs.rating.period import Period
from ocs.rating.schedule import Schedule

VIENNA = ZoneInfo("Europe/Vienna")
DAY_S = 86_400


@stories("period", "canonical")
def test_a_period_holds_where_it_says(story: Story) -> None:
    """Inclusive ranges, wraps, unions and conjunctions; the canonical text means the same."""
    period = Period.parse(story["period"])

    assert str(period) == story["canonical"]
    assert Period.parse(str(period)) == period
    assert [at for at in story.get("inside", ()) if not period.contains(datetime.fromisoformat(at))] == []
    assert [at for at in story.get("outside", ()) if period.contains(datetime.fromisoformat(at))] == []


@stories("period", "column")
def test_a_malformed_period_names_the_column(story: Story) -> None:
    """The whole text is read, whatever part an evaluation would look at first."""
    with pytest.raises(InputError) as caught:
        Period.parse(story["period"], "second off-peak period")

    assert caught.value.place == f"second off-peak period, column {story['column']}"


@pytest.mark.parametrize(
    ("text", "never", "always"),
    [
        ("", False, True),
        ("none", True, False),
        ("hr{0-23}", False, True),
        ("wd{mo-su}, hr{3}", False, True),
        ("hr{1-0} md{1-31}", False, True),
        ("hr{0-22}", False, False),
        ("yr{1970-9998}", False, False),
    ],
)
def test_periods_know_when_they_are_never_or_always(*, text: str, never: bool, always: bool) -> None:
    """A part that restricts nothing is always."""
    period = Period.parse(text)

    assert (period.is_never, period.is_always) == (never, always)


def test_a_part_that_covers_every_value_keeps_its_text() -> None:
    """The canonical text says what was written, not what follows from it."""
    assert str(Period.parse("hr{0-23}")) == "hr{0-23}"


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Vienna", "2026-03-29"),
        ("Europe/Vienna", "2026-10-25"),
        ("Europe/Vienna", "2026-12-31"),
        ("Asia/Jerusalem", "2026-03-27"),  # changes at midnight UTC
        ("Asia/Jerusalem", "2026-10-24"),  # an hour before it
        ("Africa/Monrovia", "1972-01-07"),  # by 44 minutes and 30 seconds
        ("Pacific/Apia", "2011-12-30"),  # skips a whole day
    ],
)
def test_a_schedule_agrees_with_the_wall_clock(zone: str, day: str) -> None:
    """All day long, whatever happens to the clock; a stretch ends where the set changes or UTC's day does."""
    periods = [Period.parse(text) for text in ("hr{2} min{30-59}", "hr{23-2}", "md{31}")]
    schedule = Schedule(tuple(periods))
    tz = ZoneInfo(zone)
    start_s = int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) - DAY_S // 4

    for at_s in range(start_s, start_s + DAY_S * 3 // 2, 47):
        local = datetime.fromtimestamp(at_s, tz)
        expected = next((n for n, period in enumerate(periods, 1) if period.contains(local)), 0)
        set_index, until_s = schedule.stretch(at_s, tz)

        assert set_index == expected, local
        assert until_s > at_s
        assert schedule.set_at(until_s - 1, tz) == expected
        assert schedule.set_at(until_s, tz) != expected or until_s % DAY_S == 0


def test_a_schedule_forgets_days_rather_than_growing_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it keeps is bounded, and forgetting changes no answer."""
    monkeypatch.setattr("ocs.rating.schedule._DAYS_MAX", 3)
    schedule = Schedule((Period.parse("wd{su}"),))
    sundays = [day for day in range(14) if schedule.set_at(day * DAY_S, VIENNA)]

    assert sundays == [3, 10]
    assert len(schedule._days) <= 3

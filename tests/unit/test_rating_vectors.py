"""The tables of tests/vectors/rating: how many stories there are, and that nothing is left without one."""

import tomllib
from collections.abc import Iterator

from rating_story import FOLDER, Story

from ocs.rating.destination import SPECIAL
from ocs.rating.tariff import OffPeakWhen, RoundMode

EXAMPLES_OF_THE_SPEC = 14
STORIES_BESIDES = 150

READ = ("affordable", "discount", "formula", "off_peak", "period", "reset", "rounding", "selection", "voice")
"Tables that tests read, with `volume`; a table that nobody reads would show nothing."


def tables() -> Iterator[tuple[str, list[Story]]]:
    """Each table's name and its stories."""
    for path in sorted(FOLDER.glob("*.toml")):
        yield path.stem, tomllib.loads(path.read_text())["stories"]


def every_story() -> list[Story]:
    """All stories of all tables."""
    return [story for _, table in tables() for story in table]


def test_there_are_enough_stories_and_each_is_told_once() -> None:
    """The worked examples and at least 150 more, no two alike within a table."""
    assert len(every_story()) >= EXAMPLES_OF_THE_SPEC + STORIES_BESIDES
    for name, table in tables():
        titles = [story["story"] for story in table]
        assert len(titles) == len(set(titles)), name
        told = [
            str(sorted((key, str(value)) for key, value in one.items() if key != "story")) for one in table
        ]
        assert len(told) == len(set(told)), name
    assert {name for name, _ in tables()} == {*READ, "volume"}


def test_each_story_is_one_line() -> None:
    """So that a table reads from top to bottom."""
    for path in FOLDER.glob("*.toml"):
        lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        assert lines[0] == "stories = ["
        assert lines[-1] == "]"
        assert all(line.startswith("  { story = ") and line.endswith(" },") for line in lines[1:-1]), path


def test_every_special_destination_prices_some_story() -> None:
    """As the rate that is chosen."""
    chosen = {story["rate"].split()[0] for name, table in tables() if name == "selection" for story in table}

    assert set(SPECIAL) <= chosen
    assert {"default", "forbidden", "no_rate"} <= chosen


def test_every_mode_and_every_term_is_in_some_story() -> None:
    """Rounding modes, decimals, off-peak modes, and each thing that a tariff may add to a price."""
    told = every_story()

    assert {story.get("mode", "half_away_from_zero") for story in told} == {mode.value for mode in RoundMode}
    assert {story.get("decimals", 5) for story in told} == set(range(7))
    assert {story.get("by", "starts") for story in told} == {when.value for when in OffPeakWhen}
    for term in ("fee", "zero", "grace", "free", "post", "payback", "defaults", "off2", "cap", "rules"):
        assert any(story.get(term) for story in told), term

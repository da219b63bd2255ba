"""Times as gateways write them."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from ocs.radius.timestamp import parse_time_ms, write_time

NEW_YEAR_MS = 1_704_104_430_000
"2024-01-01 10:20:30 UTC."
HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1704104430", NEW_YEAR_MS),
        ("10:20:30.123 UTC Mon Jan 1 2024", NEW_YEAR_MS + 123),
        ("*10:20:30.123 UTC Mon Jan 1 2024", NEW_YEAR_MS + 123),
        (".10:20:30.123 GMT Mon Jan  1 2024", NEW_YEAR_MS + 123),
        ("10:20:30 UTC JAN 01 2024", NEW_YEAR_MS),
        ("14:20:30.000 GMT+4 Mon Jan 01 2024", NEW_YEAR_MS),
        ("Mon Jan  1 10:20:30 2024", NEW_YEAR_MS),
        ("2024-01-01T10:20:30.123456+0000", NEW_YEAR_MS + 123),
        ("2024-01-01 10:20:30 +0000", NEW_YEAR_MS),
        ("2024-01-01T05:20:30-05:00", NEW_YEAR_MS),
        ("2024-01-01T10:20:30Z", NEW_YEAR_MS),
        ("2024-01-01 10:20:30", NEW_YEAR_MS),
        ("01/01/2024 10:20:30.5", NEW_YEAR_MS + 500),
        ("10:20:30.5", (10 * 3600 + 20 * 60 + 30) * 1000 + 500),
    ],
)
def test_known_forms(text: str, expected: int) -> None:
    """Every form that a shipped dialect's equipment writes."""
    assert parse_time_ms(text, UTC) == expected


@pytest.mark.parametrize(
    "text", ["Mon Jan  1 13:20:30 2024", "13:20:30.000 MSK Mon Jan 1 2024", "13:20:30.000 EST Mon Jan 1 2024"]
)
def test_times_without_a_certain_zone_are_in_the_gateways(text: str) -> None:
    """An abbreviation is whatever an operator typed into the box."""
    assert parse_time_ms(text, ZoneInfo("Europe/Moscow")) == NEW_YEAR_MS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "yesterday",
        "25:00:00.000 UTC Mon Jan 1 2024",
        "10:20:30.123 UTC Mon Foo 1 2024",
        "10:20:30.123 UTC Thu Feb 30 2024",
        "2024-13-01 10:20:30",
        "10:20:30.000 GMT+99 Mon Jan 1 2024",
        "-5",
        "1²40002",
        "٢٠٢٤",
    ],
)
def test_what_is_no_time_is_none(text: str) -> None:
    """The reader goes on to the next source."""
    assert parse_time_ms(text, UTC) is None


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [(0, "1970-01-01T00:00:00+00:00"), (1_700_000_000_999, "2023-11-14T22:13:20+00:00")],
)
def test_an_instant_is_written_as_it_is_read(at_ms: int, text: str) -> None:
    """In whole seconds, with its zone."""
    assert write_time(at_ms) == text
    assert parse_time_ms(text, UTC) == at_ms // 1000 * 1000


def test_an_instant_beyond_every_calendar_is_its_last() -> None:
    """No grant, however long, is an error."""
    assert write_time(2**63) == "9999-12-31T23:59:59+00:00"

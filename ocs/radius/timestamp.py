"""Times as gateways write them: epoch seconds, ISO 8601, and the h323-*-time forms of several makers."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

DAY_MS: Final = 86_400_000
_LAST_S: Final = 253_402_300_799

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,6}))?"
_FORMS: Final = (
    # 10:20:30.123 UTC Mon Jan  1 2024 and 10:20:30.123 UTC JAN 01 2024
    re.compile(
        rf"{_CLOCK}\s+(?P<zone>\S+)\s+(?:[a-z]{{3}}\s+)?(?P<month>[a-z]{{3}})\s+(?P<day>\d\d?)\s+(?P<year>\d{{4}})",
        re.IGNORECASE,
    ),
    # Wed Jun 15 09:20:55 2005
    re.compile(
        rf"(?:[a-z]{{3}}\s+)?(?P<month>[a-z]{{3}})\s+(?P<day>\d\d?)\s+{_CLOCK}\s+(?P<year>\d{{4}})(?P<zone>)",
        re.IGNORECASE,
    ),
    # 2024-01-01T10:20:30.123456+0000, 2024-01-01 10:20:30 +0000, 2024-01-01 10:20:30
    re.compile(
        rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)[T ]{_CLOCK}\s*(?P<zone>[a-z]+|[+-]\d\d:?\d\d)?",
        re.IGNORECASE,
    ),
    # 01/31/2024 10:20:30.1, as two attributes joined by a blank
    re.compile(rf"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>\d{{4}})\s+{_CLOCK}(?P<zone>)", re.IGNORECASE),
)
_TIME_OF_DAY: Final = re.compile(_CLOCK)
_OFFSET: Final = re.compile(r"(?:GMT|UTC)?([+-])(\d{1,2}):?(\d\d)?", re.IGNORECASE)
_UTC_NAMES: Final = frozenset({"utc", "gmt", "z"})


def parse_time_ms(text: str, zone: tzinfo) -> int | None:
    """Epoch milliseconds of a written time, or of day 0 when it has no date; None when it is no time.

    A leading ``*`` (clock never set) or ``.`` (clock lost its server) is passed over. An offset or UTC
    counts; any other abbreviation means nothing certain: such times, and those without one, are in `zone`.
    """
    text = text.strip().lstrip("*.").strip()
    if text.isascii() and text.isdigit():  # Superscripts are digits, and no numbers.
        return int(text) * 1000
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            return _to_ms(match, zone)
    match = _TIME_OF_DAY.fullmatch(text)
    return _clock_ms(match) if match is not None else None


def _clock_ms(match: re.Match[str]) -> int:
    """Milliseconds since midnight of a time of day without a date: good for differences only."""
    seconds = int(match["hour"]) * 3600 + int(match["minute"]) * 60 + int(match["second"])
    return seconds * 1000 + int((match["fraction"] or "").ljust(3, "0")[:3])


def _to_ms(match: re.Match[str], zone: tzinfo) -> int | None:
    month = match["month"]
    try:
        instant = datetime(
            int(match["year"]),
            int(month) if month.isdigit() else _MONTHS.index(month.lower()) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            int(match["second"]),
            int((match["fraction"] or "").ljust(6, "0")),
            tzinfo=_parse_zone(match["zone"] or "", zone),
        )
    except ValueError:
        return None
    return round(instant.timestamp() * 1000)


def _parse_zone(name: str, default: tzinfo) -> tzinfo:
    if name.lower() in _UTC_NAMES:
        return UTC
    match = _OFFSET.fullmatch(name)
    if match is None:
        return default
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return timezone(-offset if match[1] == "-" else offset)


def write_time(at_ms: int) -> str:
    """An instant in UTC by ISO 8601, whole seconds, as WISPr wants it: ``2023-11-14T22:14:20+00:00``.

    What lies beyond the year 9999 is its last second.
    """
    return datetime.fromtimestamp(min(at_ms // 1000, _LAST_S), UTC).isoformat()

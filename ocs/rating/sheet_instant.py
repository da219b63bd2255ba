"""Dates of rate sheets: the forms that carriers write, read to the second.

Owns which forms are understood and which are refused as ambiguous. Reads no clock: "now" is an argument.
Rating section 9.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

from ocs.errors import InputError

_MONTH_NAMES: Final = (
    ("jan", "january"),
    ("feb", "february"),
    ("mar", "march"),
    ("apr", "april"),
    ("may",),
    ("jun", "june"),
    ("jul", "july"),
    ("aug", "august"),
    ("sep", "sept", "september"),
    ("oct", "october"),
    ("nov", "november"),
    ("dec", "december"),
)
_MONTHS: Final = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names}
_TIME_AND_ZONE: Final = (
    r"(?:(?:\s*T|,?\s+)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"(?:\s*(?P<half>[AP]M))?)?"
    r"(?:\s*(?P<offset>[+-]\d{2}:?\d{2})|\s*(?P<utc>Z)|\s+\(?(?P<zone>[A-Z][A-Z0-9_+/-]*)\)?)?"
)
_FORMS: Final = tuple(
    re.compile(date + _TIME_AND_ZONE, re.ASCII | re.IGNORECASE)
    for date in (
        r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
        r"(?P<one>\d{1,2})(?P<mark>[/-])(?P<other>\d{1,2})(?P=mark)(?P<year>\d{4})",
        r"(?P<day>\d{1,2})[ -](?P<name>[A-Z]{3,9})\.?[ -](?P<year>\d{4})",
        r"(?P<name>[A-Z]{3,9})\.? (?P<day>\d{1,2}),? (?P<year>\d{4})",
    )
)
_NOW: Final = frozenset({"", "now", "immediately"})


@dataclass(frozen=True, slots=True, kw_only=True)
class InstantReader:
    """Reads dates of one sheet."""

    now_s: int
    "What an empty cell and the word now mean; epoch seconds."
    zone: tzinfo
    "Of dates that name none."
    day_first: bool | None = None
    "How 01/04/2026 is meant; None: such a date is refused unless only one reading is possible."

    def read(self, text: str, place: str) -> int:
        """Return epoch seconds of a date with optional time (else midnight) and zone; fractions are cut off.

        Raises:
            InputError: no known form, no such date, ambiguous, or an unknown zone.
        """
        stripped = text.strip()
        if stripped.casefold() in _NOW:
            return self.now_s
        for form in _FORMS:
            if (match := form.fullmatch(stripped)) is not None:
                return self._instant(match.groupdict(), text, place)
        raise InputError(place, f"{text!r} is not a date such as 2026-04-01 00:00 UTC")

    def _instant(self, part: dict[str, str | None], text: str, place: str) -> int:
        year, month, day = self._date(part, text, place)
        hour = int(part["hour"] or 0)
        if part["half"] is not None:
            if not 1 <= hour <= 12:
                raise InputError(place, f"{text!r} has an hour that a 12-hour clock does not show")
            hour = hour % 12 + (12 if part["half"].upper() == "PM" else 0)
        minute, second = int(part["minute"] or 0), int(part["second"] or 0)
        try:
            moment = datetime(year, month, day, hour, minute, second, tzinfo=self._zone(part, text, place))
            return int(moment.timestamp())
        except (ValueError, OverflowError):
            raise InputError(place, f"{text!r} is not a date or time that exists") from None

    def _date(self, part: dict[str, str | None], text: str, place: str) -> tuple[int, int, int]:
        year = int(part["year"] or 0)
        if part.get("one") is not None:
            day, month = self._day_and_month(int(part["one"] or 0), int(part["other"] or 0), text, place)
        else:
            day = int(part["day"] or 0)
            month = int(part.get("month") or _MONTHS.get((part.get("name") or "").lower(), 0))
        return year, month, day

    def _day_and_month(self, one: int, other: int, text: str, place: str) -> tuple[int, int]:
        if self.day_first is None and one != other and max(one, other) <= 12:
            raise InputError(place, f"{text!r} may mean two dates: say whether the day comes first")
        day_first = one > 12 if self.day_first is None else self.day_first
        return (one, other) if day_first else (other, one)

    def _zone(self, part: dict[str, str | None], text: str, place: str) -> tzinfo:
        if part["utc"] is not None:
            return UTC
        if (offset := part["offset"]) is not None:
            minutes = int(offset[1:3]) * 60 + int(offset[-2:])
            return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))
        return self.zone if part["zone"] is None else parse_zone(part["zone"], f"in {text!r}", place)


def parse_zone(name: str, where: str, place: str) -> tzinfo:
    """Return the IANA zone with this name.

    Raises:
        InputError: there is none; `where` says in what it was found.
    """
    if name.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise InputError(place, f"{name!r} {where} is not a time zone such as Europe/Kyiv") from None

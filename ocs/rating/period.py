"""Periods: texts such as ``hr{18-5}, wd{sa su}`` that say when an off-peak price set is valid.

Owns: the Time::Period syntax, its canonical form, and which stretches of a local day a period covers. Does
not own which instant is which local time, or which of two periods wins (`ocs.rating.schedule`). Rating
section 3.

A comma is OR; different scales in one part are AND, the same scale again adds to it; ranges are inclusive and
wrap within their scale, except years, whose ends are swapped. The empty text is always, "none" is never.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final, NoReturn

from ocs.errors import InputError

Span = tuple[int, int]
"Seconds of a local day, from (inclusive) and until (exclusive)."

_DAY_S: Final = 86_400
_CENTURY: Final = 2000
"What a year of two digits belongs to."
_DIGITS_MAX: Final = 9
"No value has more, and Python refuses to read thousands of them."


@dataclass(frozen=True, slots=True)
class _Scale:
    """One unit of the calendar or the clock."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()
    "Names of its values from `low` on, cut to the letters that count."
    wraps: bool = True


_SCALES: Final = (
    _Scale("yr", 1970, 9999, wraps=False),
    _Scale("mo", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")),
    _Scale("wk", 1, 6),
    _Scale("yd", 1, 366),
    _Scale("md", 1, 31),
    _Scale("wd", 1, 7, ("su", "mo", "tu", "we", "th", "fr", "sa")),
    _Scale("hr", 0, 23),
    _Scale("min", 0, 59),
    _Scale("sec", 0, 59),
)
_DATE_SCALES: Final = 6
"The first six are known from the date alone."
_BY_NAME: Final = {scale.name: index for index, scale in enumerate(_SCALES)} | {
    "year": 0,
    "month": 1,
    "week": 2,
    "yday": 3,
    "mday": 4,
    "wday": 5,
    "hour": 6,
    "minute": 7,
    "second": 8,
}
_HOUR_12: Final = re.compile(r"(1[0-2]|0?[1-9])(am|pm|noon)")
_TOKEN: Final = re.compile(r"\s*([a-z0-9]+|[{},-])")

_Values = frozenset[int] | None
_Part = tuple[_Values, ...]
"Values per scale; None: every one. All scales must hold."


@dataclass(frozen=True, slots=True)
class Period:
    """When something is valid, on the wall clock of whoever asks. Equal when the canonical texts are."""

    parts: tuple[_Part, ...]
    "Any one must hold; none at all: never."

    @classmethod
    def parse(cls, text: str, place: str = "period") -> "Period":
        """Read a Time::Period expression, all of it, whatever part would be looked at first.

        Raises:
            InputError: the column of the fault is named.
        """
        lowered = text.lower()
        if not lowered.strip():
            return cls(parts=((None,) * len(_SCALES),))
        if lowered.strip() == "none":
            return cls(parts=())
        return cls(parts=_Parser(lowered, place).parse())

    def __str__(self) -> str:
        if not self.parts:
            return "none"
        return ", ".join(_format_part(part) for part in self.parts)

    @property
    def is_never(self) -> bool:
        """Whether no instant is inside."""
        return not self.parts

    @property
    def is_always(self) -> bool:
        """Whether every instant is inside, as far as one part alone says so."""
        return any(
            all(v is None or len(v) > s.high - s.low for v, s in zip(part, _SCALES, strict=True))
            for part in self.parts
        )

    def contains(self, local: datetime) -> bool:
        """Whether the local time is inside."""
        second = local.hour * 3600 + local.minute * 60 + local.second
        return any(begin <= second < end for begin, end in self.spans_on(local.date()))

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """The stretches of a local day that are inside, in order, none touching the next."""
        fields = _date_fields(day)
        return _spans(
            tuple(
                part[_DATE_SCALES:]
                for part in self.parts
                if all(v is None or f in v for f, v in zip(fields, part, strict=False))
            )
        )


def _date_fields(day: date) -> tuple[int, ...]:
    """The value of each date scale; weeks of a month begin on Sunday, and day 1 is in week 1."""
    weekday = day.isoweekday() % 7
    week = (day.day - 1 + (weekday - day.day + 1) % 7) // 7 + 1
    return (day.year, day.month, week, day.timetuple().tm_yday, day.day, weekday + 1)


@lru_cache(maxsize=512)
def _spans(clocks: tuple[_Part, ...]) -> tuple[Span, ...]:
    """Stretches of a day in which one of the (hour, minute, second) parts holds, merged."""
    merged: list[Span] = []
    for begin, end in sorted(span for clock in clocks for span in _clock_spans(clock)):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return tuple(merged)


def _clock_spans(clock: _Part) -> Iterator[Span]:
    """Stretches of one part, each as long as the scales allow at once."""
    hours, minutes, seconds = clock
    if hours is None and minutes is None and seconds is None:
        yield (0, _DAY_S)
        return
    for hour in range(24) if hours is None else hours:
        if minutes is None and seconds is None:
            yield (hour * 3600, hour * 3600 + 3600)
            continue
        for minute in range(60) if minutes is None else minutes:
            begin = hour * 3600 + minute * 60
            if seconds is None:
                yield (begin, begin + 60)
            else:
                yield from ((begin + second, begin + second + 1) for second in seconds)


# ------------------------------------------------------------------------------------------------ text


class _Parser:
    """Reads one lower-case expression; keeps the column for errors."""

    def __init__(self, text: str, place: str) -> None:
        self._text = text
        self._place = place
        self._at = 0
        "Where the next token is looked for."
        self._column = 1
        "Of the last token."

    def parse(self) -> tuple[_Part, ...]:
        parts = [self._part()]
        while self._take(","):
            parts.append(self._part())
        return tuple(parts)

    def _part(self) -> _Part:
        values: list[set[int] | None] = [None] * len(_SCALES)
        while True:
            word = self._next()
            index = _BY_NAME.get(word)
            if index is None:
                self._fail(f"{word or 'the end'} is not a scale such as hr, wd or mo")
            if self._next() != "{":
                self._fail(f"expected {{ after {word}")
            known = values[index]
            found = self._ranges(_SCALES[index])
            values[index] = found if known is None else known | found
            if self._peek() in ("", ","):
                return tuple(None if v is None else frozenset(v) for v in values)

    def _ranges(self, scale: _Scale) -> set[int]:
        values: set[int] = set()
        while not self._take("}"):
            low = high = self._value(scale)
            if self._take("-"):
                high = self._value(scale)
            if low <= high:
                values.update(range(low, high + 1))
            elif scale.wraps:
                values.update(range(low, scale.high + 1), range(scale.low, high + 1))
            else:
                values.update(range(high, low + 1))
        if not values:
            self._fail(f"{scale.name}{{}} has no value")
        return values

    def _value(self, scale: _Scale) -> int:
        word = self._next()
        value = _value(scale, word)
        if value is None:
            self._fail(f"{word or 'the end'} is not a value of {scale.name}")
        return value

    def _peek(self) -> str:
        match = _TOKEN.match(self._text, self._at)
        if match is not None:
            return match[1]
        return self._text[self._at :].strip()[:1]

    def _next(self) -> str:
        match = _TOKEN.match(self._text, self._at)
        if match is not None:
            self._at, self._column = match.end(), match.start(1) + 1
            return match[1]
        rest = self._text[self._at :]
        self._at += len(rest)
        self._column = self._at - len(rest.lstrip()) + 1
        return rest.strip()[:1]

    def _take(self, token: str) -> bool:
        if self._peek() != token:
            return False
        self._next()
        return True

    def _fail(self, reason: str) -> NoReturn:
        raise InputError(f"{self._place}, column {self._column}", reason)


def _value(scale: _Scale, word: str) -> int | None:
    """The value that a word names, None when it names none."""
    if word.isascii() and word.isdigit() and len(word) <= _DIGITS_MAX:
        number = int(word)
        if scale.name == "yr" and number < 100:
            number += _CENTURY
        return number if scale.low <= number <= scale.high else None
    if scale.name == "hr":
        match = _HOUR_12.fullmatch(word)
        if match is None or (match[2] == "noon" and match[1] != "12"):
            return None
        return int(match[1]) % 12 + (0 if match[2] == "am" else 12)
    for value, name in enumerate(scale.words, scale.low):
        # Letters beyond the significant ones are not looked at: "weds" is a Wednesday.
        if word.isalpha() and word.startswith(name):
            return value
    return None


def _format_part(part: _Part) -> str:
    return " ".join(
        f"{scale.name}{{{' '.join(_format_ranges(scale, values))}}}"
        for scale, values in zip(_SCALES, part, strict=True)
        if values is not None
    )


def _format_ranges(scale: _Scale, values: Iterable[int]) -> Iterator[str]:
    """The fewest ranges that say the values; one may wrap."""
    ranges: list[list[int]] = []
    for value in sorted(values):
        if ranges and value == ranges[-1][1] + 1:
            ranges[-1][1] = value
        else:
            ranges.append([value, value])
    if scale.wraps and len(ranges) > 1 and ranges[0][0] == scale.low and ranges[-1][1] == scale.high:
        ranges[-1][1] = ranges.pop(0)[1]
    for low, high in ranges:
        first, last = (scale.words[v - scale.low] if scale.words else str(v) for v in (low, high))
        yield first if low == high else f"{first}-{last}"

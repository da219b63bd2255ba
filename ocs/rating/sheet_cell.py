"""Single cells of rate sheets: numbers, flags, area lists.

Owns what a cell may say. Every reader takes the text, never blank, and the column's title for its errors.
Rating section 9.
"""

import re
from collections.abc import Iterator
from typing import Final

from ocs.errors import InputError
from ocs.rating.destination import PREFIX_DIGITS_MAX, is_special, parse_destination
from ocs.rating.formula import Formula
from ocs.rating.period import Period
from ocs.units import parse_price

AREAS_PER_CELL_MAX: Final = 10_000

ALWAYS: Final = "always"
"How a sheet writes the empty period, which a blank cell cannot: that one means the tariff's default."

_COUNT: Final = re.compile(r"\d{1,9}", re.ASCII)
_INTERVALS: Final = re.compile(r"\s*(\d{1,9})\s*[/+-]\s*(\d{1,9})\s*", re.ASCII)
_AREA: Final = re.compile(r"(\d+)(?:\s*-\s*(\d+))?", re.ASCII)
_AREA_MARK: Final = re.compile(r"[,;]")
_FLAGS: Final = {
    **dict.fromkeys(("yes", "y", "true", "t", "1", "x", "on"), True),
    **dict.fromkeys(("no", "n", "false", "f", "0", "-", "off"), False),
}


def read_count(text: str, place: str) -> int:
    """A whole number of at least 1."""
    stripped = text.strip()
    if _COUNT.fullmatch(stripped) is None or int(stripped) < 1:
        raise InputError(place, f"{text!r} is not a whole number of at least 1")
    return int(stripped)


def read_intervals(text: str, place: str) -> tuple[int, int]:
    """First and next interval in seconds, as in ``60/6``."""
    match = _INTERVALS.fullmatch(text)
    if match is None or 0 in (first_and_next := (int(match[1]), int(match[2]))):
        raise InputError(place, f"{text!r} is not a first and a next interval such as 60/6")
    return first_and_next


def read_price(text: str, place: str) -> int:
    """A price in nanos, not negative."""
    price = parse_price(text, place)
    if price < 0:
        raise InputError(place, f"{text!r} is negative: what credits the account is a rate marked payback")
    return price


def read_price_with_comma(text: str, place: str) -> int:
    """A price in nanos, written with a decimal comma."""
    if "." in text:
        raise InputError(place, f"{text!r} has a point where this sheet writes a decimal comma")
    return read_price(text.replace(",", "."), place)


def read_flag(text: str, place: str) -> bool:
    """Yes or no, in the ways that people write it."""
    flag = _FLAGS.get(text.strip().casefold())
    if flag is None:
        raise InputError(place, f"{text!r} is neither yes nor no")
    return flag


def read_preference(text: str, place: str) -> int:
    """A routing preference, 0 to 10."""
    stripped = text.strip()
    if _COUNT.fullmatch(stripped) is None or int(stripped) > 10:
        raise InputError(place, f"{text!r} is not a preference from 0 to 10")
    return int(stripped)


def read_text(text: str, place: str) -> str:  # noqa: ARG001 - all readers of cells have one signature
    """Any text."""
    return text.strip()


def read_formula(text: str, place: str) -> str:
    """A formula in its canonical text."""
    return str(Formula.parse(text.strip(), place=place))


def read_period(text: str, place: str) -> str:
    """An off-peak period, checked."""
    stripped = text.strip()
    if stripped.casefold() == ALWAYS:
        return ""
    Period.parse(stripped, place=place)
    return stripped


def read_areas(country: str, text: str, place: str) -> Iterator[str]:
    """Yield the destinations of an area cell under a country prefix: ``778,604`` and ``600-602`` under ``1``.

    A range counts its bounds in and has bounds of one length. A blank cell is the country as a whole.
    """
    if not text.strip():
        yield country
        return
    count = 0
    for part in _AREA_MARK.split(text):
        area = part.strip()
        if (match := _AREA.fullmatch(area)) is None:
            hint = " (a special destination has no country prefix)" if is_special(area) else ""
            raise InputError(place, f"{text!r} is not a list of areas such as 778,604 or 600-602{hint}")
        first, last = match[1], match[2] or match[1]
        if len(first) != len(last) or last < first:
            raise InputError(
                place, f"{text!r}: {area!r} is not a range from a lower to a higher area of one length"
            )
        if len(country) + len(first) > PREFIX_DIGITS_MAX:
            raise InputError(place, f"{text!r} makes a prefix of more than {PREFIX_DIGITS_MAX} digits")
        count += int(last) - int(first) + 1
        if count > AREAS_PER_CELL_MAX:
            raise InputError(place, f"{text!r} stands for more than {AREAS_PER_CELL_MAX} areas")
        for number in range(int(first), int(last) + 1):
            yield f"{country}{number:0{len(first)}d}"


def read_country_prefix(text: str, place: str) -> str:
    """The digits that stand in front of every area of a row."""
    prefix = parse_destination(text, place)
    if not prefix.isdigit():
        raise InputError(place, f"{text!r} is not a country prefix of digits")
    return prefix

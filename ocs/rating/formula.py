"""Formulas: texts such as ``60x1@1.80;2x60@1.80;+0.50;cut`` that say how a session's price grows with time.

Owns: the syntax, its canonical form and the elements. Does not own what they cost (`ocs.rating.run`) or the
prices per interval that a formula replaces. Rating section 4.

    COUNTxSECONDS@PRICE   COUNT intervals of SECONDS at PRICE per minute, every started one paid in full;
                          COUNT * lasts until the end and comes last
    +AMOUNT               a fixed surcharge
    +connect              the tariff's connect fee
    +N%                   a surcharge on everything accumulated so far
    cut                   disconnect: bounds what is granted, never what is charged
"""

import re
from dataclasses import dataclass
from typing import Final

from ocs.errors import InputError
from ocs.units import (
    Micros,
    Nanos,
    format_decimal,
    format_money,
    format_price,
    parse_decimal,
    parse_money,
    parse_price,
)

_PERCENT_PLACES: Final = 4
PPM: Final = 10 ** (_PERCENT_PLACES + 2)
"Millionths in the whole: 100 %."
_COUNT: Final = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_INTERVAL: Final = re.compile(r"(?P<count>[^x@]*)x(?P<seconds>[^x@]*)@(?P<price>.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Interval:
    """Stretches of a session that are paid one by one, each in full as soon as it has started."""

    count: int | None
    "None: until the end."
    seconds: int
    price_nanos: Nanos
    "Per minute."

    def __str__(self) -> str:
        count = "*" if self.count is None else self.count
        return f"{count}x{self.seconds}@{format_price(self.price_nanos)}"


@dataclass(frozen=True, slots=True)
class Surcharge:
    """A fixed amount, due once the session lasts longer than its position."""

    amount_micros: Micros

    def __str__(self) -> str:
        return f"+{format_money(self.amount_micros)}"


@dataclass(frozen=True, slots=True)
class ConnectFee:
    """The tariff's connect fee."""

    def __str__(self) -> str:
        return "+connect"


@dataclass(frozen=True, slots=True)
class Percent:
    """A surcharge on everything accumulated so far; later ones compound on it."""

    ppm: int
    "Millionths: 5 % is 50,000."

    def __str__(self) -> str:
        return f"+{percent_text(self.ppm)}"


@dataclass(frozen=True, slots=True)
class Cut:
    """The end of what is granted. Usage beyond it is priced by what follows."""

    def __str__(self) -> str:
        return "cut"


Element = Interval | Surcharge | ConnectFee | Percent | Cut


@dataclass(frozen=True, slots=True)
class Formula:
    """A sequence of elements, at least one of them an interval."""

    elements: tuple[Element, ...]

    @classmethod
    def parse(cls, text: str, place: str = "formula") -> "Formula":
        """Read a formula; blanks around elements and capitals do not matter.

        Raises:
            InputError: the column of the fault is named.
        """
        elements: list[Element] = []
        start = 0
        for chunk in text.split(";"):
            column = start + len(chunk) - len(chunk.lstrip()) + 1
            where = f"{place}, column {column}"
            if elements and isinstance(elements[-1], Interval) and elements[-1].count is None:
                raise InputError(where, "nothing can follow an interval that lasts until the end")
            element = _parse_element(chunk.strip(), place, column)
            if isinstance(element, Cut) and element in elements:
                raise InputError(where, "a second cut is never reached")
            elements.append(element)
            start += len(chunk) + 1
        if not any(isinstance(element, Interval) for element in elements):
            raise InputError(f"{place}, column 1", f"{text!r} has no interval such as *x60@0.10")
        return cls(elements=tuple(elements))

    def __str__(self) -> str:
        return ";".join(map(str, self.elements))

    @property
    def cut_s(self) -> int | None:
        """Where the session is to be disconnected, in seconds; None: nowhere.

        A formula without an interval that lasts until the end ends in an implied cut.
        """
        position = 0
        for element in self.elements:
            if isinstance(element, Cut):
                return position
            if isinstance(element, Interval):
                if element.count is None:
                    return None
                position += element.count * element.seconds
        return position


def percent_text(ppm: int) -> str:
    """Write millionths as percent: ``12.5%``."""
    return f"{format_decimal(ppm, places=_PERCENT_PLACES)}%"


def _parse_element(text: str, place: str, column: int) -> Element:
    """Read one element, blanks around it taken off, that starts at `column`."""
    where = f"{place}, column {column}"
    word = text.lower()
    if word == "cut":
        return Cut()
    if word.startswith("+"):
        return _parse_surcharge(word[1:].strip(), where)
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise InputError(where, f"{text!r} is not an element such as 10x60@0.10, +0.50, +5%, +connect or cut")
    count, seconds, price = (part.strip() for part in match.groups())
    if count != "*" and not _COUNT.fullmatch(count):
        raise InputError(where, f"{count!r} is not a count of intervals, nor *")
    if not _COUNT.fullmatch(seconds):
        raise InputError(
            f"{place}, column {column + match.start('seconds')}", f"{seconds!r} is not whole seconds"
        )
    price_place = f"{place}, column {column + match.start('price')}"
    price_nanos = parse_price(price, price_place)
    if price_nanos < 0:
        raise InputError(price_place, f"{price!r} is below 0")
    return Interval(None if count == "*" else int(count), int(seconds), price_nanos)


def _parse_surcharge(text: str, where: str) -> Element:
    """Read what follows a plus."""
    if text == "connect":
        return ConnectFee()
    if text.startswith(("+", "-")):
        raise InputError(where, f"{text!r} is not an amount of 0 or more")
    if text.endswith("%"):
        return Percent(parse_decimal(text[:-1], places=_PERCENT_PLACES, place=where))
    return Surcharge(parse_money(text, where))

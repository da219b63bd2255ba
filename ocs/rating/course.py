"""Courses: price sets compiled to integers, one item for each thing that is paid for.

Owns: how intervals and prices, formulas and volume prices become items whose cost is a whole numerator over
one denominator per rate. Does not own which items a session reaches (`ocs.rating.run`). Rating sections 4 and
5.

A price set of intervals is compiled as the formula that says the same: the connect fee, one first interval,
the free seconds, next intervals until the end.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Final, NamedTuple

from ocs.errors import InputError
from ocs.rating.formula import (
    PPM,
    ConnectFee,
    Cut,
    Element,
    Formula,
    Interval,
    Percent,
    Surcharge,
    percent_text,
)
from ocs.rating.tariff import PriceSet, TariffTerms
from ocs.units import NANOS_PER_MICRO, Measure, Nanos, Service, format_price

FOREVER: Final = 2**62
"Later than any session lasts, in seconds."
NUMERATORS_PER_MICRO: Final = 60 * NANOS_PER_MICRO
"Of a price per minute for one second, before relative surcharges."


class Item:
    """Something that is paid for in whole blocks: an interval, a surcharge, a step of volume."""

    __slots__ = ("cost", "set_index", "share", "size", "text", "units")

    def __init__(
        self,
        text: str,
        *,
        set_index: int,
        size: int = 0,
        units: int = 0,
        cost: int = 0,
        share: Fraction | None = None,
    ) -> None:
        self.text = text
        "What it is, for people."
        self.set_index = set_index
        self.size = size
        "Measured units (seconds, octets, messages) that one block covers; 0: a surcharge."
        self.units = units
        "Billed units in one block: seconds, base units, messages. 0: surcharges and free seconds."
        self.cost = cost
        "Numerator of one block's price, a multiple of `units`; of a surcharge, its amount."
        self.share = share
        "For a relative surcharge: its part of everything accumulated so far."

    def due(self, spent: int) -> int:
        """The numerator of a surcharge when `spent` has accumulated before it."""
        if self.share is None:
            return self.cost
        return spent * self.share.numerator // self.share.denominator


class FreeSeconds(NamedTuple):
    """The tariff's free seconds as an element: they come after the first interval."""

    seconds: int


class Course:
    """A price set of a service measured in seconds: intervals in order, surcharges in front of them."""

    __slots__ = ("cut_s", "ends", "fee", "head_s", "is_plain", "items", "starts", "surcharges")

    def __init__(self, *, head_s: int, cut_s: int | None) -> None:
        self.head_s = head_s
        "First interval and free seconds, which belong to the set at the session's start; 0: a formula."
        self.cut_s = cut_s
        "Where a formula disconnects; None: nowhere."
        self.fee: Item | None = None
        "The connect fee, where the price set begins with one."
        self.items: list[Item] = []
        self.starts: list[int] = []
        "Position in seconds at which each item begins."
        self.ends: list[int] = []
        self.surcharges: list[tuple[int, Item]] = []
        "With the position that a session must last longer than to owe it."
        self.is_plain = False
        "Whether it is one first interval, then next ones until the end, and nothing else: most rates are."

    @property
    def end_s(self) -> int:
        """The position at which what was put there so far ends."""
        return self.ends[-1] if self.ends else 0

    def extend(self, item: Item, length_s: int | None) -> None:
        """Put an item of `length_s` (None: until the end) at the end."""
        self.starts.append(self.end_s)
        self.items.append(item)
        self.ends.append(FOREVER if length_s is None else self.end_s + length_s)


Elements = Sequence[Element | FreeSeconds]


def elements_of(prices: PriceSet, terms: TariffTerms, place: str) -> Elements:
    """What a price set says, as elements.

    Raises:
        InputError: an interval is shorter than a second, a price is below 0, the formula is malformed.
    """
    if prices.formula:
        return Formula.parse(prices.formula, f"{place} formula").elements
    check(prices.first_interval_s, least=1, place=f"{place} first interval")
    check(prices.next_interval_s, least=1, place=f"{place} next interval")
    check(prices.first_price_nanos, least=0, place=f"{place} first price")
    check(prices.next_price_nanos, least=0, place=f"{place} next price")
    first = Interval(1, prices.first_interval_s, Nanos(prices.first_price_nanos))
    following = Interval(None, prices.next_interval_s, Nanos(prices.next_price_nanos))
    free = (FreeSeconds(terms.free_seconds),) if terms.free_seconds else ()
    return (ConnectFee(), first, *free, following)


def percents_denominator(elements: Elements) -> int:
    """What amounts must be a multiple of so that every relative surcharge of `elements` stays whole."""
    return prod(Fraction(e.ppm, PPM).denominator for e in elements if isinstance(e, Percent))


def compile_course(
    prices: PriceSet, elements: Elements, *, set_index: int, scale: int, connect_fee_micros: int
) -> Course:
    """Compile a price set whose numerators are all multiples of `scale`."""
    if prices.formula:
        course = Course(head_s=0, cut_s=Formula.parse(prices.formula).cut_s)
    else:
        free_s = sum(e.seconds for e in elements if isinstance(e, FreeSeconds))
        course = Course(head_s=prices.first_interval_s + free_s, cut_s=None)
    for element in elements:
        if isinstance(element, FreeSeconds):
            course.extend(Item("free seconds", set_index=set_index, size=element.seconds), element.seconds)
        elif isinstance(element, Interval):
            item = _interval(element, set_index=set_index, scale=scale)
            course.extend(item, None if element.count is None else element.count * element.seconds)
        elif not isinstance(element, Cut):
            item = _surcharge(
                element, set_index=set_index, scale=scale, connect_fee_micros=connect_fee_micros
            )
            if item.cost or item.share:
                course.surcharges.append((course.end_s, item))
            if isinstance(element, ConnectFee) and not course.items:
                course.fee = item
    if course.end_s < FOREVER:
        # Usage beyond the end of a formula happened anyway: its last interval goes on.
        course.extend(course.items[-1], None)
    is_short = [item.size for item in course.items[:-1]] == [course.head_s] and not course.surcharges
    course.is_plain = is_short and all(item.units for item in course.items)
    return course


def compile_volume(prices: PriceSet, service: Service, *, set_index: int, place: str) -> Item:
    """Compile a price set of a service measured in octets or messages.

    The denominator of its cost is nanos in a micro times base units in a billing unit.

    Raises:
        InputError: the rounding is below 1 or the price below 0.
    """
    check(prices.rounding, least=1, place=f"{place} rounding")
    check(prices.unit_price_nanos, least=0, place=f"{place} unit price")
    per_base_unit, unit = 1, service.unit
    if service.measure is Measure.OCTETS:
        per_base_unit, unit = service.octets_per_base_unit, "KB"
    return Item(
        f"each {prices.rounding} {unit} at {format_price(prices.unit_price_nanos)} "
        f"per {service.base_per_billing_unit} {unit}",
        set_index=set_index,
        size=prices.rounding * per_base_unit,
        units=prices.rounding,
        cost=prices.rounding * prices.unit_price_nanos,
    )


def _interval(element: Interval, *, set_index: int, scale: int) -> Item:
    return Item(
        f"each {element.seconds} s at {format_price(element.price_nanos)} per minute",
        set_index=set_index,
        size=element.seconds,
        units=element.seconds,
        cost=element.seconds * element.price_nanos * scale,
    )


def _surcharge(element: Element, *, set_index: int, scale: int, connect_fee_micros: int) -> Item:
    """The item of a surcharge element of any kind."""
    if isinstance(element, Percent):
        return Item(
            f"surcharge {percent_text(element.ppm)}", set_index=set_index, share=Fraction(element.ppm, PPM)
        )
    if isinstance(element, ConnectFee):
        text, amount_micros = "connect fee", connect_fee_micros
    else:
        assert isinstance(element, Surcharge), element
        text, amount_micros = "surcharge", element.amount_micros
    return Item(text, set_index=set_index, cost=amount_micros * NUMERATORS_PER_MICRO * scale)


def check(value: int, *, least: int, place: str) -> None:
    """Refuse a value below `least`.

    Raises:
        InputError: names `place`.
    """
    if value < least:
        raise InputError(place, f"{value} is below {least}")

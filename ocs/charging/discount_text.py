"""Discount rules as people write them: one line of words, read with the place of every mistake, and written.

    minutes 44,447 included=100min reset=monthly rollover=2 prorate
    volume | levels=400min:0%,1100min:10%,rest:20%
    europe 3,4 money levels=20.00:0%,rest:10% reset=billing:15
    quiet 44 off-peak=100min:100% off-peak2=200min:100% reset=weekly

Owns the syntax. Does not own what a rule may be (`ocs.rating.discount`). Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ocs.errors import InputError
from ocs.rating.destination import is_special, parse_destination
from ocs.rating.discount import Counting, DiscountRule, Ladder, Level
from ocs.rating.formula import PPM, percent_text
from ocs.rating.reset import ResetCycle
from ocs.units import format_money, parse_decimal, parse_money

UNLIMITED: Final = "rest"
_UNITS: Final[Mapping[str, int]] = {
    "min": 60,
    "h": 3600,
    "s": 1,
    "KB": 1,
    "MB": 1024,
    "GB": 1024**2,
    "TB": 1024**3,
}
"Billed units in what people write: seconds, and KB of volume."
_SETS: Final = ("peak", "off-peak", "off-peak2")
_KEYS: Final = ("included", "levels", *_SETS, "reset", "rollover")
_PERCENT_PLACES: Final = 4


def parse_rule(text: str, place: str) -> DiscountRule:
    """Read a rule: its name, its destinations, then words in any order.

    Raises:
        InputError: names `place` and the word that cannot be understood.
    """
    words = text.split()
    if len(words) < 3:
        raise InputError(place, f"{text!r} is not NAME DESTINATION,... and what it includes")
    name, destinations, *rest = words
    flags = {word for word in rest if "=" not in word}
    unknown = flags - {"money", "prorate"}
    if unknown:
        raise InputError(place, f"{min(unknown)!r} is neither money, prorate nor KEY=VALUE")
    values: dict[str, str] = {}
    for word in rest:
        key, equals, value = word.partition("=")
        if not equals:
            continue
        if key not in _KEYS:
            raise InputError(place, f"{key!r} is none of {', '.join(_KEYS)}")
        if key in values:
            raise InputError(place, f"{key} is given twice")
        values[key] = value
    in_money = "money" in flags
    cycle, billing_day = _parse_reset(values.get("reset", ResetCycle.NEVER.value), place)
    return DiscountRule(
        name=name,
        prefixes=tuple(parse_destination(part, place) for part in destinations.split(",")),
        counting=Counting.MONEY if in_money else Counting.UNITS,
        ladders=_parse_ladders(values, place, in_money=in_money),
        reset=cycle,
        billing_day=billing_day,
        prorates="prorate" in flags,
        rollover_periods=_parse_count(values.get("rollover", "0"), f"{place}, rollover"),
    )


def _parse_ladders(values: Mapping[str, str], place: str, *, in_money: bool) -> tuple[Ladder, ...]:
    ways = [key for key in ("included", "levels") if key in values]
    sets = [key for key in _SETS if key in values]
    if len(ways) + bool(sets) != 1:
        raise InputError(place, "needs included=, or levels=, or levels of price sets, one of them")
    if sets:
        return tuple(
            _parse_ladder(values.get(key, ""), f"{place}, {key}", in_money=in_money) for key in _SETS
        )
    if "included" in values:
        upto = _parse_quantity(values["included"], f"{place}, included", in_money=in_money)
        return ((Level(upto, PPM),),)
    return (_parse_ladder(values["levels"], f"{place}, levels", in_money=in_money),)


def _parse_ladder(text: str, place: str, *, in_money: bool) -> Ladder:
    """Levels ``UPTO:PERCENT%``, in order; empty: none."""
    levels = []
    for part in text.split(",") if text else ():
        upto, colon, percent = part.partition(":")
        if not colon or not percent.endswith("%"):
            raise InputError(place, f"{part!r} is not UPTO:PERCENT%, such as 100min:10% or {UNLIMITED}:20%")
        off_ppm = parse_decimal(percent[:-1], places=_PERCENT_PLACES, place=place)
        levels.append(
            Level(None if upto == UNLIMITED else _parse_quantity(upto, place, in_money=in_money), off_ppm)
        )
    return tuple(levels)


def _parse_quantity(text: str, place: str, *, in_money: bool) -> int:
    """Micros, or billed units: a number, with a unit behind it where it is not one of those."""
    if in_money:
        return parse_money(text, place)
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text[len(number) :]
    if unit and unit not in _UNITS:
        raise InputError(place, f"{unit!r} is none of {', '.join(_UNITS)}")
    return _parse_count(number, place) * _UNITS.get(unit, 1)


def _parse_count(text: str, place: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise InputError(place, f"{text!r} is not a whole number")
    return int(text)


def _parse_reset(text: str, place: str) -> tuple[ResetCycle, int]:
    """``monthly``, or ``billing:15``: on that day of the month."""
    word, colon, day = text.partition(":")
    if colon and word == "billing":
        return ResetCycle.BILLING_DAY, _parse_count(day, f"{place}, reset")
    cycles = [cycle.value for cycle in ResetCycle if cycle is not ResetCycle.BILLING_DAY]
    if text not in cycles:
        raise InputError(place, f"reset {text!r} is none of {', '.join(cycles)}, billing:DAY")
    return ResetCycle(text), 1


def rule_text(rule: DiscountRule) -> str:
    """Write a rule so that `parse_rule` reads the same; where that does not matter for people."""
    return " ".join(_words(rule))


def _words(rule: DiscountRule) -> Iterator[str]:
    yield rule.name
    yield ",".join(rule.prefixes)
    if rule.counting is Counting.MONEY:
        yield "money"
    if len(rule.ladders) > 1:
        for key, ladder in zip(_SETS, rule.ladders, strict=True):
            if ladder:
                yield f"{key}={_levels_text(rule, ladder)}"
    else:
        (ladder,) = rule.ladders
        if len(ladder) == 1 and ladder[0].upto is not None and ladder[0].off_ppm == PPM:
            yield f"included={quantity_text(ladder[0].upto, rule.counting, rule.prefixes)}"
        else:
            yield f"levels={_levels_text(rule, ladder)}"
    if rule.reset is ResetCycle.BILLING_DAY:
        yield f"reset=billing:{rule.billing_day}"
    elif rule.reset is not ResetCycle.NEVER:
        yield f"reset={rule.reset.value}"
    if rule.rollover_periods:
        yield f"rollover={rule.rollover_periods}"
    if rule.prorates:
        yield "prorate"


def _levels_text(rule: DiscountRule, ladder: Ladder) -> str:
    return ",".join(
        f"{UNLIMITED if upto is None else quantity_text(upto, rule.counting, rule.prefixes)}"
        f":{percent_text(off_ppm)}"
        for upto, off_ppm in ladder
    )


def quantity_text(quantity: int, counting: Counting, destinations: Sequence[str]) -> str:
    """A quantity in the greatest unit that its destinations are counted in and that leaves it whole."""
    if counting is Counting.MONEY:
        return format_money(quantity)
    if any(name in ("MSG", "MSGN") for name in destinations):
        return str(quantity)
    if any(name == "NETACCESS" for name in destinations):
        names: tuple[str, ...] = ("TB", "GB", "MB", "KB")
    elif all(not is_special(name) or name.startswith(("VOICE", "INCOMING", "|")) for name in destinations):
        names = ("min", "s")
    else:
        names = ()
    name = next((name for name in names if quantity and quantity % _UNITS[name] == 0), "")
    return f"{quantity // _UNITS.get(name, 1)}{name}"

"""Expressions that say where in a packet a fact stands; dialect files are written in them.

    User-Name                              the first value of an attribute
    h323-conf-id                           the same; its own name in front of the value is taken off
    Cisco-AVPair:call-id                   the value that begins with call-id= (or call-id:)
    Cisco-AVPair:h323-ivr-out:ACCESSCODE   pairs within pairs
    hex(h323-conf-id)                      hexadecimal digits without blanks; raw octets become such
    hex(Cisco-AVPair:h323-conf-id)         the same of a pair
    joined(Acct-Input-Octets, Acct-Input-Gigawords)      low and high word of one counter
    milliseconds(x)  microseconds(x)       a duration in another unit, as seconds rounded half up
    milliseconds_up(x)  microseconds_up(x)  the same, but every started second counts
    kilobytes(x)                           a volume counted in 1024 octets, as octets
    difference(from, to)                   seconds between two written times
    sum(x, y)                              of two numbers
    after(Cisco-Control-Info, QV)          the rest of the value that begins with these letters

A reader never fails on what a packet holds: what cannot be read is absent.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Final

from ocs.errors import InputError
from ocs.radius.codec import VENDOR_SPECIFIC, Packet, vendor_key
from ocs.radius.dictionary import INTEGER_OCTETS, Attribute, Dictionary
from ocs.radius.timestamp import DAY_MS, parse_time_ms
from ocs.rating.rounding import whole_seconds

_PER_SECOND: Final = {"milliseconds": 1_000, "microseconds": 1_000_000}

TextReader = Callable[[Packet], str]
"Reads a text; empty when it is absent."
CountReader = Callable[[Packet], int | None]
"Reads a whole number >= 0; None when it is absent."

TextsReader = Callable[[Packet], list[str]]
"Reads every text."
ValuesReader = Callable[[Packet], Sequence[bytes]]
"Reads every raw value."

_CALL: Final = re.compile(r"([a-z_]+)\((.*)\)")
_TEXT_OCTETS_MAX: Final = 19
"A decimal number longer than this is no counter."


def compile_text(expression: str, dictionary: Dictionary) -> TextReader:
    """A reader of text.

    Raises:
        InputError: an unknown attribute or function.
    """
    function, arguments = _parse(expression)
    if function == "hex":
        if len(arguments) != 1:
            raise InputError(expression, "takes 1 argument(s)")
        return _read_hex(*_reference(arguments[0], dictionary))
    if function == "after":
        return _read_after(expression, arguments, dictionary)
    if function:
        count = compile_count(expression, dictionary)
        return lambda packet: "" if (value := count(packet)) is None else str(value)
    return _read_text(*_reference(arguments[0], dictionary))


def compile_texts(expression: str, dictionary: Dictionary) -> TextsReader:
    """A reader of every value of an attribute, or of a pair in it: ``Attribute:pair:pair``.

    Raises:
        InputError: an unknown attribute.
    """
    attribute, pairs = _reference(expression.strip(), dictionary)
    values, own_name = read_values(attribute), wire_name(attribute)

    def read(packet: Packet) -> list[str]:
        found = [_follow(strip_name(value, own_name) or value, pairs) for value in values(packet)]
        return [decode_text(value) for value in found if value is not None]

    return read


def compile_count(expression: str, dictionary: Dictionary) -> CountReader:
    """A reader of a count.

    Raises:
        InputError: an unknown attribute or function.
    """
    function, arguments = _parse(expression)
    unit = function.removesuffix("_up")
    if unit in _PER_SECOND:
        (count,) = _counts(expression, arguments, dictionary, 1)
        return _read_scaled(count, _PER_SECOND[unit], up=unit != function)
    if function == "kilobytes":
        (count,) = _counts(expression, arguments, dictionary, 1)
        return lambda packet: None if (value := count(packet)) is None else value * 1024
    if function == "joined":
        low, high = _counts(expression, arguments, dictionary, 2)
        return _read_joined(low, high)
    if function == "sum":
        left, right = _counts(expression, arguments, dictionary, 2)
        return _read_sum(left, right)
    if function == "difference":
        if len(arguments) != 2:
            raise InputError(expression, "difference() takes 2 arguments")
        return _read_difference(*(compile_text(argument, dictionary) for argument in arguments))
    if function == "after":
        return _count_of(_read_after(expression, arguments, dictionary))
    if function:
        raise InputError(expression, f"{function}() gives no number")
    attribute, pairs = _reference(arguments[0], dictionary)
    if attribute.is_integer:
        return _read_integer(attribute)
    return _count_of(_read_text(attribute, pairs))


def first_text(readers: Sequence[TextReader], packet: Packet) -> str:
    """What the first reader that finds something reads; empty when none does."""
    for reader in readers:
        text = reader(packet)
        if text:
            return text
    return ""


def first_count(readers: Sequence[CountReader], packet: Packet) -> int | None:
    """What the first reader that finds something reads; None when none does."""
    for reader in readers:
        count = reader(packet)
        if count is not None:
            return count
    return None


# ---------------------------------------------------------------------------------------- parsing


def _parse(expression: str) -> tuple[str, list[str]]:
    """The function's name, empty for a plain reference, and its arguments."""
    match = _CALL.fullmatch(expression.strip())
    if match is None:
        return "", [expression.strip()]
    return match[1], [argument.strip() for argument in match[2].split(",")]


def _reference(text: str, dictionary: Dictionary) -> tuple[Attribute, list[bytes]]:
    """The attribute and the pair names of ``Attribute:pair:pair``."""
    name, *pairs = text.split(":")
    return dictionary[name], [pair.encode() for pair in pairs]


def _counts(expression: str, arguments: list[str], dictionary: Dictionary, number: int) -> list[CountReader]:
    if len(arguments) != number:
        raise InputError(expression, f"takes {number} argument(s)")
    return [compile_count(argument, dictionary) for argument in arguments]


# ---------------------------------------------------------------------------------------- reading


def strip_name(value: bytes, name: bytes) -> bytes | None:
    """What follows ``name=`` or ``name:`` in a value, blanks passed over; None when it does not begin so."""
    value = value.lstrip()
    size = len(name)
    if value[:size].lower() != name.lower():
        return None
    rest = value[size:].lstrip()
    return rest[1:].strip() if rest[:1] in (b"=", b":") else None


def decode_text(value: bytes) -> str:
    """A value as text without NULs and blanks at its ends; Latin-1 when it is no UTF-8."""
    if b"\0" in value:
        value = value.replace(b"\0", b"")
    try:
        return value.decode().strip()
    except UnicodeDecodeError:
        return value.decode("latin-1").strip()


def wire_name(attribute: Attribute) -> bytes:
    """The name that may stand in front of a value: who borrows Cisco's attributes borrows their names."""
    name = attribute.name
    return name[max(name.find("h323-"), 0) :].encode()


def read_values(attribute: Attribute) -> ValuesReader:
    """A function that finds every value of the attribute."""
    if attribute.outer:
        return attribute.read
    number = attribute.number
    if not attribute.vendor:
        return lambda packet: packet.get_all(number)
    key = vendor_key(attribute.vendor, number)

    def read(packet: Packet) -> Sequence[bytes]:
        # Most packets of most equipment have no vendor's attributes, and many facts may stand in one.
        return packet.vendor_values().get(key, ()) if VENDOR_SPECIFIC in packet.values else ()

    return read


def _read_text(attribute: Attribute, pairs: list[bytes]) -> TextReader:
    if pairs:
        return _read_pair(attribute, pairs)
    if attribute.vendor or attribute.outer:
        return _read_own(attribute)
    number, to_text = attribute.number, attribute.to_text if attribute.type != "string" else decode_text

    def read(packet: Packet) -> str:
        value = packet.values.get(number)
        return to_text(value) if value is not None else ""

    return read


def _read_own(attribute: Attribute) -> TextReader:
    """The first value of a vendor's attribute, without the attribute's name in front."""
    values, own_name = read_values(attribute), wire_name(attribute)
    is_text, to_text = attribute.type == "string", attribute.to_text

    def read(packet: Packet) -> str:
        for value in values(packet):
            return decode_text(strip_name(value, own_name) or value) if is_text else to_text(value)
        return ""

    return read


def _read_pair(attribute: Attribute, pairs: list[bytes]) -> TextReader:
    """The value of a pair within a value, or of a pair within a pair."""
    values = read_values(attribute)

    def read(packet: Packet) -> str:
        for value in values(packet):
            found = _follow(value, pairs)
            if found:
                return decode_text(found)
        return ""

    return read


def _follow(value: bytes, pairs: list[bytes]) -> bytes | None:
    """What stands behind the names of pairs within pairs; None when the value does not begin so."""
    found: bytes | None = value
    for pair in pairs:
        found = strip_name(found, pair) if found is not None else None
    return found


def _read_hex(attribute: Attribute, pairs: list[bytes]) -> TextReader:
    if pairs:
        pair = _read_pair(attribute, pairs)
        return lambda packet: "".join(pair(packet).lower().split())
    values, own_name = read_values(attribute), wire_name(attribute)

    def read(packet: Packet) -> str:
        for value in values(packet):
            if len(value) == 16 and b"=" not in value:
                return value.hex()
            text = decode_text(strip_name(value, own_name) or value).lower()
            return "".join(text.split())
        return ""

    return read


def _read_after(expression: str, arguments: list[str], dictionary: Dictionary) -> TextReader:
    if len(arguments) != 2:
        raise InputError(expression, "after() takes an attribute and the letters in front")
    values, start = read_values(dictionary[arguments[0]]), arguments[1].encode()

    def read(packet: Packet) -> str:
        for value in values(packet):
            if value.startswith(start):
                return decode_text(value[len(start) :])
        return ""

    return read


def _read_integer(attribute: Attribute) -> CountReader:
    size = INTEGER_OCTETS[attribute.type]
    if not attribute.vendor and not attribute.outer:
        number = attribute.number

        def read_standard(packet: Packet) -> int | None:
            value = packet.values.get(number)
            return int.from_bytes(value) if value is not None and len(value) == size else None

        return read_standard
    values = read_values(attribute)

    def read(packet: Packet) -> int | None:
        for value in values(packet):
            if len(value) == size:
                return int.from_bytes(value)
        return None

    return read


def _count_of(text_reader: TextReader) -> CountReader:
    def read(packet: Packet) -> int | None:
        text = text_reader(packet)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= _TEXT_OCTETS_MAX else None

    return read


def _read_scaled(count: CountReader, per_second: int, *, up: bool) -> CountReader:
    def read(packet: Packet) -> int | None:
        value = count(packet)
        return None if value is None else whole_seconds(value, per_second=per_second, up=up)

    return read


def _read_joined(low: CountReader, high: CountReader) -> CountReader:
    """One 64-bit counter of its two halves (RFC 2869 sections 5.1 and 5.2); the high one may be absent."""

    def read(packet: Packet) -> int | None:
        value = low(packet)
        return None if value is None else ((high(packet) or 0) << 32) + value

    return read


def _read_sum(left: CountReader, right: CountReader) -> CountReader:
    def read(packet: Packet) -> int | None:
        one, other = left(packet), right(packet)
        return None if one is None or other is None else one + other

    return read


def _read_difference(start: TextReader, end: TextReader) -> CountReader:
    def read(packet: Packet) -> int | None:
        # Both are written by one clock, so the zone does not matter.
        start_ms, end_ms = parse_time_ms(start(packet), UTC), parse_time_ms(end(packet), UTC)
        if start_ms is None or end_ms is None:
            return None
        if end_ms < start_ms < DAY_MS:
            end_ms += DAY_MS  # Times of day without a date, past midnight.
        if end_ms < start_ms:
            return None
        return (end_ms - start_ms + 500) // 1000

    return read

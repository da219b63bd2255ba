"""Telephone numbers as gateways write them, and the rules that make them E.164 without plus."""

import re
from typing import Final
from urllib.parse import unquote

from ocs.ports import NumberRules

_ADDRESS: Final = re.compile(r"\s*(?:sips?|tel|h323):([^>;@?]*)", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_TYPE_OF_NUMBER: Final = re.compile(r"(?:[a-z]+:[^,#]*,)*#:", re.IGNORECASE)
_SEPARATORS: Final = str.maketrans("", "", " -.()")


def parse_number(text: str) -> str:
    """The number, or user part, in what an attribute carries.

    A SIP name-addr or URI gives its user part, ``ton:0,npi:1,#:4420...`` what follows ``#:``, anything else
    itself. Visual separators (RFC 3966) go when only digits remain. A display name is whatever the subscriber
    likes: nothing in it is an address, or calls would be priced by what a caller writes there.
    """
    if text.isascii() and text.isdigit():
        return text
    number = text.strip()
    if match := _TYPE_OF_NUMBER.match(number):
        number = number[match.end() :]
    else:
        address = _QUOTED.sub("", number) if '"' in number else number
        if match := _ADDRESS.match(address.partition("<")[2] or address):
            number = unquote(match[1])
    number = number.partition(";")[0].strip()
    if not number.isprintable():
        # What a percent sign may hide, %00 for one, no database need keep.
        number = "".join(character for character in number if character.isprintable())
    bare = number.translate(_SEPARATORS)
    return bare if bare.isascii() and bare.removeprefix("+").isdigit() else number


def normalise_number(number: str, rules: NumberRules) -> str:
    """Apply a gateway's rules in their order: tech prefix off, international, national, then country code."""
    if rules.strip_prefixes:
        number = number.removeprefix(_longest_prefix(number, rules.strip_prefixes))
    if rules.international_prefixes:
        prefix = _longest_prefix(number, rules.international_prefixes)
        if prefix:
            return number.removeprefix(prefix)
    if not rules.country_code or not number.isdigit():
        return number
    if rules.national_prefix and number.startswith(rules.national_prefix):
        return rules.country_code + number.removeprefix(rules.national_prefix)
    if len(number) <= rules.national_digits_max:
        return rules.country_code + number
    return number


def _longest_prefix(number: str, prefixes: tuple[str, ...]) -> str:
    """The longest of the prefixes that the number starts with; empty when none."""
    best = ""
    for prefix in prefixes:
        if len(prefix) > len(best) and number.startswith(prefix):
            best = prefix
    return best

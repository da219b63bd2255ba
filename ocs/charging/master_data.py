"""What names, identities, currencies and zones may be, and the one form in which they are kept. Pure.

Every check raises an InputError at the place it is given.
"""

import ipaddress
import re
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocs.errors import InputError
from ocs.ports import IdentityKind
from ocs.quota.account import AccountProfile

NAME_LENGTH_MAX: Final = 100

_NUMBER_DECORATION: Final = str.maketrans("", "", " -().")


def identity_value(kind: IdentityKind, text: str, place: str) -> str:
    """The form of an identity's value that requests are compared with.

    Numbers (ANI, DID) are digits without plus and decoration, addresses are canonical; the rest stands as is.

    Raises:
        InputError: empty, not a number, not an address.
    """
    value = text.strip()
    if not value or len(value) > NAME_LENGTH_MAX:
        raise InputError(place, f"{text!r} is empty or longer than {NAME_LENGTH_MAX} characters")
    if kind is IdentityKind.IP:
        return str(parse_network(value, place))
    if kind in (IdentityKind.ANI, IdentityKind.DID):
        digits = value.translate(_NUMBER_DECORATION).removeprefix("+")
        if not (digits.isascii() and digits.isdigit()):
            raise InputError(place, f"{text!r} is not a telephone number")
        return digits
    return value


def parse_host(text: str, place: str) -> str:
    """One IP address, in its usual form.

    Raises:
        InputError: it is none.
    """
    try:
        return str(ipaddress.ip_address(text))
    except ValueError as error:
        raise InputError(place, f"{text[:80]!r} is no IP address") from error


def parse_network(text: str, place: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Parse an IP address or CIDR; InputError when it is neither, or has bits behind its prefix."""
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise InputError(place, f"{text!r} is not an IP address or CIDR: {error}") from None


def check_name(text: str, place: str) -> None:
    """InputError unless the text can be a name: printable, no blanks at its ends, 1 to 100 characters."""
    if not text or text != text.strip() or not text.isprintable() or len(text) > NAME_LENGTH_MAX:
        raise InputError(
            place, f"{text!r} cannot be a name: 1 to {NAME_LENGTH_MAX} printable characters, no blanks around"
        )


def check_currency(text: str, place: str) -> None:
    """InputError unless the text looks like an ISO 4217 code."""
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise InputError(place, f"{text!r} is not an ISO 4217 currency code such as USD")


def check_profile(profile: AccountProfile, place: str) -> None:
    """InputError unless the account can be: name, zone, currency and limit."""
    check_name(profile.name, place)
    check_zone(profile.zone, place)
    check_currency(profile.currency, place)
    if profile.credit_limit_micros is not None and profile.credit_limit_micros < 0:
        raise InputError(place, "a credit limit is not negative")


def check_zone(zone: str, place: str) -> None:
    """InputError unless the text is an IANA time zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(place, f"{zone!r} is not an IANA time zone such as Europe/Prague") from None

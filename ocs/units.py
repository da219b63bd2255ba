"""Money and units as integers, and the services that are measured in them.

Owns: the types, their text forms, and what each service counts. Does not own: prices (`ocs.rating`) or
balances (`ocs.quota`). No float ever touches money.
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, NewType

from ocs.errors import InputError

Micros = NewType("Micros", int)
"Money: 10^-6 of the currency unit. Positive is the subscriber's funds, negative is debt."
Nanos = NewType("Nanos", int)
"Price: 10^-9 of the currency unit, per minute or per billing unit as the field's name says."
Seconds = NewType("Seconds", int)
Octets = NewType("Octets", int)
Messages = NewType("Messages", int)

MICROS_PER_UNIT: Final = 1_000_000
NANOS_PER_UNIT: Final = 1_000_000_000
NANOS_PER_MICRO: Final = 1_000
MILLIS_PER_SECOND: Final = 1_000
MAX_MICROS: Final = 2**62
"Amounts stay below this, so that sums of two fit a signed 64-bit column."

_DECIMAL = re.compile(r"([+-]?)(\d{1,12})(?:\.(\d+))?", re.ASCII)


def parse_decimal(text: str, *, places: int, place: str = "amount") -> int:
    """Parse an exact decimal into an integer of 10^-places.

    Args:
        text: ``12``, ``-0.105``, ``+3.5``; blanks around it are ignored; at most 12 digits before the point.
        places: digits after the point that the result keeps, 0 to 9.
        place: what to name in the error.

    Raises:
        InputError: not a decimal, or digits other than 0 beyond `places` (nothing is rounded silently).
    """
    match = _DECIMAL.fullmatch(text.strip())
    if match is None:
        raise InputError(place, f"{text!r} is not a decimal number such as 12.50")
    sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
    if len(fraction) > places:
        raise InputError(place, f"{text!r} has more than {places} decimal places")
    value: int = int(whole) * 10**places + int(fraction.ljust(places, "0") or "0")
    return -value if sign == "-" else value


def format_decimal(value: int, *, places: int, min_places: int = 0) -> str:
    """Write an integer of 10^-places as its shortest exact decimal with at least `min_places` digits."""
    whole, fraction = divmod(abs(value), 10**places)
    digits = str(fraction).rjust(places, "0")[:places] if places else ""
    digits = digits.rstrip("0").ljust(min_places, "0")
    return f"{'-' if value < 0 else ''}{whole}{'.' if digits else ''}{digits}"


def parse_money(text: str, place: str = "amount") -> Micros:
    """Parse an amount with up to 6 decimals; see `parse_decimal`."""
    return Micros(parse_decimal(text, places=6, place=place))


def format_money(amount: int) -> str:
    """Write micros as a decimal with at least two places: ``0.11``, ``0.10167``, ``-3.00``."""
    return format_decimal(amount, places=6, min_places=2)


def parse_price(text: str, place: str = "price") -> Nanos:
    """Parse a price with up to 9 decimals; see `parse_decimal`."""
    return Nanos(parse_decimal(text, places=9, place=place))


def format_price(price: int) -> str:
    """Write nanos as a decimal with at least two places."""
    return format_decimal(price, places=9, min_places=2)


class Measure(Enum):
    """What a service counts."""

    SECONDS = "seconds"
    OCTETS = "octets"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that can be charged, and how it is measured (three levels of unit, rating section 5)."""

    name: str
    measure: Measure
    destination: str | None = None
    "The special destination that prices it; None: the called number does."
    octets_per_base_unit: int = 1024
    "Octets in one KB, the base unit of volume: 1024, or 1000."
    base_per_billing_unit: int = 1024
    "Base units in the unit that the price is for: KB in a MB. 1 for messages."

    @property
    def unit(self) -> str:
        """Short name of the measured unit, for people."""
        return {"seconds": "s", "octets": "octets", "messages": "messages"}[self.measure.value]


VOICE: Final = Service("voice", Measure.SECONDS)
DATA: Final = Service("data", Measure.OCTETS, destination="NETACCESS")
WIFI: Final = Service("wifi", Measure.SECONDS, destination="WiFi")
MESSAGES: Final = Service("messages", Measure.MESSAGES, destination="MSG", base_per_billing_unit=1)
FAX: Final = Service("fax", Measure.SECONDS)

SERVICES: Final = {service.name: service for service in (VOICE, DATA, WIFI, MESSAGES, FAX)}
VOICE_SERVICES: Final = frozenset({VOICE.name, FAX.name})
"Services whose sessions are calls: they are counted together."
DATA_SERVICES: Final = frozenset({DATA.name, WIFI.name})
"Services whose sessions are network access, by volume or by time."


class AccessCode(Enum):
    """The direction under which a plan assigns tariffs."""

    OUTGOING = "OUTGOING"
    INCOMING = "INCOMING"
    FORWARDED = "FORWARDED"

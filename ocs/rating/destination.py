"""Destinations: phone prefixes, and the names that price what has no number.

Owns the spelling of special destinations and the reading of a destination from text. Does not own which one
a request matches (`ocs.rating.selection`) or what a prefix is called (`ocs.rating.search`). Rating section 1.
"""

from typing import Final

from ocs.errors import InputError

ANY: Final = "|"
"Matches any number, weaker than every prefix."
VOICEONNET: Final = "VOICEONNET"
"Between subscribers of this platform."
VOICEONNETR: Final = "VOICEONNETR"
"Within one reseller."
VOICEONNETRX: Final = "VOICEONNETRX"
"Within one customer."
INCOMING: Final = "INCOMING"
INCOMINGN: Final = "INCOMINGN"
INCOMINGNR: Final = "INCOMINGNR"
INCOMINGNRX: Final = "INCOMINGNRX"
MSG: Final = "MSG"
MSGN: Final = "MSGN"
"A message between subscribers of this platform."

CALLED_BY_NAME: Final = ("UM", "UMIVR", "UMIVRCALLTRACE", "EMERGENCY", "CallRecording", "SpeechToText")
"Special destinations that a request names as the called party: a gateway's rules put them there."

PRICED_BY_UNIT: Final = frozenset({"NETACCESS", MSG, MSGN})
"Special destinations of services that are not measured in seconds; a number may price a message's network."

SPECIAL: Final[tuple[str, ...]] = (
    ANY,
    VOICEONNET,
    VOICEONNETR,
    VOICEONNETRX,
    INCOMING,
    INCOMINGN,
    INCOMINGNR,
    INCOMINGNRX,
    *CALLED_BY_NAME,
    "WiFi",
    "NETACCESS",
    MSG,
    MSGN,
)
"Every special destination, as it is kept and shown."

DEFAULT: Final = "default"
"Names the rate made of a tariff's default price. No rate can be stored under it."

PREFIX_DIGITS_MAX: Final = 20
"E.164 has 15 digits; the rest is room for routing prefixes in front."

_NETWORK_DIGITS: Final = (3, 5, 6)
_SPELLING: Final = {name.casefold(): name for name in SPECIAL}


def is_special(text: str) -> bool:
    """Whether `text` names a special destination, in any case."""
    return text.casefold() in _SPELLING


def is_mobile_network(text: str) -> bool:
    """Whether it is a mobile country code (3 digits) or one with a network code (2 or 3 digits more)."""
    return text.isascii() and text.isdigit() and len(text) in _NETWORK_DIGITS


def parse_mobile_network(text: str, place: str = "network") -> str:
    """Read MCC and MNC, or an MCC alone; empty text is empty: not known.

    Raises:
        InputError: it is neither.
    """
    if text and not is_mobile_network(text):
        raise InputError(place, f"{text[:80]!r} is not an MCC and MNC (5 or 6 digits) or an MCC (3)")
    return text


def parse_destination(text: str, place: str = "destination") -> str:
    """Read a phone prefix (E.164 digits without plus) or a special destination, as `SPECIAL` spells it.

    Raises:
        InputError: neither 1 to 20 digits nor a special destination.
    """
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit() and len(stripped) <= PREFIX_DIGITS_MAX:
        return stripped
    special = _SPELLING.get(stripped.casefold())
    if special is None:
        raise InputError(
            place,
            f"{text!r} is neither a prefix of 1 to {PREFIX_DIGITS_MAX} digits (without plus) "
            "nor a special destination such as MSG",
        )
    return special

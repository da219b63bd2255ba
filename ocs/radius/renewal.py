"""What equipment says in an Access-Request about asking again: PortaBilling_Authorize.

    h323-ivr-out=PortaBilling_Authorize:base=session-time;min=60

`base` is a counter that the equipment keeps, `min` the least of it between two questions; one value per base.
Whoever sends this comes back when a grant is used up and keeps to it, so slices are enough for it. Pure.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from ocs.radius.codec import Packet
from ocs.radius.reader import TextsReader

LEAST_MAX_S: Final = 2**31
"A longer least is as good as this one: no grant is so long."


class Renewal(NamedTuple):
    """How the equipment of one session asks again."""

    is_usable: bool
    "Whether it counts something that we can grant; otherwise it says nothing that helps."
    least_s: int = 0
    "Seconds between two questions at least; 0: it names none."
    fault: str = ""
    "What of it could not be understood, for people."


class RenewalReader:
    """Finds it, in the places that a dialect names."""

    def __init__(self, places: Sequence[TextsReader], second_bases: Sequence[str]) -> None:
        """`second_bases`: names of counters of the session's seconds."""
        self._places = places
        self._second_bases = frozenset(base.lower() for base in second_bases)

    def read(self, packet: Packet) -> Renewal | None:
        """What the packet says; None when it says nothing, so that its equipment is told only once."""
        fault = ""
        for place in self._places:
            for text in place(packet):
                options = _read_options(text)
                base = options.get("base", "").lower()
                if base in self._second_bases:
                    return _read_least(options.get("min", ""))
                fault = fault or (f"no base {base!r} is granted by" if base else "no base is named")
        return Renewal(is_usable=False, fault=fault) if fault else None


def _read_least(text: str) -> Renewal:
    """The least of a usable base; one that is no number above 0 is passed over."""
    if not text:
        return Renewal(is_usable=True)
    least_s = int(text) if text.isascii() and text.isdigit() else 0
    fault = "" if least_s else f"min {text!r} is no number above 0"
    return Renewal(is_usable=True, least_s=min(least_s, LEAST_MAX_S), fault=fault)


def _read_options(text: str) -> dict[str, str]:
    """The options of ``name=value;name=value``, names in lower case; of two of a name the first."""
    options: dict[str, str] = {}
    for option in text.split(";"):
        name, _, value = option.partition("=")
        options.setdefault(name.strip().lower(), value.strip())
    return options

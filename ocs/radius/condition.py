"""Conditions on a packet's attributes, as dialect files write them.

    when = { "NAS-Port-Type" = ["Wireless-802.11"], "Framed-Protocol" = ["*"], "Called-Station-Id" = [] }

Every attribute named must have one of its values; ``*`` is any value, an empty list means that it is absent.
A value may stand behind the attribute's own name, ``h323-call-type=VoIP``.
"""

from collections.abc import Callable, Mapping, Sequence

from ocs.radius.codec import Packet
from ocs.radius.dictionary import Attribute, Dictionary
from ocs.radius.reader import decode_text, read_values, strip_name, wire_name

ANY = "*"


class Condition:
    """Whether a packet has certain attributes with certain values; letter case of texts does not count."""

    __slots__ = ("_tests",)

    def __init__(self, when: Mapping[str, Sequence[str]], dictionary: Dictionary) -> None:
        """Compile it.

        Raises:
            InputError: an unknown attribute, or a value that its type cannot hold.
        """
        self._tests = tuple(_compile(dictionary[name], when[name]) for name in when)

    def is_met(self, packet: Packet) -> bool:
        """Whether all of it is true of the packet."""
        for test in self._tests:  # noqa: SIM110 - a generator would cost more than the tests
            if not test(packet):
                return False
        return True


def _compile(attribute: Attribute, wanted: Sequence[str]) -> Callable[[Packet], bool]:
    """The test of one attribute."""
    values = read_values(attribute)
    if ANY in wanted:
        return lambda packet: bool(values(packet))
    if not wanted:
        return lambda packet: not values(packet)
    if attribute.type == "string":
        texts, own_name = frozenset(text.lower() for text in wanted), wire_name(attribute)
        return lambda packet: any(
            decode_text(strip_name(value, own_name) or value).lower() in texts for value in values(packet)
        )
    octets = frozenset(attribute.encode_value(text) for text in wanted)
    if attribute.vendor or attribute.outer:
        return lambda packet: any(value in octets for value in values(packet))
    number = attribute.number
    return lambda packet: packet.values.get(number) in octets

"""Attribute names: FreeRADIUS dictionary files, read with pyrad, as the definitions that dialects need.

Owns: which files exist, reading them, one attribute's text form. Does not own: which attribute means what.
The files that the project ships are in `ocs/radius/dictionary/`; a folder may add more.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyrad.dictionary

from ocs.errors import InputError
from ocs.radius.codec import (
    VALUE_OCTETS_MAX,
    Packet,
    decode_tlvs,
    decode_vendor_specific,
    encode_attribute,
    encode_vendor_attribute,
    vendor_key,
)

SHIPPED: Final = Path(__file__).with_suffix("")
VENDORS: Final = (
    "3gpp",
    "3gpp2",
    "acme",
    "audiocodes",
    "chillispot",
    "cisco",
    "digium",
    "eltex",
    "freeswitch",
    "mikrotik",
    "patton",
    "quintum",
    "sonus",
    "wimax",
    "wispr",
)
"Shipped files that collide with no other: Kamailio's and OpenSIPS's numbers mean something else elsewhere."
INTEGER_OCTETS: Final = {"integer": 4, "date": 4, "signed": 4, "short": 2, "byte": 1, "integer64": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One attribute as a dictionary file defines it."""

    name: str
    type: str
    "The dictionary's word: string, integer, ipaddr, octets..."
    number: int
    vendor: int = 0
    "Vendor number (RFC 2865 section 5.26); 0 for a standard attribute."
    outer: int = 0
    "Number of the attribute that this one is a sub-attribute of; 0: it stands by itself."
    values: Mapping[str, int] = field(default_factory=dict)
    "Integer values by name."
    names: Mapping[int, str] = field(init=False, compare=False)
    "And the names by value."

    def __post_init__(self) -> None:
        names = {value: name for name, value in self.values.items()}
        object.__setattr__(self, "names", names)

    @property
    def is_integer(self) -> bool:
        """Whether the value is a number on the wire."""
        return self.type in INTEGER_OCTETS

    def read(self, packet: Packet) -> Sequence[bytes]:
        """Every value in the packet, in order."""
        number = self.outer or self.number
        values = packet.get_vendor(self.vendor, number) if self.vendor else packet.get_all(number)
        if not self.outer:
            return values
        return [inner for value in values for sub, inner in decode_tlvs(value) if sub == self.number]

    def to_text(self, value: bytes) -> str:
        """A value as people read it; what does not fit the type is shown in hex."""
        if self.type == "ipaddr" and len(value) == 4:
            return f"{value[0]}.{value[1]}.{value[2]}.{value[3]}"
        if self.type == "ipv6addr" and len(value) == 16:
            return str(ipaddress.IPv6Address(value))
        if self.is_integer and len(value) == INTEGER_OCTETS[self.type]:
            number = int.from_bytes(value, signed=self.type == "signed")
            return self.names.get(number) or str(number)
        if self.type == "string":
            try:
                return value.decode()
            except UnicodeDecodeError:
                pass
        return "0x" + value.hex()

    def encode(self, text: str) -> bytes:
        """The whole attribute with this value.

        Raises:
            InputError: the text is no value of the attribute's type.
        """
        return self.wrap(self.encode_value(text))

    def wrap(self, value: bytes) -> bytes:
        """The whole attribute with these octets as its value."""
        if self.outer:
            value = bytes((self.number, len(value) + 2)) + value
        number = self.outer or self.number
        if self.vendor:
            return encode_vendor_attribute(self.vendor, number, value)
        return encode_attribute(number, value)

    def encode_value(self, text: str) -> bytes:
        """The value's octets: a number (or its name), an address, ``0x`` and hex digits, or text."""
        try:
            if self.is_integer:
                number = self.values[text] if text in self.values else int(text)
                return number.to_bytes(INTEGER_OCTETS[self.type], signed=self.type == "signed")
            if self.type in ("ipaddr", "ipv6addr"):
                return ipaddress.ip_address(text).packed
            value = bytes.fromhex(text[2:]) if self.type != "string" and text[:2] == "0x" else text.encode()
        except (ValueError, OverflowError) as error:
            raise InputError(self.name, f"{text!r}: {error}") from error
        if len(value) > VALUE_OCTETS_MAX - (8 if self.vendor else 0):
            raise InputError(self.name, f"{len(value)} octets are too long for one attribute")
        return value


class Dictionary:
    """Attributes by name (letter case does not count), from one or several files."""

    def __init__(self, attributes: Iterable[Attribute] = ()) -> None:
        self._by_name: dict[str, Attribute] = {}
        self._by_key: dict[int, Attribute] = {}
        for attribute in attributes:
            self._by_name[attribute.name.lower()] = attribute
            if not attribute.outer:
                self._by_key[vendor_key(attribute.vendor, attribute.number)] = attribute

    def find(self, name: str) -> Attribute | None:
        """The attribute of this name."""
        return self._by_name.get(name.lower())

    def __getitem__(self, name: str) -> Attribute:
        """The attribute of this name.

        Raises:
            InputError: no file that was read defines it.
        """
        attribute = self.find(name)
        if attribute is None:
            raise InputError(name, "no dictionary defines this attribute")
        return attribute

    def describe(self, packet: Packet) -> list[tuple[str, str]]:
        """Every attribute of the packet as (name, value) for people; unknown ones by number."""
        return [line for pair in packet.attributes() for line in self.describe_attribute(*pair)]

    def describe_attribute(self, number: int, value: bytes) -> list[tuple[str, str]]:
        """One attribute as (name, value); several when it holds several of a vendor's."""
        lines = []
        inner = decode_vendor_specific(value) if number == 26 else []
        for key, octets in inner or [(number, value)]:
            known = self._by_key.get(key)
            vendor = f"{key >> 8}-" if key > 255 else ""
            name = known.name if known else f"Attr-{vendor}{key & 255}"
            lines.append((name, known.to_text(octets) if known else "0x" + octets.hex()))
        return lines


def load_dictionary(names: Sequence[str], folders: Sequence[Path] = ()) -> Dictionary:
    """Read dictionary files by name, the first folder that has one wins, the shipped ones last.

    Raises:
        InputError: a file is missing or wrong: its name, line and the reason.
    """
    parsed = pyrad.dictionary.Dictionary()
    for name in names:
        path = find_file(f"dictionary.{name}", [*folders, SHIPPED])
        try:
            parsed.ReadDictionary(str(path))
        except pyrad.dictionary.ParseError as error:
            raise InputError(f"{path} line {error.line}", str(error.msg)) from error
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(str(path), str(error)) from error
    return Dictionary(_convert(parsed, attribute) for attribute in parsed.attributes.values())


def find_file(name: str, folders: Sequence[Path]) -> Path:
    """The file of this name in the first folder that has it.

    Raises:
        InputError: none has.
    """
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise InputError(name, "no such file in " + ", ".join(str(folder) for folder in folders))


def _convert(parsed: pyrad.dictionary.Dictionary, attribute: pyrad.dictionary.Attribute) -> Attribute:
    names = {} if attribute.type not in INTEGER_OCTETS else dict(attribute.values.forward)
    return Attribute(
        name=attribute.name,
        type=attribute.type,
        number=attribute.code,
        vendor=parsed.vendors.GetForward(attribute.vendor),
        outer=attribute.parent.code if attribute.parent else 0,
        values={name: int.from_bytes(value) for name, value in names.items()},
    )

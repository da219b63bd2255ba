"""Reply attributes as dialect files write them: ``h323-credit-time = "h323-credit-time={seconds}"``.

A template is text with the names of facts in braces. When one of its facts is absent, so is the attribute.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ocs.errors import InputError
from ocs.radius.dictionary import INTEGER_OCTETS, Attribute
from ocs.radius.timestamp import write_time

Fact = int | str | None
FACTS: Final = frozenset(
    {
        "seconds",
        "total_seconds",
        "octets",
        "octets_low",
        "octets_high",
        "total_octets",
        "total_octets_low",
        "total_octets_high",
        "total_kilobytes",
        "quota_id",
        "interim_s",
        "ends_at",
        "return_code",
        "reason",
        "balance",
        "currency",
        "called",
        "calling",
    }
)
"""What may stand in braces. A total counts from the session's start, the others from now; low and high are
the two words of a 64-bit count; a kilobyte is 1024 octets, and what is told of them is rounded down.
Ends_at, given as epoch milliseconds, is when the seconds are over, as ISO 8601 writes it in UTC.
Called and calling are the numbers as they are charged, and only when they are of a telephone's keys: what a
caller dials must not be read as something else."""
_KEYPAD: Final = "0123456789*#"
_DIALLED_MAX: Final = 40
"A longer text is no number, and would not leave room for the rest of a pair."


def _write_instant(at_ms: Fact) -> Fact:
    return None if at_ms is None else write_time(int(at_ms))


def _write_number(number: Fact) -> Fact:
    """A number that can stand in a pair of a reply; None for any other text, which could be read as more."""
    text = str(number)
    return text if 0 < len(text) <= _DIALLED_MAX and not text.strip(_KEYPAD) else None


_WRITERS: Final = {"ends_at": _write_instant, "called": _write_number, "calling": _write_number}
"Facts that are told otherwise than they are given."
_TEXTS: Final = frozenset({"reason", "balance", "currency", *_WRITERS})
"Facts that no number holds."
_NUMBER_OCTETS: Final = {**INTEGER_OCTETS, "octets": 4}
"A single fact in an attribute of octets is a word in network order."
_FACT: Final = re.compile(r"\{([^{}]*)\}")
_TEXT_OCTETS_MAX: Final = 240
"Leaves room for a vendor's header in an attribute of 255 octets."


class Template:
    """One reply attribute with facts to be filled in."""

    __slots__ = ("_constant", "_facts", "_pattern", "_size", "_target")

    def __init__(self, attribute: Attribute, text: str) -> None:
        """Compile the text.

        Raises:
            InputError: an unknown fact, or a text that the attribute's type cannot hold.
        """
        self._target = attribute
        self._facts = tuple((fact, _WRITERS.get(fact)) for fact in _FACT.findall(text))
        for fact, _ in self._facts:
            if fact not in FACTS:
                raise InputError(attribute.name, f"no fact {{{fact}}}; there are {', '.join(sorted(FACTS))}")
        whole = _FACT.fullmatch(text)
        is_number = attribute.type in _NUMBER_OCTETS and whole is not None and whole[1] not in _TEXTS
        self._size = _NUMBER_OCTETS[attribute.type] if is_number else 0
        "Octets of the number that is the whole value; 0: the value is text."
        self._constant = b"" if self._facts else attribute.encode_value(text)
        if attribute.is_integer and self._facts and not is_number:
            raise InputError(attribute.name, f"{text!r} is no number")
        self._pattern = _FACT.sub("%s", text.replace("%", "%%"))

    def encode(self, facts: Mapping[str, Fact]) -> bytes:
        """The attribute with its facts; empty when one of them is absent."""
        value = self.encode_value(facts)
        return b"" if value is None else self._target.wrap(value)

    def encode_value(self, facts: Mapping[str, Fact]) -> bytes | None:
        """The value alone; None when a fact is absent."""
        if not self._facts:
            return self._constant
        values = []
        for name, write in self._facts:
            fact = facts.get(name)
            if write is not None:
                fact = write(fact)
            if fact is None:
                return None
            values.append(fact)
        if not self._size:
            return (self._pattern % tuple(values)).encode()[:_TEXT_OCTETS_MAX]
        number, size = int(values[0]), self._size
        return min(number, (1 << 8 * size) - 1).to_bytes(size)


class GroupTemplate:
    """An attribute made of sub-attributes, which must stand in one attribute together."""

    __slots__ = ("_members", "_target")

    def __init__(self, attribute: Attribute, members: Sequence[tuple[Attribute, str]]) -> None:
        """Compile the members.

        Raises:
            InputError: one is not a sub-attribute of this attribute, or its text is wrong.
        """
        self._target = attribute
        for member, _ in members:
            if (member.vendor, member.outer) != (attribute.vendor, attribute.number):
                raise InputError(member.name, f"is no sub-attribute of {attribute.name}")
        self._members = [(member.number, Template(member, text)) for member, text in members]

    def encode(self, facts: Mapping[str, Fact]) -> bytes:
        """The attribute with its facts; empty when one of them is absent."""
        parts = []
        for number, template in self._members:
            value = template.encode_value(facts)
            if value is None:
                return b""
            parts.append(bytes((number, len(value) + 2)) + value)
        return self._target.wrap(b"".join(parts))

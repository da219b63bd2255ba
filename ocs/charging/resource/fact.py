"""Reading the facts of a resource: every bad field is found in one pass and named by its path. Pure."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, TypeVar

from ocs.charging.master_data import check_name
from ocs.errors import InputError, InputErrors

E = TypeVar("E", bound=Enum)

Facts = Mapping[str, Any]
"Field name -> text, number, flag, list, or facts. A field that is absent has its default."

INT32_MAX: Final = 2**31 - 1
INT64_MAX: Final = 2**62 - 1
"Amounts stay below 2^62, so that the sum of two fits a column."
INSTANT_MAX_MS: Final = 253_370_764_800_000
"9999-01-01: later instants are in no calendar."


class FactReader:
    """Reads fields; what is wrong is collected until `finish`."""

    def __init__(self, facts: Facts, place: str = "", errors: list[InputError] | None = None) -> None:
        self._facts = facts
        self._place = place
        self.errors: list[InputError] = [] if errors is None else errors

    def refuse(self, field: str, reason: str) -> None:
        """Note that a field is wrong."""
        self.errors.append(InputError(f"{self._place}{field}", reason))

    def finish(self) -> None:
        """Raise what was found.

        Raises:
            InputErrors: some field was wrong.
        """
        if self.errors:
            raise InputErrors("fields", self.errors)

    def has(self, field: str) -> bool:
        """Whether the field is there."""
        return self._facts.get(field) is not None

    def text(self, field: str, default: str = "", *, characters_max: int = 100) -> str:
        """A printable text."""
        value = str(self._facts.get(field) or "")
        if len(value) > characters_max or not value.isprintable():
            self.refuse(field, f"{value[:80]!r}: up to {characters_max} printable characters")
            return default
        return value or default

    def flag(self, field: str) -> bool:
        """A flag; absent is False."""
        return bool(self._facts.get(field, False))

    def count(self, field: str, *, least: int = 0, most: int = INT32_MAX, default: int = 0) -> int:
        """A whole number."""
        value = self.optional(field, least=least, most=most)
        return default if value is None else value

    def optional(self, field: str, *, least: int = 0, most: int = INT32_MAX) -> int | None:
        """A whole number that may be absent."""
        value = self._facts.get(field)
        if value is None:
            return None
        if not least <= int(value) <= most:
            self.refuse(field, f"{value} is not within {least}..{most}")
            return None
        return int(value)

    def choice(self, field: str, choices: type[E], default: E) -> E:
        """A member of an enum by its value, in any case."""
        value = self._facts.get(field)
        return default if value is None else self.member(field, str(value), choices, default)

    def member(self, field: str, text: str, choices: type[E], default: E) -> E:
        """What a text stands for; `default` when it was refused."""
        for choice in choices:
            if str(choice.value).casefold() == text.casefold():
                return choice
        self.refuse(field, f"{text!r} is none of {', '.join(str(one.value) for one in choices).lower()}")
        return default

    def instant_ms(self, field: str) -> int | None:
        """Epoch milliseconds that may be absent."""
        return self.optional(field, most=INSTANT_MAX_MS)

    def reference(self, field: str, collection: str) -> str:
        """The id in the name of another resource; empty when there is none."""
        return self.id_of(field, str(self._facts.get(field) or ""), collection)

    def id_of(self, field: str, name: str, collection: str) -> str:
        """The id in a name of a collection; empty when there is none or it was refused."""
        if not name:
            return ""
        head, _, key = name.partition("/")
        if head != collection or not key or "/" in key:
            self.refuse(field, f"{name[:80]!r} is not a name such as {collection}/retail")
            return ""
        return key

    def items(self, field: str) -> Sequence[Any]:
        """A list; absent is empty."""
        return list(self._facts.get(field) or ())

    def mapping(self, field: str) -> Mapping[str, Any]:
        """A mapping; absent is empty."""
        return dict(self._facts.get(field) or {})

    def within(self, field: str) -> "FactReader":
        """A reader of the facts in a field, of nothing when it is absent."""
        return FactReader(self._facts.get(field) or {}, f"{self._place}{field}.", self.errors)

    def each(self, field: str) -> Sequence["FactReader"]:
        """Readers of a list of facts."""
        return [
            FactReader(facts, f"{self._place}{field}[{index}].", self.errors)
            for index, facts in enumerate(self.items(field))
        ]

    def attempt(self, field: str, check: Any, *arguments: Any) -> Any:
        """What a check of this field returns; None when it raised an InputError, which is noted here."""
        try:
            return check(*arguments)
        except InputError as error:
            self.refuse(field, error.reason)
            return None


def check_id(text: str, place: str) -> None:
    """InputError unless the text can be the last part of a resource's name."""
    check_name(text, place)
    if "/" in text or text == "-":
        raise InputError(place, f"{text!r} cannot be a name: '/' separates names, and '-' stands for all")

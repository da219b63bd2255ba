"""A collection of resources: what every noun says of itself.

Owns names and versions. Does not own what changes are made (`ocs.charging.resource.registrar`).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from hashlib import blake2b
from json import dumps
from typing import Any, ClassVar, Generic, TypeVar

from ocs.charging.resource.fact import Facts, check_id
from ocs.errors import InputError
from ocs.ports import AuditEntry

R = TypeVar("R")

Key = tuple[str, ...]
"The ids in a resource's name: of its parents, then its own."


class Collection(ABC, Generic[R]):
    """One kind of resource over the stores."""

    segments: ClassVar[tuple[str, ...]]
    "Collections in its name, such as tariffs and rates."
    title: ClassVar[str]
    "One of them, for people."
    fields: ClassVar[frozenset[str]]
    "What an update may set."
    fixed: ClassVar[frozenset[str]] = frozenset()
    "What is set on creation for good."

    def name_of(self, key: Key) -> str:
        """The name of a resource."""
        return "/".join(f"{segment}/{part}" for segment, part in zip(self.segments, key, strict=True))

    def key_of(self, name: str, place: str) -> Key:
        """The key in a name.

        Raises:
            InputError: it is no name of this collection.
        """
        parts = name.split("/")
        key = tuple(parts[1::2])
        if tuple(parts[::2]) != self.segments or len(key) != len(self.segments) or not all(key):
            example = "/".join(f"{segment}/{{id}}" for segment in self.segments)
            raise InputError(place, f"{name[:80]!r} is not a name such as {example}")
        return key

    def new_key(self, parent: Key, new_id: str, facts: Facts) -> Key:  # noqa: ARG002 - some derive it from facts
        """The key of a resource that is to be created.

        Raises:
            InputError: the id cannot be one.
        """
        check_id(new_id, "id")
        return (*parent, new_id)

    async def view(self, key: Key, record: R) -> dict[str, Any]:
        """All that may be told of a resource: name, facts, version, and what is output only."""
        facts = await self.facts(record)
        return {
            "name": self.name_of(key),
            **facts,
            **await self.output_facts(record),
            "etag": etag_of(facts),
        }

    async def output_facts(self, record: R) -> dict[str, Any]:  # noqa: ARG002 - most have none
        """What is told but cannot be set."""
        return {}

    async def resume(self, key: Key, facts: Facts) -> None:
        """Complete a creation that may have been interrupted; harmless when it was not."""

    @abstractmethod
    async def find(self, key: Key) -> R | None:
        """The record, None when there is none."""

    @abstractmethod
    async def page(self, filters: Facts, after: Key | None, limit: int) -> Sequence[tuple[Key, R]]:
        """Records in order of their keys, from the first behind `after`."""

    @abstractmethod
    async def facts(self, record: R) -> dict[str, Any]:
        """What was configured, without secrets."""

    @abstractmethod
    async def build(self, key: Key, facts: Facts, former: R | None) -> R:
        """The record that the facts say, in place of a former one.

        Raises:
            InputErrors: facts that cannot be, each by its field.
        """

    @abstractmethod
    async def write(self, record: R, former: R | None, audit: AuditEntry) -> None:
        """Keep the record with its audit entry, in place of the former one and no other.

        Raises:
            AlreadyExistsError: its name or the request id is taken.
            ConflictError: the former record was changed meanwhile.
        """

    @abstractmethod
    async def erase(self, record: R, audit: AuditEntry) -> None:
        """Delete exactly this record, with its audit entry.

        Raises:
            InUseError: something refers to it.
            ConflictError: it was changed meanwhile.
        """


def etag_of(facts: Facts) -> str:
    """The version of a resource: the same facts have the same."""
    text = dumps(facts, sort_keys=True, ensure_ascii=False)
    return blake2b(text.encode(), digest_size=8).hexdigest()


def behind(keys: Sequence[tuple[Key, R]], after: Key | None, limit: int) -> Sequence[tuple[Key, R]]:
    """A page of few records that are all at hand."""
    ordered = sorted(keys, key=lambda pair: pair[0])
    return [pair for pair in ordered if after is None or pair[0] > after][:limit]

"""A bounded cache with two generations: as cheap as a dict on a hit, O(1) amortised when it turns over.

New and recently used entries live in the young generation. When it is full it becomes the old one and the
previous old one is dropped, except for entries that must not be lost because their newest state is not
durable yet.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class GenerationCache(Generic[K, V]):
    """Mapping that holds at most about `max_entries`, forgetting what was not used for longest.

    Args:
        max_entries: bound of both generations together, >= 2.
        pinned: called at a turn-over; keys that must stay.
    """

    __slots__ = ("_half", "_old", "_pinned", "_young")

    def __init__(self, max_entries: int, pinned: Callable[[], Iterable[K]] = tuple) -> None:
        assert max_entries >= 2, max_entries
        self._half = max_entries // 2
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._pinned = pinned

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __iter__(self) -> Iterator[K]:
        yield from self._young
        yield from self._old

    def get(self, key: K) -> V | None:
        """The entry, or None; a hit keeps it for another generation."""
        value = self._young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Insert or replace."""
        if len(self._young) >= self._half and key not in self._young:
            self._turn_over()
        self._young[key] = value
        self._old.pop(key, None)

    def pop(self, key: K) -> V | None:
        """Remove and return the entry, or None."""
        value = self._young.pop(key, None)
        return value if value is not None else self._old.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._young.clear()
        self._old.clear()

    def _turn_over(self) -> None:
        kept = {key: self._old[key] for key in self._pinned() if key in self._old}
        self._old = self._young
        self._young = kept

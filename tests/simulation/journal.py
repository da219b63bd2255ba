"""What happened in a simulation, in order: a fingerprint of all of it and the last events as text."""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Sequence


class Journal:
    """Takes every event; keeps the newest ones and a hash of all."""

    def __init__(self, now_s: Callable[[], float], *, kept: int = 400) -> None:
        self._now_s = now_s
        self._tail: deque[str] = deque(maxlen=kept)
        self._hash = hashlib.sha256()
        self.counts: Counter[str] = Counter()
        "Events by what happened."

    def add(self, what: str, detail: str) -> None:
        """An event: what happened, one word, and to whom."""
        line = f"{self._now_s():10.3f} {what:<10} {detail}"
        self.counts[what] += 1
        self._tail.append(line)
        self._hash.update(line.encode())

    @property
    def fingerprint(self) -> str:
        """Equal for two runs exactly when everything happened the same."""
        return self._hash.hexdigest()

    def tail(self, count: int) -> Sequence[str]:
        """The newest events, oldest first."""
        return list(self._tail)[-count:]

"""Server time and identifiers."""

import time
from typing import Final

_STEP_MS: Final = 1_000
"A machine clock this far ahead of ours was stepped; smaller differences are jitter."


class SystemClock:
    """UTC that never steps back within a process and never stands still.

    It runs on the monotonic clock from the wall time at its start. When the machine's clock is stepped
    forward it follows; when that is stepped back it goes on, so that no grant is extended and nothing
    expires early (charging section 6).
    """

    __slots__ = ("_offset_ns",)

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.monotonic_ns()

    def now_ms(self) -> int:
        """Epoch milliseconds, UTC."""
        return (time.monotonic_ns() + self._offset_ns) // 1_000_000

    def follow(self) -> None:
        """Follow a forward step of the machine's clock; to be called now and then."""
        ahead_ns = time.time_ns() - time.monotonic_ns() - self._offset_ns
        if ahead_ns > _STEP_MS * 1_000_000:
            self._offset_ns += ahead_ns


class SnowflakeIds:
    """63-bit identifiers: 42 bits of milliseconds, 8 of node, 13 of counter; increasing within a process.

    Also from one process to the next when `after` is the greatest that is in use: the machine's clock may
    have been stepped back between them.
    """

    __slots__ = ("_last", "_node")

    def __init__(self, node: int = 0, *, after: int = 0) -> None:
        assert 0 <= node < 2**8, node
        self._node = node << 13
        self._last = after

    def next_id(self) -> int:
        """The next identifier. After 8192 in one millisecond it borrows from the next."""
        stamp = (time.time_ns() // 1_000_000) << 21 | self._node
        if stamp <= self._last:
            stamp = self._last + 1
            if stamp & 0x1FFF == 0:
                stamp = ((self._last >> 21) + 1) << 21 | self._node
        self._last = stamp
        return stamp

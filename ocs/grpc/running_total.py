"""Adds usage deltas up to cumulative usage, once per request number.

Owns the one piece of state that the gRPC edge has: totals of sessions that report deltas (RFC 8506 section
8.19). The books know cumulative usage only. The state is bounded, lives in memory and may be lost: a session
that is not known counts from 0, and `raise_to` catches up with the books, so that a loss can make one report
count less but can never charge anything twice.
"""

from collections import OrderedDict

from ocs.charging.request import Usage
from ocs.errors import AlreadyExistsError
from ocs.units import Measure


class _Tally:
    """Running total of one session, and the deltas that are in it by request number."""

    __slots__ = ("counted", "total")

    def __init__(self) -> None:
        self.total = Usage()
        self.counted: dict[int, Usage] = {}


class RunningTotals:
    """Running totals by (gateway id, session key); the least recently used is forgotten first."""

    def __init__(self, *, sessions_max: int = 100_000, numbers_max: int = 256) -> None:
        self._sessions_max = sessions_max
        self._numbers_max = numbers_max
        "Request numbers remembered per session: a replay of an older one has its answer in the books."
        self._tallies: OrderedDict[tuple[int, str], _Tally] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tallies)

    def add(self, key: tuple[int, str], request_number: int, delta: Usage) -> Usage:
        """Count `delta` if this request number was not counted before, and return the total.

        Raises:
            AlreadyExistsError: the number was counted before with another delta.
        """
        tally = self._tally(key)
        counted = tally.counted.get(request_number)
        if counted is None:
            self._remember(tally, request_number, delta)
            tally.total = Usage(*map(sum, zip(tally.total, delta, strict=True)))
        elif counted != delta:
            raise AlreadyExistsError(
                f"request {request_number} of {key[1]} reported another used_delta before"
            )
        return tally.total

    def set_total(self, key: tuple[int, str], request_number: int, *, total: Usage, delta: Usage) -> None:
        """A total came along with a delta: it holds, and later deltas count on top of it."""
        tally = self._tally(key)
        self._remember(tally, request_number, delta)
        tally.total = Usage(*map(max, zip(tally.total, total, strict=True)))

    def raise_to(self, key: tuple[int, str], measure: Measure, used_units: int) -> None:
        """Catch up with the books, which hold `used_units`: they remember what this process forgot."""
        tally = self._tallies.get(key)
        if tally is None:
            return
        total = tally.total
        if measure is Measure.SECONDS:
            tally.total = total._replace(seconds=max(total.seconds, used_units))
        elif measure is Measure.MESSAGES:
            tally.total = total._replace(messages=max(total.messages, used_units))
        else:
            # The books' share of each direction is not told; the price counts their sum.
            tally.total = total._replace(octets_in=max(total.octets_in, used_units - total.octets_out))

    def _remember(self, tally: _Tally, request_number: int, delta: Usage) -> None:
        if len(tally.counted) == self._numbers_max:
            del tally.counted[next(iter(tally.counted))]
        tally.counted[request_number] = delta

    def _tally(self, key: tuple[int, str]) -> _Tally:
        tally = self._tallies.get(key)
        if tally is not None:
            self._tallies.move_to_end(key)
            return tally
        if len(self._tallies) == self._sessions_max:
            self._tallies.popitem(last=False)
        tally = self._tallies[key] = _Tally()
        return tally

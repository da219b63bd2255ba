"""Orders that wait for their turn towards their gateway. Pure.

Owns: how many requests of ours a gateway has to deal with at once, and that one which does not answer keeps
nobody else waiting. Does not own: the requests themselves (`ocs.radius.dynauth`).
"""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from ocs.radius.dynauth import Order

WINDOW: Final = 256
"Requests under way to a gateway that answers."
PROBES: Final = 4
"The same to one that let the last one time out."
UNDER_WAY_MAX = 2_048
"Requests under way to all gateways."
WAITING_MAX = 65_536
"Orders that wait; further ones are refused."

Destination = tuple[str, int]
"Host and port."


class Errand(NamedTuple):
    """An order, and whether it is still wanted when its turn comes."""

    order: Order
    is_wanted: Callable[[], bool]


class _Lane:
    """What one gateway is asked."""

    __slots__ = ("under_way", "waiting", "window")

    def __init__(self) -> None:
        self.waiting: deque[Errand] = deque()
        self.under_way = 0
        self.window = WINDOW


class Lanes:
    """Orders by gateway, first come first served within each, the gateways in turn."""

    def __init__(self) -> None:
        self._lanes: dict[Destination, _Lane] = {}
        self.waiting = 0
        self.under_way = 0

    def put(self, errand: Errand) -> bool:
        """Queue an order; False when too many wait."""
        if self.waiting >= WAITING_MAX:
            return False
        destination = (errand.order.host, errand.order.port)
        self._lanes.setdefault(destination, _Lane()).waiting.append(errand)
        self.waiting += 1
        return True

    def take(self) -> Iterator[Order]:
        """Orders whose turn has come; each must be followed by `finish`. Unwanted ones are passed over."""
        turns = [item for item in self._lanes.items() if self._has_turn(item[1])]
        while turns:
            for destination, lane in turns:
                order = self._take_from(lane)
                if order is not None:
                    yield order
                self._drop_if_idle(destination, lane)
            turns = [item for item in turns if self._has_turn(item[1])]

    def _has_turn(self, lane: _Lane) -> bool:
        return bool(lane.waiting) and lane.under_way < lane.window and self.under_way < UNDER_WAY_MAX

    def _take_from(self, lane: _Lane) -> Order | None:
        while self._has_turn(lane):
            errand = lane.waiting.popleft()
            self.waiting -= 1
            if errand.is_wanted():
                lane.under_way += 1
                self.under_way += 1
                return errand.order
        return None

    def _drop_if_idle(self, destination: Destination, lane: _Lane) -> None:
        if not lane.under_way and not lane.waiting:
            self._lanes.pop(destination, None)

    def finish(self, destination: Destination, *, has_answered: bool) -> None:
        """A request has come to its end; an answer of any kind opens the lane, none closes it to probes."""
        lane = self._lanes[destination]
        lane.window = WINDOW if has_answered else PROBES
        lane.under_way -= 1
        self.under_way -= 1
        self._drop_if_idle(destination, lane)

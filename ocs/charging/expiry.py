"""Which sessions are open and when each falls silent for too long.

A heap with lazy corrections: a session's expiry moves at every report, the heap is only told again when the
old instant is reached, or when the new one is earlier. Holds keys, not sessions, so that 200,000 of them are
cheap.
"""

import heapq
from collections.abc import Sequence

OUTDATED_MAX = 10_000
"Outdated entries that the heap may have on top of as many as there are current ones."
SessionKey = tuple[int, str]
"(gateway id, session key)"


class ExpiryQueue:
    """Open sessions as the store has them, by gateway and by due time."""

    __slots__ = ("_doubts", "_heap", "_keys", "_queued")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, str]] = []
        self._keys: dict[int, dict[str, None]] = {}
        "By gateway, in the order of opening: what is done to all of them is done in an order that repeats."
        self._queued: dict[SessionKey, int] = {}
        "Under which instant each is in the heap; its other entries there are outdated."
        self._doubts: dict[SessionKey, int] = {}
        "When sessions whose commit may still arrive are looked at for the last time."

    def __len__(self) -> int:
        return sum(len(keys) for keys in self._keys.values())

    def opened(self, gateway_id: int, session_key: str, expires_at_ms: int) -> None:
        """A session is open and durable; calling it again at each of its commits is fine."""
        self._keys.setdefault(gateway_id, {})[session_key] = None
        queued_ms = self._queued.get((gateway_id, session_key))
        if queued_ms is None or expires_at_ms < queued_ms:
            self._queued[gateway_id, session_key] = expires_at_ms
            heapq.heappush(self._heap, (expires_at_ms, gateway_id, session_key))

    def closed(self, gateway_id: int, session_key: str) -> None:
        """A session is closed and durable; its heap entry is dropped when it comes up, or with many others.

        Memory follows the sessions that are open, not those that were within the longest silence.
        """
        self._keys.get(gateway_id, {}).pop(session_key, None)
        self._queued.pop((gateway_id, session_key), None)
        self._doubts.pop((gateway_id, session_key), None)
        if len(self._heap) > 2 * len(self._queued) + OUTDATED_MAX:
            self._heap = [(at_ms, *key) for key, at_ms in self._queued.items()]
            heapq.heapify(self._heap)

    def doubted(self, gateway_id: int, session_key: str, look_at_ms: int) -> None:
        """What became of a session's last commit is unknown: it is to be looked at, also at this instant."""
        self.opened(gateway_id, session_key, look_at_ms)
        key = (gateway_id, session_key)
        self._doubts[key] = max(look_at_ms, self._doubts.get(key, 0))

    def not_open(self, gateway_id: int, session_key: str, now_ms: int) -> None:
        """A look found no open session: it is forgotten, unless a later look was asked for.

        An earlier failure's look must not stand for that of a later one, whose commit may still arrive.
        """
        look_at_ms = self._doubts.get((gateway_id, session_key), 0)
        if look_at_ms > now_ms:
            self.opened(gateway_id, session_key, look_at_ms)
        else:
            self.closed(gateway_id, session_key)

    def of_gateway(self, gateway_id: int) -> Sequence[str]:
        """Keys of the gateway's open sessions."""
        return tuple(self._keys.get(gateway_id, ()))

    def due(self, now_ms: int, limit: int) -> list[SessionKey]:
        """Take up to `limit` sessions whose queued instant has come; open ones must be looked at.

        Whoever takes one reports back with `opened` (it lives on, with its later instant) or `closed`.
        """
        taken: list[SessionKey] = []
        while self._heap and self._heap[0][0] <= now_ms and len(taken) < limit:
            at_ms, gateway_id, session_key = heapq.heappop(self._heap)
            if self._queued.get((gateway_id, session_key)) != at_ms:
                continue
            del self._queued[gateway_id, session_key]
            if session_key in self._keys.get(gateway_id, ()):
                taken.append((gateway_id, session_key))
        return taken

"""Trails: where the runs of a session that is split by price sets stood, so that nothing is walked twice.

Owns the cost of split sessions and how far money reaches in them, each in a few steps whatever the session's
length once it has been asked about. Does not own the runs themselves (`ocs.rating.run`). Rating section 3.

A split session changes its price set at every boundary that it crosses. The runs up to a boundary are the
same whatever comes after it; a trail keeps how they stood there. Trails are kept for the sessions that were
asked about last, and hold nothing that could not be walked again: keeping them changes no result. For one
thread.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from ocs.rating.applied import AppliedRate
from ocs.rating.run import START, Run, Standing, walk_runs

TRAILS_MAX = 4_096
"Sessions whose trails are kept, the last begun ones."

STANDINGS_MAX = 2_048
"Boundaries that one trail keeps; beyond the last of them runs are walked each time."


class Trail:
    """One session's standings, in the order of time."""

    __slots__ = ("_applied", "_positions", "_spents", "_standings", "_start_s", "_zone")

    def __init__(self, applied: AppliedRate, *, start_s: int, zone: ZoneInfo) -> None:
        self._applied = applied
        self._start_s = start_s
        self._zone = zone
        self._standings = [START]
        self._positions = [START.position_s]
        self._spents = [START.spent]

    def cost(self, seconds: int) -> int:
        """The numerator of what `seconds` (>= 1) cost."""
        standing = self._standings[bisect_left(self._positions, seconds) - 1]
        position, block, spent = standing
        for item, blocks, each in self._runs(seconds, standing):
            spent += blocks * each
            if item.size:
                if item.units:
                    block = position + (blocks - 1) * item.size
                position += blocks * item.size
                if position < seconds:
                    self._keep(Standing(position, block, spent))
        return spent

    def reach(self, room: int, total_s: int) -> int:
        """How far `room` (>= 0), a numerator, pays, in seconds; `total_s` (>= 1) when to there."""
        index = min(bisect_left(self._positions, total_s), bisect_right(self._spents, room)) - 1
        standing = self._standings[index]
        position, block, spent = standing
        for item, blocks, each in self._runs(total_s, standing):
            due = blocks * each
            if due > room - spent:
                return position + (room - spent) // each * item.size
            spent += due
            if item.size:
                if item.units:
                    block = position + (blocks - 1) * item.size
                position += blocks * item.size
                if position < total_s:
                    self._keep(Standing(position, block, spent))
        return total_s

    def _runs(self, seconds: int, standing: Standing) -> Iterator[Run]:
        return walk_runs(
            self._applied, seconds, None, start_s=self._start_s, zone=self._zone, standing=standing
        )

    def _keep(self, standing: Standing) -> None:
        """Remember where a run ended that the end of the usage did not cut short."""
        positions = self._positions
        if standing.position_s > positions[-1] and len(positions) < STANDINGS_MAX:
            self._standings.append(standing)
            positions.append(standing.position_s)
            self._spents.append(standing.spent)


_trails: OrderedDict[tuple[AppliedRate, int, ZoneInfo], Trail] = OrderedDict()


def trail_of(applied: AppliedRate, *, start_s: int, zone: ZoneInfo) -> Trail:
    """The trail of the session that began at `start_s`."""
    key = (applied, start_s, zone)
    trail = _trails.get(key)
    if trail is None:
        if len(_trails) >= TRAILS_MAX:
            del _trails[next(iter(_trails))]
        trail = _trails[key] = Trail(applied, start_s=start_s, zone=zone)
    return trail

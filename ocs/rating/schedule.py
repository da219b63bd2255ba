"""Schedules: which price set is valid at an instant, and until when.

Owns: instants to price sets through time zones and daylight saving time, and the rules by which a whole
session gets one set (`off_peak_when`). Does not own the syntax of periods (`ocs.rating.period`). Rating
section 3.

A day of UTC is laid out once per zone as a list of boundaries and then kept, so that looking an instant up is
one bisection. Days are laid out from their dates and offsets alone: keeping them changes no result.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ocs.rating.period import Period, Span
from ocs.rating.tariff import OffPeakWhen, Rate, TariffTerms

PEAK: Final = 0
_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600
_DAYS_MAX = 4_096
"Laid out days that one schedule keeps before it starts afresh."


class _Day(NamedTuple):
    """One UTC day in one zone: stretches in order, each with its price set and its end (epoch seconds)."""

    starts: list[int]
    sets: list[int]
    ends: list[int]


class Schedule:
    """When each of a rate's price sets is valid. Shared by all rates that have the same periods."""

    __slots__ = ("_days", "_periods", "possible")

    def __init__(self, periods: tuple[Period, ...]) -> None:
        self._periods = periods
        self._days: dict[tuple[ZoneInfo, int], _Day] = {}
        self.possible: tuple[int, ...] = _possible_sets(periods)
        "The sets that some instant has, as far as the periods say so at sight."

    @classmethod
    def of(cls, terms: TariffTerms, rate: Rate) -> "Schedule":
        """The schedule of a rate's off-peak sets; one without a period has the tariff's of the same place."""
        defaults = (*terms.off_peak_periods, "none", "none")
        texts = tuple(
            defaults[place] if off_peak.period is None else off_peak.period
            for place, off_peak in enumerate(rate.off_peak)
        )
        return _shared(texts)

    def period(self, set_index: int) -> Period:
        """The period of an off-peak set, 1 or 2."""
        return self._periods[set_index - 1]

    def set_at(self, at_s: int, zone: ZoneInfo) -> int:
        """The price set that is valid at an instant (epoch seconds)."""
        return self.stretch(at_s, zone)[0]

    def stretch(self, at_s: int, zone: ZoneInfo) -> tuple[int, int]:
        """The set that is valid at an instant, and a later instant until which it certainly stays so."""
        key = (zone, at_s // _DAY_S)
        day = self._days.get(key)
        if day is None:
            if len(self._days) >= _DAYS_MAX:
                self._days.clear()
            day = self._days[key] = self._lay_out(key[1], zone)
        index = bisect_right(day.starts, at_s) - 1
        return day.sets[index], day.ends[index]

    def settled_set(self, when: OffPeakWhen, *, start_s: int, end_s: int, zone: ZoneInfo) -> int:
        """The one set of a session whose end is known; not for `SPLIT`, which has one per stretch."""
        if when is OffPeakWhen.FINISHES:
            return self.set_at(end_s, zone)
        at_start = self.set_at(start_s, zone)
        if when is OffPeakWhen.BOTH and at_start and self.set_at(end_s, zone) != at_start:
            return PEAK
        return at_start

    def open_sets(self, when: OffPeakWhen, *, start_s: int, zone: ZoneInfo) -> tuple[int, ...]:
        """The sets that a session whose end is not known yet may still get; not for `SPLIT`.

        A session may last into any later period, so only what no end could bring about is left out.
        """
        if when is OffPeakWhen.FINISHES:
            return self.possible
        at_start = self.set_at(start_s, zone)
        if when is OffPeakWhen.BOTH and at_start and self.possible != (at_start,):
            return (PEAK, at_start)
        return (at_start,)

    def _lay_out(self, utc_day: int, zone: ZoneInfo) -> _Day:
        """Cut a UTC day where the clock is changed, at local midnights and at the periods' boundaries."""
        day = _Day([], [], [])
        for begin_s, end_s, offset_s in _steady_stretches(utc_day, zone):
            at_s = begin_s
            while at_s < end_s:
                local_day, second = divmod(at_s + offset_s, _DAY_S)
                midnight_s = local_day * _DAY_S - offset_s
                for until, set_index in _day_sets(self._periods, local_day):
                    if until > second and at_s < end_s:
                        until_s = min(midnight_s + until, end_s)
                        _append(day, at_s, until_s, set_index)
                        at_s = until_s
        return day


def _append(day: _Day, at_s: int, until_s: int, set_index: int) -> None:
    if day.sets and day.sets[-1] == set_index:
        day.ends[-1] = until_s
        return
    day.starts.append(at_s)
    day.sets.append(set_index)
    day.ends.append(until_s)


@lru_cache(maxsize=1024)
def _shared(texts: tuple[str, ...]) -> Schedule:
    return Schedule(tuple(Period.parse(text, f"off-peak period {n}") for n, text in enumerate(texts, 1)))


@lru_cache(maxsize=4096)
def _day_sets(periods: tuple[Period, ...], local_day: int) -> tuple[tuple[int, int], ...]:
    """A local day (days since 1970) as (until second, set) in order; the first period that holds wins."""
    day = date.fromordinal(_EPOCH_ORDINAL + local_day)
    spans = [period.spans_on(day) for period in periods]
    cuts = sorted({_DAY_S, *(cut for of_period in spans for span in of_period for cut in span)} - {0})
    sets = []
    begin = 0
    for until in cuts:
        holding = (index for index, of_period in enumerate(spans, 1) if _covers(of_period, begin))
        sets.append((until, next(holding, PEAK)))
        begin = until
    return tuple(sets)


def _covers(spans: tuple[Span, ...], second: int) -> bool:
    index = bisect_right(spans, (second, _DAY_S)) - 1
    return index >= 0 and second < spans[index][1]


_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


def _possible_sets(periods: tuple[Period, ...]) -> tuple[int, ...]:
    possible = []
    for index, period in enumerate(periods, 1):
        if not period.is_never:
            possible.append(index)
        if period.is_always:
            return tuple(possible)
    return (PEAK, *possible)


def _steady_stretches(utc_day: int, zone: ZoneInfo) -> list[tuple[int, int, int]]:
    """A UTC day as (from, until, offset from UTC), cut where the offset changes; epoch seconds."""
    begin_s = utc_day * _DAY_S
    stretches = [(begin_s, begin_s + _DAY_S, _offset_s(begin_s, zone))]
    for hour_s in range(begin_s + _HOUR_S, begin_s + _DAY_S + 1, _HOUR_S):
        since_s, until_s, offset_s = stretches[-1]
        changed = _offset_s(hour_s, zone)
        if changed != offset_s:
            at_s = _change_s(hour_s - _HOUR_S, hour_s, zone)
            if at_s < until_s:
                stretches[-1] = (since_s, at_s, offset_s)
                stretches.append((at_s, until_s, changed))
    return stretches


def _change_s(before_s: int, after_s: int, zone: ZoneInfo) -> int:
    """The first second after `before_s` with the offset that `after_s` has."""
    offset_s = _offset_s(after_s, zone)
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        if _offset_s(middle_s, zone) == offset_s:
            after_s = middle_s
        else:
            before_s = middle_s
    return after_s


def _offset_s(at_s: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at_s, UTC).astimezone(zone).utcoffset()
    assert offset is not None, zone
    return round(offset.total_seconds())

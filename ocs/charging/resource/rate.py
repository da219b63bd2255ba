"""Rates as resources: one destination of one tariff from one instant on.

A rate that is in force has priced sessions: it is never deleted, and what replaces it begins later.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from ocs.charging.resource.collection import Collection, Key
from ocs.charging.resource.fact import INSTANT_MAX_MS, FactReader, Facts
from ocs.charging.resource.price_set import price_facts, read_prices
from ocs.charging.resource.tariff import check_period
from ocs.charging.tariff_book import find_terms
from ocs.errors import InputError
from ocs.ports import AuditEntry, CatalogStore, Clock
from ocs.rating.applied import AppliedRate
from ocs.rating.destination import ANY, parse_destination
from ocs.rating.directory import DestinationInfo
from ocs.rating.index import to_rate, version_at
from ocs.rating.tariff import OffPeak, Rate, TariffTerms
from ocs.units import DATA, MESSAGES, MILLIS_PER_SECOND, VOICE

OFF_PEAKS_MAX: Final = 2
_UNIT_SERVICES: Final = {"NETACCESS": DATA, "MSG": MESSAGES, "MSGN": MESSAGES}
_FLAGS: Final = ("payback", "hidden", "discontinued", "forbidden")


class RateRecord(NamedTuple):
    """A rate in its tariff."""

    terms: TariffTerms
    rate: Rate


class Rates(Collection[RateRecord]):
    """What destinations cost."""

    segments = ("tariffs", "rates")
    title = "rate"
    fixed = frozenset({"destination", "effective_time"})
    fields = frozenset({"peak", "off_peaks", *_FLAGS})

    def __init__(self, catalog: CatalogStore, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    @property
    def _now_s(self) -> int:
        return self._clock.now_ms() // MILLIS_PER_SECOND

    def new_key(self, parent: Key, new_id: str, facts: Facts) -> Key:  # noqa: ARG002 - its facts identify it
        """A rate is known by its destination and its instant; a past one is taken as now."""
        destination = parse_destination(str(facts.get("destination") or ""), "destination")
        at_ms = int(facts.get("effective_time") or 0)
        if at_ms > INSTANT_MAX_MS:
            raise InputError("effective_time", "is behind all calendars")
        return (*parent, rate_id(destination, max(self._now_s, at_ms // MILLIS_PER_SECOND)))

    async def find(self, key: Key) -> RateRecord | None:
        """The rate with this destination and instant."""
        terms = await find_terms(self._catalog, key[0])
        destination, effective_from_s = _parts(key[1])
        tariff = await self._catalog.load_tariff(terms, destinations=[destination])
        for version in tariff.history(destination):
            if version.effective_from_s == effective_from_s:
                return RateRecord(terms, to_rate(destination, version))
        return None

    async def page(self, filters: Facts, after: Key | None, limit: int) -> Sequence[tuple[Key, RateRecord]]:
        """Rates of one `tariff` by destination and instant; `ocs.rating.search` finds them faster."""
        terms = await find_terms(self._catalog, str(filters["tariff"]))
        last = None if after is None else _parts(after[1])
        found: list[tuple[Key, RateRecord]] = []
        async for chunk in self._catalog.stream_rates(terms.id):
            for rate in chunk:
                place = (rate.destination, rate.effective_from_s)
                if (last is None or place > last) and len(found) < limit:
                    found.append(((terms.name, rate_id(*place)), RateRecord(terms, rate)))
        return found

    async def facts(self, record: RateRecord) -> dict[str, Any]:
        """Destination, instant, prices and flags."""
        rate = record.rate
        return {
            "destination": rate.destination,
            "effective_time": rate.effective_from_s * MILLIS_PER_SECOND,
            "peak": price_facts(rate.peak),
            "off_peaks": [
                {"prices": price_facts(one.prices), "period": _period_text(one.period)}
                for one in rate.off_peak
            ],
            **{flag: getattr(rate, flag) for flag in _FLAGS},
        }

    async def output_facts(self, record: RateRecord) -> dict[str, Any]:
        """What the directory says of the destination."""
        for info in await self._catalog.load_destinations():
            if info.prefix == record.rate.destination:
                return directory_facts(info)
        return {}

    async def build(self, key: Key, facts: Facts, former: RateRecord | None) -> RateRecord:
        """The rate that the facts say."""
        terms = former.terms if former else await find_terms(self._catalog, key[0])
        destination, effective_from_s = _parts(key[1])
        reader = FactReader(facts)
        if former is not None and effective_from_s <= self._now_s:
            reader.refuse("effective_time", "the rate is in force: create one that begins later instead")
        peak = read_prices(reader.within("peak"))
        off_peaks = reader.each("off_peaks")
        if len(off_peaks) > OFF_PEAKS_MAX:
            reader.refuse("off_peaks", f"{len(off_peaks)} of them: up to {OFF_PEAKS_MAX}")
        rate = Rate(
            destination=destination,
            effective_from_s=effective_from_s,
            peak=peak,
            off_peak=tuple(_read_off_peak(one) for one in off_peaks),
            **{flag: reader.flag(flag) for flag in _FLAGS},
        )
        reader.finish()
        AppliedRate(terms, rate, _UNIT_SERVICES.get(destination, VOICE))  # refuses what could price nothing
        return RateRecord(terms, rate)

    async def write(self, record: RateRecord, former: RateRecord | None, audit: AuditEntry) -> None:  # noqa: ARG002
        """Keep a rate."""
        await self._catalog.write_rates(record.terms.id, [record.rate], audit=audit)

    async def erase(self, record: RateRecord, audit: AuditEntry) -> None:
        """Take a rate back: one to come changes nothing when it comes, one in force is discontinued."""
        terms, rate = record
        tariff = await self._catalog.load_tariff(terms, destinations=[rate.destination])
        others = tuple(
            one for one in tariff.history(rate.destination) if one.effective_from_s != rate.effective_from_s
        )
        if rate.effective_from_s <= self._now_s:
            written = replace(rate, effective_from_s=self._now_s, discontinued=True)
        else:
            before = version_at(others, rate.effective_from_s)
            written = replace(rate, discontinued=True)
            if before is not None:
                written = to_rate(rate.destination, before._replace(effective_from_s=rate.effective_from_s))
        await self._catalog.write_rates(terms.id, [written], audit=audit)


def rate_id(destination: str, effective_from_s: int) -> str:
    """The last part of a rate's name; any number is written as a word, because `|` stands in no name."""
    return f"{'any' if destination == ANY else destination}-{effective_from_s}"


def directory_facts(info: DestinationInfo) -> dict[str, Any]:
    """What an entry of the destination directory says."""
    return {
        "description": info.description,
        "country": info.country,
        "country_code": info.iso,
        "mcc": info.mcc,
        "mnc": info.mnc,
        "group": info.group,
    }


def _parts(key: str) -> tuple[str, int]:
    """Destination and instant of a rate's id; no rate has those of a text that is none."""
    word, _, instant = key.rpartition("-")
    digits = (
        instant if instant.isascii() and instant.isdigit() and len(instant) <= len("9999999999999") else "-1"
    )
    return ANY if word == "any" else word, int(digits)


def _period_text(period: str | None) -> str:
    """Empty stands for the tariff's own period, so one that always holds says so in another way."""
    return "" if period is None else period or "hr{0-23}"


def _read_off_peak(reader: FactReader) -> OffPeak:
    period = reader.text("period", characters_max=1000) or None
    if period is not None:
        check_period(reader, "period", period)
    return OffPeak(prices=read_prices(reader.within("prices")), period=period)

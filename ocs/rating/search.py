"""Finding rates for people: by destination, place, date and status.

Owns what a filter means. Does not own pricing lookups, which must be fast (`ocs.rating.index`). Rating
section 9.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from ocs.errors import InputError
from ocs.rating.destination import ANY, is_special, parse_destination
from ocs.rating.directory import DestinationInfo, Directory
from ocs.rating.index import Tariff, to_rate, version_at
from ocs.rating.tariff import Rate

__all__ = ["DestinationInfo", "Directory", "RateFilter", "search"]

_STATUSES: Final = ("discontinued", "forbidden", "hidden", "payback")
_WILD: Final = re.compile(r"[*?\[]")
_NOWHERE: Final = DestinationInfo(prefix="")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateFilter:
    """What rates must satisfy, all of it; empty and None ask for nothing."""

    number: str = ""
    "Only the one rate that would apply to this number at `effective_at_s`."
    prefix: str = ""
    "Destinations that begin with it."
    destination: str = ""
    "Rate code: a destination, or a pattern with ``*`` and ``?``, in any case."
    country: str = ""
    "Name or ISO code in the directory, in any case."
    mcc: str = ""
    mnc: str = ""
    group: str = ""
    "Destination group, in any case."
    effective_at_s: int | None = None
    "Only the version of each destination that is in force then (discontinued ones too, they are a version)."
    effective_before_s: int | None = None
    "Versions that begin earlier."
    effective_after_s: int | None = None
    "Versions that begin later."
    discontinued: bool | None = None
    forbidden: bool | None = None
    hidden: bool | None = None
    payback: bool | None = None
    special: bool | None = None
    "Special destinations only (True), prefixes only (False)."

    def __post_init__(self) -> None:
        if self.number and self.effective_at_s is None:
            raise InputError("number", "needs an instant: which rate applies depends on when")

    def candidates(self) -> Collection[str] | None:
        """The destinations that alone can satisfy it; None: any may.

        Whoever searches a large tariff need not load the others.
        """
        if self.number:
            return (ANY, *(self.number[:length] for length in range(1, len(self.number) + 1)))
        if self.destination and not _WILD.search(self.destination):
            return (parse_destination(self.destination),)
        return None

    def matches(self, rate: Rate, info: DestinationInfo | None = None) -> bool:
        """Whether a rate satisfies all that can be told from it alone.

        `number`, and whether a newer version is in force at `effective_at_s`, only `search` can tell.

        Args:
            rate: the rate.
            info: what the directory says of its destination.
        """
        return (
            self._matches_destination(rate.destination)
            and self._matches_info(info or _NOWHERE)
            and self._matches_instant(rate.effective_from_s)
            and all(getattr(self, status) in (None, getattr(rate, status)) for status in _STATUSES)
        )

    def matches_entry(self, info: DestinationInfo) -> bool:
        """Whether an entry of the directory satisfies what is asked of destinations; flags are not its."""
        return self._matches_destination(info.prefix) and self._matches_info(info)

    def _matches_destination(self, destination: str) -> bool:
        return (
            destination.startswith(self.prefix)
            and (not self.destination or fnmatchcase(destination.casefold(), self.destination.casefold()))
            and self.special in (None, is_special(destination))
        )

    def _matches_info(self, info: DestinationInfo) -> bool:
        return (
            (not self.country or self.country.casefold() in (info.country.casefold(), info.iso.casefold()))
            and self.mcc in ("", info.mcc)
            and self.mnc in ("", info.mnc)
            and (not self.group or self.group.casefold() == info.group.casefold())
        )

    def _matches_instant(self, effective_from_s: int) -> bool:
        return (
            (self.effective_at_s is None or effective_from_s <= self.effective_at_s)
            and (self.effective_before_s is None or effective_from_s < self.effective_before_s)
            and (self.effective_after_s is None or effective_from_s > self.effective_after_s)
        )


def search(tariff: Tariff, wanted: RateFilter, directory: Directory | None = None) -> Iterator[Rate]:
    """Yield the matching rates: special destinations first, then prefixes, versions ascending.

    Without a directory nothing has a country, network or group.
    """
    for rate in _candidates(tariff, wanted):
        if wanted.matches(rate, None if directory is None else directory.find(rate.destination)):
            yield rate


def _candidates(tariff: Tariff, wanted: RateFilter) -> Iterator[Rate]:
    """The rates that depend on other rates of the tariff, or all of them."""
    at_s = wanted.effective_at_s
    if at_s is None:
        yield from tariff.rates()
    elif wanted.number:
        found = tariff.find(wanted.number, at_s)
        if found is not None:
            yield found
    else:
        for destination in tariff.destinations():
            version = version_at(tariff.history(destination), at_s)
            if version is not None:
                yield to_rate(destination, version)

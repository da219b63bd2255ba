"""A tariff compiled for lookups: the longest prefix that is priced at an instant.

Owns the compact form of up to millions of rates and the search in it. Does not own which of several lookups
a request makes (`ocs.rating.selection`). Rating sections 1 and 2.

The form: dicts from destination to a *version*, everything a rate says besides its destination. Versions are
shared by all destinations that say the same, so a million rates are a million strings and a few thousand
objects: half the memory of a million `Rate` objects, and nothing for the garbage collector to walk through
while requests wait. There is one dict for all prefixes that begin with the same four digits, a *shard*: what
a lookup probes stays in the processor's cache, only lengths that occur there are probed, and a tariff can be
put together and taken apart in small steps. Figures: `benchmarks/rating_lookup.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

from ocs.rating.applied import AppliedRate
from ocs.rating.destination import (
    ANY,
    DEFAULT,
    INCOMINGN,
    INCOMINGNR,
    INCOMINGNRX,
    MSGN,
    VOICEONNET,
    VOICEONNETR,
    VOICEONNETRX,
    is_special,
    parse_destination,
)
from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms
from ocs.units import Service

SHARD_DIGITS: Final = 4
"Prefixes that have the first so many digits in common are kept together; shorter ones are all in one shard."

APPLIED_MAX = 16_384
"A tariff keeps at least as many compiled rates, the last used ones, and at most twice as many; 2 KB each."

_ON_NET: Final = (VOICEONNET, VOICEONNETR, VOICEONNETRX, INCOMINGN, INCOMINGNR, INCOMINGNRX, MSGN)


@final
class Version(NamedTuple):
    """What a rate says besides its destination: the same fields as `Rate`."""

    effective_from_s: int
    peak: PriceSet
    off_peak: tuple[OffPeak, ...]
    payback: bool
    hidden: bool
    discontinued: bool
    forbidden: bool

    @classmethod
    def of(cls, rate: Rate) -> "Version":
        """Take the destination off a rate."""
        return cls(
            rate.effective_from_s,
            rate.peak,
            rate.off_peak,
            rate.payback,
            rate.hidden,
            rate.discontinued,
            rate.forbidden,
        )


History = tuple[Version, ...]
"Versions of one destination, ascending by instant, at most one per instant."

Entry = Version | History
"What is kept of a destination: most have one version."


class Match(NamedTuple):
    """A destination that is priced at the instant asked for, and its version in force."""

    destination: str
    version: Version

    @property
    def rate(self) -> Rate:
        """The match as a rate."""
        return to_rate(self.destination, self.version)


_new_tuple: Final = tuple.__new__
"Makes a `Match` in half the time of its own constructor."


def to_rate(destination: str, version: Version) -> Rate:
    """Put a destination in front of a version."""
    return Rate(
        destination=destination,
        effective_from_s=version.effective_from_s,
        peak=version.peak,
        off_peak=version.off_peak,
        payback=version.payback,
        hidden=version.hidden,
        discontinued=version.discontinued,
        forbidden=version.forbidden,
    )


def version_at(history: History, at_s: int) -> Version | None:
    """The newest version not in the future of `at_s`, discontinued or not."""
    for version in reversed(history):
        if version.effective_from_s <= at_s:
            return version
    return None


@dataclass(slots=True)
class _Compiled:
    """Applied rates, bounded: a full generation becomes the old one and the one before is forgotten."""

    fresh: dict[tuple[str, int, str], AppliedRate]
    old: dict[tuple[str, int, str], AppliedRate]
    models: dict[tuple[int, str], tuple[Version, AppliedRate]]
    """The rate that was compiled first of each version, by the version's identity and service. Very many
    rates share few versions, and the version is kept with it, so that its identity stays its own."""

    def recall(self, key: tuple[str, int, str]) -> AppliedRate | None:
        """What the old generation has, which makes it fresh."""
        found = self.old.get(key)
        if found is not None:
            self.put(key, found)
        return found

    def put(self, key: tuple[str, int, str], applied: AppliedRate) -> None:
        if len(self.fresh) >= APPLIED_MAX:
            self.old, self.fresh = self.fresh, {}
        self.fresh[key] = applied


class RateChunk(NamedTuple):
    """Some rates of a tariff, as a store hands over very many of them."""

    said: Sequence[Sequence[Any]]
    "What rates say besides their destination, in the store's layout; only what no chunk before has said."
    destinations: Sequence[str]
    numbers: Sequence[int]
    "For each destination which of all that was said so far it has, counted from 0 through all chunks."


class Tariff:
    """An immutable snapshot of one tariff, shared by all lookups. Make it with `build` or `build_chunks`."""

    __slots__ = (
        "_compiled",
        "_default",
        "_rate_count",
        "_shards",
        "_short",
        "_special",
        "has_on_net",
        "terms",
    )

    def __init__(self, terms: TariffTerms, versions: "_Versions") -> None:
        self.terms = terms
        self._shards = versions.shards
        self._short = versions.short
        self._special = versions.special
        self._rate_count = versions.rate_count
        self._default = _default_match(terms)
        self._compiled = _Compiled({}, {}, {})
        self.has_on_net = any(name in self._special for name in _ON_NET)
        "Whether it prices on-net traffic apart, so that somebody must find out who is called."

    @classmethod
    def build(cls, terms: TariffTerms, rates: Iterable[Rate]) -> "Tariff":
        """Compile rates in any order; of two for one destination and instant the later one counts."""
        versions = _Versions()
        for rate in rates:
            versions.add(rate.destination, Version.of(rate))
        return cls(terms, versions)

    @classmethod
    def build_chunks(
        cls,
        terms: TariffTerms,
        chunks: Iterable[RateChunk],
        decode: Callable[[Sequence[Any]], Version],
    ) -> "Tariff":
        """Compile what a store hands over, much faster than `build`.

        Args:
            terms: what the tariff says besides its rates.
            chunks: all rates; of two for one destination and instant the later one counts.
            decode: makes a version of what a rate says. It is asked once for all rates that say the same.
        """
        versions = _Versions()
        said: list[Version] = []
        for chunk in chunks:
            said.extend(versions.shared(decode(columns)) for columns in chunk.said)
            for destination, number in zip(chunk.destinations, chunk.numbers, strict=True):
                versions.add_shared(destination, said[number])
        return cls(terms, versions)

    def __len__(self) -> int:
        """Rates, all versions counted."""
        return self._rate_count

    def find(self, destination_or_number: str, at_s: int) -> Rate | None:
        """Return the rate of the longest prefix in force at `at_s`, else the one for any number.

        A discontinued rate is absent, a forbidden one is returned. A special destination (in any case)
        matches only itself. The tariff's default price is not a rate and is not looked at.
        """
        match = self.longest_prefix(destination_or_number, at_s)
        if match is None and is_special(destination_or_number):
            return self.special(destination_or_number, at_s)
        match = match or self.exact(ANY, at_s)
        return None if match is None else match.rate

    def special(self, name: str, at_s: int) -> Rate | None:
        """Return the rate of exactly this special destination (in any case), in force at `at_s`.

        Raises:
            InputError: no such destination.
        """
        match = self.exact(parse_destination(name), at_s)
        return None if match is None else match.rate

    def longest_prefix(self, number: str, at_s: int) -> Match | None:
        """The longest prefix of `number` in force at `at_s`; never a special destination."""
        shard = self._shards.get(number[:SHARD_DIGITS])
        match = None if shard is None else shard.longest_prefix(number, at_s)
        return self._short.longest_prefix(number, at_s) if match is None else match

    def exact(self, destination: str, at_s: int) -> Match | None:
        """Exactly this destination, spelled as it is kept, in force at `at_s`."""
        entry = self._entry(destination)
        version = None if entry is None else _in_force(entry, at_s)
        return None if version is None else Match(destination, version)

    def _entry(self, destination: str) -> "Entry | None":
        entry = self._special.get(destination)
        if entry is None:
            shard = self._shards.get(destination[:SHARD_DIGITS], self._short)
            entry = shard.entries.get(destination)
        return entry

    @property
    def default(self) -> Match | None:
        """The tariff's default price as a match of `ocs.rating.destination.DEFAULT`."""
        return self._default

    def applied(self, rate: Rate, service: Service) -> AppliedRate:
        """Compile one of this tariff's rates for a service, or return what was compiled before."""
        return self.apply(Match(rate.destination, Version.of(rate)), service)

    def apply(self, match: Match, service: Service) -> AppliedRate:
        """`applied` for a match: no rate is made when it was compiled before."""
        key = (match.destination, match.version.effective_from_s, service.name)
        found = self._compiled.fresh.get(key) or self._compiled.recall(key)
        if found is None:
            found = self._compile(match, service)
            self._compiled.put(key, found)
        return found

    def _compile(self, match: Match, service: Service) -> AppliedRate:
        """Compile a rate, or take over what was compiled for another destination of the same version."""
        models = self._compiled.models
        key = (id(match.version), service.name)
        model = models.get(key)
        if model is not None and model[0] is match.version:
            return model[1].renamed(match.rate)
        found = AppliedRate(self.terms, match.rate, service)
        if len(models) >= APPLIED_MAX:
            models.clear()
        models[key] = (match.version, found)
        return found

    def history(self, destination: str) -> History:
        """All versions of exactly this destination."""
        entry = self._entry(destination)
        if entry is None:
            return ()
        return (entry,) if type(entry) is Version else entry

    def destinations(self) -> Iterator[str]:
        """Every destination, special ones first, then prefixes in the order of text."""
        yield from sorted(self._special)
        for key in sorted({*self._short.entries, *self._shards}):
            shard = self._shards.get(key)
            if shard is None:
                yield key
            else:
                yield from sorted(shard.entries)

    def rates(self) -> Iterator[Rate]:
        """Every rate, by destination as in `destinations`, then by instant."""
        for destination in self.destinations():
            for version in self.history(destination):
                yield to_rate(destination, version)

    def dismantle(self) -> Iterator[None]:
        """Give the memory back bit by bit, in steps of well below a millisecond. Nobody may ask it any more.

        Letting go of a million rates at once stops the process for a tenth of a second.
        """
        while self._shards:
            self._shards.popitem()
            yield
        for generation in (self._compiled.fresh, self._compiled.old, self._compiled.models):
            while generation:
                generation.popitem()
                yield


class _Shard:
    """Prefixes that begin alike, or that are short."""

    __slots__ = ("entries", "lengths")

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.lengths: tuple[int, ...] = ()
        "Those that prefixes have here, longest first."

    def longest_prefix(self, number: str, at_s: int) -> Match | None:
        entry_of = self.entries.get
        for length in self.lengths:
            # Of a number that is shorter this is all of it: what covers it whole is longest.
            prefix = number[:length]
            entry = entry_of(prefix)
            if entry is not None and (version := _in_force(entry, at_s)) is not None:
                return _new_tuple(Match, (prefix, version))
        return None


class _Versions:
    """The compact form while it grows."""

    __slots__ = ("_histories", "_parts", "_shared", "rate_count", "shards", "short", "special")

    def __init__(self) -> None:
        self.shards: dict[str, _Shard] = {}
        "By the first `SHARD_DIGITS` of their prefixes."
        self.short = _Shard()
        self.special: dict[str, Entry] = {}
        self.rate_count = 0
        self._shared: dict[Version, Version] = {}
        self._parts: dict[Any, Any] = {}
        self._histories: dict[History, History] = {}

    def add(self, destination: str, version: Version) -> None:
        self.add_shared(destination, self.shared(version))

    def shared(self, version: Version) -> Version:
        """The one object for all that is equal to `version`."""
        found = self._shared.get(version)
        if found is None:
            peak = self._parts.setdefault(version.peak, version.peak)
            off_peak = self._parts.setdefault(version.off_peak, version.off_peak)
            found = version._replace(peak=peak, off_peak=off_peak)
            self._shared[found] = found
        return found

    def add_shared(self, destination: str, version: Version) -> None:
        entries = self._entries_for(destination)
        entry = entries.get(destination)
        if entry is None:
            entries[destination] = version
            self.rate_count += 1
            return
        history = (entry,) if type(entry) is Version else entry
        others = tuple(other for other in history if other.effective_from_s != version.effective_from_s)
        merged = tuple(sorted((*others, version), key=_instant))
        entries[destination] = self._histories.setdefault(merged, merged) if others else version
        self.rate_count += len(merged) - len(history)

    def _entries_for(self, destination: str) -> dict[str, Entry]:
        if not destination.isdigit():
            return self.special
        shard = self.short
        length = len(destination)
        if length >= SHARD_DIGITS:
            key = destination[:SHARD_DIGITS]
            found = self.shards.get(key)
            shard = found if found is not None else self.shards.setdefault(key, _Shard())
        if length not in shard.lengths:
            shard.lengths = tuple(sorted((*shard.lengths, length), reverse=True))
        return shard.entries


def _instant(version: Version) -> int:
    return version.effective_from_s


def _in_force(entry: Entry, at_s: int) -> Version | None:
    """The version in force at `at_s` that is not discontinued."""
    if type(entry) is Version:
        return entry if entry.effective_from_s <= at_s and not entry.discontinued else None
    version = version_at(entry, at_s)
    return None if version is None or version.discontinued else version


def _default_match(terms: TariffTerms) -> Match | None:
    if terms.default_rate is None:
        return None
    return Match(DEFAULT, Version.of(Rate(destination=DEFAULT, peak=terms.default_rate)))

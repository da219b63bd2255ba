"""Which form of a large tariff to keep: memory, time to build, garbage collector, lookups.

    python benchmarks/rating_lookup.py [RATES]

Each form is measured in a process of its own, with the same rates: prefixes of 5 to 9 digits, 5,000 prices.
Times are those of the processor. With a million rates, CPython 3.11, two cores that fifteen others wanted:

    dict_of_rates  221 MB   84 ms   2.3 us
    dict_by_int    151 MB   19 ms   3.9 us, of which 1.7 make a `Rate`
    tariff         103 MB   34 ms   5.1 us, of which 1.7 make a `Rate`
    tariff_match   103 MB   32 ms   2.9 us, the lookup alone
    tariff_select  103 MB   29 ms   4.4 us, the whole way from the number to a compiled rate

(kept, full collection, lookup). A full collection stops every request, and loading a tariff anew keeps two of
it for a while: shared versions win. A trie (marisa-trie) kept some 60 MB, but took two passes over the rates
and 8 s to build, and answered no faster.
"""

import gc
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ocs.rating.index import Tariff, Version, to_rate
from ocs.rating.selection import select_rate
from ocs.rating.tariff import PriceSet, Rate, TariffTerms
from ocs.units import VOICE, AccessCode

AT_S = 1_800_000_000
LENGTHS = (9, 8, 7, 6, 5)
LOOKUPS = 100_000

Find = Callable[[str], object]


def prefixes(count: int) -> list[str]:
    """Distinct prefixes, the same ones each time."""
    source = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        digits = source.choice((5, 6, 6, 7, 7, 7, 8, 8, 9))
        found[str(source.randrange(10 ** (digits - 1), 10**digits))] = None
    return list(found)


def rates(destinations: list[str]) -> Iterator[Rate]:
    """One rate for each destination, and each destination forgotten once it has one."""
    prices = [PriceSet(first_price_nanos=n * 100_000, next_price_nanos=n * 100_000) for n in range(5_000)]
    for number in range(len(destinations)):
        yield Rate(
            destination=destinations.pop(), effective_from_s=1_700_000_000, peak=prices[number % len(prices)]
        )


def dict_of_rates(destinations: list[str]) -> Find:
    """One `Rate` for each destination."""
    kept = {rate.destination: rate for rate in rates(destinations)}

    def find(number: str) -> object:
        for length in LENGTHS:
            rate = kept.get(number[:length])
            if rate is not None and rate.effective_from_s <= AT_S and not rate.discontinued:
                return rate
        return None

    return find


def dict_by_int(destinations: list[str]) -> Find:
    """Shared versions under integers: a 1 in front keeps leading zeros apart."""
    shared: dict[Version, Version] = {}
    kept: dict[int, Version] = {}
    for rate in rates(destinations):
        version = Version.of(rate)
        kept[int(f"1{rate.destination}")] = shared.setdefault(version, version)

    def find(number: str) -> object:
        prefix = int(f"1{number[: LENGTHS[0]]}")
        for length in LENGTHS:
            version = kept.get(prefix)
            if version is not None and version.effective_from_s <= AT_S and not version.discontinued:
                return to_rate(number[:length], version)
            prefix //= 10
        return None

    return find


def tariff(destinations: list[str]) -> Find:
    """What the product does: shared versions under text. `find` makes a `Rate`."""
    built = Tariff.build(TariffTerms(id=1, name="benchmark"), rates(destinations))
    return lambda number: built.find(number, AT_S)


def tariff_match(destinations: list[str]) -> Find:
    """The lookup alone: the destination and the version in force."""
    built = Tariff.build(TariffTerms(id=1, name="benchmark"), rates(destinations))
    return lambda number: built.longest_prefix(number, AT_S)


def tariff_select(destinations: list[str]) -> Find:
    """The same, asked as the engine asks: the compiled rate of a call, mostly compiled before."""
    built = Tariff.build(TariffTerms(id=1, name="benchmark"), rates(destinations))

    def find(number: str) -> object:
        return select_rate(
            built,
            None,
            service=VOICE,
            access_code=AccessCode.OUTGOING,
            called=number,
            calling="15550001",
            at_s=AT_S,
        )

    return find


FORMS = (dict_of_rates, dict_by_int, tariff, tariff_match, tariff_select)


def resident_mb() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def measure(form: Callable[[list[str]], Find], count: int) -> str:
    """Build one form and look up numbers in it: nine in ten are priced."""
    before = resident_mb()
    destinations = prefixes(count)
    source = random.Random(2)
    called = [f"{destination}55501" for destination in source.sample(destinations, min(count, 9_000))]
    called += [f"0{source.randrange(10**10)}" for _ in range(len(called) // 9)]
    source.shuffle(called)
    begin = time.process_time()
    find = form(destinations)
    built_s = time.process_time() - begin
    gc.collect()
    begin = time.process_time()
    gc.collect()
    collected_ms = (time.process_time() - begin) * 1e3
    kept_mb = resident_mb() - before
    for number in called:
        find(number)
    rounds = max(1, LOOKUPS // len(called))
    lookup_us = min(_round_us(find, called) for _ in range(rounds))
    return (
        f"{form.__name__:14} build {built_s:5.1f} s  kept {kept_mb:4.0f} MB  "
        f"collection {collected_ms:4.0f} ms  lookup {lookup_us:.2f} us"
    )


def _round_us(find: Find, called: list[str]) -> float:
    """Microseconds of one lookup, in time of the processor."""
    begin = time.process_time()
    for number in called:
        find(number)
    return (time.process_time() - begin) / len(called) * 1e6


def main() -> None:
    """Measure one form when it is named, else each of them in a fresh process."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        (form,) = (form for form in FORMS if form.__name__ == sys.argv[2])
        print(measure(form, count))
        return
    for form in FORMS:
        subprocess.run([sys.executable, __file__, str(count), form.__name__], check=True)


if __name__ == "__main__":
    main()

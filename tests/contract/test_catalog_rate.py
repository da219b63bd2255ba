"""Rates in a `CatalogStore`: written all or none, by key, read back in order."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from contract.backend import Backend, Stores

from ocs.errors import InputError, NotFoundError
from ocs.ports import CatalogStore
from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms
from ocs.storage.sql.rate import FEW

PRICES = PriceSet(
    first_interval_s=30,
    next_interval_s=6,
    first_price_nanos=100_000_000,
    next_price_nanos=90_000_000,
    rounding=1024,
    unit_price_nanos=7,
    formula="1x60@0.10;*x6@0.05",
    route_category="gold",
    preference=3,
    huntstop=True,
)
FULL = Rate(
    destination="4420",
    effective_from_s=1_700_000_000,
    peak=PRICES,
    off_peak=(
        OffPeak(prices=replace(PRICES, first_price_nanos=1), period="hr{6pm-5am}"),
        OffPeak(prices=replace(PRICES, first_price_nanos=2)),
    ),
    payback=True,
    hidden=True,
    discontinued=True,
    forbidden=True,
)
MANY = 12_000
"More than one chunk."


def plain(destination: str, price: int = 0, effective_from_s: int = 0) -> Rate:
    """A rate of one price."""
    prices = PriceSet(first_price_nanos=price)
    return Rate(destination=destination, effective_from_s=effective_from_s, peak=prices)


@pytest.fixture
def tariff(stores: Stores) -> TariffTerms:
    """An empty tariff."""
    return asyncio.run(stores.catalog.save_tariff(TariffTerms(id=0, name="retail")))


def read(catalog: CatalogStore, tariff_id: int) -> list[Rate]:
    """All rates of a tariff."""

    async def collect() -> list[Rate]:
        return [rate async for chunk in catalog.stream_rates(tariff_id) for rate in chunk]

    return asyncio.run(collect())


def write(stores: Stores, tariff: TariffTerms, *rates: Rate) -> int:
    """Write rates."""
    return asyncio.run(stores.catalog.write_rates(tariff.id, rates))


def test_a_rate_comes_back_with_every_field(stores: Stores, tariff: TariffTerms) -> None:
    """Three price sets, periods and flags."""
    assert write(stores, tariff, FULL) == 1
    assert read(stores.catalog, tariff.id) == [FULL]


def test_rates_stream_in_order_of_destination_and_instant(stores: Stores, tariff: TariffTerms) -> None:
    """Whatever order they were written in, and of their own tariff only."""
    other = asyncio.run(stores.catalog.save_tariff(TariffTerms(id=0, name="other")))
    write(stores, other, plain("1"))
    rates = [plain("49", 1, 5), plain("|"), plain("4", 2), plain("49", 3, 1), plain("WiFi")]
    assert write(stores, tariff, *rates) == 5
    keys = [(rate.destination, rate.effective_from_s) for rate in read(stores.catalog, tariff.id)]
    assert keys == [("4", 0), ("49", 1), ("49", 5), ("WiFi", 0), ("|", 0)]


def test_a_rate_of_the_same_key_is_replaced(stores: Stores, tariff: TariffTerms) -> None:
    """By a later write, and by a later one of the same write; off-peak sets go with the rate."""
    write(stores, tariff, FULL, plain("1", 1))
    newer = replace(FULL, off_peak=())
    assert write(stores, tariff, plain("2", 1), plain("2", 2), newer) == 3
    assert read(stores.catalog, tariff.id) == [plain("1", 1), plain("2", 2), newer]


def test_a_compiled_tariff_has_the_same_rates(stores: Stores, tariff: TariffTerms) -> None:
    """Replaced rates, off-peak sets and instants included; an empty tariff compiles too."""
    assert len(asyncio.run(stores.catalog.load_tariff(tariff))) == 0
    write(stores, tariff, FULL, plain("49", 1), plain("49", 2, 5), plain("WiFi"))
    write(stores, tariff, plain("49", 3), replace(FULL, destination="4421"))
    compiled = asyncio.run(stores.catalog.load_tariff(tariff))
    assert compiled.terms == tariff
    by_key = lambda rate: (rate.destination, rate.effective_from_s)  # noqa: E731 - used twice, below
    assert sorted(compiled.rates(), key=by_key) == sorted(read(stores.catalog, tariff.id), key=by_key)
    assert len(compiled) == 5
    assert asyncio.run(stores.catalog.count_rates(tariff.id)) == 5


def test_a_tariff_is_compiled_for_some_destinations_only(stores: Stores, tariff: TariffTerms) -> None:
    """As if it had no other rates; with all their versions."""
    write(stores, tariff, FULL, plain("44", 1), plain("44", 2, 5), plain("449", 3), plain("MSG", 4))
    wanted = ["4", "44", "MSG", "4477"]
    compiled = asyncio.run(stores.catalog.load_tariff(tariff, destinations=wanted))
    assert list(compiled.rates()) == [plain("MSG", 4), plain("44", 1), plain("44", 2, 5)]
    assert len(asyncio.run(stores.catalog.load_tariff(tariff, destinations=[]))) == 0


@pytest.mark.parametrize("number", [FEW - 1, FEW, FEW + 1, 2 * FEW])
def test_a_large_tariff_is_compiled_like_a_small_one(
    stores: Stores, tariff: TariffTerms, number: int
) -> None:
    """Whoever reads them, and with what help."""
    rates = [plain(f"{1000 + index}", index % 7) for index in range(number - 1)]
    write(stores, tariff, FULL, *rates)
    compiled = asyncio.run(stores.catalog.load_tariff(tariff))
    assert list(compiled.rates()) == sorted([*rates, FULL], key=lambda rate: rate.destination)


def test_rates_are_counted(stores: Stores, tariff: TariffTerms) -> None:
    """All versions; of equal keys one; none of an unknown tariff."""
    write(stores, tariff, plain("44"), plain("44", 2, 5))
    write(stores, tariff, plain("44", 3))
    assert asyncio.run(stores.catalog.count_rates(tariff.id)) == 2
    assert asyncio.run(stores.catalog.count_rates(99)) == 0


def test_an_import_of_many_chunks_is_complete(backend: Backend) -> None:
    """Everything is there afterwards, in another process too; written over and over."""
    stores = backend.open()
    tariff = asyncio.run(stores.catalog.save_tariff(TariffTerms(id=0, name="retail")))
    for price in (1, 2):
        rates = [plain(f"{number}", price) for number in range(MANY)]
        assert write(stores, tariff, *rates) == MANY
    asyncio.run(stores.close())
    reader = backend.open()
    assert read(reader.catalog, tariff.id) == sorted(rates, key=lambda rate: rate.destination)
    asyncio.run(reader.close())


def test_an_import_that_fails_midway_leaves_no_trace(stores: Stores, tariff: TariffTerms) -> None:
    """Bad input in the last chunk: the tariff is as before, and nobody is told of a change."""
    write(stores, tariff, plain("5", 1))
    changes = asyncio.run(stores.catalog.last_change())

    def rates() -> Iterator[Rate]:
        for number in range(MANY):
            yield plain(f"{number}", 2)
        raise InputError("line 12001", "no price")

    with pytest.raises(InputError, match="line 12001"):
        asyncio.run(stores.catalog.write_rates(tariff.id, rates()))
    assert read(stores.catalog, tariff.id) == [plain("5", 1)]
    assert asyncio.run(stores.catalog.last_change()) == changes


def test_an_import_becomes_visible_at_once(backend: Backend) -> None:
    """Whoever reads while it is written sees the tariff as it was before."""
    writer, reader = backend.open(), backend.open()
    tariff = asyncio.run(writer.catalog.save_tariff(TariffTerms(id=0, name="retail")))
    write(writer, tariff, plain("5", 1))
    seen: list[list[Rate]] = []

    def rates() -> Iterator[Rate]:
        for number in range(MANY):
            yield plain(f"{number}", 2)
        looking = threading.Thread(target=lambda: seen.append(read(reader.catalog, tariff.id)))
        looking.start()
        looking.join()

    asyncio.run(writer.catalog.write_rates(tariff.id, rates()))
    assert seen == [[plain("5", 1)]]
    assert len(read(reader.catalog, tariff.id)) == MANY
    asyncio.run(writer.close())
    asyncio.run(reader.close())


def test_a_reader_under_way_keeps_its_view(stores: Stores, tariff: TariffTerms) -> None:
    """Rates written while a stream is being read do not mix into it."""
    write(stores, tariff, *(plain(f"{number:05}", 1) for number in range(MANY)))

    async def story() -> set[int]:
        prices = set()
        async for chunk in stores.catalog.stream_rates(tariff.id):
            prices |= {rate.peak.first_price_nanos for rate in chunk}
            await stores.catalog.write_rates(tariff.id, [plain(f"{MANY - 1:05}", 2)])
        return prices

    assert asyncio.run(story()) == {1}


def test_rates_need_a_tariff(stores: Stores) -> None:
    """An unknown tariff has no rates and takes none."""
    with pytest.raises(NotFoundError, match="tariff 99"):
        asyncio.run(stores.catalog.write_rates(99, [plain("1")]))
    assert read(stores.catalog, 99) == []

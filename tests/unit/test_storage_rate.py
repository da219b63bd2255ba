"""Imports of rates into SQL: short transactions, taken over or interrupted, and tidied up afterwards."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocs.errors import ConflictError
from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms
from ocs.storage.migrations import migrate
from ocs.storage.sql.catalog import SqlCatalogStore
from ocs.storage.sql.database import database_path
from ocs.storage.sql.rate import CHUNK
from ocs.storage.sql.stores import open_sql_stores

MANY = 3 * CHUNK


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An empty database."""
    url = f"sqlite:///{tmp_path}/ocs.db"
    migrate(url)
    return url


@pytest.fixture
def catalog(url: str) -> Iterator[SqlCatalogStore]:
    """A catalogue with one tariff, number 1."""
    ledger, catalog = open_sql_stores(url)
    asyncio.run(catalog.save_tariff(TariffTerms(id=0, name="retail")))
    yield catalog
    asyncio.run(ledger.close())
    asyncio.run(catalog.close())


def rates(price: int, number: int = MANY) -> Iterator[Rate]:
    """Rates of one price with one off-peak set each."""
    prices = PriceSet(first_price_nanos=price)
    for destination in range(number):
        yield Rate(destination=f"{destination}", peak=prices, off_peak=(OffPeak(prices=prices),))


def prices(catalog: SqlCatalogStore) -> set[int]:
    """Every price of the tariff."""

    async def collect() -> set[int]:
        return {rate.peak.first_price_nanos async for chunk in catalog.stream_rates(1) for rate in chunk}

    return asyncio.run(collect())


def rows(url: str) -> tuple[int, int, list[str]]:
    """Rates, off-peak sets and the states of imports that the tables hold, visible or not."""
    connection = sqlite3.connect(database_path(url))
    (rate_count,) = connection.execute("SELECT count(*) FROM rate").fetchone()
    (set_count,) = connection.execute("SELECT count(*) FROM rate_off_peak").fetchone()
    states = [state for (state,) in connection.execute("SELECT state FROM rate_import ORDER BY import_id")]
    connection.close()
    return rate_count, set_count, states


def test_replaced_rates_are_deleted(catalog: SqlCatalogStore, url: str) -> None:
    """Importing over and over does not fill the database; off-peak sets go with their rates."""
    for price in (1, 2, 3):
        asyncio.run(catalog.write_rates(1, rates(price)))
    assert rows(url) == (MANY, MANY, ["swept"] * 3)
    assert prices(catalog) == {3}


def test_a_failed_import_is_deleted(catalog: SqlCatalogStore, url: str) -> None:
    """Nothing of it stays in the tables."""
    asyncio.run(catalog.write_rates(1, rates(1)))

    def failing() -> Iterator[Rate]:
        yield from rates(2)
        raise ValueError("the file ends here")

    with pytest.raises(ValueError, match="ends here"):
        asyncio.run(catalog.write_rates(1, failing()))
    assert rows(url) == (MANY, MANY, ["swept"])
    assert prices(catalog) == {1}


def test_what_a_killed_import_left_is_never_seen_and_deleted_by_the_next(
    catalog: SqlCatalogStore, url: str
) -> None:
    """An import that died before it was published is invisible, and does not stand in the way."""
    asyncio.run(catalog.write_rates(1, rates(1)))
    asyncio.run(catalog.write_rates(1, rates(2, 2 * CHUNK)))
    connection = sqlite3.connect(database_path(url), isolation_level=None)
    connection.execute("UPDATE rate_import SET state = 'open' WHERE import_id = 2")
    connection.close()
    assert prices(catalog) == {1}
    asyncio.run(catalog.write_rates(1, [Rate(destination="x")]))
    left = MANY - 2 * CHUNK + 1
    assert rows(url) == (left, left - 1, ["swept", "swept"])


def test_a_later_import_takes_over(catalog: SqlCatalogStore, url: str) -> None:
    """The one that still runs fails at its next step; the later one is complete."""

    def interrupted() -> Iterator[Rate]:
        yield from rates(1)
        later = threading.Thread(target=lambda: asyncio.run(catalog.write_rates(1, rates(2))))
        later.start()
        later.join()
        yield from rates(3)

    with pytest.raises(ConflictError, match="another import into tariff 1"):
        asyncio.run(catalog.write_rates(1, interrupted()))
    assert prices(catalog) == {2}
    assert rows(url) == (MANY, MANY, ["swept"])


def test_an_import_leaves_room_for_other_writers(catalog: SqlCatalogStore, url: str) -> None:
    """While rates are written another process gets the write lock between any two chunks."""
    other = sqlite3.connect(database_path(url), isolation_level=None, timeout=0, check_same_thread=False)
    turns = 0

    def observed() -> Iterator[Rate]:
        nonlocal turns
        for number, rate in enumerate(rates(1, 4 * CHUNK)):
            if number and number % CHUNK == 0:
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
                turns += 1
            yield rate

    asyncio.run(catalog.write_rates(1, observed()))
    other.close()
    assert turns == 3

"""The destination directory in a `CatalogStore`: entries by prefix, added, replaced, removed."""

import asyncio

from contract.backend import Backend, Stores

from ocs.rating.directory import DestinationInfo

BERLIN = DestinationInfo(
    prefix="4930", description="Berlin", country="Germany", iso="DE", mcc="262", mnc="01", group="Europe"
)
GERMANY = DestinationInfo(prefix="49", country="Germany")
MSG = DestinationInfo(prefix="MSG", description="Messages")
MANY = 1_200
"More than two transactions."


def load(stores: Stores) -> list[DestinationInfo]:
    """The whole directory."""
    return list(asyncio.run(stores.catalog.load_destinations()))


def test_entries_come_back_with_every_field_by_prefix(backend: Backend) -> None:
    """In another process too; an empty directory is empty."""
    stores = backend.open()
    assert load(stores) == []
    asyncio.run(stores.catalog.save_destinations([MSG, BERLIN, GERMANY]))
    asyncio.run(stores.close())
    reader = backend.open()
    assert load(reader) == [GERMANY, BERLIN, MSG]
    asyncio.run(reader.close())


def test_an_entry_replaces_the_one_of_its_prefix(stores: Stores) -> None:
    """By a later write, and by a later one of the same write; others stay."""
    asyncio.run(stores.catalog.save_destinations([BERLIN, GERMANY]))
    renamed = DestinationInfo(prefix="4930", description="Berlin and around")
    asyncio.run(stores.catalog.save_destinations(iter([BERLIN, renamed])))
    assert load(stores) == [GERMANY, renamed]


def test_entries_are_removed(stores: Stores) -> None:
    """Those that are named; an unknown one is gone already."""
    asyncio.run(stores.catalog.save_destinations([BERLIN, GERMANY]))
    asyncio.run(stores.catalog.save_destinations([MSG], removed=["4930", "123"]))
    assert load(stores) == [GERMANY, MSG]


def test_a_directory_may_be_large(stores: Stores) -> None:
    """Every entry is written and removed, however many transactions it takes."""
    many = [DestinationInfo(prefix=f"{number:05}") for number in range(MANY)]
    asyncio.run(stores.catalog.save_destinations(many))
    assert load(stores) == many
    asyncio.run(stores.catalog.save_destinations([], removed=[one.prefix for one in many]))
    assert load(stores) == []


def test_the_directory_is_no_news_to_servers(stores: Stores) -> None:
    """No price depends on it: the change log stays as it is."""
    before = asyncio.run(stores.catalog.last_change())
    asyncio.run(stores.catalog.save_destinations([BERLIN]))
    assert asyncio.run(stores.catalog.last_change()) == before

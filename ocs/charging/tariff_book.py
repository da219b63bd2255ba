"""Tariffs as operators work on them: found by name, compiled from the store, changed by sheets.

Owns how a planned import becomes records. Does not own what a sheet means (`ocs.rating.sheet`).
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from ocs.errors import NotFoundError
from ocs.ports import CatalogStore
from ocs.rating.index import Tariff, to_rate, version_at
from ocs.rating.sheet import ImportPlan, RateChange, Step
from ocs.rating.tariff import Rate, TariffTerms


async def find_terms(catalog: CatalogStore, name: str) -> TariffTerms:
    """The terms of the tariff with this name, or NotFoundError."""
    for terms in await catalog.load_tariffs():
        if terms.name == name:
            return terms
    raise NotFoundError(f"tariff {name!r} does not exist")


async def load_tariffs(catalog: CatalogStore, ids: Iterable[int]) -> dict[int, Tariff]:
    """Tariffs by id, compiled."""
    wanted = set(ids)
    return {
        terms.id: await catalog.load_tariff(terms)
        for terms in await catalog.load_tariffs()
        if terms.id in wanted
    }


def import_writes(existing: Tariff, plan: ImportPlan) -> Iterator[Rate]:
    """Records that carry out a planned import.

    Rates are never deleted. A future rate that the import takes back is written over with what is in force
    just before it, so that its instant changes nothing.
    """
    for destination, changes in groupby(plan.changes(), key=lambda change: change.destination):
        yield from _destination_writes(existing, destination, tuple(changes))


def _destination_writes(existing: Tariff, destination: str, changes: Sequence[RateChange]) -> Iterator[Rate]:
    written = [change.new for change in changes if change.new is not None]
    for version in written:
        yield to_rate(destination, version)
    removed = [change.old for change in changes if change.step is Step.REMOVED and change.old is not None]
    if not removed:
        return
    gone = {version.effective_from_s for version in (*removed, *written)}
    kept = [one for one in existing.history(destination) if one.effective_from_s not in gone]
    history = tuple(sorted((*kept, *written), key=lambda version: version.effective_from_s))
    for version in removed:
        before = version_at(history, version.effective_from_s)
        if before is None:
            yield to_rate(destination, version._replace(discontinued=True))
        else:
            yield to_rate(destination, before._replace(effective_from_s=version.effective_from_s))

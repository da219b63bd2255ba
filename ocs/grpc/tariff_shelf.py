"""Compiled tariffs for operators' questions, kept until they change.

Charging has its own, which it takes apart as soon as newer ones are there; a search that runs for a second in
a thread needs one that stays whole.
"""

from collections import OrderedDict
from collections.abc import Sequence

from ocs.errors import NotFoundError
from ocs.ports import CatalogStore, ChangeKind
from ocs.rating.index import Tariff
from ocs.rating.tariff import TariffTerms

TARIFFS_MAX = 4
"A million rates are some 200 MB."


class TariffShelf:
    """The last used tariffs, compiled. Event-loop only."""

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog
        self._seen = 0
        "Newest change that was looked at."
        self._tariffs: OrderedDict[int, Tariff] = OrderedDict()

    async def named(self, name: str) -> Sequence[TariffTerms]:
        """The terms of the tariff with this name; of all, by name, for ``-``. NotFoundError."""
        found = [terms for terms in await self._catalog.load_tariffs() if name in ("-", terms.name)]
        if not found and name != "-":
            raise NotFoundError(f"tariff {name!r} does not exist")
        return found

    async def tariff(self, terms: TariffTerms) -> Tariff:
        """The tariff as the store has it now, or had it while this was asked."""
        await self._forget_changed()
        tariff = self._tariffs.get(terms.id)
        if tariff is None:
            tariff = await self._catalog.load_tariff(terms)
            self._tariffs[terms.id] = tariff
            if len(self._tariffs) > TARIFFS_MAX:
                self._tariffs.popitem(last=False)
        self._tariffs.move_to_end(terms.id)
        return tariff

    async def _forget_changed(self) -> None:
        for change in await self._catalog.changes_after(self._seen):
            self._seen = change.seq
            if change.kind is ChangeKind.TARIFF:
                self._tariffs.pop(change.object_id, None)

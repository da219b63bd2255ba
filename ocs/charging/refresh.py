"""Plans, tariffs and discounts in memory, brought up to date beside everything else.

Owns what is due and in which order: tariffs first, then plans, which may name them, and discounts; each is
made ready beside the one in force and swapped whole. Requests go on meanwhile, and a session keeps the rate
it began with. Does not own when changes are looked for (`ocs.charging.engine`).
"""

import asyncio
from collections.abc import Callable, Sequence

from ocs.charging.catalogue import Catalogue
from ocs.ports import CatalogStore, Change, ChangeKind
from ocs.rating.index import Tariff

STEPS_PER_TURN = 20
"Of taking a tariff apart, until the event loop has its turn: together a fraction of a millisecond."


class Refresh:
    """Loads what is due into a catalogue."""

    def __init__(self, store: CatalogStore, catalogue: Catalogue, on_plans: Callable[[], None]) -> None:
        """Prepare for a catalogue; `on_plans` is called when its plans or discount plans have changed."""
        self._store = store
        self._catalogue = catalogue
        self._on_plans = on_plans
        self._due_tariffs: set[int] = set()
        self._is_plans_due = False
        self._running = asyncio.Lock()

    @property
    def waits_to_run(self) -> bool:
        """Whether something is due and nobody is at it."""
        return (bool(self._due_tariffs) or self._is_plans_due) and not self._running.locked()

    def note(self, changes: Sequence[Change]) -> None:
        """Remember what these changes make due."""
        self._due_tariffs.update(change.object_id for change in changes if change.kind is ChangeKind.TARIFF)
        kinds = {change.kind for change in changes}
        self._is_plans_due |= not kinds.isdisjoint((ChangeKind.PLAN, ChangeKind.DISCOUNT))

    async def load_all(self) -> None:
        """Load everything."""
        self._due_tariffs = {terms.id for terms in await self._store.load_tariffs()}
        self._is_plans_due = True
        await self.run()

    async def run(self) -> None:
        """Load what is due, and what becomes due meanwhile; what fails stays due.

        Raises:
            StoreUnavailableError: the store failed.
        """
        async with self._running:
            while self._due_tariffs or self._is_plans_due:
                if self._due_tariffs:
                    await self._load_tariffs()
                else:
                    await self._load_plans()

    async def _load_tariffs(self) -> None:
        # What changes from here on is due again: it may have been read already.
        due, self._due_tariffs = self._due_tariffs, set()
        try:
            for terms in await self._store.load_tariffs():
                if terms.id in due:
                    await self._swap(await self._store.load_tariff(terms))
                    due.discard(terms.id)
        except BaseException:
            self._due_tariffs |= due
            raise

    async def _swap(self, tariff: Tariff) -> None:
        former = self._catalogue.tariffs.get(tariff.terms.id)
        self._catalogue.tariffs[tariff.terms.id] = tariff
        if former is not None:
            await _dismantle(former)

    async def _load_plans(self) -> None:
        self._is_plans_due = False
        try:
            plans = await self._store.load_plans()
            discount_plans = await self._store.load_discount_plans()
            assignments = await self._store.plan_discounts()
        except BaseException:
            self._is_plans_due = True
            raise
        self._catalogue.replace_plans(plans)
        self._catalogue.replace_discounts(discount_plans, assignments)
        self._on_plans()


async def _dismantle(tariff: Tariff) -> None:
    """Give a tariff's memory back without holding anything up."""
    for step, _ in enumerate(tariff.dismantle()):
        if step % STEPS_PER_TURN == 0:
            await asyncio.sleep(0)

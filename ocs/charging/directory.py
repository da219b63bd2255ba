"""Who is who, in memory: gateways, identities and payer chains, loaded on demand and dropped on change.

Looking up never waits; what is missing is loaded first (`load_identity`, `load_links`). Both caches are
bounded, and unknown identities are remembered too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from ocs.charging.cache import GenerationCache
from ocs.charging.catalogue import Catalogue
from ocs.charging.situation import Link
from ocs.ports import CatalogStore, DiscountAssignment, Gateway, Identity, IdentityKind
from ocs.quota.account import AccountProfile
from ocs.rating.selection import OnNet

Hint = tuple[IdentityKind, str]

_NUMBER_KINDS = (
    IdentityKind.DID,
    IdentityKind.EXTENSION,
    IdentityKind.VIRTUAL,
    IdentityKind.ANI,
    IdentityKind.USERNAME,
)
"Under which a number may be a subscriber's."


def make_links(
    profiles: Iterable[AccountProfile], assignments: Sequence[DiscountAssignment], catalogue: Catalogue
) -> tuple[Link, ...]:
    """The accounts of a payer chain with their plans and discounts; one without a plan does not pay."""
    links = []
    for profile in profiles:
        plan = None if profile.plan_id is None else catalogue.plans.get(profile.plan_id)
        own = [one for one in assignments if one.account_id == profile.id]
        assigned = catalogue.assigned(own) if own else ()
        links.append(Link(profile, ZoneInfo(profile.zone), profile.floor_micros, plan, assigned))
    return tuple(links)


class Directory:
    """Gateways, identities and links of payer chains."""

    def __init__(self, store: CatalogStore, catalogue: Catalogue, *, max_entries: int) -> None:
        self._store = store
        self._catalogue = catalogue
        self._identities: GenerationCache[Hint, Identity] = GenerationCache(max_entries)
        self._strangers: GenerationCache[Hint, bool] = GenerationCache(max_entries)
        "Hints that are nobody's, as far as the store knew."
        self._chains: GenerationCache[int, tuple[Link, ...]] = GenerationCache(max_entries)
        self._descendants: dict[int, set[int]] = {}
        "Account -> cached chains of accounts below it."
        self.gateways: dict[int, Gateway] = {}
        self.epoch = 0
        "Grows with every change that was taken in: what was read before it may be stale."

    # ------------------------------------------------------------------------------ lookup

    def identify(self, hints: Sequence[Hint]) -> tuple[Identity | None, Hint | None]:
        """The first hint's identity that is known, and the hint that must be loaded before that is sure."""
        for hint in hints:
            found = self._identities.get(hint)
            if found is not None:
                return found, None
            if self._strangers.get(hint) is None:
                return None, hint
        return None, None

    def chain(self, account_id: int) -> tuple[Link, ...] | None:
        """The account's links up to the root; None when they must be loaded."""
        return self._chains.get(account_id)

    def chain_of(self, identity: Identity) -> tuple[Link, ...] | None:
        """The chain of an identity's account, under the identity's own plan and payback tariff if any."""
        links = self._chains.get(identity.account_id)
        return self.under_plan(links, identity.plan_id, identity.payback_tariff_id)

    def under_plan(
        self, links: tuple[Link, ...] | None, plan_id: int | None, payback_tariff_id: int | None
    ) -> tuple[Link, ...] | None:
        """The same links, the asking account's under another plan than its own; None or 0: its own.

        Nothing is paid out to an account that has no plan: it has no part in the price.
        """
        if not links or not (plan_id or payback_tariff_id):
            return links
        leaf = links[0]
        plan = self._catalogue.plans.get(plan_id) if plan_id else leaf.plan
        return (
            Link(leaf.profile, leaf.zone, leaf.floor_micros, plan, leaf.assigned, payback_tariff_id or 0),
            *links[1:],
        )

    def on_net(self, links: Sequence[Link], number: str) -> tuple[OnNet, Hint | int | None]:
        """How near the subscriber with this number is, and what must be loaded before that is sure.

        The same customer is the same account or the same parent; the same reseller is any common ancestor.
        """
        other, unknown = self.identify(_number_hints(number))
        if unknown is not None:
            return OnNet.NO, unknown
        if other is None:
            return OnNet.NO, None
        chain = self._chains.get(other.account_id)
        if chain is None:
            return OnNet.NO, other.account_id
        ours, theirs = ([link.profile.id for link in one] for one in (links, chain))
        if not theirs:
            return OnNet.NO, None
        if ours[0] == theirs[0] or (len(ours) > 1 and len(theirs) > 1 and ours[1] == theirs[1]):
            return OnNet.CUSTOMER, None
        return (OnNet.PLATFORM if set(ours).isdisjoint(theirs) else OnNet.RESELLER), None

    # ------------------------------------------------------------------------------ loading

    async def load_on_net(self, links: Sequence[Link], number: str) -> OnNet:
        """`on_net`, with everything loaded that it needs."""
        while True:
            found, unknown = self.on_net(links, number)
            if unknown is None:
                return found
            if isinstance(unknown, int):
                await self.load_chain(unknown)
            else:
                await self.load_identity(unknown)

    async def load_gateways(self) -> None:
        """Read every gateway anew."""
        self.gateways = {gateway.id: gateway for gateway in await self._store.load_gateways()}

    async def load_identity(self, hint: Hint) -> None:
        """Make `identify` know about a hint, be it that there is no such identity."""
        epoch = -1
        while epoch != self.epoch:
            epoch = self.epoch
            found = await self._store.find_identity(*hint)
            if found is not None and found.primary_kind is not None:
                found = await self._stand_for_primary(found)
        if found is not None:
            self._identities.put(hint, found)
        else:
            self._strangers.put(hint, value=True)

    async def _stand_for_primary(self, identity: Identity) -> Identity | None:
        """An identity with the account, plan and limit of its primary; None when that is gone.

        With a plan of its own it is on its own.
        """
        if identity.plan_id is not None:
            return replace(identity, primary_kind=None, primary_value="")
        assert identity.primary_kind is not None, "only asked of one that has a primary"
        primary = await self._store.find_identity(identity.primary_kind, identity.primary_value)
        if primary is None:
            return None
        return replace(
            identity,
            account_id=primary.account_id,
            plan_id=primary.plan_id,
            max_sessions=primary.max_sessions,
            cost_centre=identity.cost_centre or primary.cost_centre,
        )

    async def load_chain(self, account_id: int) -> tuple[Link, ...]:
        """Make `chain` know an account; empty when it does not exist."""
        epoch = -1
        while epoch != self.epoch:
            epoch = self.epoch
            profiles = await self._store.load_chain(account_id)
            assignments = await self._store.account_discounts([profile.id for profile in profiles])
        links = make_links(profiles, assignments, self._catalogue)
        self._chains.put(account_id, links)
        for link in links[1:]:
            self._descendants.setdefault(link.profile.id, set()).add(account_id)
        return links

    # ------------------------------------------------------------------------------ change

    def forget_account(self, account_id: int) -> None:
        """An account is new or its master data changed: its chain and those through it are read again."""
        self.epoch += 1
        self._strangers.clear()
        self._chains.pop(account_id)
        for descendant in self._descendants.pop(account_id, ()):
            self._chains.pop(descendant)

    def forget_identities(self) -> None:
        """Identities changed: all are read again when asked for."""
        self.epoch += 1
        self._identities.clear()
        self._strangers.clear()

    def forget_chains(self) -> None:
        """Plans changed: every chain is read again when asked for."""
        self.epoch += 1
        self._chains.clear()
        self._descendants.clear()

    def links_for(self, account_ids: Iterable[int]) -> tuple[Link, ...] | None:
        """One link per account, for a session's payers; None when one must be loaded."""
        links = []
        for account_id in account_ids:
            chain = self._chains.get(account_id)
            if not chain:
                return None
            links.append(chain[0])
        return tuple(links)


def _number_hints(number: str) -> Sequence[Hint]:
    return [(kind, number) for kind in _NUMBER_KINDS]

"""The catalogue as requests see it: plans, compiled tariffs and rate snapshots in memory, swapped whole.

Loading and watching for changes is the engine's business; looking up never waits.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from ocs.charging.allowance import Assigned, Offer
from ocs.charging.cache import GenerationCache
from ocs.charging.situation import Link
from ocs.ports import DiscountAssignment, Plan
from ocs.rating.applied import AppliedRate
from ocs.rating.discount import DiscountPlan, Owner
from ocs.rating.index import Tariff
from ocs.rating.selection import OnNet, RatingRefusal, select_rate
from ocs.units import VOICE_SERVICES, AccessCode, Service

_INCOMING: Final = AccessCode.INCOMING
"Reading a member off its class costs more than comparing with it."


class RateBook:
    """Applied rates by snapshot id, and which snapshots the store is known to have."""

    __slots__ = ("_rates", "stored")

    def __init__(self, max_entries: int = 200_000) -> None:
        self._rates: GenerationCache[int, AppliedRate] = GenerationCache(max_entries)
        self.stored: GenerationCache[int, bool] = GenerationCache(max_entries)
        "Snapshots that a commit has written."

    def get(self, snapshot_id: int) -> AppliedRate | None:
        """The rate behind a snapshot id, if it is in memory."""
        return self._rates.get(snapshot_id)

    def add(self, applied: AppliedRate) -> int:
        """Make a rate findable by its snapshot id, which is returned."""
        snapshot_id = applied.snapshot[0]
        if self._rates.get(snapshot_id) is None:
            self._rates.put(snapshot_id, applied)
        return snapshot_id

    def restore(self, snapshot_id: int, body: str) -> None:
        """Take a snapshot that was read from the store."""
        self._rates.put(snapshot_id, AppliedRate.from_json(body))
        self.stored.put(snapshot_id, value=True)


class Catalogue:
    """Plans, tariffs and discount plans in force now."""

    __slots__ = ("discount_plans", "plan_discounts", "plans", "tariffs")

    def __init__(self) -> None:
        self.plans: dict[int, Plan] = {}
        self.tariffs: dict[int, Tariff] = {}
        self.discount_plans: dict[int, DiscountPlan] = {}
        self.plan_discounts: dict[int, tuple[Assigned, ...]] = {}
        "Discounts that come with a plan, by its id; plans without any are missing."

    def replace_plans(self, plans: Sequence[Plan]) -> None:
        """Swap in a newly loaded set of plans."""
        self.plans = {plan.id: plan for plan in plans}

    def replace_discounts(
        self, plans: Sequence[DiscountPlan], assignments: Iterable[DiscountAssignment]
    ) -> None:
        """Swap in a newly loaded set of discount plans and what plans have of them."""
        self.discount_plans = {plan.id: plan for plan in plans}
        found: dict[int, tuple[Assigned, ...]] = {}
        for one in assignments:
            if one.plan_id is not None:
                found[one.plan_id] = (*found.get(one.plan_id, ()), *self.assigned([one]))
        self.plan_discounts = found

    def assigned(self, assignments: Iterable[DiscountAssignment]) -> tuple[Assigned, ...]:
        """Assignments with their discount plans; those of plans that are not loaded yet are left out."""
        return tuple(
            Assigned(one.owner, self.discount_plans[one.discount_plan_id], one.since_ms)
            for one in assignments
            if one.discount_plan_id in self.discount_plans
        )

    def offers(self, links: Sequence[Link], ordinal: int) -> Sequence[Offer]:
        """Discount plans that one account of a chain gets: its own, its plan's and its customer's."""
        link = links[ordinal]
        of_plan = self.plan_discounts.get(link.plan.id, ()) if link.plan is not None else ()
        customer = links[ordinal + 1] if ordinal + 1 < len(links) else None
        if not (link.assigned or of_plan or (customer is not None and customer.assigned)):
            return ()
        offers = [
            Offer(assigned, link.profile, link.zone)
            for assigned in (*link.assigned, *of_plan)
            if assigned.owner is not Owner.CUSTOMER
        ]
        if customer is not None:
            offers += [
                Offer(assigned, customer.profile, customer.zone, is_customer=True)
                for assigned in customer.assigned
                if assigned.owner is Owner.CUSTOMER
            ]
        return offers

    def tariff_of(self, plan: Plan, service: Service, access_code: AccessCode) -> Tariff | None:
        """The tariff by which a plan prices a service; None when the service is not in it."""
        tariff_id = plan.tariffs.get((service.name, access_code))
        return None if tariff_id is None else self.tariffs.get(tariff_id)

    def _tariffs_of(
        self, link: Link, plan: Plan, service: Service, access_code: AccessCode
    ) -> tuple[Tariff | None, Tariff | None]:
        """The tariff that prices a service for one payer, and the one that may override its rates."""
        if link.payback_tariff_id and access_code is _INCOMING and service.name in VOICE_SERVICES:
            return self.tariffs.get(link.payback_tariff_id), None
        override_id = plan.override_tariff_id
        override = None if override_id is None else self.tariffs.get(override_id)
        return self.tariff_of(plan, service, access_code), override

    def asks_on_net(self, links: Sequence[Link], service: Service, access_code: AccessCode) -> bool:
        """Whether any tariff of the chain prices calls between subscribers apart."""
        for link in links:
            if link.plan is None:
                continue
            tariff, override = self._tariffs_of(link, link.plan, service, access_code)
            if (tariff is not None and tariff.has_on_net) or (override is not None and override.has_on_net):
                return True
        return False

    def rate(
        self,
        link: Link,
        *,
        service: Service,
        access_code: AccessCode,
        called: str,
        calling: str,
        at_s: int,
        on_net: OnNet = OnNet.NO,
        network: str = "",
    ) -> AppliedRate | RatingRefusal | None:
        """What prices the service for one payer; None when its plan does not have the service.

        A call to a DID that has a payback tariff is priced by that alone, whatever the plan has.
        """
        plan = link.plan
        assert plan is not None, "only payers are rated"
        tariff, override = self._tariffs_of(link, plan, service, access_code)
        if tariff is None:
            return None
        return select_rate(
            tariff,
            override,
            service=service,
            access_code=access_code,
            called=called,
            calling=calling,
            at_s=at_s,
            on_net=on_net,
            network=network,
            bill_by_ani=plan.bill_by_ani,
        )

"""Discounts as operators work on them: plans by name, who has them, and what accounts have left.

Use cases over the two stores. Does not own how a command is typed (`ocs.cli`).
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ocs.charging.allowance import Offer, current_shares
from ocs.charging.catalogue import Catalogue
from ocs.charging.directory import make_links
from ocs.charging.master_data import check_name
from ocs.charging.naming import find_account
from ocs.errors import AlreadyExistsError, NotFoundError
from ocs.ports import CatalogStore, DiscountAssignment, LedgerStore
from ocs.quota.account import Account, AccountProfile
from ocs.quota.allowance import Pool, Share, read_pools
from ocs.rating.discount import Counting, DiscountPlan, DiscountRule, Owner
from ocs.units import MILLIS_PER_SECOND


class Ownership(NamedTuple):
    """Somebody has a discount plan, in names."""

    owner: Owner
    name: str
    "Of the account or the plan."
    is_plan: bool
    since_ms: int


class Remaining(NamedTuple):
    """What an account has of one pool now."""

    share: Share
    pool: Pool
    destinations: Sequence[str]

    @property
    def counting(self) -> Counting:
        """What it is counted in."""
        return Counting.MONEY if self.share.counts_money else Counting.UNITS

    @property
    def left(self) -> int | None:
        """What nobody has taken and nothing holds; None: without bound."""
        quantity = self.share.quantity
        return None if quantity is None else max(0, quantity - self.pool.taken - self.pool.held)


async def find_discount_plan(catalog: CatalogStore, name: str) -> DiscountPlan:
    """The discount plan with this name, or NotFoundError."""
    for plan in await catalog.load_discount_plans():
        if plan.name == name:
            return plan
    raise NotFoundError(f"discount plan {name!r} does not exist")


async def create_discount_plan(
    catalog: CatalogStore, name: str, rules: Sequence[DiscountRule]
) -> DiscountPlan:
    """Keep a new discount plan; AlreadyExistsError when the name is taken."""
    check_name(name, "discount plan")
    if any(plan.name == name for plan in await catalog.load_discount_plans()):
        raise AlreadyExistsError(f"discount plan {name!r} exists already")
    return await catalog.save_discount_plan(DiscountPlan(name=name, rules=tuple(rules)))


async def change_discount_plan(
    catalog: CatalogStore,
    name: str,
    *,
    rules: Sequence[DiscountRule] = (),
    removed: Sequence[str] = (),
    new_name: str | None = None,
) -> DiscountPlan:
    """Put rules in the place of those of the same names, or at the end; take others out; rename the plan.

    Sessions under way keep the terms that they began with. A rule that keeps its name keeps its counters.

    Raises:
        NotFoundError: there is no such plan, or no rule of a name that is to be removed.
    """
    plan = await find_discount_plan(catalog, name)
    kept = {rule.name: rule for rule in plan.rules}
    for gone in removed:
        if gone not in kept:
            raise NotFoundError(f"discount plan {name!r} has no rule {gone!r}")
        del kept[gone]
    kept.update((rule.name, rule) for rule in rules)
    if new_name is not None:
        check_name(new_name, "discount plan")
    return await catalog.save_discount_plan(
        DiscountPlan(id=plan.id, name=new_name or plan.name, rules=tuple(kept.values()))
    )


async def find_owners(catalog: CatalogStore, plan: DiscountPlan) -> Sequence[Ownership]:
    """Who has a discount plan."""
    plans = {found.id: found.name for found in await catalog.load_plans()}
    owners = []
    for one in await catalog.list_discounts(plan.id):
        if one.plan_id is not None:
            name = plans[one.plan_id]
        else:
            assert one.account_id is not None, "it is an account's or a plan's"
            name = (await catalog.load_chain(one.account_id))[0].name
        owners.append(Ownership(one.owner, name, one.plan_id is not None, one.since_ms))
    return owners


async def resolve_assignment(
    catalog: CatalogStore,
    name: str,
    owner: Owner,
    *,
    account: str | None = None,
    plan: str | None = None,
    since_ms: int = 0,
) -> DiscountAssignment:
    """The assignment of a discount plan to an account or a plan by name; NotFoundError for any of them."""
    profile = None if account is None else await find_account(catalog, account)
    plan_ids = {found.name: found.id for found in await catalog.load_plans()}
    if plan is not None and plan not in plan_ids:
        raise NotFoundError(f"plan {plan!r} does not exist")
    return DiscountAssignment(
        discount_plan_id=(await find_discount_plan(catalog, name)).id,
        owner=owner,
        account_id=None if profile is None else profile.id,
        plan_id=None if plan is None else plan_ids[plan],
        since_ms=since_ms,
    )


async def remaining_allowances(
    ledger: LedgerStore, catalog: CatalogStore, profile: AccountProfile, *, now_ms: int
) -> Sequence[Remaining]:
    """What a session of the account that starts now could draw on, in order of precedence."""
    chain = await catalog.load_chain(profile.id)
    offers = await _offers(catalog, chain)
    if not offers:
        return ()
    holders = {offer.holder.id for offer in offers}
    live = (await ledger.load(holders, ())).accounts
    pools = {key: read_pools(live.get(key) or Account(key)) for key in holders}
    found: dict[tuple[int, str], Remaining] = {}
    for offer in offers:
        if offer.assigned.since_ms > now_ms:
            continue
        rules: Mapping[str, DiscountRule] = {rule.name: rule for rule in offer.assigned.plan.rules}
        for share in current_shares(offer, at_s=now_ms // MILLIS_PER_SECOND):
            pool = pools[share.account_id].get(share.pool, Pool(0, 0, share.until))
            rule = rules[share.counter.partition("/")[2]]
            found.setdefault((share.account_id, share.pool), Remaining(share, pool, rule.prefixes))
    return tuple(found.values())


async def _offers(catalog: CatalogStore, chain: Sequence[AccountProfile]) -> Sequence[Offer]:
    assignments = await catalog.account_discounts([profile.id for profile in chain])
    catalogue = Catalogue()
    catalogue.replace_plans(await catalog.load_plans())
    catalogue.replace_discounts(await catalog.load_discount_plans(), await catalog.plan_discounts())
    links = make_links(chain, assignments, catalogue)
    if not links or links[0].plan is None:
        # Who does not pay has no price to discount: somebody above it does, by discounts of its own.
        return ()
    return sorted(catalogue.offers(links, 0), key=lambda offer: offer.assigned.owner)

"""What operators do: accounts and money, identities, gateways. Use cases over the two stores.

Owns: the order in which catalogue and ledger are written, and that every command can be repeated after a
crash between the two. Does not own how a command is typed (`ocs.cli`) or sent (`ocs.grpc`).

A new account gets its money before its identities: until then no request can reach it, so that no running
server ever sees it poor.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ocs.charging.master_data import check_name, check_profile, check_zone, parse_host, parse_network
from ocs.charging.naming import find_account
from ocs.charging.password import is_same_secret
from ocs.charging.posting import OPENING_KEY, Cashier, opening_order
from ocs.charging.treasury import Treasury
from ocs.errors import AlreadyExistsError, InputError, InputErrors, NotFoundError
from ocs.ports import (
    CatalogStore,
    Clock,
    Gateway,
    Identity,
    IdentityKind,
    LedgerStore,
    NewAccount,
    Plan,
)
from ocs.quota.account import Account, AccountProfile, opening_account


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOrder:
    """An account that somebody wants to exist."""

    place: str
    "What to name in errors: file and line, or the command's argument."
    profile: AccountProfile
    "Ids are assigned, plan and parent come by name; an empty currency becomes that of the plan."
    plan: str = ""
    parent: str = ""
    opening_micros: int = 0
    "What it starts with: a payment, or a debt brought along when negative."
    identities: Sequence[Identity] = ()
    "`account_id` is assigned."


class AccountState(NamedTuple):
    """All that people ask about one account."""

    profile: AccountProfile
    live: Account
    plan: str
    "Name, empty when the account has none of its own."
    parent: str
    "Name, empty at the top."
    identities: Sequence[Identity]

    @property
    def available_micros(self) -> int | None:
        """What nothing holds, down to the credit limit; None when unlimited."""
        return self.live.available_micros(self.profile.floor_micros)


class Present(NamedTuple):
    """An ordered account that is there already, as far as an earlier run came."""

    order: AccountOrder
    profile: AccountProfile
    is_opening_due: bool
    "What it starts with was not booked yet."
    missing: Sequence[Identity]
    "Identities that it does not have yet."


class Enrolment(NamedTuple):
    """What creating the ordered accounts comes to."""

    new: Sequence[tuple[AccountOrder, NewAccount]]
    "Parents first."
    present: Sequence[Present]


class Administration:
    """The operator's commands. Any may raise `StoreUnavailableError`: the database is out of reach."""

    def __init__(self, ledger: LedgerStore, catalog: CatalogStore, clock: Clock) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock
        self._cashier = Cashier(ledger, catalog, clock)
        self.treasury = Treasury(ledger, catalog, clock)

    # ----------------------------------------------------------------------------------- looking things up

    async def account(self, name: str) -> AccountProfile:
        """The account with this name, or NotFoundError."""
        return await find_account(self._catalog, name)

    async def account_state(self, name: str) -> AccountState:
        """Master data, live sums and identities of one account."""
        profile = await self.account(name)
        loaded = await self._ledger.load([profile.id], ())
        plans = {plan.id: plan.name for plan in await self._catalog.load_plans()}
        return AccountState(
            profile,
            loaded.accounts.get(profile.id) or opening_account(profile.id),
            plans.get(profile.plan_id, "") if profile.plan_id else "",
            await self._parent_name(profile.id) or "",
            await self._catalog.list_identities(profile.id),
        )

    async def plan(self, name: str, place: str = "plan") -> Plan:
        """The plan with this name, or an InputError at `place`."""
        for plan in await self._catalog.load_plans():
            if plan.name == name:
                return plan
        raise InputError(place, f"plan {name!r} does not exist")

    async def _parent_name(self, account_id: int) -> str | None:
        chain = await self._catalog.load_chain(account_id)
        return chain[1].name if len(chain) > 1 else None

    # ----------------------------------------------------------------------------------- accounts

    async def create_account(self, order: AccountOrder) -> AccountProfile:
        """Create one account, book what it starts with, and give it its identities.

        Raises:
            AlreadyExistsError: the name or an identity is taken.
            InputError: the plan or the parent does not exist, or a value cannot be.
        """
        new = _resolve(order, await self._surroundings([order]))
        if await self._catalog.find_account(new.profile.name) is not None:
            raise AlreadyExistsError(f"account {new.profile.name!r} exists already")
        for identity in new.identities:
            if await self.find_identity(identity.kind, identity.value) is not None:
                raise AlreadyExistsError(f"{_title(identity)} belongs to another account")
        (profile,) = await self._enrol([(order, new)])
        return profile

    async def plan_enrolment(
        self, orders: Sequence[AccountOrder], errors: Sequence[InputError] = ()
    ) -> Enrolment:
        """Find out what creating many accounts comes to; writes nothing.

        Args:
            orders: the accounts.
            errors: what is known to be wrong already, to be reported together.

        Raises:
            InputErrors: every order that cannot be carried out, each at its place.
        """
        found = [*errors, *_find_repeats(orders)]
        new: list[tuple[AccountOrder, NewAccount]] = []
        present: list[Present] = []
        surroundings = await self._surroundings(orders)
        for order in orders:
            try:
                account = _resolve(order, surroundings)
                existing = await self._find_present(order, account)
            except InputError as error:
                found.append(error)
                continue
            if existing is None:
                new.append((order, account))
            else:
                present.append(existing)
        if found:
            raise InputErrors("accounts", found)
        return Enrolment(_parents_first(new), present)

    async def enrol(self, enrolment: Enrolment) -> Sequence[AccountProfile]:
        """Create the new accounts, all or none, and complete those that an interrupted run left behind."""
        created = await self._enrol(enrolment.new)
        for order, profile, is_opening_due, missing in enrolment.present:
            if is_opening_due:
                await self._cashier.book(profile, opening_order(order.opening_micros))
            if missing:
                owned = [replace(identity, account_id=profile.id) for identity in missing]
                await self._catalog.add_identities(owned)
        return created

    async def update_account(
        self, name: str, changes: Mapping[str, Any], *, plan: str | None = None
    ) -> AccountProfile:
        """Change fields of an account's master data, and its plan by name."""
        former = await self.account(name)
        profile = replace(former, **changes)
        if profile.reset_cycle is not former.reset_cycle:
            profile = replace(profile, reset_since_ms=self._clock.now_ms())
        place = f"account {name}"
        if plan is not None:
            order = AccountOrder(place=place, profile=profile, plan=plan)
            profile = _resolve(order, await self._surroundings([])).profile
        check_profile(profile, place)
        await self._catalog.update_account(profile)
        return profile

    async def _enrol(self, new: Sequence[tuple[AccountOrder, NewAccount]]) -> Sequence[AccountProfile]:
        if not new:
            return ()
        created = await self._catalog.create_accounts([replace(account, identities=()) for _, account in new])
        pairs = list(zip(created, new, strict=True))
        await self._cashier.book_openings([(profile, order.opening_micros) for profile, (order, _) in pairs])
        identities = [
            replace(identity, account_id=profile.id)
            for profile, (_, account) in pairs
            for identity in account.identities
        ]
        if identities:
            await self._catalog.add_identities(identities)
        return created

    async def _surroundings(self, orders: Sequence[AccountOrder]) -> "_Surroundings":
        currencies = {terms.id: terms.currency for terms in await self._catalog.load_tariffs()}
        plans = {plan.name: plan for plan in await self._catalog.load_plans()}
        names = {order.profile.name for order in orders}
        for parent in {order.parent for order in orders if order.parent} - names:
            if await self._catalog.find_account(parent) is not None:
                names.add(parent)
        return _Surroundings(plans, currencies, names)

    async def _find_present(self, order: AccountOrder, new: NewAccount) -> Present | None:
        """The account if it is there as ordered, None when nothing of it is; InputError otherwise."""
        existing = await self._catalog.find_account(new.profile.name)
        for identity in new.identities:
            taken = await self.find_identity(identity.kind, identity.value)
            if taken is not None and (existing is None or taken.account_id != existing.id):
                raise InputError(order.place, f"{_title(identity)} belongs to another account")
        if existing is None:
            return None
        opening = await self._ledger.find_entry(existing.id, OPENING_KEY)
        is_opening_due = opening is None and order.opening_micros != 0
        wanted = replace(new.profile, id=existing.id, parent_id=existing.parent_id, root_id=existing.root_id)
        owned = {
            (one.kind, one.value): one.secret for one in await self._catalog.list_identities(existing.id)
        }
        missing = [one for one in new.identities if (one.kind, one.value) not in owned]
        is_same = (
            wanted == existing
            and await self._parent_name(existing.id) == new.parent
            and all(
                is_same_secret(owned.get((one.kind, one.value), one.secret), one.secret)
                for one in new.identities
            )
            and (opening is None or opening.amount_micros == order.opening_micros)
        )
        # Money is only brought to an account that an interrupted run left without any movement.
        if not is_same or (is_opening_due and await self._ledger.list_entries(existing.id, limit=1)):
            raise InputError(order.place, f"account {existing.name!r} already exists and is not the same")
        return Present(order, existing, is_opening_due, missing)

    async def find_identity(self, kind: IdentityKind, value: str) -> Identity | None:
        """The stored identity with exactly this value; a range never answers for an address in it."""
        asked = [value]
        if kind is IdentityKind.IP:
            # A range is looked up by an address of it; where a longer range has that, another one is tried.
            network = parse_network(value, "identity")
            asked = [str(network.network_address), str(network.broadcast_address)]
        for one in asked:
            found = await self._catalog.find_identity(kind, one)
            if found is not None and found.value == value:
                return found
        return None

    # ----------------------------------------------------------------------------------- identities, gateways

    async def add_identity(self, account: str, identity: Identity, *, plan: str | None = None) -> Identity:
        """Let an account be recognised by one more identity; AlreadyExistsError when the value is taken."""
        profile = await self.account(account)
        plan_id = None if plan is None else (await self.plan(plan)).id
        identity = replace(identity, account_id=profile.id, plan_id=plan_id)
        await self._catalog.add_identities([identity])
        return identity

    async def add_gateway(self, gateway: Gateway) -> Gateway:
        """Make a gateway known. AlreadyExistsError when its name or address is taken."""
        return await self._catalog.save_gateway(await self._checked(replace(gateway, id=0)))

    async def change_gateway(self, name: str, change: Callable[[Gateway], Gateway]) -> Gateway:
        """Put a changed record in a gateway's place; NotFoundError when there is none of this name."""
        for gateway in await self._catalog.load_gateways():
            if gateway.name == name:
                return await self._catalog.save_gateway(await self._checked(change(gateway)))
        raise NotFoundError(f"gateway {name!r} does not exist")

    async def _checked(self, gateway: Gateway) -> Gateway:
        """The record in its usual form, or the reason why it cannot be one."""
        check_name(gateway.name, "gateway name")
        check_zone(gateway.zone, "gateway zone")
        if gateway.address:
            network = parse_network(gateway.address, "gateway address")
            address = str(network.network_address if network.num_addresses == 1 else network)
            gateway = replace(gateway, address=address)
            if not gateway.secret:
                raise InputError("gateway secret", "a gateway that sends RADIUS needs one")
        if gateway.coa_address:
            gateway = replace(gateway, coa_address=parse_host(gateway.coa_address, "gateway CoA address"))
        for other in await self._catalog.load_gateways():
            if gateway.address and other.address == gateway.address and other.id != gateway.id:
                raise AlreadyExistsError(f"gateway {other.name!r} has the address {gateway.address}")
        return gateway


# ----------------------------------------------------------------------------------------- orders


class _Surroundings(NamedTuple):
    """What orders for accounts refer to, read once for all of them."""

    plans: Mapping[str, Plan]
    currencies: Mapping[int, str]
    "Tariff id -> currency."
    names: Collection[str]
    "Accounts that exist, or will with the orders."

    def currency(self, plan: Plan, wanted: str, place: str) -> str:
        """The currency of an account with this plan; InputError when its tariffs have another one."""
        tariff_ids = {*plan.tariffs.values(), plan.override_tariff_id}
        priced = {currency for tariff_id, currency in self.currencies.items() if tariff_id in tariff_ids}
        currency = wanted or min(priced, default="")
        if priced - {currency}:
            raise InputError(
                place, f"plan {plan.name!r} is priced in {', '.join(sorted(priced))}, not only in {currency}"
            )
        return currency


def _resolve(order: AccountOrder, surroundings: _Surroundings) -> NewAccount:
    """The order with its plan's id and currency, checked."""
    profile = order.profile
    if order.plan:
        plan = surroundings.plans.get(order.plan)
        if plan is None:
            raise InputError(order.place, f"plan {order.plan!r} does not exist")
        currency = surroundings.currency(plan, profile.currency, order.place)
        profile = replace(profile, plan_id=plan.id, currency=currency)
    profile = replace(profile, currency=profile.currency or "USD")
    check_profile(profile, order.place)
    if order.parent and order.parent not in surroundings.names:
        raise InputError(order.place, f"parent account {order.parent!r} does not exist")
    if order.parent == profile.name:
        raise InputError(order.place, f"account {profile.name!r} cannot be its own parent")
    return NewAccount(profile=profile, parent=order.parent or None, identities=order.identities)


def _find_repeats(orders: Sequence[AccountOrder]) -> Sequence[InputError]:
    """Names and identities that two orders of one batch want."""
    errors = []
    places: dict[tuple[str, str], str] = {}
    for order in orders:
        wanted = [("account", order.profile.name)]
        wanted += [(identity.kind.value, identity.value) for identity in order.identities]
        for name in wanted:
            if name in places:
                errors.append(
                    InputError(order.place, f"{name[0]} {name[1]!r} stands at {places[name]} already")
                )
            places.setdefault(name, order.place)
    return errors


def _parents_first(
    new: Sequence[tuple[AccountOrder, NewAccount]],
) -> Sequence[tuple[AccountOrder, NewAccount]]:
    """The same accounts, each behind its parent where that is one of them.

    Raises:
        InputError: accounts are each other's ancestors.
    """
    waiting = {account.profile.name: (order, account) for order, account in new}
    ordered: list[tuple[AccountOrder, NewAccount]] = []
    while waiting:
        ready = [name for name, (_, account) in waiting.items() if account.parent not in waiting]
        if not ready:
            order, account = next(iter(waiting.values()))
            raise InputError(order.place, f"account {account.profile.name!r} is among its own ancestors")
        ordered += [waiting.pop(name) for name in ready]
    return ordered


def _title(identity: Identity) -> str:
    return f"{identity.kind.value} {identity.value!r}"

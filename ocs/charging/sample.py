"""The sample catalogue: something of everything, small enough to be read, so that a first call can be made.

Owns what it consists of, and that loading it again changes nothing. Addresses and numbers are such as are set
apart for examples (RFC 5737, 555-01xx); the gateways serve this machine only.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ocs.charging.administration import AccountOrder, Administration
from ocs.charging.discount_text import parse_rule
from ocs.charging.discounting import create_discount_plan
from ocs.ports import CatalogStore, DiscountAssignment, Gateway, Identity, IdentityKind, Plan
from ocs.quota.account import AccountKind, AccountProfile
from ocs.rating.discount import Owner
from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms
from ocs.units import AccessCode, parse_money, parse_price

RADIUS_GATEWAY: Final = "sample-gateway"
GRPC_GATEWAY: Final = "grpc-local"
"The record that gRPC callers of this machine act as (setting `grpc.unauthenticated_gateway`)."

_OUT, _IN = AccessCode.OUTGOING, AccessCode.INCOMING


def _voice(intervals: str, first: str, following: str = "") -> PriceSet:
    """Prices by time: ``60/6`` seconds, first and following price a minute (the same when not given)."""
    first_interval, next_interval = intervals.split("/")
    return PriceSet(
        first_interval_s=int(first_interval),
        next_interval_s=int(next_interval),
        first_price_nanos=parse_price(first),
        next_price_nanos=parse_price(following or first),
    )


def _unit(price: str, *, rounding: int = 1) -> PriceSet:
    """A price per MB or message."""
    return PriceSet(unit_price_nanos=parse_price(price), rounding=rounding)


_EVENING: Final = "hr{6pm-5am}, wd{sa su}"

TARIFFS: Final[Sequence[tuple[TariffTerms, Sequence[Rate]]]] = (
    (
        TariffTerms(id=0, name="retail-voice", off_peak_periods=(_EVENING,)),
        (
            Rate(
                destination="1",
                peak=_voice("60/6", "0.10"),
                off_peak=(OffPeak(prices=_voice("60/6", "0.06")),),
            ),
            Rate(destination="1900", forbidden=True),
            Rate(destination="44", peak=_voice("30/6", "0.12", "0.06")),
            Rate(destination="447", peak=_voice("60/6", "0.24")),
            Rate(destination="49", peak=_voice("1/1", "0.10")),
            Rate(destination="112", peak=_voice("60/60", "0")),
        ),
    ),
    (
        TariffTerms(id=0, name="wholesale-voice"),
        (
            Rate(destination="1", peak=_voice("6/6", "0.012")),
            Rate(destination="44", peak=_voice("1/1", "0.015")),
            Rate(destination="447", peak=_voice("1/1", "0.042")),
            Rate(destination="49", peak=_voice("1/1", "0.018")),
        ),
    ),
    (
        TariffTerms(id=0, name="incoming-payback"),
        (Rate(destination="INCOMING", peak=_voice("60/60", "0.02"), payback=True),),
    ),
    (
        TariffTerms(id=0, name="data"),
        (Rate(destination="NETACCESS", peak=_unit("0.05", rounding=1024)),),
    ),
    (
        TariffTerms(id=0, name="messages"),
        (Rate(destination="MSG", peak=_unit("0.03")),),
    ),
)

PLANS: Final = {
    "retail": {
        ("voice", _OUT): "retail-voice",
        ("data", _OUT): "data",
        ("messages", _OUT): "messages",
    },
    "retail-payback": {
        ("voice", _OUT): "retail-voice",
        ("voice", _IN): "incoming-payback",
        ("data", _OUT): "data",
        ("messages", _OUT): "messages",
    },
    "retail-minutes": {
        ("voice", _OUT): "retail-voice",
        ("data", _OUT): "data",
        ("messages", _OUT): "messages",
    },
    "wholesale": {("voice", _OUT): "wholesale-voice"},
}
"Plan -> (service, access code) -> tariff."

DISCOUNTS: Final = {
    "minutes-100": ("retail-minutes", ("minutes 1,44,49 included=100min reset=monthly prorate",)),
}
"Discount plan -> plan that it comes with, rules."

GATEWAYS: Final = (
    Gateway(
        id=0,
        name=RADIUS_GATEWAY,
        address="127.0.0.1",
        secret="testing123",  # noqa: S106 - the example
        # radclient signs no Access-Request and `ocs call` signs each: "auto" would trust the one and then
        # be silent to the other, because both are this client.
        require_message_authenticator="no",
    ),
    Gateway(id=0, name=GRPC_GATEWAY),
)


def _identity(kind: IdentityKind, value: str, secret: str | None = None) -> Identity:
    return Identity(kind=kind, value=value, account_id=0, secret=secret)


def _account(
    name: str,
    *identities: Identity,
    plan: str = "retail",
    money: str = "0",
    parent: str = "",
    kind: AccountKind = AccountKind.PREPAID,
    credit_limit: str | None = None,
) -> AccountOrder:
    return AccountOrder(
        place=f"sample account {name}",
        profile=AccountProfile(
            id=0,
            name=name,
            kind=kind,
            currency="USD",
            credit_limit_micros=None if credit_limit is None else parse_money(credit_limit),
        ),
        plan=plan,
        parent=parent,
        opening_micros=parse_money(money),
        identities=(_identity(IdentityKind.USERNAME, name, f"{name}-secret"), *identities),
    )


ACCOUNTS: Final = (
    _account("alice", _identity(IdentityKind.ANI, "12025550100"), money="10"),
    _account("bob", _identity(IdentityKind.DID, "12025550101"), money="0.15", plan="retail-payback"),
    _account("carol"),
    _account("dave", _identity(IdentityKind.IP, "192.0.2.10"), kind=AccountKind.POSTPAID, credit_limit="20"),
    _account("nova-reseller", plan="wholesale", money="100"),
    _account("erin", money="5", parent="nova-reseller"),
    _account("ivy", money="5", plan="retail-minutes"),
)


async def load_sample(administration: Administration, catalog: CatalogStore) -> Sequence[str]:
    """Add what is missing of the sample; what it added, in words. Empty: everything was there.

    An object that exists under a sample's name stands as it is, whatever somebody made of it.
    """
    added = [f"tariff {name}" for name in await _add_tariffs(catalog)]
    added += [f"plan {name}" for name in await _add_plans(catalog)]
    added += [f"discount plan {name}" for name in await _add_discounts(catalog)]
    for order in ACCOUNTS:
        if await catalog.find_account(order.profile.name) is None:
            await administration.create_account(order)
            added.append(f"account {order.profile.name}")
    gateways = {gateway.name for gateway in await catalog.load_gateways()}
    for gateway in GATEWAYS:
        if gateway.name not in gateways:
            await administration.add_gateway(gateway)
            added.append(f"gateway {gateway.name}")
    return added


async def _add_tariffs(catalog: CatalogStore) -> Sequence[str]:
    added = []
    saved = {terms.name: terms for terms in await catalog.load_tariffs()}
    for terms, rates in TARIFFS:
        tariff = saved.get(terms.name) or await catalog.save_tariff(terms)
        present = {
            (rate.destination, rate.effective_from_s)
            async for chunk in catalog.stream_rates(tariff.id)
            for rate in chunk
        }
        missing = [rate for rate in rates if (rate.destination, rate.effective_from_s) not in present]
        if missing:
            await catalog.write_rates(tariff.id, missing)
            added.append(terms.name)
    return added


async def _add_plans(catalog: CatalogStore) -> Sequence[str]:
    tariff_ids = {terms.name: terms.id for terms in await catalog.load_tariffs()}
    present = {plan.name for plan in await catalog.load_plans()}
    missing = [name for name in PLANS if name not in present]
    for name in missing:
        tariffs = {service: tariff_ids[tariff] for service, tariff in PLANS[name].items()}
        await catalog.save_plan(replace(Plan(id=0, name=name), tariffs=tariffs))
    return missing


async def _add_discounts(catalog: CatalogStore) -> Sequence[str]:
    plan_ids = {plan.name: plan.id for plan in await catalog.load_plans()}
    saved = {plan.name: plan.id for plan in await catalog.load_discount_plans()}
    added = []
    for name, (plan, rules) in DISCOUNTS.items():
        if name not in saved:
            parsed = [parse_rule(rule, f"sample discount {name}") for rule in rules]
            saved[name] = (await create_discount_plan(catalog, name, parsed)).id
            added.append(name)
        if not await catalog.list_discounts(saved[name]):
            await catalog.assign_discount(
                DiscountAssignment(discount_plan_id=saved[name], owner=Owner.PLAN, plan_id=plan_ids[plan])
            )
    return added

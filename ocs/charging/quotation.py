"""Quotations: what a service would cost an account, or by a tariff, and how much of it the money buys.

Owns who is asked for money and by which rate. Does not own prices: the same functions as for sessions make
them. Reads the stores, changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ocs.charging.allowance import offered_discounts, open_shares
from ocs.charging.catalogue import Catalogue
from ocs.charging.directory import Directory, make_links
from ocs.charging.situation import UNLIMITED, Link
from ocs.charging.tariff_book import find_terms, load_tariffs
from ocs.errors import NotFoundError
from ocs.ports import CatalogStore, LedgerStore
from ocs.quota.account import AccountProfile, opening_account
from ocs.rating.affordable import affordable
from ocs.rating.applied import AppliedRate
from ocs.rating.destination import MSG
from ocs.rating.discount import Discounts
from ocs.rating.explanation import Explanation, explain
from ocs.rating.price import price_set_at
from ocs.rating.selection import OnNet, RatingRefusal, select_rate
from ocs.units import MILLIS_PER_SECOND, AccessCode, Measure, Service

CAP_UNITS: Final = {Measure.SECONDS: 24 * 3600, Measure.OCTETS: 2**50, Measure.MESSAGES: 10**9}
"More than this nobody is told to afford."
_PARTIES_MAX: Final = 64
"Identities and chains of one quotation: two parties, each with its number under a few kinds."


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What shall be priced."""

    service: Service
    units: int
    "Seconds, octets or messages."
    at_s: int
    "Epoch seconds of the start."
    access_code: AccessCode = AccessCode.OUTGOING
    called: str = ""
    calling: str = ""
    network: str = ""
    "MCC and MNC of a message's recipient, digits."


class Line(NamedTuple):
    """One payer's part."""

    account: str
    "Name; empty when a tariff was asked."
    explanation: Explanation
    funds_micros: int | None
    "Money it may spend now; None: no limit, or no account."
    affordable_units: int
    "At most `CAP_UNITS`."


class Quotation(NamedTuple):
    """Every payer's part, and what all of them can afford; or why there is no price."""

    lines: Sequence[Line]
    refusal: RatingRefusal | None = None

    @property
    def affordable_units(self) -> int:
        """Units that every payer can afford."""
        return min(line.affordable_units for line in self.lines)


async def quote_tariff(
    catalog: CatalogStore, name: str, question: Question, *, zone: ZoneInfo, funds_micros: int | None
) -> Quotation:
    """Price a service by one tariff, for some money or none in particular."""
    tariff = await catalog.load_tariff(await find_terms(catalog, name))
    applied = select_rate(
        tariff,
        None,
        service=question.service,
        access_code=question.access_code,
        called=question.called,
        calling=question.calling,
        at_s=question.at_s,
        network=question.network,
    )
    if isinstance(applied, RatingRefusal):
        return Quotation((), applied)
    return Quotation([_line("", applied, question, zone=zone, funds_micros=funds_micros)])


async def quote_account(
    ledger: LedgerStore, catalog: CatalogStore, profile: AccountProfile, question: Question
) -> Quotation:
    """Price a service for an account and everybody above it who pays.

    Raises:
        NotFoundError: nobody of them has a plan with the service.
    """
    chain = await catalog.load_chain(profile.id)
    catalogue = await _load_catalogue(catalog, chain)
    loaded = (await ledger.load([link.id for link in chain], ())).accounts
    live = {link.id: loaded.get(link.id) or opening_account(link.id) for link in chain}
    assignments = await catalog.account_discounts([profile.id for profile in chain])
    links = make_links(chain, assignments, catalogue)
    on_net = await _on_net(catalog, catalogue, links, question)
    lines = []
    for ordinal, link in enumerate(links):
        if link.plan is None:
            continue
        applied = catalogue.rate(
            link,
            service=question.service,
            access_code=question.access_code,
            called=question.called,
            calling=question.calling,
            at_s=question.at_s,
            on_net=on_net,
            network=question.network,
        )
        if applied is None:
            raise NotFoundError(
                f"plan {link.plan.name!r} of account {link.profile.name!r} has no {question.service.name}"
            )
        if isinstance(applied, RatingRefusal):
            return Quotation((), applied)
        funds = live[link.profile.id].available_micros(link.floor_micros)
        shares = open_shares(catalogue.offers(links, ordinal), applied, start_s=question.at_s)
        lines.append(
            _line(
                link.profile.name,
                applied,
                question,
                zone=link.zone,
                funds_micros=funds,
                discounts=offered_discounts(
                    shares, find_account=live.__getitem__, now_ms=question.at_s * MILLIS_PER_SECOND
                ),
            )
        )
    if not lines:
        raise NotFoundError(f"account {profile.name!r} has no plan, nor has anybody above it")
    return Quotation(lines)


async def _on_net(
    catalog: CatalogStore, catalogue: Catalogue, links: Sequence[Link], question: Question
) -> OnNet:
    """How near the other party is, where a tariff of the chain has a price for that."""
    by_number = question.service.destination in (None, MSG)
    other = question.calling if question.access_code is AccessCode.INCOMING else question.called
    if not (by_number and other and catalogue.asks_on_net(links, question.service, question.access_code)):
        return OnNet.NO
    return await Directory(catalog, catalogue, max_entries=_PARTIES_MAX).load_on_net(links, other)


async def _load_catalogue(catalog: CatalogStore, chain: Sequence[AccountProfile]) -> Catalogue:
    catalogue = Catalogue()
    catalogue.replace_plans(await catalog.load_plans())
    catalogue.replace_discounts(await catalog.load_discount_plans(), await catalog.plan_discounts())
    plans = [catalogue.plans[link.plan_id] for link in chain if link.plan_id in catalogue.plans]
    tariff_ids = {tariff_id for plan in plans for tariff_id in plan.tariffs.values()}
    tariff_ids |= {plan.override_tariff_id for plan in plans if plan.override_tariff_id is not None}
    catalogue.tariffs = await load_tariffs(catalog, tariff_ids)
    return catalogue


def _line(
    account: str,
    applied: AppliedRate,
    question: Question,
    *,
    zone: ZoneInfo,
    funds_micros: int | None,
    discounts: Discounts = (),
) -> Line:
    def usage(units: int) -> tuple[int, int, int]:
        """Units in the price set of the start; seconds are all in the first place."""
        places = [0, 0, 0]
        by_time = question.service.measure is Measure.SECONDS
        places[0 if by_time else price_set_at(applied, question.at_s, zone)] = units
        return (places[0], places[1], places[2])

    return Line(
        account,
        explain(
            applied,
            usage(question.units),
            start_s=question.at_s,
            zone=zone,
            ended=True,
            discounts=discounts,
        ),
        funds_micros,
        affordable(
            applied,
            # What is included is affordable whatever the balance, as for a session.
            UNLIMITED if funds_micros is None else max(0, funds_micros) if discounts else funds_micros,
            usage=usage(0),
            start_s=question.at_s,
            zone=zone,
            cap_units=CAP_UNITS[question.service.measure],
            set_index=0
            if question.service.measure is Measure.SECONDS
            else price_set_at(applied, question.at_s, zone),
            discounts=discounts,
        ),
    )

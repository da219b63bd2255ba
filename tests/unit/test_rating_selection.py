"""Which rate prices a request: rating section 2. The stories are in tests/vectors/rating/selection.toml."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rating_story import Story, stories

from ocs.rating.destination import CALLED_BY_NAME, SPECIAL
from ocs.rating.index import Tariff
from ocs.rating.selection import OnNet, RatingRefusal, select_rate
from ocs.rating.tariff import PriceSet, Rate, TariffTerms
from ocs.units import DATA, MESSAGES, SERVICES, VOICE, WIFI, AccessCode, Service, format_price, parse_price

JANUARY = 1_767_225_600


def tariff(prices: str, *, default: str | None = None, name: str = "retail") -> Tariff:
    """A tariff from text: ``44 0.05, 4420 0.03 from 2026-02-01 forbidden``."""
    rates = [rate(part) for part in prices.split(",") if part]
    terms = TariffTerms(id=1, name=name, default_rate=None if default is None else price_set(default))
    return Tariff.build(terms, rates)


def rate(text: str) -> Rate:
    """One rate from text: destination, price, then ``from`` a date, and flags."""
    destination, price, *more = text.split()
    since_s = 0
    if "from" in more:
        at = more.index("from")
        since_s = instant(more[at + 1])
        del more[at : at + 2]
    flags = dict.fromkeys(more, True)
    return Rate(destination=destination, effective_from_s=since_s, peak=price_set(price), **flags)


def instant(text: str) -> int:
    """Epoch seconds of an ISO time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def price_set(price: str) -> PriceSet:
    """One price for all units."""
    nanos = parse_price(price)
    return PriceSet(first_price_nanos=nanos, next_price_nanos=nanos, unit_price_nanos=nanos)


def select(
    plan: Tariff,
    called: str = "",
    *,
    override: Tariff | None = None,
    service: Service = VOICE,
    access_code: AccessCode = AccessCode.OUTGOING,
    at_s: int = JANUARY,
    **more: Any,
) -> str:
    """The destination and price that a request gets, or the refusal."""
    more.setdefault("calling", "15550001")
    applied = select_rate(
        plan, override, service=service, access_code=access_code, called=called, at_s=at_s, **more
    )
    if isinstance(applied, RatingRefusal):
        return applied.value
    assert applied.service is service
    return f"{applied.rate.destination} {format_price(applied.rate.peak.next_price_nanos)}"


@stories("selection")
def test_the_story_says_which_rate(story: Story) -> None:
    """Special before prefix, the longest prefix in force, the override beside the plan's tariff."""
    override = None
    if "override" in story:
        override = tariff(story["override"], default=story.get("override_default"), name="override")
    chosen = select(
        tariff(story["plan"], default=story.get("default")),
        story.get("called", "255123"),
        override=override,
        service=SERVICES[story.get("service", "voice")],
        access_code=AccessCode(story.get("access", "OUTGOING")),
        at_s=instant(story.get("at", "2026-01-01")),
        calling=story.get("calling", "15550001"),
        on_net=OnNet(story.get("on_net", "no")),
        bill_by_ani=story.get("ani", False),
        network=story.get("network", ""),
    )

    assert chosen == story["rate"]


def versions(*rates: Rate) -> Tariff:
    """A tariff of rates."""
    return Tariff.build(TariffTerms(id=1, name="retail"), rates)


def test_e6_incoming_payback_is_found_under_incoming() -> None:
    """The rate carries the mark; what it credits is the price's business."""
    plan = versions(Rate(destination="INCOMING", peak=price_set("0.02"), payback=True))
    applied = select_rate(
        plan, None, service=VOICE, access_code=AccessCode.INCOMING, called="44", calling="1", at_s=JANUARY
    )
    assert not isinstance(applied, RatingRefusal)
    assert applied.is_payback


@pytest.mark.parametrize("name", CALLED_BY_NAME)
def test_a_called_name_matches_only_itself(name: str) -> None:
    """Voicemail, IVR, emergency calls, recordings: named by the gateway's rules instead of a number."""
    plan = tariff(f"{name} 0.01, | 0.50", default="0.99")
    assert select(plan, name) == f"{name} 0.01"
    assert select(plan, name.lower()) == f"{name} 0.01"
    assert select(tariff("| 0.50", default="0.99"), name) == "no_rate"


def test_every_special_destination_is_reached_by_some_request() -> None:
    """No price can be entered that nothing ever uses."""
    plan = tariff(",".join(f"{name} 0.01" for name in SPECIAL))
    reached = set()
    for service in (VOICE, DATA, WIFI, MESSAGES):
        for on_net in OnNet:
            for access_code in (AccessCode.OUTGOING, AccessCode.INCOMING):
                for called in ("44", *CALLED_BY_NAME):
                    chosen = select(plan, called, service=service, on_net=on_net, access_code=access_code)
                    reached.add(chosen.split()[0])
    assert reached == set(SPECIAL)


def test_a_chosen_rate_is_compiled_once() -> None:
    """Selecting again gives the same object, from the tariff that owns the rate."""
    plan, override = tariff("44 0.05"), tariff("4420 0.03", name="override")
    arguments: dict[str, Any] = {
        "service": VOICE,
        "access_code": AccessCode.OUTGOING,
        "calling": "1",
        "at_s": JANUARY,
    }
    first = select_rate(plan, override, called="442011111", **arguments)
    second = select_rate(plan, override, called="442022222", **arguments)
    assert not isinstance(first, RatingRefusal)
    assert first is second
    assert first.terms.name == "override"

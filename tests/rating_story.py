"""Reads the tables of tests/vectors/rating: each line is one story about one rate, as a TOML inline table.

Keys of a story, all but the first optional:
    story       what it shows
    rate        peak prices: ``60/6@0.10``, ``30/6@0.12/0.06`` (first/next@price[/next price]), a formula, or
                ``1024@0.05`` (rounding@unit price) for octets and messages
    off, off2   off-peak prices, written alike; when, when2: their periods
    defaults    the tariff's default periods
    by          off_peak_when
    fee, zero, grace, free, post, decimals, mode, payback: terms of the tariff and the rate
    service     voice by default
    zone, at    of the payer, and the local time at which the session starts
    used        seconds, KB or messages; a list for price sets
"""

import tomllib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ocs.rating.applied import AppliedRate
from ocs.rating.tariff import OffPeak, OffPeakWhen, PriceSet, Rate, RoundMode, TariffTerms
from ocs.units import SERVICES, Measure, Service, parse_decimal, parse_money, parse_price

Story = dict[str, Any]

FOLDER = Path(__file__).parent / "vectors" / "rating"
_SERVICES = SERVICES | {"gb": Service("gb", Measure.OCTETS, None, 1000, 1_000_000)}


def stories(name: str, key: str | None = None) -> Any:
    """The stories of a table as parameters `story`; with a key those that have it."""
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text())["stories"]
    chosen = [story for story in table if key is None or key in story]
    assert chosen, (name, key)
    return pytest.mark.parametrize("story", [pytest.param(story, id=story["story"]) for story in chosen])


def service_of(story: Story) -> Service:
    """The service that the story is about."""
    return _SERVICES[story.get("service", "voice")]


def rate_of(story: Story) -> AppliedRate:
    """The story's rate, compiled."""
    service = service_of(story)
    off_peak = [
        OffPeak(prices=_prices(story[f"off{n}"], service), period=story.get(f"when{n}"))
        for n in ("", "2")
        if f"off{n}" in story
    ]
    terms = TariffTerms(
        id=1,
        name="story",
        off_peak_periods=tuple(story.get("defaults", ())),
        off_peak_when=OffPeakWhen(story.get("by", "starts")),
        connect_fee_micros=parse_money(story.get("fee", "0")),
        connect_fee_on_zero=story.get("zero", False),
        grace_seconds=story.get("grace", 0),
        free_seconds=story.get("free", 0),
        post_call_surcharge_ppm=parse_decimal(story.get("post", "0"), places=4),
        round_decimals=story.get("decimals", 5),
        round_mode=RoundMode(story.get("mode", "half_away_from_zero")),
    )
    rate = Rate(
        destination=story.get("destination", "44"),
        peak=_prices(story["rate"], service),
        off_peak=tuple(off_peak),
        payback=story.get("payback", False),
    )
    return AppliedRate(terms, rate, service)


def usage_of(story: Story, key: str = "used") -> tuple[int, int, int]:
    """Measured units per price set."""
    found = story.get(key, 0)
    sets = [*(found if isinstance(found, list) else [found]), 0, 0]
    scale = measured_per_unit(story)
    return (sets[0] * scale, sets[1] * scale, sets[2] * scale)


def measured_per_unit(story: Story) -> int:
    """Measured units in the unit that stories are told in: octets in a KB."""
    service = service_of(story)
    return service.octets_per_base_unit if service.measure is Measure.OCTETS else 1


def place_of(story: Story) -> dict[str, Any]:
    """The session's start and the payer's zone, as keyword arguments."""
    zone = ZoneInfo(story.get("zone", "UTC"))
    local = datetime.fromisoformat(story.get("at", "2026-01-05T12:00"))
    at = local if local.tzinfo else local.replace(tzinfo=zone)
    return {"start_s": int(at.timestamp()), "zone": zone}


def prefixes(total: int, steps: int) -> Sequence[int]:
    """Totals at which a session of `total` might have been reported."""
    return sorted({total * step // steps for step in range(1, steps)} | {total})


def _prices(text: str, service: Service) -> PriceSet:
    if "x" in text:
        return PriceSet(formula=text)
    units, _, price = text.partition("@")
    first_price, _, next_price = price.partition("/")
    if service.measure is not Measure.SECONDS:
        return PriceSet(rounding=int(units), unit_price_nanos=parse_price(price))
    first, _, following = units.partition("/")
    return PriceSet(
        first_interval_s=int(first),
        next_interval_s=int(following),
        first_price_nanos=parse_price(first_price),
        next_price_nanos=parse_price(next_price or first_price),
    )

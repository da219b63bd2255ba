"""Sets of prices as facts and back."""

from dataclasses import asdict
from typing import Any, Final

from ocs.charging.resource.fact import INT64_MAX, FactReader
from ocs.rating.formula import Formula
from ocs.rating.tariff import PriceSet

_DEFAULT: Final = PriceSet()
_PREFERENCE_MAX: Final = 10
_LINE: Final = 1000


def price_facts(prices: PriceSet) -> dict[str, Any]:
    """A set of prices as facts."""
    return asdict(prices)


def read_prices(reader: FactReader) -> PriceSet:
    """The set of prices that a reader's facts say; 0 intervals and rounding are the defaults."""
    formula = reader.text("formula", characters_max=_LINE)
    parsed = reader.attempt("formula", Formula.parse, formula) if formula else None
    return PriceSet(
        first_interval_s=reader.count("first_interval_s") or _DEFAULT.first_interval_s,
        next_interval_s=reader.count("next_interval_s") or _DEFAULT.next_interval_s,
        first_price_nanos=reader.count("first_price_nanos", most=INT64_MAX),
        next_price_nanos=reader.count("next_price_nanos", most=INT64_MAX),
        rounding=reader.count("rounding") or _DEFAULT.rounding,
        unit_price_nanos=reader.count("unit_price_nanos", most=INT64_MAX),
        formula="" if parsed is None else str(parsed),
        route_category=reader.text("route_category"),
        preference=reader.count("preference", most=_PREFERENCE_MAX, default=_DEFAULT.preference),
        huntstop=reader.flag("huntstop"),
    )

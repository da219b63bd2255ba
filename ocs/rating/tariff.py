"""Tariffs as immutable data: terms, rates, price sets.

Owns what a tariff says. Does not own which rate applies (`ocs.rating.selection`) or what it costs
(`ocs.rating.price`). Times are epoch seconds; prices are nanos (10^-9) per minute or per billing unit.
"""

from dataclasses import dataclass, field
from enum import Enum


class OffPeakWhen(Enum):
    """Which price set a session that touches an off-peak period gets."""

    STARTS = "starts"
    FINISHES = "finishes"
    BOTH = "both"
    SPLIT = "split"


class RoundMode(Enum):
    """How a charge is rounded, once, on the session's total."""

    HALF_AWAY_FROM_ZERO = "half_away_from_zero"
    AWAY_FROM_ZERO = "away_from_zero"
    TOWARD_ZERO = "toward_zero"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSet:
    """One of up to three parallel sets of prices of a rate: peak, off-peak, second off-peak."""

    first_interval_s: int = 60
    "Whole seconds, >= 1: charged in full as soon as the call is answered."
    next_interval_s: int = 60
    "Whole seconds, >= 1: every started one after the first is charged in full."
    first_price_nanos: int = 0
    "Per minute."
    next_price_nanos: int = 0
    "Per minute."
    rounding: int = 1
    "Base units (KB, messages), >= 1: cumulative volume is rounded up to a multiple."
    unit_price_nanos: int = 0
    "Per billing unit (MB, message)."
    formula: str = ""
    "Canonical formula text; replaces intervals and prices per minute when not empty."
    route_category: str = ""
    preference: int = 5
    "0 to 10, 0 is never routed; routing tariffs only."
    huntstop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OffPeak:
    """An off-peak price set and when it is valid."""

    prices: PriceSet
    period: str | None = None
    "Time::Period expression; None: the tariff's default period of the same place."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One destination in one tariff from one instant on."""

    destination: str
    "Phone prefix (digits) or a special destination as `ocs.rating.destination` spells it."
    effective_from_s: int = 0
    "Epoch seconds; the newest not in the future applies."
    peak: PriceSet = field(default_factory=PriceSet)
    off_peak: tuple[OffPeak, ...] = ()
    "Up to two; the first wins where their periods overlap. Empty: the peak prices always apply."
    payback: bool = False
    hidden: bool = False
    discontinued: bool = False
    forbidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffTerms:
    """What a tariff says besides its rates."""

    id: int
    name: str
    currency: str = "USD"
    off_peak_periods: tuple[str, ...] = ()
    "Default Time::Period expressions, up to two."
    off_peak_when: OffPeakWhen = OffPeakWhen.STARTS
    connect_fee_micros: int = 0
    connect_fee_on_zero: bool = False
    "Whether an answered call of 0 s pays the connect fee."
    grace_seconds: int = 0
    free_seconds: int = 0
    post_call_surcharge_ppm: int = 0
    "Millionths of the total, fee included: 5 % is 50,000."
    round_decimals: int = 5
    "0 to 6."
    round_mode: RoundMode = RoundMode.HALF_AWAY_FROM_ZERO
    default_rate: PriceSet | None = None
    "Prices every number that no rate matches; None: such numbers are refused."

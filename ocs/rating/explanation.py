"""Explanations: the steps that made a price, for people, quotes and session detail records.

Owns: how the runs of a usage are shown. Does not compute a price of its own: every amount is one of those
that `ocs.rating.price` adds up. Rating section 8.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from json.encoder import encode_basestring_ascii as _quoted
from operator import itemgetter
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from ocs.rating.applied import SET_NAMES, AppliedRate
from ocs.rating.discount import Discounts
from ocs.rating.formula import PPM, percent_text
from ocs.rating.price import Priced, price
from ocs.rating.run import Usage
from ocs.rating.schedule import Schedule
from ocs.rating.tariff import OffPeakWhen
from ocs.units import MICROS_PER_UNIT, Measure, Micros, format_decimal, format_money

_EXACT_PLACES: Final = 15
"Amounts that need more decimals are shown as fractions."
_EXACT: Final = 10**_EXACT_PLACES


class StepKind(Enum):
    """What a step of an explanation is."""

    USAGE = "usage"
    SURCHARGE = "surcharge"
    DISCOUNT = "discount"


class Step(NamedTuple):
    """One line of a price."""

    kind: StepKind
    text: str
    numerator: int
    "Of the amount: exact, in currency units; negative where the account gains."
    denominator: int
    price_set: str = ""
    "Empty: not of one price set."
    blocks: int = 0
    "Blocks paid for."
    billed_units: int = 0

    @property
    def amount(self) -> Fraction:
        """Exact, in currency units; negative where the account gains."""
        return Fraction(self.numerator, self.denominator)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "kind": self.kind._value_,
            "text": self.text,
            "price_set": self.price_set,
            "blocks": self.blocks,
            "billed_units": self.billed_units,
            "amount": _ratio_text(self.numerator, self.denominator),
        }


class Explanation(NamedTuple):
    """How a charge came about. The amounts of the steps add up to `exact`, which rounded is the charge."""

    tariff: str
    currency: str
    service: str
    destination: str
    effective_from_s: int
    "Epoch seconds from which the rate is in force."
    payback: bool
    price_set: str
    "The set that prices the session, or `split`."
    reason: str
    "Why that set."
    unit: str
    "What usage is measured in."
    used_units: int
    billed_unit: str
    billed_units: int
    steps: Sequence[Step]
    exact: Fraction
    "In currency units, before rounding."
    rounding: str
    charge_micros: Micros

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: amounts as texts, `exact` as a fraction."""
        return {
            "tariff": self.tariff,
            "currency": self.currency,
            "service": self.service,
            "destination": self.destination,
            "effective_from": _utc_text(self.effective_from_s),
            "payback": self.payback,
            "price_set": self.price_set,
            "reason": self.reason,
            "unit": self.unit,
            "used_units": self.used_units,
            "billed_unit": self.billed_unit,
            "billed_units": self.billed_units,
            "steps": [step.to_dict() for step in self.steps],
            "exact": str(self.exact),
            "rounding": self.rounding,
            "charge": format_money(self.charge_micros),
        }


def to_json(told: Explanation) -> str:
    """The compact JSON of `told.to_dict()`, written at once: every call that ends has one for each payer."""
    steps = ",".join(
        [
            f'{{"kind":"{step.kind._value_}","text":{_quoted(step.text)},"price_set":"{step.price_set}",'
            f'"blocks":{step.blocks},"billed_units":{step.billed_units},'
            f'"amount":"{_ratio_text(step.numerator, step.denominator)}"}}'
            for step in told.steps
        ]
    )
    return (
        f'{{"tariff":{_quoted(told.tariff)},"currency":{_quoted(told.currency)},'
        f'"service":{_quoted(told.service)},"destination":{_quoted(told.destination)},'
        f'"effective_from":"{_utc_text(told.effective_from_s)}",'
        f'"payback":{"true" if told.payback else "false"},"price_set":"{told.price_set}",'
        f'"reason":{_quoted(told.reason)},"unit":{_quoted(told.unit)},"used_units":{told.used_units},'
        f'"billed_unit":{_quoted(told.billed_unit)},"billed_units":{told.billed_units},"steps":[{steps}],'
        f'"exact":"{told.exact}","rounding":{_quoted(told.rounding)},'
        f'"charge":"{format_money(told.charge_micros)}"}}'
    )


def explain(
    applied: AppliedRate,
    usage: Usage,
    *,
    start_s: int,
    zone: ZoneInfo,
    ended: bool = True,
    discounts: Discounts = (),
) -> Explanation:
    """Show how `ocs.rating.price.charge_discounted` comes to its amount; the arguments are the same."""
    priced = price(applied, usage, start_s=start_s, zone=zone, ended=ended, discounts=discounts)
    terms, service = applied.terms, applied.service
    steps = tuple(_steps(applied, priced))
    sets = {item.set_index for item, _, _ in priced.runs}
    seconds = service.measure is Measure.SECONDS
    used = usage[0] if seconds else sum(usage)
    return Explanation(
        tariff=terms.name,
        currency=terms.currency,
        service=service.name,
        destination=applied.rate.destination,
        effective_from_s=applied.rate.effective_from_s,
        payback=applied.is_payback,
        price_set=SET_NAMES[min(sets, default=0)] if len(sets) <= 1 else "split",
        reason=_reason(applied, used, start_s=start_s, zone=zone, ended=ended),
        unit=service.unit,
        used_units=used,
        billed_unit="KB" if service.measure is Measure.OCTETS else service.unit,
        billed_units=sum(step.billed_units for step in steps if step.kind is StepKind.USAGE),
        steps=steps,
        exact=_sum(steps),
        rounding=f"{terms.round_decimals} decimals, {terms.round_mode.value.replace('_', ' ')}",
        charge_micros=priced.amount,
    )


def exact_text(amount: Fraction) -> str:
    """Write an exact amount as a decimal, or as a fraction where no decimal is exact."""
    return _ratio_text(amount.numerator, amount.denominator)


def _ratio_text(numerator: int, denominator: int) -> str:
    """`exact_text` of a ratio that need not be in lowest terms: a Fraction costs more than all the rest."""
    scaled, rest = divmod(numerator * _EXACT, denominator)
    if rest:
        return str(Fraction(numerator, denominator))
    return format_decimal(scaled, places=_EXACT_PLACES, min_places=2)


def _sum(steps: Sequence[Step]) -> Fraction:
    """The steps' amounts added up; they mostly have one denominator."""
    denominators = {step.denominator for step in steps}
    if len(denominators) == 1:
        return Fraction(sum([step.numerator for step in steps]), denominators.pop())
    return sum((step.amount for step in steps), Fraction(0))


@lru_cache(maxsize=1024)
def _utc_text(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


def _steps(applied: AppliedRate, priced: Priced) -> Iterator[Step]:
    """Intervals and surcharges in order, then what applies to their sum."""
    # Costs of items have the post-call surcharge in them; it is shown as a step of its own.
    sign = -1 if applied.is_payback else 1
    whole = applied.denominator * MICROS_PER_UNIT
    post_call = applied.post_call
    total = 0
    for item, alike in groupby(priced.runs, key=itemgetter(0)):
        runs = list(alike)
        blocks = sum(blocks for _, blocks, _ in runs)
        cost = sum(blocks * each for _, blocks, each in runs)
        total += cost
        yield Step(
            kind=StepKind.USAGE if item.size else StepKind.SURCHARGE,
            text=item.text,
            price_set=SET_NAMES[item.set_index],
            blocks=blocks,
            billed_units=blocks * item.units,
            numerator=sign * cost * post_call.denominator,
            denominator=whole * post_call.numerator,
        )
    if post_call != 1:
        yield Step(
            kind=StepKind.SURCHARGE,
            text=f"post-call surcharge {percent_text(applied.terms.post_call_surcharge_ppm)}",
            numerator=sign * total * (post_call.numerator - post_call.denominator),
            denominator=whole * post_call.numerator,
        )
    for slot in [] if priced.meter is None else priced.meter.slots:
        if slot.units or slot.cost:
            off_ppm = PPM - slot.keeps_ppm
            yield Step(
                kind=StepKind.DISCOUNT,
                text=f"{slot.key}: {percent_text(off_ppm)} off",
                billed_units=slot.units,
                numerator=-sign * slot.cost * off_ppm,
                denominator=whole * PPM,
            )


def _reason(applied: AppliedRate, used: int, *, start_s: int, zone: ZoneInfo, ended: bool) -> str:
    """Why the price set is what it is."""
    schedule, when = applied.schedule, applied.terms.off_peak_when
    if schedule is None:
        return "the rate has no off-peak prices"
    if applied.volumes:
        return "volume is priced by the set that is valid when it is used or reported"
    if when is OffPeakWhen.SPLIT:
        return "each stretch is priced by the set that is valid in it"
    starts = f"starts {_where(schedule, start_s, zone)}"
    if when is OffPeakWhen.STARTS:
        return starts
    if not ended:
        return f"{starts}; the dearest set that its end may bring about"
    finishes = f"finishes {_where(schedule, start_s + used, zone)}"
    return finishes if when is OffPeakWhen.FINISHES else f"{starts}, {finishes}"


def _where(schedule: Schedule, at_s: int, zone: ZoneInfo) -> str:
    """An instant on the wall clock, and the period that it is in."""
    clock = datetime.fromtimestamp(at_s, zone).isoformat(sep=" ")
    set_index = schedule.set_at(at_s, zone)
    if not set_index:
        return f"{clock} at peak"
    return f"{clock} in {SET_NAMES[set_index]} {schedule.period(set_index)}"

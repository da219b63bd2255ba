"""Applied rates: a rate of a tariff, compiled to price the sessions of one service.

Owns: what is computed once per rate (courses, schedule, rounding), and the snapshot by which a session keeps
its rate for ever. Does not own prices of usage (`ocs.rating.price`). Rating sections 2.5 and 3 to 5.
"""

from fractions import Fraction
from math import prod

from ocs.errors import InputError
from ocs.rating.course import (
    NUMERATORS_PER_MICRO,
    Course,
    Item,
    check,
    compile_course,
    compile_volume,
    elements_of,
    percents_denominator,
)
from ocs.rating.formula import PPM
from ocs.rating.rounding import MICRO_DECIMALS, Rounding
from ocs.rating.schedule import Schedule
from ocs.rating.snapshot import decode_snapshot, encode_snapshot, rename_snapshot, snapshot_id
from ocs.rating.tariff import PriceSet, Rate, TariffTerms
from ocs.units import NANOS_PER_MICRO, Measure, Service

SET_NAMES = ("peak", "off-peak", "second off-peak")
"Price sets in the order of their indices."


class AppliedRate:
    """What prices the sessions of one service; compiled once, never changed, shared by all sessions.

    Connect fee, free and grace seconds and the post-call surcharge belong to services measured in seconds. A
    formula says itself where the connect fee is due, and has no free seconds.
    """

    __slots__ = (
        "_like",
        "_snapshot",
        "courses",
        "denominator",
        "discounted_rounding",
        "is_free",
        "is_payback",
        "least_seconds",
        "post_call",
        "rate",
        "rounding",
        "schedule",
        "service",
        "terms",
        "volumes",
    )

    def __init__(
        self, terms: TariffTerms, rate: Rate, service: Service, *, like: "AppliedRate | None" = None
    ) -> None:
        """Compile a rate.

        Args:
            terms: of its tariff.
            rate: what is charged.
            service: whose sessions it prices.
            like: the same, but for the rate's destination: what it compiled is shared.

        Raises:
            InputError: the rate or the tariff's terms price nothing: a malformed period or formula, an
                interval below a second, a price below 0, a third off-peak set.
        """
        self.terms = terms
        self.rate = rate
        self.service = service
        self.is_payback: bool = rate.payback
        "The account is credited; nothing is reserved, discounts do not count."
        self.schedule: Schedule | None = None
        "None: the peak prices always apply."
        self.courses: tuple[Course, ...] = ()
        "Per price set; empty for a service that is not measured in seconds."
        self.volumes: tuple[Item, ...] = ()
        "Per price set, dearest first; empty for a service measured in seconds."
        self.least_seconds = max(1, terms.grace_seconds)
        "Shorter sessions cost nothing."
        self.post_call = Fraction(1)
        "What the sum of all items is multiplied by, already part of their costs."
        self.denominator = 1
        "Of every cost, in micros; even."
        self._snapshot: tuple[int, str] | None = None
        self._like = like
        if like is None:
            self._compile()
            self.rounding = self._rounding(finer=1)
            "Of numerators over `denominator`."
            self.discounted_rounding = self._rounding(finer=PPM)
            "Of numerators that are finer by `PPM`."
            self.is_free: bool = not self._can_cost()
            "Whether nothing can ever cost anything."
        else:
            self.schedule = like.schedule
            self.courses, self.volumes = like.courses, like.volumes
            self.post_call, self.denominator = like.post_call, like.denominator
            self.rounding, self.discounted_rounding = like.rounding, like.discounted_rounding
            self.is_free = like.is_free

    def renamed(self, rate: Rate) -> "AppliedRate":
        """The applied form of a rate that differs from this one's in its destination only."""
        return AppliedRate(self.terms, rate, self.service, like=self)

    def _compile(self) -> None:
        terms, rate = self.terms, self.rate
        if len(rate.off_peak) >= len(SET_NAMES):
            raise InputError("off-peak", f"{len(rate.off_peak)} off-peak price sets are more than two")
        if not 0 <= terms.round_decimals <= MICRO_DECIMALS:
            raise InputError("round charge", f"{terms.round_decimals} decimals are not 0 to {MICRO_DECIMALS}")
        self.schedule = Schedule.of(terms, rate) if rate.off_peak else None
        if self.service.measure is Measure.SECONDS:
            self._compile_seconds()
        else:
            self._compile_volume()

    @classmethod
    def from_json(cls, text: str) -> "AppliedRate":
        """Restore the rate from the text of its snapshot; its snapshot is the same again."""
        return cls(*decode_snapshot(text))

    @property
    def snapshot(self) -> tuple[int, str]:
        """The rate's content as canonical JSON, and the 63-bit number that names it: (number, JSON)."""
        if self._snapshot is None:
            like = self._like
            if like is None:
                text = encode_snapshot(self.terms, self.rate, self.service)
            else:
                text = rename_snapshot(like.snapshot[1], like.rate.destination, self.rate.destination)
            self._snapshot = (snapshot_id(text), text)
        return self._snapshot

    def _rounding(self, *, finer: int) -> Rounding:
        return Rounding(
            decimals=self.terms.round_decimals,
            mode=self.terms.round_mode,
            denominator=self.denominator * finer,
        )

    def _compile_seconds(self) -> None:
        terms, sets = self.terms, self._price_sets()
        check(terms.connect_fee_micros, least=0, place="connect fee")
        check(terms.grace_seconds, least=0, place="grace seconds")
        check(terms.free_seconds, least=0, place="free seconds")
        check(terms.post_call_surcharge_ppm, least=0, place="post-call surcharge")
        elements = [elements_of(prices, terms, SET_NAMES[index]) for index, prices in enumerate(sets)]
        self.post_call = 1 + Fraction(terms.post_call_surcharge_ppm, PPM)
        # Numerators are multiples of every divisor that a relative surcharge may bring, so all stays whole.
        finest = prod(map(percents_denominator, elements))
        self.denominator = NUMERATORS_PER_MICRO * finest * self.post_call.denominator
        self.courses = tuple(
            compile_course(
                prices,
                parts,
                set_index=index,
                scale=finest * self.post_call.numerator,
                connect_fee_micros=terms.connect_fee_micros,
            )
            for index, (prices, parts) in enumerate(zip(sets, elements, strict=True))
        )

    def _compile_volume(self) -> None:
        items = [
            compile_volume(prices, self.service, set_index=index, place=SET_NAMES[index])
            for index, prices in enumerate(self._price_sets())
        ]
        self.denominator = NANOS_PER_MICRO * self.service.base_per_billing_unit
        self.volumes = tuple(sorted(items, key=lambda item: Fraction(item.cost, item.units), reverse=True))

    def _price_sets(self) -> tuple[PriceSet, ...]:
        return (self.rate.peak, *(off_peak.prices for off_peak in self.rate.off_peak))

    def _can_cost(self) -> bool:
        items = [*self.volumes]
        for course in self.courses:
            items += course.items
            items += (item for _, item in course.surcharges)
        return any(item.cost for item in items)

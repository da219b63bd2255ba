"""Discounts: allowances ("included minutes") and volume discounts on top of a price.

Owns: discount plans and their rules, which rules a rate falls under, and the division of a session's runs
over counters and thresholds. Does not own the counters: their quantities are given, and what was taken from
each is returned. When counters start again is `ocs.rating.reset`. Rating section 6.

The runs of a session pass through its rules in order of precedence. A rule covers usage up to its last
threshold; what lies beyond falls to the next rule. A session that crosses a threshold is divided there: by
billed units, or by its undiscounted price where the rule counts money. A surcharge is discounted like the
unit that it comes before. Runs and thresholds alone decide, so a total does not depend on where reports fell.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final, NamedTuple

from ocs.errors import InputError
from ocs.rating.course import Item
from ocs.rating.destination import ANY, is_special
from ocs.rating.formula import PPM
from ocs.rating.reset import ResetCycle
from ocs.rating.rounding import Rounding

ROLLOVER_PERIODS_MAX: Final = 3
_PRICE_SETS: Final = 3


class Owner(IntEnum):
    """Who has a discount plan, in order of precedence."""

    ACCOUNT = 0
    ADD_ON = 1
    PLAN = 2
    CUSTOMER = 3


class Counting(Enum):
    """What a rule's thresholds are measured in."""

    UNITS = "units"
    "Billed units: seconds, base units of volume (KB), messages."
    MONEY = "money"
    "Undiscounted price in micros."


class Level(NamedTuple):
    """A part of the counter's scale and what is taken off the price within it."""

    upto: int | None
    "The counter's absolute value at which it ends; None: unlimited."
    off_ppm: int
    "Millionths of the price: 10 % is 100,000, an allowance is 1,000,000."


Ladder = tuple[Level, ...]
"Levels of one counter, ascending. Empty: its price set is not covered."


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountRule:
    """Discount levels for one destination group."""

    name: str
    prefixes: tuple[str, ...]
    "The group: phone prefixes and special destinations; | stands for every number."
    counting: Counting = Counting.UNITS
    ladders: tuple[Ladder, ...]
    "One for all price sets together, or one each for peak, off-peak and second off-peak."
    reset: ResetCycle = ResetCycle.NEVER
    billing_day: int = 1
    "Day of the month, 1 to 31, for a reset on the billing day."
    prorates: bool = False
    "Whether a first period that is not whole gets its part of the thresholds alone."
    rollover_periods: int = 0
    "For how many further periods an unused allowance lives, 0 to 3."

    def __post_init__(self) -> None:
        place = f"discount rule {self.name}"
        if not self.prefixes:
            raise InputError(place, "has no destination")
        if len(self.ladders) not in (1, _PRICE_SETS):
            raise InputError(place, f"has {len(self.ladders)} scales of thresholds, not 1 or {_PRICE_SETS}")
        for ladder in self.ladders:
            _check_ladder(ladder, place)
        if not 1 <= self.billing_day <= 31:
            raise InputError(place, f"billing day {self.billing_day} is not 1 to 31")
        if not 0 <= self.rollover_periods <= ROLLOVER_PERIODS_MAX:
            raise InputError(
                place, f"rolls over {self.rollover_periods} periods, not 0 to {ROLLOVER_PERIODS_MAX}"
            )
        if self.rollover_periods and not all(_is_allowance(ladder) for ladder in self.ladders):
            raise InputError(place, "only an allowance, one threshold at 100 %, can roll over")
        if self.rollover_periods and self.reset is ResetCycle.NEVER:
            raise InputError(place, "nothing rolls over without a reset")

    def match_length(self, destination: str) -> int:
        """Characters of the longest group prefix of a rate's destination; 0 for |, -1 for no match."""
        if destination in self.prefixes:
            return len(destination) if destination != ANY else 0
        if is_special(destination):
            return -1
        lengths = (len(p) for p in self.prefixes if p.isdigit() and destination.startswith(p))
        return max(lengths, default=0 if ANY in self.prefixes else -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountPlan:
    """A named set of discount rules; the one with the longest prefix of the rate's destination applies."""

    id: int = 0
    "Assigned by the catalogue; 0: not kept there."
    name: str
    rules: tuple[DiscountRule, ...]

    def __post_init__(self) -> None:
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"discount plan {self.name}", f"has two rules named {name!r}")

    def rule_for(self, destination: str) -> DiscountRule | None:
        """The rule that a rate with this destination falls under."""
        best = max(self.rules, key=lambda rule: rule.match_length(destination), default=None)
        return best if best is not None and best.match_length(destination) >= 0 else None


def rules_for(
    plans: Iterable[tuple[Owner, DiscountPlan]], destination: str
) -> Sequence[tuple[Owner, DiscountPlan, DiscountRule]]:
    """The rules that a rate falls under, in order of precedence, plans of one owner in the order given."""
    found = ((owner, plan, plan.rule_for(destination)) for owner, plan in plans)
    return sorted(
        ((owner, plan, rule) for owner, plan, rule in found if rule is not None), key=lambda match: match[0]
    )


class CountedRule(NamedTuple):
    """A rule in force for one session, with its counters as they were before the session."""

    key: str
    "Names the rule's counters in what is returned; unique within a session."
    counting: Counting
    ladders: tuple[Ladder, ...]
    "As in the rule, prorated where it says so."
    counted: tuple[int, ...]
    "Per ladder; less what is rolled over from earlier periods, so it may be negative."


class Taken(NamedTuple):
    """What a session's usage took from one counter."""

    key: str
    ladder: int
    "Index of the ladder within its rule."
    quantity: int
    "Billed units, or micros of undiscounted price."


Discounts = Sequence[CountedRule]
"The rules of one session, in order of precedence."


class Slot:
    """One level of one counter, with what is left in it and what a session's runs took from it."""

    __slots__ = ("cost", "counts_money", "keeps_ppm", "key", "ladder", "room", "units")

    def __init__(
        self,
        key: str,
        ladder: int,
        room: int | None,
        keeps_ppm: int,
        counts_money: bool = False,  # noqa: FBT001, FBT002 - one is made for every level of every price
    ) -> None:
        self.key = key
        "Of the rule."
        self.ladder = ladder
        self.room = room
        "What is left: billed units, or numerator of undiscounted price. None: unlimited."
        self.keeps_ppm = keeps_ppm
        "Millionths of the price that remain to be paid."
        self.counts_money = counts_money
        self.units = 0
        "Billed units taken."
        self.cost = 0
        "Numerator of undiscounted price taken."


class Meter:
    """Divides the runs of one session over the levels of its counters. Made anew for every total."""

    __slots__ = ("_chains", "slots")

    def __init__(self, discounts: Discounts, *, denominator: int) -> None:
        self.slots: list[Slot] = []
        "Every level that is not used up, in order of precedence."
        chains: list[list[Slot]] = [[]]
        for rule in discounts:
            ladders = len(rule.ladders)
            if ladders > len(chains):
                chains = [[*chains[0]] for _ in range(ladders)]
            for ladder in range(ladders):
                slots = _open_slots(rule, ladder, denominator)
                self.slots += slots
                for chain in chains if ladders == 1 else (chains[ladder],):
                    chain.extend(slots)
        uncovered = Slot("", 0, None, PPM)
        for chain in chains:
            chain.append(uncovered)
        self._chains: Sequence[list[Slot]] = chains if len(chains) > 1 else chains * _PRICE_SETS
        "Per price set, the slots that its runs pass through; the last one is of no rule."

    def take(self, item: Item, blocks: int, cost: int) -> int:
        """Count a run; what it costs after discounts, as a numerator that is finer by `PPM`."""
        # Nearly every run lies within one level, and need not be divided.
        units, whole = blocks * item.units, blocks * cost
        for slot in self._chains[item.set_index]:
            room = slot.room
            if room is None or 0 < (whole if slot.counts_money else units) <= room:
                if room is not None:
                    slot.room = room - (whole if slot.counts_money else units)
                slot.units += units
                slot.cost += whole
                return whole * slot.keeps_ppm
            if room:
                break
        total = 0
        for slot, units, part in self._divide(item, blocks, cost):
            total += part * slot.keeps_ppm
            slot.units += units
            slot.cost += part
            if slot.room is not None:
                slot.room -= part if slot.counts_money else units
        return total

    def fit(self, item: Item, blocks: int, cost: int, room: int) -> int:
        """How many of a run's blocks `room` pays, a numerator that is finer by `PPM`; counts nothing."""
        reached = 0
        for slot, _, part in self._divide(item, blocks, cost):
            due = part * slot.keeps_ppm
            if due > room:
                return (reached + room // slot.keeps_ppm) // cost
            room -= due
            reached += part
        return blocks

    def taken(self, rounding: Rounding) -> Sequence[Taken]:
        """What was taken from each counter that anything was taken from; money is rounded like a charge."""
        sums: dict[tuple[str, int], int] = {}
        in_money = set()
        for slot in self.slots:
            counter = (slot.key, slot.ladder)
            sums[counter] = sums.get(counter, 0) + (slot.cost if slot.counts_money else slot.units)
            if slot.counts_money:
                in_money.add(counter)
        quantities = (
            Taken(*counter, rounding.amount(total) if counter in in_money else total)
            for counter, total in sums.items()
        )
        return [taken for taken in quantities if taken.quantity]

    def _divide(self, item: Item, blocks: int, cost: int) -> Iterator[tuple[Slot, int, int]]:
        """Cut a run where levels are used up: (slot, billed units, undiscounted cost)."""
        units, total = blocks * item.units, blocks * cost
        each = total // units if units else 0
        slots = iter(self._chains[item.set_index])
        while units or total:
            slot = next(slots)
            room = slot.room
            taken, part = units, total
            if room is None:
                pass
            elif not room:
                continue
            elif not slot.counts_money:
                taken = min(room, units)
                part = total - (units - taken) * each
            elif room < total:
                part = room
                # A unit whose price the threshold divides is still counted by the rule that follows.
                taken = units + (part - total) // each if each else 0
            yield slot, taken, part
            units -= taken
            total -= part


def _open_slots(rule: CountedRule, ladder: int, denominator: int) -> list[Slot]:
    """The levels of a counter that are not used up."""
    slots = []
    counts_money = rule.counting is Counting.MONEY
    scale = denominator if counts_money else 1
    at = rule.counted[ladder]
    for upto, off_ppm in rule.ladders[ladder]:
        if upto is None or upto > at:
            room = None if upto is None else (upto - at) * scale
            slots.append(Slot(rule.key, ladder, room, PPM - off_ppm, counts_money))
            at = upto or at
    return slots


def _check_ladder(ladder: Ladder, place: str) -> None:
    before: int | None = 0
    for level in ladder:
        if before is None:
            raise InputError(place, "nothing follows an unlimited threshold")
        if level.upto is not None and level.upto <= before:
            raise InputError(place, f"threshold {level.upto} is not above {before}")
        if not 0 <= level.off_ppm <= PPM:
            raise InputError(place, f"a discount of {level.off_ppm} millionths is not 0 to 100 %")
        before = level.upto


def _is_allowance(ladder: Ladder) -> bool:
    return len(ladder) <= 1 and all(level.upto is not None and level.off_ppm == PPM for level in ladder)

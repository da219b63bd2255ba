"""What importing a rate sheet would change: the preview, and the records to write.

Owns the rules of adding to and replacing a tariff. Does not own reading the sheet
(`ocs.rating.sheet_reading`) or writing the records. Rating section 9; rates are never back-dated (section 2).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final, NamedTuple

from ocs.errors import InputError
from ocs.rating.destination import PRICED_BY_UNIT, is_special
from ocs.rating.index import History, Tariff, Version, to_rate, version_at
from ocs.rating.sheet_column import COLUMNS, FLAG_FIELDS, PRICE_FIELDS, STEP_FIELDS, Column, sets
from ocs.rating.sheet_reading import ERRORS_MAX, Sheet
from ocs.rating.tariff import OffPeak, PriceSet, Rate

MERGED_MAX: Final = 65_536
"Pairs of old and new version whose merger is remembered."


class ImportMode(Enum):
    """What a sheet means for destinations that it does not name."""

    ADD = "add"
    "They stay as they are."
    REPLACE = "replace"
    "They are discontinued, and future rates that the sheet does not have are taken back."


class PastMode(Enum):
    """What becomes of a row whose date is past: rates cannot be back-dated."""

    NOW = "now"
    "It is effective now; of several past rows for one destination the newest counts."
    SKIP = "skip"


class Step(Enum):
    """What a row, or the absence of one, comes to."""

    NEW = "new"
    "Sold from then on, and not before."
    CHANGED = "changed"
    DISCONTINUED = "discontinued"
    REMOVED = "removed"
    "A future rate that replacing takes back."
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    "Past, or the end of something that is not sold."
    UNPRICED = "unpriced"
    "New, without the price by which it is charged: an error."


class RateChange(NamedTuple):
    """One step of an import."""

    step: Step
    destination: str
    old: Version | None
    "In force just before the new one would be."
    new: Version | None


@dataclass(slots=True)
class PriceMoves:
    """How prices of changed rates move: the next price per minute, or the unit price where there is none."""

    up: int = 0
    down: int = 0
    min_basis_points: int | None = None
    "The lowest move in hundredths of a percent, negative is cheaper; None: no price to compare with."
    max_basis_points: int | None = None

    def count(self, old: PriceSet, new: PriceSet) -> None:
        """Add one changed rate."""
        before = old.next_price_nanos or old.unit_price_nanos
        after = new.next_price_nanos or new.unit_price_nanos
        self.up += after > before
        self.down += after < before
        if before and after != before:
            size = abs(after - before) * 10_000 // before
            move = size if after > before else -size
            self.min_basis_points = (
                move if self.min_basis_points is None else min(self.min_basis_points, move)
            )
            self.max_basis_points = (
                move if self.max_basis_points is None else max(self.max_basis_points, move)
            )


@dataclass(slots=True)
class ImportPlan:
    """The whole effect of an import, counted; records are made as they are asked for, in the same order."""

    differ: "_Differ"
    counts: dict[Step, int] = field(default_factory=lambda: dict.fromkeys(Step, 0))
    "Rows by what they come to; discontinued and removed also count what the sheet does not name."
    moves: PriceMoves = field(default_factory=PriceMoves)
    errors: list[InputError] = field(default_factory=list)
    "New destinations without their price, up to `ERRORS_MAX` of them; nothing is written for those."

    @property
    def write_count(self) -> int:
        """Records that `writes` yields."""
        return self.counts[Step.NEW] + self.counts[Step.CHANGED] + self.counts[Step.DISCONTINUED]

    @property
    def change_count(self) -> int:
        """Steps that `changes` yields. 0: there is nothing to write."""
        return sum(self.counts[step] for step in _CHANGING)

    def changes(self) -> Iterator[RateChange]:
        """Every step that changes something."""
        return (change for change in self.differ.changes() if change.step in _CHANGING)

    def writes(self) -> Iterator[Rate]:
        """Records to insert, or to replace by destination and instant."""
        for change in self.changes():
            if change.new is not None:
                yield to_rate(change.destination, change.new)

    def removals(self) -> Iterator[tuple[str, int]]:
        """Destination and instant of records to delete; all are in the future. Only replacing has any."""
        for change in self.changes():
            if change.step is Step.REMOVED and change.old is not None:
                yield change.destination, change.old.effective_from_s


_CHANGING: Final = frozenset({Step.NEW, Step.CHANGED, Step.DISCONTINUED, Step.REMOVED})


def plan_import(
    existing: Tariff,
    rows: Iterable[Rate],
    *,
    mode: ImportMode,
    now_s: int,
    past: PastMode = PastMode.NOW,
    columns: Collection[Column] | None = None,
) -> ImportPlan:
    """Compare a sheet with a tariff. Reads all rows, and keeps them in the tariff's compact form.

    A row changes only what its sheet has columns for. What the sheet has no column for stays as it is in the
    rate in force, with one exception: a row of a sheet without the column Discontinued means that the
    destination is sold.

    Args:
        existing: the tariff as it is.
        rows: a `Sheet`, or rates.
        mode: what becomes of destinations that have no row. Those of bad rows are left alone in any mode.
        now_s: epoch seconds; no record is written for an earlier instant.
        past: what becomes of rows with an earlier instant.
        columns: what the rows say; None: what the sheet has, and everything for other rates.
    """
    unread: Collection[str] = ()
    compiled = Tariff.build(existing.terms, rows)
    if isinstance(rows, Sheet):
        columns = rows.columns if columns is None else columns
        unread = rows.unread
    merger = _Merger(COLUMNS if columns is None else columns)
    plan = ImportPlan(_Differ(existing, compiled, merger, mode=mode, past=past, now_s=now_s, unread=unread))
    for change in plan.differ.changes():
        plan.counts[change.step] += 1
        if change.step is Step.CHANGED and change.old is not None and change.new is not None:
            plan.moves.count(change.old.peak, change.new.peak)
        elif change.step is Step.UNPRICED and len(plan.errors) < ERRORS_MAX:
            assert change.new is not None, "what has no price is what would be new"
            reason = _unpriced(change.destination, change.new, has_prices=merger.has_prices)
            plan.errors.append(InputError(f"destination {change.destination!r}", f"is new, and {reason}"))
    return plan


class _Merger:
    """Lays a row over the version before it, as far as the sheet's columns reach."""

    def __init__(self, columns: Collection[Column]) -> None:
        self._sets = tuple(sets(columns, price_set) for price_set in range(3))
        self._kept_flags = {flag for flag in FLAG_FIELDS if flag != "discontinued"} - {
            c.field for c in columns
        }
        self.has_prices = not self._sets[0].isdisjoint(PRICE_FIELDS)
        self._merged: dict[tuple[int, int], tuple[Version, Version, Version]] = {}

    def merge(self, base: Version | None, row: Version) -> Version:
        """Return the row over the base; `base` itself when that changes nothing but the instant."""
        if base is None:
            return row
        # By identity: versions are shared. The entry holds both, so no other object can take their ids.
        key = (id(base), id(row))
        remembered = self._merged.get(key)
        if remembered is None:
            if len(self._merged) >= MERGED_MAX:
                self._merged.clear()
            remembered = self._merged[key] = base, row, self._merge(base, row)
        return remembered[2]

    def _merge(self, base: Version, row: Version) -> Version:
        if row.discontinued:
            merged = base._replace(discontinued=True)
        else:
            peak = _over(base.peak, row.peak, self._sets[0])
            merged = row._replace(
                peak=peak,
                off_peak=self._off_peak(base, row, peak),
                **{flag: getattr(base, flag) for flag in self._kept_flags},
            )
        return base if merged[1:] == base[1:] else merged

    def _off_peak(self, base: Version, row: Version, peak: PriceSet) -> tuple[OffPeak, ...]:
        merged: list[OffPeak] = []
        for place, known in enumerate(self._sets[1:]):
            before = base.off_peak[place] if place < len(base.off_peak) else None
            if not known:
                if before is not None and place == len(merged):
                    merged.append(before)
            elif place < len(row.off_peak):
                merged.append(_off_peak_over(before, row.off_peak[place], known, peak))
        return tuple(merged)


def _over(base: PriceSet, row: PriceSet, known: Collection[str]) -> PriceSet:
    """Take the known fields of `row`, the others of `base`."""
    return replace(base, **{name: getattr(row, name) for name in known if name != "period"})


def _off_peak_over(before: OffPeak | None, row: OffPeak, known: Collection[str], peak: PriceSet) -> OffPeak:
    """One off-peak set over the one before; a new one takes its steps from the peak."""
    if before is None:
        steps = {name: getattr(peak, name) for name in STEP_FIELDS if name not in known}
        return replace(row, prices=replace(row.prices, **steps))
    period = row.period if "period" in known else before.period
    return OffPeak(prices=_over(before.prices, row.prices, known), period=period)


def _unpriced(destination: str, new: Version, *, has_prices: bool) -> str:
    """Why a new destination would be free by mistake; empty: it would not."""
    peak = new.peak
    if new.forbidden:
        return ""
    if not (has_prices or peak.formula):
        return "the sheet has no column for its price"
    by_time = bool(peak.first_price_nanos or peak.next_price_nanos or peak.formula)
    if destination in PRICED_BY_UNIT and by_time and not peak.unit_price_nanos:
        return "it is charged by its unit price, which the sheet does not give"
    is_timed = is_special(destination) and destination not in PRICED_BY_UNIT
    if is_timed and peak.unit_price_nanos and not by_time:
        return "it is charged by a price per minute, which the sheet does not give"
    return ""


class _Differ:
    """Makes the steps of an import, as often as they are asked for."""

    def __init__(
        self,
        existing: Tariff,
        sheet: Tariff,
        merger: _Merger,
        *,
        mode: ImportMode,
        past: PastMode,
        now_s: int,
        unread: Collection[str],
    ) -> None:
        self._existing = existing
        self._sheet = sheet
        self._merger = merger
        self._replaces = mode is ImportMode.REPLACE
        self._past = past
        self._now_s = now_s
        self._unread = unread

    def changes(self) -> Iterator[RateChange]:
        """Every step: first those of the sheet's destinations, then those of absent ones."""
        for destination in self._sheet.destinations():
            old, rows = self._existing.history(destination), self._sheet.history(destination)
            yield from self._named(destination, old, rows)
        if self._replaces:
            for destination in self._existing.destinations():
                if not self._sheet.history(destination) and destination not in self._unread:
                    yield from self._absent(destination, self._existing.history(destination))

    def _absent(self, destination: str, old: History) -> Iterator[RateChange]:
        """Discontinue a destination now and take back what was to come."""
        current = version_at(old, self._now_s)
        if current is not None and not current.discontinued:
            ended = current._replace(effective_from_s=self._now_s, discontinued=True)
            yield RateChange(Step.DISCONTINUED, destination, current, ended)
        for version in old:
            if version.effective_from_s > self._now_s:
                yield RateChange(Step.REMOVED, destination, version, None)

    def _named(self, destination: str, old: History, rows: History) -> Iterator[RateChange]:
        """Apply the rows of a destination in the order of their instants."""
        history = old
        if self._replaces and old and old[-1].effective_from_s > self._now_s:
            instants = {row.effective_from_s for row in rows}
            history = tuple(
                v for v in old if v.effective_from_s <= self._now_s or v.effective_from_s in instants
            )
            for version in old:
                if version not in history:
                    yield RateChange(Step.REMOVED, destination, version, None)
        for index, row in enumerate(rows):
            at_s = row.effective_from_s
            if at_s < self._now_s:
                is_newest = index + 1 == len(rows) or rows[index + 1].effective_from_s > self._now_s
                if not is_newest or self._past is PastMode.SKIP:
                    yield self._passed_over(destination, old, row)
                    continue
                at_s = self._now_s
            change = self._apply(destination, history, old, row, at_s=at_s)
            if change.new is not None and change.step in _CHANGING:
                others = (version for version in history if version.effective_from_s != at_s)
                history = tuple(sorted((*others, change.new), key=lambda version: version.effective_from_s))
            yield change

    def _passed_over(self, destination: str, old: History, row: Version) -> RateChange:
        """A past row that does not count: the tariff has it, or it is skipped."""
        base = version_at(old, row.effective_from_s)
        known = base is not None and base.effective_from_s == row.effective_from_s
        same = known and self._merger.merge(base, row) is base
        return RateChange(Step.UNCHANGED if same else Step.SKIPPED, destination, base, row)

    def _apply(
        self, destination: str, history: History, old: History, row: Version, *, at_s: int
    ) -> RateChange:
        """What one row comes to at an instant, given the history that the rows before it left."""
        before = version_at(history, at_s)
        reference = before if before is not None else version_at(old, at_s)
        merged = self._merger.merge(reference, row)
        if before is not None and merged is before:
            return RateChange(Step.UNCHANGED, destination, before, before)
        new = merged._replace(effective_from_s=at_s)
        was_sold = reference is not None and not reference.discontinued
        if new.discontinued:
            step = Step.DISCONTINUED if was_sold else Step.SKIPPED
        elif reference is None and _unpriced(destination, new, has_prices=self._merger.has_prices):
            step = Step.UNPRICED
        else:
            step = Step.CHANGED if was_sold else Step.NEW
        return RateChange(step, destination, reference, new)

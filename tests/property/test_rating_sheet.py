"""Rate sheets read back what they wrote; the index finds what a scan finds."""

from collections.abc import Sequence
from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st

from ocs.rating.destination import SPECIAL
from ocs.rating.index import Tariff
from ocs.rating.sheet import (
    EXPORTED,
    Column,
    ImportMode,
    PastMode,
    SheetFormat,
    Step,
    find_column,
    parse_sheet,
    plan_import,
    write_sheet,
)
from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms

TERMS = TariffTerms(id=1, name="retail")
NOW = 1_773_144_000

# Few digits and few instants, so that prefixes cover each other and versions meet.
prefixes = st.text("12", min_size=1, max_size=5)
instants = st.sampled_from([0, NOW - 1, NOW, NOW + 1, NOW + 86_400]) | st.integers(0, 2 * NOW)
prices = st.sampled_from([0, 1, 10_000_000, 123_456_789]) | st.integers(0, 10**15)
price_sets = st.builds(
    PriceSet,
    first_interval_s=st.integers(1, 999_999_999),
    next_interval_s=st.integers(1, 3600),
    first_price_nanos=prices,
    next_price_nanos=prices,
    rounding=st.integers(1, 4096),
    unit_price_nanos=prices,
    formula=st.sampled_from(["", "", "1x60@0.50;+connect;*x1@0.10", "+5%;2x30@0.00;cut"]),
    route_category=st.sampled_from(["", "Premium", "a,b;c|d", 'say "x"', "two\nlines", "=1+1", "yes", "0.5"]),
    preference=st.integers(0, 10),
    huntstop=st.booleans(),
)
off_peaks = st.builds(
    OffPeak, prices=price_sets, period=st.sampled_from([None, "", "none", "hr{6pm-5am}, wd{sa su}"])
)
rates = st.builds(
    Rate,
    destination=prefixes | st.sampled_from(SPECIAL),
    effective_from_s=instants,
    peak=price_sets,
    off_peak=st.lists(off_peaks, max_size=2).map(tuple),
    payback=st.booleans(),
    hidden=st.booleans(),
    discontinued=st.booleans(),
    forbidden=st.booleans(),
)
tariffs = st.lists(rates, max_size=8).map(lambda some: Tariff.build(TERMS, some))
modes = st.sampled_from(list(ImportMode))
pasts = st.sampled_from(list(PastMode))


def assert_round_trip_changes_nothing(
    tariff: Tariff, columns: Sequence[Column], form: SheetFormat, mode: ImportMode, past: PastMode
) -> None:
    """Export, import, compare."""
    target = BytesIO()
    assert write_sheet(tariff.rates(), columns, target, form=form) == len(tariff)
    sheet = parse_sheet(BytesIO(target.getvalue()), name="rates", now_s=NOW)
    plan = plan_import(tariff, sheet, mode=mode, now_s=NOW, past=past)
    assert [str(error) for error in sheet.errors] == []
    assert list(plan.changes()) == []
    assert plan.counts[Step.UNCHANGED] == len(tariff)


@given(tariffs, st.sampled_from(list(SheetFormat)), modes, pasts)
def test_exporting_and_importing_a_tariff_changes_nothing(
    tariff: Tariff, form: SheetFormat, mode: ImportMode, past: PastMode
) -> None:
    """Superseded, current, future, discontinued: every record is recognised, in every mode."""
    assert_round_trip_changes_nothing(tariff, EXPORTED, form, mode, past)


def whole(columns: set[Column]) -> bool:
    """Whether an export with these columns is one that the writer accepts."""
    for prefix in ("", "Off-peak ", "Second Off-peak "):
        pair = [find_column(f"{prefix}{title}") in columns for title in ("First Price", "Next Price")]
        some = any(column.title.startswith(prefix) and prefix for column in columns)
        if pair[0] != pair[1] or (some and not pair[1] and find_column(f"{prefix}Unit Price") not in columns):
            return False
    price_sets = {column.price_set for column in columns}
    return not (2 in price_sets and 1 not in price_sets)


chosen_columns = (
    st.sets(st.sampled_from(EXPORTED))
    .map(
        lambda some: (
            some | {find_column(title) for title in ("Destination", "Effective From", "Discontinued")}
        )
    )
    .filter(whole)
    .flatmap(lambda some: st.permutations(sorted(some, key=lambda column: column.title)))
)


@given(tariffs, chosen_columns, modes, pasts)
def test_exporting_chosen_columns_and_importing_them_changes_nothing(
    tariff: Tariff, columns: Sequence[Column], mode: ImportMode, past: PastMode
) -> None:
    """What a sheet has no column for stays as it is, whatever the order of the columns."""
    assert_round_trip_changes_nothing(tariff, columns, SheetFormat.CSV, mode, past)


@given(tariffs, tariffs, modes)
def test_importing_a_sheet_twice_changes_nothing_the_second_time(
    tariff: Tariff, sheet: Tariff, mode: ImportMode
) -> None:
    """Writing a plan makes the tariff what the sheet says."""
    plan = plan_import(tariff, sheet.rates(), mode=mode, now_s=NOW)
    removed = set(plan.removals())
    left = [rate for rate in tariff.rates() if (rate.destination, rate.effective_from_s) not in removed]
    written = Tariff.build(TERMS, [*left, *plan.writes()])
    again = plan_import(written, sheet.rates(), mode=mode, now_s=NOW)
    assert list(again.changes()) == []
    assert all(rate.effective_from_s >= NOW for rate in plan.writes())
    assert plan.write_count == len(list(plan.writes()))


@given(st.lists(rates, max_size=12), st.text("12", max_size=8), instants)
def test_the_index_finds_what_a_scan_finds(some: list[Rate], number: str, at_s: int) -> None:
    """The longest prefix among the newest versions that are effective and not discontinued."""
    stored = {(rate.destination, rate.effective_from_s): rate for rate in some}
    newest: dict[str, Rate] = {}
    for rate in sorted(stored.values(), key=lambda rate: rate.effective_from_s):
        if rate.effective_from_s <= at_s:
            newest[rate.destination] = rate
    matching = [
        rate
        for rate in newest.values()
        if not rate.discontinued and (number.startswith(rate.destination) or rate.destination == "|")
    ]
    expected = max(matching, key=lambda rate: len(rate.destination.rstrip("|")), default=None)
    tariff = Tariff.build(TERMS, some)
    assert tariff.find(number, at_s) == expected
    assert len(tariff) == len(stored)
    assert set(tariff.rates()) == set(stored.values())

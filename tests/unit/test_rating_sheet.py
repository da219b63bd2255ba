"""Rate sheets: reading, planning and writing. Sheets as carriers send them are in tests/vectors/sheets."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook
from openpyxl.chart import BarChart

from ocs.errors import InputError
from ocs.rating import sheet_diff, sheet_row
from ocs.rating.destination import is_special
from ocs.rating.directory import DestinationInfo, Directory
from ocs.rating.index import Tariff, Version
from ocs.rating.sheet import (
    COLUMNS,
    EXPORTED,
    ImportMode,
    ImportPlan,
    PastMode,
    RateChange,
    Sheet,
    SheetFormat,
    Step,
    find_column,
    parse_sheet,
    plan_import,
    write_sheet,
)
from ocs.rating.sheet_cell import read_areas
from ocs.rating.sheet_instant import InstantReader
from ocs.rating.sheet_xlsx import cell_text
from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms
from ocs.units import format_price, parse_price

VECTORS = Path(__file__).parent.parent / "vectors" / "sheets"
TERMS = TariffTerms(id=1, name="retail")


def instant(text: str) -> int:
    """Epoch seconds of an ISO date."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


NOW = instant("2026-03-10T12:00:00")
JANUARY, FEBRUARY = instant("2026-01-01"), instant("2026-02-01")
APRIL, MID_APRIL = instant("2026-04-01"), instant("2026-04-15")


def opened(text: str, name: str = "rates.csv", **options: Any) -> Sheet:
    """A CSV sheet of this text."""
    return parse_sheet(BytesIO(text.encode()), name=name, now_s=NOW, **options)


def read(text: str, **options: Any) -> list[Rate]:
    """The rates of a sheet without faults."""
    sheet = opened(text, **options)
    rates = list(sheet)
    assert [str(error) for error in sheet.errors] == []
    return rates


def faults(text: str, **options: Any) -> list[str]:
    """The errors of a sheet, without its name."""
    sheet = opened(text, **options)
    list(sheet)
    return [str(error).removeprefix("rates.csv ") for error in sheet.errors]


def price(text: str, **more: Any) -> PriceSet:
    """A price set with one price per minute."""
    nanos = parse_price(text)
    return PriceSet(first_price_nanos=nanos, next_price_nanos=nanos, **more)


def rate(destination: str, text: str = "0", from_s: int = NOW, **more: Any) -> Rate:
    """A rate with one price per minute."""
    return Rate(destination=destination, effective_from_s=from_s, peak=price(text), **more)


# ---------------------------------------------------------------------------------------- sheets of carriers


def stored(line: str) -> Rate:
    """A rate from a line of a vector: ``44 0.05 60/1 2026-01-01T00:00:00Z``, ``MSG unit 0.02 2026-...``."""
    destination, first, second, since = line.split()
    from_s = int(datetime.fromisoformat(since).timestamp())
    if first == "unit":
        peak = PriceSet(unit_price_nanos=parse_price(second))
    else:
        begin, step = map(int, second.split("/"))
        peak = price(first, first_interval_s=begin, next_interval_s=step)
    return Rate(destination=destination, effective_from_s=from_s, peak=peak)


def told(change: RateChange) -> str:
    """A step of a plan as a line of a vector."""
    version = change.new or change.old
    assert version is not None
    since = f"from {datetime.fromtimestamp(version.effective_from_s, UTC):%Y-%m-%dT%H:%M:%SZ}"
    words = [change.step.value, change.destination]
    if version.forbidden:
        words.append("forbidden")
    elif change.step in (Step.NEW, Step.CHANGED):
        if change.step is Step.CHANGED and change.old is not None:
            words.append(f"{exact(change.old.peak)} ->")
        words.append(f"{exact(version.peak)} {version.peak.first_interval_s}/{version.peak.next_interval_s}")
        words.extend(f"off-peak {exact(off.prices)} {off.period}" for off in version.off_peak)
    return " ".join([*words, since])


def exact(prices: PriceSet) -> str:
    """A price without trailing zeros."""
    return format_price(prices.next_price_nanos or prices.unit_price_nanos).rstrip("0")


def workbook(rows: Iterable[Sequence[Any]]) -> bytes:
    """An XLSX file with these cells."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append([None if cell == "" else cell for cell in row])
    target = BytesIO()
    book.save(target)
    return target.getvalue()


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.toml")), ids=lambda path: path.stem)
def test_sheets_of_carriers(path: Path) -> None:
    """Each gives its error report, line by line, and the changes of its good rows, step by step."""
    vector: Mapping[str, Any] = tomllib.loads(path.read_text())
    content = workbook(vector["rows"]) if "rows" in vector else (VECTORS / vector["file"]).read_bytes()
    sheet = parse_sheet(BytesIO(content), name=vector["file"], now_s=NOW, **vector["options"])
    existing = Tariff.build(TERMS, map(stored, vector["existing"]))
    plan = plan_import(existing, sheet, mode=ImportMode(vector["mode"]), now_s=NOW)
    expected = vector["expected"]
    assert [str(error) for error in sheet.errors] == expected["errors"]
    assert [told(change) for change in plan.changes()] == expected["changes"]
    assert {step.value: count for step, count in plan.counts.items() if count} == expected["counts"]
    assert {name: getattr(plan.moves, name) for name in expected["moves"]} == expected["moves"]


# ------------------------------------------------------------------------------------------------- planning

U_TARIFF = (rate("44", "0.05", JANUARY), rate("49", "0.04", JANUARY), rate("33", "0.06", APRIL))


def planned(rows: Iterable[Rate], existing: Iterable[Rate] = U_TARIFF, **options: Any) -> ImportPlan:
    """A plan on the tariff of the U vectors."""
    options.setdefault("mode", ImportMode.ADD)
    return plan_import(Tariff.build(TERMS, existing), rows, now_s=NOW, **options)


def outcome(plan: ImportPlan) -> tuple[list[Rate], list[tuple[str, int]]]:
    """What a plan writes and removes."""
    return list(plan.writes()), list(plan.removals())


def ended(destination: str, text: str, at_s: int = NOW) -> Rate:
    """The record that ends a rate."""
    return rate(destination, text, at_s, discontinued=True)


REPLACE = ImportMode.REPLACE


@pytest.mark.parametrize(
    ("story", "row", "options", "writes", "removals"),
    [
        ("U1 identical", rate("44", "0.05"), {}, [], []),
        ("U1 identical, dated", rate("44", "0.05", JANUARY), {}, [], []),
        ("U1 identical, future", rate("44", "0.05", APRIL), {}, [], []),
        ("U1 identical, the future one", rate("33", "0.06", APRIL), {}, [], []),
        ("U2 changed now", rate("44", "0.07"), {}, [rate("44", "0.07")], []),
        ("U3 changed later", rate("44", "0.07", APRIL), {}, [rate("44", "0.07", APRIL)], []),
        ("U4 past, now", rate("44", "0.07", FEBRUARY), {}, [rate("44", "0.07", NOW)], []),
        ("U4 past, skipped", rate("44", "0.07", FEBRUARY), {"past": PastMode.SKIP}, [], []),
        (
            "U5 the future record is replaced, the rest ends",
            rate("33", "0.05", MID_APRIL),
            {"mode": REPLACE},
            [rate("33", "0.05", MID_APRIL), ended("44", "0.05"), ended("49", "0.04")],
            [("33", APRIL)],
        ),
        (
            "U6 a new one, the rest ends",
            rate("39", "0.09"),
            {"mode": REPLACE},
            [rate("39", "0.09"), ended("44", "0.05"), ended("49", "0.04")],
            [("33", APRIL)],
        ),
        ("U7 ends later", ended("49", "0", APRIL), {}, [ended("49", "0.04", APRIL)], []),
        ("ends now", ended("49", "0"), {}, [ended("49", "0.04")], []),
        ("the end of nothing", ended("39", "0"), {}, [], []),
        ("a future record keeps its date in add", rate("33", "0.05", MID_APRIL), {}, None, []),
        (
            "a future record changes at its date",
            rate("33", "0.05", APRIL),
            {},
            [rate("33", "0.05", APRIL)],
            [],
        ),
    ],
)
def test_what_a_row_changes(
    story: str, row: Rate, options: Any, writes: list[Rate] | None, removals: list[tuple[str, int]]
) -> None:
    """One row against the tariff {44 and 49 since January, 33 from April}, on the tenth of March."""
    assert outcome(planned([row], **options)) == ([row] if writes is None else writes, removals)


def test_u8_areas_are_expanded_under_the_country_prefix() -> None:
    """Lists and ranges, one destination each."""
    rates = read('Country Prefix,Destination,Price\n1,"778,604",0.01\n1,600-602,0.02\n')
    assert [one.destination for one in rates] == ["1778", "1604", "1600", "1601", "1602"]


def test_of_several_past_rows_the_newest_is_the_present_price() -> None:
    """Older ones are history: known to the tariff or skipped, never a price of today."""
    rows = [rate("44", "0.03", JANUARY - 1), rate("44", "0.05", JANUARY), rate("44", "0.07", FEBRUARY)]
    plan = planned(rows)
    assert outcome(plan) == ([rate("44", "0.07")], [])
    assert (plan.counts[Step.SKIPPED], plan.counts[Step.UNCHANGED], plan.counts[Step.CHANGED]) == (1, 1, 1)
    with_today = planned([*rows, rate("44", "0.08")])
    assert outcome(with_today) == ([rate("44", "0.08")], [])


def test_an_old_sheet_brings_back_its_prices() -> None:
    """A row that once was in force differs from what is in force now."""
    existing = [rate("44", "0.05", JANUARY), rate("44", "0.07", FEBRUARY)]
    assert outcome(planned([rate("44", "0.05", JANUARY)], existing)) == ([rate("44", "0.05")], [])


def test_rows_for_one_destination_build_on_each_other() -> None:
    """A later row is compared with what the earlier one leaves in force."""
    rows = [rate("44", "0.07"), rate("44", "0.07", APRIL), rate("44", "0.05", MID_APRIL)]
    assert outcome(planned(rows)) == ([rate("44", "0.07"), rate("44", "0.05", MID_APRIL)], [])


def test_replacing_keeps_future_rates_that_the_sheet_has() -> None:
    """The same date is the same record: written over where it differs, left where not."""
    rows = [rate("44", "0.05"), rate("49", "0.04"), rate("33", "0.06", APRIL)]
    assert outcome(planned(rows, mode=REPLACE)) == ([], [])
    rows[2] = rate("33", "0.05", APRIL)
    assert outcome(planned(rows, mode=REPLACE)) == ([rate("33", "0.05", APRIL)], [])


def test_replacing_compares_with_what_is_left_without_the_removed() -> None:
    """A removed future price does not make a row redundant that says the same from later on."""
    existing = [rate("44", "0.05", JANUARY), rate("44", "0.07", APRIL)]
    plan = planned([rate("44", "0.07", MID_APRIL)], existing, mode=REPLACE)
    assert outcome(plan) == ([rate("44", "0.07", MID_APRIL)], [("44", APRIL)])


def test_replacing_does_not_end_what_has_ended() -> None:
    """A discontinued destination that is absent gets no second record."""
    existing = [rate("44", "0.05", JANUARY), ended("44", "0.05", FEBRUARY), rate("49", "0.04", JANUARY)]
    plan = planned([rate("49", "0.04")], existing, mode=REPLACE)
    assert outcome(plan) == ([], [])


def test_replacing_leaves_destinations_of_bad_rows_alone() -> None:
    """With bad rows skipped, a typing error in a price must not end the destination."""
    sheet = opened("Destination,Price\n44,0.05\n49,oops\n")
    plan = planned(sheet, [rate("44", "0.05", JANUARY), rate("49", "0.04", JANUARY)], mode=REPLACE)
    assert outcome(plan) == ([], [])
    assert (sheet.row_count, sheet.bad_row_count, sheet.unread) == (2, 1, {"49"})


def test_a_discontinued_destination_comes_back() -> None:
    """A row means that it is sold, also in a sheet without the column Discontinued."""
    existing = [rate("44", "0.05", JANUARY), ended("44", "0.05", FEBRUARY)]
    for rows in (opened("Destination,Price\n44,0.05\n"), [rate("44", "0.05")]):
        plan = planned(rows, existing)
        assert outcome(plan) == ([rate("44", "0.05")], [])
        assert plan.counts[Step.NEW] == 1


def test_moves_of_prices_are_counted() -> None:
    """Up and down, and the greatest moves in hundredths of a percent; a price from zero has no percentage."""
    existing = [rate("1", "0.10", 0), rate("2", "0.10", 0), rate("3", "0", 0), rate("4", "0.10", 0)]
    rows = [rate("1", "0.15"), rate("2", "0.09"), rate("3", "0.01"), rate("4", "0.10", payback=True)]
    plan = planned(rows, existing)
    assert (plan.moves.up, plan.moves.down) == (2, 1)
    assert (plan.moves.min_basis_points, plan.moves.max_basis_points) == (-1000, 5000)
    assert plan.write_count == 4 == len(list(plan.writes()))
    volume = [Rate(destination="NETACCESS", peak=PriceSet(unit_price_nanos=nanos)) for nanos in (100, 110)]
    assert planned(volume[1:], volume[:1]).moves.max_basis_points == 1000


OLD = Rate(
    destination="44",
    effective_from_s=JANUARY,
    peak=price("0.05", first_interval_s=30, next_interval_s=6, route_category="Premium"),
    off_peak=(
        OffPeak(prices=price("0.04", next_interval_s=1), period="hr{18-5}"),
        OffPeak(prices=price("0.03"), period="wd{sa su}"),
    ),
    payback=True,
    hidden=True,
)


def over_old(text: str) -> list[Rate]:
    """What a sheet writes over the rate `OLD`."""
    return list(planned(opened(text), [OLD]).writes())


def test_columns_that_are_absent_leave_what_is_there() -> None:
    """Intervals, routing, off-peak sets and flags stay when a sheet only has prices."""
    (written,) = over_old("Destination,Price\n44,0.07\n")
    assert written.peak == price("0.07", first_interval_s=30, next_interval_s=6, route_category="Premium")
    assert (written.off_peak, written.payback, written.hidden) == (OLD.off_peak, True, True)


def test_columns_that_are_there_say_what_holds() -> None:
    """A blank flag is no, a blank off-peak set is none; of a set only the columns of the sheet change."""
    (written,) = over_old("Destination,Price,Payback,Off-peak Price\n44,0.05,,0.02\n")
    assert not written.payback
    assert written.hidden
    assert written.off_peak == (
        OffPeak(prices=price("0.02", next_interval_s=1), period="hr{18-5}"),
        OLD.off_peak[1],
    )
    (bare,) = over_old("Destination,Price,Off-peak Price\n44,0.05,\n")
    assert bare.off_peak == ()
    (periods,) = over_old(
        "Destination,Off-peak Price,Off-peak Period,Second Off-peak Price\n44,0.04,hr{19-5},\n"
    )
    assert periods.off_peak == (OffPeak(prices=price("0.04", next_interval_s=1), period="hr{19-5}"),)


def test_a_new_off_peak_set_takes_its_steps_from_the_peak() -> None:
    """In the sheet, and from the rate in force where the sheet does not say."""
    (one,) = read("Destination,Intervals,Rounding,Price,Off-peak Price\n44,30/6,5,0.05,0.02\n")
    expected = {"first_interval_s": 30, "next_interval_s": 6, "rounding": 5}
    assert one.off_peak == (OffPeak(prices=price("0.02", **expected)),)
    existing = rate("44", "0.05", JANUARY)
    stepped = Rate(
        destination="44", effective_from_s=JANUARY, peak=price("0.05", first_interval_s=30, next_interval_s=6)
    )
    (written,) = planned(opened("Destination,Off-peak Price\n44,0.02\n"), [stepped]).writes()
    assert written.off_peak == (OffPeak(prices=price("0.02", first_interval_s=30, next_interval_s=6)),)
    assert planned([existing], [existing]).write_count == 0


def test_a_new_destination_needs_a_price() -> None:
    """A sheet that only marks or routes cannot add a destination: it would be free. Forbidding can."""
    plan = planned(opened("Destination,Preference,Forbidden\n39,7,\n44,7,\n888,,yes\n"))
    assert [str(error) for error in plan.errors] == [
        "destination '39': is new, and the sheet has no column for its price"
    ]
    assert [one.destination for one in plan.writes()] == ["44", "888"]
    assert plan.counts[Step.UNPRICED] == 1


def test_a_new_destination_needs_the_price_by_which_it_is_charged() -> None:
    """Messages and data by the unit, calls by the minute: with the other one alone they would be free."""
    plan = planned(
        opened("Destination,Price,Unit Price\nMSG,0.03,\nWiFi,,0.03\nmsgn,,0.02\nUM,0.01,\n25501,,0.04\n")
    )
    assert [str(error) for error in plan.errors] == [
        "destination 'MSG': is new, and it is charged by its unit price, which the sheet does not give",
        "destination 'WiFi': is new, and it is charged by a price per minute, which the sheet does not give",
    ]
    assert {one.destination for one in plan.writes()} == {"MSGN", "UM", "25501"}
    assert planned(opened("Destination,Price\nMSG,0\nNETACCESS,0.00\n")).errors == []


def test_a_plan_can_be_asked_again() -> None:
    """Counting, previewing and writing are separate walks over the same plan."""
    plan = planned([rate("44", "0.07"), rate("39", "0.01")])
    assert list(plan.writes()) == list(plan.writes())
    assert [change.step for change in plan.changes()] == [Step.NEW, Step.CHANGED]
    assert all(isinstance(change.new, Version) for change in plan.changes())


# -------------------------------------------------------------------------------------------------- reading


def test_titles_are_matched_whatever_their_case_spacing_and_order() -> None:
    """A sheet made by hand is read as one made by a program."""
    text = " next_PRICE ,FIRSTprice,effective-from,DESTINATION,first interval\n0.02,0.01,2026-04-01,44,30\n"
    (one,) = read(text)
    assert one == Rate(
        destination="44",
        effective_from_s=APRIL,
        peak=PriceSet(first_interval_s=30, first_price_nanos=10_000_000, next_price_nanos=20_000_000),
    )


def test_every_column_is_read() -> None:
    """Three price sets, each with all of its fields, and the flags."""
    set_cells = {
        "First Interval": "30",
        "Next Interval": "6",
        "First Price": "0.02",
        "Next Price": "0.01",
        "Rounding": "1024",
        "Unit Price": "0.5",
        "Formula": "+connect; 1x30@0.5",
        "Route Category": "Premium",
        "Preference": "0",
        "Huntstop": "x",
    }
    cells = {"Destination": "4420", "Effective From": "2026-04-01", "Payback": "1", "Hidden": "TRUE"}
    cells |= {"Forbidden": "Y", "Discontinued": "no", "Description": "London", "Country": "UK", "ISO": "GB"}
    cells |= {"MCC": "", "MNC": "", "Destination Group": "EU"}
    for prefix in ("", "Off-peak ", "Second off-peak "):
        cells |= {f"{prefix}{title}": text for title, text in set_cells.items()}
    cells |= {"Off-peak Period": "hr{18-5}", "Second Off-peak Period": "always"}
    titles = {find_column(title) for title in cells}
    assert {column.title for column in COLUMNS if column not in titles} == {
        "Country Prefix", "Price", "Intervals", "Off-peak Price", "Off-peak Intervals",
        "Second Off-peak Price", "Second Off-peak Intervals",
    }  # fmt: skip
    (one,) = read("\t".join(cells) + "\n" + "\t".join(cells.values()) + "\n")
    prices = PriceSet(
        first_interval_s=30,
        next_interval_s=6,
        first_price_nanos=20_000_000,
        next_price_nanos=10_000_000,
        rounding=1024,
        unit_price_nanos=500_000_000,
        formula="+connect;1x30@0.50",
        route_category="Premium",
        preference=0,
        huntstop=True,
    )
    assert one == Rate(
        destination="4420",
        effective_from_s=APRIL,
        peak=prices,
        off_peak=(OffPeak(prices=prices, period="hr{18-5}"), OffPeak(prices=prices, period="")),
        payback=True,
        hidden=True,
        forbidden=True,
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_delimiter_is_found_from_the_header(delimiter: str, mark: str) -> None:
    """With or without a byte order mark, blank lines, lines above the header; quotes protect delimiters."""
    rows = [
        ["Price list", "x, y; z|"],
        [],
        ["Destination", "Description", "Price"],
        [],
        ["44", f"a{delimiter}b", "0.05"],
    ]
    text = mark + "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert read(text) == [rate("44", "0.05")]
    assert read(text, delimiter=delimiter) == [rate("44", "0.05")]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Price,Interval", "no column 'Destination' in the first 50 rows: map the column that has it"),
        ("", "no column 'Destination' in the first 50 rows: map the column that has it"),
        ("Destination,Pirce", "unknown column 'Pirce': map it to a known one, or to '' to leave it out"),
        ("Destination,Price,PRICE", "column 'PRICE' is there twice"),
        ("Destination,First Price", "'First Price' and 'Next Price' come together; 'Price' sets both"),
        ("Destination,Price,Next Price", "columns 'Price' and 'Next Price' say the same"),
        (
            "Destination,Intervals,First Interval,Price",
            "columns 'Intervals' and 'First Interval' say the same",
        ),
        (
            "Destination,Off-peak Period",
            "columns of the Off-peak prices, but no 'Off-peak Price' or the like",
        ),
        (
            "Destination,Second Off-peak Price",
            "columns of the second off-peak prices without those of the first",
        ),
    ],
)
def test_headers_that_would_have_to_be_guessed_are_refused(header: str, reason: str) -> None:
    """Before any row is read, with the place."""
    with pytest.raises(InputError) as refused:
        opened(f"{header}\n44,0.05\n")
    assert str(refused.value) == f"rates.csv line 1: {reason}"


def test_a_mapping_names_columns_that_exist() -> None:
    """Foreign titles may hide known ones; an empty meaning leaves a column out."""
    mapping = {"Dial code": "destination", "destination": "description", "Rate": "price", "Comment": ""}
    text = "Destination,DialCode,Rate,Comment\nUnited Kingdom,44,0.05,cheap\n"
    assert read(text, mapping=mapping) == [rate("44", "0.05")]
    with pytest.raises(
        InputError, match="mapping of 'Rate': 'cost' is not one of: Destination, Country Prefix"
    ):
        opened(text, mapping={"Rate": "cost"})


PRICED = (
    "Destination,First Interval,First Price,Next Price,"
    "Formula,Preference,Huntstop,Effective From,Forbidden,Discontinued"
)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (
            "+44,,1,1",
            "line 2, column 'Destination': '+44' is neither a prefix of 1 to 20 digits (without plus) nor",
        ),
        (",,1,1", "line 2, column 'Destination': '' is neither a prefix"),
        ('"44,49",,1,1', "line 2, column 'Destination': '44,49' is neither a prefix"),
        ("44,0,1,1", "line 2, column 'First Interval': '0' is not a whole number of at least 1"),
        ("44,1.5,1,1", "line 2, column 'First Interval': '1.5' is not a whole number"),
        ("44,,free,1", "line 2, column 'First Price': 'free' is not a decimal number"),
        ("44,,-1,1", "line 2, column 'First Price': '-1' is negative"),
        ('44,,"0,05",0.05', "line 2, column 'First Price': '0,05' is not a decimal number"),
        ("44,,0.1234567891,1", "line 2, column 'First Price': '0.1234567891' has more than 9 decimal places"),
        ("44,,1,", "line 2, column 'First Price': one of first and next price is empty"),
        ("44,,,1", "line 2, column 'First Price': one of first and next price is empty"),
        ("44,,,", "line 2, column 'First Price': is empty: the row has no price"),
        ("44,,,,1x60", "line 2, column 'Formula': '1x60'"),
        ("44,,1,1,,11", "line 2, column 'Preference': '11' is not a preference from 0 to 10"),
        ("44,,1,1,,,perhaps", "line 2, column 'Huntstop': 'perhaps' is neither yes nor no"),
        ("44,,1,1,,,,tomorrow", "line 2, column 'Effective From': 'tomorrow' is not a date such as"),
        ("44,,1,1,,,,,,,more", "line 2: has 11 cells under 10 titles"),
        ('44,,"1"0,1', "line 2: is not CSV: ',' expected after '\"'"),
        ('44,,1,"1', "line 2: is not CSV: unexpected end of data"),
    ],
)
def test_a_bad_row_is_listed_with_line_column_value_and_reason(row: str, fault: str) -> None:
    """And the good rows behind it are read."""
    (listed, *others) = faults(f"{PRICED}\n{row}\n")
    assert listed.startswith(fault)
    assert others == []


def test_rows_that_need_no_price() -> None:
    """Forbidden and discontinued destinations, and those with a formula; missing last cells are blank."""
    rates = read(f"{PRICED}\n1,,,,,,,,yes\n2,,,,,,,,,yes\n3,,,,*x60@0.1\n4,,1,1\n")
    assert [one.destination for one in rates] == ["1", "2", "3", "4"]
    assert rates[2].peak.formula == "*x60@0.10"


def test_all_faults_of_a_row_are_listed() -> None:
    """One look at the report is enough to repair the row."""
    assert faults("Destination,Intervals,Price\n44,60,1\n49,0/6,1\n") == [
        "line 2, column 'Intervals': '60' is not a first and a next interval such as 60/6",
        "line 3, column 'Intervals': '0/6' is not a first and a next interval such as 60/6",
    ]
    assert len(faults("Destination,Price\n44,1\nx,1\n")) == 1
    assert faults(f"{PRICED}\nx,0,free,1\n44,,1,1\n") == [
        (
            "line 2, column 'Destination': 'x' is neither a prefix of 1 to 20 digits (without plus) "
            "nor a special destination such as MSG"
        ),
        "line 2, column 'First Interval': '0' is not a whole number of at least 1",
        "line 2, column 'First Price': 'free' is not a decimal number such as 12.50",
    ]


OFF_PEAK = "Destination,Price,Off-peak Price,Off-peak Period,Second Off-peak Price"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("44,1,,hr{1}", "line 2, column 'Off-peak Price': is empty: the row has no price"),
        ("44,1,,,1", "line 2, column 'Off-peak Price': is empty, but the second off-peak prices are given"),
        ("44,1,1,hr{25}", "line 2, column 'Off-peak Period': 'hr{25}', column 4: "),
    ],
)
def test_faults_of_off_peak_sets(row: str, fault: str) -> None:
    """A period without a price, a second set without a first, a malformed period with its column."""
    (listed,) = faults(f"{OFF_PEAK}\n{row}\n")
    assert listed.startswith(fault)


def test_two_rows_for_one_destination_and_instant_are_an_error_that_names_both_lines() -> None:
    """Other instants are other records; the first row stands."""
    sheet = opened(
        "Destination,Price,Effective From\n44,1,\n44,2,2026-04-01\n44,3,now\n44,4,2026-04-01 00:00Z\n"
    )
    assert [one.peak.first_price_nanos // 10**9 for one in sheet] == [1, 2]
    assert [str(error) for error in sheet.errors] == [
        "rates.csv line 4, column 'Destination': '44' from 2026-03-10 12:00:00 UTC is already on line 2",
        "rates.csv line 5, column 'Destination': '44' from 2026-04-01 00:00:00 UTC is already on line 3",
    ]


def test_a_destination_twice_within_one_cell_is_one() -> None:
    """An area list that repeats itself says nothing contradictory."""
    rates = read('Country Prefix,Destination,Price\n1,"600,600-601",0.01\n')
    assert sorted(one.destination for one in rates) == ["1600", "1601"]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    """A cell may have line breaks; a row is where it begins."""
    text = 'Destination,Description,Price\n\n44,"United\nKingdom",oops\n\n49,Germany,oops\n'
    assert [fault.split(",")[0] for fault in faults(text)] == ["line 3", "line 6"]


def test_errors_beyond_a_thousand_are_only_counted() -> None:
    """A wrong file does not fill the memory."""
    sheet = opened("Destination,Price\n" + "x,y\n" * 700)
    assert list(sheet) == []
    assert (len(sheet.errors), sheet.error_count, sheet.bad_row_count) == (1000, 1400, 700)


def test_lines_that_are_not_utf_8_are_latin_1() -> None:
    """Old systems export so; UTF-16 is refused with what to do."""
    content = "Destination,Route Category,Price\n225,Côte d'Ivoire,0.05\n".encode("latin-1")
    (one,) = parse_sheet(BytesIO(content), name="rates.csv", now_s=NOW)
    assert one.peak.route_category == "Côte d'Ivoire"
    with pytest.raises(InputError, match=r"rates.csv line 1: the file is UTF-16: save it as CSV UTF-8"):
        parse_sheet(BytesIO("Destination,Price\n".encode("utf-16")), name="rates.csv", now_s=NOW)


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("Destination;Price\n44;0,05\n", {}, "0.05"),
        ('Destination,Price\n44,"0,05"\n', {}, "0.05"),
        ("Destination;Price\n44;5\n", {"decimal_comma": True}, "5"),
        ("Destination;Price\n44;0.05\n", {}, "0.05"),
        ("Destination;Price\n44;0.05\n", {"decimal_comma": False}, "0.05"),
    ],
)
def test_a_decimal_comma_is_found_or_said(text: str, options: Any, expected: str) -> None:
    """From the first rows, whatever the delimiter."""
    assert read(text, **options) == [rate("44", expected)]


def test_decimal_marks_are_not_mixed() -> None:
    """A thousand must not become a one: with both marks in a sheet the comma is refused."""
    assert faults("Destination;Price\n44;0,05\n49;0.05\n") == [
        "line 2, column 'Price': '0,05' is not a decimal number such as 12.50"
    ]
    assert faults("Destination;Price\n49;0.05\n", decimal_comma=True) == [
        "line 2, column 'Price': '0.05' has a point where this sheet writes a decimal comma"
    ]


@pytest.mark.parametrize(
    ("country", "areas", "expected"),
    [
        ("1", "", ["1"]),
        ("1", "778,604", ["1778", "1604"]),
        ("1", " 778 ; 604 ", ["1778", "1604"]),
        ("1", "600-602", ["1600", "1601", "1602"]),
        ("380", "08 - 11, 5", ["38008", "38009", "38010", "38011", "3805"]),
    ],
)
def test_area_cells(country: str, areas: str, expected: list[str]) -> None:
    """A list of areas and ranges; leading zeros count; blank is the whole country."""
    assert list(read_areas(country, areas, "Area")) == expected


@pytest.mark.parametrize(
    ("areas", "reason"),
    [
        ("778,", "'778,' is not a list of areas"),
        ("600-", "'600-' is not a list of areas"),
        ("602-600", "'602-600': '602-600' is not a range from a lower to a higher area of one length"),
        ("8-11", "'8-11': '8-11' is not a range"),
        ("00000-99999", "stands for more than 10000 areas"),
        ("0000-9999,1", "stands for more than 10000 areas"),
        ("1" * 20, "makes a prefix of more than 20 digits"),
        ("msg", "(a special destination has no country prefix)"),
    ],
)
def test_area_cells_that_are_refused(areas: str, reason: str) -> None:
    """Whatever would have to be guessed, and whatever would fill the memory."""
    with pytest.raises(InputError) as refused:
        list(read_areas("1", areas, "Area"))
    assert reason in str(refused.value)


def test_country_prefixes() -> None:
    """Blank for destinations that are whole; digits otherwise; alone they are the destination."""
    rates = read("Country Prefix,Destination,Price\n,44,1\n,msg,1\n49,,1\n")
    assert [one.destination for one in rates] == ["44", "MSG", "49"]
    assert [one.destination for one in read("Country Prefix,Price\n44,1\n")] == ["44"]
    assert faults("Country Prefix,Price\nMSG,1\n,1\n") == [
        "line 2, column 'Country Prefix': 'MSG' is not a country prefix of digits",
        "line 3, column 'Country Prefix': is empty",
    ]


@pytest.mark.parametrize(
    ("text", "zone", "day_first", "expected"),
    [
        ("", "UTC", None, "2026-03-10T12:00:00"),
        (" NOW ", "UTC", None, "2026-03-10T12:00:00"),
        ("2026-04-01", "UTC", None, "2026-04-01"),
        ("2026-4-1", "Europe/Kyiv", None, "2026-03-31T21:00"),
        ("2026/04/01 08:30", "UTC", None, "2026-04-01T08:30"),
        ("2026-04-01T08:30:15Z", "Europe/Kyiv", None, "2026-04-01T08:30:15"),
        ("2026-04-01 08:30:15.999+02:00", "UTC", None, "2026-04-01T06:30:15"),
        ("2026-04-01 08:30 -0530", "UTC", None, "2026-04-01T14:00"),
        ("2026-04-01 00:00 utc", "Europe/Kyiv", None, "2026-04-01"),
        ("2026-04-01 00:00 (America/New_York)", "UTC", None, "2026-04-01T04:00"),
        ("2026-04-01 Europe/Kyiv", "UTC", None, "2026-03-31T21:00"),
        ("20260401", "UTC", None, "2026-04-01"),
        ("01.04.2026 12:00", "Europe/Berlin", None, "2026-04-01T10:00"),
        ("13/04/2026", "UTC", None, "2026-04-13"),
        ("04/13/2026", "UTC", None, "2026-04-13"),
        ("04/04/2026", "UTC", None, "2026-04-04"),
        ("01/04/2026", "UTC", True, "2026-04-01"),
        ("04-01-2026", "UTC", False, "2026-04-01"),
        ("1-Apr-2026", "UTC", None, "2026-04-01"),
        ("1 April 2026 9:05 pm", "UTC", None, "2026-04-01T21:05"),
        ("Apr. 1, 2026 12:00 AM", "UTC", None, "2026-04-01"),
        ("Sept 1 2026 12:30PM", "UTC", None, "2026-09-01T12:30"),
    ],
)
def test_dates(*, text: str, zone: str, day_first: bool | None, expected: str) -> None:
    """The forms that carriers write; the cell's zone wins over the sheet's."""
    reader = InstantReader(now_s=NOW, zone=ZoneInfo(zone), day_first=day_first)
    assert reader.read(text, "Effective From") == instant(expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("tomorrow", "'tomorrow' is not a date such as 2026-04-01 00:00 UTC"),
        ("01/04/26", "is not a date such as"),
        ("1775001600", "is not a date such as"),
        ("01/04/2026", "'01/04/2026' may mean two dates: say whether the day comes first"),
        ("2026-02-30", "'2026-02-30' is not a date or time that exists"),
        ("2026-04-01 24:00", "is not a date or time that exists"),
        ("1-Apx-2026", "is not a date or time that exists"),
        ("31/13/2026", "is not a date or time that exists"),
        ("2026-04-01 13:00 PM", "has an hour that a 12-hour clock does not show"),
        ("2026-04-01 00:00+25:00", "is not a date or time that exists"),
        ("2026-04-01 Mars/Phobos", "'Mars/Phobos' in '2026-04-01 Mars/Phobos' is not a time zone such as"),
    ],
)
def test_dates_that_are_refused(text: str, reason: str) -> None:
    """With the value and what is wrong with it."""
    reader = InstantReader(now_s=NOW, zone=UTC)
    with pytest.raises(InputError) as refused:
        reader.read(text, "Effective From")
    assert refused.value.place == "Effective From"
    assert reason in refused.value.reason


def test_an_unknown_zone_of_the_sheet_is_refused() -> None:
    """Before the file is looked at."""
    with pytest.raises(InputError, match="zone: 'Kiev/Ukraine' as the zone of the sheet is not a time zone"):
        opened("Destination,Price\n", zone="Kiev/Ukraine")


def chart() -> bytes:
    """A workbook that opens on a chart."""
    book = Workbook()
    sheet = book.create_chartsheet("Moves", 0)
    sheet.add_chart(BarChart())
    book.active = 0
    target = BytesIO()
    book.save(target)
    return target.getvalue()


def without_end(content: bytes) -> bytes:
    """The workbook with its first worksheet cut off in the middle."""
    target = BytesIO()
    with ZipFile(BytesIO(content)) as whole, ZipFile(target, "w") as part:
        for name in whole.namelist():
            data = whole.read(name)
            part.writestr(name, data[: len(data) // 2] if name.endswith("sheet1.xml") else data)
    return target.getvalue()


TWO_COLUMNS = workbook([["Destination", "Price"]])


@pytest.mark.parametrize(
    ("content", "worksheet", "reason"),
    [
        (b"PK\x03\x04 but no workbook", None, ": is not an XLSX workbook: File is not a zip file"),
        (TWO_COLUMNS, "Rates", ": has no worksheet 'Rates', but: Sheet"),
        (chart(), None, ": has a chart where a worksheet should be: name the worksheet"),
        (without_end(TWO_COLUMNS), None, " line 1: the workbook is damaged: "),
    ],
)
def test_workbooks_that_are_refused(content: bytes, worksheet: str | None, reason: str) -> None:
    """With the reason, not with a stack trace."""
    with pytest.raises(InputError) as refused:
        parse_sheet(BytesIO(content), name="rates.xlsx", now_s=NOW, worksheet=worksheet)
    assert str(refused.value).startswith(f"rates.xlsx{reason}")


def test_cells_of_a_workbook_are_read_as_they_are_shown() -> None:
    """Numbers without the noise of binary fractions, dates as dates; blank rows are left out."""
    content = workbook([["Destination", "Price", "Effective From"], [], [44, 0.1 + 0.2, date(2026, 4, 1)]])
    (one,) = parse_sheet(BytesIO(content), name="rates.xlsx", now_s=NOW, worksheet="Sheet")
    assert one == rate("44", "0.3", APRIL)
    cells = (None, True, False, 44.0, 1e-05, 1e15, datetime(2026, 4, 1, 8, 30), date(2026, 4, 1), " x ")  # noqa: DTZ001 - workbooks know no zones
    assert [cell_text(cell) for cell in cells] == [
        "", "yes", "no", "44", "0.00001", "1000000000000000", "2026-04-01 08:30:00", "2026-04-01", " x ",
    ]  # fmt: skip


def test_what_is_remembered_of_cells_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sheet with ever new prices does not grow a cache, and is read and planned as any other."""
    monkeypatch.setattr(sheet_row, "REMEMBERED_MAX", 3)
    monkeypatch.setattr(sheet_diff, "MERGED_MAX", 3)
    text = "Destination,Price\n" + "".join(f"{number},0.{number}\n" for number in range(1, 20))
    rates = [rate(str(number), f"0.{number}") for number in range(1, 20)]
    assert read(text) == rates
    plan = planned(opened(text), [rate(str(number), "0.5") for number in range(1, 20)])
    assert sorted(plan.writes(), key=lambda one: int(one.destination)) == [*rates[:4], *rates[5:]]


# -------------------------------------------------------------------------------------------------- writing


def exported(rates: Iterable[Rate], *titles: str, **options: Any) -> str:
    """The CSV text of some rates."""
    target = BytesIO()
    write_sheet(rates, [find_column(title) for title in titles] or EXPORTED, target, **options)
    return target.getvalue().decode()


def test_an_export_has_the_columns_asked_for_in_their_order() -> None:
    """Dates carry their offset; steps and prices may share a column."""
    text = exported(
        [OLD], "Effective From", "Destination", "Intervals", "Price", "Payback", zone=ZoneInfo("Europe/Kyiv")
    )
    assert text == (
        "Effective From,Destination,Intervals,Price,Payback\r\n2026-01-01 02:00:00+02:00,44,30/6,0.05,yes\r\n"
    )


def test_an_export_is_annotated_by_the_directory() -> None:
    """The longest prefix of the directory names the destination; without a directory the cells stay empty."""
    titles = ("Destination", "Price", "Description", "ISO", "MCC", "MNC", "Destination Group", "Country")
    directory = Directory(
        [DestinationInfo(prefix="44", description="=UK", country="UK", iso="GB", mcc="234", group="EU")]
    )
    assert exported([rate("4420"), rate("39")], *titles, directory=directory).splitlines()[1:] == [
        "4420,0.00,=UK,GB,234,,EU,UK",
        "39,0.00,,,,,,",
    ]
    assert exported([rate("4420")], *titles).splitlines()[1:] == ["4420,0.00,,,,,,"]


@pytest.mark.parametrize(
    ("titles", "one", "reason"),
    [
        (("Destination", "Price"), ended("44", "1"), "rate '44' needs the column 'Discontinued'"),
        (
            ("Destination", "Price"),
            Rate(destination="44", peak=PriceSet(first_price_nanos=1)),
            "first and next price of '44' differ: 'Price' cannot say both",
        ),
        (("Price",), rate("44"), "no column 'Destination'"),
        (
            ("Country Prefix", "Destination", "Price"),
            rate("44"),
            "an export writes whole prefixes under 'Destination'",
        ),
        (
            ("Destination", "Price", "Off-peak Formula"),
            rate("44"),
            "without 'Off-peak Price' nobody could tell which rates have such prices",
        ),
    ],
)
def test_an_export_that_would_not_read_back_is_refused(titles: Sequence[str], one: Rate, reason: str) -> None:
    """Rather than changing rates by exporting and importing them."""
    with pytest.raises(InputError) as refused:
        exported([one], *titles)
    assert str(refused.value) == f"columns: {reason}"


def test_a_workbook_holds_text_and_no_formulas() -> None:
    """A description cannot become a formula in somebody's spreadsheet; prefixes keep their zeros."""
    target = BytesIO()
    directory = Directory([DestinationInfo(prefix="00", description="=1+1")])
    columns = [find_column(title) for title in ("Destination", "Price", "Description", "Route Category")]
    assert write_sheet([rate("00")], columns, target, form=SheetFormat.XLSX, directory=directory) == 1
    sheet = parse_sheet(
        BytesIO(target.getvalue()),
        name="rates.xlsx",
        now_s=NOW,
        mapping={"description": "route category", "route category": ""},
    )
    (one,) = sheet
    assert one.destination == "00"
    assert one.peak.route_category == "=1+1"


def test_instants_before_whole_minute_offsets_are_written_in_utc() -> None:
    """Monrovia kept local mean time until 1972, which no sheet can say."""
    text = exported([rate("44", from_s=0)], "Destination", "Effective From", zone=ZoneInfo("Africa/Monrovia"))
    assert text.splitlines()[1] == "44,1970-01-01 00:00:00+00:00"


def test_special_destinations_are_exported_in_their_spelling() -> None:
    """And read back as such."""
    (one,) = read(exported([rate("CallRecording", from_s=JANUARY)]))
    assert is_special(one.destination)
    assert one == rate("CallRecording", from_s=JANUARY)

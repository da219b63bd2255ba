"""Finding rates for people, and the destination directory."""

from io import BytesIO
from typing import Any

import pytest

from ocs.errors import InputError, InputErrors
from ocs.rating.directory import ERRORS_MAX, parse_directory
from ocs.rating.index import Tariff
from ocs.rating.search import DestinationInfo, Directory, RateFilter, search
from ocs.rating.tariff import Rate, TariffTerms

JANUARY, MARCH, APRIL = 1_767_225_600, 1_772_323_200, 1_775_001_600

RATES = (
    Rate(destination="MSG", effective_from_s=JANUARY),
    Rate(destination="UM", effective_from_s=JANUARY, hidden=True),
    Rate(destination="44", effective_from_s=JANUARY),
    Rate(destination="44", effective_from_s=APRIL),
    Rate(destination="4420", effective_from_s=JANUARY, payback=True),
    Rate(destination="447", effective_from_s=JANUARY, forbidden=True),
    Rate(destination="49", effective_from_s=JANUARY),
    Rate(destination="49", effective_from_s=MARCH, discontinued=True),
    Rate(destination="4915", effective_from_s=APRIL),
)
DIRECTORY = Directory(
    [
        DestinationInfo(prefix="44", description="UK", country="United Kingdom", iso="GB", group="EUROPE"),
        DestinationInfo(prefix="447", description="UK mobile", country="United Kingdom", iso="GB", mcc="234"),
        DestinationInfo(prefix="4", country="Region 4"),
        DestinationInfo(prefix="MSG", description="Messages", group="Messages"),
    ]
)


def shown(**wanted: Any) -> list[str]:
    """What a search finds: destinations, with the month where there are several."""
    tariff = Tariff.build(TariffTerms(id=1, name="retail"), RATES)
    months = {JANUARY: "jan", MARCH: "mar", APRIL: "apr"}
    return [
        f"{rate.destination} {months[rate.effective_from_s]}"
        for rate in search(tariff, RateFilter(**wanted), DIRECTORY)
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"prefix": "442"}, ["4420 jan"]),
        ({"prefix": "44", "effective_at_s": MARCH}, ["44 jan", "4420 jan", "447 jan"]),
        ({"number": "442012345678", "effective_at_s": MARCH}, ["4420 jan"]),
        ({"number": "449999", "effective_at_s": APRIL}, ["44 apr"]),
        ({"number": "4930", "effective_at_s": MARCH}, []),
        ({"number": "442012345678", "effective_at_s": MARCH, "payback": False}, []),
        ({"destination": "44?"}, ["447 jan"]),
        ({"destination": "44*", "effective_before_s": APRIL}, ["44 jan", "4420 jan", "447 jan"]),
        ({"destination": "msg"}, ["MSG jan"]),
        ({"destination": "4"}, []),
        ({"country": "united kingdom", "effective_at_s": JANUARY}, ["44 jan", "4420 jan", "447 jan"]),
        ({"country": "gb", "mcc": "234"}, ["447 jan"]),
        ({"country": "Region 4"}, ["49 jan", "49 mar", "4915 apr"]),
        ({"mnc": "15"}, []),
        ({"group": "europe", "effective_at_s": JANUARY}, ["44 jan", "4420 jan"]),
        ({"effective_at_s": MARCH, "special": False}, ["44 jan", "4420 jan", "447 jan", "49 mar"]),
        ({"effective_before_s": JANUARY}, []),
        ({"effective_after_s": MARCH}, ["44 apr", "4915 apr"]),
        ({"discontinued": True}, ["49 mar"]),
        ({"discontinued": False, "prefix": "49"}, ["49 jan", "4915 apr"]),
        ({"forbidden": True}, ["447 jan"]),
        ({"hidden": True}, ["UM jan"]),
        ({"payback": True}, ["4420 jan"]),
        ({"special": True}, ["MSG jan", "UM jan"]),
        ({"special": True, "prefix": "4"}, []),
    ],
)
def test_what_a_filter_finds(wanted: dict[str, Any], expected: list[str]) -> None:
    """All conditions must hold; specials come first, then prefixes as text, versions ascending."""
    assert shown(**wanted) == expected


def test_no_condition_finds_everything() -> None:
    """Also without a directory."""
    tariff = Tariff.build(TariffTerms(id=1, name="retail"), RATES)
    assert tuple(search(tariff, RateFilter())) == RATES
    assert list(search(tariff, RateFilter(country="GB"))) == []


def test_a_number_needs_an_instant() -> None:
    """Which rate applies depends on when."""
    with pytest.raises(InputError, match="number: needs an instant"):
        RateFilter(number="44")


@pytest.mark.parametrize(
    ("destination", "prefix"),
    [("447911", "447"), ("442", "44"), ("49", "4"), ("4", "4"), ("33", None), ("MSG", "MSG"), ("MSGN", None)],
)
def test_the_directory_is_asked_by_longest_prefix(destination: str, prefix: str | None) -> None:
    """Special destinations only by their own name."""
    found = DIRECTORY.find(destination)
    assert (found and found.prefix) == prefix
    assert len(DIRECTORY) == 4


def test_a_directory_is_read_from_csv() -> None:
    """Titles in any case and order, others passed over, foreign ones by mapping; blank cells are unknown."""
    header = "\ufeffiso;Dial code;DESCRIPTION;Country;Region;MCC;MNC;Destination Group"
    text = f"{header}\nGB;44;UK;United Kingdom;x;;;E\n;msg\n"
    directory = parse_directory(BytesIO(text.encode()), name="places.csv", mapping={"dial Code": "Prefix"})
    assert list(directory) == [
        DestinationInfo(prefix="44", description="UK", country="United Kingdom", iso="GB", group="E"),
        DestinationInfo(prefix="MSG"),
    ]


def test_bad_rows_of_a_directory_are_listed() -> None:
    """With line, column, value and reason; nothing is read from a directory with faults."""
    rows = ["44,UK,,", "x,?,,", "44,UK again,,", "45,DK,23,", "46,SE,240,1", '"47"x', "48,PL,260,02"]
    text = "\n".join(["Prefix,Description,MCC,MNC", *rows])
    with pytest.raises(InputErrors) as refused:
        parse_directory(BytesIO(text.encode()), name="places.csv")
    assert [str(error) for error in refused.value.errors] == [
        (
            "places.csv line 3, column 'Prefix': 'x' is neither a prefix of 1 to 20 digits (without plus) "
            "nor a special destination such as MSG"
        ),
        "places.csv line 4, column 'Prefix': '44' is already on line 2",
        "places.csv line 5, column 'MCC': '23' is not a code of 3 digits",
        "places.csv line 6, column 'MNC': '1' is not a code of 2 or 3 digits",
        "places.csv line 7: is not CSV: ',' expected after '\"'",
    ]


def test_reading_a_directory_stops_at_the_last_error_that_is_listed() -> None:
    """A wrong file does not fill the memory."""
    text = "Prefix\n" + "x\n" * (ERRORS_MAX + 5)
    with pytest.raises(InputErrors) as refused:
        parse_directory(BytesIO(text.encode()), name="places.csv")
    assert len(refused.value.errors) == ERRORS_MAX


@pytest.mark.parametrize("text", ["", "Code,Description\n44,UK\n"])
def test_a_directory_without_a_header_is_refused(text: str) -> None:
    """The first row that is not blank must name the prefix."""
    with pytest.raises(InputError, match=r"places\.csv line 1: no column 'Prefix'"):
        parse_directory(BytesIO(text.encode()), name="places.csv")


def test_a_mapping_of_a_directory_names_its_columns() -> None:
    """A misspelt meaning is found before the file is read."""
    with pytest.raises(InputError, match="mapping of 'Code': 'prefx' is not a column of a directory"):
        parse_directory(BytesIO(b""), name="places.csv", mapping={"Code": "prefx"})

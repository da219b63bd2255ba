"""``ocs destination``, ``ocs off-peak`` and the filters of ``ocs rate search`` that ask the directory."""

from pathlib import Path

import pytest
from command import Shell

SHEET = (
    "Prefix;Description;Country;ISO;MCC;MNC;Group\n"
    "44;UK;United Kingdom;GB;;;EUROPE\n"
    "447;UK mobile;United Kingdom;GB;234;15;EUROPE-MOBILE\n"
    "MSG;Messages;;;;;\n"
)


def found(shell: Shell, *arguments: str) -> list[str]:
    """Prefixes that a list shows."""
    return [entry["prefix"] for entry in shell.json("destination", "list", *arguments)]


def test_a_directory_is_previewed_then_written(shell: Shell) -> None:
    """A dry run stops at the preview; the second time nothing changes; replacing removes what is absent."""
    sheet = shell.write("d.csv", SHEET)
    shell.ok("destination", "import", sheet, "--mode", "replace", "--yes")

    again = shell.json("destination", "import", sheet, "--mode", "replace", "--yes")
    assert (again["unchanged"], again["new"], again["removed"], again["written"]) == (3, 0, 0, False)

    less = shell.write("less.csv", "Prefix,Description\n44,Great Britain\n49,Germany\n")
    preview = shell.json("destination", "import", less, "--mode", "replace", "--dry-run")
    assert (preview["new"], preview["changed"], preview["removed"], preview["written"]) == (1, 1, 2, False)
    assert found(shell) == ["44", "447", "MSG"]
    assert "1 new, 1 changed" in shell.ok("destination", "import", less, "--yes")
    assert found(shell) == ["44", "447", "49", "MSG"]


def test_entries_are_found_by_every_filter(shell: Shell) -> None:
    """All conditions must hold; a number finds the entry of its longest prefix."""
    shell.ok("destination", "import", shell.write("d.csv", SHEET), "--mode", "replace", "--yes")

    assert found(shell, "--prefix", "44") == ["44", "447"]
    assert found(shell, "--number", "447700900123") == ["447"]
    assert found(shell, "--number", "442079460000") == ["44"]
    assert found(shell, "--number", "33") == []
    assert found(shell, "--country", "gb", "--mcc", "234", "--mnc", "15") == ["447"]
    assert found(shell, "--group", "europe") == ["44"]
    assert "1 more" in shell.ok("destination", "list", "--prefix", "44", "--limit", "1")


def test_one_entry_is_entered_changed_and_removed(shell: Shell) -> None:
    """What is not given of an entry stays as it is."""
    shell.ok("destination", "set", "49", "--description", "Germany", "--iso", "DE")
    changed = shell.json("destination", "set", "49", "--mcc", "262")

    assert changed == shell.json("destination", "show", "49")
    assert (changed["description"], changed["iso"], changed["mcc"]) == ("Germany", "DE", "262")
    assert shell.ok("destination", "delete", "49").strip() == "removed 49"
    assert "destination '49' does not exist" in shell.refused(3, "destination", "show", "49")
    assert "destination '49' does not exist" in shell.refused(3, "destination", "delete", "49")


@pytest.mark.parametrize(
    ("arguments", "place"),
    [(["4x"], "PREFIX"), (["49", "--mcc", "26"], "--mcc"), (["49", "--mnc", "1"], "--mnc")],
)
def test_an_entry_that_cannot_be_is_refused(shell: Shell, arguments: list[str], place: str) -> None:
    """The error names the argument; nothing is written."""
    before = found(shell)

    assert place in shell.refused(2, "destination", "set", *arguments)
    assert found(shell) == before


@pytest.mark.parametrize("name", ["out.csv", "out.xlsx"])
def test_an_exported_directory_reads_back_as_the_same(shell: Shell, name: str) -> None:
    """As CSV and as a workbook."""
    shell.ok("destination", "import", shell.write("d.csv", SHEET), "--mode", "replace", "--yes")
    file = str(shell.folder / name)

    assert "wrote 3 destination(s)" in shell.ok("destination", "export", file)
    again = shell.json("destination", "import", file, "--mode", "replace", "--yes")
    assert (again["entries"], again["unchanged"], again["removed"]) == (3, 3, 0)


def test_bad_rows_of_a_directory_are_all_listed_and_nothing_is_written(shell: Shell) -> None:
    """Line, column, value and reason; writing needs consent."""
    before = found(shell)
    bad = shell.write("d.csv", "Dial,MCC,MNC\n44,23,15\n4x,,\n33,208,1\n33,208,01\n33,208,02\n")

    errors = shell.refused(2, "destination", "import", bad, "--map", "Dial=prefix", "--yes").splitlines()
    assert [error.partition("d.csv ")[2] for error in errors] == [
        "line 2, column 'MCC': '23' is not a code of 3 digits",
        (
            "line 3, column 'Prefix': '4x' is neither a prefix of 1 to 20 digits (without plus) "
            "nor a special destination such as MSG"
        ),
        "line 4, column 'MNC': '1' is not a code of 2 or 3 digits",
        "line 6, column 'Prefix': '33' is already on line 5",
    ]
    assert "no column 'Prefix'" in shell.refused(2, "destination", "import", bad, "--yes")
    assert "cannot be read" in shell.refused(2, "destination", "import", "absent.csv")
    assert "--mode: 'x'" in shell.refused(2, "destination", "import", bad, "--mode", "x")
    good = shell.write("g.csv", SHEET)
    result = shell.run("destination", "import", good)
    assert (result.code, result.err.startswith("error: --yes")) == (2, True)
    assert found(shell) == before


def test_rates_are_found_by_what_the_directory_says(shell: Shell) -> None:
    """Country, network and group, with the description beside each rate."""
    shell.ok("destination", "import", shell.write("d.csv", SHEET), "--mode", "replace", "--yes")
    rates = "Destination,Price\n44,0.05\n4479,0.15\n49,0.03\nUM,0.01\n"
    shell.ok("tariff", "import", shell.write("r.csv", rates), "--tariff", "place", "--yes")

    def rated(*arguments: str) -> list[str]:
        return [rate["destination"] for rate in shell.json("rate", "search", "--tariff", "place", *arguments)]

    assert rated("--country", "United Kingdom") == ["44", "4479"]
    assert rated("--mcc", "234", "--mnc", "15") == ["4479"]
    assert rated("--group", "EUROPE") == ["44"]
    assert rated("--special") == ["UM"]
    assert rated("--prefixes") == ["44", "4479", "49"]
    assert rated("--number", "4479111", "--country", "GB") == ["4479"]
    assert rated("--destination", "um") == ["UM"]
    assert "UK mobile" in shell.ok("rate", "search", "--tariff", "place", "--mcc", "234")
    assert "destination: 'x'" in shell.refused(2, "rate", "search", "--destination", "x")
    assert "--mcc: 'x'" in shell.refused(2, "rate", "search", "--mcc", "x")


def test_an_export_tells_what_the_directory_says(shell: Shell) -> None:
    """Columns about destinations are filled; without dates only what is in force is written."""
    shell.ok("destination", "import", shell.write("d.csv", SHEET), "--mode", "replace", "--yes")
    rates = (
        "Destination,Price,Effective From\n44,0.05,\n44,0.09,2100-01-01\n33,0.01,\n33,0.02,2100-01-01 01:00\n"
    )
    shell.ok("tariff", "import", shell.write("r.csv", rates), "--tariff", "place", "--yes")
    file = shell.folder / "out.csv"

    shell.ok("tariff", "export", "place", str(file), "--columns", "destination,description,price")
    assert file.read_text().splitlines() == ["Destination,Description,Price", "33,,0.01", "44,UK,0.05"]
    shell.ok(
        "tariff", "export", "place", str(file), "--columns", "destination,price,effective from",
        "--at", "2100-01-01T01:00", "--zone", "Europe/Prague",
    )  # fmt: skip
    _, first, second = file.read_text().splitlines()
    assert first.startswith("33,0.01,")
    assert second == "44,0.09,2100-01-01 01:00:00+01:00"


@pytest.mark.parametrize(
    ("expression", "at", "zone", "inside", "until"),
    [
        ("hr{6pm-5am}", "2026-01-05T17:59:59", "UTC", False, "2026-01-05T18:00:00+00:00"),
        ("hr{6pm-5am}", "2026-01-05T18:00", "UTC", True, "2026-01-06T06:00:00+00:00"),
        # The night on which the clock goes back is an hour longer, the other one shorter.
        ("hr{6pm-5am}", "2026-10-24T23:00", "Europe/Vienna", True, "2026-10-25T06:00:00+01:00"),
        ("hr{2}", "2026-10-25T02:30", "Europe/Vienna", True, "2026-10-25T03:00:00+01:00"),
        ("hr{2}", "2026-03-29T01:59", "Europe/Vienna", False, "2026-03-30T02:00:00+02:00"),
        ("", "2026-01-05T12:00", "UTC", True, None),
        ("none", "2026-01-05T12:00", "UTC", False, None),
        ("md{29} mo{feb}", "2028-02-29T12:00", "UTC", True, "2028-03-01T00:00:00+00:00"),
        ("wd{sa su}", "2026-01-09T23:00:00Z", "Europe/Kyiv", True, "2026-01-12T00:00:00+02:00"),
    ],
)
def test_a_period_is_tried(
    shell: Shell,
    expression: str,
    at: str,
    zone: str,
    inside: bool,  # noqa: FBT001
    until: str | None,
) -> None:
    """Inside or outside, and until when that holds, on the wall clock of the zone."""
    told = shell.json("off-peak", "test", expression, "--at", at, "--zone", zone)

    assert (told["inside"], told["until"]) == (inside, until)
    assert ("is inside" if inside else "is outside") in shell.ok(
        "off-peak", "test", expression, "--at", at, "--zone", zone
    )


def test_periods_that_cannot_be_tried(shell: Shell) -> None:
    """The column of the fault; a time that is none; a zone that is none; a time that the clock jumps over."""
    assert "EXPRESSION, column 4: 24 is not a value of hr" in shell.refused(2, "off-peak", "test", "hr{24}")
    assert "--at: 'x'" in shell.refused(2, "off-peak", "test", "hr{2}", "--at", "x")
    assert "--zone: 'Mars'" in shell.refused(2, "off-peak", "test", "hr{2}", "--zone", "Mars")
    assert "does not exist" in shell.refused(
        2, "off-peak", "test", "hr{2}", "--at", "2026-03-29T02:30", "--zone", "Europe/Vienna"
    )
    assert shell.json("off-peak", "test", "")["inside"]


def test_a_diff_shows_each_change_and_writes_nothing(shell: Shell, tmp_path: Path) -> None:
    """Old and new price and the move; bad rows are refused as on import; replacing shows what ends."""
    first = shell.write("a.csv", "Destination,Price,Intervals\n33,0.05,60/6\n336,0.20,60/6\n49,0.03,1/1\n")
    shell.ok("tariff", "import", first, "--tariff", "moves", "--yes")
    second = shell.write("b.csv", "Code,Rate,Intervals\n33,0.06,60/6\n336,0.10,60/6\n32,0.04,30/6\n")
    mapping = ("--map", "Code=destination", "--map", "Rate=price")

    told = shell.json("tariff", "diff", second, "--tariff", "moves", *mapping, "--mode", "replace")
    assert [
        (c["step"], c["destination"], c["before"], c["after"], c["move_percent"]) for c in told["changes"]
    ] == [
        ("new", "32", None, "0.04 30/6", None),
        ("changed", "33", "0.05 60/6", "0.06 60/6", "+20"),
        ("changed", "336", "0.20 60/6", "0.10 60/6", "-50"),
        ("discontinued", "49", "0.03 1/1", "discontinued", None),
    ]
    shown = shell.ok("tariff", "diff", second, "--tariff", "moves", *mapping, "--limit", "1")
    assert "and 2 more" in shown
    assert "no change" in shell.ok("tariff", "diff", first, "--tariff", "moves")
    bad = shell.write("c.csv", "Destination,Price\n33,x\n34,0.01\n")
    assert "line 2, column 'Price': 'x'" in shell.refused(2, "tariff", "diff", bad, "--tariff", "moves")
    assert len(shell.json("tariff", "diff", bad, "--tariff", "moves", "--skip-bad")["changes"]) == 1
    assert "'nowhere'" in shell.refused(3, "tariff", "diff", first, "--tariff", "nowhere")
    assert len(shell.json("rate", "search", "--tariff", "moves")) == 3


def test_a_sheet_that_only_takes_future_rates_back_is_written(shell: Shell) -> None:
    """Replacing by what is in force now removes what was to come."""
    first = shell.write("a.csv", "Destination,Price,Effective From\n33,0.05,\n33,0.09,2100-01-01\n")
    shell.ok("tariff", "import", first, "--tariff", "plans", "--yes")
    now = shell.write("b.csv", "Destination,Price,Effective From\n33,0.05,\n")

    done = shell.json("tariff", "import", now, "--tariff", "plans", "--mode", "replace", "--yes")
    assert (done["removed"], done["written"]) == (1, 1)
    (rate,) = shell.json("rate", "search", "--tariff", "plans", "--number", "33", "--at", "2101-01-01")
    assert rate["next_price"] == "0.05"

"""``ocs tariff``, ``ocs rate`` and ``ocs plan``."""

from pathlib import Path
from typing import Any

from command import Shell

SHEET = "Destination,Price,Intervals,Effective From\n33,0.05,60/6,\n336,0.15,60/6,\n"


def rates(shell: Shell, *arguments: str) -> list[dict[str, Any]]:
    """Rates found."""
    found = shell.json("rate", "search", *arguments)
    assert isinstance(found, list)
    return found


def test_tariff_is_added_with_its_terms(shell: Shell) -> None:
    """Terms are kept as they were given."""
    shell.ok(
        "tariff", "add", "night", "--currency", "eur", "--off-peak", "hr{8pm-7am}",
        "--off-peak-when", "split", "--connect-fee", "0.10", "--grace", "3", "--free", "20", "--surcharge",
        "5", "--decimals", "2", "--round", "away_from_zero", "--connect-fee-on-zero", "--default-price",
        "0.5", "--default-intervals", "30/6",
    )  # fmt: skip

    (found,) = [one for one in shell.json("tariff", "list") if one["name"] == "night"]
    assert found == {
        "name": "night",
        "currency": "EUR",
        "rates": 0,
        "off_peak_periods": "hr{8pm-7am}",
        "off_peak_when": "split",
        "connect_fee": "0.10",
        "connect_fee_on_zero": True,
        "default_price": "0.50",
        "default_intervals": "30/6",
        "grace_seconds": 3,
        "free_seconds": 20,
        "surcharge_percent": "5",
        "rounding": "2 decimals, away from zero",
    }


def test_impossible_tariffs_are_refused(shell: Shell) -> None:
    """Every value is checked, with the option's name; names are unique."""
    assert "--off-peak" in shell.refused(2, "tariff", "add", "x", "--off-peak", "hr{25}")
    assert "up to two" in shell.refused(
        2, "tariff", "add", "x", "--off-peak", "hr{1}", "--off-peak", "hr{2}", "--off-peak", "hr{3}"
    )
    assert "--connect-fee: is negative" in shell.refused(2, "tariff", "add", "x", "--connect-fee", "-1")
    assert "--default-price: 'x'" in shell.refused(2, "tariff", "add", "x", "--default-price", "x")
    assert "--default-intervals: '60'" in shell.refused(
        2, "tariff", "add", "x", "--default-price", "1", "--default-intervals", "60"
    )
    assert "--round: 'up'" in shell.refused(2, "tariff", "add", "x", "--round", "up")
    assert "--currency: 'DOLLAR'" in shell.refused(2, "tariff", "add", "x", "--currency", "dollar")
    assert "'data'" in shell.refused(4, "tariff", "add", "data")


def test_sheet_is_previewed_then_written(shell: Shell) -> None:
    """The preview counts what changes; a dry run stops there; again it changes nothing."""
    sheet = shell.write("r.csv", SHEET)

    preview = shell.json("tariff", "import", sheet, "--tariff", "france", "--dry-run")
    assert (preview["is_new"], preview["new"], preview["written"]) == (True, 2, 0)
    assert "france" not in shell.ok("tariff", "list")

    written = shell.json("tariff", "import", sheet, "--tariff", "france", "--yes")
    assert written["written"] == 2
    assert [rate["destination"] for rate in rates(shell, "--tariff", "france")] == ["33", "336"]

    out = shell.ok("tariff", "import", sheet, "--tariff", "france", "--yes")
    assert "unchanged" in out
    assert "nothing was written" in out


def test_replace_discontinues_what_the_sheet_does_not_have(shell: Shell) -> None:
    """Absent destinations end now, and future rates that the sheet does not have are taken back."""
    first = shell.write("r.csv", SHEET + "33,0.07,60/6,2099-01-01\n3312,0.5,60/6,2099-01-01\n")
    shell.ok("tariff", "import", first, "--tariff", "france", "--yes")
    second = shell.write("s.csv", "Destination,Price,Intervals\n33,0.04,60/6\n")

    preview = shell.json("tariff", "import", second, "--tariff", "france", "--mode", "replace", "--yes")

    assert (preview["changed"], preview["discontinued"], preview["removed"]) == (1, 1, 2)
    now = rates(shell, "--tariff", "france", "--number", "33612345678")
    later = rates(shell, "--tariff", "france", "--number", "33123456789", "--at", "2099-06-01")
    assert [(rate["destination"], rate["next_price"]) for rate in now] == [("33", "0.04")]
    assert [(rate["destination"], rate["next_price"]) for rate in later] == [("33", "0.04")]


def test_bad_rows_are_all_listed_and_nothing_is_written(shell: Shell) -> None:
    """Line, column, value and reason of each; the tariff is not even made."""
    sheet = shell.write("r.csv", "Destination,Price\n33,0.05\nabc,0.05\n44,free\n33,0.06\n")

    err = shell.refused(2, "tariff", "import", sheet, "--tariff", "bad", "--yes")

    assert [f"line {line}" in text for line, text in zip((3, 4, 5), err.splitlines(), strict=True)] == [
        True
    ] * 3
    assert "'free'" in err
    assert "bad" not in [one["name"] for one in shell.json("tariff", "list")]


def test_good_rows_are_written_when_bad_ones_may_be_skipped(shell: Shell) -> None:
    """What was left out is said."""
    sheet = shell.write("r.csv", "Destination,Price\n33,0.05\nabc,0.05\n")

    out = shell.ok("tariff", "import", sheet, "--tariff", "france", "--yes", "--skip-bad")

    assert "left out" in out
    assert "wrote 1 rate(s)" in out


def test_foreign_headers_are_mapped(shell: Shell) -> None:
    """A mapping names what a column means, or leaves it out."""
    sheet = shell.write("r.csv", "Dial code;Rate;Comment\n33;0,05;dear\n")

    shell.ok(
        "tariff", "import", sheet, "--tariff", "france", "--yes", "--map", "Dial code=destination",
        "--map", "Rate=price", "--map", "Comment=",
    )  # fmt: skip

    assert [rate["next_price"] for rate in rates(shell, "--tariff", "france")] == ["0.05"]
    assert "--map Rate" in shell.refused(2, "tariff", "import", sheet, "--tariff", "x", "--map", "Rate")


def test_writing_needs_consent(shell: Shell) -> None:
    """When nobody can be asked, --yes must be said: nothing is written without."""
    sheet = shell.write("r.csv", SHEET)

    result = shell.run("tariff", "import", sheet, "--tariff", "france")

    assert result.code == 2
    assert "--yes" in result.err
    assert "france" not in shell.ok("tariff", "list")


def test_missing_sheet_and_bad_options_are_bad_input(shell: Shell) -> None:
    """Files, modes and zones are checked."""
    sheet = shell.write("r.csv", SHEET)

    assert "none.csv: cannot be read" in shell.refused(
        2, "tariff", "import", "none.csv", "--tariff", "x", "--yes"
    )
    assert "--mode: 'merge'" in shell.refused(
        2, "tariff", "import", sheet, "--tariff", "x", "--mode", "merge"
    )
    assert "Mars" in shell.refused(2, "tariff", "import", sheet, "--tariff", "x", "--zone", "Mars", "--yes")


def test_export_reads_back_as_the_same_tariff(shell: Shell) -> None:
    """An exported sheet changes nothing when it is imported."""
    for name in ("out.csv", "out.xlsx"):
        path = shell.folder / name
        shell.ok("tariff", "export", "retail-voice", str(path))

        preview = shell.json(
            "tariff", "import", str(path), "--tariff", "retail-voice", "--mode", "replace", "--yes"
        )

        assert (preview["rows"], preview["unchanged"], preview["written"]) == (6, 6, 0)
    assert "'none'" in shell.refused(3, "tariff", "export", "none", str(shell.folder / "x.csv"))
    assert "cannot be written" in shell.refused(2, "tariff", "export", "data", str(Path("/nowhere/x.csv")))


# ----------------------------------------------------------------------------------------- rate


def test_rate_is_added_and_found_by_number(shell: Shell) -> None:
    """The longest prefix in force wins; prices and intervals are shown."""
    shell.ok(
        "rate", "add", "retail-voice", "4479", "--price", "0.30", "--first-price", "0.50", "--first", "30",
        "--next", "6", "--off-peak-price", "0.20",
    )  # fmt: skip

    (found,) = rates(shell, "--tariff", "retail-voice", "--number", "+447911123456")

    assert (found["destination"], found["intervals"]) == ("4479", "30/6")
    assert (found["first_price"], found["next_price"]) == ("0.50", "0.30")
    assert found["off_peak"] == "0.20 (tariff's period)"


def test_rate_cannot_be_back_dated(shell: Shell) -> None:
    """A past date becomes now; a future one waits."""
    past = shell.json("rate", "add", "retail-voice", "33", "--price", "0.1", "--effective", "2001-01-01")
    shell.ok("rate", "add", "retail-voice", "34", "--price", "0.1", "--effective", "2099-01-01")

    assert past["effective_from"] > "2024"
    assert rates(shell, "--tariff", "retail-voice", "--number", "34600000000") == []
    assert len(rates(shell, "--tariff", "retail-voice", "--number", "34600000000", "--at", "2099-02-01")) == 1
    assert [rate["destination"] for rate in rates(shell, "--after", "2098-01-01")] == ["34"]


def test_rates_by_unit_and_by_formula(shell: Shell) -> None:
    """Data and messages have a price per unit, formulas stand for themselves."""
    data = shell.json("rate", "add", "data", "netaccess", "--price", "0.04", "--rounding", "512")
    formula = shell.json("rate", "add", "retail-voice", "33", "--formula", "60x1@1.80; *x60@0.5")

    assert (data["destination"], data["unit_price"], data["rounding"], data["intervals"]) == (
        "NETACCESS",
        "0.04",
        512,
        None,
    )
    assert formula["formula"].startswith("60x1@1.80;")


def test_a_free_message_may_cost_at_night(shell: Shell) -> None:
    """The off-peak price is of the same kind as the peak price, also where that is 0."""
    added = shell.json(
        "rate", "add", "messages", "MSGN", "--price", "0", "--off-peak-price", "0.01",
        "--off-peak-period", "hr{18-5}",
    )  # fmt: skip
    quoted = shell.json(
        "quote",
        "--tariff",
        "messages",
        "--service",
        "messages",
        "--messages",
        "1",
        "--at",
        "2026-01-05T12:00",
    )

    assert added["off_peak"] == "0.01 (hr{18-5})"
    assert quoted["payers"][0]["charge"] == "0.03"
    exported = shell.folder / "out.csv"
    shell.ok(
        "tariff",
        "export",
        "messages",
        str(exported),
        "--columns",
        "destination,unit price,off-peak unit price",
    )
    assert "MSGN,0.00,0.01" in exported.read_text().splitlines()


def test_search_by_status_and_prefix(shell: Shell) -> None:
    """All conditions must hold, over all tariffs or one."""
    assert [rate["destination"] for rate in rates(shell, "--forbidden")] == ["1900"]
    assert {rate["tariff"] for rate in rates(shell, "--prefix", "447")} == {"retail-voice", "wholesale-voice"}
    assert [rate["flags"] for rate in rates(shell, "--payback")] == ["payback"]
    assert [rate["tariff"] for rate in rates(shell, "--destination", "msg")] == ["messages"]
    assert "There are more than --limit 1" in shell.ok("rate", "search", "--limit", "1")
    assert "nothing found" in shell.ok("rate", "search", "--prefix", "999")


def test_impossible_rates_and_searches_are_refused(shell: Shell) -> None:
    """Places and reasons, and nothing written."""
    before = rates(shell)

    for arguments, error in (
        (["12a", "--price", "1"], "PREFIX: '12a'"),
        (["12", "--price", "x"], "--price: 'x'"),
        (["12"], "--price: is needed"),
        (["12", "--price", "-1"], "--price: is negative"),
        (["12", "--formula", "60y"], "--formula"),
        (["12", "--price", "1", "--off-peak-period", "hr{1}"], "--off-peak-price: is needed"),
        (["12", "--price", "1", "--off-peak-price", "1", "--off-peak-period", "hr{99}"], "--off-peak-period"),
        (["12", "--price", "1", "--effective", "x"], "--effective: 'x'"),
        (["MSG", "--formula", "*x60@0.10"], "--formula: is for what is measured by time"),
        (["255", "--per-message", "--price", "1", "--first-price", "2"], "--first-price: is for what is"),
    ):
        assert error in shell.refused(2, "rate", "add", "retail-voice", *arguments)
    assert "--off-peak-period: is needed" in shell.refused(
        2, "rate", "add", "wholesale-voice", "12", "--price", "1", "--off-peak-price", "1"
    )
    assert "'none'" in shell.refused(3, "rate", "add", "none", "12", "--price", "1")
    assert "--number: 'abc'" in shell.refused(2, "rate", "search", "--number", "abc")
    assert "--at: 'x'" in shell.refused(2, "rate", "search", "--at", "x")
    assert "'none'" in shell.refused(3, "rate", "search", "--tariff", "none")
    assert rates(shell) == before


# ----------------------------------------------------------------------------------------- plan


def test_plan_is_added_and_listed(shell: Shell) -> None:
    """Services and directions point to tariffs by name."""
    shell.ok(
        "plan", "add", "mixed", "--tariff", "voice=retail-voice",
        "--tariff", "voice/incoming=incoming-payback", "--override", "wholesale-voice", "--bill-by-ani",
    )  # fmt: skip

    (found,) = [plan for plan in shell.json("plan", "list") if plan["name"] == "mixed"]

    assert found == {
        "name": "mixed",
        "services": "voice/INCOMING=incoming-payback, voice/OUTGOING=retail-voice",
        "override_tariff": "wholesale-voice",
        "bill_by_ani": True,
    }


def test_impossible_plans_are_refused(shell: Shell) -> None:
    """Unknown services and tariffs, repeated services, taken names."""
    assert "is not SERVICE=TARIFF" in shell.refused(2, "plan", "add", "x", "--tariff", "voice")
    assert "'video'" in shell.refused(2, "plan", "add", "x", "--tariff", "video=data")
    assert "'UP'" in shell.refused(2, "plan", "add", "x", "--tariff", "voice/UP=data")
    assert "twice" in shell.refused(2, "plan", "add", "x", "--tariff", "data=data", "--tariff", "data=data")
    assert "'none'" in shell.refused(3, "plan", "add", "x", "--tariff", "voice=none")
    assert "'retail'" in shell.refused(4, "plan", "add", "retail", "--tariff", "data=data")

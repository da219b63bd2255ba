"""``ocs quote``: prices with their steps, and what money buys."""

import pytest
from command import Shell


def test_quote_shows_every_step_and_what_is_affordable(shell: Shell) -> None:
    """95 s at 30/6, 0.12 then 0.06 a minute, is 0.126 (rating section 10)."""
    quoted = shell.json("quote", "--account", "alice", "--to", "+442079460123", "--seconds", "95")
    out = shell.ok("quote", "--account", "alice", "--to", "442079460123", "--seconds", "95")

    (payer,) = quoted["payers"]
    assert (payer["account"], payer["charge"], payer["billed_units"]) == ("alice", "0.126", 96)
    assert [step["amount"] for step in payer["steps"]] == ["0.06", "0.066"]
    assert quoted["affordable_units"] == payer["affordable_units"] == 9966
    assert "96 s billed: 0.126 USD (exactly 0.126" in out
    assert "affordable: 9966 s with 10.00" in out


def test_quote_asks_every_payer(shell: Shell) -> None:
    """A customer's call is paid by the reseller too; the poorest of them bounds it."""
    shell.ok("account", "create", "poor", "--plan", "wholesale", "--balance", "0.015")
    shell.ok("account", "create", "rich", "--plan", "retail", "--balance", "100", "--parent", "poor")

    quoted = shell.json("quote", "--account", "rich", "--to", "442079460123", "--seconds", "95")

    assert [(payer["account"], payer["charge"]) for payer in quoted["payers"]] == [
        ("rich", "0.126"),
        ("poor", "0.02375"),
    ]
    assert quoted["affordable_units"] == 60


@pytest.mark.parametrize(
    ("at", "charge"), [("2026-01-07T12:00:00Z", "0.10"), ("2026-01-07T19:00", "0.06"), ("2026-01-10", "0.06")]
)
def test_quote_is_for_an_instant(shell: Shell, at: str, charge: str) -> None:
    """Off-peak prices in the evening and at weekends."""
    quoted = shell.json("quote", "--account", "alice", "--to", "12025550123", "--seconds", "60", "--at", at)

    assert quoted["payers"][0]["charge"] == charge


def test_tariff_is_quoted_for_some_money(shell: Shell) -> None:
    """1025 KB at a rounding of 1024 are 2 MB; 3.00 buy 60 MB."""
    quoted = shell.json(
        "quote", "--tariff", "data", "--service", "data", "--octets", str(1025 * 1024), "--funds", "3"
    )

    assert quoted["payers"][0]["account"] is None
    assert quoted["payers"][0]["charge"] == "0.10"
    assert quoted["affordable_units"] == 60 * 1024 * 1024


def test_what_nothing_bounds_is_said(shell: Shell) -> None:
    """A tariff alone, a free number and payback are affordable without end."""
    for arguments in (
        ["--tariff", "messages", "--service", "messages", "--messages", "3"],
        ["--account", "alice", "--to", "112", "--seconds", "60"],
        ["--account", "bob", "--direction", "incoming", "--seconds", "120"],
    ):
        assert "as much as wanted" in shell.ok("quote", *arguments)


def test_payback_credits_the_account(shell: Shell) -> None:
    """An incoming call of two minutes at 0.02 is -0.04."""
    quoted = shell.json("quote", "--account", "bob", "--direction", "incoming", "--seconds", "120")

    assert quoted["payers"][0]["charge"] == "-0.04"


@pytest.mark.parametrize(("number", "refusal"), [("999", "no_rate"), ("19005550123", "forbidden")])
def test_refused_number_is_exit_code_1(shell: Shell, number: str, refusal: str) -> None:
    """What has no price is said, and scripts can tell."""
    people = shell.run("quote", "--account", "alice", "--to", number, "--seconds", "60")
    machine = shell.run("quote", "--account", "alice", "--to", number, "--seconds", "60", "--json")

    assert people.code == machine.code == 1
    assert f"refused: {refusal.replace('_', ' ')} for {number}" in people.out
    assert f'"refusal": "{refusal}"' in machine.out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--seconds", "5"], "--account: or --tariff"),
        (["--account", "alice", "--tariff", "data", "--seconds", "5"], "--account: or --tariff"),
        (["--account", "alice", "--seconds", "5"], "--to: is needed"),
        (["--account", "alice", "--to", "44-20", "--seconds", "5"], "--to: '44-20'"),
        (["--account", "alice", "--to", "44"], "--seconds: is needed"),
        (["--account", "alice", "--to", "44", "--octets", "5"], "--octets: voice is measured in seconds"),
        (["--account", "alice", "--to", "44", "--seconds", "5", "--at", "x"], "--at: 'x'"),
        (["--account", "alice", "--to", "44", "--seconds", "5", "--direction", "up"], "--direction: 'up'"),
        (["--account", "alice", "--service", "video"], "--service: 'video'"),
        (["--tariff", "data", "--service", "data", "--octets", "5", "--funds", "x"], "--funds: 'x'"),
        (["--tariff", "data", "--service", "data", "--octets", "5", "--zone", "Mars"], "--zone: 'Mars'"),
    ],
)
def test_impossible_questions_are_bad_input(shell: Shell, arguments: list[str], error: str) -> None:
    """Each names its option."""
    assert error in shell.refused(2, "quote", *arguments)


def test_unknown_payers_and_services_are_not_found(shell: Shell) -> None:
    """Accounts, tariffs, plans without the service, and accounts without any plan."""
    shell.ok("account", "create", "planless")

    assert "'nobody'" in shell.refused(3, "quote", "--account", "nobody", "--to", "44", "--seconds", "5")
    assert "'none'" in shell.refused(3, "quote", "--tariff", "none", "--to", "44", "--seconds", "5")
    assert "has no fax" in shell.refused(
        3, "quote", "--account", "alice", "--service", "fax", "--to", "44", "--seconds", "5"
    )
    assert "has no plan" in shell.refused(3, "quote", "--account", "planless", "--to", "44", "--seconds", "5")


def test_a_message_is_quoted_by_the_network_of_its_recipient(shell: Shell) -> None:
    """A rate for MCC and MNC comes before the one for any message."""
    shell.ok("rate", "add", "messages", "25501", "--per-message", "--price", "0.05")

    def charge(*arguments: str) -> str:
        quoted = shell.json(
            "quote", "--tariff", "messages", "--service", "messages", "--messages", "2", *arguments
        )
        return str(quoted["payers"][0]["charge"])

    assert (charge("--network", "25501"), charge("--network", "25502"), charge()) == ("0.10", "0.06", "0.06")
    refused = shell.refused(
        2, "quote", "--tariff", "messages", "--service", "messages", "--messages", "2", "--network", "25a"
    )
    assert "--network: '25a'" in refused


def test_a_call_between_subscribers_is_quoted_at_their_price(shell: Shell) -> None:
    """As it would be charged: the nearer name first, then the number."""
    sheet = shell.write("n.csv", "Destination,Price\nVOICEONNETRX,0\nVOICEONNET,0.01\n|,0.50\n")
    shell.ok("tariff", "import", sheet, "--tariff", "on-net", "--yes")
    shell.ok("plan", "add", "on-net", "--tariff", "voice=on-net")
    for name, number, parent in (
        ("head", "15550100", None),
        ("ann", "15550101", "head"),
        ("ben", "15550102", "head"),
        ("eve", "15550103", None),
    ):
        above = ["--parent", parent] if parent else []
        shell.ok("account", "create", name, "--plan", "on-net", "--balance", "5", *above)
        shell.ok("identity", "add", name, "did", number)

    def destination(number: str) -> str:
        quoted = shell.json("quote", "--account", "ann", "--to", number, "--seconds", "60")
        return str(quoted["payers"][0]["destination"])

    assert destination("15550102") == "VOICEONNETRX"
    assert destination("15550103") == "VOICEONNET"
    assert destination("15550199") == "|"

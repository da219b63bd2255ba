"""``ocs discount``, and what an account has left of its allowances."""

import pytest
from command import Shell

MINUTES = "minutes 44,447 included=100min reset=monthly rollover=2 prorate"


def test_a_plan_is_created_shown_changed_and_deleted(shell: Shell) -> None:
    """Rules are written as they were read; a rule of the same name is replaced."""
    created = shell.json("discount", "create", "gold", "--rule", MINUTES, "--rule", "sms MSG included=50")

    assert created == shell.json("discount", "show", "gold")
    assert [rule["text"] for rule in created["rules"]] == [MINUTES, "sms MSG included=50"]
    changed = shell.json(
        "discount", "set", "gold", "--rule", "sms MSG included=60", "--rule", "gb NETACCESS included=2GB",
        "--remove", "minutes", "--name", "silver",
    )  # fmt: skip
    assert [rule["text"] for rule in changed["rules"]] == ["sms MSG included=60", "gb NETACCESS included=2GB"]
    assert "silver" in shell.ok("discount", "list")
    assert "2GB" in shell.ok("discount", "show", "silver")
    shell.ok("discount", "delete", "silver")
    assert "silver" in shell.refused(3, "discount", "show", "silver")


def test_who_has_it_is_shown(shell: Shell) -> None:
    """Accounts, plans, customers and add-ons; nobody has the same twice, and what is had is not deleted."""
    shell.ok("discount", "create", "gold", "--rule", MINUTES)
    for whose in (
        ["--account", "alice", "--since", "2026-01-01"],
        ["--plan", "wholesale"],
        ["--customer", "nova-reseller"],
        ["--account", "bob", "--add-on"],
        ["--plan", "retail", "--add-on"],
    ):
        shown = shell.json("discount", "assign", "gold", *whose)

    assert [(one["owner"], one["kind"], one["name"]) for one in shown["owners"]] == [
        ("account", "account", "alice"),
        ("plan", "plan", "wholesale"),
        ("customer", "account", "nova-reseller"),
        ("add_on", "account", "bob"),
        ("add_on", "plan", "retail"),
    ]
    assert shown["owners"][0]["since"] == "2026-01-01T00:00:00Z"
    assert "assigned there already" in shell.refused(4, "discount", "assign", "gold", "--account", "alice")
    assert "is assigned 5 time(s)" in shell.refused(2, "discount", "delete", "gold")
    left = shell.json("discount", "withdraw", "gold", "--account", "bob", "--add-on")
    assert len(left["owners"]) == 4
    assert "not assigned there" in shell.refused(3, "discount", "withdraw", "gold", "--plan", "retail")


def test_an_account_shows_what_is_left(shell: Shell) -> None:
    """The sample's ivy has 100 minutes a month; what it is quoted makes use of them."""
    (left,) = shell.json("account", "show", "ivy")["allowances"]

    assert (left["discount"], left["quantity"], left["taken"], left["left"]) == (
        "minutes-100: minutes", "100min", "0", "100min",
    )  # fmt: skip
    assert "100min" in shell.ok("account", "show", "ivy")
    quoted = shell.json("quote", "--account", "ivy", "--to", "4920", "--seconds", "6060")
    (payer,) = quoted["payers"]
    assert payer["charge"] == "0.10"
    assert [step["text"] for step in payer["steps"] if step["kind"] == "discount"] == [
        "minutes-100: minutes: 100% off"
    ]
    assert shell.json("account", "show", "alice")["allowances"] == []


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("minutes", "is not NAME DESTINATION"),
        ("minutes 44", "is not NAME DESTINATION"),
        ("minutes 44 reset=daily", "needs included="),
        ("minutes 44 included=1 levels=rest:5%", "needs included="),
        ("minutes 44 included=1 free", "'free' is neither money, prorate nor KEY=VALUE"),
        ("minutes 44 includes=1", "'includes' is none of included"),
        ("minutes 44 included=1 included=2", "included is given twice"),
        ("minutes 44 included=ten", "included: 'ten' is none of"),
        ("minutes 44 included=1.5min", "included: '1.5' is not a whole number"),
        ("minutes 44 included=1week", "'week' is none of min"),
        ("minutes 44 included=0", "threshold 0 is not above 0"),
        ("minutes 44 levels=100min", "'100min' is not UPTO:PERCENT%"),
        ("minutes 44 levels=100min:110%", "is not 0 to 100 %"),
        ("minutes 44 levels=2min:1%,1min:2%", "threshold 60 is not above 120"),
        ("minutes 44 money included=1min", "'1min' is not a decimal number"),
        ("minutes 44 included=1 reset=yearly", "reset 'yearly' is none of"),
        ("minutes 44 included=1 reset=billing:32", "billing day 32 is not 1 to 31"),
        ("minutes 44 included=1 rollover=2", "nothing rolls over without a reset"),
        ("minutes 44 included=1 reset=daily rollover=4", "rolls over 4 periods"),
        ("minutes nowhere included=1", "'nowhere' is neither a prefix"),
    ],
)
def test_bad_rules_are_named_and_write_nothing(shell: Shell, rule: str, reason: str) -> None:
    """The rule, the word, and what is wrong with it."""
    assert reason in shell.refused(2, "discount", "create", "x", "--rule", rule)
    assert [one["name"] for one in shell.json("discount", "list")] == ["minutes-100"]


def test_bad_commands_name_their_option(shell: Shell) -> None:
    """Whose it is must be said once, of what exists."""
    for code, arguments, error in (
        (2, ["create", "x"], "--rule: is needed"),
        (4, ["create", "minutes-100", "--rule", "m 4 included=1"], "exists already"),
        (2, ["create", "x", "--rule", "m 4 included=1", "--rule", "m 5 included=1"], "two rules named 'm'"),
        (3, ["set", "minutes-100", "--remove", "none"], "has no rule 'none'"),
        (2, ["assign", "minutes-100"], "--account: or --plan or --customer"),
        (2, ["assign", "minutes-100", "--account", "alice", "--plan", "retail"], "--account: or --plan"),
        (2, ["assign", "minutes-100", "--customer", "alice", "--add-on"], "--add-on: is for"),
        (3, ["assign", "minutes-100", "--account", "nobody"], "account 'nobody' does not exist"),
        (3, ["assign", "minutes-100", "--plan", "none"], "plan 'none' does not exist"),
        (3, ["assign", "none", "--account", "alice"], "discount plan 'none' does not exist"),
    ):
        assert error in shell.refused(code, "discount", *arguments)

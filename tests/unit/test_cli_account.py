"""``ocs account`` and ``ocs identity``."""

from command import Shell


def test_created_account_is_shown(shell: Shell) -> None:
    """What was asked for is there, with its money and its identity."""
    created = shell.json(
        "account", "create", "frank", "--balance", "7.5", "--plan", "retail", "--username", "frank",
        "--password", "pw", "--zone", "Europe/Prague", "--max-sessions", "2", "--daily-limit", "3",
        "--low-balance", "1", "--expires", "2030-01-01", "--parent", "nova-reseller",
    )  # fmt: skip

    assert created == shell.json("account", "show", "frank")
    assert (created["balance"], created["plan"], created["parent"]) == ("7.50", "retail", "nova-reseller")
    assert (created["zone"], created["max_sessions"], created["daily_limit"]) == ("Europe/Prague", 2, "3.00")
    assert (created["low_balance"], created["expires_at"]) == ("1.00", "2030-01-01T00:00:00Z")
    assert [(one["kind"], one["value"], one["has_secret"]) for one in created["identities"]] == [
        ("username", "frank", True)
    ]


def test_account_without_a_limit_is_unlimited(shell: Shell) -> None:
    """People read a word, scripts null."""
    created = shell.json("account", "create", "grace", "--kind", "postpaid")

    assert created["available"] is None
    assert "unlimited" in shell.ok("account", "show", "grace")
    assert "unlimited" in shell.ok("account", "list", "--prefix", "grace")


def test_creating_twice_is_refused(shell: Shell) -> None:
    """The name is taken."""
    assert "'alice' exists already" in shell.refused(4, "account", "create", "alice")


def test_bad_values_name_their_option_and_write_nothing(shell: Shell) -> None:
    """Amounts, kinds, plans, times and zones are checked before anything is written."""
    before = shell.json("account", "list")

    for arguments, error in (
        (["--balance", "ten"], "--balance: 'ten' is not a decimal number"),
        (["--balance", "0.0000001"], "--balance: '0.0000001' has more than 6 decimal places"),
        (["--kind", "gratis"], "--kind: 'gratis' is none of prepaid, postpaid"),
        (["--plan", "none"], "account x: plan 'none' does not exist"),
        (["--plan", "retail", "--currency", "eur"], "account x: plan 'retail' is priced in USD"),
        (["--expires", "never"], "--expires: 'never' is not a time"),
        (["--zone", "Mars"], "account x: 'Mars' is not an IANA time zone"),
        (["--password", "pw"], "--password: belongs to no --username"),
        (["--credit-limit", "-1"], "account x: a credit limit is not negative"),
    ):
        assert error in shell.refused(2, "account", "create", "x", *arguments)
    assert shell.json("account", "list") == before


def test_list_goes_on_where_it_stopped(shell: Shell) -> None:
    """Pages are in order of name; people are told that there is more."""
    first = shell.ok("account", "list", "--limit", "2")
    second = shell.json("account", "list", "--limit", "2", "--after", "bob")

    assert "alice" in first
    assert "There may be more: --after bob" in first
    assert [account["name"] for account in second] == ["carol", "dave"]


def test_update_changes_what_is_given(shell: Shell) -> None:
    """The rest stays."""
    updated = shell.json("account", "update", "dave", "--status", "blocked", "--credit-limit", "5")

    assert (updated["status"], updated["available"], updated["kind"]) == ("blocked", "5.00", "postpaid")
    assert "nothing to change" in shell.refused(2, "account", "update", "dave")
    assert "--status" in shell.refused(2, "account", "update", "dave", "--status", "angry")
    assert "'nobody'" in shell.refused(3, "account", "update", "nobody", "--status", "blocked")


def test_top_up_pays_once_per_key(shell: Shell) -> None:
    """The same key and amount again says that nothing was moved; another amount is refused."""
    first = shell.json("account", "top-up", "carol", "5", "--key", "bank-7", "--note", "cash")
    again = shell.json("account", "top-up", "carol", "5.00", "--key", "bank-7")

    assert (first["amount"], first["balance"], first["key"], first["note"], first["repeat"]) == (
        "5.00",
        "5.00",
        "bank-7",
        "cash",
        False,
    )
    assert again == {**first, "repeat": True}
    assert "nothing was moved" in shell.ok("account", "top-up", "carol", "5", "--key", "bank-7")
    assert "bank-7" in shell.refused(4, "account", "top-up", "carol", "6", "--key", "bank-7")
    assert shell.json("account", "show", "carol")["balance"] == "5.00"


def test_top_up_without_a_key_gets_one(shell: Shell) -> None:
    """Two payments without keys are two payments."""
    for _ in range(2):
        assert "Paid 1.00 into carol" in shell.ok("account", "top-up", "carol", "1")

    keys = {entry["key"] for entry in shell.json("ledger", "show", "carol")["entries"]}
    assert len(keys) == 2
    assert shell.json("account", "show", "carol")["balance"] == "2.00"


def test_impossible_top_ups_move_nothing(shell: Shell) -> None:
    """Bad amounts are bad input, unknown accounts are not found."""
    assert "AMOUNT: 'x'" in shell.refused(2, "account", "top-up", "carol", "x")
    assert "above 0" in shell.refused(2, "account", "top-up", "carol", "0")
    assert "'nobody'" in shell.refused(3, "account", "top-up", "nobody", "1")
    assert shell.json("ledger", "show", "carol")["entries"] == []


def test_import_creates_many_accounts(shell: Shell) -> None:
    """Thousands of lines are one command; the books hold every balance."""
    lines = [f"c{number:04},{number % 7}.25,retail,username,c{number:04},pw" for number in range(3000)]
    sheet = shell.write("a.csv", "account,balance,plan,identity kind,value,secret\n" + "\n".join(lines))

    counts = shell.json("account", "import", sheet)

    assert (counts["created"], counts["unchanged"]) == (3000, 0)
    assert shell.json("account", "show", "c2999")["balance"] == "3.25"
    assert shell.json("ledger", "verify")["differences"] == []
    assert "0 account(s) created, 3000 already" in shell.ok("account", "import", sheet)


def test_import_with_bad_lines_lists_all_and_writes_nothing(shell: Shell) -> None:
    """Unreadable cells and impossible orders are reported together."""
    sheet = shell.write("a.csv", "new,1,retail,,,\nx,abc,,,,\ny,1,none,,,\nz,1,,username,alice,\n")

    err = shell.refused(2, "account", "import", sheet)

    assert err.splitlines() == [
        f"error: {sheet}:2: balance: 'abc' is not a decimal number such as 12.50",
        f"error: {sheet}:3: plan 'none' does not exist",
        f"error: {sheet}:4: username 'alice' belongs to another account",
    ]
    assert "'new'" in shell.refused(3, "account", "show", "new")


def test_dry_run_writes_nothing(shell: Shell) -> None:
    """Everything is checked and counted, nothing created."""
    sheet = shell.write("a.csv", "new,1,retail,,,\n")

    assert shell.json("account", "import", sheet, "--dry-run")["created"] == 1
    assert "1 account(s) would be created" in shell.ok("account", "import", sheet, "--dry-run")
    assert "'new'" in shell.refused(3, "account", "show", "new")


def test_unreadable_file_is_bad_input(shell: Shell) -> None:
    """A missing file is named."""
    assert "none.csv: cannot be read" in shell.refused(2, "account", "import", "none.csv")


def test_identity_is_added_and_listed(shell: Shell) -> None:
    """Values take their canonical form; secrets are never shown."""
    added = shell.json(
        "identity", "add", "alice", "IP", "198.51.100.0/24", "--plan", "wholesale", "--max-sessions", "3",
        "--cost-centre", "lab",
    )  # fmt: skip
    shell.ok("identity", "add", "alice", "did", "+1 202 555 0177", "--secret", "very-secret")

    listed = shell.json("identity", "list", "alice")

    assert (added["account"], added["value"], added["max_sessions"]) == ("alice", "198.51.100.0/24", 3)
    assert [one["value"] for one in listed] == ["12025550100", "12025550177", "198.51.100.0/24", "alice"]
    assert "very-secret" not in shell.ok("identity", "list", "alice")


def test_impossible_identities_are_refused(shell: Shell) -> None:
    """Unknown kinds, bad values, taken values and unknown accounts each have their code."""
    assert "KIND: 'email'" in shell.refused(2, "identity", "add", "alice", "email", "a@b")
    assert "VALUE: '1.2.3'" in shell.refused(2, "identity", "add", "alice", "ip", "1.2.3")
    assert "plan 'none'" in shell.refused(2, "identity", "add", "alice", "code", "1", "--plan", "none")
    assert "'bob'" in shell.refused(4, "identity", "add", "alice", "username", "bob")
    assert "'nobody'" in shell.refused(3, "identity", "add", "nobody", "username", "x")

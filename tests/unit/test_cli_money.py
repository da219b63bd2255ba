"""Money, session and record commands, on books that a real engine filled."""

import asyncio
import csv
import io
import json
from collections.abc import Sequence

import pytest
from command import Shell
from world import CountedIds

from ocs.charging.clock import SystemClock
from ocs.charging.engine import Engine
from ocs.charging.outcome import Outcome
from ocs.charging.request import ChargingRequest, RequestType, Usage
from ocs.ports import IdentityKind
from ocs.storage.sql.stores import open_sql_stores
from ocs.units import parse_money

LONDON = "442079460123"


def call(shell: Shell, key: str, user: str, *steps: tuple[RequestType, int]) -> Sequence[Outcome]:
    """Play the steps (type, seconds so far) of a call of a user through an engine on the shell's books."""

    async def play() -> list[Outcome]:
        ledger, catalog = open_sql_stores(f"sqlite:///{shell.folder}/ocs.db")
        clock = SystemClock()
        engine = Engine(ledger=ledger, catalog=catalog, clock=clock, ids=CountedIds())
        await engine.load_catalogue()
        (gateway,) = [one for one in engine.gateways if one.name == "sample-gateway"]
        outcomes = []
        for kind, seconds in steps:
            request = ChargingRequest(
                type=kind,
                gateway=gateway,
                session_key=key,
                received_at_ms=clock.now_ms(),
                event_at_ms=clock.now_ms(),
                identities=((IdentityKind.USERNAME, user),),
                called=LONDON,
                usage=Usage(seconds=seconds) if seconds else None,
            )
            outcome = await engine.charge(request)
            assert isinstance(outcome, Outcome), outcome
            outcomes.append(outcome)
        await engine.stop()
        await ledger.close()
        await catalog.close()
        return outcomes

    return asyncio.run(play())


def test_money_moves_once_per_key_and_is_told(shell: Shell) -> None:
    """Every command says what it moved, in words and as JSON, and what its key moved before."""
    bonus = shell.json("account", "bonus", "alice", "2", "--key", "b1")
    adjusted = shell.ok("account", "adjust", "alice", "-1.50", "--note", "typing error", "--key", "a1")
    moved = shell.json("account", "transfer", "alice", "carol", "3", "--key", "t1", "--note", "gift")
    again = shell.ok("account", "transfer", "alice", "carol", "3", "--key", "t1", "--note", "gift")
    emptied = shell.json("account", "reset", "alice", "--amount", "1", "--key", "r1")

    assert (bonus["kind"], bonus["balance"]) == ("bonus", "12.00")
    assert adjusted == "Adjusted alice by -1.50: balance 10.50 (key a1).\n"
    assert (moved["source"]["balance"], moved["target"]["balance"], moved["repeat"]) == (
        "7.50",
        "3.00",
        False,
    )
    assert again == "Key t1 moved 3.00 before; nothing was moved now.\n"
    assert (emptied["kind"], emptied["amount"], emptied["balance"]) == ("reset", "-6.50", "1.00")
    assert shell.json("account", "reset", "alice", "--amount", "1", "--key", "r1")["repeat"] is True
    shell.ok("ledger", "verify")


@pytest.mark.parametrize(
    ("code", "arguments", "reason"),
    [
        (2, ("adjust", "alice", "0", "--note", "x"), "an adjustment is not 0"),
        (2, ("adjust", "alice", "1", "--note", " "), "needs a reason"),
        (2, ("bonus", "alice", "lots"), "AMOUNT"),
        (2, ("transfer", "alice", "carol", "1000"), "is free"),
        (3, ("transfer", "alice", "nobody", "1"), "'nobody'"),
        (2, ("reset", "alice"), "no credit reset"),
        (2, ("reset", "alice", "--amount", "10"), "already"),
        (3, ("refund", "alice", "no-such-session"), "no-such-session"),
        (2, ("statement", "alice", "--csv", "--json"), "exclude each other"),
        (2, ("statement", "alice", "--from", "2026-02-01", "--until", "2026-01-01"), "before --from"),
    ],
)
def test_what_cannot_be_moved_is_refused(
    shell: Shell, code: int, arguments: Sequence[str], reason: str
) -> None:
    """With its reason and code, and nothing is written."""
    result = shell.run("account", *arguments)

    assert result.code == code, result
    assert reason in result.err
    assert len(shell.json("ledger", "show", "alice")["entries"]) == 1


def test_a_statement_adds_up(shell: Shell) -> None:
    """Opening balance, entries and closing balance of a period, in four forms."""
    shell.ok("account", "top-up", "alice", "5", "--note", "cash, bank")
    whole = shell.json("account", "statement", "alice")
    nothing = shell.json("account", "statement", "alice", "--from", "2100-01-01")
    before = shell.json("account", "statement", "alice", "--until", "2020-01-01")
    rows = list(csv.DictReader(io.StringIO(shell.ok("account", "statement", "alice", "--csv"))))
    lines = [json.loads(line) for line in shell.ok("account", "statement", "alice", "--jsonl").splitlines()]

    assert (whole["opening_balance"], whole["closing_balance"]) == ("0.00", "15.00")
    assert [entry["balance"] for entry in whole["entries"]] == ["10.00", "15.00"]
    assert (nothing["opening_balance"], nothing["entries"], nothing["closing_balance"]) == (
        "15.00",
        [],
        "15.00",
    )
    assert (before["closing_balance"], before["entries"]) == ("0.00", [])
    assert lines == whole["entries"]
    assert [row["note"] for row in rows] == ["opening balance", "cash, bank"]
    assert "now: balance 15.00 USD" in shell.ok("account", "statement", "alice")


def test_a_call_is_shown_ended_and_refunded(shell: Shell) -> None:
    """Show while it runs, terminate, its record with the steps of the price, and the money back."""
    call(shell, "c-1", "alice", (RequestType.INITIAL, 0), (RequestType.UPDATE, 60))

    running = shell.json("session", "show", "c-1")
    assert (running["state"], running["used"], running["payers"][0]["account"]) == ("open", 60, "alice")
    assert "goes on" in shell.refused(2, "account", "refund", "alice", "c-1")
    assert "goes on" in shell.refused(3, "cdr", "show", "c-1")

    ended = shell.json("session", "terminate", "c-1", "--cause", "fraud")
    again = shell.ok("session", "terminate", running["session_id"])
    assert (ended["state"], ended["end_cause"], ended["was_open"]) == ("closed", "fraud", True)
    assert (ended["reserved"], ended["charged"]) == ("0.00", running["charged"])
    assert again == "Session c-1 had ended already (fraud).\n"

    (record,) = shell.json("cdr", "show", "c-1")
    assert (record["account"], record["used"], record["end_cause"]) == ("alice", 60, "fraud")
    assert record["charged"] == ended["charged"]
    assert record["explanation"]
    assert "explanation" in shell.ok("cdr", "show", running["session_id"])

    back = shell.json("account", "refund", "alice", "c-1", "--key", "f1", "--note", "was not hers")
    assert (back["kind"], back["amount"], back["balance"]) == ("refund", record["charged"], "10.00")
    assert shell.json("session", "show", "c-1")["payers"][0]["refunded"] == record["charged"]
    session = f"sessions/{running['session_id']}"
    assert [(one["action"], one["target"], one["after"]) for one in shell.json("audit", "list")] == [
        (
            "refund",
            "accounts/alice",
            {
                "number": back["number"],
                "kind": "refund",
                "amount_micros": parse_money(back["amount"]),
                "balance_micros": parse_money("10"),
                "note": "was not hers",
            },
        ),
        ("terminate", session, {"state": "closed", "end_cause": "fraud"}),
    ]
    shell.ok("ledger", "verify")


def test_records_are_listed_and_exported(shell: Shell) -> None:
    """By account and time, as CSV and JSON lines, to a file or standard output."""
    for key, user in (("c-1", "alice"), ("c-2", "bob"), ("c-3", "alice")):
        call(shell, key, user, (RequestType.TERMINATION, 61))

    listed = shell.json("cdr", "list", "--account", "alice")
    lines = [json.loads(line) for line in shell.ok("cdr", "export", "--jsonl").splitlines()]
    rows = list(csv.DictReader(io.StringIO(shell.ok("cdr", "export", "--csv", "--account", "alice"))))
    target = shell.folder / "cdrs.csv"

    assert [record["session"] for record in listed] == ["c-1", "c-3"]
    assert sorted(line["session"] for line in lines) == ["c-1", "c-2", "c-3"]
    assert [row["session"] for row in rows] == ["c-1", "c-3"]
    assert (rows[0]["legs"], listed[0]["legs"], shell.json("cdr", "show", "c-1")[0]["legs"]) == ("", "", "")
    assert json.loads(rows[0]["explanation"]) == listed[0]["explanation"]
    assert "3 record(s)" in shell.ok("cdr", "export", str(target), "--csv")
    assert len(target.read_text().splitlines()) == 4
    assert shell.json("cdr", "list", "--from", "2100-01-01") == []
    assert shell.json("cdr", "list", "--until", "2020-01-01") == []
    assert "c-2" in shell.ok("cdr", "list")
    assert "one of --csv" in shell.refused(2, "cdr", "export")
    assert "cannot be written" in shell.refused(2, "cdr", "export", "/no/such/folder/x", "--csv")


def test_parked_reports_are_fed_again(shell: Shell) -> None:
    """Exit code 1 while the cause is there; afterwards they are charged and gone."""
    call(shell, "lost", "zoe", (RequestType.TERMINATION, 61))
    (parked,) = shell.json("session", "parked")
    assert "give ids" in shell.refused(2, "session", "refeed")
    assert "not the id" in shell.refused(2, "session", "refeed", "lost")
    assert "is not parked" in shell.refused(3, "session", "refeed", "12345")

    still = shell.run("session", "refeed", "--all")
    shell.ok("account", "create", "zoe", "--balance", "5", "--plan", "retail", "--username", "zoe")
    done = shell.json("session", "refeed", parked["id"])

    assert (still.code, "invalid_account" in still.out) == (1, True)
    assert [(one["booked"], one["account"]) for one in done] == [(True, "zoe")]
    assert shell.json("session", "parked") == []
    assert shell.json("session", "refeed", "--all") == []
    assert shell.json("account", "show", "zoe")["balance"] < "5.00"


def test_accounts_are_stopped_and_limited(shell: Shell) -> None:
    """One word for each status; limits and credit reset are shown as they were set."""
    for verb, status in (
        ("suspend", "suspended"),
        ("block", "blocked"),
        ("activate", "active"),
        ("close", "closed"),
    ):
        assert shell.json("account", verb, "alice")["status"] == status
    changed = shell.json(
        "account", "set", "bob", "--max-voice", "2", "--max-data", "0", "--reset", "weekly",
        "--reset-amount", "7.5", "--activates", "2026-01-01",
    )  # fmt: skip

    assert (changed["max_voice"], changed["max_data"]) == (2, 0)
    assert (changed["reset"], changed["reset_amount"]) == ("weekly", "7.50")
    assert changed["activates_at"] == "2026-01-01T00:00:00Z"
    assert "--reset" in shell.refused(2, "account", "set", "bob", "--reset", "hourly")


def test_a_did_pays_out_by_a_tariff_that_exists(shell: Shell) -> None:
    """Named on the command line, kept by export and import, and taken back by an empty name."""
    shell.ok("tariff", "add", "received")
    assert "tariff 'no' does not exist" in shell.refused(
        3, "identity", "add", "alice", "did", "4420", "--payback-tariff", "no"
    )
    assert "only a DID" in shell.refused(
        2, "identity", "add", "alice", "code", "7", "--payback-tariff", "received"
    )
    added = shell.json("identity", "add", "alice", "did", "4420", "--payback-tariff", "received")
    sheet = shell.folder / "identities.csv"
    shell.ok("identity", "export", str(sheet))
    cleared = shell.json("identity", "set", "did", "4420", "--payback-tariff", "")
    changed = shell.refused(2, "identity", "import", str(sheet))
    shell.ok("identity", "remove", "did", "4420")
    shell.ok("identity", "import", str(sheet))

    assert (added["has_payback_tariff"], cleared["has_payback_tariff"]) == (True, False)
    assert "is there and is not the same" in changed
    (did,) = (one for one in shell.json("identity", "list", "alice") if one["kind"] == "did")
    assert did["has_payback_tariff"] is True


def test_a_virtual_number_is_given_a_primary(shell: Shell) -> None:
    """By kind and value; kept by export and import, both in one file; taken back by an empty one."""
    for wrong, words in (("alice", "KIND:VALUE"), ("smoke:alice", "no kind"), ("ip:10.0.0.1", "address")):
        assert words in shell.refused(2, "identity", "add", "bob", "virtual", "4420", "--primary", wrong)
    missing = shell.refused(3, "identity", "add", "bob", "virtual", "4420", "--primary", "code:1")
    shell.ok("identity", "add", "alice", "code", "1")
    added = shell.json("identity", "add", "bob", "virtual", "4420", "--primary", "code:1")
    needed = shell.refused(4, "identity", "remove", "code", "1")
    sheet = shell.folder / "identities.csv"
    shell.ok("identity", "export", str(sheet))
    withdrawn = shell.json("identity", "set", "virtual", "4420", "--primary", "")
    for kind, value in (("code", "1"), ("virtual", "4420")):
        shell.ok("identity", "remove", kind, value)
    created = shell.json("identity", "import", str(sheet))["created"]

    assert "primary identity code '1' does not exist" in missing
    assert "is the primary identity of virtual '4420'" in needed
    assert (added["primary"], withdrawn["primary"], created) == ("code:1", None, 2)
    (virtual,) = (one for one in shell.json("identity", "list", "bob") if one["kind"] == "virtual")
    assert virtual["primary"] == "code:1"
    (last, *_) = shell.json("audit", "list", "--target", "accounts/bob/identities/virtual-4420")
    assert "code:1" in str(last)


def test_identities_are_changed_and_removed(shell: Shell) -> None:
    """An address range by its own name only; what was not given stays."""
    for value in ("10.0.0.0/8", "10.0.0.0/24"):
        shell.ok("identity", "add", "alice", "ip", value, "--max-sessions", "3")

    changed = shell.json("identity", "set", "ip", "10.0.0.0/8", "--cost-centre", "9")
    opened = shell.json("identity", "set", "username", "alice", "--secret", "")
    removed = shell.json("identity", "remove", "ip", "10.0.0.0/24")

    assert (changed["value"], changed["cost_centre"], changed["max_sessions"]) == ("10.0.0.0/8", "9", 3)
    assert opened["has_secret"] is False
    assert removed["removed"] is True
    left = {one["value"] for one in shell.json("identity", "list", "alice") if one["kind"] == "ip"}
    assert left == {"10.0.0.0/8"}
    assert "nothing to change" in shell.refused(2, "identity", "set", "ip", "10.0.0.0/8")
    shell.refused(3, "identity", "set", "ip", "10.0.0.1", "--cost-centre", "9")
    shell.refused(3, "identity", "remove", "ani", "999")


def test_notices_tell_of_balances_that_fell(shell: Shell) -> None:
    """Once for each time that the threshold is crossed; of one account or of all."""
    shell.ok("account", "set", "alice", "--low-balance", "5")
    shell.ok("account", "adjust", "alice", "-6", "--note", "first", "--key", "k1")
    shell.ok("account", "adjust", "alice", "-1", "--note", "still low", "--key", "k2")

    (notice,) = shell.json("account", "notices", "alice")

    assert (notice["account"], notice["kind"], notice["balance"]) == ("alice", "low_balance", "4.00")
    assert shell.json("account", "notices", "bob") == []
    assert "low_balance" in shell.ok("account", "notices")
    shell.refused(3, "account", "notices", "nobody")

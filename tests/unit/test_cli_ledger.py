"""``ocs ledger``, ``ocs session``, ``ocs gateway`` and ``ocs backup``."""

import asyncio
import sqlite3

import pytest
from command import Shell

from ocs.ports import Decision, ParkedReport
from ocs.quota.account import Account
from ocs.quota.ledger import LedgerEntry, debit, reserve
from ocs.quota.session import Reservation, Session
from ocs.storage.sql.lock import lock_database
from ocs.storage.sql.stores import open_sql_stores
from ocs.units import parse_money

SESSION_ID = 2**60
STARTED_MS = 1_767_225_600_000


def hold(shell: Shell, *, charged: str, held: str) -> None:
    """Write an open session of alice at the sample gateway, and a parked report, as the server does."""

    async def write() -> None:
        ledger, catalog = open_sql_stores(f"sqlite:///{shell.folder}/ocs.db")
        profile = await catalog.find_account("alice")
        assert profile is not None
        (gateway,) = [one for one in await catalog.load_gateways() if one.name == "sample-gateway"]
        account = (await ledger.load([profile.id], ())).accounts[profile.id]
        session = Session(
            session_id=SESSION_ID,
            gateway_id=gateway.id,
            session_key="call-1",
            account_id=profile.id,
            called="442079460123",
            started_at_ms=STARTED_MS,
            expires_at_ms=STARTED_MS + 120_000,
            used_units=60,
            granted_units=120,
        )
        reservation = Reservation(session_id=SESSION_ID, account_id=profile.id, ordinal=0, snapshot_id=1)
        session.reservations.append(reservation)
        entry = debit(
            account, reservation, total_micros=parse_money(charged), floor_micros=0, at_ms=STARTED_MS + 60_000
        )
        reserve(account, reservation, parse_money(held))
        assert entry is not None
        await ledger.commit([_decision(account, session, entry)])
        await ledger.close()
        await catalog.close()

    asyncio.run(write())


def _decision(account: Account, session: Session, entry: LedgerEntry) -> Decision:
    account.version += 1
    account.open_sessions += 1
    session.version += 1
    report = ParkedReport(
        parked_id=1,
        gateway_id=session.gateway_id,
        session_key="lost",
        received_at_ms=STARTED_MS,
        reason="invalid_account",
        used_units=60,
        report='{"identities": [["username", "zoe"]], "called": "15550100"}',
    )
    return Decision(
        root_id=account.account_id,
        accounts=[account.row()],
        sessions=[session.row()],
        reservations=[one.row() for one in session.reservations],
        entries=[entry],
        parked=[report],
    )


def test_ledger_shows_entries_what_is_held_and_what_is_free(shell: Shell) -> None:
    """Each entry has the balance after it; held money is not available."""
    hold(shell, charged="0.12", held="0.06")

    shown = shell.json("ledger", "show", "alice")
    out = shell.ok("ledger", "show", "alice")

    assert [(entry["kind"], entry["amount"], entry["balance"]) for entry in shown["entries"]] == [
        ("payment", "10.00", "10.00"),
        ("charge", "-0.12", "9.88"),
    ]
    assert shown["entries"][1]["session"] == "call-1"
    assert shown["entries"][1]["session_id"] == str(SESSION_ID)
    assert shown["entries"][1]["at"] == "2026-01-01T00:01:00Z"
    assert (shown["account"]["reserved"], shown["account"]["available"]) == ("0.06", "9.82")
    assert "balance 9.88 USD, reserved 0.06 by 1 open session(s), available 9.82" in out


def test_ledger_can_be_read_in_parts(shell: Shell) -> None:
    """Only the newest entries, or those behind a number."""
    for amount in ("1", "2", "3"):
        shell.ok("account", "top-up", "alice", amount)

    last = shell.json("ledger", "show", "alice", "--last", "2")["entries"]
    behind = shell.json("ledger", "show", "alice", "--after", "3")["entries"]

    assert [entry["amount"] for entry in last] == ["2.00", "3.00"]
    assert [entry["number"] for entry in behind] == [4]


def test_ledger_of_an_unlimited_account_says_so(shell: Shell) -> None:
    """Nothing is made up for an account without a limit or entries."""
    shell.ok("account", "create", "grace", "--kind", "postpaid")

    out = shell.ok("ledger", "show", "grace")

    assert "no entries" in out
    assert "available unlimited" in out


def test_unknown_account_is_not_found(shell: Shell) -> None:
    """Exit code 3 for every command that asks for an account."""
    shell.refused(3, "ledger", "show", "nobody")
    shell.refused(3, "session", "list", "--account", "nobody")


def test_verify_tells_what_is_wrong(shell: Shell) -> None:
    """Clean books are exit code 0; a balance that its entries do not make is named, with exit code 1."""
    assert "The books are right" in shell.ok("ledger", "verify")
    connection = sqlite3.connect(shell.folder / "ocs.db")
    with connection:
        connection.execute("UPDATE account_state SET balance_micros = balance_micros + 1")
    connection.close()

    people = shell.run("ledger", "verify")
    machine = shell.run("ledger", "verify", "--json")

    assert people.code == machine.code == 1
    assert "balance is 10.000001, its entries sum to 10.00" in people.out
    assert "10.000001" in machine.out


def test_sessions_are_listed_while_they_run(shell: Shell) -> None:
    """What is used, granted, charged and held; ended sessions only on demand."""
    hold(shell, charged="0.12", held="0.06")

    (session,) = shell.json("session", "list", "--account", "alice")

    assert session["session"] == "call-1"
    assert (session["account"], session["gateway"], session["state"]) == ("alice", "sample-gateway", "open")
    assert (session["used"], session["granted"], session["charged"], session["reserved"]) == (
        60,
        120,
        "0.12",
        "0.06",
    )
    assert session["expires_at"] == "2026-01-01T00:02:00Z"
    assert "call-1" in shell.ok("session", "list", "--all")
    assert shell.json("session", "list", "--account", "bob") == []
    assert "open sessions: none" in shell.ok("session", "list", "--account", "bob")


def test_parked_reports_are_listed(shell: Shell) -> None:
    """What nobody could be charged for is shown with its reason and the whole report."""
    hold(shell, charged="0.12", held="0.06")

    (parked,) = shell.json("session", "parked")

    assert (parked["session"], parked["reason"], parked["identities"]) == (
        "lost",
        "invalid_account",
        "username zoe",
    )
    assert parked["report"]["called"] == "15550100"
    assert "username zoe" in shell.ok("session", "parked")


# ----------------------------------------------------------------------------------------- gateway


def test_gateway_is_added_with_its_rules(shell: Shell) -> None:
    """Address, order of identities, number rules and grant are kept; the secret is not shown."""
    added = shell.json(
        "gateway", "add", "sbc", "--address", "192.0.2.0/28", "--secret", "s3cret-s3cret",
        "--dialect", "generic", "--identified-by", "ip,username", "--grant", "whole", "--tech-prefix",
        "99, 88", "--country-code", "44", "--national-prefix", "0", "--national-digits", "10",
        "--without-password", "--coa-port", "1700",
        "--require-message-authenticator", "yes", "--limit-proxy-state", "no", "--zone", "Europe/London",
    )  # fmt: skip

    (listed,) = [one for one in shell.json("gateway", "list") if one["name"] == "sbc"]
    assert added == listed
    assert (listed["address"], listed["identity_order"], listed["grant"]) == (
        "192.0.2.0/28",
        "ip, username",
        "whole",
    )
    assert (listed["tech_prefixes"], listed["country_code"], listed["coa_port"]) == ("99, 88", "44", 1700)
    assert listed["authorize_without_password"] is True
    assert "s3cret" not in shell.ok("gateway", "list")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--address", "192.0.2.1"], "--secret: is needed with --address"),
        (["--address", "host", "--secret", "x"], "gateway address: 'host'"),
        (["--dialect", "klingon"], "--dialect: 'klingon' is none of"),
        (["--identified-by", "ip,ip"], "--identified-by: 'ip,ip' names a kind twice"),
        (["--identified-by", "face"], "--identified-by: 'face'"),
        (["--grant", "all"], "--grant: 'all' is none of whole, slice"),
        (["--national-prefix", "0"], "--country-code: is needed"),
        (["--country-code", "+44"], "--country-code: '+44' is not made of digits"),
        (["--limit-proxy-state", "perhaps"], "--limit-proxy-state: 'perhaps'"),
        (["--zone", "Mars"], "gateway zone: 'Mars'"),
    ],
)
def test_impossible_gateways_are_refused(shell: Shell, arguments: list[str], error: str) -> None:
    """Every option is checked before anything is written."""
    assert error in shell.refused(2, "gateway", "add", "sbc", *arguments)
    assert len(shell.json("gateway", "list")) == 2


def test_taken_gateway_is_refused(shell: Shell) -> None:
    """Names and addresses are unique."""
    assert "'grpc-local'" in shell.refused(4, "gateway", "add", "grpc-local")
    shell.refused(4, "gateway", "add", "twin", "--address", "127.0.0.1", "--secret", "x")


# ----------------------------------------------------------------------------------------- backup


def test_backup_is_a_whole_database(shell: Shell) -> None:
    """The copy, put in the database's place, has everything; an existing file is not overwritten."""
    copy = shell.folder / "copy.db"
    shell.ok("backup", str(copy))
    shell.ok("account", "top-up", "carol", "5")

    assert "exists already" in shell.refused(2, "backup", str(copy))
    assert shell.json("account", "show", "carol")["balance"] == "5.00"
    told = shell.ok("restore", str(copy))

    assert shell.json("account", "show", "carol")["balance"] == "0.00"
    assert shell.json("ledger", "verify")["differences"] == []
    aside = told.split("before is ")[1].strip()
    shell.ok("restore", aside)
    assert shell.json("account", "show", "carol")["balance"] == "5.00"


@pytest.mark.parametrize(
    ("content", "error"),
    [(None, "no such file"), (b"", "has no ledger"), (b"no database at all" * 100, "not a database")],
)
def test_only_a_copy_is_restored(shell: Shell, content: bytes | None, error: str) -> None:
    """What is no copy of a database changes nothing."""
    file = shell.folder / "copy.db"
    if content is not None:
        file.write_bytes(content)
    before = sorted(path.name for path in shell.folder.glob("ocs.db*"))

    assert error in shell.refused(2, "restore", str(file))

    assert [name for name in before if name == "ocs.db"] == ["ocs.db"]
    assert shell.json("account", "show", "alice")["balance"] == "10.00"


def test_a_damaged_copy_is_not_restored(shell: Shell) -> None:
    """A page that makes no sense is noticed before anything is moved."""
    copy = shell.folder / "copy.db"
    shell.ok("backup", str(copy))
    octets = bytearray(copy.read_bytes())
    octets[4096 * 3 : 4096 * 9] = b"\xff" * (4096 * 6)
    copy.write_bytes(octets)

    shell.refused(2, "restore", str(copy))

    assert shell.json("account", "show", "alice")["balance"] == "10.00"


def test_nothing_is_restored_under_a_server(shell: Shell) -> None:
    """A server that runs would go on with what it has in memory: it is named."""
    copy = shell.folder / "copy.db"
    shell.ok("backup", str(copy))

    with lock_database(f"sqlite:///{shell.folder}/ocs.db"):
        assert "in use by process" in shell.refused(2, "restore", str(copy))

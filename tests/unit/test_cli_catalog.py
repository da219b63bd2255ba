"""`ocs plan`, `ocs audit`, account and identity files, and shell completion."""

import csv
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from command import Shell
from hypothesis import given
from hypothesis import strategies as st

from ocs.charging.account_sheet import AccountLine, parse_account_sheet, write_account_sheet
from ocs.charging.identity_sheet import IdentityLine, parse_identity_sheet, write_identity_sheet
from ocs.ports import Identity, IdentityKind
from ocs.quota.account import AccountKind, AccountProfile

# ------------------------------------------------------------------------------------------------ plans


def test_a_plan_is_shown_changed_and_deleted(shell: Shell) -> None:
    """Each change names who made it in the audit log."""
    shell.ok("plan", "add", "gold", "--tariff", "voice=retail-voice", "--tariff", "data=data")
    assert shell.json("plan", "show", "gold")["services"] == "data/OUTGOING=data, voice/OUTGOING=retail-voice"

    changed = shell.json(
        "plan", "set", "gold", "--tariff", "voice=wholesale-voice", "--override", "data", "--bill-by-ani"
    )

    assert changed["services"] == "voice/OUTGOING=wholesale-voice"
    assert (changed["override_tariff"], changed["bill_by_ani"]) == ("data", True)
    assert shell.json("plan", "set", "gold", "--override", "")["override_tariff"] is None
    assert shell.json("plan", "show", "gold")["bill_by_ani"]
    assert "Deleted plan gold" in shell.ok("plan", "delete", "gold")
    shell.refused(3, "plan", "show", "gold")
    log = shell.json("audit", "list", "--target", "plans/gold")
    assert [one["action"] for one in log] == ["delete", "update", "update", "create"]
    assert all("(command line)" in one["actor"] for one in log)
    assert log[1]["changes"].startswith('override_tariff: "tariffs/data" -> -')
    assert "override_tariff" in shell.ok("audit", "list")


def test_a_plan_that_is_used_or_wrong_is_refused(shell: Shell) -> None:
    """With the reason and the exit code for it."""
    assert "account" in shell.refused(4, "plan", "delete", "retail")
    assert "'none'" in shell.refused(3, "plan", "set", "retail", "--tariff", "voice=none")
    assert "nothing to change" in shell.refused(2, "plan", "set", "retail")
    shell.refused(3, "plan", "set", "nobody", "--bill-by-ani")
    assert not shell.json("audit", "list")


def test_the_audit_log_is_filtered(shell: Shell) -> None:
    """By target, actor, time and number."""
    shell.ok("plan", "add", "a", "--tariff", "data=data")
    shell.ok("plan", "add", "b", "--tariff", "data=data")
    assert [one["target"] for one in shell.json("audit", "list", "--limit", "1")] == ["plans/b"]
    assert shell.json("audit", "list", "--actor", "nobody") == []
    assert shell.json("audit", "list", "--since", "2999-01-01") == []
    assert len(shell.json("audit", "list", "--since", "2000-01-01", "--target", "plans/a")) == 1


def test_a_tariff_is_shown_changed_and_deleted(shell: Shell) -> None:
    """What is not given stays; one with rates or in a plan stays whole."""
    shell.ok("tariff", "add", "night", "--connect-fee", "0.05", "--grace", "3")
    shown = shell.json("tariff", "show", "night")
    assert (shown["connect_fee"], shown["grace_seconds"], shown["rates"]) == ("0.05", 3, 0)

    changed = shell.json(
        "tariff", "set", "night", "--off-peak", "hr{6pm-5am}", "--surcharge", "5", "--decimals", "2"
    )

    assert changed["off_peak_periods"] == "hr{6pm-5am}"
    assert (changed["surcharge_percent"], changed["connect_fee"]) == ("5", "0.05")
    assert changed["rounding"].startswith("2 decimals")
    assert shell.json("tariff", "set", "night", "--off-peak", "")["off_peak_periods"] == ""
    assert "off_peak_periods[0]" in shell.refused(2, "tariff", "set", "night", "--off-peak", "hr{99}")
    assert "nothing to change" in shell.refused(2, "tariff", "set", "night")
    shell.refused(3, "tariff", "set", "nobody", "--grace", "1")
    assert "in plan" in shell.refused(4, "tariff", "delete", "data")
    assert "Deleted tariff night" in shell.ok("tariff", "delete", "night")
    shell.refused(3, "tariff", "show", "night")


def test_only_what_the_books_do_not_know_is_deleted(shell: Shell) -> None:
    """Accounts and gateways that moved money are closed or disabled instead."""
    shell.ok("account", "create", "zoe", "--plan", "retail")
    assert "Deleted account zoe" in shell.ok("account", "delete", "zoe")
    assert "in the books" in shell.refused(4, "account", "delete", "alice")
    assert "disable it first" in shell.refused(4, "gateway", "delete", "grpc-local")
    shell.refused(3, "gateway", "delete", "nobody")


# ------------------------------------------------------------------------------------------------ files


def rows(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV by their columns."""
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_exported_accounts_make_the_same_accounts_elsewhere(
    shell: Shell, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """With balances, parents, identities and, when they are wanted, secrets."""
    out = shell.folder / "accounts.csv"
    assert "written to" in shell.ok("account", "export", str(out))
    assert not [row for row in rows(out) if row.get("secret")]
    shell.ok("account", "export", str(out), "--with-secrets")
    assert [row for row in rows(out) if row["secret"]]
    other = Shell(tmp_path_factory.mktemp("other"), capsys)
    other.ok("init", "--sample")
    for account in other.json("account", "list"):
        assert account["name"] in {row["account"] for row in rows(out)}
    text = out.read_text(encoding="utf-8")
    for name in {row["account"] for row in rows(out)}:
        text = text.replace(name, f"new-{name}")
    renamed = [dict(row) for row in csv.DictReader(io.StringIO(text))]
    for number, row in enumerate(renamed):
        row["value"] = f"{200_000 + number}" if row["identity kind"] != "ip" else f"198.51.100.{number}"
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, renamed[0])
    writer.writeheader()
    writer.writerows(renamed)

    done = other.json("account", "import", other.write("new.csv", sheet.getvalue()))

    assert done["created"] == len({row["account"] for row in renamed})
    for account in shell.json("account", "list"):
        twin = other.json("account", "show", f"new-{account['name']}")
        assert (twin["balance"], twin["plan"], twin["kind"], twin["currency"]) == (
            account["balance"],
            account["plan"],
            account["kind"],
            account["currency"],
        )


def test_identities_go_out_and_come_back(shell: Shell) -> None:
    """All or none; what is there already is left; each new one is audited."""
    sheet = shell.write(
        "i.csv",
        "Account,Kind,Value,Secret,Plan,Max sessions,Cost centre\n"
        "alice,code,4711,pw,retail,2,sales\nalice,ip,198.51.100.0/24,,,,\n",
    )
    assert shell.json("identity", "import", sheet, "--dry-run")["created"] == 2
    assert "4711" not in shell.ok("identity", "list", "alice")
    assert shell.json("identity", "import", sheet)["created"] == 2
    assert shell.json("identity", "import", sheet) == {"created": 0, "unchanged": 2, "dry_run": False}
    log = shell.json("audit", "list", "--target", "accounts/alice")
    assert [one["target"] for one in log] == [
        "accounts/alice/identities/ip-198.51.100.0%2F24",
        "accounts/alice/identities/code-4711",
    ]
    assert "pw" not in str(log)
    out = shell.folder / "o.csv"
    shell.ok("identity", "export", str(out), "--prefix", "alice")
    (code,) = [row for row in rows(out) if row["value"] == "4711"]
    assert code == {
        "account": "alice",
        "kind": "code",
        "value": "4711",
        "plan": "retail",
        "max sessions": "2",
        "cost centre": "sales",
        "payback tariff": "",
        "primary": "",
    }
    assert shell.json("identity", "import", str(out))["created"] == 0
    assert "4711" in shell.ok("identity", "export", "-")


def test_every_bad_line_of_an_identity_sheet_is_listed(shell: Shell) -> None:
    """With line, column and reason; nothing is written."""
    sheet = shell.write(
        "i.csv",
        "account,kind,value,max sessions\nalice,code,1,\n,code,2,\nalice,smoke,3,\nalice,ani,abc,\n"
        "alice,code,4,many\nalice,code,1,\n",
    )
    err = shell.refused(2, "identity", "import", sheet)
    for place in (":3: account", ":4: kind", ":5: value", ":6: max sessions", ":7"):
        assert f"{sheet}{place}" in err, place
    sheet = shell.write(
        "j.csv", "account,kind,value,plan\nnobody,code,1,\nalice,code,2,none\nbob,username,alice,\n"
    )
    err = shell.refused(2, "identity", "import", sheet)
    for place in (":2: account", ":3: plan", ":4: value"):
        assert f"{sheet}{place}" in err, place
    assert "'colour'" in shell.refused(2, "identity", "import", shell.write("k.csv", "account,colour\na,b\n"))
    assert "'value' is missing" in shell.refused(
        2, "identity", "import", shell.write("l.csv", "account,kind\na,b\n")
    )
    assert "no identities" in shell.refused(
        2, "identity", "import", shell.write("m.csv", "account,kind,value\n")
    )
    assert "cannot be read" in shell.refused(2, "identity", "import", str(shell.folder / "none.csv"))
    assert "cannot be written" in shell.refused(2, "identity", "export", str(shell.folder / "no" / "o.csv"))
    assert not shell.json("audit", "list")


WORDS = st.text("aZ9,;|'\"=@-é漢€", min_size=1, max_size=12)
NUMBERS = st.integers(min_value=0, max_value=10**12)
IDENTITIES = st.builds(
    Identity,
    kind=st.sampled_from([IdentityKind.USERNAME, IdentityKind.CODE, IdentityKind.TRUNK]),
    value=WORDS,
    account_id=st.just(0),
    secret=st.none() | WORDS,
    max_sessions=st.none() | st.integers(min_value=0, max_value=1000),
    cost_centre=WORDS | st.just(""),
)


@given(
    st.lists(
        st.builds(
            lambda account, plan, identity, tariff: IdentityLine("", account, plan, identity, tariff),
            WORDS,
            WORDS | st.just(""),
            IDENTITIES,
            WORDS | st.just(""),
        ),
        min_size=1,
        max_size=5,
        unique_by=lambda line: (line.identity.kind, line.identity.value),
    )
)
def test_a_written_identity_sheet_reads_the_same(lines: list[IdentityLine]) -> None:
    """Whatever characters names and secrets are made of."""
    text = write_identity_sheet(lines, with_secrets=True)
    read = parse_identity_sheet(io.StringIO(text, newline=""), "x")
    assert [line._replace(place="") for line in read] == lines


@given(
    st.lists(
        st.builds(
            AccountLine,
            profile=st.builds(
                AccountProfile,
                id=st.just(0),
                name=WORDS,
                kind=st.sampled_from(AccountKind),
                currency=st.just("EUR"),
                credit_limit_micros=st.none() | NUMBERS,
                zone=st.sampled_from(["UTC", "Europe/Prague"]),
            ),
            plan=WORDS | st.just(""),
            parent=WORDS | st.just(""),
            balance_micros=st.integers(min_value=-(10**12), max_value=10**12),
            identities=st.lists(IDENTITIES, max_size=3, unique_by=lambda one: (one.kind, one.value)),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda account: account.profile.name,
    )
)
def test_a_written_account_sheet_reads_the_same(accounts: list[AccountLine]) -> None:
    """Accounts, what they start with, and their identities."""
    text = write_account_sheet(accounts, with_secrets=True)
    sheet = parse_account_sheet(io.StringIO(text, newline=""), "x")
    assert not sheet.errors
    assert [(one.profile, one.plan, one.parent, one.opening_micros) for one in sheet.orders] == [
        (one.profile, one.plan, one.parent, one.balance_micros) for one in accounts
    ]
    for order, account in zip(sheet.orders, accounts, strict=True):
        assert [(one.kind, one.value, one.secret) for one in order.identities] == [
            (one.kind, one.value, one.secret) for one in account.identities
        ]


# ------------------------------------------------------------------------------------------------ completion


def complete(words: str) -> list[str]:
    """What bash is offered behind these words."""
    environment: dict[str, Any] = {
        "_OCS_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        "PATH": "/usr/bin:/bin",
    }
    code = "from ocs.cli import main; main([])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.split()


def test_a_shell_completes_nouns_verbs_and_options() -> None:
    """`ocs --install-completion` puts this into the shell."""
    assert {"account", "plan", "audit", "key", "session"} <= set(complete("ocs "))
    assert {"add", "set", "show", "list", "delete"} <= set(complete("ocs plan "))
    assert "--bill-by-ani" in complete("ocs plan set --bill")

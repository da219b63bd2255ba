"""Whatever command changed something, the audit log says who and what, and never a secret."""

import json
from typing import Any

import pytest
from command import Shell

SHEET = "Destination,Price\n33,0.05\n"

COMMANDS: list[tuple[list[str], str, str]] = [
    (
        ["account", "create", "zoe", "--plan", "retail", "--username", "zoe", "--password", "s3cret"],
        "create",
        "accounts/zoe",
    ),
    (["account", "set", "alice", "--status", "suspended"], "update", "accounts/alice"),
    (["account", "top-up", "alice", "5", "--key", "k1"], "top_up", "accounts/alice"),
    (["account", "bonus", "alice", "5"], "top_up", "accounts/alice"),
    (["account", "adjust", "alice", "-5", "--note", "typo"], "adjust", "accounts/alice"),
    (["account", "reset", "alice", "--amount", "3"], "reset", "accounts/alice"),
    (["account", "transfer", "alice", "bob", "1"], "transfer", "accounts/alice"),
    (["account", "transfer", "alice", "bob", "1"], "transfer", "accounts/bob"),
    (
        ["identity", "add", "alice", "code", "77", "--secret", "s3cret"],
        "create",
        "accounts/alice/identities/code-77",
    ),
    (["tariff", "add", "night"], "create", "tariffs/night"),
    (["rate", "add", "data", "NETACCESS", "--price", "0.06"], "write_rates", "tariffs/data"),
    (["plan", "add", "p", "--tariff", "data=data"], "create", "plans/p"),
    (
        ["gateway", "add", "sbc", "--address", "192.0.2.7", "--secret", "s3cret"],
        "create",
        "gateways/sbc",
    ),
]


def log(shell: Shell) -> list[dict[str, Any]]:
    """The audit log, newest first."""
    found: list[dict[str, Any]] = shell.json("audit", "list")
    return found


@pytest.mark.parametrize(("command", "action", "target"), COMMANDS, ids=lambda value: " ".join(value[:2]))
def test_a_command_leaves_an_entry(shell: Shell, command: list[str], action: str, target: str) -> None:
    """With the person who gave it."""
    assert not log(shell)

    shell.ok(*command)

    entries = log(shell)
    assert (action, target) in [(one["action"], one["target"]) for one in entries]
    assert all(one["actor"].endswith("(command line)") for one in entries)
    assert "s3cret" not in json.dumps(entries)


def test_an_update_says_what_changed(shell: Shell) -> None:
    """From what to what."""
    shell.ok("account", "set", "alice", "--status", "suspended")
    (entry,) = log(shell)
    assert entry["changes"] == 'status: "active" -> "suspended"'


def test_a_sheet_is_one_entry(shell: Shell) -> None:
    """However many rates it has."""
    shell.ok("tariff", "import", shell.write("r.csv", SHEET), "--tariff", "france", "--yes")
    assert [(one["action"], one["target"]) for one in log(shell)][:1] == [("write_rates", "tariffs/france")]


def test_what_is_refused_or_repeated_leaves_none(shell: Shell) -> None:
    """Nothing was changed."""
    shell.refused(2, "account", "create", "zoe", "--plan", "none")
    shell.refused(4, "plan", "add", "retail", "--tariff", "data=data")
    assert not log(shell)
    shell.ok("account", "top-up", "alice", "5", "--key", "k1")
    shell.ok("account", "top-up", "alice", "5", "--key", "k1")
    assert [one["action"] for one in log(shell)] == ["top_up"]


def test_looking_leaves_none(shell: Shell) -> None:
    """Reads are nobody's business."""
    for command in (
        ["account", "list"],
        ["tariff", "list"],
        ["gateway", "list"],
        ["ledger", "show", "alice"],
    ):
        shell.ok(*command)
    assert not log(shell)

"""Included minutes over real sockets: a server follows the command line, and a crash loses nothing."""

import json
import time
from pathlib import Path
from typing import Any

from server import ServerProcess

from ocs.radius.client import RadiusClient

CALL = {"User-Name": "carol", "Called-Station-Id": "442079460123", "Acct-Session-Id": "carol-1"}
FOLLOW_S = 60.0
"Far longer than the two seconds that a change takes to be noticed."


def ask(server: ServerProcess, *arguments: str) -> Any:
    """One command in its machine form."""
    return json.loads(server.ocs(*arguments, "--json"))


def allowance(server: ServerProcess) -> tuple[str, str, str]:
    """What carol has used, holds, and has left."""
    (row,) = ask(server, "account", "show", "carol")["allowances"]
    return row["taken"], row["held"], row["left"]


def test_included_minutes_survive_the_server(tmp_path: Path) -> None:
    """Carol has no money: two minutes that she is given serve her call across a kill -9, and no longer."""
    server = ServerProcess(tmp_path)
    server.ocs("init", "--sample")
    with (
        server.start(),
        RadiusClient(
            "127.0.0.1", "testing123", auth_port=server.auth_port, acct_port=server.acct_port
        ) as client,
    ):
        assert not client.authorise(CALL, password="carol-secret").is_accept
        server.ocs("discount", "create", "gift", "--rule", "minutes 44 included=2min reset=monthly")
        server.ocs("discount", "assign", "gift", "--account", "carol")
        ends_at = time.monotonic() + FOLLOW_S
        while not client.authorise(CALL, password="carol-secret").is_accept:
            assert time.monotonic() < ends_at, "the server does not follow"
            time.sleep(0.1)
        client.start(CALL)
        client.interim({**CALL, "Acct-Session-Time": 60})
        taken, held, _ = allowance(server)
        assert (taken, held != "0") == ("1min", True)
        server.kill()
        server.start()
        client.interim({**CALL, "Acct-Session-Time": 60})
        client.stop({**CALL, "Acct-Session-Time": 90})
        client.stop({**CALL, "Acct-Session-Time": 90})
        assert allowance(server) == ("90s", "0", "30s")
        assert ask(server, "account", "show", "carol")["balance"] == "0.00"
        server.ocs("ledger", "verify")
        assert server.stop() == 0

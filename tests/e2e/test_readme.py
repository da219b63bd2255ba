"""The README is true: its commands run as printed, in order, on a fresh sample."""

import re
import shlex
from pathlib import Path

from server import ServerProcess

README = Path(__file__).resolve().parents[2] / "README.md"


def documented_commands() -> list[list[str]]:
    """The `ocs` commands of the README's console blocks, in order."""
    blocks = re.findall(r"```console\n(.*?)```", README.read_text(), flags=re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line[2:], comments=True)[1:] for line in lines if line.startswith("$ ocs ")]


def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    """What a newcomer types from the README succeeds against a server with the sample."""
    commands = documented_commands()
    assert len(commands) >= 10
    with ServerProcess(tmp_path) as server:
        server.ocs("init", "--sample")
        server.start()
        for command in commands:
            server.ocs(*command)

        ledger = server.ocs("ledger", "show", "alice")
        assert server.stop() == 0

    # Two calls of 95 s, one over each wire, at 0.126 each.
    assert "balance 9.748 USD, reserved 0.00 by 0 open session(s)" in ledger

# ruff: noqa: INP001 - a script of its own, not part of a package
"""Write radclient request files for many calls, each with a session id of its own.

`radclient -c` repeats one session, which is charged once however often it is sent. Files hold up to 2000
packets of one kind, because radclient slows down on longer ones:

    python generate.py --calls 20000 --folder load
    for file in load/start-*.txt; do
      radclient -q -s -p 200 -t 2 -f "$file" 127.0.0.1 acct testing123 &
    done; wait
"""

import argparse
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

PACKETS_PER_FILE = 2000
BARE = ("Acct-Status-Type", "NAS-IP-Address", "Message-Authenticator")


def request(attributes: Mapping[str, str | int]) -> str:
    """One packet in radclient's form: texts in quotes, numbers and names bare."""
    lines = []
    for name, value in attributes.items():
        bare = isinstance(value, int) or name in BARE
        lines.append(f"{name} = {value}" if bare else f'{name} = "{value}"')
    return "\n".join(lines) + "\n\n"


def requests(options: argparse.Namespace, session_id: str) -> dict[str, str]:
    """The packets of one call, by kind."""
    call: dict[str, str | int] = {
        "User-Name": options.user,
        "Calling-Station-Id": options.calling,
        "Called-Station-Id": options.called,
        "Acct-Session-Id": session_id,
        "NAS-IP-Address": "127.0.0.1",
    }
    password = {"User-Password": options.password, "Message-Authenticator": "0x00"}
    return {
        "authorise": request({**call, **password}),
        "start": request({"Acct-Status-Type": "Start", **call}),
        "stop": request({"Acct-Status-Type": "Stop", **call, "Acct-Session-Time": options.seconds}),
    }


def main() -> None:
    """Write the files and name them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=60, help="length of each call")
    parser.add_argument("--user", default="alice")
    parser.add_argument("--password", default="alice-secret")
    parser.add_argument("--calling", default="12025550100")
    parser.add_argument("--called", default="442079460000")
    parser.add_argument("--folder", type=Path, default=Path())
    options = parser.parse_args()
    run = uuid.uuid4().hex[:8]
    options.folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, options.calls, PACKETS_PER_FILE):
        numbers = range(first, min(first + PACKETS_PER_FILE, options.calls))
        calls = [requests(options, f"{run}-{number}") for number in numbers]
        for kind in calls[0]:
            path = options.folder / f"{kind}-{first // PACKETS_PER_FILE:03}.txt"
            path.write_text("".join(call[kind] for call in calls))
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()

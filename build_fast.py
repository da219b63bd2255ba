"""Compile the hot path with mypyc, in place: the very same source, faster.

    make build-fast    # compiles what is listed here
    make build-plain   # removes it again

Python then imports the compiled modules instead of their sources. Nothing else changes, and nothing depends
on it: a wheel and a fresh clone are plain Python. Why, and what it gives: docs/decisions/0014-compiled.md.
"""

import sys
from pathlib import Path
from typing import Final

from mypyc.build import mypycify
from setuptools import setup

ROOT: Final = Path(__file__).parent
PACKAGES: Final = {
    "quota": ["account", "allowance", "ledger", "session"],
    "rating": [
        *("affordable", "applied", "course", "destination", "discount", "explanation", "formula"),
        *("index", "period", "price", "reset", "rounding", "run", "schedule", "selection", "snapshot"),
        *("tariff", "trail"),
    ],
    "charging": [
        *("allowance", "answer", "batch", "cache", "case", "catalogue", "decision", "directory", "engine"),
        *("event", "expiry", "grant", "limit", "notice", "prefetch", "record", "request", "service"),
        *("situation", "termination", "watch"),
    ],
    "radius": [
        *("codec", "condition", "endpoint", "join", "lane", "number", "pending", "reader", "template"),
        *("timestamp", "translate", "udp"),
    ],
    "storage/sql": ["commit"],
}
"""What every request goes through. Not among them, though every request goes through it too:
`ocs.charging.outcome`, whose enumeration sets attributes of its members while its class is being made."""


def sources() -> list[str]:
    """The modules' files, from the root of the project."""
    modules = [f"ocs/{package}/{name}.py" for package, names in PACKAGES.items() for name in names]
    return ["ocs/units.py", "ocs/ports.py", *modules]


def main() -> None:
    """Compile in place."""
    sys.argv = ["build_fast.py", "build_ext", "--inplace"]
    extensions = mypycify(sources(), opt_level="3", debug_level="0", group_name="ocs_fast")
    setup(name="ocs-fast", packages=[], ext_modules=extensions)


if __name__ == "__main__":
    main()

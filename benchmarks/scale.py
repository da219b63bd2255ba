"""Does a request cost the same after a million others, and whoever shares its account?

Two measurements on the real engine and SQLite, in processor time per request (see `tests/crowd.py`):

* 10,000 accounts and 1,000,000 requests of whole calls, in ten laps: time per request and memory of each lap.
  Caches hold half of the accounts, so that every second request of an account is read from the database.
* reports of 5,000 open sessions of one account, and of 5,000 accounts with one session each.

    python benchmarks/scale.py --requests 1000000 --accounts 10000 --sessions 5000
"""

import argparse
import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from crowd import Lap, many_requests, one_and_many

LAPS = 10


def show(lap: Lap) -> None:
    """One line per lap."""
    print(
        f"  {lap.requests:>8} requests  {lap.cpu_us_per_request:6.1f} us of processor each"
        f"  {lap.requests / lap.wall_s:8.0f} requests/s  {lap.resident_mib:6.0f} MiB",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--sessions", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=10, help="reports of each open session")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        print(f"{options.accounts} accounts, {options.requests} requests of whole calls:", flush=True)
        laps = asyncio.run(
            many_requests(
                Path(folder),
                accounts=options.accounts,
                requests=options.requests,
                laps=LAPS,
                on_lap=show,
            )
        )
    first, last = laps[0], laps[-1]
    print(f"last to first lap: time {last.cpu_us_per_request / first.cpu_us_per_request:.2f},", end=" ")
    print(f"memory {last.resident_mib / first.resident_mib:.2f}")
    with TemporaryDirectory() as folder:
        one, many = asyncio.run(one_and_many(Path(folder), sessions=options.sessions, rounds=options.rounds))
    print(f"reports of {options.sessions} open sessions of one account, then of as many accounts:")
    show(one)
    show(many)
    print(f"one account to many: time {one.cpu_us_per_request / many.cpu_us_per_request:.2f}")


if __name__ == "__main__":
    main()

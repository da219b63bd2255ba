"""The whole way of a million rates: sheet, import, server, requests while the next million comes in.

    python benchmarks/rating_million.py [--rates 1000000] [--outstanding 4] [--folder FOLDER]

Writes two rate sheets of the same prefixes (5 to 9 digits) with 5,000 prices each. The first is imported
through the command line into an empty database; then a server is started and asked by a closed loop of whole
calls that the tariff prices, first in peace, then while the second sheet is imported, then while the server
loads what came of it. At the end a call is quoted, so that the new prices are seen to be in force, and the
books are verified. Prints a table.

With two cores that eight others wanted, the import took 32 s of processor (93 s by the clock) and 274 MB; the
server started with the million in 24 s by the clock, of which reading the rates is 1.1 s of processor, with
191 MB, and never needed more than 295 MB, loading the second million included.
"""

import argparse
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from server import ServerProcess

from ocs.radius.load import Call, LoadGenerator, Result, Target

PRICES = 5_000
ACCOUNTS = 50
PEACE_S = 5.0
LOADING_S = 20.0
"How long requests are watched after an import: the server sees it within half a second and loads it."
NUMBERS = itertools.count()


def prefixes(count: int) -> list[str]:
    """Distinct prefixes, the same ones each time."""
    source = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        digits = source.choice((5, 6, 6, 7, 7, 7, 8, 8, 9))
        found[str(source.randrange(10 ** (digits - 1), 10**digits))] = None
    return list(found)


def write_sheet(path: Path, destinations: list[str], *, shift: int) -> None:
    """One row for each destination; `shift` moves the prices."""
    with path.open("w") as sheet:
        sheet.write("Destination,Price,Intervals,Effective From\n")
        for number, destination in enumerate(destinations):
            price = ((number + shift) % PRICES + 1) / 100_000
            sheet.write(f"{destination},{price:.5f},60/6,\n")


class Child:
    """A command of the command line in a process of its own, with what it cost."""

    def __init__(self, server: ServerProcess, *arguments: str) -> None:
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ocs", *arguments],
            env=server.environment,
            cwd=server.folder,
            stdout=subprocess.DEVNULL,
        )
        self.is_running = True
        self.figures = ""

    def poll(self) -> bool:
        """Whether it has ended."""
        if self.is_running:
            key, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if key:
                self._ended(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
        return not self.is_running

    def wait(self) -> str:
        """Wait for its end; its figures."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._ended(status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
        return self.figures

    def _ended(self, status: int, cpu_s: float, peak_kb: int) -> None:
        self.is_running = False
        self._process.returncode = os.waitstatus_to_exitcode(status)
        assert self._process.returncode == 0, "the command failed"
        took_s = time.perf_counter() - self._began
        self.figures = f"{took_s:.1f} s ({cpu_s:.1f} s of processor), at most {peak_kb / 1024:.0f} MB"


def status_mb(pid: int, field: str) -> int:
    """A figure of /proc/PID/status in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) // 1024
    raise LookupError(field)


def prepare(folder: Path) -> ServerProcess:
    """A database with rich accounts on a plan whose tariff is still empty."""
    server = ServerProcess(folder)
    server.ocs("init", "--sample")
    server.ocs("tariff", "add", "million")
    server.ocs("plan", "add", "million", "--tariff", "voice=million")
    rows = [f"load{n},1000000,million,username,load{n},secret{n}" for n in range(ACCOUNTS)]
    sheet = folder / "accounts.csv"
    sheet.write_text("\n".join(["account,balance,plan,identity kind,value,secret", *rows]))
    server.ocs("account", "import", str(sheet))
    return server


def endless_calls(destinations: list[str]) -> Iterator[Call]:
    """Calls of 95 s with one interim report to numbers all over the tariff."""
    source = random.Random(3)
    for number in NUMBERS:
        account = number % ACCOUNTS
        yield Call(
            session_id=f"{os.getpid():x}-{number:x}",
            user=f"load{account}",
            password=f"secret{account}",
            calling="12025550100",
            called=f"{source.choice(destinations)}55501",
            seconds=95,
            interims=(60,),
        )


def latency(result: Result) -> str:
    """What requests waited."""
    return (
        f"{result.answered / result.seconds:6.0f} requests/s, p50 {result.percentile_ms(0.5):.2f} ms, "
        f"p99 {result.percentile_ms(0.99):.2f} ms, p99.9 {result.percentile_ms(0.999):.2f} ms, "
        f"longest {max(result.latencies_ms):.1f} ms"
    )


def report(what: str, figures: str) -> None:
    """One line of the table."""
    print(f"{what:34} {figures}", flush=True)


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", type=int, default=1_000_000)
    parser.add_argument("--outstanding", type=int, default=4)
    parser.add_argument("--folder", type=Path, help="Keep the database there; else it is thrown away.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(options.folder or Path(name), options.rates, options.outstanding)


def measure(folder: Path, rates: int, outstanding: int) -> None:
    """Import, start, ask, import again under load."""
    server = prepare(folder)
    destinations = prefixes(rates)
    sheets = [folder / "first.csv", folder / "second.csv"]
    for shift, sheet in enumerate(sheets):
        write_sheet(sheet, destinations, shift=shift * 17)
    options = ("--tariff", "million", "--yes")
    report("import into an empty tariff", Child(server, "tariff", "import", str(sheets[0]), *options).wait())
    report("the same sheet again", Child(server, "tariff", "import", str(sheets[0]), *options).wait())
    with server:
        began = time.perf_counter()
        server.start()
        report("server start", f"{time.perf_counter() - began:.1f} s, {status_mb(server.pid, 'VmRSS')} MB")
        watch(server, sheets[1], options, destinations, outstanding)
        report("server memory at most", f"{status_mb(server.pid, 'VmHWM')} MB")
        assert server.stop() == 0
    number = f"{destinations[0]}55501"
    quoted = server.ocs("quote", "--tariff", "million", "--to", number, "--seconds", "60")
    assert f"{18 / 100_000:.5f} USD" in quoted, quoted
    report("books", server.ocs("ledger", "verify").strip().splitlines()[-1])


def watch(
    server: ServerProcess, sheet: Path, options: tuple[str, ...], destinations: list[str], outstanding: int
) -> None:
    """Measure requests in peace, during an import and during the loading of its result."""
    target = Target(
        host="127.0.0.1", auth_port=server.auth_port, acct_port=server.acct_port, secret=b"testing123"
    )
    calls = endless_calls(destinations)

    def run(ends_at: float, child: Child | None = None) -> Result:
        load = LoadGenerator(
            target,
            outstanding=outstanding,
            stop_when=lambda: time.monotonic() > ends_at or (child is not None and child.poll()),
        )
        return load.run(calls)

    run(time.monotonic() + 2.0)
    report("requests in peace", latency(run(time.monotonic() + PEACE_S)))
    child = Child(server, "tariff", "import", str(sheet), *options)
    report("requests while importing", latency(run(time.monotonic() + 600.0, child)))
    report("  the import meanwhile", child.figures)
    report("requests while loading", latency(run(time.monotonic() + LOADING_S)))


if __name__ == "__main__":
    main()

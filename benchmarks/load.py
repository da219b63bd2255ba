"""Measure the whole server over RADIUS: requests/s, latency, CPU per request, and the ratio to a bare echo.

Everything in one run on one machine, because only such figures compare: a bare uvloop UDP echo before and
after, and between them a real server process with its durable database, every rule in force (`stock`), driven
by whole calls (authorise, start, interims, stop) whose packets were built ahead. At the end the books are
held against every call; a run whose books do not add up is void.

    python benchmarks/load.py --seconds 10 --outstanding 128 --accounts 2000
    python benchmarks/load.py --pace 6000      # an open loop: so many requests/s, whatever the server says
"""

import argparse
import gc
import itertools
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from server import ServerProcess, free_ports
from stock import Mix, Stock, target_of

from ocs.radius.load import Call, LoadGenerator, Result, build_ahead

ECHO = """
import asyncio, uvloop
class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport): self.transport = transport
    def datagram_received(self, data, addr): self.transport.sendto(data, addr)
async def main():
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", {port}))
    await asyncio.Event().wait()
uvloop.run(main())
"""
AHEAD_PER_S = 12_000
"Requests that are built ahead for each second of a run; further ones are built as they are needed."
ECHO_SECONDS = 1.5


class Counts(NamedTuple):
    """What a server has used so far."""

    cpu_s: float
    commits: int

    @classmethod
    def of(cls, server: ServerProcess) -> "Counts":
        """What the server has used by now."""
        return cls(cpu_seconds(server.pid), commits_of(server.database))


def echo_rate(seconds: float, outstanding: int) -> float:
    """Datagrams/s of a bare uvloop echo, driven in the same way with packets of the same size."""
    port = free_ports(1, socket.SOCK_DGRAM)[0]
    with subprocess.Popen([sys.executable, "-c", ECHO.format(port=port)]) as process:
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.connect(("127.0.0.1", port))
                _await_echo(client)
                client.settimeout(0)
                return _echoes(client, seconds, outstanding)
        finally:
            process.terminate()


def _await_echo(client: socket.socket) -> None:
    """Wait until the echo listens."""
    client.settimeout(0.1)
    for _ in range(300):
        try:
            client.send(b"?")
            client.recv(1)
        except (ConnectionRefusedError, TimeoutError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the echo does not answer")


def _echoes(client: socket.socket, seconds: float, outstanding: int) -> float:
    packet = bytes(110)
    for _ in range(outstanding):
        client.send(packet)
    answered, started = 0, time.perf_counter()
    while (now := time.perf_counter()) - started < seconds:
        if not select.select([client], [], [], 0.2)[0]:
            client.send(packet)  # lost on the way: keep the loop closed
            continue
        try:
            while True:
                client.recv(4096)
                answered += 1
                client.send(packet)
        except BlockingIOError:
            continue
    return answered / (now - started)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / MB


def commits_of(database: Path) -> int:
    """Transactions so far, each made durable by one fsync of the log: iChange of the WAL index's header.

    https://www.sqlite.org/walformat.html: a counter in octets 8 to 11, in this machine's byte order.
    """
    with Path(f"{database}-shm").open("rb") as index:
        return int.from_bytes(index.read(12)[8:], sys.byteorder)


MB = 2**20


class Run:
    """A server under load and what is asked of it."""

    def __init__(self, server: ServerProcess, stock: Stock, options: argparse.Namespace) -> None:
        self._server = server
        self._target = target_of(server)
        self._calls = stock.calls()
        self._requests_per_call = stock.mix.interims + 3
        self._options = options

    def load(self, seconds: float, *, pace: float | None = None) -> tuple[Result, Counts]:
        """Make calls for `seconds`; what came of it, and what the server used meanwhile."""
        options = self._options
        count = int(AHEAD_PER_S * seconds) // self._requests_per_call
        ahead = build_ahead(itertools.islice(self._calls, count), self._target)
        # The generator makes no garbage in cycles, and keeps every call.
        gc.collect()
        gc.freeze()
        gc.disable()
        started = time.monotonic()
        calls_per_s = None if pace is None else pace / self._requests_per_call
        generator = LoadGenerator(
            self._target,
            outstanding=options.outstanding if pace is None else 65_536,
            stop_when=lambda: time.monotonic() - started > seconds,
            pace=None if calls_per_s is None else lambda: (time.monotonic() - started) * calls_per_s,
            tries=5 if pace is None else 3,
            repeat_share=options.repeat_share,
        )
        before = Counts.of(self._server)
        result = generator.run(_chain(ahead, self._calls))
        after = Counts.of(self._server)
        return result, Counts(after.cpu_s - before.cpu_s, after.commits - before.commits)


def _chain(ahead: list[Call], further: Iterator[Call]) -> Iterator[Call]:
    yield from ahead
    yield from further


def figures_of(result: Result, used: Counts) -> dict[str, float | str]:
    """What a run of the server showed."""
    return {
        "requests_per_s": round(result.answered / result.seconds),
        "p50_ms": round(result.percentile_ms(0.50), 2),
        "p99_ms": round(result.percentile_ms(0.99), 2),
        "p999_ms": round(result.percentile_ms(0.999), 2),
        "server_cpu_us_per_request": round(used.cpu_s / result.answered * 1e6, 1),
        "server_core_share": round(used.cpu_s / result.seconds, 2),
        "fsyncs_per_s": round(used.commits / result.seconds),
        "requests_per_commit": round(result.answered / max(1, used.commits), 1),
        "generator_core_share": round(result.cpu_seconds / result.seconds, 2),
        "repeated": result.repeated,
        "retransmitted": result.retransmitted,
        "given_up": result.given_up,
        "rejected": result.rejected,
    }


def measure(options: argparse.Namespace) -> dict[str, float | str]:
    """One run: echo, warm-up, load, echo, books."""
    stock = Stock(mix_of(options))
    with tempfile.TemporaryDirectory(dir=os.environ.get("OCS_BENCH_FOLDER")) as name:
        server = stock.prepare(Path(name), options.template)
        with server:
            server.start()
            run = Run(server, stock, options)
            run.load(options.warm_up)
            echoes = [echo_rate(ECHO_SECONDS, options.outstanding)]
            result, used = run.load(options.seconds, pace=options.pace)
            echoes.append(echo_rate(ECHO_SECONDS, options.outstanding))
            figures = figures_of(result, used)
            figures["server_resident_mb"] = round(resident_mb(server.pid))
            server.stop()
            figures["books"] = stock.audit(server)
    echo = sum(echoes) / len(echoes)
    figures["echo_per_s"] = round(echo)
    figures["ratio_to_echo"] = round(result.answered / result.seconds / echo, 4)
    return figures


def add_mix_options(parser: argparse.ArgumentParser) -> None:
    """What the load consists of."""
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--rates", type=int, default=100_000)
    parser.add_argument("--flat", action="store_true", help="Accounts without a reseller above them.")
    parser.add_argument("--no-allowances", action="store_true", help="Nobody has included minutes.")
    parser.add_argument("--hot-share", type=float, default=0.0, help="Share of calls on one account.")
    parser.add_argument("--data-share", type=float, default=0.0, help="Share of sessions that are data.")
    parser.add_argument("--interims", type=int, default=1, help="Interim reports of each call.")


def mix_of(options: argparse.Namespace) -> Mix:
    """The mix that the options ask for."""
    return Mix(
        accounts=options.accounts,
        rates=options.rates,
        has_parents=not options.flat,
        has_allowances=not options.no_allowances,
        hot_share=options.hot_share,
        data_share=options.data_share,
        interims=options.interims,
    )


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """What was asked on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--warm-up", type=float, default=2.0)
    parser.add_argument("--outstanding", type=int, default=128)
    parser.add_argument("--pace", type=float, help="Requests/s of an open loop.")
    parser.add_argument(
        "--repeat-share", type=float, default=0.0, help="Share of requests sent twice at once."
    )
    parser.add_argument("--template", type=Path, help="Folder with the same database, filled when empty.")
    add_mix_options(parser)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def main() -> None:
    """Run and print one line of each figure, or JSON."""
    options = options_of()
    figures = measure(options)
    if options.json:
        print(json.dumps(figures))
    else:
        for key, value in figures.items():
            print(f"{key:28} {value}")


if __name__ == "__main__":
    main()

"""Measure the whole server over RADIUS: requests/s, latency, CPU per request, and the ratio to a bare echo.

Everything in one run on one machine, because only such figures compare: a bare uvloop UDP echo first, then a
real server process with its durable database, driven by a closed loop of whole calls (authorise, start,
interim, stop). The books are verified afterwards; a run whose books do not add up is void.

    python benchmarks/load.py --seconds 10 --outstanding 128 --accounts 2000
"""

import argparse
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

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from server import ServerProcess, free_ports

from ocs.radius.load import Call, LoadGenerator, Result, Target

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


NUMBERS = itertools.count()
"Of calls: no session is used twice, in the warm-up neither."


def endless_calls(accounts: int) -> Iterator[Call]:
    """Calls of 95 s with one interim report, round and round the accounts."""
    for number in NUMBERS:
        account = number % accounts
        yield Call(
            session_id=f"{os.getpid():x}-{number:x}",
            user=f"load{account}",
            password=f"secret{account}",
            calling="12025550100",
            called="442079460000",
            seconds=95,
            interims=(60,),
        )


def run_calls(target: Target, *, seconds: float, outstanding: int, accounts: int) -> Result:
    """Make calls for `seconds`."""
    ends_at = time.monotonic() + seconds
    load = LoadGenerator(target, outstanding=outstanding, stop_when=lambda: time.monotonic() > ends_at)
    return load.run(endless_calls(accounts))


def echo_rate(seconds: float, outstanding: int) -> float:
    """Datagrams/s of a bare uvloop echo, driven in the same way with packets of the same size."""
    port = free_ports(1, socket.SOCK_DGRAM)[0]
    with subprocess.Popen([sys.executable, "-c", ECHO.format(port=port)]) as process:
        try:
            time.sleep(0.5)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.connect(("127.0.0.1", port))
                client.settimeout(0)
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
        finally:
            process.terminate()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def prepare(folder: Path, accounts: int) -> ServerProcess:
    """A database with the sample catalogue and rich accounts."""
    server = ServerProcess(folder)
    server.ocs("init", "--sample")
    rows = [f"load{n},1000000,wholesale,username,load{n},secret{n}" for n in range(accounts)]
    sheet = folder / "accounts.csv"
    sheet.write_text("\n".join(["account,balance,plan,identity kind,value,secret", *rows]))
    server.ocs("account", "import", str(sheet))
    return server


def main() -> None:
    """Run and print one line of figures, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--outstanding", type=int, default=128)
    parser.add_argument("--accounts", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    echo = echo_rate(2.0, options.outstanding)
    with tempfile.TemporaryDirectory(dir=os.environ.get("OCS_BENCH_FOLDER")) as name:
        server = prepare(Path(name), options.accounts)
        with server:
            server.start()
            target = Target(
                host="127.0.0.1",
                auth_port=server.auth_port,
                acct_port=server.acct_port,
                secret=b"testing123",
            )
            run_calls(target, seconds=2.0, outstanding=options.outstanding, accounts=options.accounts)
            before = cpu_seconds(server.pid)
            result = run_calls(
                target, seconds=options.seconds, outstanding=options.outstanding, accounts=options.accounts
            )
            used = cpu_seconds(server.pid) - before
            server.stop()
            books = server.ocs("ledger", "verify")
    rate = result.answered / result.seconds
    figures = {
        "requests_per_s": round(rate),
        "echo_per_s": round(echo),
        "ratio_to_echo": round(rate / echo, 4),
        "p50_ms": round(result.percentile_ms(0.50), 2),
        "p99_ms": round(result.percentile_ms(0.99), 2),
        "p999_ms": round(result.percentile_ms(0.999), 2),
        "server_cpu_us_per_request": round(used / result.answered * 1e6, 1),
        "generator_core_share": round(result.cpu_seconds / result.seconds, 2),
        "retransmitted": result.retransmitted,
        "rejected": result.rejected,
        "books": books.strip().splitlines()[-1],
    }
    if options.json:
        print(json.dumps(figures))
    else:
        for key, value in figures.items():
            print(f"{key:28} {value}")


if __name__ == "__main__":
    main()

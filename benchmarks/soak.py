"""Half an hour at 70 % of what the server can do: does memory grow, does latency drift?

    make soak
    python benchmarks/soak.py --minutes 5

The best rate is found by a short closed loop; then an open loop asks for 70 % of it, minute by minute, each
with its rate, p99 and the server's memory. At the end the first five minutes are held against the rest and
the books against every call.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from load import Run, figures_of, options_of, resident_mb
from stock import Mix, Stock

SHARE_OF_PEAK = 0.7
SETTLED_MINUTES = 5
GROWTH_MAX = 0.05
"Of memory after the first five minutes: what is called growth."


def main() -> int:
    """Run; 1 when memory grew or latency drifted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=30)
    options = parser.parse_args()
    stock = Stock(Mix())
    with tempfile.TemporaryDirectory(dir=os.environ.get("OCS_BENCH_FOLDER")) as name:
        server = stock.prepare(Path(name))
        with server:
            server.start()
            run = Run(server, stock, options_of([]))
            run.load(2.0)
            peak, _ = run.load(10.0)
            pace = SHARE_OF_PEAK * peak.answered / peak.seconds
            print(f"peak {peak.answered / peak.seconds:.0f} requests/s, asking for {pace:.0f}", flush=True)
            minutes = []
            for number in range(1, options.minutes + 1):
                figures = figures_of(*run.load(60.0, pace=pace))
                figures["server_resident_mb"] = round(resident_mb(server.pid), 1)
                minutes.append(figures)
                shown = ("requests_per_s", "p99_ms", "server_cpu_us_per_request", "server_resident_mb")
                print(f"minute {number}:", *(f"{key} {figures[key]}" for key in shown), flush=True)
            server.stop()
            print(stock.audit(server))
    return judge(minutes)


def judge(minutes: list[dict[str, float | str]]) -> int:
    """Hold the settled minutes against those that follow."""
    settled = min(SETTLED_MINUTES, len(minutes) - 1)
    memory = [float(figures["server_resident_mb"]) for figures in minutes]
    growth = memory[-1] / memory[settled] - 1
    early, late = (
        median(float(figures["p99_ms"]) for figures in part)
        for part in (minutes[:settled], minutes[settled:])
    )
    print(f"memory {growth:+.1%} since minute {settled + 1}, p99 {early:.1f} ms early, {late:.1f} ms late")
    return int(growth > GROWTH_MAX or late > 2 * early)


if __name__ == "__main__":
    sys.exit(main())

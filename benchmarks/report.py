"""Measure everything once and write docs/performance.md with its table and plots.

    make bench-report                         # some ten minutes on a machine that does nothing else
    python benchmarks/report.py --full        # the largest sizes too: an hour
    python benchmarks/report.py --draw        # write the page again from the figures of the last report

The figures themselves are kept in docs/performance.json, so that two reports can be held against each other.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chart import Line, chart, page
from curve import CURVES, curve_of
from grpc_load import figures_of as grpc_figures
from load import measure, options_of

from ocs.rating import price

DOCS = Path(__file__).resolve().parent.parent / "docs"
FSYNCS = 50
GOALS = """\
Goals: at most 80 µs of server CPU per request (60 is the aim), at least 0.07 of the echo (0.10 is the aim),
p99 of at most 15 ms with 32 outstanding, gRPC at least 0.6 of an empty servicer. Throughput and latency of a
machine that does other work say little; CPU per request and ratios within one run say more, though they
suffer too: neighbours evict each other's caches."""
ABOUT = """\
What is measured, and how: `benchmarks/load.py` (RADIUS), `benchmarks/grpc_load.py`, `benchmarks/curve.py`.
One server process, SQLite with `synchronous=FULL`, a tariff of 100,000 rates, 2,000 accounts each below a
paying reseller, a third of them with included minutes, slices, a record per payer and call; whole calls of
authorise, start, interim and stop to numbers all over the tariff. After each run the books are verified and
every call is held against its price, computed apart; runs that do not add up are void."""
ABOUT_RADIUS = """\
`mixed`: 30 % data sessions, 20 % of calls on one account, 5 % of requests sent twice at once.
`twice the load`: an open loop at twice the best rate above; what is not answered is sent again after 2 s."""
ABOUT_GRPC = """\
`empty` answers at once with the request's key, `front` is our front end above a service that grants at once,
`whole` the durable server. `unary` is `Charge`, `session` one request per message on `Session`, `stream` what
is ready at once in one message on `BatchSession`."""
BUSY = """\
**The machine was busy with other work at the time** (see the load average): throughput, latency and CPU per
request are those of a server that shares its cores and its disk, and say little of what it can do alone."""
ROWS = (
    ("requests/s", "requests_per_s"),
    ("ratio to the echo", "ratio_to_echo"),
    ("p50 ms", "p50_ms"),
    ("p99 ms", "p99_ms"),
    ("p99.9 ms", "p999_ms"),
    ("server CPU µs/request", "server_cpu_us_per_request"),
    ("fsyncs/s", "fsyncs_per_s"),
    ("requests/commit", "requests_per_commit"),
    ("generator, of a core", "generator_core_share"),
    ("sent again", "retransmitted"),
    ("given up", "given_up"),
)


def _build() -> str:
    """Which form of the hot path is measured."""
    compiled = Path(price.__file__ or "").suffix == ".so"
    return "hot path compiled (make build-fast)" if compiled else "nothing compiled"


def machine() -> dict[str, Any]:
    """Where this was measured, and how busy it was with other things."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": f"{platform.python_version()}, {_build()}",
        "sqlite": sqlite3.sqlite_version,
        "load average": round(os.getloadavg()[0], 1),
        "fsync median ms": fsync_ms(),
    }


def fsync_ms() -> float:
    """What the disk takes to make 40 KB durable, appended as a log is."""
    taken = []
    with tempfile.TemporaryFile(dir=os.environ.get("OCS_BENCH_FOLDER")) as file:
        for _ in range(FSYNCS):
            file.write(bytes(40_000))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return round(sorted(taken)[FSYNCS // 2] * 1000, 2)


def runs(common: list[str]) -> dict[str, Any]:
    """The RADIUS runs of the table: closed loops, and an open one at twice what the server bore."""
    found: dict[str, Any] = {}
    for outstanding in (32, 128):
        found[f"{outstanding} outstanding"] = measure(
            options_of([*common, "--outstanding", str(outstanding)])
        )
    peak = max(float(figures["requests_per_s"]) for figures in found.values())
    found["mixed"] = measure(
        options_of([*common, "--data-share", "0.3", "--hot-share", "0.2", "--repeat-share", "0.05"])
    )
    found["twice the load"] = measure(options_of([*common, "--pace", str(2 * peak)]))
    return found


def collect(options: argparse.Namespace) -> dict[str, Any]:
    """Measure everything. Databases that begin alike are prepared once."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("OCS_BENCH_FOLDER")) as name:
        templates = Path(name)
        common = ["--seconds", str(options.seconds), "--template", str(templates / "2000-100000")]
        report: dict[str, Any] = {"machine": machine(), "radius": runs(common)}
        print(json.dumps(report), flush=True)
        report["grpc"] = grpc_figures(options_of(common))
        print(json.dumps(report["grpc"]), flush=True)
        curve_options = options_of(common)
        curve_options.full, curve_options.templates = options.full, templates
        wanted = options.curves.split(",") if options.curves else CURVES
        report["curves"] = {curve: curve_of(curve, curve_options) for curve in wanted}
    return report


def write(report: Mapping[str, Any]) -> None:
    """The page, its plots and the figures."""
    (DOCS / "performance.json").write_text(json.dumps(report, indent=1) + "\n")
    (DOCS / "performance.svg").write_text(page(list(_charts(report["curves"]))))
    (DOCS / "performance.md").write_text("\n".join(_page(report)) + "\n")


def _charts(curves: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[str]:
    for name, points in curves.items():
        for title, key in (("requests/s", "requests_per_s"), ("CPU µs/request", "server_cpu_us_per_request")):
            line = Line(title, [(point["size"], point[key]) for point in points])
            yield chart(f"{title} by {name}", name, [line])


def _page(report: Mapping[str, Any]) -> Iterator[str]:
    yield from ("# Performance", "", "This page is written by `make bench-report`.", "")
    yield ABOUT
    yield from ("", GOALS, "", "## The machine", "")
    yield from (f"* {name}: {value}" for name, value in report["machine"].items())
    if report["machine"]["load average"] > report["machine"]["cores"] / 2:
        yield from ("", BUSY)
    yield from ("", "## RADIUS", "")
    found = report["radius"]
    yield from _table([["", *found]] + [[title, *_cells(found, key)] for title, key in ROWS])
    yield from ("", ABOUT_RADIUS)
    yield from ("", "## gRPC", "")
    columns = ("requests_per_s", "ratio_to_empty", "p50_ms", "p99_ms", "server_cpu_us", "client_core_share")
    yield from _table(
        [["", *columns]]
        + [[name, *(figures[key] for key in columns)] for name, figures in report["grpc"].items()]
    )
    yield from ("", ABOUT_GRPC)
    yield from ("", "## Scale", "", "![requests/s and CPU per request by size](performance.svg)", "")
    for name, points in report["curves"].items():
        columns = ("size", "requests_per_s", "p99_ms", "server_cpu_us_per_request", "server_resident_mb")
        first, *_, last = (float(point["requests_per_s"]) for point in points)
        yield from (
            "",
            f"By {name}; requests/s from the smallest to the largest: {last / first - 1:+.0%}.",
            "",
        )
        yield from _table([list(columns)] + [[point[key] for key in columns] for point in points])


def _cells(found: Mapping[str, Mapping[str, Any]], key: str) -> list[Any]:
    return [figures[key] for figures in found.values()]


def _table(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) + " |"
        if number == 0:
            yield "|" + "---|" * len(row)


def main() -> None:
    """Measure, or draw the last report again."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="Of each run.")
    parser.add_argument("--full", action="store_true", help="The largest sizes too.")
    parser.add_argument("--curves", help="Only these, commas between.")
    parser.add_argument("--draw", action="store_true", help="From the figures of the last report.")
    options = parser.parse_args()
    write(json.loads((DOCS / "performance.json").read_text()) if options.draw else collect(options))


if __name__ == "__main__":
    sys.exit(main())

"""Run many simulations, or one again: `make sim`, `make sim SEED=7`, `make sim PLANT=parent-unchecked`.

A seed that fails is printed with what went wrong and what happened last; the same seed does the same again,
event for event: the fingerprint is that of all of them. With a planted bug the run ends well when the auditor
notices it; ``all`` plants one after the other.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

if TYPE_CHECKING:
    from simulation.scenario import Report

SEEDS = 1000
CHUNK = 10
"Seeds that a process takes at a time."


def play(seed: int, plant_name: str) -> "Report":
    """Simulate a seed, with a bug planted unless the name is empty."""
    from simulation.plant import PLANTS
    from simulation.scenario import simulate

    with ExitStack() as planted:
        for plant in PLANTS:
            if plant.name == plant_name:
                plant.plant(planted.enter_context(pytest.MonkeyPatch.context()))
        return simulate(seed)


def play_all(seeds: Sequence[int], plant_name: str, processes: int) -> Iterator["Report"]:
    """Simulate the seeds, giving their reports in order."""
    if processes == 1 or len(seeds) == 1:
        for seed in seeds:
            yield play(seed, plant_name)
        return
    with ProcessPoolExecutor(processes) as pool:
        try:
            yield from pool.map(play, seeds, [plant_name] * len(seeds), chunksize=CHUNK)
        finally:
            pool.shutdown(cancel_futures=True)


def hunt(seeds: Sequence[int], processes: int, tail: int) -> int:
    """Simulate until a promise is broken; 1 when one was."""
    began_s = time.perf_counter()
    events = 0
    for report in play_all(seeds, "", processes):
        events += sum(report.counts.values())
        if report.violations:
            show(report, tail)
            return 1
        if (report.seed - seeds[0]) % 100 == 99:
            print(f"{report.seed - seeds[0] + 1} of {len(seeds)} seeds: all well", flush=True)
    took_s = time.perf_counter() - began_s
    print(f"{len(seeds)} seeds, {events} events, {took_s:.1f} s, {len(seeds) / took_s:.1f} seeds/s: all well")
    return 0


def show(report: "Report", tail: int) -> None:
    """Print one seed's end, what went wrong, and the fingerprint of everything that happened."""
    print("\n".join(report.tail[-tail:] if tail else ()))
    print(report.story)
    print(f"  {sum(report.counts.values())} events, fingerprint {report.fingerprint}")


def notice(seeds: Sequence[int], plant_names: Sequence[str]) -> int:
    """Plant each bug by itself; 1 when the auditor does not notice one of them."""
    missed = 0
    for name in plant_names:
        for report in play_all(seeds, name, 1):
            if report.violations:
                first = report.violations[0]
                print(f"{name}: noticed at seed {report.seed}: {first.rule}: {first.detail}", flush=True)
                break
        else:
            missed = 1
            print(f"{name}: NOT NOTICED within {len(seeds)} seeds", flush=True)
    return missed


def main() -> int:
    """Simulate; 1 when a promise was broken, or a planted bug went unnoticed."""
    from simulation.plant import PLANTS

    names = [plant.name for plant in PLANTS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="only this one, with its last events")
    parser.add_argument("--tail", type=int, default=60, help="last events to print of a seed")
    parser.add_argument("--plant", choices=[*names, "all"], help="a bug to plant")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    if options.plant:
        return notice(seeds, names if options.plant == "all" else [options.plant])
    if options.seed is not None:
        report = play(options.seed, "")
        show(report, options.tail)
        return int(bool(report.violations))
    return hunt(seeds, options.processes, options.tail)


if __name__ == "__main__":
    sys.exit(main())

"""Run many simulations, or one again: ``python tests/simulation/run.py --seeds 1000``, ``--seed 7``.

A seed that fails is printed with what went wrong and what happened last; the same seed does the same again.
"""

import argparse
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Simulate; 1 when a promise was broken."""
    from simulation.plant import PLANTS
    from simulation.scenario import simulate

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="only this one, told from its end backwards")
    parser.add_argument("--tail", type=int, default=60, help="last events to print of a failing seed")
    parser.add_argument("--plant", choices=[plant.name for plant in PLANTS], help="a bug to plant")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.seeds)
    if options.seed is not None:
        seeds = range(options.seed, options.seed + 1)
    with ExitStack() as planted:
        for plant in PLANTS:
            if plant.name == options.plant:
                plant.plant(planted.enter_context(pytest.MonkeyPatch.context()))
        began_s = time.perf_counter()
        events = 0
        for seed in seeds:
            report = simulate(seed)
            events += sum(report.counts.values())
            if report.violations or options.seed is not None:
                print("\n".join(report.tail[-options.tail :]))
                print(report.story)
            if report.violations:
                return 1
    took_s = time.perf_counter() - began_s
    print(f"{len(seeds)} seeds, {events} events, {took_s:.1f} s, {len(seeds) / took_s:.1f} seeds/s: all well")
    return 0


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.exit(main())

"""Whatever equipment, networks, databases, operators and crashes do together, the promises hold."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from simulation.plant import PLANTS, Plant
from simulation.scenario import assert_promises_hold, simulate

SEEDS = 24
BLOCK = 8
"Seeds per test, so that several processes can share them."
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_the_promises_hold(first: int) -> None:
    """No overspend, nothing acknowledged is lost, every report counts once, the price is exact."""
    assert_promises_hold(range(first, first + BLOCK))


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1400, 100))
def test_the_promises_hold_for_long(first: int) -> None:
    """The same for some hundred seeds more."""
    assert_promises_hold(range(first, first + 100))


def test_a_simulation_does_much_of_everything() -> None:
    """The default seeds see traffic, conflicts, faults, crashes and operators: they prove something."""
    counts = simulate(0).counts
    for seed in range(1, 2 * BLOCK):
        counts += simulate(seed).counts

    expected = (
        "answered",
        "committed",
        "conflict",
        "failed",
        "lost",
        "crash",
        "stop",
        "reboot",
        "pays",
        "changes",
    )
    assert {what: counts[what] > 3 for what in expected} == dict.fromkeys(expected, True)


def run_again(*arguments: str, hash_seed: str, code: int = 0) -> str:
    """What `make sim` prints, from a process of its own."""
    done = subprocess.run(
        (sys.executable, str(ROOT / "tests/simulation/run.py"), *arguments),
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_same_seed_does_the_same() -> None:
    """`make sim SEED=n` repeats a run exactly: the same events and fingerprint, whatever the process."""
    told = {run_again("--seed", "1", hash_seed=hash_seed) for hash_seed in ("1", "2", "3")}

    (story,) = told
    report = simulate(1)
    assert f"{sum(report.counts.values())} events, fingerprint {report.fingerprint}" in story
    assert report.tail[-1] in story
    assert report.fingerprint != simulate(2).fingerprint


@pytest.mark.plants
def test_a_broken_promise_is_told_with_its_seed() -> None:
    """With a planted bug the run names the seed and the promise; without it that seed is well."""
    told = run_again("--plant", "parent-unchecked", "--seeds", "5", hash_seed="1")

    assert re.search(r"parent-unchecked: noticed at seed \d+: ", told), told


@pytest.mark.plants
@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_planted_bugs_are_noticed(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these bugs breaks a promise within the number of seeds that it was found to need."""
    plant.plant(monkeypatch)

    assert any(simulate(seed).violations for seed in range(plant.seeds))

"""Whatever equipment, networks, databases, operators and crashes do together, the promises hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulation.plant import PLANTS, Plant
from simulation.scenario import simulate

SEEDS = 40
BLOCK = 10
"Seeds per test, so that several processes can share them."
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_the_promises_hold(first: int) -> None:
    """No overspend, nothing acknowledged is lost, every report counts once, the price is exact."""
    for seed in range(first, first + BLOCK):
        report = simulate(seed)

        assert not report.violations, report.story


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1400, 100))
def test_the_promises_hold_for_long(first: int) -> None:
    """The same for some hundred seeds more."""
    for seed in range(first, first + 100):
        report = simulate(seed)

        assert not report.violations, report.story


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


def test_the_same_seed_does_the_same() -> None:
    """Two processes with unlike hash seeds live through exactly the same events."""
    script = (
        "from simulation.scenario import simulate; print(*(simulate(seed).fingerprint for seed in (1, 2)))"
    )
    fingerprints = set()
    for hash_seed in ("1", "2"):
        environment = os.environ | {
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
        }
        run = subprocess.run(
            (sys.executable, "-c", script), env=environment, capture_output=True, text=True, check=True
        )
        fingerprints.add(run.stdout)

    assert len(fingerprints) == 1
    assert len(set(fingerprints.pop().split())) == 2


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_planted_bugs_are_noticed(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these bugs breaks a promise within the number of seeds that it was found to need."""
    plant.plant(monkeypatch)

    assert any(simulate(seed).violations for seed in range(plant.seeds))

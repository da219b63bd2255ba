"""Included minutes under everything that equipment, networks, databases, operators and crashes do."""

import pytest
from simulation.allowance import AllowanceAuditor, AllowanceSimulation
from simulation.scenario import assert_promises_hold, simulate

from ocs.charging.allowance import Allowance

SEEDS = 10


@pytest.mark.parametrize("first", range(0, 2 * SEEDS, SEEDS))
def test_the_promises_hold_for_units_too(first: int) -> None:
    """No second is promised twice or counted twice, and the price is for what was not included."""
    assert_promises_hold(range(first, first + SEEDS), AllowanceSimulation)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1200, 50))
def test_the_promises_hold_for_units_for_long(first: int) -> None:
    """The same for some hundred seeds more."""
    assert_promises_hold(range(first, first + 50), AllowanceSimulation)


@pytest.mark.plants
@pytest.mark.parametrize("bug", ["hold", "take", "release"])
def test_planted_bugs_are_noticed(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    """Units that are not held, not taken or not given back: each breaks a promise before long."""
    monkeypatch.setattr(Allowance, bug, lambda *_: None)

    assert any(simulate(seed, AllowanceSimulation).violations for seed in range(SEEDS))


def test_the_auditor_is_the_one_that_looks_at_units() -> None:
    """Without that the tests above would prove nothing new."""
    assert AllowanceSimulation.auditor_type is AllowanceAuditor

"""Calls that are asked for again, under everything that networks, databases, operators and crashes do."""

import pytest
from simulation.renewal import RenewalSimulation
from simulation.scenario import assert_promises_hold, simulate

from ocs.charging.case import Case

SEEDS = 8


def test_the_promises_hold_for_who_asks_again() -> None:
    """Whatever equipment was told is held, until its calls end, although it tells little."""
    assert_promises_hold(range(SEEDS), RenewalSimulation)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1100, 50))
def test_the_promises_hold_for_who_asks_again_for_long(first: int) -> None:
    """The same for some hundred seeds more."""
    assert_promises_hold(range(first, first + 50), RenewalSimulation)


@pytest.mark.plants
def test_presuming_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the same held seconds are granted again and again."""
    monkeypatch.setattr(Case, "presume_usage", lambda *_: None)

    assert any(simulate(seed, RenewalSimulation).violations for seed in range(SEEDS))

"""Server time and identifiers: neither ever goes back."""

import itertools
import time

import pytest

from ocs.charging.clock import SnowflakeIds, SystemClock


def test_the_clock_goes_on_when_the_machine_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step back of the machine's clock changes nothing; a step forward is followed when looked for."""
    clock = SystemClock()
    before = clock.now_ms()
    real = time.time_ns

    monkeypatch.setattr(time, "time_ns", lambda: real() - 3_600_000_000_000)
    clock.follow()
    assert before <= clock.now_ms() < before + 60_000
    monkeypatch.setattr(time, "time_ns", lambda: real() + 3_600_000_000_000)
    clock.follow()

    assert clock.now_ms() >= before + 3_600_000


def test_identifiers_grow_and_fit_63_bits() -> None:
    """Ten thousand in one go are all different, increasing, and small enough for a signed column."""
    ids = SnowflakeIds(node=255)

    made = [ids.next_id() for _ in range(10_000)]

    assert all(one < other for one, other in itertools.pairwise(made))
    assert made[-1] < 2**63
    assert {number >> 13 & 0xFF for number in made} == {255}


def test_identifiers_go_on_from_those_in_use() -> None:
    """A process that starts after the machine's clock was stepped back makes none a second time."""
    ahead = SnowflakeIds().next_id() + (3_600_000 << 21)

    ids = SnowflakeIds(after=ahead)

    assert ahead < ids.next_id() < ids.next_id()

"""Deltas added up, once per request number."""

import pytest

from ocs.charging.request import Usage
from ocs.errors import AlreadyExistsError
from ocs.grpc.running_total import RunningTotals
from ocs.units import Measure

KEY = (1, "call-1")


def seconds(count: int) -> Usage:
    """Usage of a call."""
    return Usage(seconds=count)


def test_deltas_add_up() -> None:
    """Each new request number adds its delta, unit by unit."""
    totals = RunningTotals()

    totals.add(KEY, 1, Usage(seconds=60, octets_in=1, octets_out=2, messages=3))
    total = totals.add(KEY, 2, Usage(seconds=30, octets_in=10, octets_out=20, messages=30))

    assert total == Usage(seconds=90, octets_in=11, octets_out=22, messages=33)


def test_replay_of_a_number_adds_nothing() -> None:
    """A request that is sent again, late and out of order, is counted once."""
    totals = RunningTotals()
    for number, count in ((1, 60), (2, 30), (1, 60), (2, 30)):
        total = totals.add(KEY, number, seconds(count))

    assert total == seconds(90)


def test_same_number_with_another_delta_is_refused() -> None:
    """The first delta stays counted; the other one is an error that names the request."""
    totals = RunningTotals()
    totals.add(KEY, 1, seconds(60))

    with pytest.raises(AlreadyExistsError, match="request 1 of call-1"):
        totals.add(KEY, 1, seconds(61))
    assert totals.add(KEY, 2, seconds(1)) == seconds(61)


def test_sessions_and_gateways_are_strangers() -> None:
    """The same session key at another gateway is another session."""
    totals = RunningTotals()
    totals.add((1, "a"), 1, seconds(60))

    assert totals.add((2, "a"), 1, seconds(5)) == seconds(5)
    assert totals.add((1, "b"), 1, seconds(7)) == seconds(7)


def test_total_beside_a_delta_holds() -> None:
    """Later deltas count on top of a total that came along, which never goes back."""
    totals = RunningTotals()
    totals.set_total(KEY, 3, total=seconds(600), delta=seconds(60))
    totals.set_total(KEY, 2, total=seconds(540), delta=seconds(60))

    assert totals.add(KEY, 4, seconds(10)) == seconds(610)
    assert totals.add(KEY, 3, seconds(60)) == seconds(610)


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (Measure.SECONDS, Usage(600, 1, 2, 3)),
        (Measure.OCTETS, Usage(5, 598, 2, 3)),
        (Measure.MESSAGES, Usage(5, 1, 2, 600)),
    ],
)
def test_books_that_hold_more_are_believed(measure: Measure, expected: Usage) -> None:
    """After a restart the next delta counts on top of what the books hold."""
    totals = RunningTotals()
    totals.add(KEY, 8, Usage(5, 1, 2, 3))

    totals.raise_to(KEY, measure, 600)

    assert totals.add(KEY, 9, Usage()) == expected


def test_books_that_hold_less_change_nothing() -> None:
    """An outcome of an earlier request may arrive late."""
    totals = RunningTotals()
    totals.add(KEY, 1, seconds(60))

    totals.raise_to(KEY, Measure.SECONDS, 10)

    assert totals.add(KEY, 2, seconds(1)) == seconds(61)


def test_unknown_session_is_not_remembered_for_catching_up() -> None:
    """Only sessions that report deltas cost memory."""
    totals = RunningTotals()

    totals.raise_to(KEY, Measure.SECONDS, 600)

    assert len(totals) == 0


def test_least_recently_used_session_is_forgotten() -> None:
    """The number of sessions is bounded; one in use stays."""
    totals = RunningTotals(sessions_max=2)
    totals.add((1, "a"), 1, seconds(1))
    totals.add((1, "b"), 1, seconds(1))
    totals.add((1, "a"), 2, seconds(1))
    totals.add((1, "c"), 1, seconds(1))

    assert len(totals) == 2
    assert totals.add((1, "a"), 3, seconds(1)) == seconds(3)
    assert totals.add((1, "b"), 2, seconds(1)) == seconds(1)


def test_numbers_of_a_session_are_bounded() -> None:
    """The oldest number is forgotten: its replay is the books' to recognise."""
    totals = RunningTotals(numbers_max=2)
    for number in (1, 2, 3):
        totals.add(KEY, number, seconds(10))

    assert totals.add(KEY, 2, seconds(10)) == seconds(30)
    assert totals.add(KEY, 3, seconds(10)) == seconds(30)

"""Acceptances that wait for the first report of a call that goes by another name."""

import pytest

import ocs.radius.pending
from ocs.radius.pending import CLAIM_MAX_MS, Parties, PendingCalls

ALICE = Parties(7, "15550100", "441")
BOB = Parties(7, "15550101", "441")


def test_the_oldest_acceptance_between_the_same_numbers_is_claimed_once() -> None:
    """Two calls of the same parties are joined in their order; a third report finds nothing."""
    calls = PendingCalls()
    calls.note(ALICE, "a1", 0)
    calls.note(BOB, "b1", 1)
    calls.note(ALICE, "a2", 2)

    assert [calls.claim(ALICE, f"r{n}", 3) for n in range(3)] == ["a1", "a2", ""]
    assert calls.claim(BOB, "r", 3) == "b1"
    assert len(calls) == 0


def test_a_report_by_the_accepted_name_claims_nothing() -> None:
    """And uses up its own acceptance, wherever in the row it stands."""
    calls = PendingCalls()
    for key in ("a1", "a2", "a3"):
        calls.note(ALICE, key, 0)

    assert calls.claim(ALICE, "a2", 1) == ""
    assert [calls.claim(ALICE, f"r{n}", 1) for n in range(3)] == ["a1", "a3", ""]


def test_an_acceptance_is_claimed_while_the_call_may_ring() -> None:
    """A later report is of another call."""
    calls = PendingCalls()
    calls.note(ALICE, "a1", 0)
    calls.note(ALICE, "a2", 1)

    assert calls.claim(ALICE, "r", CLAIM_MAX_MS + 1) == "a2"
    assert len(calls) == 0


def test_a_repeated_or_numberless_acceptance_is_noted_once_or_never() -> None:
    """A re-authorisation is the same call; without a called number nothing could be recognised."""
    calls = PendingCalls()
    calls.note(ALICE, "a1", 0)
    calls.note(ALICE, "a1", 5)
    calls.note(ALICE._replace(called=""), "a2", 5)

    assert len(calls) == 1


def test_gateways_do_not_share_calls() -> None:
    """The same numbers at another gateway are another call."""
    calls = PendingCalls()
    calls.note(ALICE, "a1", 0)

    assert calls.claim(ALICE._replace(gateway_id=8), "r", 1) == ""


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest acceptance makes room."""
    monkeypatch.setattr(ocs.radius.pending, "CALLS_MAX", 3)
    calls = PendingCalls()
    for number in range(10):
        calls.note(ALICE, f"a{number}", number)

    assert len(calls) == 3
    assert calls.claim(ALICE, "r", 10) == "a7"

"""From "no answer" to a gRPC status."""

import grpc
import pytest

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.errors import InputError, InputErrors
from ocs.grpc.status import (
    FAILURE_MESSAGE_CHARACTERS_MAX,
    STATUS,
    failure_of,
    input_failure,
    missing_outcome,
    no_answer_failure,
)

GRANTED = Outcome(code=OutcomeCode.SUCCESS)


def test_every_missing_answer_has_a_status() -> None:
    """A member added to `NoAnswer` needs its line in the table."""
    assert set(STATUS) == set(NoAnswer)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (NoAnswer.OVERLOADED, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (NoAnswer.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE),
        (NoAnswer.KEY_REUSED, grpc.StatusCode.ALREADY_EXISTS),
    ],
)
def test_missing_answer_becomes_a_status_with_advice(reason: NoAnswer, code: grpc.StatusCode) -> None:
    """The failure carries the code's number and tells the client what to do."""
    failure = no_answer_failure(reason)

    assert failure.status_code == code.value[0]
    assert "nothing was done" in failure.message or "send the request again" in failure.message


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([GRANTED], None),
        ([GRANTED, GRANTED], None),
        ([NoAnswer.OVERLOADED], NoAnswer.OVERLOADED),
        ([GRANTED, NoAnswer.OVERLOADED], NoAnswer.OVERLOADED),
        ([NoAnswer.OVERLOADED, NoAnswer.UNAVAILABLE], NoAnswer.UNAVAILABLE),
        ([NoAnswer.UNAVAILABLE, GRANTED, NoAnswer.KEY_REUSED], NoAnswer.KEY_REUSED),
    ],
)
def test_services_that_fare_differently_have_one_status(
    results: list[Outcome | NoAnswer], expected: NoAnswer | None
) -> None:
    """What must not be retried comes first, what is not known to be undone second."""
    assert missing_outcome(results) is expected


def test_bad_fields_are_listed_and_in_the_text() -> None:
    """A client that knows only the status message still learns every place."""
    errors = InputErrors("request", [InputError("type", "0 is none"), InputError("services", "0 of them")])

    failure = input_failure(errors)

    assert failure.status_code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert failure.message == "type: 0 is none; services: 0 of them"
    assert [(violation.field, violation.description) for violation in failure.field_violations] == [
        ("type", "0 is none"),
        ("services", "0 of them"),
    ]


def test_long_message_is_cut() -> None:
    """A failure never outgrows the headers that carry it."""
    assert len(failure_of(grpc.StatusCode.INTERNAL, "x" * 5000).message) == FAILURE_MESSAGE_CHARACTERS_MAX

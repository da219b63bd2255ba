"""The one table from "no answer" to a gRPC status, and how a failure travels.

A failure is a `RequestFailure` message wherever it goes: inside the stream of `Session`, and for other calls
as a status whose trailer `ocs-failure-bin` carries it. One message on both ways serves every client without
another library; the rich error model of google.rpc would need one for the same content.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Never

import grpc

from ocs.charging.outcome import NoAnswer, Outcome
from ocs.errors import AlreadyExistsError, InputErrors
from ocs.grpc.pb import charging_pb2 as pb

FAILURE_TRAILER = "ocs-failure-bin"
FAILURE_MESSAGE_CHARACTERS_MAX = 1000
"Longer messages are cut: they travel in HTTP/2 headers, which peers bound."

STATUS: Mapping[NoAnswer, tuple[grpc.StatusCode, str]] = {
    NoAnswer.KEY_REUSED: (
        grpc.StatusCode.ALREADY_EXISTS,
        "this identification was used before with another body; nothing was done",
    ),
    NoAnswer.UNAVAILABLE: (
        grpc.StatusCode.UNAVAILABLE,
        "the books cannot be written now; send the request again, unchanged",
    ),
    NoAnswer.OVERLOADED: (
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "the server is full; send the request again, unchanged, a little later",
    ),
}
"In order of precedence: what a request of many services is told when they fare differently."


def failure_of(code: grpc.StatusCode, message: str) -> pb.RequestFailure:
    """A failure with a status code and a text."""
    return pb.RequestFailure(status_code=code.value[0], message=message[:FAILURE_MESSAGE_CHARACTERS_MAX])


def input_failure(errors: InputErrors) -> pb.RequestFailure:
    """INVALID_ARGUMENT that names every bad field, in the text too."""
    text = "; ".join(str(error) for error in errors.errors)
    failure = failure_of(grpc.StatusCode.INVALID_ARGUMENT, text)
    for error in errors.errors:
        failure.field_violations.add(field=error.place, description=error.reason)
    return failure


def reused_failure(error: AlreadyExistsError) -> pb.RequestFailure:
    """ALREADY_EXISTS found at the edge."""
    return failure_of(grpc.StatusCode.ALREADY_EXISTS, str(error))


def missing_outcome(results: Sequence[Outcome | NoAnswer]) -> NoAnswer | None:
    """Why a request has no answer: the first in `STATUS` that a service met; None when all are answered."""
    for reason in STATUS:
        if reason in results:
            return reason
    return None


def no_answer_failure(reason: NoAnswer) -> pb.RequestFailure:
    """The failure that a missing outcome is to the client."""
    return failure_of(*STATUS[reason])


async def abort(context: grpc.aio.ServicerContext[Any, Any], failure: pb.RequestFailure) -> Never:
    """End a call with the failure's status and trailer."""
    code = CODES[failure.status_code]
    await context.abort(code, failure.message, ((FAILURE_TRAILER, failure.SerializeToString()),))


CODES: Mapping[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}
"Status codes by their numbers."

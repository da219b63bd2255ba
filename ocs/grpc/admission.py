"""The way into the operators' services: who may call, and which status an error is.

Owns what `ocs.v1.Rating` and `ocs.v1.Admin` have in common. Does not own roles (`ocs.grpc.access`) or how a
failure travels (`ocs.grpc.status`).
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import grpc

from ocs.errors import (
    AlreadyExistsError,
    ConflictError,
    InputError,
    InputErrors,
    InUseError,
    NotFoundError,
    OcsError,
    StoreUnavailableError,
)
from ocs.grpc.access import Caller
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.peer import Context, Denial
from ocs.grpc.status import abort, failure_of, input_failure

T = TypeVar("T")

Permit = Callable[[Context, str, str], Caller | Denial]
"(call, service, method) -> who is calling, or why it may not; `AccessControl.permit` is one."

STATUS: Mapping[type[OcsError], grpc.StatusCode] = {
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    ConflictError: grpc.StatusCode.ABORTED,
    InUseError: grpc.StatusCode.FAILED_PRECONDITION,
    StoreUnavailableError: grpc.StatusCode.UNAVAILABLE,
}


class Door:
    """Lets callers into one service."""

    def __init__(self, permit: Permit, service: str) -> None:
        self._permit = permit
        self._service = service

    async def serve(self, context: Context, method: str, work: Callable[[Caller], Awaitable[T]]) -> T:
        """Do what a call asks for; a caller who may not, and an `OcsError`, end it with their status."""
        caller = self._permit(context, self._service, method)
        if isinstance(caller, Denial):
            await abort(context, failure_of(caller.code, caller.text))
        try:
            return await work(caller)
        except OcsError as error:
            await abort(context, failure_of_error(error))


def failure_of_error(error: OcsError) -> pb.RequestFailure:
    """What an error is to the client."""
    if isinstance(error, InputErrors):
        return input_failure(error)
    if isinstance(error, InputError):
        return input_failure(InputErrors("request", [error]))
    return failure_of(STATUS[type(error)], str(error))

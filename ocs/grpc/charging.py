"""The servicer of `ocs.v1.Charging`: each call becomes `ChargingRequest`s, each outcome an answer.

Owns the way of one call and the set of open streams. Does not own what messages mean
(`ocs.grpc.translation`), statuses (`ocs.grpc.status`), the way of a stream (`ocs.grpc.stream`) or who may
call (`ocs.grpc.peer`). Runs on one event loop.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import grpc

from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest
from ocs.charging.service import ChargingService, SessionNotice
from ocs.errors import AlreadyExistsError, InputErrors
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.pb import charging_pb2_grpc
from ocs.grpc.peer import Context, Denial, GatewayFor
from ocs.grpc.status import (
    abort,
    failure_of,
    input_failure,
    missing_outcome,
    no_answer_failure,
    reused_failure,
)
from ocs.grpc.stream import Admission, SessionStream, submit_all
from ocs.grpc.translation import (
    Translator,
    session_of_key,
    to_balance_answer,
    to_debit_answer,
    to_price_answer,
    to_refund_answer,
)
from ocs.ports import Clock, Gateway

TOO_LATE = failure_of(
    grpc.StatusCode.DEADLINE_EXCEEDED,
    "the deadline passed before the request was looked at; nothing was done",
)


class ChargingServicer(charging_pb2_grpc.ChargingServicer):
    """Serves `ocs.v1.Charging`. Methods with capitals are the protocol's.

    It is also the `ocs.charging.service.SessionObserver` that tells streams what concerns them.
    """

    def __init__(
        self,
        service: ChargingService,
        clock: Clock,
        gateway_for: GatewayFor,
        translator: Translator,
        *,
        stream_window: int,
    ) -> None:
        self._service = service
        self._clock = clock
        self._gateway_for = gateway_for
        self._translator = translator
        self._stream_window = stream_window
        self._streams: set[SessionStream] = set()

    # ------------------------------------------------------------------------------ calls

    async def Charge(self, request: pb.ChargeRequest, context: Context) -> pb.ChargeAnswer:  # noqa: N802 protocol's
        """Answer one charging request."""
        gateway = await self._admit_call(context)
        try:
            requests = self._translator.to_charging(request, gateway, now_ms=self._clock.now_ms())
        except InputErrors as errors:
            await abort(context, input_failure(errors))
        except AlreadyExistsError as error:
            await abort(context, reused_failure(error))
        outcomes = await self._outcomes(requests, context)
        answer = pb.ChargeAnswer()
        self._translator.answer(answer, request, requests, outcomes)
        return answer

    async def CheckBalance(  # noqa: N802 protocol's
        self, request: pb.CheckBalanceRequest, context: Context
    ) -> pb.CheckBalanceAnswer:
        """Tell whether a service is covered."""
        _, outcome = await self._event(self._translator.to_balance_check, request, context)
        return to_balance_answer(outcome)

    async def EnquirePrice(  # noqa: N802 protocol's
        self, request: pb.EnquirePriceRequest, context: Context
    ) -> pb.EnquirePriceAnswer:
        """Price a service before it is used."""
        asked, outcome = await self._event(self._translator.to_price_enquiry, request, context)
        return to_price_answer(asked, outcome)

    async def Refund(self, request: pb.RefundRequest, context: Context) -> pb.RefundAnswer:  # noqa: N802 protocol's
        """Give back what an event was charged."""
        _, outcome = await self._event(self._translator.to_refund, request, context)
        return to_refund_answer(outcome)

    async def DirectDebit(  # noqa: N802 protocol's
        self, request: pb.DirectDebitRequest, context: Context
    ) -> pb.DirectDebitAnswer:
        """Debit what is delivered at once."""
        _, outcome = await self._event(self._translator.to_direct_debit, request, context)
        return to_debit_answer(outcome)

    async def _event(
        self, translate: Callable[..., ChargingRequest], message: Any, context: Context
    ) -> tuple[ChargingRequest, Outcome]:
        """The way of every call that is one event."""
        gateway = await self._admit_call(context)
        try:
            request = translate(message, gateway, now_ms=self._clock.now_ms())
        except InputErrors as errors:
            await abort(context, input_failure(errors))
        (outcome,) = await self._outcomes([request], context)
        return request, outcome

    async def _admit_call(self, context: Context) -> Gateway:
        """The gateway that is calling. Ends the call when the peer is refused or has gone already."""
        admission = self._admission(context)
        if isinstance(admission, pb.RequestFailure):
            await abort(context, admission)
        if has_gone(context):
            await abort(context, TOO_LATE)
        return admission

    def _admission(self, context: Context) -> Admission:
        found = self._gateway_for(context)
        if found is None:
            return DENIALS[Denial.UNKNOWN_PEER]
        return DENIALS[found] if isinstance(found, Denial) else found

    async def _outcomes(self, requests: Sequence[ChargingRequest], context: Context) -> Sequence[Outcome]:
        """Submit and wait. Ends the call when there is no answer."""
        waiting: asyncio.Future[Sequence[Outcome | NoAnswer]] = asyncio.get_running_loop().create_future()

        def done(results: Sequence[Outcome | NoAnswer]) -> None:
            if not waiting.done():  # the caller may have gone meanwhile
                waiting.set_result(results)

        submit_all(self._service, requests, done)
        results = await waiting
        reason = missing_outcome(results)
        if reason is not None:
            await abort(context, no_answer_failure(reason))
        return [result for result in results if isinstance(result, Outcome)]

    # ------------------------------------------------------------------------------ streams

    async def Session(  # noqa: N802 protocol's
        self, request_iterator: AsyncIterator[pb.ChargeRequest], context: Context
    ) -> None:
        """Serve one stream of requests."""
        await self._serve_stream(_single(request_iterator), context)

    async def BatchSession(  # noqa: N802 protocol's
        self, request_iterator: AsyncIterator[pb.ChargeBatch], context: Context
    ) -> None:
        """Serve one stream of batches."""
        await self._serve_stream(_batched(request_iterator), context)

    async def _serve_stream(
        self, batches: AsyncIterator[Iterable[pb.ChargeRequest]], context: Context
    ) -> None:
        gateway = await self._admit_call(context)
        stream = SessionStream(
            self._service,
            self._clock,
            self._translator,
            context.write,
            gateway_id=gateway.id,
            window=self._stream_window,
        )
        self._streams.add(stream)
        try:
            await stream.run(batches, lambda: self._admission(context))
        finally:
            self._streams.discard(stream)

    def session_changed(
        self,
        gateway_id: int,
        session_key: str,
        notice: SessionNotice,
        reason: str,
        *,
        peer_attributes: str = "",  # noqa: ARG002 - streams are found by the session's key
    ) -> None:
        """Tell every stream of the gateway, whichever stream the session came by."""
        session_id, service = session_of_key(session_key)
        for stream in self._streams:
            if stream.gateway_id != gateway_id:
                continue
            if notice is SessionNotice.END:
                stream.end_session(session_id, service, reason)
            else:
                stream.ask_for_report(session_id, service, reason)

    def say_go_away(self, grace_s: int) -> None:
        """Tell every stream to move: the server is about to stop."""
        for stream in self._streams:
            stream.say_go_away(grace_s)


async def _single(messages: AsyncIterator[pb.ChargeRequest]) -> AsyncIterator[Iterable[pb.ChargeRequest]]:
    async for message in messages:
        yield (message,)


async def _batched(messages: AsyncIterator[pb.ChargeBatch]) -> AsyncIterator[Iterable[pb.ChargeRequest]]:
    async for message in messages:
        yield message.requests


def has_gone(context: Context) -> bool:
    """Whether nobody waits for the answer any more: cancelled, finished, or past its deadline."""
    remaining_s: float | None = context.time_remaining()  # None without a deadline, whatever the stubs say
    return context.done() or (remaining_s is not None and remaining_s <= 0)


DENIALS = {denial: failure_of(denial.code, denial.text) for denial in Denial}
"Failures of refused peers, made once."

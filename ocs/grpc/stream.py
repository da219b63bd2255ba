"""One stream of charging requests: reads, submits, writes answers as they become ready, pushes notices.

Owns what is under way on a stream, its bounds and its end. Does not own what messages mean
(`ocs.grpc.translation`) or who may open a stream (`ocs.grpc.charging`). No task is made per request.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial

from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest
from ocs.charging.service import ChargingService
from ocs.errors import AlreadyExistsError, InputErrors
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.status import input_failure, missing_outcome, no_answer_failure, reused_failure
from ocs.grpc.translation import Translator
from ocs.ports import Clock, Gateway

Done = Callable[[Sequence[Outcome | NoAnswer]], None]
"Called once with one result per service, in order."
Admission = Gateway | pb.RequestFailure
"Whom a peer is served as, or why it is not."


class SessionStream:
    """A stream of one gateway.

    Answers that become ready while a message is being written travel together in the next one: the group
    commit of the books comes out as one message. Requests that are not answered, or whose answer is not
    written yet, are bounded by `window`: past it nothing more is read, and the flow control of HTTP/2 slows
    the client down. Notices are bounded too: past `window` of them they are dropped and counted, because the
    next report of their session tells the same.
    """

    __slots__ = (
        "_clock",
        "_ended",
        "_open",
        "_outbox",
        "_ready",
        "_room",
        "_service",
        "_translator",
        "_window",
        "_write",
        "gateway_id",
        "notices_dropped",
    )

    def __init__(
        self,
        service: ChargingService,
        clock: Clock,
        translator: Translator,
        write: Callable[[pb.ServerMessage], Awaitable[None]],
        *,
        gateway_id: int,
        window: int,
    ) -> None:
        self._service = service
        self._clock = clock
        self._translator = translator
        self._write = write
        self._window = window
        self.gateway_id = gateway_id
        "Whose stream it is."
        self.notices_dropped = 0
        self._open = 0
        "Requests read whose answer or failure is not written yet."
        self._outbox = pb.ServerMessage()
        "What the next write carries."
        self._ready = asyncio.Event()
        "Something is in the outbox."
        self._room = asyncio.Event()
        "Something was written."
        self._ended = False

    async def run(
        self, batches: AsyncIterator[Iterable[pb.ChargeRequest]], admit: Callable[[], Admission]
    ) -> None:
        """Serve until the client closes its half and everything is answered; `admit` judges each batch."""
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(self._write_ready())
                async for batch in batches:
                    admission = admit()
                    for message in batch:
                        if self._open >= self._window:
                            await self._wait_below(self._window)
                        self._receive(message, admission)
                await self._wait_below(1)
                writer.cancel()
        finally:
            self._ended = True

    def ask_for_report(self, session_id: str, service: str, reason: str) -> None:
        """Ask the client to report a session now."""
        if self._has_room_for_notice():
            self._outbox.re_auths.add(session_id=session_id, service=service, reason=reason)
            self._ready.set()

    def end_session(self, session_id: str, service: str, reason: str) -> None:
        """Tell the client to end a session."""
        if self._has_room_for_notice():
            self._outbox.aborts.add(session_id=session_id, service=service, reason=reason)
            self._ready.set()

    def say_go_away(self, grace_s: int) -> None:
        """Tell the client to move."""
        self._outbox.go_away.grace_s = grace_s
        self._ready.set()

    def _has_room_for_notice(self) -> bool:
        if len(self._outbox.re_auths) + len(self._outbox.aborts) < self._window:
            return True
        self.notices_dropped += 1
        return False

    def _receive(self, message: pb.ChargeRequest, admission: Admission) -> None:
        self._open += 1
        if isinstance(admission, pb.RequestFailure):
            self._fail(message, admission)
            return
        try:
            requests = self._translator.to_charging(message, admission, now_ms=self._clock.now_ms())
        except InputErrors as errors:
            self._fail(message, input_failure(errors))
        except AlreadyExistsError as error:
            self._fail(message, reused_failure(error))
        else:
            submit_all(self._service, requests, partial(self._answer, message, requests))

    def _answer(
        self,
        message: pb.ChargeRequest,
        requests: Sequence[ChargingRequest],
        results: Sequence[Outcome | NoAnswer],
    ) -> None:
        if self._ended:
            return  # booked all the same: the client asks again on its next stream
        reason = missing_outcome(results)
        if reason is not None:
            self._fail(message, no_answer_failure(reason))
            return
        outcomes = [result for result in results if isinstance(result, Outcome)]
        self._translator.answer(self._outbox.answers.add(), message, requests, outcomes)
        self._ready.set()

    def _fail(self, message: pb.ChargeRequest, failure: pb.RequestFailure) -> None:
        sent = self._outbox.failures.add()
        sent.CopyFrom(failure)
        sent.session_id = message.session_id
        sent.request_number = message.request_number
        self._ready.set()

    async def _write_ready(self) -> None:
        while True:
            await self._ready.wait()
            self._ready.clear()
            outgoing, self._outbox = self._outbox, pb.ServerMessage()
            await self._write(outgoing)
            self._open -= len(outgoing.answers) + len(outgoing.failures)
            self._room.set()

    async def _wait_below(self, limit: int) -> None:
        while self._open >= limit:
            self._room.clear()
            await self._room.wait()


class _Collector:
    """Waits for the results of all services of one request."""

    __slots__ = ("_done", "_missing", "_results")

    def __init__(self, count: int, done: Done) -> None:
        self._results: list[Outcome | NoAnswer] = [NoAnswer.UNAVAILABLE] * count
        self._missing = count
        self._done = done

    def collect(self, index: int, result: Outcome | NoAnswer) -> None:
        self._results[index] = result
        self._missing -= 1
        if not self._missing:
            self._done(self._results)


def submit_all(service: ChargingService, requests: Sequence[ChargingRequest], done: Done) -> None:
    """Submit every service's request, then call `done` when all have their result."""
    if len(requests) == 1:
        service.submit(requests[0], lambda result: done((result,)))
        return
    collector = _Collector(len(requests), done)
    for index, request in enumerate(requests):
        service.submit(request, partial(collector.collect, index))

"""Clients of `ocs.v1.Charging` for Python, blocking and asyncio, with retry that keeps the key.

Owns retries, deadlines and the typed failure. Sending a request again unchanged is always safe, so a client
here does so until its time is up; what it must never do is to change the identification of a request between
two tries. Does not build messages: `ocs.grpc.pb.charging_pb2` has their types.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc

from ocs.errors import OcsError
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.pb.charging_pb2_grpc import ChargingStub
from ocs.grpc.status import CODES, FAILURE_TRAILER, failure_of

TIMEOUT_S = 10.0
RETRYABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
"Statuses after which the same request, unchanged, may fare better."
OPTIONS = (
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # A server that restarts is back within seconds: do not wait up to two minutes to look again.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)


class RequestFailedError(OcsError):
    """The server gave no answer: a failure of transport or a malformed request, not a refusal."""

    def __init__(self, failure: pb.RequestFailure) -> None:
        self.code = CODES[failure.status_code]
        super().__init__(f"{self.code.name}: {failure.message}")
        self.failure = failure
        "What the server said."

    @property
    def field_violations(self) -> tuple[tuple[str, str], ...]:
        """The bad fields of a malformed request: path and reason of each."""
        return tuple((one.field, one.description) for one in self.failure.field_violations)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """When to send a request again: exponential backoff with full jitter."""

    first_delay_s: float = 0.05
    delay_s_max: float = 2.0
    attempt_timeout_s: float = 3.0
    "How long one try may take before the next is made."

    def delays_s(self) -> Iterator[float]:
        """Pauses before the second, third, ... try, without end."""
        bound_s = self.first_delay_s
        while True:
            yield random.uniform(0, bound_s)  # noqa: S311 jitter spreads load, it hides nothing
            bound_s = min(bound_s * 2, self.delay_s_max)


class ChargingClient:
    """Blocking client. A context manager; safe to share between threads."""

    def __init__(self, channel: grpc.Channel, *, api_key: str = "", retry: RetryPolicy | None = None) -> None:
        self._channel = channel
        self._metadata = key_metadata(api_key)
        self._stub = ChargingStub(channel)  # type: ignore[no-untyped-call]  # generated
        self._retry = retry or RetryPolicy()

    @classmethod
    def connect(
        cls,
        address: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        api_key: str = "",
        retry: RetryPolicy | None = None,
    ) -> Self:
        """A client of the server at `host:port`.

        Without `credentials` everything goes in clear text, the key too: for this machine only.
        """
        if credentials is None:
            channel = grpc.insecure_channel(address, options=OPTIONS)
        else:
            channel = grpc.secure_channel(address, credentials, options=OPTIONS)
        return cls(channel, api_key=api_key, retry=retry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection; calls under way are cancelled."""
        self._channel.close()

    def charge(self, request: pb.ChargeRequest, *, timeout_s: float = TIMEOUT_S) -> pb.ChargeAnswer:
        """Send one charging request until it is answered.

        Raises:
            RequestFailedError: not answered within `timeout_s`, or trying again is of no use.
        """
        answer: pb.ChargeAnswer = self._call(self._stub.Charge, request, timeout_s)
        return answer

    def check_balance(
        self, request: pb.CheckBalanceRequest, *, timeout_s: float = TIMEOUT_S
    ) -> pb.CheckBalanceAnswer:
        """Ask whether a service is covered; see `charge` for errors."""
        answer: pb.CheckBalanceAnswer = self._call(self._stub.CheckBalance, request, timeout_s)
        return answer

    def enquire_price(
        self, request: pb.EnquirePriceRequest, *, timeout_s: float = TIMEOUT_S
    ) -> pb.EnquirePriceAnswer:
        """Ask what a service would cost; see `charge` for errors."""
        answer: pb.EnquirePriceAnswer = self._call(self._stub.EnquirePrice, request, timeout_s)
        return answer

    def refund(self, request: pb.RefundRequest, *, timeout_s: float = TIMEOUT_S) -> pb.RefundAnswer:
        """Give back what an event was charged; see `charge` for errors."""
        answer: pb.RefundAnswer = self._call(self._stub.Refund, request, timeout_s)
        return answer

    def direct_debit(
        self, request: pb.DirectDebitRequest, *, timeout_s: float = TIMEOUT_S
    ) -> pb.DirectDebitAnswer:
        """Debit what is delivered at once; see `charge` for errors."""
        answer: pb.DirectDebitAnswer = self._call(self._stub.DirectDebit, request, timeout_s)
        return answer

    def _call(self, method: Callable[..., Any], request: Any, timeout_s: float) -> Any:
        ends_at = time.monotonic() + timeout_s
        failed: RequestFailedError | None = None
        for delay_s in self._retry.delays_s():
            timeout = min(ends_at - time.monotonic(), self._retry.attempt_timeout_s)
            try:
                return method(request, timeout=timeout, metadata=self._metadata)
            except grpc.RpcError as error:
                failed = telling_failure(failed, failed_error(error))
            if not may_retry(failed, now=time.monotonic() + delay_s, ends_at=ends_at):
                raise failed
            time.sleep(delay_s)
        raise AssertionError  # the delays have no end


class AsyncChargingClient:
    """The same for asyncio, and the stream. An async context manager; bound to the running loop."""

    def __init__(
        self, channel: grpc.aio.Channel, *, api_key: str = "", retry: RetryPolicy | None = None
    ) -> None:
        self._channel = channel
        self._metadata = key_metadata(api_key)
        self._stub = ChargingStub(channel)  # type: ignore[no-untyped-call]  # generated
        self._retry = retry or RetryPolicy()

    @classmethod
    def connect(
        cls,
        address: str,
        *,
        credentials: grpc.ChannelCredentials | None = None,
        api_key: str = "",
        retry: RetryPolicy | None = None,
    ) -> Self:
        """A client of the server at `host:port`.

        Without `credentials` everything goes in clear text, the key too: for this machine only.
        """
        if credentials is None:
            channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        else:
            channel = grpc.aio.secure_channel(address, credentials, options=OPTIONS)
        return cls(channel, api_key=api_key, retry=retry)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connection; calls under way are cancelled."""
        await self._channel.close()

    async def charge(self, request: pb.ChargeRequest, *, timeout_s: float = TIMEOUT_S) -> pb.ChargeAnswer:
        """Send one charging request until it is answered; see `ChargingClient.charge`."""
        answer: pb.ChargeAnswer = await self._call(self._stub.Charge, request, timeout_s)
        return answer

    async def check_balance(
        self, request: pb.CheckBalanceRequest, *, timeout_s: float = TIMEOUT_S
    ) -> pb.CheckBalanceAnswer:
        """Ask whether a service is covered; see `charge` for errors."""
        answer: pb.CheckBalanceAnswer = await self._call(self._stub.CheckBalance, request, timeout_s)
        return answer

    async def enquire_price(
        self, request: pb.EnquirePriceRequest, *, timeout_s: float = TIMEOUT_S
    ) -> pb.EnquirePriceAnswer:
        """Ask what a service would cost; see `charge` for errors."""
        answer: pb.EnquirePriceAnswer = await self._call(self._stub.EnquirePrice, request, timeout_s)
        return answer

    async def refund(self, request: pb.RefundRequest, *, timeout_s: float = TIMEOUT_S) -> pb.RefundAnswer:
        """Give back what an event was charged; see `charge` for errors."""
        answer: pb.RefundAnswer = await self._call(self._stub.Refund, request, timeout_s)
        return answer

    async def direct_debit(
        self, request: pb.DirectDebitRequest, *, timeout_s: float = TIMEOUT_S
    ) -> pb.DirectDebitAnswer:
        """Debit what is delivered at once; see `charge` for errors."""
        answer: pb.DirectDebitAnswer = await self._call(self._stub.DirectDebit, request, timeout_s)
        return answer

    @contextlib.asynccontextmanager
    async def session_stream(self) -> AsyncIterator["ChargingStream"]:
        """Open a stream; it is ended, with everything answered, when the block is left."""
        stream = ChargingStream(self._stub.BatchSession(metadata=self._metadata))
        tasks = (asyncio.create_task(stream.read()), asyncio.create_task(stream.write()))
        try:
            yield stream
            stream.finish()
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            stream.cancel()

    async def _call(self, method: Callable[..., Any], request: Any, timeout_s: float) -> Any:
        ends_at = time.monotonic() + timeout_s
        failed: RequestFailedError | None = None
        for delay_s in self._retry.delays_s():
            timeout = min(ends_at - time.monotonic(), self._retry.attempt_timeout_s)
            try:
                return await method(request, timeout=timeout, metadata=self._metadata)
            except grpc.aio.AioRpcError as error:
                failed = telling_failure(failed, failed_error(error))
            if not may_retry(failed, now=time.monotonic() + delay_s, ends_at=ends_at):
                raise failed
            await asyncio.sleep(delay_s)
        raise AssertionError  # the delays have no end


class ChargingStream:
    """One `BatchSession` stream: many requests under way at once.

    Requests that become ready while a message is being written travel together in the next one. A stream
    does not retry by itself: when it breaks, or the server asks the client to move, requests fail with
    UNAVAILABLE, and the caller sends them again, unchanged, on a new stream or with
    `AsyncChargingClient.charge`.
    """

    def __init__(self, call: Any) -> None:
        self._call = call
        self._waiting: dict[tuple[str, int], asyncio.Future[pb.ChargeAnswer]] = {}
        self._outbox = pb.ChargeBatch()
        self._ready = asyncio.Event()
        "Something is in the outbox, or nothing will be any more."
        self._closed: pb.RequestFailure | None = None
        "Why nothing can be sent any more."
        self.pushed: asyncio.Queue[pb.ServerMessage] = asyncio.Queue()
        "Messages that carry a ReAuth, Abort or GoAway, as they came."

    async def charge(self, request: pb.ChargeRequest, *, timeout_s: float = TIMEOUT_S) -> pb.ChargeAnswer:
        """Send one request on the stream and wait for its answer.

        Raises:
            RequestFailedError: the server answered with a failure, the stream is at its end (UNAVAILABLE), or
                the time was up (DEADLINE_EXCEEDED).
            AssertionError: this very request is under way on the stream already.
        """
        if self._closed is not None:
            raise RequestFailedError(self._closed)
        key = (request.session_id, request.request_number)
        assert key not in self._waiting, key
        answered: asyncio.Future[pb.ChargeAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[key] = answered
        self._outbox.requests.append(request)
        self._ready.set()
        try:
            async with asyncio.timeout(timeout_s):
                return await answered
        except TimeoutError:
            text = f"no answer within {timeout_s} s"
            raise RequestFailedError(failure_of(grpc.StatusCode.DEADLINE_EXCEEDED, text)) from None
        finally:
            del self._waiting[key]

    async def write(self) -> None:
        """Send what is ready until `finish`; the client's own task does this."""
        with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):  # `read` learns why
            while True:
                await self._ready.wait()
                self._ready.clear()
                batch, self._outbox = self._outbox, pb.ChargeBatch()
                if batch.requests:
                    await self._call.write(batch)
                elif self._closed is not None:
                    await self._call.done_writing()
                    return

    async def read(self) -> None:
        """Hand out answers until the stream ends; the client's own task does this."""
        reason = "the stream was ended"
        try:
            async for message in self._call:
                self._deliver(message)
        except grpc.aio.AioRpcError as error:
            reason = f"the stream broke: {error.code().name}: {error.details()}"
        finally:
            self._close(reason)
            for answered in self._waiting.values():
                if not answered.done():
                    answered.set_exception(
                        RequestFailedError(failure_of(grpc.StatusCode.UNAVAILABLE, reason))
                    )

    def finish(self) -> None:
        """Send nothing more: the server answers what is open and ends the stream."""
        self._close("the stream was finished")

    def _close(self, reason: str) -> None:
        if self._closed is None:
            self._closed = failure_of(grpc.StatusCode.UNAVAILABLE, reason)
        self._ready.set()

    def cancel(self) -> None:
        """Break the stream off; harmless when it has ended."""
        self._call.cancel()

    def _deliver(self, message: pb.ServerMessage) -> None:
        for answer in message.answers:
            answered = self._waiting.get((answer.session_id, answer.request_number))
            if answered is not None and not answered.done():
                answered.set_result(answer)
        for failure in message.failures:
            answered = self._waiting.get((failure.session_id, failure.request_number))
            if answered is not None and not answered.done():
                answered.set_exception(RequestFailedError(failure))
        if message.HasField("go_away"):
            self._close("the server is about to stop: move to a new stream")
        if message.re_auths or message.aborts or message.HasField("go_away"):
            self.pushed.put_nowait(message)


def key_metadata(api_key: str) -> tuple[tuple[str, str], ...]:
    """Metadata that show an API key; none for an empty one."""
    return (("authorization", f"Bearer {api_key}"),) if api_key else ()


def failed_error(error: grpc.RpcError) -> RequestFailedError:
    """What a failed call means: the server's own failure if its trailer has one."""
    call: Any = error  # both kinds of RpcError are calls too; the base class does not say so
    for key, value in call.trailing_metadata() or ():
        if key == FAILURE_TRAILER:
            return RequestFailedError(pb.RequestFailure.FromString(value))
    return RequestFailedError(failure_of(call.code(), call.details() or ""))


def telling_failure(earlier: RequestFailedError | None, latest: RequestFailedError) -> RequestFailedError:
    """The one to report: that the time was up says less than what went wrong before."""
    if earlier is not None and latest.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return earlier
    return latest


def may_retry(failed: RequestFailedError, *, now: float, ends_at: float) -> bool:
    """Whether another try is of use, and begins in time. Times are in seconds of one clock."""
    return failed.code in RETRYABLE and now < ends_at

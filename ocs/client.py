"""The client of the API for Python, blocking and asyncio: `Client`, `AsyncClient`.

Everything here is public and stays. Both have `charging`, `rating` and `admin` with a method for every rpc of
the documents (messages are in the modules `charging_pb2`, `rating_pb2`, `admin_pb2`), a pool of channels, and
retries that never change what identifies a request: a change without a request id is given one before the
first try. `AsyncClient.session_stream` opens the stream of the fast path.

Owns channels and retries. Does not own the stream (`ocs.grpc.client`) or the methods (`ocs.grpc.pb.call`).
"""

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, TypeVar

import grpc

from ocs.grpc.client import (
    OPTIONS,
    AsyncChargingClient,
    ChargingClient,
    ChargingStream,
    RequestFailedError,
    RetryPolicy,
    failed_error,
    key_metadata,
    may_retry,
    telling_failure,
)
from ocs.grpc.pb import admin_pb2, charging_pb2, rating_pb2
from ocs.grpc.pb.call import (
    AdminCalls,
    AsyncAdminCalls,
    AsyncChargingCalls,
    AsyncRatingCalls,
    ChargingCalls,
    RatingCalls,
)

__all__ = [
    "AsyncChargingClient",
    "AsyncClient",
    "ChargingClient",
    "ChargingStream",
    "Client",
    "RequestFailedError",
    "RetryPolicy",
    "admin_pb2",
    "charging_pb2",
    "rating_pb2",
    "sheet_parts",
]

CHANNELS: Final = 2
"Connections that a client keeps, unless it is told otherwise."
PART_OCTETS: Final = 64 * 1024

T = TypeVar("T")
C = TypeVar("C", grpc.Channel, grpc.aio.Channel)

_POOL_OPTIONS: Final = (
    *OPTIONS,
    # Without it all channels to one address would share one connection.
    ("grpc.use_local_subchannel_pool", 1),
)


class _Pool:
    """Channels that take turns, with one callable per method and channel."""

    def __init__(self, channels: Sequence[Any]) -> None:
        self.channels = channels
        self._turns = itertools.cycle(channels)
        self._methods: dict[tuple[int, str, str], Any] = {}

    def next_channel(self) -> Any:
        """The channel whose turn it is."""
        return next(self._turns)

    def method(self, arity: str, path: str, answer: Any) -> Any:
        """What calls a method on the channel whose turn it is."""
        channel = self.next_channel()
        key = (id(channel), arity, path)
        found = self._methods.get(key)
        if found is None:
            found = self._methods[key] = getattr(channel, arity)(
                path,
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=answer.FromString,
            )
        return found


class Client:
    """A blocking client. A context manager; safe to share between threads."""

    def __init__(
        self, channels: Sequence[grpc.Channel], *, api_key: str = "", retry: RetryPolicy | None = None
    ) -> None:
        self._caller = _Caller(_Pool(channels), api_key, retry or RetryPolicy())
        self.charging = ChargingCalls(self._caller)
        self.rating = RatingCalls(self._caller)
        self.admin = AdminCalls(self._caller)

    @classmethod
    def connect(
        cls,
        *addresses: str,
        credentials: grpc.ChannelCredentials | None = None,
        api_key: str = "",
        retry: RetryPolicy | None = None,
        channels: int = CHANNELS,
    ) -> Self:
        """A client of the server at `host:port`, or of several nodes of one system, which take turns.

        Without `credentials` everything goes in clear text, the key too: for this machine only.

        Args:
            addresses: one or more.
            credentials: for TLS.
            api_key: what opens the server.
            retry: when to send a request again.
            channels: connections to each address.
        """
        made = [_channel(grpc, address, credentials) for address in addresses for _ in range(channels)]
        return cls(made, api_key=api_key, retry=retry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections; calls under way are cancelled."""
        for channel in self._caller.pool.channels:
            channel.close()


class _Caller:
    """Makes blocking calls (`ocs.grpc.pb.call.Caller`)."""

    def __init__(self, pool: _Pool, api_key: str, retry: RetryPolicy) -> None:
        self.pool = pool
        self._metadata = key_metadata(api_key)
        self._retry = retry

    def call(self, path: str, request: Any, answer: type[T], timeout_s: float, *, repeatable: bool) -> T:
        """Call until there is an answer, the time is up, or trying again is of no use.

        Raises:
            RequestFailedError: there is no answer.
        """
        sent = identified(request)
        ends_at = time.monotonic() + timeout_s
        failed: RequestFailedError | None = None
        for delay_s in self._retry.delays_s():
            left_s = ends_at - time.monotonic()
            timeout = min(left_s, self._retry.attempt_timeout_s) if repeatable else left_s
            try:
                found: T = self.pool.method("unary_unary", path, answer)(
                    sent, timeout=timeout, metadata=self._metadata
                )
            except grpc.RpcError as error:
                failed = telling_failure(failed, failed_error(error))
            else:
                return found
            if not (repeatable and may_retry(failed, now=time.monotonic() + delay_s, ends_at=ends_at)):
                raise failed
            time.sleep(delay_s)
        raise AssertionError  # the delays have no end

    def stream(self, path: str, request: Any, answer: type[T], timeout_s: float) -> Iterator[T]:
        """Call once and hand out the parts of the answer. RequestFailedError when it breaks off."""
        try:
            yield from self.pool.method("unary_stream", path, answer)(
                request, timeout=timeout_s, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise failed_error(error) from error

    def send(self, path: str, requests: Iterable[Any], answer: type[T], timeout_s: float) -> T:
        """Call once with the parts of a request. RequestFailedError when there is no answer."""
        try:
            found: T = self.pool.method("stream_unary", path, answer)(
                iter(requests), timeout=timeout_s, metadata=self._metadata
            )
        except grpc.RpcError as error:
            raise failed_error(error) from error
        return found


class AsyncClient:
    """The same for asyncio, and the stream. An async context manager; bound to the running loop."""

    def __init__(
        self, channels: Sequence[grpc.aio.Channel], *, api_key: str = "", retry: RetryPolicy | None = None
    ) -> None:
        self._api_key = api_key
        self._caller = _AsyncCaller(_Pool(channels), api_key, retry or RetryPolicy())
        self.charging = AsyncChargingCalls(self._caller)
        self.rating = AsyncRatingCalls(self._caller)
        self.admin = AsyncAdminCalls(self._caller)

    @classmethod
    def connect(
        cls,
        *addresses: str,
        credentials: grpc.ChannelCredentials | None = None,
        api_key: str = "",
        retry: RetryPolicy | None = None,
        channels: int = CHANNELS,
    ) -> Self:
        """A client of one or more servers; see `Client.connect`."""
        made = [_channel(grpc.aio, address, credentials) for address in addresses for _ in range(channels)]
        return cls(made, api_key=api_key, retry=retry)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the connections; calls under way are cancelled."""
        for channel in self._caller.pool.channels:
            await channel.close()

    def session_stream(self) -> AbstractAsyncContextManager[ChargingStream]:
        """Open a stream of charging requests; it ends, with everything answered, when its block is left."""
        return AsyncChargingClient(self._caller.pool.next_channel(), api_key=self._api_key).session_stream()


class _AsyncCaller:
    """Makes calls from asyncio (`ocs.grpc.pb.call.AsyncCaller`)."""

    def __init__(self, pool: _Pool, api_key: str, retry: RetryPolicy) -> None:
        self.pool = pool
        self._metadata = key_metadata(api_key)
        self._retry = retry

    async def call(
        self, path: str, request: Any, answer: type[T], timeout_s: float, *, repeatable: bool
    ) -> T:
        """See `_Caller.call`."""
        sent = identified(request)
        ends_at = time.monotonic() + timeout_s
        failed: RequestFailedError | None = None
        for delay_s in self._retry.delays_s():
            left_s = ends_at - time.monotonic()
            timeout = min(left_s, self._retry.attempt_timeout_s) if repeatable else left_s
            try:
                found: T = await self.pool.method("unary_unary", path, answer)(
                    sent, timeout=timeout, metadata=self._metadata
                )
            except grpc.aio.AioRpcError as error:
                failed = telling_failure(failed, failed_error(error))
            else:
                return found
            if not (repeatable and may_retry(failed, now=time.monotonic() + delay_s, ends_at=ends_at)):
                raise failed
            await asyncio.sleep(delay_s)
        raise AssertionError  # the delays have no end

    async def stream(self, path: str, request: Any, answer: type[T], timeout_s: float) -> AsyncIterator[T]:
        """See `_Caller.stream`."""
        try:
            async for part in self.pool.method("unary_stream", path, answer)(
                request, timeout=timeout_s, metadata=self._metadata
            ):
                yield part
        except grpc.aio.AioRpcError as error:
            raise failed_error(error) from error

    async def send(self, path: str, requests: Iterable[Any], answer: type[T], timeout_s: float) -> T:
        """See `_Caller.send`."""
        try:
            found: T = await self.pool.method("stream_unary", path, answer)(
                iter(requests), timeout=timeout_s, metadata=self._metadata
            )
        except grpc.aio.AioRpcError as error:
            raise failed_error(error) from error
        return found


def _channel(library: Any, address: str, credentials: grpc.ChannelCredentials | None) -> Any:
    if credentials is None:
        return library.insecure_channel(address, options=_POOL_OPTIONS)
    return library.secure_channel(address, credentials, options=_POOL_OPTIONS)


def identified(request: Any) -> Any:
    """The request with a request id: its own, or a new one in a copy where it has a place for it."""
    if "request_id" not in request.DESCRIPTOR.fields_by_name or request.request_id:
        return request
    if getattr(request, "validate_only", False):
        return request
    copy = type(request)()
    copy.CopyFrom(request)
    copy.request_id = uuid.uuid4().hex
    return copy


def sheet_parts(
    options: rating_pb2.ImportSheetOptions, sheet: BinaryIO
) -> Iterator[rating_pb2.ImportSheetRequest]:
    """What `rating.import_sheet` sends for a sheet: its options, then its octets in parts."""
    first = rating_pb2.ImportSheetOptions()
    first.CopyFrom(options)
    if not first.request_id and not first.validate_only:
        first.request_id = uuid.uuid4().hex
    yield rating_pb2.ImportSheetRequest(options=first)
    while chunk := sheet.read(PART_OCTETS):
        yield rating_pb2.ImportSheetRequest(chunk=chunk)

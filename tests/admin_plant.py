"""A gRPC server with all its services over a small operator, and clients with keys of every role."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from contract.backend import SqliteBackend
from world import World, voice_prices

from ocs.grpc.access import AccessControl, KeyRing, make_key
from ocs.grpc.admin import AdminService
from ocs.grpc.client import RequestFailedError, failed_error, key_metadata
from ocs.grpc.pb import admin_pb2, charging_pb2, rating_pb2
from ocs.grpc.rating import RatingServicer
from ocs.grpc.server import GrpcServer
from ocs.ports import ApiRole

SERVICES = {
    "Charging": charging_pb2.DESCRIPTOR.services_by_name["Charging"],
    "Rating": rating_pb2.DESCRIPTOR.services_by_name["Rating"],
    "Admin": admin_pb2.DESCRIPTOR.services_by_name["Admin"],
}
KEYS = {
    role: make_key(
        title=f"{role.value} key",
        roles=[role],
        gateway="gw" if role is ApiRole.CHARGING else "",
        created_at_ms=0,
    )
    for role in ApiRole
}


async def send_all(call: Any, parts: Iterable[Any]) -> None:
    """Send the parts of a request; when the server has ended the call meanwhile, its status says why.

    Handed an iterator, grpc.aio may report INTERNAL in place of that status.
    """
    with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        for part in parts:
            await call.write(part)
        await call.done_writing()


class Client:
    """Every method of every service by its name, as the bearer of one key."""

    def __init__(self, channel: grpc.aio.Channel, key_text: str) -> None:
        self._channel = channel
        self._metadata = key_metadata(key_text) if key_text else ()

    async def __call__(self, name: str, request: Any = None, /, **fields: Any) -> Any:
        """Call ``Admin.GetAccount``; a failure is the server's own. What is streamed is a list."""
        from google.protobuf.message_factory import GetMessageClass

        service, _, method_name = name.rpartition(".")
        method = SERVICES[service or "Admin"].methods_by_name[method_name]
        kind, answer = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        path = f"/{method.containing_service.full_name}/{method_name}"
        arity = "stream" if method.client_streaming else "unary"
        arity += "_stream" if method.server_streaming else "_unary"
        call = getattr(self._channel, arity)(
            path, request_serializer=kind.SerializeToString, response_deserializer=answer.FromString
        )
        sent = kind(**fields) if request is None else request
        try:
            if method.client_streaming:
                under_way = call(metadata=self._metadata, timeout=60)
                await send_all(under_way, sent if isinstance(sent, list) else [sent])
            else:
                under_way = call(sent, metadata=self._metadata, timeout=60)
            return [part async for part in under_way] if method.server_streaming else await under_way
        except grpc.aio.AioRpcError as error:
            raise failed_error(error) from error

    async def refused(self, name: str, request: Any = None, /, **fields: Any) -> RequestFailedError:
        """Make a call that must fail."""
        with pytest.raises(RequestFailedError) as caught:
            await self(name, request, **fields)
        return caught.value


Tell = Callable[[World, Callable[[ApiRole], Client]], Awaitable[None]]


async def play(kind: str, folder: Path, tell: Tell) -> None:
    """Play a story against a server with tariff and plan retail, and alice, who has 10.00.

    Args:
        kind: memory or sqlite.
        folder: where a database may be.
        tell: the story; it is given the world, and a client by role.
    """
    stores = None
    if kind == "sqlite":
        opened = SqliteBackend(folder).open()
        stores = (opened.ledger, opened.catalog)
    world = World(stores=stores)
    await world.tariff("retail", {"44": voice_prices("0.10")})
    await world.account("alice", "10", plan="retail")
    async with world, serving(world) as channel:
        await tell(world, lambda role: Client(channel, KEYS[role].text))


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[grpc.aio.Channel]:
    """A server of all services whose callers show keys."""
    access = AccessControl(
        ring=KeyRing(key.record for key in KEYS.values()),
        gateway_named=lambda _: world.gateway,
        clock=world.clock,
    )
    await world.begin()
    server = GrpcServer(
        world.engine,
        world.clock,
        access.gateway_for,
        normalise_number=lambda number, _: number,
        rating=RatingServicer(world.ledger, world.catalog, world.clock, access.permit),
        admin=AdminService(world.engine, world.ledger, world.catalog, world.clock, access.permit),
    )
    await server.start(["127.0.0.1:0"])
    try:
        async with grpc.aio.insecure_channel(server.addresses[0]) as channel:
            yield channel
    finally:
        await server.stop(0)


def run(kind: str, folder: Path, tell: Tell) -> None:
    """`play` from a test."""
    asyncio.run(play(kind, folder, tell))

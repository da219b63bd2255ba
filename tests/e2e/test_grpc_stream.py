"""Streams against the real engine: a thousand at once, clients that vanish, servers that stop or fail."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from server import ServerProcess
from world import World, voice_prices

from ocs.client import AsyncClient, RequestFailedError, RetryPolicy
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.pb.charging_pb2_grpc import ChargingStub
from ocs.grpc.peer import loopback_gateway
from ocs.grpc.server import GrpcServer

STREAMS = 1000
WAIT_S = 60.0
PATIENT = RetryPolicy(first_delay_s=0.02, delay_s_max=0.2)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[tuple[World, str, GrpcServer]]:
    """A server above an engine that knows alice: 0.06 a minute by the second."""
    world = World()
    await world.tariff("retail", {"44": voice_prices("0.06", "1/1")})
    await world.account("alice", "1000", plan="retail")
    async with world:
        await world.begin()
        server = GrpcServer(
            world.engine,
            world.clock,
            loopback_gateway(world.gateway),
            normalise_number=lambda number, _: number.removeprefix("+"),
            **options,
        )
        await server.start(["127.0.0.1:0"])
        try:
            yield world, server.addresses[0], server
        finally:
            await server.stop(0)


def tell(story: Callable[[World, str, GrpcServer], Awaitable[None]], **options: Any) -> None:
    """Play a story."""

    async def run() -> None:
        async with serving(**options) as (world, address, server):
            await story(world, address, server)

    asyncio.run(run())


def call(kind: "pb.RequestType", session: str, number: int, seconds: int = 0, user: str = "alice") -> Any:
    """A request of a call to London."""
    return pb.ChargeRequest(
        type=kind,
        session_id=session,
        request_number=number,
        subscription_ids=[pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value=user)],
        called="+442079460000",
        services=[pb.ServiceUsage(used_total=pb.UsedUnits(seconds=seconds))],
    )


INITIAL, UPDATE, END = pb.REQUEST_TYPE_INITIAL, pb.REQUEST_TYPE_UPDATE, pb.REQUEST_TYPE_TERMINATION


def test_a_thousand_streams_at_once() -> None:
    """Each carries a whole call while all are open; every call is charged exactly."""

    async def story(world: World, address: str, server: GrpcServer) -> None:
        async with AsyncClient.connect(address, channels=20) as client, AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(client.session_stream()) for _ in range(STREAMS)]
            for kind, number, seconds in ((INITIAL, 0, 0), (UPDATE, 1, 30), (END, 2, 40)):
                answers = await asyncio.gather(
                    *(
                        stream.charge(call(kind, f"c{index}", number, seconds), timeout_s=WAIT_S)
                        for index, stream in enumerate(streams)
                    )
                )
                assert {answer.result_code for answer in answers} == {2001}
        assert await world.balance("alice") == 1_000_000_000 - STREAMS * 40_000
        assert await world.free("alice") == await world.balance("alice")
        assert not await world.ledger.verify()

    tell(story)


def test_a_client_that_vanishes_loses_nothing() -> None:
    """Its channel dies with requests under way: what was booked stays, and sent again it is told the same."""

    async def story(world: World, address: str, server: GrpcServer) -> None:
        requests = [call(INITIAL, f"c{index}", 0) for index in range(200)]
        dying = AsyncClient.connect(address, channels=1)
        stack = AsyncExitStack()
        stream = await stack.enter_async_context(dying.session_stream())
        waiting = [asyncio.ensure_future(stream.charge(request, timeout_s=WAIT_S)) for request in requests]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=WAIT_S)
        assert done
        await dying.aclose()
        first = {
            answer.session_id: answer
            for answer in await asyncio.gather(*waiting, return_exceptions=True)
            if isinstance(answer, pb.ChargeAnswer)
        }
        with contextlib.suppress(asyncio.CancelledError, grpc.RpcError):  # its calls died with the channel
            await stack.aclose()
        await world.settle()
        booked = {one.session_key for one in await world.ledger.list_sessions(limit=1000)}
        assert set(first) <= booked

        async with AsyncClient.connect(address) as client, client.session_stream() as again:
            answers = await asyncio.gather(*(again.charge(one, timeout_s=WAIT_S) for one in requests))

        for answer in answers:
            assert answer.result_code == 2001
            assert first.get(answer.session_id, answer) == answer
        assert len(await world.ledger.list_sessions(limit=1000)) == len(requests)
        assert not await world.ledger.verify()

    tell(story)


def test_gaps_in_numbers_are_accepted_and_flagged() -> None:
    """A switch that lost a request goes on; the answer says that one is missing."""

    async def story(world: World, address: str, server: GrpcServer) -> None:
        async with AsyncClient.connect(address) as client, client.session_stream() as stream:
            answers = [
                await stream.charge(request)
                for request in (
                    call(INITIAL, "c1", 0),
                    call(UPDATE, "c1", 1, 10),
                    call(UPDATE, "c1", 4, 40),
                    call(END, "c1", 5, 50),
                )
            ]
        assert [answer.request_gap for answer in answers] == [False, False, True, False]
        assert {answer.result_code for answer in answers} == {2001}
        assert await world.balance("alice") == 1_000_000_000 - 50_000

    tell(story)


def test_a_late_end_settles_a_session_that_expired() -> None:
    """The session was ended for its silence; what it used beyond is charged when it is told, once."""

    async def story(world: World, address: str, server: GrpcServer) -> None:
        async with AsyncClient.connect(address) as client:
            await client.charging.charge(call(INITIAL, "c1", 0))
            await client.charging.charge(call(UPDATE, "c1", 1, 30))
            world.pass_seconds(3600)
            await world.expire()
            assert await world.balance("alice") == 1_000_000_000 - 30_000
            late = call(END, "c1", 2, 55)
            answers = [await client.charging.charge(late) for _ in range(2)]
        assert answers[0] == answers[1]
        assert answers[0].result_code == 2001
        assert await world.balance("alice") == 1_000_000_000 - 55_000
        assert await world.free("alice") == await world.balance("alice")

    tell(story)


def test_a_deadline_that_passes_after_the_commit_undoes_nothing() -> None:
    """The caller left before its answer came; the retry finds it, and money moves once."""

    async def story(world: World, address: str, server: GrpcServer) -> None:
        commit, gate = world.ledger.commit, asyncio.Event()

        async def slow_commit(decisions: Any) -> Any:
            results = await commit(decisions)
            await gate.wait()
            return results

        async with AsyncClient.connect(address) as client:
            world.ledger.commit = slow_commit  # type: ignore[method-assign]
            with pytest.raises(RequestFailedError) as caught:
                await client.charging.charge(call(END, "c1", 0, 20), timeout_s=0.3)
            assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
            gate.set()
            world.ledger.commit = commit  # type: ignore[method-assign]
            answer = await client.charging.charge(call(END, "c1", 0, 20))
        assert answer.result_code == 2001
        assert await world.balance("alice") == 1_000_000_000 - 20_000

    tell(story)


# ----------------------------------------------------------------------------------------- a real process


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with a rich account; not started."""
    with ServerProcess(tmp_path) as made:
        made.ocs("init", "--sample")
        made.ocs("account", "create", "rich", "--balance", "100000", "--plan", "retail", "--username", "rich")
        yield made


@contextmanager
def no_disk(server: ServerProcess) -> Iterator[None]:
    """No file of the running server can be written any more (setrlimit(2): RLIMIT_FSIZE)."""
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))


async def health(address: str, service: str) -> int:
    """What the health service says of a service."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=WAIT_S)
    return int(answer.status)


ALL = ("", "ocs.v1.Charging", "ocs.v1.Rating", "ocs.v1.Admin")


async def wait_for_health(address: str, status: int) -> None:
    """Until every service says so."""
    async with asyncio.timeout(WAIT_S):
        while {await health(address, service) for service in ALL} != {status}:
            await asyncio.sleep(0.05)


def test_without_its_database_a_server_says_so(process: ServerProcess) -> None:
    """UNAVAILABLE, not a hang; health turns and turns back; the same request is booked when it can be."""
    status = health_pb2.HealthCheckResponse

    async def keep_asking(stream: Any) -> None:
        """Traffic on the stream, all of it in vain."""
        for index in range(1_000_000):
            with pytest.raises(RequestFailedError) as caught:
                await stream.charge(call(INITIAL, f"d{index}", 0, user="rich"), timeout_s=WAIT_S)
            assert caught.value.code is grpc.StatusCode.UNAVAILABLE

    async def story() -> None:
        address = f"127.0.0.1:{process.grpc_port}"
        async with AsyncClient.connect(address) as client, client.session_stream() as stream:
            await client.charging.charge(call(INITIAL, "c1", 0, user="rich"))
            await wait_for_health(address, status.SERVING)
            with no_disk(process):
                traffic = asyncio.create_task(keep_asking(stream))
                with pytest.raises(RequestFailedError) as caught:
                    await client.charging.charge(call(UPDATE, "c1", 1, 30, user="rich"), timeout_s=1)
                assert caught.value.code is grpc.StatusCode.UNAVAILABLE
                await wait_for_health(address, status.NOT_SERVING)
                assert not traffic.done()
                traffic.cancel()
                await asyncio.wait([traffic])
            answer = await client.charging.charge(call(UPDATE, "c1", 1, 30, user="rich"), timeout_s=WAIT_S)
            assert answer.result_code == 2001
            await wait_for_health(address, status.SERVING)

    process.start()
    asyncio.run(story())
    assert process.stop() == 0
    process.ocs("ledger", "verify")


@pytest.mark.slow
def test_a_stopping_server_loses_no_request(process: ServerProcess) -> None:
    """SIGTERM amid requests on streams: each is answered, or made on the server that follows."""
    streams, calls_each = 6, 25

    async def make_call(client: AsyncClient, stream: Any, session: str) -> int:
        """One whole call; what the stream cannot answer is sent again, unchanged, without it."""
        for kind, number, seconds in ((INITIAL, 0, 0), (END, 1, 7)):
            request = call(kind, session, number, seconds, user="rich")
            try:
                answer = await stream.charge(request, timeout_s=WAIT_S)
            except RequestFailedError:
                answer = await client.charging.charge(request, timeout_s=WAIT_S)
            assert answer.result_code == 2001
        return 1

    async def on_stream(client: AsyncClient, index: int, under_way: asyncio.Event) -> int:
        stack = AsyncExitStack()
        stream = await stack.enter_async_context(client.session_stream())
        made = 0
        for number in range(calls_each):
            made += await make_call(client, stream, f"s{index}-{number}")
            if number == 5:
                under_way.set()
        with contextlib.suppress(grpc.RpcError):  # the stream ended with its server
            await stack.aclose()
        return made

    async def story() -> None:
        address = f"127.0.0.1:{process.grpc_port}"
        async with AsyncClient.connect(address, retry=PATIENT) as client:
            under_way = asyncio.Event()
            work = [asyncio.create_task(on_stream(client, index, under_way)) for index in range(streams)]
            await under_way.wait()
            assert await asyncio.to_thread(process.stop) == 0
            await asyncio.to_thread(process.start)
            assert sum(await asyncio.gather(*work)) == streams * calls_each

    process.start()
    asyncio.run(story())
    assert process.stop() == 0
    process.ocs("ledger", "verify")
    shown = process.ocs("ledger", "show", "rich", "--json")
    assert shown.count('"kind": "charge"') == streams * calls_each
    assert '"open_sessions": 0' in shown


def pinging(every_ms: int) -> list[tuple[str, int]]:
    """Options of a client that pings though nothing is said."""
    return [
        ("grpc.keepalive_time_ms", every_ms),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]


@pytest.mark.slow
def test_an_idle_stream_lives_by_pings_that_are_not_too_many() -> None:
    """Of a client that pings every 11 s and one that pings all the time the first is served for long."""

    async def story(world: World, address: str, server: GrpcServer) -> None:
        async with (
            grpc.aio.insecure_channel(address, options=pinging(11_000)) as patient,
            grpc.aio.insecure_channel(address, options=pinging(50)) as eager,
        ):
            streams = [ChargingStub(channel).Session() for channel in (patient, eager)]
            for number, stream in enumerate(streams):
                await stream.write(call(INITIAL, f"idle-{number}", 0))
                assert (await stream.read()).answers[0].result_code == 2001
            await asyncio.sleep(35)

            await streams[0].write(call(UPDATE, "idle-0", 1, 30))
            assert (await streams[0].read()).answers[0].result_code == 2001
            with pytest.raises(grpc.aio.AioRpcError, match="UNAVAILABLE"):
                await streams[1].read()

    tell(story)

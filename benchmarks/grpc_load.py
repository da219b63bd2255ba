"""Measure charging over gRPC: requests/s, latency, CPU per request, and the ratio to an empty servicer.

Everything in one run on one machine, because only such figures compare. Three servers, each driven by the
same closed loop of whole calls (INITIAL, answered, interim, TERMINATION), unary and on one batch stream:

* `empty`: a bare grpc.aio servicer that answers at once with the request's own key. What gRPC costs.
* `front`: our front end above a service that grants at once. What the front end costs.
* `whole`: a real server process with its durable database. The books are verified afterwards; a run whose
  books do not add up is void.

    python benchmarks/grpc_load.py --seconds 5 --outstanding 128 --accounts 2000
"""

import argparse
import asyncio
import gc
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import uvloop
from load import add_mix_options, cpu_seconds, mix_of
from stock import Stock

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.charging.service import Reply
from ocs.grpc.client import AsyncChargingClient
from ocs.grpc.load import call_requests
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.pb.charging_pb2_grpc import (
    ChargingServicer,
    ChargingStub,
    add_ChargingServicer_to_server,
)
from ocs.grpc.peer import loopback_gateway
from ocs.grpc.server import GrpcServer
from ocs.ports import Gateway
from ocs.radius.load import Call

Charge = Callable[[pb.ChargeRequest], Awaitable[pb.ChargeAnswer]]

AHEAD_PER_S = 6_000
"Requests that are built ahead for each second of a run."
SUCCESS = 2001


# ---------------------------------------------------------------------------------- servers


class EmptyServicer(ChargingServicer):
    """Answers at once with the request's own key."""

    async def Charge(self, request: pb.ChargeRequest, context: object) -> pb.ChargeAnswer:  # noqa: ARG002, N802 gRPC's signature
        """Answer one request."""
        return empty_answer(request)

    async def Session(  # noqa: N802 gRPC's signature
        self, request_iterator: AsyncIterator[pb.ChargeRequest], context: grpc.aio.ServicerContext
    ) -> None:
        """Answer each request by one message."""
        async for request in request_iterator:
            await context.write(pb.ServerMessage(answers=[empty_answer(request)]))

    async def BatchSession(  # noqa: N802 gRPC's signature
        self, request_iterator: AsyncIterator[pb.ChargeBatch], context: grpc.aio.ServicerContext
    ) -> None:
        """Answer each batch by one message."""
        async for batch in request_iterator:
            await context.write(
                pb.ServerMessage(answers=[empty_answer(request) for request in batch.requests])
            )


def empty_answer(request: pb.ChargeRequest) -> pb.ChargeAnswer:
    """The least that a client can use."""
    return pb.ChargeAnswer(
        session_id=request.session_id, request_number=request.request_number, result_code=SUCCESS
    )


class GrantingService:
    """Grants at once; replies to all requests of one turn of the loop together, as a group commit does."""

    def __init__(self) -> None:
        self._waiting: list[Reply] = []

    def submit(self, request: ChargingRequest, reply: Reply) -> None:  # noqa: ARG002 the contract's signature
        """Answer in the next turn."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._answer_all)
        self._waiting.append(reply)

    def _answer_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for reply in waiting:
            reply(Outcome(code=OutcomeCode.SUCCESS, granted_units=60, session_id=1, currency="USD"))

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:  # noqa: ARG002 the contract's signature
        """Never asked."""
        return NoAnswer.UNAVAILABLE

    def end_gateway_sessions(self, gateway_id: int, at_ms: int, reply: Callable[[bool], None]) -> None:
        """There are no sessions."""


class WallClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return time.time_ns() // 1_000_000


async def serve(kind: str) -> None:
    """Serve as `empty` or `front` until the process is ended; the address goes to standard output."""
    if kind == "empty":
        bare = grpc.aio.server()
        add_ChargingServicer_to_server(EmptyServicer(), bare)
        address = f"127.0.0.1:{bare.add_insecure_port('127.0.0.1:0')}"
        await bare.start()
    else:
        gateway_for = loopback_gateway(Gateway(id=1, name="bench"))
        server = GrpcServer(GrantingService(), WallClock(), gateway_for, normalise_number=lambda n, _: n)
        await server.start(["127.0.0.1:0"])
        (address,) = server.addresses
    print(address, flush=True)
    await asyncio.Event().wait()


class Running(NamedTuple):
    """A server to be measured."""

    address: str
    pid: int


@contextmanager
def child(kind: str) -> Iterator[Running]:
    """An `empty` or `front` server in a process of its own."""
    command = [sys.executable, __file__, "--serve", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Running(process.stdout.readline().strip(), process.pid)
        finally:
            process.terminate()


@contextmanager
def whole(stock: Stock, template: Path | None) -> Iterator[Running]:
    """A real server; its books are held against every call at the end."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("OCS_BENCH_FOLDER")) as name:
        server = stock.prepare(Path(name), template)
        with server:
            server.start()
            yield Running(f"127.0.0.1:{server.grpc_port}", server.pid)
            server.stop()
            print(stock.audit(server), file=sys.stderr)


# ---------------------------------------------------------------------------------- load


class Load:
    """A closed loop of whole calls, and what came of it."""

    def __init__(self, charge: Charge, stock: Stock) -> None:
        self._charge = charge
        self._stock = stock
        self._calls = stock.calls()
        self.latencies_s: list[float] = []
        self.refused = 0

    async def run(self, *, seconds: float, outstanding: int) -> tuple[float, float]:
        """Keep `outstanding` calls going for `seconds`; how long it took, and CPU seconds of this process."""
        per_call = self._stock.mix.interims + 3
        ahead = itertools.islice(self._calls, int(AHEAD_PER_S * seconds) // per_call)
        built = [(call, requests_of(call)) for call in ahead]
        further = ((call, requests_of(call)) for call in self._calls)
        calls = itertools.chain(built, further)
        gc.collect()
        gc.freeze()
        cpu_s, started = time.process_time(), time.monotonic()
        ends_at = started + seconds
        await asyncio.gather(*(self._lane(calls, ends_at) for _ in range(outstanding)))
        return time.monotonic() - started, time.process_time() - cpu_s

    async def _lane(self, calls: Iterator[tuple[Call, list[pb.ChargeRequest]]], ends_at: float) -> None:
        while time.monotonic() < ends_at:
            call, requests = next(calls)
            for step, request in enumerate(requests):
                seconds = request.services[0].used_total.seconds
                call.reported_seconds = max(call.reported_seconds, seconds)
                started = time.perf_counter()
                answer = await self._charge(request)
                self.latencies_s.append(time.perf_counter() - started)
                self.refused += answer.result_code != SUCCESS
                call.granted = call.granted or answer.result_code == SUCCESS
                if step:
                    call.acknowledged_seconds = seconds
            call.stop_acknowledged = True

    def percentile_ms(self, share: float) -> float:
        """Latency that this share of requests did not exceed."""
        ordered = sorted(self.latencies_s)
        return round(ordered[int(share * (len(ordered) - 1))] * 1000, 2)


class SingleStream:
    """A `Session` stream: one request per message."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._waiting: dict[tuple[str, int], asyncio.Future[pb.ChargeAnswer]] = {}
        self._outbox: asyncio.Queue[pb.ChargeRequest] = asyncio.Queue()

    async def charge(self, request: pb.ChargeRequest) -> pb.ChargeAnswer:
        """Send one request and wait for its answer."""
        answered: asyncio.Future[pb.ChargeAnswer] = asyncio.get_running_loop().create_future()
        self._waiting[request.session_id, request.request_number] = answered
        self._outbox.put_nowait(request)
        return await answered

    async def write(self) -> None:
        """Send what is ready, for ever."""
        while True:
            await self._call.write(await self._outbox.get())

    async def read(self) -> None:
        """Hand out answers, for ever."""
        async for message in self._call:
            for answer in message.answers:
                self._waiting.pop((answer.session_id, answer.request_number)).set_result(answer)


@asynccontextmanager
async def single_stream(address: str) -> AsyncIterator[SingleStream]:
    """A stream that lives as long as the context."""
    async with grpc.aio.insecure_channel(address) as channel:
        stream = SingleStream(ChargingStub(channel).Session())
        tasks = [asyncio.create_task(stream.write()), asyncio.create_task(stream.read())]
        try:
            yield stream
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def requests_of(call: Call) -> list[pb.ChargeRequest]:
    """The requests of one call."""
    return call_requests(
        session_id=call.session_id,
        user=call.user,
        calling=call.calling,
        called=call.called,
        seconds=call.seconds,
        interims=call.interims,
    )


async def measure(server: Running, way: str, stock: Stock, options: argparse.Namespace) -> dict[str, float]:
    """Figures of one server: by `unary` calls, one `session` stream, or one batch `stream`."""
    if way == "session":
        async with single_stream(server.address) as single:
            return await measured(server, single.charge, stock, options)
    async with AsyncChargingClient.connect(server.address) as client:
        if way == "unary":
            return await measured(server, client.charge, stock, options)
        async with client.session_stream() as stream:
            return await measured(server, stream.charge, stock, options)


async def measured(
    server: Running, charge: Charge, stock: Stock, options: argparse.Namespace
) -> dict[str, float]:
    """Warm up, then load."""
    await Load(charge, stock).run(seconds=1.0, outstanding=options.outstanding)
    load = Load(charge, stock)
    cpu_s = cpu_seconds(server.pid)
    seconds, own_cpu_s = await load.run(seconds=options.seconds, outstanding=options.outstanding)
    count = len(load.latencies_s)
    return {
        "requests_per_s": round(count / seconds),
        "p50_ms": load.percentile_ms(0.50),
        "p99_ms": load.percentile_ms(0.99),
        "server_cpu_us": round((cpu_seconds(server.pid) - cpu_s) / count * 1e6, 1),
        "client_core_share": round(own_cpu_s / seconds, 2),
        "refused": load.refused,
    }


def main() -> None:
    """Run and print a line per server and way, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--outstanding", type=int, default=128)
    parser.add_argument("--template", type=Path, help="Folder with the same database, filled when empty.")
    add_mix_options(parser)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", choices=["empty", "front"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve(options.serve))
        return
    figures = figures_of(options)
    if options.json:
        print(json.dumps(figures))
        return
    for name, found in figures.items():
        print(f"{name:14}", "  ".join(f"{key} {value}" for key, value in found.items()))


def figures_of(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Every server measured in every way."""
    figures: dict[str, dict[str, float]] = {}
    stock = Stock(mix_of(options))
    for kind in ("empty", "front", "whole"):
        stock.made.clear()
        with whole(stock, options.template) if kind == "whole" else child(kind) as server:
            for way in ("unary", "session", "stream"):
                figures[f"{way} {kind}"] = found = uvloop.run(measure(server, way, stock, options))
                base = figures[f"{way} empty"]
                found["ratio_to_empty"] = round(found["requests_per_s"] / base["requests_per_s"], 3)
    return figures


if __name__ == "__main__":
    main()

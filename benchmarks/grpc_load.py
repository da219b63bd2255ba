"""Measure charging over gRPC: requests/s, latency, CPU per request, and the ratio to an empty servicer.

Everything in one run on one machine, because only such figures compare. Three servers, each driven by the
same closed loop of whole calls (INITIAL, answered, interim, TERMINATION), unary and on one batch stream:

* `empty`: a bare grpc.aio servicer that answers at once with the request's own key. What gRPC costs.
* `front`: our front end above a service that grants at once. What the front end costs.
* `whole`: a real server process with its durable database. The books are verified afterwards; a run whose
  books do not add up is void.

    python benchmarks/grpc_load.py --seconds 5 --outstanding 128 --accounts 500
"""

import argparse
import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import grpc
import uvloop
from load import cpu_seconds, prepare

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.charging.service import Reply
from ocs.grpc.client import AsyncChargingClient
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.pb.charging_pb2_grpc import ChargingServicer, add_ChargingServicer_to_server
from ocs.grpc.peer import loopback_gateway
from ocs.grpc.server import GrpcServer
from ocs.ports import Gateway

Charge = Callable[[pb.ChargeRequest], Awaitable[pb.ChargeAnswer]]

CALL_NUMBERS = itertools.count()
"No session is used twice, by any server or in any warm-up."
SUCCESS = 2001


# ---------------------------------------------------------------------------------- servers


class EmptyServicer(ChargingServicer):
    """Answers at once with the request's own key."""

    async def Charge(self, request: pb.ChargeRequest, context: object) -> pb.ChargeAnswer:  # noqa: ARG002, N802 gRPC's signature
        """Answer one request."""
        return empty_answer(request)

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
def whole(accounts: int) -> Iterator[Running]:
    """A real server; its books are verified at the end."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("OCS_BENCH_FOLDER")) as name:
        server = prepare(Path(name), accounts)
        with server:
            server.start()
            yield Running(f"127.0.0.1:{server.grpc_port}", server.pid)
            server.stop()
            print(server.ocs("ledger", "verify").strip().splitlines()[-1], file=sys.stderr)


# ---------------------------------------------------------------------------------- load


class Load:
    """A closed loop of whole calls, and what came of it."""

    def __init__(self, charge: Charge, *, accounts: int) -> None:
        self._charge = charge
        self._accounts = accounts
        self._salt = f"{os.getpid():x}"
        self.latencies_s: list[float] = []
        self.refused = 0

    async def run(self, *, seconds: float, outstanding: int) -> None:
        """Keep `outstanding` calls going for `seconds`."""
        ends_at = time.monotonic() + seconds
        await asyncio.gather(*(self._calls(ends_at) for _ in range(outstanding)))

    async def _calls(self, ends_at: float) -> None:
        while time.monotonic() < ends_at:
            number = next(CALL_NUMBERS)
            for request in call_requests(f"{self._salt}-{number:x}", f"load{number % self._accounts}"):
                started = time.perf_counter()
                answer = await self._charge(request)
                self.latencies_s.append(time.perf_counter() - started)
                self.refused += answer.result_code != SUCCESS

    def percentile_ms(self, share: float) -> float:
        """Latency that this share of requests did not exceed."""
        ordered = sorted(self.latencies_s)
        return round(ordered[int(share * (len(ordered) - 1))] * 1000, 2)


def call_requests(session_id: str, user: str) -> Iterator[pb.ChargeRequest]:
    """One call of 95 s with one interim report."""
    reports = (
        (pb.REQUEST_TYPE_INITIAL, pb.ServiceUsage(service="voice")),
        (pb.REQUEST_TYPE_UPDATE, pb.ServiceUsage(service="voice", starts=True, used_total=pb.UsedUnits())),
        (pb.REQUEST_TYPE_UPDATE, pb.ServiceUsage(service="voice", used_total=pb.UsedUnits(seconds=60))),
        (pb.REQUEST_TYPE_TERMINATION, pb.ServiceUsage(service="voice", used_total=pb.UsedUnits(seconds=95))),
    )
    for number, (kind, usage) in enumerate(reports):
        yield pb.ChargeRequest(
            session_id=session_id,
            request_number=number,
            type=kind,
            subscription_ids=[pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value=user)],
            calling="12025550100",
            called="442079460000",
            services=[usage],
        )


async def measure(server: Running, way: str, options: argparse.Namespace) -> dict[str, float]:
    """Figures of one server, by `unary` calls or by one batch `stream`."""
    async with AsyncChargingClient.connect(server.address) as client:
        if way == "unary":
            return await measured(server, client.charge, options)
        async with client.session_stream() as stream:
            return await measured(server, stream.charge, options)


async def measured(server: Running, charge: Charge, options: argparse.Namespace) -> dict[str, float]:
    """Warm up, then load."""
    await Load(charge, accounts=options.accounts).run(seconds=1.0, outstanding=options.outstanding)
    load = Load(charge, accounts=options.accounts)
    cpu_s, own_cpu_s, started = cpu_seconds(server.pid), time.process_time(), time.perf_counter()
    await load.run(seconds=options.seconds, outstanding=options.outstanding)
    seconds = time.perf_counter() - started
    count = len(load.latencies_s)
    return {
        "requests_per_s": round(count / seconds),
        "p50_ms": load.percentile_ms(0.50),
        "p99_ms": load.percentile_ms(0.99),
        "server_cpu_us": round((cpu_seconds(server.pid) - cpu_s) / count * 1e6, 1),
        "client_core_share": round((time.process_time() - own_cpu_s) / seconds, 2),
        "refused": load.refused,
    }


def main() -> None:
    """Run and print a line per server and way, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--outstanding", type=int, default=128)
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", choices=["empty", "front"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        uvloop.run(serve(options.serve))
        return
    figures: dict[str, dict[str, float]] = {}
    for kind in ("empty", "front", "whole"):
        with whole(options.accounts) if kind == "whole" else child(kind) as server:
            for way in ("unary", "stream"):
                figures[f"{way} {kind}"] = found = uvloop.run(measure(server, way, options))
                base = figures[f"{way} empty"]
                found["ratio_to_empty"] = round(found["requests_per_s"] / base["requests_per_s"], 3)
    if options.json:
        print(json.dumps(figures))
        return
    for name, found in figures.items():
        print(f"{name:14}", "  ".join(f"{key} {value}" for key, value in found.items()))


if __name__ == "__main__":
    main()

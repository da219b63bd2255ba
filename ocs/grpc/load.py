"""A gRPC load generator: whole calls, each request sent when the one before it is answered.

Owns: building the requests of a call, keeping calls going, latencies. It is a client like any softswitch: it
knows nothing of the server but its address. Does not own the connection (`ocs.grpc.client`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ocs.grpc.client import RequestFailedError
from ocs.grpc.pb import charging_pb2 as pb

Charge = Callable[[pb.ChargeRequest], Awaitable[pb.ChargeAnswer]]

_SUCCESS = 2001  # DIAMETER_SUCCESS, RFC 6733 section 7.1.2
_PACE_S = 0.001


def call_requests(
    *, session_id: str, user: str, calling: str, called: str, seconds: int, interims: Sequence[int] = ()
) -> list[pb.ChargeRequest]:
    """INITIAL, the answer, a report at each of `interims` (seconds since then), TERMINATION."""
    used = [pb.UsedUnits(seconds=at_s) for at_s in (*interims, seconds)]
    reports = [
        (pb.REQUEST_TYPE_INITIAL, pb.ServiceUsage(service="voice")),
        (pb.REQUEST_TYPE_UPDATE, pb.ServiceUsage(service="voice", starts=True, used_total=pb.UsedUnits())),
        *((pb.REQUEST_TYPE_UPDATE, pb.ServiceUsage(service="voice", used_total=each)) for each in used[:-1]),
        (pb.REQUEST_TYPE_TERMINATION, pb.ServiceUsage(service="voice", used_total=used[-1])),
    ]
    return [
        pb.ChargeRequest(
            session_id=session_id,
            request_number=number,
            type=kind,
            subscription_ids=[pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value=user)],
            calling=calling,
            called=called,
            services=[usage],
        )
        for number, (kind, usage) in enumerate(reports)
    ]


@dataclass(slots=True)
class Result:
    """What one run saw."""

    answered: int = 0
    rejected: int = 0
    "Answers that were no success."
    given_up: int = 0
    "Requests that were never answered."
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    "Of the generator itself."
    latencies_ms: list[float] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float:
        """Latency that `share` (0 to 1) of the answers did not exceed."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class GrpcLoad:
    """Makes calls, `outstanding` at a time, until there are no more.

    Args:
        charge: sends one request and waits for its answer.
        outstanding: calls that are made at any time.
        pace: how many calls may have begun by now; None: a new one whenever another has ended.
    """

    def __init__(
        self, charge: Charge, *, outstanding: int = 32, pace: Callable[[], float] | None = None
    ) -> None:
        self._charge = charge
        self._outstanding = outstanding
        self._pace = pace
        self._begun = 0
        self.result = Result()

    async def run(self, calls: Iterator[Sequence[pb.ChargeRequest]]) -> Result:
        """Make the calls, each a sequence of requests, and return what happened."""
        started, cpu_s = time.perf_counter(), time.process_time()
        await asyncio.gather(*(self._lane(calls) for _ in range(self._outstanding)))
        self.result.seconds = time.perf_counter() - started
        self.result.cpu_seconds = time.process_time() - cpu_s
        return self.result

    async def _lane(self, calls: Iterator[Sequence[pb.ChargeRequest]]) -> None:
        while True:
            while self._pace is not None and self._begun >= self._pace():  # noqa: ASYNC110 - time passes by itself
                await asyncio.sleep(_PACE_S)
            requests = next(calls, None)
            if requests is None:
                return
            self._begun += 1
            for request in requests:
                if not await self._ask(request):
                    break

    async def _ask(self, request: pb.ChargeRequest) -> bool:
        """Send one request; False when its call cannot go on."""
        result, started = self.result, time.perf_counter()
        try:
            answer = await self._charge(request)
        except RequestFailedError:
            result.given_up += 1
            return False
        result.answered += 1
        result.latencies_ms.append((time.perf_counter() - started) * 1000)
        is_granted = answer.result_code == _SUCCESS
        result.rejected += not is_granted
        return is_granted

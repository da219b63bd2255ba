"""Many accounts and many requests against the real engine on SQLite, measured in processor time per request.

Processor time, because it says the same on a busy machine: wall time does not. Calls are whole: authorised,
started, reported once, ended; a fixed number of them is under way at any moment.
"""

import asyncio
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from ocs.charging.administration import AccountOrder, Administration
from ocs.charging.clock import SnowflakeIds, SystemClock
from ocs.charging.engine import Engine, EngineLimits
from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest, RequestType, Usage
from ocs.ports import Gateway, GrantMode, GrantPolicy, Identity, IdentityKind, Plan
from ocs.quota.account import AccountProfile
from ocs.rating.tariff import PriceSet, Rate, TariffTerms
from ocs.storage.migrations import migrate
from ocs.storage.sql.stores import open_sql_stores
from ocs.units import VOICE, AccessCode, parse_money, parse_price

REQUESTS_PER_CALL: Final = 4
UNDER_WAY: Final = 128
POLICY: Final = GrantPolicy(mode=GrantMode.SLICE, slice_s=60, margin_s=10, interim_interval_s=3600)
PRICES: Final = PriceSet(
    first_interval_s=1,
    next_interval_s=1,
    first_price_nanos=parse_price("0.015"),
    next_price_nanos=parse_price("0.015"),
)


class Lap(NamedTuple):
    """Some requests in a row."""

    requests: int
    cpu_s: float
    wall_s: float
    resident_mib: float
    "Of the whole process, at its end."

    @property
    def cpu_us_per_request(self) -> float:
        """Processor time of all threads, in microseconds."""
        return self.cpu_s / self.requests * 1e6


@dataclass(slots=True)
class Tally:
    """What became of a run's requests."""

    answered: int = 0
    refused: int = 0
    unanswered: int = 0


class Crowd:
    """An engine over a new database with so many accounts. An async context manager."""

    def __init__(self, folder: Path, *, accounts: int, limits: EngineLimits) -> None:
        self.accounts = accounts
        self.tally = Tally()
        self._url = f"sqlite:///{folder / 'ocs.db'}"
        self._limits = limits
        self._clock = SystemClock()
        self._calls = 0

    async def __aenter__(self) -> Self:
        migrate(self._url)
        self.ledger, self.catalog = open_sql_stores(self._url)
        tariff = await self.catalog.save_tariff(TariffTerms(id=0, name="retail"))
        await self.catalog.write_rates(tariff.id, [Rate(destination="44", peak=PRICES)])
        await self.catalog.save_plan(
            Plan(id=0, name="retail", tariffs={(VOICE.name, AccessCode.OUTGOING): tariff.id})
        )
        self.gateway = await self.catalog.save_gateway(Gateway(id=0, name="gw", grant=POLICY))
        administration = Administration(self.ledger, self.catalog, self._clock)
        orders = [_order(f"user{number}") for number in range(self.accounts)]
        await administration.enrol(await administration.plan_enrolment(orders))
        self.engine = Engine(
            ledger=self.ledger,
            catalog=self.catalog,
            clock=self._clock,
            ids=SnowflakeIds(),
            limits=self._limits,
        )
        await self.engine.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.engine.stop()
        await self.ledger.close()
        await self.catalog.close()

    # ------------------------------------------------------------------------------ requests

    def request(self, kind: RequestType, key: str, user: int, seconds: int | None = None) -> ChargingRequest:
        """A request of the gateway, now."""
        now_ms = self._clock.now_ms()
        return ChargingRequest(
            type=kind,
            gateway=self.gateway,
            session_key=key,
            received_at_ms=now_ms,
            event_at_ms=now_ms,
            identities=((IdentityKind.USERNAME, f"user{user}"),),
            calling="12025550100",
            called="442079460000",
            usage=None if seconds is None else Usage(seconds=seconds),
            starts=seconds == 0,
        )

    def calls(self, count: int) -> Iterator[Iterator[ChargingRequest]]:
        """Whole calls, round and round the accounts; none has a name that was used before."""
        for number in range(self._calls, self._calls + count):
            yield self._call(f"c{number}", number % self.accounts)
        self._calls += count

    def _call(self, key: str, user: int) -> Iterator[ChargingRequest]:
        yield self.request(RequestType.INITIAL, key, user)
        yield self.request(RequestType.UPDATE, key, user, 0)
        yield self.request(RequestType.UPDATE, key, user, 60)
        yield self.request(RequestType.TERMINATION, key, user, 95)

    def opening(self, users: Sequence[int]) -> Iterator[Iterator[ChargingRequest]]:
        """The first requests of one call of each user; they stay open."""
        for number, user in enumerate(users):
            yield iter([self.request(RequestType.INITIAL, f"o{number}-{user}", user)])

    def reports(self, users: Sequence[int], *, rounds: range) -> Iterator[Iterator[ChargingRequest]]:
        """Round after round one report of each open call, each a second further."""
        for seconds in rounds:
            for number, user in enumerate(users):
                yield iter([self.request(RequestType.UPDATE, f"o{number}-{user}", user, seconds)])

    # ------------------------------------------------------------------------------ running

    async def run(self, chains: Iterator[Iterator[ChargingRequest]]) -> Lap:
        """Send every chain's requests, each after the answer to the one before it; measured."""
        before, began_s, began_cpu_s = self.tally.answered, time.perf_counter(), time.process_time()
        workers = [self._work(chains) for _ in range(UNDER_WAY)]
        await asyncio.gather(*workers)
        return Lap(
            self.tally.answered - before,
            time.process_time() - began_cpu_s,
            time.perf_counter() - began_s,
            _resident_mib(),
        )

    async def _work(self, chains: Iterator[Iterator[ChargingRequest]]) -> None:
        for chain in chains:
            for request in chain:
                self._note(await self.engine.charge(request))

    def _note(self, answer: Outcome | NoAnswer) -> None:
        self.tally.answered += 1
        if isinstance(answer, NoAnswer):
            self.tally.unanswered += 1
        elif not answer.code.is_success:
            self.tally.refused += 1


def _resident_mib() -> float:
    """What the process has in memory now; the most it ever had where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 2**20


def _order(name: str) -> AccountOrder:
    return AccountOrder(
        place=name,
        profile=AccountProfile(id=0, name=name),
        plan="retail",
        opening_micros=parse_money("1000000"),
        identities=(Identity(kind=IdentityKind.USERNAME, value=name, account_id=0),),
    )


async def many_requests(
    folder: Path, *, accounts: int, requests: int, laps: int, on_lap: Callable[[Lap], None] = lambda _: None
) -> Sequence[Lap]:
    """Whole calls over many accounts, in laps; caches hold half of the accounts and few of the calls."""
    limits = EngineLimits(
        accounts_cached_max=max(2, accounts // 2), sessions_cached_max=max(2 * UNDER_WAY, accounts)
    )
    made = []
    async with Crowd(folder, accounts=accounts, limits=limits) as crowd:
        await crowd.run(crowd.calls(accounts))
        for _ in range(laps):
            lap = await crowd.run(crowd.calls(requests // laps // REQUESTS_PER_CALL))
            made.append(lap)
            on_lap(lap)
        assert crowd.tally.refused == crowd.tally.unanswered == 0, crowd.tally
        assert await crowd.ledger.verify() == []
    return made


async def one_and_many(folder: Path, *, sessions: int, rounds: int) -> tuple[Lap, Lap]:
    """Reports of so many open sessions of one account, then of as many accounts with one each."""
    laps = []
    for name, users in (("one", [0] * sessions), ("many", list(range(sessions)))):
        place = folder / name
        place.mkdir()
        async with Crowd(place, accounts=max(users) + 1, limits=EngineLimits()) as crowd:
            await crowd.run(crowd.opening(users))
            await crowd.run(crowd.reports(users, rounds=range(2)))
            laps.append(await crowd.run(crowd.reports(users, rounds=range(2, 2 + rounds))))
            assert crowd.tally.refused == crowd.tally.unanswered == 0, crowd.tally
            assert await crowd.ledger.verify() == []
    return laps[0], laps[1]

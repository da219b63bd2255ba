"""One simulation: everything that happens follows from its seed.

A stormy part (calls, faults, crashes, operators) of some virtual minutes; then quiet, until every silent
session has ended; then money held at one server and wanted at another; payments amid slow traffic; probes of
every account, and a day later every kind of report once more. The auditor watches all of it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar, Final

import virtual_time
from simulation.auditor import LAG_S, Auditor, Movements, Payer, Price, Violation
from simulation.database import OFFICE, Connection, Database, Weather
from simulation.equipment import INTERIM_S, RadiusGateway, Softswitch, until_idle
from simulation.journal import Journal
from simulation.node import Node
from simulation.office import Office
from simulation.wire import Traffic, Wire
from world import EPOCH_MS, CountedIds

from ocs.charging.administration import AccountOrder, Administration
from ocs.charging.engine import EngineLimits
from ocs.charging.request import ChargingRequest, RequestType, Usage
from ocs.ports import Gateway, GrantMode, GrantPolicy, Identity, IdentityKind, Plan
from ocs.quota.account import AccountKind, AccountProfile, AccountStatus
from ocs.rating.tariff import PriceSet, Rate, TariffTerms
from ocs.storage.memory import MemoryLedgerStore
from ocs.units import MESSAGES, VOICE, AccessCode

STORM_S: Final = 120
QUIET_S: Final = 110
"Longer than two report intervals, the longest that silence may last."
DAY_S: Final = 86_400
REPLAYS: Final = 12
"Reports of each gateway that come again a day later."
NANOS_PER_MICRO: Final = 1_000

BY_SECOND: Final = Price(1_000_000, 1)
BY_MINUTE: Final = Price(600_000, 60)
WHOLESALE: Final = Price(400_000, 60)
MESSAGE: Final = Price(150_000, 0)
PLANS: Final = {"second": BY_SECOND, "minute": BY_MINUTE, "wholesale": WHOLESALE}


@dataclass(frozen=True)
class Report:
    """What became of one simulation."""

    seed: int
    violations: Sequence[Violation]
    fingerprint: str
    counts: Counter[str]
    "Events by what happened."
    tail: Sequence[str]
    "The last events."

    @property
    def story(self) -> str:
        """What went wrong, in lines for people."""
        broken = [f"  {one.rule}: {one.detail} (at {one.at_s:.3f} s)" for one in self.violations]
        return "\n".join([f"make sim SEED={self.seed}", *(broken or ["  all well"])])


@dataclass(frozen=True)
class Subscriber:
    """An account of the cast."""

    name: str
    plan: str
    opening_micros: int
    parent: str = ""
    kind: AccountKind = AccountKind.PREPAID
    credit_limit_micros: int | None = None


CAST: Final = (
    Subscriber("hot", "second", 9_000_000),
    Subscriber("poor", "second", 1_300_000),
    Subscriber("minute", "minute", 3_000_000),
    Subscriber("debtor", "second", 0, kind=AccountKind.POSTPAID, credit_limit_micros=2_500_000),
    Subscriber("company", "", 0, kind=AccountKind.POSTPAID),
    Subscriber("staff", "minute", 4_000_000, parent="company"),
    Subscriber("reseller", "wholesale", 6_000_000),
    Subscriber("ann", "second", 8_000_000, parent="reseller"),
    Subscriber("bob", "minute", 8_000_000, parent="reseller"),
    Subscriber("cid", "second", 900_000, parent="reseller"),
)
USERS: Final = ("hot", "ann", "bob", "poor", "minute", "cid", "debtor", "staff")
"Who calls, the busiest first."
SESSIONS_TO_HOLD: Final = 12
LONERS: Final = ("poor", "minute", "hot", "debtor")
"Those who pay for themselves alone."
GHOST: Final = "ghost"
"Calls too, but is nobody's account."


class Clock:
    """Wall time of the simulation: virtual time, and jumps."""

    def __init__(self) -> None:
        self._jumped_s = 0
        self._last_ms = 0

    def jump(self, seconds: int) -> None:
        """Let a long time pass at once."""
        self._jumped_s += seconds

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return EPOCH_MS + int((asyncio.get_running_loop().time() + self._jumped_s) * 1000)


class Simulation:
    """The whole cast, built from one seed."""

    auditor_type: ClassVar[type[Auditor]] = Auditor

    def __init__(self, seed: int) -> None:
        now_s = asyncio.get_running_loop().time
        self.rng = rng = Random(seed)
        self.clock = Clock()
        self.journal = Journal(now_s)
        ledger = MemoryLedgerStore()
        self.auditor = self.auditor_type(ledger, self.journal, now_s, self.clock.now_ms)
        self.database = Database(ledger, rng, self.journal, self.auditor)
        self.wire = Wire(rng, self.journal)
        self.connection = Connection(self.database, OFFICE)
        self.office = Office(
            self.connection, clock=self.clock, rng=rng, listener=self.auditor, journal=self.journal
        )
        self.ids = CountedIds()
        self.limits = EngineLimits(
            queue_max=rng.choice((3, 20_000, 20_000)),
            accounts_cached_max=rng.choice((8, 200_000)),
            sessions_cached_max=rng.choice((8, 200_000)),
            tick_s=1,
            drain_s=3,
        )
        self.nodes = [self._node(f"node{number}") for number in range(rng.choice((1, 1, 1, 2)))]
        self.auditor.has_one_server = len(self.nodes) == 1
        self.equipment: list[RadiusGateway | Softswitch] = []
        self._storm_ends_s = 0.0

    def _node(self, name: str) -> Node:
        return Node(
            name,
            database=self.database,
            clock=self.clock,
            ids=self.ids,
            journal=self.journal,
            observer=self.auditor,
            limits=self.limits,
        )

    # ------------------------------------------------------------------------------ the cast

    async def set_up(self) -> None:
        """Tariffs, accounts and gateways, in good weather."""
        await self._create_plans()
        administration = Administration(self.connection.ledger, self.connection.catalog, self.clock)
        for one in CAST:
            profile = await administration.create_account(_order(one))
            self.auditor.profile_changed(profile)
        self.auditor.enrol({name: await self._payers(name) for name in USERS})
        policies = (
            GrantPolicy(
                mode=GrantMode.SLICE,
                slice_s=20,
                margin_s=self.rng.choice((0, 10)),
                interim_interval_s=INTERIM_S,
            ),
            GrantPolicy(mode=GrantMode.WHOLE, max_grant_s=40, interim_interval_s=INTERIM_S),
            GrantPolicy(mode=GrantMode.SLICE, slice_s=20, margin_s=0, interim_interval_s=INTERIM_S),
        )
        kinds = (RadiusGateway, RadiusGateway, Softswitch)
        for number, (policy, kind) in enumerate(zip(policies, kinds, strict=True)):
            gateway = await self.connection.catalog.save_gateway(
                Gateway(id=0, name=f"gw{number}", grant=policy)
            )
            self.equipment.append(self._equipment(kind, gateway))
        for node in self.nodes:
            await node.boot()

    def _equipment(
        self, kind: type[RadiusGateway | Softswitch], gateway: Gateway
    ) -> RadiusGateway | Softswitch:
        return kind(
            gateway,
            users=(*USERS[:3], GHOST, *USERS[3:]),
            nodes=self.nodes,
            wire=self.wire,
            clock=self.clock,
            rng=self.rng,
            listener=self.auditor,
            journal=self.journal,
        )

    async def _create_plans(self) -> None:
        catalog = self.connection.catalog
        messages = await catalog.save_tariff(TariffTerms(id=0, name="messages"))
        nanos = MESSAGE.micros * NANOS_PER_MICRO
        await catalog.write_rates(
            messages.id, [Rate(destination="MSG", peak=PriceSet(unit_price_nanos=nanos))]
        )
        for name, price in PLANS.items():
            tariff = await catalog.save_tariff(TariffTerms(id=0, name=name))
            nanos = price.micros * NANOS_PER_MICRO
            prices = PriceSet(
                first_interval_s=price.interval_s,
                next_interval_s=price.interval_s,
                first_price_nanos=nanos,
                next_price_nanos=nanos,
            )
            await catalog.write_rates(tariff.id, [Rate(destination="44", peak=prices)])
            services = {
                (VOICE.name, AccessCode.OUTGOING): tariff.id,
                (MESSAGES.name, AccessCode.OUTGOING): messages.id,
            }
            await catalog.save_plan(Plan(id=0, name=name, tariffs=services))

    async def _payers(self, name: str) -> list[Payer]:
        """The chain of a user, by the cast."""
        chain = []
        one = next(one for one in CAST if one.name == name)
        while True:
            profile = await self.connection.catalog.find_account(one.name)
            assert profile is not None, one.name
            has_plan = bool(one.plan)
            chain.append(
                Payer(profile.id, PLANS[one.plan] if has_plan else None, MESSAGE if has_plan else None)
            )
            if not one.parent:
                return chain
            one = next(other for other in CAST if other.name == one.parent)

    # ------------------------------------------------------------------------------ the storm

    async def storm(self) -> None:
        """Calls, faults, crashes and operators, all at once."""
        some = self._sometimes
        self.wire.traffic = Traffic(loses=some(0.1), doubles=some(0.15), strays=some(0.1))
        self.database.weather = Weather(
            refuses=some(0.08), loses=some(0.08), lingers=some(0.08), stalls=some(0.1)
        )
        trouble = [self._traffic(one) for one in self.equipment]
        trouble.append(self._operators())
        if some(1):
            trouble.append(self._outages())
        if some(1):
            trouble += [self._deaths(node) for node in self.nodes]
        self._storm_ends_s = asyncio.get_running_loop().time() + STORM_S
        with suppress(TimeoutError):
            async with asyncio.timeout(STORM_S), asyncio.TaskGroup() as group:
                for work in trouble:
                    group.create_task(work)

    def _sometimes(self, chance: float) -> float:
        """The chance, or 0: each seed has faults of its own, so that one does not hide another."""
        return chance * self.rng.choice((0, 1))

    @property
    def _is_stormy(self) -> bool:
        """Whether trouble goes on; asked each turn, as stopping a server may swallow a cancellation."""
        return asyncio.get_running_loop().time() < self._storm_ends_s

    async def _traffic(self, equipment: RadiusGateway | Softswitch) -> None:
        """New calls and messages, sometimes in a burst; RADIUS gateways restart now and then."""
        rng = self.rng
        while self._is_stormy:
            await asyncio.sleep(rng.randint(1, 16))
            luck = rng.random()
            if luck < 0.02 and isinstance(equipment, RadiusGateway):
                await equipment.reboot()
            elif luck < 0.2:
                equipment.begin(equipment.send_message())
            else:
                user = equipment.pick_user()
                for _ in range(rng.choice((1, 1, 1, 4))):
                    equipment.begin(equipment.call(user))

    async def _operators(self) -> None:
        rng = self.rng
        while self._is_stormy:
            await asyncio.sleep(rng.randint(1, 15))
            luck = rng.random()
            if luck < 0.6:
                equipment = rng.choice(self.equipment)
                name = rng.choice(CAST).name
                if rng.random() < 0.7:
                    # Who has run out of money pays, and calls again at once.
                    name = self.auditor.pick_poorest(USERS)
                await self.office.pay(name, rng.randint(1, 30) * 100_000)
                if name in USERS:
                    await asyncio.sleep(LAG_S + 1)
                    equipment.begin(equipment.call(name))
            elif luck < 0.8:
                await self.office.block_for_a_while(rng.choice(CAST).name)
            else:
                limit = rng.choice((0, 1, 2, 4)) * 1_000_000
                await self.office.change(rng.choice(("debtor", "hot", "poor")), credit_limit_micros=limit)

    async def _outages(self) -> None:
        """The database is away for a while, up to half a minute."""
        rng, weather = self.rng, self.database.weather
        while self._is_stormy:
            await asyncio.sleep(rng.randint(10, 200))
            weather.is_away = True
            await asyncio.sleep(rng.choice((2, 10, 30)))
            weather.is_away = False
            self.auditor.troubled()

    async def _deaths(self, node: Node) -> None:
        """A server dies or is restarted, and comes back."""
        rng = self.rng
        while self._is_stormy:
            await asyncio.sleep(rng.randint(3, 100) + rng.randint(0, 999) / 1000)
            if rng.random() < 0.8:
                node.crash()
                await asyncio.sleep(rng.randint(0, 4_000) / 1000)
            else:
                await node.stop()
            await node.boot()

    # ------------------------------------------------------------------------------ afterwards

    async def calm_down(self) -> None:
        """Good weather: everybody finishes, every silent session ends."""
        self.wire.traffic = Traffic()
        self.database.weather = Weather()
        self.auditor.troubled()
        for node in self.nodes:
            if not node.is_up:
                await node.boot()
        for one in CAST:
            await self.office.change(one.name, status=AccountStatus.ACTIVE)
        await until_idle(self.equipment)
        await asyncio.sleep(QUIET_S)
        self.auditor.look_at_the_end()

    async def pay_amid_traffic(self) -> None:
        """Who has talked until all is gone pays in while old and new calls are being booked, and is served.

        Calls over the connection take seconds, so that the payment is noticed at every point of them.
        """
        rng, weather, equipment = self.rng, self.database.weather, self.equipment[2]
        for user in rng.sample(LONERS * 2, 2 * len(LONERS)):
            key = equipment.new_name("q")
            await equipment.ask(equipment.request(RequestType.INITIAL, key, user))
            last = equipment.request(RequestType.TERMINATION, key, user, usage=Usage(seconds=1200))
            if rng.random() < 0.5:
                weather.stalls = 0.35
                equipment.begin(equipment.ask(last))
            else:
                await equipment.ask(last)
                await self._restart()
                weather.stalls = 0.35
                another = equipment.request(RequestType.INITIAL, equipment.new_name("q"), user)
                equipment.begin(equipment.ask(another, tries=1))
            await asyncio.sleep(rng.randint(0, 4_000) / 1000)
            await self.office.pay(user, 50_000_000)
            await until_idle(self.equipment)
            weather.stalls = 0.0
            await asyncio.sleep(LAG_S + 6)
            await self._probe(user)
        await asyncio.sleep(QUIET_S)

    async def hold_at_another_server(self) -> None:
        """One server refuses for money that sessions of another one hold, and serves when they have ended."""
        first, last, equipment = self.nodes[0], self.nodes[-1], self.equipment[2]
        for user in USERS:
            equipment.prefer(first)
            held: list[str] = []
            while self.auditor.can_afford(user, 1) and len(held) < SESSIONS_TO_HOLD:
                held.append(equipment.new_name("h"))
                await equipment.ask(equipment.request(RequestType.INITIAL, held[-1], user))
            equipment.prefer(last)
            await self._probe(user)
            equipment.prefer(first)
            for key in held:
                await equipment.ask(equipment.request(RequestType.TERMINATION, key, user, usage=Usage()))
            equipment.prefer(last)
            await self._probe(user)

    async def probe(self) -> None:
        """Every user calls once: a healthy server knows at once who has money."""
        for user in USERS:
            await self._probe(user)

    async def _probe(self, user: str) -> None:
        equipment = self.equipment[2]
        key = equipment.new_name("p")
        expected = self.auditor.can_afford(user, 1)
        answer = await equipment.ask(equipment.request(RequestType.INITIAL, key, user))
        self.auditor.probed(user, answer, expected=expected)
        await equipment.ask(equipment.request(RequestType.TERMINATION, key, user, usage=Usage()))

    async def replay(self) -> None:
        """A day later much of it comes again, to servers that have forgotten everything: nothing changes."""
        self.clock.jump(DAY_S)
        await self._restart()
        before = _movements(self.database.ledger)
        for equipment in self.equipment:
            booked = [request for request in equipment.history if self._is_booked(request)]
            for request in self.rng.sample(booked, min(len(booked), REPLAYS)):
                is_keyed = bool(request.request_digest)
                again = request if is_keyed else replace(request, request_key="another packet")
                equipment.begin(equipment.ask(again, is_new=False))
        await until_idle(self.equipment)
        await asyncio.sleep(QUIET_S)
        self.auditor.replayed(before, _movements(self.database.ledger))
        self.auditor.look_at_the_end()
        for finding in await self.database.ledger.verify():
            self.auditor.engine_reported(finding)

    def _is_booked(self, request: ChargingRequest) -> bool:
        """Whether the request's repeat must change nothing: its usage is in the books."""
        ledger = self.database.ledger
        if request.request_digest:
            return (request.gateway.id, request.request_key) in ledger.answers
        session_id = ledger.session_ids.get((request.gateway.id, request.session_key))
        if session_id is None or request.type is RequestType.INITIAL:
            return False
        used = 0 if request.usage is None else request.usage.seconds
        return used <= ledger.sessions[session_id].used_units

    async def _restart(self) -> None:
        for node in self.nodes:
            await node.stop()
            await node.boot()

    async def watch(self) -> None:
        """Look for what is overdue, for ever, while a server is there that could do it."""
        while True:
            await asyncio.sleep(5)
            if any(node.is_up for node in self.nodes):
                self.auditor.look_around()

    async def play(self) -> None:
        """The whole story, to its end or to the first violation."""
        story = asyncio.ensure_future(self._story())

        def give_up() -> None:
            self._storm_ends_s = 0.0
            story.cancel()

        self.auditor.on_violation = give_up
        with suppress(asyncio.CancelledError):
            await story

    async def _story(self) -> None:
        await self.set_up()
        watch = asyncio.ensure_future(self.watch())
        quiet = (self.hold_at_another_server, self.pay_amid_traffic, self.probe, self.replay)
        for part in (self.storm, self.calm_down, *quiet):
            await part()
        watch.cancel()


def simulate(seed: int, kind: type[Simulation] = Simulation) -> Report:
    """Play the simulation of a seed."""
    return virtual_time.run(_simulate(seed, kind))


def assert_promises_hold(seeds: Iterable[int], kind: type[Simulation] = Simulation) -> None:
    """Play seeds in turn; the first that breaks a promise fails with its story."""
    for seed in seeds:
        report = simulate(seed, kind)
        assert not report.violations, report.story


async def _simulate(seed: int, kind: type[Simulation]) -> Report:
    simulation = kind(seed)
    auditor, journal = simulation.auditor, simulation.journal
    asyncio.get_running_loop().set_exception_handler(lambda _, context: auditor.engine_reported(str(context)))
    with _listening(auditor):
        await simulation.play()
    return Report(
        seed=seed,
        violations=tuple(auditor.violations),
        fingerprint=journal.fingerprint,
        counts=journal.counts,
        tail=journal.tail(200),
    )


class _Complaints(logging.Handler):
    """Takes what the engine logs as an error to the auditor."""

    def __init__(self, auditor: Auditor) -> None:
        super().__init__(logging.ERROR)
        self._auditor = auditor

    def emit(self, record: logging.LogRecord) -> None:
        self._auditor.engine_reported(self.format(record))


@contextmanager
def _listening(auditor: Auditor) -> Iterator[None]:
    """Errors of the product go to the auditor, the faults it is meant to survive to nobody."""
    log = logging.getLogger("ocs")
    complaints = _Complaints(auditor)
    log.addHandler(complaints)
    propagates, log.propagate = log.propagate, False
    try:
        yield
    finally:
        log.propagate = propagates
        log.removeHandler(complaints)


def _order(one: Subscriber) -> AccountOrder:
    return AccountOrder(
        place=one.name,
        profile=AccountProfile(
            id=0, name=one.name, kind=one.kind, credit_limit_micros=one.credit_limit_micros
        ),
        plan=one.plan,
        parent=one.parent,
        opening_micros=one.opening_micros,
        identities=(Identity(kind=IdentityKind.USERNAME, value=one.name, account_id=0),),
    )


def _movements(ledger: MemoryLedgerStore) -> Movements:
    """What the books say about money."""
    records = {key: (cdr.charged_micros, cdr.used_units) for key, cdr in ledger.cdrs.items()}
    return dict(ledger.entries), records

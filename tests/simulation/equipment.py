"""Equipment as actors: RADIUS gateways that report by session and usage, softswitches that key each request.

They are honest about time and dishonest about everything else that real equipment is: they give up, lose
their Start, forget their Stop, repeat old reports, use more than they were granted, and restart.
"""

import asyncio
import hashlib
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Any, Final, Protocol

from simulation.journal import Journal
from simulation.node import Node
from simulation.wire import Wire

from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType, Usage
from ocs.ports import Clock, Gateway, IdentityKind
from ocs.units import MESSAGES

PATIENCE_S: Final = 3
"After this long without an answer a request is sent again."
TRIES: Final = 5
INTERIM_S: Final = 20
"How often RADIUS gateways report."


class Listener(Protocol):
    """Who is told what equipment asks."""

    def sent(self, request: ChargingRequest) -> None:
        """Equipment asks this for the first time."""
        ...


class Equipment:
    """What every gateway has: a name, a wire, servers to ask, and work under way."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        users: Sequence[str],
        nodes: Sequence[Node],
        wire: Wire,
        clock: Clock,
        rng: Random,
        listener: Listener,
        journal: Journal,
    ) -> None:
        self.gateway = gateway
        self.history: list[ChargingRequest] = []
        "Everything that was asked, in order."
        self._users = users
        self._nodes = nodes
        self._wire = wire
        self._clock = clock
        self._rng = rng
        self._listener = listener
        self._journal = journal
        self._favourite = rng.randrange(len(nodes))
        self._tasks: dict[asyncio.Task[object], None] = {}
        self._names = 0

    # ------------------------------------------------------------------------------ asking

    def request(self, kind: RequestType, key: str, user: str, **fields: Any) -> ChargingRequest:
        """A request at the present instant."""
        now_ms = self._clock.now_ms()
        return ChargingRequest(
            type=kind,
            gateway=self.gateway,
            session_key=key,
            received_at_ms=now_ms,
            event_at_ms=now_ms,
            identities=((IdentityKind.USERNAME, user),),
            called="4420",
            **fields,
        )

    async def ask(
        self, request: ChargingRequest, *, tries: int = TRIES, is_new: bool = True
    ) -> Outcome | NoAnswer | None:
        """Send a request until it is answered; None when nobody answers and we give up."""
        if is_new:
            self.history.append(request)
        self._listener.sent(request)
        answer: asyncio.Future[Outcome | NoAnswer] = asyncio.get_running_loop().create_future()
        for _ in range(tries):
            node = self._nodes[self._favourite]
            self._wire.carry(partial(self._deliver, node, request, answer), request.session_key)
            await asyncio.wait([answer], timeout=PATIENCE_S)
            if answer.done():
                return answer.result()
            self._favourite = self._rng.randrange(len(self._nodes))
        return None

    def _deliver(
        self, node: Node, request: ChargingRequest, answer: "asyncio.Future[Outcome | NoAnswer]"
    ) -> None:
        def arrive(given: Outcome | NoAnswer) -> None:
            if not answer.done():
                answer.set_result(given)

        def respond(given: Outcome | NoAnswer) -> None:
            if given not in (NoAnswer.UNAVAILABLE, NoAnswer.OVERLOADED):
                self._wire.carry(partial(arrive, given), f"answer {request.session_key}")

        node.receive(request, respond)

    def prefer(self, node: Node) -> None:
        """Ask this server first from now on."""
        self._favourite = self._nodes.index(node)

    # ------------------------------------------------------------------------------ working

    def begin(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something beside everything else."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    @property
    def is_busy(self) -> bool:
        """Whether anything is under way."""
        return bool(self._tasks)

    def new_name(self, kind: str) -> str:
        """A session key that was never used."""
        self._names += 1
        return f"{kind}{self.gateway.id}.{self._names}"

    def pick_user(self) -> str:
        """Somebody; the first ones are the busiest."""
        return self._users[min(self._rng.randrange(len(self._users)), self._rng.randrange(len(self._users)))]

    def now_s(self) -> float:
        """Virtual seconds."""
        return asyncio.get_running_loop().time()


@dataclass(kw_only=True)
class Manners:
    """How one call behaves."""

    talks_s: int
    is_asked: bool
    "Authorised first; a gateway that fails open connects without."
    loses_start: bool
    loses_stop: bool
    is_obedient: bool
    "Ends when the grant is used up."
    replays: bool
    "An old report is sent again a while later."
    corrects: bool
    "A second Stop, a while later, knows of more seconds than the first."
    tries: int
    "How often it asks for authorisation."

    @classmethod
    def draw(cls, rng: Random, *, rudeness: float) -> "Manners":
        """Manners of a call; `rudeness` is the chance of each misbehaviour."""
        return cls(
            talks_s=rng.choice((0, 5, 19, 20, 21, 40, rng.randint(1, 120))),
            is_asked=rng.random() >= rudeness,
            loses_start=rng.random() < rudeness,
            loses_stop=rng.random() < rudeness,
            is_obedient=rng.random() >= rudeness,
            replays=rng.random() < rudeness,
            corrects=rng.random() < rudeness,
            tries=rng.choice((1, TRIES)),
        )


class RadiusGateway(Equipment):
    """Authorise, Start, interims, Stop; every report is retransmitted beside the call."""

    rudeness: float = 0.1
    "Chance of each misbehaviour of a call."

    async def call(self, user: str) -> None:
        """One call, from its authorisation to its last retransmission."""
        rng = self._rng
        key = self.new_name("r")
        manners = Manners.draw(rng, rudeness=self.rudeness)
        answer = None
        if manners.is_asked:
            asked = self.request(RequestType.INITIAL, key, user, request_key=f"{key}/a")
            answer = await self.ask(asked, tries=manners.tries)
            if not _is_served(answer) and rng.random() >= self.rudeness:
                return
        limit = _Limit(answer)
        await asyncio.sleep(rng.randint(0, 8))
        connected_s = self.now_s()
        if not manners.loses_start:
            self._report(limit, RequestType.UPDATE, key, user, 0, starts=True)
        used = await self._talk(limit, key, user, manners, connected_s)
        if not manners.loses_stop:
            self._report(limit, RequestType.TERMINATION, key, user, used)
        if manners.corrects:
            await asyncio.sleep(rng.randint(0, 60))
            self._report(limit, RequestType.TERMINATION, key, user, used + rng.randint(1, 5))
        if manners.replays and not (manners.loses_start and manners.loses_stop):
            await self._replay_later(key)

    async def _talk(self, limit: "_Limit", key: str, user: str, manners: Manners, connected_s: float) -> int:
        """Talk and report until the wish or the grant is used up; returns the seconds used."""
        while True:
            used = int(self.now_s() - connected_s)
            end = manners.talks_s if not manners.is_obedient else min(manners.talks_s, limit.until)
            if used >= end:
                return used
            await asyncio.sleep(min(INTERIM_S, end - used))
            used = int(self.now_s() - connected_s)
            if used < manners.talks_s:
                self._report(limit, RequestType.UPDATE, key, user, used)
                # The answer may end the call: it is not there at once.
                await asyncio.sleep(self._rng.choice((0, 1)))

    def _report(
        self, limit: "_Limit", kind: RequestType, key: str, user: str, used: int, **fields: Any
    ) -> None:
        request = self.request(kind, key, user, usage=Usage(seconds=used), **fields)
        self.begin(self._report_until_answered(limit, request, used))

    async def _report_until_answered(self, limit: "_Limit", request: ChargingRequest, used: int) -> None:
        answer = await self.ask(request)
        if isinstance(answer, Outcome):
            limit.learn(used, answer)
        elif self._rng.random() < 0.5:
            await asyncio.sleep(self._rng.randint(20, 60))  # buffered until the server is back
            await self.ask(request, is_new=False)

    async def _replay_later(self, key: str) -> None:
        """Send one of the call's reports again, as another packet."""
        await asyncio.sleep(self._rng.randint(5, 60))
        reports = [past for past in self.history if past.session_key == key]
        again = replace(self._rng.choice(reports), request_key=f"{key}/b")
        await self.ask(again, is_new=False)

    async def send_message(self) -> None:
        """Charge a message at once; no key but the session's."""
        key = self.new_name("m")
        await self.ask(
            self.request(
                RequestType.EVENT,
                key,
                self.pick_user(),
                service=MESSAGES,
                action=RequestedAction.DIRECT_DEBITING,
                requested_units=self._rng.randint(1, 3),
            )
        )

    async def reboot(self) -> None:
        """Forget every call without a word, then say Accounting-On until it is heard."""
        for task in tuple(self._tasks):
            if task is not asyncio.current_task():
                task.cancel()
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        at_ms = self._clock.now_ms()

        def respond() -> None:
            self._wire.carry(lambda: heard.done() or heard.set_result(None), "answer Accounting-On")

        for _ in range(TRIES):
            node = self._nodes[self._favourite]
            self._wire.carry(partial(node.receive_reboot, self.gateway.id, at_ms, respond), "Accounting-On")
            await asyncio.wait([heard], timeout=PATIENCE_S)
            if heard.done():
                return


class _Limit:
    """Until which second a call may go on, as far as its gateway has heard."""

    def __init__(self, answer: Outcome | NoAnswer | None) -> None:
        self.until = answer.granted_units if isinstance(answer, Outcome) else 2**31
        self._reported = -1

    def learn(self, reported: int, answer: Outcome) -> None:
        """An answer to the report of so many seconds; late ones do not count."""
        if reported >= self._reported:
            self._reported = reported
            self.until = reported + answer.granted_units if answer.code.is_success else reported


class Softswitch(Equipment):
    """Numbered, keyed requests, one after the other; repeats of each carry the same key."""

    async def call(self, user: str) -> None:
        """One call as a credit-control session."""
        rng = self._rng
        key = self.new_name("g")
        number, used = 0, 0
        answer = await self._ask_keyed(RequestType.INITIAL, key, user, number, used)
        talks_s = rng.choice((3, 20, 61, rng.randint(1, 100)))
        wanted = rng.choice((None, 10, 45))
        connected_s = self.now_s()
        while isinstance(answer, Outcome) and _is_served(answer) and used < talks_s:
            await asyncio.sleep(max(1, min(answer.granted_units, talks_s - used)))
            used = int(self.now_s() - connected_s)
            if used >= talks_s:
                break
            number += 1
            answer = await self._ask_keyed(
                RequestType.UPDATE, key, user, number, used, requested_units=wanted
            )
        if rng.random() < 0.9:
            await self._ask_keyed(RequestType.TERMINATION, key, user, number + 1, used)
        if rng.random() < 0.2:
            await asyncio.sleep(rng.randint(1, 60))
            await self._repeat(key)

    async def _repeat(self, key: str) -> None:
        """Ask something again: as it was, or by mistake with another body under the same key."""
        again = self._rng.choice([past for past in self.history if past.session_key == key])
        if self._rng.random() < 0.3:
            again = replace(again, request_digest="another body")
        await self.ask(again, is_new=False)

    async def _ask_keyed(
        self, kind: RequestType, key: str, user: str, number: int, used: int, **fields: Any
    ) -> Outcome | NoAnswer | None:
        usage = Usage(seconds=used)
        body = f"{kind} {key} {user} {used} {fields}"
        digest = hashlib.sha256(body.encode()).hexdigest()[:16]
        return await self.ask(
            self.request(
                kind, key, user, usage=usage, request_key=f"{key}/{number}", request_digest=digest, **fields
            )
        )

    async def send_message(self) -> None:
        """Charge messages at once, sometimes give them back."""
        key, user = self.new_name("e"), self.pick_user()
        units = self._rng.randint(1, 3)
        for number, action in enumerate((RequestedAction.DIRECT_DEBITING, RequestedAction.REFUND)):
            await self.ask(
                self.request(
                    RequestType.EVENT,
                    key,
                    user,
                    service=MESSAGES,
                    action=action,
                    requested_units=units,
                    request_key=f"{key}/{number}",
                    request_digest=f"{action.name} {units}",
                )
            )
            if self._rng.random() < 0.7:
                return


def _is_served(answer: Outcome | NoAnswer | None) -> bool:
    return isinstance(answer, Outcome) and answer.code.is_success


async def until_idle(equipment: Iterable[Equipment]) -> None:
    """Wait for everything that is under way."""
    while any(one.is_busy for one in equipment):
        await asyncio.sleep(1)

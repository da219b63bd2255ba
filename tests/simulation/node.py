"""A server process: the real engine, which may die at any await and comes back with nothing in memory."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from simulation.database import Connection, Database
from simulation.journal import Journal

from ocs.charging.engine import Engine, EngineLimits
from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest
from ocs.errors import StoreUnavailableError
from ocs.ports import Clock, IdSource

Respond = Callable[[Outcome | NoAnswer], None]


class Observer(Protocol):
    """Who watches the server's door."""

    def arrived(self, request: ChargingRequest) -> object:
        """A request came in; what is returned names this copy of it."""
        ...

    def answered(self, copy: object, answer: Outcome | NoAnswer) -> None:
        """The server lets an answer out."""
        ...

    def forgotten(self, copy: object) -> None:
        """The server died with the request."""
        ...

    def open_sessions_of(self, gateway_id: int, restarted_at_ms: int) -> Sequence[int]:
        """A gateway says that it has restarted; these sessions are what it had."""
        ...

    def gateway_ended(self, session_ids: Sequence[int], restarted_at_ms: int) -> None:
        """The server acknowledges that they have ended."""
        ...

    def troubled(self) -> None:
        """Something failed that the server has to recover from."""
        ...


class Node:
    """One server process and its life."""

    def __init__(
        self,
        name: str,
        *,
        database: Database,
        clock: Clock,
        ids: IdSource,
        journal: Journal,
        observer: Observer,
        limits: EngineLimits,
    ) -> None:
        self.name = name
        self._database = database
        self._clock = clock
        self._ids = ids
        self._journal = journal
        self._observer = observer
        self._limits = limits
        self._connection = Connection(database, name)
        self._engine: Engine | None = None
        self._waiting: dict[object, None] = {}
        "Requests inside, in order of arrival."

    @property
    def is_up(self) -> bool:
        """Whether requests are heard."""
        return self._engine is not None

    async def boot(self) -> None:
        """Start with nothing in memory, as often as it takes."""
        while True:
            self._connection = Connection(self._database, self.name)
            engine = Engine(
                ledger=self._connection.ledger,
                catalog=self._connection.catalog,
                clock=self._clock,
                ids=self._ids,
                limits=self._limits,
            )
            try:
                await engine.start()
            except StoreUnavailableError:
                await asyncio.sleep(1)
                continue
            self._engine = engine
            self._journal.add("up", self.name)
            self._observer.troubled()
            return

    def crash(self) -> None:
        """Die on the spot: every task ends where it is, nobody hears from it again."""
        engine = self._engine
        if engine is None:
            return
        self._journal.add("crash", self.name)
        for task in (engine._ticker, *engine._tasks):
            if task is not None:
                task.cancel()
        self._end(engine)

    async def stop(self) -> None:
        """Shut down in order: finish what is under way, refuse the rest."""
        engine = self._engine
        if engine is None:
            return
        self._journal.add("stop", self.name)
        try:
            await engine.stop()
        finally:
            self._end(engine)

    def _end(self, engine: Engine) -> None:
        """The process is gone, unless it was gone already."""
        if self._engine is not engine:
            return
        self._engine = None
        self._connection.cut()
        for copy in self._waiting:
            self._observer.forgotten(copy)
        self._waiting.clear()
        self._observer.troubled()

    def receive(self, request: ChargingRequest, respond: Respond) -> None:
        """A request from the wire."""
        engine = self._engine
        if engine is None:
            return
        self._journal.add("arrived", f"{self.name} {describe(request)}")
        copy = self._observer.arrived(request)
        self._waiting[copy] = None

        def reply(answer: Outcome | NoAnswer) -> None:
            if copy in self._waiting:
                del self._waiting[copy]
                self._journal.add("answered", f"{self.name} {describe(request)} {_read(answer)}")
                self._observer.answered(copy, answer)
                respond(answer)

        engine.submit(request, reply)

    def receive_reboot(self, gateway_id: int, at_ms: int, respond: Callable[[], None]) -> None:
        """Accounting-On from the wire."""
        engine = self._engine
        if engine is None:
            return
        self._journal.add("reboot", f"{self.name} gateway {gateway_id}")
        session_ids = self._observer.open_sessions_of(gateway_id, at_ms)

        def reply(is_durable: bool) -> None:  # noqa: FBT001 - the engine's callback
            if is_durable and self._engine is engine:
                self._observer.gateway_ended(session_ids, at_ms)
                respond()

        engine.end_gateway_sessions(gateway_id, at_ms, reply)


def describe(request: ChargingRequest) -> str:
    """The request in a few words."""
    used = "" if request.usage is None else f" used {request.usage.seconds}"
    return f"{request.type.name} {request.session_key} {request.request_key}{used}"


def _read(answer: Outcome | NoAnswer) -> str:
    if isinstance(answer, NoAnswer):
        return answer.name
    return f"{answer.code.name} +{answer.granted_units} charged {answer.charged_micros}"

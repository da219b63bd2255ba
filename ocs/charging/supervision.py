"""What operators do to sessions: end them, and feed parked reports again. Use cases over the two stores.

Each uses an engine of its own beside the running server: correctness rests on the stores' compare-and-set,
and the change log tells the server, which tells the equipment.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ocs.charging.audit import Command
from ocs.charging.engine import Engine
from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest, RequestType, Usage
from ocs.charging.termination import find_gateway, find_session, tell_ended, terminate
from ocs.errors import ConflictError, InputError, NotFoundError, StoreUnavailableError
from ocs.ports import (
    CatalogStore,
    Clock,
    IdentityKind,
    IdSource,
    LedgerStore,
    ParkedReport,
)
from ocs.quota.session import Session
from ocs.units import SERVICES, AccessCode

PER_PAGE = 200


class Refeed(NamedTuple):
    """What became of one parked report."""

    report: ParkedReport
    outcome: Outcome

    @property
    def is_booked(self) -> bool:
        """Whether somebody was charged, so that it is parked no more."""
        return self.outcome.session_id is not None


class Supervision:
    """The operator's commands about sessions. Any may raise `StoreUnavailableError`."""

    def __init__(self, ledger: LedgerStore, catalog: CatalogStore, clock: Clock, ids: IdSource) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock
        self._ids = ids

    async def find(self, name: str, *, gateway: str = "") -> Session:
        """The session with this id, or the one that a gateway calls so.

        Raises:
            NotFoundError: there is none.
            InputError: several gateways have one of this name.
        """
        if name.isdecimal() and not gateway:
            session = await self._ledger.find_session(int(name))
            if session is not None:
                return session
        gateways = await self._catalog.load_gateways()
        keys = [(one.id, name) for one in gateways if gateway in ("", one.name)]
        found = (await self._ledger.load((), keys)).sessions
        if len(found) > 1:
            names = ", ".join(sorted(one.name for one in gateways if (one.id, name) in found))
            raise InputError("--gateway", f"session {name!r} is one of each of {names}")
        if not found:
            raise NotFoundError(f"session {name!r} does not exist")
        return next(iter(found.values()))

    async def terminate(self, session_id: int, *, cause: str = "", command: Command) -> Session:
        """End an open session; see `ocs.charging.termination`."""
        return await terminate(
            self._engine(), self._ledger, self._catalog, session_id=session_id, cause=cause, command=command
        )

    async def refeed(self, report: ParkedReport) -> Refeed:
        """Charge a parked report now that its cause is mended; as a final report, whatever it was."""
        body: Mapping[str, Any] = json.loads(report.report)
        request = ChargingRequest(
            type=RequestType.TERMINATION,
            gateway=await find_gateway(self._catalog, report.gateway_id),
            session_key=report.session_key,
            received_at_ms=self._clock.now_ms(),
            event_at_ms=body["event_at_ms"],
            service=SERVICES[body["service"]],
            access_code=AccessCode(body["access_code"]),
            identities=[(IdentityKind(kind), value) for kind, value in body["identities"]],
            calling=body["calling"],
            called=body["called"],
            usage=None if body["usage"] is None else Usage(**body["usage"]),
            starts=body["starts"],
            end_cause=body["end_cause"] or "fed again",
            leg=body.get("leg", ""),
            parked_id=report.parked_id,
        )
        engine = self._engine()
        await engine.load_catalogue()
        outcome = await _charge(engine, request)
        if outcome.session_id is not None:
            await tell_ended(self._catalog, await find_session(self._ledger, outcome.session_id))
        return Refeed(report, outcome)

    async def parked(self, parked_ids: Sequence[int] = ()) -> Sequence[ParkedReport]:
        """The reports with these ids, or all; NotFoundError names an id that is not parked."""
        found: dict[int, ParkedReport] = {}
        after_id = 0
        while page := await self._ledger.list_parked(after_id=after_id, limit=PER_PAGE):
            found.update((report.parked_id, report) for report in page)
            after_id = page[-1].parked_id
        for parked_id in parked_ids:
            if parked_id not in found:
                raise NotFoundError(f"report {parked_id} is not parked")
        return [found[parked_id] for parked_id in parked_ids or sorted(found)]

    def _engine(self) -> Engine:
        return Engine(ledger=self._ledger, catalog=self._catalog, clock=self._clock, ids=self._ids)


async def _charge(engine: Engine, request: ChargingRequest) -> Outcome:
    outcome = await engine.charge(request)
    if outcome is NoAnswer.UNAVAILABLE:
        raise StoreUnavailableError("the session could not be written, see the log; try again")
    if isinstance(outcome, NoAnswer):
        raise ConflictError(f"session {request.session_key!r}: {outcome.value}")
    return outcome

"""Ending a session by an operator, through the running engine: what it used is charged, the rest released."""

from typing import Final

from ocs.charging.audit import Command
from ocs.charging.outcome import NoAnswer
from ocs.charging.request import ChargingRequest, RequestType
from ocs.charging.service import ChargingService
from ocs.errors import AlreadyExistsError, InputError, NotFoundError, StoreUnavailableError
from ocs.ports import CatalogStore, ChangeKind, Gateway, LedgerStore
from ocs.quota.session import Session

REASON_CHARACTERS_MAX: Final = 64
DEFAULT_REASON: Final = "operator"


async def terminate(
    service: ChargingService,
    ledger: LedgerStore,
    catalog: CatalogStore,
    *,
    session_id: int,
    reason: str,
    command: Command,
) -> Session:
    """End an open session at its last known usage and tell its equipment; one that has ended stays as it is.

    Returns the session as it is then. Its equipment is told within a second; a later report of it settles the
    difference like that of any ended session.

    Raises:
        NotFoundError: there is no such session.
        InputError: the reason cannot be kept.
        StoreUnavailableError: it cannot be booked now; nothing is known to be ended.
    """
    if len(reason) > REASON_CHARACTERS_MAX or not reason.isprintable():
        raise InputError("reason", f"up to {REASON_CHARACTERS_MAX} printable characters")
    session = await _session(ledger, session_id)
    if not session.is_open:
        return session
    gateways = {gateway.id: gateway for gateway in await catalog.load_gateways()}
    gateway = gateways.get(session.gateway_id) or Gateway(id=session.gateway_id, name="(removed)")
    before = {"state": "open", "used_units": session.used_units}
    after = {"state": "closed", "end_cause": reason or DEFAULT_REASON}
    answer = await service.charge(
        ChargingRequest(
            type=RequestType.TERMINATION,
            gateway=gateway,
            session_key=session.session_key,
            received_at_ms=command.at_ms,
            event_at_ms=command.at_ms,
            end_cause=reason or DEFAULT_REASON,
            audit=command.entry("terminate", f"sessions/{session_id}", before=before, after=after),
        )
    )
    if answer is NoAnswer.KEY_REUSED:
        raise AlreadyExistsError(f"session {session_id} was ended in another way meanwhile")
    if isinstance(answer, NoAnswer):
        raise StoreUnavailableError(f"session {session_id} cannot be ended now: {answer.value}")
    await catalog.touch(ChangeKind.SESSION, session_id)
    return await _session(ledger, session_id)


async def _session(ledger: LedgerStore, session_id: int) -> Session:
    session = await ledger.find_session(session_id)
    if session is None:
        raise NotFoundError(f"session {session_id} does not exist")
    return session

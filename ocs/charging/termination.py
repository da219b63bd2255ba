"""Ending a session by an operator: what it used is charged, the rest released, its equipment told.

Through the running server's engine, or through one beside it: correctness rests on the stores'
compare-and-set, and the change log tells the server, which tells the equipment.
"""

from typing import Final

from ocs.charging.audit import Command
from ocs.charging.outcome import NoAnswer
from ocs.charging.request import ChargingRequest, RequestType
from ocs.charging.service import ChargingService
from ocs.errors import ConflictError, InputError, NotFoundError, StoreUnavailableError
from ocs.ports import CatalogStore, ChangeKind, Gateway, LedgerStore
from ocs.quota.session import Session
from ocs.units import SERVICES, AccessCode

CAUSE_CHARACTERS_MAX: Final = 64
DEFAULT_CAUSE: Final = "operator"


async def terminate(
    service: ChargingService,
    ledger: LedgerStore,
    catalog: CatalogStore,
    *,
    session_id: int,
    cause: str,
    command: Command,
) -> Session:
    """End an open session at its last known usage and tell its equipment; one that has ended stays as it is.

    Returns the session as it is then. Its equipment is told within a second; a later report of it settles the
    difference like that of any ended session. Who ended it is audited in the same transaction.

    Args:
        service: the engine that charges.
        ledger: where the session is.
        catalog: where its gateway is, and where running servers learn of it.
        session_id: its number.
        cause: kept in its record; empty: `DEFAULT_CAUSE`.
        command: the operator's.

    Raises:
        NotFoundError: there is no such session.
        InputError: the cause cannot be kept.
        ConflictError: somebody else had it ended at the same instant in another way.
        StoreUnavailableError: it cannot be booked now; nothing is known to be ended.
    """
    if len(cause) > CAUSE_CHARACTERS_MAX or not cause.isprintable():
        raise InputError("reason", f"up to {CAUSE_CHARACTERS_MAX} printable characters")
    cause = cause or DEFAULT_CAUSE
    session = await find_session(ledger, session_id)
    if session.is_open:
        before = {"state": "open", "used_units": session.used_units}
        after = {"state": "closed", "end_cause": cause}
        request = ChargingRequest(
            type=RequestType.TERMINATION,
            gateway=await find_gateway(catalog, session.gateway_id),
            session_key=session.session_key,
            received_at_ms=command.at_ms,
            event_at_ms=command.at_ms,
            service=SERVICES[session.service],
            access_code=AccessCode(session.access_code),
            end_cause=cause,
            audit=command.entry("terminate", f"sessions/{session_id}", before=before, after=after),
        )
        answer = await service.charge(request)
        if answer is NoAnswer.KEY_REUSED:
            raise ConflictError(f"session {session_id} was ended in another way meanwhile")
        if isinstance(answer, NoAnswer):
            raise StoreUnavailableError(f"session {session_id} cannot be ended now: {answer.value}")
    elif session.end_cause != cause:
        return session
    # Also for one that had ended so: the command before this one may have died before it told the server.
    await tell_ended(catalog, session)
    return await find_session(ledger, session_id)


async def tell_ended(catalog: CatalogStore, session: Session) -> None:
    """Let running servers know that others changed a session and the accounts that pay for it."""
    for reservation in session.reservations:
        await catalog.touch(ChangeKind.ACCOUNT, reservation.account_id)
    await catalog.touch(ChangeKind.SESSION, session.session_id)


async def find_session(ledger: LedgerStore, session_id: int) -> Session:
    """The session with this number, or NotFoundError."""
    session = await ledger.find_session(session_id)
    if session is None:
        raise NotFoundError(f"session {session_id} does not exist")
    return session


async def find_gateway(catalog: CatalogStore, gateway_id: int) -> Gateway:
    """The gateway of a session; it may have been deleted since."""
    gateways = {gateway.id: gateway for gateway in await catalog.load_gateways()}
    return gateways.get(gateway_id) or Gateway(id=gateway_id, name="(removed)")

"""Session detail records and parked reports: what is kept for people and other systems."""

import json
from typing import Final

from ocs.charging.allowance import Allowance
from ocs.charging.request import ChargingRequest
from ocs.charging.situation import Payer
from ocs.ports import Cdr, ParkedReport
from ocs.quota.session import Session
from ocs.rating.explanation import explain, to_json
from ocs.rating.formula import percent_text
from ocs.units import MILLIS_PER_SECOND, format_money

_to_json: Final = json.JSONEncoder(separators=(",", ":")).encode
"An encoder with separators of its own would be made for every call of `json.dumps`."


def session_record(session: Session, payer: Payer, *, charged_units: int, now_ms: int) -> Cdr:
    """The CDR of one payer of an ended session, with the steps that made its price.

    Args:
        session: the ended session.
        payer: whose record it is; one that pays.
        charged_units: what the price is for: the usage, or what an expired session is assumed to have used.
        now_ms: when it is recorded.
    """
    applied = payer.applied
    assert applied is not None, "only payers get a record"
    reservation = payer.reservation
    usage = payer.usage(charged_units)
    start_s = session.started_at_ms // MILLIS_PER_SECOND
    zone = payer.link.zone
    explanation = explain(applied, usage, start_s=start_s, zone=zone, ended=True, discounts=payer.discounts)
    return Cdr(
        session_id=session.session_id,
        account_id=payer.account.account_id,
        revision=session.version + 1,
        gateway_id=session.gateway_id,
        session_key=session.session_key,
        identity_kind=session.identity_kind,
        identity_value=session.identity_value,
        service=session.service,
        access_code=session.access_code,
        calling=session.calling,
        called=session.called,
        started_at_ms=session.started_at_ms,
        ended_at_ms=session.ended_at_ms,
        recorded_at_ms=now_ms,
        end_cause=session.end_cause,
        used_units=charged_units,
        billed_units=explanation.billed_units,
        granted_units=session.granted_units,
        octets_in=session.octets_in,
        octets_out=session.octets_out,
        charged_micros=reservation.debited_micros,
        overrun_micros=reservation.overrun_micros,
        currency=applied.terms.currency,
        tariff=applied.terms.name,
        destination=applied.rate.destination,
        snapshot_id=reservation.snapshot_id,
        explanation=to_json(explanation),
        allowance=_allowance_use(payer.allowance),
        cost_centre=session.cost_centre,
        receipt_timed=session.receipt_timed,
        legs=session.legs,
    )


def _allowance_use(allowance: Allowance | None) -> str:
    """What the session took of each counter, as JSON; empty: nothing."""
    if allowance is None:
        return ""
    use = [
        {
            "discount": share.label,
            "percent": percent_text(share.off_ppm),
            "taken": format_money(share.taken) if share.counts_money else share.taken,
            "counts": "money" if share.counts_money else "units",
        }
        for share in allowance.shares
        if share.taken
    ]
    return _to_json(use) if use else ""


def parked_report(request: ChargingRequest, *, parked_id: int, used_units: int, reason: str) -> ParkedReport:
    """A report that nobody can be charged for, whole, so that it can be fed again."""
    body = {
        "type": request.type.name,
        "service": request.service.name,
        "access_code": request.access_code.value,
        "identities": [[kind.value, value] for kind, value in request.identities],
        "calling": request.calling,
        "called": request.called,
        "usage": request.usage._asdict() if request.usage else None,
        "starts": request.starts,
        "event_at_ms": request.event_at_ms,
        "end_cause": request.end_cause,
        "leg": request.leg,
    }
    return ParkedReport(
        parked_id=parked_id,
        gateway_id=request.gateway.id,
        session_key=request.session_key,
        received_at_ms=request.received_at_ms,
        reason=reason,
        used_units=used_units,
        report=_to_json(body),
    )

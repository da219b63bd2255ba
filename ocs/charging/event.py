"""EVENT requests: one-time charging without a session that stays open (RFC 8506 section 6)."""

import json
from dataclasses import replace
from typing import Protocol

from ocs.charging.batch import Group
from ocs.charging.case import Case, account_outcome
from ocs.charging.grant import affordable_total, money_refusal
from ocs.charging.limit import refuse_spend
from ocs.charging.outcome import Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest, RequestedAction, Usage
from ocs.charging.situation import Situation
from ocs.quota.ledger import EntryKind, post
from ocs.quota.session import Session, SessionState
from ocs.rating.explanation import explain
from ocs.units import MILLIS_PER_SECOND, Measure, Service


class Cases(Protocol):
    """What an event needs of the decider: cases of new and of known sessions."""

    def fresh(
        self, request: ChargingRequest, situation: Situation, group: Group, now_ms: int
    ) -> Case | OutcomeCode:
        """The case of a new session, rated but counted nowhere yet; or why it has no price."""
        ...

    def known(
        self, request: ChargingRequest, situation: Situation, session: Session, group: Group, now_ms: int
    ) -> Case:
        """The case of a session that exists."""
        ...


def is_repeated_debit(request: ChargingRequest, situation: Situation) -> bool:
    """Whether a direct debit was booked before: then its answer stands, whatever became of the account."""
    return request.action is RequestedAction.DIRECT_DEBITING and situation.session is not None


def decide_event(
    cases: Cases, request: ChargingRequest, situation: Situation, group: Group, now_ms: int
) -> Outcome:
    """Answer an EVENT whose identity and account were found fit."""
    if request.action is RequestedAction.CHECK_BALANCE:
        return _check_balance(cases, request, situation, group, now_ms)
    if request.action is RequestedAction.PRICE_ENQUIRY:
        return _enquire_price(cases, request, situation, group, now_ms)
    if request.action is RequestedAction.REFUND:
        return _refund(cases, request, situation, group, now_ms)
    return _debit(cases, request, situation, group, now_ms)


def _debit(
    cases: Cases, request: ChargingRequest, situation: Situation, group: Group, now_ms: int
) -> Outcome:
    """Charge the units at once, all or nothing; the same key again gets the same answer."""
    if situation.session is not None:
        case = cases.known(request, situation, situation.session, group, now_ms)
        outcome = case.outcome(OutcomeCode.SUCCESS)
        outcome.granted_units = situation.session.used_units
        return outcome
    opened = cases.fresh(request, situation, group, now_ms)
    if isinstance(opened, OutcomeCode):
        return account_outcome(opened, situation)
    units = request.requested_units or 1
    spent = None if opened.is_unconditional else refuse_spend(opened.payers, now_ms)
    if spent is not None:
        return account_outcome(spent, situation)
    if not opened.is_unconditional and affordable_total(opened.payers, cap_units=units) < units:
        return account_outcome(money_refusal(opened.payers, units), situation)
    opened.request = _with_usage(request, opened.service, units)
    opened.open()
    opened.debit_usage(ended=True)
    opened.session.granted_units = units
    opened.close(ended_at_ms=request.event_at_ms, cause=request.end_cause or "event")
    opened.touch(expires_at_ms=0)
    opened.record()
    outcome = opened.outcome(OutcomeCode.SUCCESS)
    outcome.granted_units = units
    return outcome


def _refund(
    cases: Cases, request: ChargingRequest, situation: Situation, group: Group, now_ms: int
) -> Outcome:
    """Give back what a direct debit took, once; asking again changes nothing."""
    session = situation.session
    if session is None:
        return account_outcome(OutcomeCode.SESSION_ENDED, situation)
    case = cases.known(request, situation, session, group, now_ms)
    if session.is_open:
        return case.outcome(OutcomeCode.INVALID_ARGUMENT)
    if session.state != SessionState.REFUNDED:
        for payer in case.payers:
            refund_micros = payer.reservation.debited_micros - payer.reservation.refunded_micros
            if payer.allowance is not None:
                payer.allowance.give_back()
            if refund_micros:
                payer.reservation.refunded_micros += refund_micros
                group.entries.append(
                    post(
                        payer.account,
                        kind=EntryKind.REFUND,
                        amount_micros=refund_micros,
                        at_ms=request.event_at_ms,
                        session_id=session.session_id,
                        snapshot_id=payer.reservation.snapshot_id,
                        request_key=f"refund/{session.session_id}",
                    )
                )
        session.state = SessionState.REFUNDED
        case.touch(expires_at_ms=0)
    return case.outcome(OutcomeCode.SUCCESS)


def _check_balance(
    cases: Cases, request: ChargingRequest, situation: Situation, group: Group, now_ms: int
) -> Outcome:
    """Say whether there is credit, for the wanted units where a number is given; holds nothing."""
    opened = cases.fresh(request, situation, group, now_ms) if request.called else None
    if isinstance(opened, OutcomeCode):
        return account_outcome(opened, situation)
    if opened is None:
        for link, account in zip(situation.links, situation.accounts, strict=True):
            available = account.available_micros(link.floor_micros)
            if link.plan is not None and available is not None and available <= 0:
                code = OutcomeCode.FUNDS_LOCKED if account.reserved_micros else OutcomeCode.ZERO_BALANCE
                return account_outcome(code, situation)
        return account_outcome(OutcomeCode.SUCCESS, situation)
    units = request.requested_units or 1
    if affordable_total(opened.payers, cap_units=units) < units:
        return account_outcome(money_refusal(opened.payers, units), situation)
    return account_outcome(OutcomeCode.SUCCESS, situation)


def _enquire_price(
    cases: Cases, request: ChargingRequest, situation: Situation, group: Group, now_ms: int
) -> Outcome:
    """Price the wanted units for the asking account and say how many its money buys; touches nothing."""
    opened = cases.fresh(request, situation, group, now_ms)
    if isinstance(opened, OutcomeCode):
        return account_outcome(opened, situation)
    units = request.requested_units or 60
    payer = next(payer for payer in opened.payers if payer.applied is not None)
    applied = payer.applied
    assert applied is not None, "chosen so"
    outcome = account_outcome(OutcomeCode.SUCCESS, situation)
    outcome.charged_micros = payer.price(units, ended=True)
    outcome.affordable_units = affordable_total(
        opened.payers, cap_units=_longest_units(request, opened.service)
    )
    explanation = explain(
        applied,
        payer.usage(units),
        start_s=opened.session.started_at_ms // MILLIS_PER_SECOND,
        zone=payer.link.zone,
        ended=True,
        discounts=payer.discounts,
    )
    outcome.explanation = json.dumps(explanation.to_dict(), separators=(",", ":"))
    return outcome


def _longest_units(request: ChargingRequest, service: Service) -> int:
    if service.measure is Measure.SECONDS:
        return request.gateway.grant.session_max_s
    return request.gateway.grant.max_grant_octets if service.measure is Measure.OCTETS else 2**31


def _with_usage(request: ChargingRequest, service: Service, units: int) -> ChargingRequest:
    """The same request, reporting the units as used: an event delivers what it debits."""
    if service.measure is Measure.SECONDS:
        usage = Usage(seconds=units)
    elif service.measure is Measure.OCTETS:
        usage = Usage(octets_in=units)
    else:
        usage = Usage(messages=units)
    return replace(request, usage=usage)

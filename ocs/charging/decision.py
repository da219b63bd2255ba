"""The decision: one synchronous step from request and records to changed records and outcome.

Everything it needs is in the `Situation`; it reads no clock and does no I/O, and nothing can come between
its reads and its changes. What a request does to a session (charging section 3):

    state    INITIAL                     UPDATE                        TERMINATION
    none     reserve, open               open from the report          debit as late final, close
    open     replay: same answer;        debit, reserve the next       debit, release, record, close
             else a re-authorisation
    closed   refuse                      late correction if it grew    same answer, or late correction
    expired  refuse                      reopen                        settle exactly, close

Deviates: the specification treats an expired session like a closed one. A report that is not its last
proves that the session lives on, so it is reopened and its next grant is held again; otherwise a gateway
that was silent for a while (or we were) would go on spending unreserved money.
"""

from ocs.charging.allowance import Allowance, open_shares
from ocs.charging.batch import Group
from ocs.charging.case import COLUMN_MAX, Case, account_outcome, is_implausible, measured_units
from ocs.charging.catalogue import Catalogue, RateBook
from ocs.charging.event import decide_event, is_repeated_debit
from ocs.charging.limit import refuse_sessions, refuse_spend
from ocs.charging.outcome import Outcome, OutcomeCode
from ocs.charging.password import PasswordBook
from ocs.charging.record import parked_report
from ocs.charging.request import ChargingRequest, RequestType
from ocs.charging.situation import Link, Payer, Situation, refuse_profile
from ocs.ports import IdSource
from ocs.quota.allowance import write_shares
from ocs.quota.session import Reservation, Session, SessionState
from ocs.rating.applied import AppliedRate
from ocs.rating.selection import RatingRefusal
from ocs.units import MILLIS_PER_SECOND, SERVICES, AccessCode, Measure

NO_SNAPSHOT = 0
"Reservation of an account that counts the session but does not pay."

_RATING_REFUSALS = {
    None: OutcomeCode.SERVICE_NOT_AVAILABLE,
    RatingRefusal.NO_RATE: OutcomeCode.NO_RATE,
    RatingRefusal.FORBIDDEN: OutcomeCode.DESTINATION_FORBIDDEN,
}


class Decider:
    """Decides requests against records. Holds only the catalogue, the rate book and the id source."""

    def __init__(self, catalogue: Catalogue, rates: RateBook, passwords: PasswordBook, ids: IdSource) -> None:
        self._catalogue = catalogue
        self._rates = rates
        self._passwords = passwords
        self._ids = ids

    def decide(self, request: ChargingRequest, situation: Situation, group: Group, now_ms: int) -> Outcome:
        """Answer one request, leaving what it changed in `group`.

        What is answered may be sent only once `group` is durable. Refusals by precedence: identity, secret,
        account, plan and rate, session counts, spend, money (`OutcomeCode`).
        """
        if is_implausible(request):
            return self._park(request, situation, group, OutcomeCode.INVALID_ARGUMENT)
        if request.type is RequestType.UPDATE:
            return self._update(request, situation, group, now_ms)
        if request.type is RequestType.TERMINATION:
            outcome = self._terminate(request, situation, group, now_ms)
            if request.parked_id is not None and outcome.session_id is not None:
                group.unparked.append(request.parked_id)
            return outcome
        refusal = refuse_identity(request, situation, self._passwords)
        refusal = refusal or refuse_foreign(request, situation)
        if refusal is None and is_repeated_debit(request, situation):
            return decide_event(self, request, situation, group, now_ms)
        refusal = refusal or refuse_status(situation.links, now_ms)
        if refusal is not None:
            return account_outcome(refusal, situation)
        if request.type is RequestType.AUTHENTICATION:
            return account_outcome(OutcomeCode.SUCCESS, situation)
        if request.type is RequestType.EVENT:
            return decide_event(self, request, situation, group, now_ms)
        return self._initiate(request, situation, group, now_ms)

    # ------------------------------------------------------------------------------ by request type

    def _initiate(self, request: ChargingRequest, situation: Situation, group: Group, now_ms: int) -> Outcome:
        session = situation.session
        if session is not None and session.is_open:
            is_replay = request.request_key and request.request_key == session.request_key
            if not is_replay:
                session.slice_units = request.slice_units
            case = self.known(request, situation, session, group, now_ms)
            case.presume_usage(session.updated_at_ms if is_replay else request.event_at_ms)
            if is_replay:
                return case.granted()
            session.request_key = request.request_key
            return self._renew(case)
        opened = self.fresh(request, situation, group, now_ms)
        if isinstance(opened, OutcomeCode):
            return account_outcome(opened, situation)
        refusal = None
        if not opened.is_unconditional:
            refusal = refuse_sessions(situation, request.service) or refuse_spend(opened.payers, now_ms)
        if refusal is None and session is None:
            refusal = opened.grant()
        elif refusal is None:
            refusal = opened.refuse_grant() or OutcomeCode.SESSION_ENDED
        if refusal is not None:
            return account_outcome(refusal, situation)
        opened.open()
        opened.touch(expires_at_ms=opened.next_expiry_ms())
        return opened.granted()

    def _update(self, request: ChargingRequest, situation: Situation, group: Group, now_ms: int) -> Outcome:
        session = situation.session
        if session is None:
            return self._open_from_report(request, situation, group, now_ms)
        case = self.known(request, situation, session, group, now_ms)
        if session.state == SessionState.EXPIRED:
            case.open()
        elif not session.is_open:
            _correct(case)
            return case.outcome(OutcomeCode.SESSION_ENDED)
        return self._renew(case)

    def _terminate(
        self, request: ChargingRequest, situation: Situation, group: Group, now_ms: int
    ) -> Outcome:
        session = situation.session
        if session is None:
            fresh = self.fresh(request, situation, group, now_ms)
            if isinstance(fresh, OutcomeCode):
                return self._park(request, situation, group, fresh)
            case = fresh
            case.open()
        else:
            case = self.known(request, situation, session, group, now_ms)
            if session.state == SessionState.EXPIRED:
                case.open()
            elif not session.is_open:
                _correct(case)
                return case.outcome(OutcomeCode.SUCCESS)
        self._start(case)
        case.debit_usage(ended=True)
        case.close(ended_at_ms=request.event_at_ms, cause=request.end_cause)
        case.touch(expires_at_ms=0)
        case.record()
        return case.outcome(OutcomeCode.SUCCESS)

    def expire(
        self, request: ChargingRequest, situation: Situation, session: Session, group: Group, now_ms: int
    ) -> None:
        """End a session that fell silent; what it pays for follows the gateway's policy.

        The books keep the usage that was reported: a later TERMINATION settles the difference exactly.
        """
        case = self.known(request, situation, session, group, now_ms)
        units = session.used_units
        policy = request.gateway.grant.expiry_charges
        if session.answered and policy != "last_report":
            units = max(units, session.granted_units)
            if policy == "elapsed":
                elapsed_s = max(0, now_ms - session.started_at_ms) // MILLIS_PER_SECOND
                units = max(session.used_units, min(elapsed_s, units))
        case.debit(units, ended=True, note="expired")
        case.close(ended_at_ms=session.updated_at_ms, cause="expired", state=SessionState.EXPIRED)
        case.touch(expires_at_ms=0)
        case.record(charged_units=units)

    # ------------------------------------------------------------------------------ steps

    def _renew(self, case: Case) -> Outcome:
        """Debit what is reported, then hold the next grant. Refusing the grant never undoes the debit."""
        self._start(case)
        case.debit_usage(ended=False)
        refusal = refuse_status(case.situation.links, case.now_ms)
        if refusal is None:
            refusal = case.grant()
        else:
            case.session.final_grant = 1
        case.touch(expires_at_ms=case.next_expiry_ms())
        return case.granted() if refusal is None else case.refused(refusal)

    def _open_from_report(
        self, request: ChargingRequest, situation: Situation, group: Group, now_ms: int
    ) -> Outcome:
        """The start was lost: the session is what the report says it is, and its usage is charged."""
        case = self.fresh(request, situation, group, now_ms)
        if isinstance(case, OutcomeCode):
            return self._park(request, situation, group, case)
        case.open()
        return self._renew(case)

    def _park(
        self, request: ChargingRequest, situation: Situation, group: Group, refusal: OutcomeCode
    ) -> Outcome:
        """Keep a report that nobody can be charged for, so that acknowledging it loses nothing."""
        used_units = min(measured_units(request.service, request), COLUMN_MAX)
        if used_units > 0 and request.parked_id is None:
            parked_id = self._ids.next_id()
            group.parked.append(
                parked_report(request, parked_id=parked_id, used_units=used_units, reason=refusal.reason)
            )
        return account_outcome(refusal, situation)

    def _start(self, case: Case) -> None:
        """Fix the instant that prices the session, once a report proves that it was answered.

        The rate is the one in force at connect time (rating section 2.5); authorisation only assumed it.
        """
        session, request = case.session, case.request
        seconds = request.usage.seconds if request.usage else 0
        if session.answered or not (request.starts or seconds > 0):
            return
        session.answered = 1
        session.started_at_ms = request.event_at_ms - seconds * MILLIS_PER_SECOND
        for ordinal, payer in enumerate(case.payers):
            if payer.applied is not None and payer.link.plan is not None:
                rated = self._rate(session, payer.link, case.situation)
                if isinstance(rated, AppliedRate):
                    payer.applied = rated
                    payer.reservation.snapshot_id = self._rates.add(rated)
                    self._discount_anew(payer, case.situation, ordinal, case.now_ms)

    def _discount_anew(self, payer: Payer, situation: Situation, ordinal: int, now_ms: int) -> None:
        """Give a session that was answered the discounts of its start, not of its authorisation."""
        applied = payer.applied
        offers = self._catalogue.offers(situation.links, ordinal)
        if applied is None or not (offers or payer.allowance):
            return
        shares = open_shares(offers, applied, start_s=payer.session.started_at_ms // MILLIS_PER_SECOND)
        if payer.allowance is None:
            payer.allowance = Allowance(payer.reservation, find_account=situation.find_account, now_ms=now_ms)
        payer.allowance.reopen(shares)
        if not shares:
            payer.allowance = None

    def known(
        self, request: ChargingRequest, situation: Situation, session: Session, group: Group, now_ms: int
    ) -> Case:
        """The case of a session that exists, with the rates it was opened with.

        Its situation was gathered by its reservations, so accounts that have left the chain since keep
        their part.
        """
        payers = []
        for link, account, reservation in zip(
            situation.links, situation.accounts, session.reservations, strict=True
        ):
            applied = self._rates.get(reservation.snapshot_id) if reservation.snapshot_id else None
            assert applied is not None or not reservation.snapshot_id, "prefetch brings every rate"
            payer = Payer(
                session=session, link=link, account=account, applied=applied, reservation=reservation
            )
            if reservation.allowance:
                payer.allowance = Allowance(reservation, find_account=situation.find_account, now_ms=now_ms)
            payers.append(payer)
        return Case(
            request=request,
            situation=situation,
            session=session,
            payers=payers,
            group=group,
            rates=self._rates,
            now_ms=now_ms,
        )

    def fresh(
        self, request: ChargingRequest, situation: Situation, group: Group, now_ms: int
    ) -> Case | OutcomeCode:
        """The case of a new session, rated but counted nowhere yet; or why it has no price."""
        identity = situation.identity
        if identity is None or not situation.links:
            return OutcomeCode.UNKNOWN_IDENTITY
        seconds = request.usage.seconds if request.usage else 0
        session = Session(
            session_id=self._ids.next_id(),
            gateway_id=request.gateway.id,
            session_key=request.session_key,
            account_id=situation.links[0].profile.id,
            identity_kind=identity.kind.value,
            identity_value=identity.value,
            service=request.service.name,
            access_code=request.access_code.value,
            calling=request.calling,
            called=request.called,
            started_at_ms=request.event_at_ms - seconds * MILLIS_PER_SECOND,
            answered=int(request.starts or seconds > 0),
            request_key=request.request_key if request.type is RequestType.INITIAL else "",
            plan_id=identity.plan_id or 0,
            payback_tariff_id=identity.payback_tariff_id or 0,
            counted_identity="" if identity.max_sessions is None else identity.counted_as,
            cost_centre=identity.cost_centre,
            receipt_timed=int(request.receipt_timed),
            slice_units=request.slice_units,
        )
        payers = self._rate_chain(session, situation, now_ms)
        if isinstance(payers, OutcomeCode):
            return payers
        session.reservations = [payer.reservation for payer in payers]
        return Case(
            request=request,
            situation=situation,
            session=session,
            payers=payers,
            group=group,
            rates=self._rates,
            now_ms=now_ms,
        )

    def _rate_chain(self, session: Session, situation: Situation, now_ms: int) -> list[Payer] | OutcomeCode:
        """Rate a new session for every account of the chain; the first refusal by precedence wins."""
        payers = []
        refusal: OutcomeCode | None = None
        for ordinal, link in enumerate(situation.links):
            applied = None
            if link.plan is not None:
                rated = self._rate(session, link, situation)
                if isinstance(rated, AppliedRate):
                    applied = rated
                else:
                    code = _RATING_REFUSALS[rated]
                    if refusal is None or code.precedence < refusal.precedence:
                        refusal = code
            payers.append(self._payer(session, situation, applied, ordinal, now_ms))
        if refusal is None and all(payer.applied is None for payer in payers):
            refusal = OutcomeCode.SERVICE_NOT_AVAILABLE
        return payers if refusal is None else refusal

    def _payer(
        self,
        session: Session,
        situation: Situation,
        applied: AppliedRate | None,
        ordinal: int,
        now_ms: int,
    ) -> Payer:
        link, account = situation.links[ordinal], situation.accounts[ordinal]
        reservation = Reservation(
            session_id=session.session_id,
            account_id=account.account_id,
            ordinal=ordinal,
            snapshot_id=NO_SNAPSHOT if applied is None else self._rates.add(applied),
        )
        payer = Payer(session=session, link=link, account=account, applied=applied, reservation=reservation)
        offers = self._catalogue.offers(situation.links, ordinal) if applied is not None else ()
        if offers and applied is not None:
            shares = open_shares(offers, applied, start_s=session.started_at_ms // MILLIS_PER_SECOND)
            if shares:
                reservation.allowance = write_shares(shares)
                payer.allowance = Allowance(reservation, find_account=situation.find_account, now_ms=now_ms)
        return payer

    def _rate(self, session: Session, link: Link, situation: Situation) -> AppliedRate | RatingRefusal | None:
        return self._catalogue.rate(
            link,
            service=SERVICES[session.service],
            access_code=AccessCode(session.access_code),
            called=session.called,
            calling=session.calling,
            at_s=session.started_at_ms // MILLIS_PER_SECOND,
            on_net=situation.on_net,
            network=situation.network,
        )


def refuse_identity(
    request: ChargingRequest, situation: Situation, passwords: PasswordBook
) -> OutcomeCode | None:
    """Unknown, or the secret is wrong. An identity without a secret is not asked for one."""
    identity = situation.identity
    if identity is None or not situation.links:
        return OutcomeCode.UNKNOWN_IDENTITY
    credential, secret = request.credential, identity.secret
    if credential is not None and secret is not None and not passwords.verify(credential, secret):
        return OutcomeCode.WRONG_SECRET
    return None


def refuse_foreign(request: ChargingRequest, situation: Situation) -> OutcomeCode | None:
    """Whether somebody else, or another call or message, names a known session as its own.

    A session's key may be what a subscriber chose, such as a SIP Call-ID: it must not let one speak at
    another's expense, nor a second call at the price of the first.
    """
    session, identity = situation.session, situation.identity
    if session is None:
        return None
    is_other = identity is not None and identity.account_id != session.account_id
    if request.service.measure is not Measure.OCTETS and request.called and session.called:
        is_other = is_other or request.called != session.called
    return OutcomeCode.SESSION_ENDED if is_other else None


def refuse_status(links: tuple[Link, ...], now_ms: int) -> OutcomeCode | None:
    """Whether any account of the chain may not be served at this moment."""
    worst: OutcomeCode | None = None
    for link in links:
        refusal = refuse_profile(link.profile, now_ms)
        if refusal is not None and (worst is None or refusal.precedence < worst.precedence):
            worst = refusal
    return worst


def _correct(case: Case) -> None:
    """A report for a closed session: a replay changes nothing, a larger total is a late correction.

    One without a duration of its own says nothing that its repeat tomorrow would not say: the time of its
    arrival is no usage of a session that has ended.
    """
    if case.request.measured_by_time:
        return
    if case.reported_units() > case.session.used_units:
        case.debit_usage(ended=True, note="late correction")
        case.touch(expires_at_ms=0)
        case.record()

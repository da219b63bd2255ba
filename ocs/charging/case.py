"""One request being decided: its records, and the steps that change them.

Owns: `Case` and what any request type may do to a session: start it, debit usage, grant, close, record.
Does not own which step follows which: that is `ocs.charging.decision`.
"""

from collections.abc import Sequence

from ocs.charging.batch import Group
from ocs.charging.catalogue import RateBook
from ocs.charging.grant import Grant, affordable_total, apply_grant, ask_for, plan_grant, with_slices
from ocs.charging.limit import count_spend
from ocs.charging.outcome import FinalUnitAction, Outcome, OutcomeCode
from ocs.charging.record import session_record
from ocs.charging.request import ChargingRequest, RequestType
from ocs.charging.situation import Payer, Situation
from ocs.ports import GrantMode
from ocs.quota.ledger import debit, release
from ocs.quota.occupancy import occupy, vacate
from ocs.quota.session import Session, SessionState
from ocs.rating.price import price_set_at
from ocs.units import MILLIS_PER_SECOND, SERVICES, Measure, Service

UNITS_MAX = 2**48
"""Usage beyond this (256 TiB, 8.9 million years) is a broken counter: no price of it fits the books, and what
does not fit would fail everybody in its batch."""
COLUMN_MAX = 2**62
"What fits a column of the books, sums of two included."
EMERGENCY = "EMERGENCY"
"The special destination that is served whatever the balance."


def measured_units(service: Service, request: ChargingRequest) -> int:
    """Reported cumulative usage in the service's unit; 0 when nothing is reported."""
    usage = request.usage
    if usage is None:
        return 0
    if service.measure is Measure.SECONDS:
        return usage.seconds
    if service.measure is Measure.OCTETS:
        return usage.octets_in + usage.octets_out
    return usage.messages


def is_implausible(request: ChargingRequest) -> bool:
    """Whether what is reported or wanted is more than anything can be."""
    if request.usage is not None and measured_units(request.service, request) > UNITS_MAX:
        return True
    return request.type is RequestType.EVENT and (request.requested_units or 0) > UNITS_MAX


class Case:
    """A request, its session and its payers. `group` collects what changes."""

    __slots__ = (
        "group",
        "now_ms",
        "payers",
        "policy",
        "presumed_units",
        "rates",
        "request",
        "session",
        "situation",
        "was_final",
    )

    def __init__(
        self,
        *,
        request: ChargingRequest,
        situation: Situation,
        session: Session,
        payers: Sequence[Payer],
        group: Group,
        rates: RateBook,
        now_ms: int,
    ) -> None:
        self.request = request
        self.situation = situation
        self.session = session
        self.payers = payers
        self.group = group
        self.rates = rates
        self.now_ms = now_ms
        self.was_final = bool(session.final_grant)
        "Whether the grant before this request was the last."
        policy, slice_units = request.gateway.grant, session.slice_units
        self.policy = with_slices(policy, slice_units) if slice_units else policy
        self.presumed_units = 0
        "What may have been used beyond the books."

    # ------------------------------------------------------------------------------ facts

    @property
    def service(self) -> Service:
        """The session's service."""
        return SERVICES[self.session.service]

    @property
    def is_unconditional(self) -> bool:
        """Whether service is given whatever the money: emergency calls."""
        for payer in self.payers:  # asked several times a request: a generator would cost more
            if payer.applied is not None and payer.applied.rate.destination == EMERGENCY:
                return True
        return False

    def reported_units(self) -> int:
        """Cumulative usage that the request reports, in the service's unit.

        Some gateways report only instants: then it is the time since the session's start, halves rounded up.
        """
        if self.request.measured_by_time:
            if not self.session.answered:
                return 0
            elapsed_ms = self.request.event_at_ms - self.session.started_at_ms
            return max(0, (elapsed_ms + MILLIS_PER_SECOND // 2) // MILLIS_PER_SECOND)
        return measured_units(self.service, self.request)

    # ------------------------------------------------------------------------------ usage

    def presume_usage(self, at_ms: int) -> None:
        """Take the time until then for used, where a running call is authorised again without its usage.

        What is granted then comes on top of it: it is held with the grant, never debited, and never more than
        was granted before. Within a second it is the same question asked twice.
        """
        session, elapsed_ms = self.session, at_ms - self.session.started_at_ms
        usage = self.request.usage
        is_untold = self.service.measure is Measure.SECONDS and not (usage and usage.seconds)
        if is_untold and elapsed_ms > MILLIS_PER_SECOND:
            used_units = min(-(-elapsed_ms // MILLIS_PER_SECOND), session.granted_units)
            self.presumed_units = max(0, used_units - session.used_units)

    def debit_usage(self, *, ended: bool, note: str = "") -> None:
        """Take reported usage into the books: the cumulative maximum stands, its whole price is debited."""
        usage, session = self.request.usage, self.session
        if self.request.receipt_timed:
            session.receipt_timed = 1
        leg = self.request.leg
        if leg and leg != session.legs and leg not in session.legs.split(","):
            session.legs = f"{session.legs},{leg}" if session.legs else leg
        reported = self.reported_units()
        if reported > session.used_units:
            if self.service.measure is not Measure.SECONDS:
                self._spread_over_sets(reported - session.used_units)
            session.used_units = reported
        if usage is not None:
            # Counters of a call are hearsay; of data they are plausible by now.
            session.octets_in = max(session.octets_in, min(usage.octets_in, COLUMN_MAX))
            session.octets_out = max(session.octets_out, min(usage.octets_out, COLUMN_MAX))
        self.debit(session.used_units, ended=ended, note=note)

    def debit(self, total_units: int, *, ended: bool, note: str = "") -> None:
        """Bring what every payer has paid to the price of `total_units`."""
        at_ms = self.request.event_at_ms
        for payer in self.payers:
            applied, reservation = payer.applied, payer.reservation
            if applied is None:
                continue
            priced = payer.priced(total_units, ended=ended)
            gross_micros: int = priced.amount
            if payer.allowance is not None:
                gross_micros = payer.priced(total_units, ended=ended, gross=True).amount
                payer.allowance.take(priced, applied)
            if gross_micros != reservation.gross_micros:
                count_spend(payer, gross_micros - reservation.gross_micros, at_ms)
                reservation.gross_micros = gross_micros
            entry = debit(
                payer.account,
                reservation,
                total_micros=priced.amount,
                floor_micros=payer.link.floor_micros,
                at_ms=at_ms,
                note=note,
            )
            if entry is not None:
                self.group.book(entry, payer.link.profile)

    def _spread_over_sets(self, delta_units: int) -> None:
        """A report's volume belongs to the price set that is valid when it is reported (rating section 3)."""
        at_s = self.request.event_at_ms // MILLIS_PER_SECOND
        for payer in self.payers:
            if payer.applied is None:
                continue
            set_index = price_set_at(payer.applied, at_s, payer.link.zone)
            if set_index == 1:
                payer.reservation.used_set1_units += delta_units
            elif set_index:
                payer.reservation.used_set2_units += delta_units

    # ------------------------------------------------------------------------------ grant

    def grant(self) -> OutcomeCode | None:
        """Hold the next grant; or say why there is none, holding what was held."""
        session, set_index = self.session, self._set_index(self.service)
        grant = self._plan(set_index)
        session.final_grant = int(grant.final)
        if grant.refusal is not None:
            return grant.refusal
        apply_grant(self.payers, grant, set_index=set_index)
        session.granted_units = grant.total_units
        return None

    def refuse_grant(self) -> OutcomeCode | None:
        """Why nothing could be granted for want of money; holds nothing."""
        return self._plan(self._set_index(self.service)).refusal

    def _plan(self, set_index: int) -> Grant:
        request, session, service = self.request, self.session, self.service
        ask = ask_for(self.policy, service, request.requested_units)
        used_units = session.used_units + self.presumed_units
        if session.slice_units:
            # Reports tell this equipment nothing, and an old question may come late: what it was told last
            # stays held.
            ask.want_units = max(ask.want_units, session.granted_units - used_units)
        return plan_grant(
            self.payers,
            ask,
            used_units=used_units,
            set_index=set_index,
            block_units=_block_units(self.payers, service),
            unconditional=self.is_unconditional,
        )

    def _set_index(self, service: Service) -> int:
        """Price set in which the next volume is used; seconds find their own."""
        if service.measure is Measure.SECONDS:
            return 0
        at_s = self.request.event_at_ms // MILLIS_PER_SECOND
        return max(
            price_set_at(payer.applied, at_s, payer.link.zone) for payer in self.payers if payer.applied
        )

    # ------------------------------------------------------------------------------ life

    def open(self) -> None:
        """Count the session at every account of its chain."""
        for payer in self.payers:
            occupy(payer.account, self.session)
        self.session.state = SessionState.OPEN
        self.session.ended_at_ms = 0
        self.session.end_cause = ""

    def close(self, *, ended_at_ms: int, cause: str, state: SessionState = SessionState.CLOSED) -> None:
        """Release what is still held and uncount the session."""
        for payer in self.payers:
            release(payer.account, payer.reservation)
            if payer.allowance is not None:
                payer.allowance.release()
            vacate(payer.account, self.session)
        self.session.state = state
        self.session.ended_at_ms = ended_at_ms
        self.session.end_cause = cause

    def touch(self, *, expires_at_ms: int) -> None:
        """Mark the session, its accounts and its rates as changed: they are written with this batch."""
        session, group = self.session, self.group
        session.updated_at_ms = self.now_ms
        session.expires_at_ms = expires_at_ms
        session.peer_attributes = self.request.peer_attributes or session.peer_attributes
        assert group.sessions.setdefault(session.session_id, session) is session, "one record, one object"
        for payer in self.payers:
            account = payer.account
            assert group.accounts.setdefault(account.account_id, account) is account, "one record, one object"
            if session.final_grant:
                group.free_at_last[account.account_id] = account.balance_micros - account.reserved_micros
            if payer.applied is None:
                continue
            snapshot_id = payer.reservation.snapshot_id
            if self.rates.stored.get(snapshot_id) is None:
                group.snapshots[snapshot_id] = payer.applied.snapshot[1]

    def record(self, *, charged_units: int | None = None) -> None:
        """Write the session detail record of every payer, over an earlier one of the same session."""
        units = self.session.used_units if charged_units is None else charged_units
        for payer in self.payers:
            if payer.applied is not None:
                cdr = session_record(self.session, payer, charged_units=units, now_ms=self.now_ms)
                self.group.cdrs[(cdr.session_id, cdr.account_id)] = cdr

    def next_expiry_ms(self) -> int:
        """When silence ends the session: two report intervals, or what was granted and two intervals."""
        policy = self.policy
        if policy.mode is GrantMode.SLICE and not self.session.slice_units:
            patience_s = 2 * policy.interim_interval_s
        elif self.service.measure is Measure.SECONDS:
            patience_s = self._ahead_units() + 2 * policy.interim_interval_s
        else:
            patience_s = policy.session_max_s
        return self.now_ms + MILLIS_PER_SECOND * patience_s

    # ------------------------------------------------------------------------------ answers

    def granted(self) -> Outcome:
        """Success, with what is granted beyond the usage in the books."""
        session = self.session
        outcome = self.outcome(OutcomeCode.SUCCESS)
        granted = self._ahead_units()
        outcome.presumed_units = self.presumed_units
        outcome.granted_units = granted
        outcome.affordable_units = max(granted, self._net_units())
        is_timed = self.service.measure is Measure.SECONDS
        outcome.validity_s = granted if is_timed else self.policy.interim_interval_s
        if session.final_grant:
            outcome.final_unit_action = self.final_action
        return outcome

    def refused(self, refusal: OutcomeCode) -> Outcome:
        """A refusal of the next grant; for want of money it says what the equipment is to do instead."""
        outcome = self.outcome(refusal)
        if refusal.result_code == OutcomeCode.ZERO_BALANCE.result_code:
            action = self.final_action
            outcome.final_unit_action = None if action is FinalUnitAction.TERMINATE else action
        return outcome

    @property
    def final_action(self) -> FinalUnitAction:
        """What the gateway's policy wants after a last grant."""
        return FinalUnitAction[self.policy.final_unit_action.upper()]

    def _ahead_units(self) -> int:
        """What is granted beyond what is used, and what may be."""
        session = self.session
        return max(0, session.granted_units - session.used_units - self.presumed_units)

    def _net_units(self) -> int:
        """Units beyond the usage that all the money at hand buys, where slices are granted; else 0.

        Of seconds only when equipment must be told: at the start, and when a grant was final and no longer
        is. Of volume always, because no report can be asked for before a slice of it is used up.
        """
        policy, service, session = self.request.gateway.grant, self.service, self.session
        used = session.used_units + self.presumed_units
        if policy.mode is not GrantMode.SLICE or service.measure is Measure.MESSAGES:
            return 0
        if service.measure is Measure.OCTETS:
            cap_units = used + policy.max_grant_octets
        elif self.request.type is RequestType.INITIAL or self.was_final:
            cap_units = policy.session_max_s
        else:
            return 0
        if self.is_unconditional:
            return cap_units - used
        set_index = self._set_index(service)
        total = affordable_total(self.payers, cap_units=cap_units, set_index=set_index)
        return total - total % _block_units(self.payers, service) - used

    def outcome(self, code: OutcomeCode) -> Outcome:
        """An answer with the session's sums and no grant."""
        outcome = account_outcome(code, self.situation)
        session = self.session
        outcome.session_id = session.session_id
        outcome.used_units = session.used_units
        for payer in self.payers:
            if payer.applied is not None:
                outcome.charged_micros = payer.reservation.debited_micros
                outcome.reserved_micros = payer.reservation.reserved_micros
                break
        return outcome


def account_outcome(code: OutcomeCode, situation: Situation) -> Outcome:
    """An answer about the asking account, without a session."""
    outcome = Outcome(code=code)
    if situation.links:
        profile, account = situation.links[0].profile, situation.accounts[0]
        outcome.account_name = profile.name
        outcome.currency = profile.currency
        outcome.balance_micros = account.balance_micros
        low = profile.low_balance_micros
        outcome.low_balance = low is not None and account.balance_micros < low
    return outcome


def _block_units(payers: Sequence[Payer], service: Service) -> int:
    """Octets in one rounding step of the rate, so that grants of volume are whole multiples of it."""
    if service.measure is not Measure.OCTETS:
        return 1
    roundings = [payer.applied.rate.peak.rounding for payer in payers if payer.applied]
    return max(roundings) * service.octets_per_base_unit

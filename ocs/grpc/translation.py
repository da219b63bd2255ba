"""Between `proto/charging.proto` and the core: messages in, `ChargingRequest`s; outcomes in, answers.

Owns how sessions and keys are named in the books, which time counts, and what an answer says. Does not
own what is a legal message (`ocs.grpc.validation`), transport statuses (`ocs.grpc.status`) or the calls
themselves (`ocs.grpc.charging`).

Names in the books, for a request with `session_id` S and `request_number` N:

    session key   S for voice, S#service for every other service: a service keeps its key whatever other
                  services a request carries, and '#' is refused in S, so that no two sessions can meet
    request key   <session key>/N
    event         its request key is its session key too: every event is a record of its own
    request_id R  #event/R, for `DirectDebit` and `Refund`, which share one space of names
    refund        its session key is that of the event it refunds
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from ocs.charging.outcome import FinalUnitAction, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType, Usage
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.running_total import RunningTotals
from ocs.grpc.validation import (
    ACCESS_CODES,
    IDENTITY_KINDS,
    REQUEST_TYPES,
    Catalog,
    check_balance_check,
    check_charge,
    check_direct_debit,
    check_price_enquiry,
    check_refund,
)
from ocs.ports import Gateway, GrantPolicy, IdentityKind, NumberRules
from ocs.units import MILLIS_PER_SECOND, SERVICES, VOICE, Measure, Service

EVENT_TIME_REPLACED = "event_time_replaced"
"Attribute of a request whose event time was out of tolerance: the reported epoch milliseconds."

NormaliseNumber = Callable[[str, NumberRules], str]
"A switch's number to E.164 without plus, by its gateway's rules."

_MEASURES: Mapping[Measure, pb.Measure] = {
    Measure.SECONDS: pb.MEASURE_SECONDS,
    Measure.OCTETS: pb.MEASURE_OCTETS,
    Measure.MESSAGES: pb.MEASURE_MESSAGES,
}
_FINAL_UNIT_ACTIONS: Mapping[FinalUnitAction | None, pb.FinalUnitAction] = {
    None: pb.FINAL_UNIT_ACTION_UNSPECIFIED,
    FinalUnitAction.TERMINATE: pb.FINAL_UNIT_ACTION_TERMINATE,
    FinalUnitAction.REDIRECT: pb.FINAL_UNIT_ACTION_REDIRECT,
    FinalUnitAction.RESTRICT_ACCESS: pb.FINAL_UNIT_ACTION_RESTRICT_ACCESS,
}
_EXHAUSTED = frozenset({OutcomeCode.FUNDS_LOCKED, OutcomeCode.ZERO_BALANCE, OutcomeCode.INSUFFICIENT_BALANCE})
_UNTOLD = frozenset({OutcomeCode.INVALID_ARGUMENT, OutcomeCode.UNKNOWN_IDENTITY, OutcomeCode.WRONG_SECRET})

Enquiry = pb.CheckBalanceRequest | pb.EnquirePriceRequest


class ClearSecret:
    """A password as the client typed it."""

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    @property
    def password(self) -> bytes:
        """As it was typed."""
        return self._secret

    def verify(self, secret: str) -> bool:
        """Whether it is `secret`; the time taken tells nothing."""
        return hmac.compare_digest(self._secret, secret.encode())


class Translator:
    """Makes `ChargingRequest`s of messages. Event-loop only.

    Every method raises `InputErrors` with one `InputError` per bad field: the client's fault, and nothing has
    been done.
    """

    def __init__(
        self,
        *,
        normalise_number: NormaliseNumber,
        services: Mapping[str, Service] = SERVICES,
        rating_groups: Mapping[int, Service] | None = None,
        totals: RunningTotals | None = None,
        tolerance_s: int = 300,
    ) -> None:
        self._normalise = normalise_number
        self._catalog = Catalog(services, rating_groups or {})
        self._totals = totals if totals is not None else RunningTotals()
        self._tolerance_ms = tolerance_s * MILLIS_PER_SECOND

    # ------------------------------------------------------------------------------ ChargeRequest

    def to_charging(
        self, message: pb.ChargeRequest, gateway: Gateway, *, now_ms: int
    ) -> list[ChargingRequest]:
        """One request per service, in the message's order.

        Raises:
            InputErrors: malformed.
            AlreadyExistsError: a delta came before under the same number with another value.
        """
        services = check_charge(message, self._catalog)
        event_at_ms, attributes = self._event_time(message, now_ms)
        kind = REQUEST_TYPES[message.type]
        is_event = kind is RequestType.EVENT
        session_id, number = message.session_id, message.request_number
        digest = body_digest("Charge", message)
        identities = identities_of(message.subscription_ids)
        credential = ClearSecret(message.secret) if message.secret else None
        access_code = ACCESS_CODES[message.access_code]
        calling = self._normalise(message.calling, gateway.numbers)
        called = self._normalise(message.called, gateway.numbers)
        requests = []
        for part, service in zip(message.services, services, strict=True):
            session_key = session_key_of(session_id, service)
            request_key = f"{session_key}/{number}"
            requests.append(
                ChargingRequest(
                    type=kind,
                    gateway=gateway,
                    session_key=request_key if is_event else session_key,
                    received_at_ms=now_ms,
                    event_at_ms=event_at_ms,
                    service=service,
                    access_code=access_code,
                    identities=identities,
                    credential=credential,
                    calling=calling,
                    called=called,
                    network=message.network,
                    usage=self._usage(part, (gateway.id, session_key), number),
                    starts=part.starts,
                    requested_units=part.requested_units if part.HasField("requested_units") else None,
                    request_key=request_key,
                    request_number=None if is_event else number,
                    request_digest=digest,
                    action=RequestedAction.DIRECT_DEBITING if is_event else None,
                    end_cause=message.end_cause,
                    receipt_timed=bool(attributes),
                    attributes=attributes,
                )
            )
        return requests

    def answer(
        self,
        answer: pb.ChargeAnswer,
        message: pb.ChargeRequest,
        requests: Sequence[ChargingRequest],
        outcomes: Sequence[Outcome],
    ) -> None:
        """Write the answer to `message` into the empty `answer`, and learn what the books know of deltas."""
        fill_answer(answer, message, requests, outcomes)
        for part, request, outcome in zip(message.services, requests, outcomes, strict=True):
            if part.HasField("used_delta"):
                key = (request.gateway.id, request.session_key)
                self._totals.raise_to(key, request.service.measure, outcome.used_units)

    def _usage(self, part: pb.ServiceUsage, key: tuple[int, str], request_number: int) -> Usage | None:
        """Cumulative usage, whichever way it was reported."""
        total = usage_of(part.used_total) if part.HasField("used_total") else None
        if not part.HasField("used_delta"):
            return total
        delta = usage_of(part.used_delta)
        if total is None:
            return self._totals.add(key, request_number, delta)
        self._totals.set_total(key, request_number, total=total, delta=delta)
        return total

    def _event_time(
        self, message: pb.ChargeRequest | pb.DirectDebitRequest, now_ms: int
    ) -> tuple[int, dict[str, str]]:
        """The instant that counts, and what the record says about it (charging section 6)."""
        if not message.HasField("event_time"):
            return now_ms, {}
        reported_ms = millis_of(message.event_time)
        oldest_ms = 0 if message.buffered else now_ms - self._tolerance_ms
        if oldest_ms <= reported_ms <= now_ms:
            return reported_ms, {}
        return now_ms, {EVENT_TIME_REPLACED: str(reported_ms)}

    # ------------------------------------------------------------------------------ events and enquiries

    def to_balance_check(
        self, message: pb.CheckBalanceRequest, gateway: Gateway, *, now_ms: int
    ) -> ChargingRequest:
        """CHECK_BALANCE: it has no key, because it changes nothing."""
        service = check_balance_check(message, self._catalog)
        action = RequestedAction.CHECK_BALANCE
        return self._enquiry(message, gateway, service, action, now_ms=now_ms, event_at_ms=now_ms)

    def to_price_enquiry(
        self, message: pb.EnquirePriceRequest, gateway: Gateway, *, now_ms: int
    ) -> ChargingRequest:
        """PRICE_ENQUIRY at the asked instant, past or future: it has no key, because it changes nothing."""
        service = check_price_enquiry(message, self._catalog)
        event_at_ms = millis_of(message.event_time) if message.HasField("event_time") else now_ms
        action = RequestedAction.PRICE_ENQUIRY
        return self._enquiry(message, gateway, service, action, now_ms=now_ms, event_at_ms=event_at_ms)

    def _enquiry(
        self,
        message: Enquiry,
        gateway: Gateway,
        service: Service,
        action: RequestedAction,
        *,
        now_ms: int,
        event_at_ms: int,
    ) -> ChargingRequest:
        return ChargingRequest(
            type=RequestType.EVENT,
            gateway=gateway,
            session_key="",
            received_at_ms=now_ms,
            event_at_ms=event_at_ms,
            service=service,
            access_code=ACCESS_CODES[message.access_code],
            identities=identities_of(message.subscription_ids),
            credential=ClearSecret(message.secret) if message.secret else None,
            calling=self._normalise(message.calling, gateway.numbers),
            called=self._normalise(message.called, gateway.numbers),
            network=message.network,
            requested_units=message.requested_units if message.HasField("requested_units") else None,
            action=action,
        )

    def to_refund(self, message: pb.RefundRequest, gateway: Gateway, *, now_ms: int) -> ChargingRequest:
        """REFUND of what an event was charged."""
        service = check_refund(message, self._catalog)
        if message.HasField("event"):
            event = message.event
            charged = f"{session_key_of(event.session_id, service)}/{event.request_number}"
        else:
            charged = event_key(message.debit_request_id)
        return ChargingRequest(
            type=RequestType.EVENT,
            gateway=gateway,
            session_key=charged,
            received_at_ms=now_ms,
            event_at_ms=now_ms,
            service=service,
            identities=identities_of(message.subscription_ids),
            request_key=event_key(message.request_id),
            request_digest=body_digest("Refund", message),
            action=RequestedAction.REFUND,
        )

    def to_direct_debit(
        self, message: pb.DirectDebitRequest, gateway: Gateway, *, now_ms: int
    ) -> ChargingRequest:
        """DIRECT_DEBITING of units."""
        service = check_direct_debit(message, self._catalog)
        event_at_ms, attributes = self._event_time(message, now_ms)
        key = event_key(message.request_id)
        return ChargingRequest(
            type=RequestType.EVENT,
            gateway=gateway,
            session_key=key,
            received_at_ms=now_ms,
            event_at_ms=event_at_ms,
            service=service,
            access_code=ACCESS_CODES[message.access_code],
            identities=identities_of(message.subscription_ids),
            credential=ClearSecret(message.secret) if message.secret else None,
            calling=self._normalise(message.calling, gateway.numbers),
            called=self._normalise(message.called, gateway.numbers),
            network=message.network,
            requested_units=message.units,
            request_key=key,
            request_digest=body_digest("DirectDebit", message),
            action=RequestedAction.DIRECT_DEBITING,
            end_cause=message.note,
            receipt_timed=bool(attributes),
            attributes=attributes,
        )


# ---------------------------------------------------------------------------------- names, units, times


def session_key_of(session_id: str, service: Service) -> str:
    """What the books call a service's session; see the module's table."""
    return session_id if service.name == VOICE.name else f"{session_id}#{service.name}"


def session_of_key(session_key: str) -> tuple[str, str]:
    """The session id and the service's name in a session key."""
    session_id, _, service = session_key.partition("#")
    return session_id, service or VOICE.name


def event_key(request_id: str) -> str:
    """What the books call a direct debit or a refund."""
    return f"#event/{request_id}"


def body_digest(method: str, message: Message) -> str:
    """Digest of what was asked: the same for a replay, another for another body or method."""
    body = message.SerializeToString(deterministic=True)
    return blake2b(body, digest_size=16, person=method.encode()).hexdigest()


def identities_of(subscription_ids: Sequence[pb.SubscriptionId]) -> tuple[tuple[IdentityKind, str], ...]:
    """The identities in the client's lookup order."""
    return tuple((IDENTITY_KINDS[identity.kind], identity.value) for identity in subscription_ids)


def usage_of(units: pb.UsedUnits) -> Usage:
    """The same as a tuple."""
    return Usage(units.seconds, units.octets_in, units.octets_out, units.messages)


def millis_of(timestamp: Timestamp) -> int:
    """Epoch milliseconds, rounded down."""
    return timestamp.seconds * MILLIS_PER_SECOND + timestamp.nanos // 1_000_000


# ---------------------------------------------------------------------------------- answers


def fill_answer(
    answer: pb.ChargeAnswer,
    message: pb.ChargeRequest,
    requests: Sequence[ChargingRequest],
    outcomes: Sequence[Outcome],
) -> None:
    """Write the answer to `message` into the empty `answer`."""
    overall = overall_outcome(outcomes)
    answer.session_id = message.session_id
    answer.request_number = message.request_number
    answer.result_code = overall.code.result_code
    answer.reason = overall.code.reason
    answer.balance_class = balance_class(overall)
    answer.balance_micros = overall.balance_micros
    answer.currency = overall.currency
    answer.account = overall.account_name
    answer.request_gap = any(outcome.request_gap for outcome in outcomes)
    for part, request, outcome in zip(message.services, requests, outcomes, strict=True):
        grant = answer.services.add()
        if part.HasField("rating_group"):
            grant.rating_group = part.rating_group
        fill_grant(grant, request, outcome)


def fill_grant(grant: pb.ServiceGrant, request: ChargingRequest, outcome: Outcome) -> None:
    """Write one service's part of an answer."""
    grant.service = request.service.name
    grant.measure = _MEASURES[request.service.measure]
    grant.result_code = outcome.code.result_code
    grant.reason = outcome.code.reason
    grant.granted_units = outcome.granted_units
    grant.validity_s = outcome.validity_s
    grant.threshold_units = threshold_units(request.gateway.grant, request.service.measure, outcome)
    grant.final_unit_action = _FINAL_UNIT_ACTIONS[outcome.final_unit_action]
    grant.affordable_units = outcome.affordable_units
    grant.used_units = outcome.used_units
    grant.charged_micros = outcome.charged_micros
    grant.reserved_micros = outcome.reserved_micros
    if outcome.session_id is not None:
        grant.session = f"sessions/{outcome.session_id}"


def overall_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcome that speaks for the request: a success if there is one, else the first by precedence."""
    best = outcomes[0]
    for outcome in outcomes:
        if outcome.code.is_success:
            return outcome
        if outcome.code.precedence < best.code.precedence:
            best = outcome
    return best


def threshold_units(policy: GrantPolicy, measure: Measure, outcome: Outcome) -> int:
    """How many units should be left when the client asks again: the margin that covers the report's way.

    Never more than half of the grant; 0 for a final grant, after which asking is of no use.
    """
    if outcome.final_unit_action is not None or measure is Measure.MESSAGES:
        return 0
    margin = policy.margin_s if measure is Measure.SECONDS else policy.margin_octets
    return min(margin, outcome.granted_units // 2)


def balance_class(outcome: Outcome) -> pb.BalanceClass:
    """How the money stands, as far as the outcome may tell."""
    if outcome.code in _UNTOLD:
        return pb.BALANCE_CLASS_UNSPECIFIED
    if outcome.code in _EXHAUSTED:
        return pb.BALANCE_CLASS_EXHAUSTED
    return pb.BALANCE_CLASS_LOW if outcome.low_balance else pb.BALANCE_CLASS_SUFFICIENT


def to_balance_answer(outcome: Outcome) -> pb.CheckBalanceAnswer:
    """NO_CREDIT is an answer to a balance check, not a failure of it (RFC 8506 section 6.2)."""
    no_credit = outcome.code in _EXHAUSTED
    code = OutcomeCode.SUCCESS if no_credit else outcome.code
    return pb.CheckBalanceAnswer(
        result_code=code.result_code,
        reason=code.reason,
        enough_credit=outcome.code.is_success,
        balance_class=balance_class(outcome),
        balance_micros=outcome.balance_micros,
        currency=outcome.currency,
        account=outcome.account_name,
    )


def to_price_answer(request: ChargingRequest, outcome: Outcome) -> pb.EnquirePriceAnswer:
    """The price is what the outcome says would be charged."""
    return pb.EnquirePriceAnswer(
        result_code=outcome.code.result_code,
        reason=outcome.code.reason,
        price_micros=outcome.charged_micros,
        currency=outcome.currency,
        affordable_units=outcome.affordable_units,
        measure=_MEASURES[request.service.measure],
        steps_json=outcome.explanation,
    )


def to_refund_answer(outcome: Outcome) -> pb.RefundAnswer:
    """A refund is whole or not at all: what the event was charged."""
    return pb.RefundAnswer(
        result_code=outcome.code.result_code,
        reason=outcome.code.reason,
        refunded_micros=outcome.charged_micros if outcome.code.is_success else 0,
        balance_micros=outcome.balance_micros,
        currency=outcome.currency,
        account=outcome.account_name,
    )


def to_debit_answer(outcome: Outcome) -> pb.DirectDebitAnswer:
    """What was debited, in units and in money."""
    return pb.DirectDebitAnswer(
        result_code=outcome.code.result_code,
        reason=outcome.code.reason,
        debited_units=outcome.granted_units,
        charged_micros=outcome.charged_micros,
        balance_class=balance_class(outcome),
        balance_micros=outcome.balance_micros,
        currency=outcome.currency,
        account=outcome.account_name,
    )

"""Between protocol messages and the charging core."""

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ocs.charging.outcome import FinalUnitAction, Outcome, OutcomeCode
from ocs.charging.request import RequestedAction, RequestType, Usage
from ocs.errors import AlreadyExistsError, InputErrors
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.translation import (
    EVENT_TIME_REPLACED,
    Translator,
    fill_answer,
    to_balance_answer,
    to_debit_answer,
    to_price_answer,
    to_refund_answer,
)
from ocs.ports import Gateway, GrantPolicy, IdentityKind, NumberRules
from ocs.units import DATA, MESSAGES, VOICE, AccessCode

NOW_MS = 1_800_000_000_000
GATEWAY = Gateway(id=7, name="kam1", grant=GrantPolicy(margin_s=10, margin_octets=1000))
ALICE = pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value="alice")


def strip_plus(number: str, rules: NumberRules) -> str:
    """Number rules of these tests."""
    return number.removeprefix(rules.international_prefixes[0])


def charge(**fields: Any) -> pb.ChargeRequest:
    """A legal voice INITIAL with other fields where given."""
    legal: dict[str, Any] = {
        "session_id": "call-1",
        "type": pb.REQUEST_TYPE_INITIAL,
        "subscription_ids": [ALICE],
        "services": [pb.ServiceUsage()],
    }
    return pb.ChargeRequest(**(legal | fields))


def update(number: int, *services: pb.ServiceUsage) -> pb.ChargeRequest:
    """An UPDATE of the same session."""
    return charge(type=pb.REQUEST_TYPE_UPDATE, request_number=number, services=services)


def translator() -> Translator:
    """A translator with nothing remembered."""
    return Translator(normalise_number=strip_plus, rating_groups={10: DATA})


def at(millis: int) -> Timestamp:
    """A timestamp of epoch milliseconds."""
    return Timestamp(seconds=millis // 1000, nanos=millis % 1000 * 1_000_000)


# ---------------------------------------------------------------------------------- ChargeRequest


def test_every_field_reaches_the_core() -> None:
    """A full request is said again in the core's words."""
    message = charge(
        type=pb.REQUEST_TYPE_TERMINATION,
        request_number=3,
        subscription_ids=[ALICE, pb.SubscriptionId(kind=pb.IDENTITY_KIND_ANI, value="3161")],
        secret="s3cret",
        calling="+3161",
        called="+4420",
        network="25501",
        access_code=pb.ACCESS_CODE_FORWARDED,
        event_time=at(NOW_MS - 1500),
        end_cause="normal",
        services=[
            pb.ServiceUsage(
                service="voice",
                used_total=pb.UsedUnits(seconds=61, octets_in=1, octets_out=2, messages=3),
                requested_units=0,
                starts=True,
            )
        ],
    )

    (request,) = translator().to_charging(message, GATEWAY, now_ms=NOW_MS)

    assert request.type is RequestType.TERMINATION
    assert request.gateway is GATEWAY
    assert (request.session_key, request.request_key) == ("call-1", "call-1/3")
    assert (request.received_at_ms, request.event_at_ms) == (NOW_MS, NOW_MS - 1500)
    assert request.service is VOICE
    assert request.access_code is AccessCode.FORWARDED
    assert request.identities == ((IdentityKind.USERNAME, "alice"), (IdentityKind.ANI, "3161"))
    assert request.credential is not None
    assert request.credential.verify("s3cret")
    assert not request.credential.verify("secret")
    assert (request.calling, request.called) == ("3161", "4420")
    assert request.network == "25501"
    assert request.usage == Usage(seconds=61, octets_in=1, octets_out=2, messages=3)
    assert request.starts
    assert request.requested_units == 0
    assert request.end_cause == "normal"
    assert request.action is None


def test_what_is_not_said_stays_unsaid() -> None:
    """No report, no credential, no wanted units, receipt time, voice outgoing."""
    (request,) = translator().to_charging(charge(), GATEWAY, now_ms=NOW_MS)

    assert request.usage is None
    assert request.credential is None
    assert request.requested_units is None
    assert request.event_at_ms == NOW_MS
    assert request.service is VOICE
    assert request.access_code is AccessCode.OUTGOING
    assert request.attributes == {}


def test_service_has_the_same_session_key_whatever_goes_with_it() -> None:
    """Voice is the session itself, every other service has its own name behind '#'."""
    mixed = charge(
        services=[pb.ServiceUsage(service="data"), pb.ServiceUsage(), pb.ServiceUsage(service="fax")]
    )
    alone = update(1, pb.ServiceUsage(rating_group=10))

    assert [request.session_key for request in translator().to_charging(mixed, GATEWAY, now_ms=NOW_MS)] == [
        "call-1#data",
        "call-1",
        "call-1#fax",
    ]
    (request,) = translator().to_charging(alone, GATEWAY, now_ms=NOW_MS)
    assert (request.session_key, request.request_key) == ("call-1#data", "call-1#data/1")


def test_service_name_wins_over_rating_group() -> None:
    """RFC 8506 section 8.16: the service identifier is the more specific."""
    message = charge(services=[pb.ServiceUsage(service="messages", rating_group=10)])

    (request,) = translator().to_charging(message, GATEWAY, now_ms=NOW_MS)

    assert request.service is MESSAGES


def test_event_is_a_record_of_its_own() -> None:
    """Two events of one session id have different session keys, and debit directly."""
    message = charge(
        type=pb.REQUEST_TYPE_EVENT,
        request_number=2,
        services=[pb.ServiceUsage(service="messages", requested_units=5)],
    )

    (request,) = translator().to_charging(message, GATEWAY, now_ms=NOW_MS)

    assert request.type is RequestType.EVENT
    assert request.action is RequestedAction.DIRECT_DEBITING
    assert request.session_key == request.request_key == "call-1#messages/2"
    assert request.requested_units == 5


def test_digest_tells_bodies_apart_and_replays_not() -> None:
    """The same message always has the same digest, however late it comes; any other has another."""

    def digest(message: pb.ChargeRequest, now_ms: int = NOW_MS) -> str:
        return translator().to_charging(message, GATEWAY, now_ms=now_ms)[0].request_digest

    first = digest(charge(called="+4420"))

    assert digest(charge(called="+4420"), NOW_MS + 86_400_000) == first
    assert digest(charge(called="+4421")) != first
    assert (
        digest(charge(called="+4420", services=[pb.ServiceUsage(), pb.ServiceUsage(service="fax")])) != first
    )


@pytest.mark.parametrize(
    ("age_ms", "buffered", "counts"),
    [
        (0, False, True),
        (300_000, False, True),
        (300_001, False, False),
        (-1, False, False),
        (86_400_000, True, True),
        (-1, True, False),
    ],
)
def test_event_time_counts_within_tolerance(age_ms: int, *, buffered: bool, counts: bool) -> None:
    """Live requests may be five minutes old, buffered ones any age, none of the future."""
    message = charge(event_time=at(NOW_MS - age_ms), buffered=buffered)

    (request,) = translator().to_charging(message, GATEWAY, now_ms=NOW_MS)

    assert request.event_at_ms == (NOW_MS - age_ms if counts else NOW_MS)
    assert request.attributes == ({} if counts else {EVENT_TIME_REPLACED: str(NOW_MS - age_ms)})
    assert request.receipt_timed is not counts


# ---------------------------------------------------------------------------------- deltas


def reported(translator: Translator, message: pb.ChargeRequest) -> list[int]:
    """Cumulative seconds that the core is told, by service."""
    requests = translator.to_charging(message, GATEWAY, now_ms=NOW_MS)
    return [request.usage.seconds for request in requests if request.usage is not None]


def delta(count: int, service: str = "voice") -> pb.ServiceUsage:
    """A report of seconds since the last one."""
    return pb.ServiceUsage(service=service, used_delta=pb.UsedUnits(seconds=count))


def test_deltas_become_totals_per_service() -> None:
    """Each service of a session has its own running total; a replay adds nothing."""
    edge = translator()

    assert reported(edge, update(1, delta(60), delta(5, "wifi"))) == [60, 5]
    assert reported(edge, update(2, delta(60), delta(5, "wifi"))) == [120, 10]
    assert reported(edge, update(2, delta(60), delta(5, "wifi"))) == [120, 10]


def test_total_wins_over_delta() -> None:
    """With both, the total is reported, and a later delta counts on top of it."""
    edge = translator()
    both = pb.ServiceUsage(used_total=pb.UsedUnits(seconds=600), used_delta=pb.UsedUnits(seconds=60))

    assert reported(edge, update(1, both)) == [600]
    assert reported(edge, update(2, delta(10))) == [610]


def test_other_delta_under_the_same_number_is_refused() -> None:
    """It would be another body under the same key, even if the first was never booked."""
    edge = translator()
    reported(edge, update(1, delta(60)))

    with pytest.raises(AlreadyExistsError):
        reported(edge, update(1, delta(61)))


def test_delta_counts_on_top_of_what_the_books_hold() -> None:
    """A restarted edge starts from 0 and learns from the first outcome."""
    edge = translator()
    message = update(8, delta(60))
    requests = edge.to_charging(message, GATEWAY, now_ms=NOW_MS)

    edge.answer(pb.ChargeAnswer(), message, requests, [Outcome(code=OutcomeCode.SUCCESS, used_units=480)])

    assert reported(edge, update(9, delta(60))) == [540]


# ---------------------------------------------------------------------------------- malformed requests


@pytest.mark.parametrize(
    ("fields", "places"),
    [
        ({"session_id": ""}, ["session_id"]),
        ({"session_id": "x" * 201}, ["session_id"]),
        ({"session_id": "call-1#data"}, ["session_id"]),
        ({"session_id": "call\0"}, ["session_id"]),
        ({"called": "44\0", "end_cause": "a\nb"}, ["called", "end_cause"]),
        (
            {"subscription_ids": [pb.SubscriptionId(kind=pb.IDENTITY_KIND_DID, value="44\x7f")]},
            ["subscription_ids[0].value"],
        ),
        ({"request_number": -1}, ["request_number"]),
        ({"request_number": 2**32}, ["request_number"]),
        ({"type": pb.REQUEST_TYPE_UNSPECIFIED}, ["type"]),
        ({"type": 99}, ["type"]),
        ({"access_code": 9}, ["access_code"]),
        ({"calling": "1" * 65, "called": "2" * 65}, ["calling", "called"]),
        ({"end_cause": "e" * 65}, ["end_cause"]),
        ({"network": "2550"}, ["network"]),
        ({"network": "255a1"}, ["network"]),
        ({"subscription_ids": []}, ["subscription_ids"]),
        ({"subscription_ids": [ALICE] * 9}, ["subscription_ids"]),
        ({"subscription_ids": [pb.SubscriptionId(value="a")]}, ["subscription_ids[0].kind"]),
        (
            {"subscription_ids": [ALICE, pb.SubscriptionId(kind=pb.IDENTITY_KIND_ANI)]},
            ["subscription_ids[1].value"],
        ),
        (
            {"subscription_ids": [pb.SubscriptionId(kind=pb.IDENTITY_KIND_IP, value="10.0.0.256")]},
            ["subscription_ids[0].value"],
        ),
        ({"services": []}, ["services"]),
        ({"services": [pb.ServiceUsage()] * 17}, ["services"]),
        ({"services": [pb.ServiceUsage(service="teleport")]}, ["services[0].service"]),
        ({"services": [pb.ServiceUsage(rating_group=99)]}, ["services[0].rating_group"]),
        ({"services": [pb.ServiceUsage(), pb.ServiceUsage(service="voice")]}, ["services[1].service"]),
        ({"services": [pb.ServiceUsage(requested_units=-1)]}, ["services[0].requested_units"]),
        (
            {"services": [pb.ServiceUsage(used_total=pb.UsedUnits(seconds=-1, messages=2**62))]},
            ["services[0].used_total.seconds", "services[0].used_total.messages"],
        ),
        (
            {"services": [pb.ServiceUsage(used_delta=pb.UsedUnits(octets_in=-5))]},
            ["services[0].used_delta.octets_in"],
        ),
        (
            {"type": pb.REQUEST_TYPE_EVENT, "services": [pb.ServiceUsage()]},
            ["services[0].requested_units"],
        ),
        (
            {"type": pb.REQUEST_TYPE_EVENT, "services": [delta(1)]},
            ["services[0].used_delta", "services[0].requested_units"],
        ),
        ({"session_id": "", "type": 0, "services": []}, ["session_id", "type", "services"]),
    ],
)
def test_bad_fields_are_all_named(fields: dict[str, Any], places: list[str]) -> None:
    """One pass finds every bad field and names its path."""
    with pytest.raises(InputErrors) as caught:
        translator().to_charging(charge(**fields), GATEWAY, now_ms=NOW_MS)

    assert [error.place for error in caught.value.errors] == places


def test_refused_request_counts_no_delta() -> None:
    """A malformed request changes nothing: its delta counts when it comes again in order."""
    edge = translator()
    with pytest.raises(InputErrors):
        reported(edge, update(1, delta(60), pb.ServiceUsage(service="teleport")))

    assert reported(edge, update(1, delta(61))) == [61]


def test_update_needs_no_subscriber() -> None:
    """The session is known by its key."""
    message = charge(type=pb.REQUEST_TYPE_UPDATE, subscription_ids=[])

    (request,) = translator().to_charging(message, GATEWAY, now_ms=NOW_MS)

    assert request.identities == ()


# ---------------------------------------------------------------------------------- events and enquiries


def test_balance_check_and_price_enquiry_have_no_key() -> None:
    """They change nothing, so there is nothing to replay."""
    edge = translator()
    check = edge.to_balance_check(
        pb.CheckBalanceRequest(subscription_ids=[ALICE], called="+44", requested_units=60),
        GATEWAY,
        now_ms=NOW_MS,
    )
    enquiry = edge.to_price_enquiry(
        pb.EnquirePriceRequest(subscription_ids=[ALICE], called="+44", event_time=at(NOW_MS + 86_400_000)),
        GATEWAY,
        now_ms=NOW_MS,
    )

    assert (check.action, enquiry.action) == (RequestedAction.CHECK_BALANCE, RequestedAction.PRICE_ENQUIRY)
    assert (check.requested_units, enquiry.requested_units) == (60, None)
    assert (check.event_at_ms, enquiry.event_at_ms) == (NOW_MS, NOW_MS + 86_400_000)
    for request in (check, enquiry):
        assert request.type is RequestType.EVENT
        assert request.request_key == ""
        assert request.called == "44"


def test_refund_and_debit_share_one_space_of_keys() -> None:
    """The same id for the other method meets the same key with another digest: the books refuse it."""
    edge = translator()
    refund = edge.to_refund(
        pb.RefundRequest(request_id="r-1", subscription_ids=[ALICE], debit_request_id="d-1"),
        GATEWAY,
        now_ms=NOW_MS,
    )
    debit = edge.to_direct_debit(
        pb.DirectDebitRequest(request_id="r-1", subscription_ids=[ALICE], units=5),
        GATEWAY,
        now_ms=NOW_MS,
    )

    assert (refund.action, debit.action) == (RequestedAction.REFUND, RequestedAction.DIRECT_DEBITING)
    assert refund.request_key == debit.request_key == debit.session_key == "#event/r-1"
    assert refund.request_digest != debit.request_digest


def test_direct_debit_of_units() -> None:
    """The tariff prices them; the note is kept as the cause."""
    debit = translator().to_direct_debit(
        pb.DirectDebitRequest(
            request_id="r-2", subscription_ids=[ALICE], service="messages", units=3, note="ad"
        ),
        GATEWAY,
        now_ms=NOW_MS,
    )

    assert (debit.requested_units, debit.service, debit.end_cause) == (3, MESSAGES, "ad")


@pytest.mark.parametrize(
    ("charged", "session_key"),
    [
        ({"debit_request_id": "d-1"}, "#event/d-1"),
        ({"event": pb.ChargedEvent(session_id="sms-1", service="messages")}, "sms-1#messages/0"),
        ({"event": pb.ChargedEvent(session_id="call-1", request_number=3)}, "call-1/3"),
    ],
)
def test_refund_names_the_session_of_what_was_charged(charged: dict[str, Any], session_key: str) -> None:
    """The books find the event by the key that it was charged under."""
    message = pb.RefundRequest(request_id="r-1", subscription_ids=[ALICE], **charged)

    refund = translator().to_refund(message, GATEWAY, now_ms=NOW_MS)

    assert (refund.session_key, refund.request_key) == (session_key, "#event/r-1")


def translate(method: str) -> Callable[[Any], Any]:
    """A translator's method with the gateway and time filled in."""
    return lambda message: getattr(translator(), method)(message, GATEWAY, now_ms=NOW_MS)


@pytest.mark.parametrize(
    ("method", "message", "places"),
    [
        ("to_balance_check", pb.CheckBalanceRequest(), ["subscription_ids"]),
        (
            "to_balance_check",
            pb.CheckBalanceRequest(subscription_ids=[ALICE], service="x", requested_units=-1),
            ["requested_units", "service"],
        ),
        (
            "to_price_enquiry",
            pb.EnquirePriceRequest(subscription_ids=[ALICE], access_code=8),
            ["access_code"],
        ),
        ("to_refund", pb.RefundRequest(), ["request_id", "charged", "subscription_ids"]),
        (
            "to_refund",
            pb.RefundRequest(
                request_id="r",
                subscription_ids=[ALICE],
                event=pb.ChargedEvent(session_id="a#b", request_number=-1, service="x"),
            ),
            ["event.session_id", "event.request_number", "event.service"],
        ),
        (
            "to_refund",
            pb.RefundRequest(request_id="r", subscription_ids=[ALICE], debit_request_id=""),
            ["debit_request_id"],
        ),
        (
            "to_direct_debit",
            pb.DirectDebitRequest(request_id="r" * 201, subscription_ids=[ALICE], note="n" * 65),
            ["request_id", "units", "note"],
        ),
        (
            "to_direct_debit",
            pb.DirectDebitRequest(request_id="r", subscription_ids=[ALICE], units=0),
            ["units"],
        ),
    ],
)
def test_bad_events_and_enquiries_are_refused(method: str, message: Any, places: list[str]) -> None:
    """Every bad field is named, as for charging requests."""
    with pytest.raises(InputErrors) as caught:
        translate(method)(message)

    assert [error.place for error in caught.value.errors] == places


# ---------------------------------------------------------------------------------- answers


def answered(*outcomes: Outcome, services: tuple[str, ...] = ("voice",)) -> pb.ChargeAnswer:
    """The answer to a request of these services."""
    message = update(4, *(pb.ServiceUsage(service=name) for name in services))
    requests = translator().to_charging(message, GATEWAY, now_ms=NOW_MS)
    answer = pb.ChargeAnswer()
    fill_answer(answer, message, requests, outcomes)
    return answer


def test_grant_is_told_in_full() -> None:
    """Every field of an outcome that concerns equipment reaches it."""
    answer = answered(
        Outcome(
            code=OutcomeCode.SUCCESS,
            granted_units=60,
            affordable_units=600,
            validity_s=55,
            used_units=120,
            charged_micros=300_000,
            reserved_micros=150_000,
            balance_micros=9_700_000,
            currency="EUR",
            session_id=42,
            account_name="alice",
            request_gap=True,
        )
    )

    assert answer == pb.ChargeAnswer(
        session_id="call-1",
        request_number=4,
        result_code=2001,
        reason="success",
        balance_class=pb.BALANCE_CLASS_SUFFICIENT,
        balance_micros=9_700_000,
        currency="EUR",
        account="alice",
        request_gap=True,
        services=[
            pb.ServiceGrant(
                service="voice",
                result_code=2001,
                reason="success",
                measure=pb.MEASURE_SECONDS,
                granted_units=60,
                validity_s=55,
                threshold_units=10,
                affordable_units=600,
                used_units=120,
                charged_micros=300_000,
                reserved_micros=150_000,
                session="sessions/42",
            )
        ],
    )


@pytest.mark.parametrize("action", FinalUnitAction)
def test_final_grant_says_what_comes_after_it(action: FinalUnitAction) -> None:
    """Our number is the RFC's plus 1, and asking again earlier is of no use."""
    outcome = Outcome(code=OutcomeCode.SUCCESS, granted_units=60, final_unit_action=action)

    (grant,) = answered(outcome).services

    assert grant.final_unit_action == action.value + 1
    assert grant.threshold_units == 0


@pytest.mark.parametrize(
    ("service", "granted_units", "threshold"),
    [("voice", 60, 10), ("voice", 12, 6), ("voice", 0, 0), ("data", 10_000, 1000), ("messages", 10, 0)],
)
def test_threshold_is_the_margin_but_at_most_half(service: str, granted_units: int, threshold: int) -> None:
    """The client comes back in time, and does not come back at once."""
    outcome = Outcome(code=OutcomeCode.SUCCESS, granted_units=granted_units)

    assert answered(outcome, services=(service,)).services[0].threshold_units == threshold


@pytest.mark.parametrize(
    ("codes", "overall"),
    [
        ([OutcomeCode.SUCCESS, OutcomeCode.NO_RATE], OutcomeCode.SUCCESS),
        ([OutcomeCode.ZERO_BALANCE, OutcomeCode.SUCCESS], OutcomeCode.SUCCESS),
        ([OutcomeCode.ZERO_BALANCE, OutcomeCode.NO_RATE], OutcomeCode.NO_RATE),
        ([OutcomeCode.UNKNOWN_IDENTITY, OutcomeCode.NO_RATE], OutcomeCode.UNKNOWN_IDENTITY),
    ],
)
def test_one_success_speaks_for_the_request(codes: list[OutcomeCode], overall: OutcomeCode) -> None:
    """Without one, the first refusal by precedence does; each service keeps its own result."""
    answer = answered(*(Outcome(code=code) for code in codes), services=("voice", "data"))

    assert (answer.result_code, answer.reason) == (overall.result_code, overall.reason)
    assert [grant.reason for grant in answer.services] == [code.reason for code in codes]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(code=OutcomeCode.SUCCESS), pb.BALANCE_CLASS_SUFFICIENT),
        (Outcome(code=OutcomeCode.SUCCESS, low_balance=True), pb.BALANCE_CLASS_LOW),
        (Outcome(code=OutcomeCode.FUNDS_LOCKED), pb.BALANCE_CLASS_EXHAUSTED),
        (Outcome(code=OutcomeCode.ZERO_BALANCE, low_balance=True), pb.BALANCE_CLASS_EXHAUSTED),
        (Outcome(code=OutcomeCode.WRONG_SECRET), pb.BALANCE_CLASS_UNSPECIFIED),
        (Outcome(code=OutcomeCode.UNKNOWN_IDENTITY), pb.BALANCE_CLASS_UNSPECIFIED),
    ],
)
def test_balance_class_tells_no_stranger_anything(outcome: Outcome, expected: pb.BalanceClass) -> None:
    """How the money stands is told only of a subscriber who was recognised."""
    assert answered(outcome).balance_class == expected


def test_no_credit_is_an_answer_to_a_balance_check() -> None:
    """The check itself succeeded; an unknown subscriber is a failure of it."""
    none = to_balance_answer(Outcome(code=OutcomeCode.INSUFFICIENT_BALANCE, balance_micros=1, currency="USD"))
    enough = to_balance_answer(Outcome(code=OutcomeCode.SUCCESS))
    unknown = to_balance_answer(Outcome(code=OutcomeCode.UNKNOWN_IDENTITY))

    assert (none.result_code, none.enough_credit, none.balance_micros, none.currency) == (
        2001,
        False,
        1,
        "USD",
    )
    assert (enough.result_code, enough.enough_credit) == (2001, True)
    assert (unknown.result_code, unknown.reason, unknown.enough_credit) == (5030, "invalid_account", False)


def test_price_refund_and_debit_answers() -> None:
    """Each tells its own amount, and a refusal tells none."""
    edge = translator()
    enquiry = edge.to_price_enquiry(
        pb.EnquirePriceRequest(subscription_ids=[ALICE], service="data"), GATEWAY, now_ms=NOW_MS
    )
    outcome = Outcome(
        code=OutcomeCode.SUCCESS, charged_micros=70, granted_units=3, affordable_units=900, explanation="[]"
    )
    refusal = Outcome(code=OutcomeCode.ACCOUNT_DENIED, charged_micros=70)

    price = to_price_answer(enquiry, outcome)
    assert (price.price_micros, price.affordable_units, price.steps_json) == (70, 900, "[]")
    assert price.measure == pb.MEASURE_OCTETS
    assert to_refund_answer(outcome).refunded_micros == 70
    assert to_refund_answer(refusal).refunded_micros == 0
    assert to_refund_answer(refusal).result_code == 4010
    debit = to_debit_answer(outcome)
    assert (debit.charged_micros, debit.debited_units) == (70, 3)

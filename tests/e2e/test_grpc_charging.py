"""The gRPC server over a real loopback channel, above a small charging service of the tests' own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from ocs.charging.outcome import FinalUnitAction, NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType
from ocs.charging.service import Reply, SessionNotice
from ocs.errors import InputError
from ocs.grpc.client import AsyncChargingClient, ChargingClient, RequestFailedError, RetryPolicy
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.pb.charging_pb2_grpc import ChargingStub
from ocs.grpc.peer import GatewayFor, loopback_gateway
from ocs.grpc.server import CHARGING_SERVICE, GrpcServer
from ocs.grpc.status import FAILURE_TRAILER
from ocs.ports import Gateway, NumberRules

GATEWAY = Gateway(id=1, name="kam1")
ALICE = pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value="alice")
IMPATIENT = RetryPolicy(first_delay_s=0.005, delay_s_max=0.01)


class FakeClock:
    """A clock that stands still."""

    def now_ms(self) -> int:
        """Always the same instant."""
        return 1_800_000_000_000


class FakeCharging:
    """Grants 60 units of anything at 1 micro per unit, and remembers answers by key as the books do."""

    def __init__(self) -> None:
        self.seen: list[ChargingRequest] = []
        self.booked: dict[str, int] = {}
        "Units charged by session key."
        self.answers: dict[str, tuple[str, Outcome]] = {}
        self.fates: list[NoAnswer] = []
        "What the next requests meet instead of an outcome."
        self.held: list[Callable[[], None]] | None = None
        "Replies wait here while it is a list."
        self.arrived = asyncio.Event()

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Decide at once; reply at once or when the test says so."""
        self.seen.append(request)
        self.arrived.set()
        result = self.fates.pop(0) if self.fates else self.decide(request)
        if self.held is None:
            reply(result)
        else:
            self.held.append(lambda: reply(result))

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """The same as a coroutine."""
        return self.decide(request)

    def end_gateway_sessions(self, gateway_id: int, at_ms: int, reply: Callable[[bool], None]) -> None:
        """There are no sessions to end."""
        reply(True)  # noqa: FBT003 the contract's callback

    def decide(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """A replay gets the stored answer, another body under the key is refused."""
        stored = self.answers.get(request.request_key) if request.request_key else None
        if stored is not None:
            return stored[1] if stored[0] == request.request_digest else NoAnswer.KEY_REUSED
        outcome = self.outcome(request)
        if request.request_key:
            self.answers[request.request_key] = (request.request_digest, outcome)
        return outcome

    def outcome(self, request: ChargingRequest) -> Outcome:
        """Every subscriber is known but nobody; a final grant goes to calls of two minutes."""
        if request.identities and request.identities[0][1] == "nobody":
            return Outcome(code=OutcomeCode.UNKNOWN_IDENTITY)
        if request.action in {RequestedAction.CHECK_BALANCE, RequestedAction.PRICE_ENQUIRY}:
            return Outcome(code=OutcomeCode.SUCCESS, charged_micros=7, affordable_units=600, currency="USD")
        if request.action is RequestedAction.REFUND:
            charged = self.booked.pop(request.session_key, None)
            code = OutcomeCode.SESSION_ENDED if charged is None else OutcomeCode.SUCCESS
            return Outcome(code=code, charged_micros=charged or 0)
        used = request.usage.seconds if request.usage else request.requested_units or 0
        self.booked[request.session_key] = max(used, self.booked.get(request.session_key, 0))
        ends = request.type is RequestType.TERMINATION
        return Outcome(
            code=OutcomeCode.SUCCESS,
            granted_units=self.granted_units(request),
            final_unit_action=FinalUnitAction.TERMINATE if used >= 120 and not ends else None,
            used_units=self.booked[request.session_key],
            charged_micros=self.booked[request.session_key],
            currency="USD",
            account_name="alice",
        )

    def granted_units(self, request: ChargingRequest) -> int:
        """What an event debited, nothing after the end, a minute otherwise."""
        if request.type is RequestType.EVENT:
            return request.requested_units or 0
        return 0 if request.type is RequestType.TERMINATION else 60


def keep_number(number: str, rules: NumberRules) -> str:
    """No number rules."""
    return number


@asynccontextmanager
async def serving(
    service: FakeCharging, gateway_for: GatewayFor | None = None, **settings: Any
) -> AsyncIterator[tuple[GrpcServer, str]]:
    """A server on a free port, and its address."""
    server = GrpcServer(
        service,
        FakeClock(),
        gateway_for or loopback_gateway(GATEWAY),
        normalise_number=keep_number,
        **settings,
    )
    await server.start(["127.0.0.1:0"])
    try:
        yield server, server.addresses[0]
    finally:
        await server.stop(0)


def story(
    tell: Callable[[AsyncChargingClient, FakeCharging], Coroutine[Any, Any, None]], **settings: Any
) -> None:
    """Run `tell` with a client of a fresh server."""

    async def run() -> None:
        service = FakeCharging()
        async with (
            serving(service, **settings) as (_, address),
            AsyncChargingClient.connect(address, retry=IMPATIENT) as client,
        ):
            await tell(client, service)

    asyncio.run(run())


def charge(kind: "pb.RequestType", number: int, **fields: Any) -> pb.ChargeRequest:
    """A request of the voice call call-1."""
    used = fields.pop("used", None)
    voice = pb.ServiceUsage(used_total=None if used is None else pb.UsedUnits(seconds=used))
    usual: dict[str, Any] = {"session_id": "call-1", "subscription_ids": [ALICE], "services": [voice]}
    return pb.ChargeRequest(type=kind, request_number=number, **(usual | fields))


async def failure(call: Coroutine[Any, Any, Any]) -> RequestFailedError:
    """The failure that a call must end in."""
    with pytest.raises(RequestFailedError) as caught:
        await call
    return caught.value


# ---------------------------------------------------------------------------------- calls


def test_a_call_from_start_to_end() -> None:
    """INITIAL is granted, UPDATE renews, the last grant is marked, TERMINATION charges what was used."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        initial = await client.charge(charge(pb.REQUEST_TYPE_INITIAL, 0, called="4420"))
        update = await client.charge(charge(pb.REQUEST_TYPE_UPDATE, 1, used=60))
        final = await client.charge(charge(pb.REQUEST_TYPE_UPDATE, 2, used=120))
        end = await client.charge(charge(pb.REQUEST_TYPE_TERMINATION, 3, used=130))

        assert (initial.session_id, initial.request_number) == ("call-1", 0)
        assert (initial.result_code, initial.reason, initial.currency) == (2001, "success", "USD")
        assert initial.services[0].granted_units == 60
        assert update.services[0].final_unit_action == pb.FINAL_UNIT_ACTION_UNSPECIFIED
        assert final.services[0].final_unit_action == pb.FINAL_UNIT_ACTION_TERMINATE
        assert (end.services[0].granted_units, end.services[0].charged_micros) == (0, 130)
        assert service.booked == {"call-1": 130}

    story(tell)


def test_event_is_debited_at_once() -> None:
    """Three messages by EVENT and two by DirectDebit are two records; both can be refunded."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        messages = [pb.ServiceUsage(service="messages", requested_units=3)]
        event = await client.charge(charge(pb.REQUEST_TYPE_EVENT, 0, services=messages))
        debit = await client.direct_debit(
            pb.DirectDebitRequest(request_id="d1", subscription_ids=[ALICE], service="messages", units=2)
        )
        assert event.services[0].charged_micros == 3
        assert (debit.debited_units, debit.charged_micros) == (2, 2)
        assert service.booked == {"call-1#messages/0": 3, "#event/d1": 2}

        sent = pb.ChargedEvent(session_id="call-1", service="messages")
        refunds = [
            await client.refund(pb.RefundRequest(request_id="r1", subscription_ids=[ALICE], event=sent)),
            await client.refund(
                pb.RefundRequest(request_id="r2", subscription_ids=[ALICE], debit_request_id="d1")
            ),
            await client.refund(
                pb.RefundRequest(request_id="r3", subscription_ids=[ALICE], debit_request_id="never")
            ),
        ]
        assert [refund.refunded_micros for refund in refunds] == [3, 2, 0]
        assert [refund.result_code for refund in refunds] == [2001, 2001, 5002]
        assert service.booked == {}

    story(tell)


def test_enquiries_have_answers() -> None:
    """Balance and price are told and nothing is booked."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        balance = await client.check_balance(pb.CheckBalanceRequest(subscription_ids=[ALICE]))
        price = await client.enquire_price(pb.EnquirePriceRequest(subscription_ids=[ALICE], called="4420"))

        assert balance.enough_credit
        assert (price.price_micros, price.affordable_units, price.currency) == (7, 600, "USD")
        assert service.booked == {}

    story(tell)


def test_services_of_one_request_are_answered_each() -> None:
    """Voice and data of one request are two sessions in the books and two grants in the answer."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        both = [pb.ServiceUsage(), pb.ServiceUsage(service="data", rating_group=None)]
        answer = await client.charge(charge(pb.REQUEST_TYPE_INITIAL, 0, services=both))

        assert [grant.service for grant in answer.services] == ["voice", "data"]
        assert [request.session_key for request in service.seen] == ["call-1", "call-1#data"]

    story(tell)


def test_refusal_is_an_answer_not_a_status() -> None:
    """An unknown subscriber is 5030 in an answer that came with status OK."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        nobody = pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value="nobody")
        answer = await client.charge(charge(pb.REQUEST_TYPE_INITIAL, 0, subscription_ids=[nobody]))

        assert (answer.result_code, answer.reason) == (5030, "invalid_account")

    story(tell)


def test_replay_gets_the_stored_answer() -> None:
    """The same request again, byte for byte the same answer, and nothing more is charged."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        request = charge(pb.REQUEST_TYPE_UPDATE, 1, used=60)
        first = await client.charge(request)
        await client.charge(charge(pb.REQUEST_TYPE_UPDATE, 2, used=90))
        again = await client.charge(request)

        assert again == first
        assert service.booked == {"call-1": 90}

    story(tell)


def test_same_key_with_another_body_is_refused() -> None:
    """ALREADY_EXISTS, at once: trying again is of no use."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        await client.charge(charge(pb.REQUEST_TYPE_UPDATE, 1, used=60))
        error = await failure(client.charge(charge(pb.REQUEST_TYPE_UPDATE, 1, used=61)))

        assert error.code is grpc.StatusCode.ALREADY_EXISTS
        assert len(service.seen) == 2

    story(tell)


def test_malformed_request_names_its_bad_fields() -> None:
    """INVALID_ARGUMENT with every field, before anything is done."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        error = await failure(client.charge(charge(pb.REQUEST_TYPE_UPDATE, -1, services=[])))

        assert error.code is grpc.StatusCode.INVALID_ARGUMENT
        assert [violation.field for violation in error.failure.field_violations] == [
            "request_number",
            "services",
        ]
        assert service.seen == []

    story(tell)


def test_retry_keeps_the_key_until_it_is_answered() -> None:
    """Full, then without its database, then well: the client sends the very same request each time."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        service.fates = [NoAnswer.OVERLOADED, NoAnswer.UNAVAILABLE]
        delta = pb.ServiceUsage(used_delta=pb.UsedUnits(seconds=60))
        answer = await client.charge(charge(pb.REQUEST_TYPE_UPDATE, 1, services=[delta]))

        assert answer.services[0].used_units == 60
        assert {request.request_key for request in service.seen} == {"call-1/1"}
        assert len({request.request_digest for request in service.seen}) == 1
        assert len(service.seen) == 3

    story(tell)


@pytest.mark.parametrize(
    ("fate", "code"),
    [
        (NoAnswer.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE),
        (NoAnswer.OVERLOADED, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (NoAnswer.KEY_REUSED, grpc.StatusCode.ALREADY_EXISTS),
    ],
)
def test_no_answer_is_a_status_for_any_client(fate: NoAnswer, code: grpc.StatusCode) -> None:
    """A client of generated stubs alone sees status, text and trailer."""

    async def run() -> None:
        service = FakeCharging()
        service.fates = [fate]
        async with serving(service) as (_, address), grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ChargingStub(channel).Charge(charge(pb.REQUEST_TYPE_INITIAL, 0))

            assert caught.value.code() is code
            trailer = dict(caught.value.trailing_metadata() or ())[FAILURE_TRAILER]
            assert isinstance(trailer, bytes)
            assert pb.RequestFailure.FromString(trailer).status_code == code.value[0]
            assert caught.value.details() == pb.RequestFailure.FromString(trailer).message

    asyncio.run(run())


def test_unknown_peer_is_not_served() -> None:
    """UNAUTHENTICATED for every method, and nothing reaches the books."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        calls = [
            client.charge(charge(pb.REQUEST_TYPE_INITIAL, 0)),
            client.check_balance(pb.CheckBalanceRequest(subscription_ids=[ALICE])),
            client.enquire_price(pb.EnquirePriceRequest(subscription_ids=[ALICE])),
            client.refund(pb.RefundRequest(request_id="r", subscription_ids=[ALICE], debit_request_id="d")),
            client.direct_debit(pb.DirectDebitRequest(request_id="d", subscription_ids=[ALICE], units=1)),
        ]
        for call in calls:
            assert (await failure(call)).code is grpc.StatusCode.UNAUTHENTICATED
        async with client.session_stream() as stream:
            error = await failure(stream.charge(charge(pb.REQUEST_TYPE_INITIAL, 0)))
            assert "the stream broke: UNAUTHENTICATED" in str(error)
        assert service.seen == []

    story(tell, gateway_for=lambda _: None)


def test_request_whose_caller_has_gone_is_not_started() -> None:
    """A deadline that passed before the request was looked at costs nothing and books nothing."""

    async def run() -> None:
        service = FakeCharging()

        def slow_gateway(context: Any) -> Gateway:
            """By the time the peer is known the deadline is over."""
            threading.Event().wait(0.2)
            return GATEWAY

        async with (
            serving(service, slow_gateway) as (_, address),
            grpc.aio.insecure_channel(address) as channel,
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ChargingStub(channel).Charge(charge(pb.REQUEST_TYPE_INITIAL, 0), timeout=0.1)
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            await asyncio.sleep(0.1)

        assert service.seen == []

    asyncio.run(run())


def test_answer_to_a_caller_who_left_is_harmless() -> None:
    """What was submitted is booked, and the retry finds the stored answer."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        service.held = []
        request = charge(pb.REQUEST_TYPE_UPDATE, 1, used=60)
        error = await failure(client.charge(request, timeout_s=0.1))
        held, service.held = service.held, None
        for reply in held:
            reply()

        assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert (await client.charge(request)).services[0].used_units == 60
        assert service.booked == {"call-1": 60}

    story(tell)


def test_blocking_client_speaks_the_same() -> None:
    """The client for scripts, from another thread: all methods, a retry and a failure."""

    async def run() -> None:
        service = FakeCharging()
        service.fates = [NoAnswer.OVERLOADED]

        def script(address: str) -> None:
            with ChargingClient.connect(address, retry=IMPATIENT) as client:
                assert client.charge(charge(pb.REQUEST_TYPE_INITIAL, 0)).result_code == 2001
                assert client.check_balance(pb.CheckBalanceRequest(subscription_ids=[ALICE])).enough_credit
                price = client.enquire_price(pb.EnquirePriceRequest(subscription_ids=[ALICE]))
                assert price.price_micros == 7
                debit = pb.DirectDebitRequest(request_id="d", subscription_ids=[ALICE], units=4)
                assert client.direct_debit(debit).debited_units == 4
                refund = pb.RefundRequest(request_id="r", subscription_ids=[ALICE], debit_request_id="d")
                assert client.refund(refund).refunded_micros == 4
                with pytest.raises(RequestFailedError, match="INVALID_ARGUMENT: session_id"):
                    client.charge(charge(pb.REQUEST_TYPE_INITIAL, 0, session_id=""))

        async with serving(service) as (_, address):
            await asyncio.to_thread(script, address)
        assert [request.request_key for request in service.seen[:2]] == ["call-1/0", "call-1/0"]

    asyncio.run(run())


# ---------------------------------------------------------------------------------- streams


def test_answers_on_a_stream_come_in_any_order() -> None:
    """Requests of many sessions are under way at once; each caller gets its own answer."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        service.held = []
        async with client.session_stream() as stream:
            requests = [charge(pb.REQUEST_TYPE_INITIAL, 0, session_id=f"call-{n}") for n in range(50)]
            waiting = [asyncio.create_task(stream.charge(request)) for request in requests]
            while len(service.held) < 50:
                service.arrived.clear()
                await service.arrived.wait()
            for reply in reversed(service.held):
                reply()
            answers = await asyncio.gather(*waiting)

        assert [answer.session_id for answer in answers] == [request.session_id for request in requests]

    story(tell)


def test_failures_on_a_stream_do_not_end_it() -> None:
    """A malformed request, a full server and a reused key each fail alone."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        async with client.session_stream() as stream:
            malformed = await failure(stream.charge(charge(pb.REQUEST_TYPE_INITIAL, 0, services=[])))
            service.fates = [NoAnswer.OVERLOADED]
            full = await failure(stream.charge(charge(pb.REQUEST_TYPE_UPDATE, 1, used=60)))
            served = await stream.charge(charge(pb.REQUEST_TYPE_UPDATE, 1, used=60))
            reused = await failure(stream.charge(charge(pb.REQUEST_TYPE_UPDATE, 1, used=61)))
            delta = pb.ServiceUsage(used_delta=pb.UsedUnits(seconds=1))
            other = pb.ServiceUsage(used_delta=pb.UsedUnits(seconds=2))
            await stream.charge(charge(pb.REQUEST_TYPE_UPDATE, 2, session_id="d", services=[delta]))
            twice = await failure(
                stream.charge(charge(pb.REQUEST_TYPE_UPDATE, 2, session_id="d", services=[other]))
            )

        assert malformed.failure.field_violations[0].field == "services"
        assert full.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert served.result_code == 2001
        assert reused.code is grpc.StatusCode.ALREADY_EXISTS
        assert twice.code is grpc.StatusCode.ALREADY_EXISTS

    story(tell)


def test_stream_answers_what_is_open_before_it_ends() -> None:
    """A client that closes its half still gets every answer."""

    async def run() -> None:
        service = FakeCharging()
        service.held = []
        async with serving(service) as (_, address), grpc.aio.insecure_channel(address) as channel:
            call = ChargingStub(channel).Session()
            for number in range(3):
                await call.write(charge(pb.REQUEST_TYPE_UPDATE, number))
            await call.done_writing()
            while len(service.held) < 3:
                service.arrived.clear()
                await service.arrived.wait()
            for reply in service.held:
                reply()
            numbers = [answer.request_number async for message in call for answer in message.answers]

            assert numbers == [0, 1, 2]
            assert await call.code() is grpc.StatusCode.OK

    asyncio.run(run())


def test_stream_reads_no_more_than_its_window() -> None:
    """A client that sends without end is slowed down by flow control, not buffered."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        service.held = []
        async with client.session_stream() as stream:
            requests = [charge(pb.REQUEST_TYPE_INITIAL, 0, session_id=f"call-{n}") for n in range(20)]
            waiting = [asyncio.create_task(stream.charge(request)) for request in requests]
            while len(service.held) < 8:
                service.arrived.clear()
                await service.arrived.wait()
            await asyncio.sleep(0.1)
            assert len(service.seen) == 8

            held, service.held = service.held, None
            for reply in held:
                reply()
            answers = await asyncio.gather(*waiting)
            assert len(answers) == 20

    story(tell, stream_window=8)


def test_broken_stream_fails_what_is_under_way() -> None:
    """The caller learns UNAVAILABLE and sends the same request again elsewhere."""

    async def run() -> None:
        service = FakeCharging()
        service.held = []
        request = charge(pb.REQUEST_TYPE_UPDATE, 1, used=60)
        async with (
            serving(service) as (server, address),
            AsyncChargingClient.connect(address) as client,
            client.session_stream() as stream,
        ):
            waiting = asyncio.create_task(failure(stream.charge(request)))
            await service.arrived.wait()
            await server.stop(0)
            error = await waiting
            later = await failure(stream.charge(request))
            for reply in service.held:
                reply()

        assert error.code is grpc.StatusCode.UNAVAILABLE
        assert later.code is grpc.StatusCode.UNAVAILABLE
        assert service.booked == {"call-1": 60}

    asyncio.run(run())


def test_stream_request_without_answer_times_out_alone() -> None:
    """DEADLINE_EXCEEDED for the one caller; its late answer disturbs nobody."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        service.held = []
        async with client.session_stream() as stream:
            request = charge(pb.REQUEST_TYPE_UPDATE, 1, used=60)
            error = await failure(stream.charge(request, timeout_s=0.05))
            held, service.held = service.held, None
            for reply in held:
                reply()
            answer = await stream.charge(request)

        assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
        assert answer.services[0].used_units == 60

    story(tell)


# ---------------------------------------------------------------------------------- server


def test_reflection_lists_the_services() -> None:
    """Tools find the API without its documents."""

    async def run() -> None:
        async with serving(FakeCharging()) as (_, address), grpc.aio.insecure_channel(address) as channel:
            stub = reflection_pb2_grpc.ServerReflectionStub(channel)

            async def asked() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
                yield reflection_pb2.ServerReflectionRequest(list_services="")

            answers = [answer async for answer in stub.ServerReflectionInfo(asked())]
            names = {service.name for service in answers[0].list_services_response.service}

        assert names == {
            "ocs.v1.Charging",
            "grpc.health.v1.Health",
            "grpc.reflection.v1alpha.ServerReflection",
        }

    asyncio.run(run())


def test_health_follows_the_server() -> None:
    """SERVING once started, NOT_SERVING when it is told so, for the whole and for charging."""

    async def run() -> None:
        async with (
            serving(FakeCharging()) as (server, address),
            grpc.aio.insecure_channel(address) as channel,
        ):
            stub = health_pb2_grpc.HealthStub(channel)

            async def status(name: str) -> int:
                answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
                return int(answer.status)

            assert (
                await status("") == await status(CHARGING_SERVICE) == health_pb2.HealthCheckResponse.SERVING
            )
            await server.set_serving(serving=False)
            assert await status("") == health_pb2.HealthCheckResponse.NOT_SERVING
            assert await status(CHARGING_SERVICE) == health_pb2.HealthCheckResponse.NOT_SERVING

    asyncio.run(run())


def test_calls_beyond_the_limit_are_refused_at_the_door() -> None:
    """RESOURCE_EXHAUSTED without a look at the request, and the open call is answered all the same."""

    async def tell(client: AsyncChargingClient, service: FakeCharging) -> None:
        service.held = []
        first = asyncio.create_task(client.charge(charge(pb.REQUEST_TYPE_UPDATE, 1, used=60)))
        await service.arrived.wait()
        error = await failure(client.charge(charge(pb.REQUEST_TYPE_UPDATE, 2, used=90), timeout_s=0.3))
        assert error.code is grpc.StatusCode.RESOURCE_EXHAUSTED

        (reply,), service.held = service.held, None
        reply()
        assert (await first).services[0].used_units == 60
        assert len(service.seen) == 1

    story(tell, calls_max=1)


def test_oversized_request_is_refused() -> None:
    """A message beyond the limit never reaches the translator."""

    async def run() -> None:
        service = FakeCharging()
        async with serving(service) as (_, address), grpc.aio.insecure_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ChargingStub(channel).Charge(
                    charge(pb.REQUEST_TYPE_INITIAL, 0, end_cause="x" * 300_000)
                )

            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert service.seen == []

    asyncio.run(run())


def test_stopping_server_tells_streams_and_answers_what_is_open() -> None:
    """GoAway first; a request under way is answered within the grace, and the stream ends in order."""

    async def run() -> None:
        service = FakeCharging()
        service.held = []
        async with serving(service) as (server, address), AsyncChargingClient.connect(address) as client:
            async with client.session_stream() as stream:
                waiting = asyncio.create_task(stream.charge(charge(pb.REQUEST_TYPE_INITIAL, 0)))
                await service.arrived.wait()
                stopping = asyncio.create_task(server.stop(5))
                pushed = await stream.pushed.get()
                assert pushed.go_away.grace_s == 5
                for reply in service.held:
                    reply()
                assert (await waiting).result_code == 2001
            await stopping

    asyncio.run(run())


def test_session_that_changed_is_told_to_every_stream_of_its_gateway() -> None:
    """A notice reaches all streams of the session's client, by whichever it came, and nobody else's."""

    async def run() -> None:
        def gateway_for(context: Any) -> Gateway:
            """Clients say who they are."""
            number = dict(context.invocation_metadata())["gateway"]
            return Gateway(id=int(number), name=f"gateway {number}")

        async def open_stream(channel: grpc.aio.Channel, gateway: str) -> Any:
            call = ChargingStub(channel).BatchSession(metadata=(("gateway", gateway),))
            await call.write(pb.ChargeBatch(requests=[charge(pb.REQUEST_TYPE_INITIAL, 0)]))
            assert (await call.read()).answers
            return call

        async with (
            serving(FakeCharging(), gateway_for) as (server, address),
            grpc.aio.insecure_channel(address) as channel,
        ):
            mine = [await open_stream(channel, "1"), await open_stream(channel, "1")]
            other = await open_stream(channel, "2")
            server.observer.session_changed(1, "call-1", SessionNotice.REPORT, "money_arrived")
            server.observer.session_changed(1, "call-2#data", SessionNotice.END, "account_blocked")
            server.observer.session_changed(2, "call-9", SessionNotice.END, "operator")

            for call in mine:
                assert await call.read() == pb.ServerMessage(
                    re_auths=[pb.ReAuth(session_id="call-1", service="voice", reason="money_arrived")],
                    aborts=[pb.Abort(session_id="call-2", service="data", reason="account_blocked")],
                )
            assert await other.read() == pb.ServerMessage(
                aborts=[pb.Abort(session_id="call-9", service="voice", reason="operator")]
            )

    asyncio.run(run())


def test_single_request_stream_serves_the_same() -> None:
    """`Session` is `BatchSession` with one request per message."""

    async def run() -> None:
        service = FakeCharging()
        async with serving(service) as (_, address), grpc.aio.insecure_channel(address) as channel:
            call = ChargingStub(channel).Session()
            await call.write(charge(pb.REQUEST_TYPE_UPDATE, 1, used=60))
            message = await call.read()
            await call.done_writing()
            assert await call.read() == grpc.aio.EOF

        assert [answer.services[0].used_units for answer in message.answers] == [60]

    asyncio.run(run())


def test_client_moves_when_the_server_is_about_to_stop() -> None:
    """After GoAway the client's stream takes no new requests, so the server need not wait for the grace."""

    async def run() -> None:
        service = FakeCharging()
        async with (
            serving(service) as (server, address),
            AsyncChargingClient.connect(address) as client,
            client.session_stream() as stream,
        ):
            await stream.charge(charge(pb.REQUEST_TYPE_INITIAL, 0))
            await asyncio.wait_for(server.stop(60), timeout=5)
            error = await failure(stream.charge(charge(pb.REQUEST_TYPE_UPDATE, 1)))

        assert error.code is grpc.StatusCode.UNAVAILABLE
        assert "move" in str(error)

    asyncio.run(run())


def test_address_in_use_is_an_error_of_the_operator() -> None:
    """The second server on one port does not start, and says which address."""

    async def run() -> None:
        async with serving(FakeCharging()) as (_, address):
            second = GrpcServer(
                FakeCharging(), FakeClock(), loopback_gateway(GATEWAY), normalise_number=keep_number
            )
            with pytest.raises(InputError, match=address):
                await second.start([address])
            await second.stop(0)

    asyncio.run(run())


@pytest.mark.parametrize("address", ["50051", "127.0.0.1:", "127.0.0.1:http", ":50051"])
def test_address_that_is_none_is_refused(address: str) -> None:
    """The error shows what an address looks like."""

    async def run() -> None:
        server = GrpcServer(
            FakeCharging(), FakeClock(), loopback_gateway(GATEWAY), normalise_number=keep_number
        )
        with pytest.raises(InputError, match="is not host:port"):
            await server.start([address])

    asyncio.run(run())

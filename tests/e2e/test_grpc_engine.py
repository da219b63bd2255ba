"""Softswitch stories over a real channel and the real engine: what the wire says is what the books hold."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from world import EPOCH_MS, World, voice_prices

from ocs.grpc.client import AsyncChargingClient, RequestFailedError
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.peer import loopback_gateway
from ocs.grpc.server import GrpcServer
from ocs.rating.tariff import PriceSet
from ocs.units import parse_money, parse_price

ALICE = pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value="alice")
Tell = Callable[[AsyncChargingClient, World], Awaitable[None]]


def story(tell: Tell, *, balance: str = "10") -> None:
    """Play `tell` to a server above an engine that knows alice: 1.00 a minute, 0.05 a message."""

    async def run() -> None:
        world = World()
        message = PriceSet(unit_price_nanos=parse_price("0.05"))
        await world.tariff("retail", {"44": voice_prices("1", "1/1"), "MSG": message})
        await world.account("alice", balance, plan="retail")
        async with world:
            await world.begin()
            server = GrpcServer(
                world.engine,
                world.clock,
                loopback_gateway(world.gateway),
                normalise_number=lambda number, _: number.removeprefix("+"),
            )
            await server.start(["127.0.0.1:0"])
            try:
                async with AsyncChargingClient.connect(server.addresses[0]) as client:
                    await tell(client, world)
            finally:
                await server.stop(0)

    asyncio.run(run())


def call(kind: "pb.RequestType", number: int, *services: pb.ServiceUsage, **fields: Any) -> pb.ChargeRequest:
    """A request of alice's call to London."""
    usual: dict[str, Any] = {
        "session_id": "call-1",
        "subscription_ids": [ALICE],
        "called": "+442079460000",
        "services": services or [pb.ServiceUsage()],
    }
    return pb.ChargeRequest(type=kind, request_number=number, **(usual | fields))


def total(seconds: int) -> pb.ServiceUsage:
    """Seconds since the start."""
    return pb.ServiceUsage(used_total=pb.UsedUnits(seconds=seconds))


def delta(seconds: int) -> pb.ServiceUsage:
    """Seconds since the last report."""
    return pb.ServiceUsage(used_delta=pb.UsedUnits(seconds=seconds))


def test_call_is_charged_exactly_once_whatever_is_repeated() -> None:
    """Every request twice: the second has the first one's answer, and the money moves once."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        requests = [
            call(pb.REQUEST_TYPE_INITIAL, 0),
            call(pb.REQUEST_TYPE_UPDATE, 1, total(60)),
            call(pb.REQUEST_TYPE_UPDATE, 2, total(120)),
            call(pb.REQUEST_TYPE_TERMINATION, 3, total(150)),
        ]
        firsts = [await client.charge(request) for request in requests]
        seconds = [await client.charge(request) for request in requests]

        assert firsts == seconds
        assert [answer.services[0].granted_units for answer in firsts] == [60, 60, 60, 0]
        assert [answer.services[0].charged_micros for answer in firsts] == [0, 10**6, 2 * 10**6, 2_500_000]
        assert firsts[-1].balance_micros == parse_money("7.50")
        assert (firsts[-1].account, firsts[-1].currency) == ("alice", "USD")

    story(tell)


def test_last_grant_is_marked_and_the_next_is_refused() -> None:
    """Money for 90 seconds: 60, a final 30, then nothing more."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        first = await client.charge(call(pb.REQUEST_TYPE_INITIAL, 0))
        last = await client.charge(call(pb.REQUEST_TYPE_UPDATE, 1, total(60)))
        none = await client.charge(call(pb.REQUEST_TYPE_UPDATE, 2, total(90)))

        assert first.services[0].final_unit_action == pb.FINAL_UNIT_ACTION_UNSPECIFIED
        assert (last.services[0].granted_units, last.services[0].final_unit_action) == (
            30,
            pb.FINAL_UNIT_ACTION_TERMINATE,
        )
        assert (none.result_code, none.balance_class) == (4012, pb.BALANCE_CLASS_EXHAUSTED)
        assert none.services[0].charged_micros == parse_money("1.50")

    story(tell, balance="1.50")


def test_deltas_and_totals_cost_the_same() -> None:
    """60, 30 and 30 seconds reported one by one, one of them twice, are 120 seconds."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        await client.charge(call(pb.REQUEST_TYPE_INITIAL, 0))
        await client.charge(call(pb.REQUEST_TYPE_UPDATE, 1, delta(60)))
        await client.charge(call(pb.REQUEST_TYPE_UPDATE, 2, delta(30)))
        await client.charge(call(pb.REQUEST_TYPE_UPDATE, 2, delta(30)))
        end = await client.charge(call(pb.REQUEST_TYPE_TERMINATION, 3, delta(30)))

        assert end.services[0].used_units == 120
        assert end.balance_micros == parse_money("8")

    story(tell)


def test_same_key_with_another_body_is_refused_by_the_books() -> None:
    """ALREADY_EXISTS, and nothing is charged for the second body."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        await client.charge(call(pb.REQUEST_TYPE_UPDATE, 1, total(60)))
        with pytest.raises(RequestFailedError) as caught:
            await client.charge(call(pb.REQUEST_TYPE_UPDATE, 1, total(600)))
        end = await client.charge(call(pb.REQUEST_TYPE_TERMINATION, 2, total(61)))

        assert caught.value.code is grpc.StatusCode.ALREADY_EXISTS
        assert end.services[0].used_units == 61

    story(tell)


def test_events_are_debited_and_refunded_once() -> None:
    """Three messages by EVENT, two by DirectDebit; each is given back once however often it is asked for."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        messages = pb.ServiceUsage(service="messages", requested_units=3)
        event = call(pb.REQUEST_TYPE_EVENT, 0, messages, session_id="sms-1")
        debit = pb.DirectDebitRequest(
            request_id="d1", subscription_ids=[ALICE], service="messages", called="+44", units=2
        )
        for _ in range(2):
            charged = await client.charge(event)
            debited = await client.direct_debit(debit)
        assert (charged.services[0].granted_units, charged.services[0].charged_micros) == (3, 150_000)
        assert (debited.debited_units, debited.charged_micros) == (2, 100_000)
        assert debited.balance_micros == parse_money("9.75")

        refund_event = pb.RefundRequest(
            request_id="r1",
            subscription_ids=[ALICE],
            event=pb.ChargedEvent(session_id="sms-1", service="messages"),
        )
        refund_debit = pb.RefundRequest(request_id="r2", subscription_ids=[ALICE], debit_request_id="d1")
        again = pb.RefundRequest(request_id="r3", subscription_ids=[ALICE], debit_request_id="d1")
        refunds = [
            await client.refund(request) for request in (refund_event, refund_debit, refund_debit, again)
        ]
        assert [refund.refunded_micros for refund in refunds[:3]] == [150_000, 100_000, 100_000]
        assert refunds[-1].balance_micros == parse_money("10")

    story(tell)


def test_refund_of_what_was_never_charged_is_refused() -> None:
    """5002: there is no such event."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        refund = await client.refund(
            pb.RefundRequest(request_id="r1", subscription_ids=[ALICE], debit_request_id="never")
        )

        assert (refund.result_code, refund.refunded_micros) == (5002, 0)

    story(tell)


def test_enquiries_tell_and_touch_nothing() -> None:
    """90 seconds cost 1.50, the balance buys 600, and enough for them is there."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        asked: dict[str, Any] = {
            "subscription_ids": [ALICE],
            "called": "+442079460000",
            "requested_units": 90,
        }
        price = await client.enquire_price(pb.EnquirePriceRequest(**asked))
        enough = await client.check_balance(pb.CheckBalanceRequest(**asked))
        too_much = await client.check_balance(pb.CheckBalanceRequest(**(asked | {"requested_units": 601})))

        assert (price.result_code, price.price_micros, price.currency) == (2001, 1_500_000, "USD")
        assert price.affordable_units == 600
        assert '"charge":"1.50"' in price.steps_json
        assert (enough.result_code, enough.enough_credit) == (2001, True)
        assert (too_much.result_code, too_much.enough_credit) == (2001, False)
        assert enough.balance_micros == too_much.balance_micros == parse_money("10")

    story(tell)


def test_lost_start_is_made_good_by_a_report_with_totals() -> None:
    """UPDATE of a session that nobody knows opens it; a TERMINATION alone is charged too."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        update = await client.charge(call(pb.REQUEST_TYPE_UPDATE, 5, total(60)))
        end = await client.charge(call(pb.REQUEST_TYPE_TERMINATION, 9, total(30), session_id="call-2"))

        assert (update.result_code, update.services[0].charged_micros) == (2001, 10**6)
        assert (end.result_code, end.services[0].charged_micros) == (2001, 500_000)

    story(tell)


def test_buffered_report_is_priced_when_it_happened() -> None:
    """A call of last week that was stored at the switch keeps its own time in the books."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        happened = Timestamp(seconds=EPOCH_MS // 1000 - 7 * 86_400)
        await client.charge(
            call(pb.REQUEST_TYPE_TERMINATION, 1, total(60), event_time=happened, buffered=True)
        )

        (cdr,) = await world.ledger.list_cdrs()
        assert cdr.ended_at_ms == happened.seconds * 1000

    story(tell)


def test_fifteen_calls_at_once_on_a_stream_with_money_for_ten() -> None:
    """Exactly ten are granted, five are refused; nobody is granted money that another one holds."""

    async def tell(client: AsyncChargingClient, world: World) -> None:
        async with client.session_stream() as stream:
            requests = [call(pb.REQUEST_TYPE_INITIAL, 0, session_id=f"call-{n}") for n in range(15)]
            answers = await asyncio.gather(*(stream.charge(request) for request in requests))

        assert sorted(answer.result_code for answer in answers) == [2001] * 10 + [4012] * 5
        assert {answer.reason for answer in answers} == {"success", "funds_locked"}

    story(tell)

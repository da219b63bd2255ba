"""What operators do reaches calls in progress: real server, real command line, a softswitch's stream."""

import asyncio
import json
from pathlib import Path

import pytest
from server import ServerProcess

from ocs.grpc.client import AsyncChargingClient, ChargingStream
from ocs.grpc.pb import charging_pb2 as pb

POOR = pb.SubscriptionId(kind=pb.IDENTITY_KIND_USERNAME, value="poor")
HEARD_S = 20.0


@pytest.fixture
def server(tmp_path: Path) -> ServerProcess:
    """A server with the sample, not started yet, and an account that is nearly empty."""
    made = ServerProcess(tmp_path)
    made.ocs("init", "--sample")
    made.ocs("account", "create", "poor", "--balance", "0.10", "--plan", "retail", "--username", "poor")
    return made


async def heard(stream: ChargingStream) -> pb.ServerMessage:
    """The next thing that the server says by itself."""
    async with asyncio.timeout(HEARD_S):
        return await stream.pushed.get()


async def abort(stream: ChargingStream) -> pb.Abort:
    """The next session that is to be ended; one that is asked for a report meanwhile is passed over."""
    while not (aborts := (await heard(stream)).aborts):
        pass
    (ended,) = aborts
    return ended


def call(kind: "pb.RequestType", number: int, *, seconds: int = 0, key: str = "c1") -> pb.ChargeRequest:
    """A request of a call to London."""
    return pb.ChargeRequest(
        type=kind,
        session_id=key,
        request_number=number,
        subscription_ids=[POOR],
        called="+442079460000",
        services=[pb.ServiceUsage(used_total=pb.UsedUnits(seconds=seconds))],
    )


def test_what_operators_do_reaches_the_stream(server: ServerProcess) -> None:
    """A top-up wakes the call on its last grant; ending it, or blocking its account, ends it."""

    async def story() -> None:
        async with (
            AsyncChargingClient.connect(f"127.0.0.1:{server.grpc_port}") as client,
            client.session_stream() as stream,
        ):
            await stream.charge(call(pb.REQUEST_TYPE_INITIAL, 0))
            answer = await stream.charge(call(pb.REQUEST_TYPE_UPDATE, 1, seconds=60))
            await asyncio.to_thread(server.ocs, "account", "top-up", "poor", "5.00")
            (woken,) = (await heard(stream)).re_auths
            await stream.charge(call(pb.REQUEST_TYPE_INITIAL, 0, key="c2"))
            await asyncio.to_thread(server.ocs, "session", "terminate", "c2", "--cause", "fraud")
            terminated = await abort(stream)
            late = await stream.charge(call(pb.REQUEST_TYPE_TERMINATION, 1, key="c2", seconds=61))
            await asyncio.to_thread(server.ocs, "account", "block", "poor")
            ended = await abort(stream)

            assert answer.services[0].final_unit_action == pb.FINAL_UNIT_ACTION_TERMINATE
            assert (woken.session_id, woken.service, woken.reason) == ("c1", "voice", "money_arrived")
            assert (terminated.session_id, terminated.reason) == ("c2", "operator")
            assert late.services[0].charged_micros > 0
            assert (ended.session_id, ended.service, ended.reason) == ("c1", "voice", "account_blocked")

    with server.start():
        asyncio.run(story())
        (record,) = json.loads(server.ocs("cdr", "show", "c2", "--json"))
        assert (record["end_cause"], record["used"]) == ("fraud", 61)
        server.ocs("ledger", "verify")

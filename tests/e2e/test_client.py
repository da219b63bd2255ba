"""`ocs.client` against a real server: the examples of its page, retries that keep the key, the pool."""

import asyncio
import io
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import grpc
import pytest
from server import ServerProcess, ServerThread

from ocs.client import (
    AsyncClient,
    Client,
    RequestFailedError,
    RetryPolicy,
    admin_pb2,
    charging_pb2,
    rating_pb2,
    sheet_parts,
)

PAGE = Path(__file__).resolve().parents[2] / "docs/client.md"
QUICK = RetryPolicy(first_delay_s=0.001, delay_s_max=0.01)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A server with the sample: its address, and a key that opens everything."""
    process = ServerProcess(tmp_path_factory.mktemp("client"))
    process.ocs("init", "--sample")
    roles = ("--role", "admin", "--role", "charging", "--gateway", "grpc-local")
    text = process.ocs("key", "create", "tests", *roles, "--json")
    key = re.search(r'"key": "(ocs_\w+)"', text)
    assert key is not None, text
    with ServerThread(process):
        yield f"127.0.0.1:{process.grpc_port}", key[1]


def test_the_examples_of_the_page_run(plant: tuple[str, str]) -> None:
    """In their order, in one program, with the results that the page promises."""
    address, key = plant
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) >= 7
    program = "\n".join(blocks).replace("127.0.0.1:50051", address).replace("ocs_0123_4567", key)
    found: dict[str, Any] = {}

    exec(compile(program, str(PAGE), "exec"), found)

    assert found["granted"] == 60
    assert found["answer"].result_code == 2001
    assert "type" in found["bad_fields"]
    assert found["account"].max_sessions == 2
    assert found["entry"].balance_micros == 35_000_000
    assert "accounts/zoe" in found["names"]
    assert found["quote"].prices[0].charge_micros == 126_000
    assert found["result"].created_rates == 1
    assert found["sheet"].startswith(b"\xef\xbb\xbf") or b"estination" in found["sheet"]
    assert set(found["codes"]) == {2001}


def test_calls_of_many_threads_share_a_client(plant: tuple[str, str]) -> None:
    """Each gets its own answer, whichever connection carried it."""
    address, key = plant
    with Client.connect(address, api_key=key, channels=3) as ocs, ThreadPoolExecutor(8) as threads:
        names = [f"accounts/{name}" for name in ("alice", "bob")] * 40

        def get(name: str) -> str:
            return ocs.admin.get_account(admin_pb2.GetAccountRequest(name=name)).name

        assert list(threads.map(get, names)) == names


def test_what_is_done_over_the_api_reaches_the_stream(plant: tuple[str, str]) -> None:
    """A payment wakes a call on its last grant; a session that an operator ends is ended at its switch."""
    address, key = plant
    poor = charging_pb2.SubscriptionId(kind=charging_pb2.IDENTITY_KIND_USERNAME, value="poor")

    def call(kind: Any, number: int, seconds: int) -> charging_pb2.ChargeRequest:
        return charging_pb2.ChargeRequest(
            type=kind,
            session_id="poor-1",
            request_number=number,
            subscription_ids=[poor],
            called="+442079460000",
            services=[charging_pb2.ServiceUsage(used_total=charging_pb2.UsedUnits(seconds=seconds))],
        )

    async def story() -> None:
        async with AsyncClient.connect(address, api_key=key) as ocs, ocs.session_stream() as stream:
            account = admin_pb2.Account(plan="plans/retail")
            await ocs.admin.create_account(
                admin_pb2.CreateAccountRequest(account_id="poor", account=account, opening_micros=100_000)
            )
            identity = admin_pb2.Identity(kind=charging_pb2.IDENTITY_KIND_USERNAME, value="poor")
            await ocs.admin.create_identity(
                admin_pb2.CreateIdentityRequest(parent="accounts/poor", identity=identity)
            )
            await stream.charge(call(charging_pb2.REQUEST_TYPE_INITIAL, 0, 0))
            answer = await stream.charge(call(charging_pb2.REQUEST_TYPE_UPDATE, 1, 60))
            assert answer.services[0].final_unit_action == charging_pb2.FINAL_UNIT_ACTION_TERMINATE
            await ocs.admin.top_up_account(
                admin_pb2.TopUpAccountRequest(
                    name="accounts/poor", amount_micros=5_000_000, request_id="poor-payment"
                )
            )
            async with asyncio.timeout(30):
                (woken,) = (await stream.pushed.get()).re_auths
            assert (woken.session_id, woken.reason) == ("poor-1", "money_arrived")
            listed = await ocs.admin.list_sessions(
                admin_pb2.ListSessionsRequest(account="accounts/poor", state=admin_pb2.SESSION_STATE_OPEN)
            )
            ended = await ocs.admin.terminate_session(
                admin_pb2.TerminateSessionRequest(name=listed.sessions[0].name, reason="fraud")
            )
            async with asyncio.timeout(30):
                (told,) = (await stream.pushed.get()).aborts
            assert (told.session_id, told.reason) == ("poor-1", "operator")
            assert ended.end_cause == "fraud"

    asyncio.run(story())


class Flaky(grpc.GenericRpcHandler):
    """A server that remembers what it was sent, and fails each call a few times first."""

    def __init__(self, failures: int, code: grpc.StatusCode) -> None:
        self.received: list[bytes] = []
        self.paths: list[str] = []
        self.peers: set[str] = set()
        self._failures = failures
        self._code = code
        self._lock = threading.Lock()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Every method is the same."""
        path = handler_call_details.method

        def serve(octets: bytes, context: grpc.ServicerContext) -> bytes:
            with self._lock:
                self.received.append(octets)
                self.paths.append(path)
                self.peers.add(context.peer())
                fails = len(self.received) <= self._failures
            if fails:
                context.abort(self._code, "try again")
            return b""

        return grpc.unary_unary_rpc_method_handler(serve)


class FlakyServer:
    """`Flaky` on a free port. A context manager."""

    def __init__(self, failures: int = 2, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        self.handler = Flaky(failures, code)

    def __enter__(self) -> Self:
        self._server = grpc.server(ThreadPoolExecutor(4), handlers=(self.handler,))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0).wait()


def ask(address: str, how: str, service: str, method: str, request: Any) -> Any:
    """One call, blocking or from asyncio."""
    if how == "blocking":
        with Client.connect(address, retry=QUICK) as ocs:
            return getattr(getattr(ocs, service), method)(request)

    async def run() -> Any:
        async with AsyncClient.connect(address, retry=QUICK) as ocs:
            return await getattr(getattr(ocs, service), method)(request)

    return asyncio.run(run())


@pytest.mark.parametrize("how", ["blocking", "asyncio"])
@pytest.mark.parametrize(
    ("service", "method", "request_"),
    [
        ("charging", "charge", charging_pb2.ChargeRequest(session_id="s", request_number=7)),
        ("charging", "direct_debit", charging_pb2.DirectDebitRequest(units=1)),
        ("admin", "create_account", admin_pb2.CreateAccountRequest(account_id="zoe")),
        ("admin", "top_up_account", admin_pb2.TopUpAccountRequest(amount_micros=1)),
        ("admin", "list_accounts", admin_pb2.ListAccountsRequest(page_size=3)),
        ("rating", "quote", rating_pb2.QuoteRequest(units=5)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_retry_sends_the_same_octets(how: str, service: str, method: str, request_: Any) -> None:
    """What identifies the request is chosen before the first try and kept."""
    before = request_.SerializeToString()
    with FlakyServer() as server:
        ask(server.address, how, service, method, request_)

        assert len(server.handler.received) == 3
        assert len(set(server.handler.received)) == 1
        sent = type(request_).FromString(server.handler.received[0])
        if "request_id" in request_.DESCRIPTOR.fields_by_name:
            assert len(sent.request_id) == 32
        else:
            assert sent == request_
    assert request_.SerializeToString() == before


@pytest.mark.parametrize("how", ["blocking", "asyncio"])
def test_what_a_repetition_could_harm_is_called_once(how: str) -> None:
    """A second deletion could hit what was created meanwhile, a second key would be unknown to anybody."""
    for method, request in (
        ("delete_account", admin_pb2.DeleteAccountRequest(name="accounts/a")),
        ("create_api_key", admin_pb2.CreateApiKeyRequest()),
    ):
        with FlakyServer() as server:
            with pytest.raises(RequestFailedError) as caught:
                ask(server.address, how, "admin", method, request)
            assert caught.value.code is grpc.StatusCode.UNAVAILABLE
            assert len(server.handler.received) == 1


@pytest.mark.parametrize("how", ["blocking", "asyncio"])
def test_what_no_retry_mends_is_told_at_once(how: str) -> None:
    """A malformed request stays malformed."""
    with FlakyServer(code=grpc.StatusCode.INVALID_ARGUMENT) as server:
        with pytest.raises(RequestFailedError) as caught:
            ask(server.address, how, "admin", "get_account", admin_pb2.GetAccountRequest())
        assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
        assert len(server.handler.received) == 1


def test_channels_are_connections_that_take_turns() -> None:
    """Of one address or several."""
    with FlakyServer(failures=0) as first, FlakyServer(failures=0) as second:
        with Client.connect(first.address, second.address, channels=2) as ocs:
            for _ in range(8):
                ocs.admin.get_account(admin_pb2.GetAccountRequest(name="accounts/a"))
        for server in (first, second):
            assert len(server.handler.received) == 4
            assert len(server.handler.peers) == 2


def test_a_sheet_keeps_its_request_id() -> None:
    """Chosen once, unless it is only checked."""
    options = rating_pb2.ImportSheetOptions(parent="tariffs/retail")
    parts = list(sheet_parts(options, io.BytesIO(b"x" * 100_000)))
    assert len(parts[0].options.request_id) == 32
    assert b"".join(part.chunk for part in parts) == b"x" * 100_000
    assert not options.request_id
    checked = next(sheet_parts(rating_pb2.ImportSheetOptions(validate_only=True), io.BytesIO()))
    assert not checked.options.request_id


def test_the_client_needs_no_server_code() -> None:
    """A program that only calls loads neither stores nor the engine."""
    import subprocess

    unwanted = ("ocs.storage", "ocs.radius", "sqlalchemy")
    code = f"import ocs.client, sys; print([m for m in sys.modules if m.startswith({unwanted})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

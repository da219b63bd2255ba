"""The RADIUS server over real sockets, with a charging service that notes what it is asked."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest, RequestType, Usage
from ocs.charging.service import Reply
from ocs.ports import Gateway, GrantMode, GrantPolicy, IdentityKind
from ocs.radius.client import NoReplyError, RadiusClient
from ocs.radius.client import Reply as RadiusReply
from ocs.radius.codec import Code, Secret, encode_request
from ocs.radius.udp import RadiusServer

SECRET = "testing123"
CALL = {
    "User-Name": "15550100",
    "Called-Station-Id": "442071838750",
    "Calling-Station-Id": "15550100",
    "Acct-Session-Id": "call-1",
    "NAS-IP-Address": "192.0.2.10",
}


class FixedClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.time_ms = 1_700_000_000_000

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self.time_ms


class FakeService:
    """Grants 60 of 3600 affordable units to who knows the secret, and keeps every request."""

    def __init__(self) -> None:
        self.requests: list[ChargingRequest] = []
        self.ended_gateways: list[int] = []
        self.answer: Outcome | NoAnswer | None = None
        "What to answer instead; None: by the rules above."
        self.failure: Exception | None = None

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Answer at the next turn of the loop, as the engine does after its commit."""
        if self.failure is not None:
            raise self.failure
        self.requests.append(request)
        asyncio.get_running_loop().call_soon(reply, self.answer or self._decide(request))

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """Not used by RADIUS."""
        return self._decide(request)

    def end_gateway_sessions(
        self, gateway_id: int, at_ms: int, reply: Callable[[bool], None], concerns: Callable[[str], bool]
    ) -> None:
        """Note it."""
        self.ended_gateways.append(gateway_id)
        reply(self.answer is None)

    def _decide(self, request: ChargingRequest) -> Outcome:
        if request.credential is not None and not request.credential.verify("arctangent"):
            return Outcome(code=OutcomeCode.WRONG_SECRET)
        return Outcome(
            code=OutcomeCode.SUCCESS,
            granted_units=60,
            affordable_units=3600,
            balance_micros=12_500_000,
            currency="EUR",
        )


def gateway(**changes: object) -> Gateway:
    """A gateway on loopback."""
    fields: dict[str, object] = {"id": 7, "name": "gw", "address": "127.0.0.0/8", "secret": SECRET}
    return Gateway(**{**fields, **changes})  # type: ignore[arg-type]


def run(
    story: Callable[[RadiusClient, RadiusServer], None],
    service: FakeService,
    *gateways: Gateway,
    host: str = "127.0.0.1",
    connect_to: str = "",
    patience_s: float = 30,
) -> None:
    """Run a blocking client's story against a server on free ports.

    `patience_s` is short for stories in which the server is silent.
    """

    async def main() -> None:
        server = RadiusServer(service, FixedClock(), gateways or [gateway()], class_key=b"k")
        await server.start(auth=[(host, 0)], acct=[(host, 0)])
        (_, auth_port), (_, acct_port) = server.addresses
        client = RadiusClient(
            connect_to or host,
            SECRET,
            auth_port=auth_port,
            acct_port=acct_port,
            timeout_s=patience_s,
            tries=1,
        )
        with client:
            try:
                await asyncio.to_thread(story, client, server)
            finally:
                await server.stop()

    asyncio.run(main())


def test_a_call_from_authorisation_to_stop() -> None:
    """A gateway authorises, starts, reports and stops; the core sees one session with cumulative usage."""
    service = FakeService()
    replies: list[RadiusReply] = []

    def story(client: RadiusClient, server: RadiusServer) -> None:
        accept = client.authorise(CALL, password="arctangent")
        report = {**CALL, "Class": accept.get("Class").encode().fromhex(accept.get("Class")[2:])}
        replies.append(accept)
        replies.append(client.start(report))
        replies.append(client.interim({**report, "Acct-Session-Time": 60}))
        replies.append(
            client.stop({**report, "Acct-Session-Time": 61, "Acct-Terminate-Cause": "User-Request"})
        )

    run(story, service)

    accept, *answers = replies
    assert accept.code is Code.ACCESS_ACCEPT
    assert accept.attributes[0][0] == "Message-Authenticator"
    assert accept.get("Session-Timeout") == "3600"
    assert accept.get("h323-credit-time") == "3600"
    assert accept.get("h323-return-code") == "0"
    assert accept.get("Acct-Interim-Interval") == "60"
    assert [answer.code for answer in answers] == [Code.ACCOUNTING_RESPONSE] * 3
    assert [answer.attributes for answer in answers] == [[], [], []]
    assert {request.session_key for request in service.requests} == {"192.0.2.10|call-1"}
    assert [request.type for request in service.requests] == [
        RequestType.INITIAL,
        RequestType.UPDATE,
        RequestType.UPDATE,
        RequestType.TERMINATION,
    ]
    assert [request.usage for request in service.requests] == [None, Usage(), Usage(60), Usage(61)]
    assert [request.starts for request in service.requests] == [False, True, False, False]
    assert service.requests[3].end_cause == "User-Request"
    assert service.requests[0].identities[0] == (IdentityKind.USERNAME, "15550100")


def test_wrong_password_is_rejected_with_reason_and_return_code() -> None:
    """The reason is for people, the return code for machines; the gateway's own table overrides that."""
    service = FakeService()
    replies: list[RadiusReply] = []

    def story(client: RadiusClient, server: RadiusServer) -> None:
        replies.append(client.authorise(CALL, password="wrong"))

    run(story, service)
    run(story, service, gateway(return_codes={"invalid_password": 77}))

    assert [reply.code for reply in replies] == [Code.ACCESS_REJECT] * 2
    assert [reply.get("Reply-Message") for reply in replies] == ["invalid_password"] * 2
    assert [reply.get("h323-return-code") for reply in replies] == ["2", "77"]
    assert replies[0].attributes[0][0] == "Message-Authenticator"


def test_chap_is_checked_against_the_secret() -> None:
    """A CHAP response made with the right secret is accepted, with another it is rejected."""
    replies: list[RadiusReply] = []

    def story(client: RadiusClient, server: RadiusServer) -> None:
        replies.extend(client.authorise(CALL, password=word, chap=True) for word in ("arctangent", "tangent"))

    run(story, FakeService())

    assert [reply.code for reply in replies] == [Code.ACCESS_ACCEPT, Code.ACCESS_REJECT]


def test_without_called_number_only_the_credential_is_checked() -> None:
    """An Access-Request without Called-Station-Id opens no session and grants no time."""
    service = FakeService()
    replies: list[RadiusReply] = []

    def story(client: RadiusClient, server: RadiusServer) -> None:
        replies.append(client.authorise({"User-Name": "15550100"}, password="arctangent"))

    run(story, service, gateway(dialect="cisco"))

    assert [request.type for request in service.requests] == [RequestType.AUTHENTICATION]
    assert replies[0].get("Session-Timeout") is None
    assert replies[0].get("Class") is None
    assert replies[0].get("h323-credit-amount") == "12.50"
    assert replies[0].get("h323-currency") == "EUR"


def test_whole_policy_grants_exactly_what_is_reserved() -> None:
    """Equipment that can only be told once is told the granted time, and is not asked to report."""
    replies: list[RadiusReply] = []

    def story(client: RadiusClient, server: RadiusServer) -> None:
        replies.append(client.authorise(CALL, password="arctangent"))

    run(story, FakeService(), gateway(grant=GrantPolicy(mode=GrantMode.WHOLE)))

    assert replies[0].get("Session-Timeout") == "60"
    assert replies[0].get("Acct-Interim-Interval") is None


@pytest.mark.parametrize("code", list(OutcomeCode))
def test_every_report_is_answered_whatever_its_outcome(code: OutcomeCode) -> None:
    """A report that was processed is acknowledged, even when its session may not go on."""
    service = FakeService()
    service.answer = Outcome(code=code)
    replies: list[RadiusReply] = []

    def story(client: RadiusClient, server: RadiusServer) -> None:
        replies.append(client.stop({**CALL, "Acct-Session-Time": 5}))

    run(story, service)

    assert replies[0].code is Code.ACCOUNTING_RESPONSE


@pytest.mark.parametrize("reason", list(NoAnswer))
def test_what_is_not_booked_is_not_answered_and_may_be_repeated(reason: NoAnswer) -> None:
    """While the store fails there is silence; the same packet is served once it is back."""
    service = FakeService()
    service.answer = reason
    counted: list[int] = []
    packet = encode_request(
        Code.ACCOUNTING_REQUEST,
        identifier=1,
        attributes=bytes.fromhex("280600000002" + "2c0361" + "2e060000000a"),
        secret=Secret(SECRET),
    )

    def story(client: RadiusClient, server: RadiusServer) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.settimeout(0.3)
            own.connect(server.addresses[1])
            own.send(packet)
            with pytest.raises(TimeoutError):
                own.recv(4096)
            counted.append(server.counters["gw"][reason.value])
            service.answer = None
            own.settimeout(30)
            own.send(packet)
            answer = own.recv(4096)
            own.send(packet)

            assert own.recv(4096) == answer

    run(story, service)

    assert counted == [1]
    assert len(service.requests) == 2, "the third copy is answered from the duplicate cache"


def test_accounting_on_ends_the_gateways_sessions() -> None:
    """Accounting-On and -Off are answered when every session of the gateway has been ended."""
    service = FakeService()

    def story(client: RadiusClient, server: RadiusServer) -> None:
        for status in ("Accounting-On", "Accounting-Off"):
            assert client.account(status, {"NAS-IP-Address": "192.0.2.10"}).code is Code.ACCOUNTING_RESPONSE
        service.answer = NoAnswer.UNAVAILABLE
        with pytest.raises(NoReplyError):
            client.account("Accounting-On", {})

    run(story, service, patience_s=0.5)

    assert service.ended_gateways == [7, 7, 7]


def test_other_legs_are_acknowledged_and_not_charged() -> None:
    """Of a call's legs only the charged one reaches the core."""
    service = FakeService()

    def story(client: RadiusClient, server: RadiusServer) -> None:
        for origin in ("originate", "answer"):
            client.stop({**CALL, "Acct-Session-Time": 5, "h323-call-origin": f"h323-call-origin={origin}"})

    run(story, service)

    assert [request.leg for request in service.requests] == ["answer"]


def test_status_server_is_answered_on_its_port() -> None:
    """A signed Status-Server gets an Accept on the authentication port."""
    codes: list[Code] = []

    run(lambda client, server: codes.append(client.status().code), FakeService())

    assert codes == [Code.ACCESS_ACCEPT]


def test_strangers_get_silence_and_are_counted() -> None:
    """An address that is no gateway's gets no answer, until a gateway is added at runtime."""
    codes: list[Code] = []

    def story(client: RadiusClient, server: RadiusServer) -> None:
        with pytest.raises(NoReplyError):
            client.status()
        assert server.counters[""]["unknown_client"] == 1
        server.set_gateways([gateway()])
        codes.append(client.status().code)

    run(story, FakeService(), gateway(address="192.0.2.0/24"), patience_s=0.5)

    assert codes == [Code.ACCESS_ACCEPT]


def test_a_bug_in_one_packet_does_not_stop_the_server(caplog: pytest.LogCaptureFixture) -> None:
    """An exception is counted and logged once; the next packet is served."""
    service = FakeService()
    service.failure = ZeroDivisionError("in the core")

    def story(client: RadiusClient, server: RadiusServer) -> None:
        for _ in range(2):
            with pytest.raises(NoReplyError):
                client.start(CALL)
        assert server.counters["gw"]["bug"] == 2
        service.failure = None
        assert client.start(CALL).code is Code.ACCOUNTING_RESPONSE

    run(story, service, patience_s=0.5)

    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "ZeroDivisionError" in caplog.text


def test_a_broken_outcome_is_our_bug_and_stays_ours() -> None:
    """What cannot be translated is silence for the gateway and nothing for the core."""
    service = FakeService()
    service.answer = Outcome(code=OutcomeCode.SUCCESS, granted_units=None)  # type: ignore[arg-type]

    def story(client: RadiusClient, server: RadiusServer) -> None:
        with pytest.raises(NoReplyError):
            client.authorise(CALL, password="arctangent")
        assert server.counters["gw"]["bug"] == 1

    run(story, service, patience_s=0.5)


@pytest.mark.parametrize(
    ("host", "connect_to", "address"),
    [
        ("::1", "", "::1"),
        ("::", "::1", "::/0"),
        ("0.0.0.0", "127.0.0.9", "127.0.0.0/8"),
        ("localhost", "127.0.0.1", "127.0.0.1"),
    ],
)
def test_replies_leave_from_the_address_the_request_came_to(host: str, connect_to: str, address: str) -> None:
    """IPv4, IPv6 and wildcard sockets answer from where they were asked, as a connected socket needs."""
    secret = Secret(SECRET)
    packet = encode_request(
        Code.STATUS_SERVER, identifier=3, attributes=b"", secret=secret, authenticator=b"nonce of 16 octs"
    )
    answers: list[bytes] = []

    def story(client: RadiusClient, server: RadiusServer) -> None:
        target = connect_to or host
        family = socket.AF_INET6 if ":" in target else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as own:
            own.settimeout(30)
            own.connect((target, server.addresses[0][1]))
            own.send(packet)
            answers.append(own.recv(4096))

    run(story, FakeService(), gateway(address=address), host=host, connect_to=connect_to)

    assert [answer[:2] for answer in answers] == [b"\x02\x03"]


def test_several_listeners_of_both_families_serve_at_once() -> None:
    """Each answers for itself; a gateway may send its accounting to another address than its requests."""
    service = FakeService()
    addresses = [("127.0.0.1", 0), ("127.0.0.2", 0), ("::1", 0)]
    answered: list[bool] = []

    def ask(auth: tuple[str, int], acct: tuple[str, int]) -> None:
        with RadiusClient(auth[0], SECRET, auth_port=auth[1], timeout_s=5) as client:
            answered.append(client.authorise(CALL, password="arctangent").is_accept)
        with RadiusClient(acct[0], SECRET, acct_port=acct[1], timeout_s=5) as client:
            client.start(CALL)

    async def main() -> None:
        gateways = [gateway(), gateway(id=8, name="gw6", address="::1")]
        server = RadiusServer(service, FixedClock(), gateways, class_key=b"k")
        await server.start(auth=addresses, acct=addresses)
        for number in range(3):
            await asyncio.to_thread(ask, server.addresses[number], server.addresses[3 + (number + 1) % 3])
        await server.stop()

    asyncio.run(main())

    assert answered == [True] * 3
    assert [request.gateway.name for request in service.requests] == ["gw", "gw", "gw", "gw6", "gw6", "gw"]


def test_an_address_in_use_binds_nothing() -> None:
    """Starting fails whole: the sockets that were bound before the failure are closed."""

    async def main() -> None:
        first = RadiusServer(FakeService(), FixedClock(), [gateway()], class_key=b"k")
        second = RadiusServer(FakeService(), FixedClock(), [gateway()], class_key=b"k")
        await first.start(auth=[("127.0.0.1", 0)], acct=[])
        with pytest.raises(OSError, match="in use"):
            await second.start(auth=[("127.0.0.1", 0)], acct=first.addresses)
        assert second.addresses == []
        await first.stop()

    asyncio.run(main())


def test_many_gateways_at_once_are_all_answered() -> None:
    """A burst larger than one batch, from several sockets, is answered completely."""
    secret = Secret(SECRET)
    service = FakeService()

    def story(client: RadiusClient, server: RadiusServer) -> None:
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(4)]
            for own in sockets:
                own.settimeout(2)
                own.connect(server.addresses[1])
                for identifier in range(50):
                    attributes = bytes.fromhex("280600000001") + b"\x2c\x05%03d" % identifier
                    own.send(
                        encode_request(
                            Code.ACCOUNTING_REQUEST,
                            identifier=identifier,
                            attributes=attributes,
                            secret=secret,
                        )
                    )
            answered = [{own.recv(4096)[1] for _ in range(50)} for own in sockets]

        assert answered == [set(range(50))] * 4

    run(story, service)

    assert len(service.requests) == 200


def test_digest_is_challenged_and_then_checked() -> None:
    """A gateway without a nonce gets one of ours; what is not allowed to ask is rejected at once."""
    service = FakeService()
    digest = {"User-Name": "alice", "Digest-Method": "INVITE", "Digest-URI": "sip:bob@example.com"}
    replies: list[RadiusReply] = []

    def story(client: RadiusClient, server: RadiusServer) -> None:
        replies.append(client.authorise(digest))
        replies.append(client.authorise({"User-Name": "alice"}))

    run(story, service)

    assert [reply.code for reply in replies] == [Code.ACCESS_CHALLENGE, Code.ACCESS_REJECT]
    assert replies[0].get("Digest-Realm") == "example.com"
    assert replies[1].get("Reply-Message") == "invalid_password"
    assert service.requests == []


def test_reports_that_name_no_session_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Silence is counted each time and written at a bounded rate."""

    def story(client: RadiusClient, server: RadiusServer) -> None:
        for _ in range(3):
            with pytest.raises(NoReplyError):
                client.stop({"User-Name": "alice"})
        assert server.counters["gw"]["missing_attribute"] == 3

    run(story, FakeService(), patience_s=0.5)

    assert caplog.messages == ["no answer to 127.0.0.1: missing_attribute"]

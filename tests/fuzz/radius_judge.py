"""What must be true of every datagram that the RADIUS front end is given, whatever it holds.

Nothing raises. Nobody is served whose authenticators, computed here once more and otherwise, are wrong. What
is asked of the charging core is within bounds. The answer is one that the client accepts, begins with a
Message-Authenticator where it must, and repeats every Proxy-State in order; a retransmission gets it again.
What people are told of a packet agrees.
"""

import hashlib
import hmac
import re

from radius_vectors import NOW_MS, SECRET, SOURCE, families, gateway

from ocs.charging.outcome import Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.radius.codec import Code, MalformedPacketError, Packet, Secret, decode, is_reply_authentic
from ocs.radius.endpoint import Endpoint, Exchange, Role, Silence
from ocs.radius.explanation import explain, interpret
from ocs.radius.translate import Challenge, Refusal, Translator, encode_refusal
from ocs.rating.destination import is_mobile_network

MESSAGE_AUTHENTICATOR = 80
PROXY_STATE = 33
CISCO = 9
KEY = SECRET.encode()
DIALECTS = sorted(families())
TEXT_MAX = 260
EXPLAINED_EVERY = 8
ROUTE = re.compile(rb"h323-ivr-in=Routing:[0-9*#]{1,40}@carrier\.example;cli=[0-9*#]{1,40}")
"What family `routed` may be told of routes, whatever a caller dials."
SLICE_MAX_S = 4 * 3600
ROLES = {4: Role.ACCOUNTING}


class Judge:
    """One endpoint for each family, all with one gateway."""

    def __init__(self) -> None:
        self._judged = 0
        self._translator = Translator(b"key")
        self._endpoints: dict[str, Endpoint] = {}
        for name in DIALECTS:
            self._endpoints[name] = Endpoint()
            self._endpoints[name].set_clients(
                [gateway(dialect=name, authorize_without_password=True)], families()
            )

    def judge(self, datagram: bytes, dialect: str) -> str:
        """One datagram through endpoint, translation and answer; what became of it."""
        self._judged += 1
        if self._judged % EXPLAINED_EVERY == 0:
            check_explanation(datagram, dialect)
        endpoint = self._endpoints[dialect]
        role = ROLES.get(datagram[0] if datagram else 0, Role.AUTHENTICATION)
        result = endpoint.receive_datagram(datagram, SOURCE, role, NOW_MS)
        is_right = are_authenticators_right(datagram)
        if isinstance(result, Silence):
            assert (
                result not in (Silence.BAD_AUTHENTICATOR, Silence.BAD_MESSAGE_AUTHENTICATOR) or not is_right
            )
            return "Silence"
        assert is_right, "served, although an authenticator is wrong"
        if isinstance(result, bytes):
            self._check_reply(result, decode(datagram))
            return "bytes"
        assert result.packet.data == datagram[: int.from_bytes(datagram[2:4])]
        kind, reply = self._answer(endpoint, result)
        self._check_reply(reply, result.packet)
        assert endpoint.receive_datagram(datagram, SOURCE, role, NOW_MS) == reply
        return kind

    def _answer(self, endpoint: Endpoint, exchange: Exchange) -> tuple[str, bytes]:
        action = self._translator.to_charging(exchange)
        code, attributes = Code.ACCOUNTING_RESPONSE, b""
        if isinstance(action, ChargingRequest):
            check_request(action)
            outcome = Outcome(
                code=OutcomeCode.SUCCESS, granted_units=60, used_units=2**40, affordable_units=2**70
            )
            code, attributes = self._translator.to_reply(exchange, action, outcome)
        elif isinstance(action, Refusal):
            code, attributes = Code.ACCESS_REJECT, encode_refusal(exchange.client, action.code)
        elif isinstance(action, Challenge):
            code, attributes = Code.ACCESS_CHALLENGE, action.attributes
        elif isinstance(action, Silence) and exchange.packet.code is Code.ACCESS_REQUEST:
            code = Code.ACCESS_REJECT
        return type(action).__name__, endpoint.answer(exchange, code, attributes)

    def _check_reply(self, octets: bytes, request: Packet) -> None:
        reply = decode(octets)
        assert is_reply_authentic(reply, request.authenticator, Secret(SECRET))
        assert reply.identifier == request.identifier
        if request.code is Code.ACCOUNTING_REQUEST:
            assert reply.code is Code.ACCOUNTING_RESPONSE
            assert not reply.has_message_authenticator
        elif request.code is Code.ACCESS_REQUEST:
            assert reply.code in (Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE)
            assert reply.attributes()[0][0] == MESSAGE_AUTHENTICATOR
        assert reply.get_all(PROXY_STATE) == request.get_all(PROXY_STATE)
        for pair in reply.get_vendor(CISCO, 1):
            assert b"Routing" not in pair or ROUTE.fullmatch(pair), pair


def check_explanation(datagram: bytes, dialect: str) -> None:
    """A fault is told of what the codec refuses, and of nothing else; what is wrong is told as wrong."""
    explanation = explain(datagram, families()[dialect].dictionary, secret=Secret(SECRET))
    interpret(datagram, families()[dialect], Secret(SECRET))
    try:
        packet = decode(datagram)
    except MalformedPacketError:
        assert explanation.fault
        return
    assert not explanation.fault
    if packet.code in (Code.ACCESS_REQUEST, Code.ACCOUNTING_REQUEST):
        is_told_wrong = any(text.startswith("wrong") for text in explanation.facts.values())
        assert is_told_wrong is not are_authenticators_right(datagram)


def check_request(request: ChargingRequest) -> None:
    """What the core may be asked, and what the books can hold: bounded texts without NUL, counts from 0."""
    texts = [request.calling, request.called, request.end_cause, request.session_key, request.request_key]
    texts += [value for _, value in request.identities]
    for text in texts:
        assert "\0" not in text, text
        assert len(text.encode()) <= 2 * TEXT_MAX, text
    assert 0 < len(request.session_key) <= 250, request.session_key
    assert all(value for _, value in request.identities)
    assert request.event_at_ms <= NOW_MS + 300_000
    assert 0 <= request.slice_units <= SLICE_MAX_S
    assert not request.network or is_mobile_network(request.network)
    if request.usage is not None:
        assert min(request.usage) >= 0
        assert max(request.usage) < 2**65
    if request.credential is not None:
        assert not request.credential.verify("no client has this secret")


def are_authenticators_right(datagram: bytes) -> bool:
    """Whether every authenticator that the datagram has and needs is right; False for what is no packet."""
    data = datagram[: int.from_bytes(datagram[2:4])]
    if len(data) < 20:
        return False
    head, attributes = data[:4], data[20:]
    is_report = data[0] == Code.ACCOUNTING_REQUEST
    if is_report and hashlib.md5(head + bytes(16) + attributes + KEY).digest() != data[4:20]:
        return False
    at = 20
    while at + 1 < len(data) and data[at + 1] >= 2:
        if data[at] == MESSAGE_AUTHENTICATOR:
            nonce = bytes(16) if is_report else data[4:20]
            blank = data[20 : at + 2] + bytes(16) + data[at + 18 :]
            return hmac.digest(KEY, head + nonce + blank, "md5") == data[at + 2 : at + 18]
        at += data[at + 1]
    return data[0] != Code.STATUS_SERVER

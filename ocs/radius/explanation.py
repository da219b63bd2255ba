"""A packet explained to people: what it is, whether it is authentic, where it breaks. Pure.

Owns what `ocs radius decode` says. Unlike the codec, which refuses a broken packet whole, it reads as far as
it can and says at which octet the packet stops making sense.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ocs.charging.request import ChargingRequest, RequestType
from ocs.ports import Gateway, IdentityKind
from ocs.radius.codec import (
    HEADER,
    HEADER_OCTETS,
    PACKET_OCTETS_MAX,
    AttributeType,
    Code,
    MalformedPacketError,
    Packet,
    Secret,
    decode,
    is_message_authentic,
    is_reply_authentic,
    is_request_authentic,
    unhide_password,
)
from ocs.radius.credential import ChapResponse, PapPassword
from ocs.radius.dialect import Dialect
from ocs.radius.dictionary import Dictionary
from ocs.radius.digest import DigestResponse
from ocs.radius.endpoint import Client, Exchange, Memory, Silence, Source
from ocs.radius.mschap import MsChap2Response, MsChapResponse
from ocs.radius.proof import BrokenProof
from ocs.radius.status import ADVICE, title
from ocs.radius.translate import Challenge, EndOfGateway, Refusal, Translator

_HASHED: Final = frozenset({Code.ACCOUNTING_REQUEST, Code.COA_REQUEST, Code.DISCONNECT_REQUEST})
_RANDOM: Final = frozenset({Code.ACCESS_REQUEST, Code.STATUS_SERVER})
_WRONG: Final = "wrong: another secret, or changed on its way"
_PROOFS: Final = {
    PapPassword: "PAP",
    ChapResponse: "CHAP",
    DigestResponse: "SIP digest",
    MsChapResponse: "MS-CHAP",
    MsChap2Response: "MS-CHAPv2",
    BrokenProof: "of no kind that can be right",
}
_UNKNOWN: Final = "not checked: needs the secret"


@dataclass(kw_only=True)
class Explanation:
    """What can be said of a datagram."""

    facts: dict[str, str] = field(default_factory=dict)
    "Header and checks."
    attributes: list[tuple[int, str, str]] = field(default_factory=list)
    "Offset of the attribute that holds it, name, value; in the packet's order."
    fault: str = ""
    "Why it is no RADIUS packet; empty: it is one."
    meaning: dict[str, str] = field(default_factory=dict)
    "What the server would ask its charging core, by the dialect."


def explain(
    datagram: bytes,
    dictionary: Dictionary,
    *,
    secret: Secret | None = None,
    request: bytes | None = None,
) -> Explanation:
    """Explain a datagram.

    Args:
        datagram: as it was on the wire.
        dictionary: names of attributes.
        secret: checks authenticators and reveals the User-Password.
        request: for a reply, the packet that it answers.
    """
    explanation = Explanation()
    if len(datagram) < HEADER_OCTETS:
        explanation.fault = f"{len(datagram)} octets: a header alone has {HEADER_OCTETS}"
        return explanation
    number, identifier, length = HEADER.unpack_from(datagram)
    known = {int(code): title(code) for code in Code}
    explanation.facts = {
        "code": f"{known.get(number, 'unknown')} ({number})",
        "identifier": str(identifier),
        "length": _describe_length(length, len(datagram)),
        "authenticator": datagram[4:HEADER_OCTETS].hex(),
    }
    explanation.fault = _find_header_fault(number, length, len(datagram))
    end, fault = _find_end(datagram[:length])
    explanation.fault = explanation.fault or fault
    explanation.attributes = _describe(datagram[:end], dictionary, secret)
    if not explanation.fault:
        try:
            packet = decode(datagram)
        except MalformedPacketError as error:
            explanation.fault = str(error)
        else:
            explanation.facts |= _check(packet, secret, request)
    return explanation


def interpret(datagram: bytes, dialect: Dialect, secret: Secret) -> Mapping[str, str]:
    """What a gateway of this family is understood to ask: facts for people, empty for what is no request.

    Times are left out: they depend on when the packet arrived.
    """
    try:
        packet = decode(datagram)
    except MalformedPacketError:
        return {}
    if packet.code not in (Code.ACCESS_REQUEST, Code.ACCOUNTING_REQUEST):
        return {}
    gateway = Gateway(
        id=0,
        name="",
        secret=secret.octets.decode("latin-1"),
        dialect=dialect.name,
        identity_order=tuple(IdentityKind),
        authorize_without_password=True,
    )
    client = Client(gateway, dialect)
    client.secret = secret
    memory = Memory(packet, 0)
    exchange = Exchange(packet, client, secret, Source(0, "gateway", 0), 0, memory)
    action = Translator(b"").to_charging(exchange)
    if isinstance(action, ChargingRequest):
        return _describe_request(action) | _describe_renewal(action, packet, dialect)
    if isinstance(action, Silence):
        return {"answer": f"none: {action.value} ({ADVICE[action]})"}
    if isinstance(action, Refusal):
        return {"answer": f"Access-Reject: {action.code.reason}"}
    if isinstance(action, Challenge):
        return {"answer": "Access-Challenge with a nonce"}
    if isinstance(action, EndOfGateway):
        return {"asks": "to end every session of the gateway"}
    return {"asks": "nothing: it is acknowledged and charges nothing"}


# ---------------------------------------------------------------------------------------- the packet


def _describe_length(length: int, received: int) -> str:
    if length < received:
        return f"{length} octets, and {received - length} of padding"
    return f"{length} octets" + (f", {received} received" if length > received else "")


def _find_header_fault(number: int, length: int, received: int) -> str:
    """What is wrong with the header (RFC 2865 section 3)."""
    if not HEADER_OCTETS <= length <= PACKET_OCTETS_MAX:
        return f"octet 2: Length {length} is not {HEADER_OCTETS} to {PACKET_OCTETS_MAX}"
    if length > received:
        return f"octet 2: Length says {length} octets, {received} were received"
    if number not in {int(code) for code in Code}:
        return f"octet 0: code {number} is none that this server knows"
    return ""


def _find_end(data: bytes) -> tuple[int, str]:
    """Where whole attributes end, and what is wrong there."""
    at = HEADER_OCTETS
    while at < len(data):
        if at + 1 == len(data):
            return at, f"octet {at}: half an attribute header"
        number, size = data[at], data[at + 1]
        if number == 0:
            return at, f"octet {at}: attribute 0 does not exist"
        if size < 2:
            return at, f"octet {at + 1}: attribute {number} says that it has {size} octets, 2 are the least"
        if at + size > len(data):
            left = len(data) - at
            return at, f"octet {at + 1}: attribute {number} says that it has {size} octets, {left} are left"
        at += size
    return at, ""


def _describe(data: bytes, dictionary: Dictionary, secret: Secret | None) -> list[tuple[int, str, str]]:
    """The attributes of whole octets by name."""
    lines = []
    at = HEADER_OCTETS
    while at < len(data):
        number, size = data[at], data[at + 1]
        value = data[at + 2 : at + size]
        if number == AttributeType.USER_PASSWORD and secret is not None:
            lines.append((at, "User-Password", _reveal(value, data[4:HEADER_OCTETS], secret)))
        else:
            lines += [(at, name, text) for name, text in dictionary.describe_attribute(number, value)]
        at += size
    return lines


def _reveal(hidden: bytes, authenticator: bytes, secret: Secret) -> str:
    """The password in clear, where the secret is right."""
    password = unhide_password(hidden, authenticator, secret)
    if password is None:
        return f"0x{hidden.hex()} (no multiple of 16 octets up to 128)"
    try:
        text = password.decode()
    except UnicodeDecodeError:
        text = ""
    return text if text.isprintable() and (text or not password) else f"0x{password.hex()} (another secret?)"


def _check(packet: Packet, secret: Secret | None, request: bytes | None) -> dict[str, str]:
    """Whether the packet's authenticators are right."""
    if packet.code in _RANDOM:
        header = "random: proves nothing"
    elif packet.code in _HASHED:
        header = _UNKNOWN if secret is None else ("right" if is_request_authentic(packet, secret) else _WRONG)
    elif secret is None or request is None:
        header = "not checked: needs the secret and the request"
    else:
        header = "right" if is_reply_authentic(packet, request[4:HEADER_OCTETS], secret) else _WRONG
    return {"authentic": header, "Message-Authenticator": _check_mac(packet, secret, header)}


def _check_mac(packet: Packet, secret: Secret | None, header: str) -> str:
    if not packet.has_message_authenticator:
        return "missing"
    if packet.code not in _RANDOM | _HASHED:
        return header
    if secret is None:
        return _UNKNOWN
    return "right" if is_message_authentic(packet, secret) else _WRONG


# ---------------------------------------------------------------------------------------- the request


def _describe_renewal(request: ChargingRequest, packet: Packet, dialect: Dialect) -> dict[str, str]:
    """What the equipment says about asking again, and what is wrong with it."""
    renewal = dialect.renewal.read(packet) if dialect.renewal is not None else None
    if renewal is None or request.type is not RequestType.INITIAL:
        return {}
    least = f", {renewal.least_s} s later at the earliest" if renewal.least_s else ""
    says = f"when a grant is used up{least}" if request.slice_units else "no, it is told only once"
    return {"asks again": says + (f" ({renewal.fault})" if renewal.fault else "")}


def _describe_request(request: ChargingRequest) -> dict[str, str]:
    usage = request.usage
    facts = {
        "asks": request.type.name,
        "service": request.service.name,
        "session": request.session_key,
        "password": "" if request.credential is None else _PROOFS.get(type(request.credential), ""),
        "called": request.called,
        "calling": request.calling,
        "access code": request.access_code.value,
        "network": request.network,
        "leg": request.leg,
        "starts": "yes" if request.starts else "",
        "used": "the time since its start" if request.measured_by_time else "",
        "ended by": request.end_cause,
    }
    if usage is not None and not request.measured_by_time:
        octets = f", {usage.octets_in} octets in, {usage.octets_out} out"
        facts["used"] = f"{usage.seconds} s" + (octets if usage.octets_in or usage.octets_out else "")
    facts |= {f"{kind.value}": value for kind, value in request.identities}
    return {name: value for name, value in facts.items() if value}

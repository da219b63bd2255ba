"""From an authentic packet to what is asked of the charging core, and from its outcome to reply attributes.

Owns: the meaning of packet codes, Service-Type and Acct-Status-Type, the session key, the event's time, what
a grant looks like on the wire. Does not own: where a family of gateways writes things (`ocs.radius.dialect`).
Pure, as the endpoint is.
"""

import functools
import hashlib
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, Final, NamedTuple

from ocs.charging.outcome import Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType, Usage
from ocs.ports import Gateway, GrantMode, GrantPolicy, IdentityKind
from ocs.radius.codec import AttributeType, Code, Packet, encode_attribute
from ocs.radius.credential import PapPassword, UnsupportedProof, find_proofs
from ocs.radius.cutoff import Target
from ocs.radius.dialect import Dialect
from ocs.radius.digest import DigestResponse, NonceSigner, encode_challenge, find_realm, wants_challenge
from ocs.radius.endpoint import ADDRESSES_MAX, Client, Exchange, Silence
from ocs.radius.join import SESSION_KEY_OCTETS_MAX, JoinKey
from ocs.radius.number import normalise_number, parse_number
from ocs.radius.proof import Proof
from ocs.radius.reader import TextReader, first_count, first_text
from ocs.radius.template import Fact, GroupTemplate, Template
from ocs.radius.timestamp import parse_time_ms
from ocs.rating.destination import is_mobile_network
from ocs.units import MILLIS_PER_SECOND, SERVICES, AccessCode, Measure, Service, format_money

TOLERANCE_MS: Final = 300_000
"How far a gateway's clock may be from ours (charging specification: time)."
SERVICE_TYPE: Final = 6
AUTHENTICATE_ONLY: Final = b"\0\0\0\x08"  # RFC 2865 section 5.6
AUTHORIZE_ONLY: Final = b"\0\0\0\x11"  # RFC 5176 section 3
KEY_SEPARATOR: Final = "|"
"Between the parts of a session's key."
BAD_RENEWAL: Final = "renewal_not_understood"
"Counts questions whose word of asking again was of no use, or of less than it could be."
WORD: Final = 2**32
"What an Octets attribute wraps at and a Gigawords attribute counts."


class StatusType(IntEnum):
    """Acct-Status-Type, RFC 2866 section 5.1 and RFC 2867 section 4."""

    START = 1
    STOP = 2
    INTERIM_UPDATE = 3
    ACCOUNTING_ON = 7
    ACCOUNTING_OFF = 8
    FAILED = 15


class EndOfGateway(NamedTuple):
    """Accounting-On or -Off: every session of the box that says so has ended."""

    at_ms: int
    boxes: tuple[str, ...] = ()
    "What tells it apart from others behind one address, such as a proxy's; empty: it is the gateway."

    def concerns(self, session_key: str) -> bool:
        """Whether a session is the box's: its names are among those in front of the key."""
        names = session_key.split(KEY_SEPARATOR)[:-1]
        return all(box in names for box in self.boxes)


class Acknowledgement(NamedTuple):
    """A report that charges nothing, such as one of a leg that is not charged: it is answered at once."""


class Refusal(NamedTuple):
    """An Access-Request that the core need not be asked about."""

    code: OutcomeCode


class Challenge(NamedTuple):
    """An Access-Request that lacks a nonce of ours: it gets one and comes again."""

    attributes: bytes


Action = ChargingRequest | EndOfGateway | Acknowledgement | Challenge | Refusal | Silence
ACKNOWLEDGEMENT: Final = Acknowledgement()

_STATUS_TYPES: Final = {status.to_bytes(4): status for status in StatusType}
_ACCESS_CODES: Final = {code.value: code for code in AccessCode}
_CALLER_KINDS: Final = frozenset({IdentityKind.ANI, IdentityKind.VIRTUAL})
"Identities that are the calling number."
_NAMED_KINDS: Final = frozenset({IdentityKind.USERNAME, IdentityKind.CODE, IdentityKind.EXTENSION})
"Identities that a user name may be."


class Translator:
    """Translation for every dialect; holds only the key that signs join tokens and nonces, and a bound."""

    def __init__(self, key: bytes, *, tolerance_ms: int = TOLERANCE_MS) -> None:
        """`tolerance_ms`: how far a report's own time may be from ours (less its delay) and still count."""
        self._tolerance_ms = tolerance_ms
        self._join_key = JoinKey(key)
        self._nonces = NonceSigner(key)

    # -------------------------------------------------------------------------------------------- requests

    def to_charging(self, exchange: Exchange) -> Action:
        """What an authentic request asks for."""
        if exchange.packet.code is Code.ACCESS_REQUEST:
            return self._translate_access(exchange)
        return self._translate_accounting(exchange)

    def _translate_access(self, exchange: Exchange) -> Action:
        """Authentication without a called number, the start or renewal of a session with one."""
        packet, client = exchange.packet, exchange.client
        proofs = find_proofs(packet, exchange.secret)
        if len(proofs) > 1:
            return Silence.SEVERAL_CREDENTIALS
        if not proofs and wants_challenge(packet):
            return self._challenge(exchange, is_stale=False)
        credential = proofs[0] if proofs else None
        if isinstance(credential, DigestResponse) and not self._is_nonce_right(exchange, credential):
            return self._challenge(exchange, is_stale=True)
        if isinstance(credential, UnsupportedProof):
            return Refusal(OutcomeCode.SERVICE_NOT_AVAILABLE)
        if client.gateway.authorize_without_password and isinstance(credential, PapPassword):
            credential = None if credential.password in client.dialect.fixed_passwords else credential
        if credential is None and not _may_lack_credential(packet, client):
            is_signed = packet.has_message_authenticator
            return Refusal(OutcomeCode.WRONG_SECRET) if is_signed else Silence.NO_CREDENTIAL
        return self._ask_access(exchange, credential)

    def _ask_access(self, exchange: Exchange, credential: Proof | None) -> ChargingRequest:
        """What the core is asked: to authenticate, to authorise, or to charge a message."""
        packet, client = exchange.packet, exchange.client
        service = find_service(packet, client.dialect)
        called = _find_called(packet, client)
        request_key = f"{packet.authenticator.hex()}{packet.identifier:02x}"
        if _only_authenticates(packet, client.dialect) or (service.destination is None and not called):
            kind, session_key = RequestType.AUTHENTICATION, request_key
        else:
            kind = RequestType.EVENT if service.measure is Measure.MESSAGES else RequestType.INITIAL
            is_shared = kind is RequestType.EVENT and client.dialect.shares_message_ids
            known_key = "" if is_shared else self._find_session_key(packet, client)
            session_key = known_key or f"{exchange.source.host}/{request_key}"
        request = _new_request(exchange, kind, session_key, service, called)
        request.credential = credential
        if credential is not None and not isinstance(credential, PapPassword):
            request.identities = _keep_named(request.identities)
        request.request_key = request_key
        if kind is RequestType.EVENT:
            request.action = RequestedAction.DIRECT_DEBITING
            request.requested_units = first_count(client.dialect.messages, packet) or 1
            network = first_text(client.dialect.network, packet)
            request.network = network if is_mobile_network(network) else ""
        elif kind is RequestType.INITIAL:
            request.usage = _find_usage(packet, client.dialect)
            request.slice_units = _find_slice(packet, client, service)
        return request

    def _challenge(self, exchange: Exchange, *, is_stale: bool) -> Challenge:
        """A nonce for the realm that the packet is about."""
        gateway = exchange.client.gateway
        realm = find_realm(exchange.packet, gateway.name)
        nonce = self._nonces.make(realm=realm, gateway_id=gateway.id, now_ms=exchange.received_at_ms)
        return Challenge(encode_challenge(realm=realm, nonce=nonce, is_stale=is_stale))

    def _is_nonce_right(self, exchange: Exchange, proof: DigestResponse) -> bool:
        """Whether the nonce is fresh and ours, or the gateway's own business."""
        if proof.has_own_nonce or exchange.client.dialect.makes_nonces:
            return True
        return self._nonces.is_fresh(
            proof.nonce,
            realm=proof.realm,
            gateway_id=exchange.client.gateway.id,
            now_ms=exchange.received_at_ms,
        )

    def _translate_accounting(self, exchange: Exchange) -> Action:
        """A report, by its Acct-Status-Type."""
        packet, client = exchange.packet, exchange.client
        value = packet.get(AttributeType.ACCT_STATUS_TYPE)
        if value is None:
            return Silence.MISSING_ATTRIBUTE
        status = _STATUS_TYPES.get(value)
        if status is None:
            return ACKNOWLEDGEMENT
        at_ms, is_receipt = find_event(
            exchange, is_stop=status is StatusType.STOP, tolerance_ms=self._tolerance_ms
        )
        if status in (StatusType.ACCOUNTING_ON, StatusType.ACCOUNTING_OFF):
            return EndOfGateway(at_ms, tuple(_find_scope(packet, client.dialect)))
        dialect = client.dialect
        service = find_service(packet, dialect)
        leg = first_text(dialect.leg, packet).lower()
        if service.measure is Measure.MESSAGES or not _is_charged(packet, dialect, status, leg):
            return ACKNOWLEDGEMENT
        session_key = self._find_session_key(packet, client)
        if not session_key:
            return Silence.MISSING_ATTRIBUTE
        is_end = status in (StatusType.STOP, StatusType.FAILED)
        kind = RequestType.TERMINATION if is_end else RequestType.UPDATE
        request = _new_request(exchange, kind, session_key, service, _find_called(packet, client))
        request.event_at_ms, request.receipt_timed = at_ms, is_receipt
        request.leg = leg
        if status in (StatusType.START, StatusType.FAILED):
            request.usage = Usage()
            request.starts = status is StatusType.START
        else:
            request.usage = _find_usage(packet, dialect)
            request.measured_by_time = service.measure is Measure.SECONDS and (
                first_count(dialect.seconds, packet) is None
            )
        if is_end:
            request.end_cause = first_text(dialect.end_cause, packet)
        request.peer_attributes = _find_peer(exchange, service)
        return request

    def _find_session_key(self, packet: Packet, client: Client) -> str:
        """The session's key: what our Class or State says, else the recipe; empty without either."""
        for token in packet.get_all(AttributeType.CLASS) + packet.get_all(AttributeType.STATE):
            key = self._join_key.verify(token, gateway_id=client.gateway.id)
            if key:
                return key
        return _apply_recipe(packet, client.dialect)

    # -------------------------------------------------------------------------------------------- replies

    def to_reply(self, exchange: Exchange, request: ChargingRequest, outcome: Outcome) -> tuple[Code, bytes]:
        """The code and attributes that tell a gateway the outcome.

        A report is answered whatever its outcome: it was processed, and repeating it would change nothing.
        """
        client = exchange.client
        if exchange.packet.code is Code.ACCOUNTING_REQUEST:
            facts = _grant_facts(request, outcome, client) if outcome.granted_units else {}
            return Code.ACCOUNTING_RESPONSE, _fill(client.dialect.reported, facts)
        code = outcome.code
        if code.is_success and request.type is RequestType.INITIAL and outcome.granted_units <= 0:
            # Some equipment reads a limit of 0 as no limit at all.
            code = OutcomeCode.INSUFFICIENT_BALANCE
        if not code.is_success:
            return Code.ACCESS_REJECT, encode_refusal(client, code)
        return Code.ACCESS_ACCEPT, self._encode_accept(client, request, outcome)

    def _encode_accept(self, client: Client, request: ChargingRequest, outcome: Outcome) -> bytes:
        dialect = client.dialect
        facts = _grant_facts(request, outcome, client)
        facts["return_code"] = _return_code(client, OutcomeCode.SUCCESS)
        facts["called"], facts["calling"] = request.called, request.calling
        attributes = _fill(dialect.accept, facts)
        if isinstance(request.credential, Proof):
            attributes += request.credential.answer
        if request.type is RequestType.AUTHENTICATION:
            facts["balance"] = format_money(outcome.balance_micros)
            facts["currency"] = outcome.currency or None
            return attributes + _fill(dialect.authenticated, facts)
        if request.type is not RequestType.INITIAL:
            return attributes
        is_timed = request.service.measure is Measure.SECONDS
        attributes += _fill(dialect.granted_seconds if is_timed else dialect.granted_octets, facts)
        if client.gateway.grant.mode is GrantMode.SLICE or request.slice_units:
            attributes += _fill(dialect.sliced, facts)
        if request.slice_units:
            attributes += _fill(dialect.renewed, facts)
        token = self.sign(client, request.session_key)
        attributes += encode_attribute(AttributeType.CLASS, token)
        if dialect.renews or request.slice_units:
            # An Authorize-Only request must repeat the State of the Accept (RFC 5080 section 2.1.1).
            attributes += encode_attribute(AttributeType.STATE, token)
        return attributes

    def sign(self, client: Client, session_key: str) -> bytes:
        """The token that joins the gateway's packets to the session: its Class, and the State of renewals."""
        return self._join_key.sign(gateway_id=client.gateway.id, session_key=session_key)

    def encode_renewal(self, client: Client, session_key: str) -> bytes:
        """Attributes of a CoA-Request after which the gateway asks again (RFC 5176 section 3.2)."""
        state = encode_attribute(AttributeType.STATE, self.sign(client, session_key))
        return encode_attribute(SERVICE_TYPE, AUTHORIZE_ONLY) + state


class Enforcement(NamedTuple):
    """What a gateway must be told beyond the answer to a report."""

    target: Target
    ends_at_ms: int | None
    "When the session is to be disconnected; None: it goes on."
    changes: bytes
    "Attributes of new limits; empty: there are none."


def find_enforcement(client: Client, request: ChargingRequest, outcome: Outcome) -> Enforcement | None:
    """What follows from the outcome of a report; None: the session goes on, or has ended.

    A session that may not go on ends now, one under a final grant of time ends with it (charging section 4).
    Equipment that takes new limits gets them with every slice.
    """
    if not client.can_be_stopped or request.type is not RequestType.UPDATE:
        return None
    ends_at_ms, changes = None, b""
    if not outcome.code.is_success:
        ends_at_ms = request.received_at_ms
    else:
        if outcome.final_unit_action is not None and request.service.measure is Measure.SECONDS:
            ends_at_ms = request.event_at_ms + outcome.granted_units * MILLIS_PER_SECOND
        if outcome.granted_units and not request.starts and client.dialect.changed:
            changes = _fill(client.dialect.changed, _grant_facts(request, outcome, client))
    if ends_at_ms is None and not changes:
        return None
    peer = read_peer(request.peer_attributes)
    if peer is None:
        return None
    return Enforcement(peer.target(client.gateway, request.session_key), ends_at_ms, changes)


class Peer(NamedTuple):
    """A session as its gateway's last report named it: what is kept with the session as `peer_attributes`."""

    service: Service
    host: str
    "Where the report came from."
    identification: bytes
    "Attributes, as they were sent."

    def target(self, gateway: Gateway, session_key: str) -> Target:
        """The session as something that can be ended."""
        return Target(gateway, session_key, self.host, self.identification)


def read_peer(peer_attributes: str) -> Peer | None:
    """What `_find_peer` wrote; None when it is of no RADIUS session, or none has been reported yet."""
    name, host, attributes = (*peer_attributes.split(" "), "", "")[:3]
    service = SERVICES.get(name)
    return Peer(service, host, bytes.fromhex(attributes)) if service is not None and host else None


def _find_peer(exchange: Exchange, service: Service) -> str:
    """Service, address and attributes (in hex) by which the gateway finds the session again."""
    packet, attributes = exchange.packet, b""
    for attribute, read in exchange.client.dialect.identifies:
        if values := read(packet):
            attributes += attribute.wrap(values[0])
    return f"{service.name} {exchange.source.host} {attributes.hex()}"


def encode_refusal(client: Client, code: OutcomeCode) -> bytes:
    """The attributes of an Access-Reject: the reason for people, the return code for machines."""
    return _fill(client.dialect.reject, {"reason": code.reason, "return_code": _return_code(client, code)})


def _return_code(client: Client, code: OutcomeCode) -> int:
    """h323-return-code of an outcome; the gateway's own table goes first."""
    return client.gateway.return_codes.get(code.reason, code.return_code)


def _fill(templates: Sequence[Template | GroupTemplate], facts: Mapping[str, Fact]) -> bytes:
    return b"".join([template.encode(facts) for template in templates])


def _grant_facts(request: ChargingRequest, outcome: Outcome, client: Client) -> dict[str, Fact]:
    """What templates may say about a grant.

    The grant itself where it is all there is, or where the gateway asks again at its end. Where it reports
    and can be stopped: all that the money buys, a safety net beyond the reserved slice (RADIUS section 4).
    """
    policy = client.gateway.grant
    units = outcome.granted_units
    if policy.mode is GrantMode.SLICE and not (client.dialect.renews or request.slice_units):
        units = max(units, outcome.affordable_units)
    interim_s = policy.interim_interval_s
    if request.service.measure is Measure.SECONDS:
        # The report must come before what is held for it is used up; the margin is for its way.
        interim_s = min(interim_s, request.slice_units or policy.slice_s)
    facts: dict[str, Fact] = {"interim_s": interim_s}
    if request.request_key:
        facts["quota_id"] = int(request.request_key[:8], 16)
    if request.service.measure is Measure.SECONDS:
        if request.type is RequestType.UPDATE and _goes_on(outcome, policy):
            return facts
        seconds = min(units, policy.session_max_s)
        facts["seconds"] = seconds
        facts["ends_at"] = request.event_at_ms + seconds * MILLIS_PER_SECOND
        used_units = outcome.used_units + outcome.presumed_units
        facts["total_seconds"] = min(used_units + units, policy.session_max_s)
    elif request.service.measure is Measure.OCTETS:
        total = outcome.used_units + units
        facts["octets"], facts["total_octets"], facts["total_kilobytes"] = units, total, total // 1024
        facts["octets_high"], facts["octets_low"] = divmod(units, WORD)
        facts["total_octets_high"], facts["total_octets_low"] = divmod(total, WORD)
    return facts


def _goes_on(outcome: Outcome, policy: GrantPolicy) -> bool:
    """Whether a timed session has just got its next slice, and what its gateway was told holds."""
    is_slice = policy.mode is GrantMode.SLICE and outcome.affordable_units <= outcome.granted_units
    return is_slice and outcome.final_unit_action is None


# ---------------------------------------------------------------------------------------- parts of a request


def _new_request(
    exchange: Exchange, kind: RequestType, session_key: str, service: Service, called: str
) -> ChargingRequest:
    """A request with what all kinds have in common."""
    packet, client = exchange.packet, exchange.client
    calling = normalise_number(
        parse_number(first_text(client.dialect.calling, packet)), client.gateway.numbers
    )
    return ChargingRequest(
        type=kind,
        gateway=client.gateway,
        session_key=session_key,
        received_at_ms=exchange.received_at_ms,
        event_at_ms=exchange.received_at_ms,
        service=service,
        access_code=_find_access_code(packet, client.dialect),
        identities=Hints(packet, client, calling=calling, called=called),
        calling=calling,
        called=called,
    )


class Hints(Sequence[tuple[IdentityKind, str]]):
    """Who a request may be of, looked for when it is first asked: reports of a known session never ask."""

    __slots__ = ("_called", "_calling", "_client", "_found", "_packet")

    def __init__(self, packet: Packet, client: Client, *, calling: str, called: str) -> None:
        self._packet = packet
        self._client = client
        self._calling = calling
        self._called = called
        self._found: list[tuple[IdentityKind, str]] | None = None

    def _find(self) -> list[tuple[IdentityKind, str]]:
        if self._found is None:
            self._found = _find_identities(
                self._packet, self._client, calling=self._calling, called=self._called
            )
        return self._found

    def __iter__(self) -> Iterator[tuple[IdentityKind, str]]:
        return iter(self._find())

    def __len__(self) -> int:
        return len(self._find())

    def __getitem__(self, index: Any) -> Any:
        return self._find()[index]


def _only_authenticates(packet: Packet, dialect: Dialect) -> bool:
    """Whether an Access-Request asks for no service, whatever number it names."""
    if packet.get(SERVICE_TYPE) == AUTHENTICATE_ONLY:
        return True
    return dialect.authenticates is not None and dialect.authenticates.is_met(packet)


def _may_lack_credential(packet: Packet, client: Client) -> bool:
    """Whether the gateway vouches for the subscriber: by its record, or by a signed Authorize-Only."""
    if client.gateway.authorize_without_password:
        return True
    return packet.get(SERVICE_TYPE) == AUTHORIZE_ONLY and packet.has_message_authenticator


def find_service(packet: Packet, dialect: Dialect) -> Service:
    """The service that a packet is about: named outright, or by the dialect's rules."""
    named = SERVICES.get(first_text(dialect.service_named_by, packet).lower())
    if named is not None:
        return named
    for rule in dialect.services:
        if rule.condition.is_met(packet):
            return rule.service
    return dialect.services[-1].service


def _is_charged(packet: Packet, dialect: Dialect, status: StatusType, leg: str) -> bool:
    """Whether a report is of a leg that is charged, and of a service that has started."""
    if leg and leg not in dialect.charged_legs:
        return False
    if status is StatusType.INTERIM_UPDATE and dialect.answered is not None:
        return dialect.answered.is_met(packet)
    return True


def _find_called(packet: Packet, client: Client) -> str:
    called = parse_number(first_text(client.dialect.called, packet))
    return normalise_number(called, client.gateway.numbers)


def _find_access_code(packet: Packet, dialect: Dialect) -> AccessCode:
    return _ACCESS_CODES.get(first_text(dialect.access_code, packet).upper(), AccessCode.OUTGOING)


def _find_identities(
    packet: Packet, client: Client, *, calling: str, called: str
) -> list[tuple[IdentityKind, str]]:
    """Hints of who it is, in the gateway's order, without those that the packet does not give."""
    hints = []
    for kind in client.gateway.identity_order:
        if kind in _CALLER_KINDS:
            text = calling
        elif kind is IdentityKind.DID:
            text = called
        elif kind is IdentityKind.IP:
            text = _find_address(client.dialect.identities[kind], packet)
        else:
            text = first_text(client.dialect.identities[kind], packet)
        if text:
            hints.append((kind, text))
            if kind is IdentityKind.USERNAME and client.dialect.strips_realm:
                user, at, _ = text.rpartition("@")
                hints += [(kind, user)] if at and user else []
    return hints


def _keep_named(hints: Sequence[tuple[IdentityKind, str]]) -> Sequence[tuple[IdentityKind, str]]:
    """The hints that the answer to a challenge can prove: those of whom it names.

    A caller's number or address, which may have no secret at all, must not stand in for an unknown user:
    whoever answers a challenge with an invented name would speak at the expense of whose number he gives.
    """
    return [hint for hint in hints if hint[0] in _NAMED_KINDS] or hints


def _find_address(readers: Sequence[TextReader], packet: Packet) -> str:
    """The first of the texts that is an IP address: a User-Name may be one or not."""
    for reader in readers:
        address = _parse_address(reader(packet))
        if address:
            return address
    return ""


@functools.lru_cache(maxsize=ADDRESSES_MAX)
def _parse_address(text: str) -> str:
    """An IP address in its usual form; empty when the text is none."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _apply_recipe(packet: Packet, dialect: Dialect) -> str:
    """The session key of the first complete recipe, with the box's names in front; empty when none is."""
    for recipe in dialect.keys:
        parts = [reader(packet) for reader in recipe]
        if all(parts):
            return _shorten(KEY_SEPARATOR.join(_find_scope(packet, dialect) + parts))
    return ""


def _find_scope(packet: Packet, dialect: Dialect) -> list[str]:
    """The names of the box that sent the packet, as far as it gives any."""
    return [text for reader in dialect.scope if (text := reader(packet))]


def _shorten(key: str) -> str:
    """The key itself, or its digest when it is longer than a join token can carry."""
    octets = key.encode()
    if len(octets) <= SESSION_KEY_OCTETS_MAX:
        return key
    return "sha256:" + hashlib.sha256(octets).hexdigest()


def _find_slice(packet: Packet, client: Client, service: Service) -> int:
    """Seconds to grant at a time to equipment that says that it asks again; 0: it does not, or may not.

    The policy's slice, or what the equipment needs between two questions; at most a whole grant, which it
    would have got without saying so. What cannot be understood is counted and passed over.
    """
    renewal = client.dialect.renewal.read(packet) if client.dialect.renewal is not None else None
    if renewal is None:
        return 0
    if renewal.fault:
        client.count(BAD_RENEWAL)
    if not renewal.is_usable or not client.may_slice or service.measure is not Measure.SECONDS:
        return 0
    policy = client.gateway.grant
    return max(policy.slice_s, min(renewal.least_s, policy.max_grant_s))


def _find_usage(packet: Packet, dialect: Dialect) -> Usage | None:
    """Cumulative usage as reported; None when nothing of it is."""
    seconds = first_count(dialect.seconds, packet)
    octets_in, octets_out = first_count(dialect.octets_in, packet), first_count(dialect.octets_out, packet)
    messages = first_count(dialect.messages, packet)
    if seconds is None and octets_in is None and octets_out is None and messages is None:
        return None
    if dialect.swapped is not None and dialect.swapped.is_met(packet):
        octets_in, octets_out = octets_out, octets_in
    return Usage(seconds or 0, octets_in or 0, octets_out or 0, messages or 0)


def find_event(exchange: Exchange, *, is_stop: bool, tolerance_ms: int) -> tuple[int, bool]:
    """When a report's event happened, epoch milliseconds; and whether its own time was not believed.

    Event-Timestamp says it (RFC 2869 section 5.3); Acct-Delay-Time says how long the report was buffered
    (RFC 2866 section 5.2) and so how old a timestamp may be. A time out of tolerance is a wrong clock: then
    it is the receipt time, less the delay. A delay beyond the dialect's bound is not believed at all.
    """
    packet, client, now_ms = exchange.packet, exchange.client, exchange.received_at_ms
    dialect = client.dialect
    delay_s = first_count(dialect.delay, packet) or 0
    sent_ms = now_ms - delay_s * 1000 if delay_s <= dialect.delay_max_s else now_ms
    is_written = False
    for reader in dialect.stop_event if is_stop else dialect.event:
        text = reader(packet)
        written_ms = parse_time_ms(text, client.zone) if text else None
        if written_ms is not None and sent_ms - tolerance_ms <= written_ms <= now_ms + tolerance_ms:
            return written_ms, False
        is_written = is_written or written_ms is not None
    return sent_ms, is_written

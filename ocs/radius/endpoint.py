"""What a RADIUS server owes its clients before any attribute is understood. Pure: time is an argument.

Owns: who the client is (by source address), authenticity, Message-Authenticator and Proxy-State policy,
duplicate detection (RFC 5080 section 2.2.2), Status-Server (RFC 5997), and the count of everything it did.
Does not own: sockets (`ocs.radius.udp`), what a request means (`ocs.radius.translate`).

`Endpoint.receive_datagram` never raises: it returns reply octets, an `Exchange` that wants an answer, or the
reason of its silence.
"""

import ipaddress
import itertools
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ocs.errors import InputError
from ocs.ports import Gateway, GrantMode
from ocs.radius.codec import (
    AttributeType,
    Code,
    MalformedPacketError,
    Packet,
    Secret,
    decode,
    encode_reply,
    is_message_authentic,
    is_request_authentic,
)
from ocs.radius.dialect import Dialect

REPLY_CACHE_TTL_MS: Final = 30_000
"RFC 5080 section 2.2.2: 5 to 30 s."
MEMORIES_MAX = 65_536
"Entries of the duplicate cache."
ADDRESSES_MAX = 16_384
"Source addresses whose client is remembered."
SIGHTINGS_MAX: Final = 8
"Unanswered packets that are remembered of each client, and of strangers."
PROXY_STATE_OCTETS_MAX: Final = 2_048
"More could not be copied beside what our replies say."

RADSEC_SECRET: Final = Secret("radsec")
"RFC 6614 section 2.3: over TLS everybody's secret is this, certificates say who it is."

_PROXY_STATE: Final = int(AttributeType.PROXY_STATE)
_EAP_MESSAGE: Final = int(AttributeType.EAP_MESSAGE)
_DIGEST_RESPONSE: Final = 103
_UNSUPPORTED: Final = {Code.COA_REQUEST: Code.COA_NAK, Code.DISCONNECT_REQUEST: Code.DISCONNECT_NAK}
"Requests that a connection may carry and that this server does not serve, and how they are refused."
_UNSUPPORTED_EXTENSION: Final = bytes([101, 6]) + (406).to_bytes(4)
"Error-Cause, RFC 5176 section 3.5."
_EVENTS: Final = {code: code.name.lower() for code in Code}


class Role(Enum):
    """What a listening socket serves, and the requests it takes."""

    AUTHENTICATION = ((Code.ACCESS_REQUEST,), Code.ACCESS_ACCEPT)
    ACCOUNTING = ((Code.ACCOUNTING_REQUEST,), Code.ACCOUNTING_RESPONSE)
    STREAM = ((Code.ACCESS_REQUEST, Code.ACCOUNTING_REQUEST), Code.ACCESS_ACCEPT)
    "A connection takes all kinds (RFC 6614 section 2.1)."

    @property
    def request_codes(self) -> tuple[Code, ...]:
        """Requests that it takes."""
        codes: tuple[Code, ...] = self._value_[0]
        return codes

    @property
    def status_code(self) -> Code:
        """How a Status-Server is answered, RFC 5997 section 4.2."""
        code: Code = self._value_[1]
        return code


class Silence(Enum):
    """Why a packet gets no answer."""

    UNKNOWN_CLIENT = "unknown_client"
    MALFORMED = "malformed"
    UNEXPECTED_CODE = "unexpected_code"
    "A code that this port does not serve."
    BAD_AUTHENTICATOR = "bad_authenticator"
    "Most often a wrong secret."
    BAD_MESSAGE_AUTHENTICATOR = "bad_message_authenticator"
    MISSING_MESSAGE_AUTHENTICATOR = "missing_message_authenticator"
    UNPROTECTED_PROXY_STATE = "unprotected_proxy_state"
    "Proxy-State without Message-Authenticator, the way of CVE-2024-3596."
    OVERSIZED_PROXY_STATE = "oversized_proxy_state"
    DUPLICATE_IN_PROGRESS = "duplicate_in_progress"
    SEVERAL_CREDENTIALS = "several_credentials"
    NO_CREDENTIAL = "no_credential"
    MISSING_ATTRIBUTE = "missing_attribute"
    "An accounting report that no session can be found for."
    UNAVAILABLE = "unavailable"
    "The store failed: the client retries."
    OVERLOADED = "overloaded"
    KEY_REUSED = "key_reused"
    "The core saw this request's key before, with another body."
    BUG = "bug"
    "An exception of ours."


class Source(NamedTuple):
    """Where a datagram came from and where it arrived."""

    socket: int
    "Number of the receiving socket."
    host: str
    port: int


class Sighting(NamedTuple):
    """A packet that got no answer."""

    at_ms: int
    source: Source
    reason: Silence
    octets: bytes
    "The packet, for `ocs radius decode`."


class Answered(NamedTuple):
    """A packet that was answered."""

    at_ms: int
    "When it came."
    source: Source
    asked: Code
    answer: Code


class Client:
    """A gateway as this endpoint knows it: its secret, its dialect, what was learned of its habits."""

    __slots__ = (
        "answers",
        "can_be_stopped",
        "counters",
        "dialect",
        "gateway",
        "has_sent_mac",
        "heard_at_ms",
        "may_slice",
        "secret",
        "sends_bare_proxy_state",
        "silences",
        "zone",
    )

    def __init__(self, gateway: Gateway, dialect: Dialect) -> None:
        self.can_be_stopped = dialect.disconnects and gateway.coa_port > 0 and bool(gateway.secret)
        "Whether its sessions end when we say so."
        self.may_slice = gateway.grant.mode is GrantMode.SLICE
        "Whether its policy is slices: what equipment gets that says of a session that it asks again."
        self.gateway = gateway
        if gateway.grant.mode is GrantMode.SLICE and not (dialect.renews or self.can_be_stopped):
            self.gateway = replace(gateway, grant=replace(gateway.grant, mode=GrantMode.WHOLE))
        """Its record. Slices are for equipment that comes back for more or can be stopped; any other keeps to
        what it was told first, and that must be reserved: it is granted all at once."""
        self.dialect = dialect
        self.secret = Secret(gateway.secret)
        self.zone = _load_zone(gateway)
        "What times without a zone are in."
        self.has_sent_mac = False
        "Whether an Access-Request with a right Message-Authenticator was seen."
        self.sends_bare_proxy_state: bool | None = None
        "Whether its first Access-Request had Proxy-State without Message-Authenticator; None: none seen yet."
        self.counters: dict[str, int] = {}
        self.heard_at_ms = 0
        "When its last authentic request came; 0: none did."
        self.silences: deque[Sighting] = deque(maxlen=SIGHTINGS_MAX)
        "Its last packets that got no answer."
        self.answers: deque[Answered] = deque(maxlen=SIGHTINGS_MAX)
        "Its last requests that got one; retransmissions and Status-Servers are only counted."

    def count(self, event: str) -> None:
        """Count one more of what happened."""
        self.counters[event] = self.counters.get(event, 0) + 1

    def inherit(self, earlier: "Client") -> None:
        """Take over what was learned about the gateway before its record changed."""
        self.counters = earlier.counters
        self.heard_at_ms = earlier.heard_at_ms
        self.silences = earlier.silences
        self.answers = earlier.answers
        if earlier.secret.octets == self.secret.octets:
            self.has_sent_mac = earlier.has_sent_mac
            self.sends_bare_proxy_state = earlier.sends_bare_proxy_state


def _load_zone(gateway: Gateway) -> ZoneInfo:
    try:
        return ZoneInfo(gateway.zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(f"gateway {gateway.name!r}", f"no time zone {gateway.zone!r}") from error


class Memory:
    """What is remembered of a request for its retransmissions."""

    __slots__ = ("authenticator", "content", "expires_at_ms", "reply")

    def __init__(self, packet: Packet, expires_at_ms: int) -> None:
        self.authenticator = packet.authenticator
        self.content = hash(packet.data)
        """A keyed hash of the packet. A client that repeats an authenticator with other attributes asks
        something else: it must not get the answer that another subscriber got."""
        self.expires_at_ms = expires_at_ms
        self.reply: bytes | None = None
        "None while the answer is worked on."

    def is_of(self, packet: Packet) -> bool:
        """Whether the packet is a retransmission of the request: the same octets."""
        return self.authenticator == packet.authenticator and self.content == hash(packet.data)


class Exchange:
    """One authentic request that wants an answer."""

    __slots__ = ("client", "memory", "packet", "received_at_ms", "secret", "source")

    def __init__(
        self,
        packet: Packet,
        client: Client,
        secret: Secret,
        source: Source,
        received_at_ms: int,
        memory: Memory,
    ) -> None:
        self.packet = packet
        self.client = client
        self.secret = secret
        "The client's, or that of all TLS connections."
        self.source = source
        self.received_at_ms = received_at_ms
        self.memory = memory


class ClientTable:
    """Clients by source address: the longest CIDR that contains it wins."""

    def __init__(self, clients: Iterable[Client] = ()) -> None:
        self.clients: list[Client] = []
        self._networks: dict[tuple[int, int], dict[int, Client]] = {}
        "(IP version, prefix length) -> network's upper bits -> client."
        self._remembered: dict[str, Client] = {}
        for client in clients:
            self._add(client)
        self._lengths = sorted(self._networks, key=lambda key: -key[1])

    def _add(self, client: Client) -> None:
        """Enter one client.

        Raises:
            InputError: its address is no address or CIDR, is another's, or it has no secret.
        """
        gateway = client.gateway
        place = f"gateway {gateway.name!r}"
        if not gateway.secret:
            raise InputError(place, "a RADIUS client needs a secret")
        try:
            network = ipaddress.ip_network(gateway.address, strict=False)
        except ValueError as error:
            raise InputError(place, f"address: {error}") from error
        table = self._networks.setdefault((network.version, network.prefixlen), {})
        bits = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        if bits in table:
            raise InputError(place, f"address {gateway.address} is also that of {table[bits].gateway.name!r}")
        table[bits] = client
        self.clients.append(client)

    def find(self, host: str) -> Client | None:
        """The client at this address; None when it is nobody's."""
        client = self._remembered.get(host)
        if client is None:
            client = self._search(host)
            if client is not None:
                if len(self._remembered) >= ADDRESSES_MAX:
                    self._remembered.clear()
                self._remembered[host] = client
        return client

    def _search(self, host: str) -> Client | None:
        try:
            address = ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return None
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        number = int(address)
        for version, length in self._lengths:
            if version == address.version:
                client = self._networks[version, length].get(number >> (address.max_prefixlen - length))
                if client is not None:
                    return client
        return None


class Endpoint:
    """The server side of RADIUS for a set of clients.

    The caller passes every datagram to `receive_datagram`, sends what octets come back, and ends each
    `Exchange` it was given with `answer` or `abandon`.
    """

    def __init__(self) -> None:
        self._table = ClientTable()
        self._named: dict[str, Client] = {}
        "By gateway name: those that have an address, and those that a certificate may name."
        self._disabled: frozenset[str] = frozenset()
        "Names of gateways that are not to be served."
        # The first of a plain dict is found by walking past all that was deleted before it.
        self._memories: OrderedDict[tuple[Source, int], Memory] = OrderedDict()
        "The duplicate cache: by source and Identifier, oldest first."
        self.unknown_clients = 0
        "Datagrams from addresses that are no client's."
        self.strangers: deque[Sighting] = deque(maxlen=SIGHTINGS_MAX)
        "The last of them."

    @property
    def clients(self) -> list[Client]:
        """Every client that has an address or was heard, in the order in which they were given."""
        return [client for client in self._named.values() if client.gateway.address or client.heard_at_ms]

    def name_of(self, host: str) -> str:
        """The name of the gateway at this address; empty for strangers."""
        client = self._table.find(host)
        return "" if client is None else client.gateway.name

    def find_client(self, gateway_id: int) -> Client | None:
        """The client that is this gateway."""
        return next((client for client in self._named.values() if client.gateway.id == gateway_id), None)

    def find_peer(self, names: Iterable[str], host: str) -> Client | None:
        """The client that a certificate is made out to; else the one at this address.

        None for a gateway that is not enabled, wherever it comes from.
        """
        for name in names:
            if name in self._named or name in self._disabled:
                return self._named.get(name)
        return self._table.find(host)

    def set_clients(self, gateways: Iterable[Gateway], dialects: Mapping[str, Dialect]) -> None:
        """Serve these gateways from now on, those that are enabled: by their address, by name over TLS.

        Raises:
            InputError: a gateway's record cannot be used; the former clients stay.
        """
        former = {client.gateway.id: client for client in self._named.values()}
        named, disabled = {}, set()
        for gateway in gateways:
            if not gateway.enabled:
                disabled.add(gateway.name)
                continue
            dialect = dialects.get(gateway.dialect)
            if dialect is None and not gateway.address:
                continue
            if dialect is None:
                known = ", ".join(sorted(dialects))
                raise InputError(
                    f"gateway {gateway.name!r}", f"no dialect {gateway.dialect!r}; there are {known}"
                )
            try:
                client = Client(gateway, dialect)
            except InputError:
                if gateway.address:
                    raise
                continue
            if gateway.id in former:
                client.inherit(former[gateway.id])
            named[gateway.name] = client
        self._table = ClientTable(client for client in named.values() if client.gateway.address)
        self._named, self._disabled = named, frozenset(disabled)

    def receive_datagram(
        self, datagram: bytes, source: Source, role: Role, now_ms: int
    ) -> bytes | Exchange | Silence:
        """Judge one datagram: octets to send back, an exchange to be answered, or silence."""
        client = self._table.find(source.host)
        if client is None:
            self.unknown_clients += 1
            self.strangers.append(Sighting(now_ms, source, Silence.UNKNOWN_CLIENT, datagram))
            return Silence.UNKNOWN_CLIENT
        return self.receive_packet(datagram, client, client.secret, source, role, now_ms)

    def receive_packet(
        self, octets: bytes, client: Client, secret: Secret, source: Source, role: Role, now_ms: int
    ) -> bytes | Exchange | Silence:
        """Judge one packet of a client; the same results."""
        result = self._judge(octets, client, secret, source, role, now_ms)
        if isinstance(result, Silence):
            _note(client, Sighting(now_ms, source, result, octets))
        else:
            client.heard_at_ms = now_ms
        return result

    def _judge(
        self, octets: bytes, client: Client, secret: Secret, source: Source, role: Role, now_ms: int
    ) -> bytes | Exchange | Silence:
        try:
            packet = decode(octets)
        except MalformedPacketError:
            return Silence.MALFORMED
        if packet.code not in role.request_codes:
            if packet.code is Code.STATUS_SERVER:
                return _answer_status(packet, client, secret, role)
            if role is Role.STREAM and packet.code in _UNSUPPORTED:
                return _refuse_unsupported(packet, client, secret)
            return Silence.UNEXPECTED_CODE
        refusal = check_authenticity(packet, client, secret)
        if refusal is not None:
            return refusal
        return self._match_duplicate(packet, client, secret, source, now_ms)

    def _match_duplicate(
        self, packet: Packet, client: Client, secret: Secret, source: Source, now_ms: int
    ) -> bytes | Exchange | Silence:
        """The stored reply of a retransmission, or a new exchange (RFC 5080 section 2.2.2)."""
        memories = self._memories
        key = (source, packet.identifier)
        earlier = memories.get(key)
        if earlier is not None:
            if earlier.is_of(packet) and now_ms < earlier.expires_at_ms:
                if earlier.reply is None:
                    return Silence.DUPLICATE_IN_PROGRESS
                client.count("duplicate")
                return earlier.reply
            del memories[key]
        elif len(memories) >= MEMORIES_MAX and not self._make_room(now_ms):
            return Silence.OVERLOADED
        memory = memories[key] = Memory(packet, now_ms + REPLY_CACHE_TTL_MS)
        client.count(_EVENTS[packet.code])
        return Exchange(packet, client, secret, source, now_ms, memory)

    def _make_room(self, now_ms: int) -> bool:
        """Forget what has expired, or else the oldest if it is answered; False when neither can be."""
        memories = self._memories
        key, oldest = next(iter(memories.items()))
        if oldest.expires_at_ms > now_ms:
            if oldest.reply is None:
                return False
            del memories[key]
            return True
        for key in list(itertools.takewhile(lambda key: memories[key].expires_at_ms <= now_ms, memories)):
            del memories[key]
        return True

    def answer(self, exchange: Exchange, code: Code, attributes: bytes) -> bytes:
        """The octets that answer an exchange; retransmissions get the same for 30 s."""
        client = exchange.client
        reply = encode_reply(code, exchange.packet, attributes, exchange.secret)
        exchange.memory.reply = reply
        client.count(_EVENTS[code])
        client.answers.append(Answered(exchange.received_at_ms, exchange.source, exchange.packet.code, code))
        return reply

    def abandon(self, exchange: Exchange, reason: Silence) -> None:
        """Leave an exchange unanswered: its retransmission is a new request."""
        key = (exchange.source, exchange.packet.identifier)
        if self._memories.get(key) is exchange.memory:
            del self._memories[key]
        _note(
            exchange.client, Sighting(exchange.received_at_ms, exchange.source, reason, exchange.packet.data)
        )

    def counters(self) -> dict[str, dict[str, int]]:
        """What happened so far, by gateway name and event; strangers are counted under the empty name."""
        counted = {client.gateway.name: dict(client.counters) for client in self.clients}
        counted[""] = {Silence.UNKNOWN_CLIENT.value: self.unknown_clients}
        return counted


def _note(client: Client, sighting: Sighting) -> None:
    """Count a silence, and keep it for who asks why there was no answer."""
    client.count(sighting.reason.value)
    if sighting.reason is not Silence.DUPLICATE_IN_PROGRESS:
        client.silences.append(sighting)


def check_authenticity(packet: Packet, client: Client, secret: Secret) -> Silence | None:
    """Why a request must be discarded, None when it is authentic as far as the client's policy asks.

    Over TLS the policy has nothing to ask: the connection itself is authentic.
    """
    has_mac = packet.has_message_authenticator
    is_hashed = packet.code is Code.ACCOUNTING_REQUEST or packet.code in _UNSUPPORTED
    if is_hashed and not is_request_authentic(packet, secret):
        return Silence.BAD_AUTHENTICATOR
    if has_mac and not is_message_authentic(packet, secret):
        return Silence.BAD_MESSAGE_AUTHENTICATOR
    states = packet.get_all(_PROXY_STATE)
    if states and sum(map(len, states)) + 2 * len(states) > PROXY_STATE_OCTETS_MAX:
        return Silence.OVERSIZED_PROXY_STATE
    if packet.code is not Code.ACCESS_REQUEST or secret is RADSEC_SECRET:
        return None
    if has_mac:
        client.has_sent_mac = True
    elif _requires_mac(packet, client):
        return Silence.MISSING_MESSAGE_AUTHENTICATOR
    return _check_proxy_state(client, has_bare_state=bool(states) and not has_mac)


def _requires_mac(packet: Packet, client: Client) -> bool:
    """Whether an Access-Request must have one: auto learns it from the first that has.

    EAP needs it whatever the policy (RFC 3579 section 3.3), digest unless the policy is no (RFC 5090
    section 8.2) or the family makes its nonces itself: such equipment borrows the attributes, not the RFC.
    """
    policy = client.gateway.require_message_authenticator
    if _EAP_MESSAGE in packet.values:
        return True
    if _DIGEST_RESPONSE in packet.values and policy != "no" and not client.dialect.makes_nonces:
        return True
    return policy == "yes" or (policy == "auto" and client.has_sent_mac)


def _check_proxy_state(client: Client, *, has_bare_state: bool) -> Silence | None:
    """Refuse Proxy-State without Message-Authenticator; auto allows it to who began with it."""
    if client.sends_bare_proxy_state is None:
        client.sends_bare_proxy_state = has_bare_state
    policy = client.gateway.limit_proxy_state
    limited = policy == "yes" or (policy == "auto" and not client.sends_bare_proxy_state)
    return Silence.UNPROTECTED_PROXY_STATE if has_bare_state and limited else None


def _refuse_unsupported(packet: Packet, client: Client, secret: Secret) -> bytes | Silence:
    """Say that nobody can be changed or disconnected here (RFC 6614 section 3.4)."""
    refusal = check_authenticity(packet, client, secret)
    if refusal is not None:
        return refusal
    client.count("unsupported")
    return encode_reply(_UNSUPPORTED[packet.code], packet, _UNSUPPORTED_EXTENSION, secret)


def _answer_status(packet: Packet, client: Client, secret: Secret, role: Role) -> bytes | Silence:
    """The answer to a Status-Server, which must be signed (RFC 5997 section 3)."""
    if not packet.has_message_authenticator:
        return Silence.MISSING_MESSAGE_AUTHENTICATOR
    if not is_message_authentic(packet, secret):
        return Silence.BAD_MESSAGE_AUTHENTICATOR
    client.count("status_server")
    return encode_reply(role.status_code, packet, b"", secret)

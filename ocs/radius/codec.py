"""RADIUS packets: decode, verify, encode. Pure: bytes and secrets in, bytes and values out.

Owns: RFC 2865 / 2866 layout, the three authenticators, Message-Authenticator (RFC 3579 section 3.2), password
hiding. Does not own: what attributes mean (`ocs.radius.dialect`), who may ask (`ocs.radius.endpoint`).
"""

import hashlib
import hmac
import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from ocs.errors import OcsError

HEADER: Final = struct.Struct("!BBH")
HEADER_OCTETS: Final = 20
PACKET_OCTETS_MAX: Final = 4096
"RFC 2865 section 3."
VALUE_OCTETS_MAX: Final = 253
PASSWORD_OCTETS_MAX: Final = 128
"RFC 2865 section 5.2."
BLOCK_OCTETS: Final = 16
MESSAGE_AUTHENTICATOR_OCTETS: Final = 18
NO_AUTHENTICATOR: Final = bytes(16)
VENDOR_HEADER: Final = struct.Struct("!IBB")

CONTINUATION_VENDORS: Final = frozenset({24757})
"Vendors whose attributes have a third header octet with a continuation flag: WiMAX."


class Code(IntEnum):
    """Packet codes that this server knows; any other is discarded (RFC 2865 section 3)."""

    ACCESS_REQUEST = 1  # RFC 2865 section 4.1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4  # RFC 2866 section 4.1
    ACCOUNTING_RESPONSE = 5
    ACCESS_CHALLENGE = 11
    STATUS_SERVER = 12  # RFC 5997
    DISCONNECT_REQUEST = 40  # RFC 5176 section 3
    DISCONNECT_ACK = 41
    DISCONNECT_NAK = 42
    COA_REQUEST = 43
    COA_ACK = 44
    COA_NAK = 45


class AttributeType(IntEnum):
    """Attributes that the protocol itself needs. All others have names in dictionary files."""

    USER_PASSWORD = 2
    CHAP_PASSWORD = 3
    REPLY_MESSAGE = 18
    STATE = 24
    CLASS = 25
    VENDOR_SPECIFIC = 26
    PROXY_STATE = 33
    ACCT_STATUS_TYPE = 40
    CHAP_CHALLENGE = 60
    EAP_MESSAGE = 79
    MESSAGE_AUTHENTICATOR = 80


_CODES: Final = {int(code): code for code in Code}
VENDOR_SPECIFIC: Final = int(AttributeType.VENDOR_SPECIFIC)
_PROXY_STATE: Final = int(AttributeType.PROXY_STATE)
_MESSAGE_AUTHENTICATOR: Final = int(AttributeType.MESSAGE_AUTHENTICATOR)
_CHALLENGED: Final = frozenset({Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE})
"Replies that carry a Message-Authenticator."
_HASHED: Final = frozenset({Code.ACCOUNTING_REQUEST, Code.DISCONNECT_REQUEST, Code.COA_REQUEST})
"Requests whose authenticator is a hash of the packet (RFC 2866 section 3, RFC 5176 section 2.3)."


class MalformedPacketError(OcsError):
    """The octets are no RADIUS packet. Always the peer's fault; the answer is silence."""


class Secret:
    """A shared secret and everything that is computed with it; key schedules are prepared once."""

    __slots__ = ("_inner", "_md5", "_outer", "octets")

    def __init__(self, secret: str | bytes) -> None:
        self.octets = secret.encode() if isinstance(secret, str) else secret
        # HMAC as RFC 2104 writes it, kept as two half-finished hashes: twice as fast as hmac.digest.
        key = self.octets if len(self.octets) <= 64 else _md5(self.octets).digest()
        key = key.ljust(64, b"\0")
        self._inner = _md5(bytes(octet ^ 0x36 for octet in key))
        self._outer = _md5(bytes(octet ^ 0x5C for octet in key))
        self._md5 = _md5(self.octets)

    def hmac_md5(self, message: bytes) -> bytes:
        """HMAC-MD5 of the message under this secret."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def md5_after(self, message: bytes) -> bytes:
        """MD5 of the message followed by the secret: the authenticators of RFC 2865 and 2866."""
        return _md5(message + self.octets).digest()

    def md5_before(self, message: bytes) -> bytes:
        """MD5 of the secret followed by the message: the key stream of User-Password."""
        digest = self._md5.copy()
        digest.update(message)
        return digest.digest()


class Packet:
    """A decoded packet: header and raw values; vendor attributes are parsed when first asked for."""

    __slots__ = (
        "_further",
        "_vendor_values",
        "authenticator",
        "authenticator_offset",
        "code",
        "data",
        "identifier",
        "values",
    )

    def __init__(
        self,
        data: bytes,
        code: Code,
        identifier: int,
        values: dict[int, bytes],
        further: dict[int, list[bytes]],
        authenticator_offset: int,
    ) -> None:
        self.data = data
        "The packet's octets, without padding."
        self.code = code
        self.identifier = identifier
        self.authenticator = data[4:HEADER_OCTETS]
        self.authenticator_offset = authenticator_offset
        "Where the value of the Message-Authenticator starts; 0 when there is none."
        self.values = values
        "First values of standard attributes, by number."
        self._further = further
        self._vendor_values: dict[int, list[bytes]] | None = None

    def get(self, number: int) -> bytes | None:
        """The first value of a standard attribute."""
        return self.values.get(number)

    def get_all(self, number: int) -> list[bytes]:
        """Every value of a standard attribute, in order."""
        first = self.values.get(number)
        if first is None:
            return []
        further = self._further.get(number) if self._further else None
        return [first] if further is None else [first, *further]

    def vendor_values(self) -> dict[int, list[bytes]]:
        """Every value of every vendor attribute, in order, by `vendor_key`."""
        if self._vendor_values is None:
            self._vendor_values = _decode_vendor_attributes(self.get_all(VENDOR_SPECIFIC))
        return self._vendor_values

    def get_vendor(self, vendor: int, number: int) -> list[bytes]:
        """Every value of a vendor's attribute, in order, wherever in the packet it stands."""
        return self.vendor_values().get(vendor_key(vendor, number), [])

    @property
    def has_message_authenticator(self) -> bool:
        """Whether the packet carries a Message-Authenticator; says nothing of its being right."""
        return self.authenticator_offset != 0

    def attributes(self) -> list[tuple[int, bytes]]:
        """Every attribute as (number, value), in the packet's order."""
        pairs = []
        data, at = self.data, HEADER_OCTETS
        while at < len(data):
            end = at + data[at + 1]
            pairs.append((data[at], data[at + 2 : end]))
            at = end
        return pairs


def decode(datagram: bytes) -> Packet:
    """Read a datagram as a packet; octets beyond its Length are padding (RFC 2865 section 3).

    Raises:
        MalformedPacketError: wrong length, unknown code, an attribute that is 0 or does not fit, or a
            Message-Authenticator that is not 18 octets or not alone.
    """
    if len(datagram) < HEADER_OCTETS:
        raise MalformedPacketError("shorter than a header")
    number, identifier, length = HEADER.unpack_from(datagram)
    if not HEADER_OCTETS <= length <= PACKET_OCTETS_MAX:
        raise MalformedPacketError("Length is not 20 to 4096")
    if length > len(datagram):
        raise MalformedPacketError("shorter than its Length")
    code = _CODES.get(number)
    if code is None:
        raise MalformedPacketError("unknown code")
    data = datagram if length == len(datagram) else datagram[:length]
    values, further, authenticator_offset = _decode_attributes(data)
    return Packet(data, code, identifier, values, further, authenticator_offset)


def _decode_attributes(data: bytes) -> tuple[dict[int, bytes], dict[int, list[bytes]], int]:
    """First values, further values, and where the Message-Authenticator's value starts."""
    values: dict[int, bytes] = {}
    further: dict[int, list[bytes]] = {}
    authenticator_offset = 0
    length = len(data)
    at, last = HEADER_OCTETS, length - 1
    while at < last:
        number = data[at]
        size = data[at + 1]
        end = at + size
        if size < 2 or end > length or number == 0:
            raise MalformedPacketError("attribute does not fit")
        if number not in values:
            values[number] = data[at + 2 : end]
        elif number not in further:
            further[number] = [data[at + 2 : end]]
        else:
            further[number].append(data[at + 2 : end])
        if number == _MESSAGE_AUTHENTICATOR:
            if size != MESSAGE_AUTHENTICATOR_OCTETS or authenticator_offset:
                raise MalformedPacketError("Message-Authenticator is not one of 18 octets")
            authenticator_offset = at + 2
        at = end
    if at != length:
        raise MalformedPacketError("half an attribute header")
    return values, further, authenticator_offset


def vendor_key(vendor: int, number: int) -> int:
    """What `Packet.vendor_values` files an attribute under: the first five octets of its attribute 26."""
    return vendor << 8 | number


def _decode_vendor_attributes(values: Iterable[bytes]) -> dict[int, list[bytes]]:
    """Vendor attributes by `vendor_key`; an attribute 26 that does not parse is left out whole.

    RFC 2865 section 5.26: several may share one attribute 26. Its inside is no reason to refuse the packet.
    """
    found: dict[int, list[bytes]] = {}
    for value in values:
        for key, inner in decode_vendor_specific(value):
            if key in found:
                found[key].append(inner)
            else:
                found[key] = [inner]
    return found


def decode_vendor_specific(value: bytes) -> list[tuple[int, bytes]]:
    """The attributes in one attribute 26 as (`vendor_key`, value); empty when it does not parse."""
    length = len(value)
    if length < VENDOR_HEADER.size:
        return []
    vendor = int.from_bytes(value[:4])
    header = 3 if vendor in CONTINUATION_VENDORS else 2
    if value[5] + 4 == length and header == 2:
        return [(vendor << 8 | value[4], value[6:])]
    pairs = []
    at = 4
    while at + header <= length:
        size = value[at + 1]
        end = at + size
        if size < header or end > length:
            return []
        pairs.append((vendor << 8 | value[at], value[at + header : end]))
        at = end
    return pairs if at == length else []


def decode_tlvs(value: bytes) -> list[tuple[int, bytes]]:
    """Sub-attributes: one octet number, one octet length, value; what follows a broken one is left out."""
    pairs = []
    at, length = 0, len(value)
    while at + 2 <= length:
        end = at + value[at + 1]
        if value[at + 1] < 2 or end > length:
            break
        pairs.append((value[at], value[at + 2 : end]))
        at = end
    return pairs


# ---------------------------------------------------------------------------------------- verification


def is_request_authentic(packet: Packet, secret: Secret) -> bool:
    """Whether an Accounting, CoA or Disconnect request was made with the secret (RFC 2866 section 3)."""
    data = packet.data
    expected = secret.md5_after(data[:4] + NO_AUTHENTICATOR + data[HEADER_OCTETS:])
    return hmac.compare_digest(expected, packet.authenticator)


def is_reply_authentic(packet: Packet, request_authenticator: bytes, secret: Secret) -> bool:
    """Whether a reply answers the request of this authenticator; a Message-Authenticator must be right."""
    data = packet.data
    expected = secret.md5_after(data[:4] + request_authenticator + data[HEADER_OCTETS:])
    if not hmac.compare_digest(expected, packet.authenticator):
        return False
    return not packet.has_message_authenticator or _is_mac_right(packet, request_authenticator, secret)


def is_message_authentic(packet: Packet, secret: Secret) -> bool:
    """Whether a request's Message-Authenticator is right; it must have one.

    The HMAC covers the Request Authenticator, or zeros where that is itself computed over the packet
    (RFC 3579 section 3.2, RFC 5176 section 3.4).
    """
    authenticator = NO_AUTHENTICATOR if packet.code in _HASHED else packet.authenticator
    return _is_mac_right(packet, authenticator, secret)


def _is_mac_right(packet: Packet, authenticator: bytes, secret: Secret) -> bool:
    data, start = packet.data, packet.authenticator_offset
    end = start + 16
    message = b"".join((data[:4], authenticator, data[HEADER_OCTETS:start], NO_AUTHENTICATOR, data[end:]))
    return hmac.compare_digest(secret.hmac_md5(message), data[start:end])


# ---------------------------------------------------------------------------------------- passwords


def unhide_password(hidden: bytes, authenticator: bytes, secret: Secret) -> bytes | None:
    """The password in a User-Password value (RFC 2865 section 5.2); None when its length is impossible."""
    if not hidden or len(hidden) > PASSWORD_OCTETS_MAX or len(hidden) % BLOCK_OCTETS:
        return None
    clear = bytearray()
    previous = authenticator
    for at in range(0, len(hidden), BLOCK_OCTETS):
        block = hidden[at : at + BLOCK_OCTETS]
        clear += _xor(block, secret.md5_before(previous))
        previous = block
    return bytes(clear).rstrip(b"\0")


def hide_password(password: bytes, authenticator: bytes, secret: Secret) -> bytes:
    """Hide a password of up to 128 octets for User-Password; the inverse of `unhide_password`.

    Raises:
        ValueError: the password is longer.
    """
    if len(password) > PASSWORD_OCTETS_MAX:
        raise ValueError("a password has at most 128 octets")
    blocks = max(1, -(-len(password) // BLOCK_OCTETS))
    clear = password.ljust(blocks * BLOCK_OCTETS, b"\0")
    hidden = b""
    previous = authenticator
    for at in range(0, len(clear), BLOCK_OCTETS):
        previous = _xor(clear[at : at + BLOCK_OCTETS], secret.md5_before(previous))
        hidden += previous
    return hidden


def _xor(left: bytes, right: bytes) -> bytes:
    """Exclusive or of two blocks of 16 octets."""
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(BLOCK_OCTETS)


def _md5(octets: bytes) -> "hashlib._Hash":
    """MD5 as the protocol prescribes it."""
    return hashlib.md5(octets, usedforsecurity=False)


# ---------------------------------------------------------------------------------------- encoding


def encode_attribute(number: int, value: bytes) -> bytes:
    """One attribute. A value of more than 253 octets is our bug (AssertionError)."""
    size = len(value)
    assert 0 < number < 256, number
    assert size <= VALUE_OCTETS_MAX, size
    return b"%c%c%b" % (number, size + 2, value)


def encode_vendor_attribute(vendor: int, number: int, value: bytes) -> bytes:
    """One vendor attribute in an attribute 26 of its own, with the vendor's header."""
    if vendor in CONTINUATION_VENDORS:
        value = b"\0" + value
    return encode_attribute(VENDOR_SPECIFIC, VENDOR_HEADER.pack(vendor, number, len(value) + 2) + value)


def encode_reply(code: Code, request: Packet, attributes: bytes, secret: Secret) -> bytes:
    """A reply to the request: the given attributes and the request's Proxy-States in order, signed.

    Accept, Reject and Challenge start with a Message-Authenticator, which closes CVE-2024-3596. An
    Accounting-Response has none: equipment disagrees over how it would be computed.
    """
    for state in request.get_all(_PROXY_STATE):
        attributes += encode_attribute(_PROXY_STATE, state)
    if code not in _CHALLENGED:
        head = HEADER.pack(code, request.identifier, HEADER_OCTETS + len(attributes))
        return head + secret.md5_after(head + request.authenticator + attributes) + attributes
    length = HEADER_OCTETS + MESSAGE_AUTHENTICATOR_OCTETS + len(attributes)
    assert length <= PACKET_OCTETS_MAX, length
    head = HEADER.pack(code, request.identifier, length)
    start = head + request.authenticator
    mac = secret.hmac_md5(start + _MAC_HEADER + NO_AUTHENTICATOR + attributes)
    attributes = _MAC_HEADER + mac + attributes
    return head + secret.md5_after(start + attributes) + attributes


_MAC_HEADER: Final = bytes((_MESSAGE_AUTHENTICATOR, MESSAGE_AUTHENTICATOR_OCTETS))


def encode_request(
    code: Code, *, identifier: int, attributes: bytes, secret: Secret, authenticator: bytes = NO_AUTHENTICATOR
) -> bytes:
    """A signed request of ours, with a Message-Authenticator first unless it is an Accounting-Request.

    Args:
        code: Access-Request or Status-Server, with a random `authenticator` of 16 octets; or one of those
            whose authenticator is computed here.
        identifier: 0 to 255.
        attributes: encoded; they and the Message-Authenticator must fit a packet.
        secret: shared with whom it is sent to.
        authenticator: for the first kind only.
    """
    hashed = code in _HASHED
    assert hashed or authenticator != NO_AUTHENTICATOR, "a nonce is needed"
    seed = NO_AUTHENTICATOR if hashed else authenticator
    has_mac = code is not Code.ACCOUNTING_REQUEST
    length = HEADER_OCTETS + len(attributes) + (MESSAGE_AUTHENTICATOR_OCTETS if has_mac else 0)
    assert length <= PACKET_OCTETS_MAX, length
    head = HEADER.pack(code, identifier, length)
    if has_mac:
        mac = secret.hmac_md5(head + seed + _MAC_HEADER + NO_AUTHENTICATOR + attributes)
        attributes = _MAC_HEADER + mac + attributes
    if hashed:
        authenticator = secret.md5_after(head + NO_AUTHENTICATOR + attributes)
    return head + authenticator + attributes

"""HTTP digest authentication of SIP subscribers, as two generations of RADIUS attributes carry it.

Owns: RFC 5090 (attributes 103 to 121) and the older draft by Sterman that Kamailio, OpenSIPS and Yate send
(206 and 207), checking a response, the server's own nonces. Does not own: which gateways make their nonces
themselves (`ocs.radius.dialect`).
"""

import hashlib
import hmac
from typing import Final

from ocs.radius.codec import VALUE_OCTETS_MAX, Packet, decode_tlvs, encode_attribute
from ocs.radius.proof import BrokenProof, Proof

NONCE_TTL_MS: Final = 300_000
"How long a nonce of ours is good for."
QOP: Final = b"auth"
ALGORITHM: Final = b"MD5"
HASHES: Final = {"md5": hashlib.md5, "sha-256": hashlib.sha256}
"By algorithm in lower case, RFC 7616 section 3.2; each also with -sess."

DIGEST_RESPONSE: Final = 103  # RFC 5090 section 3.1
DIGEST_REALM: Final = 104
DIGEST_NONCE: Final = 105
DIGEST_RESPONSE_AUTH: Final = 106
DIGEST_METHOD: Final = 108
DIGEST_URI: Final = 109
DIGEST_QOP: Final = 110
DIGEST_ALGORITHM: Final = 111
DIGEST_STALE: Final = 120
STERMAN_RESPONSE: Final = 206  # draft-sterman-aaa-sip-00
STERMAN_ATTRIBUTES: Final = 207

_RFC_PARTS: Final = {
    "realm": DIGEST_REALM,
    "nonce": DIGEST_NONCE,
    "method": DIGEST_METHOD,
    "uri": DIGEST_URI,
    "qop": DIGEST_QOP,
    "algorithm": DIGEST_ALGORITHM,
    "body_hash": 112,
    "cnonce": 113,
    "nonce_count": 114,
    "username": 115,
}
_STERMAN_PARTS: Final = {
    1: "realm",
    2: "nonce",
    3: "method",
    4: "uri",
    5: "qop",
    6: "algorithm",
    7: "body_hash",
    8: "cnonce",
    9: "nonce_count",
    10: "username",
}


class DigestResponse(Proof):
    """A response to a nonce, with what it was computed over (RFC 2617 section 3.2.2)."""

    __slots__ = ("_ha1", "has_own_nonce", "parts", "response")

    def __init__(self, response: bytes, parts: dict[str, bytes], *, has_own_nonce: bool) -> None:
        self.response = response
        self.parts = parts
        "By the names of `_RFC_PARTS`, as they were sent."
        self.has_own_nonce = has_own_nonce
        "Whether the attributes are the draft's, whose nonce is always the gateway's."
        self._ha1 = b""

    @property
    def nonce(self) -> str:
        """The nonce that was answered."""
        return self.parts.get("nonce", b"").decode("latin-1")

    @property
    def realm(self) -> bytes:
        """The realm that the subscriber answered for."""
        return self.parts.get("realm", b"")

    def verify(self, secret: str) -> bool:
        """Whether the response was made with the secret."""
        ha1 = self._compute_ha1(secret.encode())
        if ha1 is None:
            return False
        expected = self._compute_response(ha1, self.parts.get("method", b""))
        if not hmac.compare_digest(expected, self.response.lower()):
            return False
        self._ha1 = ha1
        return True

    @property
    def answer(self) -> bytes:
        """Digest-Response-Auth (RFC 5090 section 3.4) where quality of protection was asked for."""
        if self.has_own_nonce or not self._ha1 or not self.parts.get("qop"):
            return b""
        return encode_attribute(DIGEST_RESPONSE_AUTH, self._compute_response(self._ha1, b""))

    def _hash(self, *parts: bytes) -> bytes:
        """Hexadecimal hash of the parts with colons between."""
        algorithm = self._algorithm().removesuffix("-sess")
        return HASHES[algorithm](b":".join(parts)).hexdigest().encode()

    def _algorithm(self) -> str:
        return self.parts.get("algorithm", b"").decode("latin-1").strip('"').lower() or "md5"

    def _compute_ha1(self, secret: bytes) -> bytes | None:
        """The hash of user, realm and secret; None for an algorithm that is not known."""
        if self._algorithm().removesuffix("-sess") not in HASHES:
            return None
        parts = self.parts
        ha1 = self._hash(parts.get("username", b""), parts.get("realm", b""), secret)
        if self._algorithm().endswith("-sess"):
            ha1 = self._hash(ha1, parts.get("nonce", b""), parts.get("cnonce", b""))
        return ha1

    def _compute_response(self, ha1: bytes, method: bytes) -> bytes:
        parts = self.parts
        qop = parts.get("qop", b"")
        covered = [method, parts.get("uri", b"")]
        if qop.lower() == b"auth-int":
            covered.append(parts.get("body_hash", b""))
        ha2 = self._hash(*covered)
        if not qop:
            return self._hash(ha1, parts.get("nonce", b""), ha2)
        counted = (parts.get("nonce", b""), parts.get("nonce_count", b""), parts.get("cnonce", b""), qop)
        return self._hash(ha1, *counted, ha2)


def find_digest(packet: Packet) -> Proof | None:
    """The digest response in an Access-Request, of either generation; None when there is none."""
    values = packet.values
    if DIGEST_RESPONSE in values:
        parts = {name: values[number] for name, number in _RFC_PARTS.items() if number in values}
        proof = DigestResponse(values[DIGEST_RESPONSE], parts, has_own_nonce=False)
    elif STERMAN_RESPONSE in values and STERMAN_ATTRIBUTES in values:
        parts = {}
        for attribute in packet.get_all(STERMAN_ATTRIBUTES):
            parts.update(
                {_STERMAN_PARTS[n]: value for n, value in decode_tlvs(attribute) if n in _STERMAN_PARTS}
            )
        proof = DigestResponse(values[STERMAN_RESPONSE], parts, has_own_nonce=True)
    else:
        return None
    return proof if proof.parts.get("nonce") and proof.parts.get("uri") else BrokenProof()


def wants_challenge(packet: Packet) -> bool:
    """Whether a gateway asks for a nonce: digest attributes without a response (RFC 5090 section 2.1.1)."""
    values = packet.values
    return DIGEST_METHOD in values and DIGEST_URI in values and DIGEST_RESPONSE not in values


class NonceSigner:
    """Makes nonces that need not be remembered: an instant and its signature (RFC 5090 section 8.1)."""

    def __init__(self, key: bytes) -> None:
        """Take a key of any length."""
        self._key = hashlib.blake2b(key).digest()

    def make(self, *, realm: bytes, gateway_id: int, now_ms: int) -> str:
        """A nonce for this realm, good for five minutes."""
        return f"{now_ms:x}-{self._sign(realm, gateway_id, now_ms)}"

    def is_fresh(self, nonce: str, *, realm: bytes, gateway_id: int, now_ms: int) -> bool:
        """Whether the nonce was made for this realm and gateway, and not too long ago."""
        instant, _, signature = nonce.partition("-")
        try:
            made_ms = int(instant, 16)
        except ValueError:
            return False
        if not 0 <= now_ms - made_ms <= NONCE_TTL_MS:
            return False
        expected = self._sign(realm, gateway_id, made_ms)
        return hmac.compare_digest(expected.encode(), signature.encode())

    def _sign(self, realm: bytes, gateway_id: int, made_ms: int) -> str:
        message = b"%d:%d:%b" % (gateway_id, made_ms, realm)
        return hashlib.blake2b(message, key=self._key, digest_size=16, person=b"nonce").hexdigest()


def encode_challenge(*, realm: bytes, nonce: str, is_stale: bool) -> bytes:
    """The attributes of an Access-Challenge with a nonce (RFC 5090 section 2.2.2)."""
    attributes = encode_attribute(DIGEST_NONCE, nonce.encode()) + encode_attribute(DIGEST_REALM, realm)
    attributes += encode_attribute(DIGEST_QOP, QOP) + encode_attribute(DIGEST_ALGORITHM, ALGORITHM)
    return attributes + encode_attribute(DIGEST_STALE, b"true") if is_stale else attributes


def find_realm(packet: Packet, default: str) -> bytes:
    """The realm to challenge for: the one asked for, else the host of Digest-URI, else the default.

    Octets as they came: a realm need not be text in any encoding.
    """
    realm = packet.values.get(DIGEST_REALM, b"")
    if realm:
        return realm
    uri = packet.values.get(DIGEST_URI, b"")
    host = uri.rpartition(b"@")[2].removeprefix(b"sip:").removeprefix(b"sips:")
    return host.partition(b";")[0].partition(b":")[0] or default.encode()[:VALUE_OCTETS_MAX]

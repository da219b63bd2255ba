"""MS-CHAP and MS-CHAPv2 as network access servers send them (RFC 2433, RFC 2759, attributes of RFC 2548).

Owns: checking a response and the answer by which the peer recognises us. Does not own: MD4 and DES
(`ocs.radius.legacy_cipher`), keys for the link (`ocs.radius.mppe`), changing passwords.
"""

import hashlib
import hmac
from typing import Final

from ocs.radius.codec import Packet, Secret, encode_vendor_attribute
from ocs.radius.legacy_cipher import des_encrypt, md4
from ocs.radius.mppe import MICROSOFT, encode_keys, master_key
from ocs.radius.proof import BrokenProof, Proof

MS_CHAP_RESPONSE: Final = 1  # RFC 2548 section 2.1.3
MS_CHAP_CHALLENGE: Final = 11
MS_CHAP2_RESPONSE: Final = 25
MS_CHAP2_SUCCESS: Final = 26
RESPONSE_OCTETS: Final = 50
USES_NT_RESPONSE: Final = 1
"Flag of a version 1 response."
USER_NAME: Final = 1

_MAGIC1: Final = b"Magic server to client signing constant"  # RFC 2759 section 8.7
_MAGIC2: Final = b"Pad to make it do more than one iteration"


class MsChapResponse(Proof):
    """Version 1: the challenge encrypted with the password's hash."""

    __slots__ = ("challenge", "response")

    def __init__(self, *, challenge: bytes, response: bytes) -> None:
        self.challenge = challenge
        self.response = response

    def verify(self, secret: str) -> bool:
        """Whether the response was made with the secret."""
        return hmac.compare_digest(_challenge_response(self.challenge, nt_hash(secret)), self.response)


class MsChap2Response(Proof):
    """Version 2: both sides' challenges and the user's name are covered, and the server answers in kind."""

    __slots__ = ("_answer", "_authenticator", "_challenge", "_secret", "identifier", "response")

    def __init__(
        self,
        packet: Packet,
        secret: Secret,
        *,
        identifier: bytes,
        challenge: bytes,
        peer_challenge: bytes,
        response: bytes,
    ) -> None:
        user = packet.values.get(USER_NAME, b"")
        # The name goes in without a domain, RFC 2759 section 8.2.
        name = user.rpartition(b"\\")[2]
        digest = hashlib.sha1(peer_challenge + challenge + name, usedforsecurity=False)
        self._challenge = digest.digest()[:8]
        self.identifier = identifier
        self.response = response
        self._secret = secret
        self._authenticator = packet.authenticator
        self._answer = b""

    def verify(self, secret: str) -> bool:
        """Whether the response was made with the secret."""
        password_hash = nt_hash(secret)
        if not hmac.compare_digest(_challenge_response(self._challenge, password_hash), self.response):
            return False
        success = self.identifier + self._authenticator_response(password_hash)
        keys = encode_keys(
            master_key(md4(password_hash), self.response),
            secret=self._secret,
            authenticator=self._authenticator,
        )
        self._answer = encode_vendor_attribute(MICROSOFT, MS_CHAP2_SUCCESS, success) + keys
        return True

    @property
    def answer(self) -> bytes:
        """MS-CHAP2-Success, without which the peer hangs up (RFC 2548 section 2.3.3), and the link's keys."""
        return self._answer

    def _authenticator_response(self, password_hash: bytes) -> bytes:
        """RFC 2759 section 8.7."""
        digest = hashlib.sha1(md4(password_hash) + self.response + _MAGIC1, usedforsecurity=False).digest()
        digest = hashlib.sha1(digest + self._challenge + _MAGIC2, usedforsecurity=False).digest()
        return b"S=" + digest.hex().upper().encode()


def find_mschap(packet: Packet, secret: Secret) -> Proof | None:
    """The MS-CHAP response in an Access-Request, of either version; None when there is none."""
    if not packet.vendor_values():
        return None
    responses = (
        packet.get_vendor(MICROSOFT, MS_CHAP2_RESPONSE),
        packet.get_vendor(MICROSOFT, MS_CHAP_RESPONSE),
    )
    if not any(responses):
        return None
    challenge = next(iter(packet.get_vendor(MICROSOFT, MS_CHAP_CHALLENGE)), b"")
    version, value = (2, responses[0][0]) if responses[0] else (1, responses[1][0])
    if len(value) != RESPONSE_OCTETS or not challenge:
        return BrokenProof()
    if version == 2:
        return MsChap2Response(
            packet,
            secret,
            identifier=value[:1],
            challenge=challenge,
            peer_challenge=value[2:18],
            response=value[26:],
        )
    if value[1] != USES_NT_RESPONSE or len(challenge) != 8:
        return BrokenProof()
    return MsChapResponse(challenge=challenge, response=value[26:])


def nt_hash(secret: str) -> bytes:
    """MD4 of the password in UTF-16 (RFC 2759 section 8.3)."""
    return md4(secret.encode("utf-16-le"))


def _challenge_response(challenge: bytes, password_hash: bytes) -> bytes:
    """The challenge under three DES keys cut from the hash (RFC 2759 section 8.5)."""
    key = password_hash.ljust(21, b"\0")
    return b"".join(des_encrypt(challenge, key[at : at + 7]) for at in (0, 7, 14))

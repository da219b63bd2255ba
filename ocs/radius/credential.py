"""Proofs of identity in an Access-Request: which one there is, and checking it against a secret.

Owns: PAP and CHAP (RFC 2865), and which kinds exclude each other (RFC 3579 section 3.3). Does not own: whose
secret it is, or whether a request without any may be served. Digest is in `digest`, MS-CHAP in `mschap`.
"""

import hashlib
import hmac
from typing import Final

from ocs.radius.codec import AttributeType, Packet, Secret, unhide_password
from ocs.radius.digest import find_digest
from ocs.radius.mschap import find_mschap
from ocs.radius.proof import BrokenProof, Proof

CHAP_PASSWORD_OCTETS: Final = 17
"Identifier and MD5 digest, RFC 2865 section 5.3."
ARAP_PASSWORD: Final = 70

_USER_PASSWORD: Final = int(AttributeType.USER_PASSWORD)
_CHAP_PASSWORD: Final = int(AttributeType.CHAP_PASSWORD)
_CHAP_CHALLENGE: Final = int(AttributeType.CHAP_CHALLENGE)
_UNSUPPORTED: Final = (ARAP_PASSWORD, int(AttributeType.EAP_MESSAGE))


class PapPassword(Proof):
    """A password as the subscriber typed it (RFC 2865 section 5.2)."""

    __slots__ = ("_password",)

    def __init__(self, password: bytes) -> None:
        self._password = password

    @property
    def password(self) -> bytes:
        """As it was typed."""
        return self._password

    def verify(self, secret: str) -> bool:
        """Whether it is the secret."""
        return hmac.compare_digest(self._password, secret.encode())


class ChapResponse(Proof):
    """MD5 of identifier, password and challenge (RFC 1994 section 4.1, RFC 2865 section 5.3)."""

    __slots__ = ("challenge", "digest", "identifier")

    def __init__(self, *, identifier: bytes, digest: bytes, challenge: bytes) -> None:
        self.identifier = identifier
        self.digest = digest
        self.challenge = challenge

    def verify(self, secret: str) -> bool:
        """Whether the response was made with the secret."""
        expected = hashlib.md5(self.identifier + secret.encode() + self.challenge, usedforsecurity=False)
        return hmac.compare_digest(expected.digest(), self.digest)


class UnsupportedProof(BrokenProof):
    """EAP or ARAP, which this server cannot check."""

    __slots__ = ()


def find_proofs(packet: Packet, secret: Secret) -> list[Proof]:
    """Every proof of identity in an Access-Request.

    A right request has one or none.
    """
    values = packet.values
    proofs: list[Proof] = []
    if _USER_PASSWORD in values:
        password = unhide_password(values[_USER_PASSWORD], packet.authenticator, secret)
        proofs.append(BrokenProof() if password is None else PapPassword(password))
    if _CHAP_PASSWORD in values:
        proofs.append(_read_chap(packet, values[_CHAP_PASSWORD]))
    proofs += [UnsupportedProof() for number in _UNSUPPORTED if number in values]
    proofs += [proof for proof in (find_digest(packet), find_mschap(packet, secret)) if proof is not None]
    return proofs


def _read_chap(packet: Packet, response: bytes) -> Proof:
    """The challenge is an attribute of its own or else the Request Authenticator."""
    if len(response) != CHAP_PASSWORD_OCTETS:
        return BrokenProof()
    challenge = packet.values.get(_CHAP_CHALLENGE) or packet.authenticator
    return ChapResponse(identifier=response[:1], digest=response[1:], challenge=challenge)

"""Keys of Microsoft point-to-point encryption, as an Accept hands them to the access server. Pure.

Owns: RFC 3079 section 3 (keys from MS-CHAPv2) and RFC 2548 section 2.4 (how they travel). Links of PPTP, L2TP
and SSTP that must be encrypted do not come up without. Does not own who is authentic (`ocs.radius.mschap`).
"""

import hashlib
from typing import Final

from ocs.radius.codec import BLOCK_OCTETS, Secret, encode_vendor_attribute

MICROSOFT: Final = 311
ENCRYPTION_POLICY: Final = 7  # RFC 2548 section 2.4.4
ENCRYPTION_TYPES: Final = 8
SEND_KEY: Final = 16  # RFC 2548 sections 2.4.2 and 2.4.3
RECEIVE_KEY: Final = 17
ALLOWED: Final = (1).to_bytes(4)
RC4_40_OR_128_BIT: Final = (6).to_bytes(4)
KEY_OCTETS: Final = 16
SALTED: Final = 0x80
"Set in the first octet of every salt."

_MAGIC1: Final = b"This is the MPPE Master Key"  # RFC 3079 section 3.4
_TO_CLIENT: Final = (
    b"On the client side, this is the receive key; on the server side, it is the send key."  # Magic3
)
_FROM_CLIENT: Final = (
    b"On the client side, this is the send key; on the server side, it is the receive key."  # Magic2
)
_PAD1, _PAD2 = bytes(40), b"\xf2" * 40


def master_key(password_hash_hash: bytes, nt_response: bytes) -> bytes:
    """GetMasterKey of RFC 3079 section 3.4."""
    return _sha1(password_hash_hash + nt_response + _MAGIC1)[:KEY_OCTETS]


def start_key(master: bytes, *, is_sent_by_server: bool) -> bytes:
    """GetAsymmetricStartKey of 128 bits, for what the server sends or receives."""
    magic = _TO_CLIENT if is_sent_by_server else _FROM_CLIENT
    return _sha1(master + _PAD1 + magic + _PAD2)[:KEY_OCTETS]


def encode_keys(master: bytes, *, secret: Secret, authenticator: bytes) -> bytes:
    """The four attributes of an Accept, hidden for who sent the request with this authenticator."""
    attributes = encode_vendor_attribute(MICROSOFT, ENCRYPTION_POLICY, ALLOWED)
    attributes += encode_vendor_attribute(MICROSOFT, ENCRYPTION_TYPES, RC4_40_OR_128_BIT)
    # Each key of a packet needs a salt of its own. The request's nonce makes them fresh, the secret unknown.
    seed = secret.hmac_md5(authenticator)
    for number, is_sent, at in ((SEND_KEY, True, 0), (RECEIVE_KEY, False, 2)):
        salt = bytes((seed[at] & 0x7F | SALTED, seed[at + 1] & 0xFE | at >> 1))
        hidden = hide_key(start_key(master, is_sent_by_server=is_sent), salt, secret, authenticator)
        attributes += encode_vendor_attribute(MICROSOFT, number, salt + hidden)
    return attributes


def hide_key(key: bytes, salt: bytes, secret: Secret, authenticator: bytes) -> bytes:
    """The String field of a key attribute (RFC 2548 section 2.4.2)."""
    clear = bytes((len(key),)) + key
    clear += bytes(-len(clear) % BLOCK_OCTETS)
    hidden, previous = b"", authenticator + salt
    for at in range(0, len(clear), BLOCK_OCTETS):
        stream = int.from_bytes(secret.md5_before(previous))
        previous = (int.from_bytes(clear[at : at + BLOCK_OCTETS]) ^ stream).to_bytes(BLOCK_OCTETS)
        hidden += previous
    return hidden


def _sha1(octets: bytes) -> bytes:
    return hashlib.sha1(octets, usedforsecurity=False).digest()

"""The Class attribute as our join token: an Accept says it, accounting repeats it, and it names the session.

Signed, so that no report can be booked on a session of another gateway by writing a Class; never required,
because many gateways drop it (RFC 2865 section 5.25 only says that clients should return it).
"""

import hashlib
import hmac
from typing import Final

from ocs.radius.codec import VALUE_OCTETS_MAX

MARK: Final = b"ocs1:"
MAC_OCTETS: Final = 10
SESSION_KEY_OCTETS_MAX: Final = VALUE_OCTETS_MAX - len(MARK) - 2 * MAC_OCTETS - 1


class JoinKey:
    """The key that signs join tokens. Tokens signed with another key are not ours."""

    def __init__(self, key: bytes) -> None:
        """Take a key of any length."""
        self._keyed = hashlib.blake2b(key=hashlib.blake2b(key).digest(), digest_size=MAC_OCTETS)

    def sign(self, *, gateway_id: int, session_key: str) -> bytes:
        """The token of a session: printable, because some gateways handle Class as text."""
        key = session_key.encode()
        assert len(key) <= SESSION_KEY_OCTETS_MAX, len(key)
        return MARK + self._mac(gateway_id, key) + b":" + key

    def verify(self, token: bytes, *, gateway_id: int) -> str:
        """The session key in a token of ours; empty when it is not one for this gateway."""
        mac, colon, key = token[len(MARK) :].partition(b":")
        if not token.startswith(MARK) or not colon:
            return ""
        if not hmac.compare_digest(mac, self._mac(gateway_id, key)):
            return ""
        return key.decode()

    def _mac(self, gateway_id: int, key: bytes) -> bytes:
        digest = self._keyed.copy()
        digest.update(b"%d:%b" % (gateway_id, key))
        return digest.digest().hex().encode()

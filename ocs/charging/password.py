"""Passwords that are kept hashed: checked once with argon2id, then known for as long as the process lives.

Owns the hashed form and what is remembered of checks. A hash costs some 50 ms and 19 MiB on purpose
(RFC 9106; parameters of OWASP's password storage advice), so it is never computed while requests are decided:
`PasswordBook.check` runs in a thread before the decision, which only looks the result up. What is remembered
is a keyed digest of hash and password, under a key that the process makes for itself.
"""

import asyncio
import os
from hashlib import blake2b
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from ocs.charging.cache import GenerationCache
from ocs.charging.request import Credential

HASHED: Final = "$argon2id$"
"How hashed passwords begin (the PHC string format)."
ITERATIONS: Final = 2
MEMORY_KIB: Final = 19_456
LANES: Final = 1
SALT_OCTETS: Final = 16
DIGEST_OCTETS: Final = 32


def hash_password(password: str) -> str:
    """The hashed form of a password, with a salt of its own; takes tens of milliseconds."""
    hashing = Argon2id(
        salt=os.urandom(SALT_OCTETS),
        length=DIGEST_OCTETS,
        iterations=ITERATIONS,
        lanes=LANES,
        memory_cost=MEMORY_KIB,
    )
    return hashing.derive_phc_encoded(password.encode())


def is_hashed(secret: str) -> bool:
    """Whether a stored secret is a hash."""
    return secret.startswith(HASHED)


def matches(secret: str, password: bytes) -> bool:
    """Whether a hash was made of this password; takes tens of milliseconds."""
    try:
        Argon2id.verify_phc_encoded(password, secret)
    except (InvalidKey, ValueError):
        return False
    return True


def is_same_secret(stored: str | None, wanted: str | None) -> bool:
    """Whether an identity has the wanted secret already, be it hashed."""
    if stored is None or wanted is None or not is_hashed(stored) or is_hashed(wanted):
        return stored == wanted
    return matches(stored, wanted.encode())


class PasswordBook:
    """Which passwords were found right or wrong.

    Args:
        max_entries: how many checks are remembered.
    """

    def __init__(self, max_entries: int) -> None:
        self._checked: GenerationCache[bytes, str] = GenerationCache(max_entries)
        self._key = os.urandom(32)

    def verify(self, credential: Credential, secret: str) -> bool | None:
        """Whether a credential was made with a secret; None: it must be checked first.

        Only the password itself can be compared with a hash: a CHAP or digest response cannot, and is wrong.
        """
        if not is_hashed(secret):
            return credential.verify(secret)
        if credential.password is None:
            return False
        found = self._checked.get(self._name(credential.password, secret))
        return None if found is None else found == "right"

    def is_unknown(self, credential: Credential, secret: str) -> bool:
        """Whether `check` must run before `verify` can tell."""
        return is_hashed(secret) and self.verify(credential, secret) is None

    async def check(self, credential: Credential, secret: str) -> None:
        """Find out, so that `verify` knows."""
        password = credential.password
        if password is None or not is_hashed(secret):
            return
        is_right = await asyncio.to_thread(matches, secret, password)
        self._checked.put(self._name(password, secret), "right" if is_right else "wrong")

    def _name(self, password: bytes, secret: str) -> bytes:
        return blake2b(password, key=self._key, salt=b"ocs-password", person=_person(secret)).digest()


def _person(secret: str) -> bytes:
    return blake2b(secret.encode(), digest_size=16).digest()

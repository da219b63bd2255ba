"""Secrets at rest: what is written of a gateway's secret or a subscriber's password.

Owns the sealed form and the keys. With a key, secrets are encrypted and authenticated (Fernet: AES-128-CBC
and HMAC-SHA-256); without one they are kept as they are, which the file's permissions protect. CHAP, digest
and RADIUS itself need the clear text, so it must come back; a password that only PAP uses can be hashed
instead (`ocs.charging.password`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from ocs.errors import InputError

SEALED: Final = "sealed:"
"How sealed secrets begin."
PLACE: Final = "[storage] secret_key"


class Vault:
    """Seals secrets with the first of its keys, opens what any of them sealed; without keys seals nothing.

    Args:
        keys: 32 random octets each, in URL-safe Base64, the newest first.

    Raises:
        InputError: a key is none.
    """

    def __init__(self, keys: Sequence[str] = ()) -> None:
        try:
            ciphers = [Fernet(key) for key in keys]
        except ValueError as error:
            raise InputError(PLACE, "a key is 32 octets in URL-safe Base64 (`ocs secret new-key`)") from error
        self._cipher = MultiFernet(ciphers) if ciphers else None

    @property
    def has_key(self) -> bool:
        """Whether secrets are encrypted."""
        return self._cipher is not None

    def seal(self, secret: str) -> str:
        """What is written of a secret.

        Raises:
            InputError: it looks like a sealed one and there is no key to tell them apart.
        """
        if self._cipher is not None and secret:
            return SEALED + self._cipher.encrypt(secret.encode()).decode()
        if secret.startswith(SEALED):
            raise InputError("secret", f"cannot begin with {SEALED!r} while no key is configured")
        return secret

    def open(self, written: str) -> str:
        """The secret of which this was written.

        Raises:
            InputError: it is sealed, and no key of ours opens it.
        """
        if not written.startswith(SEALED):
            return written
        if self._cipher is None:
            raise InputError(PLACE, "is needed: the database has encrypted secrets")
        try:
            return self._cipher.decrypt(written.removeprefix(SEALED)).decode()
        except InvalidToken:
            raise InputError(
                PLACE, "is not the key that secrets of the database were encrypted with"
            ) from None


def new_key() -> str:
    """A fresh key."""
    return Fernet.generate_key().decode()


def read_keys(text: str, file: Path | None) -> list[str]:
    """Keys from the setting itself, then from a file, one a line; ``#`` begins a comment.

    Raises:
        InputError: the file cannot be read or holds none.
    """
    keys = [text] if text else []
    if file is None:
        return keys
    try:
        lines = [line.partition("#")[0].strip() for line in file.read_text(encoding="ascii").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("[storage] secret_key_file", f"{file}: {error}") from error
    found = [line for line in lines if line]
    if not found:
        raise InputError("[storage] secret_key_file", f"{file} holds no key")
    return keys + found

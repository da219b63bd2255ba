"""What every proof of identity can do, whatever its kind: the charging core's `Credential`, and an answer."""

from abc import ABC, abstractmethod


class Proof(ABC):
    """A proof of identity as the wire carried it."""

    __slots__ = ()

    @property
    def password(self) -> bytes | None:
        """The password itself; None: only something made with it was sent."""
        return None

    @abstractmethod
    def verify(self, secret: str) -> bool:
        """Whether it was made with the secret, compared in constant time."""

    @property
    def answer(self) -> bytes:
        """Attributes of the Accept by which the peer knows us; once `verify` was true."""
        return b""


class BrokenProof(Proof):
    """A proof that cannot be right, whatever the secret."""

    __slots__ = ()

    def verify(self, secret: str) -> bool:  # noqa: ARG002 - the signature of every proof
        """Never."""
        return False

"""A small RADIUS client, for people and tests: authorise, start, interim, stop, status. Blocking, on pyrad.

Owns: retransmission by pyrad's rules, a fresh Request Authenticator per request, replies as names and values.
Does not own: load generation, and it is no gateway: it keeps no session.
"""

import hashlib
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import pyrad.client
import pyrad.packet
from pyrad.dictionary import Dictionary as PyradDictionary

from ocs.errors import InputError, OcsError
from ocs.radius.codec import (
    PACKET_OCTETS_MAX,
    Code,
    MalformedPacketError,
    Secret,
    decode,
    encode_request,
    is_reply_authentic,
)
from ocs.radius.dictionary import SHIPPED, find_file, load_dictionary

DICTIONARIES: Final = ("rfc", "cisco")

Values = Mapping[str, str | int | bytes | Sequence[str | int | bytes]]
"Attributes by name; several values of one attribute as a list."


class NoReplyError(OcsError):
    """No right answer came in time: the server is silent, unreachable, or has another secret."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered."""

    code: Code
    attributes: Sequence[tuple[str, str]]
    "Names and values in the packet's order."

    @property
    def is_accept(self) -> bool:
        """Whether service is granted."""
        return self.code is Code.ACCESS_ACCEPT

    def get(self, name: str) -> str | None:
        """The first value of an attribute, without its own name in front."""
        for known, value in self.attributes:
            if known == name:
                return value.removeprefix(f"{name}=")
        return None


class RadiusClient:
    """Asks one server; every call sends one request, up to `tries` times, and returns the reply."""

    def __init__(
        self,
        host: str,
        secret: str,
        *,
        auth_port: int = 1812,
        acct_port: int = 1813,
        timeout_s: float = 2.0,
        tries: int = 3,
        dictionaries: Sequence[str] = DICTIONARIES,
        folders: Sequence[Path] = (),
    ) -> None:
        """Prepare; nothing is sent.

        Raises:
            InputError: a dictionary file is missing or wrong.
        """
        self._names = load_dictionary(dictionaries, folders)
        files = [str(find_file(f"dictionary.{name}", [*folders, SHIPPED])) for name in dictionaries]
        self._client = pyrad.client.Client(
            server=host,
            authport=auth_port,
            acctport=acct_port,
            secret=secret.encode(),
            dict=PyradDictionary(*files),
            retries=tries,
            timeout=timeout_s,
        )

    def authorise(self, attributes: Values, *, password: str | None = None, chap: bool = False) -> Reply:
        """Access-Request, with the password hidden as PAP or answered as CHAP.

        Raises:
            InputError: an attribute is unknown or cannot hold its value.
            NoReplyError: no right answer in time.
        """
        packet = self._client.CreateAuthPacket(id=secrets.randbelow(256))
        packet.authenticator = secrets.token_bytes(16)
        if password is not None and chap:
            identifier = secrets.token_bytes(1)
            message = identifier + password.encode() + packet.authenticator
            packet["CHAP-Password"] = identifier + hashlib.md5(message, usedforsecurity=False).digest()
        elif password is not None:
            packet["User-Password"] = packet.PwCrypt(password)
        return self._exchange(packet, attributes)

    def start(self, attributes: Values) -> Reply:
        """Accounting Start; raises as `authorise` does."""
        return self.account("Start", attributes)

    def interim(self, attributes: Values) -> Reply:
        """Accounting Interim-Update with cumulative usage; raises as `authorise` does."""
        return self.account("Interim-Update", attributes)

    def stop(self, attributes: Values) -> Reply:
        """Accounting Stop with the session's whole usage; raises as `authorise` does."""
        return self.account("Stop", attributes)

    def account(self, status_type: str, attributes: Values) -> Reply:
        """Accounting-Request of any Acct-Status-Type; raises as `authorise` does."""
        packet = self._client.CreateAcctPacket(id=secrets.randbelow(256))
        return self._exchange(packet, {"Acct-Status-Type": status_type, **attributes})

    def status(self) -> Reply:
        """Status-Server to the authentication port; raises as `authorise` does."""
        packet = self._client.CreateAuthPacket(code=pyrad.packet.StatusServer, id=secrets.randbelow(256))
        packet.authenticator = secrets.token_bytes(16)
        return self._exchange(packet, {})

    def _exchange(self, packet: Any, attributes: Values) -> Reply:
        for name, value in attributes.items():
            with _naming(name):
                packet[name] = list(value) if isinstance(value, (list, tuple)) else value
        try:
            reply = self._client.SendPacket(packet)
        except pyrad.client.Timeout as error:
            tries, server = self._client.retries, self._client.server
            raise NoReplyError(f"no answer from {server} to {tries} tries") from error
        except OSError as error:
            raise NoReplyError(f"{self._client.server}: {error}") from error
        answer = decode(reply.raw_packet)
        return Reply(answer.code, self._names.describe(answer))

    def close(self) -> None:
        """Give the socket back."""
        self._client._CloseSocket()  # noqa: SLF001 - pyrad offers no other way

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ask_status(
    host: str, port: int, secret: str, *, timeout_s: float = 1.0, tries: int = 3
) -> tuple[Code, float]:
    """Send a Status-Server (RFC 5997); the answer's code and how many milliseconds it took.

    Raises:
        NoReplyError: no right answer in time.
    """
    key, nonce = Secret(secret), secrets.token_bytes(16)
    packet = encode_request(
        Code.STATUS_SERVER,
        identifier=secrets.randbelow(256),
        attributes=b"",
        secret=key,
        authenticator=nonce,
    )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asking:
        asking.settimeout(timeout_s)
        try:
            asking.connect((host, port))
            for _ in range(tries):
                started_s = time.perf_counter()
                asking.send(packet)
                with suppress(TimeoutError, MalformedPacketError):
                    reply = decode(asking.recv(PACKET_OCTETS_MAX))
                    if is_reply_authentic(reply, nonce, key):
                        return reply.code, (time.perf_counter() - started_s) * 1000
        except OSError as error:
            raise NoReplyError(f"{host}:{port}: {error}") from error
    raise NoReplyError(f"no answer from {host}:{port} to {tries} tries")


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn pyrad's several complaints about one attribute into ours."""
    try:
        yield
    except KeyError as error:
        raise InputError(name, "no dictionary defines this attribute") from error
    except (OSError, ValueError, TypeError) as error:
        raise InputError(name, str(error)) from error

"""Who may call what: API keys, client certificates, roles.

Owns the text and digest of keys, the table of roles over all methods, and the way from a call to its caller.
Does not own where keys are kept (`ocs.ports.ApiKeyStore`).

A caller is, in this order: the bearer of the API key that the call's metadata show (a bad key is refused,
whatever else the call shows); the gateway that a verified client certificate is made out to; a peer of this
machine, as the gateway that such peers act as, if there is one; nobody.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from ocs.grpc.peer import Context, Denial, is_loopback
from ocs.ports import ApiKey, ApiRole, Clock, Gateway

KEY_PREFIX: Final = "ocs"
"First part of every key, so that scanners find keys in places where they should not be."
AUTHORIZATION: Final = "authorization"
BEARER: Final = "bearer "
_ID_OCTETS: Final = 8
_SECRET_OCTETS: Final = 32

GatewayNamed = Callable[[str], Gateway | None]
"The enabled gateway with this name."


# ---------------------------------------------------------------------------------- keys


class NewKey(NamedTuple):
    """A key that was just made."""

    record: ApiKey
    text: str
    "For its bearer: shown once, never kept."


def make_key(
    *,
    title: str,
    roles: Iterable[ApiRole],
    gateway: str = "",
    created_at_ms: int,
    expires_at_ms: int | None = None,
    random_octets: Callable[[int], bytes] = secrets.token_bytes,
) -> NewKey:
    """Make a key: ``ocs_<id>_<secret>``, both parts hexadecimal, the secret of 256 random bits."""
    key_id = random_octets(_ID_OCTETS).hex()
    text = f"{KEY_PREFIX}_{key_id}_{random_octets(_SECRET_OCTETS).hex()}"
    record = ApiKey(
        id=key_id,
        digest=key_digest(text),
        title=title,
        roles=frozenset(roles),
        gateway=gateway,
        created_at_ms=created_at_ms,
        expires_at_ms=expires_at_ms,
    )
    return NewKey(record, text)


def key_digest(text: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(text.encode()).digest()


class KeyRing:
    """The keys that are good now, by id. Replaced as a whole when the store's keys change."""

    def __init__(self, keys: Iterable[ApiKey] = ()) -> None:
        self._keys: Mapping[str, ApiKey] = {}
        self.replace(keys)

    def __len__(self) -> int:
        return len(self._keys)

    def replace(self, keys: Iterable[ApiKey]) -> None:
        """Let these keys be good, less the revoked ones, and no others."""
        self._keys = {key.id: key for key in keys if key.revoked_at_ms is None}

    def find(self, text: str, *, now_ms: int) -> ApiKey | None:
        """The key with this text; None when it is unknown, revoked or expired."""
        _, _, rest = text.partition("_")
        key = self._keys.get(rest.partition("_")[0])
        if key is None or not hmac.compare_digest(key.digest, key_digest(text)):
            return None
        return None if key.expires_at_ms is not None and key.expires_at_ms <= now_ms else key


# ---------------------------------------------------------------------------------- roles

CHARGING_SERVICE: Final = "ocs.v1.Charging"
READING_VERBS: Final = ("Get", "List", "Search", "Export", "Quote", "Test")
"First words of methods that change nothing."

_CHARGING = frozenset({ApiRole.CHARGING})
_READING = frozenset({ApiRole.READ, ApiRole.ADMIN})
_CHANGING = frozenset({ApiRole.ADMIN})


def roles_of(service: str, method: str) -> frozenset[ApiRole]:
    """The roles of which a caller needs one. A method that nobody thought of needs ADMIN.

    Args:
        service: full name, such as ``ocs.v1.Admin``.
        method: its name, such as ``ListAccounts``.
    """
    if service == CHARGING_SERVICE:
        return _CHARGING
    return _READING if method.startswith(READING_VERBS) else _CHANGING


# ---------------------------------------------------------------------------------- callers


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Somebody who was recognised."""

    title: str
    "For the audit log."
    roles: frozenset[ApiRole]
    gateway: str = ""
    "Name of the gateway that it charges as; empty: none."


class AccessControl:
    """Judges callers. Its `gateway_for` is what `ocs.grpc.server.GrpcServer` wants."""

    def __init__(
        self, *, ring: KeyRing, gateway_named: GatewayNamed, clock: Clock, loopback_gateway: str = ""
    ) -> None:
        self._ring = ring
        self._gateway_named = gateway_named
        self._clock = clock
        self._loopback = (
            Caller(title="this machine", roles=_CHARGING, gateway=loopback_gateway)
            if loopback_gateway
            else None
        )

    def caller_of(self, context: Context) -> Caller | Denial:
        """Who is calling, or why nobody is recognised."""
        text = bearer_token(context)
        if text is not None:
            key = self._ring.find(text, now_ms=self._clock.now_ms())
            if key is None:
                return Denial.BAD_KEY
            return Caller(title=key.title, roles=key.roles, gateway=key.gateway)
        name = certified_name(context)
        if name:
            return Caller(title=f"certificate of {name}", roles=_CHARGING, gateway=name)
        if self._loopback is not None and is_loopback(context.peer()):
            return self._loopback
        return Denial.UNKNOWN_PEER

    def permit(self, context: Context, service: str, method: str) -> Caller | Denial:
        """Who is calling, if its roles allow the method."""
        caller = self.caller_of(context)
        if isinstance(caller, Denial) or caller.roles & roles_of(service, method):
            return caller
        return Denial.ROLE_MISSING

    def gateway_for(self, context: Context) -> Gateway | Denial:
        """The gateway that the caller charges as."""
        caller = self.caller_of(context)
        if isinstance(caller, Denial):
            return caller
        if ApiRole.CHARGING not in caller.roles:
            return Denial.ROLE_MISSING
        return self._gateway_named(caller.gateway) or Denial.NO_GATEWAY


def bearer_token(context: Context) -> str | None:
    """The token of ``authorization: Bearer <token>``; None when the metadata have none."""
    for key, value in context.invocation_metadata() or ():
        if key == AUTHORIZATION:
            text = value if isinstance(value, str) else value.decode("ascii", "replace")
            if text[: len(BEARER)].lower() == BEARER:
                return text[len(BEARER) :].strip()
    return None


def certified_name(context: Context) -> str:
    """Common name of the client certificate that the TLS handshake verified; empty: none was shown."""
    names = context.auth_context().get("x509_common_name", ())
    return next((bytes(name).decode("utf-8", "replace") for name in names), "")

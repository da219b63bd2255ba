"""API keys, roles and callers."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from ocs.grpc.access import AccessControl, Caller, KeyRing, NewKey, key_digest, make_key, roles_of
from ocs.grpc.pb import admin_pb2, charging_pb2, rating_pb2
from ocs.grpc.peer import Denial
from ocs.ports import ApiKey, ApiRole, Gateway

NOW_MS = 1_800_000_000_000
KAMAILIO = Gateway(id=1, name="kam1")
LOCAL = Gateway(id=2, name="local")
GATEWAYS = {gateway.name: gateway for gateway in (KAMAILIO, LOCAL)}

CHARGING = frozenset({ApiRole.CHARGING})
READING = frozenset({ApiRole.READ, ApiRole.ADMIN})
CHANGING = frozenset({ApiRole.ADMIN})


class StillClock:
    """A clock that stands still."""

    def now_ms(self) -> int:
        """Always the same instant."""
        return NOW_MS


class Call:
    """What a context tells of its caller."""

    def __init__(
        self, *, peer: str = "ipv4:10.0.0.1:4711", certificate: str = "", **metadata: str | bytes
    ) -> None:
        self._peer = peer
        self._certificate = certificate
        self._metadata = tuple(metadata.items())

    def peer(self) -> str:
        """Where it comes from."""
        return self._peer

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """What it shows."""
        return self._metadata

    def auth_context(self) -> dict[str, Iterable[bytes]]:
        """What the handshake verified."""
        return {"x509_common_name": [self._certificate.encode()]} if self._certificate else {}


def key(*roles: ApiRole, gateway: str = "", expires_at_ms: int | None = None) -> NewKey:
    """A fresh key."""
    return make_key(
        title="a client", roles=roles, gateway=gateway, created_at_ms=NOW_MS, expires_at_ms=expires_at_ms
    )


def control(*keys: NewKey, loopback_gateway: str = "") -> AccessControl:
    """Access control that knows these keys."""
    return AccessControl(
        ring=KeyRing(new.record for new in keys),
        gateway_named=GATEWAYS.get,
        clock=StillClock(),
        loopback_gateway=loopback_gateway,
    )


def bearer(new: NewKey) -> Any:
    """A call that shows the key."""
    return Call(authorization=f"Bearer {new.text}")


# ---------------------------------------------------------------------------------- keys


def test_key_is_kept_as_a_digest_only() -> None:
    """The record finds the key again and does not hold its secret."""
    octets = iter((bytes(range(8)), bytes(range(32))))
    new = make_key(title="kam1", roles=CHARGING, created_at_ms=NOW_MS, random_octets=lambda _: next(octets))

    assert new.text == f"ocs_0001020304050607_{bytes(range(32)).hex()}"
    assert new.record.id == "0001020304050607"
    assert new.record.digest == key_digest(new.text)
    assert bytes(range(32)).hex() not in repr(new.record)


def test_keys_differ() -> None:
    """Each has its own id and secret, of 8 and 32 octets."""
    one, other = key(), key()

    assert one.record.id != other.record.id
    assert one.text.split("_")[2] != other.text.split("_")[2]
    assert [len(part) for part in one.text.split("_")] == [3, 16, 64]


def test_ring_finds_good_keys_only() -> None:
    """The whole text counts, and so do expiry and revocation."""
    good, expiring = key(), key(expires_at_ms=NOW_MS + 1)
    revoked = key()
    record = ApiKey(
        id=revoked.record.id, digest=revoked.record.digest, title="", roles=CHARGING, revoked_at_ms=1
    )
    ring = KeyRing([good.record, expiring.record, record])

    assert len(ring) == 2
    assert ring.find(good.text, now_ms=NOW_MS) == good.record
    assert ring.find(expiring.text, now_ms=NOW_MS) == expiring.record
    assert ring.find(expiring.text, now_ms=NOW_MS + 1) is None
    assert ring.find(revoked.text, now_ms=NOW_MS) is None
    for wrong in ("", "ocs", good.text[:-1], good.text + "0", good.text.replace("ocs", "oca"), key().text):
        assert ring.find(wrong, now_ms=NOW_MS) is None


def test_replacing_keys_forgets_the_others() -> None:
    """A reload is the whole truth."""
    old, new = key(), key()
    ring = KeyRing([old.record])

    ring.replace([new.record])

    assert ring.find(old.text, now_ms=NOW_MS) is None
    assert ring.find(new.text, now_ms=NOW_MS) == new.record


# ---------------------------------------------------------------------------------- roles


def methods() -> Iterator[tuple[str, str]]:
    """Every method of every document."""
    for document in (charging_pb2, rating_pb2, admin_pb2):
        for service in document.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                yield service.full_name, method.name


RESOURCES = {
    "Account": "Accounts",
    "Identity": "Identities",
    "Plan": "Plans",
    "Tariff": "Tariffs",
    "Rate": "",
    "Destination": "Destinations",
    "DiscountPlan": "DiscountPlans",
    "Gateway": "Gateways",
}
"Resources with standard methods: name and plural, empty where another service lists them."

ROLES: dict[str, dict[frozenset[ApiRole], set[str]]] = {
    "ocs.v1.Charging": {
        CHARGING: {
            "Charge",
            "Session",
            "BatchSession",
            "CheckBalance",
            "EnquirePrice",
            "Refund",
            "DirectDebit",
        },
    },
    "ocs.v1.Rating": {
        READING: {"Quote", "SearchRates", "ExportSheet", "TestOffPeakPeriod"},
        CHANGING: {"ImportSheet"},
    },
    "ocs.v1.Admin": {
        READING: {
            *(f"List{plural}" for plural in RESOURCES.values() if plural),
            *(f"Get{name}" for name in RESOURCES),
            "ListDestinationGroups",
            "GetDestinationGroup",
            "ListApiKeys",
            "ListSessions",
            "GetSession",
            "ListLedgerEntries",
            "ExportLedgerEntries",
            "ListCdrs",
            "ExportCdrs",
            "ListAuditEntries",
        },
        CHANGING: {
            *(f"{verb}{name}" for verb in ("Create", "Update", "Delete") for name in RESOURCES),
            "AssignDiscountPlan",
            "WithdrawDiscountPlan",
            "CreateApiKey",
            "RevokeApiKey",
            "TerminateSession",
            "TopUpAccount",
            "TransferMoney",
            "AdjustBalance",
        },
    },
}


def test_every_method_needs_the_roles_of_the_table() -> None:
    """A new method fails here until somebody decides who may call it."""
    expected = {
        (service, method): roles
        for service, groups in ROLES.items()
        for roles, names in groups.items()
        for method in names
    }

    assert {(service, method): roles_of(service, method) for service, method in methods()} == expected


def test_unknown_method_needs_the_strongest_role() -> None:
    """Forgetting a method locks it instead of opening it."""
    assert roles_of("ocs.v1.Admin", "Purge") == CHANGING
    assert roles_of("ocs.v2.Charging", "Charge") == CHANGING


# ---------------------------------------------------------------------------------- callers


def test_bearer_of_a_charging_key_is_its_gateway() -> None:
    """The key names the gateway, wherever the call comes from."""
    new = key(ApiRole.CHARGING, gateway="kam1")

    assert control(new).gateway_for(bearer(new)) is KAMAILIO
    assert (
        control(new, loopback_gateway="local").gateway_for(
            Call(authorization=f"bearer  {new.text}", peer="ipv4:127.0.0.1:1")  # type: ignore[arg-type]  # a context in little
        )
        is KAMAILIO
    )


@pytest.mark.parametrize(
    ("new", "denial"),
    [
        (key(ApiRole.READ, ApiRole.ADMIN, gateway="kam1"), Denial.ROLE_MISSING),
        (key(ApiRole.CHARGING), Denial.NO_GATEWAY),
        (key(ApiRole.CHARGING, gateway="gone"), Denial.NO_GATEWAY),
        (key(ApiRole.CHARGING, gateway="kam1", expires_at_ms=NOW_MS), Denial.BAD_KEY),
    ],
)
def test_key_that_cannot_charge_says_why(new: NewKey, denial: Denial) -> None:
    """Each reason has its own text for the client."""
    assert control(new).gateway_for(bearer(new)) is denial


def test_bad_key_is_refused_although_the_peer_would_be_served() -> None:
    """Who shows a key means it: falling back would hide that the key was revoked."""
    access = control(loopback_gateway="local")
    call: Any = Call(authorization=f"Bearer {key().text}", peer="unix:", certificate="kam1")

    assert access.gateway_for(call) is Denial.BAD_KEY


def test_client_certificate_is_the_gateway_of_its_name() -> None:
    """A verified certificate needs no key; one of nobody known charges for nobody."""
    access = control()
    known: Any = Call(certificate="kam1")
    unknown: Any = Call(certificate="kam9")

    assert access.gateway_for(known) is KAMAILIO
    assert access.caller_of(known) == Caller(title="certificate of kam1", roles=CHARGING, gateway="kam1")
    assert access.gateway_for(unknown) is Denial.NO_GATEWAY


def test_peer_of_this_machine_is_served_only_if_the_operator_says_so() -> None:
    """Without a loopback gateway even this machine needs a key; other machines always do."""
    here: Any = Call(peer="ipv6:[::1]:1")
    there: Any = Call()
    other_scheme: Any = Call(authorization="Basic YWxpY2U6", peer="ipv6:[::1]:1")

    assert control(loopback_gateway="local").gateway_for(here) is LOCAL
    assert control(loopback_gateway="local").gateway_for(other_scheme) is LOCAL
    assert control(loopback_gateway="local").gateway_for(there) is Denial.UNKNOWN_PEER
    assert control().gateway_for(here) is Denial.UNKNOWN_PEER


@pytest.mark.parametrize(
    ("role", "method", "permitted"),
    [
        (ApiRole.READ, "ListAccounts", True),
        (ApiRole.READ, "CreateAccount", False),
        (ApiRole.ADMIN, "ListAccounts", True),
        (ApiRole.ADMIN, "CreateAccount", True),
        (ApiRole.CHARGING, "ListAccounts", False),
    ],
)
def test_permission_follows_the_role(role: ApiRole, method: str, *, permitted: bool) -> None:
    """A caller with the role is let in under its title; one without it is told so."""
    new = key(role)

    found = control(new).permit(bearer(new), "ocs.v1.Admin", method)

    if permitted:
        assert found == Caller(title="a client", roles=frozenset({role}))
    else:
        assert found is Denial.ROLE_MISSING


def test_nobody_is_permitted_nothing() -> None:
    """A stranger is a stranger, not somebody without a role."""
    stranger: Any = Call()

    assert control().permit(stranger, "ocs.v1.Admin", "ListAccounts") is Denial.UNKNOWN_PEER

"""Identity values as stores keep them: canonical when written, candidates when asked. Pure."""

import ipaddress
from dataclasses import replace

from ocs.errors import InputError, InUseError, NotFoundError
from ocs.ports import Identity, IdentityKind


def canonical_identity(identity: Identity) -> Identity:
    """The identity as it is stored: an address becomes its network (``10.0.0.1`` is ``10.0.0.1/32``).

    Raises:
        InputError: an empty value, no valid address or network for kind ip, or what its kind cannot have.
    """
    place = f"identity {identity.kind.value}"
    if not identity.value:
        raise InputError(place, "the value is empty")
    if identity.payback_tariff_id is not None and identity.kind is not IdentityKind.DID:
        raise InputError(place, "only a DID may have a payback tariff")
    if identity.primary_kind is not None:
        _check_reference(identity, place)
    if identity.kind is not IdentityKind.IP:
        return identity
    try:
        network = ipaddress.ip_network(identity.value)
    except ValueError as error:
        raise InputError(place, str(error)) from error
    return replace(identity, value=str(network))


def _check_reference(identity: Identity, place: str) -> None:
    """What of a primary identity shows without looking it up."""
    if identity.kind not in (IdentityKind.VIRTUAL, IdentityKind.EXTENSION):
        raise InputError(place, "only a virtual number or an extension may have a primary identity")
    if identity.primary_kind is IdentityKind.IP:
        raise InputError(place, "an address cannot be the primary identity")
    if (identity.primary_kind, identity.primary_value) == (identity.kind, identity.value):
        raise InputError(place, "it cannot be its own primary identity")
    if identity.max_sessions is not None and identity.plan_id is None:
        raise InputError(place, "its sessions count as its primary's: it cannot have a limit of its own")


def check_primary(identity: Identity, primary: Identity | None, dependent: Identity | None) -> None:
    """Refuse a primary identity that is not there, and chains of more than one.

    Args:
        identity: has a primary.
        primary: what was found of it.
        dependent: an identity whose primary is `identity`.

    Raises:
        NotFoundError: the primary does not exist.
        InputError: it has a primary itself, or `identity` is one.
    """
    assert identity.primary_kind is not None, "only asked of one that has a primary"
    place = f"identity {identity.kind.value} {identity.value!r}"
    name = f"{identity.primary_kind.value} {identity.primary_value!r}"
    if primary is None:
        raise NotFoundError(f"{place}: its primary identity {name} does not exist")
    if primary.primary_kind is not None:
        raise InputError(place, f"its primary identity {name} has a primary identity itself")
    if dependent is not None:
        raise InputError(place, f"it is the primary identity of {dependent.kind.value} {dependent.value!r}")


def check_no_dependent(identity: Identity, dependent: Identity | None) -> None:
    """InUseError when an identity is to go that another one stands for."""
    if dependent is not None:
        raise InUseError(
            f"identity {identity.kind.value} {identity.value!r} is the primary identity of "
            f"{dependent.kind.value} {dependent.value!r}"
        )


def candidate_values(kind: IdentityKind, value: str) -> list[str]:
    """Every stored value that would answer for the asked one, best first.

    For kind ip these are all networks that contain the address, longest first; nothing for a malformed one.
    IPv4 addresses mapped into IPv6 count as IPv4.
    """
    if kind is not IdentityKind.IP:
        return [value]
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return []
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    number, bits = int(address), address.max_prefixlen
    kind_of_address = type(address)
    return [f"{kind_of_address(number >> host << host)}/{bits - host}" for host in range(bits + 1)]

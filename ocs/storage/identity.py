"""Identity values as stores keep them: canonical when written, candidates when asked. Pure."""

import ipaddress
from dataclasses import replace

from ocs.errors import InputError
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
    if identity.kind is not IdentityKind.IP:
        return identity
    try:
        network = ipaddress.ip_network(identity.value)
    except ValueError as error:
        raise InputError(place, str(error)) from error
    return replace(identity, value=str(network))


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

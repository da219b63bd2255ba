"""Which rate prices a request.

Owns the order of lookups: special destinations before prefixes, the override tariff beside the plan's, the
weakest matches last. Does not own the lookup itself (`ocs.rating.index`), or finding out who is called (the
engine says). Rating section 2.
"""

from enum import Enum
from typing import Final

from ocs.rating.applied import AppliedRate
from ocs.rating.destination import (
    ANY,
    CALLED_BY_NAME,
    INCOMING,
    INCOMINGN,
    INCOMINGNR,
    INCOMINGNRX,
    MSG,
    MSGN,
    VOICEONNET,
    VOICEONNETR,
    VOICEONNETRX,
)
from ocs.rating.index import Match, Tariff
from ocs.units import AccessCode, Service


class RatingRefusal(Enum):
    """Why a request has no price."""

    NO_RATE = "no_rate"
    FORBIDDEN = "forbidden"


class OnNet(Enum):
    """How near the called party is, the nearest that holds."""

    NO = "no"
    PLATFORM = "platform"
    "Another subscriber."
    RESELLER = "reseller"
    "A subscriber of the same reseller."
    CUSTOMER = "customer"
    "A subscriber of the same customer."


_OUTGOING_NAMES: Final[dict[OnNet, tuple[str, ...]]] = {
    OnNet.PLATFORM: (VOICEONNET,),
    OnNet.RESELLER: (VOICEONNETR, VOICEONNET),
    OnNet.CUSTOMER: (VOICEONNETRX, VOICEONNETR, VOICEONNET),
}
_INCOMING_NAMES: Final[dict[OnNet, tuple[str, ...]]] = {
    OnNet.NO: (INCOMING,),
    OnNet.PLATFORM: (INCOMINGN, INCOMING),
    OnNet.RESELLER: (INCOMINGNR, INCOMINGN, INCOMING),
    OnNet.CUSTOMER: (INCOMINGNRX, INCOMINGNR, INCOMINGN, INCOMING),
}
_CALLED_BY_NAME: Final = {name.casefold(): name for name in CALLED_BY_NAME}

# Reading a member off its class, and hashing it, costs more than all else that happens to a plain call.
_INCOMING: Final = AccessCode.INCOMING
_OFF_NET: Final = OnNet.NO

_MCC_DIGITS: Final = 3


def select_rate(
    tariff: Tariff,
    override: Tariff | None,
    *,
    service: Service,
    access_code: AccessCode,
    called: str,
    calling: str,
    at_s: int,
    on_net: OnNet = OnNet.NO,
    bill_by_ani: bool = False,
    network: str = "",
) -> AppliedRate | RatingRefusal:
    """Find the rate of a request, compiled for its service.

    Args:
        tariff: what the plan assigns to the service and direction.
        override: searched too; the longer match wins, on a tie this one.
        service: what is charged. One that names its destination is priced by that name alone.
        access_code: INCOMING is looked up under the INCOMING names first.
        called: normalised number, or a name of `ocs.rating.destination.CALLED_BY_NAME`.
        calling: normalised number of the caller.
        at_s: epoch seconds of the session's start.
        on_net: what the engine found out; see `Tariff.has_on_net`.
        bill_by_ani: incoming calls are priced by the caller's number.
        network: MCC+MNC of a message's recipient, digits; empty when not known.
    """
    tariffs = (tariff,) if override is None else (override, tariff)
    incoming = access_code is _INCOMING
    numbered = service.destination is None
    if service.destination is not None:
        names = _service_names(service.destination, network=network, on_net=on_net)
    elif not called[:1].isdigit() and (name := _CALLED_BY_NAME.get(called.casefold())) is not None:
        names = (name,)
        numbered = False
    else:
        names = _number_names(on_net, incoming=incoming)

    found = _first_named(tariffs, names, at_s) if names else None
    if found is None and numbered:
        found = _by_number(tariffs, calling if incoming and bill_by_ani else called, at_s)
    if found is None:
        return RatingRefusal.NO_RATE
    owner, match = found
    if match.version.forbidden:
        return RatingRefusal.FORBIDDEN
    return owner.apply(match, service)


def _number_names(on_net: OnNet, *, incoming: bool) -> tuple[str, ...]:
    """Names under which a call is priced before its number is looked at, most specific first."""
    if incoming:
        return _INCOMING_NAMES[on_net]
    return () if on_net is _OFF_NET else _OUTGOING_NAMES[on_net]


def _service_names(destination: str, *, network: str, on_net: OnNet) -> tuple[str, ...]:
    """Names under which a service with a destination of its own is priced, most specific first."""
    if destination != MSG:
        return (destination,)
    on_net_names = () if on_net is _OFF_NET else (MSGN,)
    networks = (network, network[:_MCC_DIGITS]) if network else ()
    return (*on_net_names, *networks, MSG)


def _first_named(
    tariffs: tuple[Tariff, ...], names: tuple[str, ...], at_s: int
) -> tuple[Tariff, Match] | None:
    """The first name that a tariff has, asking the tariffs in order for each."""
    for name in names:
        for tariff in tariffs:
            match = tariff.exact(name, at_s)
            if match is not None:
                return tariff, match
    return None


def _by_number(tariffs: tuple[Tariff, ...], number: str, at_s: int) -> tuple[Tariff, Match] | None:
    """The longest prefix of all tariffs, else the rate for any number, else a default price."""
    best: tuple[Tariff, Match] | None = None
    for tariff in tariffs:
        match = tariff.longest_prefix(number, at_s)
        if match is not None and (best is None or len(match.destination) > len(best[1].destination)):
            best = tariff, match
    best = best or _first_named(tariffs, (ANY,), at_s)
    if best is None:
        best = next(((tariff, tariff.default) for tariff in tariffs if tariff.default is not None), None)
    return best

"""What is a legal charging message: every bad field is found in one pass and named by its path.

Owns the bounds that `proto/charging.proto` documents. Does not own what a legal message means
(`ocs.grpc.translation`). Checks append to a list and nothing else, because most messages are legal and this
runs for every one of them.

Texts are printable: a NUL that a database refuses would fail the requests of everybody in the same batch.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ocs.charging.request import RequestType
from ocs.errors import InputError, InputErrors
from ocs.grpc.pb import charging_pb2 as pb
from ocs.ports import IdentityKind
from ocs.rating.destination import is_mobile_network
from ocs.units import VOICE, AccessCode, Service

SESSION_ID_CHARACTERS_MAX = 200
SUBSCRIPTION_IDS_MAX = 8
SUBSCRIPTION_ID_CHARACTERS_MAX = 253
TEXT_CHARACTERS_MAX = 64
SERVICES_MAX = 16
REQUEST_NUMBER_MAX = 2**32 - 1
"CC-Request-Number is Unsigned32, RFC 8506 section 8.2."
UNITS_MAX = 2**62
"Totals stay below this, so that sums of two fit a signed 64-bit column."

REQUEST_TYPES: Mapping[int, RequestType] = {
    pb.REQUEST_TYPE_INITIAL: RequestType.INITIAL,
    pb.REQUEST_TYPE_UPDATE: RequestType.UPDATE,
    pb.REQUEST_TYPE_TERMINATION: RequestType.TERMINATION,
    pb.REQUEST_TYPE_EVENT: RequestType.EVENT,
}
IDENTITY_KINDS: Mapping[int, IdentityKind] = {
    pb.IDENTITY_KIND_USERNAME: IdentityKind.USERNAME,
    pb.IDENTITY_KIND_CODE: IdentityKind.CODE,
    pb.IDENTITY_KIND_DID: IdentityKind.DID,
    pb.IDENTITY_KIND_EXTENSION: IdentityKind.EXTENSION,
    pb.IDENTITY_KIND_TRUNK: IdentityKind.TRUNK,
    pb.IDENTITY_KIND_IP: IdentityKind.IP,
    pb.IDENTITY_KIND_ANI: IdentityKind.ANI,
    pb.IDENTITY_KIND_VIRTUAL: IdentityKind.VIRTUAL,
}
ACCESS_CODES: Mapping[int, AccessCode] = {
    pb.ACCESS_CODE_UNSPECIFIED: AccessCode.OUTGOING,
    pb.ACCESS_CODE_OUTGOING: AccessCode.OUTGOING,
    pb.ACCESS_CODE_INCOMING: AccessCode.INCOMING,
    pb.ACCESS_CODE_FORWARDED: AccessCode.FORWARDED,
}

Findings = list[InputError]
WithNumbers = pb.ChargeRequest | pb.CheckBalanceRequest | pb.EnquirePriceRequest | pb.DirectDebitRequest


class Catalog(NamedTuple):
    """The services that requests may name."""

    services: Mapping[str, Service]
    rating_groups: Mapping[int, Service]

    def find(self, name: str) -> Service | None:
        """The service with this name; voice when none is named, None when nobody knows it."""
        return self.services.get(name or VOICE.name)


# ---------------------------------------------------------------------------------- messages


def check_charge(message: pb.ChargeRequest, catalog: Catalog) -> list[Service]:
    """Check a charging request; returns its services in order.

    Raises:
        InputErrors: it is malformed.
    """
    findings: Findings = []
    check_session(findings, message.session_id, message.request_number)
    kind = message.type
    if kind not in REQUEST_TYPES:
        findings.append(InputError("type", f"{kind} is not INITIAL, UPDATE, TERMINATION or EVENT"))
    elif kind in {pb.REQUEST_TYPE_INITIAL, pb.REQUEST_TYPE_EVENT} and not message.subscription_ids:
        findings.append(InputError("subscription_ids", "an INITIAL or EVENT says who is served"))
    check_numbers(findings, message)
    check_text(findings, "end_cause", message.end_cause)
    services = check_services(findings, message, catalog)
    check_subscription(findings, message.subscription_ids)
    refuse_any(findings)
    return services


def check_balance_check(message: pb.CheckBalanceRequest, catalog: Catalog) -> Service:
    """Check a balance check; returns its service. Raises `InputErrors`."""
    findings: Findings = []
    check_count(findings, "requested_units", message.requested_units)
    return check_subject(findings, message, catalog)


def check_price_enquiry(message: pb.EnquirePriceRequest, catalog: Catalog) -> Service:
    """Check a price enquiry; returns its service. Raises `InputErrors`."""
    findings: Findings = []
    check_count(findings, "requested_units", message.requested_units)
    return check_subject(findings, message, catalog)


def check_direct_debit(message: pb.DirectDebitRequest, catalog: Catalog) -> Service:
    """Check a direct debit; returns its service. Raises `InputErrors`."""
    findings: Findings = []
    check_request_id(findings, "request_id", message.request_id)
    check_count(findings, "units", message.units, least=1)
    check_text(findings, "note", message.note)
    return check_subject(findings, message, catalog)


def check_refund(message: pb.RefundRequest, catalog: Catalog) -> Service:
    """Check a refund; returns the service of what is refunded. Raises `InputErrors`."""
    findings: Findings = []
    service: Service | None = VOICE
    check_request_id(findings, "request_id", message.request_id)
    charged = message.WhichOneof("charged")
    if charged == "event":
        event = message.event
        check_session(findings, event.session_id, event.request_number, place="event.")
        service = check_service(findings, event.service, catalog, place="event.")
    elif charged == "debit_request_id":
        check_request_id(findings, charged, message.debit_request_id)
    else:
        findings.append(InputError("charged", "debit_request_id or event is needed"))
    check_required_subscription(findings, message.subscription_ids)
    refuse_any(findings)
    assert service is not None, "an unknown one was refused"
    return service


def check_subject(
    findings: Findings,
    message: pb.CheckBalanceRequest | pb.EnquirePriceRequest | pb.DirectDebitRequest,
    catalog: Catalog,
) -> Service:
    """Check what enquiries and debits share, then raise `InputErrors` if anything was found."""
    check_required_subscription(findings, message.subscription_ids)
    check_numbers(findings, message)
    service = check_service(findings, message.service, catalog)
    refuse_any(findings)
    assert service is not None, "an unknown one was refused"
    return service


def refuse_any(findings: Findings) -> None:
    """Raise everything that was found; harmless when nothing was."""
    if findings:
        raise InputErrors("request", findings)


# ---------------------------------------------------------------------------------- fields


def check_session(findings: Findings, session_id: str, request_number: int, *, place: str = "") -> None:
    """Check the identification of a request."""
    if "#" in session_id or not is_text(session_id, SESSION_ID_CHARACTERS_MAX):
        reason = f"{session_id[:80]!r}: 1 to {SESSION_ID_CHARACTERS_MAX} printable characters other than '#'"
        findings.append(InputError(f"{place}session_id", reason))
    if not 0 <= request_number <= REQUEST_NUMBER_MAX:
        reason = f"{request_number} is not within 0..{REQUEST_NUMBER_MAX}"
        findings.append(InputError(f"{place}request_number", reason))


def check_request_id(findings: Findings, place: str, request_id: str) -> None:
    """Check the identification of a debit or refund."""
    if not is_text(request_id, SESSION_ID_CHARACTERS_MAX):
        reason = f"{request_id[:80]!r}: 1 to {SESSION_ID_CHARACTERS_MAX} printable characters"
        findings.append(InputError(place, reason))


def check_numbers(findings: Findings, message: WithNumbers) -> None:
    """Check the telephone numbers and their direction."""
    check_text(findings, "calling", message.calling)
    check_text(findings, "called", message.called)
    if message.network and not is_mobile_network(message.network):
        reason = f"{message.network[:80]!r} is not an MCC and MNC (5 or 6 digits) or an MCC (3)"
        findings.append(InputError("network", reason))
    if message.access_code not in ACCESS_CODES:
        reason = f"{message.access_code} is not OUTGOING, INCOMING or FORWARDED"
        findings.append(InputError("access_code", reason))


def check_text(findings: Findings, place: str, text: str) -> None:
    """Check a short text, which may be empty."""
    if text and not is_text(text, TEXT_CHARACTERS_MAX):
        reason = f"{text[:80]!r}: up to {TEXT_CHARACTERS_MAX} printable characters are kept"
        findings.append(InputError(place, reason))


def is_text(text: str, characters_max: int) -> bool:
    """Whether it has characters, not too many, and all of them printable."""
    return 1 <= len(text) <= characters_max and text.isprintable()


def check_required_subscription(findings: Findings, subscription_ids: Sequence[pb.SubscriptionId]) -> None:
    """Check identities of which there must be one."""
    if not subscription_ids:
        findings.append(InputError("subscription_ids", "nobody is named"))
    check_subscription(findings, subscription_ids)


def check_subscription(findings: Findings, subscription_ids: Sequence[pb.SubscriptionId]) -> None:
    """Check identities."""
    if len(subscription_ids) > SUBSCRIPTION_IDS_MAX:
        reason = f"{len(subscription_ids)} of them: up to {SUBSCRIPTION_IDS_MAX}"
        findings.append(InputError("subscription_ids", reason))
    for index, identity in enumerate(subscription_ids):
        kind, value = identity.kind, identity.value
        if kind not in IDENTITY_KINDS:
            findings.append(InputError(f"subscription_ids[{index}].kind", f"{kind} is no kind of identity"))
        if not is_text(value, SUBSCRIPTION_ID_CHARACTERS_MAX):
            reason = f"{value[:80]!r}: 1 to {SUBSCRIPTION_ID_CHARACTERS_MAX} printable characters are needed"
            findings.append(InputError(f"subscription_ids[{index}].value", reason))
        elif kind == pb.IDENTITY_KIND_IP and not is_ip_address(value):
            reason = f"{value!r} is not an IP address"
            findings.append(InputError(f"subscription_ids[{index}].value", reason))


def is_ip_address(text: str) -> bool:
    """Whether it is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def check_service(findings: Findings, name: str, catalog: Catalog, *, place: str = "") -> Service | None:
    """Check a service's name; returns the service, None when it was refused."""
    service = catalog.find(name)
    if service is None:
        findings.append(InputError(f"{place}service", f"{name!r} is not a service of this server"))
    return service


def check_services(findings: Findings, message: pb.ChargeRequest, catalog: Catalog) -> list[Service]:
    """Check what a charging request says of each service; returns those that are known."""
    parts = message.services
    if not 1 <= len(parts) <= SERVICES_MAX:
        findings.append(InputError("services", f"{len(parts)} of them: 1 to {SERVICES_MAX} are needed"))
        return []
    is_event = message.type == pb.REQUEST_TYPE_EVENT
    services: list[Service] = []
    for index, part in enumerate(parts):
        place = f"services[{index}]."
        service: Service | None
        if not part.service and part.HasField("rating_group"):
            service = catalog.rating_groups.get(part.rating_group)
            if service is None:
                reason = f"{part.rating_group} stands for no service"
                findings.append(InputError(f"{place}rating_group", reason))
        else:
            service = check_service(findings, part.service, catalog, place=place)
        if service is not None:
            if service in services:
                findings.append(InputError(f"{place}service", f"{service.name} is there twice"))
            services.append(service)
        check_units(findings, part, place, is_event=is_event)
    return services


def check_units(findings: Findings, part: pb.ServiceUsage, place: str, *, is_event: bool) -> None:
    """Check what a service reports and wants."""
    if part.HasField("used_total"):
        check_report(findings, f"{place}used_total", part.used_total, is_event=is_event)
    if part.HasField("used_delta"):
        check_report(findings, f"{place}used_delta", part.used_delta, is_event=is_event)
    check_count(findings, f"{place}requested_units", part.requested_units, least=1 if is_event else 0)


def check_report(findings: Findings, place: str, units: pb.UsedUnits, *, is_event: bool) -> None:
    """Check reported usage."""
    if is_event:
        findings.append(InputError(place, "an EVENT debits requested_units and reports nothing"))
    check_count(findings, f"{place}.seconds", units.seconds)
    check_count(findings, f"{place}.octets_in", units.octets_in)
    check_count(findings, f"{place}.octets_out", units.octets_out)
    check_count(findings, f"{place}.messages", units.messages)


def check_count(findings: Findings, place: str, count: int, *, least: int = 0) -> None:
    """Check a count of units."""
    if not least <= count < UNITS_MAX:
        findings.append(InputError(place, f"{count} is not within {least}..{UNITS_MAX - 1}"))

"""A call over gRPC: INITIAL, UPDATE at each end of a grant, TERMINATION, as a softswitch sends them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import grpc

from ocs.cli.call import TRIES, Call, Step
from ocs.errors import InputError
from ocs.grpc.client import ChargingClient, RequestFailedError, RetryPolicy
from ocs.grpc.pb import charging_pb2 as pb
from ocs.units import format_money

if TYPE_CHECKING:
    from ocs.config import Address

_SUCCESS = 2001  # DIAMETER_SUCCESS, RFC 6733 section 7.1.2


def grpc_steps(call: Call, address: "Address") -> Iterator[Step]:
    """Make the call; each request is sent when its step is asked for.

    Raises:
        RequestFailedError: the server gave no answer.
        InputError: it cannot be asked such a thing.
    """
    retry = RetryPolicy(attempt_timeout_s=call.timeout_s)
    with ChargingClient.connect(str(address), retry=retry) as client:
        try:
            yield from _exchange(client, call)
        except RequestFailedError as error:
            if error.code is grpc.StatusCode.INVALID_ARGUMENT:
                raise InputError("request", error.failure.message) from error
            raise


def _exchange(client: ChargingClient, call: Call) -> Iterator[Step]:
    grant = _charge(client, call, _request(call, 0, pb.REQUEST_TYPE_INITIAL))
    yield _step(0, "INITIAL", f"{call.calling} to {call.called}", grant)
    if grant.result_code != _SUCCESS:
        return
    grant = _charge(client, call, _request(call, 1, pb.REQUEST_TYPE_UPDATE, used_s=0, starts=True))
    yield _step(0, "UPDATE", "answered", grant)
    number, used_s = 2, 0
    while True:
        until_s = used_s + _until_report(call, grant)
        if until_s >= call.seconds:
            used_s, cause = call.seconds, "hung up"
            break
        used_s = until_s
        if _is_last(grant):
            cause = "grant used up"
            break
        grant = _charge(client, call, _request(call, number, pb.REQUEST_TYPE_UPDATE, used_s=used_s))
        yield _step(used_s, "UPDATE", f"{used_s} s", grant)
        number += 1
    end = _charge(
        client, call, _request(call, number, pb.REQUEST_TYPE_TERMINATION, used_s=used_s, cause=cause)
    )
    yield _step(used_s, "TERMINATION", f"{used_s} s, {cause}", end)


def _charge(client: ChargingClient, call: Call, request: pb.ChargeRequest) -> pb.ChargeAnswer:
    return client.charge(request, timeout_s=call.timeout_s * TRIES)


def _until_report(call: Call, answer: pb.ChargeAnswer) -> int:
    """Seconds until the next report: the grant's end, or earlier where its threshold or the caller says."""
    service = answer.services[0]
    if _is_last(answer):
        return int(service.granted_units)
    left_s = max(1, service.granted_units - service.threshold_units)
    return int(min(left_s, call.interim_s or left_s))


def _is_last(answer: pb.ChargeAnswer) -> bool:
    """Whether the service ends with this grant; a refusal grants nothing and is the last too."""
    return bool(answer.services[0].final_unit_action) or not answer.services[0].granted_units


def _request(
    call: Call,
    number: int,
    kind: "pb.RequestType",
    *,
    used_s: int | None = None,
    starts: bool = False,
    cause: str = "",
) -> pb.ChargeRequest:
    usage = pb.ServiceUsage(service="voice", starts=starts)
    if used_s is not None:
        usage.used_total.seconds = used_s
    return pb.ChargeRequest(
        session_id=call.session,
        request_number=number,
        type=kind,
        subscription_ids=[pb.SubscriptionId(kind=f"IDENTITY_KIND_{call.kind.name}", value=call.identity)],
        secret=call.password or "",
        calling=call.calling,
        called=call.called,
        end_cause=cause,
        services=[usage],
    )


def _step(at_s: int, request: str, said: str, answer: pb.ChargeAnswer) -> Step:
    service = answer.services[0]
    told = [
        f"granted {service.granted_units} s" if service.granted_units else "",
        "last grant" if service.final_unit_action else "",
        f"charged {format_money(service.charged_micros)}",
        f"reserved {format_money(service.reserved_micros)}",
        f"balance {format_money(answer.balance_micros)}",
    ]
    return Step(
        at_s,
        request,
        said,
        f"{answer.result_code} {answer.reason}",
        ", ".join(part for part in told if part),
        is_granted=answer.result_code == _SUCCESS,
    )

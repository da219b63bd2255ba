"""A call over RADIUS: Access-Request, Start, Interim-Update, Stop as real packets, on pyrad's client."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ocs.cli.call import TRIES, Call, Step
from ocs.ports import IdentityKind
from ocs.radius.client import RadiusClient, Reply

if TYPE_CHECKING:
    from ocs.config import Address

_CARRIED_BY = {IdentityKind.ANI: "Calling-Station-Id", IdentityKind.IP: "Framed-IP-Address"}
"Where identities other than user names travel."
_INTERIM_DEFAULT_S = 60
_ANY_PASSWORD = "none"  # noqa: S105 - what equipment sends for callers that have none
_HIDDEN = frozenset({"Message-Authenticator", "Class"})
"Attributes of answers that say nothing to people."


def radius_steps(call: Call, *, auth: "Address", acct: "Address", secret: str) -> Iterator[Step]:
    """Make the call; each request is sent when its step is asked for.

    Raises:
        NoReplyError: the server is silent, or has another secret.
        InputError: an attribute cannot hold its value.
    """
    with RadiusClient(
        auth.host,
        secret,
        auth_port=auth.port,
        acct_port=acct.port,
        timeout_s=call.timeout_s,
        tries=TRIES,
    ) as client:
        yield from _exchange(client, call, started_s=int(time.time()))


def _exchange(client: RadiusClient, call: Call, *, started_s: int) -> Iterator[Step]:
    session = _session_attributes(call)
    password = call.password or _ANY_PASSWORD
    access = client.authorise({**session, "Event-Timestamp": started_s}, password=password)
    yield _step(0, "Access-Request", f"{call.calling} to {call.called}", access)
    if not access.is_accept:
        return
    report = {**session, **_join_attributes(access)}
    yield _step(0, "Start", "", client.start({**report, "Event-Timestamp": started_s}))
    ends_s = min(call.seconds, int(access.get("Session-Timeout") or call.seconds))
    every_s = call.interim_s or int(access.get("Acct-Interim-Interval") or _INTERIM_DEFAULT_S)
    for at_s in range(every_s, ends_s, every_s):
        interim = client.interim({**report, **_usage(started_s, at_s)})
        yield _step(at_s, "Interim-Update", f"{at_s} s", interim)
    cause = "User-Request" if ends_s == call.seconds else "Session-Timeout"
    stop = client.stop({**report, **_usage(started_s, ends_s), "Acct-Terminate-Cause": cause})
    yield _step(ends_s, "Stop", f"{ends_s} s, {cause}", stop)


def _usage(started_s: int, at_s: int) -> dict[str, int]:
    """What is reported after `at_s` seconds, at the time that it would then be."""
    return {"Acct-Session-Time": at_s, "Event-Timestamp": started_s + at_s}


def _session_attributes(call: Call) -> dict[str, str | int]:
    """What every packet of the call carries."""
    attributes: dict[str, str | int] = {
        "Acct-Session-Id": call.session,
        "NAS-Identifier": "ocs-call",
        "Called-Station-Id": call.called,
        "Calling-Station-Id": call.calling,
    }
    attributes[_CARRIED_BY.get(call.kind, "User-Name")] = call.identity
    return attributes


def _join_attributes(access: Reply) -> dict[str, bytes]:
    """The Class of the Accept, which accounting repeats as it came (RFC 2865 section 5.25)."""
    token = access.get("Class")
    if token is None:
        return {}
    return {"Class": bytes.fromhex(token[2:]) if token.startswith("0x") else token.encode()}


def _step(at_s: int, request: str, said: str, reply: Reply) -> Step:
    told = ", ".join(
        f"{name} {value.removeprefix(f'{name}=')}" for name, value in reply.attributes if name not in _HIDDEN
    )
    answer = reply.code.name.replace("_", "-").title()
    return Step(at_s, request, said, answer, told, is_granted="Reject" not in answer)

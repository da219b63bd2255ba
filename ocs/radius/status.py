"""What a RADIUS server has seen of its gateways, as a small file that other processes read.

Owns: the form of that file, writing it whole or not at all, reading it. Does not own when it is written.
A gateway that gets no answer is told nothing by RADIUS; its operator finds the reason here.
"""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from ocs.errors import InputError
from ocs.radius.codec import Code
from ocs.radius.endpoint import Answered, Endpoint, Sighting, Silence

FRESH_MS: Final = 10_000
"A file older than this is that of a server that no longer runs."
_TITLES: Final = {
    Code.DISCONNECT_ACK: "Disconnect-ACK",
    Code.DISCONNECT_NAK: "Disconnect-NAK",
    Code.COA_REQUEST: "CoA-Request",
    Code.COA_ACK: "CoA-ACK",
    Code.COA_NAK: "CoA-NAK",
}
ADVICE: Final = {
    Silence.UNKNOWN_CLIENT: "no gateway has this address: `ocs gateway add` or `ocs gateway set --address`",
    Silence.MALFORMED: "no RADIUS packet: `ocs radius decode` says where it breaks",
    Silence.UNEXPECTED_CODE: "sent to the wrong port: accounting has one of its own",
    Silence.BAD_AUTHENTICATOR: "the secret differs: `ocs gateway set --secret`",
    Silence.BAD_MESSAGE_AUTHENTICATOR: "the secret differs: `ocs gateway set --secret`",
    Silence.MISSING_MESSAGE_AUTHENTICATOR: "unsigned: make it send Message-Authenticator, or "
    "`ocs gateway set --require-message-authenticator no`",
    Silence.UNPROTECTED_PROXY_STATE: "Proxy-State without Message-Authenticator: make the proxy sign, or "
    "`ocs gateway set --limit-proxy-state no`",
    Silence.OVERSIZED_PROXY_STATE: "more Proxy-State than a reply can carry",
    Silence.DUPLICATE_IN_PROGRESS: "its first copy is being answered",
    Silence.SEVERAL_CREDENTIALS: "two kinds of password in one request",
    Silence.NO_CREDENTIAL: "no password: `ocs gateway set --without-password` if it need not send one",
    Silence.MISSING_ATTRIBUTE: "no Acct-Status-Type, or nothing that names the session: the right dialect?",
    Silence.UNAVAILABLE: "the database could not be written: see the server's log",
    Silence.OVERLOADED: "too many requests at once",
    Silence.KEY_REUSED: "an earlier request's identifier and authenticator with other content",
    Silence.BUG: "a fault of ours: see the server's log",
}
"What an operator can do about each reason."


def describe_status(endpoint: Endpoint, counters: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """Counters, last request and last silences of every gateway and of strangers."""
    return {
        "written_at_ms": now_ms,
        "server": counters[""],
        "strangers": _describe_sightings(endpoint.strangers),
        "gateways": {
            client.gateway.name: {
                "heard_at_ms": client.heard_at_ms,
                "counters": client.counters,
                "answers": [_describe_answer(answer) for answer in client.answers],
                "silences": _describe_sightings(client.silences),
            }
            for client in endpoint.clients
        },
    }


def _describe_sightings(sightings: Collection[Sighting]) -> list[dict[str, Any]]:
    """The packet itself is told of the newest only: a flood of large ones must not make a large file."""
    described = [
        {
            "at_ms": sighting.at_ms,
            "host": sighting.source.host,
            "port": sighting.source.port,
            "reason": sighting.reason.value,
            "packet": "",
        }
        for sighting in sightings
    ]
    if described:
        described[-1]["packet"] = [*sightings][-1].octets.hex()
    return described


def _describe_answer(answer: Answered) -> dict[str, Any]:
    return {
        "at_ms": answer.at_ms,
        "host": answer.source.host,
        "port": answer.source.port,
        "asked": title(answer.asked),
        "answer": title(answer.answer),
    }


def title(code: Code) -> str:
    """A packet code as the RFCs write it: Access-Request."""
    return _TITLES.get(code) or code.name.replace("_", "-").title()


def title_of(packet: bytes) -> str:
    """The same of an encoded packet; empty when there is none, or its code is unknown."""
    known = {int(code): code for code in Code}
    return title(known[packet[0]]) if packet and packet[0] in known else ""


def write_status(path: Path, status: Mapping[str, Any]) -> None:
    """Put the file in place of the former one in one step; only its owner reads it, for packets are in it.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(path.name + ".new")
    beside.touch(mode=0o600)
    beside.write_text(json.dumps(status, separators=(",", ":")))
    beside.replace(path)


def read_status(path: Path, now_ms: int) -> dict[str, Any]:
    """What the running server wrote last.

    Raises:
        InputError: there is no such file, or no server has written it lately.
    """
    try:
        status: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(str(path), "is not there: no server has run with these settings") from None
    except (OSError, ValueError) as error:
        raise InputError(str(path), f"cannot be read: {error}") from error
    age_ms = now_ms - int(status["written_at_ms"])
    if age_ms > FRESH_MS:
        raise InputError(str(path), f"was last written {age_ms // 1000} s ago: the server does not run")
    return status

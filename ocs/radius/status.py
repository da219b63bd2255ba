"""What a RADIUS server has seen of its gateways, as a small file that other processes read.

Owns: the form of that file, writing it whole or not at all, reading it. Does not own when it is written.
A gateway that gets no answer is told nothing by RADIUS; its operator finds the reason here.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ocs.errors import InputError
from ocs.radius.endpoint import Endpoint, Sighting

FRESH_MS: Final = 10_000
"A file older than this is that of a server that no longer runs."


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
                "silences": _describe_sightings(client.silences),
            }
            for client in endpoint.clients
        },
    }


def _describe_sightings(sightings: Iterable[Sighting]) -> list[dict[str, Any]]:
    return [
        {"at_ms": at_ms, "host": source.host, "port": source.port, "reason": reason.value}
        for at_ms, source, reason in sightings
    ]


def write_status(path: Path, status: Mapping[str, Any]) -> None:
    """Put the file in place of the former one in one step.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(path.name + ".new")
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

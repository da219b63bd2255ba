"""``ocs gateway test``: is the server answering, and why does this gateway get no answer.

RADIUS tells a client nothing when it is silent; the reasons are in the server's status file
(`ocs.radius.status`). A packet can only be sent as from this machine, so that is tested with the gateway that
this machine is.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ocs.cli.books import Books
from ocs.cli.console import Column, Record, format_time, print_facts, print_json, print_records, say
from ocs.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from ocs.config import Address, Settings
    from ocs.ports import Gateway

_SEEN = (
    Column("at", "received (UTC)", is_time=True),
    Column("from", "from"),
    Column("asked", "packet"),
    Column("answer", "answer"),
    Column("advice", "what to do"),
)
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here


class Finding(NamedTuple):
    """What was found out about a gateway."""

    name: str
    listeners: Sequence[Record]
    "One for each address that the server listens on: whether it answers a Status-Server."
    trouble: str
    "Why nothing can be said about what was received; empty: it can."
    facts: Record
    packets: Sequence[Record]
    "The last packets of the gateway, the newest last."
    strangers: Sequence[Record]
    "The last packets from addresses that are no gateway's."

    @property
    def is_well(self) -> bool:
        """Whether the server answers, and answered the gateway's last packet."""
        is_answering = all(one["answer"] for one in self.listeners if one["asked"])
        is_answered = not self.packets or not self.packets[-1]["advice"]
        return is_answering and not self.trouble and is_answered


async def probe(books: Books, name: str) -> Finding:
    """Look and ask."""
    gateways = await books.catalog.load_gateways()
    gateway = next((one for one in gateways if one.name == name), None)
    if gateway is None:
        raise NotFoundError(f"gateway {name!r} does not exist")
    listeners = _ask_listeners(books.settings, gateway, gateways)
    facts: dict[str, Any] = {"address": gateway.address or "(gRPC only)", "enabled": gateway.enabled}
    status, trouble = _read_status(books)
    seen = status.get("gateways", {}).get(name)
    if status and seen is None:
        trouble = trouble or "the server does not serve it: it is disabled, has no address, or is too new"
    if seen is not None:
        facts["last_heard_at"] = format_time(seen["heard_at_ms"]) or "never"
        facts |= {key: seen["counters"][key] for key in sorted(seen["counters"])}
    packets = [] if seen is None else _list_packets(seen)
    strangers = [_silence(one) for one in status.get("strangers", ())]
    return Finding(name, listeners, trouble, facts, packets, strangers)


def print_finding(finding: Finding, *, as_json: bool) -> None:
    """For people or scripts."""
    if as_json:
        print_json(finding._asdict())
        return
    for one in finding.listeners:
        say(f"{one['listener']}: {one['told']}")
    print_facts(finding.facts, as_json=False, title=f"gateway {finding.name}")
    if finding.trouble:
        say(f"What it sent is not known: {finding.trouble}.")
        return
    print_records(finding.packets, _SEEN, as_json=False, title="its last packets", empty="none")
    _print_last_silent(finding.packets)
    if finding.strangers:
        print_records(finding.strangers, _SEEN, as_json=False, title="packets of nobody")


def _print_last_silent(packets: Sequence[Record]) -> None:
    silent = [one["packet"] for one in packets if one.get("packet")]
    if silent:
        say(f"The last one without an answer, for `ocs radius decode`:\n{silent[-1]}")


# ---------------------------------------------------------------------------------------- what was received


def _read_status(books: Books) -> tuple[Mapping[str, Any], str]:
    """What the server wrote, or why it cannot be known."""
    from ocs.radius.status import read_status

    settings = books.settings
    if not settings.radius.status_file:
        return {}, "[radius] status_file is empty"
    try:
        return read_status(settings.path.parent / settings.radius.status_file, books.clock.now_ms()), ""
    except InputError as error:
        return {}, f"{error.place} {error.reason}"


def _list_packets(seen: Mapping[str, Any]) -> list[Record]:
    """Answered and silent ones in the order in which they came."""
    answers = [
        {**_place(one), "asked": one["asked"], "answer": one["answer"], "advice": ""}
        for one in seen["answers"]
    ]
    return sorted([*answers, *map(_silence, seen["silences"])], key=lambda one: one["at"] or "")


def _silence(one: Mapping[str, Any]) -> dict[str, Any]:
    from ocs.radius.endpoint import Silence
    from ocs.radius.status import ADVICE, title_of

    reason = Silence(one["reason"])
    asked = title_of(bytes.fromhex(one["packet"]))
    told = {"asked": asked, "answer": f"none: {reason.value}", "advice": ADVICE[reason]}
    return {**_place(one), **told, "packet": one["packet"]}


def _place(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"at": format_time(one["at_ms"]), "from": f"{one['host']}:{one['port']}"}


# ---------------------------------------------------------------------------------------- Status-Server


def _ask_listeners(settings: "Settings", gateway: "Gateway", gateways: "Sequence[Gateway]") -> list[Record]:
    return [
        _ask_listener(f"{kind} {address}", address, gateway, gateways)
        for kind, addresses in (
            ("authentication", settings.radius.listen_auth),
            ("accounting", settings.radius.listen_acct),
        )
        for address in addresses
    ]


def _ask_listener(
    listener: str, address: "Address", gateway: "Gateway", gateways: "Sequence[Gateway]"
) -> dict[str, Any]:
    """Ask one address, as the gateway that this machine is to it."""
    from ocs.radius.client import NoReplyError, ask_status
    from ocs.radius.status import title

    host = _WILDCARDS.get(address.host, address.host)
    sender = _find_sender(host, gateway, gateways)
    told: dict[str, Any] = {"listener": listener, "asked": sender is not None, "answer": None}
    if sender is None:
        return {**told, "told": f"not asked: no gateway has an address that {host} is asked from here"}
    as_whom = "" if sender.name == gateway.name else f" as gateway {sender.name}"
    try:
        code, took_ms = ask_status(host, address.port, sender.secret)
    except NoReplyError as error:
        return {**told, "told": f"Status-Server{as_whom}: {error}"}
    return {
        **told,
        "answer": title(code),
        "told": f"Status-Server{as_whom}: {title(code)} after {took_ms:.1f} ms",
    }


def _find_sender(host: str, gateway: "Gateway", gateways: "Sequence[Gateway]") -> "Gateway | None":
    """Whose secret a packet from this machine to that address needs: the longest CIDR wins."""
    try:
        source = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return gateway if gateway.secret else None
    found = [
        (network.prefixlen, one.id, one)
        for one in gateways
        if one.enabled and one.address and source in (network := ipaddress.ip_network(one.address))
    ]
    return max(found)[2] if found else None

"""Every shipped dialect against a table of packets: what the core is asked, and what the gateway is told."""

import re
import tomllib
from typing import Any

import pytest
from radius_vectors import FOLDER, access_request, accounting_request, dialects, exchange, reply_texts

from ocs.charging.outcome import Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.ports import GrantMode, GrantPolicy, IdentityKind
from ocs.radius.dialect import Dialect
from ocs.radius.endpoint import Silence
from ocs.radius.translate import Translator, read_peer

TABLES = sorted((FOLDER / "dialects").glob("*.toml"))
CASES = [(path.stem, case) for path in TABLES for case in tomllib.loads(path.read_text())["case"]]
KINDS = [kind for kind in IdentityKind if kind is not IdentityKind.CODE]


REPORTS_ONLY = {"acme", "asterisk", "patton", "sonus"}
"Equipment that never asks."
RECORDS_ONLY = {"asterisk"}
"Equipment that reports each call once, when it is over."
NO_INTERIM = {"freeswitch"}
"Equipment that reports beginning and end."


def test_every_dialect_has_its_table() -> None:
    """And every table its dialect."""
    assert [path.stem for path in TABLES] == sorted(dialects())


@pytest.mark.parametrize("name", sorted(dialects()))
def test_a_table_tells_a_whole_session(name: str) -> None:
    """What the family asks and reports from beginning to end, what it is granted and why it is refused."""
    told = {what_is_told(case) for dialect, case in CASES if dialect == name}

    expected = {"Stop"}
    expected |= set() if name in RECORDS_ONLY else {"Start"}
    expected |= set() if name in RECORDS_ONLY | NO_INTERIM else {"Interim-Update"}
    expected |= set() if name in REPORTS_ONLY else {"grant", "refusal"}
    assert expected <= told


def what_is_told(case: dict[str, Any]) -> str:
    """Which part of a session a row is about."""
    if "access" in case:
        return "refusal" if "refusal" in case else "grant" if "reply" in case else "question"
    return str(dict(case["accounting"]).get("Acct-Status-Type", ""))


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case['story']}" for name, case in CASES])
def test_dialect(name: str, case: dict[str, Any]) -> None:
    """One row: a packet of this dialect, the request it becomes, and the reply to its outcome."""
    policy = GrantPolicy(mode=GrantMode(case.get("policy", "slice")))
    changes = {"identity_order": tuple(KINDS), "authorize_without_password": True, "grant": policy}
    changes |= case.get("gateway", {})
    changes["identity_order"] = tuple(map(IdentityKind, changes["identity_order"]))
    if "access" in case:
        datagram = access_request(case["access"], dialect=name, password=case.get("password"))
    else:
        datagram = accounting_request(case["accounting"], dialect=name)
    packet = exchange(datagram, dialect=name, **changes)
    translator = Translator(b"key")

    action = translator.to_charging(packet)

    if "action" in case:
        assert (action.value if isinstance(action, Silence) else type(action).__name__) == case["action"]
        return
    assert isinstance(action, ChargingRequest), action
    expected = dict(case["request"])
    assert {key: describe(action, key) for key in expected} == expected
    if "reply" in case or "absent" in case:
        outcome = Outcome(code=OutcomeCode.SUCCESS, currency="EUR", **case.get("outcome", {}))
        if "refusal" in case:
            outcome = Outcome(code=OutcomeCode[case["refusal"]])
        texts = reply_texts(translator.to_reply(packet, action, outcome)[1], name)
        wanted = [(key, text) for key, texts_ in case.get("reply", {}).items() for text in listed(texts_)]
        assert [pair for pair in wanted if pair not in texts] == [], texts
        assert {key for key, _ in texts} & set(case.get("absent", ())) == set()


RENEWING = {"isg", "wimax"}
STOPPABLE = {"cisco", "coova", "generic", "gpp", "mikrotik"}


@pytest.mark.parametrize(
    ("names", "coa_port", "mode", "timeout"),
    [
        (RENEWING, 3799, GrantMode.SLICE, 60),
        (RENEWING, 0, GrantMode.SLICE, 60),
        (STOPPABLE, 3799, GrantMode.SLICE, 600),
        (STOPPABLE, 0, GrantMode.WHOLE, 60),
        (set(dialects()) - RENEWING - STOPPABLE, 3799, GrantMode.WHOLE, 60),
    ],
    ids=["renews", "renews, no CoA", "can be stopped", "no CoA port", "neither"],
)
def test_only_equipment_that_can_be_stopped_is_told_more_than_is_held(
    names: set[str], coa_port: int, mode: GrantMode, timeout: int
) -> None:
    """Under a slice policy: the slice to who asks again, all that is affordable to who can be stopped.

    Whoever can do neither is granted whole, so that what it is told is what is held.
    """
    for name in sorted(names):
        told = tell_seconds(dialects()[name], coa_port)
        assert told == (mode, {timeout}), name


def tell_seconds(dialect: Dialect, coa_port: int) -> tuple[GrantMode, set[int]]:
    """How a timed session of the family is granted, and every number of seconds that its Accept says."""
    call = {
        "User-Name": "a",
        "Called-Station-Id": "44",
        "Acct-Session-Id": "1",
        "Cisco-AVPair": "service=wifi",
    }
    datagram = access_request(call, dialect=dialect.name, password="x")
    packet = exchange(datagram, dialect=dialect.name, coa_port=coa_port)
    translator = Translator(b"key")
    action = translator.to_charging(packet)
    assert isinstance(action, ChargingRequest)
    outcome = Outcome(code=OutcomeCode.SUCCESS, granted_units=60, affordable_units=600)
    texts = reply_texts(translator.to_reply(packet, action, outcome)[1], dialect.name)
    wanted = re.compile(r"(?:QT|DURATION:|credit-time=|^)(\d+)$")
    names = ("Session-Timeout", "Cisco-Control-Info", "h323-credit-time")
    found = [wanted.search(text) for name, text in texts if name in names or "DURATION" in text]
    return action.gateway.grant.mode, {int(match[1]) for match in found if match}


def listed(value: Any) -> list[Any]:
    """A single expectation, or several of one attribute."""
    return value if isinstance(value, list) else [value]


def describe(request: ChargingRequest, key: str) -> Any:
    """One fact of a request in the table's words."""
    if key == "type":
        return request.type.name
    if key == "service":
        return request.service.name
    if key == "identities":
        return {kind.value: value for kind, value in request.identities}
    if key == "hints":
        return [[kind.value, value] for kind, value in request.identities]
    if key == "access_code":
        return request.access_code.value
    if key == "credential":
        return request.credential is not None
    if key in ("seconds", "octets_in", "octets_out", "messages"):
        return getattr(request.usage, key) if request.usage is not None else "none"
    if key == "age_s":
        return (request.received_at_ms - request.event_at_ms) / 1000
    if key == "raw":
        peer = read_peer(request.peer_attributes)
        assert peer is not None
        return dict(reply_texts(peer.identification, request.gateway.dialect))
    return getattr(request, key)

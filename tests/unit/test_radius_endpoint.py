"""The endpoint's duties, one after the other: client, authenticity, policy, duplicates, Status-Server."""

from typing import Any

import pytest
from radius_vectors import (
    FOLDER,
    NONCE,
    NOW_MS,
    RFC_VECTORS,
    SECRET,
    SOURCE,
    access_request,
    accounting_request,
    dialects,
    endpoint,
    every_packet,
    extra_vectors,
    gateway,
)

import ocs.radius.endpoint
from ocs.errors import InputError
from ocs.radius.codec import Code, Secret, decode, encode_attribute, encode_request, is_reply_authentic
from ocs.radius.endpoint import (
    REPLY_CACHE_TTL_MS,
    SIGHTINGS_MAX,
    Endpoint,
    Exchange,
    Role,
    Silence,
    Source,
)
from ocs.radius.translate import Translator

REPORT = {"Acct-Status-Type": "Start", "Acct-Session-Id": "1"}
OTHER_NONCE = bytes(range(1, 17))


def receive(
    server: Endpoint,
    datagram: bytes,
    *,
    role: Role | None = None,
    source: Source = SOURCE,
    now_ms: int = NOW_MS,
) -> bytes | Exchange | Silence:
    """Pass a datagram to the port that serves its code."""
    usual = Role.ACCOUNTING if datagram[:1] == b"\x04" else Role.AUTHENTICATION
    return server.receive_datagram(datagram, source, role or usual, now_ms)


def bare_state(identifier: int = 1) -> bytes:
    """An Access-Request with Proxy-State and without Message-Authenticator."""
    return access_request({"Proxy-State": b"x"}, identifier=identifier, signed=False)


# ---------------------------------------------------------------------------------------- client


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("192.0.2.10", "host"),
        ("192.0.2.11", "net"),
        ("198.51.100.1", "everybody"),
        ("2001:db8::1", "v6"),
        ("2001:db9::1", None),
        ("fe80::1%eth0", "link"),
        ("::ffff:192.0.2.10", "host"),
        ("no address", None),
    ],
)
def test_the_longest_cidr_that_contains_the_source_is_the_client(host: str, name: str | None) -> None:
    """IPv4, IPv6, scoped and mapped addresses; twice, because the first answer is remembered."""
    server = endpoint(
        gateway(id=1, name="everybody", address="0.0.0.0/0"),
        gateway(id=2, name="net", address="192.0.2.0/24"),
        gateway(id=3, name="host", address="192.0.2.10"),
        gateway(id=4, name="v6", address="2001:db8::/32"),
        gateway(id=5, name="link", address="fe80::/10"),
    )

    for port in (1, 2):
        result = receive(server, access_request({}), source=Source(0, host, port))
        found = result.client.gateway.name if isinstance(result, Exchange) else None
        assert found == name


def test_remembered_addresses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway with a whole network does not fill the memory, and is still found."""
    monkeypatch.setattr(ocs.radius.endpoint, "ADDRESSES_MAX", 3)
    server = endpoint(gateway(address="10.0.0.0/8"))

    for number in range(10):
        assert isinstance(
            receive(server, access_request({}), source=Source(0, f"10.0.0.{number}", 1)), Exchange
        )

    assert len(server._table._remembered) <= 3


def test_strangers_are_counted() -> None:
    """Whatever an unknown address sends, it hears nothing."""
    server = endpoint()

    assert receive(server, b"", source=Source(0, "203.0.113.1", 1)) is Silence.UNKNOWN_CLIENT
    assert server.counters()[""] == {"unknown_client": 1}


@pytest.mark.parametrize(
    ("changes", "place", "reason"),
    [
        ({"secret": ""}, "gateway 'gw'", "secret"),
        ({"address": "192.0.2.300"}, "gateway 'gw'", "address"),
        ({"address": "other.example"}, "gateway 'gw'", "address"),
        ({"dialect": "klingon"}, "gateway 'gw'", "no dialect 'klingon'"),
        ({"zone": "Moon/Sea"}, "gateway 'gw'", "no time zone 'Moon/Sea'"),
        ({"zone": "../etc"}, "gateway 'gw'", "no time zone"),
    ],
)
def test_an_unusable_gateway_is_named(changes: dict[str, Any], place: str, reason: str) -> None:
    """The error says which record and what is wrong, and the former clients stay."""
    server = endpoint()

    with pytest.raises(InputError, match=reason) as caught:
        server.set_clients(
            [gateway(id=1), gateway(**changes)] if changes.get("id") else [gateway(**changes)], dialects()
        )

    assert caught.value.place == place
    assert [client.gateway.name for client in server.clients] == ["gw"]


def test_two_gateways_cannot_have_one_network() -> None:
    """Both are named."""
    with pytest.raises(InputError, match=r"'b'.*also that of 'a'"):
        endpoint(gateway(id=1, name="a"), gateway(id=2, name="b", address="192.0.2.10/32"))


def test_disabled_and_foreign_gateways_are_no_clients() -> None:
    """A gateway without address speaks another protocol."""
    server = endpoint(gateway(id=1, enabled=False), gateway(id=2, address=""))

    assert server.clients == []


# ---------------------------------------------------------------------------------------- authenticity


@pytest.mark.parametrize(
    "octets",
    [
        line.split("  ", 1)[0]
        for line in (FOLDER / "malformed.txt").read_text().splitlines()
        if line[:1] not in ("", "#")
    ],
)
def test_malformed_packets_are_silence(octets: str) -> None:
    """No exception reaches the skin; the client's counter moves."""
    server = endpoint()

    assert receive(server, bytes.fromhex(octets.strip("- "))) is Silence.MALFORMED
    assert server.counters()["gw"] == {"malformed": 1}


@pytest.mark.parametrize(
    ("datagram", "role", "expected"),
    [
        (access_request({}), Role.ACCOUNTING, Silence.UNEXPECTED_CODE),
        (accounting_request(REPORT), Role.AUTHENTICATION, Silence.UNEXPECTED_CODE),
        (accounting_request(REPORT, secret="other"), None, Silence.BAD_AUTHENTICATOR),
        (access_request({}, secret="other"), None, Silence.BAD_MESSAGE_AUTHENTICATOR),
        (
            access_request({"EAP-Message": b"\x02\x01"}, signed=False),
            None,
            Silence.MISSING_MESSAGE_AUTHENTICATOR,
        ),
        (access_request({"Digest-Response": "0"}, signed=False), None, Silence.MISSING_MESSAGE_AUTHENTICATOR),
        (access_request([("Proxy-State", bytes(250))] * 9), None, Silence.OVERSIZED_PROXY_STATE),
    ],
)
def test_what_is_not_right_is_silence(datagram: bytes, role: Role | None, expected: Silence) -> None:
    """Wrong port, wrong secret, missing or wrong Message-Authenticator."""
    server = endpoint()

    assert receive(server, datagram, role=role) is expected
    assert server.counters()["gw"] == {expected.value: 1}


def test_an_accounting_request_may_be_signed_twice() -> None:
    """A Message-Authenticator in accounting is computed over a zero authenticator, and checked."""
    secret = Secret(SECRET)
    for mac, expected in ((None, Exchange), (bytes(16), Silence)):
        attributes = b"\x50\x12" + bytes(16) + encode_attribute(40, b"\0\0\0\1")
        head = b"\x04\x01" + (20 + len(attributes)).to_bytes(2)
        value = secret.hmac_md5(head + bytes(16) + attributes) if mac is None else mac
        attributes = b"\x50\x12" + value + attributes[18:]
        packet = head + secret.md5_after(head + bytes(16) + attributes) + attributes

        assert isinstance(receive(endpoint(), packet), expected)


@pytest.mark.parametrize(
    ("policy", "results"),
    [
        ("no", ["served", "served", "served"]),
        ("auto", ["served", "served", "missing_message_authenticator"]),
        ("yes", ["missing_message_authenticator", "served", "missing_message_authenticator"]),
    ],
)
def test_message_authenticator_policy(policy: str, results: list[str]) -> None:
    """A request without one, one with, one without: auto learns that the gateway can."""
    server = endpoint(gateway(require_message_authenticator=policy))
    found = []

    for number, signed in enumerate((False, True, False)):
        result = receive(server, access_request({}, identifier=number, signed=signed))
        found.append(result.value if isinstance(result, Silence) else "served")

    assert found == results


def test_a_wrong_message_authenticator_teaches_nothing() -> None:
    """Otherwise a stranger could make the server refuse a gateway that sends none."""
    server = endpoint()

    receive(server, access_request({}, secret="other"))

    assert isinstance(receive(server, access_request({}, signed=False)), Exchange)


@pytest.mark.parametrize(
    ("policy", "first", "expected"),
    [
        ("no", "plain", "served"),
        ("yes", "bare", "unprotected_proxy_state"),
        ("auto", "plain", "unprotected_proxy_state"),
        ("auto", "bare", "served"),
    ],
)
def test_proxy_state_policy(policy: str, first: str, expected: str) -> None:
    """Proxy-State without Message-Authenticator: auto allows it to who began with it, an old proxy."""
    server = endpoint(gateway(limit_proxy_state=policy))

    receive(server, bare_state(1) if first == "bare" else access_request({}, signed=False))
    result = receive(server, bare_state(2))

    assert (result.value if isinstance(result, Silence) else "served") == expected


def test_what_was_learned_survives_a_change_of_the_record() -> None:
    """Counters and habits stay with the gateway, unless its secret changed."""
    server = endpoint()
    receive(server, access_request({}))

    server.set_clients([gateway(name="renamed")], dialects())
    assert (
        receive(server, access_request({}, signed=False, identifier=2))
        is Silence.MISSING_MESSAGE_AUTHENTICATOR
    )
    assert server.counters()["renamed"] == {"access_request": 1, "missing_message_authenticator": 1}

    server.set_clients([gateway(secret="new")], dialects())
    assert isinstance(receive(server, access_request({}, signed=False, identifier=3)), Exchange)


ACCEPT_HEAD = b"\x50\x12"
"What an Access-Accept begins with: type and length of a Message-Authenticator."


def attack(identifier: int = 9) -> bytes:
    """What CVE-2024-3596 makes of an unsigned request: Proxy-States of an attacker's choice behind it.

    The client's own part is as it was; the rest is a prefix of the reply that is wanted and the octets that
    make both collide.
    """
    states = [("Proxy-State", bytes([n]) * 230) for n in (0xC0, 0xC1)]
    honest = [("User-Name", "mallory"), ("NAS-Identifier", "nas")]
    return access_request([*honest, *states], password="x", identifier=identifier, signed=False)


@pytest.mark.parametrize(
    ("required", "limited", "habit", "expected"),
    [
        ("no", "no", "plain", "served"),
        ("no", "auto", "plain", "unprotected_proxy_state"),
        ("no", "auto", "bare", "served"),
        ("no", "yes", "bare", "unprotected_proxy_state"),
        ("auto", "no", "plain", "served"),
        ("auto", "no", "signed", "missing_message_authenticator"),
        ("auto", "auto", "plain", "unprotected_proxy_state"),
        ("auto", "auto", "signed", "missing_message_authenticator"),
        ("auto", "yes", "plain", "unprotected_proxy_state"),
        ("yes", "no", "signed", "missing_message_authenticator"),
        ("yes", "auto", "signed", "missing_message_authenticator"),
        ("yes", "yes", "signed", "missing_message_authenticator"),
    ],
)
def test_a_forged_proxy_state_needs_a_careless_policy(
    required: str, limited: str, habit: str, expected: str
) -> None:
    """Nine combinations of both policies, and what the client sent before."""
    server = endpoint(gateway(require_message_authenticator=required, limit_proxy_state=limited))
    usual = {
        "plain": access_request({}, signed=False),
        "bare": bare_state(),
        "signed": access_request({}),
    }
    receive(server, usual[habit])

    result = receive(server, attack())

    assert (result.value if isinstance(result, Silence) else "served") == expected


def test_even_a_served_forgery_is_of_no_use() -> None:
    """The reply begins with a Message-Authenticator, which nobody can foresee: no prefix can be prepared."""
    server = endpoint(gateway(require_message_authenticator="no", limit_proxy_state="no"))
    asked = receive(server, attack())
    assert isinstance(asked, Exchange)

    reply = server.answer(asked, Code.ACCESS_REJECT, encode_attribute(18, b"no"))

    assert reply[20:22] == ACCEPT_HEAD
    assert decode(reply).get_all(33) == asked.packet.get_all(33)
    assert is_reply_authentic(decode(reply), NONCE, Secret(SECRET))


@pytest.mark.parametrize(("policy", "is_served"), [("no", True), ("auto", True), ("yes", False)])
def test_digest_of_a_family_with_nonces_of_its_own_may_be_unsigned(policy: str, *, is_served: bool) -> None:
    """OpenSIPS borrows the attributes of RFC 5090 and cannot sign: only a policy of yes refuses it."""
    server = endpoint(gateway(dialect="opensips", require_message_authenticator=policy))

    result = receive(server, access_request({"Digest-Response": "0"}, signed=False))

    assert isinstance(result, Exchange) is is_served


def test_every_packet_cut_anywhere_is_counted_silence() -> None:
    """Whatever octet a datagram ends at, it is malformed, and no half of it is believed."""
    server = endpoint()
    cut = 0
    for octets in sorted(every_packet()):
        for length in range(len(octets)):
            assert receive(server, octets[:length]) is Silence.MALFORMED
            cut += 1

    assert server.counters()["gw"] == {"malformed": cut}
    assert len(server.clients[0].silences) == SIGHTINGS_MAX


# ---------------------------------------------------------------------------------------- duplicates


def test_a_retransmission_gets_the_same_octets_again() -> None:
    """While the answer is worked on it gets nothing, afterwards the stored reply, byte for byte."""
    server = endpoint()
    packet = accounting_request(REPORT)
    exchange = receive(server, packet)
    assert isinstance(exchange, Exchange)

    assert receive(server, packet) is Silence.DUPLICATE_IN_PROGRESS
    reply = server.answer(exchange, Code.ACCOUNTING_RESPONSE, b"")
    assert receive(server, packet) == reply
    assert receive(server, packet, now_ms=NOW_MS + REPLY_CACHE_TTL_MS - 1) == reply
    assert isinstance(receive(server, packet, now_ms=NOW_MS + REPLY_CACHE_TTL_MS), Exchange)


@pytest.mark.parametrize(
    "changes", [{"socket": 1}, {"host": "192.0.2.11"}, {"port": 50_001}], ids=["socket", "host", "port"]
)
def test_the_same_packet_from_elsewhere_is_another_request(changes: dict[str, Any]) -> None:
    """Identifiers are unique per source address, source port and receiving socket only."""
    server = endpoint(gateway(address="192.0.2.0/24"))
    packet = accounting_request(REPORT)
    receive(server, packet)

    assert isinstance(receive(server, packet, source=SOURCE._replace(**changes)), Exchange)


def test_a_reused_identifier_with_another_authenticator_is_a_new_request() -> None:
    """The former reply is forgotten: it answers nothing that can still come."""
    server = endpoint()
    first = receive(server, access_request({}))
    assert isinstance(first, Exchange)
    server.answer(first, Code.ACCESS_REJECT, b"")

    second = receive(server, access_request({}, authenticator=OTHER_NONCE))

    assert isinstance(second, Exchange)
    assert isinstance(receive(server, access_request({})), Exchange)


def test_an_authenticator_that_is_used_twice_gets_nobody_elses_answer() -> None:
    """A client with a poor random source asks for mallory what looks like alice's retransmission."""
    server = endpoint()
    first = receive(server, access_request({"User-Name": "alice"}, signed=False))
    assert isinstance(first, Exchange)
    accept = server.answer(first, Code.ACCESS_ACCEPT, b"")

    second = receive(server, access_request({"User-Name": "mallory"}, signed=False))

    assert isinstance(second, Exchange)
    assert second.packet.get(1) == b"mallory"
    assert receive(server, access_request({"User-Name": "alice"}, signed=False)) != accept


def test_a_forged_copy_does_not_touch_the_cache() -> None:
    """A packet with a bad Message-Authenticator must not displace the answer of a good one."""
    server = endpoint()
    packet = access_request({})
    first = receive(server, packet)
    assert isinstance(first, Exchange)
    reply = server.answer(first, Code.ACCESS_ACCEPT, b"")

    forged = access_request({}, authenticator=OTHER_NONCE, secret="other")
    assert receive(server, forged) is Silence.BAD_MESSAGE_AUTHENTICATOR
    assert receive(server, packet) == reply


def test_an_abandoned_exchange_may_be_repeated() -> None:
    """Nothing was booked, so the retransmission is served; a late abandon does not hurt its successor."""
    server = endpoint()
    packet = accounting_request(REPORT)
    first = receive(server, packet)
    assert isinstance(first, Exchange)
    server.abandon(first, Silence.UNAVAILABLE)
    second = receive(server, packet)

    assert isinstance(second, Exchange)
    server.abandon(first, Silence.UNAVAILABLE)
    assert receive(server, packet) is Silence.DUPLICATE_IN_PROGRESS
    assert server.counters()["gw"]["unavailable"] == 2


def test_the_duplicate_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answered and expired entries make room; when all are worked on, new requests are dropped."""
    monkeypatch.setattr(ocs.radius.endpoint, "MEMORIES_MAX", 3)
    server = endpoint()

    def send(identifier: int, now_ms: int = NOW_MS) -> bytes | Exchange | Silence:
        return receive(server, accounting_request(REPORT, identifier=identifier), now_ms=now_ms)

    exchanges = [send(identifier) for identifier in range(3)]
    assert send(3) is Silence.OVERLOADED
    assert isinstance(exchanges[0], Exchange)
    server.answer(exchanges[0], Code.ACCOUNTING_RESPONSE, b"")
    assert isinstance(send(3), Exchange)
    assert send(4) is Silence.OVERLOADED
    assert isinstance(send(4, NOW_MS + REPLY_CACHE_TTL_MS), Exchange)
    assert len(server._memories) == 1


# ---------------------------------------------------------------------------------------- Status-Server


@pytest.mark.parametrize(
    ("role", "code"), [(Role.AUTHENTICATION, Code.ACCESS_ACCEPT), (Role.ACCOUNTING, Code.ACCOUNTING_RESPONSE)]
)
def test_status_server_is_answered_by_the_ports_own_code(role: Role, code: Code) -> None:
    """RFC 5997 section 4.2; it is not kept in the duplicate cache."""
    secret = Secret(SECRET)
    packet = encode_request(
        Code.STATUS_SERVER, identifier=8, attributes=b"", secret=secret, authenticator=NONCE
    )
    server = endpoint()

    reply = receive(server, packet, role=role)

    assert isinstance(reply, bytes)
    assert decode(reply).code is code
    assert is_reply_authentic(decode(reply), NONCE, secret)
    assert server._memories == {}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (b"", Silence.MISSING_MESSAGE_AUTHENTICATOR),
        (b"\x50\x12" + bytes(16), Silence.BAD_MESSAGE_AUTHENTICATOR),
    ],
)
def test_an_unsigned_status_server_is_silence(attributes: bytes, expected: Silence) -> None:
    """RFC 5997 section 3."""
    packet = b"\x0c\x01" + (20 + len(attributes)).to_bytes(2) + NONCE + attributes

    assert receive(endpoint(), packet) is expected


# ---------------------------------------------------------------------------------------- vectors


@pytest.mark.parametrize("vector", [v for v in RFC_VECTORS if "expect" in v], ids=lambda v: v["name"])
def test_rfc_packets_get_what_they_must(vector: dict[str, str]) -> None:
    """Requests of the RFCs are served, answered or dropped as the vector file says."""
    server = endpoint(gateway(secret=vector["secret"]))
    kind, _, code = vector["expect"].partition(" ")
    role = Role.ACCOUNTING if code == "5" else Role.AUTHENTICATION

    result = receive(server, bytes.fromhex(vector["hex"]), role=role)

    if kind == "status":
        assert isinstance(result, bytes)
        assert decode(result).code == int(code)
    elif kind == "malformed":
        assert result is Silence.MALFORMED
    else:
        assert isinstance(result, Exchange)


def test_packets_of_other_projects_get_what_they_must() -> None:
    """Through endpoint and translation: dropped, dropped by policy, or answered, as each vector says."""
    for vector in extra_vectors():
        if vector["expect"]:
            assert what_becomes_of(vector).startswith(vector["expect"]), vector["name"]


def what_becomes_of(vector: dict[str, Any]) -> str:
    """The same in the vector's words, and more exactly."""
    server = endpoint(gateway(secret=vector["secret"] or "unpublished", authorize_without_password=True))
    result = receive(server, bytes.fromhex(vector["hex"]))
    if isinstance(result, Exchange):
        action = Translator(b"key").to_charging(result)
        if action is Silence.SEVERAL_CREDENTIALS:
            return "drop (policy)"
        return "drop" if isinstance(action, Silence) else "reply"
    return "drop" if isinstance(result, Silence) else "reply"

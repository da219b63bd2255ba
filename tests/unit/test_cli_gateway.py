"""``ocs gateway``: records of equipment, and why it gets no answer."""

import pytest
from command import Shell
from radius_vectors import NOW_MS, SOURCE, access_request, dialects, gateway
from server import free_ports

from ocs.charging.clock import SystemClock
from ocs.radius.endpoint import Endpoint, Exchange, Role, Silence, Source
from ocs.radius.status import ADVICE, describe_status, write_status

GATEWAY = ("smg", "--address", "192.0.2.10", "--secret", "testing123", "--dialect", "eltex")


@pytest.fixture
def known(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell that knows a gateway named smg, and a server that listens to nobody's port."""
    import socket

    (port,) = free_ports(1, socket.SOCK_DGRAM)
    monkeypatch.setenv("OCS_RADIUS_LISTEN_AUTH", f"127.0.0.1:{port}")
    monkeypatch.setenv("OCS_RADIUS_LISTEN_ACCT", "")
    shell.ok("gateway", "add", *GATEWAY)
    return shell


def test_what_is_given_is_changed_and_nothing_else(known: Shell) -> None:
    """Every option, one by one, against the record as it was."""
    record = known.json("gateway", "show", "smg")
    for arguments, changes in (
        (["--address", "192.0.2.0/24"], {"address": "192.0.2.0/24"}),
        (["--dialect", "cisco"], {"dialect": "cisco"}),
        (["--identified-by", "ani,trunk"], {"identity_order": "ani, trunk"}),
        (["--grant", "whole", "--max-seconds", "900"], {"grant": "whole", "max_grant_s": 900}),
        (["--interim-seconds", "30"], {"interim_interval_s": 30}),
        (["--tech-prefix", "99#, 9"], {"tech_prefixes": "99#, 9"}),
        (["--country-code", "44", "--national-digits", "10"], {"country_code": "44"}),
        (["--zone", "Europe/Moscow", "--coa-port", "0"], {"zone": "Europe/Moscow", "coa_port": 0}),
        (["--coa-address", "2001:DB8::0001"], {"coa_address": "2001:db8::1"}),
        (["--coa-address", ""], {"coa_address": None}),
        (["--without-password"], {"authorize_without_password": True}),
        (["--with-password"], {"authorize_without_password": False}),
        (["--require-message-authenticator", "yes"], {"require_message_authenticator": "yes"}),
        (["--limit-proxy-state", "no"], {"limit_proxy_state": "no"}),
        (
            ["--return-code", "funds_locked=3", "--return-code", "zero_balance=11"],
            {"return_codes": "funds_locked=3, zero_balance=11"},
        ),
        (["--return-code", "funds_locked="], {"return_codes": "zero_balance=11"}),
        (["--disable"], {"enabled": False}),
        (["--enable", "--name", "smg2"], {"enabled": True, "name": "smg2"}),
    ):
        changed = known.json("gateway", "set", record["name"], *arguments)
        assert changed == {**record, **changes}
        record = changed
    assert known.json("gateway", "show", "smg2") == record
    assert "testing123" not in known.ok("gateway", "show", "smg2")


def test_a_wrong_change_names_its_option_and_writes_nothing(known: Shell) -> None:
    """Alone or beside what the record says already."""
    before = known.json("gateway", "list")

    for code, arguments, error in (
        (2, ["--dialect", "klingon"], "--dialect: 'klingon' is none of acme"),
        (2, ["--grant", "some"], "--grant: 'some' is none of whole, slice"),
        (2, ["--identified-by", "ani,ani"], "--identified-by: 'ani,ani' names a kind twice"),
        (2, ["--national-digits", "10"], "--country-code: is needed"),
        (2, ["--country-code", "uk"], "--country-code: 'uk' is not made of digits"),
        (2, ["--zone", "Moon/Sea"], "gateway zone"),
        (2, ["--address", "somewhere"], "gateway address"),
        (2, ["--coa-address", "192.0.2.0/24"], "gateway CoA address: '192.0.2.0/24' is no IP address"),
        (2, ["--secret", ""], "gateway secret: a gateway that sends RADIUS needs one"),
        (2, ["--limit-proxy-state", "maybe"], "--limit-proxy-state: 'maybe' is none of no, auto, yes"),
        (2, ["--return-code", "no_reason=1"], "--return-code: 'no_reason' is none of account_denied"),
        (2, ["--return-code", "zero_balance=x"], "--return-code: 'zero_balance=x' is not REASON=CODE"),
        (4, ["--address", "127.0.0.1"], "has the address 127.0.0.1"),
    ):
        assert error.split(" is none of ")[0] in known.refused(code, "gateway", "set", "smg", *arguments)
    assert "does not exist" in known.refused(3, "gateway", "set", "nobody", "--disable")
    assert "does not exist" in known.refused(3, "gateway", "show", "nobody")
    assert "does not exist" in known.refused(3, "gateway", "test", "nobody")
    assert known.json("gateway", "list") == before


def test_without_a_server_the_test_says_so(known: Shell) -> None:
    """Nobody answers the Status-Server, and nobody wrote what was received."""
    result = known.run("gateway", "test", "smg")

    assert result.code == 1
    assert "Status-Server as gateway sample-gateway: 127.0.0.1:" in result.out
    assert "What it sent is not known" in result.out
    assert "no server has run with these settings" in result.out


def test_a_gateway_finds_its_silences_with_their_reasons(known: Shell) -> None:
    """What came from it, answered or not, and from nobody; what to do; the octets of the last silent one."""
    server = Endpoint()
    server.set_clients([gateway(name="smg", dialect="eltex")], dialects())
    asked = server.receive_datagram(access_request({}), SOURCE, Role.AUTHENTICATION, NOW_MS)
    assert isinstance(asked, Exchange)
    server.abandon(asked, Silence.NO_CREDENTIAL)
    forged = access_request({"User-Name": "a"}, secret="other")
    server.receive_datagram(forged, SOURCE, Role.AUTHENTICATION, NOW_MS + 1_000)
    server.receive_datagram(b"\4", Source(0, "203.0.113.7", 7), Role.AUTHENTICATION, NOW_MS)
    write_status(
        known.folder / "radius-status.json",
        describe_status(server, server.counters(), SystemClock().now_ms()),
    )

    result = known.run("gateway", "test", "smg")

    assert result.code == 1
    assert (known.folder / "radius-status.json").stat().st_mode & 0o077 == 0
    for text in (
        "none: no_credential",
        "none: bad_message_authenticator",
        "the secret differs",
        "192.0.2.10:50000",
        "packets of nobody",
        "203.0.113.7:7",
        "no gateway has this address",
        forged.hex(),
    ):
        assert text in result.out, text
    assert "Access-Request" in known.ok("radius", "decode", forged.hex())


def test_every_reason_has_its_advice() -> None:
    """An operator must be able to do something about each."""
    assert set(ADVICE) == set(Silence)

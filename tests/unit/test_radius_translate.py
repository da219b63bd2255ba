"""Translation beyond what the dialects' tables say: credentials, joins, time, what a grant looks like."""

import pytest
from radius_vectors import (
    NONCE,
    NOW_MS,
    access_request,
    accounting_request,
    as_packet,
    endpoint,
    exchange,
    gateway,
    reply_texts,
)

from ocs.charging.outcome import FinalUnitAction, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest, RequestType
from ocs.ports import GrantMode, GrantPolicy, IdentityKind, NumberRules
from ocs.radius.codec import Code
from ocs.radius.endpoint import Exchange, Role, Silence, Source
from ocs.radius.translate import Challenge, EndOfGateway, Refusal, Translator, find_enforcement

CALL = {"User-Name": "alice", "Called-Station-Id": "442071838750", "Acct-Session-Id": "s1"}
GRANTED = Outcome(code=OutcomeCode.SUCCESS, granted_units=60, affordable_units=600)
TRANSLATOR = Translator(b"key")


def ask(packet: Exchange, translator: Translator = TRANSLATOR) -> ChargingRequest:
    """The request that a packet must become."""
    action = translator.to_charging(packet)
    assert isinstance(action, ChargingRequest), action
    return action


# ------------------------------------------------------------------------------------------------ credentials


@pytest.mark.parametrize(
    ("attributes", "password", "expected"),
    [
        ({"CHAP-Password": bytes(17)}, "secret", Silence.SEVERAL_CREDENTIALS),
        ({"EAP-Message": b"\2\1\0\4"}, "secret", Silence.SEVERAL_CREDENTIALS),
        ({"EAP-Message": b"\2\1\0\4"}, None, Refusal(OutcomeCode.SERVICE_NOT_AVAILABLE)),
        ({}, None, Refusal(OutcomeCode.WRONG_SECRET)),
    ],
    ids=["two kinds", "EAP and a password", "EAP alone", "none"],
)
def test_requests_that_the_core_is_not_asked_about(
    attributes: dict[str, bytes], password: str | None, expected: object
) -> None:
    """RFC 3579 section 3.3 allows one kind of credential; EAP is not served; none needs leave."""
    assert (
        TRANSLATOR.to_charging(exchange(access_request({**CALL, **attributes}, password=password)))
        == expected
    )


def test_an_unsigned_request_without_credential_is_silence() -> None:
    """RFC 3579 section 3.3, note 1: nothing proves who asks."""
    assert TRANSLATOR.to_charging(exchange(access_request(CALL, signed=False))) is Silence.NO_CREDENTIAL


@pytest.mark.parametrize("signed", [True, False])
def test_a_gateway_may_vouch_for_its_subscribers(*, signed: bool) -> None:
    """Call authorisation without a password is a setting of the gateway."""
    request = ask(exchange(access_request(CALL, signed=signed), authorize_without_password=True))

    assert request.credential is None


@pytest.mark.parametrize(("signed", "expected"), [(True, ChargingRequest), (False, Silence)])
def test_authorize_only_must_be_signed(*, signed: bool, expected: type) -> None:
    """A signed Authorize-Only needs no credential, RFC 5176 section 3; an unsigned one proves nothing."""
    packet = access_request({**CALL, "Service-Type": "Authorize-Only"}, signed=signed)

    assert isinstance(TRANSLATOR.to_charging(exchange(packet)), expected)


def test_authenticate_only_opens_no_session() -> None:
    """Service-Type Authenticate-Only asks about the credential, whatever number it names."""
    packet = access_request({**CALL, "Service-Type": "Authenticate-Only"}, password="x")

    assert ask(exchange(packet)).type is RequestType.AUTHENTICATION


@pytest.mark.parametrize("secret", ["secret", "other"])
def test_passwords_are_checked_by_the_core(secret: str) -> None:
    """The request carries a credential that knows whether a secret is the right one."""
    request = ask(exchange(access_request(CALL, password="secret")))

    assert request.credential is not None
    assert request.credential.verify(secret) is (secret == "secret")


def test_passwords_of_every_length_are_checked() -> None:
    """PAP from nothing to 128 octets, through a whole packet, right and with one octet more or less."""
    for length in range(129):
        password = "".join(chr(33 + at % 90) for at in range(length))
        credential = ask(exchange(access_request(CALL, password=password))).credential

        assert credential is not None
        assert credential.verify(password)
        assert not credential.verify(password + "x")
        assert not length or not credential.verify(password[:-1])


def test_a_broken_password_is_never_right() -> None:
    """A User-Password that is no whole number of blocks hides nothing, not even an empty secret."""
    request = ask(exchange(access_request({**CALL, "User-Password": b"123"})))

    assert request.credential is not None
    assert not request.credential.verify("")


# ------------------------------------------------------------------------------------------------ digest


DIGEST = {
    "User-Name": "12345678",
    "Called-Station-Id": "97226491335",
    "Digest-Method": "INVITE",
    "Digest-URI": "sip:97226491335@example.com",
}


def answer_of(nonce: str, realm: str) -> dict[str, str]:
    """What a subscriber whose secret is `secret` makes of a challenge."""
    from hashlib import md5

    def hashed(text: str) -> str:
        return md5(text.encode()).hexdigest()

    ha1, ha2 = hashed(f"12345678:{realm}:secret"), hashed("INVITE:sip:97226491335@example.com")
    response = hashed(f"{ha1}:{nonce}:00000001:cafe:auth:{ha2}")
    return {
        **DIGEST,
        "Digest-Realm": realm,
        "Digest-Nonce": nonce,
        "Digest-Qop": "auth",
        "Digest-Algorithm": "MD5",
        "Digest-CNonce": "cafe",
        "Digest-Nonce-Count": "00000001",
        "Digest-Username": "12345678",
        "Digest-Response": response,
    }


def test_digest_from_challenge_to_accept() -> None:
    """A nonce of ours is answered, checked without having been remembered, and answered in turn."""
    challenge = TRANSLATOR.to_charging(exchange(access_request(DIGEST)))
    assert isinstance(challenge, Challenge)
    texts = dict(reply_texts(challenge.attributes))
    packet = exchange(access_request(answer_of(texts["Digest-Nonce"], texts["Digest-Realm"])))

    request = ask(packet)

    assert (texts["Digest-Realm"], texts["Digest-Qop"], texts["Digest-Algorithm"]) == (
        "example.com",
        "auth",
        "MD5",
    )
    assert request.credential is not None
    assert not request.credential.verify("other")
    assert request.credential.verify("secret")
    assert "Digest-Response-Auth" in dict(reply_texts(TRANSLATOR.to_reply(packet, request, GRANTED)[1]))


@pytest.mark.parametrize(
    ("changes", "age_ms"),
    [
        ({"Digest-Nonce": "3bada1a0"}, 0),
        ({"Digest-Realm": "elsewhere"}, 0),
        ({}, 300_001),
        ({}, -1),
    ],
    ids=["foreign nonce", "another realm", "too old", "from the future"],
)
def test_a_nonce_that_is_not_good_is_challenged_anew(changes: dict[str, str], age_ms: int) -> None:
    """Stale says that only the nonce was wrong, so the subscriber need not be asked for the password."""
    challenge = TRANSLATOR.to_charging(exchange(access_request(DIGEST)))
    assert isinstance(challenge, Challenge)
    texts = dict(reply_texts(challenge.attributes))
    answer = answer_of(texts["Digest-Nonce"], texts["Digest-Realm"]) | changes

    again = TRANSLATOR.to_charging(exchange(access_request(answer), now_ms=NOW_MS + age_ms))

    assert isinstance(again, Challenge)
    assert dict(reply_texts(again.attributes))["Digest-Stale"] == "true"


@pytest.mark.parametrize(
    ("order", "hints"),
    [
        (["username", "ip", "ani"], [("username", "mallory")]),
        (["ani", "extension"], [("extension", "mallory")]),
        (["ani"], [("ani", "15550100")]),
    ],
)
def test_an_answered_challenge_proves_a_name_and_no_number(
    order: list[str], hints: list[tuple[str, str]]
) -> None:
    """An unknown user does not become whose number he gives, where the gateway looks for names."""
    answer = {**answer_of("n", "r"), "User-Name": "mallory", "Calling-Station-Id": "15550100"}
    packet = exchange(
        access_request(answer), dialect="opensips", identity_order=tuple(map(IdentityKind, order))
    )

    assert [(kind.value, text) for kind, text in ask(packet).identities] == hints


def test_a_gateway_may_make_its_own_nonces() -> None:
    """Where the dialect says so, any nonce is answered for."""
    packet = exchange(access_request(answer_of("3bada1a0", "r")), dialect="eltex")

    credential = ask(packet).credential

    assert credential is not None
    assert credential.verify("secret")


# ------------------------------------------------------------------------------------------------ sessions


def test_class_joins_accounting_to_its_authorisation() -> None:
    """Where the recipe finds another key, or none, the token of the Accept names the session."""
    packet = exchange(access_request({"User-Name": "a", "Called-Station-Id": "1"}, password="x"))
    request = ask(packet)
    _, attributes = TRANSLATOR.to_reply(packet, request, GRANTED)
    token = as_packet(attributes).get(25)

    for report in ({"Acct-Session-Id": "other"}, {}):
        stop = accounting_request({"Acct-Status-Type": "Stop", "Class": token, **report})
        assert ask(exchange(stop)).session_key == request.session_key


@pytest.mark.parametrize(
    "token", [b"", b"ocs1:", b"ocs1:00:s1", b"SESS-0001", b"ocs1:" + b"0" * 20 + b":victim"]
)
def test_a_class_that_we_did_not_sign_is_passed_over(token: bytes) -> None:
    """The recipe applies, and no session of somebody else is booked on."""
    stop = accounting_request({"Acct-Status-Type": "Stop", "Class": token, "Acct-Session-Id": "s1"})

    assert ask(exchange(stop)).session_key == "s1"


def test_a_class_of_another_gateway_is_passed_over() -> None:
    """Tokens are good for the gateway that got them."""
    packet = exchange(access_request(CALL, password="x"))
    token = as_packet(TRANSLATOR.to_reply(packet, ask(packet), GRANTED)[1]).get(25)
    stop = accounting_request({"Acct-Status-Type": "Stop", "Class": token, "Acct-Session-Id": "other"})

    assert ask(exchange(stop, id=8)).session_key == "other"


def test_without_any_name_every_request_is_a_session_of_its_own() -> None:
    """Two calls of one subscriber to one number are two sessions; a retransmission stays one."""
    attributes = {"User-Name": "a", "Called-Station-Id": "1"}
    first = ask(exchange(access_request(attributes, password="x")))
    again = ask(exchange(access_request(attributes, password="x")))
    other = ask(exchange(access_request(attributes, password="x", authenticator=bytes(15) + b"1")))

    assert first.session_key == again.session_key != other.session_key
    assert first.request_key == again.request_key == NONCE.hex() + "01"


def test_a_long_session_key_is_replaced_by_its_digest() -> None:
    """A join token must fit an attribute."""
    long = {**CALL, "Acct-Session-Id": "x" * 253}
    packet = exchange(access_request(long, password="x"))
    request = ask(packet)

    assert request.session_key.startswith("sha256:")
    assert (
        ask(exchange(accounting_request({**long, "Acct-Status-Type": "Stop"}))).session_key
        == request.session_key
    )
    assert TRANSLATOR.to_reply(packet, request, GRANTED)[0] is Code.ACCESS_ACCEPT


def test_state_names_the_session_of_equipment_that_renews() -> None:
    """An Authorize-Only request repeats the State of the Accept."""
    packet = exchange(access_request({"User-Name": "m"}, password="x"), dialect="wimax")
    request = ask(packet)
    state = as_packet(TRANSLATOR.to_reply(packet, request, GRANTED)[1]).get(24)
    renewal = access_request({"User-Name": "m", "Service-Type": "Authorize-Only", "State": state})

    assert ask(exchange(renewal, dialect="wimax")).session_key == request.session_key


# ------------------------------------------------------------------------------------------------ numbers


def test_numbers_follow_the_gateways_rules() -> None:
    """Called, calling and identities that are numbers are E.164 without plus."""
    rules = NumberRules(
        strip_prefixes=("99#",), national_prefix="0", country_code="44", national_digits_max=10
    )
    attributes = {"User-Name": "a", "Called-Station-Id": "99#02071838750", "Calling-Station-Id": "7700900123"}

    request = ask(exchange(access_request(attributes, password="x"), numbers=rules))

    assert (request.called, request.calling) == ("442071838750", "447700900123")


# ------------------------------------------------------------------------------------------------ time


BEYOND_TOLERANCE = {0, NOW_MS // 1000 - 301, NOW_MS // 1000 + 301, NOW_MS // 1000 - 3901}
"Times that are not believed: the record says that ours stands in for them."


@pytest.mark.parametrize(
    ("attributes", "age_s"),
    [
        ({}, 0),
        ({"Event-Timestamp": NOW_MS // 1000 - 299}, 299),
        ({"Event-Timestamp": NOW_MS // 1000 - 301}, 0),
        ({"Event-Timestamp": NOW_MS // 1000 + 300}, -300),
        ({"Event-Timestamp": NOW_MS // 1000 + 301}, 0),
        ({"Event-Timestamp": 0}, 0),
        ({"Acct-Delay-Time": 3600}, 3600),
        ({"Acct-Delay-Time": 3600, "Event-Timestamp": NOW_MS // 1000 - 3700}, 3700),
        ({"Acct-Delay-Time": 3600, "Event-Timestamp": NOW_MS // 1000 - 3901}, 3600),
        ({"Acct-Delay-Time": 4_000_000_000}, 0),
        ({"Event-Timestamp": b"\1\2"}, 0),
    ],
)
def test_when_a_report_happened(attributes: dict[str, object], age_s: int) -> None:
    """Event-Timestamp within five minutes, older by what the report was delayed; else the receipt time."""
    report = {"Acct-Status-Type": "Stop", "Acct-Session-Id": "1", "Acct-Session-Time": 1, **attributes}

    request = ask(exchange(accounting_request(report)))

    assert (NOW_MS - request.event_at_ms) / 1000 == age_s
    is_late_or_early = attributes.get("Event-Timestamp") in BEYOND_TOLERANCE
    assert request.receipt_timed is is_late_or_early


def test_accounting_off_ends_the_gateway_when_it_happened() -> None:
    """Sessions end at the event's time."""
    report = accounting_request({"Acct-Status-Type": "Accounting-Off", "Acct-Delay-Time": 10})

    assert TRANSLATOR.to_charging(exchange(report)) == EndOfGateway(NOW_MS - 10_000)


@pytest.mark.parametrize(
    ("names", "dialect", "ended"),
    [
        ({}, "generic", {"a|x|1", "a|2", "b|x|3", "4", "host/5"}),
        ({"NAS-IP-Address": "192.0.2.1"}, "generic", set()),
        ({"NAS-Identifier": "a"}, "generic", {"a|x|1", "a|2"}),
        ({"NAS-Identifier": "x"}, "generic", {"a|x|1", "b|x|3"}),
        ({"NAS-Identifier": "1"}, "generic", set()),
        ({"NAS-Identifier": "a"}, "kamailio", {"a|x|1", "a|2", "b|x|3", "4", "host/5"}),
    ],
    ids=["the gateway", "no session of it", "its name", "a later name", "no name of a box", "no scope"],
)
def test_one_box_behind_a_proxy_ends_only_its_own_sessions(
    names: dict[str, str], dialect: str, ended: set[str]
) -> None:
    """The names of a box are in front of the keys of its sessions; a family without such ends all."""
    report = accounting_request({"Acct-Status-Type": "Accounting-On", **names}, dialect=dialect)
    action = TRANSLATOR.to_charging(exchange(report, dialect=dialect))

    assert isinstance(action, EndOfGateway)
    assert {key for key in ("a|x|1", "a|2", "b|x|3", "4", "host/5") if action.concerns(key)} == ended


# ------------------------------------------------------------------------------------------------ replies


def accept(outcome: Outcome, policy: GrantPolicy, dialect: str = "generic") -> dict[str, str]:
    """What an authorised call is told."""
    packet = exchange(access_request(CALL, password="x"), grant=policy, dialect=dialect)
    code, attributes = TRANSLATOR.to_reply(packet, ask(packet), outcome)
    assert code is Code.ACCESS_ACCEPT
    return dict(reply_texts(attributes))


@pytest.mark.parametrize(
    ("mode", "granted", "affordable", "timeout"),
    [
        (GrantMode.WHOLE, 60, 600, "60"),
        (GrantMode.SLICE, 60, 600, "600"),
        (GrantMode.SLICE, 60, 60, "60"),
        (GrantMode.SLICE, 60, 0, "60"),
        (GrantMode.SLICE, 60, 10**12, "1000"),
        (GrantMode.WHOLE, 10**12, 10**12, "1000"),
    ],
)
def test_session_timeout(mode: GrantMode, granted: int, affordable: int, timeout: str) -> None:
    """Whole: what is reserved. Slice: what the money buys, a safety net. Never beyond the longest session."""
    outcome = Outcome(code=OutcomeCode.SUCCESS, granted_units=granted, affordable_units=affordable)

    texts = accept(outcome, GrantPolicy(mode=mode, session_max_s=1000))

    assert texts["Session-Timeout"] == timeout
    assert ("Acct-Interim-Interval" in texts) is (mode is GrantMode.SLICE)


@pytest.mark.parametrize(
    ("slice_s", "interim_s", "told_s"), [(60, 60, "60"), (30, 60, "30"), (600, 60, "60")]
)
def test_reports_come_before_what_is_held_is_used_up(slice_s: int, interim_s: int, told_s: str) -> None:
    """At least once a slice, whatever the interval that was configured."""
    policy = GrantPolicy(slice_s=slice_s, interim_interval_s=interim_s)

    assert accept(GRANTED, policy)["Acct-Interim-Interval"] == told_s


def test_a_grant_of_nothing_is_a_rejection() -> None:
    """Some equipment reads a Session-Timeout of 0 as no limit at all."""
    packet = exchange(access_request(CALL, password="x"))

    code, attributes = TRANSLATOR.to_reply(packet, ask(packet), Outcome(code=OutcomeCode.SUCCESS))

    assert code is Code.ACCESS_REJECT
    assert ("Reply-Message", "insufficient_balance") in reply_texts(attributes)


@pytest.mark.parametrize("code", [code for code in OutcomeCode if not code.is_success])
def test_every_refusal_has_its_reason_and_code(code: OutcomeCode) -> None:
    """One table for people and machines."""
    packet = exchange(access_request(CALL, password="x"))

    reply, attributes = TRANSLATOR.to_reply(packet, ask(packet), Outcome(code=code))

    assert reply is Code.ACCESS_REJECT
    assert reply_texts(attributes) == [
        ("Reply-Message", code.reason),
        ("h323-return-code", f"h323-return-code={code.return_code}"),
    ]


def test_the_source_of_a_session_is_kept_with_its_names() -> None:
    """A Disconnect-Request goes where the report came from."""
    server = endpoint(gateway(address="192.0.2.0/24"))
    report = accounting_request({"Acct-Status-Type": "Start", "Acct-Session-Id": "s"})
    packet = server.receive_datagram(report, Source(0, "192.0.2.77", 1), Role.ACCOUNTING, NOW_MS)
    assert isinstance(packet, Exchange)

    assert ask(packet).peer_attributes == "voice 192.0.2.77 2c0373"


# ------------------------------------------------------------------------------------------------ enforcement


REPORT = {
    "Acct-Status-Type": "Interim-Update",
    "Acct-Session-Id": "s1",
    "Acct-Session-Time": 60,
    "User-Name": "a",
}


@pytest.mark.parametrize(
    ("outcome", "ends_in_s"),
    [
        (Outcome(code=OutcomeCode.SUCCESS, granted_units=60), None),
        (
            Outcome(code=OutcomeCode.SUCCESS, granted_units=25, final_unit_action=FinalUnitAction.TERMINATE),
            25,
        ),
        (
            Outcome(code=OutcomeCode.SUCCESS, granted_units=25, final_unit_action=FinalUnitAction.REDIRECT),
            25,
        ),
        (Outcome(code=OutcomeCode.ZERO_BALANCE, final_unit_action=FinalUnitAction.RESTRICT_ACCESS), 0),
        (Outcome(code=OutcomeCode.ACCOUNT_DENIED), 0),
        (Outcome(code=OutcomeCode.ZERO_BALANCE), 0),
    ],
)
def test_when_a_reported_session_must_end(outcome: Outcome, ends_in_s: int | None) -> None:
    """At the end of a final grant, whatever is to follow; at once when it may not go on; else not by us."""
    packet = exchange(accounting_request(REPORT))

    enforcement = find_enforcement(packet.client, ask(packet), outcome)

    if ends_in_s is None:
        assert enforcement is None
    else:
        assert enforcement is not None
        assert enforcement.ends_at_ms == NOW_MS + ends_in_s * 1000
        assert enforcement.target.host == "192.0.2.10"
        assert reply_texts(enforcement.target.identification) == [
            ("Acct-Session-Id", "s1"),
            ("User-Name", "a"),
        ]


@pytest.mark.parametrize(
    ("report", "dialect"),
    [({**REPORT, "Acct-Status-Type": "Stop"}, "generic"), (REPORT, "kamailio")],
    ids=["a Stop", "a family that takes no orders"],
)
def test_when_there_is_nothing_to_enforce(report: dict[str, object], dialect: str) -> None:
    """The session is over, or ends by other means."""
    packet = exchange(accounting_request(report), dialect=dialect)

    assert find_enforcement(packet.client, ask(packet), Outcome(code=OutcomeCode.ZERO_BALANCE)) is None


def test_new_limits_follow_a_report() -> None:
    """A family that takes limits by CoA gets the session's new total; at the start it has just been told."""
    outcome = Outcome(code=OutcomeCode.SUCCESS, granted_units=1000, used_units=500)
    report = {"Acct-Session-Id": "s1", "Acct-Input-Octets": 500}
    interim = exchange(
        accounting_request({**report, "Acct-Status-Type": "Interim-Update"}), dialect="mikrotik"
    )
    start = exchange(accounting_request({**report, "Acct-Status-Type": "Start"}), dialect="mikrotik")

    enforcement = find_enforcement(interim.client, ask(interim), outcome)

    assert enforcement is not None
    assert enforcement.ends_at_ms is None
    assert ("Mikrotik-Total-Limit", "1500") in reply_texts(enforcement.changes, "mikrotik")
    assert find_enforcement(start.client, ask(start), outcome) is None


def test_reports_say_of_which_leg_they_are() -> None:
    """Both legs of an AudioCodes SBC are one session by its conference id; without a leg none is named."""
    ids = {"h323-conf-id": "h323-conf-id=4B2D7DB7 A54911D7 80350003", "User-Name": "alice"}
    told = [
        ask(
            exchange(
                accounting_request(
                    {**ids, **leg, "Acct-Status-Type": status, "Acct-Session-Id": str(number)},
                    dialect="audiocodes",
                ),
                dialect="audiocodes",
            )
        )
        for number, (status, leg) in enumerate(
            [
                ("Start", {"h323-call-origin": "h323-call-origin=Originate"}),
                ("Stop", {"h323-call-origin": "h323-call-origin=answer"}),
                ("Stop", {}),
            ]
        )
    ]

    assert [request.leg for request in told] == ["originate", "answer", ""]
    assert len({request.session_key for request in told}) == 1

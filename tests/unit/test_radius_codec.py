"""The packet codec against the RFCs' examples, malformed octets, and its own inverse."""

import pytest
from radius_vectors import FOLDER, NONCE, RFC_VECTORS, SECRET, Vector, as_packet, every_packet, extra_vectors

from ocs.radius.codec import (
    AttributeType,
    Code,
    MalformedPacketError,
    Secret,
    decode,
    decode_tlvs,
    decode_vendor_specific,
    encode_attribute,
    encode_reply,
    encode_request,
    encode_vendor_attribute,
    hide_password,
    is_message_authentic,
    is_reply_authentic,
    is_request_authentic,
    unhide_password,
    vendor_key,
)

MALFORMED = [
    line.split("  ", 1)
    for line in (FOLDER / "malformed.txt").read_text().splitlines()
    if line[:1] not in ("", "#")
]
RFC_BY_NAME = {vector["name"]: vector for vector in RFC_VECTORS}


def named(vectors: list[Vector]) -> dict[str, object]:
    """Parameters of a test that runs once per vector."""
    return {"argvalues": vectors, "ids": [vector["name"] for vector in vectors]}


@pytest.mark.parametrize(("octets", "why"), MALFORMED, ids=[why.strip() for _, why in MALFORMED])
def test_octets_that_are_no_packet_are_refused(octets: str, why: str) -> None:
    """Every way to be malformed ends in the one exception that says so."""
    with pytest.raises(MalformedPacketError):
        decode(bytes.fromhex(octets.strip().removeprefix("-")))


@pytest.mark.parametrize("vector", **named([v for v in RFC_VECTORS if v.get("expect") == "malformed"]))
def test_the_packet_that_an_rfc_prints_wrongly_is_refused(vector: Vector) -> None:
    """RFC 2865 section 7.3 prints a State that runs past the packet."""
    with pytest.raises(MalformedPacketError):
        decode(bytes.fromhex(vector["hex"]))


@pytest.mark.parametrize("vector", **named([v for v in RFC_VECTORS if "answers" in v]))
def test_replies_of_the_rfcs_verify_against_their_requests(vector: Vector) -> None:
    """A Response Authenticator covers the request's, and a Message-Authenticator in a reply does too."""
    reply = decode(bytes.fromhex(vector["hex"]))
    request = decode(bytes.fromhex(RFC_BY_NAME[vector["answers"]]["hex"]))
    secret = Secret(vector["secret"])

    assert is_reply_authentic(reply, request.authenticator, secret)
    assert not is_reply_authentic(reply, bytes(16), secret)
    assert not is_reply_authentic(reply, request.authenticator, Secret("another"))


def test_a_reply_with_a_wrong_message_authenticator_is_not_authentic() -> None:
    """The Response Authenticator alone does not save it: that is how CVE-2024-3596 forges replies."""
    secret = Secret(SECRET)
    request = decode(
        encode_request(Code.STATUS_SERVER, identifier=1, attributes=b"", secret=secret, authenticator=NONCE)
    )
    forged = b"\x50\x12" + bytes(16)
    head = b"\x02\x01" + (20 + len(forged)).to_bytes(2)

    reply = decode(head + secret.md5_after(head + NONCE + forged) + forged)

    assert not is_reply_authentic(reply, request.authenticator, secret)


@pytest.mark.parametrize("vector", **named([v for v in RFC_VECTORS if "password" in v]))
def test_passwords_of_the_rfcs_are_unhidden(vector: Vector) -> None:
    """User-Password of RFC 2865 section 7."""
    packet = decode(bytes.fromhex(vector["hex"]))
    hidden = packet.get(AttributeType.USER_PASSWORD)

    assert (
        unhide_password(hidden or b"", packet.authenticator, Secret(vector["secret"]))
        == vector["password"].encode()
    )


@pytest.mark.parametrize("length", range(129))
def test_hiding_a_password_is_undone(length: int) -> None:
    """Passwords of any length up to 128 octets survive, in whole blocks of 16."""
    password = bytes(range(1, 129))[:length]
    hidden = hide_password(password, NONCE, Secret(SECRET))

    assert len(hidden) == max(16, -(-length // 16) * 16)
    assert unhide_password(hidden, NONCE, Secret(SECRET)) == password


@pytest.mark.parametrize("length", [0, 1, 15, 17, 129, 144])
def test_a_hidden_password_of_impossible_length_is_none(length: int) -> None:
    """Only 1 to 8 blocks of 16 octets can be a password."""
    assert unhide_password(bytes(length), NONCE, Secret(SECRET)) is None


def test_a_password_of_more_than_128_octets_cannot_be_hidden() -> None:
    """RFC 2865 section 5.2 knows no longer ones."""
    with pytest.raises(ValueError, match="128"):
        hide_password(bytes(129), NONCE, Secret(SECRET))


@pytest.mark.parametrize(
    "vector", **named([v for v in RFC_VECTORS if v["hex"].startswith("0c") or v["file"] == "rfc5090.txt"])
)
def test_message_authenticators_of_the_rfcs_are_right(vector: Vector) -> None:
    """Requests of RFC 5090 and 5997 verify; one octet changed, they do not."""
    octets = bytes.fromhex(vector["hex"])
    packet = decode(octets)
    secret = Secret(vector["secret"])
    if packet.code in (Code.ACCESS_ACCEPT, Code.ACCESS_CHALLENGE):
        assert is_reply_authentic(
            packet, decode(bytes.fromhex(RFC_BY_NAME[vector["answers"]]["hex"])).authenticator, secret
        )
    else:
        assert is_message_authentic(packet, secret)
        changed = octets[:4] + bytes([octets[4] ^ 1]) + octets[5:]
        assert not is_message_authentic(decode(changed), secret)


def test_packets_of_other_projects_verify_as_they_say() -> None:
    """Each verifies exactly what its capture verifies."""
    for vector in extra_vectors():
        if not vector["secret"]:
            continue
        packet, secret = decode(bytes.fromhex(vector["hex"])), Secret(vector["secret"])
        checks = vector["checks"]
        if "request_authenticator" in checks:
            assert is_request_authentic(packet, secret) is checks["request_authenticator"], vector["name"]
        if "message_authenticator" in checks and packet.code in (Code.ACCESS_REQUEST, Code.STATUS_SERVER):
            assert is_message_authentic(packet, secret) is checks["message_authenticator"], vector["name"]


def test_every_packet_cut_short_anywhere_is_refused() -> None:
    """A datagram shorter than its Length is no packet, wherever it ends."""
    for octets in every_packet():
        for end in range(len(octets)):
            with pytest.raises(MalformedPacketError):
                decode(octets[:end])


def test_every_packet_whose_length_says_less_is_refused_or_shorter() -> None:
    """With Length cut down to fit, what is left decodes only at the boundary of an attribute."""
    for octets in every_packet():
        boundaries = {20}
        for number, value in decode(octets).attributes():
            boundaries.add(max(boundaries) + 2 + len(value))
            assert number
        for end in range(20, len(octets)):
            shortened = octets[:2] + end.to_bytes(2) + octets[4:end]
            if end in boundaries:
                assert len(decode(shortened).data) == end
            else:
                with pytest.raises(MalformedPacketError):
                    decode(shortened)


def test_octets_beyond_length_are_padding() -> None:
    """RFC 2865 section 3: they are ignored, and verification does not see them."""
    secret = Secret(SECRET)
    octets = encode_request(Code.ACCOUNTING_REQUEST, identifier=1, attributes=b"", secret=secret)

    packet = decode(octets + b"padding")

    assert packet.data == octets
    assert is_request_authentic(packet, secret)


def test_values_are_found_by_number_in_order() -> None:
    """Of several values the first is the value; all of them keep their order."""
    packet = as_packet(b"".join(encode_attribute(33, value) for value in (b"one", b"two", b"three")))

    assert packet.get(33) == b"one"
    assert packet.get_all(33) == [b"one", b"two", b"three"]
    assert packet.get(1) is None
    assert packet.get_all(1) == []
    assert packet.attributes() == [(33, b"one"), (33, b"two"), (33, b"three")]


def test_vendor_attributes_may_share_one_attribute() -> None:
    """RFC 2865 section 5.26 allows several in one attribute 26; a broken inside hides that one alone."""
    shared = (9).to_bytes(4) + b"\x01\x03a" + b"\x02\x03b"
    broken = (9).to_bytes(4) + b"\x01\x09c"
    packet = as_packet(
        encode_attribute(26, shared) + encode_attribute(26, broken) + encode_vendor_attribute(9, 1, b"d")
    )

    assert packet.get_vendor(9, 1) == [b"a", b"d"]
    assert packet.get_vendor(9, 2) == [b"b"]
    assert packet.get_vendor(10, 1) == []


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\0\0\0\x09",
        b"\0\0\0\x09\x01",
        b"\0\0\0\x09\x01\x01",
        b"\0\0\0\x09\x01\x03a\x02",
        b"\0\0\x60\xb5\x25\x02",
    ],
)
def test_an_inside_that_does_not_parse_is_empty(value: bytes) -> None:
    """Too short, a length below the header's, half a header at the end."""
    assert decode_vendor_specific(value) == []


def test_wimax_attributes_have_a_continuation_octet() -> None:
    """Vendor 24757 has three header octets; encoding adds what decoding takes off."""
    encoded = encode_vendor_attribute(24757, 37, b"\x01\x03x")

    assert encoded.hex() == "1a0c000060b5250600010378"
    assert decode_vendor_specific(encoded[2:]) == [(vendor_key(24757, 37), b"\x01\x03x")]


def test_sub_attributes_end_at_the_first_broken_one() -> None:
    """What was read before it stays."""
    assert decode_tlvs(b"\x01\x03a\x02\x04bb\x03\x09c") == [(1, b"a"), (2, b"bb")]
    assert decode_tlvs(b"\x01\x01") == []
    assert decode_tlvs(b"\x01") == []


@pytest.mark.parametrize("code", [Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE])
def test_access_replies_begin_with_a_message_authenticator(code: Code) -> None:
    """It is the first attribute, it is right, and Proxy-States follow in the request's order."""
    secret = Secret(SECRET)
    states = encode_attribute(33, b"1") + encode_attribute(33, b"") + encode_attribute(33, b"23")
    request = decode(
        encode_request(
            Code.ACCESS_REQUEST, identifier=9, attributes=states, secret=secret, authenticator=NONCE
        )
    )

    reply = decode(encode_reply(code, request, encode_attribute(18, b"hello"), secret))

    assert [number for number, _ in reply.attributes()] == [80, 18, 33, 33, 33]
    assert reply.get_all(33) == [b"1", b"", b"23"]
    assert reply.identifier == 9
    assert is_reply_authentic(reply, NONCE, secret)


def test_an_accounting_response_has_no_message_authenticator() -> None:
    """Equipment disagrees over how it would be computed, so there is none; Proxy-State is copied."""
    secret = Secret(SECRET)
    request = decode(
        encode_request(
            Code.ACCOUNTING_REQUEST, identifier=9, attributes=encode_attribute(33, b"x"), secret=secret
        )
    )

    reply = decode(encode_reply(Code.ACCOUNTING_RESPONSE, request, b"", secret))

    assert reply.attributes() == [(33, b"x")]
    assert is_reply_authentic(reply, request.authenticator, secret)


@pytest.mark.parametrize("code", [Code.DISCONNECT_REQUEST, Code.COA_REQUEST])
def test_requests_of_ours_are_authentic(code: Code) -> None:
    """CoA and Disconnect requests carry a computed authenticator and a Message-Authenticator over zeros."""
    secret = Secret(SECRET)

    packet = decode(encode_request(code, identifier=3, attributes=encode_attribute(44, b"s"), secret=secret))

    assert is_request_authentic(packet, secret)
    assert is_message_authentic(packet, secret)
    assert not is_request_authentic(packet, Secret("another"))


def test_a_long_secret_is_hashed_first() -> None:
    """RFC 2104: a key beyond the block size is replaced by its hash."""
    key = bytes(range(100))

    assert Secret(key).hmac_md5(b"message").hex() == expected_hmac(key, b"message")


def expected_hmac(key: bytes, message: bytes) -> str:
    """HMAC-MD5 by the standard library."""
    import hmac

    return hmac.digest(key, message, "md5").hex()

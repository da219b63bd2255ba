"""The codec on packets that nobody thought of, alone and beside pyrad."""

from typing import Any

import pyrad.dictionary
import pyrad.packet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from radius_vectors import SECRET, every_packet

from ocs.radius.codec import (
    Code,
    MalformedPacketError,
    Secret,
    decode,
    encode_attribute,
    encode_reply,
    encode_request,
    hide_password,
    is_message_authentic,
    is_reply_authentic,
    is_request_authentic,
    unhide_password,
)
from ocs.radius.dictionary import SHIPPED, load_dictionary

SECRETS = st.binary(min_size=1, max_size=80)
NONCES = st.binary(min_size=16, max_size=16).filter(any)
ATTRIBUTES = st.lists(
    st.tuples(st.integers(1, 255).filter(lambda number: number != 80), st.binary(max_size=253)), max_size=12
)
REQUEST_CODES = st.sampled_from(
    [
        Code.ACCESS_REQUEST,
        Code.ACCOUNTING_REQUEST,
        Code.STATUS_SERVER,
        Code.COA_REQUEST,
        Code.DISCONNECT_REQUEST,
    ]
)
REPLY_CODES = st.sampled_from(
    [Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE, Code.ACCOUNTING_RESPONSE]
)
NONCE_CODES = (Code.ACCESS_REQUEST, Code.STATUS_SERVER)


def joined(attributes: list[tuple[int, bytes]]) -> bytes:
    """Encoded attributes in order."""
    return b"".join(encode_attribute(number, value) for number, value in attributes)


@given(code=REQUEST_CODES, attributes=ATTRIBUTES, secret=SECRETS, nonce=NONCES, padding=st.binary(max_size=8))
def test_a_request_survives_the_wire(
    code: Code, attributes: list[tuple[int, bytes]], secret: bytes, nonce: bytes, padding: bytes
) -> None:
    """What is encoded is decoded, in order, authentic for its secret and for no other."""
    key = Secret(secret)
    octets = encode_request(
        code, identifier=7, attributes=joined(attributes), secret=key, authenticator=nonce
    )

    packet = decode(octets + padding)

    assert [pair for pair in packet.attributes() if pair[0] != 80] == attributes
    assert [value for number in dict(attributes) for value in packet.get_all(number)] == [
        value for number in dict(attributes) for other, value in attributes if other == number
    ]
    if packet.has_message_authenticator:
        assert is_message_authentic(packet, key)
        assert not is_message_authentic(packet, Secret(secret + b"x"))
    if code not in NONCE_CODES:
        assert is_request_authentic(packet, key)
        assert not is_request_authentic(packet, Secret(secret + b"x"))


@given(
    code=REPLY_CODES,
    attributes=ATTRIBUTES,
    states=st.lists(st.binary(max_size=50), max_size=4),
    secret=SECRETS,
    nonce=NONCES,
)
def test_a_reply_belongs_to_its_request(
    code: Code, attributes: list[tuple[int, bytes]], states: list[bytes], secret: bytes, nonce: bytes
) -> None:
    """Proxy-States come back in order, and pyrad finds the reply as right as we do."""
    key = Secret(secret)
    attributes = [pair for pair in attributes if pair[0] != 33]
    proxied = joined([(33, state) for state in states])
    asked = encode_request(
        Code.ACCESS_REQUEST, identifier=7, attributes=proxied, secret=key, authenticator=nonce
    )
    request = decode(asked)

    octets = encode_reply(code, request, joined(attributes), key)

    reply = decode(octets)
    assert reply.get_all(33) == states
    assert is_reply_authentic(reply, request.authenticator, key)
    theirs = pyrad.packet.AuthPacket(secret=secret, packet=asked)
    assert theirs.VerifyReply(theirs.CreateReply(packet=octets), octets)


@given(password=st.binary(max_size=128).filter(lambda p: not p.endswith(b"\0")), secret=SECRETS, nonce=NONCES)
def test_passwords_survive_hiding(password: bytes, secret: bytes, nonce: bytes) -> None:
    """Unhiding undoes hiding for every password that does not end in NUL."""
    key = Secret(secret)

    assert unhide_password(hide_password(password, nonce, key), nonce, key) == password


@given(octets=st.binary(max_size=200))
def test_octets_decode_or_are_malformed(octets: bytes) -> None:
    """There is no third way."""
    check_decoding(octets)


@given(data=st.data())
def test_damaged_packets_decode_or_are_malformed(data: st.DataObject) -> None:
    """Real packets with a few octets changed, cut or repeated."""
    octets = bytearray(data.draw(st.sampled_from(sorted(every_packet()))))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(octets)))

    check_decoding(bytes(octets))
    check_decoding(bytes(octets[:cut]))
    check_decoding(bytes(octets + octets[cut:]))


def check_decoding(octets: bytes) -> None:
    """Decode everything that can be decoded; what pyrad refuses for its length we refuse too."""
    try:
        packet = decode(octets)
    except MalformedPacketError:
        return
    total = 20 + sum(2 + len(value) for _, value in packet.attributes())
    assert total == len(packet.data) <= len(octets)
    packet.vendor_values()
    if not packet.vendor_values():
        pyrad.packet.Packet(packet=packet.data)


@pytest.mark.parametrize("octets", list(every_packet()), ids=lambda octets: f"{octets[0]}-{octets[1]}")
def test_pyrad_reads_every_vector_as_we_do(octets: bytes) -> None:
    """The same values of the same standard attributes, in the same order."""
    ours = decode(octets)
    theirs = pyrad.packet.Packet(packet=octets, secret=SECRET.encode())

    for number, _ in ours.attributes():
        if number != 26:
            assert theirs[number] == ours.get_all(number)


NAMES = pyrad.dictionary.Dictionary(str(SHIPPED / "dictionary.rfc"), str(SHIPPED / "dictionary.cisco"))
TEXTS = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), min_size=1, max_size=60)
VALUES = st.fixed_dictionaries(
    {"User-Name": TEXTS},
    optional={
        "NAS-IP-Address": st.ip_addresses(v=4).map(str),
        "NAS-Port": st.integers(0, 2**32 - 1),
        "Acct-Session-Id": TEXTS,
        "Called-Station-Id": TEXTS,
        "Class": st.lists(st.binary(min_size=1, max_size=253), min_size=1, max_size=3),
        "Proxy-State": st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=3),
        "Cisco-AVPair": st.lists(TEXTS, min_size=1, max_size=3),
        "h323-conf-id": TEXTS,
    },
)
OURS = load_dictionary(["rfc", "cisco"])


@given(
    values=VALUES,
    secret=SECRETS,
    nonce=NONCES,
    password=st.text(min_size=1, max_size=40).filter(lambda text: not text.endswith("\0")),
    is_report=st.booleans(),
)
def test_what_pyrad_writes_is_read_as_it_was_meant(
    values: dict[str, Any], secret: bytes, nonce: bytes, password: str, *, is_report: bool
) -> None:
    """Requests of another implementation: the same values in order, authentic, and the password in clear."""
    if is_report:
        theirs = pyrad.packet.AcctPacket(secret=secret, dict=NAMES)
    else:
        theirs = pyrad.packet.AuthPacket(secret=secret, dict=NAMES, authenticator=nonce)
        theirs["User-Password"] = theirs.PwCrypt(password)
        theirs.add_message_authenticator()
    for name, value in values.items():
        theirs[name] = value

    packet = decode(theirs.RequestPacket())

    key = Secret(secret)
    assert is_request_authentic(packet, key) if is_report else is_message_authentic(packet, key)
    assert not is_message_authentic(packet, Secret(secret + b"x")) if not is_report else True
    for name, value in values.items():
        expected = value if isinstance(value, list) else [value]
        read = [OURS[name].to_text(octets) for octets in OURS[name].read(packet)]
        assert read == [one if isinstance(one, str) else to_text(one) for one in expected]
    if not is_report:
        assert unhide_password(packet.get(2) or b"", packet.authenticator, key) == password.encode()


def to_text(value: int | bytes) -> str:
    """A number or octets as a dictionary shows them."""
    return str(value) if isinstance(value, int) else "0x" + value.hex()

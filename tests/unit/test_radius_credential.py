"""Proofs of identity: CHAP, digest and MS-CHAP against the examples of their RFCs."""

import hashlib

import pytest
from radius_vectors import RFC_VECTORS, SECRET, access_request, as_packet, reply_texts

from ocs.radius.codec import Packet, Secret, decode, encode_attribute, encode_vendor_attribute
from ocs.radius.credential import UnsupportedProof, find_proofs
from ocs.radius.join import JoinKey
from ocs.radius.legacy_cipher import des_encrypt, md4
from ocs.radius.mppe import master_key, start_key
from ocs.radius.mschap import nt_hash
from ocs.radius.proof import BrokenProof, Proof

CHAP_VECTORS = [vector for vector in RFC_VECTORS if "chap" in vector]
DIGEST_VECTORS = [vector for vector in RFC_VECTORS if "digest" in vector]


def the_proof(packet: Packet, secret: str = SECRET) -> Proof:
    """The only proof in a packet."""
    (proof,) = find_proofs(packet, Secret(secret))
    return proof


def test_no_credential_is_no_proof() -> None:
    """Nothing is invented."""
    assert find_proofs(decode(access_request({"User-Name": "a"})), Secret(SECRET)) == []


@pytest.mark.parametrize("vector", CHAP_VECTORS, ids=lambda v: v["name"])
def test_chap_of_rfc_2865(vector: dict[str, str]) -> None:
    """Section 7.2: the challenge is the Request Authenticator."""
    proof = the_proof(decode(bytes.fromhex(vector["hex"])), vector["secret"])

    assert proof.verify(vector["chap"])
    assert not proof.verify("other")
    assert proof.answer == b""


def test_chap_with_a_challenge_of_its_own() -> None:
    """CHAP-Challenge goes before the authenticator (RFC 2865 section 5.3)."""
    from hashlib import md5

    response = b"\x07" + md5(b"\x07" + b"secret" + b"challenge").digest()
    packet = decode(access_request({"CHAP-Password": response, "CHAP-Challenge": b"challenge"}))

    assert the_proof(packet).verify("secret")


@pytest.mark.parametrize("length", [0, 16, 18])
def test_chap_of_another_length_is_never_right(length: int) -> None:
    """17 octets it must be."""
    assert isinstance(the_proof(decode(access_request({"CHAP-Password": bytes(length)}))), BrokenProof)


def test_arap_and_eap_cannot_be_checked() -> None:
    """They are proofs all the same, so that they exclude others."""
    packet = decode(access_request([("EAP-Message", b"\2")]))
    arap = decode(
        access_request([])[:2] + (20 + 18).to_bytes(2) + bytes(16) + encode_attribute(70, bytes(16))
    )

    assert isinstance(the_proof(packet), UnsupportedProof)
    assert isinstance(the_proof(arap), UnsupportedProof)


@pytest.mark.parametrize("vector", DIGEST_VECTORS, ids=lambda v: v["name"])
def test_digest_of_rfc_5090(vector: dict[str, str]) -> None:
    """Section 6: SIP and HTTP; the answer is the one that the RFC's Accept carries."""
    proof = the_proof(decode(bytes.fromhex(vector["hex"])), vector["secret"])

    assert not proof.verify("other")
    assert proof.answer == b""
    assert proof.verify(vector["digest"])
    if vector["name"] == "s6-request2":
        assert reply_texts(proof.answer) == [("Digest-Response-Auth", "f847de948d12285f8f4199e366f1af21")]


def sterman(**parts: str) -> bytes:
    """A request with digest attributes of the draft; each part by its number in the draft's order."""
    numbers = {
        "realm": 1,
        "nonce": 2,
        "method": 3,
        "uri": 4,
        "qop": 5,
        "algorithm": 6,
        "body": 7,
        "cnonce": 8,
        "nc": 9,
        "user": 10,
    }
    attributes: list[tuple[str, object]] = [("Sterman-Digest-Response", parts.pop("response"))]
    for name, value in parts.items():
        octets = value.encode()
        attributes.append(("Sterman-Digest-Attributes", bytes((numbers[name], len(octets) + 2)) + octets))
    return access_request(attributes, dialect="kamailio")


RFC2617 = {
    "realm": "testrealm@host.com",
    "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093",
    "method": "GET",
    "uri": "/dir/index.html",
    "user": "Mufasa",
}


def test_the_older_draft_carries_the_same_digest() -> None:
    """RFC 2617 section 3.5, in the attributes that Kamailio sends; such an Accept has no answer to give."""
    packet = sterman(
        **RFC2617, qop="auth", nc="00000001", cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1"
    )
    proof = the_proof(decode(packet))

    assert proof.verify("Circle Of Life")
    assert not proof.verify("Hakuna Matata")
    assert proof.answer == b""


@pytest.mark.parametrize(
    ("extra", "covered"),
    [
        ({}, "{ha1}:{nonce}:{ha2}"),
        ({"algorithm": "SHA-256"}, "{ha1}:{nonce}:{ha2}"),
        ({"algorithm": '"md5-sess"', "cnonce": "c"}, "{ha1}:{nonce}:{ha2}"),
        ({"qop": "auth-int", "nc": "1", "cnonce": "c", "body": "beef"}, "{ha1}:{nonce}:1:c:auth-int:{ha2}"),
    ],
    ids=["no qop", "SHA-256", "MD5-sess", "auth-int"],
)
def test_digest_variants(extra: dict[str, str], covered: str) -> None:
    """As RFC 7616 section 3.4 computes them."""
    import hashlib

    algorithm = extra.get("algorithm", "MD5").strip('"').lower()
    function = hashlib.sha256 if algorithm == "sha-256" else hashlib.md5

    def hashed(text: str) -> str:
        return function(text.encode()).hexdigest()

    ha1 = hashed(f"Mufasa:{RFC2617['realm']}:Circle Of Life")
    if algorithm.endswith("-sess"):
        ha1 = hashed(f"{ha1}:{RFC2617['nonce']}:c")
    body = ":beef" if "body" in extra else ""
    ha2 = hashed(f"GET:/dir/index.html{body}")
    response = hashed(covered.format(ha1=ha1, ha2=ha2, nonce=RFC2617["nonce"]))

    proof = the_proof(decode(sterman(**RFC2617, **extra, response=response.upper())))

    assert proof.verify("Circle Of Life")
    assert not proof.verify("circle of life")


def test_an_unknown_digest_algorithm_is_never_right() -> None:
    """AKA, for one, needs more than a secret."""
    assert not the_proof(decode(sterman(**RFC2617, algorithm="AKAv1-MD5", response="0"))).verify("x")


def test_a_digest_without_its_nonce_is_never_right() -> None:
    """There is nothing to compute it over."""
    assert isinstance(the_proof(decode(sterman(uri="/", response="0"))), BrokenProof)


# RFC 2759 section 9.2.
USER = b"User"
AUTHENTICATOR_CHALLENGE = bytes.fromhex("5b5d7c7d7b3f2f3e3c2c602132262628")
PEER_CHALLENGE = bytes.fromhex("21402324255e262a28295f2b3a337c7e")
NT_RESPONSE = bytes.fromhex("82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df")


def mschap(number: int, response: bytes, challenge: bytes, user: bytes = USER) -> Packet:
    """An Access-Request with an MS-CHAP challenge and response."""
    attributes = encode_attribute(1, user)
    attributes += encode_vendor_attribute(311, 11, challenge) + encode_vendor_attribute(311, number, response)
    return decode(b"\1\1" + (20 + len(attributes)).to_bytes(2) + bytes(16) + attributes)


@pytest.mark.parametrize("user", [b"User", b"BIGCO\\User"])
def test_mschap_version_2_of_rfc_2759(user: bytes) -> None:
    """Right for `clientPass`, with the answer that the peer waits for; a domain is not part of the name."""
    response = b"\x2a\0" + PEER_CHALLENGE + bytes(8) + NT_RESPONSE
    proof = the_proof(mschap(25, response, AUTHENTICATOR_CHALLENGE, user))

    assert not proof.verify("other")
    assert proof.answer == b""
    assert proof.verify("clientPass")
    success = encode_vendor_attribute(311, 26, b"\x2aS=407A5589115FD0D6209F510FE9C04566932CDA56")
    assert proof.answer.startswith(success)
    assert revealed_keys(proof.answer[len(success) :]) == {16: SEND_KEY, 17: RECEIVE_KEY}


# RFC 3079 section 3.5.3, of the same user and password.
MASTER_KEY = bytes.fromhex("fdece3717a8c838cb388e527ae3cdd31")
SEND_KEY = bytes.fromhex("8b7cdc149b993a1ba118cb153f56dccb")
RECEIVE_KEY = start_key(MASTER_KEY, is_sent_by_server=False)


def revealed_keys(attributes: bytes) -> dict[int, bytes]:
    """The keys of an Accept as an access server reveals them (RFC 2548 section 2.4.2): each with its salt."""
    packet = as_packet(attributes)
    keys, salts = {}, set()
    for number in (16, 17):
        (value,) = packet.get_vendor(311, number)
        salt, hidden, previous = value[:2], value[2:], bytes(16) + value[:2]
        assert salt[0] & 0x80
        salts.add(salt)
        clear = b""
        for at in range(0, len(hidden), 16):
            stream = hashlib.md5(SECRET.encode() + previous).digest()
            previous = hidden[at : at + 16]
            clear += bytes(a ^ b for a, b in zip(previous, stream, strict=True))
        keys[number] = clear[1 : 1 + clear[0]]
    assert len(salts) == 2
    assert packet.get_vendor(311, 7) == [b"\0\0\0\1"]
    assert packet.get_vendor(311, 8) == [b"\0\0\0\6"]
    return keys


def test_link_keys_of_rfc_3079() -> None:
    """The master key of a password's hash and response, and the start key of what the server sends."""
    master = master_key(md4(nt_hash("clientPass")), NT_RESPONSE)

    assert master == MASTER_KEY
    assert start_key(master, is_sent_by_server=True) == SEND_KEY
    assert start_key(master, is_sent_by_server=False) != SEND_KEY


def test_mschap_version_1() -> None:
    """The challenge under the password's hash; RFC 2433's flag chooses the response."""
    challenge = b"8 octets"
    key = nt_hash("MyPw").ljust(21, b"\0")
    response = b"".join(des_encrypt(challenge, key[at : at + 7]) for at in (0, 7, 14))

    assert the_proof(mschap(1, b"\1\1" + bytes(24) + response, challenge)).verify("MyPw")
    assert not the_proof(mschap(1, b"\1\1" + bytes(24) + response, challenge)).verify("mypw")
    assert isinstance(the_proof(mschap(1, b"\1\0" + bytes(24) + response, challenge)), BrokenProof)


@pytest.mark.parametrize(("response", "challenge"), [(bytes(49), bytes(16)), (bytes(50), b"")])
def test_a_broken_mschap_is_never_right(response: bytes, challenge: bytes) -> None:
    """Wrong length, no challenge."""
    assert isinstance(the_proof(mschap(25, response, challenge)), BrokenProof)


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"message digest", "d9130a8164549fe818874806e1c7014b"),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_of_rfc_1320(message: bytes, digest: str) -> None:
    """Appendix A.5."""
    assert md4(message).hex() == digest


@pytest.mark.parametrize(
    ("key", "clear", "cipher"),
    [
        ("133457799bbcdff1", "0123456789abcdef", "85e813540f0ab405"),
        ("0101010101010101", "0000000000000000", "8ca64de9c1b123a7"),
        ("fefefefefefefefe", "ffffffffffffffff", "7359b2163e4edc58"),
    ],
)
def test_des_of_published_examples(key: str, clear: str, cipher: str) -> None:
    """Keys are published with parity bits, which ours are without."""
    octets = bytes.fromhex(key)
    bits = 0
    for octet in octets:
        bits = bits << 7 | octet >> 1

    encrypted = des_encrypt(bytes.fromhex(clear), bits.to_bytes(7)).hex()

    assert encrypted == cipher


def test_a_join_token_names_its_session() -> None:
    """Only with the same key, for the same gateway, and unchanged."""
    key = JoinKey(b"key")
    token = key.sign(gateway_id=7, session_key="192.0.2.1|a:b")

    assert token.isascii()
    assert key.verify(token, gateway_id=7) == "192.0.2.1|a:b"
    assert key.verify(token, gateway_id=8) == ""
    assert JoinKey(b"other").verify(token, gateway_id=7) == ""
    assert key.verify(token[:-1] + b"c", gateway_id=7) == ""
    assert key.verify(b"ocs2" + token[4:], gateway_id=7) == ""

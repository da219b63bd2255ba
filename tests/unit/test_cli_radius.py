"""``ocs radius decode``: a packet for people."""

import io

import pytest
from command import Shell
from radius_vectors import RFC_VECTORS, access_request, accounting_request, every_packet, extra_vectors

PACKETS = {vector["name"]: vector for vector in RFC_VECTORS}
REQUEST = PACKETS["7.1-request"]["hex"]
SECRET = "xyzzy5461"


def test_the_packet_of_an_rfc_is_explained(shell: Shell) -> None:
    """Header, authenticity, attributes by name, the password in clear where the secret is known."""
    told = shell.json("radius", "decode", REQUEST, "--secret", SECRET)

    assert (told["code"], told["identifier"], told["length"]) == ("Access-Request (1)", "0", "56 octets")
    assert (told["authentic"], told["Message-Authenticator"]) == ("random: proves nothing", "missing")
    assert [(one["octet"], one["attribute"], one["value"]) for one in told["attributes"]] == [
        (20, "User-Name", "nemo"),
        (26, "User-Password", "arctangent"),
        (44, "NAS-IP-Address", "192.168.1.16"),
        (50, "NAS-Port", "3"),
    ]
    assert told["fault"] is told["meaning"] is None
    assert "arctangent" in shell.ok("radius", "decode", REQUEST, "--secret", SECRET)


def test_octets_may_be_written_in_several_ways(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a dump, with colons, with 0x, from a pipe."""
    expected = shell.json("radius", "decode", REQUEST)
    pairs = [REQUEST[at : at + 2] for at in range(0, len(REQUEST), 2)]
    monkeypatch.setattr("sys.stdin", io.StringIO(" ".join(pairs[:20]) + "\n" + " ".join(pairs[20:])))

    for written in (":".join(pairs), "0x" + REQUEST.upper(), "-"):
        assert shell.json("radius", "decode", written) == expected
    assert "HEX: are no hexadecimal octets" in shell.refused(2, "radius", "decode", "01zz")
    assert "--request: are no" in shell.refused(2, "radius", "decode", REQUEST, "--request", "0")


@pytest.mark.parametrize(
    ("secret", "request_name", "authentic"),
    [
        (None, None, "not checked: needs the secret and the request"),
        (SECRET, "7.1-request", "right"),
        ("other", "7.1-request", "wrong: another secret, or changed on its way"),
        (SECRET, "7.2-request-chap", "wrong: another secret, or changed on its way"),
    ],
)
def test_a_reply_is_checked_against_its_request(
    shell: Shell, secret: str | None, request_name: str | None, authentic: str
) -> None:
    """Its authenticator covers that of the request."""
    arguments = ["radius", "decode", PACKETS["7.1-accept"]["hex"]]
    arguments += [] if secret is None else ["--secret", secret]
    arguments += [] if request_name is None else ["--request", PACKETS[request_name]["hex"]]

    assert shell.json(*arguments)["authentic"] == authentic


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        ("01", "1 octets: a header alone has 20"),
        ("01000013" + "00" * 16, "octet 2: Length 19 is not 20 to 4096"),
        ("01000064" + "00" * 16, "octet 2: Length says 100 octets, 20 were received"),
        ("63000014" + "00" * 16, "octet 0: code 99 is none that this server knows"),
        ("01000015" + "00" * 16 + "ff", "octet 20: half an attribute header"),
        ("01000016" + "00" * 16 + "0002", "octet 20: attribute 0 does not exist"),
        ("01000016" + "00" * 16 + "0101", "octet 21: attribute 1 says that it has 1 octets, 2 are the least"),
        ("01000016" + "00" * 16 + "010a", "octet 21: attribute 1 says that it has 10 octets, 2 are left"),
        ("01000019" + "00" * 16 + "5005000000", "Message-Authenticator is not one of 18 octets"),
    ],
)
def test_a_broken_packet_says_where_it_breaks(shell: Shell, octets: str, fault: str) -> None:
    """By octet; what stands before it is explained all the same."""
    assert shell.json("radius", "decode", octets)["fault"] == fault
    assert fault in shell.ok("radius", "decode", octets)


def test_a_terminal_obeys_no_packet(shell: Shell) -> None:
    """Escape sequences of a stranger are written out."""
    packet = access_request(
        {"User-Name": "\x1b[2Jalice\n", "Called-Station-Id": "1", "Acct-Session-Id": "\x1b"}
    )

    told = shell.ok("radius", "decode", packet.hex(), "--secret", "testing123", "--dialect", "generic")

    assert "\x1b" not in told
    assert "\\x1b[2Jalice" in told


def test_what_stands_before_the_break_is_explained(shell: Shell) -> None:
    """The packet that RFC 2865 misprints has a State that runs past its end."""
    told = shell.json("radius", "decode", PACKETS["7.3-request2-as-printed"]["hex"])

    assert [one["attribute"] for one in told["attributes"]] == [
        "User-Name",
        "User-Password",
        "NAS-IP-Address",
        "NAS-Port",
    ]
    assert told["fault"] == "octet 58: attribute 24 says that it has 16 octets, 10 are left"


def test_a_dialect_says_what_is_understood(shell: Shell) -> None:
    """A question, a report, a refusal, a nonce, an end: in the words of the family."""

    def meaning(packet: bytes, dialect: str) -> dict[str, str]:
        arguments = (packet.hex(), "--secret", "testing123", "--dialect", dialect)
        told: dict[str, str] = shell.json("radius", "decode", *arguments)["meaning"]
        return told

    call = {"User-Name": "a", "Called-Station-Id": "442071838750", "Acct-Session-Id": "c"}
    asked = meaning(access_request(call, password="x"), "generic")
    reported = meaning(
        accounting_request(
            {"Acct-Status-Type": "Interim-Update", "Acct-Session-Id": "c", "Eltex-AVPair": "session-time=19"},
            dialect="eltex",
        ),
        "eltex",
    )

    assert (asked["asks"], asked["password"], asked["called"]) == ("INITIAL", "PAP", "442071838750")
    assert (reported["asks"], reported["session"], reported["used"]) == ("UPDATE", "c", "19 s")
    assert meaning(access_request({"EAP-Message": b"\2\1"}), "generic") == {
        "answer": "Access-Reject: not_available"
    }
    assert meaning(accounting_request({"Acct-Status-Type": "Accounting-On"}), "generic") == {
        "asks": "to end every session of the gateway"
    }
    assert meaning(accounting_request({}), "generic")["answer"].startswith("none: missing_attribute (")
    assert "--dialect" in shell.refused(2, "radius", "decode", REQUEST, "--dialect", "klingon")


def test_every_known_packet_can_be_explained(shell: Shell) -> None:
    """Those of the RFCs and whatever others there are; and each cut in the middle."""
    from ocs.radius.codec import Secret
    from ocs.radius.dictionary import VENDORS, load_dictionary
    from ocs.radius.explanation import explain

    names = load_dictionary(["rfc", *VENDORS])
    others = [bytes.fromhex(vector["hex"]) for vector in extra_vectors()]
    for packet in [*every_packet(), *others]:
        explain(packet, names, secret=Secret("x"), request=packet)
        assert explain(packet[: len(packet) // 2], names, secret=Secret("x")).fault

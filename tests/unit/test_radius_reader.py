"""The expressions that dialect files are written in."""

import pytest
from radius_vectors import as_packet, dialects, encode

from ocs.errors import InputError
from ocs.radius.reader import compile_count, compile_text, first_count, first_text

WIMAX = dialects()["wimax"].dictionary
VOLUME = "joined(Acct-Input-Octets, Acct-Input-Gigawords)"


def read_text(expression: str, attributes: dict[str, object]) -> str:
    """What the expression reads of a packet with these attributes."""
    return compile_text(expression, WIMAX)(as_packet(encode(attributes, "wimax")))


def read_count(expression: str, attributes: dict[str, object]) -> int | None:
    """What the expression counts in a packet with these attributes."""
    return compile_count(expression, WIMAX)(as_packet(encode(attributes, "wimax")))


@pytest.mark.parametrize(
    ("expression", "attributes", "text"),
    [
        ("User-Name", {}, ""),
        ("User-Name", {"User-Name": ["alice", "bob"]}, "alice"),
        ("user-name", {"User-Name": b" ali\0ce\0 "}, "alice"),
        ("User-Name", {"User-Name": b"Zo\xeb"}, "Zo\u00eb"),
        ("User-Name", {"User-Name": "Zo\u00eb"}, "Zo\u00eb"),
        ("User-Name", {"User-Name": "User-Name=alice"}, "User-Name=alice"),
        ("NAS-IP-Address", {"NAS-IP-Address": "192.0.2.1"}, "192.0.2.1"),
        ("NAS-IP-Address", {"NAS-IP-Address": b"abc"}, "0x616263"),
        ("NAS-IPv6-Address", {"NAS-IPv6-Address": "2001:db8::1"}, "2001:db8::1"),
        ("NAS-Port-Type", {"NAS-Port-Type": "Virtual"}, "Virtual"),
        ("NAS-Port-Type", {"NAS-Port-Type": 77}, "77"),
        ("State", {"State": b"\1\2"}, "0x0102"),
        ("h323-conf-id", {"h323-conf-id": "h323-conf-id=AB CD"}, "AB CD"),
        ("h323-conf-id", {"h323-conf-id": "H323-Conf-Id = AB"}, "AB"),
        ("h323-conf-id", {"h323-conf-id": "h323-conf-id"}, "h323-conf-id"),
        ("hex(h323-conf-id)", {"h323-conf-id": "h323-conf-id=AB CD"}, "abcd"),
        ("hex(h323-conf-id)", {"h323-conf-id": bytes(range(16))}, bytes(range(16)).hex()),
        ("hex(h323-conf-id)", {}, ""),
        ("hex(Cisco-AVPair:h323-conf-id)", {"Cisco-AVPair": ["x=y", "h323-conf-id=AB CD"]}, "abcd"),
        ("hex(Cisco-AVPair:h323-conf-id)", {"Cisco-AVPair": "x=y"}, ""),
        ("Cisco-AVPair:call-id", {"Cisco-AVPair": ["x=1", "call-id=a=b@c"]}, "a=b@c"),
        ("Cisco-AVPair:call-id", {"Cisco-AVPair": ["call-id-2=1"]}, ""),
        ("Cisco-AVPair:h323-incoming-conf-id", {"Cisco-AVPair": "h323-incoming-conf-id:7 8"}, "7 8"),
        ("Cisco-AVPair:h323-ivr-out:A", {"Cisco-AVPair": ["h323-ivr-out=B:1", "h323-ivr-out=A:2"]}, "2"),
        ("after(Cisco-Control-Info, QV)", {"Cisco-Control-Info": ["QT1", "QV22"]}, "22"),
        ("after(Cisco-Control-Info, QV)", {"Cisco-Control-Info": "QT1"}, ""),
        ("WiMAX-PPAQ-Quota-Identifier", {"WiMAX-PPAQ": b"\1\6\0\0\0\7\2\6\0\0\0\1"}, "0x00000007"),
        ("WiMAX-Update-Reason", {"WiMAX-PPAQ": b"\x08\6\0\0\0\3"}, "Threshold-Reached"),
        ("sum(Event-Timestamp, Acct-Session-Time)", {"Event-Timestamp": 5, "Acct-Session-Time": 6}, "11"),
        ("sum(Event-Timestamp, Acct-Session-Time)", {"Event-Timestamp": 5}, ""),
    ],
)
def test_texts(expression: str, attributes: dict[str, object], text: str) -> None:
    """A value, without its own name, of a pair or of a sub-attribute; empty when it is absent."""
    assert read_text(expression, attributes) == text


@pytest.mark.parametrize(
    ("expression", "attributes", "count"),
    [
        ("Acct-Session-Time", {}, None),
        ("Acct-Session-Time", {"Acct-Session-Time": 61}, 61),
        ("Acct-Session-Time", {"Acct-Session-Time": b"\1"}, None),
        ("Cisco-AVPair:session-time", {"Cisco-AVPair": "session-time=19"}, 19),
        ("Cisco-AVPair:session-time", {"Cisco-AVPair": "session-time=-19"}, None),
        ("Cisco-AVPair:session-time", {"Cisco-AVPair": "session-time=" + "9" * 20}, None),
        ("WiMAX-Volume-Quota", {"WiMAX-PPAQ": b"\2\6\0\1\0\0"}, 65536),
        ("WiMAX-Volume-Quota", {"WiMAX-PPAQ": b"\2\3\1"}, None),
        (VOLUME, {"Acct-Input-Octets": 1}, 1),
        (VOLUME, {"Acct-Input-Gigawords": 1}, None),
        (VOLUME, {"Acct-Input-Octets": 1, "Acct-Input-Gigawords": 2}, 2**33 + 1),
        ("milliseconds(Acct-Session-Time)", {"Acct-Session-Time": 60499}, 60),
        ("milliseconds(Acct-Session-Time)", {"Acct-Session-Time": 60500}, 61),
        ("milliseconds(Acct-Session-Time)", {}, None),
        ("milliseconds_up(Acct-Session-Time)", {"Acct-Session-Time": 60_000}, 60),
        ("milliseconds_up(Acct-Session-Time)", {"Acct-Session-Time": 60_001}, 61),
        ("microseconds_up(Acct-Session-Time)", {"Acct-Session-Time": 60_000_001}, 61),
        ("microseconds(Acct-Session-Time)", {"Acct-Session-Time": 60_500_000}, 61),
        ("kilobytes(Acct-Input-Octets)", {"Acct-Input-Octets": 2**32 - 1}, (2**32 - 1) * 1024),
        ("kilobytes(Acct-Input-Octets)", {}, None),
        ("sum(Acct-Session-Time, Acct-Delay-Time)", {"Acct-Session-Time": 1, "Acct-Delay-Time": 2}, 3),
        ("after(Cisco-Control-Info, QT)", {"Cisco-Control-Info": "QT300"}, 300),
        (
            "difference(h323-connect-time, h323-disconnect-time)",
            {"h323-connect-time": "23:59:50", "h323-disconnect-time": "00:00:50.5"},
            61,
        ),
        (
            "difference(h323-connect-time, h323-disconnect-time)",
            {"h323-connect-time": "2024-01-02 00:00:00", "h323-disconnect-time": "2024-01-01 00:00:00"},
            None,
        ),
        ("difference(h323-connect-time, h323-disconnect-time)", {"h323-connect-time": "23:59:50"}, None),
    ],
)
def test_counts(expression: str, attributes: dict[str, object], count: int | None) -> None:
    """Numbers on the wire or in text, joined, scaled and subtracted; None when they are absent or broken."""
    assert read_count(expression, attributes) == count


def test_the_first_source_that_finds_something_wins() -> None:
    """Also when it finds a zero."""
    packet = as_packet(encode({"Acct-Session-Time": 0, "Acct-Delay-Time": 5, "User-Name": "a"}))
    counts = [
        compile_count(name, WIMAX) for name in ("Acct-Input-Octets", "Acct-Session-Time", "Acct-Delay-Time")
    ]
    texts = [compile_text(name, WIMAX) for name in ("Called-Station-Id", "User-Name")]

    assert first_count(counts, packet) == 0
    assert first_text(texts, packet) == "a"
    assert first_count(counts[:1], packet) is None
    assert first_text(texts[:1], packet) == ""


@pytest.mark.parametrize(
    ("expression", "place", "reason"),
    [
        ("No-Such-Name", "No-Such-Name", "no dictionary"),
        ("hex(User-Name, Class)", "hex(User-Name, Class)", "takes 1 argument"),
        ("after(Cisco-Control-Info)", "after(Cisco-Control-Info)", "letters in front"),
        ("shout(User-Name)", "shout(User-Name)", "gives no number"),
        ("joined(Acct-Input-Octets)", "joined(Acct-Input-Octets)", "takes 2 argument"),
        ("sum(hex(User-Name), Class)", "hex(User-Name)", "gives no number"),
        ("difference(Event-Timestamp)", "difference(Event-Timestamp)", "takes 2 argument"),
    ],
)
def test_wrong_expressions_are_named(expression: str, place: str, reason: str) -> None:
    """A dialect file that cannot work is refused when it is read."""
    with pytest.raises(InputError) as caught:
        compile_text(expression, WIMAX)

    assert caught.value.place == place
    assert reason in caught.value.reason


def test_text_is_no_count() -> None:
    """A function that gives text cannot stand where a number is needed."""
    with pytest.raises(InputError, match="gives no number"):
        compile_count("hex(h323-conf-id)", WIMAX)

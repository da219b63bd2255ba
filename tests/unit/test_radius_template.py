"""Reply attributes and conditions as dialect files write them."""

import pytest
from radius_vectors import as_packet, dialects, encode, reply_texts

from ocs.errors import InputError
from ocs.radius.condition import Condition
from ocs.radius.template import GroupTemplate, Template

WIMAX = dialects()["wimax"].dictionary
FACTS = {
    "seconds": 60,
    "octets": 2**40,
    "return_code": 0,
    "reason": "success",
    "quota_id": 7,
    "currency": None,
}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Session-Timeout", "{seconds}", "60"),
        ("Session-Timeout", "{octets}", str(2**32 - 1)),
        ("Session-Timeout", "300", "300"),
        ("Termination-Action", "RADIUS-Request", "RADIUS-Request"),
        ("h323-credit-time", "h323-credit-time={seconds}", "h323-credit-time=60"),
        ("Cisco-AVPair", "100% {reason} {seconds}", "100% success 60"),
        ("State", "{quota_id}", "0x00000007"),
        ("State", "0xff", "0xff"),
        ("State", "{reason}", "0x" + b"success".hex()),
    ],
)
def test_templates(name: str, text: str, expected: str) -> None:
    """Facts are filled in; numbers that the attribute cannot hold are the largest that it can."""
    assert reply_texts(Template(WIMAX[name], text).encode(FACTS), "wimax") == [(name, expected)]


def test_a_text_that_is_too_long_is_cut() -> None:
    """An attribute holds 253 octets."""
    encoded = Template(WIMAX["Reply-Message"], "{reason}").encode({"reason": "x" * 500})

    assert len(encoded) == 242


@pytest.mark.parametrize(
    ("name", "text"), [("Session-Timeout", "{total_octets}"), ("h323-currency", "{currency}")]
)
def test_without_its_fact_there_is_no_attribute(name: str, text: str) -> None:
    """A fact may be unknown to this kind of reply."""
    assert Template(WIMAX[name], text).encode(FACTS) == b""


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("Session-Timeout", "{second}", "no fact {second}"),
        ("Session-Timeout", "soon", "soon"),
        ("Session-Timeout", "{seconds}s", "is no number"),
        ("Session-Timeout", "{reason}", "is no number"),
        ("Session-Timeout", "{called}", "is no number"),
        ("Session-Timeout", str(2**32), "too big"),
        ("NAS-IP-Address", "192.0.2.300", "192.0.2.300"),
        ("State", "0xfff", "0xfff"),
        ("Cisco-AVPair", "x" * 246, "too long"),
    ],
)
def test_wrong_templates_are_refused(name: str, text: str, reason: str) -> None:
    """When the file is read, not when the first reply is sent."""
    with pytest.raises(InputError) as caught:
        Template(WIMAX[name], text)

    assert caught.value.place == name
    assert reason in caught.value.reason


def test_a_group_is_one_attribute_or_none() -> None:
    """Sub-attributes that belong together are sent together."""
    members = [
        (WIMAX["WiMAX-PPAQ-Quota-Identifier"], "{quota_id}"),
        (WIMAX["WiMAX-Duration-Quota"], "{seconds}"),
    ]
    group = GroupTemplate(WIMAX["WiMAX-PPAQ"], members)

    assert group.encode(FACTS).hex() == "1a15000060b5250f00" + "010600000007" + "04060000003c"
    assert group.encode({"quota_id": 7}) == b""


def test_a_constant_in_a_group_is_a_value_of_its_type() -> None:
    """An integer, not the digits that write it."""
    members = [
        (WIMAX["WiMAX-Duration-Quota"], "{seconds}"),
        (WIMAX["WiMAX-Update-Reason"], "Threshold-Reached"),
        (WIMAX["WiMAX-Termination-Action"], "1"),
    ]

    encoded = GroupTemplate(WIMAX["WiMAX-PPAQ"], members).encode(FACTS)

    assert encoded.hex() == "1a18000060b5251200" + "04060000003c" + "080600000003" + "0c0301"


def test_a_group_takes_its_own_sub_attributes_only() -> None:
    """Another attribute cannot stand within it."""
    with pytest.raises(InputError, match="no sub-attribute of WiMAX-PPAQ"):
        GroupTemplate(WIMAX["WiMAX-PPAQ"], [(WIMAX["Session-Timeout"], "{seconds}")])


PACKET = as_packet(
    encode(
        {
            "NAS-Port-Type": "Virtual",
            "User-Name": "Alice",
            "Cisco-AVPair": "a",
            "h323-call-type": "h323-call-type=VoIP",
        }
    )
)


@pytest.mark.parametrize(
    ("when", "is_met"),
    [
        ({}, True),
        ({"NAS-Port-Type": ["Virtual"]}, True),
        ({"NAS-Port-Type": ["Ethernet", "5"]}, True),
        ({"NAS-Port-Type": ["Ethernet"]}, False),
        ({"User-Name": ["alice"]}, True),
        ({"User-Name": ["bob"]}, False),
        ({"User-Name": ["*"], "NAS-Port-Type": ["*"]}, True),
        ({"User-Name": ["*"], "Framed-Protocol": ["*"]}, False),
        ({"User-Name": []}, False),
        ({"Framed-Protocol": []}, True),
        ({"Framed-Protocol": ["PPP"]}, False),
        ({"Cisco-AVPair": ["A", "b"]}, True),
        ({"h323-call-type": ["voip"]}, True),
        ({"h323-call-type": ["Telephony"]}, False),
        ({"WiMAX-Update-Reason": ["Quota-Reached"]}, False),
    ],
)
def test_conditions(*, when: dict[str, list[str]], is_met: bool) -> None:
    """All attributes named must have one of their values."""
    assert Condition(when, WIMAX).is_met(PACKET) is is_met


def test_a_condition_on_a_sub_attribute() -> None:
    """Values are compared as octets of the right size."""
    packet = as_packet(encode({"WiMAX-PPAQ": b"\x08\6\0\0\0\4"}, "wimax"))

    assert Condition({"WiMAX-Update-Reason": ["Quota-Reached"]}, WIMAX).is_met(packet)


@pytest.mark.parametrize("when", [{"No-Such-Name": ["*"]}, {"NAS-Port-Type": ["Cable-Car"]}])
def test_wrong_conditions_are_refused(when: dict[str, list[str]]) -> None:
    """An attribute or a value that nobody knows is a mistake."""
    with pytest.raises(InputError):
        Condition(when, WIMAX)

"""Numbers as gateways write them, and the rules of a gateway."""

import pytest

from ocs.ports import NumberRules
from ocs.radius.number import normalise_number, parse_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", ""),
        ("442071838750", "442071838750"),
        ("+442071838750", "+442071838750"),
        ("+44 (20) 7183-8750", "+442071838750"),
        ("tel:+44-20-7183-8750", "+442071838750"),
        ("ton:0,npi:1,#:442071838750", "442071838750"),
        ("ton:0,npi:1,pi:0,si:1,#:15550100", "15550100"),
        ('"Alice" <sip:15550100@192.0.2.1>;tag=abc', "15550100"),
        ("<sip:442071838750@192.0.2.40:5060>", "442071838750"),
        ("sip:+15550100;npdi@host;user=phone", "+15550100"),
        ("SIPS:alice@example.com", "alice"),
        ("sip:%2B15550100@host", "+15550100"),
        ("sip:host.example", "host.example"),
        ("h323:15550100@gk", "15550100"),
        (" alice ", "alice"),
        ("00-11-22-33-44-55", "001122334455"),
        ("30:39:26:86:CC:EA", "30:39:26:86:CC:EA"),
        ("1234#442071838750", "1234#442071838750"),
        ("<sip:", ""),
        ('"sip:1800555@free" <sip:15550100@192.0.2.1>', "15550100"),
        ('"#:1800555" <sip:15550100@192.0.2.1>', "15550100"),
        ('"a\\" <sip:1800555@free>" <sip:15550100@h>;tag=x', "15550100"),
        ('"sip:1800555@free <sip:15550100@h>', "15550100"),
        ("sip:1800555@free <tel:+15550100>", "+15550100"),
        ("ton:0,npi:1,#:", ""),
        ("sip:%00155%0A50100@h", "15550100"),
        ("15550100²", "15550100²"),
    ],
)
def test_the_number_in_an_attribute(text: str, number: str) -> None:
    """Plain, SIP, tel, H.323, Cisco's type of number; separators go where only digits remain."""
    assert parse_number(text) == number


BRITISH = NumberRules(
    strip_prefixes=("9", "99#"),
    national_prefix="0",
    country_code="44",
    national_digits_max=10,
)


@pytest.mark.parametrize(
    ("number", "rules", "expected"),
    [
        ("+442071838750", NumberRules(), "442071838750"),
        ("00442071838750", NumberRules(), "442071838750"),
        ("442071838750", NumberRules(), "442071838750"),
        ("alice", NumberRules(), "alice"),
        ("", BRITISH, ""),
        ("99#00442071838750", BRITISH, "442071838750"),
        ("900442071838750", BRITISH, "442071838750"),
        ("02071838750", BRITISH, "442071838750"),
        ("2071838750", BRITISH, "442071838750"),
        ("442071838750", BRITISH, "442071838750"),
        ("+15550100", BRITISH, "15550100"),
        ("alice", BRITISH, "alice"),
        ("0712", NumberRules(national_prefix="0"), "0712"),
        ("5550100", NumberRules(country_code="1"), "5550100"),
        ("011442071838750", NumberRules(international_prefixes=("0", "011")), "442071838750"),
    ],
)
def test_a_gateways_rules(number: str, rules: NumberRules, expected: str) -> None:
    """Tech prefix, international mark, national prefix, country code: in this order, the longest first."""
    assert normalise_number(number, rules) == expected

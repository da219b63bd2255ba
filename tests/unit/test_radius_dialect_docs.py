"""docs/dialects.md: its examples run, and nothing that a file may say is left out."""

import inspect
import re
from pathlib import Path

import pytest
from radius_vectors import SOURCE, as_packet, gateway

import ocs.radius.dialect
from ocs.charging.outcome import Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.radius.codec import Code, encode_attribute, encode_vendor_attribute
from ocs.radius.dialect import Dialect, load_dialects
from ocs.radius.endpoint import Client, Exchange, Memory, Silence
from ocs.radius.template import FACTS
from ocs.radius.translate import Translator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "dialects.md").read_text()
EXAMPLES = dict(re.findall(r"<!-- tested: (\S+) -->\n```\w*\n(.*?)```", PAGE, re.DOTALL))
VENDOR = 99999


@pytest.fixture
def families(tmp_path: Path) -> dict[str, Dialect]:
    """The dialects of an operator who copied the page's examples into a folder."""
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text)
    return load_dialects([tmp_path])


def ask(dialect: Dialect, attributes: bytes) -> ChargingRequest:
    """What an Accounting-Request with these attributes asks for."""
    packet = as_packet(attributes)
    packet.code = Code.ACCOUNTING_REQUEST
    client = Client(gateway(dialect=dialect.name), dialect)
    action = Translator(b"key").to_charging(
        Exchange(packet, client, client.secret, SOURCE, 0, Memory(packet, 0))
    )
    assert isinstance(action, ChargingRequest)
    return action


def test_the_page_has_its_examples() -> None:
    """One file more is one family more."""
    assert set(EXAMPLES) == {
        "dictionary.northwind",
        "northwind.toml",
        "acme-ms.toml",
        "wimax-kb.toml",
        "pdsn.toml",
        "hotspot.toml",
        "sippy-routed.toml",
    }


def test_a_new_family_is_understood_as_the_page_says(families: dict[str, Dialect]) -> None:
    """Its Stop, and the Accept that it gets."""
    northwind = families["northwind"]
    stop = encode_attribute(40, b"\0\0\0\2")
    for number, value in ((1, b"7"), (4, b"inbound"), (3, (60_500).to_bytes(4))):
        stop += encode_vendor_attribute(VENDOR, number, value)

    request = ask(northwind, stop)

    assert (request.session_key, request.usage and request.usage.seconds) == ("7", 61)
    told = b"".join(template.encode({"seconds": 60}) for template in northwind.granted_seconds)
    texts = northwind.dictionary.describe(as_packet(told))
    assert ("Session-Timeout", "60") in texts
    assert ("Northwind-Limit", "60") in texts


def test_the_smaller_examples_do_what_they_say(families: dict[str, Dialect]) -> None:
    """Milliseconds, KB, octets in two words, an instant, a route."""
    report = encode_attribute(40, b"\0\0\0\2") + encode_attribute(44, b"1")
    in_ms = ask(families["acme-ms"], report + encode_attribute(46, (60_500).to_bytes(4)))
    quota = encode_vendor_attribute(24757, 37, b"\2\6" + (2048).to_bytes(4))
    in_kb = ask(families["wimax-kb"], report + quota)
    words = b"\2\6" + (7).to_bytes(4) + b"\3\4" + (3).to_bytes(2)
    in_words = ask(families["pdsn"], report + encode_vendor_attribute(5535, 90, words))
    facts = {"seconds": 60, "called": "442071838750", "calling": "15550100"}
    routed = b"".join(template.encode(facts) for template in families["sippy-routed"].granted_seconds)

    assert in_ms.usage is not None
    assert in_ms.usage.seconds == 61
    assert in_kb.usage is not None
    assert in_kb.usage.octets_out == 2048 * 1024
    assert in_words.usage is not None
    assert in_words.usage.octets_out == 3 * 2**32 + 7
    hotspot = families["hotspot"]
    until = b"".join(template.encode({"ends_at": 1_700_000_060_999}) for template in hotspot.granted_seconds)
    told = hotspot.dictionary.describe(as_packet(until))
    assert told == [("WISPr-Session-Terminate-Time", "2023-11-14T22:14:20+00:00")]
    texts = families["sippy-routed"].dictionary.describe(as_packet(routed))
    assert [text for name, text in texts if name == "Cisco-AVPair"] == [
        "h323-ivr-in=DURATION:60",
        "h323-ivr-in=Routing:442071838750@carrier.example;credit-time=60",
        "h323-ivr-in=Routing:00442071838750@second.example:5070;credit-time=60;cli=15550100",
    ]


@pytest.mark.parametrize(
    ("called", "route"),
    [
        ("sip:+442071838750@192.0.2.1;user=phone", "442071838750"),
        ("*100#", "*100#"),
        ("44@evil.example;credit-time=-1;ash", None),
        ("44%3Bcredit-time=-1", None),
        ("a", None),
        ("4" * 41, None),
    ],
)
def test_nobody_dials_a_route_of_his_own(
    families: dict[str, Dialect], called: str, route: str | None
) -> None:
    """A route has the number that is charged, or there is none: what is dialled is never read as more."""
    packet = as_packet(encode_attribute(30, called.encode()) + encode_attribute(1, b"alice"))
    packet.code = Code.ACCESS_REQUEST
    client = Client(
        gateway(dialect="sippy-routed", authorize_without_password=True), families["sippy-routed"]
    )
    exchange = Exchange(packet, client, client.secret, SOURCE, 0, Memory(packet, 0))
    translator = Translator(b"key")
    action = translator.to_charging(exchange)
    assert isinstance(action, ChargingRequest)

    outcome = Outcome(code=OutcomeCode.SUCCESS, granted_units=60)
    code, attributes = translator.to_reply(exchange, action, outcome)

    texts = [text for _, text in client.dialect.dictionary.describe(as_packet(attributes))]
    assert code is Code.ACCESS_ACCEPT
    assert [text for text in texts if "Routing:" in text] == (
        [f"h323-ivr-in=Routing:{route}@carrier.example;credit-time=60"] if route else []
    )


def test_every_family_and_every_silence_is_on_the_page() -> None:
    """An operator finds what the command line names."""
    for name in load_dialects():
        assert f"| `{name}` |" in PAGE
    for reason in Silence:
        assert f"`{reason.value}`" in PAGE


def test_every_key_and_expression_is_on_the_page() -> None:
    """What `dialect.py` takes from a table, what `reader.py` knows, what a template may say."""
    compiling = (ocs.radius.dialect._compile, ocs.radius.dialect._compile_renewal)
    source = "".join(map(inspect.getsource, compiling))
    keys = set(re.findall(r'\.\w+\(\s*"(\w+)"', source)) - {"named_by"}
    keys -= set(re.findall(r'table\("(\w+)"', source))
    reader = ROOT / "ocs/radius/reader.py"
    functions = set(re.findall(r'function (?:==|in) \(?"(\w+)"', reader.read_text()))

    assert len(keys) > 30
    for key in keys:
        assert f"`{key}`" in PAGE or f"`[{key}]`" in PAGE or f"[{key}]" in PAGE or f".{key}]" in PAGE, key
    assert {"hex", "joined", "sum"} <= functions
    for function in functions:
        assert f"{function}(" in PAGE, function
    for fact in FACTS:
        assert f"`{{{fact}}}`" in PAGE, fact

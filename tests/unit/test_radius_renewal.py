"""PortaBilling_Authorize: what equipment says about asking again, however it is written."""

import pytest
from radius_vectors import SECRET, access_request, dialects, exchange

from ocs.charging.request import ChargingRequest
from ocs.ports import GrantMode, GrantPolicy
from ocs.radius.codec import Secret
from ocs.radius.explanation import interpret
from ocs.radius.renewal import LEAST_MAX_S, Renewal
from ocs.radius.translate import BAD_RENEWAL, Translator

CALL = {"User-Name": "alice", "Called-Station-Id": "44", "Acct-Session-Id": "1"}
PAIR = b"h323-ivr-out=PortaBilling_Authorize:"
USABLE = Renewal(is_usable=True)


def asking(options: bytes) -> bytes:
    """An Access-Request for a call with these options."""
    return access_request({**CALL, "Cisco-AVPair": PAIR + options}, dialect="portasip", password="x")


@pytest.mark.parametrize(
    ("options", "renewal"),
    [
        (b"base=session-time;min=1", Renewal(is_usable=True, least_s=1)),
        (b"base=session-time;min=30;min=40", Renewal(is_usable=True, least_s=30)),
        (b"base=session-time;;;=;min", USABLE),
        (b"base=session-time;min=" + b"9" * 180, Renewal(is_usable=True, least_s=LEAST_MAX_S)),
        (b"base=session-time;min=0", USABLE._replace(fault="min '0' is no number above 0")),
        (b"base=session-time;min=-5", USABLE._replace(fault="min '-5' is no number above 0")),
        (b"base=session-time;min=1e3", USABLE._replace(fault="min '1e3' is no number above 0")),
        (b"base=session-time;min=\xb2\xff", USABLE._replace(fault="min '²ÿ' is no number above 0")),
        (b"base=\0total-bytes;min=5", Renewal(is_usable=False, fault="no base 'total-bytes' is granted by")),
        (b"min=5", Renewal(is_usable=False, fault="no base is named")),
        (b"", Renewal(is_usable=False, fault="no base is named")),
        (b"\xff\xfe\0", Renewal(is_usable=False, fault="no base is named")),
    ],
)
def test_options_are_read_or_explained(options: bytes, renewal: Renewal) -> None:
    """Nothing that a packet holds is an error of ours; what is of no use is counted by gateway and said."""
    packet = exchange(asking(options), dialect="portasip", coa_port=0)
    reader = dialects()["portasip"].renewal
    assert reader is not None

    action = Translator(b"key").to_charging(packet)

    assert reader.read(packet.packet) == renewal
    assert isinstance(action, ChargingRequest)
    assert bool(action.slice_units) is renewal.is_usable
    assert packet.client.counters.get(BAD_RENEWAL, 0) == (1 if renewal.fault else 0)
    told = interpret(asking(options), dialects()["portasip"], Secret(SECRET))["asks again"]
    assert told.startswith("when a grant" if renewal.is_usable else "no, it is told only once")
    assert renewal.fault in told


def test_who_says_nothing_is_told_nothing_of_it() -> None:
    """Other words of the family, and other families, are no such question."""
    plain = access_request(CALL, dialect="portasip", password="x")

    assert "asks again" not in interpret(plain, dialects()["portasip"], Secret(SECRET))
    assert "asks again" not in interpret(asking(b"base=session-time"), dialects()["cisco"], Secret(SECRET))


@pytest.mark.parametrize(
    ("policy", "service", "slice_units"),
    [
        (GrantPolicy(slice_s=60, max_grant_s=600), "voice", 600),
        (GrantPolicy(slice_s=60, max_grant_s=30), "voice", 60),
        (GrantPolicy(mode=GrantMode.WHOLE), "voice", 0),
        (GrantPolicy(), "data", 0),
    ],
    ids=["its least, up to a whole grant", "never below the slice", "whole", "not of volume"],
)
def test_slices_are_the_policys_to_give(policy: GrantPolicy, service: str, slice_units: int) -> None:
    """Seconds of a call: the longer of the policy's slice and the least, no longer than a whole grant."""
    attributes = {**CALL, "Cisco-AVPair": [f"service={service}", PAIR.decode() + "base=session-time;min=900"]}
    packet = exchange(access_request(attributes, password="x"), dialect="portasip", grant=policy)
    action = Translator(b"key").to_charging(packet)

    assert isinstance(action, ChargingRequest)
    assert action.slice_units == slice_units

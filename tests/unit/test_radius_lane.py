"""Orders that wait for their turn: fair between gateways, bounded towards each, closed to the silent."""

import pytest

import ocs.radius.lane
from ocs.radius.codec import Code
from ocs.radius.dynauth import Order
from ocs.radius.lane import PROBES, WINDOW, Errand, Lanes

PORT = 3799


def errand(host: str, number: int = 0, *, wanted: bool = True) -> Errand:
    """An order to a gateway; its number stands for the session."""
    order = Order(Code.DISCONNECT_REQUEST, host, PORT, "s", number.to_bytes(4), lambda *_: None)
    return Errand(order, lambda: wanted)


def fill(lanes: Lanes, host: str, count: int) -> None:
    """Queue as many orders for a gateway."""
    for number in range(count):
        assert lanes.put(errand(host, number))


def test_a_gateway_is_not_asked_more_than_it_can_take() -> None:
    """The rest waits, in its order, until something has come to its end."""
    lanes = Lanes()
    fill(lanes, "a", WINDOW + 2)

    first = list(lanes.take())
    assert len(first) == WINDOW == lanes.under_way
    assert list(lanes.take()) == []
    lanes.finish(("a", PORT), has_answered=True)

    assert [int.from_bytes(order.attributes) for order in lanes.take()] == [WINDOW]
    assert lanes.waiting == 1


def test_a_silent_gateway_is_only_probed() -> None:
    """After a timeout a few are tried at a time; one answer of any kind opens the lane again."""
    lanes = Lanes()
    fill(lanes, "a", 3 * WINDOW)
    for _ in list(lanes.take()):
        lanes.finish(("a", PORT), has_answered=False)

    assert len(list(lanes.take())) == PROBES
    lanes.finish(("a", PORT), has_answered=True)
    assert len(list(lanes.take())) == WINDOW - PROBES + 1


def test_gateways_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """What all together may have under way is shared, whoever came first."""
    monkeypatch.setattr(ocs.radius.lane, "UNDER_WAY_MAX", 6)
    lanes = Lanes()
    fill(lanes, "a", 100)
    fill(lanes, "b", 2)

    assert [order.host for order in lanes.take()] == ["a", "b", "a", "b", "a", "a"]


def test_what_is_no_longer_wanted_is_passed_over() -> None:
    """A session that was granted more while its Disconnect waited is left alone; nothing of it stays."""
    lanes = Lanes()
    lanes.put(errand("a", wanted=False))
    lanes.put(errand("b", 1))

    assert [order.host for order in lanes.take()] == ["b"]
    lanes.finish(("b", PORT), has_answered=True)
    assert (lanes.waiting, lanes.under_way, lanes._lanes) == (0, 0, {})


def test_waiting_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound an order is refused."""
    monkeypatch.setattr(ocs.radius.lane, "WAITING_MAX", 1)
    lanes = Lanes()

    assert lanes.put(errand("a"))
    assert not lanes.put(errand("a"))

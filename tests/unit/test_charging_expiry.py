"""The queue of silent sessions: each comes up when its time has come, once."""

from ocs.charging.expiry import OUTDATED_MAX, ExpiryQueue


def test_sessions_come_up_in_order_and_once() -> None:
    """Due sessions are handed out earliest first, up to the limit, and not again until they report back."""
    queue = ExpiryQueue()
    for key, at_ms in (("late", 30), ("early", 10), ("middle", 20)):
        queue.opened(1, key, at_ms)

    assert queue.due(25, limit=1) == [(1, "early")]
    assert queue.due(25, limit=9) == [(1, "middle")]
    assert queue.due(25, limit=9) == []
    queue.opened(1, "early", 40)
    assert queue.due(40, limit=9) == [(1, "late"), (1, "early")]


def test_a_session_that_reports_again_is_queued_once() -> None:
    """Each report calls `opened`; the heap holds one entry per session whatever their number."""
    queue = ExpiryQueue()
    for at_ms in range(100):
        queue.opened(1, "c1", at_ms)

    assert queue.due(1000, limit=9) == [(1, "c1")]


def test_closed_sessions_never_come_up() -> None:
    """A session that ended is dropped when its old instant comes, and is not listed for its gateway."""
    queue = ExpiryQueue()
    queue.opened(1, "c1", 10)
    queue.opened(2, "c2", 10)
    queue.closed(1, "c1")

    assert queue.due(10, limit=9) == [(2, "c2")]
    assert (queue.of_gateway(1), queue.of_gateway(2), len(queue)) == ((), ("c2",), 1)


def test_an_earlier_end_counts_at_once() -> None:
    """A session whose grant was cut comes up at its new instant, once, and not again at the old one."""
    queue = ExpiryQueue()
    queue.opened(1, "c1", 3600)
    queue.opened(1, "c1", 60)

    assert queue.due(59, limit=9) == []
    assert queue.due(60, limit=9) == [(1, "c1")]
    queue.opened(1, "c1", 5000)
    assert queue.due(4999, limit=9) == []
    assert queue.due(5000, limit=9) == [(1, "c1")]


def test_memory_follows_what_is_open() -> None:
    """However many sessions came and went, the heap keeps few entries beyond those of the open ones."""
    queue = ExpiryQueue()
    queue.opened(1, "stays", 5)
    for number in range(5 * OUTDATED_MAX):
        queue.opened(1, f"c{number}", 10 + number)
        queue.closed(1, f"c{number}")

    assert len(queue._heap) <= OUTDATED_MAX + 3
    assert queue.due(10**9, limit=9) == [(1, "stays")]


def test_a_later_doubt_is_looked_at_too() -> None:
    """Two commits of unknown fate: when nothing is found at the first look, the second one still comes."""
    queue = ExpiryQueue()
    queue.doubted(1, "a", 100)
    queue.doubted(1, "a", 200)
    assert queue.due(100, limit=9) == [(1, "a")]
    queue.not_open(1, "a", 100)
    assert queue.due(199, limit=9) == []
    assert queue.due(200, limit=9) == [(1, "a")]
    queue.not_open(1, "a", 200)
    assert queue.due(10**9, limit=9) == []
    assert len(queue) == 0

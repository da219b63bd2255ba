"""Blocking calls beside the loop: in turn, with their outcome, promptly even beside a busy loop."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from ocs.storage.sql.aside import Aside


@pytest.fixture
def aside() -> Iterator[Aside]:
    """A running thread."""
    running = Aside("test-aside")
    yield running
    running.close()


def test_a_call_returns_its_result_from_another_thread(aside: Aside) -> None:
    """Arguments go over, the result comes back; the loop's own thread does not do it."""

    def work(left: int, right: int) -> tuple[int, str]:
        return left * right, threading.current_thread().name

    assert asyncio.run(aside.run(work, 6, 7)) == (42, "test-aside")


def test_a_call_raises_what_it_raised(aside: Aside) -> None:
    """Whoever awaits it gets the exception, and the thread goes on."""

    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(aside.run(fail))
    assert asyncio.run(aside.run(lambda: 1)) == 1


def test_the_loop_goes_on_while_a_call_blocks(aside: Aside) -> None:
    """A long call costs the loop no more than a moment now and then."""

    async def story() -> int:
        turns = 0
        blocking = asyncio.ensure_future(aside.run(time.sleep, 0.1))
        while not blocking.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(story()) > 100


def test_a_cancelled_call_ends_before_the_next_begins(aside: Aside) -> None:
    """Calls never overlap: the one whose caller left is finished first."""
    trace: list[str] = []

    def work(name: str) -> None:
        trace.append(f"{name} begins")
        time.sleep(0.02)
        trace.append(f"{name} ends")

    async def story() -> None:
        first = asyncio.ensure_future(aside.run(work, "first"))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        await aside.run(work, "second")

    asyncio.run(story())
    assert trace == ["first begins", "first ends", "second begins", "second ends"]


def test_a_busy_loop_steps_aside(aside: Aside) -> None:
    """Beside a loop that never waits, a call that needs the interpreter several times still ends soon."""

    async def story() -> int:
        calling = asyncio.ensure_future(aside.run(time.sleep, 0.001))
        turns = 0
        while not calling.done():
            sum(range(500))
            turns += 1
            await asyncio.sleep(0)
        return turns

    turns = sorted(asyncio.run(story()) for _ in range(20))
    assert turns[10] < 2_500


def test_a_loop_that_is_gone_is_not_told(aside: Aside) -> None:
    """A call that outlives its loop ends quietly, and the thread serves the next loop."""
    release = threading.Event()
    loop = asyncio.new_event_loop()
    task = loop.create_task(aside.run(release.wait))
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    release.set()
    assert asyncio.run(aside.run(lambda: 2)) == 2

"""One blocking call at a time beside the event loop, with the interpreter lock handed over on purpose.

A thread that waits for the lock of the interpreter (the GIL) starves beside a busy event loop: the loop lets
go of the lock for a moment at every turn, which restarts the waiting thread's five milliseconds each time but
rarely lasts long enough for it to wake up. A commit of one millisecond then takes a hundred. Here the loop
steps aside at the two instants that matter: when a call is handed over, and every other millisecond while it
is under way. Figures: ``docs/decisions/0003-group-commit-on-sqlite.md``.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, TypeVar

T = TypeVar("T")

START_S_MAX: Final = 0.001
"How long the loop waits for the thread to take a call: mostly some 30 microseconds."
STEP_ASIDE_EVERY_S: Final = 0.002
STEP_ASIDE_S: Final = 0.0002
"How long the loop waits, each time, for a thread that may have finished and wants the lock."


class _Call:
    """A call on its way through the thread."""

    def __init__(self, work: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.answer: asyncio.Future[Any] = loop.create_future()
        self.started = threading.Event()
        self.finished = threading.Event()
        self._work = work
        self._result: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """In the thread: do the work, then tell the loop."""
        self.started.set()
        try:
            self._result = self._work()
        except BaseException as error:  # noqa: BLE001 - it is passed on to whoever awaits
            self._error = error
        self.finished.set()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.loop.call_soon_threadsafe(self.settle)

    def settle(self) -> None:
        """On the loop: give the outcome to whoever awaits it, once."""
        if self.answer.done():
            return
        if self._error is not None:
            self.answer.set_exception(self._error)
        else:
            self.answer.set_result(self._result)

    def step_aside(self) -> None:
        """On the loop: let the thread have the interpreter for a moment; again later if it needs it."""
        if self.answer.done():
            return
        if self.finished.wait(STEP_ASIDE_S):
            self.settle()
        else:
            self.loop.call_later(STEP_ASIDE_EVERY_S, self.step_aside)


def _serve(calls: SimpleQueue[_Call | None]) -> None:
    while (call := calls.get()) is not None:
        call.run()


class Aside:
    """A thread for blocking calls of one owner, which makes one at a time."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread = threading.Thread(target=_serve, args=(self._calls,), name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run `work` in the thread. Cancelling the caller does not stop it; a later call waits its turn."""
        call = _Call(lambda: work(*arguments), asyncio.get_running_loop())
        self._calls.put(call)
        call.started.wait(START_S_MAX)
        call.loop.call_later(STEP_ASIDE_EVERY_S, call.step_aside)
        result: T = await call.answer
        return result

    def close(self) -> None:
        """End the thread after what is under way."""
        self._calls.put(None)
        self._thread.join()

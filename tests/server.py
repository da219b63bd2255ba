"""A real server process for tests: its own folder, its own free loopback ports, its own database."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import uvloop

from ocs.bootstrap import Server
from ocs.config import load_settings

START_S = 30.0
COMMAND_S = 3_600
"Benchmarks import a million accounts; a test has a bound of its own."


def free_ports(count: int, kind: socket.SocketKind) -> list[int]:
    """Ports of 127.0.0.1 that nobody uses at this moment, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, kind)) for _ in range(count)]
        for opened in sockets:
            opened.bind(("127.0.0.1", 0))
        return [opened.getsockname()[1] for opened in sockets]


class ServerProcess:
    """`python -m ocs serve` in a folder that `prepare` filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.auth_port, self.acct_port = free_ports(2, socket.SOCK_DGRAM)
        (self.grpc_port,) = free_ports(1, socket.SOCK_STREAM)
        self.log = folder / "server.log"
        self.settings: dict[str, str] = {}
        "Variables that override the folder's ocs.toml."
        self.before_exec: Callable[[], None] | None = None
        "Called in the new process before it becomes the server."
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def database(self) -> Path:
        """The file that the books are in."""
        return self.folder / "ocs.db"

    @property
    def environment(self) -> dict[str, str]:
        """What the command line and the server of this folder are run with."""
        return {
            **os.environ,
            "OCS_CONFIG": str(self.folder / "ocs.toml"),
            "OCS_RADIUS_LISTEN_AUTH": f"127.0.0.1:{self.auth_port}",
            "OCS_RADIUS_LISTEN_ACCT": f"127.0.0.1:{self.acct_port}",
            "OCS_GRPC_LISTEN": f"127.0.0.1:{self.grpc_port}",
            "NO_COLOR": "1",
            "COLUMNS": "200",
            **self.settings,
        }

    def ocs(self, *arguments: str, code: int = 0) -> str:
        """Run one command of the command line; its standard output (and error output when it failed)."""
        done = self._run(arguments)
        assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + (done.stderr if code else "")

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ocs", *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_S,
        )

    def start(self) -> Self:
        """Start and wait until it serves."""
        self.launch()
        assert self._process is not None
        ends_at = time.monotonic() + START_S
        while time.monotonic() < ends_at:
            if self._process.poll() is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.grpc_port)) == 0:
                    return self
            time.sleep(0.02)
        raise AssertionError(f"the server did not start:\n{self.log.read_text()}")

    def launch(self) -> None:
        """Start the process and wait for nothing."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ocs", "serve"],
                env=self.environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=self.before_exec,
            )

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process that was started last has not ended."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """`kill -9`."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit code it led to."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_running:
            self.kill()


class ServerThread:
    """The same server in a thread of this process, so that a test can look inside. A context manager."""

    def __init__(self, process: ServerProcess) -> None:
        """Prepare to serve what `process` would: its folder, its ports, its settings."""
        self._process = process
        self._worker = ThreadPoolExecutor(1)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event
        self.server: Server
        "Its loop is another thread's: look, do not touch."

    def __enter__(self) -> Self:
        self._running = self._worker.submit(uvloop.run, self._serve())
        self._running.add_done_callback(lambda _: self._ready.set())
        self._ready.wait(START_S)
        if self._running.done():
            self._running.result()
        return self

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        environment = self._process.environment
        self.server = Server(load_settings(Path(environment["OCS_CONFIG"]), environment))
        await self.server.start()
        self._ready.set()
        await self._stopped.wait()
        await self.server.stop()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._running.result(START_S)
        self._worker.shutdown()

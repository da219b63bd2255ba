"""Programs of Debian packages in tests: found or named, configured from `deploy/`, ended by their pid."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

DEPLOY: Final = Path(__file__).parents[1] / "deploy"
PACKAGES: Final = {
    "radclient": "freeradius-utils",
    "freeradius": "freeradius",
    "kamailio": "kamailio kamailio-python3-modules kamailio-radius-modules",
    "sipp": "sip-tester",
}
READY_S: Final = 60.0
END_S: Final = 10.0
SAID_CHARACTERS: Final = 8_000


def find_program(name: str) -> str:
    """The path of a program; an assertion that names its Debian package when there is none."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is not installed: apt-get install {PACKAGES[name]}"
    return found


def copy_example(name: str, folder: Path, changes: Mapping[str, str]) -> Path:
    """Copy a folder of `deploy/` and put this test's ports and paths in the place of the example's.

    Each text that is to be replaced must stand somewhere in the folder: the example cannot drift away.
    """
    copy = folder / name
    shutil.copytree(DEPLOY / name, copy)
    missing = set(changes)
    for file in copy.iterdir():
        text = file.read_text()
        for old, new in changes.items():
            if old in text:
                missing.discard(old)
                text = text.replace(old, new)
        file.write_text(text)
    assert not missing, f"{DEPLOY / name} does not say {missing}"
    return copy


def run_program(*command: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run one program to its end."""
    path = find_program(command[0])
    return subprocess.run(
        [path, *command[1:]], capture_output=True, text=True, timeout=timeout_s, check=False
    )


class Program:
    """A program that runs until the test is over. A context manager."""

    def __init__(self, folder: Path, *command: str, is_ready: Callable[["Program"], bool]) -> None:
        """Prepare; its output goes to a file in the folder."""
        self._command = [find_program(command[0]), *command[1:]]
        self._folder = folder
        self._is_ready = is_ready
        self.log = folder / f"{command[0]}-{time.monotonic_ns()}.log"
        self._process: subprocess.Popen[bytes]

    @property
    def output(self) -> str:
        """What it has said so far."""
        return self.log.read_text(errors="replace")

    def wait(self, timeout_s: float) -> int:
        """Its exit code, once it has ended by itself."""
        return self._process.wait(timeout_s)

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends_at = time.monotonic() + READY_S
        while not self._is_ready(self):
            if self._process.poll() is not None or time.monotonic() > ends_at:
                self.__exit__(None, None, None)
                raise AssertionError(f"{self._command[0]} did not start:\n{self.output}")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            error.add_note(f"What {self._command[0]} said last:\n{self.output[-SAID_CHARACTERS:]}")
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                # Its own session: children that it left behind end with it.
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()


def says(text: str) -> Callable[[Program], bool]:
    """Ready once its output has this text."""
    return lambda program: text in program.output


def holds(port: int) -> Callable[[Program], bool]:
    """Ready once somebody holds this UDP port of loopback."""

    def is_held(_: Program) -> bool:
        with socket.socket(type=socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return True
        return False

    return is_held

"""What can happen to a server that serves: silence while it cannot book, exact books after, no restart.

The gateway sends again what is not answered, as gateways do, and in the end every one of its calls is made.
"""

import ctypes
import os
import resource
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from server import ServerProcess, ServerThread
from traffic import Traffic, stock

ACCOUNTS = 40
SILENCE_S = 2.0
"How long no answer must come while nothing can be booked."
SMALL_DISK_OCTETS = 192 * 2**20

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server over the sample catalogue and forty rich accounts; not started."""
    with ServerProcess(tmp_path) as made:
        stock(made, accounts=ACCOUNTS)
        yield made


def assert_silent(traffic: Traffic, *, for_s: float) -> None:
    """No request is answered for so long; those that were being answered when it began may be."""
    ends_at = time.monotonic() + 10
    before = -1
    while before != traffic.result.answered and time.monotonic() < ends_at:
        before = traffic.result.answered
        time.sleep(0.3)
    time.sleep(for_s)
    assert traffic.result.answered == before


def wait_for_silence(traffic: Traffic, *, for_s: float) -> None:
    """What still fits into files that are there already is booked and answered; then nothing is."""
    ends_at = time.monotonic() + 60
    before = -1
    while before != traffic.result.answered:
        assert time.monotonic() < ends_at, "requests are answered though there is no room to book them"
        before = traffic.result.answered
        time.sleep(for_s)


def assert_all_made(server: ServerProcess, traffic: Traffic) -> None:
    """The server of before still runs, every call that was begun is made, and booked exactly as reported."""
    traffic.finish()
    assert server.is_running
    assert all(call.stop_acknowledged for call in traffic.made)
    traffic.check(server.database)
    assert server.stop() == 0
    server.ocs("ledger", "verify")


@contextmanager
def full_disk(server: ServerProcess) -> Iterator[None]:
    """No file of the running server can grow any more (setrlimit(2): RLIMIT_FSIZE)."""
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    largest = max(file.stat().st_size for file in server.folder.glob("ocs.db*"))
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def write_lock(server: ServerProcess) -> Iterator[None]:
    """Another process holds the database for itself."""
    with closing(sqlite3.connect(server.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def read_only_files(server: ServerProcess) -> Iterator[None]:
    """Nobody may write the files of the database."""
    files = list(server.folder.glob("ocs.db*"))
    for file in files:
        file.chmod(0o444)
    try:
        yield
    finally:
        for file in files:
            file.chmod(0o600)


def obey_permissions() -> None:
    """Let file permissions bind this process and its successors, though it be root's (capabilities(7))."""
    if os.geteuid() == 0:
        error = ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0)
        assert error == 0, "cannot give up CAP_DAC_OVERRIDE"


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A file system of its own at the folder: real for root, in a machine that lets it."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_OCTETS}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    try:
        yield
    finally:
        if made.returncode == 0:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def no_room(server: ServerProcess) -> Iterator[None]:
    """Somebody else fills the server's disk to the last octet."""
    ballast = server.folder / "ballast"
    if server.folder.is_mount():
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass
        yield
        ballast.unlink()
    else:
        with full_disk(server):
            yield


def test_small_disk_is_filled_by_others(tmp_path: Path) -> None:
    """A disk of its own, full for a while, twice: silence each time, exact books after, no restart."""
    with small_disk(tmp_path), ServerProcess(tmp_path) as server:
        stock(server, accounts=ACCOUNTS)
        server.start()
        with Traffic(server, accounts=ACCOUNTS) as traffic:
            for _ in range(2):
                traffic.wait_for_answers(300)
                with no_room(server):
                    wait_for_silence(traffic, for_s=SILENCE_S)
                    traffic.check(server.database, traffic.receipts())
            traffic.wait_for_answers(300)
            assert_all_made(server, traffic)


def test_full_disk(server: ServerProcess) -> None:
    """While no file can grow there are no answers; when there is room again everything goes on."""
    server.start()
    with Traffic(server, accounts=ACCOUNTS) as traffic:
        traffic.wait_for_answers(500)
        with full_disk(server):
            assert_silent(traffic, for_s=SILENCE_S)
            receipts = traffic.receipts()
            traffic.check(server.database, receipts)
            server.ocs("ledger", "verify")
        traffic.wait_for_answers(500)
        assert_all_made(server, traffic)


@pytest.mark.parametrize("seconds", [5, pytest.param(35, marks=pytest.mark.slow)])
def test_database_locked(server: ServerProcess, seconds: int) -> None:
    """A lock is waited for, and given up after 30 s; either way all is answered when it is released."""
    server.start()
    with Traffic(server, accounts=ACCOUNTS) as traffic:
        traffic.wait_for_answers(500)
        with write_lock(server):
            assert_silent(traffic, for_s=seconds)
        traffic.wait_for_answers(500)
        assert_all_made(server, traffic)
    has_given_up = "database is locked" in server.log.read_text()
    assert has_given_up == (seconds > 30)


def test_files_made_read_only(server: ServerProcess) -> None:
    """A database that cannot be opened for writing is tried again with every request, until it can be."""
    server.before_exec = obey_permissions
    server.start()
    with Traffic(server, accounts=ACCOUNTS) as traffic:
        with read_only_files(server):
            assert_silent(traffic, for_s=SILENCE_S)
            assert traffic.result.answered == 0
        traffic.wait_for_answers(500)
        assert_all_made(server, traffic)
    assert "readonly database" in server.log.read_text()


def test_orderly_stop_under_load(server: ServerProcess) -> None:
    """SIGTERM: what was answered is booked, the exit is clean and comes; the rest waits for a start."""
    server.start()
    with Traffic(server, accounts=ACCOUNTS) as traffic:
        traffic.wait_for_answers(1000)
        asked_at = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - asked_at < 60
        traffic.check(server.database)
        server.ocs("ledger", "verify")
        server.start()
        traffic.wait_for_answers(500)
        assert_all_made(server, traffic)


def test_a_full_queue_is_silent_and_counted(server: ServerProcess) -> None:
    """Requests beyond the bound go unanswered and are counted; those within it are answered all the while."""
    server.settings["OCS_CHARGING_QUEUE_MAX"] = "8"
    inside = ServerThread(server)
    with inside, Traffic(server, accounts=ACCOUNTS, outstanding=200, timeout_s=0.1) as traffic:
        traffic.wait_for_answers(2000)
        traffic.finish()
        radius = inside.server.radius
        assert radius is not None
        counted = radius.counters["sample-gateway"]
    assert counted["overloaded"] > 1000
    assert all(call.stop_acknowledged for call in traffic.made)
    traffic.check(server.database)
    server.ocs("ledger", "verify")

"""What a database file can do to us: locked, full, not writable, broken. Nothing half written, no restart."""

import asyncio
import os
import resource
import sqlite3
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from contract.backend import SqliteBackend, Stores
from contract.books import COMMITTED, account, entry, session

from ocs.errors import StoreUnavailableError
from ocs.ports import CommitResult, Decision, Identity, IdentityKind, NewAccount
from ocs.quota.account import AccountProfile
from ocs.storage.sql.stores import open_sql_stores

PATIENCE_S = 0.2


@pytest.fixture
def backend() -> Iterator[SqliteBackend]:
    """An empty database in a folder that every user can look into."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield SqliteBackend(Path(folder))


@pytest.fixture
def stores(backend: SqliteBackend) -> Iterator[Stores]:
    """Stores that give up soon, on a database that knows account 1."""
    opened = Stores(*open_sql_stores(backend.url, busy_timeout_s=PATIENCE_S))
    asyncio.run(opened.ledger.commit([step(1)]))
    yield opened
    asyncio.run(opened.close())


def step(version: int, note: str = "") -> Decision:
    """Version n of account 1, with its n-th entry."""
    return Decision(
        root_id=1,
        accounts=[account(1, version, balance_micros=version, entries=version)],
        entries=[entry(1, version, 1, version, note=note)],
    )


def commit(stores: Stores, *decisions: Decision) -> list[CommitResult]:
    """Commit one batch."""
    return list(asyncio.run(stores.ledger.commit(decisions)))


def assert_exact(stores: Stores, version: int) -> None:
    """The books hold exactly the first `version` steps."""
    state = asyncio.run(stores.ledger.load([1], ()))
    assert state.accounts[1].row() == step(version).accounts[0]
    assert len(asyncio.run(stores.ledger.list_entries(1))) == version
    assert asyncio.run(stores.ledger.verify()) == []


@contextmanager
def write_lock(backend: SqliteBackend) -> Iterator[None]:
    """Another process is writing."""
    other = sqlite3.connect(backend.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file can grow beyond `size`, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Nobody may write the files, and we are nobody."""
    files = list(folder.iterdir())
    for file in files:
        file.chmod(0o444)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for file in files:
            file.chmod(0o644)


def test_a_commit_waits_for_another_writer_while_the_loop_goes_on(
    stores: Stores, backend: SqliteBackend
) -> None:
    """The lock is waited for in a thread; the commit follows when it is free."""

    async def story() -> int:
        turns = 0
        with write_lock(backend):
            waiting = asyncio.ensure_future(stores.ledger.commit([step(2)]))  # type: ignore[arg-type]
            while turns < 20:
                await asyncio.sleep(0.005)
                turns += 1
            assert not waiting.done()
        assert await waiting == [COMMITTED]
        return turns

    assert asyncio.run(story()) == 20
    assert_exact(stores, 2)


def test_a_lock_held_too_long_fails_the_commit_and_nothing_else(
    stores: Stores, backend: SqliteBackend
) -> None:
    """After the patience is used up the commit fails; when the lock is gone the next one works."""
    with write_lock(backend), pytest.raises(StoreUnavailableError, match="locked"):
        commit(stores, step(2))
    assert_exact(stores, 1)
    assert commit(stores, step(2)) == [COMMITTED]
    assert_exact(stores, 2)


def test_reads_need_no_lock(stores: Stores, backend: SqliteBackend) -> None:
    """While another process writes, everything can be read."""
    with write_lock(backend):
        assert_exact(stores, 1)
        assert asyncio.run(stores.catalog.find_account("nobody")) is None


def test_a_catalogue_write_waits_and_gives_up_likewise(stores: Stores, backend: SqliteBackend) -> None:
    """The same patience holds for operators' commands."""
    new = [NewAccount(profile=AccountProfile(id=0, name="alice"))]
    with write_lock(backend), pytest.raises(StoreUnavailableError, match="locked"):
        asyncio.run(stores.catalog.create_accounts(new))
    assert len(asyncio.run(stores.catalog.create_accounts(new))) == 1


def fill_up(stores: Stores) -> int:
    """Commit steps from 2 on until the database fails; the step that failed."""
    for version in range(2, 50):
        try:
            commit(stores, step(version, note="x" * 5_000))
        except StoreUnavailableError:
            return version
    raise AssertionError("the disk was never full")


def test_a_full_disk_fails_commits_until_there_is_room(stores: Stores, backend: SqliteBackend) -> None:
    """Commits fail one after the other, none half written, and work again without reopening anything."""
    log = backend.path.with_name("ocs.db-wal")
    with file_size_limit(log.stat().st_size + 40_000):
        version = fill_up(stores)
        for _ in range(3):
            with pytest.raises(StoreUnavailableError):
                commit(stores, step(version, note="x" * 50_000))
        assert_exact(stores, version - 1)
    assert version > 2
    assert commit(stores, step(version)) == [COMMITTED]
    assert_exact(stores, version)


def test_a_full_database_fails_the_batch_as_a_whole(stores: Stores) -> None:
    """SQLITE_FULL in the middle of a batch takes back what was written of it before."""
    committer = stores.ledger._committer
    commit(stores, step(2))
    (pages,) = committer._connection.execute("PRAGMA page_count").fetchone()
    committer._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailableError, match="full"):
        commit(
            stores,
            step(3),
            Decision(root_id=9, sessions=[session(n, calling="4" * 9_000) for n in range(99)]),
        )
    assert_exact(stores, 2)
    assert commit(stores, step(3)) == [COMMITTED]


@pytest.mark.parametrize("broken", [{"note": "\udc80"}, {"amount_micros": 2**64}, {"at_ms": -(2**63) - 1}])
def test_a_row_that_cannot_be_written_fails_its_decision_alone(stores: Stores, broken: dict) -> None:
    """Text that is no Unicode, a number that no column takes: the others in the batch are written."""
    bad = Decision(accounts=[account(2, 1, entries=1)], entries=[entry(2, 1, 0, 0)._replace(**broken)])

    assert commit(stores, step(2), bad) == [COMMITTED, CommitResult.CONFLICT]

    assert_exact(stores, 2)


def test_a_file_that_cannot_be_written_fails_commits_until_it_can(backend: SqliteBackend) -> None:
    """Permissions taken away and given back, as by a read-only mount."""
    stores = Stores(*open_sql_stores(backend.url))
    with unprivileged(backend.path.parent), pytest.raises(StoreUnavailableError):
        commit(stores, step(1))
    assert commit(stores, step(1)) == [COMMITTED]
    assert_exact(stores, 1)
    asyncio.run(stores.close())


def test_reads_that_fail_work_again_when_the_cause_is_gone(stores: Stores, backend: SqliteBackend) -> None:
    """A broken table fails reads on the loop's thread and in workers; both recover by themselves."""
    other = sqlite3.connect(backend.path, isolation_level=None)
    other.execute("ALTER TABLE ledger_entry RENAME TO gone")
    other.execute("ALTER TABLE account_state RENAME TO gone_too")
    with pytest.raises(StoreUnavailableError, match="account_state"):
        asyncio.run(stores.ledger.load([1], ()))
    with pytest.raises(StoreUnavailableError, match="ledger_entry"):
        asyncio.run(stores.ledger.list_entries(1))
    other.execute("ALTER TABLE gone_too RENAME TO account_state")
    other.execute("ALTER TABLE gone RENAME TO ledger_entry")
    other.close()
    assert_exact(stores, 1)


def test_an_error_never_shows_a_secret(stores: Stores, backend: SqliteBackend) -> None:
    """Neither its text nor its traceback has the values that were to be written."""
    (alice,) = asyncio.run(
        stores.catalog.create_accounts([NewAccount(profile=AccountProfile(id=0, name="alice"))])
    )
    other = sqlite3.connect(backend.path, isolation_level=None)
    other.execute("ALTER TABLE identity RENAME COLUMN cost_centre TO gone")
    other.close()
    identity = Identity(kind=IdentityKind.USERNAME, value="a", secret="hunter2", account_id=alice.id)
    with pytest.raises(StoreUnavailableError, match="cost_centre") as caught:
        asyncio.run(stores.catalog.add_identities([identity]))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_closing_waits_for_the_commit_under_way(backend: SqliteBackend) -> None:
    """What was handed over before the close is committed, not lost."""

    async def story() -> list[CommitResult]:
        stores = backend.open()
        committing = asyncio.ensure_future(stores.ledger.commit([step(1)]))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await stores.close()
        return list(await committing)

    assert asyncio.run(story()) == [COMMITTED]
    assert threading.active_count() == 1
    reopened = backend.open()
    assert_exact(reopened, 1)
    asyncio.run(reopened.close())

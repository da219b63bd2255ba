"""One SQLite database: how connections are made, checked, shared and given up.

Owns: the URL, the settings that make a commit durable, the connections and the threads that may block on
them. Does not own tables (`ocs.storage.sql.schema`) or what is asked of them.

Three ways in, by how long they may take:

* `read_now`: a point read, on the calling thread. It takes microseconds, a thread's hand-over takes longer.
* `read` and `write`: in a worker thread, through SQLAlchemy; the event loop goes on.
* the commits of the ledger own a connection of their own (`ocs.storage.sql.commit`).

A connection on which something failed is closed and replaced at the next use: a full disk, a lock held for
too long or a file that cannot be written recover without a restart.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.pool import QueuePool

from ocs.errors import InputError, StoreUnavailableError

T = TypeVar("T")

BUSY_TIMEOUT_S: Final = 30.0
"How long another process may hold the write lock before we give up."
READ_NOW_BUSY_TIMEOUT_S: Final = 1.0
"WAL readers wait for nobody but a recovery; the event loop must not wait long even then."
WORKERS_MAX: Final = 4
_SYNCHRONOUS: Final = {"OFF": 0, "NORMAL": 1, "FULL": 2, "EXTRA": 3}
_PRAGMAS: Final = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16384",
    # Pages that change often are copied into the database once per 32 MB of log, not once per 4.
    "PRAGMA wal_autocheckpoint = 8000",
)


def database_path(url: str) -> Path:
    """The file behind an engine URL such as ``sqlite:////var/lib/ocs/ocs.db``.

    Raises:
        InputError: no SQLite URL, or one without a file.
    """
    return _path(_parse(url))


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise InputError("database url", "expected sqlite:///path/ocs.db") from error


def _path(url: URL) -> Path:
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        raise InputError("database url", f"{url.render_as_string()} is no SQLite file: sqlite:///path/ocs.db")
    return Path(str(url.database))


def is_failure(error: BaseException) -> bool:
    """Whether the database failed us, rather than we it: a misuse of the interface is our bug."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.ProgrammingError)


@contextmanager
def store_errors() -> Iterator[None]:
    """Turn failures of the database into StoreUnavailableError, a broken constraint into InputError.

    Values that were to be written never appear in the text.
    """
    try:
        yield
    except IntegrityError as error:
        raise InputError("database", f"refuses the values: {error.orig}") from error.orig
    except DBAPIError as error:
        if isinstance(error.orig, BaseException) and is_failure(error.orig):
            raise StoreUnavailableError(f"the database failed: {error.orig}") from error.orig
        raise
    except sqlite3.DatabaseError as error:
        if is_failure(error):
            raise StoreUnavailableError(f"the database failed: {error}") from error
        raise


class Database:
    """A database file that several stores of one process share.

    Args:
        url: ``sqlite:///path/ocs.db``; ``?synchronous=NORMAL`` lowers durability on purpose.
        allow_unsafe_durability: whether settings may be accepted under which a power cut loses commits.
        busy_timeout_s: how long a write waits for another process.

    Raises:
        InputError: the URL names no SQLite file, the file cannot be opened, or its settings are unsafe.
    """

    def __init__(
        self, url: str, *, allow_unsafe_durability: bool = False, busy_timeout_s: float = BUSY_TIMEOUT_S
    ) -> None:
        parsed = _parse(url)
        self.path: Final = _path(parsed)
        self.busy_timeout_s: Final = busy_timeout_s
        self._synchronous = str(parsed.query.get("synchronous", "FULL")).upper()
        if self._synchronous not in _SYNCHRONOUS:
            raise InputError("database url", f"synchronous={self._synchronous}, expected FULL")
        self._reader: sqlite3.Connection | None = None
        self._users = 0
        self._check_durability(allow_unsafe_durability=allow_unsafe_durability)
        self._engine = create_engine(
            "sqlite://",
            creator=self.connect,
            poolclass=QueuePool,
            pool_size=WORKERS_MAX,
            max_overflow=-1,
            hide_parameters=True,
        )
        self._workers = ThreadPoolExecutor(WORKERS_MAX, thread_name_prefix="ocs-database")

    def connect(self, *, busy_timeout_s: float | None = None) -> sqlite3.Connection:
        """Open a connection with our settings. Transactions are explicit; any thread may use it.

        Args:
            busy_timeout_s: how long each of its statements waits for a lock; None: as long as the database's.
        """
        connection = sqlite3.connect(
            self.path,
            timeout=self.busy_timeout_s if busy_timeout_s is None else busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except BaseException:
            connection.close()
            raise
        return connection

    def _check_durability(self, *, allow_unsafe_durability: bool) -> None:
        try:
            connection = self.connect()
        except sqlite3.DatabaseError as error:
            raise InputError(str(self.path), f"cannot be opened: {error}") from error
        journal_mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
        synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
        connection.close()
        is_durable = journal_mode == "wal" and synchronous >= _SYNCHRONOUS["FULL"]
        if not (is_durable or allow_unsafe_durability):
            raise InputError(
                str(self.path),
                f"journal_mode={journal_mode} synchronous={synchronous} can lose commits in a power cut; "
                "wal and 2 (FULL) are needed unless allow_unsafe_durability is set",
            )

    def read_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a point read on this thread, in one consistent view. Event-loop thread only."""
        try:
            if self._reader is None:
                self._reader = self.connect(busy_timeout_s=READ_NOW_BUSY_TIMEOUT_S)
            self._reader.execute("BEGIN")
            result = work(self._reader)
            self._reader.execute("COMMIT")
        except BaseException as error:
            self._close_reader()
            if is_failure(error):
                raise StoreUnavailableError(f"the database cannot be read: {error}") from error
            raise
        return result

    def _close_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run reads in a worker thread, in one consistent view."""
        return await self.run(lambda: self._transact("BEGIN", work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a whole write transaction in a worker thread: an exception undoes all of it."""
        return await self.run(lambda: self.transact(work))

    def transact(self, work: Callable[[Connection], T]) -> T:
        """`write` on this thread."""
        return self._transact("BEGIN IMMEDIATE", work)

    async def run(self, work: Callable[[], T]) -> T:
        """Run something that blocks in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _transact(self, begin: str, work: Callable[[Connection], T]) -> T:
        with store_errors(), self._engine.connect() as connection:
            try:
                connection.exec_driver_sql(begin)
                result = work(connection)
                connection.commit()
            except BaseException as error:
                if isinstance(error, DBAPIError):
                    connection.invalidate()
                raise
            return result

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A raw connection inside a read transaction, for reads that span several steps."""
        with store_errors():
            connection = self.connect()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                connection.close()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Count one more store that uses the database."""
        self._users += 1

    def release(self) -> None:
        """Count one store less; the last one closes everything. Waits for what is under way."""
        self._users -= 1
        if self._users > 0:
            return
        self._workers.shutdown()
        self._close_reader()
        self._engine.dispose()

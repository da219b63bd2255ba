"""One server per SQLite file: a lock that the operating system frees when its holder dies, in any way."""

import fcntl
import os
import shlex
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ocs.errors import InputError
from ocs.storage.sql.database import database_path

_OWNER_ONLY: Final = 0o600


class DatabaseLock:
    """A held lock. Release it, or leave its `with` block, or end the process."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        "The lock file; it stays when the lock is released, because removing it could free another's lock."
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another server have the database."""
        os.close(self._descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def lock_database(url: str) -> DatabaseLock:
    """Become the one server of the database, by a lock file beside it.

    Commands that only post money or change the catalogue do not need it: the versions of the records keep
    them and the server apart.

    Raises:
        InputError: another server has it, whose process id and command are named; or the lock file cannot be
            written.
    """
    database = database_path(url)
    path = database.with_name(f"{database.name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(descriptor, 1000, 0).decode(errors="replace").strip()
        os.close(descriptor)
        reason = f"in use by process {holder or 'unknown'}: one server per SQLite database"
        raise InputError(str(database), reason) from error
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} ({shlex.join(sys.argv)})\n".encode(), 0)
    return DatabaseLock(path, descriptor)

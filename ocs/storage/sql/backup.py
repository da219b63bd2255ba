"""A consistent copy of a database that is in use."""

import os
import sqlite3
from pathlib import Path

from ocs.errors import InputError, StoreUnavailableError
from ocs.storage.sql.database import database_path


def backup(url: str, file: Path) -> None:
    """Copy the database into `file`, as of one instant, while servers go on writing.

    The copy appears under its name when it is complete and on disk; it is restored by putting it in the place
    of the database, without the ``-wal`` and ``-shm`` files beside that one, while no server runs.

    Raises:
        InputError: there is no database, `file` exists or cannot be written.
        StoreUnavailableError: the database cannot be read, or the disk is full.
    """
    source_path = database_path(url)
    if not source_path.exists():
        raise InputError(str(source_path), "there is no such database")
    if file.exists():
        raise InputError(str(file), "exists already")
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        _copy(source_path, part)
        _sync(part)
        part.rename(file)
        _sync(file.parent)
    except OSError as error:
        raise InputError(str(file), f"cannot be written: {error.strerror}") from error
    except sqlite3.DatabaseError as error:
        raise StoreUnavailableError(f"the backup failed: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def _copy(source_path: Path, target_path: Path) -> None:
    source = sqlite3.connect(source_path, timeout=30, isolation_level=None)
    target = sqlite3.connect(target_path, isolation_level=None)
    try:
        # In one step: a read transaction blocks no writer, and a copy in steps starts over after each commit.
        source.backup(target, pages=-1)
        # One plain file, whatever is done with it.
        target.execute("PRAGMA journal_mode = DELETE")
        ((verdict,),) = target.execute("PRAGMA quick_check(1)").fetchall()
    finally:
        source.close()
        target.close()
    if verdict != "ok":
        raise StoreUnavailableError(f"the copy is damaged: {verdict}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A consistent copy of a database that is in use, and the way back."""

import os
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ocs.errors import InputError, StoreUnavailableError
from ocs.storage.sql.database import database_path
from ocs.storage.sql.lock import lock_database

SIDE_FILES: Final = ("-wal", "-shm")
"What SQLite keeps beside a database: part of it, and poison to another one of the same name."


def backup(url: str, file: Path) -> None:
    """Copy the database into `file`, as of one instant, while servers go on writing.

    The copy appears under its name when it is complete and on disk; `restore` brings it back.

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


def restore(url: str, file: Path) -> Path | None:
    """Put a copy in the place of the database, which is set aside; where to, or None when there was none.

    Nobody may serve or use the database meanwhile: servers are refused, other commands cannot be seen. The
    copy is checked before anything is moved, and stays.

    Raises:
        InputError: a server runs, `file` is no sound database of ours, or the folder cannot be written.
    """
    target = database_path(url)
    part = target.with_name(f"{target.name}.restoring")
    with lock_database(url):
        try:
            part.unlink(missing_ok=True)
            _check(file)
            _copy(file, part)
            _sync(part)
            aside = _set_aside(target)
            part.rename(target)
            _sync(target.parent)
        except OSError as error:
            raise InputError(str(target), f"cannot be replaced: {error.strerror}") from error
        except sqlite3.DatabaseError as error:
            raise InputError(str(file), f"cannot be restored: {error}") from error
        finally:
            part.unlink(missing_ok=True)
    return aside


def _check(file: Path) -> None:
    if not file.is_file():
        raise InputError(str(file), "there is no such file")
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        ((verdict,),) = connection.execute("PRAGMA quick_check(1)").fetchall()
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    finally:
        connection.close()
    if verdict != "ok":
        raise InputError(str(file), f"is damaged: {verdict}")
    if "ledger_entry" not in tables:
        raise InputError(str(file), "has no ledger: not a copy that `ocs backup` made")


def _set_aside(target: Path) -> Path | None:
    """Rename the database and what belongs to it, so that it can still be opened under its new name."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = target.with_name(f"{target.name}.{stamp}")
    existed = target.exists()
    if existed:
        _empty_log(target)
        target.rename(aside)
    for suffix in SIDE_FILES:
        side = target.with_name(target.name + suffix)
        if side.exists():
            side.rename(aside.with_name(aside.name + suffix))
    return aside if existed else None


def _empty_log(path: Path) -> None:
    """Bring what is only in the log into the database: it is whole by itself then. A broken one stays so."""
    with suppress(sqlite3.DatabaseError):
        connection = sqlite3.connect(path, timeout=5, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            connection.close()


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

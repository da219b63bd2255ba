"""Opening a database: which file, how durable, whose schema, who else; and copying it."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from contract.books import account, entry

from ocs.errors import InputError, StoreUnavailableError
from ocs.ports import Decision
from ocs.rating.tariff import PriceSet, Rate, TariffTerms
from ocs.storage.migrations import migrate
from ocs.storage.sql.backup import backup
from ocs.storage.sql.database import Database, database_path
from ocs.storage.sql.lock import lock_database
from ocs.storage.sql.stores import open_sql_stores

BOOKS = Decision(root_id=1, accounts=[account(1, balance_micros=5, entries=1)], entries=[entry(1, 1, 5, 5)])


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An empty database of the present schema."""
    url = f"sqlite:///{tmp_path}/ocs.db"
    migrate(url)
    return url


def close(*stores: object) -> None:
    """Close stores."""
    for store in stores:
        asyncio.run(store.close())  # type: ignore[attr-defined]


# --------------------------------------------------------------------------------------------- opening


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "postgresql://ocs:hunter2@db/ocs", "ocs.db", ""]
)
def test_only_files_are_databases(url: str) -> None:
    """Anything else is refused; a password in the URL is not repeated."""
    with pytest.raises(InputError, match="sqlite:///") as caught:
        database_path(url)
    assert "hunter2" not in str(caught.value)


def test_the_settings_are_durable(url: str) -> None:
    """Every connection writes ahead with a full sync and enforces foreign keys."""
    ledger, catalog = open_sql_stores(url)
    connection = ledger._database.connect()
    found = [
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    ]
    connection.close()
    close(ledger, catalog)
    assert found == ["wal", 2, 1, 30_000]


def test_less_durable_settings_are_refused_unless_allowed(url: str) -> None:
    """What was asked for is read back from the database; the refusal says what it found."""
    lower = f"{url}?synchronous=normal"
    with pytest.raises(InputError, match="synchronous=1 can lose commits"):
        open_sql_stores(lower)
    close(*open_sql_stores(lower, allow_unsafe_durability=True))


def test_an_unknown_setting_is_refused(url: str) -> None:
    """A typing error does not lower durability."""
    with pytest.raises(InputError, match="synchronous=FUL"):
        open_sql_stores(f"{url}?synchronous=ful")


def test_a_missing_database_is_not_created_by_opening_it(tmp_path: Path) -> None:
    """The operator is told what to run, and no empty file is left behind."""
    path = tmp_path / "ocs.db"
    with pytest.raises(InputError, match=r"schema is missing.*ocs migrate"):
        open_sql_stores(f"sqlite:///{path}")
    assert not path.exists()


def test_another_schema_is_refused(url: str) -> None:
    """A database that is older or newer than the program is not served."""
    connection = sqlite3.connect(database_path(url))
    connection.execute("UPDATE alembic_version SET version_num = '0000'")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match=r"schema is 0000.*ocs migrate"):
        open_sql_stores(url)


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    """A database without our tables has no schema of ours, and stays as it is."""
    path = tmp_path / "ocs.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    with pytest.raises(InputError, match="schema is missing"):
        open_sql_stores(f"sqlite:///{path}")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """By name, before anything is written to it."""
    path = tmp_path / "ocs.db"
    path.write_text("not a database, " * 100)
    with pytest.raises(InputError, match=r"ocs.db: is no database"):
        open_sql_stores(f"sqlite:///{path}")
    with pytest.raises(InputError, match=r"ocs.db: cannot be opened"):
        Database(f"sqlite:///{path}")
    assert path.read_text().startswith("not a database")


# ------------------------------------------------------------------------------------------ one server


def test_a_second_server_is_refused_by_name_of_the_first(url: str) -> None:
    """The refusal names the process; releasing lets the next one in."""
    with lock_database(url), pytest.raises(InputError, match=rf"in use by process {os.getpid()} "):
        lock_database(url)
    lock_database(url).release()


def test_the_lock_of_a_killed_process_is_free(url: str) -> None:
    """After kill -9 there is still a lock file, but no lock."""
    script = (
        "import sys, time\n"
        "from ocs.storage.sql.lock import lock_database\n"
        "lock = lock_database(sys.argv[1])\n"
        "print('locked', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(InputError, match=f"in use by process {process.pid} "):
            lock_database(url)
        process.send_signal(signal.SIGKILL)
        process.wait()
    lock_database(url).release()


def test_a_lock_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    """As when the folder does not exist."""
    with pytest.raises(InputError, match="cannot be written: No such file"):
        lock_database(f"sqlite:///{tmp_path}/missing/ocs.db")


# ---------------------------------------------------------------------------------------------- backup


def test_a_backup_of_a_database_in_use_is_complete(url: str, tmp_path: Path) -> None:
    """It has what was committed, is one plain file, and can be opened in place of the original."""
    ledger, catalog = open_sql_stores(url)
    asyncio.run(ledger.commit([BOOKS]))
    folder = tmp_path / "copies"
    folder.mkdir()
    backup(url, folder / "copy.db")
    asyncio.run(ledger.commit([Decision(root_id=2, accounts=[account(2)])]))
    close(ledger, catalog)
    assert [path.name for path in folder.iterdir()] == ["copy.db"]
    ledger, catalog = open_sql_stores(f"sqlite:///{folder}/copy.db")
    state = asyncio.run(ledger.load([1, 2], ()))
    assert state.accounts.keys() == {1}
    assert asyncio.run(ledger.verify()) == []
    close(ledger, catalog)


def test_a_backup_overwrites_nothing(url: str, tmp_path: Path) -> None:
    """Neither an older backup nor, by mistake, the database itself."""
    taken = tmp_path / "taken.db"
    taken.write_text("older")
    for file in (taken, database_path(url)):
        with pytest.raises(InputError, match="exists already"):
            backup(url, file)
    assert taken.read_text() == "older"


def test_a_backup_that_fails_leaves_nothing(url: str, tmp_path: Path) -> None:
    """No database, no folder, or a source that cannot be read."""
    with pytest.raises(InputError, match="no such database"):
        backup(f"sqlite:///{tmp_path}/missing.db", tmp_path / "copy.db")
    with pytest.raises((InputError, StoreUnavailableError)):
        backup(url, tmp_path / "missing" / "copy.db")
    broken = tmp_path / "broken.db"
    broken.write_text("not a database, " * 100)
    with pytest.raises(StoreUnavailableError, match="not a database"):
        backup(f"sqlite:///{broken}", tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy.db*"))


# --------------------------------------------------------------------------------------------- indexes


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT * FROM session WHERE gateway_id = 1 AND session_key = 'x'", "uq_session|autoindex"),
        ("SELECT expires_at_ms FROM session WHERE state = 1", "ix_session_open"),
        ("SELECT * FROM session WHERE account_id = 1 ORDER BY session_id DESC", "ix_session_account_id"),
        (
            "SELECT * FROM ledger_entry WHERE account_id = 1 AND request_key = 'x'",
            "uq_ledger_entry_request_key",
        ),
        ("SELECT * FROM ledger_entry WHERE account_id = 1 AND number > 5 ORDER BY number", "PRIMARY KEY"),
        ("SELECT * FROM cdr WHERE account_id = 1 ORDER BY recorded_at_ms DESC", "ix_cdr_account_id"),
        ("SELECT * FROM identity WHERE kind = 'ip' AND value IN ('a', 'b')", "autoindex"),
        ("SELECT * FROM account WHERE name = 'x'", "autoindex"),
    ],
)
def test_queries_have_their_index(url: str, query: str, index: str) -> None:
    """No query of a server reads a whole table or sorts it."""
    connection = sqlite3.connect(database_path(url))
    plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
    connection.close()
    assert any(name in plan for name in index.split("|")), plan
    assert "B-TREE" not in plan


# ----------------------------------------------------------------------------------------------- rates


def test_values_that_a_constraint_refuses_are_bad_input(url: str) -> None:
    """A rate that no check would let through anywhere else is refused here; nothing is written."""
    ledger, catalog = open_sql_stores(url)
    tariff = asyncio.run(catalog.save_tariff(TariffTerms(id=0, name="retail")))
    bad = Rate(destination="1", peak=PriceSet(first_interval_s=0))
    with pytest.raises(InputError, match="first_interval_s"):
        asyncio.run(catalog.write_rates(tariff.id, [bad]))
    close(ledger, catalog)

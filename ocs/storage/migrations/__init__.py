"""The schema's history: Alembic migrations that work from an installed package, without an alembic.ini.

Owns bringing a database to the schema of this program, and telling which one it has. The tables themselves
are in `ocs.storage.sql.schema`; the two are compared by a test.
"""

import sqlite3
from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from ocs.errors import InputError
from ocs.storage.sql.database import database_path


def _config(url: str = "") -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files(__name__)))
    config.attributes["url"] = url
    return config


def head_revision() -> str:
    """The schema that this program needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "there is a first migration"
    return head


def schema_revision(url: str) -> str | None:
    """The schema that the database has; None when it has none, or there is no database."""
    path = database_path(url)
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        return None
    except sqlite3.DatabaseError as error:
        raise InputError(str(path), f"is no database: {error}") from error
    finally:
        connection.close()
    return None if row is None else str(row[0])


def migrate(url: str) -> None:
    """Bring the database to the schema of this program, creating it when there is none; repeatable."""
    command.upgrade(_config(url), "head")


def check_schema(url: str) -> None:
    """Refuse a database whose schema is not the one this program needs.

    Raises:
        InputError: it is older or newer, or there is no database.
    """
    found, needed = schema_revision(url), head_revision()
    if found != needed:
        raise InputError(
            str(database_path(url)),
            f"its schema is {found or 'missing'}, this program needs {needed}: run `ocs migrate`",
        )

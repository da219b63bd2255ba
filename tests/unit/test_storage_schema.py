"""The tables fit the records, and the migrations make exactly the tables."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from ocs.ports import Cdr, ParkedReport, RateSnapshot, StoredAnswer
from ocs.quota.account import AccountRow
from ocs.quota.ledger import LedgerEntry
from ocs.quota.session import ReservationRow, SessionRow
from ocs.storage.migrations import _config, head_revision, migrate, schema_revision
from ocs.storage.sql import schema
from ocs.storage.sql.record import PRICE_COLUMNS
from ocs.storage.sql.schema import metadata


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (schema.account_state, AccountRow),
        (schema.session, SessionRow),
        (schema.reservation, ReservationRow),
        (schema.ledger_entry, LedgerEntry),
        (schema.cdr, Cdr),
        (schema.answer, StoredAnswer),
        (schema.parked, ParkedReport),
        (schema.rate_snapshot, RateSnapshot),
    ],
)
def test_columns_stand_in_field_order(table: sa.Table, row: Any) -> None:
    """Rows of the ledger are written and read without being rearranged."""
    assert tuple(column.name for column in table.c) == row._fields


@pytest.mark.parametrize("table", [schema.rate, schema.rate_off_peak])
def test_price_columns_stand_in_field_order(table: sa.Table) -> None:
    """A price set is a slice of a row."""
    names = [column.name for column in table.c]
    start = names.index(PRICE_COLUMNS[0])
    assert tuple(names[start : start + len(PRICE_COLUMNS)]) == PRICE_COLUMNS


def test_everything_is_named_and_explained() -> None:
    """Each constraint and index has a name to migrate it by, each table a comment."""
    for table in metadata.sorted_tables:
        assert table.comment, table.name
        assert all(constraint.name for constraint in table.constraints), table.name
        assert all(index.name for index in table.indexes), table.name


def test_the_tables_are_postgresql_too() -> None:
    """The same definitions compile for PostgreSQL, with 64-bit numbers."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=dialect))
        assert "INTEGER" not in text
        assert "ROWID" not in text
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))
    assert "WHERE request_key IS NOT NULL" in str(
        CreateIndex(next(iter(schema.ledger_entry.indexes))).compile(dialect=dialect)
    )


def shape(engine: sa.Engine) -> dict[str, Any]:
    """Every property of every table that a database knows of."""
    inspector = sa.inspect(engine)

    def plain(rows: list[Any]) -> list[str]:
        return sorted(repr(sorted((key, str(value)) for key, value in row.items())) for row in rows)

    with engine.connect() as connection:
        texts = connection.execute(sa.text("SELECT tbl_name, type, sql FROM sqlite_master")).all()
    return {
        name: {
            "columns": plain(inspector.get_columns(name)),
            "primary key": str(inspector.get_pk_constraint(name)),
            "foreign keys": plain(inspector.get_foreign_keys(name)),
            "unique": plain(inspector.get_unique_constraints(name)),
            "checks": plain(inspector.get_check_constraints(name)),
            "indexes": sorted(
                " ".join(str(sql).split()) for owner, kind, sql in texts if (owner, kind) == (name, "index")
            ),
            "options": [
                word in sql
                for word in ("WITHOUT ROWID", "AUTOINCREMENT")
                for owner, kind, sql in texts
                if (owner, kind) == (name, "table")
            ],
        }
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


def test_migrations_make_exactly_the_tables(tmp_path: Path) -> None:
    """A migrated database and one made from the definitions are the same, checks and options included."""
    migrate(f"sqlite:///{tmp_path}/migrated.db")
    migrated = sa.create_engine(f"sqlite:///{tmp_path}/migrated.db")
    defined = sa.create_engine(f"sqlite:///{tmp_path}/defined.db")
    metadata.create_all(defined)
    assert shape(migrated) == shape(defined)
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
    migrated.dispose()
    defined.dispose()


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    """`ocs migrate` may be run at any time; data stays."""
    url = f"sqlite:///{tmp_path}/ocs.db"
    assert schema_revision(url) is None
    migrate(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.insert(schema.rate_snapshot).values(snapshot_id=7, body="{}"))
    migrate(url)
    assert schema_revision(url) == head_revision()
    with engine.connect() as connection:
        assert connection.execute(sa.select(schema.rate_snapshot)).all() == [(7, "{}")]
    engine.dispose()


def test_a_downgrade_leaves_nothing_behind(tmp_path: Path) -> None:
    """The first migration can be undone, in the order that foreign keys need."""
    url = f"sqlite:///{tmp_path}/ocs.db"
    migrate(url)
    command.downgrade(_config(url), "base")
    engine = sa.create_engine(url)
    assert sa.inspect(engine).get_table_names() == ["alembic_version"]
    engine.dispose()
    assert schema_revision(url) is None

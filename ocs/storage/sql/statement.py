"""SQL text made once from the tables, for the paths that are too hot to build statements per call."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnClause, Table, delete, literal_column, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.expression import ClauseElement


def select_text(statement: ClauseElement) -> str:
    """The query as SQLite reads it, constants written out; arguments have `slot`s."""
    return _text(statement, literal_binds=True)


def _text(statement: ClauseElement, **options: Any) -> str:
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="qmark"), compile_kwargs=options))


def slot(number: int) -> ColumnClause[Any]:
    """The place of the n-th argument, from 1."""
    return literal_column(f"?{number}")


def columns_of(table: Table) -> tuple[str, ...]:
    """Names of the columns, in order."""
    return tuple(column.name for column in table.c)


def insert(table: Table, *, without: Collection[str] = ()) -> str:
    """Insert a row given in column order, `without` the columns that the database fills in."""
    given = {name: None for name in columns_of(table) if name not in without}
    return _text(sqlite.insert(table).values(given) if without else sqlite.insert(table))


def insert_if_absent(table: Table) -> str:
    """Insert a row unless its key is taken."""
    return _text(sqlite.insert(table).on_conflict_do_nothing())


def delete_by(table: Table, column: str) -> str:
    """Delete the row with the given value, if there is one."""
    return _text(delete(table).where(table.c[column] == slot(1)))


def upsert(table: Table, key: Sequence[str], *, growing: str | None = None, equal: bool = False) -> str:
    """Insert a row, or replace the one of the same key; over a smaller `growing` column only.

    With `equal` a row whose column is the same is replaced too.
    """
    statement = sqlite.insert(table)
    replaced = {name: statement.excluded[name] for name in columns_of(table) if name not in key}
    where = None
    if growing is not None:
        new, old = statement.excluded[growing], table.c[growing]
        where = new >= old if equal else new > old
    return _text(statement.on_conflict_do_update(index_elements=list(key), set_=replaced, where=where))


def compare_and_set(table: Table, fixed: Sequence[str]) -> str:
    """Replace the row whose `fixed` columns are equal and whose version is one less.

    Fixed columns are compared, not set: an index that has only those needs no upkeep.
    """
    places = {name: slot(number) for number, name in enumerate(columns_of(table), 1)}
    statement = update(table).values({name: place for name, place in places.items() if name not in fixed})
    for name in fixed:
        statement = statement.where(table.c[name] == places[name])
    return _text(statement.where(table.c.version == places["version"] - literal_column("1")))

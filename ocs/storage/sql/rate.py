"""Rates of a tariff: imports that come into force at once, and reading them all.

An import of a million rates must neither hold the write lock while it runs nor ever be seen half done. So it
is written in short transactions under an import of its own, which is *open*: no reader looks at rows of an
open import. One small transaction then makes it *published*; at that instant all its rates are in force. What
they replace is deleted afterwards (*swept*), again in short steps; of equal keys the greatest rate id counts,
so until then replaced rows are as good as gone.

One import at a time per tariff. A later one takes over: what was open becomes *abandoned* and is deleted, be
it the rest of a crash or an import that still runs, which finds out at its next step and fails.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, islice
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import ColumnElement, Connection, FromClause, Select, delete, func, insert, select, update

from ocs.errors import ConflictError, NotFoundError
from ocs.ports import ChangeKind
from ocs.rating.index import RateChunk, Tariff
from ocs.rating.tariff import Rate, TariffTerms
from ocs.storage.sql import rate_feed, statement
from ocs.storage.sql.database import Database, store_errors
from ocs.storage.sql.record import PRICE_COLUMNS, RateReader, off_peak_values, rate_values
from ocs.storage.sql.schema import change_log, rate, rate_import, rate_off_peak, tariff
from ocs.storage.sql.statement import slot

T = TypeVar("T")

FEW: Final = 2_000
"So many rates are read by the process that wants them."

CHUNK: Final = 5_000
"Rates per transaction: it holds the write lock for about 0.1 s."

OPEN: Final = "open"
PUBLISHED: Final = "published"
SWEPT: Final = "swept"
ABANDONED: Final = "abandoned"

GAP_S: Final = 0.003
"Left between transactions, so that a server that waits for the write lock gets it."

_INSERT_RATE: Final = statement.insert(rate)
_INSERT_OFF_PEAK: Final = statement.insert(rate_off_peak)
_INVISIBLE: Final = select(rate_import.c.import_id).where(rate_import.c.state.in_((OPEN, ABANDONED)))


class Transact(Protocol):
    """Runs something as one write transaction, on this thread."""

    def __call__(self, work: Callable[[Connection], T], /) -> T:
        """Run `work` and commit; an exception undoes it."""
        ...


def now_ms() -> int:
    """The wall clock, for the columns that only people look at."""
    return time.time_ns() // 1_000_000


def log_change(connection: Connection, kind: ChangeKind, object_ids: Iterable[int]) -> None:
    """Append to the change log in the open transaction."""
    at_ms = now_ms()
    rows = [{"kind": kind.value, "object_id": object_id, "at_ms": at_ms} for object_id in object_ids]
    if rows:
        connection.execute(insert(change_log), rows)


def write_rates(
    transact: Transact,
    tariff_id: int,
    rates: Iterable[Rate],
    *,
    on_publish: Callable[[Connection], None] = lambda _: None,
) -> int:
    """Insert or replace rates by (destination, effective_from), all or none; the number written.

    Blocks. Memory is bounded by a few chunks. An exception of `rates` itself is passed on.

    Args:
        transact: runs one transaction.
        tariff_id: whose rates they are.
        rates: consumed once.
        on_publish: writes more in the transaction in which the rates come into force.

    Raises:
        NotFoundError: there is no such tariff.
        ConflictError: another import into the tariff took over.
    """
    return _Import(transact, tariff_id, on_publish).run(rates)


class _Import:
    """One import under way."""

    def __init__(self, transact: Transact, tariff_id: int, on_publish: Callable[[Connection], None]) -> None:
        self._transact = transact
        self._tariff_id = tariff_id
        self._on_publish = on_publish
        self._import_id = 0
        self._first_rate_id: int | None = None

    def run(self, rates: Iterable[Rate]) -> int:
        chunks = _chunks(rates)
        first = next(chunks, [])
        second = next(chunks, None)
        if second is None:
            self._transact(partial(self._write_whole, first))
            written = len(first)
        else:
            written = self._write_chunks(chain([first, second], chunks))
        sweep(self._transact, self._tariff_id)
        return written

    def _write_whole(self, rates: Sequence[Rate], connection: Connection) -> None:
        """A small import is one transaction."""
        self._open(connection)
        self._append(rates, connection)
        self._publish(connection)

    def _write_chunks(self, chunks: Iterable[Sequence[Rate]]) -> int:
        written = 0
        self._transact(self._open)
        try:
            for rates in chunks:
                time.sleep(GAP_S)
                self._transact(partial(self._append, rates))
                written += len(rates)
            self._transact(self._publish)
        except BaseException:
            self._transact(self._abandon)
            sweep(self._transact, self._tariff_id)
            raise
        return written

    def _open(self, connection: Connection) -> None:
        if connection.execute(select(tariff.c.id).where(tariff.c.id == self._tariff_id)).first() is None:
            raise NotFoundError(f"tariff {self._tariff_id} does not exist")
        is_open = (rate_import.c.tariff_id == self._tariff_id) & (rate_import.c.state == OPEN)
        connection.execute(update(rate_import).where(is_open).values(state=ABANDONED))
        row = {"tariff_id": self._tariff_id, "state": OPEN, "first_rate_id": 1, "last_rate_id": 0}
        added = connection.execute(insert(rate_import).values(**row, at_ms=now_ms()))
        assert added.inserted_primary_key is not None, "a single row was inserted"
        self._import_id = added.inserted_primary_key[0]

    def _append(self, rates: Sequence[Rate], connection: Connection) -> None:
        first_id = connection.execute(select(func.coalesce(func.max(rate.c.rate_id), 0))).scalar_one() + 1
        if self._first_rate_id is None:
            self._first_rate_id = first_id
        last_id = first_id + len(rates) - 1
        self._advance(connection, first_rate_id=self._first_rate_id, last_rate_id=last_id)
        numbered = list(enumerate(rates, first_id))
        rows = [(key, self._tariff_id, self._import_id, *rate_values(added)) for key, added in numbered]
        off_peak = [row for key, added in numbered for row in off_peak_values(key, added)]
        if rows:
            connection.exec_driver_sql(_INSERT_RATE, rows)
        if off_peak:
            connection.exec_driver_sql(_INSERT_OFF_PEAK, off_peak)

    def _publish(self, connection: Connection) -> None:
        self._advance(connection, state=PUBLISHED)
        self._on_publish(connection)
        log_change(connection, ChangeKind.TARIFF, [self._tariff_id])

    def _advance(self, connection: Connection, **values: Any) -> None:
        ours = (rate_import.c.import_id == self._import_id) & (rate_import.c.state == OPEN)
        if connection.execute(update(rate_import).where(ours).values(**values)).rowcount != 1:
            raise ConflictError(f"another import into tariff {self._tariff_id} took over")

    def _abandon(self, connection: Connection) -> None:
        ours = (rate_import.c.import_id == self._import_id) & (rate_import.c.state == OPEN)
        connection.execute(update(rate_import).where(ours).values(state=ABANDONED))


def _chunks(rates: Iterable[Rate]) -> Iterator[list[Rate]]:
    source = iter(rates)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def sweep(transact: Transact, tariff_id: int) -> None:
    """Delete a tariff's rates that no reader sees any more, in short transactions."""
    unswept = (
        select(rate_import)
        .where(rate_import.c.tariff_id == tariff_id, rate_import.c.state.in_((PUBLISHED, ABANDONED)))
        .order_by(rate_import.c.import_id)
    )
    for row in transact(lambda connection: connection.execute(unswept).all()):
        dead = _rates_of if row.state == ABANDONED else _replaced_by
        for start in range(row.first_rate_id, row.last_rate_id + 1, CHUNK):
            dead_ids = dead(row.import_id, first_id=start, last_id=min(start + CHUNK - 1, row.last_rate_id))
            time.sleep(GAP_S)
            transact(partial(_delete, dead_ids))
        transact(partial(_finish, row.import_id, row.state))


def _rates_of(import_id: int, *, first_id: int, last_id: int) -> Select[tuple[int]]:
    """Rates of an import within a range of ids."""
    return select(rate.c.rate_id).where(
        rate.c.rate_id.between(first_id, last_id), rate.c.import_id == import_id
    )


def _replaced_by(import_id: int, *, first_id: int, last_id: int) -> Select[tuple[int]]:
    """Visible rates that those of an import, within a range of ids, have replaced."""
    new, old = rate.alias("new"), rate.alias("old")
    same_key = (
        (old.c.tariff_id == new.c.tariff_id)
        & (old.c.destination == new.c.destination)
        & (old.c.effective_from_s == new.c.effective_from_s)
        & (old.c.rate_id < new.c.rate_id)
    )
    return (
        select(old.c.rate_id)
        .select_from(new.join(old, same_key))
        .where(
            new.c.rate_id.between(first_id, last_id),
            new.c.import_id == import_id,
            old.c.import_id.not_in(_INVISIBLE),
        )
    )


def _delete(rate_ids: Select[tuple[int]], connection: Connection) -> None:
    connection.execute(delete(rate).where(rate.c.rate_id.in_(rate_ids)))


def _finish(import_id: int, state: str, connection: Connection) -> None:
    ours = (rate_import.c.import_id == import_id) & (rate_import.c.state == state)
    if state == ABANDONED:
        connection.execute(delete(rate_import).where(ours))
    else:
        connection.execute(update(rate_import).where(ours).values(state=SWEPT))


# -------------------------------------------------------------------------------------------------- reading


def _stream_text(*conditions: ColumnElement[bool]) -> str:
    """Visible rates of tariff ?1 by key; of equal keys the one that counts comes last."""
    sets = [rate_off_peak.alias(name) for name in ("first", "second")]
    joined: FromClause = rate
    for ordinal, prices in enumerate(sets):
        joined = joined.outerjoin(
            prices, (prices.c.rate_id == rate.c.rate_id) & (prices.c.ordinal == ordinal)
        )
    own = [column for column in rate.c if column.name not in {"rate_id", "tariff_id", "import_id"}]
    names = ("ordinal", "period", *PRICE_COLUMNS)
    return statement.select_text(
        select(*own, *(prices.c[name].label(f"{prices.name}_{name}") for prices in sets for name in names))
        .select_from(joined)
        .where(rate.c.tariff_id == slot(1), rate.c.import_id.not_in(_INVISIBLE), *conditions)
        .order_by(rate.c.destination, rate.c.effective_from_s, rate.c.rate_id)
    )


_STREAM: Final = _stream_text()
_STREAM_SOME: Final = _stream_text(
    rate.c.destination.in_(select(func.json_each(slot(2)).table_valued("value").c.value))
)
"Those of the destinations in ?2, a JSON list."
_COUNT: Final = statement.select_text(
    select(func.count()).select_from(
        select(rate.c.destination, rate.c.effective_from_s)
        .where(rate.c.tariff_id == slot(1), rate.c.import_id.not_in(_INVISIBLE))
        .distinct()
        .subquery()
    )
)
_HAS_MANY: Final = statement.select_text(
    select(rate.c.rate_id).where(rate.c.tariff_id == slot(1)).offset(slot(2)).limit(1)
)


def rate_rows(connection: sqlite3.Connection, tariff_id: int) -> Iterator[Sequence[Any]]:
    """Rows for `RateReader.rate`, ordered by destination and instant, one per key."""
    last: Sequence[Any] | None = None
    for row in connection.execute(_STREAM, (tariff_id,)):
        if last is not None and last[:2] != row[:2]:
            yield last
        last = row
    if last is not None:
        yield last


def read_chunk(rows: Iterator[Sequence[Any]], reader: RateReader) -> list[Rate]:
    """The next rates, none at the end."""
    return [reader.rate(row) for row in islice(rows, CHUNK)]


def count_rates(connection: sqlite3.Connection, tariff_id: int) -> int:
    """Rates of a tariff, of equal keys one."""
    ((count,),) = connection.execute(_COUNT, (tariff_id,))
    return int(count)


def compile_tariff(database: Database, terms: TariffTerms) -> Tariff:
    """A tariff compiled from all its rates. Blocks, but holds up other threads by no more than a chunk."""
    with database.reading() as connection:
        has_many = connection.execute(_HAS_MANY, (terms.id, FEW)).fetchone() is not None
        if not has_many:
            return _compile(terms, rate_feed.read(connection, _STREAM, terms.id))
    with store_errors():
        return _compile(terms, rate_feed.read_apart(database.path, _STREAM, terms.id))


def compile_some(connection: sqlite3.Connection, terms: TariffTerms, destinations: Iterable[str]) -> Tariff:
    """A tariff compiled as if it had rates for these destinations only."""
    return _compile(terms, rate_feed.read(connection, _STREAM_SOME, terms.id, json.dumps(list(destinations))))


def _compile(terms: TariffTerms, chunks: Iterable[rate_feed.Chunk]) -> Tariff:
    return Tariff.build_chunks(terms, map(RateChunk._make, chunks), RateReader().version)

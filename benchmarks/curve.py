"""How the server scales: the same load with more accounts, rates, open sessions, or records in the database.

Each point is a server of its own. What a point needs much of (open sessions, records of ended ones) is
written into the database beforehand, consistent with the books, which are verified after each run.
"""

import argparse
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from load import Run, figures_of, resident_mb
from server import ServerProcess
from sqlalchemy import Text
from stock import Mix, Stock

from ocs.storage.sql import schema

Figures = dict[str, float | str]
DAY_MS = 86_400_000
CURVES: dict[str, tuple[Sequence[int], Sequence[int]]] = {
    "accounts": ((1_000, 10_000, 100_000), (1_000_000,)),
    "rates": ((1_000, 10_000, 100_000), (1_000_000,)),
    "open sessions": ((1, 10_000, 50_000, 200_000), ()),
    "CDRs in the database": ((0, 10_000, 100_000, 500_000), (5_000_000,)),
}
"Sizes of a report, and those that are added when there is time."


def insert_sessions(books: sqlite3.Connection, count: int, *, accounts: int, is_open: bool) -> None:
    """Sessions that hold nothing and have paid nothing, at each payer of the accounts in turn."""
    names = [column.name for column in schema.session.columns]
    empty = {column.name: "" if isinstance(column.type, Text) else 0 for column in schema.session.columns}
    held = [column.name for column in schema.reservation.columns]
    chains = [_chain(books, number) for number in range(min(accounts, count))]
    now_ms = int(time.time() * 1000)
    common = empty | {
        "version": 1,
        "gateway_id": 1,
        "identity_kind": "username",
        "service": "voice",
        "access_code": "OUTGOING",
        "calling": "12025550100",
        "called": "442079460000",
        "state": 1 if is_open else 2,
        "started_at_ms": now_ms,
        "updated_at_ms": now_ms,
        "expires_at_ms": now_ms + DAY_MS if is_open else 0,
    }
    reservation = dict.fromkeys(held, 0) | {"allowance": ""}

    def session(number: int) -> list[object]:
        account = number % len(chains)
        row = common | {
            "session_id": number + 1,
            "session_key": f"filled-{number}",
            "account_id": chains[account][0],
            "identity_value": f"load{account}",
        }
        return [row[name] for name in names]

    def reservations(number: int) -> list[list[object]]:
        rows = (
            reservation | {"session_id": number + 1, "account_id": account_id, "ordinal": ordinal}
            for ordinal, account_id in enumerate(chains[number % len(chains)])
        )
        return [[row[name] for name in held] for row in rows]

    _insert(books, "session", names, map(session, range(count)))
    _insert(books, "reservation", held, (row for number in range(count) for row in reservations(number)))
    if is_open:
        books.execute(
            "UPDATE account_state SET open_sessions = open_sessions + added, open_voice = open_voice + added"
            " FROM (SELECT account_id AS id, count(*) AS added FROM reservation GROUP BY 1)"
            " WHERE id = account_id"
        )


def _chain(books: sqlite3.Connection, number: int) -> list[int]:
    """The account that makes the calls of this number, and those above it."""
    found = books.execute(
        "WITH RECURSIVE chain(id, parent_id) AS (SELECT id, parent_id FROM account WHERE name = ? UNION ALL"
        " SELECT account.id, account.parent_id FROM account JOIN chain ON account.id = chain.parent_id)"
        " SELECT id FROM chain",
        (f"load{number}",),
    )
    return [account_id for (account_id,) in found]


def insert_records(books: sqlite3.Connection, count: int, *, accounts: int) -> None:
    """Ended sessions with a record of each payer, as years of service leave them."""
    insert_sessions(books, count, accounts=accounts, is_open=False)
    names = [column.name for column in schema.cdr.columns]
    taken = {column.name for column in schema.session.columns} - {"account_id"}
    values = {name: f"session.{name}" for name in names if name in taken}
    values |= {"account_id": "reservation.account_id", "revision": "1", "recorded_at_ms": "updated_at_ms"}
    texts = {"currency": "'USD'", "tariff": "'bench'", "destination": "'44'", "allowance": "''"}
    values |= texts | {"explanation": "'{' || hex(zeroblob(200)) || '}'"}
    columns = ", ".join(values.get(name, "0") for name in names)
    books.execute(
        f"INSERT INTO cdr ({', '.join(names)}) SELECT {columns}"
        " FROM session JOIN reservation USING (session_id) WHERE state = 2"
    )


def _insert(books: sqlite3.Connection, table: str, names: Sequence[str], rows: object) -> None:
    slots = ", ".join("?" * len(names))
    books.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({slots})", rows)  # type: ignore[arg-type]


def prepared(curve: str, size: int) -> tuple[Stock, Callable[[ServerProcess], None]]:
    """What is sold at a point, and what fills its database."""
    mix = Mix(accounts=2_000, rates=100_000)
    if curve == "accounts":
        mix.accounts = size
    elif curve == "rates":
        mix.rates = size

    def fill(server: ServerProcess) -> None:
        with closing(sqlite3.connect(server.database)) as books, books:
            if curve == "open sessions":
                insert_sessions(books, size, accounts=mix.accounts, is_open=True)
            elif curve == "CDRs in the database":
                insert_records(books, size // 2, accounts=mix.accounts)

    return Stock(mix), fill


def point(curve: str, size: int, options: argparse.Namespace) -> Figures:
    """One size under load."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("OCS_BENCH_FOLDER")) as name:
        stock, fill = prepared(curve, size)
        server = stock.prepare(Path(name), options.templates / f"{stock.mix.accounts}-{stock.mix.rates}")
        fill(server)
        with server:
            server.start()
            run = Run(server, stock, options)
            run.load(options.warm_up)
            figures = figures_of(*run.load(options.seconds))
            figures["server_resident_mb"] = round(resident_mb(server.pid))
            server.stop()
            figures["books"] = stock.audit(server)
    return {"size": size, **figures}


def curve_of(curve: str, options: argparse.Namespace) -> list[Figures]:
    """A whole curve."""
    usual, large = CURVES[curve]
    points = []
    for size in (*usual, *(large if options.full else ())):
        points.append(point(curve, size, options))
        print(curve, points[-1], flush=True)
    return points

"""`LedgerStore.verify`: clean books are silent, each kind of damage is named with account and numbers."""

import asyncio

import pytest
from contract.backend import Backend
from contract.books import account, entry, reservation, session

from ocs.ports import Decision
from ocs.quota.session import SessionState

BOOKS = Decision(
    root_id=2,
    accounts=[
        account(
            1, balance_micros=9_300_000, reserved_micros=600_000, open_sessions=1, open_voice=1, entries=3
        ),
        account(
            2, balance_micros=-200_000, reserved_micros=300_000, open_sessions=1, open_voice=1, entries=1
        ),
        account(3),
    ],
    sessions=[session(11), session(12, state=SessionState.CLOSED)],
    reservations=[
        reservation(11, 1, reserved_micros=600_000, debited_micros=200_000),
        reservation(11, 2, ordinal=1, reserved_micros=300_000, debited_micros=200_000),
        reservation(12, 1, debited_micros=500_000),
    ],
    entries=[
        entry(1, 1, 10_000_000, 10_000_000),
        entry(1, 2, -500_000, 9_500_000, kind="charge", session_id=12, snapshot_id=7),
        entry(1, 3, -200_000, 9_300_000, kind="charge", session_id=11, snapshot_id=7),
        entry(2, 1, -200_000, -200_000, kind="charge", session_id=11, snapshot_id=7),
    ],
)

DAMAGE = {
    "a balance": (
        ("account_state", {"account_id": 1}, {"balance_micros": 9_300_001}),
        ["account 1: balance is 9.300001, its entries sum to 9.30"],
    ),
    "a balance without any entry": (
        ("account_state", {"account_id": 3}, {"balance_micros": 5}),
        ["account 3: balance is 0.000005, its entries sum to 0.00"],
    ),
    "an amount": (
        ("ledger_entry", {"account_id": 2, "number": 1}, {"amount_micros": -300_000}),
        [
            "account 2: balance is -0.20, its entries sum to -0.30",
            "account 2: entry 1 says balance -0.20, entries up to it sum to -0.30",
            "account 2: session 11 has debited 0.20, its charges sum to 0.30",
        ],
    ),
    "a running balance": (
        ("ledger_entry", {"account_id": 1, "number": 2}, {"balance_micros": 1}),
        ["account 1: entry 2 says balance 0.000001, entries up to it sum to 9.50"],
    ),
    "a count of entries": (
        ("account_state", {"account_id": 1}, {"entries": 4}),
        ["account 1: 4 ledger entries were counted, 3 are stored"],
    ),
    "a charge posted to no session": (
        ("ledger_entry", {"account_id": 1, "number": 2}, {"session_id": None}),
        ["account 1: session 12 has debited 0.50, its charges sum to 0.00"],
    ),
    "a charge turned into a refund": (
        ("ledger_entry", {"account_id": 1, "number": 2}, {"kind": "refund"}),
        [
            "account 1: session 12 has debited 0.50, its charges sum to 0.00",
            "account 1: session 12 has refunded 0.00, its refunds sum to -0.50",
        ],
    ),
    "a refund that is in no entry": (
        ("reservation", {"session_id": 12}, {"refunded_micros": 500_000}),
        ["account 1: session 12 has refunded 0.50, its refunds sum to 0.00"],
    ),
    "a count of calls": (
        ("account_state", {"account_id": 2}, {"open_voice": 2}),
        ["account 2: 2 open voice sessions were counted, 1 are open"],
    ),
    "a count of data sessions": (
        ("account_state", {"account_id": 3}, {"open_data": 1}),
        ["account 3: 1 open data sessions were counted, 0 are open"],
    ),
    "a count by identity": (
        ("account_state", {"account_id": 1}, {"open_by_identity": '{"username:alice":1}'}),
        [
            'account 1: open sessions by identity were counted as {"username:alice":1}, open are {}',
        ],
    ),
    "a session that its identity should count": (
        ("session", {"session_id": 11}, {"counted_identity": "username:alice"}),
        [
            'account 1: open sessions by identity were counted as {}, open are {"username:alice":1}',
        ],
    ),
    "a reserved sum": (
        ("account_state", {"account_id": 2}, {"reserved_micros": 0}),
        ["account 2: reserved is 0.00, its open sessions hold 0.30"],
    ),
    "a reservation": (
        ("reservation", {"session_id": 11, "account_id": 2}, {"reserved_micros": 400_000}),
        ["account 2: reserved is 0.30, its open sessions hold 0.40"],
    ),
    "a count of open sessions": (
        ("account_state", {"account_id": 3}, {"open_sessions": 2}),
        ["account 3: 2 open sessions were counted, 0 are open"],
    ),
    "money held by an ended session": (
        ("reservation", {"session_id": 12}, {"reserved_micros": 100_000}),
        ["account 1: session 12 has ended and still holds 0.10"],
    ),
    "a session ended without giving back": (
        ("session", {"session_id": 11}, {"state": int(SessionState.EXPIRED)}),
        [
            "account 1: 1 open sessions were counted, 0 are open",
            "account 1: 1 open voice sessions were counted, 0 are open",
            "account 1: reserved is 0.60, its open sessions hold 0.00",
            "account 1: session 11 has ended and still holds 0.60",
            "account 2: 1 open sessions were counted, 0 are open",
            "account 2: 1 open voice sessions were counted, 0 are open",
            "account 2: reserved is 0.30, its open sessions hold 0.00",
            "account 2: session 11 has ended and still holds 0.30",
        ],
    ),
}


def findings(backend: Backend) -> list[str]:
    """What another process finds."""

    async def verify() -> list[str]:
        stores = backend.open()
        found = list(await stores.ledger.verify())
        await stores.close()
        return found

    return asyncio.run(verify())


@pytest.fixture
def books(backend: Backend) -> Backend:
    """Books that add up."""

    async def write() -> None:
        stores = backend.open()
        await stores.ledger.commit([BOOKS])
        await stores.close()

    asyncio.run(write())
    return backend


def test_empty_books_are_clean(backend: Backend) -> None:
    """Nothing is found where nothing is."""
    assert findings(backend) == []


def test_clean_books_are_silent(books: Backend) -> None:
    """Payments, charges, open and closed sessions and a payer chain that add up."""
    assert findings(books) == []


@pytest.mark.parametrize("story", DAMAGE)
def test_damage_is_named(books: Backend, story: str) -> None:
    """Each damage gives exactly the sentences that tell it."""
    (table, where, changes), expected = DAMAGE[story]
    books.damage(table, where, **changes)
    assert findings(books) == expected


def test_a_missing_entry_is_a_gap(books: Backend) -> None:
    """Entries are numbered without gaps, from 1."""
    stores = books.open()
    later = Decision(
        root_id=2,
        accounts=[account(3, 2, balance_micros=5, entries=2)],
        entries=[entry(3, 2, 5, 5), entry(3, 4, 0, 5)],
    )
    asyncio.run(stores.ledger.commit([later]))
    asyncio.run(stores.close())
    assert findings(books) == [
        "account 3: entry 2 stands where entry 1 is expected",
        "account 3: entry 4 stands where entry 2 is expected",
    ]

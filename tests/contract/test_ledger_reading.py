"""What `LedgerStore` finds again: live state, sessions, the books."""

import asyncio

import pytest
from contract.backend import Stores
from contract.books import AT_MS, account, answer, cdr, entry, reservation, session

from ocs.ports import Decision, LedgerStore
from ocs.quota.session import SessionState


async def fill(ledger: LedgerStore) -> None:
    """Account 1 with sessions 11 (open), 12 (closed), 13 (expired); account 2 with session 14 (open)."""
    await ledger.commit(
        [
            Decision(
                root_id=2,
                accounts=[account(1, entries=3), account(2, entries=1)],
                sessions=[
                    session(11, expires_at_ms=AT_MS + 5),
                    session(12, state=SessionState.CLOSED),
                    session(13, state=SessionState.EXPIRED),
                    session(14, account_id=2, gateway_id=9, expires_at_ms=AT_MS + 7),
                ],
                reservations=[
                    reservation(11, 2, ordinal=1, snapshot_id=0),
                    reservation(11, 1, ordinal=0, reserved_micros=5),
                ],
                entries=[
                    entry(1, 3, 1, 6),
                    entry(1, 1, 2, 2, request_key="a"),
                    entry(1, 2, 3, 5, note="three"),
                    entry(2, 1, 4, 4, request_key="a"),
                ],
                cdrs=[cdr(12, 1), cdr(13, 1), cdr(13, 2)],
                answers=[answer("k", session_id=11)],
            )
        ]
    )


@pytest.fixture
def ledger(stores: Stores) -> LedgerStore:
    """A filled ledger."""
    asyncio.run(fill(stores.ledger))
    return stores.ledger


def test_absent_records_are_missing_from_what_is_loaded(ledger: LedgerStore) -> None:
    """Only what exists is in the mappings; asking for it is no error."""
    state = asyncio.run(ledger.load([2, 77], [(1, "s11"), (9, "s11"), (1, "none")]))
    assert state.accounts.keys() == {2}
    assert state.sessions.keys() == {(1, "s11")}
    assert asyncio.run(ledger.load_snapshots([1])) == {}
    assert asyncio.run(ledger.load_answer(2, "k")) is None
    assert asyncio.run(ledger.find_entry(1, "b")) is None


def test_a_session_comes_with_its_reservations_leaf_first(ledger: LedgerStore) -> None:
    """Reservations stand in the order of the payer chain, whatever order they were written in."""
    state = asyncio.run(ledger.load([], [(1, "s11")]))
    held = state.sessions[1, "s11"].reservations
    assert [(one.account_id, one.reserved_micros) for one in held] == [(1, 5), (2, 0)]


def test_a_loaded_record_is_the_callers_own(ledger: LedgerStore) -> None:
    """Changing what was loaded changes nothing in the store."""

    async def story() -> int:
        state = await ledger.load([1], [(1, "s11")])
        state.accounts[1].balance_micros = 99
        state.sessions[1, "s11"].reservations.clear()
        again = await ledger.load([1], [(1, "s11")])
        assert len(again.sessions[1, "s11"].reservations) == 2
        return again.accounts[1].balance_micros

    assert asyncio.run(story()) == 0


def test_open_sessions_are_those_that_may_expire(ledger: LedgerStore) -> None:
    """Ended and expired sessions are not among them."""
    found = asyncio.run(ledger.open_sessions())
    assert sorted(found) == [(AT_MS + 5, 1, "s11"), (AT_MS + 7, 9, "s14")]


def test_open_sessions_that_are_overdue(ledger: LedgerStore) -> None:
    """Those that were to end before an instant, and not those that end at it."""
    found = asyncio.run(ledger.open_sessions(due_before_ms=AT_MS + 7))
    assert found == [(AT_MS + 5, 1, "s11")]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [14, 11]),
        ({"only_open": False}, [14, 13, 12, 11]),
        ({"only_open": False, "limit": 2}, [14, 13]),
        ({"account_id": 1}, [11]),
        ({"account_id": 1, "only_open": False}, [13, 12, 11]),
        ({"account_id": 5}, []),
        ({"gateway_id": 9, "only_open": False}, [14]),
        ({"gateway_id": 1}, [11]),
        ({"state": SessionState.EXPIRED, "only_open": False}, None),
        ({"state": SessionState.OPEN, "only_open": False}, [14, 11]),
        ({"only_open": False, "before_id": 13}, [12, 11]),
    ],
)
def test_sessions_are_listed_newest_first(ledger: LedgerStore, filters: dict, expected: list[int]) -> None:
    """Open ones only, unless asked otherwise; of one account, when asked; with their reservations."""
    found = asyncio.run(ledger.list_sessions(**filters))
    if expected is None:
        assert found
        assert all(one.state == filters["state"] for one in found)
    else:
        assert [one.session_id for one in found] == expected
    assert all(len(one.reservations) == 2 for one in found if one.session_id == 11)


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [({}, [1, 2, 3]), ({"after_number": 1}, [2, 3]), ({"limit": 2}, [1, 2]), ({"after_number": 3}, [])],
)
def test_entries_are_listed_oldest_first(ledger: LedgerStore, filters: dict, numbers: list[int]) -> None:
    """An account's own entries, from a number on, at most so many."""
    found = asyncio.run(ledger.list_entries(1, **filters))
    assert [one.number for one in found] == numbers
    assert all(one.account_id == 1 for one in found)


def test_an_entry_is_found_by_its_key_within_its_account(ledger: LedgerStore) -> None:
    """The same key at another account is another entry; every field comes back."""
    assert asyncio.run(ledger.find_entry(1, "a")) == entry(1, 1, 2, 2, request_key="a")
    assert asyncio.run(ledger.find_entry(2, "a")) == entry(2, 1, 4, 4, request_key="a")


def test_an_answer_comes_back_whole(ledger: LedgerStore) -> None:
    """The digest and the session are kept with the answer."""
    assert asyncio.run(ledger.load_answer(1, "k")) == answer("k", session_id=11)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [(13, 1), (13, 2), (12, 1)]),
        ({"account_id": 1}, [(13, 1), (12, 1)]),
        ({"limit": 1}, [(13, 1)]),
    ],
)
def test_detail_records_are_listed_newest_first(
    ledger: LedgerStore, filters: dict, expected: list[tuple[int, int]]
) -> None:
    """By session, payers in order of account; every field comes back."""
    found = asyncio.run(ledger.list_cdrs(**filters))
    assert list(found) == [cdr(*key) for key in expected]


def test_open_sessions_of_an_account_are_those_it_pays_or_counts(stores: Stores) -> None:
    """Also those of accounts below it; ended ones never, and only last grants where that is asked."""

    async def story() -> list[list[int]]:
        await fill(stores.ledger)
        await stores.ledger.commit(
            [
                Decision(
                    accounts=[account(3)],
                    sessions=[session(15, account_id=3, final_grant=1), session(16, account_id=3)],
                    reservations=[reservation(15, 3), reservation(15, 2, ordinal=1), reservation(16, 3)],
                )
            ]
        )
        found = [
            await stores.ledger.find_open(account_id=2),
            await stores.ledger.find_open(account_id=3),
            await stores.ledger.find_open(account_id=3, only_final=True),
            await stores.ledger.find_open(only_final=True),
            await stores.ledger.find_open(account_id=77),
        ]
        (last,) = found[3]
        assert [one.account_id for one in last.reservations] == [3, 2]
        return [sorted(one.session_id for one in sessions) for sessions in found]

    assert asyncio.run(story()) == [[11, 15], [15, 16], [15], [15], []]

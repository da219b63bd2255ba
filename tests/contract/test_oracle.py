"""Random histories: every store says what the reference says, decision by decision and record by record."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from contract.backend import BACKENDS, Backend, MemoryBackend
from contract.books import account, answer, cdr, entry, reservation, session
from hypothesis import given, settings
from hypothesis import strategies as st

from ocs.ports import CommitResult, Decision, LedgerStore
from ocs.quota.session import SessionState

ids = st.integers(1, 3)
numbers = st.integers(1, 3)
versions = st.sampled_from([2, 2, 2, 3, 3, 1])
"Mostly what comes next, so that histories get somewhere."
amounts = st.integers(-5, 5)
held = st.integers(0, 5)
keys = st.sampled_from([None, "a", "b"])


def some(rows: st.SearchStrategy[Any], key: Callable[[Any], Any] = id) -> st.SearchStrategy[list[Any]]:
    """Mostly none, else a few rows with different keys."""
    return st.just([]) | st.just([]) | st.lists(rows, max_size=2, unique_by=key)


decisions = st.builds(
    Decision,
    root_id=ids,
    accounts=some(
        st.builds(
            account,
            ids,
            versions,
            balance_micros=amounts,
            reserved_micros=held,
            open_sessions=st.integers(0, 2),
            entries=st.integers(0, 2),
        ),
        lambda row: row.account_id,
    ),
    sessions=some(
        st.builds(
            session,
            st.integers(11, 13),
            versions,
            account_id=ids,
            session_key=st.sampled_from(["s11", "s12", "s13"]),
            state=st.sampled_from(SessionState),
        ),
        lambda row: row.session_id,
    ),
    reservations=some(
        st.builds(
            reservation, st.integers(11, 13), ids, ordinal=ids, reserved_micros=held, debited_micros=amounts
        ),
        lambda row: (row.session_id, row.account_id),
    ),
    entries=some(
        st.builds(
            entry,
            ids,
            numbers,
            amounts,
            amounts,
            request_key=keys,
            kind=st.sampled_from(["charge", "payment"]),
            session_id=st.sampled_from([None, 11, 12]),
        )
    ),
    cdrs=some(st.builds(cdr, st.integers(11, 12), ids, numbers), lambda row: row[:2]),
    answers=some(st.builds(answer, st.sampled_from("xyz"))),
)


def named_once(batch: list[Decision]) -> bool:
    """Whether no account is named by two decisions, which is the caller's duty."""
    named = [row.account_id for decision in batch for row in decision.accounts]
    return len(set(named)) == len(named)


OPENING = [Decision(root_id=1, accounts=[account(number) for number in (1, 2)], sessions=[session(11)])]
"So that not everything conflicts for want of an account."
histories = st.lists(st.lists(decisions, max_size=3).filter(named_once), max_size=6).map(
    lambda history: [OPENING, *history]
)


async def play(ledger: LedgerStore, history: list[list[Decision]]) -> list[list[CommitResult]]:
    """Commit batch by batch."""
    return [list(await ledger.commit(batch)) for batch in history]


async def contents(ledger: LedgerStore) -> list[Any]:
    """Everything that can be asked of the ledger."""
    state = await ledger.load([1, 2, 3], [(1, "s11"), (1, "s12"), (1, "s13")])
    listed = await ledger.list_sessions(only_open=False)
    return [
        {key: found.row() for key, found in state.accounts.items()},
        {
            key: (found.row(), [one.row() for one in found.reservations])
            for key, found in state.sessions.items()
        },
        [found.row() for found in listed],
        sorted(await ledger.open_sessions()),
        [list(await ledger.list_entries(number)) for number in (1, 2, 3)],
        [await ledger.find_entry(number, key) for number in (1, 2, 3) for key in "ab"],
        list(await ledger.list_cdrs()),
        [await ledger.load_answer(1, key) for key in "xyz"],
        list(await ledger.verify()),
    ]


@pytest.mark.parametrize("name", [name for name in BACKENDS if name != "memory"])
@settings(deadline=None, max_examples=60)
@given(history=histories)
def test_every_store_agrees_with_the_reference(name: str, history: list[list[Decision]]) -> None:
    """The same decisions commit, the same ones conflict, and the same records are there afterwards."""

    async def both(backend: Backend, reference: Backend) -> None:
        stores, expected = backend.open(), reference.open()
        assert await play(stores.ledger, history) == await play(expected.ledger, history)
        assert await contents(stores.ledger) == await contents(expected.ledger)
        await stores.close()

    with TemporaryDirectory() as folder:
        path = Path(folder)
        asyncio.run(both(BACKENDS[name](path), MemoryBackend(path)))

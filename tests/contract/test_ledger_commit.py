"""`LedgerStore.commit`: each decision whole or not at all, decided by versions and unique keys."""

import asyncio
from typing import Any

import pytest
from contract.backend import Backend, Stores
from contract.books import AT_MS, COMMITTED, CONFLICT, account, answer, cdr, entry, reservation, session

from ocs.ports import CommitResult, Decision, LedgerStore, ParkedReport, RateSnapshot
from ocs.quota.session import SessionState


def commit(ledger: LedgerStore, *decisions: Decision) -> list[CommitResult]:
    """Commit one batch."""
    return list(asyncio.run(ledger.commit(decisions)))


def opening() -> Decision:
    """Account 1 with 10.00, one open session that holds 0.60 of it, and an answer."""
    return Decision(
        root_id=1,
        accounts=[account(1, balance_micros=10_000_000, reserved_micros=600_000, open_sessions=1, entries=1)],
        sessions=[session(11)],
        reservations=[reservation(11, reserved_micros=600_000)],
        entries=[entry(1, 1, 10_000_000, 10_000_000, request_key="top-up")],
        cdrs=[cdr(11)],
        answers=[answer("first")],
        snapshots=[RateSnapshot(7, "{}")],
    )


def contents(ledger: LedgerStore) -> dict[str, Any]:
    """Everything the store holds of accounts 1 to 3 and the sessions known by number."""

    async def read() -> dict[str, Any]:
        state = await ledger.load([1, 2, 3], [(1, f"s{number}") for number in range(11, 15)])
        return {
            "accounts": {key: found.row() for key, found in state.accounts.items()},
            "sessions": {
                key: (found.row(), [held.row() for held in found.reservations])
                for key, found in state.sessions.items()
            },
            "entries": [await ledger.list_entries(key) for key in (1, 2, 3)],
            "cdrs": await ledger.list_cdrs(),
            "answers": [await ledger.load_answer(1, key) for key in ("first", "second")],
            "snapshots": await ledger.load_snapshots([7, 8]),
            "parked": await ledger.list_parked(),
        }

    return asyncio.run(read())


def test_everything_of_a_decision_is_there_after_the_commit(stores: Stores) -> None:
    """A committed decision can be read back, record by record."""
    decision = opening()
    assert commit(stores.ledger, decision) == [COMMITTED]
    assert contents(stores.ledger) == {
        "accounts": {1: decision.accounts[0]},
        "sessions": {(1, "s11"): (decision.sessions[0], list(decision.reservations))},
        "entries": [list(decision.entries), [], []],
        "cdrs": list(decision.cdrs),
        "answers": [decision.answers[0], None],
        "snapshots": {7: "{}"},
        "parked": [],
    }


def test_a_commit_of_nothing_is_fine(stores: Stores) -> None:
    """An empty batch, and an empty decision, commit."""
    assert commit(stores.ledger) == []
    assert commit(stores.ledger, Decision(root_id=1)) == [COMMITTED]


def test_committed_records_survive_reopening(backend: Backend) -> None:
    """Another process finds what the first one committed."""
    first = backend.open()
    commit(first.ledger, opening())
    before = contents(first.ledger)
    asyncio.run(first.close())
    second = backend.open()
    assert contents(second.ledger) == before
    asyncio.run(second.close())


def test_a_new_version_replaces_the_one_before(stores: Stores) -> None:
    """Version n + 1 is written over version n, for accounts and sessions alike."""
    commit(stores.ledger, opening())
    closed = Decision(
        root_id=1,
        accounts=[account(1, 2, balance_micros=9_900_000, entries=2)],
        sessions=[session(11, 2, state=SessionState.CLOSED, used_units=60, end_cause="User-Request")],
        reservations=[reservation(11, debited_micros=100_000)],
        entries=[entry(1, 2, -100_000, 9_900_000, kind="charge", session_id=11, snapshot_id=7)],
        cdrs=[cdr(11, revision=2, used_units=61)],
    )
    assert commit(stores.ledger, closed) == [COMMITTED]
    found = contents(stores.ledger)
    assert found["accounts"] == {1: closed.accounts[0]}
    assert found["sessions"] == {(1, "s11"): (closed.sessions[0], list(closed.reservations))}
    assert found["cdrs"] == list(closed.cdrs)


CONFLICTS = {
    "an account that exists is created": Decision(root_id=1, accounts=[account(1)]),
    "an account's version repeats": Decision(root_id=1, accounts=[account(1, 1, balance_micros=5)]),
    "an account's version skips one": Decision(root_id=1, accounts=[account(1, 3)]),
    "an account that does not exist moves on": Decision(root_id=2, accounts=[account(2, 2)]),
    "a session that exists is created": Decision(root_id=1, sessions=[session(11)]),
    "a session's version skips one": Decision(root_id=1, sessions=[session(11, 3)]),
    "a session that does not exist moves on": Decision(root_id=1, sessions=[session(12, 2)]),
    "another session has the gateway's key": Decision(root_id=1, sessions=[session(12, session_key="s11")]),
    "a session changes its account": Decision(
        root_id=1, accounts=[account(2)], sessions=[session(11, 2, account_id=2)]
    ),
    "a session changes its key": Decision(root_id=1, sessions=[session(11, 2, session_key="other")]),
    "an entry's number is taken": Decision(root_id=1, entries=[entry(1, 1, 5, 5)]),
    "an idempotency key is taken": Decision(root_id=1, entries=[entry(1, 2, 5, 5, request_key="top-up")]),
    "an idempotency key is used twice in a decision": Decision(
        root_id=1, entries=[entry(1, n, 5, 5, request_key="same") for n in (2, 3)]
    ),
    "an answer's key is taken": Decision(root_id=1, answers=[answer("first", digest="other")]),
    "a detail record's revision does not grow": Decision(root_id=1, cdrs=[cdr(11, used_units=5)]),
    "an entry belongs to no account": Decision(root_id=2, entries=[entry(2, 1, 5, 5)]),
    "a session belongs to no account": Decision(root_id=2, sessions=[session(12, account_id=2)]),
    "a reservation belongs to no session": Decision(root_id=1, reservations=[reservation(12)]),
}


@pytest.mark.parametrize("story", CONFLICTS)
def test_a_conflict_writes_nothing_of_its_decision(stores: Stores, story: str) -> None:
    """The decision's other records are not written either, whatever part of it conflicts."""
    commit(stores.ledger, opening())
    before = contents(stores.ledger)
    part = CONFLICTS[story]
    decision = Decision(
        root_id=1,
        accounts=[*part.accounts, account(3)],
        sessions=[session(14, account_id=3), *part.sessions],
        reservations=[reservation(14, 3), *part.reservations],
        entries=[entry(3, 1, 1, 1), *part.entries],
        cdrs=[cdr(14, 3), *part.cdrs],
        answers=[answer("second"), *part.answers],
        parked=[ParkedReport(1, 1, "lost", AT_MS, "no_rate", 60, "{}")],
    )
    assert commit(stores.ledger, decision) == [CONFLICT]
    assert contents(stores.ledger) == before


@pytest.mark.parametrize("story", CONFLICTS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_conflict_leaves_the_others_of_its_batch_committed(stores: Stores, story: str, place: int) -> None:
    """One decision of a batch conflicts, the ones before and after it commit."""
    commit(stores.ledger, opening())
    others = [
        Decision(root_id=3, accounts=[account(3, entries=1)], entries=[entry(3, 1, 5, 5)]),
        Decision(root_id=3, answers=[answer("second")]),
    ]
    batch = [*others[:place], CONFLICTS[story], *others[place:]]
    expected = [COMMITTED] * 3
    expected[place] = CONFLICT
    assert commit(stores.ledger, *batch) == expected
    found = contents(stores.ledger)
    assert found["accounts"].keys() == {1, 3}
    assert found["entries"][2] == list(others[0].entries)
    assert found["answers"][1] == others[1].answers[0]


def test_decisions_of_one_batch_conflict_with_each_other_in_order(stores: Stores) -> None:
    """Of two decisions that want the same session key, the first gets it."""
    commit(stores.ledger, opening())
    batch = [Decision(root_id=1, sessions=[session(number, session_key="new")]) for number in (12, 13)]
    assert commit(stores.ledger, *batch) == [COMMITTED, CONFLICT]


def test_an_expired_session_may_open_again(stores: Stores) -> None:
    """What may follow what is the ledger's business; the store looks at versions only."""
    commit(stores.ledger, opening())
    for version, state in enumerate((SessionState.EXPIRED, SessionState.OPEN, SessionState.CLOSED), 2):
        changed = Decision(root_id=1, sessions=[session(11, version, state=state)])
        assert commit(stores.ledger, changed) == [COMMITTED]
        is_open = bool(asyncio.run(stores.ledger.open_sessions()))
        assert is_open == (state == SessionState.OPEN)


def test_the_same_session_key_at_another_gateway_is_another_session(stores: Stores) -> None:
    """Session keys are unique per gateway, request keys per account."""
    commit(stores.ledger, opening())
    other = Decision(
        root_id=2,
        accounts=[account(2, entries=1)],
        sessions=[session(12, session_key="s11", gateway_id=2)],
        entries=[entry(2, 1, 5, 5, request_key="top-up")],
        answers=[answer("first", gateway_id=2)],
    )
    assert commit(stores.ledger, other) == [COMMITTED]


def test_charges_have_no_idempotency_key_to_repeat(stores: Stores) -> None:
    """Any number of entries of an account may have no key."""
    commit(stores.ledger, opening())
    more = Decision(root_id=1, entries=[entry(1, number, 0, 10_000_000) for number in (2, 3)])
    assert commit(stores.ledger, more) == [COMMITTED]


def test_an_account_in_two_decisions_is_a_bug(stores: Stores) -> None:
    """The caller groups by tree; naming an account twice is refused before anything is written."""
    batch = [Decision(root_id=1, accounts=[account(1, version)]) for version in (1, 2)]
    with pytest.raises(AssertionError, match="twice"):
        commit(stores.ledger, *batch)
    assert contents(stores.ledger)["accounts"] == {}


def test_a_snapshot_is_written_once(stores: Stores) -> None:
    """Writing a snapshot that is there already is no conflict; the first body stays."""
    commit(stores.ledger, opening())
    again = Decision(root_id=1, snapshots=[RateSnapshot(7, "other"), RateSnapshot(8, "new")])
    assert commit(stores.ledger, again, again) == [COMMITTED, COMMITTED]
    assert contents(stores.ledger)["snapshots"] == {7: "{}", 8: "new"}


def test_the_parked_report_that_reports_most_waits(stores: Stores) -> None:
    """One per session and gateway: more usage replaces less, later replaces earlier of equals."""
    first = ParkedReport(1, 1, "lost", AT_MS, "no_rate", 60, "{}")
    other = first._replace(parked_id=2, gateway_id=2, used_units=0)
    more = first._replace(parked_id=3, used_units=120)
    less = first._replace(parked_id=4, used_units=90)
    equal = first._replace(parked_id=5, used_units=120, reason="invalid_account")
    for report in (first, other, more, less):
        assert commit(stores.ledger, Decision(root_id=0, parked=[report])) == [COMMITTED]
    assert asyncio.run(stores.ledger.list_parked()) == [other, more]
    assert commit(stores.ledger, Decision(root_id=0, parked=[less, equal, first])) == [COMMITTED]
    assert asyncio.run(stores.ledger.list_parked()) == [other, equal]
    assert asyncio.run(stores.ledger.list_parked(limit=1)) == [other]


def test_two_writers_never_both_win_a_version(backend: Backend) -> None:
    """Two processes count one account up; each version is written by exactly one of them."""
    first, second = backend.open(), backend.open()
    target = 40

    async def count(ledger: LedgerStore) -> int:
        won = 0
        while True:
            state = await ledger.load([1], ())
            version = state.accounts[1].version
            if version >= target:
                return won
            row = account(1, version + 1, spent_micros=version)
            (result,) = await ledger.commit([Decision(root_id=1, accounts=[row])])
            won += result is COMMITTED
            await asyncio.sleep(0)

    async def race() -> list[int]:
        await first.ledger.commit([Decision(root_id=1, accounts=[account(1)])])
        return await asyncio.gather(count(first.ledger), count(second.ledger))

    wins = asyncio.run(race())
    assert sum(wins) == target - 1
    asyncio.run(first.close())
    asyncio.run(second.close())


def test_what_one_process_commits_the_other_reads_at_once(backend: Backend) -> None:
    """There is no stale view: a read that starts after a commit sees it."""
    first, second = backend.open(), backend.open()
    for version in (1, 2, 3):
        commit(first.ledger, Decision(root_id=1, accounts=[account(1, version, spent_day=version)]))
        assert contents(second.ledger)["accounts"][1].spent_day == version
    asyncio.run(first.close())
    asyncio.run(second.close())


@pytest.mark.parametrize("turns", range(6))
def test_a_cancelled_commit_is_whole_or_nothing_and_blocks_nobody(stores: Stores, turns: int) -> None:
    """Whenever the caller is cancelled: all of the batch is written or nothing, and the next commit works."""

    def step(version: int) -> Decision:
        row = account(1, version, balance_micros=version, entries=version)
        return Decision(root_id=1, accounts=[row], entries=[entry(1, version, 1, version)])

    async def story() -> None:
        await stores.ledger.commit([step(1)])
        task = asyncio.ensure_future(stores.ledger.commit([step(2)]))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        state = await stores.ledger.load([1], ())
        following = step(state.accounts[1].version + 1)
        assert await stores.ledger.commit([following]) == [COMMITTED]
        assert await stores.ledger.verify() == []

    asyncio.run(story())

"""`LedgerStore`: operators' commands are audited in the same step; known gateways; pages of CDRs."""

import asyncio

from contract.backend import Stores
from contract.books import AT_MS, COMMITTED, CONFLICT, account, answer, cdr, entry, session

from ocs.ports import AuditEntry, CdrPlace, Decision, ParkedReport


def audit(request_id: str | None) -> AuditEntry:
    """A payment that somebody entered."""
    return AuditEntry(0, AT_MS, "alice", "top_up", "accounts/a", "", "{}", request_id, "digest")


def payment(number: int, audits: list[AuditEntry]) -> Decision:
    """A payment of 1 into account 1, with its audit entries."""
    row = account(1, number, balance_micros=number, entries=number)
    return Decision(root_id=1, accounts=[row], entries=[entry(1, number, 1, number)], audits=audits)


def test_an_audit_entry_is_written_with_its_decision_or_not_at_all(stores: Stores) -> None:
    """A request id that is taken is a conflict, within a decision, among those of a commit, and later."""

    async def story() -> None:
        commit, log = stores.ledger.commit, stores.catalog.list_audit
        assert await commit([payment(1, [audit("p1")])]) == [COMMITTED]
        assert await commit([payment(2, [audit("p1")])]) == [CONFLICT]
        assert await commit([payment(2, [audit("p2"), audit("p2")])]) == [CONFLICT]
        assert await commit([payment(3, [audit("p3")])]) == [CONFLICT]
        assert await commit([payment(2, [audit("p2"), audit(None)])]) == [COMMITTED]
        assert [(one.number, one.request_id) for one in await log()] == [(3, None), (2, "p2"), (1, "p1")]
        assert (await log())[2] == audit("p1")._replace(number=1)
        await stores.catalog.append_audit(audit("p4"))
        assert await commit([payment(3, [audit("p4")])]) == [CONFLICT]
        assert len(await stores.ledger.list_entries(1)) == 2

    asyncio.run(story())


def test_decisions_of_one_commit_fail_alone(stores: Stores) -> None:
    """The one whose audit entry is a repetition is left out; the others stand."""

    async def story() -> None:
        other = Decision(root_id=2, accounts=[account(2)], audits=[audit("p1")])
        results = await stores.ledger.commit([payment(1, [audit("p1")]), other])
        assert sorted(results, key=str) == sorted([COMMITTED, CONFLICT], key=str)
        assert len(await stores.catalog.list_audit()) == 1

    asyncio.run(story())


def test_the_books_know_gateways_by_anything_of_theirs(stores: Stores) -> None:
    """A session, a stored answer or a parked report is enough."""
    parked = ParkedReport(
        parked_id=1, gateway_id=3, session_key="x", received_at_ms=AT_MS, reason="", used_units=0, report="{}"
    )

    async def story() -> None:
        decision = Decision(
            root_id=1,
            accounts=[account(1)],
            sessions=[session(11)],
            answers=[answer("k", gateway_id=2)],
            parked=[parked],
        )
        assert not await stores.ledger.knows_gateway(1)
        assert await stores.ledger.commit([decision]) == [COMMITTED]
        known = [await stores.ledger.knows_gateway(number) for number in range(1, 5)]
        assert known == [True, True, True, False]

    asyncio.run(story())


def test_records_are_paged_from_either_end(stores: Stores) -> None:
    """Newest first as oldest first, of one gateway when asked, no record twice and none missed."""

    async def story() -> None:
        records = [
            cdr(number, recorded_at_ms=AT_MS + number // 2, gateway_id=1 + number % 3)
            for number in range(1, 8)
        ]
        decision = Decision(root_id=1, accounts=[account(1)], cdrs=records)
        assert await stores.ledger.commit([decision]) == [COMMITTED]
        for newest_first in (False, True):
            found: list[int] = []
            after: CdrPlace | None = None
            while page := await stores.ledger.page_cdrs(after=after, newest_first=newest_first, limit=2):
                found += [one.session_id for one in page]
                after = CdrPlace(page[-1].recorded_at_ms, page[-1].session_id, page[-1].account_id)
            assert found == sorted(range(1, 8), reverse=newest_first)
        mine = await stores.ledger.page_cdrs(gateway_id=2, newest_first=True)
        assert [one.session_id for one in mine] == [7, 4, 1]

    asyncio.run(story())

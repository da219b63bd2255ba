"""Money commands: each booked once by its key, transfers on both sides, refunds up to what was paid."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from world import World, voice_prices

from ocs.charging.audit import Command
from ocs.charging.audited import audit_stores
from ocs.charging.outcome import OutcomeCode
from ocs.charging.posting import command_id
from ocs.charging.treasury import Treasury
from ocs.errors import AlreadyExistsError, InputError, NotFoundError, StoreUnavailableError
from ocs.ports import CommitResult, Decision
from ocs.quota.account import AccountStatus
from ocs.storage.memory import MemoryCatalogStore, MemoryLedgerStore
from ocs.units import parse_money


def money(text: str) -> int:
    """Micros of an amount."""
    return int(parse_money(text))


def play(story: Callable[[World], Awaitable[None]], **world: Any) -> None:
    """Run one story in a world where a call costs 1.00 a minute by the second; alice has 10.00."""

    async def run() -> None:
        async with World(**world) as w:
            await w.tariff("retail", {"44": voice_prices("1.00", "1/1")})
            await w.account("alice", "10", plan="retail")
            await story(w)
            assert await w.ledger.verify() == []

    asyncio.run(run())


async def entries(w: World, name: str) -> list[tuple[str, int, str]]:
    """Kind, amount and note of the account's entries."""
    profile = await w.administration.account(name)
    return [(one.kind, one.amount_micros, one.note) for one in await w.ledger.list_entries(profile.id)]


class Commands:
    """The money commands with everything but key and body filled in."""

    def __init__(self, world: World) -> None:
        self._treasury = world.administration.treasury

    async def pay(self, key: str, body: int) -> Any:
        """A payment."""
        return await self._treasury.pay("alice", body, key=key)

    async def bonus(self, key: str, body: int) -> Any:
        """A gift."""
        return await self._treasury.pay("alice", body, key=key, is_bonus=True)

    async def adjust(self, key: str, body: int) -> Any:
        """A correction downwards."""
        return await self._treasury.adjust("alice", -body, key=key, note="why")

    async def transfer(self, key: str, body: int) -> Any:
        """Money for bob; alice's side."""
        return (await self._treasury.transfer("alice", "bob", body, key=key)).given


@pytest.mark.parametrize("command", ["pay", "bonus", "adjust", "transfer"])
def test_a_key_moves_money_once(command: str) -> None:
    """Repeated with the same body it returns the first entry; with another body, or kind, it is refused."""

    async def story(w: World) -> None:
        await w.account("bob", "0")
        do = getattr(Commands(w), command)
        first = await do("k", money("2"))
        again = await do("k", money("2"))
        for other in ("pay", "bonus", "adjust", "transfer"):
            with pytest.raises(AlreadyExistsError, match="'k'"):
                await getattr(Commands(w), other)("k", money("3"))
            if other != command:
                with pytest.raises(AlreadyExistsError, match="'k'"):
                    await getattr(Commands(w), other)("k", money("2"))

        assert (first.is_repeat, again.is_repeat, again.entry) == (False, True, first.entry)
        assert len(await entries(w, "alice")) == 2

    play(story)


@pytest.mark.parametrize(
    ("command", "arguments", "reason"),
    [
        ("pay", ("alice", 0), "above 0"),
        ("pay", ("alice", -1), "above 0"),
        ("adjust", ("alice", 0), "not 0"),
        ("transfer", ("alice", "alice", 1), "itself"),
        ("transfer", ("alice", "bob", 0), "above 0"),
        ("transfer", ("alice", "bob", 10_000_001), "only 10.00 of 'alice' is free"),
        ("transfer", ("alice", "euro", 1), "has EUR"),
        ("transfer", ("alice", "closed", 1), "is closed"),
    ],
)
def test_what_cannot_be_is_refused_and_moves_nothing(
    command: str, arguments: Sequence[Any], reason: str
) -> None:
    """With the reason."""

    async def story(w: World) -> None:
        await w.account("bob", "0")
        await w.account("euro", "0", currency="EUR")
        await w.account("closed", "0", status=AccountStatus.CLOSED)
        fields = {"note": "why"} if command == "adjust" else {}
        with pytest.raises(InputError, match=reason):
            await getattr(w.administration.treasury, command)(*arguments, key="k", **fields)

        assert len(await entries(w, "alice")) == 1

    play(story)


@pytest.mark.parametrize("key", ["", "opening", "reset/1", "refund/1"])
def test_keys_that_are_ours_cannot_be_used(key: str) -> None:
    """An operator's key is never taken for one of the server's own."""

    async def story(w: World) -> None:
        with pytest.raises(InputError, match="key"):
            await w.administration.treasury.pay("alice", 1, key=key)

    play(story)


def test_an_adjustment_below_the_limit_is_marked() -> None:
    """It is booked all the same, as recorded debt."""

    async def story(w: World) -> None:
        posting = await w.administration.treasury.adjust("alice", -money("12"), key="k", note="fraud")

        assert (posting.entry.balance_micros, posting.entry.overrun_micros) == (-money("2"), money("2"))

    play(story)


@pytest.mark.parametrize("parent", ["", "alice"], ids=["two trees", "one tree"])
def test_a_transfer_books_both_sides(parent: str) -> None:
    """Each side names the other; what calls hold is not free."""

    async def story(w: World) -> None:
        await w.account("bob", "0", parent=parent)
        await w.begin()
        await w.initial("c1", "alice")
        with pytest.raises(InputError, match=r"only 9\.00"):
            await w.administration.treasury.transfer("alice", "bob", money("9.5"), key="k")
        done = await w.administration.treasury.transfer("alice", "bob", money("9"), key="k", note="gift")
        await w.engine.follow_changes()

        assert (done.given.entry.balance_micros, done.taken.entry.balance_micros) == (money("1"), money("9"))
        assert (await entries(w, "alice"))[-1] == ("transfer", -money("9"), "to bob: gift")
        assert await entries(w, "bob") == [("transfer", money("9"), "from alice: gift")]
        assert (await w.update("c1", 60)).code is OutcomeCode.ZERO_BALANCE

    play(story)


class FragileLedger(MemoryLedgerStore):
    """A store that breaks before one of the commits to come."""

    breaks_at = 0

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Write, unless this is the one."""
        if self.breaks_at:
            self.breaks_at -= 1
            if not self.breaks_at:
                raise StoreUnavailableError("the cable")
        return await super().commit(decisions)


@pytest.mark.parametrize(("parent", "breaks_at"), [("", 1), ("", 2), ("alice", 1)])
def test_a_transfer_that_is_cut_off_is_completed_by_its_key(parent: str, breaks_at: int) -> None:
    """Repeating the command leads to both sides once, wherever it broke."""
    ledger = FragileLedger()

    async def story(w: World) -> None:
        await w.account("bob", "0", parent=parent)
        ledger.breaks_at = breaks_at
        with pytest.raises(StoreUnavailableError):
            await w.administration.treasury.transfer("alice", "bob", money("4"), key="k")
        for _ in range(2):
            await w.administration.treasury.transfer("alice", "bob", money("4"), key="k")

        assert (await w.balance("alice"), await w.balance("bob")) == (money("6"), money("4"))

    play(story, stores=(ledger, MemoryCatalogStore()))


@pytest.mark.parametrize("parent", ["", "alice"])
def test_both_sides_of_a_transfer_are_audited(parent: str) -> None:
    """Once each, under the name of the account and the key, however often the command is repeated."""

    async def story(w: World) -> None:
        await w.account("bob", "0", parent=parent)
        boss = Command("boss", w.clock.now_ms(), "k")
        for _ in range(2):
            await w.administration.treasury.transfer("alice", "bob", money("4"), key="k", command=boss)

        log = await w.catalog.list_audit()
        assert sorted((one.action, one.target, command_id(one)) for one in log) == [
            ("transfer", "accounts/alice", "k"),
            ("transfer", "accounts/bob", "k"),
        ]

    play(story)


def test_a_refund_ends_no_session() -> None:
    """Stores that audit by themselves tell of a session's end once, not of each later change of it."""

    async def story(w: World) -> None:
        await w.begin()
        running = await w.initial("c1", "alice")
        assert running.session_id is not None
        await w.stop("c1", 180)
        ledger, catalog = audit_stores(w.ledger, w.catalog, w.clock, "boss")

        await Treasury(ledger, catalog, w.clock).refund("alice", running.session_id, key="k")

        assert [(one.action, one.target) for one in await w.catalog.list_audit()] == [
            ("refund", "accounts/alice")
        ]

    play(story)


def test_a_session_is_refunded_in_parts_up_to_what_it_cost() -> None:
    """Each part once by its key; a running session, a stranger's and more than is left are refused."""

    async def story(w: World) -> None:
        await w.account("bob", "1", plan="retail")
        await w.begin()
        refund = w.administration.treasury.refund
        running = await w.initial("c1", "alice")
        assert running.session_id is not None
        with pytest.raises(InputError, match="goes on"):
            await refund("alice", running.session_id, key="k")
        await w.stop("c1", 180)

        part = await refund("alice", running.session_id, money("1"), key="k1", note="bad line")
        again = await refund("alice", running.session_id, money("1"), key="k1")
        with pytest.raises(InputError, match=r"only 2\.00 is left"):
            await refund("alice", running.session_id, money("2.01"), key="k2")
        with pytest.raises(AlreadyExistsError):
            await refund("alice", running.session_id, money("2"), key="k1")
        with pytest.raises(InputError, match="no part"):
            await refund("bob", running.session_id, key="k3")
        with pytest.raises(NotFoundError):
            await refund("alice", 999, key="k3")
        rest = await refund("alice", running.session_id, key="k4")
        with pytest.raises(InputError, match=r"only 0\.00"):
            await refund("alice", running.session_id, key="k5")
        await w.engine.follow_changes()

        assert (part.entry.amount_micros, rest.entry.amount_micros) == (money("1"), money("2"))
        assert (part.is_repeat, again.is_repeat, again.entry) == (False, True, part.entry)
        assert w.notices.take() == []
        assert (await w.stop("c1", 180)).charged_micros == money("3")
        await w.stop("c1", 240)
        assert await w.balance("alice") == money("9")

    play(story)

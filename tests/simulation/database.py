"""A database that is far away, slow, sometimes gone, and whose answers get lost.

The records are those of the in-memory stores. A connection is what one process has: every call takes
virtual time on the way there and on the way back, and may fail on either. A commit is applied whole at one
instant or not at all; when it fails on its way back its caller cannot know that it was applied.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol, cast

from simulation.journal import Journal

from ocs.errors import StoreUnavailableError
from ocs.ports import CatalogStore, CommitResult, Decision, LedgerStore
from ocs.quota.account import AccountProfile
from ocs.storage.memory import MemoryCatalogStore, MemoryLedgerStore

LOCAL = frozenset({"stream_rates", "close"})
"Methods that are not calls over the connection: reading rates is a stream, closing is nothing."
OFFICE = "office"
"Owner of the connection by which operators work."
LINGERS_MS = 4_000
"How long a commit may be on its way after its caller was told that it failed."


@dataclass(kw_only=True)
class Weather:
    """How badly the database behaves at the moment; chances are per commit, the rest per call."""

    refuses: float = 0.0
    "Chance that a commit fails before anything is written."
    loses: float = 0.0
    "Chance that a commit is written and its result is lost."
    lingers: float = 0.0
    "Chance that a commit fails for its caller and is written some seconds later, behind its back."
    stalls: float = 0.0
    "Chance that a call of a server takes seconds."
    is_away: bool = False
    "Nothing works."


class Witness(Protocol):
    """Who is told what became part of the records, at that instant."""

    def applied(self, decision: Decision) -> None:
        """A decision is in the books."""
        ...

    def profile_changed(self, profile: AccountProfile) -> None:
        """An account's master data is another one."""
        ...

    def troubled(self) -> None:
        """Something failed that a server has to recover from."""
        ...


class Database:
    """The records and the weather around them."""

    def __init__(self, ledger: MemoryLedgerStore, rng: Random, journal: Journal, witness: Witness) -> None:
        self.ledger = ledger
        self.catalog = MemoryCatalogStore()
        self.weather = Weather()
        self.rng = rng
        self.journal = journal
        self.witness = witness
        self._late: dict[asyncio.Task[object], None] = {}

    async def apply(self, decisions: Sequence[Decision], owner: str) -> Sequence[CommitResult]:
        """Write what is no conflict, at this instant, and tell the witness."""
        results = await self.ledger.commit(decisions)
        for decision, result in zip(decisions, results, strict=True):
            self.journal.add(result.value, f"{owner} {_describe(decision)}")
            if result is CommitResult.COMMITTED:
                self.witness.applied(decision)
        return results

    def apply_late(self, decisions: Sequence[Decision], owner: str) -> None:
        """A commit that nobody waits for any more arrives after all, as a conflict or not."""

        async def arrive() -> None:
            await asyncio.sleep(self.rng.randint(0, LINGERS_MS) / 1000)
            await self.apply(decisions, f"{owner} late")
            self.witness.troubled()

        task = asyncio.get_running_loop().create_task(arrive())
        self._late[task] = None
        task.add_done_callback(lambda done: self._late.pop(done, None))


class Connection:
    """One process's way to the database; it ends with the process."""

    def __init__(self, database: Database, owner: str) -> None:
        self._database = database
        self._owner = owner
        self._is_cut = False
        self.ledger = cast(LedgerStore, _Remote(self, database.ledger))
        self.catalog = cast(CatalogStore, _Remote(self, database.catalog))

    def cut(self) -> None:
        """The process is gone: what it still does reaches nobody."""
        self._is_cut = True

    async def call(self, method: Callable[..., Coroutine[Any, Any, Any]], *args: Any, **fields: Any) -> Any:
        """Go there, do it, come back."""
        if method.__name__ == "commit":
            return await self._commit(*args, **fields)
        await self._travel()
        result = await method(*args, **fields)
        if method.__name__ == "update_account":
            self._database.witness.profile_changed(*args)
        await self._travel()
        return result

    async def _commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        database = self._database
        luck, weather = database.rng.random(), database.weather
        try:
            await self._travel()
        except asyncio.CancelledError:
            # The process died while its commit was on the way: it may have left already.
            if luck < weather.lingers:
                database.apply_late(decisions, self._owner)
            raise
        if luck < weather.refuses:
            self._fail("commit refused")
        if luck < weather.refuses + weather.lingers:
            database.apply_late(decisions, self._owner)
            self._fail("commit on its way for ever")
        results = await database.apply(decisions, self._owner)
        await self._travel()
        if luck > 1 - weather.loses:
            self._fail("commit result lost")
        return results

    async def _travel(self) -> None:
        rng, weather = self._database.rng, self._database.weather
        delay_ms = rng.randint(0, 12)
        if self._owner != OFFICE and rng.random() < weather.stalls:
            delay_ms += rng.randint(200, 4_000)
        await asyncio.sleep(delay_ms / 1000)
        if self._is_cut:
            raise asyncio.CancelledError
        if weather.is_away:
            self._fail("database away")

    def _fail(self, why: str) -> None:
        self._database.journal.add("failed", f"{self._owner} {why}")
        self._database.witness.troubled()
        raise StoreUnavailableError(why)


class _Remote:
    """A store at the other end of a connection."""

    def __init__(self, connection: Connection, store: object) -> None:
        self._connection = connection
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if name in LOCAL:
            return method
        return lambda *args, **fields: self._connection.call(method, *args, **fields)


def _describe(decision: Decision) -> str:
    """The decision in a line of the journal."""
    accounts = " ".join(
        f"a{row.account_id}v{row.version}={row.balance_micros}-{row.reserved_micros}"
        for row in decision.accounts
    )
    sessions = " ".join(
        f"{row.session_key}v{row.version}:{row.state}/{row.used_units}" for row in decision.sessions
    )
    return f"{accounts} {sessions}"

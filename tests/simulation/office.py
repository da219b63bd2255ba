"""The operators' office: pays in, blocks, unblocks, moves credit limits, beside the traffic."""

import asyncio
from random import Random
from typing import Protocol

from simulation.database import Connection
from simulation.journal import Journal

from ocs.charging.administration import Administration
from ocs.errors import ConflictError, StoreUnavailableError
from ocs.ports import Clock
from ocs.quota.account import AccountStatus


class Listener(Protocol):
    """Who is told what operators were told."""

    def paid(self, account_id: int, key: str, micros: int) -> None:
        """A payment was acknowledged."""
        ...


class Office:
    """Operators who repeat a command until it is carried out."""

    def __init__(
        self, connection: Connection, *, clock: Clock, rng: Random, listener: Listener, journal: Journal
    ) -> None:
        self._administration = Administration(connection.ledger, connection.catalog, clock)
        self._rng = rng
        self._listener = listener
        self._journal = journal
        self._payments = 0

    async def pay(self, name: str, micros: int) -> None:
        """Pay in once, however often it takes."""
        self._payments += 1
        key = f"payment {self._payments}"
        self._journal.add("pays", f"{name} {micros}")
        while True:
            try:
                posting = await self._administration.treasury.pay(name, micros, key=key)
            except (StoreUnavailableError, ConflictError):
                await asyncio.sleep(2)
                continue
            self._listener.paid(posting.entry.account_id, key, micros)
            return

    async def change(self, name: str, **fields: object) -> None:
        """Change master data."""
        self._journal.add("changes", f"{name} {fields}")
        while True:
            try:
                await self._administration.update_account(name, fields)
            except StoreUnavailableError:
                await asyncio.sleep(2)
                continue
            return

    async def block_for_a_while(self, name: str) -> None:
        """Block an account, and let it go on some time later."""
        await self.change(name, status=AccountStatus.BLOCKED)
        await asyncio.sleep(self._rng.randint(1, 60))
        await self.change(name, status=AccountStatus.ACTIVE)

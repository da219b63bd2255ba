"""Payments, corrections and transfers that callers of the API make: each booked once by its key, and audited.

Owns the commit of a movement with its audit entry, in one transaction. Does not own who may give a command.
"""

import asyncio
import json
from typing import Final, NamedTuple

from ocs.charging.audit import Command
from ocs.charging.notice import low_balance_notice
from ocs.charging.posting import ATTEMPTS_MAX, OPENING_KEY
from ocs.errors import AlreadyExistsError, ConflictError, InputError, NoFundsError, NotFoundError
from ocs.ports import (
    AuditEntry,
    CatalogStore,
    ChangeKind,
    Clock,
    CommitResult,
    Decision,
    LedgerStore,
    Notice,
)
from ocs.quota.account import Account, AccountProfile, opening_account
from ocs.quota.ledger import EntryKind, LedgerEntry, post

_SEPARATOR: Final = "\t"
"Stands in no request id that a caller can send."


class Movement(NamedTuple):
    """What is added to one account's balance."""

    profile: AccountProfile
    kind: EntryKind
    amount_micros: int
    floor_holds: bool = False
    "Whether the account must have what is taken."


class Payments:
    """Moves money. Any command may raise `StoreUnavailableError`: the database is out of reach."""

    def __init__(self, ledger: LedgerStore, catalog: CatalogStore, clock: Clock) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock

    async def pay(
        self, name: str, amount_micros: int, *, key: str, note: str, is_bonus: bool, command: Command
    ) -> LedgerEntry:
        """Pay money into an account, or give it as a bonus, once per `key`.

        Raises:
            InputError: the amount is not above 0, or the key cannot be one.
            NotFoundError: there is no such account.
            AlreadyExistsError: the key was used with another body, or for something else.
            ConflictError: the account changed faster than the payment could be decided.
        """
        if amount_micros <= 0:
            raise InputError("amount_micros", f"{amount_micros}: a payment is above 0")
        kind = EntryKind.BONUS if is_bonus else EntryKind.PAYMENT
        movement = Movement(await self._account(name), kind, amount_micros)
        (entry,) = await self._book([movement], key=key, note=note, command=command, action="top_up")
        return entry

    async def adjust(
        self, name: str, amount_micros: int, *, key: str, note: str, command: Command
    ) -> LedgerEntry:
        """Correct a balance, up or down, whatever the limit, once per `key`; errors as for `pay`."""
        if not amount_micros:
            raise InputError("amount_micros", "0 corrects nothing")
        if not note.strip():
            raise InputError("note", "is needed: why the balance is corrected")
        movement = Movement(await self._account(name), EntryKind.ADJUSTMENT, amount_micros)
        (entry,) = await self._book([movement], key=key, note=note, command=command, action="adjust")
        return entry

    async def transfer(
        self, source: str, target: str, amount_micros: int, *, key: str, note: str, command: Command
    ) -> tuple[LedgerEntry, LedgerEntry]:
        """Move money between accounts of one currency, both or neither, once per `key`.

        Raises:
            NoFundsError: the source cannot give so much; else as for `pay`.
        """
        if amount_micros <= 0:
            raise InputError("amount_micros", f"{amount_micros}: a transfer is above 0")
        giver, getter = await self._account(source), await self._account(target)
        if giver.id == getter.id:
            raise InputError("target", "is the account that gives")
        if giver.currency != getter.currency:
            raise InputError("target", f"is in {getter.currency}, {source!r} in {giver.currency}")
        out, into = await self._book(
            [
                Movement(giver, EntryKind.TRANSFER, -amount_micros, floor_holds=True),
                Movement(getter, EntryKind.TRANSFER, amount_micros),
            ],
            key=key,
            note=note,
            command=command,
            action="transfer",
        )
        return out, into

    async def _account(self, name: str) -> AccountProfile:
        profile = await self._catalog.find_account(name)
        if profile is None:
            raise NotFoundError(f"account {name!r} does not exist")
        return profile

    async def _book(
        self, movements: list[Movement], *, key: str, note: str, command: Command, action: str
    ) -> list[LedgerEntry]:
        """Book all movements and the audit entry in one commit, unless that was done before."""
        if not key or key == OPENING_KEY:
            raise InputError("request_id", f"{key!r} cannot be the key of a movement")
        first = movements[0].profile
        named = command._replace(request_id=f"{first.id}{_SEPARATOR}{key}")
        audit = named.entry(action, f"accounts/{first.name}")
        ids = [movement.profile.id for movement in movements]
        for attempt in range(ATTEMPTS_MAX):
            made = await self._find_made(movements, key, audit)
            if made is None:
                loaded = (await self._ledger.load(ids, ())).accounts
                accounts = [loaded.get(account_id) or opening_account(account_id) for account_id in ids]
                made = self._post(movements, accounts, key=key, note=note)
                decision = Decision(
                    root_id=first.root_id,
                    accounts=[account.row() for account in accounts],
                    entries=made,
                    notices=_notices(movements, made),
                    audits=[audit._replace(after=_entry_text(made[0]))],
                )
                (result,) = await self._ledger.commit([decision])
                if result is CommitResult.CONFLICT:
                    await asyncio.sleep(0.001 * attempt)
                    continue
            # Also for a repetition: the first try may have died before it told running servers.
            for account_id in ids:
                await self._catalog.touch(ChangeKind.ACCOUNT, account_id)
            return made
        raise ConflictError(f"account {first.name!r} is too busy: it changed {ATTEMPTS_MAX} times")

    def _post(
        self, movements: list[Movement], accounts: list[Account], *, key: str, note: str
    ) -> list[LedgerEntry]:
        entries = []
        for movement, account in zip(movements, accounts, strict=True):
            available = account.available_micros(movement.profile.floor_micros)
            if movement.floor_holds and available is not None and available < -movement.amount_micros:
                raise NoFundsError(f"account {movement.profile.name!r} has less than that to give")
            entries.append(
                post(
                    account,
                    kind=movement.kind,
                    amount_micros=movement.amount_micros,
                    floor_micros=movement.profile.floor_micros,
                    at_ms=self._clock.now_ms(),
                    request_key=key,
                    note=note,
                )
            )
            account.version += 1
        return entries

    async def _find_made(
        self, movements: list[Movement], key: str, audit: AuditEntry
    ) -> list[LedgerEntry] | None:
        """What the same command made before; None: nothing yet."""
        found = [await self._ledger.find_entry(one.profile.id, key) for one in movements]
        made = [entry for entry in found if entry is not None]
        if not made:
            return None
        wanted = [(one.kind.value, one.amount_micros) for one in movements]
        assert audit.request_id is not None, "a posting has a key"
        before = await self._catalog.find_audit(audit.request_id)
        is_same = before is None or before.request_digest == audit.request_digest
        if not is_same or [(entry.kind, entry.amount_micros) for entry in made] != wanted:
            raise AlreadyExistsError(f"key {key!r} was used before for something else, or with another body")
        return made


def _notices(movements: list[Movement], made: list[LedgerEntry]) -> list[Notice]:
    """What the owners are to be told of the entries."""
    found = [
        low_balance_notice(entry, movement.profile) for movement, entry in zip(movements, made, strict=True)
    ]
    return [notice for notice in found if notice is not None]


def command_id(audit: AuditEntry) -> str | None:
    """The request id of an audit entry as its command had it."""
    return None if audit.request_id is None else audit.request_id.rpartition(_SEPARATOR)[2]


def _entry_text(entry: LedgerEntry) -> str:
    """What the audit log keeps of a movement."""
    facts = {
        "number": entry.number,
        "kind": entry.kind,
        "amount_micros": entry.amount_micros,
        "balance_micros": entry.balance_micros,
        "note": entry.note,
    }
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))

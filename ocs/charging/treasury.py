"""Money commands of operators: payments, bonuses, adjustments, transfers, refunds; each once by its key.

Owns who may be given or taken what. A command that is repeated with its key and the same body returns what it
made the first time; with another body it is refused. Does not own how a movement is written
(`ocs.charging.posting`).
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from ocs.charging.audit import Command
from ocs.charging.naming import find_account
from ocs.charging.posting import (
    ATTEMPTS_MAX,
    OPENING_KEY,
    Cashier,
    Order,
    Posting,
    check_repeat,
    entry_audits,
    posting_audit,
)
from ocs.errors import AlreadyExistsError, ConflictError, InputError, NotFoundError
from ocs.ports import CatalogStore, ChangeKind, Clock, CommitResult, Decision, LedgerStore
from ocs.quota.account import AccountProfile, AccountStatus, CreditReset, opening_account
from ocs.quota.ledger import EntryKind, LedgerEntry, post
from ocs.quota.session import Reservation, Session
from ocs.units import format_money


class Transfer(NamedTuple):
    """A transfer's two sides."""

    given: Posting
    "At the source."
    taken: Posting
    "At the target."


class Treasury:
    """Moves money. Any command may raise `StoreUnavailableError`: the database is out of reach."""

    def __init__(self, ledger: LedgerStore, catalog: CatalogStore, clock: Clock) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock
        self._cashier = Cashier(ledger, catalog, clock)

    async def pay(
        self,
        name: str,
        amount_micros: int,
        *,
        key: str,
        note: str = "",
        is_bonus: bool = False,
        command: Command | None = None,
    ) -> Posting:
        """Pay money into an account, or give it: booked as a bonus then.

        Raises:
            InputError: the amount is not above 0, or the key is empty.
            NotFoundError: there is no such account.
            AlreadyExistsError: the key was used with another body, or for something else.
            ConflictError: the account changed faster than the payment could be decided.
        """
        if amount_micros <= 0:
            raise InputError("amount", "a payment is above 0")
        kind = EntryKind.BONUS if is_bonus else EntryKind.PAYMENT
        return await self._book(name, Order(kind, amount_micros, _checked(key), note), "top_up", command)

    async def adjust(
        self, name: str, amount_micros: int, *, key: str, note: str, command: Command | None = None
    ) -> Posting:
        """Correct a balance, up or down, also below its limit: what passes it is marked as overrun.

        Raises:
            InputError: the amount is 0, or no reason is given; else as for `pay`.
        """
        if not amount_micros:
            raise InputError("amount", "an adjustment is not 0")
        if not note.strip():
            raise InputError("note", "an adjustment needs a reason")
        order = Order(EntryKind.ADJUSTMENT, amount_micros, _checked(key), note)
        return await self._book(name, order, "adjust", command)

    async def reset(
        self,
        name: str,
        amount_micros: int | None = None,
        *,
        key: str,
        note: str = "",
        command: Command | None = None,
    ) -> Posting:
        """Bring a balance to an amount at once: that of the account's credit reset unless one is given.

        Raises:
            InputError: it has that balance, or no amount is known; else as for `pay`.
        """
        profile = await self._account(name)
        if amount_micros is None and profile.reset_cycle is CreditReset.NONE:
            raise InputError("amount", f"account {name!r} has no credit reset: say the new balance")
        target_micros = profile.reset_amount_micros if amount_micros is None else amount_micros
        earlier = await self._ledger.find_entry(profile.id, _checked(key))
        if earlier is not None:
            if (earlier.kind, earlier.balance_micros) != (EntryKind.RESET.value, target_micros):
                raise AlreadyExistsError(f"key {key!r} of account {name!r} was used for something else")
            return Posting(earlier, is_repeat=True)
        for attempt in range(ATTEMPTS_MAX):
            loaded = await self._ledger.load([profile.id], ())
            account = loaded.accounts.get(profile.id) or opening_account(profile.id)
            if account.balance_micros == target_micros:
                raise InputError("amount", f"account {name!r} has {format_money(target_micros)} already")
            audit = posting_audit(command, "reset", profile, key)
            order = Order(EntryKind.RESET, target_micros - account.balance_micros, key, note, audit)
            decision, entry = self._cashier.decide(profile, account, order)
            (result,) = await self._ledger.commit([decision])
            if result is CommitResult.COMMITTED:
                await self._catalog.touch(ChangeKind.ACCOUNT, profile.id)
                return Posting(entry, is_repeat=False)
            await asyncio.sleep(0.001 * attempt)
        raise ConflictError(f"account {name!r} is too busy: it changed {ATTEMPTS_MAX} times")

    async def _book(self, name: str, order: Order, action: str, command: Command | None) -> Posting:
        profile = await self._account(name)
        order = order._replace(audit=posting_audit(command, action, profile, order.key))
        posting = await self._cashier.book(profile, order)
        if posting.is_repeat:
            # The first try may have died between booking and telling running servers.
            await self._catalog.touch(ChangeKind.ACCOUNT, profile.id)
        return posting

    # ----------------------------------------------------------------------------------- transfers

    async def transfer(
        self,
        source: str,
        target: str,
        amount_micros: int,
        *,
        key: str,
        note: str = "",
        command: Command | None = None,
    ) -> Transfer:
        """Move money from one account's free money to another account of the same currency.

        Both sides are one commit where the accounts are of one tree; else the source is booked first, and
        repeating the command with its key books the target if it was cut off between the two.

        Raises:
            InputError: the amount is not above 0 or not free, the accounts do not fit; else as for `pay`.
        """
        giver, taker = await self._account(source), await self._account(target)
        if amount_micros <= 0:
            raise InputError("amount", "a transfer is above 0")
        if giver.id == taker.id:
            raise InputError("target", "an account cannot transfer to itself")
        if giver.currency != taker.currency:
            raise InputError("target", f"{target!r} has {taker.currency}, {source!r} has {giver.currency}")
        suffix = f": {note}" if note else ""
        give = Order(EntryKind.TRANSFER, -amount_micros, _checked(key), f"to {target}{suffix}")
        give = give._replace(audit=posting_audit(command, "transfer", giver, key))
        take = Order(EntryKind.TRANSFER, amount_micros, key, f"from {source}{suffix}")
        take = take._replace(audit=posting_audit(command, "transfer", taker, key))
        for attempt in range(ATTEMPTS_MAX):
            transfer = await self._try_transfer((giver, give), (taker, take))
            if transfer is not None:
                for profile in (giver, taker):
                    await self._catalog.touch(ChangeKind.ACCOUNT, profile.id)
                return transfer
            await asyncio.sleep(0.001 * attempt)
        raise ConflictError(f"accounts {source!r} and {target!r} are too busy")

    async def _try_transfer(
        self, giving: tuple[AccountProfile, Order], taking: tuple[AccountProfile, Order]
    ) -> Transfer | None:
        """One attempt; None when an account moved meanwhile."""
        (giver, give), (taker, take) = giving, taking
        given = check_repeat(giver, give, await self._ledger.find_entry(giver.id, give.key))
        taken = check_repeat(taker, take, await self._ledger.find_entry(taker.id, take.key))
        if given is not None:
            if taken is None:
                return Transfer(given, await self._cashier.book(taker, take))
            return Transfer(given, taken)
        if taken is not None:
            raise AlreadyExistsError(f"key {take.key!r} of account {taker.name!r} was used already")
        if taker.status is AccountStatus.CLOSED:
            raise InputError("target", f"account {taker.name!r} is closed")
        loaded = (await self._ledger.load([giver.id, taker.id], ())).accounts
        source = loaded.get(giver.id) or opening_account(giver.id)
        free_micros = source.available_micros(giver.floor_micros)
        if free_micros is not None and free_micros < -give.amount_micros:
            raise InputError("amount", f"only {format_money(max(0, free_micros))} of {giver.name!r} is free")
        first, given_entry = self._cashier.decide(giver, source, give)
        second, taken_entry = self._cashier.decide(
            taker, loaded.get(taker.id) or opening_account(taker.id), take
        )
        if giver.root_id == taker.root_id:
            (result,) = await self._ledger.commit([_joined(giver.root_id, first, second)])
            if result is CommitResult.CONFLICT:
                return None
            return Transfer(Posting(given_entry, is_repeat=False), Posting(taken_entry, is_repeat=False))
        (result,) = await self._ledger.commit([first])
        if result is CommitResult.CONFLICT:
            return None
        return Transfer(Posting(given_entry, is_repeat=False), await self._cashier.book(taker, take))

    # ----------------------------------------------------------------------------------- refunds

    async def refund(
        self,
        name: str,
        session_id: int,
        amount_micros: int | None = None,
        *,
        key: str,
        note: str = "",
        command: Command | None = None,
    ) -> Posting:
        """Give back to an account what an ended session cost it, all that is left of it or a part.

        Raises:
            InputError: the session goes on, cost the account nothing, or less than that; else as for `pay`.
            NotFoundError: there is no such account or session.
        """
        profile = await self._account(name)
        if amount_micros is not None and amount_micros <= 0:
            raise InputError("amount", "a refund is above 0")
        for attempt in range(ATTEMPTS_MAX):
            earlier = await self._ledger.find_entry(profile.id, _checked(key))
            if earlier is not None:
                is_same = (earlier.kind, earlier.session_id) == (EntryKind.REFUND.value, session_id)
                if not (is_same and amount_micros in (None, earlier.amount_micros)):
                    raise AlreadyExistsError(f"key {key!r} of account {name!r} was used for something else")
                return Posting(earlier, is_repeat=True)
            session = await self._ledger.find_session(session_id)
            if session is None:
                raise NotFoundError(f"session {session_id} does not exist")
            reservation = _refundable(profile, session, amount_micros)
            left_micros = reservation.debited_micros - reservation.refunded_micros
            audit = posting_audit(command, "refund", profile, key)
            refunded_micros = left_micros if amount_micros is None else amount_micros
            order = Order(EntryKind.REFUND, refunded_micros, key, note, audit)
            entry = await self._commit_refund(profile, session, reservation, order)
            if entry is not None:
                await self._catalog.touch(ChangeKind.ACCOUNT, profile.id)
                return Posting(entry, is_repeat=False)
            await asyncio.sleep(0.001 * attempt)
        raise ConflictError(f"account {name!r} is too busy: it changed {ATTEMPTS_MAX} times")

    async def _commit_refund(
        self, profile: AccountProfile, session: Session, reservation: Reservation, order: Order
    ) -> LedgerEntry | None:
        """The entry; None when account or session moved meanwhile."""
        account = (await self._ledger.load([profile.id], ())).accounts[profile.id]
        reservation.refunded_micros += order.amount_micros
        entry = post(
            account,
            kind=order.kind,
            amount_micros=order.amount_micros,
            at_ms=self._clock.now_ms(),
            session_id=session.session_id,
            snapshot_id=reservation.snapshot_id,
            request_key=order.key,
            note=order.note,
        )
        account.version += 1
        session.version += 1
        decision = Decision(
            root_id=profile.root_id,
            accounts=[account.row()],
            sessions=[session.row()],
            reservations=[one.row() for one in session.reservations],
            entries=[entry],
            audits=entry_audits(order.audit, entry),
        )
        (result,) = await self._ledger.commit([decision])
        return entry if result is CommitResult.COMMITTED else None

    async def _account(self, name: str) -> AccountProfile:
        return await find_account(self._catalog, name)


def _checked(key: str) -> str:
    """A key that an operator may use."""
    if not key or key == OPENING_KEY or key.startswith(("reset/", "refund/")):
        raise InputError("key", f"{key!r} cannot be the key of a command")
    return key


def _refundable(profile: AccountProfile, session: Session, amount_micros: int | None) -> Reservation:
    """The account's part of the session, of which that much can be given back."""
    name = f"session {session.session_key}"
    if session.is_open:
        raise InputError(name, "goes on: only what an ended session cost can be given back")
    for reservation in session.reservations:
        if reservation.account_id == profile.id:
            left_micros = reservation.debited_micros - reservation.refunded_micros
            if left_micros <= 0 or (amount_micros is not None and amount_micros > left_micros):
                raise InputError("amount", f"{name}: only {format_money(max(0, left_micros))} is left")
            return reservation
    raise InputError(name, f"account {profile.name!r} has no part in it")


def _joined(root_id: int, first: Decision, second: Decision) -> Decision:
    entries: Sequence[LedgerEntry] = [*first.entries, *second.entries]
    return Decision(
        root_id=root_id,
        accounts=[*first.accounts, *second.accounts],
        entries=entries,
        notices=[*first.notices, *second.notices],
        audits=[*first.audits, *second.audits],
    )

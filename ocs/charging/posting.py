"""Postings: payments and other movements that people make, each booked once, beside a server that charges.

Owns idempotency by key, and compare-and-set with another try. Does not own who may post what
(`ocs.charging.administration`).
"""

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ocs.charging.audit import Command
from ocs.charging.notice import low_balance_notice
from ocs.errors import AlreadyExistsError, ConflictError
from ocs.ports import AuditEntry, CatalogStore, ChangeKind, Clock, CommitResult, Decision, LedgerStore
from ocs.quota.account import Account, AccountProfile, opening_account
from ocs.quota.ledger import EntryKind, LedgerEntry, post

OPENING_KEY: Final = "opening"
"Idempotency key of the entry that an account starts with."
ATTEMPTS_MAX: Final = 40
"How often a posting is decided again when a running server moved the account first."
OPENINGS_PER_COMMIT: Final = 500


class Posting(NamedTuple):
    """What a posting led to."""

    entry: LedgerEntry
    is_repeat: bool
    "The key was used before with the same body: `entry` is what that made, nothing was moved now."


class Order(NamedTuple):
    """A movement of one balance that somebody wants, once."""

    kind: EntryKind
    amount_micros: int
    "Added to the balance."
    key: str
    "Unique per account."
    note: str = ""
    audit: AuditEntry | None = None
    "Written with the movement: an operator's command."


def opening_order(amount_micros: int) -> Order:
    """What an account starts with: a payment, or a debt that it brings along."""
    kind = EntryKind.PAYMENT if amount_micros > 0 else EntryKind.ADJUSTMENT
    return Order(kind, amount_micros, OPENING_KEY, "opening balance")


class Cashier:
    """Books orders."""

    def __init__(self, ledger: LedgerStore, catalog: CatalogStore, clock: Clock) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock

    async def book(self, profile: AccountProfile, order: Order) -> Posting:
        """Book an order unless its key was booked before, and tell running servers.

        Raises:
            AlreadyExistsError: the key was used with another amount, kind or note.
            ConflictError: the account changed faster than the order could be decided.
        """
        for attempt in range(ATTEMPTS_MAX):
            repeat = check_repeat(profile, order, await self._ledger.find_entry(profile.id, order.key))
            if repeat is not None:
                return repeat
            loaded = await self._ledger.load([profile.id], ())
            account = loaded.accounts.get(profile.id) or opening_account(profile.id)
            decision, entry = self.decide(profile, account, order)
            (result,) = await self._ledger.commit([decision])
            if result is CommitResult.COMMITTED:
                await self._catalog.touch(ChangeKind.ACCOUNT, profile.id)
                return Posting(entry, is_repeat=False)
            await asyncio.sleep(0.001 * attempt)
        raise ConflictError(f"account {profile.name!r} is too busy: it changed {ATTEMPTS_MAX} times")

    async def book_openings(self, openings: Sequence[tuple[AccountProfile, int]]) -> None:
        """Book what new accounts start with, many in one commit; nobody knows of them yet."""
        due = [(profile, amount_micros) for profile, amount_micros in openings if amount_micros]
        for start in range(0, len(due), OPENINGS_PER_COMMIT):
            chunk = due[start : start + OPENINGS_PER_COMMIT]
            decisions = [
                self.decide(profile, opening_account(profile.id), opening_order(amount_micros))[0]
                for profile, amount_micros in chunk
            ]
            results = await self._ledger.commit(decisions)
            for (profile, amount_micros), result in zip(chunk, results, strict=True):
                if result is CommitResult.CONFLICT:
                    await self.book(profile, opening_order(amount_micros))

    def decide(self, profile: AccountProfile, account: Account, order: Order) -> tuple[Decision, LedgerEntry]:
        """What an order does to an account as it is now; changes `account`."""
        entry = post(
            account,
            kind=order.kind,
            amount_micros=order.amount_micros,
            floor_micros=profile.floor_micros,
            at_ms=self._clock.now_ms(),
            request_key=order.key,
            note=order.note,
        )
        account.version += 1
        notice = low_balance_notice(entry, profile)
        notices = () if notice is None else (notice,)
        decision = Decision(
            root_id=profile.root_id,
            accounts=[account.row()],
            entries=[entry],
            notices=notices,
            audits=entry_audits(order.audit, entry),
        )
        return decision, entry


def check_repeat(profile: AccountProfile, order: Order, earlier: LedgerEntry | None) -> Posting | None:
    """What the order's key made before; None: nothing yet. A note that is not given may be any.

    Raises:
        AlreadyExistsError: something else.
    """
    if earlier is None:
        return None
    is_same = (earlier.kind, earlier.amount_micros) == (order.kind.value, order.amount_micros)
    if not is_same or (order.note and order.note != earlier.note):
        raise AlreadyExistsError(f"key {order.key!r} of account {profile.name!r} was used for something else")
    return Posting(earlier, is_repeat=True)


def posting_audit(
    command: Command | None, action: str, profile: AccountProfile, key: str
) -> AuditEntry | None:
    """The audit entry of a posting; the keys of postings are unique per account only."""
    if command is None:
        return None
    named = command._replace(request_id=f"{profile.id}\t{key}")
    return named.entry(action, f"accounts/{profile.name}")


def command_id(audit: AuditEntry) -> str | None:
    """The request id of an audit entry as its command had it."""
    return None if audit.request_id is None else audit.request_id.rpartition("\t")[2]


def entry_audits(audit: AuditEntry | None, entry: LedgerEntry) -> Sequence[AuditEntry]:
    """The audit entry of a movement that an operator's command made; none without a command."""
    if audit is None:
        return ()
    after = json.dumps(audited_entry(entry), ensure_ascii=False, separators=(",", ":"))
    return (audit._replace(after=after),)


def audited_entry(entry: LedgerEntry) -> dict[str, Any]:
    """What the audit log keeps of a movement."""
    return {
        "number": entry.number,
        "kind": entry.kind,
        "amount_micros": entry.amount_micros,
        "balance_micros": entry.balance_micros,
        "note": entry.note,
    }

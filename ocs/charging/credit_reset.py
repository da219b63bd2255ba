"""Credit resets: at the beginning of a day, week or month the balance returns to a set amount.

Owns when a reset is due and what it books; once per period, also when the server was down at midnight or is
started many times, because the account's record says which period was applied last. Does not own how the
decision is committed (`ocs.charging.engine`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from zoneinfo import ZoneInfo

from ocs.ports import CatalogStore, Clock
from ocs.quota.account import Account, AccountProfile, CreditReset
from ocs.quota.ledger import EntryKind, LedgerEntry, post
from ocs.rating.reset import ResetCycle, local_date, midnight_s, period_of
from ocs.units import MILLIS_PER_SECOND

QUARTER_MS: Final = 15 * 60 * MILLIS_PER_SECOND
"Midnight of every zone falls on a quarter of an hour."
PER_PAGE: Final = 500


def period_start_ms(profile: AccountProfile, now_ms: int) -> int | None:
    """The instant at which the account's current period began; None: its credit is not reset."""
    if profile.reset_cycle is CreditReset.NONE:
        return None
    zone = ZoneInfo(profile.zone)
    today = local_date(now_ms // MILLIS_PER_SECOND, zone)
    first = period_of(ResetCycle(profile.reset_cycle.value), today).first
    assert first is not None, "every cycle of a credit reset has a beginning"
    return midnight_s(first, zone) * MILLIS_PER_SECOND


def apply_reset(profile: AccountProfile, account: Account, start_ms: int, now_ms: int) -> LedgerEntry | None:
    """Set the balance for the period that began at `start_ms`; None when it has that balance already."""
    account.reset_at_ms = start_ms
    amount_micros = profile.reset_amount_micros - account.balance_micros
    if not amount_micros:
        return None
    return post(
        account,
        kind=EntryKind.RESET,
        amount_micros=amount_micros,
        floor_micros=profile.floor_micros,
        at_ms=now_ms,
        request_key=f"reset/{start_ms}",
        note=f"{profile.reset_cycle.value} credit",
    )


def is_due(profile: AccountProfile, account: Account, start_ms: int) -> bool:
    """Whether the period that began at `start_ms` was not applied yet and began after the cycle was set."""
    return start_ms > max(account.reset_at_ms, profile.reset_since_ms)


class CreditResets:
    """Looks for accounts whose period has begun, after a start and whenever a day may have begun."""

    def __init__(
        self, catalog: CatalogStore, clock: Clock, reset: Callable[[AccountProfile, int], Awaitable[bool]]
    ) -> None:
        """`reset` books one account's reset if it is due, and says whether the books know of it now."""
        self._catalog = catalog
        self._clock = clock
        self._reset = reset
        self._done_quarter = -1
        self._running = asyncio.Lock()

    @property
    def waits_to_run(self) -> bool:
        """Whether a day may have begun that was not looked at, and nobody is at it."""
        return self._clock.now_ms() // QUARTER_MS != self._done_quarter and not self._running.locked()

    async def run(self) -> None:
        """Reset every account that is due; one that could not be is tried again at the next run.

        Raises:
            StoreUnavailableError: the accounts cannot be read.
        """
        async with self._running:
            now_ms = self._clock.now_ms()
            after_id, is_complete = 0, True
            while page := await self._catalog.list_resetting(after_id=after_id, limit=PER_PAGE):
                starts = [(profile, period_start_ms(profile, now_ms)) for profile in page]
                results = await asyncio.gather(
                    *(
                        self._reset(profile, start_ms)
                        for profile, start_ms in starts
                        if start_ms is not None and start_ms > profile.reset_since_ms
                    )
                )
                is_complete = is_complete and all(results)
                after_id = page[-1].id
            if is_complete:
                self._done_quarter = now_ms // QUARTER_MS

"""Limits that refuse new sessions whatever the money: how many are open, how much was spent today.

Owns the comparison of an account's sums with its master data. Does not own the counting
(`ocs.quota.occupancy`). A session that is open is never cut by these.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from ocs.charging.outcome import OutcomeCode
from ocs.charging.situation import Payer, Situation
from ocs.quota.account import Account, AccountProfile
from ocs.quota.occupancy import open_of_identity
from ocs.units import DATA_SERVICES, MILLIS_PER_SECOND, VOICE_SERVICES, Service

_QUARTER_S: Final = 15 * 60
"Every zone's offset is a multiple of this, so a day never changes within one."
_QUARTER_MS: Final = _QUARTER_S * MILLIS_PER_SECOND
_EPOCH_DAY: Final = datetime(1970, 1, 1, tzinfo=UTC).date().toordinal()


def refuse_sessions(situation: Situation, service: Service) -> OutcomeCode | None:
    """Whether the identity, the account or one above it has as many sessions open as it may."""
    identity = situation.identity
    if identity is not None and identity.max_sessions is not None:
        is_open = open_of_identity(situation.accounts[0], identity.counted_as)
        if is_open >= identity.max_sessions:
            return OutcomeCode.TOO_MANY_SESSIONS
    for link, account in zip(situation.links, situation.accounts, strict=True):
        if any(most is not None and count >= most for most, count in _counts(link.profile, account, service)):
            return OutcomeCode.TOO_MANY_SESSIONS
    return None


def _counts(profile: AccountProfile, account: Account, service: Service) -> Iterable[tuple[int | None, int]]:
    """The limits that a new session of the service counts against, and how many are open."""
    yield profile.max_sessions, account.open_sessions
    if service.name in VOICE_SERVICES:
        yield profile.max_voice_sessions, account.open_voice
    elif service.name in DATA_SERVICES:
        yield profile.max_data_sessions, account.open_data


def refuse_spend(payers: Iterable[Payer], now_ms: int) -> OutcomeCode | None:
    """Whether a payer has spent what it may today; a service that costs it nothing is not refused."""
    for payer in payers:
        limit = payer.link.profile.daily_spend_limit_micros
        if limit is None or not payer.is_charged:
            continue
        account = payer.account
        is_today = account.spent_day >= local_day(payer.link.zone, now_ms // _QUARTER_MS)
        if (account.spent_micros if is_today else 0) >= limit:
            return OutcomeCode.SPEND_LIMIT_REACHED
    return None


def count_spend(payer: Payer, amount_micros: int, at_ms: int) -> None:
    """Add to the account's spend of the day, undiscounted; a new day starts from zero."""
    account = payer.account
    day = local_day(payer.link.zone, at_ms // _QUARTER_MS)
    if day > account.spent_day:
        account.spent_day = day
        account.spent_micros = 0
    account.spent_micros += amount_micros


@lru_cache(maxsize=4096)
def local_day(zone: ZoneInfo, quarter: int) -> int:
    """Days since 1970-01-01 on the zone's calendar, in the given quarter of an hour since the epoch."""
    return datetime.fromtimestamp(quarter * _QUARTER_S, tz=zone).date().toordinal() - _EPOCH_DAY

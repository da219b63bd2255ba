"""What equipment must be told without asking: money arrived for a last grant, or a session must end.

Owns the index of open sessions whose grant was the last one (they *wait* for money), by account, and when
edges are told (`ocs.charging.service.SessionObserver`). Does not own how they reach equipment, nor what a
session is granted when it reports.

Money arrives when an account's free money is more, after a durable change, than it was when a last grant
was given; or when another process changed the account. Telling many sessions is spread over time, each
once per arrival, so that a request costs the same however many wait.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

from ocs.charging.batch import Group
from ocs.charging.expiry import SessionKey
from ocs.charging.outcome import OutcomeCode
from ocs.charging.service import SessionNotice, SessionObserver
from ocs.charging.situation import refuse_profile
from ocs.ports import CatalogStore, Change, ChangeKind, Clock, LedgerStore
from ocs.quota.account import Account
from ocs.quota.session import Session

MONEY_ARRIVED: Final = "money_arrived"
ENDED_BY_OPERATOR: Final = "operator"
END_REASONS: Final = {OutcomeCode.ACCOUNT_DENIED: "account_blocked", OutcomeCode.ACCOUNT_EXPIRED: "expired"}
TOLD_PER_TURN: Final = 64
"Sessions asked for a report in one go."
TURN_S: Final = 0.05
ACCOUNTS_PER_TURN: Final = 100
"Accounts that others changed looked at in one go."
EXPIRED_LOOKBACK_MS: Final = 86_400_000
"How long before the start an account may have expired for its sessions to be ended then."


class Watch:
    """Sessions that wait for money, and accounts whose sessions must end."""

    def __init__(
        self,
        *,
        ledger: LedgerStore,
        catalog: CatalogStore,
        clock: Clock,
        observer: SessionObserver,
    ) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock
        self._observer = observer
        self._waiting: dict[SessionKey, Session] = {}
        self._of_account: dict[int, dict[SessionKey, None]] = {}
        "Waiting sessions by account, those told last at the end."
        self._free: dict[int, int] = {}
        "Free money of accounts with waiting sessions, as of the last look."
        self._due: OrderedDict[int, int] = OrderedDict()
        "Account -> waiting sessions that are still to be told of money that arrived."
        self._turn: asyncio.TimerHandle | None = None
        self._changed: dict[int, None] = {}
        "Accounts that others changed and that were not looked at yet."
        self._ended: OrderedDict[int, None] = OrderedDict()
        "Sessions that others changed, by id."
        self._expired_until_ms = clock.now_ms() - EXPIRED_LOOKBACK_MS
        self._attending = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_attending(self) -> bool:
        """Whether somebody is in `attend` already."""
        return self._attending.locked()

    async def rebuild(self) -> None:
        """Find the sessions that wait, after a start."""
        for session in await self._ledger.find_open(only_final=True):
            self._add(session)
        live = await self._ledger.load(self._of_account, ())
        self._free = {key: _free_micros(account) for key, account in live.accounts.items()}

    def close(self) -> None:
        """Tell nobody any more."""
        if self._turn is not None:
            self._turn.cancel()

    # ------------------------------------------------------------------------------ our own decisions

    def note(self, group: Group) -> None:
        """Take in a group that is durable."""
        for session in group.sessions.values():
            if session.is_open and session.final_grant:
                self._add(session)
            elif self._waiting:
                self._discard((session.gateway_id, session.session_key))
        for account_id, free_micros in group.free_at_last.items():
            if account_id in self._of_account:
                self._free[account_id] = min(free_micros, self._free.get(account_id, free_micros))
        if not self._of_account:
            return
        for account in group.accounts.values():
            known = self._free.get(account.account_id)
            if known is not None:
                free_micros = self._free[account.account_id] = _free_micros(account)
                if free_micros > known:
                    self._money_arrived(account.account_id)

    def _add(self, session: Session) -> None:
        key = (session.gateway_id, session.session_key)
        if key not in self._waiting:
            for reservation in session.reservations:
                self._of_account.setdefault(reservation.account_id, {})[key] = None
        self._waiting[key] = session

    def _discard(self, key: SessionKey) -> None:
        session = self._waiting.pop(key, None)
        if session is None:
            return
        for reservation in session.reservations:
            waiting = self._of_account[reservation.account_id]
            del waiting[key]
            if not waiting:
                del self._of_account[reservation.account_id]
                self._free.pop(reservation.account_id, None)

    # ------------------------------------------------------------------------------ money

    def _money_arrived(self, account_id: int) -> None:
        """Ask each session that waits for it to report, soon."""
        waiting = self._of_account.get(account_id)
        if not waiting:
            return
        self._due[account_id] = len(waiting)
        if self._turn is None:
            self._turn = asyncio.get_running_loop().call_later(0, self._tell)

    def _tell(self) -> None:
        """Tell a bounded number of sessions; the rest at the next turn."""
        self._turn = None
        told = 0
        while self._due and told < TOLD_PER_TURN:
            account_id, left = next(iter(self._due.items()))
            waiting = self._of_account.get(account_id, {})
            step = min(left, len(waiting), TOLD_PER_TURN - told)
            for key in [key for key, _ in zip(waiting, range(step), strict=False)]:
                waiting[key] = waiting.pop(key)
                self._say(self._waiting[key], SessionNotice.REPORT, MONEY_ARRIVED)
            told += step
            if step < left and step:
                self._due[account_id] = left - step
            else:
                del self._due[account_id]
        if self._due:
            self._turn = asyncio.get_running_loop().call_later(TURN_S, self._tell)

    def _say(self, session: Session, notice: SessionNotice, reason: str) -> None:
        self._observer.session_changed(
            session.gateway_id,
            session.session_key,
            notice,
            reason,
            peer_attributes=session.peer_attributes,
        )

    # ------------------------------------------------------------------------------ what others change

    def look_at(self, changes: Iterable[Change]) -> None:
        """Remember what operators and other processes changed, until `attend`."""
        for change in changes:
            if change.kind is ChangeKind.ACCOUNT:
                self._changed[change.object_id] = None
            elif change.kind is ChangeKind.SESSION:
                self._ended[change.object_id] = None

    async def attend(self) -> Sequence[Session]:
        """Look at everything remembered, and at accounts that have expired since; tell edges.

        Returns sessions that others ended, for those who have them in memory.

        Raises:
            StoreUnavailableError: a store cannot be read now; what was not looked at stays remembered.
        """
        async with self._attending:
            ended = await self._attend_sessions()
            await self._attend_accounts()
            await self._attend_expired()
        return ended

    async def _attend_sessions(self) -> Sequence[Session]:
        ended = []
        while self._ended:
            session_id = next(iter(self._ended))
            session = await self._ledger.find_session(session_id)
            del self._ended[session_id]
            if session is not None and not session.is_open:
                self._discard((session.gateway_id, session.session_key))
                self._say(session, SessionNotice.END, ENDED_BY_OPERATOR)
                ended.append(session)
        return ended

    async def _attend_accounts(self) -> None:
        while self._changed:
            looked_at = [key for key, _ in zip(self._changed, range(ACCOUNTS_PER_TURN), strict=False)]
            live = (await self._ledger.load(looked_at, ())).accounts
            for account_id in looked_at:
                account = live.get(account_id)
                if account is not None and account.open_sessions:
                    await self._attend_account(account)
                self._changed.pop(account_id, None)
            await asyncio.sleep(0)

    async def _attend_account(self, account: Account) -> None:
        chain = await self._catalog.load_chain(account.account_id)
        refusal = refuse_profile(chain[0], self._clock.now_ms()) if chain else OutcomeCode.ACCOUNT_DENIED
        if refusal is not None:
            await self._end_sessions(account.account_id, refusal)
            return
        available = account.available_micros(chain[0].floor_micros)
        if available is None or available > 0:
            self._money_arrived(account.account_id)

    async def _attend_expired(self) -> None:
        now_ms = self._clock.now_ms()
        for account_id in await self._catalog.list_expired(after_ms=self._expired_until_ms, until_ms=now_ms):
            await self._end_sessions(account_id, OutcomeCode.ACCOUNT_EXPIRED)
        self._expired_until_ms = now_ms

    async def _end_sessions(self, account_id: int, refusal: OutcomeCode) -> None:
        """Have every open session of the account, and of those below it, ended at its equipment."""
        for number, session in enumerate(await self._ledger.find_open(account_id=account_id), 1):
            self._say(session, SessionNotice.END, END_REASONS[refusal])
            if number % TOLD_PER_TURN == 0:
                await asyncio.sleep(TURN_S)


def _free_micros(account: Account) -> int:
    """Money that nothing holds, whatever the credit limit: only its growth counts."""
    return account.balance_micros - account.reserved_micros

"""Prefetch: gather what a decision needs from memory, or read it from the stores first.

Owns the caches of live records. All I/O of a request happens here, before it is decided; a record that is
read never replaces one in memory, which may be newer.
"""

from collections.abc import Sequence

from ocs.charging.answer import AnswerBook
from ocs.charging.batch import Group, Pending
from ocs.charging.cache import GenerationCache
from ocs.charging.catalogue import Catalogue, RateBook
from ocs.charging.directory import Directory
from ocs.charging.password import PasswordBook
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType
from ocs.charging.situation import Link, Situation
from ocs.ports import Identity, LedgerStore
from ocs.quota.account import Account
from ocs.quota.session import Session
from ocs.rating.destination import MSG
from ocs.units import AccessCode

_REPORTS = (RequestType.UPDATE, RequestType.TERMINATION)


class Prefetch:
    """Live records in memory, and the way to get those that are not."""

    def __init__(
        self,
        *,
        ledger: LedgerStore,
        directory: Directory,
        catalogue: Catalogue,
        rates: RateBook,
        answers: AnswerBook,
        passwords: PasswordBook,
        accounts: GenerationCache[int, Account],
        sessions: GenerationCache[tuple[int, str], Session],
    ) -> None:
        self._ledger = ledger
        self._directory = directory
        self._catalogue = catalogue
        self._rates = rates
        self._answers = answers
        self._passwords = passwords
        self.accounts = accounts
        self.sessions = sessions
        self._forgotten = 0
        "Times that records were dropped: what was read before and arrives after may be too old."

    def recall(self, pending: Pending) -> Situation | None:
        """The request's records from memory; None when some must be loaded."""
        request = pending.request
        session = self.sessions.get((request.gateway.id, request.session_key))
        if session is None and not pending.absent and _expects_session(request):
            return None
        identity, links = self._recall_links(request, session)
        if links is None or self._is_password_unknown(request, identity):
            return None
        accounts = []
        for link in links:
            account = self.accounts.get(link.profile.id)
            if account is None:
                return None
            accounts.append(account)
        situation = Situation(
            identity=identity,
            links=tuple(links),
            accounts=accounts,
            session=session,
            network=request.network,
        )
        if links and (session is None or not session.answered):
            other = self._other_party(request, links)
            if other:
                situation.on_net, unknown = self._directory.on_net(links, other)
                if unknown is not None:
                    return None
        return situation

    def _recall_links(
        self, request: ChargingRequest, session: Session | None
    ) -> tuple[Identity | None, Sequence[Link] | None]:
        """Who asks and who pays; no links (None) when something must be loaded."""
        if session is not None and request.type in _REPORTS:
            return None, self._session_links(session)
        identity, unknown = self._directory.identify(request.identities)
        if unknown is not None:
            return None, None
        if session is not None:
            return identity, self._session_links(session)
        return identity, () if identity is None else self._directory.chain_of(identity)

    async def load(self, pending: Pending) -> None:
        """Read everything the request needs and memory lacks.

        Raises:
            StoreUnavailableError: a store cannot be read now.
        """
        request = pending.request
        if request.request_digest and await self._load_answer(request):
            return
        session = await self._load_session(pending)
        account_ids: Sequence[int] = ()
        if session is not None:
            account_ids = [reservation.account_id for reservation in session.reservations]
        if session is None or request.type not in _REPORTS:
            identified = await self._load_identity(request)
            await self._check_password(request)
            account_ids = account_ids or identified
        await self.load_accounts(account_ids, pending if session is None else None)
        _, links = self._recall_links(request, session)
        if links and (session is None or not session.answered):
            await self._load_other_party(request, links)

    def forget(self, group: Group) -> None:
        """Drop the records of a group that failed: the store has the truth."""
        self._forgotten += 1
        for account_id in group.members:
            self.accounts.pop(account_id)
        for session in group.sessions.values():
            self.sessions.pop((session.gateway_id, session.session_key))

    def _session_links(self, session: Session) -> Sequence[Link] | None:
        for reservation in session.reservations:
            if reservation.snapshot_id and self._rates.get(reservation.snapshot_id) is None:
                return None
        links = self._directory.links_for(reservation.account_id for reservation in session.reservations)
        return self._directory.under_plan(links, session.plan_id, session.payback_tariff_id)

    def _other_party(self, request: ChargingRequest, links: Sequence[Link]) -> str:
        """The number of a call's other end, when a tariff wants to know whether that is a subscriber."""
        if request.service.destination is not None and request.service.destination != MSG:
            return ""
        if not self._catalogue.asks_on_net(links, request.service, request.access_code):
            return ""
        return request.calling if request.access_code is AccessCode.INCOMING else request.called

    async def _load_other_party(self, request: ChargingRequest, links: Sequence[Link]) -> None:
        number = self._other_party(request, links)
        if number:
            await self._directory.load_on_net(links, number)

    async def _load_answer(self, request: ChargingRequest) -> bool:
        stored = await self._ledger.load_answer(request.gateway.id, request.request_key)
        if stored is not None:
            self._answers.put(key=(stored.gateway_id, stored.request_key), stored=stored)
        return stored is not None

    async def _load_session(self, pending: Pending) -> Session | None:
        """The request's session with its rates in memory; notes on `pending` when there is none."""
        key = (pending.request.gateway.id, pending.request.session_key)
        session = self.sessions.get(key)
        if session is None:
            seen = -1
            while seen != self._forgotten:
                seen = self._forgotten
                session = (await self._ledger.load((), (key,))).sessions.get(key)
        pending.absent = session is None
        if session is None:
            return None
        missing = [
            reservation.snapshot_id
            for reservation in session.reservations
            if reservation.snapshot_id and self._rates.get(reservation.snapshot_id) is None
        ]
        if missing:
            for snapshot_id, body in (await self._ledger.load_snapshots(missing)).items():
                self._rates.restore(snapshot_id, body)
        if self.sessions.get(key) is None:
            self.sessions.put(key, session)
        return session

    async def _load_identity(self, request: ChargingRequest) -> Sequence[int]:
        """Read identities in order until one is known, then its chain; the chain's account ids."""
        while True:
            identity, unknown = self._directory.identify(request.identities)
            if unknown is None:
                break
            await self._directory.load_identity(unknown)
        if identity is None:
            return ()
        links = self._directory.chain(identity.account_id)
        if links is None:
            links = await self._directory.load_chain(identity.account_id)
        return [link.profile.id for link in links]

    def _is_password_unknown(self, request: ChargingRequest, identity: Identity | None) -> bool:
        credential = request.credential
        if credential is None or identity is None or identity.secret is None:
            return False
        return self._passwords.is_unknown(credential, identity.secret)

    async def _check_password(self, request: ChargingRequest) -> None:
        """Compare a password with its hash, beside everything else: it takes tens of milliseconds."""
        identity, _ = self._directory.identify(request.identities)
        if request.credential is not None and identity is not None and identity.secret is not None:
            await self._passwords.check(request.credential, identity.secret)

    async def load_accounts(self, account_ids: Sequence[int], newcomer: Pending | None = None) -> None:
        """Read sums that memory lacks, and in the same view a session that was not there a moment ago.

        Sums may have what the session was debited meanwhile: then it is no new one.
        """
        for account_id in account_ids:
            if self._directory.chain(account_id) is None:
                await self._directory.load_chain(account_id)
        missing = [account_id for account_id in account_ids if self.accounts.get(account_id) is None]
        if not missing:
            return
        keys = [] if newcomer is None else [(newcomer.request.gateway.id, newcomer.request.session_key)]
        epoch = (-1, -1)
        while epoch != (self._directory.epoch, self._forgotten):
            epoch = (self._directory.epoch, self._forgotten)
            loaded = await self._ledger.load(missing, keys)
        for key, session in loaded.sessions.items():
            if newcomer is not None:
                newcomer.absent = False
            if self.sessions.get(key) is None:
                self.sessions.put(key, session)
        for account_id in missing:
            if self.accounts.get(account_id) is None:
                self.accounts.put(account_id, loaded.accounts.get(account_id) or Account(account_id))


def _expects_session(request: ChargingRequest) -> bool:
    """Whether the request speaks of a session that should exist, so that memory's no is not enough."""
    return request.type in _REPORTS or request.action is RequestedAction.REFUND

"""Both stores as plain dictionaries: the reference that says what every other store must do.

Owns no durability: everything is gone with the process. Small and obviously right rather than fast.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, TypeVar

from ocs.errors import AlreadyExistsError, ConflictError, InUseError, NotFoundError
from ocs.ports import (
    AuditEntry,
    Cdr,
    CdrPlace,
    Change,
    ChangeKind,
    CommitResult,
    Decision,
    Gateway,
    Identity,
    IdentityKind,
    LoadedState,
    NewAccount,
    Notice,
    ParkedReport,
    Plan,
    StoredAnswer,
)
from ocs.quota.account import Account, AccountProfile, AccountRow, AccountStatus, CreditReset
from ocs.quota.ledger import EntryKind, LedgerEntry
from ocs.quota.occupancy import write_counts
from ocs.quota.session import Reservation, ReservationRow, Session, SessionRow, SessionState
from ocs.rating.directory import DestinationInfo
from ocs.rating.index import Tariff
from ocs.rating.tariff import Rate, TariffTerms
from ocs.storage import finding
from ocs.storage.enrolment import check_replacement, enrol
from ocs.storage.finding import Finding
from ocs.storage.identity import (
    candidate_values,
    canonical_identity,
    check_no_dependent,
    check_primary,
)
from ocs.storage.memory_access import MemoryAccess
from ocs.storage.memory_discount import MemoryDiscounts
from ocs.storage.pool_audit import Sharing, audit_pools
from ocs.units import DATA_SERVICES, VOICE_SERVICES

RATES_PER_CHUNK: Final = 5_000

Named = TypeVar("Named", Gateway, Plan, TariffTerms)


def _numbered(what: str, record: Named, stored: dict[int, Named]) -> Named:
    """The record with its id, new when it has none."""
    if record.id and record.id not in stored:
        raise NotFoundError(f"{what} {record.id} does not exist")
    if any(other.name == record.name and other.id != record.id for other in stored.values()):
        raise AlreadyExistsError(f"{what} {record.name!r} exists already")
    return record if record.id else replace(record, id=max(stored, default=0) + 1)


def _check_unchanged(what: str, stored: object, expected: object) -> None:
    """ConflictError when another record than the expected one is there; None expects nothing."""
    if expected is not None and stored != expected:
        raise ConflictError(f"{what} was changed meanwhile")


class MemoryLedgerStore:
    """`ocs.ports.LedgerStore` in memory."""

    def __init__(self, audit: list[AuditEntry] | None = None) -> None:
        self.audit: list[AuditEntry] = [] if audit is None else audit
        "The catalogue's audit log, where both are of one database."
        self.accounts: dict[int, AccountRow] = {}
        self.sessions: dict[int, SessionRow] = {}
        self.session_ids: dict[tuple[int, str], int] = {}
        "By (gateway id, session key)."
        self.reservations: defaultdict[int, dict[int, ReservationRow]] = defaultdict(dict)
        "By session id, then by account id."
        self.entries: dict[tuple[int, int], LedgerEntry] = {}
        "By (account id, number)."
        self.entry_keys: dict[tuple[int, str], LedgerEntry] = {}
        "By (account id, request key)."
        self.cdrs: dict[tuple[int, int], Cdr] = {}
        "By (session id, account id)."
        self.answers: dict[tuple[int, str], StoredAnswer] = {}
        "By (gateway id, request key)."
        self.parked: dict[tuple[int, str], ParkedReport] = {}
        "By (gateway id, session key)."
        self.snapshots: dict[int, str] = {}
        self.notices: dict[tuple[int, int, str], Notice] = {}
        "By (account id, entry number, kind)."

    async def load(self, account_ids: Iterable[int], session_keys: Iterable[tuple[int, str]]) -> LoadedState:
        """Read accounts and sessions; see the port."""
        state = LoadedState()
        for account_id in account_ids:
            if account_id in self.accounts:
                state.accounts[account_id] = Account(*self.accounts[account_id])
        for key in session_keys:
            if key in self.session_ids:
                state.sessions[key] = self._session(self.session_ids[key])
        return state

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Write each decision whole or not at all; see the port."""
        named = Counter(row.account_id for decision in decisions for row in decision.accounts)
        assert not named or max(named.values()) == 1, "an account is named twice in one commit"
        results = []
        for decision in decisions:
            if self._conflicts(decision):
                results.append(CommitResult.CONFLICT)
            else:
                self._write(decision)
                results.append(CommitResult.COMMITTED)
        return results

    def _conflicts(self, decision: Decision) -> bool:
        return (
            any(self._account_moved(row) for row in decision.accounts)
            or any(self._session_moved(row) for row in decision.sessions)
            or self._repeats(decision)
            or self._dangles(decision)
        )

    def _account_moved(self, row: AccountRow) -> bool:
        stored = self.accounts.get(row.account_id)
        return (stored.version if stored else 0) != row.version - 1

    def _session_moved(self, row: SessionRow) -> bool:
        key = (row.gateway_id, row.session_key)
        stored = self.sessions.get(row.session_id)
        if stored is None:
            return row.version != 1 or key in self.session_ids
        known_as = (stored.gateway_id, stored.session_key, stored.account_id)
        return stored.version != row.version - 1 or known_as != (*key, row.account_id)

    def _repeats(self, decision: Decision) -> bool:
        """Whether a key that must be new is taken, by a stored record or within the decision."""
        numbers = [(entry.account_id, entry.number) for entry in decision.entries]
        keys = [
            (entry.account_id, entry.request_key)
            for entry in decision.entries
            if entry.request_key is not None
        ]
        answers = [(answer.gateway_id, answer.request_key) for answer in decision.answers]
        notices = [notice[:3] for notice in decision.notices]
        audits = [entry.request_id for entry in decision.audits if entry.request_id is not None]
        if any(len(set(found)) < len(found) for found in (numbers, keys, answers, notices, audits)):
            return True
        if any(entry.request_id in audits for entry in self.audit):
            return True
        return (
            any(number in self.entries for number in numbers)
            or any(key in self.entry_keys for key in keys)
            or any(answer in self.answers for answer in answers)
            or any(notice in self.notices for notice in notices)
            or any(
                stored.revision >= new.revision
                for new in decision.cdrs
                if (stored := self.cdrs.get((new.session_id, new.account_id))) is not None
            )
        )

    def _dangles(self, decision: Decision) -> bool:
        """Whether a record belongs to an account or session that is neither stored nor in the decision."""
        owners = {row.account_id for row in decision.sessions}
        owners |= {row.account_id for row in decision.reservations}
        owners |= {entry.account_id for entry in decision.entries}
        owners |= {notice.account_id for notice in decision.notices}
        owners -= {row.account_id for row in decision.accounts}
        sessions = {row.session_id for row in decision.reservations}
        sessions -= {row.session_id for row in decision.sessions}
        return not (owners <= self.accounts.keys() and sessions <= self.sessions.keys())

    def _write(self, decision: Decision) -> None:
        self.accounts.update((row.account_id, row) for row in decision.accounts)
        for row in decision.sessions:
            self.sessions[row.session_id] = row
            self.session_ids[row.gateway_id, row.session_key] = row.session_id
        for held in decision.reservations:
            self.reservations[held.session_id][held.account_id] = held
        for entry in decision.entries:
            self.entries[entry.account_id, entry.number] = entry
            if entry.request_key is not None:
                self.entry_keys[entry.account_id, entry.request_key] = entry
        self.cdrs.update(((cdr.session_id, cdr.account_id), cdr) for cdr in decision.cdrs)
        self.answers.update(((answer.gateway_id, answer.request_key), answer) for answer in decision.answers)
        self.notices.update((notice[:3], notice) for notice in decision.notices)
        for audit in decision.audits:
            self.audit.append(audit._replace(number=len(self.audit) + 1))
        gone = set(decision.unparked)
        self.parked = {key: report for key, report in self.parked.items() if report.parked_id not in gone}
        for report in decision.parked:
            key = (report.gateway_id, report.session_key)
            earlier = self.parked.get(key)
            if earlier is None or report.used_units >= earlier.used_units:
                self.parked[key] = report
        for snapshot in decision.snapshots:
            self.snapshots.setdefault(snapshot.snapshot_id, snapshot.body)

    def _session(self, session_id: int) -> Session:
        session = Session(**self.sessions[session_id]._asdict())
        held = self.reservations[session_id].values()
        rows = sorted(held, key=lambda row: (row.ordinal, row.account_id))
        session.reservations = [Reservation(**row._asdict()) for row in rows]
        return session

    async def load_snapshots(self, snapshot_ids: Iterable[int]) -> dict[int, str]:
        """Bodies of rate snapshots; see the port."""
        return {key: self.snapshots[key] for key in snapshot_ids if key in self.snapshots}

    async def load_answer(self, gateway_id: int, request_key: str) -> StoredAnswer | None:
        """A stored answer; see the port."""
        return self.answers.get((gateway_id, request_key))

    async def open_sessions(self, *, due_before_ms: int | None = None) -> Sequence[tuple[int, int, str]]:
        """Open sessions by expiry; see the port."""
        return [
            (row.expires_at_ms, row.gateway_id, row.session_key)
            for row in self.sessions.values()
            if row.state == SessionState.OPEN and (due_before_ms is None or row.expires_at_ms < due_before_ms)
        ]

    async def find_open(
        self, *, account_id: int | None = None, only_final: bool = False
    ) -> Sequence[Session]:
        """Open sessions; see the port."""
        return [
            self._session(row.session_id)
            for row in self.sessions.values()
            if row.state == SessionState.OPEN
            and (row.final_grant or not only_final)
            and (account_id is None or account_id in self.reservations[row.session_id])
        ]

    async def list_sessions(
        self,
        *,
        account_id: int | None = None,
        gateway_id: int | None = None,
        state: SessionState | None = None,
        only_open: bool = True,
        before_id: int | None = None,
        limit: int = 100,
    ) -> Sequence[Session]:
        """Sessions, newest first; see the port."""
        found = [
            row.session_id
            for row in self.sessions.values()
            if account_id in (None, row.account_id)
            and gateway_id in (None, row.gateway_id)
            and state in (None, row.state)
            and (row.state == SessionState.OPEN or not only_open)
            and (before_id is None or row.session_id < before_id)
        ]
        return [self._session(key) for key in sorted(found, reverse=True)[:limit]]

    async def knows_gateway(self, gateway_id: int) -> bool:
        """Whether the books have anything of a gateway; see the port."""
        kept = (self.session_ids, self.answers, self.parked)
        return any(key[0] == gateway_id for keys in kept for key in keys)

    async def find_session(self, session_id: int) -> Session | None:
        """A session by id; see the port."""
        return self._session(session_id) if session_id in self.sessions else None

    async def list_entries(
        self,
        account_id: int,
        *,
        after_number: int = 0,
        from_ms: int | None = None,
        until_ms: int | None = None,
        limit: int | None = None,
    ) -> Sequence[LedgerEntry]:
        """Entries, oldest first; see the port."""
        found = [
            entry
            for entry in self.entries.values()
            if entry.account_id == account_id
            and entry.number > after_number
            and (from_ms is None or entry.at_ms >= from_ms)
            and (until_ms is None or entry.at_ms < until_ms)
        ]
        return sorted(found, key=lambda entry: entry.number)[:limit]

    async def sum_entries(self, account_id: int, *, until_ms: int) -> int:
        """Sum of entries; see the port."""
        entries = await self.list_entries(account_id, until_ms=until_ms)
        return sum(entry.amount_micros for entry in entries)

    async def find_entry(self, account_id: int, request_key: str) -> LedgerEntry | None:
        """An entry by idempotency key; see the port."""
        return self.entry_keys.get((account_id, request_key))

    async def list_cdrs(
        self, *, account_id: int | None = None, session_id: int | None = None, limit: int | None = None
    ) -> Sequence[Cdr]:
        """Session detail records, newest first; see the port."""
        found = [
            cdr
            for cdr in self.cdrs.values()
            if account_id in (None, cdr.account_id) and session_id in (None, cdr.session_id)
        ]
        return sorted(found, key=lambda cdr: (-cdr.recorded_at_ms, -cdr.session_id, cdr.account_id))[:limit]

    async def page_cdrs(
        self,
        *,
        account_id: int | None = None,
        gateway_id: int | None = None,
        from_ms: int = 0,
        until_ms: int | None = None,
        after: CdrPlace | None = None,
        newest_first: bool = False,
        limit: int = 1000,
    ) -> Sequence[Cdr]:
        """Session detail records by place; see the port."""
        places = {
            CdrPlace(cdr.recorded_at_ms, cdr.session_id, cdr.account_id): cdr
            for cdr in self.cdrs.values()
            if account_id in (None, cdr.account_id)
            and gateway_id in (None, cdr.gateway_id)
            and cdr.recorded_at_ms >= from_ms
            and (until_ms is None or cdr.recorded_at_ms < until_ms)
        }
        ordered = sorted(places, reverse=newest_first)
        if after is not None:
            ordered = [place for place in ordered if (place < after if newest_first else place > after)]
        return [places[place] for place in ordered[:limit]]

    async def list_notices(self, *, account_id: int | None = None, limit: int = 100) -> Sequence[Notice]:
        """Notices, newest first; see the port."""
        found = [notice for notice in self.notices.values() if account_id in (None, notice.account_id)]
        return sorted(found, key=lambda one: (-one.at_ms, one.account_id, -one.number))[:limit]

    async def list_parked(self, *, after_id: int = 0, limit: int = 100) -> Sequence[ParkedReport]:
        """Parked reports, oldest first; see the port."""
        found = [report for report in self.parked.values() if report.parked_id > after_id]
        return sorted(found, key=lambda report: report.parked_id)[:limit]

    async def verify(self) -> Sequence[str]:
        """Recompute the books; see the port."""
        findings = chain(
            self._audit_entries(),
            self._audit_sums(),
            self._audit_counts(),
            self._audit_reservations(),
            self._audit_pools(),
        )
        return [str(found) for found in sorted(findings)]

    def _audit_entries(self) -> Iterator[Finding]:
        sums: Counter[int] = Counter()
        counts: Counter[int] = Counter()
        for (account_id, number), entry in sorted(self.entries.items()):
            counts[account_id] += 1
            sums[account_id] += entry.amount_micros
            if number != counts[account_id]:
                yield finding.wrong_number(account_id, number=number, expected=counts[account_id])
            if entry.balance_micros != sums[account_id]:
                yield finding.wrong_running_balance(
                    account_id,
                    number=number,
                    recorded_micros=entry.balance_micros,
                    sum_micros=sums[account_id],
                )

    def _audit_sums(self) -> Iterator[Finding]:
        sums: Counter[int] = Counter()
        counts = Counter(account_id for account_id, _ in self.entries)
        for entry in self.entries.values():
            sums[entry.account_id] += entry.amount_micros
        held: Counter[int] = Counter()
        open_count: Counter[int] = Counter()
        for row in self._all_reservations():
            if self.sessions[row.session_id].state == SessionState.OPEN:
                held[row.account_id] += row.reserved_micros
                open_count[row.account_id] += 1
        for key, account in self.accounts.items():
            if account.balance_micros != sums[key]:
                yield finding.wrong_balance(
                    key, recorded_micros=account.balance_micros, entries_micros=sums[key]
                )
            if account.entries != counts[key]:
                yield finding.wrong_entry_count(key, recorded=account.entries, found=counts[key])
            if account.reserved_micros != held[key]:
                yield finding.wrong_reserved(
                    key, recorded_micros=account.reserved_micros, held_micros=held[key]
                )
            if account.open_sessions != open_count[key]:
                yield finding.wrong_open_sessions(key, recorded=account.open_sessions, found=open_count[key])

    def _audit_counts(self) -> Iterator[Finding]:
        """Open sessions by kind, and by identity that has a limit."""
        calls: Counter[int] = Counter()
        data: Counter[int] = Counter()
        by_identity: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for row in self._all_reservations():
            session = self.sessions[row.session_id]
            if session.state == SessionState.OPEN:
                calls[row.account_id] += session.service in VOICE_SERVICES
                data[row.account_id] += session.service in DATA_SERVICES
        for session in self.sessions.values():
            if session.state == SessionState.OPEN and session.counted_identity:
                by_identity[session.account_id][session.counted_identity] += 1
        for key, account in self.accounts.items():
            if account.open_voice != calls[key]:
                yield finding.wrong_open_kind(
                    key, kind="voice", recorded=account.open_voice, found=calls[key]
                )
            if account.open_data != data[key]:
                yield finding.wrong_open_kind(key, kind="data", recorded=account.open_data, found=data[key])
            counts = write_counts(by_identity[key])
            if account.open_by_identity != counts:
                yield finding.wrong_open_by_identity(key, recorded=account.open_by_identity, found=counts)

    def _audit_pools(self) -> Iterator[Finding]:
        """Counters of allowances."""
        return audit_pools(
            ((key, row.counters) for key, row in self.accounts.items() if row.counters),
            (
                Sharing(
                    row.session_id,
                    self.sessions[row.session_id].state == SessionState.OPEN,
                    row.allowance,
                )
                for row in self._all_reservations()
                if row.allowance
            ),
        )

    def _all_reservations(self) -> Iterator[ReservationRow]:
        return chain.from_iterable(held.values() for held in self.reservations.values())

    def _audit_reservations(self) -> Iterator[Finding]:
        charged: Counter[tuple[int | None, int]] = Counter()
        refunds: Counter[tuple[int | None, int]] = Counter()
        for entry in self.entries.values():
            if entry.kind == EntryKind.CHARGE.value:
                charged[entry.session_id, entry.account_id] -= entry.amount_micros
            elif entry.kind == EntryKind.REFUND.value:
                refunds[entry.session_id, entry.account_id] += entry.amount_micros
        for row in self._all_reservations():
            refunds_micros = refunds[row.session_id, row.account_id]
            if row.refunded_micros != refunds_micros:
                yield finding.wrong_refunded(
                    row.account_id,
                    session_id=row.session_id,
                    recorded_micros=row.refunded_micros,
                    refunds_micros=refunds_micros,
                )
            charged_micros = charged[row.session_id, row.account_id]
            if self.sessions[row.session_id].state != SessionState.OPEN and row.reserved_micros:
                yield finding.held_after_end(
                    row.account_id, session_id=row.session_id, held_micros=row.reserved_micros
                )
            if row.debited_micros != charged_micros:
                yield finding.wrong_debited(
                    row.account_id,
                    session_id=row.session_id,
                    recorded_micros=row.debited_micros,
                    charged_micros=charged_micros,
                )

    async def close(self) -> None:
        """Nothing to let go of."""


class MemoryCatalogStore(MemoryDiscounts, MemoryAccess):
    """`ocs.ports.CatalogStore` in memory."""

    def __init__(self, audit: list[AuditEntry] | None = None) -> None:
        super().__init__(audit)
        self.accounts: dict[int, AccountProfile] = {}
        self.identities: dict[tuple[IdentityKind, str], Identity] = {}
        self.gateways: dict[int, Gateway] = {}
        self.plans: dict[int, Plan] = {}
        self.tariffs: dict[int, TariffTerms] = {}
        self.rates: dict[int, dict[tuple[str, int], Rate]] = {}
        "By tariff id, then by (destination, effective_from_s)."
        self.destinations: dict[str, DestinationInfo] = {}

    async def find_identity(self, kind: IdentityKind, value: str) -> Identity | None:
        """The identity that answers for a value; see the port."""
        for candidate in candidate_values(kind, value):
            if (kind, candidate) in self.identities:
                return self.identities[kind, candidate]
        return None

    async def load_chain(self, account_id: int) -> Sequence[AccountProfile]:
        """The account and its ancestors; see the port."""
        links = []
        link = self.accounts.get(account_id)
        while link is not None:
            links.append(link)
            link = self.accounts.get(link.parent_id) if link.parent_id is not None else None
        return links

    async def load_gateways(self) -> Sequence[Gateway]:
        """Every gateway, by name."""
        return sorted(self.gateways.values(), key=lambda gateway: gateway.name)

    async def load_plans(self) -> Sequence[Plan]:
        """Every plan, by name."""
        return sorted(self.plans.values(), key=lambda plan: plan.name)

    async def load_tariffs(self) -> Sequence[TariffTerms]:
        """The terms of every tariff, by name."""
        return sorted(self.tariffs.values(), key=lambda terms: terms.name)

    async def stream_rates(self, tariff_id: int) -> AsyncIterator[Sequence[Rate]]:
        """All rates of a tariff in chunks; see the port."""
        rates = [rate for _, rate in sorted(self.rates.get(tariff_id, {}).items())]
        for start in range(0, len(rates), RATES_PER_CHUNK):
            yield rates[start : start + RATES_PER_CHUNK]

    async def load_tariff(self, terms: TariffTerms, *, destinations: Collection[str] | None = None) -> Tariff:
        """The tariff compiled; see the port."""
        rates = self.rates.get(terms.id, {}).values()
        return Tariff.build(
            terms, (rate for rate in rates if destinations is None or rate.destination in destinations)
        )

    async def count_rates(self, tariff_id: int) -> int:
        """Rates of a tariff."""
        return len(self.rates.get(tariff_id, ()))

    async def last_change(self) -> int:
        """The newest change's number."""
        return len(self.changes)

    async def changes_after(self, seq: int) -> Sequence[Change]:
        """Changes with a greater number."""
        return self.changes[seq:]

    async def create_accounts(
        self, accounts: Sequence[NewAccount], *, audits: Sequence[AuditEntry] = ()
    ) -> Sequence[AccountProfile]:
        """Create all or none; see the port."""
        by_name = {profile.name: profile for profile in self.accounts.values()}
        first_id = max(self.accounts, default=0) + 1
        profiles, identities = enrol(accounts, find_account=by_name.get, first_id=first_id)
        for profile in profiles:
            self._check_plan(profile.plan_id)
        self._check_identities(identities)
        await self._append_audits(*audits)
        self.accounts.update((profile.id, profile) for profile in profiles)
        self.identities.update(((found.kind, found.value), found) for found in identities)
        for profile in profiles:
            self._changed(ChangeKind.ACCOUNT, profile.id)
        return profiles

    def _check_plan(self, plan_id: int | None) -> None:
        if plan_id is not None and plan_id not in self.plans:
            raise NotFoundError(f"plan {plan_id} does not exist")

    def _check_tariff(self, tariff_id: int | None) -> None:
        if tariff_id is not None and tariff_id not in self.tariffs:
            raise NotFoundError(f"tariff {tariff_id} does not exist")

    def _check_identities(self, identities: Sequence[Identity]) -> None:
        taken = set(self.identities)
        for found in identities:
            self._check_plan(found.plan_id)
            self._check_tariff(found.payback_tariff_id)
            if (found.kind, found.value) in taken:
                raise AlreadyExistsError(f"identity {found.kind.value} {found.value!r} exists already")
            taken.add((found.kind, found.value))
        for found in identities:
            if found.primary_kind is not None:
                self._check_primary(found, identities)

    def _check_primary(self, identity: Identity, added: Sequence[Identity] = ()) -> None:
        key = (identity.primary_kind, identity.primary_value)
        fresh = {(one.kind, one.value): one for one in added}
        primary = next((known[key] for known in (fresh, self.identities) if key in known), None)
        check_primary(identity, primary, self._dependent(identity.kind, identity.value))

    def _dependent(self, kind: IdentityKind, value: str) -> Identity | None:
        """An identity whose primary this is."""
        for identity in self.identities.values():
            if (identity.primary_kind, identity.primary_value) == (kind, value):
                return identity
        return None

    async def find_account(self, name: str) -> AccountProfile | None:
        """The account with this name."""
        return next((profile for profile in self.accounts.values() if profile.name == name), None)

    async def list_accounts(
        self, *, prefix: str = "", after: str = "", limit: int = 100
    ) -> Sequence[AccountProfile]:
        """Accounts in order of name; see the port."""
        found = [
            profile
            for profile in self.accounts.values()
            if profile.name.startswith(prefix) and profile.name > after
        ]
        return sorted(found, key=lambda profile: profile.name)[:limit]

    async def list_resetting(self, *, after_id: int = 0, limit: int = 100) -> Sequence[AccountProfile]:
        """Accounts with a credit reset; see the port."""
        found = [
            profile
            for profile in self.accounts.values()
            if profile.id > after_id
            and profile.reset_cycle is not CreditReset.NONE
            and profile.status is not AccountStatus.CLOSED
        ]
        return sorted(found, key=lambda profile: profile.id)[:limit]

    async def list_expired(self, *, after_ms: int, until_ms: int) -> Sequence[int]:
        """Accounts that expired in a span; see the port."""
        return [
            profile.id
            for profile in self.accounts.values()
            if profile.expires_at_ms is not None and after_ms < profile.expires_at_ms <= until_ms
        ]

    async def update_account(
        self,
        profile: AccountProfile,
        *,
        expected: AccountProfile | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """Replace an account's master data; see the port."""
        stored = self.accounts.get(profile.id)
        if stored is None:
            raise NotFoundError(f"account {profile.id} does not exist")
        _check_unchanged(f"account {stored.name!r}", stored, expected)
        check_replacement(stored, profile)
        self._check_plan(profile.plan_id)
        if any(other.name == profile.name and other.id != profile.id for other in self.accounts.values()):
            raise AlreadyExistsError(f"account {profile.name!r} exists already")
        await self._append_audits(audit)
        self.accounts[profile.id] = profile
        self._changed(ChangeKind.ACCOUNT, profile.id)

    async def delete_account(self, profile: AccountProfile, *, audit: AuditEntry | None = None) -> None:
        """Delete an account; see the port."""
        if profile.id not in self.accounts:
            raise NotFoundError(f"account {profile.name!r} does not exist")
        title = f"account {profile.name!r}"
        _check_unchanged(title, self.accounts[profile.id], profile)
        for identity in self.identities.values():
            if identity.account_id == profile.id:
                raise InUseError(f"{title} has identity {identity.value!r}")
        for child in self.accounts.values():
            if child.parent_id == profile.id:
                raise InUseError(f"{title} is the parent of {child.name!r}")
        self._check_no_discount(title, account_id=profile.id)
        await self._append_audits(audit)
        del self.accounts[profile.id]
        self._changed(ChangeKind.ACCOUNT, profile.id)

    async def add_identities(
        self, identities: Sequence[Identity], *, audits: Sequence[AuditEntry] = ()
    ) -> None:
        """Add all or none; see the port."""
        added = [canonical_identity(found) for found in identities]
        for found in added:
            if found.account_id not in self.accounts:
                raise NotFoundError(f"account {found.account_id} does not exist")
        self._check_identities(added)
        await self._append_audits(*audits)
        for found in added:
            self.identities[found.kind, found.value] = found
            self._changed(ChangeKind.IDENTITY, found.account_id)

    async def list_identities(self, account_id: int) -> Sequence[Identity]:
        """An account's identities, by kind and value."""
        found = [entry for entry in self.identities.values() if entry.account_id == account_id]
        return sorted(found, key=lambda entry: (entry.kind.value, entry.value))

    async def update_identity(
        self, identity: Identity, *, expected: Identity | None = None, audit: AuditEntry | None = None
    ) -> None:
        """Replace an identity; see the port."""
        changed = canonical_identity(identity)
        if changed.account_id not in self.accounts:
            raise NotFoundError(f"account {changed.account_id} does not exist")
        self._check_plan(changed.plan_id)
        self._check_tariff(changed.payback_tariff_id)
        former = self._identity(changed.kind, changed.value)
        _check_unchanged(f"identity {changed.value!r}", former, expected)
        if changed.primary_kind is not None:
            self._check_primary(changed)
        await self._append_audits(audit)
        self.identities[changed.kind, changed.value] = changed
        for account_id in sorted({former.account_id, changed.account_id}):
            self._changed(ChangeKind.IDENTITY, account_id)

    async def remove_identity(
        self,
        kind: IdentityKind,
        value: str,
        *,
        expected: Identity | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """Remove an identity; see the port."""
        former = self._identity(kind, value)
        _check_unchanged(f"identity {value!r}", former, expected)
        check_no_dependent(former, self._dependent(kind, value))
        await self._append_audits(audit)
        del self.identities[kind, value]
        self._changed(ChangeKind.IDENTITY, former.account_id)

    def _identity(self, kind: IdentityKind, value: str) -> Identity:
        found = self.identities.get((kind, value))
        if found is None:
            raise NotFoundError(f"identity {kind.value} {value!r} does not exist")
        return found

    async def save_gateway(
        self, gateway: Gateway, *, expected: Gateway | None = None, audit: AuditEntry | None = None
    ) -> Gateway:
        """Create or replace a gateway; see the port."""
        saved = _numbered("gateway", gateway, self.gateways)
        _check_unchanged(f"gateway {gateway.name!r}", self.gateways.get(gateway.id), expected)
        await self._append_audits(audit)
        self.gateways[saved.id] = saved
        self._changed(ChangeKind.GATEWAY, saved.id)
        return saved

    async def delete_gateway(self, gateway: Gateway, *, audit: AuditEntry | None = None) -> None:
        """Delete a gateway; see the port."""
        if gateway.id not in self.gateways:
            raise NotFoundError(f"gateway {gateway.name!r} does not exist")
        _check_unchanged(f"gateway {gateway.name!r}", self.gateways[gateway.id], gateway)
        await self._append_audits(audit)
        del self.gateways[gateway.id]
        self._changed(ChangeKind.GATEWAY, gateway.id)

    async def save_plan(
        self, plan: Plan, *, expected: Plan | None = None, audit: AuditEntry | None = None
    ) -> Plan:
        """Create or replace a plan; see the port."""
        for tariff_id in (*plan.tariffs.values(), plan.override_tariff_id):
            self._check_tariff(tariff_id)
        saved = _numbered("plan", plan, self.plans)
        _check_unchanged(f"plan {plan.name!r}", self.plans.get(plan.id), expected)
        await self._append_audits(audit)
        self.plans[saved.id] = saved
        self._changed(ChangeKind.PLAN, saved.id)
        return saved

    async def delete_plan(self, plan: Plan, *, audit: AuditEntry | None = None) -> None:
        """Delete a plan; see the port."""
        if plan.id not in self.plans:
            raise NotFoundError(f"plan {plan.name!r} does not exist")
        _check_unchanged(f"plan {plan.name!r}", self.plans[plan.id], plan)
        for profile in self.accounts.values():
            if profile.plan_id == plan.id:
                raise InUseError(f"plan {plan.name!r} is that of account {profile.name!r}")
        for identity in self.identities.values():
            if identity.plan_id == plan.id:
                raise InUseError(f"plan {plan.name!r} is that of identity {identity.value!r}")
        self._check_no_discount(f"plan {plan.name!r}", plan_id=plan.id)
        await self._append_audits(audit)
        del self.plans[plan.id]
        self._changed(ChangeKind.PLAN, plan.id)

    def _check_no_discount(self, title: str, *, account_id: int = 0, plan_id: int = 0) -> None:
        for one in self.discounts:
            if (account_id and one.account_id == account_id) or (plan_id and one.plan_id == plan_id):
                name = self.discount_plans[one.discount_plan_id].name
                raise InUseError(f"{title} has discount plan {name!r}")

    async def save_tariff(
        self, terms: TariffTerms, *, expected: TariffTerms | None = None, audit: AuditEntry | None = None
    ) -> TariffTerms:
        """Create or replace a tariff's terms; see the port."""
        saved = _numbered("tariff", terms, self.tariffs)
        _check_unchanged(f"tariff {terms.name!r}", self.tariffs.get(terms.id), expected)
        await self._append_audits(audit)
        self.tariffs[saved.id] = saved
        self._changed(ChangeKind.TARIFF, saved.id)
        return saved

    async def delete_tariff(self, terms: TariffTerms, *, audit: AuditEntry | None = None) -> None:
        """Delete a tariff; see the port."""
        title = f"tariff {terms.name!r}"
        if terms.id not in self.tariffs:
            raise NotFoundError(f"{title} does not exist")
        _check_unchanged(title, self.tariffs[terms.id], terms)
        for plan in self.plans.values():
            if terms.id in (*plan.tariffs.values(), plan.override_tariff_id):
                raise InUseError(f"{title} is in plan {plan.name!r}")
        for identity in self.identities.values():
            if identity.payback_tariff_id == terms.id:
                raise InUseError(f"{title} is the payback tariff of identity {identity.value!r}")
        if self.rates.get(terms.id):
            raise InUseError(f"{title} has rates, which the books refer to")
        await self._append_audits(audit)
        del self.tariffs[terms.id]
        self._changed(ChangeKind.TARIFF, terms.id)

    async def write_rates(
        self, tariff_id: int, rates: Iterable[Rate], *, audit: AuditEntry | None = None
    ) -> int:
        """Insert or replace rates; all or none; see the port."""
        self._check_tariff(tariff_id)
        written = list(rates)
        if audit is not None:
            await self.append_audit(audit)
        stored = self.rates.setdefault(tariff_id, {})
        stored.update(((rate.destination, rate.effective_from_s), rate) for rate in written)
        self._changed(ChangeKind.TARIFF, tariff_id)
        return len(written)

    async def load_destinations(self) -> Sequence[DestinationInfo]:
        """Every entry of the directory, by prefix."""
        return [entry for _, entry in sorted(self.destinations.items())]

    async def save_destinations(
        self,
        entries: Iterable[DestinationInfo],
        *,
        removed: Collection[str] = (),
        audit: AuditEntry | None = None,
    ) -> None:
        """Insert, replace and remove entries of the directory; see the port."""
        await self._append_audits(audit)
        self.destinations.update((entry.prefix, entry) for entry in entries)
        for prefix in removed:
            self.destinations.pop(prefix, None)

    async def seal_secrets(self) -> int:
        """Count the secrets: nothing is written anywhere."""
        secrets = [gateway.secret for gateway in self.gateways.values()]
        secrets += [identity.secret or "" for identity in self.identities.values()]
        return sum(map(bool, secrets))

    async def touch(self, kind: ChangeKind, object_id: int) -> None:
        """Append to the change log; see the port."""
        self._changed(kind, object_id)

    async def close(self) -> None:
        """Nothing to let go of."""

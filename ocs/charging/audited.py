"""Stores that audit by themselves: what a person at a terminal changes is recorded whatever command did it.

Each write that carries no audit entry of its own gets one, in the same transaction. Reads go through. Does
not own what commands mean; a write that is not known here is passed on.
"""

from collections.abc import Callable, Collection, Iterable, Sequence, Sized
from typing import Any, Final, TypeVar, cast

from ocs.charging.audit import Command
from ocs.charging.naming import account_name
from ocs.charging.posting import audited_entry
from ocs.charging.resource.account import AccountRecord, Accounts
from ocs.charging.resource.collection import Collection as Resources
from ocs.charging.resource.collection import Key
from ocs.charging.resource.discount_plan import DiscountPlans
from ocs.charging.resource.gateway import Gateways
from ocs.charging.resource.identity import Identities, IdentityRecord, identity_id
from ocs.charging.resource.plan import Plans
from ocs.charging.resource.rate import RateRecord, Rates
from ocs.charging.resource.tariff import Tariffs
from ocs.ports import (
    AuditEntry,
    CatalogStore,
    Clock,
    CommitResult,
    Decision,
    DiscountAssignment,
    Gateway,
    Identity,
    IdentityKind,
    LedgerStore,
    NewAccount,
    Plan,
)
from ocs.quota.account import AccountProfile
from ocs.quota.session import SessionState
from ocs.rating.discount import DiscountPlan
from ocs.rating.tariff import Rate, TariffTerms

R = TypeVar("R")

RATES_SHOWN: Final = 10
"A change of more is told by their number."


def audit_stores(
    ledger: LedgerStore, catalog: CatalogStore, clock: Clock, actor: str
) -> tuple[LedgerStore, CatalogStore]:
    """Both stores, as somebody works on them."""

    def command() -> Command:
        return Command(actor, clock.now_ms())

    audited_ledger: Any = AuditedLedger(ledger, catalog, command)
    audited_catalog: Any = AuditedCatalog(ledger, catalog, clock, command)
    return cast("LedgerStore", audited_ledger), cast("CatalogStore", audited_catalog)


class AuditedLedger:
    """`ocs.ports.LedgerStore` whose commits are audited."""

    def __init__(self, store: LedgerStore, catalog: CatalogStore, command: Callable[[], Command]) -> None:
        self._store = store
        self._catalog = catalog
        self._command = command

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Write each decision with an audit entry for each movement and each session that it ends."""
        for decision in decisions:
            if not decision.audits:
                decision.audits = await self._entries(decision)
        return await self._store.commit(decisions)

    async def _entries(self, decision: Decision) -> list[AuditEntry]:
        command = self._command()
        entries = []
        for entry in decision.entries:
            name = await account_name(self._catalog, entry.account_id)
            entries.append(command.entry(entry.kind, f"accounts/{name}", after=audited_entry(entry)))
        for row in decision.sessions:
            if row.state != SessionState.OPEN and not await self._has_ended(row.session_id):
                facts = {"state": SessionState(row.state).name.lower(), "end_cause": row.end_cause}
                entries.append(command.entry("end", f"sessions/{row.session_id}", after=facts))
        return entries

    async def _has_ended(self, session_id: int) -> bool:
        """Whether the session had ended before: a refund or a late report changes it once more."""
        session = await self._store.find_session(session_id)
        return session is not None and not session.is_open


class AuditedCatalog:
    """`ocs.ports.CatalogStore` whose writes are audited."""

    def __init__(
        self,
        ledger: LedgerStore,
        store: CatalogStore,
        clock: Clock,
        command: Callable[[], Command],
    ) -> None:
        self._store = store
        self._command = command
        self._accounts = Accounts(ledger, store, clock)
        self._identities = Identities(store)
        self._plans = Plans(store)
        self._tariffs = Tariffs(store)
        self._gateways = Gateways(ledger, store)
        self._discount_plans = DiscountPlans(store)
        self._rates = Rates(store, clock)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def _entry(
        self, resources: Resources[R], key: Key, former: R | None, record: R | None
    ) -> AuditEntry:
        """The entry that says what a write makes of a resource."""
        action = "create" if former is None else "delete" if record is None else "update"
        before = None if former is None else await resources.facts(former)
        try:
            after = None if record is None else await resources.facts(record)
        except KeyError:  # it refers to what does not exist: the store refuses it and keeps no entry
            after = {}
        return self._command().entry(action, resources.name_of(key), before=before, after=after)

    async def _account(self, account_id: int) -> AccountProfile | None:
        return next(iter(await self._store.load_chain(account_id)), None)

    # ------------------------------------------------------------------------------ accounts, identities

    async def create_accounts(
        self, accounts: Sequence[NewAccount], *, audits: Sequence[AuditEntry] = ()
    ) -> Sequence[AccountProfile]:
        """Create all or none."""
        if not audits:
            records = [AccountRecord(profile=new.profile, parent=new.parent or "") for new in accounts]
            audits = [
                self._command().entry(
                    "create", self._accounts.name_of((record.profile.name,)), before=None, after=facts
                )
                for record, facts in zip(records, await self._accounts.facts_of(records), strict=True)
            ]
        return await self._store.create_accounts(accounts, audits=audits)

    async def update_account(
        self,
        profile: AccountProfile,
        *,
        expected: AccountProfile | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """Replace an account's master data."""
        former = await self._account(profile.id)
        if audit is None and former is not None:
            records = AccountRecord(profile=former), AccountRecord(profile=profile)
            audit = await self._entry(self._accounts, (former.name,), *records)
        await self._store.update_account(profile, expected=expected, audit=audit)

    async def delete_account(self, profile: AccountProfile, *, audit: AuditEntry | None = None) -> None:
        """Delete an account."""
        if audit is None:
            record = AccountRecord(profile=profile)
            audit = await self._entry(self._accounts, (profile.name,), record, None)
        await self._store.delete_account(profile, audit=audit)

    async def _identity_entry(self, former: Identity | None, identity: Identity | None) -> AuditEntry:
        one = identity or former
        assert one is not None, "something is changed"
        account = await self._account(one.account_id)
        key = (
            str(one.account_id) if account is None else account.name,
            identity_id(one.kind, one.value),
        )
        owner = account or AccountProfile(id=one.account_id, name=key[0])
        records = [
            None if given is None else IdentityRecord(account=owner, identity=given)
            for given in (former, identity)
        ]
        return await self._entry(self._identities, key, records[0], records[1])

    async def add_identities(
        self, identities: Sequence[Identity], *, audits: Sequence[AuditEntry] = ()
    ) -> None:
        """Add all or none."""
        if not audits:
            audits = [await self._identity_entry(None, identity) for identity in identities]
        await self._store.add_identities(identities, audits=audits)

    async def update_identity(
        self, identity: Identity, *, expected: Identity | None = None, audit: AuditEntry | None = None
    ) -> None:
        """Replace an identity."""
        if audit is None:
            former = await self._stored_identity(identity.kind, identity.value)
            audit = await self._identity_entry(former, identity)
        await self._store.update_identity(identity, expected=expected, audit=audit)

    async def remove_identity(
        self,
        kind: IdentityKind,
        value: str,
        *,
        expected: Identity | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """Remove an identity."""
        former = await self._stored_identity(kind, value)
        if audit is None and former is not None:
            audit = await self._identity_entry(former, None)
        await self._store.remove_identity(kind, value, expected=expected, audit=audit)

    async def _stored_identity(self, kind: IdentityKind, value: str) -> Identity | None:
        asked = value.partition("/")[0] if kind is IdentityKind.IP else value
        found = await self._store.find_identity(kind, asked)
        return found if found is not None and found.value == value else None

    # ------------------------------------------------------------------------------ gateways, plans, tariffs

    async def save_gateway(
        self, gateway: Gateway, *, expected: Gateway | None = None, audit: AuditEntry | None = None
    ) -> Gateway:
        """Create or replace a gateway."""
        if audit is None:
            former = _by_id(await self._store.load_gateways(), gateway.id)
            audit = await self._entry(self._gateways, (gateway.name,), former, gateway)
        return await self._store.save_gateway(gateway, expected=expected, audit=audit)

    async def delete_gateway(self, gateway: Gateway, *, audit: AuditEntry | None = None) -> None:
        """Delete a gateway."""
        if audit is None:
            audit = await self._entry(self._gateways, (gateway.name,), gateway, None)
        await self._store.delete_gateway(gateway, audit=audit)

    async def save_plan(
        self, plan: Plan, *, expected: Plan | None = None, audit: AuditEntry | None = None
    ) -> Plan:
        """Create or replace a plan."""
        if audit is None:
            former = _by_id(await self._store.load_plans(), plan.id)
            audit = await self._entry(self._plans, (plan.name,), former, plan)
        return await self._store.save_plan(plan, expected=expected, audit=audit)

    async def save_tariff(
        self, terms: TariffTerms, *, expected: TariffTerms | None = None, audit: AuditEntry | None = None
    ) -> TariffTerms:
        """Create or replace a tariff's terms."""
        if audit is None:
            former = _by_id(await self._store.load_tariffs(), terms.id)
            audit = await self._entry(self._tariffs, (terms.name,), former, terms)
        return await self._store.save_tariff(terms, expected=expected, audit=audit)

    async def delete_tariff(self, terms: TariffTerms, *, audit: AuditEntry | None = None) -> None:
        """Delete a tariff."""
        if audit is None:
            audit = await self._entry(self._tariffs, (terms.name,), terms, None)
        await self._store.delete_tariff(terms, audit=audit)

    async def write_rates(
        self, tariff_id: int, rates: Iterable[Rate], *, audit: AuditEntry | None = None
    ) -> int:
        """Insert or replace rates."""
        terms = _by_id(await self._store.load_tariffs(), tariff_id)
        if audit is None and terms is not None:
            facts: dict[str, Any] = {"rates": len(rates) if isinstance(rates, Sized) else "those of a sheet"}
            if isinstance(rates, Sequence) and len(rates) <= RATES_SHOWN:
                facts["rates"] = [await self._rates.facts(RateRecord(terms, rate)) for rate in rates]
            audit = self._command().entry("write_rates", f"tariffs/{terms.name}", after=facts)
        return await self._store.write_rates(tariff_id, rates, audit=audit)

    async def save_destinations(
        self, entries: Iterable[Any], *, removed: Collection[str] = (), audit: AuditEntry | None = None
    ) -> None:
        """Insert or replace entries of the destination directory, and remove others."""
        if audit is None:
            written = len(entries) if isinstance(entries, Sized) else "those of a sheet"
            facts = {"written": written, "removed": len(removed)}
            audit = self._command().entry("write", "destinations", after=facts)
        await self._store.save_destinations(entries, removed=removed, audit=audit)

    # ------------------------------------------------------------------------------ discounts

    async def save_discount_plan(
        self, plan: DiscountPlan, *, expected: DiscountPlan | None = None, audit: AuditEntry | None = None
    ) -> DiscountPlan:
        """Create or replace a discount plan."""
        if audit is None:
            former = _by_id(await self._store.load_discount_plans(), plan.id)
            audit = await self._entry(self._discount_plans, (plan.name,), former, plan)
        return await self._store.save_discount_plan(plan, expected=expected, audit=audit)

    async def delete_discount_plan(self, discount_plan_id: int, *, audit: AuditEntry | None = None) -> None:
        """Remove a discount plan."""
        former = _by_id(await self._store.load_discount_plans(), discount_plan_id)
        if audit is None and former is not None:
            audit = await self._entry(self._discount_plans, (former.name,), former, None)
        await self._store.delete_discount_plan(discount_plan_id, audit=audit)

    async def assign_discount(
        self, assignment: DiscountAssignment, *, audit: AuditEntry | None = None
    ) -> None:
        """Give somebody a discount plan."""
        if audit is None:
            audit = await self._assignment_entry("assign", assignment)
        await self._store.assign_discount(assignment, audit=audit)

    async def withdraw_discount(
        self, assignment: DiscountAssignment, *, audit: AuditEntry | None = None
    ) -> None:
        """Take a discount plan away."""
        if audit is None:
            audit = await self._assignment_entry("withdraw", assignment)
        await self._store.withdraw_discount(assignment, audit=audit)

    async def _assignment_entry(self, action: str, assignment: DiscountAssignment) -> AuditEntry:
        plan = _by_id(await self._store.load_discount_plans(), assignment.discount_plan_id)
        facts: dict[str, Any] = {"owner": assignment.owner.name.lower()}
        if assignment.account_id is not None:
            facts["account"] = f"accounts/{await account_name(self._store, assignment.account_id)}"
        if assignment.plan_id is not None:
            owner = _by_id(await self._store.load_plans(), assignment.plan_id)
            facts["plan"] = f"plans/{assignment.plan_id if owner is None else owner.name}"
        name = assignment.discount_plan_id if plan is None else plan.name
        return self._command().entry(action, f"discountPlans/{name}", after=facts)


def _by_id(records: Iterable[Any], key: int) -> Any:
    return next((record for record in records if record.id == key), None) if key else None

"""Accounts as resources: master data of whose money is spent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ocs.charging.master_data import check_currency, check_zone
from ocs.charging.posting import OPENING_KEY, Cashier, opening_order
from ocs.charging.resource.collection import Collection, Key
from ocs.charging.resource.fact import INT64_MAX, FactReader, Facts
from ocs.errors import InUseError
from ocs.ports import AuditEntry, CatalogStore, ChangeKind, Clock, LedgerStore, NewAccount
from ocs.quota.account import (
    AccountKind,
    AccountProfile,
    AccountStatus,
    CreditReset,
    opening_account,
)

ACCOUNTS_PER_READ: Final = 500
CALLS: Final = "voice"
"The key of `max_service_sessions` that bounds calls of all voice services together."
DATA_SESSIONS: Final = "data"
"The key that bounds data sessions."
_NEVER: Final = "never"
"How the facts call `CreditReset.NONE`."


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """An account's profile with the names of what it refers to."""

    profile: AccountProfile
    parent: str = ""
    opening_micros: int = 0
    "What a new one starts with."


class Accounts(Collection[AccountRecord]):
    """Whose money is spent."""

    segments = ("accounts",)
    title = "account"
    fixed = frozenset({"currency", "parent_account"})
    fields = frozenset(
        {
            "kind",
            "status",
            "plan",
            "credit_limit_micros",
            "time_zone",
            "activate_time",
            "expire_time",
            "max_sessions",
            "max_service_sessions",
            "daily_spend_limit_micros",
            "low_balance_threshold_micros",
            "credit_reset",
        }
    )

    def __init__(self, ledger: LedgerStore, catalog: CatalogStore, clock: Clock) -> None:
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock
        self._cashier = Cashier(ledger, catalog, clock)

    async def find(self, key: Key) -> AccountRecord | None:
        """The account with this name."""
        profile = await self._catalog.find_account(key[0])
        return None if profile is None else await self._record(profile)

    async def _record(self, profile: AccountProfile) -> AccountRecord:
        if profile.parent_id is None:
            return AccountRecord(profile=profile)
        chain = await self._catalog.load_chain(profile.parent_id)
        return AccountRecord(profile=profile, parent=chain[0].name)

    async def page(
        self, filters: Facts, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, AccountRecord]]:
        """Accounts by name; filters: `prefix`, `under` (a name) and `status`."""
        prefix, under, status = (str(filters.get(name) or "") for name in ("prefix", "under", "status"))
        found: list[tuple[Key, AccountRecord]] = []
        last = "" if after is None else after[0]
        while len(found) < limit:
            profiles = await self._catalog.list_accounts(prefix=prefix, after=last, limit=ACCOUNTS_PER_READ)
            for profile in profiles:
                if status and profile.status.value != status:
                    continue
                if under and under not in await self._ancestors(profile):
                    continue
                found.append(((profile.name,), await self._record(profile)))
            if len(profiles) < ACCOUNTS_PER_READ:
                break
            last = profiles[-1].name
        return found[:limit]

    async def _ancestors(self, profile: AccountProfile) -> Sequence[str]:
        if profile.parent_id is None:
            return ()
        return [link.name for link in await self._catalog.load_chain(profile.parent_id)]

    async def facts(self, record: AccountRecord) -> dict[str, Any]:
        """Master data."""
        (facts,) = await self.facts_of([record])
        return facts

    async def facts_of(self, records: Sequence[AccountRecord]) -> list[dict[str, Any]]:
        """Master data of many: an import makes thousands at once."""
        plans = {plan.id: f"plans/{plan.name}" for plan in await self._catalog.load_plans()}
        return [_facts(record, plans) for record in records]

    async def output_facts(self, record: AccountRecord) -> dict[str, Any]:
        """Live sums."""
        profile = record.profile
        if not profile.id:
            live = opening_account(0)
            live.balance_micros = record.opening_micros
        else:
            loaded = await self._ledger.load([profile.id], ())
            live = loaded.accounts.get(profile.id) or opening_account(profile.id)
        return {
            "balance_micros": live.balance_micros,
            "reserved_micros": live.reserved_micros,
            "available_micros": live.available_micros(profile.floor_micros),
            "open_sessions": live.open_sessions,
        }

    async def build(self, key: Key, facts: Facts, former: AccountRecord | None) -> AccountRecord:
        """The account that the facts say."""
        reader = FactReader(facts)
        place = "time_zone"
        zone = reader.text(place, "UTC")
        reader.attempt(place, check_zone, zone, place)
        plan_id, currency = await self._read_plan(reader, former)
        limits = reader.within("max_service_sessions")
        for name in reader.mapping("max_service_sessions"):
            if name not in (CALLS, DATA_SESSIONS):
                reader.refuse(f"max_service_sessions.{name}", f"only {CALLS} and {DATA_SESSIONS} are counted")
        values: dict[str, Any] = {
            "kind": reader.choice("kind", AccountKind, AccountKind.PREPAID),
            "currency": currency,
            "status": reader.choice("status", AccountStatus, AccountStatus.ACTIVE),
            "credit_limit_micros": reader.optional("credit_limit_micros", most=INT64_MAX),
            "plan_id": plan_id,
            "zone": zone,
            "activates_at_ms": reader.instant_ms("activate_time"),
            "expires_at_ms": reader.instant_ms("expire_time"),
            "max_sessions": reader.optional("max_sessions"),
            "max_voice_sessions": limits.optional(CALLS),
            "max_data_sessions": limits.optional(DATA_SESSIONS),
            "daily_spend_limit_micros": reader.optional("daily_spend_limit_micros", most=INT64_MAX),
            "low_balance_micros": reader.optional(
                "low_balance_threshold_micros", least=-INT64_MAX, most=INT64_MAX
            ),
            **self._read_reset(reader, former),
        }
        parent = reader.reference("parent_account", "accounts")
        if former is None and parent and await self._catalog.find_account(parent) is None:
            reader.refuse("parent_account", f"account {parent!r} does not exist")
        opening = reader.count("opening_micros", least=-INT64_MAX, most=INT64_MAX)
        reader.finish()
        if former is not None:
            return replace(former, profile=replace(former.profile, **values))
        profile = AccountProfile(id=0, name=key[0], **values)
        return AccountRecord(profile=profile, parent=parent, opening_micros=opening)

    async def _read_plan(self, reader: FactReader, former: AccountRecord | None) -> tuple[int | None, str]:
        """The plan's id, and the currency that goes with it."""
        wanted = former.profile.currency if former else reader.text("currency")
        if wanted:
            reader.attempt("currency", check_currency, wanted, "currency")
        name = reader.reference("plan", "plans")
        if not name:
            return None, wanted or "USD"
        plan = next((plan for plan in await self._catalog.load_plans() if plan.name == name), None)
        if plan is None:
            reader.refuse("plan", f"plan {name!r} does not exist")
            return None, wanted or "USD"
        ids = {*plan.tariffs.values(), plan.override_tariff_id}
        priced = {terms.currency for terms in await self._catalog.load_tariffs() if terms.id in ids}
        currency = wanted or min(priced, default="USD")
        if priced - {currency}:
            reader.refuse("plan", f"is priced in {', '.join(sorted(priced))}, not only in {currency}")
        return plan.id, currency

    def _read_reset(self, reader: FactReader, former: AccountRecord | None) -> dict[str, Any]:
        """The credit reset; periods that began before it was set reset nothing."""
        facts = reader.within("credit_reset")
        amount = facts.count("balance_micros", least=-INT64_MAX, most=INT64_MAX)
        cycle = CreditReset.NONE
        if facts.has("cycle") and facts.text("cycle") != _NEVER:
            cycle = facts.choice("cycle", CreditReset, CreditReset.NONE)
        if facts.count("billing_day"):
            facts.refuse("billing_day", "a balance is reset daily, weekly or monthly")
        profile = former.profile if former else AccountProfile(id=0, name="")
        is_new = cycle is not profile.reset_cycle
        return {
            "reset_cycle": cycle,
            "reset_amount_micros": amount,
            "reset_since_ms": self._clock.now_ms() if is_new else profile.reset_since_ms,
        }

    async def write(self, record: AccountRecord, former: AccountRecord | None, audit: AuditEntry) -> None:
        """Keep an account; a new one is given what it starts with at once."""
        if former is not None:
            await self._catalog.update_account(record.profile, expected=former.profile, audit=audit)
            return
        new = NewAccount(profile=record.profile, parent=record.parent or None)
        (profile,) = await self._catalog.create_accounts([new], audits=[audit])
        await self._open(profile, record.opening_micros)

    async def resume(self, key: Key, facts: Facts) -> None:
        """Book what a new account starts with, if the creation was interrupted before that."""
        profile = await self._catalog.find_account(key[0])
        if profile is not None:
            await self._open(profile, int(facts.get("opening_micros") or 0))

    async def _open(self, profile: AccountProfile, opening_micros: int) -> None:
        if opening_micros and await self._ledger.find_entry(profile.id, OPENING_KEY) is None:
            await self._cashier.book(profile, opening_order(opening_micros))
        else:
            await self._catalog.touch(ChangeKind.ACCOUNT, profile.id)

    async def erase(self, record: AccountRecord, audit: AuditEntry) -> None:
        """Delete an account whose balance never moved, without identities and children."""
        profile = record.profile
        loaded = await self._ledger.load([profile.id], ())
        if profile.id in loaded.accounts:
            raise InUseError(f"account {profile.name!r} is in the books: close it instead")
        await self._catalog.delete_account(profile, audit=audit)


def _facts(record: AccountRecord, plans: Mapping[int, str]) -> dict[str, Any]:
    """Master data; `plans` are names by id."""
    profile = record.profile
    limits = {CALLS: profile.max_voice_sessions, DATA_SESSIONS: profile.max_data_sessions}
    facts: dict[str, Any] = {
        "kind": profile.kind.value,
        "currency": profile.currency,
        "status": profile.status.value,
        "parent_account": f"accounts/{record.parent}" if record.parent else None,
        "plan": None if profile.plan_id is None else plans.get(profile.plan_id),
        "credit_limit_micros": profile.credit_limit_micros,
        "time_zone": profile.zone,
        "activate_time": profile.activates_at_ms,
        "expire_time": profile.expires_at_ms,
        "max_sessions": profile.max_sessions,
        "max_service_sessions": {name: most for name, most in limits.items() if most is not None},
        "daily_spend_limit_micros": profile.daily_spend_limit_micros,
        "low_balance_threshold_micros": profile.low_balance_micros,
    }
    if profile.reset_cycle is not CreditReset.NONE:
        facts["credit_reset"] = {
            "cycle": profile.reset_cycle.value,
            "balance_micros": profile.reset_amount_micros,
        }
    return {name: value for name, value in facts.items() if value is not None}

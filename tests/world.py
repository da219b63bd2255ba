"""A small operator to play stories with: catalogue, accounts and one gateway around the real engine.

Real engine, real stores; only time and identifiers are ours. Seconds in stories count from `EPOCH_MS`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from ocs.charging.administration import AccountOrder, Administration
from ocs.charging.engine import Engine, EngineLimits
from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType, Usage
from ocs.charging.service import Observers, SessionNotice
from ocs.ports import (
    AuditEntry,
    CatalogStore,
    DiscountAssignment,
    Gateway,
    GrantMode,
    GrantPolicy,
    Identity,
    IdentityKind,
    LedgerStore,
    Plan,
)
from ocs.quota.account import Account, AccountProfile
from ocs.quota.allowance import read_pools
from ocs.quota.session import Session
from ocs.rating.discount import DiscountPlan, DiscountRule, Owner
from ocs.rating.tariff import PriceSet, Rate, TariffTerms
from ocs.storage.memory import MemoryCatalogStore, MemoryLedgerStore
from ocs.units import DATA, MESSAGES, VOICE, AccessCode, Service, parse_money, parse_price

EPOCH_MS = 1_767_225_600_000
"2026-01-01 00:00 UTC, a Thursday."


class FakeClock:
    """Time that moves when the story says so."""

    def __init__(self) -> None:
        self.ms = EPOCH_MS

    def now_ms(self) -> int:
        """Epoch milliseconds of the story."""
        return self.ms


class CountedIds:
    """Identifiers 1, 2, 3..."""

    def __init__(self) -> None:
        self.last = 0

    def next_id(self) -> int:
        """The next number."""
        self.last += 1
        return self.last


def voice_prices(price: str, intervals: str = "60/60", first: str | None = None) -> PriceSet:
    """A price per minute in first and next intervals, ``voice_prices("0.10", "60/6")``."""
    first_interval, next_interval = intervals.split("/")
    return PriceSet(
        first_interval_s=int(first_interval),
        next_interval_s=int(next_interval),
        first_price_nanos=parse_price(first or price),
        next_price_nanos=parse_price(price),
    )


SLICE = GrantPolicy(mode=GrantMode.SLICE, slice_s=60, margin_s=0)
WHOLE = GrantPolicy(mode=GrantMode.WHOLE, max_grant_s=3600)


class Notices:
    """Equipment's side of what the engine tells by itself, in the order of telling."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, SessionNotice, str]] = []
        "(session key, notice, reason)"

    def session_changed(
        self,
        gateway_id: int,
        session_key: str,
        notice: SessionNotice,
        reason: str,
        *,
        peer_attributes: str = "",
    ) -> None:
        """Hear it."""
        self.heard.append((session_key, notice, reason))

    def take(self) -> list[tuple[str, SessionNotice, str]]:
        """What was heard since the last look."""
        heard, self.heard = self.heard, []
        return heard


class World:
    """One gateway, some tariffs and accounts. Use as an async context manager after describing them."""

    def __init__(
        self,
        *,
        stores: tuple[LedgerStore, CatalogStore] | None = None,
        grant: GrantPolicy = SLICE,
        limits: EngineLimits | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.ids = CountedIds()
        audit: list[AuditEntry] = []
        self.ledger, self.catalog = stores or (MemoryLedgerStore(audit), MemoryCatalogStore(audit))
        self.gateway = Gateway(id=0, name="gw", grant=grant)
        self.limits = limits or EngineLimits(tick_s=3600)
        self.notices = Notices()
        self.observers = Observers()
        self.observers.add(self.notices)
        self.administration = Administration(self.ledger, self.catalog, self.clock)
        self.engine: Engine

    # ---------------------------------------------------------------------- describing

    async def tariff(self, name: str, rates: Mapping[str, PriceSet], **terms: Any) -> None:
        """A tariff from destination to prices, and a plan of the same name that uses it for everything."""
        saved = await self.catalog.save_tariff(TariffTerms(id=0, name=name, **terms))
        await self.catalog.write_rates(
            saved.id, [Rate(destination=prefix, peak=prices) for prefix, prices in rates.items()]
        )
        services = (VOICE, DATA, MESSAGES)
        plan = Plan(id=0, name=name, tariffs={(s.name, AccessCode.OUTGOING): saved.id for s in services})
        await self.catalog.save_plan(plan)

    async def account(
        self, name: str, balance: str = "0", *, plan: str = "", parent: str = "", **fields: Any
    ) -> None:
        """An account with a username of the same name, without a secret unless one is given."""
        secret = fields.pop("secret", None)
        await self.administration.create_account(
            AccountOrder(
                place=name,
                profile=AccountProfile(id=0, name=name, **fields),
                plan=plan,
                parent=parent,
                opening_micros=parse_money(balance),
                identities=(Identity(kind=IdentityKind.USERNAME, value=name, account_id=0, secret=secret),),
            )
        )

    async def discount(
        self, name: str, *rules: DiscountRule, owner: Owner = Owner.ACCOUNT, account: str = "", plan: str = ""
    ) -> DiscountPlan:
        """A discount plan, new or with other rules, and somebody who has it from now on."""
        known = {saved.name: saved.id for saved in await self.catalog.load_discount_plans()}
        saved = await self.catalog.save_discount_plan(
            DiscountPlan(id=known.get(name, 0), name=name, rules=rules)
        )
        plans = {found.name: found.id for found in await self.catalog.load_plans()}
        profile = await self.catalog.find_account(account)
        if account or plan:
            await self.catalog.assign_discount(
                DiscountAssignment(
                    discount_plan_id=saved.id,
                    owner=owner,
                    account_id=profile.id if profile else None,
                    plan_id=plans[plan] if plan else None,
                    since_ms=self.clock.ms,
                )
            )
        return saved

    async def begin(self) -> Self:
        """Start the engine over what was described; again after `crash`."""
        if not self.gateway.id:
            self.gateway = await self.catalog.save_gateway(self.gateway)
        self.engine = Engine(
            ledger=self.ledger,
            catalog=self.catalog,
            clock=self.clock,
            ids=self.ids,
            limits=self.limits,
            observer=self.observers,
        )
        await self.engine.start()
        return self

    async def restart(self) -> None:
        """Orderly stop, then start with nothing in memory."""
        await self.engine.stop()
        await self.begin()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if hasattr(self, "engine"):
            await self.engine.stop()
        await self.ledger.close()
        await self.catalog.close()

    # ---------------------------------------------------------------------- playing

    def request(self, kind: RequestType, key: str, **fields: Any) -> ChargingRequest:
        """A request of the gateway, at the clock's time unless `at_s` says otherwise."""
        at_s = fields.pop("at_s", None)
        user = fields.pop("user", None)
        at_ms = self.clock.ms if at_s is None else EPOCH_MS + at_s * 1000
        if user is not None:
            fields["identities"] = ((IdentityKind.USERNAME, user),)
        return ChargingRequest(
            type=kind,
            gateway=self.gateway,
            session_key=key,
            received_at_ms=self.clock.ms,
            event_at_ms=at_ms,
            **fields,
        )

    async def ask(self, request: ChargingRequest) -> Outcome:
        """Charge and insist on an answer."""
        answer = await self.engine.charge(request)
        assert isinstance(answer, Outcome), answer
        return answer

    async def initial(self, key: str, user: str, to: str = "441", **fields: Any) -> Outcome:
        """Authorise a call."""
        return await self.ask(self.request(RequestType.INITIAL, key, user=user, called=to, **fields))

    async def start(self, key: str, user: str | None = None, to: str = "441", **fields: Any) -> Outcome:
        """The call is answered."""
        return await self.ask(
            self.request(RequestType.UPDATE, key, user=user, called=to, starts=True, usage=Usage(), **fields)
        )

    async def update(self, key: str, seconds: int = 0, user: str | None = None, **fields: Any) -> Outcome:
        """An interim report."""
        fields.setdefault("usage", Usage(seconds=seconds))
        fields.setdefault("called", "441")
        return await self.ask(self.request(RequestType.UPDATE, key, user=user, **fields))

    async def stop(self, key: str, seconds: int = 0, user: str | None = None, **fields: Any) -> Outcome:
        """The final report."""
        fields.setdefault("usage", Usage(seconds=seconds))
        fields.setdefault("called", "441")
        return await self.ask(self.request(RequestType.TERMINATION, key, user=user, **fields))

    async def event(
        self, key: str, user: str, action: RequestedAction, service: Service = MESSAGES, **fields: Any
    ) -> Outcome | NoAnswer:
        """A one-time event."""
        return await self.engine.charge(
            self.request(RequestType.EVENT, key, user=user, action=action, service=service, **fields)
        )

    def pass_seconds(self, seconds: int) -> None:
        """Let time pass."""
        self.clock.ms += seconds * 1000

    async def expire(self) -> None:
        """Let the engine look for silent sessions now, and wait until the books say so."""
        self.engine.expire_due()
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self.engine.is_busy:
            await asyncio.sleep(0)

    # ---------------------------------------------------------------------- looking

    async def state(self, name: str) -> Account:
        """An account's sums as the store has them."""
        profile = await self.catalog.find_account(name)
        assert profile is not None, name
        loaded = await self.ledger.load([profile.id], [])
        return loaded.accounts.get(profile.id) or Account(profile.id)

    async def free(self, name: str) -> int:
        """Balance that nothing holds."""
        account = await self.state(name)
        return account.balance_micros - account.reserved_micros

    async def balance(self, name: str) -> int:
        """The balance."""
        return (await self.state(name)).balance_micros

    async def pools(self, name: str) -> dict[str, tuple[int, int]]:
        """What is taken and held of the account's allowances, by rule, over all periods and levels."""
        sums: dict[str, tuple[int, int]] = {}
        for key, pool in read_pools(await self.state(name)).items():
            rule = key.split("|")[0].partition("/")[2]
            taken, held = sums.get(rule, (0, 0))
            sums[rule] = (taken + pool.taken, held + pool.held)
        return sums

    async def session(self, key: str) -> Session:
        """A session as the store has it."""
        loaded = await self.ledger.load([], [(self.gateway.id, key)])
        return loaded.sessions[(self.gateway.id, key)]

    async def charges(self, name: str) -> Sequence[int]:
        """What the account was charged, entry by entry, as positive micros."""
        profile = await self.catalog.find_account(name)
        assert profile is not None, name
        entries = await self.ledger.list_entries(profile.id)
        return [-entry.amount_micros for entry in entries if entry.kind == "charge"]

    async def set_profile(self, name: str, **fields: Any) -> None:
        """Change master data as an operator does, and let the engine see it."""
        profile = await self.catalog.find_account(name)
        assert profile is not None, name
        await self.catalog.update_account(replace(profile, **fields))
        await self.engine.follow_changes()

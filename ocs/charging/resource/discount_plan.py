"""Discount plans as resources: allowances and volume discounts, and who has them."""

from collections.abc import Sequence
from typing import Any, Final

from ocs.charging.audit import Command
from ocs.charging.resource.collection import Collection, Key, behind
from ocs.charging.resource.fact import INT64_MAX, FactReader, Facts
from ocs.errors import AlreadyExistsError, InputError, InputErrors, InUseError, NotFoundError
from ocs.ports import AuditEntry, CatalogStore, DiscountAssignment
from ocs.rating.destination import ANY, parse_destination
from ocs.rating.discount import Counting, DiscountPlan, DiscountRule, Ladder, Level, Owner
from ocs.rating.reset import ResetCycle

RULES_MAX: Final = 100
_PPM: Final = 1_000_000


class DiscountPlans(Collection[DiscountPlan]):
    """What is taken off prices."""

    segments = ("discountPlans",)
    title = "discount plan"
    fields = frozenset({"rules"})

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog

    async def find(self, key: Key) -> DiscountPlan | None:
        """The discount plan with this name."""
        plans = await self._catalog.load_discount_plans()
        return next((plan for plan in plans if plan.name == key[0]), None)

    async def page(
        self,
        filters: Facts,  # noqa: ARG002 - there are none
        after: Key | None,
        limit: int,
    ) -> Sequence[tuple[Key, DiscountPlan]]:
        """Discount plans by name."""
        return behind(
            [((plan.name,), plan) for plan in await self._catalog.load_discount_plans()], after, limit
        )

    async def facts(self, record: DiscountPlan) -> dict[str, Any]:
        """The rules."""
        return {"rules": [_rule_facts(rule) for rule in record.rules]}

    async def output_facts(self, record: DiscountPlan) -> dict[str, Any]:
        """Who has it."""
        if not record.id:
            return {}
        plans = {plan.id: plan.name for plan in await self._catalog.load_plans()}
        found = []
        for one in await self._catalog.list_discounts(record.id):
            facts: dict[str, Any] = {"owner": one.owner.name.lower(), "since_time": one.since_ms or None}
            if one.plan_id is not None:
                facts["plan"] = f"plans/{plans[one.plan_id]}"
            if one.account_id is not None:
                facts["account"] = f"accounts/{(await self._catalog.load_chain(one.account_id))[0].name}"
            found.append(facts)
        return {"assignments": found}

    async def build(self, key: Key, facts: Facts, former: DiscountPlan | None) -> DiscountPlan:
        """The discount plan that the facts say."""
        reader = FactReader(facts)
        groups = await load_groups(self._catalog)
        rules = [_read_rule(one, groups) for one in reader.each("rules")]
        if not 1 <= len(rules) <= RULES_MAX:
            reader.refuse("rules", f"{len(rules)} of them: 1 to {RULES_MAX} are needed")
        reader.finish()
        made = []
        for index, rule in enumerate(rules):
            try:
                made.append(DiscountRule(**rule))
            except InputError as error:
                reader.refuse(f"rules[{index}]", error.reason)
        reader.finish()
        try:
            return DiscountPlan(id=former.id if former else 0, name=key[0], rules=tuple(made))
        except InputError as error:
            raise InputErrors("fields", [InputError("rules", error.reason)]) from error

    async def write(self, record: DiscountPlan, former: DiscountPlan | None, audit: AuditEntry) -> None:
        """Keep a discount plan."""
        await self._catalog.save_discount_plan(record, expected=former, audit=audit)

    async def erase(self, record: DiscountPlan, audit: AuditEntry) -> None:
        """Delete a discount plan that nobody has."""
        try:
            await self._catalog.delete_discount_plan(record.id, audit=audit)
        except InputError as error:
            raise InUseError(str(error)) from error

    async def assign(self, key: Key, facts: Facts, command: Command) -> None:
        """Give somebody the discount plan; again, it changes nothing."""
        assignment = await self._assignment(key, facts, since_ms=command.at_ms)
        audit = command.entry("assign", self.name_of(key), after=dict(facts))
        try:
            await self._catalog.assign_discount(assignment, audit=audit)
        except AlreadyExistsError:
            if not await self._is_assigned(assignment):
                raise

    async def withdraw(self, key: Key, facts: Facts, command: Command) -> None:
        """Take the discount plan away from somebody; again, it changes nothing."""
        assignment = await self._assignment(key, facts, since_ms=command.at_ms)
        if await self._is_assigned(assignment):
            audit = command.entry("withdraw", self.name_of(key), before=dict(facts))
            await self._catalog.withdraw_discount(assignment, audit=audit)

    async def _is_assigned(self, wanted: DiscountAssignment) -> bool:
        return any(
            (one.owner, one.account_id, one.plan_id) == (wanted.owner, wanted.account_id, wanted.plan_id)
            for one in await self._catalog.list_discounts(wanted.discount_plan_id)
        )

    async def _assignment(self, key: Key, facts: Facts, *, since_ms: int) -> DiscountAssignment:
        record = await self.find(key)
        if record is None:
            raise NotFoundError(f"discount plan {key[0]!r} does not exist")
        reader = FactReader(facts)
        word = reader.text("owner").upper()
        if word not in Owner.__members__:
            reader.refuse("owner", "is needed: account, add_on, plan or customer")
        account, plan = reader.reference("account", "accounts"), reader.reference("plan", "plans")
        account_id, plan_id = None, None
        if account:
            profile = await self._catalog.find_account(account)
            account_id = profile.id if profile else None
            if profile is None:
                reader.refuse("account", f"account {account!r} does not exist")
        if plan:
            plan_id = next((one.id for one in await self._catalog.load_plans() if one.name == plan), None)
            if plan_id is None:
                reader.refuse("plan", f"plan {plan!r} does not exist")
        begins_ms = reader.instant_ms("since_time")
        reader.finish()
        try:
            return DiscountAssignment(
                discount_plan_id=record.id,
                owner=Owner[word],
                account_id=account_id,
                plan_id=plan_id,
                since_ms=since_ms if begins_ms is None else begins_ms,
            )
        except InputError as error:
            raise InputErrors("fields", [InputError("owner", error.reason)]) from error


async def load_groups(catalog: CatalogStore) -> dict[str, list[str]]:
    """Destination groups by name, with the prefixes of their destinations, in order."""
    groups: dict[str, list[str]] = {}
    for info in await catalog.load_destinations():
        if info.group:
            groups.setdefault(info.group, []).append(info.prefix)
    return {name: sorted(prefixes) for name, prefixes in sorted(groups.items())}


def _rule_facts(rule: DiscountRule) -> dict[str, Any]:
    return {
        "title": rule.name,
        "prefixes": ["any" if prefix == ANY else prefix for prefix in rule.prefixes],
        "counting": rule.counting.value,
        "ladders": [{"levels": [_level_facts(level) for level in ladder]} for ladder in rule.ladders],
        "reset_cycle": rule.reset.value,
        "billing_day": rule.billing_day if rule.reset is ResetCycle.BILLING_DAY else 0,
        "prorates": rule.prorates,
        "rollover_periods": rule.rollover_periods,
    }


def _level_facts(level: Level) -> dict[str, Any]:
    facts = {"upto": level.upto, "off_ppm": level.off_ppm}
    return {name: value for name, value in facts.items() if value is not None}


def _read_rule(reader: FactReader, groups: dict[str, list[str]]) -> dict[str, Any]:
    prefixes = [
        reader.attempt(f"prefixes[{index}]", _destination, str(text))
        for index, text in enumerate(reader.items("prefixes"))
    ]
    group = reader.reference("group", "destinationGroups")
    if group and group not in groups:
        reader.refuse("group", f"no destination names the group {group!r}")
    title = reader.text("title")
    if not title:
        reader.refuse("title", "is needed")
    known = [prefix for prefix in (*prefixes, *groups.get(group, ())) if prefix is not None]
    return {
        "name": title,
        "prefixes": tuple(dict.fromkeys(known)),
        "counting": reader.choice("counting", Counting, Counting.UNITS),
        "ladders": tuple(_read_ladder(one) for one in reader.each("ladders")),
        "reset": reader.choice("reset_cycle", ResetCycle, ResetCycle.NEVER),
        "billing_day": reader.count("billing_day", most=31) or 1,
        "prorates": reader.flag("prorates"),
        "rollover_periods": reader.count("rollover_periods", most=3),
    }


def _read_ladder(reader: FactReader) -> Ladder:
    return tuple(
        Level(one.optional("upto", least=1, most=INT64_MAX), one.count("off_ppm", most=_PPM))
        for one in reader.each("levels")
    )


def _destination(text: str) -> str:
    return ANY if text == "any" else parse_destination(text, "prefix")

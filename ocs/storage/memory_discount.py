"""The part of the catalogue in memory that is about discounts: plans, and who has them."""

from collections.abc import Sequence
from dataclasses import replace

from ocs.errors import AlreadyExistsError, ConflictError, InputError, NotFoundError
from ocs.ports import AuditEntry, ChangeKind, DiscountAssignment, Plan
from ocs.quota.account import AccountProfile
from ocs.rating.discount import DiscountPlan
from ocs.storage.memory_access import MemoryAccess


class MemoryDiscounts(MemoryAccess):
    """Discount plans and their assignments."""

    accounts: dict[int, AccountProfile]
    plans: dict[int, Plan]

    def __init__(self, audit: list[AuditEntry] | None = None) -> None:
        super().__init__(audit)
        self.discount_plans: dict[int, DiscountPlan] = {}
        self.last_discount_plan_id = 0
        self.discounts: list[DiscountAssignment] = []

    async def load_discount_plans(self) -> Sequence[DiscountPlan]:
        """Every discount plan, by name."""
        return sorted(self.discount_plans.values(), key=lambda plan: plan.name)

    async def account_discounts(self, account_ids: Sequence[int]) -> Sequence[DiscountAssignment]:
        """What these accounts have themselves; see the port."""
        return [one for one in self.discounts if one.account_id in account_ids]

    async def plan_discounts(self) -> Sequence[DiscountAssignment]:
        """What comes with plans; see the port."""
        return [one for one in self.discounts if one.plan_id is not None]

    async def list_discounts(self, discount_plan_id: int) -> Sequence[DiscountAssignment]:
        """Who has a discount plan; see the port."""
        return [one for one in self.discounts if one.discount_plan_id == discount_plan_id]

    async def save_discount_plan(
        self, plan: DiscountPlan, *, expected: DiscountPlan | None = None, audit: AuditEntry | None = None
    ) -> DiscountPlan:
        """Create or replace a discount plan; see the port."""
        if plan.id and plan.id not in self.discount_plans:
            raise NotFoundError(f"discount_plan {plan.id} does not exist")
        others = (other for other in self.discount_plans.values() if other.id != plan.id)
        if any(other.name == plan.name for other in others):
            raise AlreadyExistsError(f"discount_plan {plan.name!r} exists already")
        if expected is not None and self.discount_plans[plan.id] != expected:
            raise ConflictError(f"discount plan {plan.name!r} was changed meanwhile")
        await self._append_audits(audit)
        if not plan.id:
            self.last_discount_plan_id += 1
            plan = replace(plan, id=self.last_discount_plan_id)
        self.discount_plans[plan.id] = plan
        self._changed(ChangeKind.DISCOUNT, plan.id)
        return plan

    async def delete_discount_plan(self, discount_plan_id: int, *, audit: AuditEntry | None = None) -> None:
        """Remove a discount plan; see the port."""
        if discount_plan_id not in self.discount_plans:
            raise NotFoundError(f"discount_plan {discount_plan_id} does not exist")
        owners = len(await self.list_discounts(discount_plan_id))
        if owners:
            name = self.discount_plans[discount_plan_id].name
            raise InputError(f"discount plan {name}", f"is assigned {owners} time(s); take it away first")
        await self._append_audits(audit)
        del self.discount_plans[discount_plan_id]
        self._changed(ChangeKind.DISCOUNT, discount_plan_id)

    async def assign_discount(
        self, assignment: DiscountAssignment, *, audit: AuditEntry | None = None
    ) -> None:
        """Give somebody a discount plan; see the port."""
        for what, key, known in (
            ("discount_plan", assignment.discount_plan_id, self.discount_plans),
            ("account", assignment.account_id, self.accounts),
            ("plan", assignment.plan_id, self.plans),
        ):
            if key is not None and key not in known:
                raise NotFoundError(f"{what} {key} does not exist")
        if self._find(assignment) is not None:
            name = self.discount_plans[assignment.discount_plan_id].name
            raise AlreadyExistsError(f"discount plan {name!r} is assigned there already")
        await self._append_audits(audit)
        self.discounts.append(assignment)
        self._assigned(assignment)

    async def withdraw_discount(
        self, assignment: DiscountAssignment, *, audit: AuditEntry | None = None
    ) -> None:
        """Take a discount plan away; see the port."""
        found = self._find(assignment)
        if found is None:
            raise NotFoundError(f"discount_plan {assignment.discount_plan_id} is not assigned there")
        await self._append_audits(audit)
        self.discounts.remove(found)
        self._assigned(assignment)

    def _find(self, wanted: DiscountAssignment) -> DiscountAssignment | None:
        return next((one for one in self.discounts if replace(one, since_ms=wanted.since_ms) == wanted), None)

    def _assigned(self, assignment: DiscountAssignment) -> None:
        if assignment.account_id is not None:
            self._changed(ChangeKind.ACCOUNT, assignment.account_id)
        else:
            self._changed(ChangeKind.DISCOUNT, assignment.discount_plan_id)

"""Discounts on SQL: plans with their rules, and who has them."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, delete, func, insert, select, update

from ocs.errors import AlreadyExistsError, ConflictError, InputError, NotFoundError
from ocs.ports import AuditEntry, ChangeKind, DiscountAssignment
from ocs.rating.discount import Counting, DiscountPlan, DiscountRule, Level, Owner
from ocs.rating.reset import ResetCycle
from ocs.storage.sql.access import add_audits
from ocs.storage.sql.database import Database
from ocs.storage.sql.rate import log_change
from ocs.storage.sql.schema import account, discount_assignment, discount_plan, discount_rule, plan
from ocs.storage.sql.statement import select_text, slot

_OF_ACCOUNT: Final = select_text(
    select(discount_assignment)
    .where(discount_assignment.c.account_id == slot(1))
    .order_by(discount_assignment.c.id)
)


class SqlDiscounts:
    """The part of the catalogue that is about discounts."""

    _database: Database

    async def load_discount_plans(self) -> Sequence[DiscountPlan]:
        """Every discount plan, by name."""

        def read(connection: Connection) -> list[DiscountPlan]:
            rules: dict[int, list[DiscountRule]] = {}
            for row in connection.execute(select(discount_rule).order_by(discount_rule.c.ordinal)):
                rules.setdefault(row.discount_plan_id, []).append(_rule_of(row))
            rows = connection.execute(select(discount_plan).order_by(discount_plan.c.name))
            return [
                DiscountPlan(id=row.id, name=row.name, rules=tuple(rules.get(row.id, ()))) for row in rows
            ]

        return await self._database.read(read)

    async def account_discounts(self, account_ids: Sequence[int]) -> Sequence[DiscountAssignment]:
        """What these accounts have themselves; on the calling thread, because requests wait for it."""

        def read(reader: sqlite3.Connection) -> list[Sequence[Any]]:
            found = (reader.execute(_OF_ACCOUNT, (account_id,)).fetchall() for account_id in account_ids)
            return sorted(row for rows in found for row in rows)

        return [_assignment_of(row) for row in self._database.read_now(read)]

    async def plan_discounts(self) -> Sequence[DiscountAssignment]:
        """What comes with plans, the first assigned first."""
        return await self._assignments(discount_assignment.c.plan_id.is_not(None))

    async def list_discounts(self, discount_plan_id: int) -> Sequence[DiscountAssignment]:
        """Who has a discount plan, the first assigned first."""
        return await self._assignments(discount_assignment.c.discount_plan_id == discount_plan_id)

    async def _assignments(self, condition: ColumnElement[bool]) -> Sequence[DiscountAssignment]:
        statement = select(discount_assignment).where(condition).order_by(discount_assignment.c.id)
        return await self._database.read(
            lambda connection: [_assignment_of(row) for row in connection.execute(statement)]
        )

    async def save_discount_plan(
        self, plan: DiscountPlan, *, expected: DiscountPlan | None = None, audit: AuditEntry | None = None
    ) -> DiscountPlan:
        """Create (id 0) or replace a discount plan; returned with its id."""

        def write(connection: Connection) -> DiscountPlan:
            if expected is not None and _stored(connection, plan.id) != expected:
                raise ConflictError(f"discount plan {plan.name!r} was changed meanwhile")
            saved = replace(plan, id=_save_name(connection, plan))
            connection.execute(delete(discount_rule).where(discount_rule.c.discount_plan_id == saved.id))
            if saved.rules:
                connection.execute(insert(discount_rule), _rule_rows(saved))
            add_audits(connection, audit)
            log_change(connection, ChangeKind.DISCOUNT, [saved.id])
            return saved

        return await self._database.write(write)

    async def delete_discount_plan(self, discount_plan_id: int, *, audit: AuditEntry | None = None) -> None:
        """Remove a discount plan that nobody has."""

        def write(connection: Connection) -> None:
            name = _name_of(connection, discount_plan_id)
            assigned = discount_assignment.c.discount_plan_id == discount_plan_id
            owners = connection.scalar(select(func.count()).select_from(discount_assignment).where(assigned))
            if owners:
                raise InputError(f"discount plan {name}", f"is assigned {owners} time(s); take it away first")
            connection.execute(delete(discount_plan).where(discount_plan.c.id == discount_plan_id))
            add_audits(connection, audit)
            log_change(connection, ChangeKind.DISCOUNT, [discount_plan_id])

        await self._database.write(write)

    async def assign_discount(
        self, assignment: DiscountAssignment, *, audit: AuditEntry | None = None
    ) -> None:
        """Give somebody a discount plan."""

        def write(connection: Connection) -> None:
            name = _name_of(connection, assignment.discount_plan_id)
            _check_exists(connection, account, assignment.account_id)
            _check_exists(connection, plan, assignment.plan_id)
            if connection.execute(_select(assignment)).first() is not None:
                raise AlreadyExistsError(f"discount plan {name!r} is assigned there already")
            connection.execute(
                insert(discount_assignment).values(
                    discount_plan_id=assignment.discount_plan_id,
                    owner=assignment.owner.name.lower(),
                    account_id=assignment.account_id,
                    plan_id=assignment.plan_id,
                    since_ms=assignment.since_ms,
                )
            )
            add_audits(connection, audit)
            _log(connection, assignment)

        await self._database.write(write)

    async def withdraw_discount(
        self, assignment: DiscountAssignment, *, audit: AuditEntry | None = None
    ) -> None:
        """Take a discount plan away."""

        def write(connection: Connection) -> None:
            key = connection.scalar(_select(assignment))
            if key is None:
                raise NotFoundError(f"discount_plan {assignment.discount_plan_id} is not assigned there")
            connection.execute(delete(discount_assignment).where(discount_assignment.c.id == key))
            add_audits(connection, audit)
            _log(connection, assignment)

        await self._database.write(write)


def _stored(connection: Connection, key: int) -> DiscountPlan:
    """The discount plan with this id, or NotFoundError."""
    name = _name_of(connection, key)
    rules = select(discount_rule).where(discount_rule.c.discount_plan_id == key)
    rows = connection.execute(rules.order_by(discount_rule.c.ordinal))
    return DiscountPlan(id=key, name=name, rules=tuple(_rule_of(row) for row in rows))


def _save_name(connection: Connection, saved: DiscountPlan) -> int:
    """Insert the plan when its id is 0, else rename the one with its id; the id."""
    column = discount_plan.c
    other = select(column.id).where(column.name == saved.name, column.id != saved.id)
    if connection.execute(other).first() is not None:
        raise AlreadyExistsError(f"discount_plan {saved.name!r} exists already")
    if saved.id:
        _name_of(connection, saved.id)
        connection.execute(update(discount_plan).where(column.id == saved.id).values(name=saved.name))
        return saved.id
    added = connection.execute(insert(discount_plan).values(name=saved.name)).inserted_primary_key
    assert added is not None, "a single row was inserted"
    return int(added[0])


def _name_of(connection: Connection, discount_plan_id: int) -> str:
    name = connection.scalar(select(discount_plan.c.name).where(discount_plan.c.id == discount_plan_id))
    if name is None:
        raise NotFoundError(f"discount_plan {discount_plan_id} does not exist")
    return str(name)


def _check_exists(connection: Connection, table: Table, key: int | None) -> None:
    if key is not None and connection.execute(select(table.c.id).where(table.c.id == key)).first() is None:
        raise NotFoundError(f"{table.name} {key} does not exist")


def _select(assignment: DiscountAssignment) -> Select[tuple[int]]:
    """Id of the same assignment, whenever it was made."""
    column = discount_assignment.c
    return select(column.id).where(
        column.discount_plan_id == assignment.discount_plan_id,
        column.owner == assignment.owner.name.lower(),
        column.account_id.is_not_distinct_from(assignment.account_id),
        column.plan_id.is_not_distinct_from(assignment.plan_id),
    )


def _log(connection: Connection, assignment: DiscountAssignment) -> None:
    if assignment.account_id is not None:
        log_change(connection, ChangeKind.ACCOUNT, [assignment.account_id])
    else:
        log_change(connection, ChangeKind.DISCOUNT, [assignment.discount_plan_id])


def _rule_rows(saved: DiscountPlan) -> list[dict[str, Any]]:
    return [
        {
            "discount_plan_id": saved.id,
            "ordinal": ordinal,
            "name": rule.name,
            "prefixes": json.dumps(rule.prefixes),
            "counting": rule.counting.value,
            "ladders": json.dumps(rule.ladders, separators=(",", ":")),
            "reset": rule.reset.value,
            "billing_day": rule.billing_day,
            "prorates": rule.prorates,
            "rollover_periods": rule.rollover_periods,
        }
        for ordinal, rule in enumerate(saved.rules)
    ]


def _rule_of(row: Any) -> DiscountRule:
    return DiscountRule(
        name=row.name,
        prefixes=tuple(json.loads(row.prefixes)),
        counting=Counting(row.counting),
        ladders=tuple(tuple(Level(*level) for level in ladder) for ladder in json.loads(row.ladders)),
        reset=ResetCycle(row.reset),
        billing_day=row.billing_day,
        prorates=bool(row.prorates),
        rollover_periods=row.rollover_periods,
    )


def _assignment_of(row: Sequence[Any]) -> DiscountAssignment:
    _, discount_plan_id, owner, account_id, plan_id, since_ms = row
    return DiscountAssignment(
        discount_plan_id=discount_plan_id,
        owner=Owner[owner.upper()],
        account_id=account_id,
        plan_id=plan_id,
        since_ms=since_ms,
    )

"""Deleting catalogue records on SQL: it must be what the caller saw, and nothing may refer to it."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select

from ocs.errors import ConflictError, InUseError, NotFoundError
from ocs.ports import AuditEntry, ChangeKind, Gateway, Plan
from ocs.quota.account import AccountProfile
from ocs.rating.tariff import TariffTerms
from ocs.storage.sql import record, schema
from ocs.storage.sql.access import add_audits
from ocs.storage.sql.database import Database
from ocs.storage.sql.rate import log_change
from ocs.storage.vault import Vault


class SqlRemoval:
    """The part of the catalogue that deletes."""

    _database: Database
    _vault: Vault

    async def delete_account(self, profile: AccountProfile, *, audit: AuditEntry | None = None) -> None:
        """Delete an account without identities and children."""
        title = f"account {profile.name!r}"

        def write(connection: Connection) -> None:
            row = _row(connection, schema.account, profile.id, title)
            check_unchanged(title, record.account_of(row), profile)
            identity, account = schema.identity, schema.account
            _check_unused(connection, identity, identity.c.account_id == profile.id, f"{title} has identity")
            _check_unused(connection, account, account.c.parent_id == profile.id, f"{title} is the parent of")
            _check_no_discount(connection, schema.discount_assignment.c.account_id == profile.id, title)
            _delete(connection, schema.account, profile.id)
            add_audits(connection, audit)
            log_change(connection, ChangeKind.ACCOUNT, [profile.id])

        await self._database.write(write)

    async def delete_gateway(self, gateway: Gateway, *, audit: AuditEntry | None = None) -> None:
        """Delete a gateway."""
        title = f"gateway {gateway.name!r}"

        def write(connection: Connection) -> None:
            check_unchanged(title, stored_gateway(connection, gateway.id, self._vault), gateway)
            _delete(connection, schema.gateway, gateway.id)
            add_audits(connection, audit)
            log_change(connection, ChangeKind.GATEWAY, [gateway.id])

        await self._database.write(write)

    async def delete_plan(self, plan: Plan, *, audit: AuditEntry | None = None) -> None:
        """Delete a plan that no account and no identity has."""
        title = f"plan {plan.name!r}"

        def write(connection: Connection) -> None:
            check_unchanged(title, stored_plan(connection, plan.id), plan)
            for table in (schema.account, schema.identity):
                _check_unused(
                    connection, table, table.c.plan_id == plan.id, f"{title} is that of {table.name}"
                )
            _check_no_discount(connection, schema.discount_assignment.c.plan_id == plan.id, title)
            connection.execute(delete(schema.plan_tariff).where(schema.plan_tariff.c.plan_id == plan.id))
            _delete(connection, schema.plan, plan.id)
            add_audits(connection, audit)
            log_change(connection, ChangeKind.PLAN, [plan.id])

        await self._database.write(write)

    async def delete_tariff(self, terms: TariffTerms, *, audit: AuditEntry | None = None) -> None:
        """Delete a tariff that has no rates and that no plan and no identity names."""
        title = f"tariff {terms.name!r}"

        def write(connection: Connection) -> None:
            check_unchanged(title, stored_tariff(connection, terms.id), terms)
            in_plans = select(schema.plan_tariff.c.plan_id).where(schema.plan_tariff.c.tariff_id == terms.id)
            plan = schema.plan
            is_named = or_(plan.c.override_tariff_id == terms.id, plan.c.id.in_(in_plans))
            _check_unused(connection, plan, is_named, f"{title} is in plan")
            identity = schema.identity
            is_paid_out = identity.c.payback_tariff_id == terms.id
            _check_unused(connection, identity, is_paid_out, f"{title} is the payback tariff of identity")
            first_rate = select(schema.rate.c.destination).where(schema.rate.c.tariff_id == terms.id).limit(1)
            if connection.execute(first_rate).first() is not None:
                raise InUseError(f"{title} has rates, which the books refer to")
            imports = schema.rate_import
            connection.execute(delete(imports).where(imports.c.tariff_id == terms.id))
            _delete(connection, schema.tariff, terms.id)
            add_audits(connection, audit)
            log_change(connection, ChangeKind.TARIFF, [terms.id])

        await self._database.write(write)


def check_unchanged(what: str, stored: object, expected: object) -> None:
    """ConflictError when another record than the expected one is there; None expects nothing."""
    if expected is not None and stored != expected:
        raise ConflictError(f"{what} was changed meanwhile")


def stored_gateway(connection: Connection, key: int, vault: Vault) -> Gateway:
    """The gateway with this id, or NotFoundError."""
    return record.gateway_of(_row(connection, schema.gateway, key, f"gateway {key}"), vault)


def stored_tariff(connection: Connection, key: int) -> TariffTerms:
    """The tariff with this id, or NotFoundError."""
    return record.tariff_of(_row(connection, schema.tariff, key, f"tariff {key}"))


def stored_plan(connection: Connection, key: int) -> Plan:
    """The plan with this id, or NotFoundError."""
    row = _row(connection, schema.plan, key, f"plan {key}")
    tariffs = select(schema.plan_tariff).where(schema.plan_tariff.c.plan_id == key)
    return record.plan_of(row, [found._asdict() for found in connection.execute(tariffs)])


def _row(connection: Connection, table: Table, key: int, title: str) -> dict[str, Any]:
    row = connection.execute(select(table).where(table.c.id == key)).first()
    if row is None:
        raise NotFoundError(f"{title} does not exist")
    return row._asdict()


def _check_unused(connection: Connection, table: Table, condition: ColumnElement[bool], reason: str) -> None:
    """InUseError when some row meets the condition; the row's name, or value, follows the reason."""
    row = connection.execute(select(table).where(condition).limit(1)).first()
    if row is not None:
        found = row._asdict()
        raise InUseError(f"{reason} {found.get('name') or found['value']!r}")


def _check_no_discount(connection: Connection, condition: ColumnElement[bool], title: str) -> None:
    """InUseError when a discount plan is assigned where the condition says."""
    found = select(schema.discount_plan.c.name).join(
        schema.discount_assignment,
        schema.discount_assignment.c.discount_plan_id == schema.discount_plan.c.id,
    )
    name = connection.scalar(found.where(condition).limit(1))
    if name is not None:
        raise InUseError(f"{title} has discount plan {name!r}")


def _delete(connection: Connection, table: Table, key: int) -> None:
    connection.execute(delete(table).where(table.c.id == key))

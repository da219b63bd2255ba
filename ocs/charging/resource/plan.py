"""Plans as resources."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ocs.charging.resource.collection import Collection, Key, behind
from ocs.charging.resource.fact import FactReader, Facts
from ocs.ports import AuditEntry, CatalogStore, Plan
from ocs.units import SERVICES, AccessCode


class Plans(Collection[Plan]):
    """Which tariff prices which service."""

    segments = ("plans",)
    title = "plan"
    fields = frozenset({"tariffs", "override_tariff", "bill_by_ani"})

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog

    async def find(self, key: Key) -> Plan | None:
        """The plan with this name."""
        return next((plan for plan in await self._catalog.load_plans() if plan.name == key[0]), None)

    async def page(
        self,
        filters: Facts,  # noqa: ARG002 - there are none
        after: Key | None,
        limit: int,
    ) -> Sequence[tuple[Key, Plan]]:
        """Plans by name."""
        return behind([((plan.name,), plan) for plan in await self._catalog.load_plans()], after, limit)

    async def facts(self, record: Plan) -> dict[str, Any]:
        """Tariffs by name."""
        names = {terms.id: f"tariffs/{terms.name}" for terms in await self._catalog.load_tariffs()}
        services = sorted(record.tariffs.items(), key=lambda item: (item[0][0], item[0][1].value))
        facts: dict[str, Any] = {
            "tariffs": [
                {"service": service, "access_code": code.value.lower(), "tariff": names[tariff_id]}
                for (service, code), tariff_id in services
            ],
            "bill_by_ani": record.bill_by_ani,
        }
        if record.override_tariff_id is not None:
            facts["override_tariff"] = names[record.override_tariff_id]
        return facts

    async def build(self, key: Key, facts: Facts, former: Plan | None) -> Plan:
        """The plan that the facts say."""
        ids = {terms.name: terms.id for terms in await self._catalog.load_tariffs()}
        reader = FactReader(facts)
        tariffs: dict[tuple[str, AccessCode], int] = {}
        for one in reader.each("tariffs"):
            service = one.text("service")
            if service not in SERVICES:
                one.refuse("service", f"{service!r} is no service; there are {', '.join(SERVICES)}")
            slot = (service, one.choice("access_code", AccessCode, AccessCode.OUTGOING))
            if slot in tariffs:
                one.refuse("service", f"{service} {slot[1].value.lower()} is there twice")
            tariff_id = _tariff_id(one, "tariff", ids)
            if not one.has("tariff"):
                one.refuse("tariff", "is needed")
            tariffs[slot] = tariff_id or 0
        record = Plan(
            id=former.id if former else 0,
            name=key[0],
            tariffs=tariffs,
            override_tariff_id=_tariff_id(reader, "override_tariff", ids),
            bill_by_ani=reader.flag("bill_by_ani"),
        )
        reader.finish()
        # What this collection does not show stays as it is.
        return record if former is None else replace(former, **_shown(record))

    async def write(self, record: Plan, former: Plan | None, audit: AuditEntry) -> None:
        """Keep a plan."""
        await self._catalog.save_plan(record, expected=former, audit=audit)

    async def erase(self, record: Plan, audit: AuditEntry) -> None:
        """Delete a plan that nobody has."""
        await self._catalog.delete_plan(record, audit=audit)


def _shown(plan: Plan) -> dict[str, Any]:
    return {
        "tariffs": plan.tariffs,
        "override_tariff_id": plan.override_tariff_id,
        "bill_by_ani": plan.bill_by_ani,
    }


def _tariff_id(reader: FactReader, field: str, ids: dict[str, int]) -> int | None:
    name = reader.reference(field, "tariffs")
    if name and name not in ids:
        reader.refuse(field, f"tariff {name!r} does not exist")
    return ids.get(name)

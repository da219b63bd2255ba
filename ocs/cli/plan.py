"""``ocs plan``: which tariff prices which service."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, choose, print_facts, print_records
from ocs.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ocs.ports import Plan
    from ocs.units import AccessCode

app = typer.Typer(name="plan", help="Plans: which tariff prices which service.", no_args_is_help=True)

_COLUMNS = (
    Column("name", "name"),
    Column("services", "services"),
    Column("override_tariff", "override tariff"),
    Column("bill_by_ani", "bill by ANI"),
)


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    tariffs: Annotated[
        list[str],
        typer.Option(
            "--tariff", help="SERVICE=TARIFF, or SERVICE/INCOMING=TARIFF; may be given several times."
        ),
    ],
    override: Annotated[
        str | None, typer.Option("--override", help="Tariff searched beside them; wins a tie.")
    ] = None,
    bill_by_ani: Annotated[
        bool, typer.Option("--bill-by-ani", help="Price incoming calls by the caller's number.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Create a plan."""
    from ocs.charging.master_data import check_name
    from ocs.ports import Plan

    check_name(name, "NAME")
    services = dict(_parse_service(text) for text in tariffs)
    if len(services) < len(tariffs):
        raise InputError("--tariff", "names a service and direction twice")

    async def use(books: Books) -> Record:
        ids = {terms.name: terms.id for terms in await books.catalog.load_tariffs()}
        for tariff in (*services.values(), *([override] if override else [])):
            if tariff not in ids:
                raise NotFoundError(f"tariff {tariff!r} does not exist")
        plan = await books.catalog.save_plan(
            Plan(
                id=0,
                name=name,
                tariffs={service: ids[tariff] for service, tariff in services.items()},
                override_tariff_id=ids[override] if override else None,
                bill_by_ani=bill_by_ani,
            )
        )
        return plan_record(plan, {tariff_id: name for name, tariff_id in ids.items()})

    print_facts(use_books(context, use), as_json=as_json)


@app.command("list")
def list_plans(context: typer.Context, as_json: Json = False) -> None:
    """List the plans."""

    async def use(books: Books) -> "Sequence[Record]":
        names = {terms.id: terms.name for terms in await books.catalog.load_tariffs()}
        plans = await books.catalog.load_plans()
        return [plan_record(plan, names) for plan in sorted(plans, key=lambda one: one.name)]

    print_records(use_books(context, use), _COLUMNS, as_json=as_json, title="plans")


def plan_record(plan: "Plan", tariff_names: "Mapping[int, str]") -> dict[str, Any]:
    """A plan for people and scripts."""
    services = [
        f"{service}/{access_code.value}={tariff_names.get(tariff_id, '?')}"
        for (service, access_code), tariff_id in sorted(
            plan.tariffs.items(), key=lambda item: (item[0][0], item[0][1].value)
        )
    ]
    override = plan.override_tariff_id
    return {
        "name": plan.name,
        "services": ", ".join(services),
        "override_tariff": None if override is None else tariff_names.get(override, "?"),
        "bill_by_ani": plan.bill_by_ani,
    }


def _parse_service(text: str) -> "tuple[tuple[str, AccessCode], str]":
    from ocs.units import SERVICES, AccessCode

    place = f"--tariff {text}"
    left, equals, tariff = text.partition("=")
    service, _, direction = left.partition("/")
    if not equals or not tariff.strip():
        raise InputError(place, "is not SERVICE=TARIFF or SERVICE/INCOMING=TARIFF")
    if service.strip() not in SERVICES:
        raise InputError(place, f"{service!r} is no service; there are {', '.join(SERVICES)}")
    access_code = choose(AccessCode, direction or "OUTGOING", place)
    return (service.strip(), access_code), tariff.strip()

"""``ocs plan``: which tariff prices which service."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, choose, print_facts, print_json, print_records, say
from ocs.cli.operator import command_of
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

Name = Annotated[str, typer.Argument(help="Its name.", show_default=False)]


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
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
    from ocs.charging.resource.fact import check_id

    check_id(name, "NAME")
    facts = {
        "tariffs": _tariff_facts(tariffs),
        "override_tariff": f"tariffs/{override}" if override else None,
        "bill_by_ani": bill_by_ani,
    }

    async def use(books: Books) -> Record:
        from ocs.charging.resource.plan import Plans
        from ocs.charging.resource.registrar import Registrar

        await _check_tariffs(books, facts)
        plans = Plans(books.catalog)
        await Registrar(books.catalog).create(plans, (name,), facts, command_of(books))
        return await _shown(books, name)

    print_facts(use_books(context, use), as_json=as_json)


@app.command("set")
def change(
    context: typer.Context,
    name: Name,
    tariffs: Annotated[
        list[str] | None,
        typer.Option("--tariff", help="SERVICE=TARIFF, or SERVICE/INCOMING=TARIFF; takes the place of all."),
    ] = None,
    override: Annotated[
        str | None, typer.Option("--override", help="Tariff searched beside them; empty: none.")
    ] = None,
    bill_by_ani: Annotated[
        bool | None,
        typer.Option("--bill-by-ani/--no-bill-by-ani", help="Price incoming calls by the caller's number."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Change a plan; sessions under way keep the rates they began with."""
    facts: dict[str, Any] = {}
    if tariffs is not None:
        facts["tariffs"] = _tariff_facts(tariffs)
    if override is not None:
        facts["override_tariff"] = f"tariffs/{override}" if override else None
    if bill_by_ani is not None:
        facts["bill_by_ani"] = bill_by_ani
    if not facts:
        raise InputError("plan set", "nothing to change was given")

    async def use(books: Books) -> Record:
        from ocs.charging.resource.plan import Plans
        from ocs.charging.resource.registrar import Registrar

        await _check_tariffs(books, facts)
        plans = Plans(books.catalog)
        await Registrar(books.catalog).update(plans, (name,), facts, list(facts), command_of(books))
        return await _shown(books, name)

    print_facts(use_books(context, use), as_json=as_json)


@app.command("show")
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a plan."""
    print_facts(use_books(context, lambda books: _shown(books, name)), as_json=as_json)


@app.command("delete")
def delete(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Delete a plan that no account and no identity has."""

    async def use(books: Books) -> None:
        from ocs.charging.resource.plan import Plans
        from ocs.charging.resource.registrar import Registrar

        await Registrar(books.catalog).delete(Plans(books.catalog), (name,), command_of(books))

    use_books(context, use)
    if as_json:
        print_json({"name": name, "deleted": True})
    else:
        say(f"Deleted plan {name}.")


@app.command("list")
def list_plans(context: typer.Context, as_json: Json = False) -> None:
    """List the plans."""

    async def use(books: Books) -> "Sequence[Record]":
        names = {terms.id: terms.name for terms in await books.catalog.load_tariffs()}
        plans = await books.catalog.load_plans()
        return [plan_record(plan, names) for plan in sorted(plans, key=lambda one: one.name)]

    print_records(use_books(context, use), _COLUMNS, as_json=as_json, title="plans")


async def _shown(books: Books, name: str) -> Record:
    names = {terms.id: terms.name for terms in await books.catalog.load_tariffs()}
    for plan in await books.catalog.load_plans():
        if plan.name == name:
            return plan_record(plan, names)
    raise NotFoundError(f"plan {name!r} does not exist")


async def _check_tariffs(books: Books, facts: "Mapping[str, Any]") -> None:
    """NotFoundError for the first tariff that there is not."""
    known = {f"tariffs/{terms.name}" for terms in await books.catalog.load_tariffs()}
    named = [one["tariff"] for one in facts.get("tariffs", ())]
    if facts.get("override_tariff"):
        named.append(facts["override_tariff"])
    for tariff in named:
        if tariff not in known:
            raise NotFoundError(f"tariff {tariff.partition('/')[2]!r} does not exist")


def _tariff_facts(texts: list[str]) -> list[dict[str, str]]:
    services = dict(_parse_service(text) for text in texts)
    if len(services) < len(texts):
        raise InputError("--tariff", "names a service and direction twice")
    return [
        {"service": service, "access_code": code.value, "tariff": f"tariffs/{tariff}"}
        for (service, code), tariff in services.items()
    ]


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

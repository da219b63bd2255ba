"""``ocs discount``: allowances and volume discounts, and who has them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import (
    Column,
    Json,
    Record,
    format_time,
    parse_time,
    print_facts,
    print_json,
    print_records,
    print_table,
    say,
)
from ocs.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ocs.charging.discounting import Ownership, Remaining
    from ocs.ports import DiscountAssignment
    from ocs.rating.discount import DiscountPlan, DiscountRule

app = typer.Typer(
    name="discount", help="Discount plans: included minutes, volume discounts.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="The discount plan's name.", show_default=False)]
Rules = Annotated[
    list[str] | None,
    typer.Option(
        "--rule",
        help="NAME DESTINATION,... included=100min | levels=400min:0%,rest:10% "
        "[money] [reset=monthly] [rollover=2] [prorate]; may be given several times.",
    ),
]
ToAccount = Annotated[str | None, typer.Option("--account", help="Account that has it.")]
ToPlan = Annotated[str | None, typer.Option("--plan", help="Plan that it comes with.")]
ToCustomer = Annotated[
    str | None, typer.Option("--customer", help="Account whose accounts share it, directly below it.")
]
AsAddOn = Annotated[bool, typer.Option("--add-on", help="As an add-on of the account or plan.")]

_RULE_COLUMNS = (Column("name", "rule"), Column("text", "terms"))
_OWNER_COLUMNS = (Column("owner", "as"), Column("name", "of"), Column("since", "since"))
ALLOWANCE_COLUMNS = (
    Column("discount", "discount"),
    Column("price_set", "price set"),
    Column("percent", "off", right=True),
    Column("quantity", "up to", right=True, blank="rest"),
    Column("taken", "used", right=True),
    Column("held", "held", right=True),
    Column("left", "left", right=True, blank="unlimited"),
    Column("until", "until"),
)


@app.command("create")
def create(context: typer.Context, name: Name, rules: Rules = None, as_json: Json = False) -> None:
    """Create a discount plan."""
    from ocs.charging.discounting import create_discount_plan

    parsed = _parse(rules)
    if not parsed:
        raise InputError("--rule", "is needed: what the plan includes")

    async def use(books: Books) -> Record:
        return await _record(books, await create_discount_plan(books.catalog, name, parsed))

    _print(use_books(context, use), as_json=as_json)


@app.command("set")
def change(
    context: typer.Context,
    name: Name,
    rules: Rules = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", help="Rule that goes.")] = None,
    rename: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    as_json: Json = False,
) -> None:
    """Change rules by name, add and remove some. Sessions under way keep their terms."""
    from ocs.charging.discounting import change_discount_plan

    parsed = _parse(rules)

    async def use(books: Books) -> Record:
        plan = await change_discount_plan(
            books.catalog, name, rules=parsed, removed=remove or (), new_name=rename
        )
        return await _record(books, plan)

    _print(use_books(context, use), as_json=as_json)


@app.command("show")
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show the rules, and who has the plan."""
    from ocs.charging.discounting import find_discount_plan

    async def use(books: Books) -> Record:
        return await _record(books, await find_discount_plan(books.catalog, name))

    _print(use_books(context, use), as_json=as_json)


@app.command("list")
def list_plans(context: typer.Context, as_json: Json = False) -> None:
    """List the discount plans."""

    async def use(books: Books) -> "Sequence[Record]":
        return [await _record(books, plan) for plan in await books.catalog.load_discount_plans()]

    records = [
        {**one, "rules": "; ".join(rule["text"] for rule in one["rules"]), "owners": len(one["owners"])}
        for one in use_books(context, use)
    ]
    columns = (Column("name", "name"), Column("rules", "rules"), Column("owners", "owners", right=True))
    print_records(records, columns, as_json=as_json, title="discount plans")


@app.command("delete")
def delete(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Delete a discount plan that nobody has."""
    from ocs.charging.discounting import find_discount_plan

    async def use(books: Books) -> None:
        plan = await find_discount_plan(books.catalog, name)
        await books.catalog.delete_discount_plan(plan.id)

    use_books(context, use)
    if as_json:
        print_json({"name": name, "deleted": True})
    else:
        say(f"Deleted discount plan {name}.")


@app.command("assign")
def assign(
    context: typer.Context,
    name: Name,
    account: ToAccount = None,
    plan: ToPlan = None,
    customer: ToCustomer = None,
    add_on: AsAddOn = False,
    since: Annotated[
        str | None, typer.Option("--since", help="Sessions that start from then on, ISO 8601; else now.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give a discount plan to an account, a plan or a customer."""
    since_ms = None if since is None else parse_time(since, "--since")

    async def use(books: Books) -> Record:
        at_ms = books.clock.now_ms() if since_ms is None else since_ms
        assignment = await _assignment(
            books, name, account=account, plan=plan, customer=customer, add_on=add_on, since_ms=at_ms
        )
        await books.catalog.assign_discount(assignment)
        return await _shown(books, name)

    _print(use_books(context, use), as_json=as_json)


@app.command("withdraw")
def withdraw(
    context: typer.Context,
    name: Name,
    account: ToAccount = None,
    plan: ToPlan = None,
    customer: ToCustomer = None,
    add_on: AsAddOn = False,
    as_json: Json = False,
) -> None:
    """Take a discount plan away; sessions under way keep it."""

    async def use(books: Books) -> Record:
        assignment = await _assignment(
            books, name, account=account, plan=plan, customer=customer, add_on=add_on, since_ms=0
        )
        await books.catalog.withdraw_discount(assignment)
        return await _shown(books, name)

    _print(use_books(context, use), as_json=as_json)


async def _assignment(
    books: Books,
    name: str,
    *,
    account: str | None,
    plan: str | None,
    customer: str | None,
    add_on: bool,
    since_ms: int,
) -> "DiscountAssignment":
    from ocs.charging.discounting import resolve_assignment
    from ocs.rating.discount import Owner

    if [account, plan, customer].count(None) != 2:
        raise InputError("--account", "or --plan or --customer, one of them, must say whose it is")
    if add_on and customer is not None:
        raise InputError("--add-on", "is for --account and --plan")
    own = Owner.ACCOUNT if account is not None else Owner.PLAN if plan is not None else Owner.CUSTOMER
    return await resolve_assignment(
        books.catalog,
        name,
        Owner.ADD_ON if add_on else own,
        account=account if account is not None else customer,
        plan=plan,
        since_ms=since_ms,
    )


def _parse(rules: "Sequence[str] | None") -> "Sequence[DiscountRule]":
    from ocs.charging.discount_text import parse_rule

    return [parse_rule(text, f"--rule {text.partition(' ')[0]}") for text in rules or ()]


async def _shown(books: Books, name: str) -> Record:
    from ocs.charging.discounting import find_discount_plan

    return await _record(books, await find_discount_plan(books.catalog, name))


async def _record(books: Books, plan: "DiscountPlan") -> dict[str, Any]:
    """A discount plan for people and scripts."""
    from ocs.charging.discount_text import rule_text
    from ocs.charging.discounting import find_owners

    return {
        "name": plan.name,
        "rules": [{"name": rule.name, "text": rule_text(rule)} for rule in plan.rules],
        "owners": [_owner_record(one) for one in await find_owners(books.catalog, plan)],
    }


def _owner_record(one: "Ownership") -> dict[str, Any]:
    return {
        "owner": one.owner.name.lower(),
        "kind": "plan" if one.is_plan else "account",
        "name": one.name,
        "since": format_time(one.since_ms),
    }


def _print(record: Record, *, as_json: bool) -> None:
    if as_json:
        print_facts(record, as_json=True)
        return
    print_table(record["rules"], _RULE_COLUMNS, title=f"discount plan {record['name']}")
    if record["owners"]:
        print_table(record["owners"], _OWNER_COLUMNS, title="who has it")


def allowance_record(one: "Remaining") -> dict[str, Any]:
    """What is left of one level of a discount, for people and scripts."""
    from datetime import date, timedelta

    from ocs.charging.discount_text import quantity_text
    from ocs.rating.applied import SET_NAMES
    from ocs.rating.formula import percent_text

    share = one.share

    def text(quantity: int | None) -> str | None:
        return None if quantity is None else quantity_text(quantity, one.counting, one.destinations)

    return {
        "discount": share.label,
        "price_set": SET_NAMES[share.ladder] if share.per_set else "",
        "percent": percent_text(share.off_ppm),
        "quantity": text(share.quantity),
        "taken": text(one.pool.taken),
        "held": text(one.pool.held),
        "left": text(one.left),
        "until": (date(1970, 1, 1) + timedelta(share.until)).isoformat() if share.until else "",
    }

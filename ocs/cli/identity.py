"""``ocs identity``: what accounts are recognised by."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, print_facts, print_records
from ocs.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from ocs.ports import Identity

app = typer.Typer(name="identity", help="Identities: what accounts are recognised by.", no_args_is_help=True)

Kind = Annotated[
    str, typer.Argument(help="username, code, did, extension, trunk, ip, ani or virtual.", show_default=False)
]
Value = Annotated[
    str, typer.Argument(help="Name, number, or address (CIDR for a range).", show_default=False)
]

IDENTITY_COLUMNS = (
    Column("kind", "kind"),
    Column("value", "value"),
    Column("has_secret", "secret"),
    Column("max_sessions", "max sessions", right=True),
    Column("cost_centre", "cost centre"),
    Column("has_payback_tariff", "pays out"),
    Column("primary", "primary"),
)


def identity_record(identity: "Identity") -> dict[str, Any]:
    """An identity for people and scripts: whether it has a secret, never the secret."""
    return {
        "kind": identity.kind.value,
        "value": identity.value,
        "has_secret": identity.secret is not None,
        "max_sessions": identity.max_sessions,
        "cost_centre": identity.cost_centre,
        "has_payback_tariff": identity.payback_tariff_id is not None,
        "primary": None if identity.primary_kind is None else identity.counted_as,
    }


@app.command("add")
def add(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account's name.", show_default=False)],
    kind: Annotated[
        str,
        typer.Argument(help="username, code, did, extension, trunk, ip, ani or virtual.", show_default=False),
    ],
    value: Annotated[
        str, typer.Argument(help="Name, number, or address (CIDR for a range).", show_default=False)
    ],
    secret: Annotated[
        str | None, typer.Option("--secret", help="Password; without one none is asked for.")
    ] = None,
    plan: Annotated[str | None, typer.Option("--plan", help="Plan in place of the account's.")] = None,
    max_sessions: Annotated[int | None, typer.Option("--max-sessions", min=1, help="Open at once.")] = None,
    cost_centre: Annotated[str, typer.Option("--cost-centre", help="Kept for reports.")] = "",
    payback_tariff: Annotated[
        str | None,
        typer.Option("--payback-tariff", help="Tariff of calls to this DID, in place of the plan's."),
    ] = None,
    primary: Annotated[
        str, typer.Option("--primary", help="KIND:VALUE whose plan and money a virtual number shares.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Let an account be recognised by one more identity."""
    from ocs.charging.account_sheet import parse_identity_kind, parse_primary
    from ocs.charging.master_data import identity_value
    from ocs.ports import Identity

    identity_kind = parse_identity_kind(kind, "KIND")
    wanted = Identity(
        kind=identity_kind,
        value=identity_value(identity_kind, value, "VALUE"),
        account_id=0,
        secret=secret,
        max_sessions=max_sessions,
        cost_centre=cost_centre,
        **parse_primary(primary, "--primary"),
    )

    async def use(books: Books) -> Record:
        tariff_id = await _find_tariff(books, payback_tariff)
        identity = replace(wanted, payback_tariff_id=tariff_id)
        added = await books.administration.add_identity(account, identity, plan=plan)
        return {"account": account, **identity_record(added)}

    print_facts(use_books(context, use), as_json=as_json)


@app.command("set")
def set_identity(
    context: typer.Context,
    kind: Kind,
    value: Value,
    secret: Annotated[str | None, typer.Option("--secret", help="New password; empty: none.")] = None,
    plan: Annotated[
        str | None, typer.Option("--plan", help="Plan in place of the account's; empty: the account's.")
    ] = None,
    max_sessions: Annotated[
        int | None, typer.Option("--max-sessions", min=0, help="Open at once; 0: no limit.")
    ] = None,
    cost_centre: Annotated[str | None, typer.Option("--cost-centre", help="Kept for reports.")] = None,
    payback_tariff: Annotated[
        str | None, typer.Option("--payback-tariff", help="Tariff of calls to this DID; empty: the plan's.")
    ] = None,
    primary: Annotated[
        str | None, typer.Option("--primary", help="KIND:VALUE whose plan and money it shares; empty: none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change what is given of an identity; running servers know within two seconds."""
    from ocs.charging.account_sheet import parse_primary

    changes: dict[str, Any] = {} if primary is None else parse_primary(primary, "--primary")
    if secret is not None:
        changes["secret"] = secret or None
    if max_sessions is not None:
        changes["max_sessions"] = max_sessions or None
    if cost_centre is not None:
        changes["cost_centre"] = cost_centre
    if not changes and plan is None and payback_tariff is None:
        raise InputError(f"identity {kind} {value}", "nothing to change was given")

    async def use(books: Books) -> Record:
        identity = await _find(books, kind, value)
        if plan is not None:
            changes["plan_id"] = (await books.administration.plan(plan, "--plan")).id if plan else None
        if payback_tariff is not None:
            changes["payback_tariff_id"] = await _find_tariff(books, payback_tariff)
        changed = replace(identity, **changes)
        await books.catalog.update_identity(changed)
        return identity_record(changed)

    print_facts(use_books(context, use), as_json=as_json)


@app.command("remove")
def remove(context: typer.Context, kind: Kind, value: Value, as_json: Json = False) -> None:
    """Recognise nobody by this value any more; open sessions go on."""

    async def use(books: Books) -> Record:
        identity = await _find(books, kind, value)
        await books.catalog.remove_identity(identity.kind, identity.value)
        return {**identity_record(identity), "removed": True}

    print_facts(use_books(context, use), as_json=as_json)


async def _find(books: Books, kind: str, value: str) -> "Identity":
    """The identity with exactly this value; an address range is named as it is listed."""
    from ocs.charging.account_sheet import parse_identity_kind
    from ocs.charging.master_data import identity_value

    identity_kind = parse_identity_kind(kind, "KIND")
    wanted = identity_value(identity_kind, value, "VALUE")
    found = await books.administration.find_identity(identity_kind, wanted)
    if found is None:
        raise NotFoundError(f"identity {kind} {value!r} does not exist")
    return found


async def _find_tariff(books: Books, name: str | None) -> int | None:
    """The id of the tariff with this name; None for no name."""
    from ocs.charging.tariff_book import find_terms

    return (await find_terms(books.catalog, name)).id if name else None


@app.command("list")
def list_identities(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account's name.", show_default=False)],
    as_json: Json = False,
) -> None:
    """List an account's identities."""

    async def use(books: Books) -> list[Record]:
        state = await books.administration.account_state(account)
        return [identity_record(identity) for identity in state.identities]

    print_records(
        use_books(context, use), IDENTITY_COLUMNS, as_json=as_json, title=f"identities of {account}"
    )

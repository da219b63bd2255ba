"""``ocs account delete``, ``ocs gateway delete``: what the books do not know may go."""

from typing import Annotated

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Json, print_json, say
from ocs.cli.operator import command_of


def delete_gateway(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Delete a gateway that is disabled and that nothing in the books is of."""

    async def use(books: Books) -> None:
        from ocs.charging.resource.gateway import Gateways
        from ocs.charging.resource.registrar import Registrar

        gateways = Gateways(books.ledger, books.catalog)
        await Registrar(books.catalog).delete(gateways, (name,), command_of(books))

    use_books(context, use)
    tell_deleted("gateway", name, as_json=as_json)


def delete_account(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Delete an account whose balance never moved, without identities; close others instead."""

    async def use(books: Books) -> None:
        from ocs.charging.resource.account import Accounts
        from ocs.charging.resource.registrar import Registrar

        accounts = Accounts(books.ledger, books.catalog, books.clock)
        await Registrar(books.catalog).delete(accounts, (name,), command_of(books))

    use_books(context, use)
    tell_deleted("account", name, as_json=as_json)


def tell_deleted(what: str, name: str, *, as_json: bool) -> None:
    """Say that it is gone."""
    if as_json:
        print_json({"name": name, "deleted": True})
    else:
        say(f"Deleted {what} {name}.")

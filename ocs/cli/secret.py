"""``ocs secret``: how gateways' secrets and subscribers' passwords are kept."""

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Json, Record, print_facts

app = typer.Typer(name="secret", help="Secrets: how they are kept in the database.", no_args_is_help=True)


@app.command("new-key")
def new_key() -> None:
    """Print a fresh key for [storage] secret_key or its file; it is kept nowhere."""
    from ocs.storage.vault import new_key as fresh

    typer.echo(fresh())


@app.command("seal")
def seal(context: typer.Context, as_json: Json = False) -> None:
    """Encrypt every secret with the newest key: once after a key was configured, and after each new one."""

    async def use(books: Books) -> Record:
        from ocs.bootstrap import open_vault

        sealed = await books.catalog.seal_secrets()
        return {"secrets": sealed, "encrypted": open_vault(books.settings).has_key}

    print_facts(use_books(context, use), as_json=as_json)

"""``ocs secret``: how gateways' secrets and subscribers' passwords are kept."""

import sys

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Json, Record, print_facts
from ocs.errors import InputError

app = typer.Typer(name="secret", help="Secrets: how they are kept in the database.", no_args_is_help=True)


@app.command("new-key")
def new_key() -> None:
    """Print a fresh key for [storage] secret_key or its file; it is kept nowhere."""
    from ocs.storage.vault import new_key as fresh

    typer.echo(fresh())


@app.command("hash")
def hash_secret() -> None:
    """Print the argon2id hash of a password, to be given or imported in its place.

    It can be compared with a password that comes in clear text (PAP, gRPC); CHAP, MS-CHAP and digest need the
    password itself. The password is read from the terminal, or from the first line of standard input.
    """
    from ocs.charging.password import hash_password

    if sys.stdin.isatty():
        password = str(typer.prompt("password", hide_input=True, confirmation_prompt=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise InputError("password", "is empty")
    typer.echo(hash_password(password))


@app.command("seal")
def seal(context: typer.Context, as_json: Json = False) -> None:
    """Encrypt every secret with the newest key: once after a key was configured, and after each new one."""

    async def use(books: Books) -> Record:
        from ocs.bootstrap import open_vault

        sealed = await books.catalog.seal_secrets()
        return {"secrets": sealed, "encrypted": open_vault(books.settings).has_key}

    print_facts(use_books(context, use), as_json=as_json)

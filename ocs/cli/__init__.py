"""The command line: one file per noun, each a small typer app that imports what it uses when it runs.

Owns how commands are typed, what people and scripts see, and the exit codes (`ocs.cli.console`). Does not own
what a command does: that is `ocs.charging.administration`, the stores and `ocs.bootstrap`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ocs.cli import (
    account,
    account_file,
    audit,
    backup,
    call,
    cdr,
    config,
    deletion,
    destination,
    discount,
    gateway,
    identity,
    init,
    key,
    ledger,
    load,
    off_peak,
    plan,
    quote,
    radius,
    rate,
    secret,
    serve,
    session,
    tariff,
    tariff_terms,
)
from ocs.cli import account_money as _account_money  # noqa: F401 - its commands are those of accounts
from ocs.cli.console import exit_code, print_error
from ocs.config import FILE_VARIABLE
from ocs.errors import OcsError

app = typer.Typer(
    name="ocs",
    help="Online charging system for RADIUS and gRPC equipment.",
    epilog="Exit codes: 0 done, 2 bad input, 3 not found, 4 already exists, 5 out of reach, 1 other.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for noun in (
    account,
    identity,
    gateway,
    radius,
    plan,
    discount,
    tariff,
    rate,
    destination,
    off_peak,
    session,
    cdr,
    ledger,
    key,
    audit,
    secret,
):
    app.add_typer(noun.app)
account.app.command("export")(account_file.export_accounts)
account.app.command("delete")(deletion.delete_account)
gateway.app.command("delete")(deletion.delete_gateway)
tariff.app.command("show")(tariff_terms.show)
tariff.app.command("set")(tariff_terms.change)
tariff.app.command("delete")(tariff_terms.delete)
identity.app.command("import")(account_file.import_identities)
identity.app.command("export")(account_file.export_identities)
app.command("init")(init.init)
app.command("migrate")(init.migrate)
app.command("serve")(serve.serve)
app.command("config")(config.config)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("quote")(quote.quote)
app.command("call")(call.call)
app.command("load")(load.load)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"ocs {version('ocs')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config", envvar=FILE_VARIABLE, help="Settings file; else ocs.toml. May stand anywhere."
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that every command has."""
    context.obj = config_file


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and exit with its code; what is wrong goes to stderr as ``error: place: reason``."""
    try:
        app(_config_first(sys.argv[1:] if arguments is None else list(arguments)), prog_name="ocs")
    except OcsError as error:
        print_error(error)
        sys.exit(exit_code(error))
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(0)


def _config_first(arguments: list[str]) -> list[str]:
    """Move ``--config FILE`` to the front, where the root command reads it."""
    for index, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--config":
            return [*arguments[index : index + 2], *arguments[:index], *arguments[index + 2 :]]
        if argument.startswith("--config="):
            return [argument, *arguments[:index], *arguments[index + 1 :]]
    return arguments

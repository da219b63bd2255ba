"""``ocs backup`` and ``ocs restore``: a copy of the database while it is in use, and the way back."""

from pathlib import Path
from typing import Annotated

import typer

from ocs.cli.books import read_settings
from ocs.cli.console import say


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to; must not exist.", show_default=False)],
) -> None:
    """Copy the database as of one instant while servers go on; `ocs restore` brings it back."""
    from ocs.storage.sql.backup import backup as copy

    copy(read_settings(context).storage.url, file)
    say(f"copied the database to {file}")


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A copy that `ocs backup` made.", show_default=False)],
) -> None:
    """Put a copy in the database's place while no server runs; what was there is set aside, not deleted."""
    from ocs.storage.sql.backup import restore as put_back

    aside = put_back(read_settings(context).storage.url, file)
    say(f"restored the database from {file}")
    if aside is not None:
        say(f"what was there before is {aside}")

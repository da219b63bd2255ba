"""``ocs backup``: a copy of the database while it is in use."""

from pathlib import Path
from typing import Annotated

import typer

from ocs.cli.books import read_settings
from ocs.cli.console import say


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to; must not exist.", show_default=False)],
) -> None:
    """Copy the database as of one instant while servers go on; to restore, put it in the database's place."""
    from ocs.storage.sql.backup import backup as copy

    copy(read_settings(context).storage.url, file)
    say(f"copied the database to {file}")

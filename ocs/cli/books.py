"""The stores behind a command: opened from the settings, closed when the command is done."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import typer

from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.charging.administration import Administration
    from ocs.charging.supervision import Supervision
    from ocs.config import Settings
    from ocs.ports import CatalogStore, Clock, LedgerStore

T = TypeVar("T")

COMMAND_NODE = 255
"Node of identifiers that commands give out, beside a server's."


class Books(NamedTuple):
    """What a command works on."""

    settings: "Settings"
    ledger: "LedgerStore"
    catalog: "CatalogStore"
    administration: "Administration"
    clock: "Clock"
    supervision: "Supervision"


def settings_path(context: typer.Context) -> Path:
    """The settings file of this run, existing or not."""
    from ocs.config import DEFAULT_FILE

    chosen = context.obj
    return chosen if isinstance(chosen, Path) else Path(DEFAULT_FILE)


def read_settings(context: typer.Context) -> "Settings":
    """The settings of this run; a file that was named must exist, the default one need not."""
    from ocs.config import load_settings

    path = settings_path(context)
    if context.obj is not None and not path.exists():
        raise InputError(str(path), "does not exist; `ocs init` makes one")
    return load_settings(path, os.environ)


def operator() -> str:
    """The person at the terminal, as the audit log names it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user that the system has no name for, as in containers
        user = f"uid {os.getuid()}"
    return f"{user} (command line)"


def use_books(context: typer.Context, use: Callable[[Books], Awaitable[T]]) -> T:
    """Open the stores, run the use case, close them; what the use case returned."""
    settings = read_settings(context)
    return asyncio.run(run_with_books(settings, use, actor=operator()))


async def run_with_books(settings: "Settings", use: Callable[[Books], Awaitable[T]], *, actor: str = "") -> T:
    """`use_books` inside a running loop; what is changed is audited where there is an actor."""
    from ocs.bootstrap import open_stores
    from ocs.charging.administration import Administration
    from ocs.charging.clock import SnowflakeIds, SystemClock
    from ocs.charging.supervision import Supervision

    clock = SystemClock()
    ledger, catalog = open_stores(settings)
    if actor:
        from ocs.charging.audited import audit_stores

        ledger, catalog = audit_stores(ledger, catalog, clock, actor)
    try:
        return await use(
            Books(
                settings,
                ledger,
                catalog,
                Administration(ledger, catalog, clock),
                clock,
                Supervision(ledger, catalog, clock, SnowflakeIds(COMMAND_NODE)),
            )
        )
    finally:
        await ledger.close()
        await catalog.close()

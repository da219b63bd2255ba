"""``ocs init`` and ``ocs migrate``: a settings file and a database of this version's schema."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from ocs.cli.books import Books, read_settings, run_with_books, settings_path
from ocs.cli.console import Json, print_json, say
from ocs.errors import InputError


def init(
    context: typer.Context,
    sample: Annotated[
        bool, typer.Option("--sample", help="Add tariffs, plans, accounts and gateways to try things with.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write ocs.toml unless there is one, create or migrate the database; again, it changes nothing."""
    import asyncio

    from ocs.config import load_settings

    path = settings_path(context)
    done = []
    if _write_settings(path, with_sample=sample):
        done.append(f"wrote {path}")
    settings = load_settings(path, os.environ)
    done += _migrate(settings.storage.url)
    if sample:
        done += [f"added {what}" for what in asyncio.run(run_with_books(settings, _load_sample))]
    if as_json:
        print_json({"settings": str(path), "done": done})
        return
    for what in done or ["nothing to do: everything is there"]:
        say(what)
    if sample and not settings.grpc.unauthenticated_gateway:
        say('gRPC callers are refused. To serve this machine: [grpc] unauthenticated_gateway = "grpc-local"')


def migrate(context: typer.Context, as_json: Json = False) -> None:
    """Bring the database to this version's schema."""
    done = _migrate(read_settings(context).storage.url)
    if as_json:
        print_json({"done": done})
        return
    for what in done or ["nothing to do: the database has this version's schema"]:
        say(what)


async def _load_sample(books: Books) -> Sequence[str]:
    from ocs.charging.sample import load_sample

    return await load_sample(books.administration, books.catalog)


def _migrate(url: str) -> list[str]:
    from ocs.storage.migrations import head_revision, migrate, schema_revision
    from ocs.storage.sql.database import database_path

    before = schema_revision(url)
    if before == head_revision():
        return []
    _create_private(database_path(url), "")
    migrate(url)
    return ["created the database" if before is None else f"migrated the database from {before}"]


def _write_settings(path: Path, *, with_sample: bool) -> bool:
    """Write a new settings file; False when there is one."""
    import secrets

    from ocs.charging.sample import GRPC_GATEWAY
    from ocs.config import describe, render_toml

    defaults = {(one.section, one.key): one.default for one in describe()}
    shown = (("storage", "url"), ("radius", "listen_auth"), ("radius", "listen_acct"), ("grpc", "listen"))
    chosen = {key: defaults[key] for key in shown}
    chosen["radius", "class_key"] = f'"{secrets.token_hex(16)}"'
    if with_sample:
        chosen["grpc", "unauthenticated_gateway"] = f'"{GRPC_GATEWAY}"'
    return _create_private(path, render_toml(chosen))


def _create_private(path: Path, text: str) -> bool:
    """Make a file that only its owner can read, from its first moment on: it holds secrets.

    False, and nothing is done, when there is one.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True

"""``ocs key``: the keys that open the gRPC API."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, choose, format_time, parse_time, print_facts, print_records
from ocs.cli.operator import command_of

if TYPE_CHECKING:
    from ocs.ports import ApiKey

app = typer.Typer(name="key", help="API keys: what opens the gRPC API.", no_args_is_help=True)

_COLUMNS = (
    Column("id", "id"),
    Column("title", "title"),
    Column("roles", "roles"),
    Column("gateway", "gateway"),
    Column("created_at", "created (UTC)", is_time=True),
    Column("expires_at", "expires (UTC)", blank="never", is_time=True),
    Column("revoked_at", "revoked (UTC)", is_time=True),
)


@app.command("create")
def create(
    context: typer.Context,
    title: Annotated[str, typer.Argument(help="Who will have it, for the audit log.", show_default=False)],
    role: Annotated[
        list[str],
        typer.Option(help="charging, read or admin; may be given more than once.", show_default=False),
    ],
    gateway: Annotated[str, typer.Option(help="What its bearer charges as; with --role charging.")] = "",
    expires: Annotated[str | None, typer.Option(help="Good until then, ISO 8601; else for ever.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key. Its text is shown this once and kept nowhere."""
    from ocs.grpc.access import make_key
    from ocs.ports import ApiRole

    roles = [choose(ApiRole, word, "--role") for word in role]
    expires_at_ms = None if expires is None else parse_time(expires, "--expires")

    async def use(books: Books) -> Record:
        from ocs.charging.api_key import keep_key

        command = command_of(books)
        new = make_key(
            title=title,
            roles=roles,
            gateway=gateway,
            created_at_ms=command.at_ms,
            expires_at_ms=expires_at_ms,
        )
        await keep_key(books.catalog, new.record, command)
        return {**_record(new.record), "key": new.text}

    print_facts(use_books(context, use), as_json=as_json)


@app.command("revoke")
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="Its id, as listed.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Revoke a key for good; running servers refuse it within two seconds."""

    async def use(books: Books) -> Record:
        from ocs.charging.api_key import revoke_key

        return _record(await revoke_key(books.catalog, key_id, command_of(books)))

    print_facts(use_books(context, use), as_json=as_json)


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """List all keys, revoked ones too, without their texts."""

    async def use(books: Books) -> list[Record]:
        return [_record(key) for key in await books.catalog.load_api_keys()]

    print_records(use_books(context, use), _COLUMNS, as_json=as_json, title="keys")


def _record(key: "ApiKey") -> dict[str, Any]:
    from ocs.charging.api_key import key_facts

    facts = key_facts(key)
    return {
        "id": facts["id"],
        "title": facts["title"],
        "roles": ", ".join(facts["roles"]),
        "gateway": facts["gateway"],
        "created_at": format_time(key.created_at_ms),
        "expires_at": format_time(key.expires_at_ms),
        "revoked_at": format_time(key.revoked_at_ms),
    }

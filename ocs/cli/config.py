"""``ocs config``: which settings there are, and what they are now."""

from typing import Annotated, Any

import typer

from ocs.cli.books import read_settings
from ocs.cli.console import Column, Json, print_records

_SECRET = frozenset({"class_key", "secret_key"})
_COLUMNS = (
    Column("name", "setting"),
    Column("value", "value"),
    Column("meaning", "meaning"),
)


def config(
    context: typer.Context,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the page that documents every key.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show every setting: its value now, type, default and meaning. Secrets are not shown."""
    from ocs.config import describe, render_markdown, values

    if markdown:
        typer.echo(render_markdown(), nl=False)
        return
    settings = read_settings(context)
    now = values(settings)
    records: list[dict[str, Any]] = [
        {
            "name": f"{one.section}.{one.key}",
            "section": one.section,
            "key": one.key,
            "value": _shown(one.key, now[one.section][one.key]),
            "default": one.default,
            "type": one.type,
            "variable": one.variable,
            "meaning": one.meaning,
        }
        for one in describe()
    ]
    print_records(records, _COLUMNS, as_json=as_json, title=str(settings.path))


def _shown(key: str, value: str) -> str:
    if key in _SECRET:
        return value if value == '""' else "(set)"
    if key == "url":
        return _without_password(value)
    return value


def _without_password(url: str) -> str:
    head, at, tail = url.rpartition("@")
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.partition(':')[0]}:***@{tail}" if at and ":" in user else url

"""``ocs audit``: who changed what."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, format_time, parse_time, print_records

if TYPE_CHECKING:
    from ocs.ports import AuditEntry

app = typer.Typer(name="audit", help="The audit log: who changed what.", no_args_is_help=True)

_COLUMNS = (
    Column("at", "at (UTC)", is_time=True),
    Column("actor", "who"),
    Column("action", "did"),
    Column("target", "to"),
    Column("changes", "changes"),
)
_ENTRIES_PER_READ = 500


@app.command("list")
def list_entries(
    context: typer.Context,
    target: Annotated[
        str, typer.Option("--target", help="Only of this and what is below, accounts/alice.")
    ] = "",
    actor: Annotated[str, typer.Option("--actor", help="Only by this one.")] = "",
    since: Annotated[str | None, typer.Option("--since", help="At this time or later, ISO 8601.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 100,
    as_json: Json = False,
) -> None:
    """List changes by operators, newest first; secrets are never among them."""
    since_ms = None if since is None else parse_time(since, "--since")

    async def use(books: Books) -> list[Record]:
        found: list[Record] = []
        before: int | None = None
        while len(found) < limit:
            entries = await books.catalog.list_audit(before_number=before, limit=_ENTRIES_PER_READ)
            found += [
                audit_record(entry)
                for entry in entries
                if actor in ("", entry.actor)
                and (not target or f"{entry.target}/".startswith(f"{target}/"))
                and (since_ms is None or entry.at_ms >= since_ms)
            ]
            if len(entries) < _ENTRIES_PER_READ:
                break
            before = entries[-1].number
        return found[:limit]

    print_records(use_books(context, use), _COLUMNS, as_json=as_json, title="changes")


def audit_record(entry: "AuditEntry") -> dict[str, Any]:
    """A change for people and scripts."""
    before = json.loads(entry.before) if entry.before else None
    after = json.loads(entry.after) if entry.after else None
    return {
        "number": entry.number,
        "at": format_time(entry.at_ms),
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "changes": _changes(before, after),
        "before": before,
        "after": after,
    }


def _changes(before: Any, after: Any) -> str:
    """What an update set, field by field."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return ""
    fields = sorted({*before, *after} - {"etag"})
    return "; ".join(
        f"{field}: {_short(before.get(field))} -> {_short(after.get(field))}"
        for field in fields
        if before.get(field) != after.get(field)
    )


def _short(value: Any) -> str:
    return "-" if value is None else json.dumps(value, ensure_ascii=False)

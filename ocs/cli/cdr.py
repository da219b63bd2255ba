"""``ocs cdr``: session detail records, one per session and payer."""

import csv
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, format_time, parse_time, print_json, print_records, say
from ocs.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from ocs.charging.naming import Names
    from ocs.ports import Cdr

app = typer.Typer(
    name="cdr", help="Session detail records: who used what, and its price.", no_args_is_help=True
)

PER_PAGE = 1_000
_COLUMNS = (
    Column("recorded_at", "recorded (UTC)", is_time=True),
    Column("session", "session"),
    Column("account", "account"),
    Column("service", "service"),
    Column("calling", "calling"),
    Column("called", "called"),
    Column("used", "used", right=True),
    Column("billed", "billed", right=True),
    Column("charged", "charged", right=True),
    Column("overrun", "overrun", right=True),
    Column("end_cause", "end"),
)

Account = Annotated[str | None, typer.Option("--account", help="Only what this account paid.")]
Since = Annotated[str | None, typer.Option("--from", help="Recorded from this time on, ISO 8601.")]
Until = Annotated[str | None, typer.Option("--until", help="Recorded before this time.")]


async def _named_record(cdr: "Cdr", names: "Names") -> dict[str, Any]:
    return cdr_record(
        cdr, account=await names.account(cdr.account_id), gateway=await names.gateway(cdr.gateway_id)
    )


def cdr_record(cdr: "Cdr", *, account: str, gateway: str) -> dict[str, Any]:
    """A session detail record for people and scripts; ids as text, because JSON numbers end at 2^53."""
    from ocs.units import format_money

    return {
        "session_id": str(cdr.session_id),
        "session": cdr.session_key,
        "revision": cdr.revision,
        "account": account,
        "gateway": gateway,
        "identity_kind": cdr.identity_kind,
        "identity": cdr.identity_value,
        "cost_centre": cdr.cost_centre,
        "service": cdr.service,
        "access_code": cdr.access_code,
        "calling": cdr.calling,
        "called": cdr.called,
        "started_at": format_time(cdr.started_at_ms),
        "ended_at": format_time(cdr.ended_at_ms),
        "recorded_at": format_time(cdr.recorded_at_ms),
        "receipt_timed": bool(cdr.receipt_timed),
        "end_cause": cdr.end_cause,
        "legs": cdr.legs,
        "used": cdr.used_units,
        "billed": cdr.billed_units,
        "granted": cdr.granted_units,
        "octets_in": cdr.octets_in,
        "octets_out": cdr.octets_out,
        "charged": format_money(cdr.charged_micros),
        "overrun": format_money(cdr.overrun_micros) if cdr.overrun_micros else None,
        "currency": cdr.currency,
        "tariff": cdr.tariff,
        "destination": cdr.destination,
        "rate_snapshot": str(cdr.snapshot_id),
        "explanation": json.loads(cdr.explanation) if cdr.explanation else None,
        "allowance": json.loads(cdr.allowance) if cdr.allowance else None,
    }


@app.command("list")
def list_cdrs(
    context: typer.Context,
    account: Account = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, oldest first.")] = 100,
    as_json: Json = False,
) -> None:
    """List records, oldest first."""

    async def use(books: Books) -> list[Record]:
        found: list[Record] = []
        async for record in _records(books, account, since, until):
            found.append(record)
            if len(found) == limit:
                break
        return found

    print_records(use_books(context, use), _COLUMNS, as_json=as_json, title="session detail records")


@app.command("show")
def show(
    context: typer.Context,
    session: Annotated[
        str, typer.Argument(help="The session's id, or what its gateway calls it.", show_default=False)
    ],
    gateway: Annotated[str, typer.Option("--gateway", help="Whose session.")] = "",
    as_json: Json = False,
) -> None:
    """Show a session's record of each payer, with every step of its price."""

    async def use(books: Books) -> list[dict[str, Any]]:
        from ocs.charging.naming import Names

        found = await books.supervision.find(session, gateway=gateway)
        names = Names(books.catalog)
        cdrs = await books.ledger.list_cdrs(session_id=found.session_id)
        return [await _named_record(cdr, names) for cdr in cdrs]

    records = use_books(context, use)
    if not records:
        raise NotFoundError(f"session {session!r} has no record: it goes on, or nobody pays for it")
    if as_json:
        print_json(records)
        return
    for record in records:
        facts = [{"key": key.replace("_", " "), "value": _fact(value)} for key, value in record.items()]
        print_records(
            [fact for fact in facts if fact["value"]],
            (Column("key", ""), Column("value", "")),
            as_json=False,
            title=f"{record['session']}, paid by {record['account']}",
        )


def _fact(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, indent=2) if isinstance(value, dict | list) else str(value)


@app.command("export")
def export(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="File to write; else standard output.")] = None,
    account: Account = None,
    since: Since = None,
    until: Until = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, with a header.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="One JSON document per line.")] = False,
) -> None:
    """Write records as CSV or JSON lines, oldest first; one that is revised meanwhile may come twice."""
    if as_csv == as_jsonl:
        raise InputError("cdr export", "give one of --csv and --jsonl")

    async def use(books: Books) -> int:
        if file is None:
            return await _write(books, sys.stdout, account, since, until, as_csv=as_csv)
        try:
            with file.open("w", encoding="utf-8", newline="") as sink:
                return await _write(books, sink, account, since, until, as_csv=as_csv)
        except OSError as error:
            raise InputError(str(file), f"cannot be written: {error}") from error

    count = use_books(context, use)
    if file is not None:
        say(f"{count} record(s) written to {file}")


async def _write(
    books: Books, sink: IO[str], account: str | None, since: str | None, until: str | None, *, as_csv: bool
) -> int:
    count = 0
    writer: csv.DictWriter[str] | None = None
    if as_csv:
        writer = csv.DictWriter(sink, _csv_fields(), lineterminator="\n")
        writer.writeheader()
    async for record in _records(books, account, since, until):
        count += 1
        if writer is not None:
            nested = {key: _cell(record[key]) for key in ("explanation", "allowance")}
            writer.writerow({**record, **nested})
        else:
            sink.write(json.dumps(record, ensure_ascii=False) + "\n")
    return count


def _csv_fields() -> list[str]:
    """Names of a record's fields, in order."""
    from ocs.ports import Cdr

    blank: dict[str, Any] = {name: "" if kind is str else 0 for name, kind in Cdr.__annotations__.items()}
    return list(cdr_record(Cdr(**blank), account="", gateway=""))


def _cell(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


async def _records(
    books: Books, account: str | None, since: str | None, until: str | None
) -> AsyncIterator[dict[str, Any]]:
    """Every record that the filters let through, in pages."""
    from ocs.charging.naming import Names
    from ocs.ports import CdrPlace

    account_id = None if account is None else (await books.administration.account(account)).id
    from_ms = 0 if since is None else parse_time(since, "--from")
    until_ms = None if until is None else parse_time(until, "--until")
    names, after = Names(books.catalog), None
    while page := await books.ledger.page_cdrs(
        account_id=account_id, from_ms=from_ms, until_ms=until_ms, after=after, limit=PER_PAGE
    ):
        for cdr in page:
            yield await _named_record(cdr, names)
        last = page[-1]
        after = CdrPlace(last.recorded_at_ms, last.session_id, last.account_id)

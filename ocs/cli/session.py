"""``ocs session``: calls and other services, running and ended."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import (
    EXIT_OTHER,
    Column,
    Json,
    Record,
    format_time,
    print_facts,
    print_json,
    print_records,
    say,
)
from ocs.cli.operator import command_of
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.ports import ParkedReport
    from ocs.quota.session import Session

app = typer.Typer(name="session", help="Sessions: running and ended.", no_args_is_help=True)

_COLUMNS = (
    Column("session", "session"),
    Column("account", "account"),
    Column("service", "service"),
    Column("called", "called"),
    Column("state", "state"),
    Column("started_at", "started (UTC)", is_time=True),
    Column("used", "used", right=True),
    Column("granted", "granted", right=True),
    Column("charged", "charged", right=True),
    Column("reserved", "reserved", right=True),
)
_PARKED_COLUMNS = (
    Column("id", "id"),
    Column("received_at", "received (UTC)", is_time=True),
    Column("gateway", "gateway"),
    Column("session", "session"),
    Column("reason", "reason"),
    Column("identities", "identities"),
    Column("called", "called"),
)

_PAYER_COLUMNS = (
    Column("account", "account"),
    Column("pays", "pays"),
    Column("charged", "charged", right=True),
    Column("reserved", "reserved", right=True),
    Column("overrun", "overrun", right=True),
    Column("refunded", "refunded", right=True),
)
_REFED_COLUMNS = (
    Column("id", "id"),
    Column("session", "session"),
    Column("booked", "booked"),
    Column("account", "account"),
    Column("reason", "reason"),
)

SessionName = Annotated[
    str, typer.Argument(help="The session's id, or what its gateway calls it.", show_default=False)
]
GatewayName = Annotated[str, typer.Option("--gateway", help="Whose session, where names repeat.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")]


@app.command("list")
def list_sessions(
    context: typer.Context,
    account: Annotated[str | None, typer.Option("--account", help="Only of this account.")] = None,
    ended_too: Annotated[bool, typer.Option("--all", help="Ended ones too.")] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List sessions: open ones, or all."""

    async def use(books: Books) -> list[Record]:
        from ocs.charging.naming import Names

        account_id = None if account is None else (await books.administration.account(account)).id
        sessions = await books.ledger.list_sessions(
            account_id=account_id, only_open=not ended_too, limit=limit
        )
        names = Names(books.catalog)
        return [
            session_record(
                session,
                account=await names.account(session.account_id),
                gateway=await names.gateway(session.gateway_id),
            )
            for session in sessions
        ]

    title = "sessions" if ended_too else "open sessions"
    print_records(use_books(context, use), _COLUMNS, as_json=as_json, title=title, empty="none")


def session_record(session: "Session", *, account: str, gateway: str) -> dict[str, Any]:
    """A session for people and scripts; money is that of the account that asked."""
    from ocs.quota.session import SessionState
    from ocs.units import format_money

    own = next((one for one in session.reservations if one.account_id == session.account_id), None)
    return {
        "session": session.session_key,
        "session_id": str(session.session_id),
        "account": account,
        "gateway": gateway,
        "service": session.service,
        "access_code": session.access_code,
        "calling": session.calling,
        "called": session.called,
        "state": SessionState(session.state).name.lower(),
        "started_at": format_time(session.started_at_ms),
        "updated_at": format_time(session.updated_at_ms),
        "ended_at": format_time(session.ended_at_ms),
        "expires_at": format_time(session.expires_at_ms) if session.is_open else None,
        "used": session.used_units,
        "granted": session.granted_units,
        "charged": format_money(own.debited_micros if own else 0),
        "reserved": format_money(own.reserved_micros if own else 0),
        "end_cause": session.end_cause,
    }


@app.command("show")
def show(
    context: typer.Context, session: SessionName, gateway: GatewayName = "", as_json: Json = False
) -> None:
    """Show a session, and what each payer holds and has paid for it."""
    record = use_books(context, lambda books: _find(books, session, gateway))
    print_facts(record, as_json=as_json)
    if not as_json:
        print_records(record["payers"], _PAYER_COLUMNS, as_json=False, title="payers")


async def _find(books: Books, name: str, gateway: str) -> dict[str, Any]:
    return await _whole_record(books, await books.supervision.find(name, gateway=gateway))


async def _whole_record(books: Books, session: "Session") -> dict[str, Any]:
    from ocs.charging.naming import Names
    from ocs.units import format_money

    names = Names(books.catalog)
    payers = [
        {
            "account": await names.account(one.account_id),
            "pays": bool(one.snapshot_id),
            "charged": format_money(one.debited_micros),
            "reserved": format_money(one.reserved_micros),
            "overrun": format_money(one.overrun_micros) if one.overrun_micros else None,
            "refunded": format_money(one.refunded_micros) if one.refunded_micros else None,
        }
        for one in session.reservations
    ]
    return {
        **session_record(
            session,
            account=await names.account(session.account_id),
            gateway=await names.gateway(session.gateway_id),
        ),
        "identity_kind": session.identity_kind,
        "identity": session.identity_value,
        "answered": bool(session.answered),
        "last_grant": bool(session.final_grant),
        "payers": payers,
    }


@app.command("terminate")
def terminate(
    context: typer.Context,
    session: SessionName,
    gateway: GatewayName = "",
    cause: Annotated[str, typer.Option("--cause", help="The reason, kept in its record.")] = "operator",
    as_json: Json = False,
) -> None:
    """End an open session: its usage so far is charged, the rest released, and its equipment told."""

    async def use(books: Books) -> tuple[dict[str, Any], bool]:
        found = await books.supervision.find(session, gateway=gateway)
        was_open = found.is_open
        command = command_of(books)
        ended = await books.supervision.terminate(found.session_id, cause=cause, command=command)
        return await _whole_record(books, ended), was_open

    record, was_open = use_books(context, use)
    if as_json:
        print_json({**record, "was_open": was_open})
    elif was_open:
        say(f"Session {record['session']} of {record['account']} is ended: charged {record['charged']}.")
    else:
        say(f"Session {record['session']} had ended already ({record['end_cause'] or record['state']}).")


@app.command("refeed")
def refeed(
    context: typer.Context,
    ids: Annotated[
        list[str] | None, typer.Argument(help="Ids that `ocs session parked` shows.", show_default=False)
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are parked.")] = False,
    as_json: Json = False,
) -> None:
    """Charge parked reports now that their cause is mended; exit 1 when some still cannot be."""
    if everything == bool(ids):
        raise InputError("session refeed", "give ids, or --all")
    wrong = [text for text in ids or () if not text.isdecimal()]
    if wrong:
        raise InputError("IDS", f"{wrong[0]!r} is not the id of a parked report")

    async def use(books: Books) -> list[Record]:
        reports = await books.supervision.parked([int(text) for text in ids or ()])
        done = [await books.supervision.refeed(report) for report in reports]
        return [
            {
                "id": str(one.report.parked_id),
                "session": one.report.session_key,
                "booked": one.is_booked,
                "account": one.outcome.account_name,
                "reason": None if one.is_booked else one.outcome.code.reason,
            }
            for one in done
        ]

    records = use_books(context, use)
    print_records(records, _REFED_COLUMNS, as_json=as_json, title="fed again", empty="nothing is parked")
    if any(not record["booked"] for record in records):
        raise typer.Exit(EXIT_OTHER)


@app.command("parked")
def list_parked(context: typer.Context, limit: Limit = 100, as_json: Json = False) -> None:
    """List reports that nobody could be charged for: unknown account, no rate."""

    async def use(books: Books) -> list[Record]:
        from ocs.charging.naming import Names

        names = Names(books.catalog)
        return [
            _parked_record(report, await names.gateway(report.gateway_id))
            for report in await books.ledger.list_parked(limit=limit)
        ]

    print_records(
        use_books(context, use), _PARKED_COLUMNS, as_json=as_json, title="parked reports", empty="none"
    )


def _parked_record(report: "ParkedReport", gateway: str) -> dict[str, Any]:
    body = json.loads(report.report)
    return {
        "id": str(report.parked_id),
        "received_at": format_time(report.received_at_ms),
        "gateway": gateway,
        "session": report.session_key,
        "reason": report.reason,
        "identities": ", ".join(f"{kind} {value}" for kind, value in body.get("identities", [])),
        "called": body.get("called", ""),
        "report": body,
    }

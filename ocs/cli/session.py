"""``ocs session``: calls and other services, running and ended."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, format_time, print_records

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
    Column("received_at", "received (UTC)", is_time=True),
    Column("gateway", "gateway"),
    Column("session", "session"),
    Column("reason", "reason"),
    Column("identities", "identities"),
    Column("called", "called"),
)

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
        account_id = None if account is None else (await books.administration.account(account)).id
        sessions = await books.ledger.list_sessions(
            account_id=account_id, only_open=not ended_too, limit=limit
        )
        gateways = {gateway.id: gateway.name for gateway in await books.catalog.load_gateways()}
        names: dict[int, str] = {}
        for session in sessions:
            if session.account_id not in names:
                chain = await books.catalog.load_chain(session.account_id)
                names[session.account_id] = chain[0].name if chain else str(session.account_id)
        return [
            session_record(
                session,
                account=names[session.account_id],
                gateway=gateways.get(session.gateway_id, str(session.gateway_id)),
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


@app.command("parked")
def list_parked(context: typer.Context, limit: Limit = 100, as_json: Json = False) -> None:
    """List reports that nobody could be charged for: unknown account, no rate."""

    async def use(books: Books) -> list[Record]:
        gateways = {gateway.id: gateway.name for gateway in await books.catalog.load_gateways()}
        return [
            _parked_record(report, gateways.get(report.gateway_id, str(report.gateway_id)))
            for report in await books.ledger.list_parked(limit=limit)
        ]

    print_records(
        use_books(context, use), _PARKED_COLUMNS, as_json=as_json, title="parked reports", empty="none"
    )


def _parked_record(report: "ParkedReport", gateway: str) -> dict[str, Any]:
    body = json.loads(report.report)
    return {
        "received_at": format_time(report.received_at_ms),
        "gateway": gateway,
        "session": report.session_key,
        "reason": report.reason,
        "identities": ", ".join(f"{kind} {value}" for kind, value in body.get("identities", [])),
        "called": body.get("called", ""),
        "report": body,
    }

"""``ocs ledger``: every movement of money."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.account import account_record
from ocs.cli.books import Books, use_books
from ocs.cli.console import (
    EXIT_OTHER,
    Column,
    Json,
    format_time,
    print_json,
    print_records,
    say,
)

if TYPE_CHECKING:
    from ocs.quota.ledger import LedgerEntry

app = typer.Typer(name="ledger", help="The ledger: every movement of money.", no_args_is_help=True)

SESSIONS_NAMED_MAX = 1_000
"The newest sessions of an account are shown by what their gateways call them."

ENTRY_COLUMNS = (
    Column("number", "no.", right=True),
    Column("at", "at (UTC)", is_time=True),
    Column("kind", "kind"),
    Column("amount", "amount", right=True),
    Column("balance", "balance", right=True),
    Column("overrun", "overrun", right=True),
    Column("session", "session"),
    Column("note", "note"),
)


@app.command("show")
def show(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help="The account's name.", show_default=False)],
    after: Annotated[int, typer.Option("--after", min=0, help="Only entries behind this number.")] = 0,
    last: Annotated[int | None, typer.Option("--last", min=1, help="Only the newest so many.")] = None,
    as_json: Json = False,
) -> None:
    """Show an account's entries with the balance after each, what is held now and what is free."""

    async def use(books: Books) -> dict[str, Any]:
        state = await books.administration.account_state(account)
        first = after if last is None else max(after, state.live.entries - last)
        entries = await books.ledger.list_entries(state.profile.id, after_number=first)
        return {
            "account": account_record(state.profile, state.live, plan=state.plan),
            "entries": await entry_records(books, state.profile.id, entries),
        }

    found = use_books(context, use)
    if as_json:
        print_json(found)
        return
    print_records(
        found["entries"], ENTRY_COLUMNS, as_json=False, title=f"ledger of {account}", empty="no entries"
    )
    say(balance_line(found["account"]))


def balance_line(account: dict[str, Any]) -> str:
    """Balance, held and free of an account's record, as one line."""
    free = "unlimited" if account["available"] is None else account["available"]
    return (
        f"balance {account['balance']} {account['currency']}, reserved {account['reserved']} "
        f"by {account['open_sessions']} open session(s), available {free}"
    )


@app.command("verify")
def verify(context: typer.Context, as_json: Json = False) -> None:
    """Recompute every balance from its entries and every hold from open sessions; exit 1 on a difference."""
    differences = use_books(context, lambda books: books.ledger.verify())
    if as_json:
        print_json({"differences": list(differences)})
    elif differences:
        for difference in differences:
            say(difference)
    else:
        say("The books are right: every balance and every reservation is what its entries and sessions say.")
    if differences:
        raise typer.Exit(EXIT_OTHER)


async def entry_records(
    books: Books, account_id: int, entries: "Sequence[LedgerEntry]"
) -> list[dict[str, Any]]:
    """Entries for people and scripts, with what gateways call their sessions where that is at hand."""
    own = await books.ledger.list_sessions(account_id=account_id, only_open=False, limit=SESSIONS_NAMED_MAX)
    # Sessions of accounts below this one are found by the records of what it paid for them.
    paid = await books.ledger.list_cdrs(account_id=account_id, limit=SESSIONS_NAMED_MAX)
    keys = {cdr.session_id: cdr.session_key for cdr in paid}
    keys |= {session.session_id: session.session_key for session in own}
    return [entry_record(entry, keys) for entry in entries]


def entry_record(entry: "LedgerEntry", session_keys: Mapping[int, str]) -> dict[str, Any]:
    """A ledger entry for people and scripts; ids as text, because JSON numbers end at 2^53.

    Args:
        entry: the entry.
        session_keys: what gateways call sessions, by session id; for others the id stands in.
    """
    from ocs.units import format_money

    session_id = None if entry.session_id is None else str(entry.session_id)
    return {
        "number": entry.number,
        "at": format_time(entry.at_ms),
        "kind": entry.kind,
        "amount": format_money(entry.amount_micros),
        "balance": format_money(entry.balance_micros),
        "overrun": format_money(entry.overrun_micros) if entry.overrun_micros else None,
        "session": session_keys.get(entry.session_id or 0, session_id),
        "session_id": session_id,
        "key": entry.request_key,
        "note": entry.note,
    }

"""``ocs account``: money commands and the statement. Each moves money once per key."""

import csv
import json
import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.account import Name, app
from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, parse_time, print_json, print_records, say
from ocs.cli.ledger import ENTRY_COLUMNS, entry_record, entry_records
from ocs.cli.operator import command_of
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.charging.posting import Posting

Amount = Annotated[str, typer.Argument(help="How much, 10.00.", show_default=False)]
Key = Annotated[
    str | None, typer.Option("--key", help="Moves money once however often the command runs with it.")
]
Note = Annotated[str, typer.Option("--note", help="Kept with the ledger entry.")]
Reason = Annotated[str, typer.Option("--note", help="Why; kept with the ledger entry.", show_default=False)]

Do = Callable[[Books, str], Awaitable["Posting"]]
"What a command does, by its key."


def _move(context: typer.Context, name: str, key: str | None, do: Do, *, done: str, as_json: bool) -> None:
    """Run a command that makes one entry, and say what it made."""
    used_key = key if key is not None else f"cli-{secrets.token_hex(8)}"
    posting = use_books(context, lambda books: do(books, used_key))
    record = {"account": name, **entry_record(posting.entry, {}), "repeat": posting.is_repeat}
    if as_json:
        print_json(record)
    elif posting.is_repeat:
        say(f"Key {used_key} moved {record['amount']} before; nothing was moved now.")
    else:
        amount = str(record["amount"]).removeprefix("-")
        say(f"{done.format(amount)}: balance {record['balance']} (key {used_key}).")


def _payment(name: str, amount: str, note: str, *, is_bonus: bool) -> Do:
    """What pays an amount into an account under a key; InputError when the amount is none."""
    from ocs.units import parse_money

    micros = parse_money(amount, "AMOUNT")

    def do(books: Books, used_key: str) -> "Awaitable[Posting]":
        return books.administration.treasury.pay(
            name, micros, key=used_key, note=note, is_bonus=is_bonus, command=command_of(books)
        )

    return do


@app.command("top-up")
def top_up(
    context: typer.Context,
    name: Name,
    amount: Amount,
    key: Key = None,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Pay money into an account."""
    do = _payment(name, amount, note, is_bonus=False)
    _move(context, name, key, do, done=f"Paid {{}} into {name}", as_json=as_json)


@app.command("bonus")
def bonus(
    context: typer.Context,
    name: Name,
    amount: Amount,
    key: Key = None,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Give an account money, booked apart from payments."""
    do = _payment(name, amount, note, is_bonus=True)
    _move(context, name, key, do, done=f"Gave {name} {{}}", as_json=as_json)


@app.command("adjust", context_settings={"ignore_unknown_options": True})
def adjust(
    context: typer.Context,
    name: Name,
    amount: Annotated[str, typer.Argument(help="Added to the balance: 1.50 or -1.50.", show_default=False)],
    note: Reason,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Correct a balance, up or down, also below its limit."""
    from ocs.units import parse_money

    micros = parse_money(amount, "AMOUNT")

    def do(books: Books, used_key: str) -> "Awaitable[Posting]":
        return books.administration.treasury.adjust(
            name, micros, key=used_key, note=note, command=command_of(books)
        )

    _move(context, name, key, do, done=f"Adjusted {name} by {amount}", as_json=as_json)


@app.command("reset")
def reset(
    context: typer.Context,
    name: Name,
    amount: Annotated[
        str | None, typer.Option("--amount", help="The new balance; else that of its credit reset.")
    ] = None,
    key: Key = None,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Set the balance now, beside the resets that come by themselves."""
    from ocs.units import parse_money

    micros = None if amount is None else parse_money(amount, "--amount")

    def do(books: Books, used_key: str) -> "Awaitable[Posting]":
        return books.administration.treasury.reset(
            name, micros, key=used_key, note=note, command=command_of(books)
        )

    _move(context, name, key, do, done=f"Reset {name}", as_json=as_json)


@app.command("refund")
def refund(
    context: typer.Context,
    name: Name,
    session: Annotated[
        str, typer.Argument(help="The session's id, or what its gateway calls it.", show_default=False)
    ],
    amount: Annotated[
        str | None, typer.Option("--amount", help="A part of it; else all that is left.")
    ] = None,
    gateway: Annotated[str, typer.Option("--gateway", help="Whose session.")] = "",
    key: Key = None,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Give back what an ended session cost the account."""
    from ocs.units import parse_money

    micros = None if amount is None else parse_money(amount, "--amount")

    async def do(books: Books, used_key: str) -> "Posting":
        found = await books.supervision.find(session, gateway=gateway)
        return await books.administration.treasury.refund(
            name, found.session_id, micros, key=used_key, note=note, command=command_of(books)
        )

    _move(context, name, key, do, done=f"Refunded {{}} to {name}", as_json=as_json)


@app.command("transfer")
def transfer(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Account that gives.", show_default=False)],
    target: Annotated[str, typer.Argument(help="Account that gets.", show_default=False)],
    amount: Amount,
    key: Key = None,
    note: Note = "",
    as_json: Json = False,
) -> None:
    """Move free money from one account to another, both sides or neither."""
    from ocs.units import parse_money

    micros = parse_money(amount, "AMOUNT")
    used_key = key if key is not None else f"cli-{secrets.token_hex(8)}"
    if key is None and not as_json:
        say(f"Key {used_key}: run it again with it if it is cut off.")
    done = use_books(
        context,
        lambda books: books.administration.treasury.transfer(
            source, target, micros, key=used_key, note=note, command=command_of(books)
        ),
    )
    record: dict[str, Any] = {
        "source": {"account": source, **entry_record(done.given.entry, {})},
        "target": {"account": target, **entry_record(done.taken.entry, {})},
        "repeat": done.given.is_repeat and done.taken.is_repeat,
    }
    if as_json:
        print_json(record)
    elif record["repeat"]:
        say(f"Key {used_key} moved {record['target']['amount']} before; nothing was moved now.")
    else:
        say(
            f"Moved {record['target']['amount']}: {source} has {record['source']['balance']}, "
            f"{target} has {record['target']['balance']}."
        )


# ----------------------------------------------------------------------------------------- notices

_NOTICE_COLUMNS = (
    Column("at", "at (UTC)", is_time=True),
    Column("account", "account"),
    Column("kind", "notice"),
    Column("balance", "balance", right=True),
    Column("entry", "entry", right=True),
)


@app.command("notices")
def notices(
    context: typer.Context,
    account: Annotated[str | None, typer.Argument(help="Only of this account.", show_default=False)] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, newest first.")] = 100,
    as_json: Json = False,
) -> None:
    """List what owners of accounts should be told: balances that fell below their threshold."""
    from ocs.cli.console import format_time
    from ocs.units import format_money

    async def use(books: Books) -> list[Record]:
        from ocs.charging.naming import Names

        account_id = None if account is None else (await books.administration.account(account)).id
        names = Names(books.catalog)
        return [
            {
                "at": format_time(one.at_ms),
                "account": await names.account(one.account_id),
                "kind": one.kind,
                "balance": format_money(one.balance_micros),
                "entry": one.number,
            }
            for one in await books.ledger.list_notices(account_id=account_id, limit=limit)
        ]

    print_records(use_books(context, use), _NOTICE_COLUMNS, as_json=as_json, title="notices", empty="none")


# ----------------------------------------------------------------------------------------- statement

STATEMENT_FIELDS = (
    "number",
    "at",
    "kind",
    "amount",
    "balance",
    "overrun",
    "session",
    "session_id",
    "key",
    "note",
)


@app.command("statement")
def statement(
    context: typer.Context,
    name: Name,
    since: Annotated[str | None, typer.Option("--from", help="From this time on, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Until before this time.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Only the entries, as CSV.")] = False,
    as_jsonl: Annotated[bool, typer.Option("--jsonl", help="Only the entries, one JSON per line.")] = False,
    as_json: Json = False,
) -> None:
    """Opening balance, every movement of a period, closing balance."""
    if as_csv + as_jsonl + as_json > 1:
        raise InputError("statement", "--csv, --jsonl and --json exclude each other")

    async def use(books: Books) -> dict[str, Any]:
        return await statement_record(books, name, since, until)

    found = use_books(context, use)
    entries: list[Record] = found["entries"]
    if as_json:
        print_json(found)
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, STATEMENT_FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(entries)
    elif as_jsonl:
        for entry in entries:
            say(json.dumps(entry, ensure_ascii=False))
    else:
        say(f"{found['from'] or 'opening'}: balance {found['opening_balance']} {found['currency']}")
        print_records(entries, ENTRY_COLUMNS, as_json=False, title=f"statement of {name}", empty="no entries")
        say(f"{found['until'] or 'now'}: balance {found['closing_balance']} {found['currency']}")


async def statement_record(books: Books, name: str, since: str | None, until: str | None) -> dict[str, Any]:
    """The statement; entries stand in the order of booking, with the balance after each."""
    from ocs.cli.console import format_time
    from ocs.units import format_money

    profile = await books.administration.account(name)
    from_ms = None if since is None else parse_time(since, "--from", profile.zone)
    until_ms = None if until is None else parse_time(until, "--until", profile.zone)
    if from_ms is not None and until_ms is not None and until_ms < from_ms:
        raise InputError("--until", "is before --from")
    entries = await books.ledger.list_entries(profile.id, from_ms=from_ms, until_ms=until_ms)
    opening = 0 if from_ms is None else await books.ledger.sum_entries(profile.id, until_ms=from_ms)
    return {
        "account": profile.name,
        "currency": profile.currency,
        "from": format_time(from_ms),
        "until": format_time(until_ms),
        "opening_balance": format_money(opening),
        "closing_balance": format_money(opening + sum(entry.amount_micros for entry in entries)),
        "entries": await entry_records(books, profile.id, entries),
    }

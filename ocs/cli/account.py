"""``ocs account``: who pays."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import (
    Column,
    Json,
    Record,
    choose,
    format_time,
    parse_time,
    print_facts,
    print_json,
    print_records,
    print_table,
    say,
)
from ocs.cli.discount import ALLOWANCE_COLUMNS, allowance_record
from ocs.cli.identity import IDENTITY_COLUMNS, identity_record
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.charging.administration import AccountOrder, AccountState, Enrolment
    from ocs.charging.discounting import Remaining
    from ocs.ports import Identity
    from ocs.quota.account import Account, AccountProfile

    _State = tuple[AccountState, Sequence[Remaining]]

app = typer.Typer(name="account", help="Accounts: who pays.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The account's name.", show_default=False)]
PlanName = Annotated[str | None, typer.Option("--plan", help="Plan that prices its services.")]
CreditLimit = Annotated[
    str | None, typer.Option("--credit-limit", help="How far below zero the balance may go, 20.00.")
]
Zone = Annotated[str | None, typer.Option("--zone", help="IANA time zone of its days and off-peak periods.")]
MaxSessions = Annotated[int | None, typer.Option("--max-sessions", min=1, help="Open sessions at once.")]
DailyLimit = Annotated[
    str | None, typer.Option("--daily-limit", help="Spend per day after which nothing new is granted.")
]
LowBalance = Annotated[
    str | None, typer.Option("--low-balance", help="Below this, answers say that the balance is low.")
]
Expires = Annotated[str | None, typer.Option("--expires", help="When it stops being served, ISO 8601.")]
Activates = Annotated[str | None, typer.Option("--activates", help="From when it is served, ISO 8601.")]
MaxVoice = Annotated[int | None, typer.Option("--max-voice", min=0, help="Calls at once.")]
MaxData = Annotated[int | None, typer.Option("--max-data", min=0, help="Data sessions at once.")]
ResetCycle = Annotated[
    str | None,
    typer.Option("--reset", help="Credit reset at midnight: none, daily, weekly (Monday) or monthly (1st)."),
]
ResetAmount = Annotated[
    str | None, typer.Option("--reset-amount", help="What the balance is after a credit reset.")
]


@app.command("create")
def create(
    context: typer.Context,
    name: Name,
    balance: Annotated[str, typer.Option("--balance", help="What it starts with, 10.00.")] = "0",
    plan: PlanName = None,
    kind: Annotated[str, typer.Option("--kind", help="prepaid or postpaid.")] = "prepaid",
    credit_limit: CreditLimit = None,
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217; else that of the plan.")] = "",
    parent: Annotated[str, typer.Option("--parent", help="Account that pays with it: its reseller.")] = "",
    username: Annotated[str | None, typer.Option("--username", help="Identity to begin with.")] = None,
    password: Annotated[str | None, typer.Option("--password", help="Secret of --username.")] = None,
    zone: Zone = None,
    max_sessions: MaxSessions = None,
    daily_limit: DailyLimit = None,
    low_balance: LowBalance = None,
    activates: Activates = None,
    expires: Expires = None,
    max_voice: MaxVoice = None,
    max_data: MaxData = None,
    reset: ResetCycle = None,
    reset_amount: ResetAmount = None,
    as_json: Json = False,
) -> None:
    """Create an account and book what it starts with."""
    from ocs.charging.administration import AccountOrder
    from ocs.quota.account import AccountProfile
    from ocs.units import parse_money

    changes = _changes(
        kind=kind,
        credit_limit=credit_limit,
        zone=zone,
        max_sessions=max_sessions,
        daily_limit=daily_limit,
        low_balance=low_balance,
        activates=activates,
        expires=expires,
        max_voice=max_voice,
        max_data=max_data,
        reset=reset,
        reset_amount=reset_amount,
    )
    order = AccountOrder(
        place=f"account {name}",
        profile=AccountProfile(id=0, name=name, currency=currency.upper(), **changes),
        plan=plan or "",
        parent=parent,
        opening_micros=parse_money(balance, "--balance"),
        identities=_first_identity(username, password),
    )
    _print_state(use_books(context, lambda books: _create(books, order)), as_json=as_json)


async def _create(books: Books, order: "AccountOrder") -> "_State":
    await books.administration.create_account(order)
    return await _state(books, order.profile.name)


async def _state(books: Books, name: str) -> "_State":
    from ocs.charging.discounting import remaining_allowances

    state = await books.administration.account_state(name)
    return state, await remaining_allowances(
        books.ledger, books.catalog, state.profile, now_ms=books.clock.now_ms()
    )


def _first_identity(username: str | None, password: str | None) -> "Sequence[Identity]":
    from ocs.charging.master_data import identity_value
    from ocs.ports import Identity, IdentityKind

    if username is None:
        if password is not None:
            raise InputError("--password", "belongs to no --username")
        return ()
    value = identity_value(IdentityKind.USERNAME, username, "--username")
    return (Identity(kind=IdentityKind.USERNAME, value=value, account_id=0, secret=password),)


def _changes(
    *,
    zone: str | None,
    max_sessions: int | None,
    daily_limit: str | None,
    low_balance: str | None,
    activates: str | None,
    expires: str | None,
    max_voice: int | None,
    max_data: int | None,
    reset: str | None,
    reset_amount: str | None,
    credit_limit: str | None,
    kind: str | None = None,
    status: str | None = None,
) -> dict[str, Any]:
    """What the options say of an account's profile; options that were not given change nothing."""
    from ocs.quota.account import AccountKind, AccountStatus, CreditReset
    from ocs.units import parse_money

    changes: dict[str, Any] = {"zone": zone, "max_sessions": max_sessions}
    changes |= {"max_voice_sessions": max_voice, "max_data_sessions": max_data}
    for key, option, text in (
        ("credit_limit_micros", "--credit-limit", credit_limit),
        ("daily_spend_limit_micros", "--daily-limit", daily_limit),
        ("low_balance_micros", "--low-balance", low_balance),
        ("reset_amount_micros", "--reset-amount", reset_amount),
    ):
        changes[key] = None if text is None else parse_money(text, option)
    changes["activates_at_ms"] = None if activates is None else parse_time(activates, "--activates")
    changes["expires_at_ms"] = None if expires is None else parse_time(expires, "--expires")
    changes["reset_cycle"] = None if reset is None else choose(CreditReset, reset, "--reset")
    changes["kind"] = None if kind is None else choose(AccountKind, kind, "--kind")
    changes["status"] = None if status is None else choose(AccountStatus, status, "--status")
    return {key: value for key, value in changes.items() if value is not None}


@app.command("set")
@app.command("update", hidden=True)
def update(
    context: typer.Context,
    name: Name,
    status: Annotated[
        str | None, typer.Option("--status", help="active, suspended, blocked or closed.")
    ] = None,
    plan: PlanName = None,
    credit_limit: CreditLimit = None,
    zone: Zone = None,
    max_sessions: MaxSessions = None,
    daily_limit: DailyLimit = None,
    low_balance: LowBalance = None,
    activates: Activates = None,
    expires: Expires = None,
    max_voice: MaxVoice = None,
    max_data: MaxData = None,
    reset: ResetCycle = None,
    reset_amount: ResetAmount = None,
    as_json: Json = False,
) -> None:
    """Change what is given; running calls feel it at their next report."""
    changes = _changes(
        status=status,
        credit_limit=credit_limit,
        zone=zone,
        max_sessions=max_sessions,
        daily_limit=daily_limit,
        low_balance=low_balance,
        activates=activates,
        expires=expires,
        max_voice=max_voice,
        max_data=max_data,
        reset=reset,
        reset_amount=reset_amount,
    )
    if not changes and plan is None:
        raise InputError(f"account {name}", "nothing to change was given")

    async def use(books: Books) -> "_State":
        await books.administration.update_account(name, changes, plan=plan)
        return await _state(books, name)

    _print_state(use_books(context, use), as_json=as_json)


def _set_status(context: typer.Context, name: str, status: str, *, as_json: bool) -> None:
    from ocs.quota.account import AccountStatus

    async def use(books: Books) -> "_State":
        await books.administration.update_account(name, {"status": AccountStatus(status)})
        return await _state(books, name)

    _print_state(use_books(context, use), as_json=as_json)


@app.command("suspend")
def suspend(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Serve it no more for now: open sessions are ended at their equipment within seconds."""
    _set_status(context, name, "suspended", as_json=as_json)


@app.command("block")
def block(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Serve it no more: open sessions are ended at their equipment within seconds."""
    _set_status(context, name, "blocked", as_json=as_json)


@app.command("activate")
def activate(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Serve it (again)."""
    _set_status(context, name, "active", as_json=as_json)


@app.command("close")
def close(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Close it for good; its books stay."""
    _set_status(context, name, "closed", as_json=as_json)


@app.command("show")
def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show balance, what is held, what is free, what is left of allowances, and the identities."""
    _print_state(use_books(context, lambda books: _state(books, name)), as_json=as_json)


@app.command("list")
def list_accounts(
    context: typer.Context,
    prefix: Annotated[str, typer.Option("--prefix", help="Only names that begin so.")] = "",
    after: Annotated[str, typer.Option("--after", help="Go on behind this name.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """List accounts in order of name."""

    async def use(books: Books) -> list[Record]:
        profiles = await books.catalog.list_accounts(prefix=prefix, after=after, limit=limit)
        loaded = await books.ledger.load([profile.id for profile in profiles], ())
        plans = {plan.id: plan.name for plan in await books.catalog.load_plans()}
        return [
            account_record(profile, loaded.accounts.get(profile.id), plan=plans.get(profile.plan_id or 0, ""))
            for profile in profiles
        ]

    records = use_books(context, use)
    print_records(records, _COLUMNS, as_json=as_json, title="accounts")
    if len(records) == limit and not as_json:
        say(f"There may be more: --after {records[-1]['name']}")


@app.command("import")
def import_accounts(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, see below.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Create the accounts of a CSV file, all or none.

    Columns, in any order under a header line, or in this order without one:
    account, balance, plan, identity kind, value, secret.
    Also known: parent, account kind, credit limit, currency, zone.
    Several lines of one account give it several identities. Running it again changes nothing.
    """
    from ocs.charging.account_sheet import parse_account_sheet

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            sheet = parse_account_sheet(lines, str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(file), f"cannot be read: {error}") from error

    async def use(books: Books) -> "Enrolment":
        enrolment = await books.administration.plan_enrolment(sheet.orders, sheet.errors)
        if not dry_run:
            await books.administration.enrol(enrolment)
        return enrolment

    enrolment = use_books(context, use)
    counts = {
        "created": len(enrolment.new),
        "unchanged": len(enrolment.present),
        "identities": sum(len(order.identities) for order in sheet.orders),
        "dry_run": dry_run,
    }
    if as_json:
        print_json(counts)
    else:
        would = "would be " if dry_run else ""
        say(f"{counts['created']} account(s) {would}created, {counts['unchanged']} already as in the file")


# ----------------------------------------------------------------------------------------- showing

_COLUMNS = (
    Column("name", "name"),
    Column("status", "status"),
    Column("kind", "kind"),
    Column("plan", "plan"),
    Column("balance", "balance", right=True),
    Column("reserved", "reserved", right=True),
    Column("available", "available", right=True, blank="unlimited"),
    Column("currency", ""),
    Column("open_sessions", "open", right=True),
)


def account_record(profile: "AccountProfile", live: "Account | None", *, plan: str) -> dict[str, Any]:
    """An account for people and scripts; `available` is None when nothing limits it."""
    from ocs.quota.account import opening_account
    from ocs.units import format_money

    live = live or opening_account(profile.id)
    available = live.available_micros(profile.floor_micros)
    return {
        "name": profile.name,
        "status": profile.status.value,
        "kind": profile.kind.value,
        "plan": plan or None,
        "balance": format_money(live.balance_micros),
        "reserved": format_money(live.reserved_micros),
        "available": None if available is None else format_money(available),
        "credit_limit": _money(profile.credit_limit_micros),
        "currency": profile.currency,
        "open_sessions": live.open_sessions,
        "zone": profile.zone,
        "max_sessions": profile.max_sessions,
        "max_voice": profile.max_voice_sessions,
        "max_data": profile.max_data_sessions,
        "reset": profile.reset_cycle.value if profile.reset_cycle.value != "none" else None,
        "reset_amount": _money(profile.reset_amount_micros) if profile.reset_cycle.value != "none" else None,
        "daily_limit": _money(profile.daily_spend_limit_micros),
        "low_balance": _money(profile.low_balance_micros),
        "activates_at": format_time(profile.activates_at_ms),
        "expires_at": format_time(profile.expires_at_ms),
    }


def _money(amount_micros: int | None) -> str | None:
    from ocs.units import format_money

    return None if amount_micros is None else format_money(amount_micros)


def _print_state(shown: "_State", *, as_json: bool) -> None:
    state, allowances = shown
    record = {
        **account_record(state.profile, state.live, plan=state.plan),
        "parent": state.parent or None,
        "identities": [identity_record(identity) for identity in state.identities],
        "allowances": [allowance_record(one) for one in allowances],
    }
    if not as_json and record["available"] is None:
        record["available"] = "unlimited"
    print_facts(record, as_json=as_json)
    if not as_json and state.identities:
        print_table(record["identities"], IDENTITY_COLUMNS, title="identities")
    if not as_json and allowances:
        print_table(record["allowances"], ALLOWANCE_COLUMNS, title="allowances and discounts")

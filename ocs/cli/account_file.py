"""``ocs account export``, ``ocs identity import | export``: accounts and identities as CSV files."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Json, print_json, say
from ocs.cli.operator import command_of
from ocs.errors import AlreadyExistsError, InputError, InputErrors

if TYPE_CHECKING:
    from ocs.charging.audit import Command
    from ocs.charging.identity_sheet import IdentityLine
    from ocs.ports import AuditEntry, Identity
    from ocs.quota.account import AccountProfile

ACCOUNTS_PER_READ = 500

Target = Annotated[Path, typer.Argument(help="CSV to write; - for standard output.", show_default=False)]
WithSecrets = Annotated[bool, typer.Option("--with-secrets", help="Write passwords too: keep the file safe.")]


def export_accounts(
    context: typer.Context,
    file: Target,
    with_secrets: WithSecrets = False,
    prefix: Annotated[str, typer.Option("--prefix", help="Only names that begin so.")] = "",
    as_json: Json = False,
) -> None:
    """Write accounts and their identities as CSV that `ocs account import` takes elsewhere.

    The balances are those of now.
    """
    from ocs.charging.account_sheet import AccountLine, write_account_sheet
    from ocs.quota.account import opening_account

    async def use(books: Books) -> int:
        plans = {plan.id: plan.name for plan in await books.catalog.load_plans()}
        count = 0
        with _opened(file) as out:
            async for profiles in _profiles(books, prefix):
                live = (await books.ledger.load([one.id for one in profiles], ())).accounts
                lines = [
                    AccountLine(
                        profile,
                        plans.get(profile.plan_id or 0, ""),
                        await _parent(books, profile),
                        (live.get(profile.id) or opening_account(profile.id)).balance_micros,
                        await books.catalog.list_identities(profile.id),
                    )
                    for profile in profiles
                ]
                out.write(write_account_sheet(lines, with_secrets=with_secrets, header=count == 0))
                count += len(lines)
        return count

    _tell(use_books(context, use), "account(s)", file, as_json=as_json)


def export_identities(
    context: typer.Context,
    file: Target,
    with_secrets: WithSecrets = False,
    prefix: Annotated[str, typer.Option("--prefix", help="Only of accounts whose names begin so.")] = "",
    as_json: Json = False,
) -> None:
    """Write identities as CSV that `ocs identity import` takes."""
    from ocs.charging.identity_sheet import IdentityLine, write_identity_sheet

    async def use(books: Books) -> int:
        plans = {plan.id: plan.name for plan in await books.catalog.load_plans()}
        tariffs = {terms.id: terms.name for terms in await books.catalog.load_tariffs()}
        count = 0
        is_first = True
        with _opened(file) as out:
            async for profiles in _profiles(books, prefix):
                lines = [
                    IdentityLine(
                        "",
                        profile.name,
                        plans.get(identity.plan_id or 0, ""),
                        identity,
                        tariffs.get(identity.payback_tariff_id or 0, ""),
                    )
                    for profile in profiles
                    for identity in await books.catalog.list_identities(profile.id)
                ]
                out.write(write_identity_sheet(lines, with_secrets=with_secrets, header=is_first))
                is_first = False
                count += len(lines)
        return count

    _tell(use_books(context, use), "identity(ies)", file, as_json=as_json)


def import_identities(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV with a header, see below.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Add the identities of a CSV file to accounts that exist, all or none.

    Columns, in any order: account, kind, value; and secret, plan, max sessions, cost centre.
    Running it again changes nothing.
    """
    from ocs.charging.identity_sheet import parse_identity_sheet

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            sheet = parse_identity_sheet(lines, str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(file), f"cannot be read: {error}") from error

    async def use(books: Books) -> tuple[int, int]:
        new, present = await _plan_identities(books, sheet, str(file))
        if new and not dry_run:
            command = command_of(books)
            entries = [_entry(command, line, identity) for line, identity in new]
            await books.catalog.add_identities([identity for _, identity in new], audits=entries)
        return len(new), present

    created, present = use_books(context, use)
    if as_json:
        print_json({"created": created, "unchanged": present, "dry_run": dry_run})
    else:
        would = "would be " if dry_run else ""
        say(f"{created} identity(ies) {would}created, {present} already as in the file")


async def _plan_identities(
    books: Books, sheet: "Sequence[IdentityLine]", place: str
) -> "tuple[list[tuple[IdentityLine, Identity]], int]":
    """Identities that are to be added, and how many are there already; everything wrong is told at once."""
    from dataclasses import replace

    from ocs.charging.password import is_same_secret

    plans = {plan.name: plan.id for plan in await books.catalog.load_plans()}
    tariffs = {terms.name: terms.id for terms in await books.catalog.load_tariffs()}
    new: list[tuple[IdentityLine, Identity]] = []
    present = 0
    errors: list[InputError] = []
    for line in sheet:
        account = await books.catalog.find_account(line.account)
        if account is None:
            errors.append(InputError(f"{line.place}: account", f"{line.account!r} does not exist"))
            continue
        if line.plan and line.plan not in plans:
            errors.append(InputError(f"{line.place}: plan", f"{line.plan!r} does not exist"))
            continue
        if line.payback_tariff and line.payback_tariff not in tariffs:
            errors.append(
                InputError(f"{line.place}: payback tariff", f"{line.payback_tariff!r} does not exist")
            )
            continue
        wanted = replace(
            line.identity,
            account_id=account.id,
            plan_id=plans[line.plan] if line.plan else None,
            payback_tariff_id=tariffs[line.payback_tariff] if line.payback_tariff else None,
        )
        asked = wanted.value.partition("/")[0] if wanted.kind.value == "ip" else wanted.value
        found = await books.catalog.find_identity(wanted.kind, asked)
        if found is None or found.value != wanted.value:
            new.append((line, wanted))
        elif replace(found, secret=None) == replace(wanted, secret=None) and (
            wanted.secret is None or is_same_secret(found.secret, wanted.secret)
        ):
            present += 1
        else:
            taken = AlreadyExistsError(f"{wanted.kind.value} {wanted.value!r} is there and is not the same")
            errors.append(InputError(f"{line.place}: value", str(taken)))
    if errors:
        raise InputErrors(place, errors)
    return new, present


def _entry(command: "Command", line: "IdentityLine", identity: "Identity") -> "AuditEntry":
    from ocs.charging.account_sheet import primary_text
    from ocs.charging.resource.identity import identity_id

    name = f"accounts/{line.account}/identities/{identity_id(identity.kind, identity.value)}"
    facts = {
        "kind": identity.kind.value,
        "value": identity.value,
        "has_secret": identity.secret is not None,
        "max_sessions": identity.max_sessions,
        "plan": f"plans/{line.plan}" if line.plan else None,
        "cost_centre": identity.cost_centre,
        "payback_tariff": f"tariffs/{line.payback_tariff}" if line.payback_tariff else None,
        "primary": primary_text(identity) or None,
    }
    return command.entry("create", name, after=facts)


async def _profiles(books: Books, prefix: str) -> "AsyncIterator[Sequence[AccountProfile]]":
    after = ""
    while profiles := await books.catalog.list_accounts(prefix=prefix, after=after, limit=ACCOUNTS_PER_READ):
        yield profiles
        after = profiles[-1].name


async def _parent(books: Books, profile: "AccountProfile") -> str:
    if profile.parent_id is None:
        return ""
    return (await books.catalog.load_chain(profile.parent_id))[0].name


def _opened(file: Path) -> "TextIO | Any":
    import contextlib
    import sys

    if str(file) == "-":
        return contextlib.nullcontext(sys.stdout)
    try:
        return file.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InputError(str(file), f"cannot be written: {error.strerror}") from error


def _tell(count: int, what: str, file: Path, *, as_json: bool) -> None:
    if str(file) == "-":
        return
    if as_json:
        print_json({"written": count, "file": str(file)})
    else:
        say(f"{count} {what} written to {file}")

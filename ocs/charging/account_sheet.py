"""Account sheets: CSV with one identity of one account a line, as `AccountOrder`s.

Owns the columns and the reading of cells. Does not own whether plans, parents and names exist
(`ocs.charging.administration`) or which file it is. Pure.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from ocs.charging.administration import AccountOrder
from ocs.charging.master_data import identity_value
from ocs.errors import InputError
from ocs.ports import Identity, IdentityKind
from ocs.quota.account import AccountKind, AccountProfile
from ocs.units import format_money, parse_money

COLUMNS: Final = ("account", "balance", "plan", "identity kind", "value", "secret")
"The order of columns in a sheet without a header."
EXTRA_COLUMNS: Final = ("parent", "account kind", "credit limit", "currency", "zone")
_ALIASES: Final = {
    "account name": "account",
    "name": "account",
    "kind": "identity kind",
    "identity": "value",
    "identity value": "value",
    "password": "secret",
    "time zone": "zone",
}
_DELIMITERS: Final = ",;\t|"


@dataclass(slots=True)
class _Draft:
    """An account while its lines are read."""

    order: AccountOrder
    cells: Mapping[str, str]
    "What its first line says of the account."
    identities: list[Identity] = field(default_factory=list)


class AccountSheet(NamedTuple):
    """A sheet as far as it can be read."""

    orders: Sequence[AccountOrder]
    errors: Sequence[InputError]
    "Every bad line with its column. With any, the orders are good for looking for more errors only."


def parse_account_sheet(lines: Iterable[str], place: str) -> AccountSheet:
    """Read a whole sheet: header in any order and case (or none: `COLUMNS`), delimiter found out.

    Further lines of an account add identities; what they say of the account itself is blank or the same.

    Raises:
        InputError: it is not CSV, is empty, or its header has unknown columns.
    """
    texts = list(lines)
    reader = csv.reader(texts, delimiter=_find_delimiter(texts), strict=True)
    drafts: dict[str, _Draft] = {}
    errors: list[InputError] = []
    columns: Sequence[str] = ()
    try:
        for cells in reader:
            at = f"{place}:{reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _find_columns(cells, at)
                if columns is not COLUMNS:
                    continue
            try:
                _read_line(dict(_pair(columns, cells, at)), at, drafts)
            except InputError as error:
                errors.append(error)
    except csv.Error as error:
        raise InputError(f"{place}:{reader.line_num}", f"is not CSV: {error}") from error
    if not drafts and not errors:
        raise InputError(place, "has no accounts")
    orders = [replace(draft.order, identities=tuple(draft.identities)) for draft in drafts.values()]
    return AccountSheet(orders, errors)


def _find_delimiter(texts: Sequence[str]) -> str:
    first = next((text for text in texts if text.strip()), "")
    return max(_DELIMITERS, key=first.count)


def _normalised(title: str) -> str:
    return " ".join(title.replace("_", " ").replace("-", " ").casefold().split())


def _find_columns(cells: Sequence[str], at: str) -> Sequence[str]:
    """The header's columns; `COLUMNS` itself when the first line is an account already."""
    titles = [_ALIASES.get(_normalised(cell), _normalised(cell)) for cell in cells]
    if "account" not in titles:
        return COLUMNS
    known = (*COLUMNS, *EXTRA_COLUMNS)
    for title, cell in zip(titles, cells, strict=True):
        if title not in known:
            raise InputError(at, f"no such column {cell!r}; there are {', '.join(known)}")
        if titles.count(title) > 1:
            raise InputError(at, f"column {title!r} stands there twice")
    return titles


def _pair(columns: Sequence[str], cells: Sequence[str], at: str) -> Iterable[tuple[str, str]]:
    if len(cells) > len(columns):
        raise InputError(at, f"has {len(cells)} cells, the sheet has {len(columns)} columns")
    return zip(columns, (cell.strip() for cell in cells), strict=False)


def _read_line(cells: Mapping[str, str], at: str, drafts: dict[str, _Draft]) -> None:
    name = cells.get("account", "")
    if not name:
        raise InputError(f"{at}: account", "is empty")
    draft = drafts.get(name)
    identity = _read_identity(cells, at)
    if draft is None:
        draft = drafts[name] = _Draft(_read_account(name, cells, at), cells)
    else:
        _check_same(cells, draft, at)
    if identity is not None:
        draft.identities.append(identity)


def _read_account(name: str, cells: Mapping[str, str], at: str) -> AccountOrder:
    limit = cells.get("credit limit", "")
    balance = cells.get("balance", "")
    return AccountOrder(
        place=at,
        profile=AccountProfile(
            id=0,
            name=name,
            kind=_read_account_kind(cells.get("account kind", ""), f"{at}: account kind"),
            currency=cells.get("currency", "").upper(),
            credit_limit_micros=parse_money(limit, f"{at}: credit limit") if limit else None,
            zone=cells.get("zone", "") or "UTC",
        ),
        plan=cells.get("plan", ""),
        parent=cells.get("parent", ""),
        opening_micros=parse_money(balance, f"{at}: balance") if balance else 0,
    )


def _read_account_kind(text: str, place: str) -> AccountKind:
    try:
        return AccountKind(text.casefold() or "prepaid")
    except ValueError:
        raise InputError(place, f"{text!r} is neither prepaid nor postpaid") from None


def _read_identity(cells: Mapping[str, str], at: str) -> Identity | None:
    kind, value, secret = (cells.get(name, "") for name in ("identity kind", "value", "secret"))
    if not kind and not value:
        if secret:
            raise InputError(f"{at}: secret", "belongs to no identity: kind and value are empty")
        return None
    identity_kind = parse_identity_kind(kind, f"{at}: identity kind")
    return Identity(
        kind=identity_kind,
        value=identity_value(identity_kind, value, f"{at}: value"),
        account_id=0,
        secret=secret or None,
    )


def parse_primary(text: str, place: str) -> dict[str, Any]:
    """The fields of an identity's primary, written ``KIND:VALUE``; empty: it has none."""
    if not text:
        return {"primary_kind": None, "primary_value": ""}
    kind, colon, value = text.partition(":")
    if not colon:
        raise InputError(place, f"{text!r} is not KIND:VALUE, such as username:alice")
    primary_kind = parse_identity_kind(kind, place)
    return {"primary_kind": primary_kind, "primary_value": identity_value(primary_kind, value, place)}


def primary_text(identity: Identity) -> str:
    """The identity's primary as `parse_primary` reads it; empty: it has none."""
    return "" if identity.primary_kind is None else identity.counted_as


def parse_identity_kind(text: str, place: str) -> IdentityKind:
    """The kind of identity with this name, in any case."""
    try:
        return IdentityKind(text.strip().casefold())
    except ValueError:
        kinds = ", ".join(kind.value for kind in IdentityKind)
        raise InputError(place, f"{text!r} is no kind of identity; there are {kinds}") from None


def _check_same(cells: Mapping[str, str], draft: _Draft, at: str) -> None:
    for column in ("balance", "plan", *EXTRA_COLUMNS):
        cell = cells.get(column, "")
        if cell and cell != draft.cells.get(column, ""):
            raise InputError(
                f"{at}: {column}", f"{cell!r} is not what {draft.order.place} says of the account"
            )


class AccountLine(NamedTuple):
    """An account as a sheet shows it."""

    profile: AccountProfile
    plan: str
    parent: str
    balance_micros: int
    identities: Sequence[Identity]


def write_account_sheet(accounts: Iterable[AccountLine], *, with_secrets: bool, header: bool = True) -> str:
    """The text of a sheet that makes the same accounts elsewhere; secrets only if they are wanted.

    Balances are those of now, as the accounts will start there.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    columns = [name for name in (*COLUMNS, *EXTRA_COLUMNS) if with_secrets or name != "secret"]
    if header:
        writer.writerow(columns)
    for account in accounts:
        limit = account.profile.credit_limit_micros
        first = {
            "balance": format_money(account.balance_micros),
            "plan": account.plan,
            "parent": account.parent,
            "account kind": account.profile.kind.value,
            "credit limit": "" if limit is None else format_money(limit),
            "currency": account.profile.currency,
            "zone": account.profile.zone,
        }
        for identity in account.identities or (None,):
            cells = {"account": account.profile.name, **first}
            if identity is not None:
                cells |= {"identity kind": identity.kind.value, "value": identity.value}
                cells["secret"] = identity.secret or ""
            writer.writerow([cells.get(name, "") for name in columns])
            first = {}
    return text.getvalue()

"""Identity sheets: CSV with one identity a line, of accounts that exist.

Owns the columns, both ways. Does not own whether accounts and plans exist, or which file it is. Pure.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ocs.charging.account_sheet import parse_identity_kind, parse_primary, primary_text
from ocs.charging.master_data import identity_value
from ocs.errors import InputError, InputErrors
from ocs.ports import Identity

COLUMNS: Final = (
    "account",
    "kind",
    "value",
    "secret",
    "plan",
    "max sessions",
    "cost centre",
    "payback tariff",
    "primary",
)
NEEDED: Final = ("account", "kind", "value")
_SESSIONS_MAX: Final = 2**31 - 1
_ALIASES: Final = {"identity kind": "kind", "identity value": "value", "password": "secret"}


class IdentityLine(NamedTuple):
    """What a line asks for."""

    place: str
    "File and line."
    account: str
    plan: str
    identity: Identity
    "Without account, plan and tariff, which are known by their names."
    payback_tariff: str = ""


def parse_identity_sheet(lines: Iterable[str], place: str) -> Sequence[IdentityLine]:
    """Read a whole sheet; its first line names the columns, in any order and case.

    Raises:
        InputErrors: every bad line with its column.
        InputError: it is not CSV, has no header or no identities.
    """
    reader = csv.reader(lines, strict=True)
    found: list[IdentityLine] = []
    errors: list[InputError] = []
    columns: Sequence[str] = ()
    try:
        for cells in reader:
            at = f"{place}:{reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = _find_columns(cells, at)
                continue
            try:
                found.append(_read_line(_pair(columns, cells, at), at))
            except InputError as error:
                errors.append(error)
    except csv.Error as error:
        raise InputError(f"{place}:{reader.line_num}", f"is not CSV: {error}") from error
    errors += _repeats(found)
    if errors:
        raise InputErrors(place, errors)
    if not found:
        raise InputError(place, "has no identities")
    return found


def _find_columns(cells: Sequence[str], at: str) -> Sequence[str]:
    plain = [" ".join(cell.replace("_", " ").replace("-", " ").casefold().split()) for cell in cells]
    titles = [_ALIASES.get(title, title) for title in plain]
    for title, cell in zip(titles, cells, strict=True):
        if title not in COLUMNS:
            raise InputError(at, f"no such column {cell!r}; there are {', '.join(COLUMNS)}")
        if titles.count(title) > 1:
            raise InputError(at, f"column {title!r} stands there twice")
    for needed in NEEDED:
        if needed not in titles:
            raise InputError(at, f"column {needed!r} is missing")
    return titles


def _pair(columns: Sequence[str], cells: Sequence[str], at: str) -> Mapping[str, str]:
    if len(cells) > len(columns):
        raise InputError(at, f"has {len(cells)} cells, the sheet has {len(columns)} columns")
    return dict(zip(columns, (cell.strip() for cell in cells), strict=False))


def _read_line(cells: Mapping[str, str], at: str) -> IdentityLine:
    if not cells.get("account"):
        raise InputError(f"{at}: account", "is empty")
    kind = parse_identity_kind(cells.get("kind", ""), f"{at}: kind")
    sessions = cells.get("max sessions", "")
    if sessions and not (sessions.isascii() and sessions.isdigit() and int(sessions) <= _SESSIONS_MAX):
        raise InputError(f"{at}: max sessions", f"{sessions!r} is not a number of sessions")
    identity = Identity(
        kind=kind,
        value=identity_value(kind, cells.get("value", ""), f"{at}: value"),
        account_id=0,
        secret=cells.get("secret") or None,
        max_sessions=int(sessions) if sessions else None,
        cost_centre=cells.get("cost centre", ""),
        **parse_primary(cells.get("primary", ""), f"{at}: primary"),
    )
    return IdentityLine(
        at, cells["account"], cells.get("plan", ""), identity, cells.get("payback tariff", "")
    )


def _repeats(lines: Sequence[IdentityLine]) -> Sequence[InputError]:
    places: dict[tuple[str, str], str] = {}
    errors = []
    for line in lines:
        key = (line.identity.kind.value, line.identity.value)
        if key in places:
            errors.append(InputError(line.place, f"{key[0]} {key[1]!r} stands at {places[key]} already"))
        places.setdefault(key, line.place)
    return errors


def write_identity_sheet(lines: Iterable[IdentityLine], *, with_secrets: bool, header: bool = True) -> str:
    """The text of a sheet that reads as the same identities; secrets only if they are wanted."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    columns = [column for column in COLUMNS if with_secrets or column != "secret"]
    if header:
        writer.writerow(columns)
    for line in lines:
        identity = line.identity
        cells = {
            "account": line.account,
            "kind": identity.kind.value,
            "value": identity.value,
            "secret": identity.secret or "",
            "plan": line.plan,
            "max sessions": "" if identity.max_sessions is None else identity.max_sessions,
            "cost centre": identity.cost_centre,
            "payback tariff": line.payback_tariff,
            "primary": primary_text(identity),
        }
        writer.writerow([cells[column] for column in columns])
    return text.getvalue()

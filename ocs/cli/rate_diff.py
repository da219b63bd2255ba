"""``ocs tariff diff``: rate by rate, what importing a sheet would change.

Owns how a change is shown. Does not own what changes (`ocs.rating.sheet_diff`). Writes nothing.
"""

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, choose, format_time, print_json, print_table, say
from ocs.cli.rate import rate_record
from ocs.cli.rate_sheet import preview_record, print_preview
from ocs.cli.sheet_file import (
    DayFirst,
    DecimalComma,
    Delimiter,
    Mapped,
    Mode,
    Past,
    SheetFile,
    SheetPath,
    Worksheet,
    Zone,
    parse_mapping,
    progress_bar,
    refused,
    sheet_errors,
)

if TYPE_CHECKING:
    from ocs.rating.index import Version
    from ocs.rating.sheet import ImportPlan, RateChange, Sheet
    from ocs.rating.tariff import TariffTerms

_COLUMNS = (
    Column("step", "change"),
    Column("destination", "destination"),
    Column("from", "from (UTC)", is_time=True),
    Column("before", "before"),
    Column("after", "after"),
    Column("move_percent", "move %", right=True),
)


def diff_sheet(
    context: typer.Context,
    file: SheetPath,
    tariff: Annotated[str, typer.Option(help="Tariff that it is compared with.")],
    mapping: Mapped = None,
    mode: Mode = "add",
    past: Past = "now",
    zone: Zone = "UTC",
    delimiter: Delimiter = None,
    decimal_comma: DecimalComma = None,
    day_first: DayFirst = None,
    worksheet: Worksheet = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Compare the good rows all the same.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Show at most so many changes.")] = 200,
    as_json: Json = False,
) -> None:
    """Show what importing a rate sheet would change, rate by rate. Nothing is written."""
    from ocs.rating.sheet import ImportMode, PastMode

    sheet_file = SheetFile(
        path=file,
        mode=choose(ImportMode, mode, "--mode"),
        past=choose(PastMode, past, "--past"),
        reading={
            "zone": zone,
            "mapping": parse_mapping(mapping),
            "delimiter": delimiter,
            "decimal_comma": decimal_comma,
            "day_first": day_first,
            "worksheet": worksheet,
        },
    )

    async def use(books: Books) -> "tuple[TariffTerms, Sheet, ImportPlan]":
        from ocs.charging.tariff_book import find_terms

        terms = await find_terms(books.catalog, tariff)
        existing = await books.catalog.load_tariff(terms)
        with progress_bar(shown=not as_json) as progress:
            read = sheet_file.plan(existing, now_s=books.clock.now_ms() // 1000, progress=progress)
        return terms, *read

    terms, sheet, plan = use_books(context, use)
    errors = sheet_errors(sheet, plan)
    if errors and not skip_bad:
        raise refused(file, sheet, plan)
    preview = {**preview_record(plan, terms, sheet), "bad": [str(error) for error in errors]}
    changes = [_change_record(change) for change in islice(plan.changes(), limit)]
    if as_json:
        print_json({**preview, "changes": changes})
        return
    print_preview(preview)
    if changes:
        print_table(changes, _COLUMNS)
    else:
        say("no change")
    left = plan.change_count - len(changes)
    if left:
        say(f"and {left} more: see --limit")


def _change_record(change: "RateChange") -> dict[str, Any]:
    """One change for people and scripts."""
    version = change.new or change.old
    assert version is not None, change
    return {
        "step": change.step.value,
        "destination": change.destination,
        "from": format_time(version.effective_from_s * 1000),
        "before": _version_text(change.destination, change.old),
        "after": _version_text(change.destination, change.new),
        "move_percent": _move(change),
    }


def _version_text(destination: str, version: "Version | None") -> str | None:
    """What a version says, on one line; None: there is none."""
    from ocs.rating.index import to_rate

    if version is None:
        return None
    said = rate_record("", to_rate(destination, version))
    if version.discontinued:
        return "discontinued"
    price = said["formula"] or said["unit_price"] or said["next_price"]
    if said["intervals"] and said["first_price"] != said["next_price"]:
        price = f"{said['first_price']} then {said['next_price']}"
    parts = [price, said["intervals"] or (f"by {said['rounding']}" if said["rounding"] else "")]
    if said["off_peak"]:
        parts.append(f"off-peak {said['off_peak']}")
    parts.append(said["flags"])
    return " ".join(part for part in parts if part)


def _move(change: "RateChange") -> str | None:
    """How the price moves, in percent; None where it does not, or cannot be compared."""
    from ocs.rating.sheet import PriceMoves, Step
    from ocs.units import format_decimal

    if change.step is not Step.CHANGED or change.old is None or change.new is None:
        return None
    moves = PriceMoves()
    moves.count(change.old.peak, change.new.peak)
    if moves.min_basis_points is None:
        return None
    sign = "+" if moves.min_basis_points > 0 else ""
    return f"{sign}{format_decimal(moves.min_basis_points, places=2)}"

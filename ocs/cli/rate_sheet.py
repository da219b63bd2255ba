"""``ocs tariff import`` and ``export``: rate sheets.

Owns the preview, the asking and the progress. Does not own what a sheet means (`ocs.rating.sheet`) or how a
planned import becomes records (`ocs.charging.tariff_book`).
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, choose, parse_time, print_json, print_table, say
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
from ocs.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ocs.rating.directory import Directory
    from ocs.rating.index import Tariff
    from ocs.rating.sheet import Column as SheetColumn
    from ocs.rating.sheet import ImportPlan, Sheet
    from ocs.rating.tariff import Rate, TariffTerms


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """What was asked for."""

    file: SheetFile
    tariff: str
    currency: str
    skips_bad: bool
    may_write: bool
    is_agreed: bool
    "Nobody needs to be asked."
    as_json: bool


def import_sheet(
    context: typer.Context,
    file: SheetPath,
    tariff: Annotated[str, typer.Option(help="Tariff it goes into; made when there is none.")],
    mapping: Mapped = None,
    mode: Mode = "add",
    past: Past = "now",
    zone: Zone = "UTC",
    currency: Annotated[str, typer.Option(help="Of a tariff that is made.")] = "USD",
    delimiter: Delimiter = None,
    decimal_comma: DecimalComma = None,
    day_first: DayFirst = None,
    worksheet: Worksheet = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the good rows all the same.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Import a rate sheet: check it whole, show what it changes, then write all of it or nothing."""
    from ocs.charging.master_data import check_currency, check_name
    from ocs.rating.sheet import ImportMode, PastMode

    check_name(tariff, "--tariff")
    check_currency(currency.upper(), "--currency")
    wanted = _Import(
        file=SheetFile(
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
        ),
        tariff=tariff,
        currency=currency.upper(),
        skips_bad=skip_bad,
        may_write=not dry_run,
        is_agreed=yes,
        as_json=as_json,
    )
    use_books(context, lambda books: _import(books, wanted))


async def _import(books: Books, wanted: _Import) -> None:
    from ocs.rating.index import Tariff
    from ocs.rating.tariff import TariffTerms

    known = {terms.name: terms for terms in await books.catalog.load_tariffs()}
    terms = known.get(wanted.tariff)
    if terms is None:
        existing = Tariff.build(TariffTerms(id=0, name=wanted.tariff, currency=wanted.currency), ())
    else:
        existing = await books.catalog.load_tariff(terms)
    with progress_bar(shown=not wanted.as_json) as progress:
        sheet, plan = wanted.file.plan(existing, now_s=books.clock.now_ms() // 1000, progress=progress)
    errors = sheet_errors(sheet, plan)
    if errors and not wanted.skips_bad:
        raise refused(wanted.file.path, sheet, plan)
    preview = {**preview_record(plan, existing.terms, sheet), "bad": [str(error) for error in errors]}
    if not wanted.as_json:
        print_preview(preview)
    written = 0
    if wanted.may_write and plan.change_count and agreed(is_agreed=wanted.is_agreed, as_json=wanted.as_json):
        terms = terms or await books.catalog.save_tariff(existing.terms)
        written = await _write(books, existing, terms, plan, shows_progress=not wanted.as_json)
    if wanted.as_json:
        print_json({**preview, "written": written})
    else:
        say(f"wrote {written} rate(s)" if written else "nothing was written")


def preview_record(plan: "ImportPlan", terms: "TariffTerms", sheet: "Sheet") -> dict[str, Any]:
    """What an import comes to, counted."""
    moves = plan.moves
    return {
        "tariff": terms.name,
        "is_new": not terms.id,
        "rows": sheet.row_count,
        "bad_rows": sheet.bad_row_count,
        **{step.value: count for step, count in plan.counts.items()},
        "prices_up": moves.up,
        "prices_down": moves.down,
        "largest_cut_percent": _percent(moves.min_basis_points, sign=-1),
        "largest_rise_percent": _percent(moves.max_basis_points, sign=1),
    }


def _percent(basis_points: int | None, *, sign: int) -> str | None:
    """A move in percent; None when prices moved the other way only."""
    from ocs.units import format_decimal

    moved = basis_points is not None and basis_points * sign > 0
    return format_decimal(basis_points or 0, places=2) if moved else None


def print_preview(preview: dict[str, Any]) -> None:
    """The counts that are not 0, and the rows that are left out."""
    facts = [
        {"what": key.replace("_", " "), "count": value}
        for key, value in preview.items()
        if key not in ("tariff", "is_new", "bad") and value not in (0, None)
    ]
    new = " (new)" if preview["is_new"] else ""
    columns = (Column("what", ""), Column("count", "", right=True))
    print_table(facts, columns, title=f"tariff {preview['tariff']}{new}")
    for bad in preview["bad"]:
        say(f"left out: {bad}")


def agreed(*, is_agreed: bool, as_json: bool) -> bool:
    """Whether what was shown shall be written: agreed before, or asked for on a terminal.

    Raises:
        InputError: nobody can be asked.
    """
    if is_agreed:
        return True
    if as_json or not sys.stdin.isatty():
        raise InputError("--yes", "is needed to write when nobody can be asked; --dry-run only shows")
    return typer.confirm("Write this?")


async def _write(
    books: Books, existing: "Tariff", terms: "TariffTerms", plan: "ImportPlan", *, shows_progress: bool
) -> int:
    from ocs.charging.tariff_book import import_writes

    writes = import_writes(existing, plan)
    with progress_bar(shown=shows_progress) as progress:
        task = progress.add_task("writing rates", total=plan.write_count)

        def passing(rates: "Iterable[Rate]") -> "Iterator[Rate]":
            """The same rates, counted as they go by."""
            for count, rate in enumerate(rates):
                if count % 1000 == 0:
                    progress.update(task, completed=count)
                yield rate
            progress.update(task, completed=plan.write_count)

        return await books.catalog.write_rates(terms.id, passing(writes))


def export_sheet(
    context: typer.Context,
    tariff: Annotated[str, typer.Argument(help="The tariff's name.", show_default=False)],
    file: Annotated[Path, typer.Argument(help="CSV, or XLSX by its name.", show_default=False)],
    columns: Annotated[
        str | None, typer.Option(help="Titles with commas between; else all that matter.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="Only what is in force then; else every version of every rate.")
    ] = None,
    zone: Annotated[str, typer.Option(help="IANA zone in which dates are written.")] = "UTC",
) -> None:
    """Write a tariff's rates to a sheet; importing it again changes nothing."""
    from zoneinfo import ZoneInfo

    from ocs.charging.master_data import check_zone
    from ocs.rating.sheet import find_column
    from ocs.rating.sheet_writing import EXPORTED, SheetFormat, write_sheet

    chosen = [find_column(title, "--columns") for title in columns.split(",")] if columns else EXPORTED
    check_zone(zone, "--zone")
    at_ms = None if at is None else parse_time(at, "--at", zone)
    form = SheetFormat.XLSX if file.suffix.casefold() == ".xlsx" else SheetFormat.CSV
    rates, directory = use_books(context, lambda books: _exported(books, tariff, chosen, at_ms))
    # Under another name first: what cannot be exported must not cost the file that was there.
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as target:
            count = write_sheet(rates, chosen, target, form=form, zone=ZoneInfo(zone), directory=directory)
        part.replace(file)
    except OSError as error:
        raise InputError(str(file), f"cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    say(f"wrote {count} rate(s) to {file}")


async def _exported(
    books: Books, name: str, columns: "Sequence[SheetColumn]", at_ms: int | None
) -> "tuple[Iterator[Rate], Directory | None]":
    """The rates to write, and the directory where a column needs it."""
    from ocs.charging.tariff_book import find_terms
    from ocs.rating.directory import Directory
    from ocs.rating.search import RateFilter, search
    from ocs.rating.sheet_column import EFFECTIVE_FROM

    tariff = await books.catalog.load_tariff(await find_terms(books.catalog, name))
    directory = None
    if any(column.about_destination for column in columns):
        directory = Directory(await books.catalog.load_destinations())
    if at_ms is None and EFFECTIVE_FROM not in columns:
        # Without dates only one version of a destination can be told.
        at_ms = books.clock.now_ms()
    if at_ms is None:
        return tariff.rates(), directory
    ends = any(column.field == "discontinued" for column in columns)
    wanted = RateFilter(effective_at_s=at_ms // 1000, discontinued=None if ends else False)
    return search(tariff, wanted), directory

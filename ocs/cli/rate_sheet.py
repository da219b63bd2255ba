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
from ocs.cli.console import Column, Json, choose, console, print_json, print_table, say
from ocs.errors import InputError, InputErrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ocs.rating.index import Tariff
    from ocs.rating.sheet import ImportMode, ImportPlan, PastMode, Sheet
    from ocs.rating.tariff import Rate, TariffTerms

Mapped = Annotated[
    list[str] | None,
    typer.Option("--map", help='Foreign header, "Dial code=destination"; nothing behind = leaves it out.'),
]
Mode = Annotated[str, typer.Option(help="add (absent rates stay) or replace (they are discontinued).")]
Past = Annotated[str, typer.Option(help="Rows with a past date count from now, or are skipped: now, skip.")]
DecimalComma = Annotated[
    bool | None, typer.Option("--decimal-comma/--decimal-point", help="Of prices; else found out.")
]
DayFirst = Annotated[bool | None, typer.Option("--day-first/--month-first", help="How 01/04/2026 is meant.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Import:
    """What was asked for."""

    file: Path
    tariff: str
    currency: str
    mode: "ImportMode"
    past: "PastMode"
    reading: "Mapping[str, Any]"
    "How cells are to be read: arguments of `ocs.rating.sheet.parse_sheet`."
    skips_bad: bool
    may_write: bool
    is_agreed: bool
    "Nobody needs to be asked."
    as_json: bool


def import_sheet(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Rate sheet, CSV or XLSX.", show_default=False)],
    tariff: Annotated[str, typer.Option(help="Tariff it goes into; made when there is none.")],
    mapping: Mapped = None,
    mode: Mode = "add",
    past: Past = "now",
    zone: Annotated[str, typer.Option(help="IANA zone of dates without one.")] = "UTC",
    currency: Annotated[str, typer.Option(help="Of a tariff that is made.")] = "USD",
    delimiter: Annotated[str | None, typer.Option(help="Of a CSV; else found out.")] = None,
    decimal_comma: DecimalComma = None,
    day_first: DayFirst = None,
    worksheet: Annotated[str | None, typer.Option(help="Of a workbook; else the first.")] = None,
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
        file=file,
        tariff=tariff,
        currency=currency.upper(),
        mode=choose(ImportMode, mode, "--mode"),
        past=choose(PastMode, past, "--past"),
        reading={
            "zone": zone,
            "mapping": dict(_parse_title(text) for text in mapping or ()),
            "delimiter": delimiter,
            "decimal_comma": decimal_comma,
            "day_first": day_first,
            "worksheet": worksheet,
        },
        skips_bad=skip_bad,
        may_write=not dry_run,
        is_agreed=yes,
        as_json=as_json,
    )
    use_books(context, lambda books: _import(books, wanted))


def _parse_title(text: str) -> tuple[str, str]:
    title, equals, meaning = text.partition("=")
    if not equals or not title.strip():
        raise InputError(f"--map {text}", "is not TITLE=MEANING")
    return title, meaning.strip()


async def _import(books: Books, wanted: _Import) -> None:
    from ocs.rating.index import Tariff
    from ocs.rating.tariff import TariffTerms

    known = {terms.name: terms for terms in await books.catalog.load_tariffs()}
    terms = known.get(wanted.tariff)
    if terms is None:
        existing = Tariff.build(TariffTerms(id=0, name=wanted.tariff, currency=wanted.currency), ())
    else:
        existing = await books.catalog.load_tariff(terms)
    sheet, plan = _plan(wanted, existing, now_s=books.clock.now_ms() // 1000)
    errors = [*sheet.errors, *plan.errors]
    if errors and not wanted.skips_bad:
        raise _all_errors(wanted.file, errors, sheet.error_count + len(plan.errors))
    preview = {**_preview(plan, existing.terms, sheet), "bad": [str(error) for error in errors]}
    if not wanted.as_json:
        _print_preview(preview)
    written = 0
    if wanted.may_write and plan.write_count and _agreed(wanted):
        terms = terms or await books.catalog.save_tariff(existing.terms)
        written = await _write(books, existing, terms, plan, shows_progress=not wanted.as_json)
    if wanted.as_json:
        print_json({**preview, "written": written})
    else:
        say(f"wrote {written} rate(s)" if written else "nothing was written")


def _plan(wanted: _Import, existing: "Tariff", *, now_s: int) -> "tuple[Sheet, ImportPlan]":
    """Read the whole sheet and compare it with the tariff."""
    from ocs.rating.sheet import parse_sheet, plan_import

    try:
        with wanted.file.open("rb") as source:
            sheet = parse_sheet(source, name=str(wanted.file), now_s=now_s, **wanted.reading)
            plan = plan_import(existing, sheet, mode=wanted.mode, now_s=now_s, past=wanted.past)
    except OSError as error:
        raise InputError(str(wanted.file), f"cannot be read: {error.strerror}") from error
    return sheet, plan


def _all_errors(file: Path, errors: list[InputError], count: int) -> InputErrors:
    shown = list(errors)
    if count > len(shown):
        shown.append(InputError(str(file), f"and {count - len(shown)} more"))
    return InputErrors(str(file), shown)


def _preview(plan: "ImportPlan", terms: "TariffTerms", sheet: "Sheet") -> dict[str, Any]:
    moves = plan.moves
    return {
        "tariff": terms.name,
        "is_new": not terms.id,
        "rows": sheet.row_count,
        "bad_rows": sheet.bad_row_count,
        **{step.value: count for step, count in plan.counts.items()},
        "prices_up": moves.up,
        "prices_down": moves.down,
        "largest_cut_percent": _percent(moves.min_basis_points),
        "largest_rise_percent": _percent(moves.max_basis_points),
    }


def _percent(basis_points: int | None) -> str | None:
    from ocs.units import format_decimal

    return None if basis_points is None else format_decimal(basis_points, places=2)


def _print_preview(preview: dict[str, Any]) -> None:
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


def _agreed(wanted: _Import) -> bool:
    if wanted.is_agreed:
        return True
    if wanted.as_json or not sys.stdin.isatty():
        raise InputError("--yes", "is needed to write when nobody can be asked; --dry-run only shows")
    return typer.confirm("Write this?")


async def _write(
    books: Books, existing: "Tariff", terms: "TariffTerms", plan: "ImportPlan", *, shows_progress: bool
) -> int:
    from rich.progress import Progress

    from ocs.charging.tariff_book import import_writes

    writes = import_writes(existing, plan)
    if not shows_progress or not sys.stdout.isatty():
        return await books.catalog.write_rates(terms.id, writes)
    with Progress(console=console()) as progress:
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
) -> None:
    """Write a tariff's rates to a sheet; importing it again changes nothing."""
    from ocs.rating.sheet import find_column
    from ocs.rating.sheet_writing import EXPORTED, SheetFormat, write_sheet

    chosen = [find_column(title, "--columns") for title in columns.split(",")] if columns else EXPORTED
    form = SheetFormat.XLSX if file.suffix.casefold() == ".xlsx" else SheetFormat.CSV
    compiled = use_books(context, lambda books: _load(books, tariff))
    # Under another name first: what cannot be exported must not cost the file that was there.
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as target:
            count = write_sheet(compiled.rates(), chosen, target, form=form)
        part.replace(file)
    except OSError as error:
        raise InputError(str(file), f"cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    say(f"wrote {count} rate(s) to {file}")


async def _load(books: Books, name: str) -> "Tariff":
    from ocs.charging.tariff_book import find_terms

    return await books.catalog.load_tariff(await find_terms(books.catalog, name))

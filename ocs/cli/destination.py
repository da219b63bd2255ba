"""``ocs destination``: the directory of what prefixes are called and where they are."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, choose, print_facts, print_json, print_records, say
from ocs.cli.rate_sheet import agreed
from ocs.cli.sheet_file import Delimiter, Mapped, Worksheet, parse_mapping
from ocs.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from ocs.rating.directory import DestinationInfo, Directory
    from ocs.rating.directory_sheet import DirectoryDiff

app = typer.Typer(
    name="destination",
    help="Destinations: what prefixes are called, and where they are.",
    no_args_is_help=True,
)

_COLUMNS = (
    Column("prefix", "prefix"),
    Column("description", "description"),
    Column("country", "country"),
    Column("iso", "ISO"),
    Column("mcc", "MCC"),
    Column("mnc", "MNC"),
    Column("group", "group"),
)
_FIELDS: Final = tuple(column.key for column in _COLUMNS)


@app.command("import")
def import_directory(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV or XLSX: Prefix, Description, Country, ISO, MCC, MNC, Group.", show_default=False
        ),
    ],
    mapping: Mapped = None,
    mode: Annotated[str, typer.Option(help="add (absent entries stay) or replace (they go).")] = "add",
    delimiter: Delimiter = None,
    worksheet: Worksheet = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Import the destination directory: check it whole, show what it changes, then write it."""
    from ocs.rating.directory_sheet import diff_directory
    from ocs.rating.sheet import ImportMode

    replaces = choose(ImportMode, mode, "--mode") is ImportMode.REPLACE
    directory = _read(file, mapping=parse_mapping(mapping), delimiter=delimiter, worksheet=worksheet)

    async def use(books: Books) -> None:
        diff = diff_directory(await books.catalog.load_destinations(), directory, replaces=replaces)
        record = {
            "entries": len(directory),
            "new": len(diff.new),
            "changed": len(diff.changed),
            "unchanged": diff.unchanged,
            "removed": len(diff.removed),
        }
        if not as_json:
            say(", ".join(f"{count} {what}" for what, count in record.items()))
        writes = not dry_run and diff.changes_anything and agreed(is_agreed=yes, as_json=as_json)
        if writes:
            await _write(books, diff)
        if as_json:
            print_json({**record, "written": writes})
        else:
            say("written" if writes else "nothing was written")

    use_books(context, use)


async def _write(books: Books, diff: "DirectoryDiff") -> None:
    await books.catalog.save_destinations([*diff.new, *diff.changed], removed=diff.removed)


def _read(file: Path, **reading: Any) -> "Directory":
    from ocs.rating.directory import parse_directory

    try:
        with file.open("rb") as source:
            return parse_directory(source, name=str(file), **reading)
    except OSError as error:
        raise InputError(str(file), f"cannot be read: {error.strerror}") from error


Prefix = Annotated[str, typer.Option("--prefix", help="Entries that begin with it.")]
Number = Annotated[str, typer.Option("--number", help="The entry that covers this number.")]
Country = Annotated[str, typer.Option("--country", help="Name or ISO code.")]
Mcc = Annotated[str, typer.Option("--mcc", help="Mobile country code.")]
Mnc = Annotated[str, typer.Option("--mnc", help="Mobile network code.")]
Group = Annotated[str, typer.Option("--group", help="Destination group.")]


@app.command("list")
def list_directory(
    context: typer.Context,
    prefix: Prefix = "",
    number: Number = "",
    country: Country = "",
    mcc: Mcc = "",
    mnc: Mnc = "",
    group: Group = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 200,
    as_json: Json = False,
) -> None:
    """Find entries; all conditions must hold."""
    from ocs.rating.directory import Directory
    from ocs.rating.search import RateFilter

    wanted = RateFilter(prefix=prefix, country=country, mcc=mcc, mnc=mnc, group=group)

    async def use(books: Books) -> "list[DestinationInfo]":
        directory = Directory(await books.catalog.load_destinations())
        covering = directory.find(number) if number else None
        entries = ([] if covering is None else [covering]) if number else directory
        return [entry for entry in entries if wanted.matches_entry(entry)]

    found = use_books(context, use)
    print_records(list(map(_record, found[:limit])), _COLUMNS, as_json=as_json, title="destinations")
    if len(found) > limit and not as_json:
        say(f"There are {len(found) - limit} more: see --limit.")


Entry = Annotated[
    str, typer.Argument(metavar="PREFIX", help="Prefix or special destination.", show_default=False)
]


async def _find(books: Books, prefix: str) -> "DestinationInfo":
    """The entry with exactly this prefix; NotFoundError when there is none."""
    from ocs.rating.destination import parse_destination

    wanted = parse_destination(prefix, "PREFIX")
    for entry in await books.catalog.load_destinations():
        if entry.prefix == wanted:
            return entry
    raise NotFoundError(f"destination {wanted!r} does not exist")


@app.command("show")
def show(context: typer.Context, prefix: Entry, as_json: Json = False) -> None:
    """Show one entry."""

    async def use(books: Books) -> Record:
        return _record(await _find(books, prefix))

    print_facts(use_books(context, use), as_json=as_json)


@app.command("set")
def set_entry(
    context: typer.Context,
    prefix: Entry,
    description: Annotated[str | None, typer.Option("--description", help="What it is called.")] = None,
    country: Annotated[str | None, typer.Option("--country", help="Name of the country.")] = None,
    iso: Annotated[str | None, typer.Option("--iso", help="ISO 3166-1 code of the country.")] = None,
    mcc: Annotated[str | None, typer.Option("--mcc", help="Mobile country code, three digits.")] = None,
    mnc: Annotated[str | None, typer.Option("--mnc", help="Mobile network code, two or three.")] = None,
    group: Annotated[str | None, typer.Option("--group", help="Destination group.")] = None,
    as_json: Json = False,
) -> None:
    """Enter a destination, or change what is given of one."""
    from ocs.rating.directory import make_entry

    given = {
        "description": description,
        "country": country,
        "iso": iso,
        "mcc": mcc,
        "mnc": mnc,
        "group": group,
    }

    async def use(books: Books) -> Record:
        try:
            values = _record(await _find(books, prefix))
        except NotFoundError:
            values = {"prefix": prefix}
        values |= {field: text for field, text in given.items() if text is not None}
        entry = make_entry(values, lambda title: "PREFIX" if title == "Prefix" else f"--{title.lower()}")
        await books.catalog.save_destinations([entry])
        return _record(entry)

    print_facts(use_books(context, use), as_json=as_json)


@app.command("delete")
def delete(context: typer.Context, prefix: Entry) -> None:
    """Remove one entry; no price depends on it."""

    async def use(books: Books) -> str:
        entry = await _find(books, prefix)
        await books.catalog.save_destinations([], removed=[entry.prefix])
        return entry.prefix

    say(f"removed {use_books(context, use)}")


@app.command("export")
def export_directory(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV, or XLSX by its name.", show_default=False)],
) -> None:
    """Write the whole directory to a file; importing it again changes nothing."""
    from ocs.rating.directory_sheet import write_directory
    from ocs.rating.sheet_writing import SheetFormat

    form = SheetFormat.XLSX if file.suffix.casefold() == ".xlsx" else SheetFormat.CSV

    async def use(books: Books) -> "Iterable[DestinationInfo]":
        return await books.catalog.load_destinations()

    entries = use_books(context, use)
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as target:
            count = write_directory(entries, target, form=form)
        part.replace(file)
    except OSError as error:
        raise InputError(str(file), f"cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    say(f"wrote {count} destination(s) to {file}")


def _record(entry: "DestinationInfo") -> dict[str, Any]:
    """An entry for people and scripts."""
    return {field: getattr(entry, field) for field in _FIELDS}

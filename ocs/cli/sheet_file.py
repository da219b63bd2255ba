"""Rate sheets as files: how their cells are to be read, and the progress shown while they are.

Owns opening, the bar and the list of errors. Does not own what a sheet means (`ocs.rating.sheet`) or what is
then done with it (`ocs.cli.rate_sheet`, `ocs.cli.rate_diff`).
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Final, cast

import typer

from ocs.cli.console import console
from ocs.errors import InputError, InputErrors

if TYPE_CHECKING:
    from rich.progress import Progress

    from ocs.rating.index import Tariff
    from ocs.rating.sheet import ImportMode, ImportPlan, PastMode, Sheet

SheetPath = Annotated[Path, typer.Argument(help="Rate sheet, CSV or XLSX.", show_default=False)]
Mapped = Annotated[
    list[str] | None,
    typer.Option("--map", help='Foreign header, "Dial code=destination"; nothing behind = leaves it out.'),
]
Mode = Annotated[str, typer.Option(help="add (absent rates stay) or replace (they are discontinued).")]
Past = Annotated[str, typer.Option(help="Rows with a past date count from now, or are skipped: now, skip.")]
Zone = Annotated[str, typer.Option(help="IANA zone of dates without one.")]
Delimiter = Annotated[str | None, typer.Option(help="Of a CSV; else found out.")]
DecimalComma = Annotated[
    bool | None, typer.Option("--decimal-comma/--decimal-point", help="Of prices; else found out.")
]
DayFirst = Annotated[bool | None, typer.Option("--day-first/--month-first", help="How 01/04/2026 is meant.")]
Worksheet = Annotated[str | None, typer.Option(help="Of a workbook; else the first.")]

_STEP: Final = 1 << 20
"Octets read between two moves of the bar."


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFile:
    """A sheet on disk, how to read it, and how its rows meet a tariff."""

    path: Path
    mode: "ImportMode"
    past: "PastMode"
    reading: Mapping[str, Any]
    "Arguments of `ocs.rating.sheet.parse_sheet`."

    def plan(self, existing: "Tariff", *, now_s: int, progress: "Progress") -> "tuple[Sheet, ImportPlan]":
        """Read the whole sheet and compare it with the tariff.

        Raises:
            InputError: the file cannot be read, or has no header. Bad rows are listed in the results.
        """
        from ocs.rating.sheet import parse_sheet, plan_import

        try:
            with self.path.open("rb") as source:
                watched = cast("BinaryIO", _Watched(source, self.path.stat().st_size, progress))
                sheet = parse_sheet(watched, name=str(self.path), now_s=now_s, **self.reading)
                plan = plan_import(existing, sheet, mode=self.mode, now_s=now_s, past=self.past)
        except OSError as error:
            raise InputError(str(self.path), f"cannot be read: {error.strerror}") from error
        return sheet, plan


def sheet_errors(sheet: "Sheet", plan: "ImportPlan") -> Sequence[InputError]:
    """Everything that is wrong with a sheet, as far as it is kept."""
    return [*sheet.errors, *plan.errors]


def refused(path: Path, sheet: "Sheet", plan: "ImportPlan") -> InputErrors:
    """All errors as one, with the number of those that are not kept."""
    from ocs.rating.sheet import Step

    shown = list(sheet_errors(sheet, plan))
    count = sheet.error_count + plan.counts[Step.UNPRICED]
    if count > len(shown):
        shown.append(InputError(str(path), f"and {count - len(shown)} more"))
    return InputErrors(str(path), shown)


def parse_mapping(texts: Sequence[str] | None) -> Mapping[str, str]:
    """The titles that ``--map TITLE=MEANING`` gives."""
    return dict(_parse_title(text) for text in texts or ())


def _parse_title(text: str) -> tuple[str, str]:
    title, equals, meaning = text.partition("=")
    if not equals or not title.strip():
        raise InputError(f"--map {text}", "is not TITLE=MEANING")
    return title, meaning.strip()


def progress_bar(*, shown: bool) -> "Progress":
    """A bar on a terminal; nothing where nobody looks."""
    from rich.progress import Progress

    return Progress(console=console(), transient=True, disable=not (shown and sys.stdout.isatty()))


class _Watched:
    """A file whose reading moves a bar."""

    def __init__(self, source: BinaryIO, size: int, progress: "Progress") -> None:
        self._source = source
        self._progress = progress
        self._task = progress.add_task("reading", total=size)
        self._read = 0
        self._shown = 0

    def readline(self) -> bytes:
        """One line."""
        return self._passed(self._source.readline())

    def read(self) -> bytes:
        """All that is left, as a workbook needs it."""
        return self._passed(self._source.read())

    def __iter__(self) -> Iterator[bytes]:
        return map(self._passed, self._source)

    def _passed(self, octets: bytes) -> bytes:
        self._read += len(octets)
        if self._read >= self._shown + _STEP:
            self._shown = self._read
            self._progress.update(self._task, completed=self._read)
        return octets

"""Whatever a person or a carrier writes: read, or refused with a place and a reason."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TypeVar
from zipfile import ZipFile

from hypothesis import example, given
from hypothesis import strategies as st
from openpyxl import Workbook

from ocs.errors import InputError
from ocs.rating.directory import Directory, parse_directory
from ocs.rating.formula import Formula
from ocs.rating.index import Tariff
from ocs.rating.period import Period
from ocs.rating.sheet import COLUMNS, EXPORTED, ImportMode, parse_sheet, plan_import, write_sheet
from ocs.rating.tariff import TariffTerms

T = TypeVar("T")

NOW = 1_780_000_000
TERMS = TariffTerms(id=1, name="any")
SEEDS = [path.read_bytes() for path in sorted(Path(__file__).parent.parent.glob("vectors/sheets/*.csv"))]


def tried(read: Callable[[], T]) -> T | InputError:
    """What was read, or the refusal; anything else that is raised is a bug."""
    try:
        return read()
    except InputError as error:
        return error


def texts(*tokens: str) -> st.SearchStrategy[str]:
    """Tokens of a syntax in any order, with some other characters between."""
    return st.lists(st.sampled_from(tokens) | st.characters(), max_size=10).map("".join)


@given(
    texts("hr", "wd", "yr", "min", "{", "}", "-", " ", ",", "sa", "5", "18", "2030", "none", "6pm", "²", "٣")
)
@example("hr{²}")
@example("yr{" + "9" * 5_000 + "}")
def test_any_text_is_a_period_or_refused(text: str) -> None:
    """A refusal names the column; what is read has a canonical text that reads back as the same."""
    period = tried(lambda: Period.parse(text))
    if isinstance(period, InputError):
        assert period.place.startswith("period, column ")
    else:
        assert str(Period.parse(str(period))) == str(period)


@given(texts("*", "x", "@", "60", "1", ";", "+", "%", "cut", "connect", "0.5", "²", "-", "999999999", " "))
@example("*x60@" + "9" * 5_000)
@example("9" * 5_000 + "x60@1")
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    """A refusal names the column; what is read round-trips."""
    formula = tried(lambda: Formula.parse(text))
    if isinstance(formula, InputError):
        assert formula.place.startswith("formula, column ")
    else:
        assert Formula.parse(str(formula)) == formula


CELLS = (
    "44", "778,604", "600-602", "|", "MSG", "0.05", "0,05", "60/6", "60", "2026-04-01", "01/04/2026", "now",
    "yes", "hr{18-5}", "none", "always", "*x60@0.1", "-1", "1e5", "nan", "9" * 5_000, "²", "\x00", "=1+1",
    "Apr 1, 2026 12:00 AM America/New_York", "9999-12-31 23:59 +23:59", "0001-01-01", "2026-04-01 +99:99",
    "2026-04-01 ../x", "",
)  # fmt: skip
titles = st.lists(st.sampled_from([column.title for column in COLUMNS]), min_size=1, max_size=6, unique=True)
rows = st.lists(st.lists(st.sampled_from(CELLS), max_size=8), max_size=5)


@st.composite
def sheets(draw: st.DrawFn) -> bytes:
    """Sheets of known titles and likely and unlikely cells, damaged sheets of carriers, and any bytes."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(st.binary(max_size=60))
    if kind == 1:
        content = draw(st.sampled_from(SEEDS))
        at = draw(st.integers(0, len(content)))
        return content[:at] + draw(st.binary(max_size=4)) + content[at + draw(st.integers(0, 4)) :]
    mark = draw(st.sampled_from(";,\t|"))
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in [draw(titles), *draw(rows)]]
    return "\n".join(mark.join(row) for row in quoted).encode()


@given(sheets(), st.sampled_from(list(ImportMode)), st.sampled_from([None, True, False]))
def test_any_sheet_is_read_or_refused(content: bytes, mode: ImportMode, day_first: bool | None) -> None:  # noqa: FBT001
    """Errors name the sheet and its line; what is planned can be written, and exported again."""
    existing = Tariff.build(TERMS, ())
    sheet = tried(lambda: parse_sheet(BytesIO(content), name="any.csv", now_s=NOW, day_first=day_first))
    if isinstance(sheet, InputError):
        assert sheet.place.startswith("any.csv")
        return
    plan = plan_import(existing, sheet, mode=mode, now_s=NOW)
    assert all(error.place.startswith("any.csv line ") for error in sheet.errors)
    write_sheet(Tariff.build(TERMS, plan.writes()).rates(), EXPORTED, BytesIO())


@given(sheets())
def test_any_directory_is_read_or_refused(content: bytes) -> None:
    """Errors name the file."""
    directory = tried(lambda: parse_directory(BytesIO(content), name="any.csv"))
    assert isinstance(directory, Directory) or str(directory).startswith("any.csv")


def small_workbook() -> bytes:
    """A workbook of a header and a row."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Destination", "Price"])
    sheet.append([44, 0.05])
    target = BytesIO()
    book.save(target)
    return target.getvalue()


WORKBOOK = small_workbook()
PARTS = [name for name in ZipFile(BytesIO(WORKBOOK)).namelist() if name.endswith(".xml")]


@given(st.sampled_from(PARTS), st.integers(0, 3_000), st.text("<>/=\"'abx01", max_size=4), st.integers(0, 4))
def test_a_damaged_workbook_is_read_or_refused(part: str, at: int, put: str, cut: int) -> None:
    """However the library that reads it fails."""
    target = BytesIO()
    with ZipFile(BytesIO(WORKBOOK)) as whole, ZipFile(target, "w") as damaged:
        for name in whole.namelist():
            data = whole.read(name)
            if name == part:
                at %= len(data)
                data = data[:at] + put.encode() + data[at + cut :]
            damaged.writestr(name, data)
    found = tried(lambda: list(parse_sheet(BytesIO(target.getvalue()), name="any.xlsx", now_s=NOW)))
    assert isinstance(found, list) or found.place.startswith("any.xlsx")

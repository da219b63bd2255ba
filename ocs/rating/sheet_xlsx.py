"""XLSX workbooks as rows of cells, and rows of cells as a workbook.

Owns how typed cells become the text that a person sees in them. Does not own what cells mean
(`ocs.rating.sheet_row`).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, BinaryIO, Final

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from ocs.errors import InputError
from ocs.rating.sheet_csv import SheetRow

MAGIC: Final = b"PK\x03\x04"
"Bytes that a workbook begins with, and no CSV file."


def read_xlsx(content: bytes, *, name: str, worksheet: str | None) -> Iterator[SheetRow]:
    """Return the rows of a worksheet, the active one when None is named; blank rows are left out.

    Raises:
        InputError: not a workbook, no such worksheet, or, while rows are read, a damaged one.
    """
    try:
        book = load_workbook(BytesIO(content), read_only=True, data_only=True)
    except Exception as error:  # noqa: BLE001 - a damaged workbook makes the library fail in any way
        raise InputError(name, f"is not an XLSX workbook: {error}") from None
    if worksheet is not None and worksheet not in book.sheetnames:
        raise InputError(name, f"has no worksheet {worksheet!r}, but: {', '.join(book.sheetnames)}")
    sheet = book.active if worksheet is None else book[worksheet]
    if not isinstance(sheet, ReadOnlyWorksheet):
        raise InputError(name, "has a chart where a worksheet should be: name the worksheet")
    return _rows(sheet, name)


def _rows(sheet: Any, name: str) -> Iterator[SheetRow]:
    # Some writers state a wrong size of the sheet, and reading would stop there.
    sheet.reset_dimensions()
    line = 0
    try:
        for line, values in enumerate(sheet.iter_rows(values_only=True), start=1):
            cells = [cell_text(value) for value in values]
            if any(cells):
                yield SheetRow(line, cells)
    except Exception as error:  # noqa: BLE001 - as above
        raise InputError(f"{name} line {line + 1}", f"the workbook is damaged: {error}") from None


def cell_text(value: Any) -> str:
    """Write a typed cell as the text that a CSV file would have.

    Numbers are binary fractions in a workbook: 15 significant digits give back what was typed.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return format(Decimal(f"{value:.15g}"), "f")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def write_xlsx(titles: Sequence[str], rows: Iterable[Sequence[str]], target: BinaryIO) -> None:
    """Write text cells under titles: prefixes keep zeros, prices their digits, and nothing is a formula."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Rates")
    sheet.append(titles)
    for row in rows:
        sheet.append([_text_cell(sheet, text) if text.startswith("=") else text for text in row])
    book.save(target)


def _text_cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"
    return cell

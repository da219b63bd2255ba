"""Rate sheets: reading, previewing and writing tariffs as CSV and XLSX files.

The door to `ocs.rating.sheet_reading` (rows to rates, every bad row on a list), `ocs.rating.sheet_diff` (what
an import would change) and `ocs.rating.sheet_writing` (rates to rows). All of it is pure: files are given,
"now" is an argument. Rating section 9.
"""

from ocs.rating.sheet_column import COLUMNS, Column, find_column
from ocs.rating.sheet_diff import ImportMode, ImportPlan, PastMode, PriceMoves, RateChange, Step, plan_import
from ocs.rating.sheet_reading import ERRORS_MAX, Sheet, parse_sheet
from ocs.rating.sheet_writing import EXPORTED, SheetFormat, write_sheet

__all__ = [
    "COLUMNS",
    "ERRORS_MAX",
    "EXPORTED",
    "Column",
    "ImportMode",
    "ImportPlan",
    "PastMode",
    "PriceMoves",
    "RateChange",
    "Sheet",
    "SheetFormat",
    "Step",
    "find_column",
    "parse_sheet",
    "plan_import",
    "write_sheet",
]

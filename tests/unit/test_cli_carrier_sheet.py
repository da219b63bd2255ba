"""The sheets of tests/vectors/sheets through the command line: error report, import, diff."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from command import Shell
from openpyxl import Workbook

VECTORS = Path(__file__).parent.parent / "vectors" / "sheets"


def sheet_of(shell: Shell, vector: dict[str, Any]) -> tuple[str, list[str]]:
    """The sheet in the shell's folder, and the options by which it is read."""
    path = shell.folder / vector["file"]
    if "rows" in vector:
        book = Workbook()
        sheet = book.active
        assert sheet is not None
        for row in vector["rows"]:
            sheet.append([None if cell == "" else cell for cell in row])
        book.save(path)
    else:
        path.write_bytes((VECTORS / vector["file"]).read_bytes())
    options = [f"--map={foreign}={ours}" for foreign, ours in vector["options"].get("mapping", {}).items()]
    if "zone" in vector["options"]:
        options.append(f"--zone={vector['options']['zone']}")
    return str(path), options


@pytest.mark.parametrize("name", ["acme", "harbor", "northstar"])
def test_a_carriers_sheet_goes_all_the_way(shell: Shell, name: str) -> None:
    """Refused whole with every error; imported without its bad rows; then a diff finds nothing new."""
    vector = tomllib.loads((VECTORS / f"{name}.toml").read_text())
    path, options = sheet_of(shell, vector)
    arguments = [path, "--tariff", name, *options]

    errors = shell.refused(2, "tariff", "import", *arguments, "--yes").splitlines()
    shown = [error.removeprefix(f"error: {shell.folder}/") for error in errors]
    assert shown == vector["expected"]["errors"]
    assert name not in {tariff["name"] for tariff in shell.json("tariff", "list")}

    done = shell.json("tariff", "import", *arguments, "--skip-bad", "--yes")
    assert done["written"] == done["new"] > 0
    assert done["bad"] == [f"{shell.folder}/{error}" for error in vector["expected"]["errors"]]
    assert len(shell.json("rate", "search", "--tariff", name)) == done["written"]

    again = shell.json("tariff", "diff", *arguments, "--skip-bad")
    assert again["changes"] == []

"""Rules of the repository as tests: what a reviewer should not have to look for."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from ocs.charging.outcome import OutcomeCode

ROOT = Path(__file__).resolve().parents[2]
FUNCTION_LINES_MAX = 70
_MARKERS = (
    "NotImplemented-Error",
    "TO-DO",
    "FIX-ME",
    r"XX-X\b",
    "pragma: no -cover",
    r"mark\.(sk-ip|xf-ail)",
)
LEFTOVERS = re.compile("|".join(_MARKERS).replace("-", ""))
"Written with a dash above, so that this file does not find itself."


def tracked(*patterns: str) -> list[Path]:
    """Files of the working tree that git tracks or would track, generated code left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / name for name in listed if "/pb/" not in name and (ROOT / name).exists()]


def test_functions_fit_a_screen() -> None:
    """No function is longer than 70 lines."""
    long = []
    for path in tracked("ocs/*.py", "tests/*.py", "benchmarks/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {lines} lines")

    assert long == []


def test_nothing_is_left_unfinished() -> None:
    """No markers of unfinished work, no skipped tests."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in tracked("ocs/*.py", "tests/*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if LEFTOVERS.search(line)
    ]

    assert found == []


@pytest.mark.parametrize("code", list(OutcomeCode), ids=lambda code: code.name)
def test_every_outcome_is_documented(code: OutcomeCode) -> None:
    """docs/charging.md has each refusal with its numbers."""
    if code.is_success:
        return
    rows = (ROOT / "docs" / "charging.md").read_text().splitlines()
    (row,) = [row for row in rows if row.startswith(f"| `{code.reason}` |")]
    cells = [cell.strip() for cell in row.split("|")]

    assert cells[2] == str(code.return_code)
    assert str(code.result_code) in cells[3].split(", ")


def test_relative_links_of_the_documents_lead_somewhere() -> None:
    """Names of files in backticks exist."""
    missing = []
    for path in tracked("*.md"):
        names = re.findall(r"`((?:docs|ocs|tests|deploy|benchmarks|proto)/[\w./-]+)`", path.read_text())
        missing += [f"{path.relative_to(ROOT)}: {name}" for name in names if not (ROOT / name).exists()]

    assert missing == []

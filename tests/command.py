"""The command line in this process: what a person types, and what comes back."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ocs.cli import main


class Result(NamedTuple):
    """What one command did."""

    code: int
    out: str
    err: str


class Shell:
    """A folder in which commands are run; `capsys` catches what they print."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.folder / "ocs.toml"

    def run(self, *arguments: str) -> Result:
        """Run one command to its exit."""
        with pytest.raises(SystemExit) as exited:
            main(["--config", str(self.config), *arguments])
        printed = self._capsys.readouterr()
        code = exited.value.code
        assert isinstance(code, int)
        return Result(code, printed.out, printed.err)

    def ok(self, *arguments: str) -> str:
        """Run a command that must succeed; what it printed."""
        result = self.run(*arguments)
        assert (result.code, result.err) == (0, ""), result
        return result.out

    def json(self, *arguments: str) -> Any:
        """Run a command that must succeed, in its machine form."""
        return json.loads(self.ok(*arguments, "--json"))

    def refused(self, code: int, *arguments: str) -> str:
        """Run a command that must fail with this code; the errors it printed, and nothing else."""
        result = self.run(*arguments)
        assert result.code == code, result
        assert result.out == ""
        assert all(line.startswith("error: ") for line in result.err.splitlines()), result.err
        return result.err

    def write(self, name: str, text: str) -> str:
        """Make a file; its path."""
        path = self.folder / name
        path.write_text(text)
        return str(path)

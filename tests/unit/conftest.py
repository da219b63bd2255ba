"""Fixtures of the unit tests."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command import Shell

from ocs.cli import main


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what `ocs init --sample` makes; to be copied, never to be changed."""
    folder = tmp_path_factory.mktemp("sample")
    with pytest.raises(SystemExit):
        main(["--config", str(folder / "ocs.toml"), "init", "--sample"])
    return folder


@pytest.fixture
def new_shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Shell]:
    """Makes a shell in an empty folder, untouched by the environment of whoever runs the tests."""
    for variable in os.environ:
        if variable.startswith("OCS_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    return lambda: Shell(tmp_path, capsys)


@pytest.fixture
def shell(new_shell: Callable[[], Shell], sample_folder: Path) -> Shell:
    """A shell in a copy of the sample folder."""
    made = new_shell()
    shutil.copytree(sample_folder, made.folder, dirs_exist_ok=True)
    return made

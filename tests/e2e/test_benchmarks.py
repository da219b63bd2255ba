"""The benchmarks run, and hold the books against what every call must have cost."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--accounts", "30", "--rates", "500", "--seconds", "1", "--outstanding", "16", "--json")


def run(script: str, *arguments: str) -> Any:
    """What a script measured."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), *SMALL, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=110, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(
    "mix",
    [
        ["--interims", "2", "--data-share", "0.5", "--hot-share", "0.3", "--repeat-share", "0.2"],
        ["--flat", "--no-allowances", "--pace", "200"],
    ],
)
def test_radius_load_is_charged_to_the_micro(mix: list[str]) -> None:
    """Every kind of call, repeated requests, one account that many calls share; and an open loop."""
    figures = run("load.py", *mix)

    assert "The books are right" in figures["books"]
    assert figures["requests_per_s"] > 0
    assert figures["fsyncs_per_s"] > 0
    assert figures["rejected"] == figures["given_up"] == 0


@pytest.mark.slow
def test_grpc_load_is_charged_to_the_micro() -> None:
    """Unary, one request per message, and batches; the books are held against all of them."""
    figures = run("grpc_load.py", "--data-share", "0")

    assert {name.split()[0] for name in figures} == {"unary", "session", "stream"}
    assert all(found["refused"] == 0 for found in figures.values())

"""``ocs load``: who calls, at what pace, and what is said when that cannot be."""

import time
from collections.abc import Callable

import pytest
from command import Shell

from ocs.cli.load import Caller, Plan

COMMON = ("load", "--to", "44", "--seconds", "0.2", "--warm-up", "0")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "--user: or --sheet must say who calls"),
        (["--user", "alice", "--ramp-to", "5"], "--ramp-to: needs --rate"),
        (["--user", "alice", "--grpc", "--data-mb", "1"], "--grpc: makes calls only"),
        (["--sheet", "nowhere.csv"], "nowhere.csv: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_refused(shell: Shell, arguments: list[str], error: str) -> None:
    """Nothing is sent."""
    assert error in shell.refused(2, *COMMON, *arguments)


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ("account,identity kind,value\nalice,shoe size,44\n", "sheet.csv:2: identity kind: 'shoe size'"),
        ("account,identity kind,value\nalice,ani,4420\n", "sheet.csv: names no user"),
    ],
)
def test_a_sheet_must_name_users(shell: Shell, lines: str, error: str) -> None:
    """Every bad line is named with its place."""
    sheet = shell.folder / "sheet.csv"
    sheet.write_text(lines)

    assert error in shell.refused(2, *COMMON, "--sheet", str(sheet))


@pytest.mark.parametrize("way", [["--gateway-secret", "x"], ["--grpc", "--outstanding", "1"]])
def test_a_silent_server_is_out_of_reach(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, way: list[str]
) -> None:
    """Exit code 5 and a hint; the run is bounded."""
    monkeypatch.setattr("ocs.cli.load.DRAIN_S", 0.2)
    monkeypatch.setattr("ocs.grpc.client.TIMEOUT_S", 0.2)
    for variable in ("OCS_RADIUS_LISTEN_AUTH", "OCS_RADIUS_LISTEN_ACCT", "OCS_GRPC_LISTEN"):
        monkeypatch.setenv(variable, "127.0.0.1:9")
    result = shell.run(*COMMON, "--user", "alice", *way)

    assert result.code == 5
    assert "Is the server running" in result.err
    assert "0 requests answered" in result.out


@pytest.mark.parametrize(
    ("rate", "ramp_to", "calls"), [(300.0, None, 1_000.0), (300.0, 900.0, 2_000.0), (300.0, 0.0, 500.0)]
)
def test_pace(monkeypatch: pytest.MonkeyPatch, rate: float, ramp_to: float | None, calls: float) -> None:
    """Calls that may have begun after ten seconds: a third of the requests, evenly more or less of them."""
    pace = paced(monkeypatch, rate=rate, ramp_to=ramp_to)

    assert pace(10.0) == pytest.approx(calls)
    assert pace(0.0) == 0


def paced(monkeypatch: pytest.MonkeyPatch, *, rate: float, ramp_to: float | None) -> Callable[[float], float]:
    """Calls allowed after so many seconds of a run of ten."""
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    plan = Plan(
        callers=[Caller("alice", "")],
        numbers=["44"],
        calling="",
        call_seconds=95,
        interims=(),
        octets=0,
        outstanding=1,
        rate=rate,
        ramp_to=ramp_to,
        repeat_share=0.0,
    )
    allowed = plan.pace(10.0)
    assert allowed is not None

    def after(seconds: float) -> float:
        nonlocal now
        now = 1_000.0 + seconds
        return allowed()

    return after

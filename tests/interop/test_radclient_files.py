"""FreeRADIUS's radclient against the server: the files that operations use, and what its own eyes see."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from radius_vectors import SECRET, gateway

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest, RequestType
from ocs.charging.service import Reply
from ocs.radius.udp import RadiusServer

FILES = Path(__file__).parents[2] / "deploy" / "radclient"
pytestmark = pytest.mark.interop


class StillClock:
    """A clock that stands."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return 1_700_000_000_000


class GrantingService:
    """Grants a minute to whoever knows the secret."""

    def __init__(self) -> None:
        self.requests: list[ChargingRequest] = []

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Answer at once."""
        self.requests.append(request)
        is_known = request.credential is None or request.credential.verify("alice-secret")
        code = OutcomeCode.SUCCESS if is_known else OutcomeCode.WRONG_SECRET
        reply(Outcome(code=code, granted_units=60, affordable_units=600))

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """Not used by RADIUS."""
        return Outcome(code=OutcomeCode.SUCCESS)

    def end_gateway_sessions(
        self, gateway_id: int, at_ms: int, reply: Callable[[bool], None], concerns: Callable[[str], bool]
    ) -> None:
        """Nothing is open."""
        reply(True)  # noqa: FBT003 - the service's callback


def radclient(file: Path, port: int, kind: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run radclient once."""
    command = ["radclient", *options, "-f", str(file), f"127.0.0.1:{port}", kind, SECRET]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def run(story: Callable[[int, int], None]) -> GrantingService:
    """Run a story with the ports of a server; the service that it asked."""
    service = GrantingService()

    async def main() -> None:
        server = RadiusServer(service, StillClock(), [gateway(address="127.0.0.1")], class_key=b"k")
        await server.start(auth=[("127.0.0.1", 0)], acct=[("127.0.0.1", 0)])
        try:
            await asyncio.to_thread(story, *(port for _, port in server.addresses))
        finally:
            await server.stop()

    asyncio.run(main())
    return service


def test_the_files_make_one_call() -> None:
    """Radclient verifies each answer and shows what the README promises."""
    shown: list[str] = []

    def story(auth_port: int, acct_port: int) -> None:
        for name in ("authorise", "start", "interim", "stop"):
            port, kind = (auth_port, "auth") if name == "authorise" else (acct_port, "acct")
            done = radclient(FILES / f"{name}.txt", port, kind, "-x")
            assert done.returncode == 0, done.stderr
            shown.append(done.stdout)

    service = run(story)

    assert "Received Access-Accept" in shown[0]
    for line in (
        "Session-Timeout = 600",
        'h323-credit-time = "h323-credit-time=600"',
        "Acct-Interim-Interval = 60",
    ):
        assert line in shown[0]
    assert all("Received Accounting-Response" in text for text in shown[1:])
    assert {request.session_key for request in service.requests} == {"127.0.0.1|radclient-1"}
    assert service.requests[-1].type is RequestType.TERMINATION


def test_generated_files_hold_calls_of_their_own(tmp_path: Path) -> None:
    """Every packet is accepted, and no two calls share a session."""
    command = [sys.executable, str(FILES / "generate.py"), "--calls", "300", "--folder", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)

    def story(auth_port: int, acct_port: int) -> None:
        for file in sorted(tmp_path.glob("*.txt")):
            port, kind = (auth_port, "auth") if file.stem.startswith("authorise") else (acct_port, "acct")
            done = radclient(file, port, kind, "-q", "-p", "50")
            assert done.returncode == 0, done.stderr

    service = run(story)

    assert len({request.session_key for request in service.requests}) == 300
    assert len(service.requests) == 900


def test_a_wrong_password_shows_reason_and_code(tmp_path: Path) -> None:
    """What people and machines are told."""
    file = tmp_path / "wrong.txt"
    file.write_text((FILES / "authorise.txt").read_text().replace("alice-secret", "guess"))
    shown: list[str] = []

    run(lambda auth_port, _: shown.append(radclient(file, auth_port, "auth", "-x").stdout))

    assert "Received Access-Reject" in shown[0]
    assert 'Reply-Message = "invalid_password"' in shown[0]
    assert 'h323-return-code = "h323-return-code=2"' in shown[0]

"""An operator and a running server: why a gateway gets no answer, and what stops a start."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from radius_vectors import access_request
from server import ServerProcess

from ocs.radius.client import ask_status
from ocs.radius.codec import Code

PATIENCE_S = 30.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample."""
    made = Path(tmp_path_factory.mktemp("ocs"))
    ServerProcess(made).ocs("init", "--sample")
    return made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    """A server that serves it."""
    with ServerProcess(folder).start() as made:
        yield made


def wait_for(server: ServerProcess, text: str) -> None:
    """Wait until the server has written this down, which it does every few seconds."""
    ends_at = time.monotonic() + PATIENCE_S
    path = server.folder / "radius-status.json"
    while not path.exists() or text not in path.read_text():
        assert time.monotonic() < ends_at, path.read_text()
        time.sleep(0.1)


def test_a_silent_server_tells_its_operator_why(server: ServerProcess) -> None:
    """A wrong secret, a stranger, then a packet that is answered: and all is well."""
    forged = access_request({"User-Name": "alice"}, secret="guessed")
    with socket.socket(type=socket.SOCK_DGRAM) as liar, socket.socket(type=socket.SOCK_DGRAM) as stranger:
        liar.bind(("127.0.0.1", 0))
        stranger.bind(("127.0.0.9", 0))
        for sender in (liar, stranger):
            sender.sendto(forged, ("127.0.0.1", server.auth_port))
        wait_for(server, '"reason":"bad_message_authenticator"')
        told = server.ocs("gateway", "test", "sample-gateway", code=1)

        liar.settimeout(PATIENCE_S)
        liar.sendto(
            access_request({"User-Name": "nobody"}, password="x", identifier=2),
            ("127.0.0.1", server.auth_port),
        )
        assert liar.recv(4096)[0] == Code.ACCESS_REJECT

    assert f"127.0.0.1:{server.auth_port}: Status-Server: Access-Accept after" in told
    assert f"127.0.0.1:{server.acct_port}: Status-Server: Accounting-Response after" in told
    assert "the secret differs: `ocs gateway set --secret`" in told
    assert "packets of nobody" in told
    assert "127.0.0.9:" in told
    assert forged.hex() in told
    wait_for(server, '"answer":"Access-Reject"')
    assert "Access-Reject" in server.ocs("gateway", "test", "sample-gateway")


def test_a_changed_secret_is_taken_up(server: ServerProcess) -> None:
    """Without a restart: the old one is silence, the new one is answered."""
    server.ocs("gateway", "add", "other", "--address", "127.0.0.4", "--secret", "old")
    server.ocs("gateway", "set", "other", "--address", "127.0.0.5", "--secret", "new")
    packet = access_request({"User-Name": "nobody"}, password="x", secret="new")
    with socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.bind(("127.0.0.5", 0))
        asking.settimeout(0.5)
        ends_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_at:
            asking.sendto(packet, ("127.0.0.1", server.auth_port))
            try:
                assert asking.recv(4096)[0] == Code.ACCESS_REJECT
            except TimeoutError:
                continue
            break
        else:
            raise AssertionError(server.log.read_text())


@pytest.mark.parametrize("is_accounting", [False, True])
def test_both_ports_answer_a_status_server(server: ServerProcess, *, is_accounting: bool) -> None:
    """By the code of the port (RFC 5997 section 4.2)."""
    port = server.acct_port if is_accounting else server.auth_port

    code, _ = ask_status("127.0.0.1", port, "testing123", timeout_s=PATIENCE_S)

    assert code is (Code.ACCOUNTING_RESPONSE if is_accounting else Code.ACCESS_ACCEPT)


@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        (
            "x.toml",
            'extends = "generic"\n[session]\nkeys = ["Class"]\n',
            "x.toml line 3: session: keys: unknown",
        ),
        ("dictionary.eltex", "VENDOR Eltex\n", "dictionary.eltex line 1:"),
    ],
)
def test_a_wrong_file_stops_the_start(folder: Path, tmp_path: Path, name: str, text: str, error: str) -> None:
    """With file, line and reason, before anything is bound or the database is touched."""
    second = ServerProcess(folder)
    second.settings["OCS_RADIUS_DIALECTS_FOLDER"] = str(tmp_path)
    second.settings["OCS_STORAGE_URL"] = f"sqlite:///{tmp_path}/none.db"
    (tmp_path / name).write_text(text)

    assert error in second.ocs("serve", code=2)

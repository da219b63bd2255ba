"""``ocs call``: who calls, where the server is, and what is said when it is not there."""

import socket

import pytest
from command import Shell

from ocs.cli.call import find_secret, reachable
from ocs.config import Address
from ocs.errors import InputError
from ocs.ports import Gateway


def closed_port(kind: socket.SocketKind) -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def lonely(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A shell whose server is not running."""
    for variable in ("OCS_RADIUS_LISTEN_AUTH", "OCS_RADIUS_LISTEN_ACCT"):
        monkeypatch.setenv(variable, f"127.0.0.1:{closed_port(socket.SOCK_DGRAM)}")
    monkeypatch.setenv("OCS_GRPC_LISTEN", f"127.0.0.1:{closed_port(socket.SOCK_STREAM)}")
    return shell


@pytest.mark.parametrize("way", [[], ["--grpc"]])
def test_silent_server_is_out_of_reach(lonely: Shell, way: list[str]) -> None:
    """Exit code 5, and a hint at what may be wrong; nothing is printed as if it had happened."""
    result = lonely.run(
        "call", "--account", "alice", "--to", "44", "--seconds", "5", "--timeout", "0.1", *way
    )

    assert (result.code, result.out) == (5, "")
    assert result.err.startswith("error: ")
    assert "Is the server running" in result.err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "--account: or --user"),
        (["--account", "alice", "--user", "bob"], "--user: 'bob' is no identity of account 'alice'"),
        (["--account", "nova-empty"], "--account: 'nova-empty' has no user name"),
    ],
)
def test_somebody_must_call(lonely: Shell, arguments: list[str], error: str) -> None:
    """The caller is an identity that a call can carry."""
    lonely.ok("account", "create", "nova-empty")

    assert error in lonely.refused(2, "call", "--to", "44", "--seconds", "5", *arguments)


def test_unknown_account_is_not_found(lonely: Shell) -> None:
    """Nothing is sent for an account that does not exist."""
    lonely.refused(3, "call", "--account", "nobody", "--to", "44", "--seconds", "5")


@pytest.mark.parametrize(
    ("listens", "reached"),
    [
        (Address("192.0.2.1", 1812), Address("192.0.2.1", 1812)),
        (Address("0.0.0.0", 1812), Address("127.0.0.1", 1812)),
        (Address("::", 1812), Address("::1", 1812)),
    ],
)
def test_server_on_every_address_is_asked_on_loopback(listens: Address, reached: Address) -> None:
    """A wildcard is no address to send to."""
    assert reachable([listens], "key") == reached


@pytest.mark.parametrize("listens", [[], [Address("127.0.0.1", 0)]])
def test_server_without_a_fixed_address_cannot_be_called(listens: list[Address]) -> None:
    """The setting is named."""
    with pytest.raises(InputError, match="key: has no fixed address"):
        reachable(listens, "key")


def test_secret_is_that_of_the_nearest_loopback_gateway() -> None:
    """The longest range that contains the source; disabled gateways and other machines do not count."""
    gateways = [
        Gateway(id=1, name="net", address="127.0.0.0/8", secret="wide"),
        Gateway(id=2, name="host", address="127.0.0.1", secret="narrow"),
        Gateway(id=3, name="off", address="127.0.0.1", secret="off", enabled=False),
        Gateway(id=4, name="far", address="192.0.2.1", secret="far"),
        Gateway(id=5, name="v6", address="::1", secret="six"),
        Gateway(id=6, name="grpc"),
    ]

    assert find_secret(gateways, "localhost") == "narrow"
    assert find_secret(gateways, "127.0.0.2") == "wide"
    assert find_secret(gateways, "::1") == "six"
    for host in ("192.0.2.1", "radius.example"):
        with pytest.raises(InputError, match="--gateway-secret: is needed"):
            find_secret(gateways, host)

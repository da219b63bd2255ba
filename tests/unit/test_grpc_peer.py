"""Which peers a server without keys serves."""

import pytest

from ocs.grpc.peer import is_loopback


@pytest.mark.parametrize(
    ("peer", "loopback"),
    [
        ("ipv4:127.0.0.1:4711", True),
        ("ipv4:127.8.9.10:4711", True),
        ("ipv6:[::1]:4711", True),
        ("ipv6:%5B::1%5D:4711", True),
        ("unix:/run/ocs.sock", True),
        ("unix:", True),
        ("ipv4:10.0.0.1:4711", False),
        ("ipv4:12.7.0.1:4711", False),
        ("ipv6:[::1234]:4711", False),
        ("ipv6:%5B2001:db8::1%5D:4711", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(peer: str, *, loopback: bool) -> None:
    """Peer texts as grpc writes them, bare and escaped."""
    assert is_loopback(peer) is loopback

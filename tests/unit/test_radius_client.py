"""The small client: what it refuses before anything is sent, and a server that is not there."""

import socket
from pathlib import Path

import pytest

from ocs.errors import InputError
from ocs.radius.client import NoReplyError, RadiusClient, Reply
from ocs.radius.codec import Code


def test_a_silent_server_is_told_from_an_answer() -> None:
    """After the tries that were asked for."""
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        with (
            RadiusClient("127.0.0.1", "s", auth_port=port, timeout_s=0.05, tries=2) as client,
            pytest.raises(NoReplyError, match=r"no answer from 127\.0\.0\.1 to 2 tries"),
        ):
            client.status()

        assert len({silent.recv(4096) for _ in range(2)}) == 1, "a retransmission is the same octets"


def test_a_host_that_is_none_is_told() -> None:
    """A name that does not resolve is no bug."""
    with RadiusClient("host.invalid", "s", timeout_s=0.05, tries=1) as client, pytest.raises(NoReplyError):
        client.status()


@pytest.mark.parametrize(
    ("attributes", "place"),
    [
        ({"No-Such-Name": "1"}, "No-Such-Name"),
        ({"Acct-Session-Time": "soon"}, "Acct-Session-Time"),
        ({"Acct-Session-Time": 2**32}, "Acct-Session-Time"),
        ({"NAS-IP-Address": "192.0.2.300"}, "NAS-IP-Address"),
        ({"User-Name": "x" * 300}, "User-Name"),
    ],
)
def test_wrong_attributes_are_named(attributes: dict[str, str | int], place: str) -> None:
    """Nothing is sent."""
    with RadiusClient("127.0.0.1", "s") as client, pytest.raises(InputError) as caught:
        client.start(attributes)

    assert caught.value.place == place


def test_a_missing_dictionary_is_named(tmp_path: Path) -> None:
    """By the name that was asked for."""
    with pytest.raises(InputError, match="no such file"):
        RadiusClient("127.0.0.1", "s", dictionaries=["none"], folders=[tmp_path])


def test_replies_are_read_by_name() -> None:
    """A value loses its own name in front; an absent attribute is None."""
    reply = Reply(Code.ACCESS_ACCEPT, [("h323-credit-time", "h323-credit-time=60"), ("Class", "0x00")])

    assert reply.is_accept
    assert not Reply(Code.ACCESS_REJECT, []).is_accept
    assert reply.get("h323-credit-time") == "60"
    assert reply.get("Session-Timeout") is None

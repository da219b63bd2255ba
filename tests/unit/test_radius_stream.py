"""Cutting a stream into packets, and what a certificate is made out to."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocs.radius.codec import MalformedPacketError
from ocs.radius.stream import Framer, certificate_names

PACKETS = st.lists(st.binary(min_size=16, max_size=100), max_size=6).map(
    lambda bodies: [b"\x01\x02" + (4 + len(body)).to_bytes(2) + body for body in bodies]
)


@given(PACKETS, st.lists(st.integers(0, 700)))
def test_packets_come_out_as_they_went_in(packets: list[bytes], cuts: list[int]) -> None:
    """However the stream is cut on its way."""
    framer, taken = Framer(), []
    octets = b"".join(packets)
    places = [0, *sorted(cut for cut in cuts if cut < len(octets)), len(octets)]
    for start, end in itertools.pairwise(places):
        framer.feed(octets[start:end])
        while (packet := framer.take()) is not None:
            taken.append(packet)

    assert taken == packets
    assert len(framer) == 0


@pytest.mark.parametrize("length", [0, 4, 19, 4097, 65_535])
def test_a_length_that_no_packet_has_is_malformed(length: int) -> None:
    """Known from the first four octets: nothing more is waited for."""
    framer = Framer()
    framer.feed(b"\x01\x02" + length.to_bytes(2))

    with pytest.raises(MalformedPacketError):
        framer.take()


@pytest.mark.parametrize("length", [20, 4096])
def test_the_shortest_and_the_longest_packet(length: int) -> None:
    """RFC 2865 section 3."""
    framer = Framer()
    packet = b"\x01\x02" + length.to_bytes(2) + bytes(length - 4)
    framer.feed(packet[:-1])
    assert framer.take() is None

    framer.feed(packet[-1:])
    assert framer.take() == packet


def test_alternative_names_go_before_the_common_name() -> None:
    """As `ssl.SSLSocket.getpeercert` writes them; addresses and mail boxes are no names of gateways."""
    certificate = {
        "subject": ((("countryName", "XX"),), (("commonName", "gw1"),)),
        "subjectAltName": (("DNS", "gw2"), ("IP Address", "192.0.2.1"), ("DNS", "gw3")),
    }

    assert certificate_names(certificate) == ["gw2", "gw3", "gw1"]
    assert certificate_names({}) == []

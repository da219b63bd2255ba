"""A short run of the fuzzer at every build, with a seed that is kept."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "fuzz"))

from fuzz_radius import fuzz


def test_damaged_packets_never_raise() -> None:
    """The corpus reaches every kind of result, and none of it is an exception."""
    seen = fuzz(6_000, seed=1)

    assert set(seen) == {
        "Acknowledgement",
        "Challenge",
        "ChargingRequest",
        "EndOfGateway",
        "Refusal",
        "Silence",
        "bytes",
    }

"""The network between equipment and servers: it loses, doubles, delays and reorders, both ways."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from simulation.journal import Journal


@dataclass(kw_only=True)
class Traffic:
    """Chances per packet."""

    loses: float = 0.0
    doubles: float = 0.0
    strays: float = 0.0
    "Takes seconds instead of milliseconds, and is overtaken."


class Wire:
    """Carries packets."""

    def __init__(self, rng: Random, journal: Journal) -> None:
        self.traffic = Traffic()
        self._rng = rng
        self._journal = journal

    def carry(self, deliver: Callable[[], None], what: str) -> None:
        """Deliver a packet some time later: once, twice or never."""
        rng, traffic = self._rng, self.traffic
        if rng.random() < traffic.loses:
            self._journal.add("lost", what)
            return
        copies = 2 if rng.random() < traffic.doubles else 1
        for _ in range(copies):
            delay_ms = rng.randint(1, 8)
            if rng.random() < traffic.strays:
                delay_ms += rng.randint(500, 15_000)
            asyncio.get_running_loop().call_later(delay_ms / 1000, deliver)

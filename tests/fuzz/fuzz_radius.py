"""Throw damaged packets at the whole RADIUS front end. `radius_judge` says what must be true of each.

    PYTHONPATH=.:tests python tests/fuzz/fuzz_radius.py 1000000 [seed]

Seeded: the same numbers give the same packets. `fuzz_radius_coverage` lets coverage choose them instead.
"""

import gc
import random
import resource
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from radius_judge import DIALECTS, MESSAGE_AUTHENTICATOR, Judge
from radius_vectors import FOLDER, SECRET, access_request, accounting_request, every_packet

from ocs.radius.codec import Code, Secret, decode, encode_attribute, encode_request

SETTLED_AFTER = 100_000
"Packets after which every cache is full."
GROWTH_OCTETS_MAX = 16 * 1024 * 1024
KEY = Secret(SECRET)


def corpus() -> list[tuple[bytes, str]]:
    """Requests of every vector and of every row of the dialects' tables, with the dialect that wrote them."""
    packets = [(octets, "generic") for octets in every_packet() if octets[0] in (1, 4, 12)]
    for table in sorted((FOLDER / "dialects").glob("*.toml")):
        for case in tomllib.loads(table.read_text())["case"]:
            if "access" in case:
                packets.append((access_request(case["access"], dialect=table.stem, password="x"), table.stem))
            else:
                packets.append((accounting_request(case["accounting"], dialect=table.stem), table.stem))
    return packets


def damage(octets: bytes, chance: random.Random) -> bytes:
    """One to four small damages to octets."""
    damaged = bytearray(octets)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(damaged) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            damaged[at : at + 1] = chance.randbytes(1)
        elif kind == 1:
            del damaged[at : at + chance.randint(1, 4)]
        elif kind == 2:
            damaged[at:at] = chance.randbytes(chance.randint(1, 4))
        else:
            damaged[at:at] = damaged[at : at + chance.randint(1, 40)]
    return bytes(damaged)


def damage_attributes(octets: bytes, chance: random.Random) -> bytes:
    """Attributes dropped, repeated, renumbered or with damaged values; still well formed outside."""
    pairs = [pair for pair in decode(octets).attributes() if pair[0] != MESSAGE_AUTHENTICATOR]
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(pairs) + 1)
        number, value = pairs[at] if at < len(pairs) else (chance.randint(1, 255), b"")
        kind = chance.randrange(4)
        if kind == 0:
            del pairs[at : at + 1]
        elif kind == 1:
            pairs.insert(chance.randrange(len(pairs) + 1), (number, value))
        elif kind == 2:
            pairs[at : at + 1] = [(chance.randint(1, 255), value)]
        else:
            pairs[at : at + 1] = [(number, damage(value, chance)[:253])]
    return b"".join(encode_attribute(n, value) for n, value in pairs if n != MESSAGE_AUTHENTICATOR)[:4000]


def cases(count: int, seed: int) -> Iterator[tuple[bytes, str]]:
    """Datagrams and the dialect that reads them; the same for the same seed."""
    chance = random.Random(seed)
    packets = corpus()
    for _ in range(count):
        octets, dialect = chance.choice(packets)
        if chance.random() < 0.2:
            yield damage(octets, chance), dialect
            continue
        code = Code(octets[0])
        # The damage stands under a right signature, so that it gets past the authenticators.
        damaged = encode_request(
            code,
            identifier=chance.randrange(256),
            attributes=damage_attributes(octets, chance),
            secret=KEY,
            authenticator=chance.randbytes(15) + b"x",
        )
        yield damaged, dialect if chance.random() < 0.8 else chance.choice(DIALECTS)


def fuzz(count: int, seed: int) -> Counter[str]:
    """Run it; what became of the packets, by kind. Any exception is a finding, and so is growing memory."""
    judge = Judge()
    seen: Counter[str] = Counter()
    settled_octets = 0
    for number, (datagram, dialect) in enumerate(cases(count, seed)):
        try:
            seen[judge.judge(datagram, dialect)] += 1
        except Exception:
            sys.stderr.write(f"dialect {dialect}, packet {datagram.hex()}\n")
            raise
        if number == SETTLED_AFTER:
            settled_octets = resident_octets()
    if settled_octets:
        grown = resident_octets() - settled_octets
        assert grown < GROWTH_OCTETS_MAX, f"{grown} octets more than after {SETTLED_AFTER} packets"
    return seen


def resident_octets() -> int:
    """Memory of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


if __name__ == "__main__":
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    sys.stdout.write(f"seed {chosen}: {dict(fuzz(int(sys.argv[1]), chosen))}\n")

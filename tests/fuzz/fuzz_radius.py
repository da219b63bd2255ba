"""Throw damaged packets at the whole RADIUS front end, and look for one invariant.

Whatever arrives, the endpoint returns octets, an exchange or a silence; the translation of an exchange gives
an action, and its answer is a packet that the client accepts. No exception comes out.

    PYTHONPATH=.:tests python tests/fuzz/fuzz_radius.py 1000000 [seed]
"""

import random
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator

from radius_vectors import (
    FOLDER,
    NOW_MS,
    SOURCE,
    access_request,
    accounting_request,
    dialects,
    every_packet,
    gateway,
)

from ocs.charging.outcome import Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.radius.codec import Code, Secret, decode, encode_attribute, encode_request, is_reply_authentic
from ocs.radius.endpoint import Endpoint, Exchange, Role
from ocs.radius.translate import Challenge, Refusal, Translator, encode_refusal

MESSAGE_AUTHENTICATOR = 80
SECRET = Secret("testing123")
DIALECTS = sorted(dialects())


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
            secret=SECRET,
            authenticator=chance.randbytes(15) + b"x",
        )
        yield damaged, dialect if chance.random() < 0.8 else chance.choice(DIALECTS)


def fuzz(count: int, seed: int) -> Counter[str]:
    """Run it; what became of the packets, by kind. Any exception is a finding."""
    translator = Translator(b"key")
    endpoints = {}
    for name in DIALECTS:
        endpoints[name] = Endpoint()
        endpoints[name].set_clients([gateway(dialect=name, authorize_without_password=True)], dialects())
    seen: Counter[str] = Counter()
    for datagram, dialect in cases(count, seed):
        try:
            seen[serve(endpoints[dialect], translator, datagram)] += 1
        except Exception:
            sys.stderr.write(f"dialect {dialect}, packet {datagram.hex()}\n")
            raise
    return seen


def serve(endpoint: Endpoint, translator: Translator, datagram: bytes) -> str:
    """One packet through endpoint, translation and answer; what it was."""
    role = Role.ACCOUNTING if datagram[:1] == b"\x04" else Role.AUTHENTICATION
    result = endpoint.receive_datagram(datagram, SOURCE, role, NOW_MS)
    if not isinstance(result, Exchange):
        return type(result).__name__
    action = translator.to_charging(result)
    code, attributes = Code.ACCOUNTING_RESPONSE, b""
    if isinstance(action, ChargingRequest):
        assert 0 < len(action.session_key) <= 250, action.session_key
        if action.credential is not None:
            action.credential.verify("secret")
        outcome = Outcome(
            code=OutcomeCode.SUCCESS, granted_units=60, used_units=2**40, affordable_units=2**70
        )
        code, attributes = translator.to_reply(result, action, outcome)
    elif isinstance(action, Refusal):
        code, attributes = Code.ACCESS_REJECT, encode_refusal(result.client, action.code)
    elif isinstance(action, Challenge):
        code, attributes = Code.ACCESS_CHALLENGE, action.attributes
    reply = decode(endpoint.answer(result, code, attributes))
    assert is_reply_authentic(reply, result.packet.authenticator, result.client.secret)
    return type(action).__name__


if __name__ == "__main__":
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(2**32)
    sys.stdout.write(f"seed {chosen}: {dict(fuzz(int(sys.argv[1]), chosen))}\n")

"""Let coverage choose the packets that are thrown at the RADIUS front end: needs atheris.

    PYTHONPATH=.:tests python tests/fuzz/fuzz_radius_coverage.py FOLDER -runs=1000000

The folder keeps what reached new code, and is filled with the packets of vectors and tables first. The first
octet of an input chooses the dialect. The second says whether the rest is a datagram as it is, or the
attributes of one that is signed here: no fuzzer guesses an HMAC.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ocs.radius"]):
    from fuzz_radius import DIALECTS, KEY, Judge, corpus

from ocs.radius.codec import Code, decode, encode_attribute, encode_request

MESSAGE_AUTHENTICATOR = 80
CODES = (Code.ACCESS_REQUEST, Code.ACCOUNTING_REQUEST, Code.STATUS_SERVER)
RAW = len(CODES)
ATTRIBUTES_MAX = 4_000


def to_input(octets: bytes, dialect: str) -> bytes:
    """A packet as an input whose attributes are to be signed."""
    attributes = b"".join(
        encode_attribute(number, value)
        for number, value in decode(octets).attributes()
        if number != MESSAGE_AUTHENTICATOR
    )
    return bytes((DIALECTS.index(dialect), CODES.index(Code(octets[0])))) + octets[4:20] + attributes


def try_one(octets: bytes) -> None:
    """Judge one input; any exception is a finding that atheris reports and keeps."""
    if len(octets) < 2:
        return
    dialect, kind = DIALECTS[octets[0] % len(DIALECTS)], octets[1] % (RAW + 1)
    datagram = octets[2:]
    if kind != RAW:
        datagram = encode_request(
            CODES[kind],
            identifier=octets[0],
            attributes=octets[18 : 18 + ATTRIBUTES_MAX],
            secret=KEY,
            authenticator=octets[2:17].ljust(15, b"\0") + b"x",
        )
    JUDGE.judge(datagram, dialect)


if __name__ == "__main__":
    JUDGE = Judge()
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for number, (octets, dialect) in enumerate(corpus()):
        (folder / f"seed-{number:04}").write_bytes(to_input(octets, dialect))
    atheris.Setup(sys.argv, try_one)
    atheris.Fuzz()

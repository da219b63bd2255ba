"""What RADIUS tests share: vector files, packets from names and values, an endpoint with one gateway."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ocs.ports import Gateway
from ocs.radius.codec import Code, Packet, Secret, decode, encode_attribute, encode_request, hide_password
from ocs.radius.dialect import Dialect, load_dialects
from ocs.radius.dictionary import Dictionary
from ocs.radius.endpoint import Endpoint, Exchange, Role, Source

FOLDER = Path(__file__).parent / "vectors" / "radius"
SECRET = "testing123"
NOW_MS = 1_700_000_000_000
SOURCE = Source(0, "192.0.2.10", 50_000)
NONCE = bytes(range(16))

Vector = dict[str, str]


def read_vectors(*names: str) -> list[Vector]:
    """The blocks of ``key: value`` lines of vector files, each with the file's name under ``file``."""
    vectors = []
    for name in names:
        text = (FOLDER / name).read_text()
        for block in text.split("\n\n"):
            lines = [line for line in block.splitlines() if line and not line.startswith("#")]
            if lines:
                vectors.append({"file": name, **dict(line.split(": ", 1) for line in lines)})
    return vectors


RFC_VECTORS = read_vectors("rfc2865.txt", "rfc5090.txt", "rfc5997.txt")


def extra_vectors() -> list[dict[str, Any]]:
    """Packets of other projects, from the folder that OCS_EXTRA_VECTORS names; none without it."""
    folder = os.environ.get("OCS_EXTRA_VECTORS")
    if not folder:
        return []
    lines = (Path(folder) / "radius.jsonl").read_text().splitlines()
    vectors = [json.loads(line) for line in lines]
    return [vector for vector in vectors if not vector["source"].startswith("RFC")]


def every_packet() -> Iterator[bytes]:
    """Every well-formed packet of every vector."""
    for vector in RFC_VECTORS:
        if vector.get("expect") != "malformed":
            yield bytes.fromhex(vector["hex"])
    for vector in extra_vectors():
        if vector["secret"]:
            yield bytes.fromhex(vector["hex"])


@cache
def dialects() -> Mapping[str, Dialect]:
    """The shipped dialects, read once."""
    return load_dialects()


@cache
def families() -> Mapping[str, Dialect]:
    """The shipped dialects and those that operators would add, read once."""
    return load_dialects([FOLDER / "families"])


def dictionary(dialect: str = "generic") -> Dictionary:
    """The attributes that a dialect knows."""
    return families()[dialect].dictionary


Attributes = Mapping[str, object] | Sequence[tuple[str, object]]
"By name, or pairs where the order counts."


def encode(attributes: Attributes, dialect: str = "generic") -> bytes:
    """Attributes by name; a list is several values, octets are taken as they are."""
    pairs = attributes.items() if isinstance(attributes, Mapping) else attributes
    encoded = b""
    for name, values in pairs:
        attribute = dictionary(dialect)[name]
        for value in values if isinstance(values, list) else [values]:
            encoded += attribute.wrap(value) if isinstance(value, bytes) else attribute.encode(str(value))
    return encoded


def access_request(
    attributes: Attributes,
    *,
    dialect: str = "generic",
    password: str | None = None,
    authenticator: bytes = NONCE,
    identifier: int = 1,
    secret: str = SECRET,
    signed: bool = True,
) -> bytes:
    """An Access-Request, with a Message-Authenticator unless `signed` is false."""
    key = Secret(secret)
    encoded = encode(attributes, dialect)
    if password is not None:
        encoded += encode_attribute(2, hide_password(password.encode(), authenticator, key))
    packet = encode_request(
        Code.ACCESS_REQUEST,
        identifier=identifier,
        attributes=encoded,
        secret=key,
        authenticator=authenticator,
    )
    if signed:
        return packet
    bare = packet[:20] + packet[38:]
    return bare[:2] + len(bare).to_bytes(2) + bare[4:]


def accounting_request(
    attributes: Attributes, *, dialect: str = "generic", identifier: int = 1, secret: str = SECRET
) -> bytes:
    """A signed Accounting-Request."""
    encoded = encode(attributes, dialect)
    return encode_request(
        Code.ACCOUNTING_REQUEST, identifier=identifier, attributes=encoded, secret=Secret(secret)
    )


def gateway(**changes: object) -> Gateway:
    """A gateway at 192.0.2.10."""
    fields: dict[str, object] = {"id": 7, "name": "gw", "address": "192.0.2.10", "secret": SECRET}
    return Gateway(**{**fields, **changes})  # type: ignore[arg-type]


def endpoint(*gateways: Gateway) -> Endpoint:
    """An endpoint that serves these gateways, or the usual one."""
    made = Endpoint()
    made.set_clients(gateways or [gateway()], dialects())
    return made


def exchange(datagram: bytes, *, now_ms: int = NOW_MS, **changes: object) -> Exchange:
    """The exchange that a packet from the usual gateway starts."""
    role = Role.ACCOUNTING if datagram[0] == Code.ACCOUNTING_REQUEST else Role.AUTHENTICATION
    result = endpoint(gateway(**changes)).receive_datagram(datagram, SOURCE, role, now_ms)
    assert isinstance(result, Exchange), result
    return result


def reply_texts(attributes: bytes, dialect: str = "generic") -> list[tuple[str, str]]:
    """Encoded attributes as names and values."""
    return dictionary(dialect).describe(as_packet(attributes))


def as_packet(attributes: bytes) -> Packet:
    """A packet that holds these attributes and nothing else."""
    return decode(b"\x02\x01" + (20 + len(attributes)).to_bytes(2) + bytes(16) + attributes)

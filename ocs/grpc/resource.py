"""Names of resources, instants and page tokens of the operators' services (AIP-122, AIP-158)."""

import base64
import binascii
import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from ocs.errors import InputError

PAGE_SIZE = 100
PAGE_SIZE_MAX = 1000
REQUEST_ID_CHARACTERS_MAX = 200
_PAGING = ("page_size", "page_token")


def name_of(collection: str, key: str) -> str:
    """The name of a resource, ``tariffs/retail``."""
    return f"{collection}/{key}"


def id_of(name: str, collection: str, place: str) -> str:
    """The id in the name of a resource.

    Raises:
        InputError: it is no name of this collection.
    """
    head, _, key = name.partition("/")
    if head != collection or not key or "/" in key:
        raise InputError(place, f"{name[:80]!r} is not a name such as {collection}/retail")
    return key


def instant_of(epoch_s: int) -> Timestamp:
    """Epoch seconds as a message."""
    return Timestamp(seconds=epoch_s)


def page_size_of(message: Any) -> int:
    """How many to return at most; a wish above the bound gets the bound.

    Raises:
        InputError: it is negative.
    """
    if message.page_size < 0:
        raise InputError("page_size", f"{message.page_size} is negative")
    return min(message.page_size or PAGE_SIZE, PAGE_SIZE_MAX)


def page_token(message: Message, position: Sequence[str | int]) -> str:
    """The token that lets the very same request go on behind a position."""
    text = json.dumps([_fingerprint(message), *position])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def page_position(message: Any) -> list[str | int] | None:
    """The position behind which a request goes on; None at the beginning.

    Raises:
        InputError: the token is none, or another request's.
    """
    token = message.page_token
    if not token:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, list) or not found or found[0] != _fingerprint(message):
        raise InputError("page_token", "is not of this request: repeat all of it, with the token as it came")
    return found[1:]


def _fingerprint(message: Message) -> str:
    """What a request asks for, whatever page of it."""
    asked = type(message)()
    asked.CopyFrom(message)
    for field in _PAGING:
        asked.ClearField(field)
    return blake2b(asked.SerializeToString(deterministic=True), digest_size=8).hexdigest()


def check_request_id(request_id: str) -> None:
    """InputError unless it identifies a command."""
    if not (1 <= len(request_id) <= REQUEST_ID_CHARACTERS_MAX and request_id.isprintable()):
        reason = (
            f"{request_id[:80]!r}: 1 to {REQUEST_ID_CHARACTERS_MAX} printable characters identify a change"
        )
        raise InputError("request_id", reason)

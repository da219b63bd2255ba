"""Snapshots: the text that keeps a rate for ever beside the charges it made.

Owns: the canonical JSON of what prices a session, and reading it back. Does not own where it is kept. Fields
that have their default value are left out, so that a field added later changes no snapshot that exists.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeVar

from ocs.rating.tariff import OffPeak, OffPeakWhen, PriceSet, Rate, RoundMode, TariffTerms
from ocs.units import Measure, Service

_ID_MAX = 2**63 - 1
_HEAD = '{"rate":{"destination":'
"How every snapshot begins."
_to_json: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_Enum = TypeVar("_Enum", bound=Enum)


def encode_snapshot(terms: TariffTerms, rate: Rate, service: Service) -> str:
    """Write what prices a session as canonical JSON; the tariff's default rate is not part of it."""
    own, shared = _to_json(_plain(rate)), (_service_text(service), _terms_text(terms))
    return '{{"rate":{},"service":{},"terms":{}}}'.format(own, *shared)


@lru_cache(maxsize=256)
def _service_text(service: Service) -> str:
    return _to_json(_plain(service))


@lru_cache(maxsize=256)
def _terms_text(terms: TariffTerms) -> str:
    return _to_json(_plain(dataclasses.replace(terms, default_rate=None)))


def rename_snapshot(text: str, destination: str, other: str) -> str:
    """What `encode_snapshot` would write if the rate's destination were another one.

    The destination comes first in canonical order and is never left out.
    """
    head = f"{_HEAD}{json.dumps(destination)}"
    assert text.startswith(head), text
    return f"{_HEAD}{json.dumps(other)}{text[len(head) :]}"


def decode_snapshot(text: str) -> tuple[TariffTerms, Rate, Service]:
    """Read what `encode_snapshot` wrote."""
    body = json.loads(text)
    return _terms(body["terms"]), _rate(body["rate"]), _service(body["service"])


def snapshot_id(text: str) -> int:
    """The positive 63-bit number that names a snapshot: the head of its SHA-256."""
    head = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return head & _ID_MAX or 1


def _plain(value: Any) -> Any:
    """A value as JSON types; of a dataclass the fields that differ from their default."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if not dataclasses.is_dataclass(value):
        return value
    fields = {}
    for field in dataclasses.fields(value):
        found = getattr(value, field.name)
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if found != default:
            fields[field.name] = _plain(found)
    return fields


def _terms(body: Mapping[str, Any]) -> TariffTerms:
    fields = dict(body)
    _to_enum(fields, "off_peak_when", OffPeakWhen)
    _to_enum(fields, "round_mode", RoundMode)
    if "off_peak_periods" in fields:
        fields["off_peak_periods"] = tuple(fields["off_peak_periods"])
    return TariffTerms(**fields)


def _rate(body: Mapping[str, Any]) -> Rate:
    fields = dict(body)
    if "peak" in fields:
        fields["peak"] = PriceSet(**fields["peak"])
    off_peak = tuple(
        OffPeak(prices=PriceSet(**item.get("prices", {})), period=item.get("period"))
        for item in fields.pop("off_peak", ())
    )
    return Rate(off_peak=off_peak, **fields)


def _service(body: Mapping[str, Any]) -> Service:
    fields = dict(body)
    _to_enum(fields, "measure", Measure)
    return Service(**fields)


def _to_enum(fields: dict[str, Any], name: str, kind: type[_Enum]) -> None:
    if name in fields:
        fields[name] = kind(fields[name])

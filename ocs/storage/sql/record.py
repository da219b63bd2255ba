"""Catalogue records to rows and back. Pure.

Nested parts that only ever travel with their owner (number rules, grant policy, default rate) are JSON.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from enum import Enum
from operator import attrgetter
from typing import Any, Final

from ocs.ports import Gateway, GrantMode, GrantPolicy, Identity, IdentityKind, NumberRules, Plan
from ocs.quota.account import AccountKind, AccountProfile, AccountStatus, CreditReset
from ocs.rating.index import Version, to_rate
from ocs.rating.tariff import OffPeak, OffPeakWhen, PriceSet, Rate, RoundMode, TariffTerms
from ocs.storage.vault import Vault
from ocs.units import AccessCode

Row = Mapping[str, Any]

PRICE_COLUMNS: Final = tuple(field.name for field in fields(PriceSet))
_prices_of = attrgetter(*PRICE_COLUMNS)
_PRICES: Final = len(PRICE_COLUMNS)


def _columns(record: Any) -> dict[str, Any]:
    """The record's fields as column values: enums by value, everything else as it is."""
    values = ((field.name, getattr(record, field.name)) for field in fields(record))
    return {name: value.value if isinstance(value, Enum) else value for name, value in values}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), default=lambda member: member.value)


def account_row(profile: AccountProfile) -> dict[str, Any]:
    """Columns of an account's master data."""
    return _columns(profile)


def account_of(row: Row) -> AccountProfile:
    """The master data in a row."""
    enums = {
        "kind": AccountKind(row["kind"]),
        "status": AccountStatus(row["status"]),
        "reset_cycle": CreditReset(row["reset_cycle"]),
    }
    return AccountProfile(**{**row, **enums})


def identity_row(identity: Identity, vault: Vault) -> dict[str, Any]:
    """Columns of an identity."""
    row = _columns(identity)
    if identity.secret is not None:
        row["secret"] = vault.seal(identity.secret)
    return row


def identity_of(row: Row, vault: Vault) -> Identity:
    """The identity in a row."""
    secret = None if row["secret"] is None else vault.open(row["secret"])
    primary_kind = None if row["primary_kind"] is None else IdentityKind(row["primary_kind"])
    enums = {"kind": IdentityKind(row["kind"]), "primary_kind": primary_kind}
    return Identity(**{**row, **enums, "secret": secret})


def gateway_row(gateway: Gateway, vault: Vault) -> dict[str, Any]:
    """Columns of a gateway."""
    row = _columns(gateway)
    row["secret"] = vault.seal(gateway.secret)
    row["grant_policy"] = _json(asdict(row.pop("grant")))
    row["numbers"] = _json(asdict(gateway.numbers))
    row["identity_order"] = _json(gateway.identity_order)
    row["return_codes"] = _json(dict(gateway.return_codes))
    return row


def gateway_of(row: Row, vault: Vault) -> Gateway:
    """The gateway in a row."""
    values = dict(row)
    values["secret"] = vault.open(row["secret"])
    policy = json.loads(values.pop("grant_policy"))
    numbers: dict[str, Any] = json.loads(row["numbers"])
    for name in ("strip_prefixes", "international_prefixes"):
        numbers[name] = tuple(numbers[name])
    values["grant"] = GrantPolicy(**{**policy, "mode": GrantMode(policy["mode"])})
    values["numbers"] = NumberRules(**numbers)
    values["identity_order"] = tuple(map(IdentityKind, json.loads(row["identity_order"])))
    values["return_codes"] = json.loads(row["return_codes"])
    return Gateway(**values)


def plan_row(plan: Plan) -> dict[str, Any]:
    """Columns of a plan, without its tariffs."""
    row = _columns(plan)
    del row["tariffs"]
    return row


def plan_tariff_rows(plan: Plan) -> list[dict[str, Any]]:
    """Rows of a plan's tariffs."""
    return [
        {"plan_id": plan.id, "service": service, "access_code": access_code.value, "tariff_id": tariff_id}
        for (service, access_code), tariff_id in plan.tariffs.items()
    ]


def plan_of(row: Row, tariff_rows: Iterable[Row]) -> Plan:
    """The plan in a row and the rows of its tariffs."""
    tariffs = {
        (found["service"], AccessCode(found["access_code"])): found["tariff_id"] for found in tariff_rows
    }
    return Plan(**row, tariffs=tariffs)


def tariff_row(terms: TariffTerms) -> dict[str, Any]:
    """Columns of a tariff's terms."""
    row = _columns(terms)
    row["off_peak_periods"] = _json(terms.off_peak_periods)
    row["default_rate"] = None if terms.default_rate is None else _json(asdict(terms.default_rate))
    return row


def tariff_of(row: Row) -> TariffTerms:
    """The terms in a row."""
    default_rate = row["default_rate"]
    return TariffTerms(
        **{
            **row,
            "off_peak_periods": tuple(json.loads(row["off_peak_periods"])),
            "off_peak_when": OffPeakWhen(row["off_peak_when"]),
            "round_mode": RoundMode(row["round_mode"]),
            "default_rate": None if default_rate is None else PriceSet(**json.loads(default_rate)),
        }
    )


def rate_values(rate: Rate) -> tuple[Any, ...]:
    """A rate in the order of the rate table's columns from `destination` on."""
    return (
        rate.destination,
        rate.effective_from_s,
        *_prices_of(rate.peak),
        rate.payback,
        rate.hidden,
        rate.discontinued,
        rate.forbidden,
    )


def off_peak_values(rate_id: int, rate: Rate) -> list[tuple[Any, ...]]:
    """A rate's off-peak sets in the order of their table's columns."""
    return [
        (rate_id, ordinal, off_peak.period, *_prices_of(off_peak.prices))
        for ordinal, off_peak in enumerate(rate.off_peak)
    ]


class RateReader:
    """Makes rates of rows: `rate_values`, then for both off-peak sets their ordinal, period and prices.

    Millions of rates share a few price sets; equal ones become one object.
    """

    def __init__(self) -> None:
        self._price_sets: dict[tuple[Any, ...], PriceSet] = {}

    def rate(self, row: Sequence[Any]) -> Rate:
        """The rate in a row."""
        return to_rate(row[0], self.version(row[1:]))

    def version(self, columns: Sequence[Any]) -> Version:
        """What the columns behind the destination say."""
        after_prices = 1 + _PRICES
        payback, hidden, discontinued, forbidden = columns[after_prices : after_prices + 4]
        first, second = after_prices + 4, after_prices + 6 + _PRICES
        off_peak = tuple(
            OffPeak(prices=self._prices(columns[start + 2 : start + 2 + _PRICES]), period=columns[start + 1])
            for start in (first, second)
            if columns[start] is not None
        )
        return Version(
            effective_from_s=columns[0],
            peak=self._prices(columns[1:after_prices]),
            off_peak=off_peak,
            payback=bool(payback),
            hidden=bool(hidden),
            discontinued=bool(discontinued),
            forbidden=bool(forbidden),
        )

    def _prices(self, columns: Sequence[Any]) -> PriceSet:
        key = tuple(columns)
        found = self._price_sets.get(key)
        if found is None:
            values = dict(zip(PRICE_COLUMNS, key, strict=True))
            values["huntstop"] = bool(values["huntstop"])
            found = self._price_sets[key] = PriceSet(**values)
        return found

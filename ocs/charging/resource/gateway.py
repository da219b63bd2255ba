"""Gateways as resources."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import Enum
from typing import Any, Final

from ocs.charging.master_data import check_zone, parse_host, parse_network
from ocs.charging.resource.collection import Collection, Key, behind
from ocs.charging.resource.fact import INT64_MAX, FactReader, Facts
from ocs.errors import InUseError
from ocs.ports import (
    AuditEntry,
    CatalogStore,
    Gateway,
    GrantMode,
    GrantPolicy,
    IdentityKind,
    LedgerStore,
    NumberRules,
)

SECRET_CHARACTERS_MAX: Final = 200
CODE_MAX: Final = 999
_DEFAULT: Final = Gateway(id=0, name="")
_COUNTS: Final = tuple(
    name for name, value in asdict(GrantPolicy()).items() if isinstance(value, int) and name != "mode"
)


class Requirement(Enum):
    """How a check of RADIUS security is applied."""

    AUTO = "auto"
    NO = "no"
    YES = "yes"


class LastAction(Enum):
    """What equipment does when a last grant is used up."""

    TERMINATE = "terminate"
    REDIRECT = "redirect"
    RESTRICT_ACCESS = "restrict_access"


class ExpiryCharge(Enum):
    """What a session that fell silent is charged for."""

    LAST_REPORT = "last_report"
    GRANTED = "granted"
    ELAPSED = "elapsed"


class Gateways(Collection[Gateway]):
    """The equipment that asks for its subscribers."""

    segments = ("gateways",)
    title = "gateway"
    fields = frozenset(
        {
            "address",
            "secret",
            "dialect",
            "identity_order",
            "number_rules",
            "grant_policy",
            "time_zone",
            "require_message_authenticator",
            "limit_proxy_state",
            "authorize_without_password",
            "coa_address",
            "coa_port",
            "coa_disabled",
            "return_codes",
            "disabled",
        }
    )

    def __init__(self, ledger: LedgerStore, catalog: CatalogStore) -> None:
        self._ledger = ledger
        self._catalog = catalog

    async def find(self, key: Key) -> Gateway | None:
        """The gateway with this name."""
        return next((one for one in await self._catalog.load_gateways() if one.name == key[0]), None)

    async def page(
        self,
        filters: Facts,  # noqa: ARG002 - there are none
        after: Key | None,
        limit: int,
    ) -> Sequence[tuple[Key, Gateway]]:
        """Gateways by name."""
        return behind([((one.name,), one) for one in await self._catalog.load_gateways()], after, limit)

    async def facts(self, record: Gateway) -> dict[str, Any]:
        """All but the secret."""
        numbers = record.numbers
        grant = asdict(record.grant)
        expiry_charge = grant.pop("expiry_charges")
        return {
            "address": record.address,
            "has_secret": bool(record.secret),
            "dialect": record.dialect,
            "identity_order": [kind.value for kind in record.identity_order],
            "number_rules": {
                **asdict(numbers),
                "strip_prefixes": list(numbers.strip_prefixes),
                "international_prefixes": list(numbers.international_prefixes),
            },
            "grant_policy": {**grant, "mode": record.grant.mode.value, "expiry_charge": expiry_charge},
            "time_zone": record.zone,
            "require_message_authenticator": record.require_message_authenticator,
            "limit_proxy_state": record.limit_proxy_state,
            "authorize_without_password": record.authorize_without_password,
            "coa_address": record.coa_address,
            "coa_port": record.coa_port,
            "coa_disabled": not record.coa_port,
            "return_codes": dict(record.return_codes),
            "disabled": not record.enabled,
        }

    async def build(self, key: Key, facts: Facts, former: Gateway | None) -> Gateway:
        """The gateway that the facts say; without a `secret` among them it keeps the one it has."""
        reader = FactReader(facts)
        address = await self._read_address(reader, former)
        secret = reader.text("secret", characters_max=SECRET_CHARACTERS_MAX)
        if former is not None and "secret" not in facts:
            secret = former.secret
        if address and not secret:
            reader.refuse("secret", "a gateway that sends RADIUS needs one")
        zone = reader.text("time_zone", _DEFAULT.zone)
        reader.attempt("time_zone", check_zone, zone, "time_zone")
        shown: dict[str, Any] = {
            "address": address,
            "secret": secret,
            "dialect": reader.text("dialect", _DEFAULT.dialect),
            "identity_order": _read_order(reader),
            "numbers": _read_numbers(reader.within("number_rules")),
            "grant": _read_grant(reader.within("grant_policy"), former.grant if former else _DEFAULT.grant),
            "zone": zone,
            "authorize_without_password": reader.flag("authorize_without_password"),
            "coa_address": _read_host(reader, "coa_address"),
            "coa_port": _read_coa_port(reader),
            "return_codes": _read_codes(reader),
            "enabled": not reader.flag("disabled"),
        }
        for name in ("require_message_authenticator", "limit_proxy_state"):
            shown[name] = reader.choice(name, Requirement, Requirement.AUTO).value
        reader.finish()
        return replace(former or replace(_DEFAULT, name=key[0]), **shown)

    async def _read_address(self, reader: FactReader, former: Gateway | None) -> str:
        text = reader.text("address")
        network = reader.attempt("address", parse_network, text, "address") if text else None
        if network is None:
            return ""
        address = str(network.network_address if network.num_addresses == 1 else network)
        for other in await self._catalog.load_gateways():
            if other.address == address and (former is None or other.id != former.id):
                reader.refuse("address", f"gateway {other.name!r} has the address {address}")
        return address

    async def write(self, record: Gateway, former: Gateway | None, audit: AuditEntry) -> None:
        """Keep a gateway."""
        await self._catalog.save_gateway(record, expected=former, audit=audit)

    async def erase(self, record: Gateway, audit: AuditEntry) -> None:
        """Delete a gateway that is disabled and never charged anything."""
        if record.enabled:
            raise InUseError(f"gateway {record.name!r} is served: disable it first")
        if await self._ledger.knows_gateway(record.id):
            raise InUseError(f"gateway {record.name!r} is in the books: it stays disabled instead")
        await self._catalog.delete_gateway(record, audit=audit)


def _read_order(reader: FactReader) -> tuple[IdentityKind, ...]:
    kinds = [
        reader.member(f"identity_order[{index}]", str(kind), IdentityKind, IdentityKind.USERNAME)
        for index, kind in enumerate(reader.items("identity_order"))
    ]
    if len(set(kinds)) < len(kinds):
        reader.refuse("identity_order", "names a kind twice")
    return tuple(kinds) or _DEFAULT.identity_order


def _read_numbers(reader: FactReader) -> NumberRules:
    rules = NumberRules(
        strip_prefixes=_read_prefixes(reader, "strip_prefixes"),
        international_prefixes=_read_prefixes(reader, "international_prefixes")
        or _DEFAULT.numbers.international_prefixes,
        national_prefix=_read_digits(reader, "national_prefix"),
        country_code=_read_digits(reader, "country_code"),
        national_digits_max=reader.count("national_digits_max", most=64),
    )
    if (rules.national_prefix or rules.national_digits_max) and not rules.country_code:
        reader.refuse("country_code", "is needed to complete national numbers")
    return rules


def _read_prefixes(reader: FactReader, field: str) -> tuple[str, ...]:
    prefixes = tuple(str(text) for text in reader.items(field))
    for index, text in enumerate(prefixes):
        if not (1 <= len(text) <= 32 and text.isascii() and text.isprintable() and " " not in text):
            reader.refuse(f"{field}[{index}]", f"{text[:80]!r} is no prefix of numbers")
    return prefixes


def _read_host(reader: FactReader, field: str) -> str:
    text = reader.text(field)
    return (reader.attempt(field, parse_host, text, field) if text else None) or ""


def _read_coa_port(reader: FactReader) -> int:
    """The port; 0 where the gateway takes no orders, which a port that is not given does not say."""
    port = reader.count("coa_port", most=65535) or _DEFAULT.coa_port
    return 0 if reader.flag("coa_disabled") else port


def _read_digits(reader: FactReader, field: str) -> str:
    text = reader.text(field, characters_max=32)
    if text and not (text.isascii() and text.isdigit()):
        reader.refuse(field, f"{text!r} is not made of digits")
    return text


def _read_grant(reader: FactReader, former: GrantPolicy) -> GrantPolicy:
    """Counts that are 0 are those of the default; what is not shown here stays as it was."""
    default = GrantPolicy()
    counts: dict[str, Any] = {
        name: reader.count(name, most=INT64_MAX) or getattr(default, name) for name in _COUNTS
    }
    return replace(
        former,
        mode=reader.choice("mode", GrantMode, default.mode),
        expiry_charges=reader.choice("expiry_charge", ExpiryCharge, ExpiryCharge.LAST_REPORT).value,
        final_unit_action=reader.choice("final_unit_action", LastAction, LastAction.TERMINATE).value,
        **counts,
    )


def _read_codes(reader: FactReader) -> dict[str, int]:
    codes = reader.mapping("return_codes")
    for reason, code in codes.items():
        if not 0 <= int(code) <= CODE_MAX:
            reader.refuse("return_codes", f"{reason}: {code} is not within 0..{CODE_MAX}")
    return {reason: int(code) for reason, code in codes.items()}

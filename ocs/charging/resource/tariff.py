"""Tariffs as resources: their terms; `ocs.charging.resource.rate` has their rates."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from ocs.charging.master_data import check_currency
from ocs.charging.resource.collection import Collection, Key, behind
from ocs.charging.resource.fact import INT64_MAX, FactReader, Facts
from ocs.charging.resource.price_set import price_facts, read_prices
from ocs.ports import AuditEntry, CatalogStore
from ocs.rating.period import Period
from ocs.rating.tariff import OffPeakWhen, RoundMode, TariffTerms

PERIODS_MAX: Final = 2
DECIMALS_MAX: Final = 6
_PERIOD_CHARACTERS_MAX: Final = 1000
_DEFAULT: Final = TariffTerms(id=0, name="")


class Tariffs(Collection[TariffTerms]):
    """What a tariff says besides its rates."""

    segments = ("tariffs",)
    title = "tariff"
    fixed = frozenset({"currency"})
    fields = frozenset(
        {
            "off_peak_periods",
            "off_peak_when",
            "connect_fee_micros",
            "connect_fee_on_zero",
            "grace_seconds",
            "free_seconds",
            "post_call_surcharge_ppm",
            "round_decimals",
            "round_mode",
            "default_prices",
        }
    )

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog

    async def find(self, key: Key) -> TariffTerms | None:
        """The tariff with this name."""
        return next((terms for terms in await self._catalog.load_tariffs() if terms.name == key[0]), None)

    async def page(
        self,
        filters: Facts,  # noqa: ARG002 - there are none
        after: Key | None,
        limit: int,
    ) -> Sequence[tuple[Key, TariffTerms]]:
        """Tariffs by name."""
        return behind([((terms.name,), terms) for terms in await self._catalog.load_tariffs()], after, limit)

    async def facts(self, record: TariffTerms) -> dict[str, Any]:
        """The terms."""
        facts: dict[str, Any] = {
            "currency": record.currency,
            "off_peak_periods": list(record.off_peak_periods),
            "off_peak_when": record.off_peak_when.value,
            "connect_fee_micros": record.connect_fee_micros,
            "connect_fee_on_zero": record.connect_fee_on_zero,
            "grace_seconds": record.grace_seconds,
            "free_seconds": record.free_seconds,
            "post_call_surcharge_ppm": record.post_call_surcharge_ppm,
            "round_decimals": record.round_decimals,
            "round_mode": record.round_mode.value,
        }
        if record.default_rate is not None:
            facts["default_prices"] = price_facts(record.default_rate)
        return facts

    async def output_facts(self, record: TariffTerms) -> dict[str, Any]:
        """How many rates there are."""
        return {"rate_count": await self._catalog.count_rates(record.id) if record.id else 0}

    async def build(self, key: Key, facts: Facts, former: TariffTerms | None) -> TariffTerms:
        """The terms that the facts say."""
        reader = FactReader(facts)
        currency = reader.text("currency", _DEFAULT.currency)
        reader.attempt("currency", check_currency, currency, "currency")
        # What is not shown here stays as it was.
        record = replace(
            former or replace(_DEFAULT, name=key[0], currency=currency),
            off_peak_periods=_read_periods(reader),
            off_peak_when=reader.choice("off_peak_when", OffPeakWhen, _DEFAULT.off_peak_when),
            connect_fee_micros=reader.count("connect_fee_micros", most=INT64_MAX),
            connect_fee_on_zero=reader.flag("connect_fee_on_zero"),
            grace_seconds=reader.count("grace_seconds"),
            free_seconds=reader.count("free_seconds"),
            post_call_surcharge_ppm=reader.count("post_call_surcharge_ppm"),
            round_decimals=reader.count("round_decimals", most=DECIMALS_MAX, default=_DEFAULT.round_decimals),
            round_mode=reader.choice("round_mode", RoundMode, _DEFAULT.round_mode),
            default_rate=read_prices(reader.within("default_prices"))
            if reader.has("default_prices")
            else None,
        )
        reader.finish()
        return record

    async def write(self, record: TariffTerms, former: TariffTerms | None, audit: AuditEntry) -> None:
        """Keep a tariff's terms."""
        await self._catalog.save_tariff(record, expected=former, audit=audit)

    async def erase(self, record: TariffTerms, audit: AuditEntry) -> None:
        """Delete a tariff without rates that no plan names."""
        await self._catalog.delete_tariff(record, audit=audit)


def _read_periods(reader: FactReader) -> tuple[str, ...]:
    periods = tuple(str(text) for text in reader.items("off_peak_periods"))
    if len(periods) > PERIODS_MAX:
        reader.refuse("off_peak_periods", f"{len(periods)} of them: a tariff has up to {PERIODS_MAX}")
    for index, text in enumerate(periods):
        check_period(reader, f"off_peak_periods[{index}]", text)
    return periods


def check_period(reader: FactReader, field: str, text: str) -> None:
    """Note when a text is no off-peak period."""
    if not 1 <= len(text) <= _PERIOD_CHARACTERS_MAX:
        reader.refuse(field, f"has {len(text)} characters: 1 to {_PERIOD_CHARACTERS_MAX}")
    else:
        reader.attempt(field, Period.parse, text)

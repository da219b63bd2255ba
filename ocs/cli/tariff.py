"""``ocs tariff``: prices, and the sheets they come in."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, choose, print_facts, print_records
from ocs.cli.rate_diff import diff_sheet
from ocs.cli.rate_sheet import export_sheet, import_sheet
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.rating.tariff import PriceSet, TariffTerms

app = typer.Typer(name="tariff", help="Tariffs: prices, and the sheets they come in.", no_args_is_help=True)
app.command("import")(import_sheet)
app.command("export")(export_sheet)
app.command("diff")(diff_sheet)

_COLUMNS = (
    Column("name", "name"),
    Column("currency", "currency"),
    Column("rates", "rates", right=True),
    Column("off_peak_periods", "off-peak periods"),
    Column("off_peak_when", "off-peak when"),
    Column("connect_fee", "connect fee", right=True),
    Column("rounding", "rounding"),
)

Name = Annotated[str, typer.Argument(help="The tariff's name.", show_default=False)]


@app.command("add")
def add(
    context: typer.Context,
    name: Name,
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217.")] = "USD",
    off_peak: Annotated[
        list[str] | None, typer.Option("--off-peak", help="Default period, hr{6pm-5am}; up to two.")
    ] = None,
    off_peak_when: Annotated[
        str, typer.Option("--off-peak-when", help="starts, finishes, both or split.")
    ] = "starts",
    connect_fee: Annotated[str, typer.Option("--connect-fee", help="Per answered call.")] = "0",
    connect_fee_on_zero: Annotated[
        bool, typer.Option("--connect-fee-on-zero", help="Also for an answered call of no length.")
    ] = False,
    grace_seconds: Annotated[int, typer.Option("--grace", min=0, help="Shorter calls are free.")] = 0,
    free_seconds: Annotated[int, typer.Option("--free", min=0, help="Free after the first interval.")] = 0,
    surcharge: Annotated[str, typer.Option("--surcharge", help="Percent of the whole call.")] = "0",
    decimals: Annotated[int, typer.Option("--decimals", min=0, max=6, help="Charges have so many.")] = 5,
    round_mode: Annotated[
        str, typer.Option("--round", help="half_away_from_zero, away_from_zero or toward_zero.")
    ] = "half_away_from_zero",
    default_price: Annotated[
        str | None, typer.Option("--default-price", help="Per minute, for numbers without a rate.")
    ] = None,
    default_intervals: Annotated[
        str, typer.Option("--default-intervals", help="Seconds, first/next, with --default-price.")
    ] = "60/60",
    as_json: Json = False,
) -> None:
    """Create a tariff without rates."""
    from ocs.charging.master_data import check_currency, check_name
    from ocs.rating.period import Period
    from ocs.rating.tariff import OffPeakWhen, RoundMode, TariffTerms
    from ocs.units import parse_decimal, parse_money

    check_name(name, "NAME")
    check_currency(currency.upper(), "--currency")
    periods = tuple(off_peak or ())
    if len(periods) > 2:
        raise InputError("--off-peak", "a tariff has up to two")
    for period in periods:
        Period.parse(period, place="--off-peak")
    terms = TariffTerms(
        id=0,
        name=name,
        currency=currency.upper(),
        off_peak_periods=periods,
        off_peak_when=choose(OffPeakWhen, off_peak_when, "--off-peak-when"),
        connect_fee_on_zero=connect_fee_on_zero,
        default_rate=None if default_price is None else _default_rate(default_price, default_intervals),
        connect_fee_micros=_not_negative(parse_money(connect_fee, "--connect-fee"), "--connect-fee"),
        grace_seconds=grace_seconds,
        free_seconds=free_seconds,
        post_call_surcharge_ppm=_not_negative(
            parse_decimal(surcharge, places=4, place="--surcharge"), "--surcharge"
        ),
        round_decimals=decimals,
        round_mode=choose(RoundMode, round_mode, "--round"),
    )
    saved = use_books(context, lambda books: books.catalog.save_tariff(terms))
    print_facts(tariff_record(saved, 0), as_json=as_json)


def _default_rate(price: str, intervals: str) -> "PriceSet":
    """What prices the numbers that no rate matches."""
    from ocs.rating.sheet_cell import read_intervals, read_price
    from ocs.rating.tariff import PriceSet

    nanos = read_price(price, "--default-price")
    first_s, next_s = read_intervals(intervals, "--default-intervals")
    return PriceSet(
        first_interval_s=first_s, next_interval_s=next_s, first_price_nanos=nanos, next_price_nanos=nanos
    )


def _not_negative(amount: int, option: str) -> int:
    if amount < 0:
        raise InputError(option, "is negative")
    return amount


@app.command("list")
def list_tariffs(context: typer.Context, as_json: Json = False) -> None:
    """List the tariffs."""

    async def use(books: Books) -> list[Record]:
        return [
            tariff_record(terms, len(await books.catalog.load_tariff(terms)))
            for terms in await books.catalog.load_tariffs()
        ]

    print_records(use_books(context, use), _COLUMNS, as_json=as_json, title="tariffs")


def tariff_record(terms: "TariffTerms", rates: int) -> dict[str, Any]:
    """A tariff's terms for people and scripts."""
    from ocs.units import format_decimal, format_money, format_price

    default = terms.default_rate
    return {
        "name": terms.name,
        "currency": terms.currency,
        "rates": rates,
        "off_peak_periods": "; ".join(terms.off_peak_periods),
        "off_peak_when": terms.off_peak_when.value,
        "connect_fee": format_money(terms.connect_fee_micros),
        "connect_fee_on_zero": terms.connect_fee_on_zero,
        "default_price": None if default is None else format_price(default.next_price_nanos),
        "default_intervals": None
        if default is None
        else f"{default.first_interval_s}/{default.next_interval_s}",
        "grace_seconds": terms.grace_seconds,
        "free_seconds": terms.free_seconds,
        "surcharge_percent": format_decimal(terms.post_call_surcharge_ppm, places=4),
        "rounding": f"{terms.round_decimals} decimals, {terms.round_mode.value.replace('_', ' ')}",
    }

"""``ocs rate``: single prices, added and found."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, format_time, parse_time, print_facts, print_records, say
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.rating.directory import Directory
    from ocs.rating.search import RateFilter
    from ocs.rating.tariff import OffPeak, PriceSet, Rate, TariffTerms

app = typer.Typer(name="rate", help="Rates: single prices, added and found.", no_args_is_help=True)

_COLUMNS = (
    Column("tariff", "tariff"),
    Column("destination", "destination"),
    Column("description", "description"),
    Column("effective_from", "from (UTC)", blank="always", is_time=True),
    Column("intervals", "intervals"),
    Column("first_price", "first price", right=True),
    Column("next_price", "next price", right=True),
    Column("unit_price", "unit price", right=True),
    Column("formula", "formula"),
    Column("off_peak", "off-peak"),
    Column("flags", "flags"),
)
_FLAGS = ("payback", "hidden", "discontinued", "forbidden")


Price = Annotated[str | None, typer.Option(help="Per minute, or per MB or message.")]
FirstPrice = Annotated[str | None, typer.Option(help="Per minute in the first interval; else --price.")]
FirstInterval = Annotated[int, typer.Option("--first", min=1, help="First interval, seconds.")]
NextInterval = Annotated[int, typer.Option("--next", min=1, help="Next intervals, seconds.")]
Rounding = Annotated[int, typer.Option(min=1, help="Volume is rounded up to so many KB or messages.")]
OffPeakPrice = Annotated[str | None, typer.Option(help="The same in the off-peak period.")]
OffPeakPeriod = Annotated[str | None, typer.Option(help="hr{6pm-5am}; else the tariff's.")]
Effective = Annotated[str | None, typer.Option(help="From when on, ISO 8601; else from now.")]
Forbidden = Annotated[bool, typer.Option("--forbidden", help="Refused, whatever shorter prefixes say.")]


@app.command("add")
def add(
    context: typer.Context,
    tariff: Annotated[str, typer.Argument(help="The tariff's name.", show_default=False)],
    prefix: Annotated[
        str, typer.Argument(help="Phone prefix, or a special destination such as MSG.", show_default=False)
    ],
    price: Price = None,
    first_price: FirstPrice = None,
    first: FirstInterval = 60,
    following: NextInterval = 60,
    rounding: Rounding = 1,
    per_message: Annotated[
        bool, typer.Option("--per-message", help="PREFIX is a network, MCC and MNC; the price a message's.")
    ] = False,
    formula: Annotated[str, typer.Option(help="In place of prices and intervals.")] = "",
    off_peak_price: OffPeakPrice = None,
    off_peak_period: OffPeakPeriod = None,
    effective: Effective = None,
    payback: Annotated[bool, typer.Option("--payback", help="Credits the account.")] = False,
    hidden: Annotated[bool, typer.Option("--hidden", help="Not shown to subscribers.")] = False,
    discontinued: Annotated[bool, typer.Option("--discontinued", help="No longer sold.")] = False,
    forbidden: Forbidden = False,
    as_json: Json = False,
) -> None:
    """Add a rate, or replace the one that begins at the same instant."""
    from ocs.rating.destination import PRICED_BY_UNIT, parse_destination
    from ocs.rating.tariff import Rate

    destination = parse_destination(prefix, "PREFIX")
    if price is None and not (formula or discontinued or forbidden):
        raise InputError("--price", "is needed, or --formula, --forbidden or --discontinued")
    by_unit = destination in PRICED_BY_UNIT or (per_message and destination.isdigit())
    for option, given in (("--formula", bool(formula)), ("--first-price", first_price is not None)):
        if by_unit and given:
            raise InputError(option, f"is for what is measured by time: {destination} is priced by the unit")
    if by_unit:
        peak = _unit_price(price or "0", rounding)
    else:
        peak = _voice_price(price or "0", first_price, intervals=(first, following), formula=formula)
    rate = Rate(
        destination=destination,
        peak=peak,
        payback=payback,
        hidden=hidden,
        discontinued=discontinued,
        forbidden=forbidden,
    )
    effective_s = _seconds(effective, "--effective")

    async def use(books: Books) -> Record:
        from ocs.charging.tariff_book import find_terms

        terms = await find_terms(books.catalog, tariff)
        # A rate cannot be back-dated (rating section 2.6): a past instant becomes now.
        at_s = max(books.clock.now_ms() // 1000, effective_s or 0)
        off_peak = _off_peak(terms, peak, off_peak_price, off_peak_period, by_unit=by_unit)
        added = replace(rate, effective_from_s=at_s, off_peak=off_peak)
        _check_rate(terms, added)
        await books.catalog.write_rates(terms.id, [added])
        return rate_record(terms.name, added)

    print_facts(use_books(context, use), as_json=as_json)


def _voice_price(
    price: str, first_price: str | None, *, intervals: tuple[int, int], formula: str
) -> "PriceSet":
    from ocs.rating.formula import Formula
    from ocs.rating.tariff import PriceSet

    nanos = _price(price, "--price")
    return PriceSet(
        first_interval_s=intervals[0],
        next_interval_s=intervals[1],
        first_price_nanos=nanos if first_price is None else _price(first_price, "--first-price"),
        next_price_nanos=nanos,
        formula=str(Formula.parse(formula, place="--formula")) if formula else "",
    )


def _unit_price(price: str, rounding: int) -> "PriceSet":
    from ocs.rating.tariff import PriceSet

    return PriceSet(unit_price_nanos=_price(price, "--price"), rounding=rounding)


def _price(text: str, option: str) -> int:
    from ocs.units import parse_price

    nanos = parse_price(text, option)
    if nanos < 0:
        raise InputError(option, "is negative; a rate that credits the account is marked --payback")
    return nanos


def _off_peak(
    terms: "TariffTerms", peak: "PriceSet", price: str | None, period: str | None, *, by_unit: bool
) -> "tuple[OffPeak, ...]":
    from ocs.rating.period import Period
    from ocs.rating.tariff import OffPeak

    if price is None:
        if period is not None:
            raise InputError("--off-peak-price", "is needed with --off-peak-period")
        return ()
    if period is None and not terms.off_peak_periods:
        raise InputError("--off-peak-period", f"is needed: tariff {terms.name!r} has none of its own")
    if period is not None:
        Period.parse(period, place="--off-peak-period")
    nanos = _price(price, "--off-peak-price")
    if by_unit:
        prices = replace(peak, unit_price_nanos=nanos)
    else:
        prices = replace(peak, first_price_nanos=nanos, next_price_nanos=nanos, formula="")
    return (OffPeak(prices=prices, period=period),)


def _check_rate(terms: "TariffTerms", rate: "Rate") -> None:
    """InputError when the rate could price nothing."""
    from ocs.rating.applied import AppliedRate
    from ocs.units import DATA, MESSAGES, VOICE

    services = {"NETACCESS": DATA, "MSG": MESSAGES, "MSGN": MESSAGES}
    AppliedRate(terms, rate, services.get(rate.destination, VOICE))


@app.command("search")
def search_rates(
    context: typer.Context,
    tariff: Annotated[str | None, typer.Option("--tariff", help="Only in this one.")] = None,
    prefix: Annotated[str, typer.Option("--prefix", help="Destinations that begin with it.")] = "",
    number: Annotated[str, typer.Option("--number", help="The rate that would price this number.")] = "",
    destination: Annotated[
        str, typer.Option("--destination", help="Exactly this one, or a pattern with * and ?.")
    ] = "",
    country: Annotated[
        str, typer.Option("--country", help="Name or ISO code, as the directory has it.")
    ] = "",
    mcc: Annotated[str, typer.Option("--mcc", help="Mobile country code in the directory.")] = "",
    mnc: Annotated[str, typer.Option("--mnc", help="Mobile network code in the directory.")] = "",
    group: Annotated[str, typer.Option("--group", help="Destination group in the directory.")] = "",
    special: Annotated[
        bool | None, typer.Option("--special/--prefixes", help="Special destinations, or phone prefixes.")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="In force at this time; --number takes now.")] = None,
    before: Annotated[str | None, typer.Option("--before", help="Effective earlier than this.")] = None,
    after: Annotated[str | None, typer.Option("--after", help="Effective later than this.")] = None,
    discontinued: Annotated[bool | None, typer.Option("--discontinued/--not-discontinued")] = None,
    forbidden: Annotated[bool | None, typer.Option("--forbidden/--not-forbidden")] = None,
    hidden: Annotated[bool | None, typer.Option("--hidden/--not-hidden")] = None,
    payback: Annotated[bool | None, typer.Option("--payback/--not-payback")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 200,
    as_json: Json = False,
) -> None:
    """Find rates; all conditions must hold."""
    from itertools import islice

    conditions: dict[str, Any] = {
        "prefix": _digits(prefix, "--prefix"),
        "number": _digits(number, "--number"),
        "destination": destination,
        "country": country,
        "mcc": _digits(mcc, "--mcc"),
        "mnc": _digits(mnc, "--mnc"),
        "group": group,
        "special": special,
        "effective_before_s": _seconds(before, "--before"),
        "effective_after_s": _seconds(after, "--after"),
        "discontinued": discontinued,
        "forbidden": forbidden,
        "hidden": hidden,
        "payback": payback,
    }
    at_s = _seconds(at, "--at")

    async def use(books: Books) -> list[Record]:
        from ocs.charging.tariff_book import find_terms
        from ocs.rating.directory import Directory
        from ocs.rating.search import RateFilter

        when_s = books.clock.now_ms() // 1000 if at_s is None and number else at_s
        wanted = RateFilter(**conditions, effective_at_s=when_s)
        directory = Directory(await books.catalog.load_destinations())
        if tariff is None:
            chosen = await books.catalog.load_tariffs()
        else:
            chosen = [await find_terms(books.catalog, tariff)]
        records: list[Record] = []
        for terms in chosen:
            found = await _search(books, terms, wanted, directory, limit=limit + 1 - len(records))
            records += [{**rate_record(terms.name, rate), **_place_record(directory, rate)} for rate in found]
        return records

    records = use_books(context, use)
    print_records(list(islice(records, limit)), _COLUMNS, as_json=as_json, title="rates")
    if len(records) > limit and not as_json:
        say(f"There are more than --limit {limit}.")


async def _search(
    books: Books, terms: "TariffTerms", wanted: "RateFilter", directory: "Directory", *, limit: int
) -> "list[Rate]":
    from itertools import islice

    from ocs.rating.search import search

    tariff = await books.catalog.load_tariff(terms, destinations=wanted.candidates())
    return list(islice(search(tariff, wanted, directory), max(0, limit)))


def _place_record(directory: "Directory", rate: "Rate") -> Record:
    """What the directory says of a rate's destination."""
    entry = directory.find(rate.destination)
    if entry is None:
        return dict.fromkeys(("description", "country", "mcc", "mnc", "group"))
    return {
        "description": entry.description,
        "country": entry.country,
        "mcc": entry.mcc,
        "mnc": entry.mnc,
        "group": entry.group,
    }


def _digits(text: str, option: str) -> str:
    digits = text.strip().removeprefix("+")
    if digits and not (digits.isascii() and digits.isdigit()):
        raise InputError(option, f"{text!r} is not made of digits; names such as MSG go to --destination")
    return digits


def _seconds(text: str | None, option: str) -> int | None:
    return None if text is None else parse_time(text, option) // 1000


def rate_record(tariff: str, rate: "Rate") -> dict[str, Any]:
    """A rate for people and scripts; prices per minute, `unit_price` per MB or message."""
    from ocs.rating.destination import PRICED_BY_UNIT
    from ocs.units import format_price

    peak = rate.peak
    by_unit = bool(peak.unit_price_nanos) or rate.destination in PRICED_BY_UNIT
    by_time = not by_unit and not peak.formula
    return {
        "tariff": tariff,
        "destination": rate.destination,
        "effective_from": format_time(rate.effective_from_s * 1000),
        "intervals": f"{peak.first_interval_s}/{peak.next_interval_s}" if by_time else None,
        "first_price": format_price(peak.first_price_nanos) if by_time else None,
        "next_price": format_price(peak.next_price_nanos) if by_time else None,
        "unit_price": format_price(peak.unit_price_nanos) if by_unit else None,
        "rounding": peak.rounding if by_unit else None,
        "formula": peak.formula or None,
        "off_peak": "; ".join(_off_peak_text(one) for one in rate.off_peak),
        "flags": ", ".join(flag for flag in _FLAGS if getattr(rate, flag)),
    }


def _off_peak_text(off_peak: "OffPeak") -> str:
    from ocs.units import format_price

    prices = off_peak.prices
    when = "tariff's period" if off_peak.period is None else off_peak.period or "always"
    if prices.formula:
        return f"{prices.formula} ({when})"
    price = format_price(prices.unit_price_nanos or prices.next_price_nanos)
    return f"{price} ({when})"

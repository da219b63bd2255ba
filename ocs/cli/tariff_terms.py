"""``ocs tariff show | set | delete``: what a tariff says besides its rates."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Json, Record, print_facts
from ocs.cli.deletion import tell_deleted
from ocs.cli.operator import command_of
from ocs.cli.tariff import Name, tariff_record
from ocs.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping


def show(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show a tariff's terms, and how many rates it has."""
    print_facts(use_books(context, lambda books: _shown(books, name)), as_json=as_json)


def change(
    context: typer.Context,
    name: Name,
    off_peak: Annotated[
        list[str] | None,
        typer.Option("--off-peak", help="Default period, up to two, in place of those there are; '' : none."),
    ] = None,
    off_peak_when: Annotated[
        str | None, typer.Option("--off-peak-when", help="starts, finishes, both or split.")
    ] = None,
    connect_fee: Annotated[str | None, typer.Option("--connect-fee", help="Per answered call.")] = None,
    connect_fee_on_zero: Annotated[
        bool | None,
        typer.Option("--connect-fee-on-zero/--no-connect-fee-on-zero", help="For calls of no length too."),
    ] = None,
    grace_seconds: Annotated[
        int | None, typer.Option("--grace", min=0, help="Shorter calls are free.")
    ] = None,
    free_seconds: Annotated[
        int | None, typer.Option("--free", min=0, help="Free after the first interval.")
    ] = None,
    surcharge: Annotated[str | None, typer.Option("--surcharge", help="Percent of the whole call.")] = None,
    decimals: Annotated[
        int | None, typer.Option("--decimals", min=0, max=6, help="Charges have so many.")
    ] = None,
    round_mode: Annotated[
        str | None, typer.Option("--round", help="half_away_from_zero, away_from_zero or toward_zero.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Change a tariff's terms; sessions under way keep those that they began with."""
    from ocs.units import parse_decimal, parse_money

    given: Mapping[str, Any] = {
        "off_peak_periods": None if off_peak is None else [text for text in off_peak if text.strip()],
        "off_peak_when": off_peak_when,
        "connect_fee_micros": None if connect_fee is None else parse_money(connect_fee, "--connect-fee"),
        "connect_fee_on_zero": connect_fee_on_zero,
        "grace_seconds": grace_seconds,
        "free_seconds": free_seconds,
        "post_call_surcharge_ppm": None
        if surcharge is None
        else parse_decimal(surcharge, places=4, place="--surcharge"),
        "round_decimals": decimals,
        "round_mode": round_mode,
    }
    facts = {field: value for field, value in given.items() if value is not None}
    if not facts:
        raise InputError("tariff set", "nothing to change was given")

    async def use(books: Books) -> Record:
        from ocs.charging.resource.registrar import Registrar
        from ocs.charging.resource.tariff import Tariffs

        tariffs = Tariffs(books.catalog)
        await Registrar(books.catalog).update(tariffs, (name,), facts, list(facts), command_of(books))
        return await _shown(books, name)

    print_facts(use_books(context, use), as_json=as_json)


def delete(context: typer.Context, name: Name, as_json: Json = False) -> None:
    """Delete a tariff that has no rates and that no plan names."""

    async def use(books: Books) -> None:
        from ocs.charging.resource.registrar import Registrar
        from ocs.charging.resource.tariff import Tariffs

        await Registrar(books.catalog).delete(Tariffs(books.catalog), (name,), command_of(books))

    use_books(context, use)
    tell_deleted("tariff", name, as_json=as_json)


async def _shown(books: Books, name: str) -> Record:
    from ocs.charging.tariff_book import find_terms

    terms = await find_terms(books.catalog, name)
    return tariff_record(terms, await books.catalog.count_rates(terms.id))

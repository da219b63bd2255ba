"""``ocs quote``: what something would cost, step by step, and how much of it the money buys."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import EXIT_OTHER, Column, Json, choose, parse_time, print_json, print_table, say
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.charging.quotation import Line, Question, Quotation
    from ocs.units import Service

_COLUMNS = (
    Column("text", "step"),
    Column("price_set", "price set"),
    Column("blocks", "blocks", right=True),
    Column("billed_units", "billed", right=True),
    Column("amount", "amount", right=True),
)


def quote(
    context: typer.Context,
    account: Annotated[str | None, typer.Option("--account", help="Who would pay.")] = None,
    tariff: Annotated[str | None, typer.Option("--tariff", help="Or by which tariff.")] = None,
    to: Annotated[str, typer.Option("--to", help="Number that would be called.")] = "",
    calling: Annotated[str, typer.Option("--from", help="Calling number.")] = "",
    network: Annotated[
        str, typer.Option("--network", help="MCC and MNC of a message's recipient, 25501.")
    ] = "",
    service: Annotated[str, typer.Option("--service", help="voice, data, wifi, messages or fax.")] = "voice",
    direction: Annotated[
        str, typer.Option("--direction", help="outgoing, incoming or forwarded.")
    ] = "outgoing",
    seconds: Annotated[int | None, typer.Option("--seconds", min=0, help="How long.")] = None,
    octets: Annotated[int | None, typer.Option("--octets", min=0, help="How much, for data.")] = None,
    messages: Annotated[int | None, typer.Option("--messages", min=0, help="How many.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="When it starts, ISO 8601; else now.")] = None,
    funds: Annotated[str | None, typer.Option("--funds", help="Money at hand, with --tariff.")] = None,
    zone: Annotated[
        str, typer.Option("--zone", help="IANA zone of off-peak periods, with --tariff.")
    ] = "UTC",
    as_json: Json = False,
) -> None:
    """Price a call, data or messages: every step of it, and how much the money buys. Nothing is booked."""
    from ocs.charging.quotation import Question, quote_account, quote_tariff
    from ocs.rating.destination import parse_mobile_network
    from ocs.units import AccessCode, parse_money

    if (account is None) == (tariff is None):
        raise InputError("--account", "or --tariff, one of them, must say by which prices")
    funds_micros = None if funds is None else parse_money(funds, "--funds")
    known = _service(service)
    asked = _units(known, {"--seconds": seconds, "--octets": octets, "--messages": messages})
    at_ms = None if at is None else parse_time(at, "--at")
    home = _zone(zone)
    access_code = choose(AccessCode, direction, "--direction")
    called = _number(to, "--to")
    if known.destination is None and not called and access_code is not AccessCode.INCOMING:
        raise InputError("--to", f"is needed: {known.name} is priced by the called number")

    async def use(books: Books) -> "tuple[Question, Quotation]":
        question = Question(
            service=known,
            units=asked,
            at_s=(books.clock.now_ms() if at_ms is None else at_ms) // 1000,
            access_code=access_code,
            called=called,
            calling=_number(calling, "--from"),
            network=parse_mobile_network(network, "--network"),
        )
        if tariff is not None:
            quotation = await quote_tariff(
                books.catalog, tariff, question, zone=home, funds_micros=funds_micros
            )
        else:
            profile = await books.administration.account(account or "")
            quotation = await quote_account(books.ledger, books.catalog, profile, question)
        return question, quotation

    question, quotation = use_books(context, use)
    _print(question, quotation, as_json=as_json)
    if quotation.refusal is not None:
        raise typer.Exit(EXIT_OTHER)


def _service(name: str) -> "Service":
    from ocs.units import SERVICES

    if name not in SERVICES:
        raise InputError("--service", f"{name!r} is none of {', '.join(SERVICES)}")
    return SERVICES[name]


def _units(service: "Service", given: dict[str, int | None]) -> int:
    """The option that the service is measured in; InputError when another one or none is given."""
    wanted = f"--{service.measure.value}"
    for option, units in given.items():
        if units is not None and option != wanted:
            raise InputError(option, f"{service.name} is measured in {service.measure.value}: {wanted}")
    units = given[wanted]
    if units is None:
        raise InputError(wanted, "is needed")
    return units


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    from ocs.charging.master_data import check_zone

    check_zone(name, "--zone")
    return ZoneInfo(name)


def _number(text: str, option: str) -> str:
    """Digits of a number, or a name such as EMERGENCY as it is."""
    digits = text.strip().removeprefix("+")
    if digits[:1].isdigit() and not (digits.isascii() and digits.isdigit()):
        raise InputError(option, f"{text!r} is not a telephone number of digits")
    return digits


# ----------------------------------------------------------------------------------------- showing


def _print(question: "Question", quotation: "Quotation", *, as_json: bool) -> None:
    record = {
        "service": question.service.name,
        "called": question.called,
        "refusal": quotation.refusal.value if quotation.refusal else None,
        "affordable_units": quotation.affordable_units if quotation.lines else None,
        "payers": [_line_record(line) for line in quotation.lines],
    }
    if as_json:
        print_json(record)
        return
    if quotation.refusal is not None:
        asked = question.called or question.service.name
        say(f"refused: {quotation.refusal.value.replace('_', ' ')} for {asked}")
        return
    for line in quotation.lines:
        _print_line(line)
    say(_affordable_text(question, quotation))


def _line_record(line: "Line") -> dict[str, Any]:
    from ocs.units import format_money

    return {
        "account": line.account or None,
        "available": None if line.funds_micros is None else format_money(line.funds_micros),
        "affordable_units": line.affordable_units,
        **line.explanation.to_dict(),
    }


def _print_line(line: "Line") -> None:
    from ocs.rating.explanation import exact_text

    explained = line.explanation.to_dict()
    steps = [
        {**step, "blocks": step["blocks"] or None, "billed_units": step["billed_units"] or None}
        for step in explained["steps"]
    ]
    who = f"{line.account}: " if line.account else ""
    print_table(
        steps,
        _COLUMNS,
        title=f"{who}tariff {explained['tariff']}, destination {explained['destination']}, "
        f"{explained['price_set']} prices ({explained['reason']})",
    )
    say(
        f"{explained['used_units']} {explained['unit']} used, {explained['billed_units']} "
        f"{explained['billed_unit']} billed: {explained['charge']} {explained['currency']} "
        f"(exactly {exact_text(line.explanation.exact)}, rounded to {explained['rounding']})"
    )


def _affordable_text(question: "Question", quotation: "Quotation") -> str:
    from ocs.charging.quotation import CAP_UNITS
    from ocs.units import format_money

    units, unit = quotation.affordable_units, question.service.unit
    if units >= CAP_UNITS[question.service.measure]:
        return f"affordable: as much as wanted ({units} {unit} and more)"
    limits = ", ".join(
        format_money(line.funds_micros) for line in quotation.lines if line.funds_micros is not None
    )
    return f"affordable: {units} {unit} with {limits}"

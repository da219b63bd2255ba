"""``ocs gateway``: the equipment that asks."""

import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, choose, print_facts, print_records
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.ports import Gateway, IdentityKind, NumberRules

app = typer.Typer(name="gateway", help="Gateways: the equipment that asks.", no_args_is_help=True)

_COLUMNS = (
    Column("name", "name"),
    Column("address", "address", blank="(gRPC only)"),
    Column("dialect", "dialect"),
    Column("identity_order", "identified by"),
    Column("grant", "grant"),
    Column("zone", "zone"),
    Column("enabled", "enabled"),
)


Address = Annotated[str, typer.Option(help="IP address or CIDR its RADIUS packets come from.")]
Secret = Annotated[str | None, typer.Option(help="RADIUS secret; asked for on a terminal when not given.")]
IdentifiedBy = Annotated[str, typer.Option(help="Kinds of identity in the order they are tried.")]
Grant = Annotated[str, typer.Option(help="slice (renewed at reports) or whole (all at once).")]
SliceSeconds = Annotated[int, typer.Option(min=1, help="Reserved ahead.")]
InterimSeconds = Annotated[int, typer.Option(min=1, help="How often it is told to report.")]
MaxSeconds = Annotated[int, typer.Option(min=1, help="The most that one grant gives.")]
TechPrefix = Annotated[str, typer.Option(help="Prefixes taken off its numbers, commas between.")]
CountryCode = Annotated[str, typer.Option(help="Put in front of its national numbers.")]
NationalPrefix = Annotated[str, typer.Option(help="Trunk prefix that the country code replaces.")]
NationalDigits = Annotated[int, typer.Option(min=0, help="Unmarked numbers up to so long are national.")]
WithoutPassword = Annotated[
    bool, typer.Option("--without-password", help="Serve requests that carry no password.")
]


class Strictness(Enum):
    """How a check of RADIUS security is applied."""

    NO = "no"
    AUTO = "auto"
    YES = "yes"


Strict = Annotated[str, typer.Option(help="no, auto or yes.")]


@app.command("add")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    address: Address = "",
    secret: Secret = None,
    dialect: Annotated[str, typer.Option(help="Family of equipment.")] = "generic",
    identified_by: IdentifiedBy = "username,ip,ani",
    grant: Grant = "slice",
    slice_seconds: SliceSeconds = 60,
    interim_seconds: InterimSeconds = 60,
    max_seconds: MaxSeconds = 4 * 3600,
    tech_prefix: TechPrefix = "",
    country_code: CountryCode = "",
    national_prefix: NationalPrefix = "",
    national_digits: NationalDigits = 0,
    zone: Annotated[str, typer.Option(help="IANA zone of times that carry none.")] = "UTC",
    coa_port: Annotated[int, typer.Option(min=1, max=65535, help="Of RFC 5176.")] = 3799,
    without_password: WithoutPassword = False,
    require_message_authenticator: Strict = "auto",
    limit_proxy_state: Strict = "auto",
    as_json: Json = False,
) -> None:
    """Make a gateway known; running servers take it up within seconds."""
    from ocs.ports import Gateway, GrantMode, GrantPolicy

    _check_dialect(context, dialect)
    required = choose(Strictness, require_message_authenticator, "--require-message-authenticator")
    gateway = Gateway(
        id=0,
        name=name,
        address=address,
        secret=_secret(address, secret),
        dialect=dialect,
        identity_order=_identity_order(identified_by),
        numbers=_number_rules(tech_prefix, country_code, national_prefix, national_digits),
        grant=GrantPolicy(
            mode=choose(GrantMode, grant, "--grant"),
            slice_s=slice_seconds,
            interim_interval_s=interim_seconds,
            max_grant_s=max_seconds,
        ),
        zone=zone,
        coa_port=coa_port,
        authorize_without_password=without_password,
        require_message_authenticator=required.value,
        limit_proxy_state=choose(Strictness, limit_proxy_state, "--limit-proxy-state").value,
    )
    added = use_books(context, lambda books: books.administration.add_gateway(gateway))
    print_facts(gateway_record(added), as_json=as_json)


@app.command("list")
def list_gateways(context: typer.Context, as_json: Json = False) -> None:
    """List the gateways; secrets are not shown."""

    async def use(books: Books) -> list[Record]:
        gateways = await books.catalog.load_gateways()
        return [gateway_record(gateway) for gateway in sorted(gateways, key=lambda one: one.name)]

    print_records(use_books(context, use), _COLUMNS, as_json=as_json, title="gateways")


def gateway_record(gateway: "Gateway") -> dict[str, Any]:
    """A gateway for people and scripts, without its secret."""
    grant = gateway.grant
    return {
        "name": gateway.name,
        "address": gateway.address or None,
        "dialect": gateway.dialect,
        "identity_order": ", ".join(kind.value for kind in gateway.identity_order),
        "grant": f"slice of {grant.slice_s} s" if grant.mode.value == "slice" else "whole",
        "interim_interval_s": grant.interim_interval_s,
        "max_grant_s": grant.max_grant_s,
        "tech_prefixes": ", ".join(gateway.numbers.strip_prefixes),
        "country_code": gateway.numbers.country_code,
        "zone": gateway.zone,
        "coa_port": gateway.coa_port,
        "authorize_without_password": gateway.authorize_without_password,
        "require_message_authenticator": gateway.require_message_authenticator,
        "limit_proxy_state": gateway.limit_proxy_state,
        "enabled": gateway.enabled,
    }


def _secret(address: str, secret: str | None) -> str:
    if secret is not None or not address:
        return secret or ""
    if not sys.stdin.isatty():
        raise InputError("--secret", "is needed with --address")
    return str(typer.prompt("RADIUS secret", hide_input=True, confirmation_prompt=True))


def _check_dialect(context: typer.Context, name: str) -> None:
    from ocs.cli.books import read_settings
    from ocs.radius.dialect import load_dialects

    settings = read_settings(context)
    folder = settings.radius.dialects_folder
    dialects = load_dialects([settings.path.parent / folder] if folder else [])
    if name not in dialects:
        raise InputError("--dialect", f"{name!r} is none of {', '.join(sorted(dialects))}")


def _identity_order(text: str) -> "tuple[IdentityKind, ...]":
    from ocs.charging.account_sheet import parse_identity_kind

    kinds = tuple(parse_identity_kind(part, "--identified-by") for part in text.split(","))
    if len(set(kinds)) < len(kinds):
        raise InputError("--identified-by", f"{text!r} names a kind twice")
    return kinds


def _number_rules(
    tech_prefix: str, country_code: str, national_prefix: str, national_digits: int
) -> "NumberRules":
    from ocs.ports import NumberRules

    if (national_prefix or national_digits) and not country_code:
        raise InputError("--country-code", "is needed with --national-prefix and --national-digits")
    for option, digits in (("--country-code", country_code), ("--national-prefix", national_prefix)):
        if digits and not (digits.isascii() and digits.isdigit()):
            raise InputError(option, f"{digits!r} is not made of digits")
    return NumberRules(
        strip_prefixes=tuple(part.strip() for part in tech_prefix.split(",") if part.strip()),
        national_prefix=national_prefix,
        country_code=country_code,
        national_digits_max=national_digits,
    )

"""``ocs gateway``: the equipment that asks."""

import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ocs.cli.books import Books, use_books
from ocs.cli.console import Column, Json, Record, choose, print_facts, print_records
from ocs.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from ocs.ports import Gateway, IdentityKind, NumberRules

app = typer.Typer(name="gateway", help="Gateways: the equipment that asks.", no_args_is_help=True)

_ASK = "-"
"Typed for a secret that is asked for."
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


MinSeconds = Annotated[int, typer.Option(min=1, help="Below this refusing is better than granting.")]
FinalAction = Annotated[
    str, typer.Option(help="When the last grant is used up: terminate, redirect or restrict_access.")
]
ExpiryCharges = Annotated[
    str, typer.Option(help="What a silent session is charged for: last_report, granted or elapsed.")
]


class AfterLast(Enum):
    """What equipment does after a last grant."""

    TERMINATE = "terminate"
    REDIRECT = "redirect"
    RESTRICT_ACCESS = "restrict_access"


class SilenceCharge(Enum):
    """What a session that fell silent is charged for."""

    LAST_REPORT = "last_report"
    GRANTED = "granted"
    ELAPSED = "elapsed"


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
    min_seconds: MinSeconds = 1,
    final_action: FinalAction = "terminate",
    expiry_charges: ExpiryCharges = "last_report",
    tech_prefix: TechPrefix = "",
    country_code: CountryCode = "",
    national_prefix: NationalPrefix = "",
    national_digits: NationalDigits = 0,
    zone: Annotated[str, typer.Option(help="IANA zone of times that carry none.")] = "UTC",
    coa_address: Annotated[str, typer.Option(help="Of RFC 5176; empty: the reporter.")] = "",
    coa_port: Annotated[int, typer.Option(min=0, max=65535, help="Of RFC 5176; 0: none.")] = 3799,
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
            min_grant_s=min_seconds,
            final_unit_action=choose(AfterLast, final_action, "--final-action").value,
            expiry_charges=choose(SilenceCharge, expiry_charges, "--expiry-charges").value,
        ),
        zone=zone,
        coa_address=coa_address,
        coa_port=coa_port,
        authorize_without_password=without_password,
        require_message_authenticator=required.value,
        limit_proxy_state=choose(Strictness, limit_proxy_state, "--limit-proxy-state").value,
    )
    added = use_books(context, lambda books: books.administration.add_gateway(gateway))
    print_facts(gateway_record(added), as_json=as_json)


@app.command("set")
def change(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    new_name: Annotated[str | None, typer.Option("--name", help="Its name from now on.")] = None,
    address: Annotated[str | None, typer.Option(help="IP address or CIDR of its packets.")] = None,
    secret: Annotated[str | None, typer.Option(help="RADIUS secret; - asks for it on a terminal.")] = None,
    dialect: Annotated[str | None, typer.Option(help="Family of equipment.")] = None,
    identified_by: Annotated[str | None, typer.Option(help="Kinds of identity, in order.")] = None,
    grant: Annotated[str | None, typer.Option(help="slice or whole.")] = None,
    slice_seconds: Annotated[int | None, typer.Option(min=1, help="Reserved ahead.")] = None,
    interim_seconds: Annotated[int | None, typer.Option(min=1, help="How often it reports.")] = None,
    max_seconds: Annotated[int | None, typer.Option(min=1, help="The most that one grant gives.")] = None,
    tech_prefix: Annotated[str | None, typer.Option(help="Taken off its numbers, commas between.")] = None,
    country_code: Annotated[str | None, typer.Option(help="Of its national numbers.")] = None,
    national_prefix: Annotated[str | None, typer.Option(help="That the country code replaces.")] = None,
    national_digits: Annotated[int | None, typer.Option(min=0, help="Longest national number.")] = None,
    zone: Annotated[str | None, typer.Option(help="IANA zone of times that carry none.")] = None,
    coa_address: Annotated[str | None, typer.Option(help="Of RFC 5176; empty: the reporter.")] = None,
    coa_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Of RFC 5176; 0: none.")] = None,
    without_password: Annotated[
        bool | None, typer.Option("--without-password/--with-password", help="Need requests have one?")
    ] = None,
    require_message_authenticator: Annotated[str | None, typer.Option(help="no, auto or yes.")] = None,
    limit_proxy_state: Annotated[str | None, typer.Option(help="no, auto or yes.")] = None,
    return_code: Annotated[
        list[str] | None,
        typer.Option(metavar="REASON=CODE", help="Its own h323-return-code of a reason; REASON= undoes it."),
    ] = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", help="Is it served?")] = None,
    as_json: Json = False,
) -> None:
    """Change what is given; running servers take it up within seconds."""
    from ocs.cli.gateway_change import GatewayChange

    if dialect is not None:
        _check_dialect(context, dialect)
    wanted = GatewayChange(
        fields={
            "name": new_name,
            "address": address,
            "secret": _secret("-", None) if secret == _ASK else secret,
            "dialect": dialect,
            "identity_order": None if identified_by is None else _identity_order(identified_by),
            "zone": zone,
            "coa_address": coa_address,
            "coa_port": coa_port,
            "authorize_without_password": without_password,
            "require_message_authenticator": _strictness(
                require_message_authenticator, "--require-message-authenticator"
            ),
            "limit_proxy_state": _strictness(limit_proxy_state, "--limit-proxy-state"),
            "enabled": enabled,
        },
        grant={
            "mode": grant,
            "slice_s": slice_seconds,
            "interim_interval_s": interim_seconds,
            "max_grant_s": max_seconds,
        },
        numbers={
            "strip_prefixes": tech_prefix,
            "country_code": country_code,
            "national_prefix": national_prefix,
            "national_digits_max": national_digits,
        },
        return_codes=return_code or [],
    )
    changed = use_books(context, lambda books: books.administration.change_gateway(name, wanted.apply))
    print_facts(gateway_record(changed), as_json=as_json)


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Show one gateway; its secret is not shown."""

    async def use(books: Books) -> Record:
        for gateway in await books.catalog.load_gateways():
            if gateway.name == name:
                return gateway_record(gateway)
        raise NotFoundError(f"gateway {name!r} does not exist")

    print_facts(use_books(context, use), as_json=as_json)


@app.command("test")
def ask(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Ask the running server whether it is there, and why this gateway gets no answer.

    Exit code 1 when something is wrong.
    """
    from ocs.cli.gateway_probe import print_finding, probe

    finding = use_books(context, lambda books: probe(books, name))
    print_finding(finding, as_json=as_json)
    if not finding.is_well:
        raise typer.Exit(1)


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
        "min_grant_s": grant.min_grant_s,
        "final_action": grant.final_unit_action,
        "expiry_charges": grant.expiry_charges,
        "tech_prefixes": ", ".join(gateway.numbers.strip_prefixes),
        "country_code": gateway.numbers.country_code,
        "zone": gateway.zone,
        "coa_address": gateway.coa_address or None,
        "coa_port": gateway.coa_port,
        "authorize_without_password": gateway.authorize_without_password,
        "require_message_authenticator": gateway.require_message_authenticator,
        "limit_proxy_state": gateway.limit_proxy_state,
        "return_codes": ", ".join(f"{reason}={code}" for reason, code in gateway.return_codes.items()),
        "enabled": gateway.enabled,
    }


def _strictness(word: str | None, option: str) -> str | None:
    return None if word is None else choose(Strictness, word, option).value


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
    from ocs.cli.gateway_change import check_number_rules
    from ocs.ports import NumberRules

    rules = NumberRules(
        strip_prefixes=tuple(part.strip() for part in tech_prefix.split(",") if part.strip()),
        national_prefix=national_prefix,
        country_code=country_code,
        national_digits_max=national_digits,
    )
    check_number_rules(rules)
    return rules

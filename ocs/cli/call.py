"""``ocs call``: one call against the running server, as its gateway would make it, and the books after it.

Owns who calls and what is shown. Does not own the packets: `ocs.cli.call_radius` and `ocs.cli.call_grpc`.
Time is simulated: a call of an hour takes a moment, usage and event times advance.
"""

import asyncio
import ipaddress
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ocs.cli.books import Books, read_settings, run_with_books
from ocs.cli.console import (
    EXIT_OTHER,
    EXIT_UNAVAILABLE,
    Column,
    Json,
    print_error,
    print_json,
    print_records,
    print_table,
    say,
)
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.config import Address, Settings
    from ocs.ports import Gateway, Identity, IdentityKind

TRIES = 3
"How often a request is sent before the server counts as silent."

_COLUMNS = (
    Column("at_s", "second", right=True),
    Column("request", "request"),
    Column("said", "with"),
    Column("answer", "answer"),
    Column("told", "saying"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is called, by whom, for how long."""

    session: str
    "What the gateway calls it; unique."
    kind: "IdentityKind"
    identity: str
    password: str | None
    called: str
    calling: str
    seconds: int
    interim_s: int | None
    "Seconds between reports; None: what the server says."
    timeout_s: float
    "For one answer; there are `TRIES`."


class Step(NamedTuple):
    """One request and its answer."""

    at_s: int
    "Seconds since the call was answered."
    request: str
    said: str
    answer: str
    told: str
    is_granted: bool


class _Caller(NamedTuple):
    """Who calls, as the database knows it."""

    account: str | None
    "None: no account has the given user name."
    entries: int
    "Number of its newest ledger entry before the call."
    kind: "IdentityKind"
    identity: str
    password: str | None
    gateways: "Sequence[Gateway]"


def call(
    context: typer.Context,
    to: Annotated[str, typer.Option("--to", help="Number that is called.")],
    seconds: Annotated[int, typer.Option("--seconds", min=0, help="How long the call lasts.")],
    account: Annotated[str | None, typer.Option("--account", help="Who calls, by account.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="Who calls, by user name.")] = None,
    password: Annotated[str | None, typer.Option("--password", help="Else the one in the database.")] = None,
    calling: Annotated[str, typer.Option("--from", help="Calling number.")] = "12025550199",
    interim_every: Annotated[
        int | None, typer.Option("--interim-every", min=1, help="Seconds between reports; else as told.")
    ] = None,
    gateway_secret: Annotated[
        str | None, typer.Option("--gateway-secret", help="RADIUS secret; else that of the loopback gateway.")
    ] = None,
    session: Annotated[
        str | None, typer.Option("--session", help="Session id; the same one again is a replay.")
    ] = None,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, help="Seconds to wait for an answer before another try.")
    ] = 2.0,
    over_grpc: Annotated[bool, typer.Option("--grpc", help="Over gRPC in place of RADIUS.")] = False,
    as_json: Json = False,
) -> None:
    """Make a call: authorise, start, interim reports, stop; show the ledger. Exit 1 when it is refused."""
    settings = read_settings(context)
    caller = asyncio.run(run_with_books(settings, lambda books: _find_caller(books, account, user, password)))
    placed = Call(
        session=session or f"call-{secrets.token_hex(4)}",
        kind=caller.kind,
        identity=caller.identity,
        password=caller.password,
        called=to,
        calling=calling,
        seconds=seconds,
        interim_s=interim_every,
        timeout_s=timeout,
    )
    if over_grpc:
        from ocs.cli.call_grpc import grpc_steps

        steps = grpc_steps(placed, reachable(settings.grpc.listen, "[grpc] listen"))
    else:
        steps = _radius_steps(settings, placed, caller.gateways, gateway_secret)
    made, failure = _make(steps)
    books_after = asyncio.run(run_with_books(settings, lambda books: _read_after(books, caller)))
    _print(placed, made, books_after, as_json=as_json)
    if failure is not None:
        raise typer.Exit(failure)
    if not made[-1].is_granted:
        raise typer.Exit(EXIT_OTHER)


async def _find_caller(books: Books, account: str | None, user: str | None, password: str | None) -> _Caller:
    from ocs.ports import IdentityKind

    gateways = await books.catalog.load_gateways()
    if account is not None:
        state = await books.administration.account_state(account)
        chosen = _choose_identity(account, user, state.identities)
        value = chosen.value.partition("/")[0] if chosen.kind is IdentityKind.IP else chosen.value
        return _Caller(account, state.live.entries, chosen.kind, value, password or _clear(chosen), gateways)
    if user is None:
        raise InputError("--account", "or --user must say who calls")
    found = await books.catalog.find_identity(IdentityKind.USERNAME, user)
    if found is None:
        return _Caller(None, 0, IdentityKind.USERNAME, user, password, gateways)
    chain = await books.catalog.load_chain(found.account_id)
    state = await books.administration.account_state(chain[0].name)
    known = password or _clear(found)
    return _Caller(chain[0].name, state.live.entries, IdentityKind.USERNAME, user, known, gateways)


def _clear(identity: "Identity") -> str | None:
    """The password that the database has of an identity; InputError when it has but a hash."""
    from ocs.charging.password import is_hashed

    if identity.secret is not None and is_hashed(identity.secret):
        raise InputError("--password", f"is needed: only a hash is kept of {identity.value}'s")
    return identity.secret


def _choose_identity(account: str, user: str | None, identities: "Sequence[Identity]") -> "Identity":
    """The user name that was given, else the first identity that a call can carry: name, number, address."""
    from ocs.ports import IdentityKind

    for kind in (IdentityKind.USERNAME, IdentityKind.ANI, IdentityKind.IP):
        for identity in identities:
            if identity.kind is kind and user in (None, identity.value):
                return identity
    if user is not None:
        raise InputError("--user", f"{user!r} is no identity of account {account!r}")
    raise InputError("--account", f"{account!r} has no user name, calling number or address to call with")


def reachable(addresses: "Sequence[Address]", key: str) -> "Address":
    """Where to reach a server that listens there: a server on every address is asked on loopback."""
    from ocs.config import Address

    if not addresses or not addresses[0].port:
        raise InputError(key, "has no fixed address that a call could be sent to")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(addresses[0].host, addresses[0].host)  # noqa: S104 - not bound
    return Address(host, addresses[0].port)


def _radius_steps(
    settings: "Settings", placed: Call, gateways: "Sequence[Gateway]", secret: str | None
) -> Iterator[Step]:
    from ocs.cli.call_radius import radius_steps

    auth = reachable(settings.radius.listen_auth, "[radius] listen_auth")
    acct = reachable(settings.radius.listen_acct, "[radius] listen_acct")
    return radius_steps(placed, auth=auth, acct=acct, secret=secret or find_secret(gateways, auth.host))


def find_secret(gateways: "Sequence[Gateway]", host: str) -> str:
    """The secret of the gateway that this machine is when it asks a server on loopback."""
    try:
        source = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        source = None
    found = [
        (network.prefixlen, gateway.secret)
        for gateway in gateways
        if source is not None and source.is_loopback and gateway.address and gateway.enabled
        if source in (network := ipaddress.ip_network(gateway.address))
    ]
    if not found:
        raise InputError(
            "--gateway-secret", f"is needed: no gateway is known that asks {host} from this machine"
        )
    return max(found)[1]


def _make(steps: Iterator[Step]) -> tuple[list[Step], int | None]:
    """Carry the call out as far as it goes; the steps, and the exit code when the server did not answer."""
    from ocs.errors import OcsError

    made: list[Step] = []
    try:
        made.extend(steps)
    except InputError:
        raise
    except OcsError as error:
        print_error(error)
        if not made:
            typer.echo(
                "Is the server running (`ocs serve`), and does it know this machine as a gateway?", err=True
            )
        return made, EXIT_UNAVAILABLE
    return made, None


async def _read_after(books: Books, caller: _Caller) -> dict[str, Any] | None:
    from ocs.cli.account import account_record
    from ocs.cli.ledger import entry_records

    if caller.account is None:
        return None
    state = await books.administration.account_state(caller.account)
    entries = await books.ledger.list_entries(state.profile.id, after_number=caller.entries)
    return {
        "account": account_record(state.profile, state.live, plan=state.plan),
        "entries": await entry_records(books, state.profile.id, entries),
    }


def _print(placed: Call, made: Sequence[Step], after: dict[str, Any] | None, *, as_json: bool) -> None:
    from ocs.cli.ledger import ENTRY_COLUMNS, balance_line

    steps = [step._asdict() for step in made]
    if as_json:
        print_json({"session": placed.session, "steps": steps, **(after or {"account": None, "entries": []})})
        return
    if steps:
        print_table(
            steps, _COLUMNS, title=f"{placed.identity} calls {placed.called}, session {placed.session}"
        )
    if steps and after is not None:
        name = after["account"]["name"]
        print_records(
            after["entries"], ENTRY_COLUMNS, as_json=False, title=f"ledger of {name}", empty="no new entries"
        )
        say(balance_line(after["account"]))

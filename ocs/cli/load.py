"""``ocs load``: many calls at once against the running server, over RADIUS or gRPC, and how it bore them.

Owns who calls whom, the pace, the progress on the terminal and the summary. Does not own the packets
(`ocs.radius.load`, `ocs.grpc.load`). Every call is real: it is charged to the accounts that are named.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol

import typer

from ocs.cli.books import read_settings, run_with_books
from ocs.cli.call import find_secret, reachable
from ocs.cli.console import EXIT_UNAVAILABLE, Json, console, print_json, say
from ocs.errors import InputError

if TYPE_CHECKING:
    from ocs.config import Settings
    from ocs.grpc.pb.charging_pb2 import ChargeRequest
    from ocs.radius.load import Target

SECONDS_MAX = 3_600
OUTSTANDING_MAX = 16_384
DRAIN_S = 10.0
"How long calls that have begun may go on after the time is up."
REFRESH_S = 0.25


class Caller(NamedTuple):
    """A subscriber that calls."""

    user: str
    password: str


class LoadResult(Protocol):
    """What both generators tell while they run and at the end."""

    answered: int
    rejected: int
    given_up: int
    seconds: float
    cpu_seconds: float
    latencies_ms: list[float]

    def percentile_ms(self, share: float) -> float:
        """Latency that this share of answers did not exceed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked of the server, and for how long."""

    callers: Sequence[Caller]
    numbers: Sequence[str]
    calling: str
    call_seconds: int
    interims: Sequence[int]
    octets: int
    outstanding: int
    rate: float | None
    ramp_to: float | None
    repeat_share: float

    @property
    def requests_per_call(self) -> int:
        """Authorisation, start, interim reports, stop."""
        return len(self.interims) + 3

    def pace(self, seconds: float) -> Callable[[], float] | None:
        """How many calls may have begun by now, from now on for `seconds`; None: as many as are answered."""
        if self.rate is None:
            return None
        began, first = time.monotonic(), self.rate / self.requests_per_call
        last = first if self.ramp_to is None else self.ramp_to / self.requests_per_call

        def allowed() -> float:
            passed = time.monotonic() - began
            return first * passed + (last - first) * passed * passed / (2 * seconds)

        return allowed


To = Annotated[list[str], typer.Option("--to", help="Number that is called; may be given several times.")]
User = Annotated[str | None, typer.Option("--user", help="Who calls, by user name.")]
Password = Annotated[str, typer.Option("--password", help="Of --user.")]
Sheet = Annotated[
    Path | None,
    typer.Option("--sheet", help="Who calls: the user names of an account sheet (`ocs account import`)."),
]
Calling = Annotated[str, typer.Option("--from", help="Calling number.")]
CallSeconds = Annotated[int, typer.Option("--call-seconds", min=1, help="Length of a call, as reported.")]
Interims = Annotated[int, typer.Option("--interims", min=0, max=100, help="Reports during a call.")]
DataMegabytes = Annotated[
    int,
    typer.Option(
        "--data-mb", min=0, max=3_000, help="RADIUS: data sessions of so many MB in place of calls."
    ),
]
Seconds = Annotated[
    float, typer.Option("--seconds", min=0.1, max=SECONDS_MAX, help="How long new calls are begun.")
]
WarmUp = Annotated[
    float, typer.Option("--warm-up", min=0, max=SECONDS_MAX, help="Seconds before, not counted.")
]
Outstanding = Annotated[
    int, typer.Option("--outstanding", min=1, max=OUTSTANDING_MAX, help="Calls that are made at once.")
]
Rate = Annotated[
    float | None,
    typer.Option("--rate", min=1, help="Requests a second, as far as --outstanding allows; else all it can."),
]
RampTo = Annotated[float | None, typer.Option("--ramp-to", min=1, help="Grow evenly from --rate to this.")]
RepeatShare = Annotated[
    float,
    typer.Option("--repeat-share", min=0, max=1, help="RADIUS: share of requests sent twice at once."),
]
GatewaySecret = Annotated[
    str | None, typer.Option("--gateway-secret", help="RADIUS secret; else that of the loopback gateway.")
]
OverGrpc = Annotated[bool, typer.Option("--grpc", help="Over gRPC in place of RADIUS.")]


def load(
    context: typer.Context,
    to: To,
    user: User = None,
    password: Password = "",
    sheet: Sheet = None,
    calling: Calling = "12025550199",
    call_seconds: CallSeconds = 95,
    interims: Interims = 1,
    data_mb: DataMegabytes = 0,
    seconds: Seconds = 10.0,
    warm_up: WarmUp = 2.0,
    outstanding: Outstanding = 32,
    rate: Rate = None,
    ramp_to: RampTo = None,
    repeat_share: RepeatShare = 0.0,
    gateway_secret: GatewaySecret = None,
    over_grpc: OverGrpc = False,
    as_json: Json = False,
) -> None:
    """Make whole calls for a while, as many at once as asked, and show rate and latency. They are charged."""
    if ramp_to is not None and rate is None:
        raise InputError("--ramp-to", "needs --rate to begin with")
    if over_grpc and (data_mb or repeat_share):
        raise InputError("--grpc", "makes calls only, each request once: no --data-mb, no --repeat-share")
    settings = read_settings(context)
    plan = Plan(
        callers=_read_callers(user, password, sheet),
        numbers=to,
        calling=calling,
        call_seconds=call_seconds,
        interims=[call_seconds * step // (interims + 1) for step in range(1, interims + 1)],
        octets=data_mb * 1024 * 1024,
        outstanding=outstanding,
        rate=rate,
        ramp_to=ramp_to,
        repeat_share=repeat_share,
    )
    run = _grpc_run(settings, plan) if over_grpc else _radius_run(settings, plan, gateway_secret)
    if warm_up:
        with _progress("warming up", as_json=as_json) as show:
            run(warm_up, show)
    with _progress("load", as_json=as_json) as show:
        result = run(seconds, show)
    _print(result, as_json=as_json)
    if not result.answered:
        typer.echo(
            "Is the server running (`ocs serve`), and does it know this machine as a gateway?", err=True
        )
        raise typer.Exit(EXIT_UNAVAILABLE)


def _read_callers(user: str | None, password: str, sheet: Path | None) -> Sequence[Caller]:
    """Who calls.

    Raises:
        InputError: nobody, or the sheet is wrong; every bad line is named.
    """
    if sheet is None:
        if user is None:
            raise InputError("--user", "or --sheet must say who calls")
        return [Caller(user, password)]
    from ocs.charging.account_sheet import parse_account_sheet
    from ocs.errors import InputErrors
    from ocs.ports import IdentityKind

    try:
        lines = sheet.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(sheet), f"cannot be read: {error}") from error
    read = parse_account_sheet(lines, str(sheet))
    if read.errors:
        raise InputErrors(str(sheet), read.errors)
    callers = [
        Caller(identity.value, identity.secret or "")
        for order in read.orders
        for identity in order.identities
        if identity.kind is IdentityKind.USERNAME
    ]
    if not callers:
        raise InputError(str(sheet), "names no user")
    return callers


# ---------------------------------------------------------------------------------- runs

Show = Callable[[LoadResult], None]
Run = Callable[[float, Show], LoadResult]


def _sessions(plan: Plan, seconds: float) -> Iterator[tuple[str, Caller, str]]:
    """Session id, caller and number of one call after the other, until the time is up."""
    ends_at, prefix = time.monotonic() + seconds, f"load-{secrets.token_hex(4)}"
    numbers = itertools.cycle(plan.numbers)
    for count, caller in enumerate(itertools.cycle(plan.callers)):
        if time.monotonic() >= ends_at:
            return
        yield f"{prefix}-{count:x}", caller, next(numbers)


def _radius_run(settings: "Settings", plan: Plan, secret: str | None) -> Run:
    from ocs.radius.load import Call, LoadGenerator

    target = _find_target(settings, secret)

    def run(seconds: float, show: Show) -> LoadResult:
        gives_up_at = time.monotonic() + seconds + DRAIN_S
        shown_at = 0.0

        def is_over() -> bool:
            nonlocal shown_at
            now = time.monotonic()
            if now >= shown_at + REFRESH_S:
                shown_at = now
                show(generator.result)
            return now > gives_up_at

        generator = LoadGenerator(
            target,
            outstanding=plan.outstanding,
            stop_when=is_over,
            pace=plan.pace(seconds),
            repeat_share=plan.repeat_share,
        )
        calls = (
            Call(
                session_id=session_id,
                user=caller.user,
                password=caller.password,
                calling=plan.calling,
                called="" if plan.octets else number,
                seconds=plan.call_seconds,
                interims=plan.interims,
                octets=plan.octets,
            )
            for session_id, caller, number in _sessions(plan, seconds)
        )
        return generator.run(calls)

    return run


def _find_target(settings: "Settings", secret: str | None) -> "Target":
    """Where the server of the settings is, and the secret of this machine there."""
    from ocs.radius.load import Target

    auth = reachable(settings.radius.listen_auth, "[radius] listen_auth")
    acct = reachable(settings.radius.listen_acct, "[radius] listen_acct")
    if auth.host != acct.host:
        raise InputError(
            "[radius]", f"authentication at {auth.host}, accounting at {acct.host}: one is asked"
        )
    if secret is None:
        gateways = asyncio.run(run_with_books(settings, lambda books: books.catalog.load_gateways()))
        secret = find_secret(gateways, auth.host)
    return Target(host=auth.host, auth_port=auth.port, acct_port=acct.port, secret=secret.encode())


def _grpc_run(settings: "Settings", plan: Plan) -> Run:
    from ocs.grpc.client import AsyncChargingClient
    from ocs.grpc.load import GrpcLoad, call_requests

    address = reachable(settings.grpc.listen, "[grpc] listen")

    def requests(seconds: float) -> "Iterator[list[ChargeRequest]]":
        for session_id, caller, number in _sessions(plan, seconds):
            yield call_requests(
                session_id=session_id,
                user=caller.user,
                calling=plan.calling,
                called=number,
                seconds=plan.call_seconds,
                interims=plan.interims,
            )

    async def go(seconds: float, show: Show) -> LoadResult:
        async with AsyncChargingClient.connect(str(address)) as client:
            generator = GrpcLoad(client.charge, outstanding=plan.outstanding, pace=plan.pace(seconds))
            shower = asyncio.create_task(_keep_showing(generator.result, show))
            try:
                return await generator.run(requests(seconds))
            finally:
                shower.cancel()
                with suppress(asyncio.CancelledError):
                    await shower

    return lambda seconds, show: asyncio.run(go(seconds, show))


async def _keep_showing(result: LoadResult, show: Show) -> None:
    while True:
        show(result)
        await asyncio.sleep(REFRESH_S)


# ---------------------------------------------------------------------------------- what is shown


@contextmanager
def _progress(title: str, *, as_json: bool) -> Iterator[Show]:
    """A line that says how it goes, four times a second; nothing where nobody looks."""
    terminal = console()
    if as_json or not terminal.is_terminal:
        yield lambda _: None
        return
    began, last = time.monotonic(), [time.monotonic(), 0.0]

    def show(result: LoadResult) -> None:
        now = time.monotonic()
        since_s, count = now - last[0], result.answered - last[1]
        recent = sorted(result.latencies_ms[int(last[1]) :])
        last[:] = [now, result.answered]
        p99 = f"{recent[int(0.99 * (len(recent) - 1))]:.1f} ms" if recent else "-"
        status.update(
            f"{title}: {now - began:.0f} s, {count / max(since_s, 1e-9):.0f} requests/s, p99 {p99}, "
            f"{result.answered} answered, {result.rejected} refused, {result.given_up} given up"
        )

    with terminal.status(title) as status:
        yield show


def _print(result: LoadResult, *, as_json: bool) -> None:
    record: dict[str, Any] = {
        "answered": result.answered,
        "seconds": round(result.seconds, 2),
        "requests_per_s": round(result.answered / result.seconds, 1) if result.seconds else 0.0,
        "rejected": result.rejected,
        "given_up": result.given_up,
        "repeated": getattr(result, "repeated", 0),
        "retransmitted": getattr(result, "retransmitted", 0),
        "generator_core_share": round(result.cpu_seconds / result.seconds, 2) if result.seconds else 0.0,
    }
    for name, share in (("p50_ms", 0.50), ("p99_ms", 0.99), ("p999_ms", 0.999)):
        record[name] = round(result.percentile_ms(share), 2) if result.latencies_ms else None
    if as_json:
        print_json(record)
        return
    say(
        f"{record['answered']} requests answered in {record['seconds']} s, "
        f"{record['requests_per_s']} a second; "
        f"{record['rejected']} refused, {record['given_up']} given up, {record['retransmitted']} sent again"
    )
    if result.latencies_ms:
        say(f"latency: p50 {record['p50_ms']} ms, p99 {record['p99_ms']} ms, p99.9 {record['p999_ms']} ms")
    if record["generator_core_share"] > 0.9:
        say("The generator used a whole core: the server may be able to do more.")

"""``ocs off-peak``: whether an instant is inside a period, before a tariff depends on it."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from ocs.cli.console import Json, parse_time, print_json, say
from ocs.errors import InputError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from ocs.rating.period import Period

app = typer.Typer(name="off-peak", help="Off-peak periods: checked and tried.", no_args_is_help=True)

_SEARCHED_S: Final = 370 * 86_400
"How far ahead the next change is looked for."


@app.command("test")
def tell(
    expression: Annotated[str, typer.Argument(help="Period, hr{6pm-5am}, wd{sa su}.", show_default=False)],
    at: Annotated[
        str | None, typer.Option("--at", help="ISO 8601; without an offset on the zone's clock. Else now.")
    ] = None,
    zone: Annotated[str, typer.Option("--zone", help="IANA zone of the account.")] = "UTC",
    as_json: Json = False,
) -> None:
    """Tell whether an instant is inside a period, and until when that stays so."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from ocs.charging.clock import SystemClock
    from ocs.charging.master_data import check_zone
    from ocs.rating.period import Period

    period = Period.parse(expression, place="EXPRESSION")
    check_zone(zone, "--zone")
    home = ZoneInfo(zone)
    at_ms = SystemClock().now_ms() if at is None else parse_time(at, "--at", zone)
    _check_exists(at, at_ms, home)
    inside, until_s = _look(period, at_ms // 1000, home)
    record: dict[str, Any] = {
        "expression": str(period),
        "at": datetime.fromtimestamp(at_ms // 1000, home).isoformat(),
        "zone": zone,
        "inside": inside,
        "until": None if until_s is None else datetime.fromtimestamp(until_s, home).isoformat(),
    }
    if as_json:
        print_json(record)
        return
    say(f"{record['at']} {zone} is {'inside' if inside else 'outside'} {record['expression']}")
    say(f"and stays so until {record['until']}" if record["until"] else "and stays so for a year and more")


def _check_exists(text: str | None, at_ms: int, home: "ZoneInfo") -> None:
    """InputError for a local time that the clock jumps over."""
    from datetime import datetime

    if text is None:
        return
    given = datetime.fromisoformat(text.strip())
    if given.tzinfo is None and datetime.fromtimestamp(at_ms / 1000, home).replace(tzinfo=None) != given:
        raise InputError("--at", f"{text!r} does not exist in {home.key}: the clock is set forward over it")


def _look(period: "Period", at_s: int, home: "ZoneInfo") -> tuple[bool, int | None]:
    """Whether an instant is inside, and the next one at which that is different; None: far away."""
    from ocs.rating.schedule import Schedule

    schedule = Schedule((period,))
    inside, until_s = schedule.stretch(at_s, home)
    while until_s < at_s + _SEARCHED_S:
        following, end_s = schedule.stretch(until_s, home)
        if following != inside:
            return bool(inside), until_s
        until_s = end_s
    return bool(inside), None

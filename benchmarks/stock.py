"""What is sold under load, to whom, and what every call must have cost: computed here, apart from the server.

The catalogue of the goal: a tariff of 100,000 rates for the accounts, a short one for their resellers above
them, volume beside calls, slices granted to a gateway that can be asked and stopped. All through the command
line, as an operator would.
"""

import asyncio
import itertools
import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from server import ServerProcess

from ocs.ports import DiscountAssignment
from ocs.radius.load import Call, Target
from ocs.rating.discount import DiscountPlan, DiscountRule, Level, Owner
from ocs.storage.sql.stores import open_sql_stores

SECRET = b"testing123"
"Of the sample's gateway, which is this machine."
PRICES = 5_000
ACCOUNTS_PER_RESELLER = 50
CALL_SECONDS = (31, 60, 95, 180, 412, 900)
WHOLESALE_PRICE = 1_200
"A minute in units of 10^-5, charged by 6 seconds."
DATA_PRICE = 5_000
"Of a started MB."
INCLUDED_EVERY = 3
"Accounts: every third one has included minutes."
INCLUDED_SECONDS = 10**12
EVERYTHING_PPM = 1_000_000
MB = 2**20
_MICROS = 10
"In a unit of 10^-5, which is what charges are rounded to."


@dataclass(slots=True, kw_only=True)
class Mix:
    """What the load consists of."""

    accounts: int = 2_000
    rates: int = 100_000
    has_parents: bool = True
    has_allowances: bool = True
    "Whether a third of the accounts have included minutes, more than they ever use."
    hot_share: float = 0.0
    "Share of calls that are made on one account."
    data_share: float = 0.0
    "Share of sessions that are data."
    interims: int = 1
    session_prefix: str = f"{os.getpid():x}"


def prefixes(count: int) -> list[str]:
    """Distinct prefixes of 5 to 9 digits, the same ones each time."""
    source = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < count:
        digits = source.choice((5, 6, 6, 7, 7, 7, 8, 8, 9))
        found[str(source.randrange(10 ** (digits - 1), 10**digits))] = None
    return list(found)


class Stock:
    """The catalogue and the calls that are made of it."""

    def __init__(self, mix: Mix) -> None:
        self.mix = mix
        self._prefixes = prefixes(mix.rates)
        self._prices = {prefix: number % PRICES + 1 for number, prefix in enumerate(self._prefixes)}
        "A minute in units of 10^-5; 30 seconds, then by 6."
        self._numbers = itertools.count()
        "No session is used twice, in the warm-up neither."
        self.made: list[Call] = []

    def calls(self) -> Iterator[Call]:
        """Calls and sessions without end; each is kept in `made`."""
        mix = self.mix
        chance = random.Random(mix.session_prefix)
        for number in self._numbers:
            account = 0 if chance.random() < mix.hot_share else number % mix.accounts
            seconds = chance.choice(CALL_SECONDS)
            is_data = chance.random() < mix.data_share
            call = Call(
                session_id=f"{mix.session_prefix}-{number:x}",
                user=f"load{account}",
                password=f"secret{account}",
                calling="12025550100",
                called="" if is_data else f"{chance.choice(self._prefixes)}55501",
                seconds=seconds,
                interims=tuple(seconds * step // (mix.interims + 1) for step in range(1, mix.interims + 1)),
                octets=seconds * 20_000 if is_data else 0,
            )
            self.made.append(call)
            yield call

    def expected_micros(self, call: Call, seconds: int) -> tuple[int, ...]:
        """What the account, and the reseller above it, must have paid after so many seconds."""
        if call.octets:
            megabytes = -(-call.octets_at(seconds) // MB)
            own = above = megabytes * DATA_PRICE * _MICROS
        else:
            billed = 0 if seconds == 0 else 30 + -(-max(0, seconds - 30) // 6) * 6
            own = 0 if self._is_included(call.user) else _rounded(self._price(call.called) * billed)
            above = _rounded(WHOLESALE_PRICE * (-(-seconds // 6) * 6))
        return (own, above) if self.mix.has_parents else (own,)

    def _is_included(self, user: str) -> bool:
        return self.mix.has_allowances and int(user.removeprefix("load")) % INCLUDED_EVERY == 0

    def _price(self, called: str) -> int:
        return next(
            self._prices[called[:length]] for length in range(9, 4, -1) if called[:length] in self._prices
        )

    def prepare(self, folder: Path, template: Path | None = None) -> ServerProcess:
        """A database with everything, and a server that is not started yet.

        A `template` is a folder where the same was prepared before; an empty one is filled.
        """
        if template is None:
            return self._prepare(folder)
        if not (template / "ocs.db").exists():
            template.mkdir(parents=True, exist_ok=True)
            self._prepare(template)
        for name in ("ocs.toml", "ocs.db"):
            shutil.copy(template / name, folder / name)
        return ServerProcess(folder)

    def _prepare(self, folder: Path) -> ServerProcess:
        server = ServerProcess(folder)
        server.ocs("init", "--sample")
        self._import_tariff(server, "bench", "30/6", self._prices)
        plans = {"bench": "voice=bench", "bench-included": "voice=bench"}
        if self.mix.has_parents:
            wholesale = {str(digit): WHOLESALE_PRICE for digit in range(1, 10)}
            self._import_tariff(server, "bench-wholesale", "6/6", wholesale)
            plans["bench-wholesale"] = "voice=bench-wholesale"
        for plan, tariff in plans.items():
            server.ocs("plan", "add", plan, "--tariff", tariff, "--tariff", "data=data")
        if self.mix.has_allowances:
            asyncio.run(_include_minutes(server.database, "bench-included"))
        self._import_accounts(server)
        return server

    def _import_tariff(
        self, server: ServerProcess, name: str, intervals: str, prices: dict[str, int]
    ) -> None:
        sheet = server.folder / f"{name}.csv"
        with sheet.open("w") as lines:
            lines.write("Destination,Price,Intervals,Effective From\n")
            for prefix, price in prices.items():
                lines.write(f"{prefix},{price // 100_000}.{price % 100_000:05},{intervals},\n")
        server.ocs("tariff", "add", name)
        server.ocs("tariff", "import", str(sheet), "--tariff", name, "--yes")

    def _import_accounts(self, server: ServerProcess) -> None:
        sheet = server.folder / "accounts.csv"
        with sheet.open("w") as lines:
            lines.write("account,balance,plan,identity kind,value,secret,parent\n")
            if self.mix.has_parents:
                for number in range(-(-self.mix.accounts // ACCOUNTS_PER_RESELLER)):
                    lines.write(f"reseller{number},100000000,bench-wholesale,,,,\n")
            for number in range(self.mix.accounts):
                parent = f"reseller{number // ACCOUNTS_PER_RESELLER}" if self.mix.has_parents else ""
                plan = "bench-included" if self._is_included(f"load{number}") else "bench"
                lines.write(f"load{number},1000000,{plan},username,load{number},secret{number},{parent}\n")
        server.ocs("account", "import", str(sheet))

    def audit(self, server: ServerProcess, *, key_of: str = "127.0.0.1|") -> str:
        """Hold the books of a stopped server against every call; what they add up to.

        Raises:
            AssertionError: a balance, or what a call was charged, is not what it must be. The run is void.
        """
        verdict = server.ocs("ledger", "verify").strip().splitlines()[-1]
        charged: dict[str, list[int]] = {}
        with closing(sqlite3.connect(server.database)) as connection:
            for session_key, micros in connection.execute(
                "SELECT session_key, debited_micros FROM session JOIN reservation USING (session_id)"
                " ORDER BY session_id, ordinal"
            ):
                charged.setdefault(session_key.removeprefix(key_of), []).append(micros)
        checked = 0
        for call in self.made:
            if not call.granted:
                continue
            paid = charged.get(call.session_id)
            assert paid is not None, f"{call} was granted but is not in the books"
            least = self.expected_micros(call, max(0, call.acknowledged_seconds))
            most = self.expected_micros(call, call.reported_seconds)
            assert len(paid) == len(least), (call, paid, least)
            assert all(a <= b <= c for a, b, c in zip(least, paid, most, strict=True)), (
                call,
                paid,
                least,
                most,
            )
            checked += call.stop_acknowledged
        return f"{verdict} {checked} whole calls cost what they must."


def target_of(server: ServerProcess) -> Target:
    """The server as its gateways see it."""
    return Target(host="127.0.0.1", auth_port=server.auth_port, acct_port=server.acct_port, secret=SECRET)


def _rounded(price_seconds: int) -> int:
    """Micros of a price a minute (10^-5) times seconds, rounded half up to 10^-5."""
    return (2 * price_seconds + 60) // 120 * _MICROS


async def _include_minutes(database: Path, plan: str) -> None:
    """Give everybody on the plan a counter of minutes that cost nothing."""
    ledger, catalog = open_sql_stores(f"sqlite:///{database}")
    ladder = (Level(INCLUDED_SECONDS, EVERYTHING_PPM),)
    rule = DiscountRule(name="minutes", prefixes=tuple("123456789"), ladders=(ladder,))
    saved = await catalog.save_discount_plan(DiscountPlan(name="included minutes", rules=(rule,)))
    (plan_id,) = (found.id for found in await catalog.load_plans() if found.name == plan)
    await catalog.assign_discount(
        DiscountAssignment(discount_plan_id=saved.id, owner=Owner.PLAN, plan_id=plan_id)
    )
    await ledger.close()
    await catalog.close()

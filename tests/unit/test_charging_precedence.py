"""The outcome table: of two reasons that apply at once, the one that stands first is given."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import pytest
from world import World, voice_prices

from ocs.charging.outcome import OutcomeCode
from ocs.charging.request import RequestType
from ocs.ports import IdentityKind, Plan
from ocs.quota.account import AccountStatus
from ocs.rating.tariff import Rate
from ocs.units import DATA, VOICE, AccessCode, Service, parse_money


class WrongPassword:
    """Proof made with a secret that nobody has."""

    password = b"wrong"

    def verify(self, secret: str) -> bool:
        """It never was that one."""
        return not secret


BLOCKED: Mapping[str, Any] = {"status": AccountStatus.BLOCKED}
EXPIRED: Mapping[str, Any] = {"expires_at_ms": 1}
FULL: Mapping[str, Any] = {"max_sessions": 0}
SPENT: Mapping[str, Any] = {"daily_spend_limit_micros": 0}
ASKED: Mapping[str, Any] = {"credential": WrongPassword()}


class Row(NamedTuple):
    """A caller, what is wrong with it and with the account above it, and what it is told."""

    name: str
    expected: OutcomeCode
    caller: Mapping[str, Any] = {}
    balance: str = "10"
    plan: str = "retail"
    parent: Mapping[str, Any] = {}
    parent_balance: str = "10"
    parent_plan: str = "retail"
    service: Service = VOICE
    to: str = "441"
    request: Mapping[str, Any] = {}
    user: str = "alice"
    prepare: str = ""


C = OutcomeCode
ROWS = [
    Row("unknown, wrong password", C.UNKNOWN_IDENTITY, user="nobody", request=ASKED),
    Row("wrong password, blocked", C.WRONG_SECRET, caller=BLOCKED, request=ASKED),
    Row("blocked, expired", C.ACCOUNT_DENIED, caller={**BLOCKED, **EXPIRED}),
    Row("expired here, blocked above", C.ACCOUNT_DENIED, caller=EXPIRED, parent=BLOCKED),
    Row("expired, service not in plan", C.ACCOUNT_EXPIRED, caller=EXPIRED, service=DATA),
    Row("service not in plan, no rate above", C.SERVICE_NOT_AVAILABLE, plan="data", to="999"),
    Row("forbidden here, no rate above", C.NO_RATE, to="445", parent_plan="other"),
    Row("forbidden, too many sessions", C.DESTINATION_FORBIDDEN, to="445", caller=FULL),
    Row("too many sessions, spent", C.TOO_MANY_SESSIONS, caller={**FULL, **SPENT}),
    Row("spent here, too many above", C.TOO_MANY_SESSIONS, caller=SPENT, parent=FULL),
    Row("spent, funds held", C.SPEND_LIMIT_REACHED, caller=SPENT, balance="1", prepare="held"),
    Row("funds held, nothing above", C.FUNDS_LOCKED, balance="1", prepare="held", parent_balance="0"),
    Row("not enough here, nothing above", C.ZERO_BALANCE, balance="0.001", parent_balance="0"),
    Row("not enough, ended already", C.INSUFFICIENT_BALANCE, balance="0.001", prepare="ended"),
    Row("ended already", C.SESSION_ENDED, prepare="ended"),
    Row("nothing is wrong", C.SUCCESS),
]


def play(story: Callable[[World], Awaitable[None]]) -> None:
    """Run one story in a world where a call costs 1.00 a minute, but not to 445."""

    async def run() -> None:
        async with World() as w:
            prices = voice_prices("1.00", "1/1")
            await w.tariff("retail", {"44": prices})
            await w.tariff("other", {"446": prices})
            (retail,) = [one for one in await w.catalog.load_tariffs() if one.name == "retail"]
            await w.catalog.write_rates(retail.id, [Rate(destination="445", peak=prices, forbidden=True)])
            for name, service in (("retail", VOICE), ("data", DATA)):
                tariffs = {(service.name, AccessCode.OUTGOING): retail.id}
                found = [one for one in await w.catalog.load_plans() if one.name == name]
                await w.catalog.save_plan(Plan(id=found[0].id if found else 0, name=name, tariffs=tariffs))
            await story(w)

    asyncio.run(run())


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_first_reason_that_applies_is_given(row: Row) -> None:
    """Over the whole payer chain: a reason above counts like one here."""

    async def story(w: World) -> None:
        await w.account("reseller", "0", plan=row.parent_plan)
        await w.account("alice", "0", plan=row.plan, parent="reseller", secret="wonder")
        treasury = w.administration.treasury
        for name, balance in (("reseller", row.parent_balance), ("alice", row.balance)):
            if parse_money(balance):
                await treasury.pay(name, parse_money(balance), key="k")
        await w.begin()
        if row.prepare == "held":
            if row.parent_balance == "0":
                await treasury.pay("reseller", parse_money("1"), key="for one call")
                await w.engine.follow_changes()
            await w.initial("other", "alice")
            if row.parent_balance == "0":
                await treasury.adjust("reseller", -parse_money("1"), key="back", note="it was lent")
        elif row.prepare == "ended":
            await w.stop("c1", 0, "alice")
        await w.set_profile("reseller", **row.parent)
        await w.set_profile("alice", **row.caller)

        request = w.request(RequestType.INITIAL, "c1", called=row.to, service=row.service, **row.request)
        request.identities = ((IdentityKind.USERNAME, row.user),)
        outcome = await w.ask(request)

        assert outcome.code is row.expected

    play(story)


def test_every_adjacent_pair_has_its_row() -> None:
    """What an edge refuses by itself (`invalid_argument`) apart, each reason is the answer of some row."""
    assert {row.expected for row in ROWS} == set(OutcomeCode) - {OutcomeCode.INVALID_ARGUMENT}

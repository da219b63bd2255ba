"""Sessions in the operator's hands: ended from outside, and parked reports fed again."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from world import EPOCH_MS, World, voice_prices

from ocs.charging.audit import Command
from ocs.charging.outcome import OutcomeCode
from ocs.charging.request import Usage
from ocs.charging.service import SessionNotice
from ocs.charging.supervision import Supervision
from ocs.errors import InputError, NotFoundError
from ocs.ports import Gateway
from ocs.quota.session import SessionState
from ocs.units import parse_money

BOSS = Command("boss", EPOCH_MS)


def money(text: str) -> int:
    """Micros of an amount."""
    return int(parse_money(text))


def play(story: Callable[[World, Supervision], Awaitable[None]], **world: Any) -> None:
    """Run one story in a world where a call costs 1.00 a minute by the second; alice has 10.00."""

    async def run() -> None:
        async with World(**world) as w:
            await w.tariff("retail", {"44": voice_prices("1.00", "1/1")})
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await story(w, Supervision(w.ledger, w.catalog, w.clock, w.ids))
            assert await w.ledger.verify() == []

    asyncio.run(run())


def test_an_operator_ends_a_call_beside_the_running_server() -> None:
    """What was reported is charged, the rest released; the equipment is told, and what it reports settles."""

    async def story(w: World, desk: Supervision) -> None:
        await w.initial("c1", "alice")
        await w.update("c1", 60)
        session = await desk.find("c1")

        ended = await desk.terminate(session.session_id, cause="fraud", command=BOSS)
        again = await desk.terminate(session.session_id, command=BOSS)
        await w.engine.follow_changes()

        assert (ended.state, ended.end_cause, again.end_cause) == (SessionState.CLOSED, "fraud", "fraud")
        assert (await w.balance("alice"), await w.free("alice")) == (money("9"), money("9"))
        assert w.notices.take() == [("c1", SessionNotice.END, "operator")]
        (logged,) = await w.catalog.list_audit()
        assert (logged.actor, logged.action, logged.target) == (
            "boss",
            "terminate",
            f"sessions/{session.session_id}",
        )
        assert json.loads(logged.before) == {"state": "open", "used_units": 60}
        assert json.loads(logged.after) == {"state": "closed", "end_cause": "fraud"}
        (record,) = await w.ledger.list_cdrs()
        assert (record.end_cause, record.used_units) == ("fraud", 60)
        assert (await w.update("c1", 70)).code is OutcomeCode.SESSION_ENDED
        assert (await w.stop("c1", 75)).charged_micros == money("1.25")
        assert (await w.state("alice")).open_sessions == 0

    play(story)


def test_a_call_that_is_ended_while_it_reports() -> None:
    """Server and operator write at once: one of them decides again, and nothing is counted twice."""

    async def story(w: World, desk: Supervision) -> None:
        await w.initial("c1", "alice")
        session = await desk.find("c1")

        await asyncio.gather(
            desk.terminate(session.session_id, command=BOSS), w.update("c1", 60), w.update("c1", 90)
        )
        await w.engine.follow_changes()

        assert await w.balance("alice") == money("8.50")
        assert (await w.state("alice")).open_sessions == 0

    play(story)


def test_sessions_are_found_by_id_or_by_what_a_gateway_calls_them() -> None:
    """A name that two gateways use needs the gateway's."""

    async def story(w: World, desk: Supervision) -> None:
        granted = await w.initial("c1", "alice")
        first = w.gateway
        w.gateway = await w.catalog.save_gateway(Gateway(id=0, name="other"))
        await w.initial("c1", "alice")

        assert (await desk.find(str(granted.session_id))).session_key == "c1"
        assert (await desk.find("c1", gateway=first.name)).session_id == granted.session_id
        with pytest.raises(InputError, match="gw, other"):
            await desk.find("c1")
        with pytest.raises(NotFoundError):
            await desk.find("c9")
        with pytest.raises(NotFoundError):
            await desk.terminate(999, command=BOSS)

    play(story)


def test_a_parked_report_is_charged_once_its_cause_is_mended() -> None:
    """Until then it stays; then it is gone, and feeding it again or its late Stop charges nothing twice."""

    async def story(w: World, desk: Supervision) -> None:
        refused = await w.stop("c1", 60, "zoe", leg="answer")
        (report,) = await desk.parked()
        still = await desk.refeed(report)
        assert (refused.code, still.is_booked) == (OutcomeCode.UNKNOWN_IDENTITY, False)
        assert len(await desk.parked()) == 1

        await w.account("zoe", "5", plan="retail")
        w.pass_seconds(86_400)
        done = await desk.refeed(report)
        again = await desk.refeed(report)
        await w.engine.follow_changes()

        assert (done.is_booked, again.is_booked, await desk.parked()) == (True, True, [])
        assert await w.balance("zoe") == money("4")
        (record,) = await w.ledger.list_cdrs()
        assert (record.started_at_ms, record.legs) == (w.clock.ms - 86_400_000 - 60_000, "answer")
        await w.stop("c1", 90, "zoe")
        assert await w.charges("zoe") == [money("1"), money("0.50")]

    play(story)


def test_an_interim_report_is_fed_as_the_last_one() -> None:
    """Nobody would ever end the session that it opened."""

    async def story(w: World, desk: Supervision) -> None:
        await w.update("c1", 30, "zoe", usage=Usage(seconds=30))
        await w.account("zoe", "5", plan="retail")
        (report,) = await desk.parked()

        await desk.refeed(report)

        assert (await w.session("c1")).state == SessionState.CLOSED
        with pytest.raises(NotFoundError, match="is not parked"):
            await desk.parked([report.parked_id])

    play(story)

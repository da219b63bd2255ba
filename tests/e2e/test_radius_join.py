"""Equipment whose accounting names a call otherwise than its Access-Request: by Class, or by the numbers."""

import asyncio
from collections.abc import Awaitable, Callable

from radius_plant import Plant
from world import WHOLE, World, voice_prices

from ocs.quota.session import SessionState
from ocs.units import parse_money

ASKED: dict[str, object] = {
    "User-Name": "alice",
    "Called-Station-Id": "441",
    "Calling-Station-Id": "15550100",
    "Acct-Session-Id": "110003f6 52fa39eb",
}
REPORTED = {**ASKED, "Acct-Session-Id": "110003f6 52fa39ed"}


def play(story: Callable[[Plant], Awaitable[None]]) -> None:
    """A story with an Eltex SMG and alice, who has 10.00 for calls at 1.00 a minute by the second."""

    async def run() -> None:
        async with World() as world:
            await world.tariff("retail", {"44": voice_prices("1.00", "1/1")})
            await world.account("alice", "10.00", plan="retail")
            async with Plant(world, "eltex", WHOLE, authorize_without_password=True) as plant:
                await story(plant)

    asyncio.run(run())


async def ends_well(plant: Plant, key: str, *, sessions: int) -> None:
    """95 seconds were charged once, nothing is held, and the session of this key is what was charged."""
    world = plant.world
    await plant.report("Stop", {**REPORTED, "Acct-Session-Time": 95})
    assert await world.balance("alice") == await world.free("alice") == parse_money("8.41667")
    assert sum(await world.charges("alice")) == parse_money("1.58333")
    assert (await world.state("alice")).open_sessions == 0
    assert (await world.session(key)).used_units == 95
    assert len(await world.ledger.list_sessions(only_open=False)) == sessions


def test_the_class_joins_them_where_it_comes_back() -> None:
    """Then there is one session, by the name under which it was accepted."""

    async def story(plant: Plant) -> None:
        accept = await plant.authorise(ASKED, "eltex")
        REPORTED["Class"] = accept["Class"]
        try:
            await plant.report("Start", REPORTED)
            await ends_well(plant, "110003f6 52fa39eb", sessions=1)
        finally:
            del REPORTED["Class"]

    play(story)


def test_without_a_class_the_numbers_join_them() -> None:
    """The first report gives back what the acceptance held, so that the call itself can hold it."""

    async def story(plant: Plant) -> None:
        accept = await plant.authorise(ASKED, "eltex")
        assert accept["Session-Timeout"] == "600"
        assert await plant.world.free("alice") == 0
        await plant.report("Start", REPORTED)

        accepted = await plant.world.session("110003f6 52fa39eb")
        started = await plant.world.session("110003f6 52fa39ed")
        assert (accepted.state, accepted.used_units) == (SessionState.CLOSED, 0)
        assert (started.state, started.granted_units) == (SessionState.OPEN, 600)
        assert (await plant.world.state("alice")).open_sessions == 1

        await plant.report("Interim-Update", {**REPORTED, "Eltex-AVPair": "session-time=60"})
        assert await plant.world.balance("alice") == parse_money("9.00")
        await ends_well(plant, "110003f6 52fa39ed", sessions=2)

    play(story)


def test_a_call_that_fails_gives_back_what_its_acceptance_held() -> None:
    """The gateway reports the failure under the other name, too."""

    async def story(plant: Plant) -> None:
        await plant.authorise(ASKED, "eltex")
        await plant.report("Stop", {**REPORTED, "Acct-Session-Time": 0, "h323-disconnect-cause": "11"})

        assert await plant.world.free("alice") == parse_money("10.00")
        assert (await plant.world.state("alice")).open_sessions == 0

    play(story)


def test_a_restart_loses_no_money() -> None:
    """Who forgot the acceptance books the call all the same; what it held expires by itself."""

    async def story(plant: Plant) -> None:
        await plant.authorise(ASKED, "eltex")
        await plant.restart()
        await plant.report("Start", REPORTED)
        await plant.report("Stop", {**REPORTED, "Acct-Session-Time": 95})

        assert sum(await plant.world.charges("alice")) == parse_money("1.58333")

    play(story)

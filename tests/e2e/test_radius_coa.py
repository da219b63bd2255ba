"""CoA and Disconnect with the real engine: what the books say reaches the gateway, whoever restarts."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from radius_plant import CoaListener, Plant
from radius_vectors import SECRET, gateway
from world import World, voice_prices

from ocs.charging.service import Observers, SessionNotice
from ocs.ports import GrantMode, GrantPolicy, Plan
from ocs.quota.account import AccountStatus
from ocs.radius.codec import Code, Packet, encode_attribute
from ocs.radius.cutoff import Target
from ocs.radius.enforcer import Enforcer
from ocs.units import AccessCode, parse_money

SLICE = GrantPolicy(mode=GrantMode.SLICE, slice_s=60, margin_s=0)
CALL: dict[str, object] = {"User-Name": "alice", "Called-Station-Id": "441", "Acct-Session-Id": "c1"}
WIFI: dict[str, object] = {
    "User-Name": "alice",
    "Acct-Session-Id": "w1",
    "NAS-Port-Type": "Wireless-802.11",
}


def play(dialect: str, balance: str, story: Callable[[Plant], Awaitable[None]]) -> None:
    """A story with alice, who pays 1.00 a minute by the second, for calls and for time in the air."""

    async def run() -> None:
        async with World() as world:
            prices = voice_prices("1.00", "1/1")
            await world.tariff("retail", {"44": prices, "WiFi": prices})
            (tariff,) = await world.catalog.load_tariffs()
            services = {(name, AccessCode.OUTGOING): tariff.id for name in ("voice", "wifi")}
            await world.catalog.save_plan(Plan(id=0, name="both", tariffs=services))
            await world.account("alice", balance, plan="both")
            async with Plant(world, dialect, SLICE) as plant:
                await story(plant)

    asyncio.run(run())


async def hear(plant: Plant) -> None:
    """Let the gateway's edge hear what the engine has to say of what others changed."""
    plant.world.observers.add(plant.server)
    await plant.world.engine.follow_changes()


async def notify(plant: Plant, key: str, notice: SessionNotice) -> None:
    """Say what the engine says of a session, with what the store knows of it."""
    session = await plant.world.session(key)
    observers = Observers()
    observers.add(plant.server)
    observers.session_changed(
        plant.world.gateway.id, key, notice, "test", peer_attributes=session.peer_attributes
    )


def counted(plant: Plant) -> dict[str, int]:
    """What the server counted of its own requests."""
    return {key: n for key, n in plant.server.counters[""].items() if key.startswith(("disc", "coa"))}


async def settle(plant: Plant, counts: dict[str, int]) -> None:
    """Wait until the server has counted exactly this."""
    async with asyncio.timeout(30):
        while counted(plant) != counts:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("restarts", [False, True], ids=["", "after a restart of ours"])
def test_a_session_that_must_end_is_disconnected_by_its_own_names(restarts: bool) -> None:  # noqa: FBT001 - parametrised
    """They are kept with the session exactly as the gateway's report wrote them."""
    start = {**CALL, "h323-conf-id": "h323-conf-id=4B2D 7DB7", "h323-call-origin": "h323-call-origin=answer"}

    async def story(plant: Plant) -> None:
        await plant.authorise(start)
        await plant.report("Start", start)
        if restarts:
            await plant.restart()
        await notify(plant, "4b2d7db7", SessionNotice.END)
        (request,) = await plant.listener.wait_for(1)
        await settle(plant, {"disconnect_acknowledged": 1})

        texts = plant.texts(request)
        assert request.code is Code.DISCONNECT_REQUEST
        assert {name: texts[name] for name in ("h323-conf-id", "h323-call-origin")} == {
            "h323-conf-id": "h323-conf-id=4B2D 7DB7",
            "h323-call-origin": "h323-call-origin=answer",
        }
        assert (texts["Acct-Session-Id"], texts["User-Name"]) == ("c1", "alice")

    play("cisco", "10", story)


def test_a_session_is_cut_where_its_money_ends() -> None:
    """The Disconnect comes with the end of what was granted, is repeated, and nothing more is charged."""

    async def story(plant: Plant) -> None:
        loop = asyncio.get_running_loop()
        asked_at: list[float] = []

        def answer_the_second(_: Packet) -> int | None:
            asked_at.append(loop.time())
            return None

        plant.listener.answer = answer_the_second
        await plant.authorise(CALL)
        await plant.report("Start", CALL)
        plant.clock.ahead_ms += 60_000
        reported_at = loop.time()
        await plant.report("Interim-Update", {**CALL, "Acct-Session-Time": 60})
        (request,) = await plant.listener.wait_for(1)
        async with asyncio.timeout(30):
            while not plant.listener.repeats:
                await asyncio.sleep(0.01)
        await plant.report("Stop", {**CALL, "Acct-Session-Time": 62})

        assert request.code is Code.DISCONNECT_REQUEST
        assert asked_at[0] - reported_at > 1.9
        assert len(plant.listener.requests) == 1
        assert (await plant.world.state("alice")).balance_micros == 0

    play("generic", "1.03333", story)


def test_money_that_arrives_in_time_lets_the_session_go_on() -> None:
    """Its gateway cannot be asked for a report: the next slice is taken for it, the cut is forgotten."""

    async def story(plant: Plant) -> None:
        await plant.authorise(CALL)
        await plant.report("Start", CALL)
        plant.clock.ahead_ms += 60_000
        await plant.report("Interim-Update", {**CALL, "Acct-Session-Time": 60})
        await plant.world.administration.treasury.pay("alice", parse_money("10"), key="k")
        await hear(plant)
        await asyncio.sleep(3.2)

        assert plant.listener.requests == []
        assert (await plant.world.state("alice")).reserved_micros == parse_money("1")

    play("generic", "1.05", story)


def test_an_account_that_is_blocked_is_cut_off() -> None:
    """The gateway is asked to end its sessions as soon as the engine knows, not at the next report."""

    async def story(plant: Plant) -> None:
        await plant.authorise(CALL)
        await plant.report("Start", CALL)
        alice = await plant.world.administration.account("alice")
        await plant.world.catalog.update_account(replace(alice, status=AccountStatus.BLOCKED))
        await hear(plant)
        (request,) = await plant.listener.wait_for(1)
        await settle(plant, {"disconnect_acknowledged": 1})

        assert (request.code, plant.texts(request)["Acct-Session-Id"]) == (Code.DISCONNECT_REQUEST, "c1")

    play("generic", "10", story)


def test_time_in_the_air_is_shortened_by_coa() -> None:
    """A hotspot that takes limits by CoA is told the session's end as soon as it is known."""

    async def story(plant: Plant) -> None:
        accept = await plant.authorise(WIFI)
        await plant.report("Start", WIFI)
        for seconds in (60, 90):
            await plant.report("Interim-Update", {**WIFI, "Acct-Session-Time": seconds})
        (request,) = await plant.listener.wait_for(1)

        assert accept["Session-Timeout"] == "120"
        assert request.code is Code.COA_REQUEST
        assert plant.texts(request)["Session-Timeout"] == "120"

    play("mikrotik", "2", story)


def test_a_gateway_that_renews_is_asked_to() -> None:
    """CoA with Authorize-Only and the session's State; 507 says that it comes, and it does."""

    async def story(plant: Plant) -> None:
        plant.listener.answer = lambda _: 507
        await plant.authorise(WIFI)
        await plant.report("Start", WIFI)
        await notify(plant, "w1", SessionNotice.REPORT)
        (request,) = await plant.listener.wait_for(1)
        await settle(plant, {"coa_acknowledged_507": 1})
        texts = plant.texts(request)
        state = bytes.fromhex(texts["State"][2:])
        renewal = {"User-Name": "alice", "Service-Type": "Authorize-Only", "NAS-Port-Type": "Wireless-802.11"}
        accept = await plant.authorise({**renewal, "State": state, "Cisco-Control-Info": "QT30"})

        assert (request.code, texts["Service-Type"]) == (Code.COA_REQUEST, "Authorize-Only")
        assert (accept["Session-Timeout"], accept["Termination-Action"]) == ("60", "RADIUS-Request")
        assert (await plant.world.session("w1")).used_units == 30

    play("isg", "10", story)


def test_equipment_that_cannot_be_stopped_is_counted_not_asked() -> None:
    """Nobody listens there; the operator finds out by the counter."""

    async def story(plant: Plant) -> None:
        await plant.authorise(CALL)
        await plant.report("Start", CALL)
        await notify(plant, "c1", SessionNotice.END)
        await asyncio.sleep(0.05)

        assert plant.listener.requests == []
        assert plant.server.counters["nas"]["cannot_be_stopped"] == 1

    play("kamailio", "10", story)


def test_ten_thousand_sessions_end_over_four_sockets() -> None:
    """All of them, each once, while a gateway that never answers holds up nobody."""
    count = 10_000

    async def story() -> None:
        loop = asyncio.get_running_loop()

        class Clock:
            def now_ms(self) -> int:
                return int(loop.time() * 1000)

        listener, silent = CoaListener(), CoaListener(lambda _: None)
        live = gateway(id=1, address="127.0.0.1", coa_port=await listener.open())
        dead = gateway(id=2, address="127.0.0.1", coa_port=await silent.open())
        enforcer = Enforcer(Clock())
        enforcer.start()
        for number in range(count):
            for record in (dead, live):
                name = encode_attribute(44, f"s{number}".encode())
                enforcer.end_session(Target(record, f"s{number}", "127.0.0.1", name), 0)
        ended = await listener.wait_for(count, timeout_s=60)
        async with asyncio.timeout(30):
            while enforcer.counters["disconnect_acknowledged"] < count:
                await asyncio.sleep(0.01)
        enforcer.stop()

        assert len({packet.get(44) for packet in ended}) == count
        assert len(listener.peers | silent.peers) <= 4
        assert len(silent.requests) <= 512
        listener.close()
        silent.close()

    assert gateway().secret == SECRET
    asyncio.run(story())

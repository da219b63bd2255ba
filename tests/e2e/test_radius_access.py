"""Access-Requests with the real engine: messages, re-authorisation, Call-Check, and who pretends."""

import asyncio
from collections.abc import Awaitable, Callable

from radius_plant import HOST, Plant
from radius_vectors import access_request
from world import World, voice_prices

from ocs.ports import GrantMode, GrantPolicy, IdentityKind
from ocs.radius.codec import Code, Packet
from ocs.rating.tariff import PriceSet
from ocs.units import parse_money, parse_price

SLICE = GrantPolicy(mode=GrantMode.SLICE, slice_s=60, margin_s=0)
CALL: dict[str, object] = {"User-Name": "alice", "Called-Station-Id": "441", "Acct-Session-Id": "c1@host"}
MESSAGE = [
    ("User-Name", "alice"),
    ("Sterman-Digest-Method", "MESSAGE"),
    ("Called-Station-Id", "441"),
    ("Acct-Session-Id", "chat@host"),
]


def play(dialect: str, story: Callable[[Plant], Awaitable[None]], **changes: object) -> None:
    """A story with alice and mallory: 10.00 each, calls at 1.00 a minute, messages at 0.03."""

    async def run() -> None:
        async with World() as world:
            message = PriceSet(unit_price_nanos=parse_price("0.03"))
            await world.tariff("all", {"44": voice_prices("1.00", "1/1"), "MSG": message})
            for name in ("alice", "mallory"):
                await world.account(name, "10.00", plan="all", secret=f"{name}-secret")
            async with Plant(world, dialect, SLICE, **changes) as plant:
                await story(plant)

    asyncio.run(run())


async def ask(plant: Plant, datagram: bytes) -> Packet:
    """Send an Access-Request from a port of its own; the answer."""
    return await plant._ask(datagram, plant.server.addresses[0])


def request(plant: Plant, attributes: object, number: int, password: str | None = None) -> bytes:
    """The Access-Request of this number: the same number is the same packet."""
    return access_request(
        attributes,  # type: ignore[arg-type]
        dialect=plant.dialect,
        password=password,
        identifier=number,
        authenticator=number.to_bytes(16),
    )


def test_one_accept_is_one_message_and_its_replay_is_free() -> None:
    """Two messages of one chat cost two; a retransmission costs nothing, from whatever port it comes."""

    async def story(plant: Plant) -> None:
        first, second = request(plant, MESSAGE, 1), request(plant, MESSAGE, 2)
        for datagram in (first, second, first, second):
            assert (await ask(plant, datagram)).code is Code.ACCESS_ACCEPT
        await plant.restart()
        assert (await ask(plant, first)).code is Code.ACCESS_ACCEPT

        assert await plant.world.free("alice") == parse_money("9.94")
        assert await plant.world.charges("alice") == [parse_money("0.03")] * 2

    play("kamailio", story, authorize_without_password=True)


def test_a_running_call_is_authorised_again_with_what_it_used() -> None:
    """What was reported stays charged, the next slice is held once, and an ended call stays ended."""

    async def story(plant: Plant) -> None:
        await plant.authorise(CALL, "alice-secret")
        await plant.report("Start", CALL)
        await plant.report("Interim-Update", {**CALL, "Acct-Session-Time": 60})
        again = await ask(plant, request(plant, CALL, 200, "alice-secret"))

        assert again.code is Code.ACCESS_ACCEPT
        assert await plant.world.balance("alice") == parse_money("9.00")
        assert await plant.world.free("alice") == parse_money("8.00")
        assert (await plant.world.state("alice")).open_sessions == 1

        await plant.report("Stop", {**CALL, "Acct-Session-Time": 95})
        late = await ask(plant, request(plant, CALL, 201, "alice-secret"))
        assert late.code is Code.ACCESS_REJECT
        assert plant.texts(late)["h323-return-code"] == "h323-return-code=115"
        assert await plant.world.free("alice") == parse_money("8.41667")

    play("generic", story)


def test_a_call_that_asks_for_quota_gets_it_slice_by_slice() -> None:
    """PortaBilling_Authorize, on equipment that cannot be stopped: a minute is held, the rest is another's.

    It asks again at the end of each, with reports or without, and is charged what it used.
    """
    quota = {**CALL, "Cisco-AVPair": "h323-ivr-out=PortaBilling_Authorize:base=session-time;min=20"}

    async def story(plant: Plant) -> None:
        told = await plant.authorise(quota, "alice-secret")
        assert (told["Session-Timeout"], told["Termination-Action"]) == ("60", "RADIUS-Request")
        assert told["Cisco-AVPair"] == "h323-ivr-in=PortaBilling_Authorize:base=session-time;min=60"
        await plant.report("Start", CALL)
        assert await plant.world.free("alice") == parse_money("9.00")
        plant.clock.ahead_ms += 60_000
        again = await plant.authorise(quota, "alice-secret")
        assert again["Session-Timeout"] == "60"
        assert await plant.world.free("alice") == parse_money("8.00")
        await plant.report("Interim-Update", {**CALL, "Acct-Session-Time": 100})
        assert await plant.world.free("alice") == parse_money("7.33333")

        other = {**CALL, "Acct-Session-Id": "c2@host"}
        whole = await plant.authorise(other, "alice-secret")
        assert (whole["Session-Timeout"], "Termination-Action" in whole) == ("440", False)
        plant.clock.ahead_ms += 120_000
        refused = await ask(plant, request(plant, quota, 250, "alice-secret"))
        assert plant.texts(refused)["Reply-Message"] == "funds_locked"
        await plant.report("Stop", {**CALL, "Acct-Session-Time": 120})
        await plant.report("Stop", {**other, "Acct-Session-Time": 0})
        assert await plant.world.free("alice") == await plant.world.balance("alice") == parse_money("8.00")

    play("portasip", story)


def test_a_call_id_opens_nobody_elses_call() -> None:
    """Mallory, with a password that is right, and alice to a dearer number: neither gets into the call."""

    async def story(plant: Plant) -> None:
        await plant.authorise(CALL, "alice-secret")
        await plant.report("Start", CALL)
        theft = {**CALL, "User-Name": "mallory"}
        dearer = {**CALL, "Called-Station-Id": "4499"}

        for attributes, password in ((theft, "mallory-secret"), (dearer, "alice-secret")):
            reply = await ask(plant, request(plant, attributes, 200 + len(password), password))
            assert reply.code is Code.ACCESS_REJECT
            assert plant.texts(reply)["Reply-Message"] == "reject_authorization"
        assert await plant.world.free("mallory") == parse_money("10.00")
        await plant.report("Stop", {**CALL, "Acct-Session-Time": 60})
        assert await plant.world.free("alice") == parse_money("9.00")

    play("kamailio", story)


def test_call_check_knows_the_caller_by_the_number() -> None:
    """Service-Type Call-Check has no password (RFC 2865 section 5.6): the gateway vouches, if it may."""
    call = {"Service-Type": "Call-Check", "Calling-Station-Id": "15550100", **CALL, "User-Name": "15550100"}

    async def vouched(plant: Plant) -> None:
        assert (await ask(plant, request(plant, call, 1))).code is Code.ACCESS_REJECT
        assert plant.texts(await ask(plant, request(plant, call, 2)))["Reply-Message"] == "invalid_account"

    async def not_vouched(plant: Plant) -> None:
        reply = await ask(plant, request(plant, call, 1))
        assert plant.texts(reply)["Reply-Message"] == "invalid_password"

    play("generic", vouched, authorize_without_password=True, identity_order=(IdentityKind.ANI,))
    play("generic", not_vouched)


def test_an_on_ends_what_ran_at_that_box_and_nothing_else() -> None:
    """Accounting-On of one box behind a proxy: its call has ended at the last known usage, the other goes on.

    It is answered even when nothing ran.
    """

    async def story(plant: Plant) -> None:
        one, other = ({**CALL, "NAS-IP-Address": f"192.0.2.{number}"} for number in (1, 2))
        await plant.report("Accounting-On", {"NAS-IP-Address": HOST})
        for call in (one, other):
            await plant.authorise(call, "alice-secret")
            await plant.report("Start", call)
            await plant.report("Interim-Update", {**call, "Acct-Session-Time": 60})
        await plant.report("Accounting-Off", {"NAS-IP-Address": "192.0.2.1"})
        assert (await plant.world.state("alice")).open_sessions == 1
        assert await plant.world.free("alice") == parse_money("7.00")

        await plant.report("Stop", {**other, "Acct-Session-Time": 90})
        assert await plant.world.free("alice") == parse_money("7.50")
        await plant.authorise({**one, "Acct-Session-Id": "c2"}, "alice-secret")
        await plant.report("Accounting-On", {})
        assert (await plant.world.state("alice")).open_sessions == 0

    play("generic", story)

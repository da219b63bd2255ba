"""Volume quotas through real sockets and the real engine: hotspot, captive portal, prepaid gateway."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from radius_plant import Plant
from world import World

from ocs.ports import GrantMode, GrantPolicy
from ocs.rating.tariff import PriceSet
from ocs.units import parse_money, parse_price

MIB = 1024 * 1024
GIB = 1024 * MIB
SLICE = GrantPolicy(mode=GrantMode.SLICE, slice_octets=10 * MIB, margin_octets=MIB)


def money(text: str) -> int:
    """Micros of an amount."""
    return int(parse_money(text))


def play(dialect: str, balance: str, story: Callable[[Plant], Awaitable[None]]) -> None:
    """A story with alice, who pays 0.01 for every started MB."""

    async def run() -> None:
        async with World() as world:
            prices = PriceSet(rounding=1024, unit_price_nanos=parse_price("0.01"))
            await world.tariff("data", {"NETACCESS": prices})
            await world.account("alice", balance, plan="data")
            async with Plant(world, dialect, SLICE) as plant:
                await story(plant)

    asyncio.run(run())


def words(octets: int) -> dict[str, object]:
    """Downloaded octets as accounting writes them: 32 bits and what is above."""
    return {"Acct-Output-Octets": octets % 2**32, "Acct-Output-Gigawords": octets // 2**32}


def total(texts: dict[str, str], low: str, high: str) -> int:
    """A limit that stands in two attributes."""
    return int(texts[high]) * 2**32 + int(texts[low])


def test_mikrotik_is_told_what_the_money_buys_and_charged_what_was_used() -> None:
    """Beyond 4 GB: the limit is renewed by CoA at each report, only a slice is held, the last MB is exact."""
    session = {"User-Name": "alice", "Acct-Session-Id": "80f00001", "NAS-Port-Type": "Ethernet"}
    limit = ("Mikrotik-Total-Limit", "Mikrotik-Total-Limit-Gigawords")

    async def story(plant: Plant) -> None:
        accept = await plant.authorise(session)
        await plant.report("Start", session)
        await plant.report("Interim-Update", {**session, **words(5 * GIB)})
        (first,) = await plant.listener.wait_for(1)
        held = await plant.world.state("alice")
        await plant.report("Stop", {**session, **words(5 * GIB + 1)})
        ended = await plant.world.state("alice")

        assert total(accept, *limit) == 4 * GIB
        assert total(plant.texts(first), *limit) == 9 * GIB
        assert plant.texts(first)["Acct-Session-Id"] == "80f00001"
        assert (held.balance_micros, held.reserved_micros) == (money("48.80"), money("0.11"))
        assert (ended.balance_micros, ended.reserved_micros) == (money("48.79"), 0)

    play("mikrotik", "100", story)


def test_mikrotik_ends_where_the_money_does() -> None:
    """A final grant is the whole limit: the equipment stops there by itself."""
    session = {"User-Name": "alice", "Acct-Session-Id": "80f00002", "NAS-Port-Type": "Ethernet"}

    async def story(plant: Plant) -> None:
        accept = await plant.authorise(session)
        await plant.report("Interim-Update", {**session, **words(15 * MIB)})
        (last,) = await plant.listener.wait_for(1)
        await plant.report("Stop", {**session, **words(20 * MIB)})

        assert accept["Mikrotik-Total-Limit"] == str(20 * MIB)
        assert plant.texts(last)["Mikrotik-Total-Limit"] == str(20 * MIB)
        assert (await plant.world.state("alice")).balance_micros == 0

    play("mikrotik", "0.20", story)


def test_coova_reads_its_next_limit_in_the_answer_to_a_report() -> None:
    """Counted from the session's start, in two words, seen from the client."""
    session = {
        "User-Name": "alice",
        "Acct-Session-Id": "c1",
        "NAS-Port-Type": "Ethernet",
        "ChilliSpot-Acct-View-Point": "Client",
    }
    limit = ("ChilliSpot-Max-Total-Octets", "ChilliSpot-Max-Total-Gigawords")

    async def story(plant: Plant) -> None:
        accept = await plant.authorise(session)
        started = await plant.report("Start", session)
        answer = await plant.report("Interim-Update", {**session, **words(6 * GIB + 5)})
        kept = await plant.world.session("c1")
        stopped = await plant.report("Stop", {**session, **words(6 * GIB + 5)})

        assert total(accept, *limit) == total(started, *limit) == 4 * GIB
        assert total(answer, *limit) == 10 * GIB
        assert (kept.octets_in, kept.used_units) == (6 * GIB + 5, 6 * GIB + 5)
        assert "ChilliSpot-Max-Total-Octets" not in stopped
        assert (await plant.world.state("alice")).balance_micros == money("200") - 6145 * money("0.01")

    play("coova", "200", story)


WIMAX = ("WiMAX-PPAQ", {"WiMAX-AAA-Session-Id": "0x01020304"})
CDMA = ("3GPP2-PPAQ", {"3GPP2-Correlation-Id": "01020304"})


@pytest.mark.parametrize(
    ("dialect", "device", "unit", "reports"),
    [
        ("wimax", WIMAX, 1, (10 * MIB, 20 * MIB, 3 * GIB)),
        ("wimax-kb", WIMAX, 1024, (10 * MIB, 20 * MIB, 5 * GIB)),
        ("pdsn", CDMA, 1, (10 * MIB, 4 * GIB - 5 * MIB, 4 * GIB + MIB, 9 * GIB)),
    ],
)
def test_a_prepaid_gateway_asks_again_for_every_slice(
    dialect: str, device: tuple[str, dict[str, object]], unit: int, reports: tuple[int, ...]
) -> None:
    """PPAQ tells the total used and gets a new total; nothing beyond the held slice is handed out.

    Gateways that count KB go beyond 4 GB with their 32 bits, those of 3GPP2 with an overflow of 16 more.
    """
    name, names = device
    session: dict[str, object] = {"User-Name": "alice", **names}

    def quota(texts: dict[str, str]) -> int:
        """Octets in the Volume-Quota (number 2) and its overflow (3), which follow the quota's identifier."""
        ppaq = bytes.fromhex(texts[name][2:])
        assert ppaq[6:8] == b"\x02\x06"
        assert ppaq[12:14] == (b"\x03\x04" if name == CDMA[0] else b"")
        return (int.from_bytes(ppaq[14:]) * 2**32 + int.from_bytes(ppaq[8:12])) * unit

    def renewal(octets: int) -> dict[str, object]:
        high, low = divmod(octets // unit, 2**32)
        overflow = b"\x03\x04" + high.to_bytes(2) if name == CDMA[0] else b""
        used = b"\x01\x06\0\0\0\1\x02\x06" + low.to_bytes(4) + overflow
        return {**session, "Service-Type": "Authorize-Only", name: used}

    async def story(plant: Plant) -> None:
        told = [quota(await plant.authorise(session))]
        told += [quota(await plant.authorise(renewal(octets))) for octets in reports]
        held = await plant.world.state("alice")
        await plant.report("Stop", {**session, **words(reports[-1] + 1)})
        ended = await plant.world.state("alice")

        assert told == [octets + 10 * MIB for octets in (0, *reports)]
        assert held.reserved_micros == money("0.11")
        assert ended.balance_micros == money("100") - (reports[-1] // MIB + 1) * money("0.01")
        assert ended.reserved_micros == 0

    play(dialect, "100", story)

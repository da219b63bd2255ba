"""Limits on open sessions and on the day's spend: who is refused, at which level, and who never is."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from world import EPOCH_MS, World, voice_prices

from ocs.charging.outcome import OutcomeCode
from ocs.charging.request import RequestedAction, RequestType
from ocs.ports import Identity, IdentityKind
from ocs.rating.tariff import PriceSet
from ocs.units import DATA, FAX, MESSAGES, VOICE, Service, parse_money, parse_price

DONE, FULL, SPENT = (
    OutcomeCode.SUCCESS,
    OutcomeCode.TOO_MANY_SESSIONS,
    OutcomeCode.SPEND_LIMIT_REACHED,
)
KB = PriceSet(unit_price_nanos=parse_price("0.01"))
PRICES = {
    "44": voice_prices("1.00", "1/1"),
    "0800": voice_prices("0", "1/1"),
    "NETACCESS": KB,
    "MSG": PriceSet(unit_price_nanos=parse_price("0.50")),
}


def play(story: Callable[[World], Awaitable[None]], **world: Any) -> None:
    """Run one story in a world where a call costs 1.00 a minute by the second and a message 0.50."""

    async def run() -> None:
        async with World(**world) as w:
            await w.tariff("retail", PRICES)
            await story(w)

    asyncio.run(run())


async def ask(w: World, key: str, user: str, service: Service = VOICE, to: str = "441") -> OutcomeCode:
    """Authorise a session; what came of it."""
    request = w.request(RequestType.INITIAL, key, user=user, called=to, service=service)
    return (await w.ask(request)).code


@pytest.mark.parametrize(
    ("limits", "rows"),
    [
        ({"max_sessions": 2}, [(VOICE, DONE), (DATA, DONE), (VOICE, FULL), (DATA, FULL)]),
        ({"max_voice_sessions": 1}, [(VOICE, DONE), (VOICE, FULL), (DATA, DONE), (DATA, DONE)]),
        ({"max_data_sessions": 1}, [(DATA, DONE), (DATA, FULL), (VOICE, DONE), (VOICE, DONE)]),
        ({"max_data_sessions": 0, "max_sessions": 1}, [(DATA, FULL), (VOICE, DONE), (VOICE, FULL)]),
    ],
)
@pytest.mark.parametrize("whose", ["alice", "customer", "reseller"])
def test_open_sessions_are_limited_at_every_level(
    whose: str, limits: dict[str, int], rows: list[tuple[Service, OutcomeCode]]
) -> None:
    """Of all kinds or of one, at the account or at one above it; a session that ends makes room."""

    async def story(w: World) -> None:
        chain = {"reseller": "", "customer": "reseller", "alice": "customer"}
        for name, parent in chain.items():
            fields: dict[str, Any] = limits if name == whose else {}
            await w.account(name, "100", plan="retail", parent=parent, **fields)
        await w.begin()

        codes = [await ask(w, f"s{n}", "alice", service) for n, (service, _) in enumerate(rows)]
        assert codes == [code for _, code in rows]

        first = next(n for n, (_, code) in enumerate(rows) if code is DONE)
        refused = next(n for n, (service, code) in enumerate(rows) if code is FULL and n > first)
        await w.stop(f"s{first}", 0)
        assert await ask(w, "again", "alice", rows[refused][0]) is DONE

    play(story)


def test_a_reseller_counts_the_calls_of_all_its_customers() -> None:
    """Two customers share the limit of the account above them."""

    async def story(w: World) -> None:
        await w.account("reseller", "100", plan="retail", max_voice_sessions=2)
        for name in ("alice", "bob"):
            await w.account(name, "100", plan="retail", parent="reseller")
        await w.begin()

        assert [await ask(w, f"s{n}", name) for n, name in enumerate(("alice", "bob", "alice"))] == [
            DONE,
            DONE,
            FULL,
        ]

    play(story)


def test_an_identity_has_a_limit_of_its_own() -> None:
    """One trunk of the account is full, another is not; the count survives a restart."""

    async def story(w: World) -> None:
        await w.account("pbx", "100", plan="retail")
        for value in ("t1", "t2"):
            trunk = Identity(kind=IdentityKind.TRUNK, value=value, account_id=0, max_sessions=1)
            await w.administration.add_identity("pbx", trunk)
        await w.begin()

        async def call(key: str, trunk: str) -> OutcomeCode:
            request = w.request(
                RequestType.INITIAL, key, identities=((IdentityKind.TRUNK, trunk),), called="441"
            )
            return (await w.ask(request)).code

        assert [await call("a", "t1"), await call("b", "t1"), await call("c", "t2")] == [DONE, FULL, DONE]
        assert await ask(w, "d", "pbx") is DONE
        await w.restart()
        assert await call("e", "t1") is FULL
        await w.stop("a", 10)
        assert await call("f", "t1") is DONE

    play(story)


def test_a_running_session_is_not_refused_its_next_grant() -> None:
    """A limit that is lowered below what is open, or reached, refuses new sessions only."""

    async def story(w: World) -> None:
        await w.account("alice", "100", plan="retail")
        await w.begin()
        await w.initial("c1", "alice")

        await w.set_profile("alice", max_sessions=0, daily_spend_limit_micros=0)

        assert (await w.update("c1", 60)).granted_units == 60
        assert await ask(w, "c2", "alice") is FULL

    play(story)


def test_the_day_s_spend_refuses_what_is_new() -> None:
    """Calls and messages alike; never a running call, nor what costs nothing; the next day begins anew."""

    async def story(w: World) -> None:
        await w.account("alice", "100", plan="retail", daily_spend_limit_micros=parse_money("2"))
        await w.begin()
        await w.stop("c1", 60, "alice")
        await w.initial("c2", "alice")
        assert (await w.update("c2", 60)).granted_units == 60

        assert await ask(w, "c3", "alice") is SPENT
        message = await w.event("m1", "alice", RequestedAction.DIRECT_DEBITING, requested_units=1)
        assert getattr(message, "code", message) is SPENT
        assert (await w.update("c2", 120)).granted_units == 60
        assert await ask(w, "c4", "alice", to="0800") is DONE

        w.pass_seconds(86_400)
        await w.stop("c2", 120)
        assert await ask(w, "c5", "alice") is DONE

    play(story)


def test_the_day_begins_at_the_account_s_midnight() -> None:
    """Nine hours before UTC's in Tokyo."""

    async def story(w: World) -> None:
        limit = parse_money("1")
        await w.account("tokyo", "100", plan="retail", zone="Asia/Tokyo", daily_spend_limit_micros=limit)
        await w.account("utc", "100", plan="retail", daily_spend_limit_micros=limit)
        await w.begin()
        w.clock.ms = EPOCH_MS + 14 * 3_600_000
        for name in ("tokyo", "utc"):
            await w.stop(f"{name}1", 60, name)
            assert await ask(w, f"{name}2", name) is SPENT

        w.clock.ms = EPOCH_MS + 15 * 3_600_000

        assert [await ask(w, "tokyo3", "tokyo"), await ask(w, "utc3", "utc")] == [DONE, SPENT]

    play(story)


def test_the_limit_of_a_reseller_refuses_its_customers() -> None:
    """Whose spend it is decides whose day and limit count."""

    async def story(w: World) -> None:
        await w.account("reseller", "100", plan="retail", daily_spend_limit_micros=parse_money("1"))
        await w.account("alice", "100", plan="retail", parent="reseller")
        await w.begin()
        await w.stop("c1", 60, "alice")

        assert await ask(w, "c2", "alice") is SPENT

    play(story)


def test_fax_is_a_call_and_messages_are_neither() -> None:
    """Kinds are counted together where equipment cannot tell them apart."""

    async def story(w: World) -> None:
        await w.account("alice", "100", plan="retail", max_voice_sessions=1)
        await w.begin()

        assert await ask(w, "c1", "alice") is DONE
        assert await ask(w, "c2", "alice", FAX) is not DONE
        assert await ask(w, "c3", "alice", MESSAGES) is DONE

    play(story)

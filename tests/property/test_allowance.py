"""Allowances under any order of events: never promised twice, and a total that reports do not change."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from world import SLICE, WHOLE, World, voice_prices

from ocs.ports import GrantPolicy
from ocs.quota.allowance import read_pools
from ocs.rating.discount import Counting, DiscountRule, Ladder, Level

ALL_OFF = 1_000_000
PER_SECOND_MICROS = 1_000
"At 0.06 a minute, by the second."

percents = st.integers(0, 4).map(lambda quarter: quarter * ALL_OFF // 4)
gaps = st.integers(1, 200)


@st.composite
def ladders(draw: st.DrawFn, *, rising: bool = False) -> Ladder:
    """Up to three levels, the last one perhaps unlimited; `rising`: each takes at least as much off."""
    offs = draw(st.lists(percents, min_size=1, max_size=3))
    if rising:
        offs.sort()
    levels, upto = [], 0
    for off_ppm in offs:
        upto += draw(gaps)
        levels.append(Level(upto, off_ppm))
    if rising or draw(st.booleans()):
        levels[-1] = Level(None, levels[-1].off_ppm)
    return tuple(levels)


@st.composite
def rules(draw: st.DrawFn) -> DiscountRule:
    """A rule in units or money for the called number."""
    counting = draw(st.sampled_from(Counting))
    ladder = draw(ladders())
    if counting is Counting.MONEY:
        ladder = tuple(
            Level(None if upto is None else upto * PER_SECOND_MICROS, off_ppm) for upto, off_ppm in ladder
        )
    return DiscountRule(name="rule", prefixes=("44",), counting=counting, ladders=(ladder,))


async def furnish(
    world: World, told: Sequence[DiscountRule], *, balance: str, intervals: str, first_price: str | None
) -> None:
    """One account with a discount plan for each rule."""
    await world.tariff("retail", {"44": voice_prices("0.06", intervals, first_price)})
    await world.account("a", balance, plan="retail")
    for number, rule in enumerate(told):
        await world.discount(f"plan {number}", rule, account="a")
    await world.begin()


def play(told: Sequence[DiscountRule], story: Callable[[World], Awaitable[Any]], **options: Any) -> Any:
    """The story's result, in a world of its own; its books are clean afterwards."""
    terms = {
        "balance": options.pop("balance", "100"),
        "intervals": options.pop("intervals", "1/1"),
        "first_price": options.pop("first_price", None),
    }

    async def run() -> Any:
        async with World(**options) as world:
            await furnish(world, told, **terms)
            result = await story(world)
            await world.settle()
            assert list(await world.ledger.verify()) == []
            return result

    return asyncio.run(run())


async def books(world: World) -> tuple[int, str]:
    """Balance and counters."""
    account = await world.state("a")
    return account.balance_micros, account.counters


@settings(deadline=None, max_examples=80)
@given(
    told=st.lists(rules(), min_size=1, max_size=2),
    before=st.integers(0, 150),
    reports=st.lists(st.integers(0, 400), max_size=5),
    total=st.integers(0, 400),
    policy=st.sampled_from([SLICE, WHOLE]),
    intervals=st.sampled_from(["1/1", "30/6", "60/60"]),
)
def test_reports_do_not_change_the_total(
    told: Sequence[DiscountRule],
    before: int,
    reports: Sequence[int],
    total: int,
    policy: GrantPolicy,
    intervals: str,
) -> None:
    """One Stop, or any reports before it, repeated, late and out of order: same money, same counters."""

    async def session(world: World, seen: Sequence[int]) -> tuple[int, str]:
        for key, seconds, updates in (("first", before, ()), ("call", total, seen)):
            await world.initial(key, "a")
            await world.start(key)
            for reported in updates:
                await world.update(key, min(reported, total))
            await world.stop(key, seconds)
        return await books(world)

    whole = play(told, lambda world: session(world, ()), grant=policy, intervals=intervals)
    split = play(told, lambda world: session(world, reports), grant=policy, intervals=intervals)

    assert whole == split


@settings(deadline=None, max_examples=60)
@given(
    ladder=ladders(rising=True),
    steps=st.lists(st.tuples(st.sampled_from("xyz"), st.integers(1, 90)), max_size=10),
)
def test_thresholds_stand_where_the_usage_of_all_calls_is(
    ladder: Ladder, steps: Sequence[tuple[str, int]]
) -> None:
    """Discounts that grow: calls at one price cost together what one long call costs, in any interleaving."""
    rule = DiscountRule(name="rule", prefixes=("44",), ladders=(ladder,))

    async def interleaved(world: World) -> tuple[int, str]:
        used = dict.fromkeys("xyz", 0)
        for key in used:
            await world.initial(key, "a")
            await world.start(key)
        for key, more in steps:
            used[key] += more
            await world.update(key, used[key])
        for key, seconds in used.items():
            await world.stop(key, seconds)
        return await books(world)

    async def one(world: World) -> tuple[int, str]:
        await world.initial("one", "a")
        await world.start("one")
        await world.stop("one", sum(more for _, more in steps))
        return await books(world)

    assert play([rule], interleaved) == play([rule], one)


Step = tuple[str, str, int]
"What, which line, seconds."


def steps_of(*deeds: str) -> st.SearchStrategy[list[Step]]:
    """Deeds on three lines; a line that has no call begins one with whatever it does."""
    seconds = st.integers(0, 70) | st.just(60)
    return st.lists(st.tuples(st.sampled_from(deeds), st.sampled_from("xyz"), seconds), max_size=20)


class Lines:
    """Three lines that use what they are granted and no more."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls = 0
        self._open: dict[str, str] = {}
        "Line -> key of its call."
        self.used: dict[str, int] = {}

    async def do(self, what: str, line: str, seconds: int) -> None:
        """One step."""
        world = self._world
        if what == "expire":
            world.pass_seconds(10_000)
            await world.expire()
            self._open.clear()
        elif what == "restart":
            await world.restart()
        elif line not in self._open:
            self._calls += 1
            key = f"call {self._calls}"
            if (await world.initial(key, "a", requested_units=seconds + 1)).code.is_success:
                await world.start(key)
                self._open[line], self.used[key] = key, 0
        else:
            key = self._open[line]
            granted = (await world.session(key)).granted_units
            self.used[key] = max(self.used[key], min(self.used[key] + seconds, granted))
            if what == "stop":
                await world.stop(self._open.pop(line), self.used[key])
            else:
                await world.update(key, self.used[key])


@settings(deadline=None, max_examples=100)
@given(
    included=st.integers(1, 150),
    balance=st.sampled_from(["0", "0.05", "1"]),
    steps=steps_of("report", "report", "report", "stop", "expire", "restart"),
    policy=st.sampled_from([SLICE, WHOLE]),
)
def test_nothing_is_promised_twice(
    included: int, balance: str, steps: Sequence[Step], policy: GrantPolicy
) -> None:
    """Whatever happens: taken and held never exceed what is included, usage within grants leaves no debt.

    What all calls used is what they took and what they paid for, to the second.
    """
    rule = DiscountRule(name="rule", prefixes=("44",), ladders=((Level(included, ALL_OFF),),))

    async def story(world: World) -> None:
        lines = Lines(world)
        for step in steps:
            await lines.do(*step)
            account = await world.state("a")
            pools = read_pools(account).values()
            assert sum(pool.taken + pool.held for pool in pools) <= included
            assert account.balance_micros - account.reserved_micros >= 0
            charged = sum(await world.charges("a"))
            taken = sum(pool.taken for pool in pools)
            assert charged + taken * PER_SECOND_MICROS == sum(lines.used.values()) * PER_SECOND_MICROS

    play([rule], story, balance=balance, grant=policy)


@settings(deadline=None, max_examples=120)
@given(
    told=st.lists(rules(), min_size=1, max_size=2),
    balance=st.sampled_from(["0.02", "0.10", "0.30"]),
    first_price=st.sampled_from([None, "0.30", "0.01"]),
    intervals=st.sampled_from(["1/1", "30/6"]),
    steps=steps_of("report", "report", "stop"),
    policy=st.sampled_from([SLICE, WHOLE]),
)
def test_usage_within_grants_leaves_no_debt(
    told: Sequence[DiscountRule],
    balance: str,
    first_price: str | None,
    intervals: str,
    steps: Sequence[Step],
    policy: GrantPolicy,
) -> None:
    """Thresholds that rise, fall or both, in units and money, and calls that move them under each other."""

    async def story(world: World) -> None:
        lines = Lines(world)
        for step in steps:
            await lines.do(*step)
            account = await world.state("a")
            assert account.balance_micros - account.reserved_micros >= 0

    play(told, story, balance=balance, intervals=intervals, first_price=first_price, grant=policy)

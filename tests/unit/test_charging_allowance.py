"""Allowances and volume discounts through the real engine, on every store."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from contract.backend import BACKENDS
from world import WHOLE, World, voice_prices

from ocs.charging.engine import Engine
from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import RequestedAction, RequestType, Usage
from ocs.errors import StoreUnavailableError
from ocs.ports import GrantPolicy, Identity, IdentityKind, Plan
from ocs.quota.session import SessionState
from ocs.rating.discount import Counting, DiscountRule, Level, Owner
from ocs.rating.reset import ResetCycle
from ocs.rating.tariff import OffPeak, OffPeakWhen, PriceSet, Rate, TariffTerms
from ocs.units import DATA, MESSAGES, AccessCode, parse_money, parse_price

Story = Callable[[World], Awaitable[None]]
MIN = 60
FREE = 1_000_000


def allowance(units: int, *prefixes: str, name: str = "minutes", **more: Any) -> DiscountRule:
    """A rule that includes so many units."""
    return DiscountRule(name=name, prefixes=prefixes or ("44",), ladders=((Level(units, FREE),),), **more)


def levels(*steps: tuple[int | None, int], name: str = "volume", **more: Any) -> DiscountRule:
    """A rule with thresholds: (up to, percent)."""
    ladder = tuple(Level(upto, percent * 10_000) for upto, percent in steps)
    return DiscountRule(name=name, prefixes=("44",), ladders=(ladder,), **more)


@pytest.fixture(params=sorted(BACKENDS))
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., None]:
    """Tell a story in a world with one tariff: 44 at 0.10 a minute by the minute, 49 at 0.20."""

    def play(story: Story, **options: Any) -> None:
        async def run() -> None:
            stores = BACKENDS[request.param](tmp_path).open()
            world = World(stores=(stores.ledger, stores.catalog), **options)
            async with world:
                await world.tariff(
                    "retail",
                    {
                        "44": voice_prices("0.10"),
                        "49": voice_prices("0.20"),
                        "MSG": _unit("0.03"),
                        "NETACCESS": _unit("0.05", 1024),
                    },
                )
                await story(world)
                await world.settle()
                assert list(await world.ledger.verify()) == []

        asyncio.run(run())

    return play


def _unit(price: str, rounding: int = 1) -> Any:
    return PriceSet(unit_price_nanos=parse_price(price), rounding=rounding)


async def call(world: World, key: str, user: str, seconds: int) -> int:
    """A whole call at once; what it cost."""
    await world.initial(key, user)
    await world.start(key)
    world.pass_seconds(seconds)
    return (await world.stop(key, seconds)).charged_micros


def test_a_call_that_crosses_the_allowance_is_divided(play: Callable[..., None]) -> None:
    """Rating section 10: 100 min, 98 used, 0.10 per min, 8 min cost 0.60."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail")
        await world.discount("gold", allowance(100 * MIN), account="a")
        await world.begin()
        assert await call(world, "1", "a", 98 * MIN) == 0
        assert await world.balance("a") == parse_money("10")
        assert await call(world, "2", "a", 8 * MIN) == parse_money("0.60")
        assert await world.pools("a") == {"minutes": (100 * MIN, 0)}
        (newest, *_) = await world.ledger.list_cdrs()
        assert '"taken":120' in newest.allowance
        assert "gold: minutes: 100% off" in newest.explanation

    play(story, grant=WHOLE)


@pytest.mark.parametrize(("used", "charge"), [(395, "0.95"), (1095, "0.85")])
def test_volume_discounts_have_absolute_thresholds(play: Callable[..., None], used: int, charge: str) -> None:
    """Rating section 10: thresholds 400 (0 %), 1100 (10 %), rest 20 %; 395 used, 10 min cost 0.95."""

    async def story(world: World) -> None:
        await world.account("a", "1000", plan="retail")
        await world.discount("volume", levels((400 * MIN, 0), (1100 * MIN, 10), (None, 20)), account="a")
        await world.begin()
        await call(world, "1", "a", used * MIN)
        assert await call(world, "2", "a", 10 * MIN) == parse_money(charge)

    play(story, grant=GrantPolicy(**{**_policy(WHOLE), "session_max_s": 10**6}))


def _policy(policy: GrantPolicy) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in policy.__dataclass_fields__}


def test_money_is_counted_before_discounts(play: Callable[..., None]) -> None:
    """10 % off after 20.00: 19.50 spent, 10 min cost 0.95, and 20.50 are counted."""

    async def story(world: World) -> None:
        await world.account("a", "1000", plan="retail")
        rule = levels((parse_money("20"), 0), (None, 10), counting=Counting.MONEY)
        await world.discount("money", rule, account="a")
        await world.begin()
        assert await call(world, "1", "a", 195 * MIN) == parse_money("19.50")
        assert await call(world, "2", "a", 10 * MIN) == parse_money("0.95")
        assert await world.pools("a") == {"volume": (parse_money("20.50"), 0)}

    play(story, grant=GrantPolicy(**{**_policy(WHOLE), "max_grant_s": 10**6}))


def test_two_open_calls_are_not_promised_the_same_minutes(play: Callable[..., None]) -> None:
    """Included minutes for three slices, no money: three are granted a slice; the others are refused."""

    async def story(world: World) -> None:
        await world.account("a", "0", plan="retail")
        await world.discount("gold", allowance(3 * MIN), account="a")
        await world.begin()
        outcomes = await asyncio.gather(*(world.initial(str(n), "a") for n in range(5)))
        assert sorted(outcome.granted_units for outcome in outcomes) == [0, 0, 60, 60, 60]
        assert await world.pools("a") == {"minutes": (0, 3 * MIN)}
        granted = [str(n) for n, outcome in enumerate(outcomes) if outcome.granted_units]
        for key in granted[:2]:
            await world.start(key)
            world.pass_seconds(60)
            assert (await world.update(key, 60)).code is OutcomeCode.FUNDS_LOCKED
        await world.stop(granted[2])
        assert await world.pools("a") == {"minutes": (2 * MIN, 0)}
        assert (await world.update(granted[0], 60)).granted_units == 60
        assert (await world.stop(granted[0], 120)).charged_micros == 0
        assert await world.pools("a") == {"minutes": (3 * MIN, 0)}

    play(story)


def test_minutes_that_come_back_serve_the_call_that_was_charged_meanwhile(play: Callable[..., None]) -> None:
    """A held allowance is charged around; when it is released the call's next report settles with it."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail")
        await world.discount("gold", allowance(10 * MIN), account="a")
        await world.begin()
        await world.initial("holds", "a", requested_units=10 * MIN)
        await world.initial("pays", "a", requested_units=10 * MIN)
        await world.start("pays")
        assert (await world.update("pays", 5 * MIN)).charged_micros == parse_money("0.50")
        await world.stop("holds", 0)
        assert (await world.stop("pays", 6 * MIN)).charged_micros == 0
        assert await world.balance("a") == parse_money("10")
        assert await world.pools("a") == {"minutes": (6 * MIN, 0)}

    play(story, grant=WHOLE)


def test_a_grant_never_costs_more_than_it_holds(play: Callable[..., None]) -> None:
    """Thresholds that others move meanwhile, up or down, cost at most the money that was held."""

    async def story(world: World) -> None:
        await world.account("a", "1", plan="retail")
        await world.discount("volume", levels((10 * MIN, 0), (None, 50)), account="a")
        await world.begin()
        first = await world.initial("1", "a", requested_units=10 * MIN)
        assert first.granted_units == 10 * MIN
        assert first.reserved_micros == parse_money("1")
        assert (await world.initial("2", "a")).code is OutcomeCode.FUNDS_LOCKED
        await world.stop("1", 10 * MIN)
        assert await world.balance("a") == 0

    play(story, grant=WHOLE)


def test_a_replay_a_late_and_a_smaller_report_count_once(play: Callable[..., None]) -> None:
    """The cumulative maximum stands, for units as for money; a larger late total takes the rest."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail")
        await world.discount("gold", allowance(5 * MIN), account="a")
        await world.begin()
        await world.initial("1", "a")
        await world.start("1")
        for seconds in (120, 60, 120):
            await world.update("1", seconds)
        await world.stop("1", 180)
        await world.restart()
        await world.stop("1", 180)
        assert await world.pools("a") == {"minutes": (3 * MIN, 0)}
        late = await world.stop("1", 360)
        assert late.charged_micros == parse_money("0.10")
        assert await world.pools("a") == {"minutes": (5 * MIN, 0)}

    play(story)


def test_usage_beyond_the_grant_takes_what_nobody_holds(play: Callable[..., None]) -> None:
    """Overrun: what is included is included, the rest is recorded debt; held minutes stay another's."""

    async def story(world: World) -> None:
        await world.account("a", "0", plan="retail")
        await world.discount("gold", allowance(4 * MIN), account="a")
        await world.begin()
        await world.initial("1", "a")
        await world.initial("2", "a")
        world.pass_seconds(5 * MIN)
        await world.stop("1", 5 * MIN)
        assert await world.balance("a") == -parse_money("0.20")
        assert await world.pools("a") == {"minutes": (3 * MIN, MIN)}
        assert (await world.stop("2", MIN)).charged_micros == 0

    play(story)


def test_silence_releases_what_was_held(play: Callable[..., None]) -> None:
    """An expired call keeps what it used and gives the rest back; its late Stop settles exactly."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail")
        await world.discount("gold", allowance(10 * MIN), account="a")
        await world.begin()
        await world.initial("1", "a")
        await world.start("1")
        await world.update("1", 60)
        assert await world.pools("a") == {"minutes": (MIN, MIN)}
        await world.restart()
        world.pass_seconds(3600)
        await world.expire()
        assert (await world.session("1")).state == SessionState.EXPIRED
        assert await world.pools("a") == {"minutes": (MIN, 0)}
        await world.stop("1", 120)
        assert await world.pools("a") == {"minutes": (2 * MIN, 0)}

    play(story)


def test_a_changed_plan_is_for_new_sessions(play: Callable[..., None]) -> None:
    """A session keeps the discounts it began with, also across a restart."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail")
        await world.discount("gold", levels((None, 50)), account="a")
        await world.begin()
        await world.initial("1", "a")
        await world.start("1")
        await world.discount("gold", levels((None, 10)))
        await world.restart()
        assert (await world.stop("1", 60)).charged_micros == parse_money("0.05")
        assert await call(world, "2", "a", 60) == parse_money("0.09")

    play(story)


def test_a_running_server_follows_plans_and_assignments(play: Callable[..., None]) -> None:
    """Created, assigned and taken away by another process while the server runs."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail")
        await world.begin()
        assert await call(world, "1", "a", 60) == parse_money("0.10")
        await world.discount("gold", allowance(60), account="a")
        await world.engine.follow_changes()
        assert await call(world, "2", "a", 60) == 0
        plan = await world.discount("silver", levels((None, 50)), owner=Owner.PLAN, plan="retail")
        await world.engine.follow_changes()
        assert await call(world, "3", "a", 60) == parse_money("0.05")
        (assignment,) = await world.catalog.list_discounts(plan.id)
        await world.catalog.withdraw_discount(assignment)
        await world.engine.follow_changes()
        assert await call(world, "4", "a", 60) == parse_money("0.10")

    play(story)


def test_a_new_day_has_new_minutes_on_the_accounts_clock(play: Callable[..., None]) -> None:
    """Counters start again at local midnight; a call belongs to the day on which it started."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail", zone="Asia/Tokyo")
        await world.discount("daily", allowance(2 * MIN, reset=ResetCycle.DAILY), account="a")
        await world.begin()
        world.pass_seconds(15 * 3600 - 60)
        await world.initial("1", "a")
        await world.start("1")
        world.pass_seconds(120)
        assert await call(world, "2", "a", 2 * MIN) == 0
        assert await call(world, "3", "a", MIN) == parse_money("0.10")
        assert (await world.stop("1", 120)).charged_micros == 0

    play(story, grant=WHOLE)


def test_what_is_left_rolls_over_and_goes_earliest_expiry_first(play: Callable[..., None]) -> None:
    """100 min, 90 used: next month 110; leftovers are gone after the periods that they may live."""

    async def story(world: World) -> None:
        await world.account("a", "1000", plan="retail")
        rule = allowance(100 * MIN, reset=ResetCycle.MONTHLY, rollover_periods=1)
        await world.discount("rolling", rule, account="a")
        await world.begin()
        await call(world, "1", "a", 90 * MIN)
        world.pass_seconds(31 * 86_400)
        assert await call(world, "2", "a", 110 * MIN) == 0
        assert await call(world, "3", "a", MIN) == parse_money("0.10")
        world.pass_seconds(28 * 86_400)
        assert await call(world, "4", "a", 40 * MIN) == 0
        world.pass_seconds(62 * 86_400)
        assert await call(world, "5", "a", 205 * MIN) == parse_money("0.50")

    play(story, grant=GrantPolicy(**{**_policy(WHOLE), "max_grant_s": 10**6}))


def test_the_leftover_that_is_gone_first_goes_first(play: Callable[..., None]) -> None:
    """In March 10 are left of January and 100 of February: January's go first."""

    async def story(world: World) -> None:
        await world.account("a", "1000", plan="retail")
        rule = allowance(100 * MIN, reset=ResetCycle.MONTHLY, rollover_periods=2)
        await world.discount("rolling", rule, account="a")
        await world.begin()
        await call(world, "1", "a", 90 * MIN)
        world.pass_seconds(60 * 86_400)
        await call(world, "2", "a", 5 * MIN)
        world.pass_seconds(31 * 86_400)
        assert await call(world, "3", "a", 301 * MIN) == parse_money("0.10")

    play(story, grant=GrantPolicy(**{**_policy(WHOLE), "max_grant_s": 10**6}))


def test_a_first_period_may_be_prorated(play: Callable[..., None]) -> None:
    """300 min a month, from the 21st of January's 31 days: 10 days are left, the day itself not counted."""

    async def story(world: World) -> None:
        await world.account("a", "1000", plan="retail")
        world.pass_seconds(20 * 86_400)
        rule = allowance(310 * MIN, reset=ResetCycle.MONTHLY, prorates=True)
        await world.discount("monthly", rule, account="a")
        await world.begin()
        assert await call(world, "1", "a", 101 * MIN) == parse_money("0.10")
        world.pass_seconds(12 * 86_400)
        assert await call(world, "2", "a", 310 * MIN) == 0

    play(story, grant=GrantPolicy(**{**_policy(WHOLE), "max_grant_s": 10**6}))


def test_precedence_is_account_add_on_plan_customer(play: Callable[..., None]) -> None:
    """Each covers what it can, then the next; the customer's minutes are shared by its accounts."""

    async def story(world: World) -> None:
        await world.account("family")
        await world.account("a", "10", plan="retail", parent="family")
        await world.account("b", "10", plan="retail", parent="family")
        minutes = {"44": MIN}
        await world.discount("c", allowance(3 * MIN), owner=Owner.CUSTOMER, account="family")
        await world.discount("p", allowance(MIN), owner=Owner.PLAN, plan="retail")
        await world.discount("o", allowance(MIN), owner=Owner.ADD_ON, account="a")
        await world.discount("i", allowance(MIN), account="a")
        await world.begin()
        assert await call(world, "1", "a", 4 * MIN) == 0
        (cdr,) = await world.ledger.list_cdrs()
        used = [line.split('"')[1] for line in cdr.allowance.split('"discount":')[1:]]
        assert used == ["i: minutes", "o: minutes", "p: minutes", "c: minutes of family"]
        assert await call(world, "2", "b", 4 * MIN) == parse_money("0.10")
        assert await world.pools("family") == {"minutes": (3 * MIN, 0)}
        assert minutes

    play(story)


def test_each_payer_has_its_own_discounts(play: Callable[..., None]) -> None:
    """A reseller's included minutes do not serve its customer's customer, nor the other way round."""

    async def story(world: World) -> None:
        await world.account("reseller", "10", plan="retail")
        await world.account("a", "10", plan="retail", parent="reseller")
        await world.discount("mine", allowance(2 * MIN), account="a")
        await world.discount("theirs", levels((None, 50)), account="reseller")
        await world.begin()
        await call(world, "1", "a", 3 * MIN)
        assert await world.charges("a") == [parse_money("0.10")]
        assert await world.charges("reseller") == [parse_money("0.15")]

    play(story)


def test_daily_spend_counts_what_it_would_cost_without_discounts(play: Callable[..., None]) -> None:
    """A free call spends too."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail", daily_spend_limit_micros=parse_money("0.20"))
        await world.discount("gold", allowance(100 * MIN), account="a")
        await world.begin()
        assert await call(world, "1", "a", 2 * MIN) == 0
        assert (await world.state("a")).spent_micros == parse_money("0.20")
        assert (await world.initial("2", "a")).code is OutcomeCode.SPEND_LIMIT_REACHED

    play(story)


def test_messages_and_data_are_counted_in_their_units(play: Callable[..., None]) -> None:
    """One plan, a rule for each; a refunded message gives its unit back."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail")
        await world.discount(
            "bundle",
            allowance(1, "MSG", name="messages"),
            allowance(2048, "NETACCESS", name="data"),
            account="a",
        )
        await world.begin()
        debit = {"action": RequestedAction.DIRECT_DEBITING, "service": MESSAGES}
        for key in ("m1", "m2"):
            await world.event(key, "a", requested_units=1, **debit)
        assert await world.balance("a") == parse_money("9.97")
        await world.event("m1", "a", RequestedAction.REFUND)
        await world.event("m3", "a", requested_units=1, **debit)
        assert await world.balance("a") == parse_money("9.97")
        usage = Usage(octets_in=3 * 1024 * 1024)
        stopped = await world.stop("d", user="a", service=DATA, called="", usage=usage)
        assert stopped.charged_micros == parse_money("0.05")
        assert await world.pools("a") == {"messages": (1, 0), "data": (2048, 0)}

    play(story)


def test_minutes_of_every_price_set_that_may_come_are_held(play: Callable[..., None]) -> None:
    """Priced by the set at its end: peak money and off-peak minutes are both kept until it is known."""

    async def story(world: World) -> None:
        tariff = await world.catalog.save_tariff(
            TariffTerms(id=0, name="evening", off_peak_when=OffPeakWhen.FINISHES)
        )
        off_peak = OffPeak(prices=voice_prices("0.20"), period="hr{18-23}")
        rate = Rate(destination="44", peak=voice_prices("0.05"), off_peak=(off_peak,))
        await world.catalog.write_rates(tariff.id, [rate])
        services = {("voice", AccessCode.OUTGOING): tariff.id}
        await world.catalog.save_plan(Plan(id=0, name="evening", tariffs=services))
        await world.account("a", "0.50", plan="evening")
        free = (Level(10 * MIN, FREE),)
        rule = DiscountRule(name="evenings", prefixes=("44",), ladders=((), free, ()))
        await world.discount("evenings", rule, account="a")
        await world.begin()
        world.pass_seconds(18 * 3600 - 120)
        first = await world.initial("1", "a", requested_units=10 * MIN)
        assert (first.granted_units, first.reserved_micros) == (10 * MIN, parse_money("0.50"))
        assert await world.pools("a") == {"evenings": (0, 10 * MIN)}
        assert (await world.initial("2", "a")).code is OutcomeCode.FUNDS_LOCKED
        await world.start("1")
        world.pass_seconds(10 * MIN)
        assert (await world.stop("1", 10 * MIN)).charged_micros == 0
        assert await world.pools("a") == {"evenings": (10 * MIN, 0)}

    play(story, grant=WHOLE)


def test_two_nodes_do_not_promise_the_same_minutes(play: Callable[..., None]) -> None:
    """Both serve one account from one database, each with its own idea of it: the compare decides."""

    async def story(world: World) -> None:
        await world.account("a", "0", plan="retail")
        await world.discount("gold", allowance(5 * MIN), account="a")
        await world.begin()
        other = Engine(
            ledger=world.ledger,
            catalog=world.catalog,
            clock=world.clock,
            ids=world.ids,
            limits=world.limits,
        )
        await other.start()
        requests = [
            world.request(RequestType.INITIAL, str(number), user="a", called="441") for number in range(8)
        ]
        answers = await asyncio.gather(
            *((other if number % 2 else world.engine).charge(one) for number, one in enumerate(requests))
        )
        outcomes = [answer for answer in answers if isinstance(answer, Outcome)]
        assert sorted(outcome.granted_units for outcome in outcomes) == [0, 0, 0, 60, 60, 60, 60, 60]
        assert await world.pools("a") == {"minutes": (0, 5 * MIN)}
        await other.stop()

    play(story)


def test_a_commit_that_fails_takes_and_holds_nothing(play: Callable[..., None]) -> None:
    """Nobody builds on it: the report that is repeated counts once."""

    async def story(world: World) -> None:
        await world.account("a", "0", plan="retail")
        await world.discount("gold", allowance(5 * MIN), account="a")
        await world.begin()
        await world.initial("1", "a")
        await world.start("1")
        commit = world.ledger.commit

        async def fail(_: Any) -> Any:
            raise StoreUnavailableError("away")

        vars(world.ledger)["commit"] = fail
        request = world.request(RequestType.UPDATE, "1", usage=Usage(seconds=60), called="441")
        assert await world.engine.charge(request) is NoAnswer.UNAVAILABLE
        vars(world.ledger)["commit"] = commit
        assert await world.pools("a") == {"minutes": (0, MIN)}
        await world.ask(request)
        await world.ask(request)
        assert await world.pools("a") == {"minutes": (MIN, MIN)}

    play(story)


def test_a_virtual_number_takes_of_its_primary_s_allowance(play: Callable[..., None]) -> None:
    """One pool for both, held and taken; the number's own account keeps its own."""

    async def story(world: World) -> None:
        for name in ("a", "b"):
            await world.account(name, "10", plan="retail")
            await world.discount("included", allowance(3 * MIN), account=name)
        desk = Identity(
            kind=IdentityKind.EXTENSION,
            value="201",
            account_id=0,
            primary_kind=IdentityKind.USERNAME,
            primary_value="a",
        )
        await world.administration.add_identity("b", desk)
        await world.begin()
        identities = [(IdentityKind.EXTENSION, "201")]
        await world.ask(world.request(RequestType.INITIAL, "1", called="441", identities=identities))
        await world.start("1")
        world.pass_seconds(120)
        assert (await world.stop("1", 120)).charged_micros == 0
        assert (await world.pools("a"), await world.pools("b")) == ({"minutes": (2 * MIN, 0)}, {})
        assert await call(world, "2", "a", 120) == parse_money("0.10")
        assert await call(world, "3", "b", 180) == 0

    play(story)


def test_payback_is_neither_changed_nor_counted(play: Callable[..., None]) -> None:
    """Rating section 10: INCOMING payback 0.02, a 50 % discount active, 120 s: -0.04, counters unmoved."""

    async def story(world: World) -> None:
        tariff = await world.catalog.save_tariff(TariffTerms(id=0, name="received"))
        rates = [
            Rate(destination="INCOMING", peak=voice_prices("0.02"), payback=True),
            Rate(destination="44", peak=voice_prices("0")),
        ]
        await world.catalog.write_rates(tariff.id, rates)
        services = {("voice", code): tariff.id for code in (AccessCode.INCOMING, AccessCode.OUTGOING)}
        await world.catalog.save_plan(Plan(id=0, name="received", tariffs=services))
        await world.account("a", "0", plan="received")
        rule = DiscountRule(name="half", prefixes=("INCOMING", "|"), ladders=((Level(None, FREE // 2),),))
        await world.discount("half", rule, account="a")
        await world.begin()
        await world.initial("1", "a", access_code=AccessCode.INCOMING)
        await world.start("1")
        world.pass_seconds(120)
        assert (await world.stop("1", 120)).charged_micros == -parse_money("0.04")
        assert await call(world, "free", "a", 120) == 0
        assert (await world.state("a")).counters == ""

    play(story)


def test_a_customers_accounts_share_its_minutes_over_two_nodes(play: Callable[..., None]) -> None:
    """Each node serves another account; the customer's record is what both write."""

    async def story(world: World) -> None:
        await world.account("family")
        for name in "abcd":
            await world.account(name, "0", plan="retail", parent="family")
        await world.discount("shared", allowance(3 * MIN), owner=Owner.CUSTOMER, account="family")
        await world.begin()
        other = Engine(
            ledger=world.ledger, catalog=world.catalog, clock=world.clock, ids=world.ids, limits=world.limits
        )
        await other.start()
        requests = [world.request(RequestType.INITIAL, name, user=name, called="441") for name in "abcd"]
        answers = await asyncio.gather(
            *((other if number % 2 else world.engine).charge(one) for number, one in enumerate(requests))
        )
        outcomes = [answer for answer in answers if isinstance(answer, Outcome)]
        assert sorted(outcome.granted_units for outcome in outcomes) == [0, 60, 60, 60]
        assert await world.pools("family") == {"minutes": (0, 3 * MIN)}
        await other.stop()

    play(story)


def test_a_prorated_period_begins_with_the_accounts_activation(play: Callable[..., None]) -> None:
    """The plan has had its discount for long: 310 min of January, active from the 21st, are 100."""

    async def story(world: World) -> None:
        rule = allowance(310 * MIN, reset=ResetCycle.MONTHLY, prorates=True)
        await world.discount("monthly", rule, owner=Owner.PLAN, plan="retail")
        active_ms = world.clock.ms + 20 * 86_400_000
        await world.account("a", "1000", plan="retail", activates_at_ms=active_ms)
        await world.account("b", "1000", plan="retail")
        world.pass_seconds(21 * 86_400)
        await world.begin()
        assert await call(world, "1", "a", 101 * MIN) == parse_money("0.10")
        assert await call(world, "2", "b", 310 * MIN) == 0

    play(story, grant=GrantPolicy(**{**_policy(WHOLE), "max_grant_s": 10**6}))


def test_accounts_without_discounts_have_no_counters(play: Callable[..., None]) -> None:
    """Nothing is written for them, and a destination outside the groups costs what it costs."""

    async def story(world: World) -> None:
        await world.account("a", "10", plan="retail")
        await world.account("b", "10", plan="retail")
        await world.discount("gold", allowance(100 * MIN), account="a")
        await world.begin()
        assert await call(world, "1", "b", 60) == parse_money("0.10")
        await world.initial("2", "a", to="491")
        assert (await world.stop("2", 60)).charged_micros == parse_money("0.20")
        assert (await world.state("a")).counters == (await world.state("b")).counters == ""

    play(story)

"""Stories of the charging engine: who gets what, what it costs, and what repeats and races change."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from world import WHOLE, World, voice_prices

from ocs.charging.outcome import FinalUnitAction, NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import RequestedAction, RequestType, Usage
from ocs.ports import CommitResult, Decision, GrantMode, GrantPolicy
from ocs.quota.account import AccountKind, AccountStatus
from ocs.quota.session import SessionState
from ocs.rating.tariff import PriceSet
from ocs.storage.memory import MemoryCatalogStore, MemoryLedgerStore
from ocs.units import DATA, parse_money, parse_price

PER_SECOND = {"44": voice_prices("1.00", "1/1"), "0": voice_prices("0", "60/60")}
SLICE_180 = GrantPolicy(mode=GrantMode.SLICE, slice_s=180, margin_s=0, interim_interval_s=180)


def play(story: Callable[..., Awaitable[None]], **world: Any) -> None:
    """Run one story in a fresh world with a tariff `retail` of 1.00 a minute by the second."""

    async def run() -> None:
        async with World(**world) as w:
            await w.tariff("retail", PER_SECOND)
            await story(w)

    asyncio.run(run())


def money(text: str) -> int:
    """Micros of an amount."""
    return int(parse_money(text))


class TestCall:
    """One call from authorisation to its end."""

    def test_holds_while_it_runs_and_charges_exactly_at_the_end(self) -> None:
        """A slice is held at once, usage is debited at each report, the rest is released at the end."""

        async def story(w: World) -> None:
            await w.account("alice", "10.00", plan="retail")
            await w.begin()

            granted = await w.initial("c1", "alice")
            assert (granted.code, granted.granted_units) == (OutcomeCode.SUCCESS, 60)
            assert granted.affordable_units == 600
            assert (await w.balance("alice"), await w.free("alice")) == (money("10"), money("9"))

            await w.start("c1")
            renewed = await w.update("c1", 60)
            assert renewed.granted_units == 60
            assert (await w.balance("alice"), await w.free("alice")) == (money("9"), money("8"))

            ended = await w.stop("c1", 95)
            assert ended.charged_micros == money("1.58333")
            assert await w.balance("alice") == await w.free("alice") == money("8.41667")
            assert (await w.session("c1")).state == SessionState.CLOSED

        play(story)

    def test_a_whole_grant_holds_all_that_is_affordable(self) -> None:
        """Equipment that is told only once gets all that the money buys; nothing is left for others."""

        async def story(w: World) -> None:
            await w.account("alice", "10.00", plan="retail")
            await w.begin()

            assert (await w.initial("c1", "alice")).granted_units == 600
            second = await w.initial("c2", "alice")

            assert second.code is OutcomeCode.FUNDS_LOCKED
            await w.stop("c1", 30)
            assert await w.free("alice") == money("9.50")

        play(story, grant=WHOLE)

    def test_the_last_grant_says_so(self) -> None:
        """When the next slice is affordable only in part, the part is granted and marked final."""

        async def story(w: World) -> None:
            await w.account("alice", "1.50", plan="retail")
            await w.begin()

            await w.initial("c1", "alice")
            last = await w.update("c1", 60)
            nothing = await w.update("c1", 90)

            assert (last.granted_units, last.final_unit_action) == (30, FinalUnitAction.TERMINATE)
            assert (nothing.code, nothing.granted_units) == (OutcomeCode.ZERO_BALANCE, 0)

        play(story)

    def test_usage_above_the_money_is_charged_and_marked(self) -> None:
        """20 minutes on money for 10: all is charged, the excess is recorded, the next call refused."""

        async def story(w: World) -> None:
            await w.account("alice", "10.00", plan="retail")
            await w.begin()

            await w.initial("c1", "alice")
            await w.stop("c1", 1200)

            assert await w.balance("alice") == money("-10")
            session = await w.session("c1")
            assert session.reservations[0].overrun_micros == money("10")
            assert (await w.initial("c2", "alice")).code is OutcomeCode.ZERO_BALANCE

        play(story)

    def test_a_free_call_needs_no_money(self) -> None:
        """Zero-priced destinations are granted whatever the balance."""

        async def story(w: World) -> None:
            await w.account("carol", "0", plan="retail")
            await w.begin()

            assert (await w.initial("c1", "carol", to="0800")).granted_units == 60
            assert (await w.stop("c1", 600)).charged_micros == 0

        play(story)


@pytest.mark.parametrize(
    ("to", "fields", "expected"),
    [
        ("441", {"balance": "0"}, OutcomeCode.ZERO_BALANCE),
        ("441", {"balance": "0.01"}, OutcomeCode.INSUFFICIENT_BALANCE),
        ("999", {"balance": "5"}, OutcomeCode.NO_RATE),
        ("441", {"balance": "5", "status": AccountStatus.BLOCKED}, OutcomeCode.ACCOUNT_DENIED),
        ("441", {"balance": "5", "expires_at_ms": 1}, OutcomeCode.ACCOUNT_EXPIRED),
        ("441", {"balance": "5", "activates_at_ms": 2**50}, OutcomeCode.ACCOUNT_DENIED),
        ("441", {"balance": "5", "max_sessions": 0}, OutcomeCode.TOO_MANY_SESSIONS),
        ("441", {"balance": "0", "status": AccountStatus.CLOSED}, OutcomeCode.ACCOUNT_DENIED),
        ("441", {"balance": "0", "kind": AccountKind.POSTPAID}, OutcomeCode.SUCCESS),
        ("441", {"balance": "0", "credit_limit_micros": 2_000_000}, OutcomeCode.SUCCESS),
    ],
)
def test_refusals_by_precedence(to: str, fields: dict[str, Any], expected: OutcomeCode) -> None:
    """The first reason that applies is the answer, and a refusal leaves nothing behind."""

    async def story(w: World) -> None:
        balance = fields.pop("balance")
        minimum = GrantPolicy(mode=GrantMode.SLICE, slice_s=60, margin_s=0, min_grant_s=10)
        w.gateway = w.gateway.__class__(id=0, name="gw", grant=minimum)
        await w.account("alice", balance, plan="retail", **dict(fields))
        await w.begin()

        outcome = await w.initial("c1", "alice", to=to)

        assert outcome.code is expected
        if not outcome.code.is_success:
            assert await w.free("alice") == money(balance)

    case = dict(fields)

    async def run(w: World) -> None:
        fields.clear()
        fields.update(case)
        await story(w)

    play(run)


class TestIdentity:
    """Who is asking."""

    def test_unknown_user_and_wrong_secret_are_refused(self) -> None:
        """An unknown name and a wrong secret get their own reasons; the right secret is served."""

        class Proof:
            def __init__(self, secret: str) -> None:
                self.secret = secret
                self.password = secret.encode()

            def verify(self, secret: str) -> bool:
                return secret == self.secret

        async def story(w: World) -> None:
            await w.account("alice", "5", plan="retail", secret="wonder")
            await w.begin()

            unknown = await w.initial("c1", "nobody", credential=Proof("x"))
            wrong = await w.initial("c2", "alice", credential=Proof("x"))
            right = await w.initial("c3", "alice", credential=Proof("wonder"))

            codes = [outcome.code for outcome in (unknown, wrong, right)]
            assert codes == [OutcomeCode.UNKNOWN_IDENTITY, OutcomeCode.WRONG_SECRET, OutcomeCode.SUCCESS]

        play(story)

    def test_authentication_alone_opens_nothing(self) -> None:
        """Checking a credential reserves nothing and leaves no session."""

        async def story(w: World) -> None:
            await w.account("alice", "0", plan="retail")
            await w.begin()

            outcome = await w.ask(w.request(RequestType.AUTHENTICATION, "a1", user="alice"))

            assert outcome.code is OutcomeCode.SUCCESS
            assert not (await w.ledger.load([], [(w.gateway.id, "a1")])).sessions

        play(story)

    def test_an_identity_added_later_is_found(self) -> None:
        """A name that was unknown is not remembered as unknown once an operator has added it."""

        async def story(w: World) -> None:
            await w.begin()
            assert (await w.initial("c1", "eve")).code is OutcomeCode.UNKNOWN_IDENTITY

            await w.account("eve", "5", plan="retail")
            await w.engine.follow_changes()

            assert (await w.initial("c2", "eve")).code is OutcomeCode.SUCCESS

        play(story)


class TestRaces:
    """The table of worked races of the charging rules."""

    def test_fifteen_at_once_on_money_for_ten(self) -> None:
        """15 authorisations in one turn of the loop, money for 10 first blocks: exactly 10 are granted."""

        async def story(w: World) -> None:
            await w.account("alice", "10.00", plan="retail")
            await w.begin()

            outcomes = await asyncio.gather(*(w.initial(f"c{n}", "alice") for n in range(15)))

            codes = [outcome.code for outcome in outcomes]
            assert codes.count(OutcomeCode.SUCCESS) == 10
            assert codes.count(OutcomeCode.FUNDS_LOCKED) == 5
            assert await w.free("alice") == 0

        play(story)

    def test_two_calls_share_one_balance(self) -> None:
        """10.00 at 1.00 a minute in slices of 180 s: what is free after each step is exact."""

        async def story(w: World) -> None:
            await w.account("alice", "10.00", plan="retail")
            await w.begin()
            free = []

            await w.initial("A", "alice")
            free.append(await w.free("alice"))
            await w.initial("B", "alice")
            free.append(await w.free("alice"))
            await w.update("A", 180)
            free.append(await w.free("alice"))
            final = await w.update("B", 180)
            free.append(await w.free("alice"))
            nothing = await w.update("A", 360)
            free.append(await w.free("alice"))
            await w.stop("B", 210)
            free.append(await w.free("alice"))

            assert free == [money(text) for text in ("7", "4", "1", "0", "0", "0.50")]
            assert (final.granted_units, final.final_unit_action) == (60, FinalUnitAction.TERMINATE)
            assert (nothing.code, nothing.granted_units) == (OutcomeCode.FUNDS_LOCKED, 0)

        play(story, grant=SLICE_180)

    def test_a_reseller_with_money_for_five(self) -> None:
        """Ten customers with plenty below a reseller with money for five first blocks: five calls."""

        async def story(w: World) -> None:
            await w.tariff("wholesale", {"44": voice_prices("0.50", "60/60")})
            await w.account("reseller", "2.50", plan="wholesale")
            for n in range(10):
                await w.account(f"customer{n}", "100", plan="retail", parent="reseller")
            await w.begin()

            outcomes = await asyncio.gather(*(w.initial(f"c{n}", f"customer{n}") for n in range(10)))

            codes = [outcome.code for outcome in outcomes]
            assert codes.count(OutcomeCode.SUCCESS) == 5
            assert codes.count(OutcomeCode.FUNDS_LOCKED) == 5
            assert await w.free("reseller") == 0

        play(story)

    def test_blocked_mid_call(self) -> None:
        """The next report of a blocked account ends the session, and its usage is charged."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")

            await w.set_profile("alice", status=AccountStatus.BLOCKED)
            refused = await w.update("c1", 60)

            assert (refused.code, refused.granted_units) == (OutcomeCode.ACCOUNT_DENIED, 0)
            assert await w.balance("alice") == money("9")

        play(story)


class TestRepeats:
    """Every report counts once, for ever."""

    def test_the_same_stop_after_a_restart_a_day_later(self) -> None:
        """A Stop that is repeated tomorrow, to a server that has forgotten everything, changes nothing."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            first = await w.stop("c1", 61)

            again = await w.stop("c1", 61)
            w.pass_seconds(86_400)
            await w.restart()
            tomorrow = await w.stop("c1", 61)

            assert first.charged_micros == again.charged_micros == tomorrow.charged_micros
            assert await w.charges("alice") == [first.charged_micros]

        play(story)

    def test_reports_out_of_order(self) -> None:
        """Interim 60, a late interim 30, Stop 61: the price of 61 seconds, once."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")

            await w.update("c1", 60)
            await w.update("c1", 30)
            await w.stop("c1", 61)
            await w.update("c1", 60)

            assert sum(await w.charges("alice")) == money("1.01667")
            assert await w.free("alice") == money("8.98333")

        play(story)

    @pytest.mark.parametrize("order", ["stop", "stop start", "start start stop", "start stop start"])
    def test_lost_and_doubled_starts(self, order: str) -> None:
        """A Stop without Start, a Start after Stop, two Starts: charged once, one record."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()

            for step in order.split():
                if step == "start":
                    await w.start("c1", "alice")
                else:
                    await w.stop("c1", 120, "alice")

            assert await w.charges("alice") == [money("2")]
            assert len(await w.ledger.list_cdrs()) == 1
            assert (await w.state("alice")).open_sessions == 0
            assert await w.free("alice") == money("8")

        play(story)

    def test_a_larger_stop_later_is_a_correction(self) -> None:
        """A closed session's larger total debits the difference and renews its record."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.stop("c1", 60, "alice")

            await w.stop("c1", 90, "alice")
            await w.stop("c1", 60, "alice")

            assert await w.charges("alice") == [money("1"), money("0.50")]
            (record,) = await w.ledger.list_cdrs()
            assert (record.used_units, record.charged_micros) == (90, money("1.5"))

        play(story)

    def test_a_repeated_authorisation_gets_the_same_answer(self) -> None:
        """The same request again holds nothing twice; another key for the session is a re-authorisation."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()

            first = await w.initial("c1", "alice", request_key="k1")
            again = await w.initial("c1", "alice", request_key="k1")
            other = await w.initial("c1", "alice", request_key="k2")

            assert first.granted_units == again.granted_units == other.granted_units == 60
            assert await w.free("alice") == money("9")
            assert (await w.state("alice")).open_sessions == 1

        play(story)

    def test_nobody_speaks_in_anothers_session(self) -> None:
        """A session's name may be a caller's choice: no other account, and no other call, gets into it."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.account("mallory", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice", to="441", request_key="k1")

            stranger = await w.initial("c1", "mallory", to="441", request_key="k2")
            dearer = await w.initial("c1", "alice", to="449", request_key="k3")
            renewed = await w.initial("c1", "alice", to="441", request_key="k4")

            assert (stranger.code, stranger.granted_units) == (OutcomeCode.SESSION_ENDED, 0)
            assert (dearer.code, dearer.granted_units) == (OutcomeCode.SESSION_ENDED, 0)
            assert (renewed.code, renewed.granted_units) == (OutcomeCode.SUCCESS, 60)
            assert (await w.state("mallory")).open_sessions == 0
            assert await w.free("mallory") == money("10")

        play(story)

    def test_nobody_sends_on_anothers_message(self) -> None:
        """A booked message is free for who sent it and to whom, not for whoever names it."""

        async def story(w: World) -> None:
            await w.tariff("sms", {"MSG": PriceSet(unit_price_nanos=parse_price("0.03"))})
            await w.account("alice", "10", plan="sms")
            await w.account("mallory", "10", plan="sms")
            await w.begin()
            debit = RequestedAction.DIRECT_DEBITING

            sent = await w.event("m1", "alice", debit, called="441")
            again = await w.event("m1", "alice", debit, called="441")
            stranger = await w.event("m1", "mallory", debit, called="441")
            elsewhere = await w.event("m1", "alice", debit, called="442")

            assert isinstance(sent, Outcome)
            assert sent == again
            assert isinstance(stranger, Outcome)
            assert isinstance(elsewhere, Outcome)
            assert stranger.code is elsewhere.code is OutcomeCode.SESSION_ENDED

        play(story)

    def test_keyed_requests_keep_their_answers(self) -> None:
        """A keyed request again gets its stored answer, also after a restart; another body is refused."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            keyed = {"user": "alice", "called": "441", "request_key": "c1/0"}
            first = await w.ask(w.request(RequestType.INITIAL, "c1", request_digest="d", **keyed))
            await w.update("c1", 60)

            again = await w.ask(w.request(RequestType.INITIAL, "c1", request_digest="d", **keyed))
            await w.restart()
            later = await w.ask(w.request(RequestType.INITIAL, "c1", request_digest="d", **keyed))
            other = await w.engine.charge(w.request(RequestType.INITIAL, "c1", request_digest="e", **keyed))

            assert again == later == first
            assert other is NoAnswer.KEY_REUSED

        play(story)

    def test_copies_of_a_keyed_request_under_way_wait_for_it(self) -> None:
        """Two copies of a keyed request at the same moment are decided once."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            keyed = {"user": "alice", "called": "441", "request_key": "k", "request_digest": "d"}

            first, second = await asyncio.gather(
                *(w.ask(w.request(RequestType.INITIAL, "c1", **keyed)) for _ in range(2))
            )

            assert first == second
            assert await w.free("alice") == money("9")

        play(story)


class TestSilence:
    """Sessions whose gateway went silent."""

    def test_a_silent_session_expires_at_its_last_report(self) -> None:
        """Two report intervals of silence end a session: the last report is charged, the rest released."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            await w.update("c1", 60)

            w.pass_seconds(119)
            await w.expire()
            assert (await w.session("c1")).is_open
            w.pass_seconds(1)
            await w.expire()

            assert (await w.session("c1")).state == SessionState.EXPIRED
            assert await w.free("alice") == await w.balance("alice") == money("9")

        play(story)

    def test_it_expires_after_a_restart_too(self) -> None:
        """Nothing stays reserved for ever because the server was restarted."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            await w.restart()

            w.pass_seconds(121)
            await w.expire()

            assert await w.free("alice") == money("10")
            assert (await w.state("alice")).open_sessions == 0

        play(story)

    @pytest.mark.parametrize(
        ("policy", "assumed"), [("last_report", "1"), ("granted", "2"), ("elapsed", "2")]
    )
    def test_what_silence_costs_is_policy_and_a_late_stop_settles_it(self, policy: str, assumed: str) -> None:
        """The policy says what a silent session pays; the Stop that comes later makes it exact."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.start("c1", "alice")
            w.pass_seconds(60)
            await w.update("c1", 60)
            w.pass_seconds(120)
            await w.expire()
            assert sum(await w.charges("alice")) == money(assumed)

            await w.stop("c1", 90)

            assert sum(await w.charges("alice")) == money("1.5")
            assert await w.free("alice") == money("8.5")

        grant = GrantPolicy(mode=GrantMode.SLICE, slice_s=60, margin_s=0, expiry_charges=policy)
        play(story, grant=grant)

    def test_a_session_that_speaks_again_goes_on(self) -> None:
        """An interim report after expiry reopens the session and holds its next grant."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            w.pass_seconds(200)
            await w.expire()

            renewed = await w.update("c1", 180)

            assert renewed.granted_units == 60
            assert await w.free("alice") == money("6")
            assert (await w.state("alice")).open_sessions == 1

        play(story)

    def test_a_gateway_that_restarts_ends_its_sessions(self) -> None:
        """Accounting-On ends what was open at its last known usage; calls since the restart go on."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            await w.update("c1", 60)
            await w.initial("c2", "alice")
            done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

            restarted_ms = w.clock.ms
            w.pass_seconds(5)
            await w.initial("c3", "alice")
            w.engine.end_gateway_sessions(w.gateway.id, restarted_ms, done.set_result)

            assert await done
            assert await w.balance("alice") == money("9")
            assert [(await w.session(key)).is_open for key in ("c1", "c2", "c3")] == [False, False, True]

        play(story)


class TestVolumeAndEvents:
    """Data, messages and one-time events."""

    def test_data_is_rounded_on_the_sum(self) -> None:
        """400, 400 and 225 KB reported in turn cost one MB, nothing, one MB."""

        async def story(w: World) -> None:
            prices = PriceSet(rounding=1024, unit_price_nanos=parse_price("0.05"))
            await w.tariff("data", {"NETACCESS": prices})
            await w.account("dan", "10", plan="data")
            await w.begin()
            granted = await w.initial("d1", "dan", to="", service=DATA)
            charged = []

            for kilobytes in (400, 800, 1025):
                usage = Usage(octets_in=kilobytes * 1024)
                charged.append((await w.update("d1", usage=usage, service=DATA)).charged_micros)

            assert granted.granted_units % (1024 * 1024) == 0
            assert charged == [money("0.05"), money("0.05"), money("0.10")]

        play(story)

    def test_volume_is_told_what_the_money_buys(self) -> None:
        """At every report, in whole rounding steps, up to the policy's most; only the slice is held."""

        async def story(w: World) -> None:
            await w.tariff(
                "data", {"NETACCESS": PriceSet(rounding=1000, unit_price_nanos=parse_price("0.01"))}
            )
            await w.account("dan", "10", plan="data")
            await w.begin()
            step, most = 1000 * 1024, w.gateway.grant.max_grant_octets

            granted = await w.initial("d1", "dan", to="", service=DATA)
            report = await w.update("d1", usage=Usage(octets_in=400_000_000), service=DATA)

            assert granted.affordable_units == (1000 * 1024 * 1024) // step * step
            assert report.affordable_units == granted.affordable_units - 400_000_000
            assert report.granted_units < most
            await w.administration.treasury.pay("dan", money("1000"), key="k")
            await w.engine.follow_changes()
            rich = await w.update("d1", usage=Usage(octets_in=400_000_001), service=DATA)
            assert rich.affordable_units == (400_000_001 + most) // step * step - 400_000_001

        play(story)

    def test_a_timed_session_is_told_when_its_grant_is_no_longer_final(self) -> None:
        """Money that arrives under a final grant is told once; other reports are not priced ahead."""

        async def story(w: World) -> None:
            await w.account("alice", "1.50", plan="retail")
            await w.begin()
            await w.initial("c1", "alice")
            final = await w.update("c1", 60)
            await w.administration.treasury.pay("alice", money("10"), key="k")
            await w.engine.follow_changes()

            told = await w.update("c1", 70)
            after = await w.update("c1", 80)

            assert final.final_unit_action is FinalUnitAction.TERMINATE
            assert final.affordable_units == final.granted_units == 30
            assert (told.granted_units, told.affordable_units) == (60, 620)
            assert (after.granted_units, after.affordable_units) == (60, 60)

        play(story)

    def test_a_message_is_debited_once_and_refunded_once(self) -> None:
        """A direct debit charges at once; its replay is free; a refund gives it back once."""

        async def story(w: World) -> None:
            await w.tariff("sms", {"MSG": PriceSet(unit_price_nanos=parse_price("0.03"))})
            await w.account("dan", "1", plan="sms")
            await w.begin()

            for _ in range(2):
                sent = await w.event("m1", "dan", RequestedAction.DIRECT_DEBITING, requested_units=3)
                assert isinstance(sent, Outcome)
                assert (sent.granted_units, sent.charged_micros) == (3, money("0.09"))
            assert await w.free("dan") == money("0.91")
            for _ in range(2):
                await w.event("m1", "dan", RequestedAction.REFUND)

            assert await w.free("dan") == money("1")

        play(story)

    def test_a_message_is_priced_by_the_network_of_its_recipient(self) -> None:
        """MCC and MNC, then MCC alone, then what prices any message."""

        async def story(w: World) -> None:
            prices = {"25501": "0.05", "255": "0.04", "MSG": "0.03"}
            await w.tariff(
                "sms", {name: PriceSet(unit_price_nanos=parse_price(text)) for name, text in prices.items()}
            )
            await w.account("dan", "1", plan="sms")
            await w.begin()

            charged = []
            for network in ("25501", "25506", "23415", ""):
                sent = await w.event(
                    f"m{network}", "dan", RequestedAction.DIRECT_DEBITING, requested_units=1, network=network
                )
                assert isinstance(sent, Outcome)
                charged.append(sent.charged_micros)

            assert charged == [money("0.05"), money("0.04"), money("0.03"), money("0.03")]

        play(story)

    def test_an_event_that_cannot_be_paid_takes_nothing(self) -> None:
        """A direct debit is all or nothing."""

        async def story(w: World) -> None:
            await w.tariff("sms", {"MSG": PriceSet(unit_price_nanos=parse_price("0.03"))})
            await w.account("dan", "0.05", plan="sms")
            await w.begin()

            outcome = await w.event("m1", "dan", RequestedAction.DIRECT_DEBITING, requested_units=2)

            assert isinstance(outcome, Outcome)
            assert outcome.code is OutcomeCode.INSUFFICIENT_BALANCE
            assert await w.free("dan") == money("0.05")

        play(story)

    def test_asking_for_a_price_or_a_balance_changes_nothing(self) -> None:
        """A price enquiry explains itself; neither it nor a balance check leaves anything behind."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()

            price = await w.ask(
                w.request(
                    RequestType.EVENT,
                    "p1",
                    user="alice",
                    called="441",
                    action=RequestedAction.PRICE_ENQUIRY,
                    requested_units=90,
                )
            )
            balance = await w.ask(
                w.request(RequestType.EVENT, "b1", user="alice", action=RequestedAction.CHECK_BALANCE)
            )

            assert (price.charged_micros, price.affordable_units) == (money("1.5"), 600)
            assert "retail" in price.explanation
            assert balance.code is OutcomeCode.SUCCESS
            assert await w.free("alice") == money("10")

        play(story)


class TestUnrated:
    """Reports that nobody can be charged for."""

    @pytest.mark.parametrize(("user", "to"), [("nobody", "441"), ("alice", "999")])
    def test_they_are_kept_for_the_operator(self, user: str, to: str) -> None:
        """Usage without an account or a rate is acknowledged only because it is kept whole."""

        async def story(w: World) -> None:
            await w.account("alice", "10", plan="retail")
            await w.begin()

            await w.stop("c1", 60, user, called=to)

            (parked,) = await w.ledger.list_parked()
            assert parked.session_key == "c1"
            assert '"seconds":60' in parked.report
            assert await w.free("alice") == money("10")

        play(story)


class AuditedLedger(MemoryLedgerStore):
    """A ledger that recomputes its books after every commit, before anybody hears of it."""

    def __init__(self) -> None:
        super().__init__()
        self.findings: list[str] = []

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Commit, then audit."""
        results = await super().commit(decisions)
        self.findings += await self.verify()
        return results


def test_every_batch_is_whole() -> None:
    """Requests that arrive while a batch is on its way to the store change nothing in it.

    A crash right after any commit must find accounts and sessions that agree.
    """
    ledger = AuditedLedger()

    async def story(w: World) -> None:
        await w.account("alice", "100", plan="retail")
        await w.begin()
        answers: list[Any] = []

        for number in range(40):
            request = w.request(RequestType.INITIAL, f"c{number}", user="alice", called="441")
            w.engine.submit(request, answers.append)
            await asyncio.sleep(0)
        await w.settle()

        assert len(answers) == 40
        assert ledger.findings == []

    play(story, stores=(ledger, MemoryCatalogStore()))


@pytest.mark.parametrize(
    ("to", "expected"),
    [("100", "0"), ("200", "0.01"), ("300", "0.02"), ("442", "1")],
)
def test_calls_between_subscribers_are_recognised(to: str, expected: str) -> None:
    """The engine finds out who is called: same customer, same reseller, somebody else's, nobody."""

    async def story(w: World) -> None:
        await w.tariff(
            "near",
            {
                "VOICEONNETRX": voice_prices("0"),
                "VOICEONNETR": voice_prices("0.01"),
                "VOICEONNET": voice_prices("0.02"),
                "44": voice_prices("1"),
                "1": voice_prices("9"),
            },
        )
        await w.account("reseller")
        await w.account("acme", parent="reseller")
        await w.account("bolt", parent="reseller")
        await w.account("alice", "10", plan="near", parent="acme")
        for name, parent in (("100", "acme"), ("200", "bolt"), ("300", "")):
            await w.account(name, "10", plan="near", parent=parent)
        await w.begin()

        assert (await w.stop("c1", 60, "alice", called=to)).charged_micros == money(expected)

    play(story)

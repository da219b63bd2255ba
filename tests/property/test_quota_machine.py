"""Accounts, sessions and reservations against a model of them that fits a screen.

Hypothesis drives the real engine over the memory store: authorisations, reports in any order, Stops,
messages, refunds, payments, credit limits, session limits, blocks, silence, restarts, and commits that fail
or whose result is lost. The model says to the last micro what every account owns and every session holds.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from world import World, voice_prices

from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType, Usage
from ocs.errors import StoreUnavailableError
from ocs.ports import CommitResult, Decision
from ocs.quota.account import AccountKind, AccountStatus
from ocs.rating.tariff import PriceSet
from ocs.storage.memory import MemoryCatalogStore, MemoryLedgerStore
from ocs.units import MESSAGES, parse_price

T = TypeVar("T")
UNIT = 1_000_000
SLICE_S = 60
SILENCE_S = 120
"Two report intervals."
MESSAGE_MICROS = 250_000

SECONDS = st.sampled_from((0, 1, 30, 59, 60, 61, 90, 120, 200))
ACCOUNTS = ("reseller", "ann", "bob", "poor", "debtor")
FATES = st.sampled_from(("written",) * 8 + ("failed", "unknown"))
"What becomes of a commit; unknown is written without our hearing of it."


# ----------------------------------------------------------------------------------------- the model


@dataclass
class Account:
    """One account of the model."""

    minute_micros: int
    interval_s: int
    floor: int
    balance: int
    parent: "Account | None" = None
    is_active: bool = True
    max_sessions: int | None = None
    lowest_floor: int = 0
    "The lowest it ever was."

    def __post_init__(self) -> None:
        self.lowest_floor = self.floor

    def set_floor(self, floor: int) -> None:
        """Another credit limit."""
        self.floor = floor
        self.lowest_floor = min(self.lowest_floor, floor)

    def price(self, seconds: int) -> int:
        """By the second rounded to 5 decimals, or by the started minute."""
        if self.interval_s == 60:
            return -(-seconds // 60) * self.minute_micros
        return (seconds * self.minute_micros * 2 + 600) // 1200 * 10

    def chain(self) -> "list[Account]":
        """The account and its ancestors."""
        return [self, *(self.parent.chain() if self.parent else ())]


@dataclass
class Call:
    """One session of the model."""

    payers: list[Account]
    state: str = "none"
    "none, open, expired, closed."
    used: int = 0
    granted: int = 0
    held: list[int] = field(default_factory=list)
    started_s: int = 0
    answered: bool = False
    touched_s: int = 0
    request_key: str = ""

    def presumed(self, at_s: int) -> int:
        """Seconds that count as used beyond the reports when it is authorised again, which tells no usage."""
        elapsed_s = at_s - self.started_s
        return max(0, min(elapsed_s, self.granted) - self.used) if elapsed_s > 1 else 0


class Model:
    """The books as they should be."""

    def __init__(self) -> None:
        reseller = Account(400_000, 60, 0, 4 * UNIT)
        self.accounts = {
            "reseller": reseller,
            "ann": Account(1_000_000, 1, 0, 10 * UNIT, reseller),
            "bob": Account(600_000, 60, 0, 3 * UNIT, reseller),
            "poor": Account(1_000_000, 1, 0, UNIT),
            "debtor": Account(1_000_000, 1, -2 * UNIT, 0),
        }
        self.calls: list[Call] = []
        self.messages: dict[str, tuple[str, int, bool]] = {}
        "Debited ones by key: who, how many, given back."
        self.now_s = 0

    def reserved(self, account: Account) -> int:
        """What open sessions hold of the account."""
        return sum(
            held
            for call in self.calls
            if call.state == "open"
            for payer, held in zip(call.payers, call.held, strict=True)
            if payer is account
        )

    def is_full(self, account: Account) -> bool:
        """Whether the account has as many open sessions as it may, those of accounts below it included."""
        opened = [call for call in self.calls if call.state == "open" and account in call.payers]
        return account.max_sessions is not None and len(opened) >= account.max_sessions

    def grant(self, call: Call, presumed: int = 0) -> bool:
        """Hold what the longest affordable total costs, up to a slice; False when not a second is left."""
        used = call.used + presumed
        most = used + SLICE_S
        for payer, held in zip(call.payers, call.held, strict=True):
            paid = payer.price(call.used)
            budget = payer.balance - self.reserved(payer) + held + paid - payer.floor
            while most > used and payer.price(most) > budget:
                most -= 1
        if most == used:
            return False
        call.granted = most
        call.held = [payer.price(most) - payer.price(call.used) for payer in call.payers]
        return True

    def debit(self, call: Call, used: int) -> None:
        """Charge what is new; what was held for it is used up first."""
        if used <= call.used:
            return
        for ordinal, payer in enumerate(call.payers):
            difference = payer.price(used) - payer.price(call.used)
            payer.balance -= difference
            call.held[ordinal] = max(0, call.held[ordinal] - difference)
        call.used = used

    def authorise(self, call: Call, key: str) -> int | None:
        """Seconds that an INITIAL is granted; None when it is refused."""
        if not all(payer.is_active for payer in call.payers):
            return None
        if call.state == "open":
            if key == call.request_key:
                return max(0, call.granted - call.used - call.presumed(call.touched_s))
            call.request_key, call.touched_s = key, self.now_s
            presumed = call.presumed(self.now_s)
            return call.granted - call.used - presumed if self.grant(call, presumed) else None
        if call.state != "none" or any(self.is_full(payer) for payer in call.payers):
            return None
        call.held = [0] * len(call.payers)
        call.state = "open"
        if not self.grant(call):
            call.state = "none"
            return None
        call.request_key, call.started_s, call.touched_s = key, self.now_s, self.now_s
        return call.granted - call.used

    def update(self, call: Call, used: int) -> int | None:
        """Seconds that a report is granted; None when nothing."""
        if call.state == "closed":
            self.debit(call, used)
            return None
        if call.state == "none" or (used and not call.answered):
            call.started_s, call.answered = self.now_s - used, used > 0
        if call.state in ("none", "expired"):
            call.held = [0] * len(call.payers)
            call.state = "open"
        self.debit(call, used)
        call.touched_s = self.now_s
        is_active = all(payer.is_active for payer in call.payers)
        return call.granted - call.used if is_active and self.grant(call) else None

    def stop(self, call: Call, used: int) -> None:
        """The end, or once more."""
        call.held = call.held or [0] * len(call.payers)
        self.debit(call, used)
        call.state, call.held = "closed", [0] * len(call.payers)

    def can_pay(self, user: str, messages: int) -> bool:
        """Whether the whole chain may and can pay for so many messages."""
        return all(
            payer.is_active
            and payer.balance - self.reserved(payer) - payer.floor >= messages * MESSAGE_MICROS
            for payer in self.accounts[user].chain()
        )

    def debit_message(self, key: str, user: str, messages: int) -> None:
        """Take the price, the first time."""
        if key not in self.messages:
            self.messages[key] = (user, messages, False)
            for payer in self.accounts[user].chain():
                payer.balance -= messages * MESSAGE_MICROS

    def refund_message(self, key: str) -> None:
        """Give the price back, the first time."""
        user, messages, is_back = self.messages[key]
        if not is_back:
            self.messages[key] = (user, messages, True)
            for payer in self.accounts[user].chain():
                payer.balance += messages * MESSAGE_MICROS

    def expire(self) -> None:
        """Silence ends sessions at their last report."""
        for call in self.calls:
            if call.state == "open" and self.now_s - call.touched_s >= SILENCE_S:
                call.state, call.held = "expired", [0] * len(call.payers)


# ----------------------------------------------------------------------------------------- the store


class FatedLedger(MemoryLedgerStore):
    """A ledger whose next commit ends as it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.fate = "written"

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Write, or not, and tell, or not."""
        fate, self.fate = self.fate, "written"
        if fate == "failed":
            raise StoreUnavailableError("the database is away")
        results = await super().commit(decisions)
        if fate == "unknown":
            raise StoreUnavailableError("the connection broke")
        return results


# ----------------------------------------------------------------------------------------- the machine


class QuotaMachine(RuleBasedStateMachine):
    """Every step goes to the engine and to the model, and both say the same."""

    calls = Bundle("calls")
    messages = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.model = Model()
        self.ledger = FatedLedger()
        self.asked: list[tuple[ChargingRequest, int]] = []
        "Every report, with the index of its call."
        self.keys = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to its end on the machine's own loop; hanging is a failure like any other."""
        return self.loop.run_until_complete(asyncio.wait_for(work, 20))

    @initialize()
    def begin(self) -> None:
        """The accounts of the model, in a running engine."""
        self.world = World(stores=(self.ledger, MemoryCatalogStore()))
        self.do(self._describe())

    async def _describe(self) -> None:
        world = self.world
        await world.tariff(
            "second",
            {"44": voice_prices("1.00", "1/1"), "MSG": PriceSet(unit_price_nanos=parse_price("0.25"))},
        )
        await world.tariff(
            "minute",
            {"44": voice_prices("0.60", "60/60"), "MSG": PriceSet(unit_price_nanos=parse_price("0.25"))},
        )
        await world.tariff(
            "wholesale",
            {"44": voice_prices("0.40", "60/60"), "MSG": PriceSet(unit_price_nanos=parse_price("0.25"))},
        )
        await world.account("reseller", "4", plan="wholesale")
        await world.account("ann", "10", plan="second", parent="reseller")
        await world.account("bob", "3", plan="minute", parent="reseller")
        await world.account("poor", "1", plan="second")
        await world.account("debtor", plan="second", kind=AccountKind.POSTPAID, credit_limit_micros=2 * UNIT)
        await world.begin()

    def teardown(self) -> None:
        """Nothing is left open."""
        if hasattr(self, "world"):
            self.do(self.world.__aexit__(None, None, None))
        self.loop.close()

    # ---------------------------------------------------------------------------- calls

    @rule(target=calls, user=st.sampled_from(("ann", "bob", "poor", "debtor")))
    def dial(self, user: str) -> tuple[int, str]:
        """A call that nobody has been asked about yet."""
        self.model.calls.append(Call(self.model.accounts[user].chain()))
        return len(self.model.calls) - 1, user

    @rule(call=calls, fate=FATES, key=st.sampled_from("ab"))
    def authorise(self, call: tuple[int, str], fate: str, key: str) -> None:
        """Ask whether it may begin, or once more."""
        number, _ = call
        request = self._request(RequestType.INITIAL, call, request_key=f"{number}/{key}")
        self._compare(
            request, fate, lambda: self.model.authorise(self.model.calls[number], f"{number}/{key}")
        )

    @rule(call=calls, used=SECONDS, fate=FATES)
    def report(self, call: tuple[int, str], used: int, fate: str) -> None:
        """An interim report, in any order, of a call that may not even have been authorised."""
        request = self._request(RequestType.UPDATE, call, usage=Usage(seconds=used))
        self.asked.append((request, call[0]))
        self._compare(request, fate, lambda: self.model.update(self.model.calls[call[0]], used))

    @rule(call=calls, used=SECONDS, fate=FATES)
    def stop(self, call: tuple[int, str], used: int, fate: str) -> None:
        """The final report, perhaps not the last one."""
        request = self._request(RequestType.TERMINATION, call, usage=Usage(seconds=used))
        self.asked.append((request, call[0]))
        self._compare(request, fate, lambda: self.model.stop(self.model.calls[call[0]], used))

    def _request(self, kind: RequestType, call: tuple[int, str], **fields: Any) -> ChargingRequest:
        return self.world.request(kind, f"c{call[0]}", user=call[1], called="441", **fields)

    def _compare(self, request: ChargingRequest, fate: str, expect: Callable[[], int | None]) -> None:
        """Ask engine and model; what is granted is the same, unless the commit got lost."""
        answer = self._charge(request, fate)
        if isinstance(answer, NoAnswer):
            if fate == "unknown":
                expect()
            return
        granted = expect()
        if request.type is not RequestType.TERMINATION:
            assert answer.code.is_success == (granted is not None), answer
            assert answer.granted_units == (granted or 0), answer

    def _charge(self, request: ChargingRequest, fate: str) -> Outcome | NoAnswer:
        """The engine's answer, which is none exactly when the commit did not end well."""
        self.ledger.fate = fate
        answer = self.do(self.world.engine.charge(request))
        is_lost = fate != "written" and self.ledger.fate == "written"
        self.ledger.fate = "written"
        assert isinstance(answer, NoAnswer) == is_lost, answer
        return answer

    @rule(data=st.data(), is_restarted=st.booleans())
    def replay(self, data: st.DataObject, is_restarted: bool) -> None:  # noqa: FBT001 - drawn
        """A report of usage that is in the books comes again: no money moves, nor an ended call."""
        booked = [
            (request, number)
            for request, number in self.asked
            if request.usage is not None and request.usage.seconds <= self.model.calls[number].used
        ]
        if not booked:
            return
        request, number = data.draw(st.sampled_from(booked))
        call = self.model.calls[number]
        before = dict(self.ledger.entries)
        rows = (dict(self.ledger.accounts), dict(self.ledger.sessions), dict(self.ledger.cdrs))
        was_closed = call.state == "closed"
        if is_restarted:
            self.do(self.world.restart())

        answer = self.do(self.world.engine.charge(request))

        assert isinstance(answer, Outcome)
        assert self.ledger.entries == before
        if was_closed:
            assert rows == (self.ledger.accounts, self.ledger.sessions, self.ledger.cdrs)
        elif request.type is RequestType.UPDATE:
            self.model.update(call, call.used)
        else:
            self.model.stop(call, call.used)

    # ---------------------------------------------------------------------------- messages

    @rule(target=messages, user=st.sampled_from(("ann", "poor", "debtor")), units=st.integers(1, 3))
    def write(self, user: str, units: int) -> tuple[str, str, int]:
        """A message that is not sent yet."""
        self.keys += 1
        return f"m{self.keys}", user, units

    @rule(message=messages, fate=FATES)
    def send(self, message: tuple[str, str, int], fate: str) -> None:
        """Debit it at once, all or nothing, and only the first time."""
        key, user, units = message
        answer = self._charge(self._event(message, RequestedAction.DIRECT_DEBITING), fate)
        if isinstance(answer, Outcome):
            is_served = key in self.model.messages or self.model.can_pay(user, units)
            assert answer.code.is_success == is_served, answer
        if _is_done(answer, fate):
            self.model.debit_message(key, user, units)

    @rule(message=messages, fate=FATES)
    def give_back(self, message: tuple[str, str, int], fate: str) -> None:
        """Refund it, once."""
        answer = self._charge(self._event(message, RequestedAction.REFUND), fate)
        if _is_done(answer, fate):
            self.model.refund_message(message[0])

    def _event(self, message: tuple[str, str, int], action: RequestedAction) -> ChargingRequest:
        key, user, units = message
        return self.world.request(
            RequestType.EVENT, key, user=user, service=MESSAGES, action=action, requested_units=units
        )

    # ---------------------------------------------------------------------------- operators and time

    @rule(name=st.sampled_from(ACCOUNTS), micros=st.sampled_from((1, UNIT // 3, 2 * UNIT)))
    def top_up(self, name: str, micros: int) -> None:
        """Money arrives, and its repeat does not."""
        self.keys += 1
        for _ in range(2):
            self.do(self.world.administration.treasury.pay(name, micros, key=f"payment {self.keys}"))
        self.do(self.world.engine.follow_changes())
        self.model.accounts[name].balance += micros

    @rule(name=st.sampled_from(ACCOUNTS), limit=st.sampled_from((0, UNIT, 3 * UNIT)))
    def set_credit_limit(self, name: str, limit: int) -> None:
        """More credit, or less than is used already."""
        self.do(self.world.set_profile(name, credit_limit_micros=limit))
        self.model.accounts[name].set_floor(-limit)

    @rule(name=st.sampled_from(ACCOUNTS), most=st.sampled_from((None, 0, 1, 2)))
    def set_max_sessions(self, name: str, most: int | None) -> None:
        """Fewer sessions at once, or more; those that are open go on."""
        self.do(self.world.set_profile(name, max_sessions=most))
        self.model.accounts[name].max_sessions = most

    @rule(
        name=st.sampled_from(ACCOUNTS), status=st.sampled_from((AccountStatus.ACTIVE, AccountStatus.BLOCKED))
    )
    def set_status(self, name: str, status: AccountStatus) -> None:
        """Blocked or not."""
        self.do(self.world.set_profile(name, status=status))
        self.model.accounts[name].is_active = status is AccountStatus.ACTIVE

    @rule(seconds=st.sampled_from((1, 59, 119, 120, 86_400)))
    def wait(self, seconds: int) -> None:
        """Time passes; silent sessions end."""
        self.world.pass_seconds(seconds)
        self.model.now_s += seconds
        self.do(self.world.expire())
        self.model.expire()

    @rule()
    def restart(self) -> None:
        """The server forgets everything that is not written."""
        self.do(self.world.restart())

    # ---------------------------------------------------------------------------- what always holds

    @invariant()
    def the_books_are_the_models(self) -> None:
        """Balances, holds and counts are the model's, to the last micro."""
        for name, account in self.model.accounts.items():
            row = self.do(self.world.state(name))
            open_calls = [
                call for call in self.model.calls if call.state == "open" and account in call.payers
            ]
            assert row.balance_micros == account.balance, name
            assert row.reserved_micros == self.model.reserved(account), name
            assert row.open_sessions == len(open_calls), name

    @invariant()
    def the_store_agrees_with_itself(self) -> None:
        """Opening + payments + refunds - charges = balance; reserved = sum of open reservations."""
        assert self.do(self.ledger.verify()) == []

    @invariant()
    def nothing_is_overspent(self) -> None:
        """Balance - reserved is not below the floor, but for overrun on record and limits that were cut."""
        for name, account in self.model.accounts.items():
            row = self.do(self.world.state(name))
            overrun = sum(
                entry.overrun_micros
                for entry in self.ledger.entries.values()
                if entry.account_id == row.account_id
            )
            lowest = account.lowest_floor
            assert row.balance_micros - row.reserved_micros >= lowest - overrun, name


def _is_done(answer: Outcome | NoAnswer, fate: str) -> bool:
    """Whether what was asked for is in the books."""
    return fate == "unknown" if isinstance(answer, NoAnswer) else answer.code.is_success


class TestQuota(QuotaMachine.TestCase):  # type: ignore[misc, name-defined]
    """A moderate number of stories."""

    settings = settings(max_examples=40, stateful_step_count=40, deadline=None, database=None)


@pytest.mark.slow
class TestQuotaForLong(QuotaMachine.TestCase):  # type: ignore[misc, name-defined]
    """Many long stories."""

    settings = settings(max_examples=600, stateful_step_count=80, deadline=None, database=None)

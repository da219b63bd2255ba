"""The auditor: knows what was asked, what was answered and what the store's records say, and nothing else.

It shares no code with the engine: prices are its own few lines, sums its own books. It looks at every
decision at the instant it is applied, at every answer at the instant it leaves the server, now and then at
what is overdue, and at the end at everything.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from simulation.journal import Journal

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest, RequestedAction, RequestType
from ocs.ports import Decision
from ocs.quota.account import AccountProfile, AccountStatus
from ocs.quota.ledger import LedgerEntry
from ocs.quota.session import ReservationRow, SessionRow, SessionState
from ocs.storage.memory import MemoryLedgerStore
from ocs.units import Measure

PATIENCE_S = 20
"How long a healthy server may take to end a session whose time has come."
FLOOR_MEMORY_S = 60
"How long a server may decide by a credit limit that an operator has cut since."
LAG_S = 4
"How long a healthy server may not know yet what was changed behind its back."
SessionKey = tuple[int, str]
Movements = tuple[Mapping[tuple[int, int], LedgerEntry], Mapping[tuple[int, int], tuple[int, int]]]
"Entries by (account, number), and (charged, used) by (session, account)."
UNRATED = frozenset({OutcomeCode.UNKNOWN_IDENTITY, OutcomeCode.NO_RATE, OutcomeCode.SERVICE_NOT_AVAILABLE})


class Price(NamedTuple):
    """A simple tariff: so much per minute by the second or by the started minute, or per message."""

    micros: int
    interval_s: int
    "1, 60, or 0 for a price per message."

    def of(self, units: int) -> int:
        """Micros for cumulative usage, rounded to 5 decimals of the currency, halves up."""
        if self.interval_s == 0:
            return units * self.micros
        if self.interval_s == 60:
            return -(-units // 60) * self.micros
        return (units * self.micros * 2 + 600) // 1200 * 10


class Payer(NamedTuple):
    """An account that pays for a subscriber's sessions, and at what price."""

    account_id: int
    voice: Price | None
    "None: it only counts the session."
    messages: Price | None


class Violation(NamedTuple):
    """A promise that was broken."""

    at_s: float
    rule: str
    detail: str


@dataclass(slots=True)
class Book:
    """One account by its entries and its open sessions."""

    balance_micros: int = 0
    held_micros: int = 0
    open_sessions: int = 0
    entries: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    "Sum of entries by kind."


@dataclass(slots=True)
class Case:
    """What is known of one session from the outside."""

    user: str
    is_event: bool
    sent: set[int] = field(default_factory=lambda: {0})
    "Every cumulative usage that was ever reported."
    acknowledged: int = 0
    "The greatest usage that was answered."
    inside: dict["Copy", None] = field(default_factory=dict)
    "Copies of its requests that a server has not answered yet."


@dataclass(slots=True, eq=False)
class Copy:
    """One copy of a request inside a server."""

    request: ChargingRequest
    is_alone: bool
    "No other request of the session was inside at the same time."
    arrived_s: float


class Auditor:
    """Watches one simulation; `violations` is empty as long as all is well."""

    def __init__(
        self,
        ledger: MemoryLedgerStore,
        journal: Journal,
        now_s: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self.violations: list[Violation] = []
        self.on_violation: Callable[[], None] = lambda: None
        self._ledger = ledger
        self._journal = journal
        self._now_s = now_s
        self._now_ms = now_ms
        self._payers: Mapping[str, Sequence[Payer]] = {}
        self._floors: defaultdict[int, list[tuple[float, int | None]]] = defaultdict(list)
        "(since when, floor) of every account, oldest first."
        self._statuses: dict[int, AccountStatus] = {}
        self._changed_s: defaultdict[int, float] = defaultdict(float)
        "When an account's records were last changed, by anybody."
        self._books: defaultdict[int, Book] = defaultdict(Book)
        self._held: dict[tuple[int, int], int] = {}
        "By (session, account), of open sessions."
        self._charged: Counter[tuple[int, int]] = Counter()
        self._refunded: Counter[tuple[int, int]] = Counter()
        self._cases: dict[SessionKey, Case] = {}
        self._keyed: dict[SessionKey, tuple[str, Outcome]] = {}
        "First answer by (gateway, request key), with the digest of its request."
        self._healthy_since_s = 0.0
        self.has_one_server = True
        "Several on one database do not know each other's sessions until they are asked about them."

    def enrol(self, payers: Mapping[str, Sequence[Payer]]) -> None:
        """Who pays for whom: payers by user name."""
        self._payers = payers

    def _blame(self, rule: str, detail: str) -> None:
        self._journal.add("VIOLATION", f"{rule}: {detail}")
        self.violations.append(Violation(self._now_s(), rule, detail))
        self.on_violation()

    def _check(self, holds: bool, rule: str, detail: str) -> None:  # noqa: FBT001 - what is checked
        if not holds:
            self._blame(rule, detail)

    def engine_reported(self, text: str) -> None:
        """The engine itself said that something is wrong."""
        self._blame("the engine has no bugs", text)

    # ------------------------------------------------------------------------------ what was asked

    def sent(self, request: ChargingRequest) -> None:
        """Equipment asks this; called before the first copy leaves."""
        user = request.identities[0][1]
        case = self._cases.setdefault(_key(request), Case(user, request.type is RequestType.EVENT))
        case.sent.add(_units(request))

    def arrived(self, request: ChargingRequest) -> Copy:
        """A copy of a request is inside a server."""
        case = self._cases[_key(request)]
        copy = Copy(request, is_alone=not case.inside, arrived_s=self._now_s())
        for other in case.inside:
            other.is_alone = False
        case.inside[copy] = None
        return copy

    def forgotten(self, copy: object) -> None:
        """A server died with this copy."""
        assert isinstance(copy, Copy)
        self._cases[_key(copy.request)].inside.pop(copy, None)

    def troubled(self) -> None:
        """A fault that servers need time to recover from."""
        self._healthy_since_s = self._now_s()

    # ------------------------------------------------------------------------------ what was applied

    def profile_changed(self, profile: AccountProfile) -> None:
        """An account's floor may be another one from now on."""
        self._floors[profile.id].append((self._now_s(), profile.floor_micros))
        self._statuses[profile.id] = profile.status
        self._changed_s[profile.id] = self._now_s()

    def applied(self, decision: Decision) -> None:
        """A decision became part of the books."""
        touched = {row.account_id for row in decision.accounts}
        touched |= {entry.account_id for entry in decision.entries}
        touched |= {row.account_id for row in decision.reservations}
        before = {key: self._available(key) for key in touched}
        overruns: Counter[int] = Counter()
        for entry in decision.entries:
            self._post(entry)
            overruns[entry.account_id] += entry.overrun_micros
        for session in decision.sessions:
            # Of parts that did not change the decision says nothing: the database has them.
            parts = self._ledger.reservations.get(session.session_id, {})
            self._check_session(session, list(parts.values()))
        for account_id in sorted(touched):
            self._changed_s[account_id] = self._now_s()
            self._check_account(account_id)
            self._check_floor(account_id, before[account_id], overruns[account_id])

    def _post(self, entry: LedgerEntry) -> None:
        book = self._books[entry.account_id]
        book.balance_micros += entry.amount_micros
        book.entries += 1
        book.kinds[entry.kind] += entry.amount_micros
        what = f"entry {entry.number} of account {entry.account_id}"
        self._check(entry.number == book.entries, "entries are numbered without gaps", what)
        self._check(entry.balance_micros == book.balance_micros, "entries add up to the balance", what)
        if entry.session_id is not None:
            place = (entry.session_id, entry.account_id)
            if entry.kind == "charge":
                self._charged[place] -= entry.amount_micros
            else:
                self._refunded[place] += entry.amount_micros
                is_once = self._refunded[place] == self._charged[place]
                self._check(is_once, "a debit is given back once", what)

    def _check_session(self, row: SessionRow, reservations: Sequence[ReservationRow]) -> None:
        """One session's new version: used what was reported, paid its price, holds only while open."""
        case = self._cases.get((row.gateway_id, row.session_key))
        name = f"session {row.session_key}"
        if case is None:
            self._blame("sessions are asked for", f"{name} was never asked for")
            return
        is_open = row.state == SessionState.OPEN
        self._check(row.used_units in case.sent, "usage was reported", f"{name} used {row.used_units}")
        self._check(
            row.used_units >= case.acknowledged,
            "what was acknowledged stays booked",
            f"{name} used {row.used_units} after {case.acknowledged} was acknowledged",
        )
        payers = self._payers[case.user]
        self._check(
            [held.account_id for held in sorted(reservations, key=lambda held: held.ordinal)]
            == [payer.account_id for payer in payers],
            "every account of the chain has its part",
            name,
        )
        for held, payer in zip(reservations, payers, strict=False):
            place = (row.session_id, held.account_id)
            charged, due = self._charged[place], self._price(case, payer, row.used_units)
            self._check(
                charged == held.debited_micros == due,
                "the ledger has the price of the usage",
                f"{name} used {row.used_units}, account {held.account_id} was charged {charged} of {due}",
            )
            self._check(held.reserved_micros >= 0, "nothing negative is held", name)
            self._check(is_open or not held.reserved_micros, "nothing is held after the end", name)
            self._hold(place, held.reserved_micros, is_open=is_open)

    def _hold(self, place: tuple[int, int], micros: int, *, is_open: bool) -> None:
        book = self._books[place[1]]
        if place in self._held:
            book.held_micros -= self._held.pop(place)
            book.open_sessions -= 1
        if is_open:
            self._held[place] = micros
            book.held_micros += micros
            book.open_sessions += 1

    def _check_account(self, account_id: int) -> None:
        """The account's row says what its entries and its open sessions add up to."""
        book, row = self._books[account_id], self._ledger.accounts[account_id]
        name = f"account {account_id}"
        self._check(
            row.balance_micros == book.balance_micros,
            "opening + payments + refunds - charges = balance",
            f"{name} has {row.balance_micros}, its entries make {book.balance_micros}",
        )
        self._check(
            row.reserved_micros == book.held_micros,
            "reserved = sum of open sessions' reservations",
            f"{name} has {row.reserved_micros} reserved, its sessions hold {book.held_micros}",
        )
        self._check(
            row.open_sessions == book.open_sessions,
            "open sessions are counted",
            f"{name} counts {row.open_sessions}, there are {book.open_sessions}",
        )

    def _check_floor(self, account_id: int, before_micros: int, overrun_micros: int) -> None:
        """No decision takes balance - reserved further below the floor than the overrun it records."""
        floor = self._lowest_floor(account_id)
        if floor is None:
            return
        after = self._available(account_id) - floor
        before = before_micros - floor
        self._check(
            after >= min(0, before) - overrun_micros,
            "no overspend",
            f"account {account_id} went from {before} to {after} above its floor,"
            f" recorded overrun {overrun_micros}",
        )

    def _available(self, account_id: int) -> int:
        row = self._books[account_id]
        return row.balance_micros - row.held_micros

    def _lowest_floor(self, account_id: int) -> int | None:
        """The lowest floor that a server may have known when it decided."""
        oldest_s = self._now_s() - FLOOR_MEMORY_S
        lowest: int | None = None
        until_s = self._now_s()
        for since_s, floor in reversed(self._floors[account_id]):
            if until_s < oldest_s:
                break
            if floor is None:
                return None
            lowest = floor if lowest is None else min(lowest, floor)
            until_s = since_s
        return lowest

    def _price(self, case: Case, payer: Payer, units: int) -> int:
        price = payer.messages if case.is_event else payer.voice
        return 0 if price is None else price.of(units)

    # ------------------------------------------------------------------------------ what was answered

    def answered(self, copy: object, answer: Outcome | NoAnswer) -> None:
        """An answer leaves the server."""
        assert isinstance(copy, Copy)
        request = copy.request
        case = self._cases[_key(request)]
        case.inside.pop(copy, None)
        if request.request_digest and not self._check_keyed(request, answer):
            return
        if isinstance(answer, NoAnswer):
            return
        if request.type is RequestType.EVENT:
            self._check_event(copy, case, answer)
        elif request.type is not RequestType.INITIAL:
            self._check_report(request, case, answer)
        if answer.code.is_success and answer.granted_units and not case.is_event and copy.is_alone:
            self._check_grant(request, case, answer)
        if request.type is RequestType.INITIAL and self._is_settled(case.user, copy.arrived_s - LAG_S):
            self._check_service(case.user, request, answer)

    def _check_keyed(self, request: ChargingRequest, answer: Outcome | NoAnswer) -> bool:
        """The same key has the same answer each time; False when there is nothing more to check."""
        key = (request.gateway.id, request.request_key)
        first = self._keyed.get(key)
        name = f"{request.session_key} {request.request_key}"
        if first is None:
            self._check(
                answer is not NoAnswer.KEY_REUSED or self._is_stored(key), "keys are free at first", name
            )
            if isinstance(answer, Outcome):
                self._keyed[key] = (request.request_digest, answer)
            return True
        digest, outcome = first
        if digest != request.request_digest:
            self._check(isinstance(answer, NoAnswer), "a key is used for one body", name)
        elif isinstance(answer, Outcome):
            self._check(
                answer == outcome, "a keyed request has one answer", f"{name}: {outcome} then {answer}"
            )
        else:
            self._check(answer is not NoAnswer.KEY_REUSED, "a key is used for one body", name)
        return False

    def _is_stored(self, key: SessionKey) -> bool:
        return key in self._ledger.answers

    def _check_report(self, request: ChargingRequest, case: Case, answer: Outcome) -> None:
        """A report that is answered is booked, or parked for an operator."""
        units = _units(request)
        name = f"{request.type.name} {request.session_key} used {units}"
        row = self._session(_key(request))
        case.acknowledged = max(case.acknowledged, units)
        if row is None:
            is_kept = answer.code in UNRATED and self._parked_seconds(_key(request)) >= case.acknowledged
            self._check(is_kept, "an answered report is booked or parked", f"{name}: {answer.code.name}")
            return
        self._check(
            row.used_units >= units,
            "an answered report is booked or parked",
            f"{name}, booked {row.used_units}",
        )
        if request.type is RequestType.TERMINATION:
            self._check(row.state != SessionState.OPEN, "an answered Stop ends the session", name)

    def _parked_seconds(self, key: SessionKey) -> int:
        """Usage that is kept for an operator; 0 when nothing is."""
        report = self._ledger.parked.get(key)
        return 0 if report is None else int(json.loads(report.report)["usage"]["seconds"])

    def _check_event(self, copy: Copy, case: Case, answer: Outcome) -> None:
        """A one-time event is charged when it is answered so, and not at all when it is refused.

        Two servers may be asked the same at the same time, and one refuse what the other is about to grant.
        """
        request = copy.request
        row = self._session(_key(request))
        name = f"{request.action} {request.session_key}"
        if request.action is RequestedAction.DIRECT_DEBITING:
            is_booked = row is not None and row.used_units == _units(request)
            if answer.code.is_success:
                self._check(is_booked, "an answered debit is booked", name)
                case.acknowledged = _units(request)
            elif self.has_one_server or copy.is_alone:
                self._check(row is None, "a refused debit takes nothing", f"{name} {answer.code}")
        elif request.action is RequestedAction.REFUND and answer.code.is_success:
            assert row is not None, name
            for payer in self._payers[case.user]:
                place = (row.session_id, payer.account_id)
                is_back = self._refunded[place] == self._charged[place]
                self._check(is_back, "an answered refund is booked", name)

    def _check_grant(self, request: ChargingRequest, case: Case, answer: Outcome) -> None:
        """What is granted is held, at every payer, while the session is open."""
        row = self._session(_key(request))
        if row is None:
            self._blame("a grant is covered", f"{request.session_key} is not in the store")
            return
        if row.state != SessionState.OPEN:
            return
        until = answer.used_units + answer.granted_units
        for payer in self._payers[case.user]:
            held = self._ledger.reservations[row.session_id][payer.account_id]
            covered = held.debited_micros + held.reserved_micros
            due = self._price(case, payer, until)
            self._check(
                covered >= due,
                "a grant is covered",
                f"{request.session_key} until {until} costs {due}, account {payer.account_id} has {covered}",
            )

    def open_sessions_of(self, gateway_id: int, restarted_at_ms: int) -> Sequence[int]:
        """Sessions from before the gateway's restart that a server must know to be open by now."""
        if not self.has_one_server:
            return ()
        latest_ms = min(restarted_at_ms, self._now_ms() - PATIENCE_S * 1000)
        return [
            row.session_id
            for row in self._ledger.sessions.values()
            if row.gateway_id == gateway_id
            and row.state == SessionState.OPEN
            and row.updated_at_ms < latest_ms
        ]

    def _is_settled(self, user: str, since_s: float) -> bool:
        """Whether nothing about the user has changed since then, and no fault hid what had changed before."""
        if self._healthy_since_s > since_s:
            return False
        return all(self._changed_s[payer.account_id] < since_s for payer in self._payers.get(user, ()))

    def _check_service(self, user: str, request: ChargingRequest, answer: Outcome) -> None:
        """Who asks for a new session gets it if, and only if, operators and money allow it."""
        if user not in self._payers:
            self._check(answer.code is OutcomeCode.UNKNOWN_IDENTITY, "strangers are refused", user)
            return
        if answer.code is OutcomeCode.SESSION_ENDED:
            return
        is_active = all(
            self._statuses[payer.account_id] is AccountStatus.ACTIVE for payer in self._payers[user]
        )
        is_due = is_active and self.can_afford(user, 1)
        is_new = answer.used_units == 0 and self._session(_key(request)) is None
        self._check(
            answer.code.is_success == is_due or (not is_new and is_active),
            "a healthy server knows who has money",
            f"{request.session_key} of {user} got {answer.code.name},"
            f" should be {'served' if is_due else 'refused'}",
        )

    def gateway_ended(self, session_ids: Sequence[int], restarted_at_ms: int) -> None:
        """Accounting-On is acknowledged: none is open that was not heard of since the restart."""
        for session_id in session_ids:
            row = self._ledger.sessions[session_id]
            is_old = row.state == SessionState.OPEN and row.updated_at_ms < restarted_at_ms
            self._check(not is_old, "a restarted gateway has no sessions", row.session_key)

    def paid(self, account_id: int, key: str, micros: int) -> None:
        """An operator was told that a payment is booked."""
        entry = self._ledger.entry_keys.get((account_id, key))
        self._check(
            entry is not None and entry.amount_micros == micros, "an acknowledged payment is booked", key
        )

    # ------------------------------------------------------------------------------ time, and the end

    def look_around(self) -> None:
        """No reservation outlives its expiry while servers are well."""
        if self._now_s() - self._healthy_since_s < PATIENCE_S:
            return
        latest_ms = self._now_ms() - PATIENCE_S * 1000
        for row in self._ledger.sessions.values():
            if row.state == SessionState.OPEN and row.expires_at_ms < latest_ms:
                self._blame("silence ends a session", row.session_key)
                return

    def look_at_the_end(self) -> None:
        """Everything is quiet: nothing is held, every session has its records, the books are clean."""
        for account_id, row in self._ledger.accounts.items():
            is_quiet = row.reserved_micros == 0 and row.open_sessions == 0
            self._check(is_quiet, "nothing is held for ever", f"account {account_id}")
            self._check_account(account_id)
        for session in self._ledger.sessions.values():
            self._check(session.state != SessionState.OPEN, "silence ends a session", session.session_key)
            self._check_records(session)

    def _check_records(self, row: SessionRow) -> None:
        """One detail record per paying account, and it says what the ledger says."""
        case = self._cases[row.gateway_id, row.session_key]
        for payer in self._payers[case.user]:
            place = (row.session_id, payer.account_id)
            record = self._ledger.cdrs.get(place)
            price = payer.messages if case.is_event else payer.voice
            self._check(
                (record is not None) == (price is not None), "one record per paying account", row.session_key
            )
            if record is not None:
                self._check(
                    (record.charged_micros, record.used_units) == (self._charged[place], row.used_units),
                    "the record equals the ledger",
                    f"{row.session_key}: {record.charged_micros} and {self._charged[place]}",
                )

    def can_afford(self, user: str, units: int) -> bool:
        """Whether every account of the user's chain has the price of `units` of voice."""
        for payer in self._payers[user]:
            floor = self._floors[payer.account_id][-1][1]
            price = 0 if payer.voice is None else payer.voice.of(units)
            if price and floor is not None and self._available(payer.account_id) - floor < price:
                return False
        return True

    def pick_poorest(self, users: Sequence[str]) -> str:
        """Whose own account has the least left."""
        return min(users, key=lambda user: self._available(self._payers[user][0].account_id))

    def probed(self, user: str, answer: Outcome | NoAnswer | None, *, expected: bool) -> None:
        """Everything is quiet and somebody called: whoever has the money is served, nobody else is."""
        is_served = isinstance(answer, Outcome) and answer.code.is_success
        self._check(
            isinstance(answer, Outcome) and is_served == expected,
            "a healthy server knows who has money",
            f"{user} got {answer}, expected {'service' if expected else 'a refusal'}",
        )

    def replayed(self, before: Movements, after: Movements) -> None:
        """Old reports came again: no money moved."""
        for earlier, later in zip(before, after, strict=True):
            changed = [key for key in later if later[key] != earlier.get(key)]
            self._check(not changed, "replaying anything changes nothing", str(changed))

    def _session(self, key: SessionKey) -> SessionRow | None:
        session_id = self._ledger.session_ids.get(key)
        return None if session_id is None else self._ledger.sessions[session_id]


def _key(request: ChargingRequest) -> SessionKey:
    return request.gateway.id, request.session_key


def _units(request: ChargingRequest) -> int:
    """Cumulative usage that a request reports, or the units that an event delivers."""
    if request.type is RequestType.EVENT:
        return request.requested_units or 1
    if request.usage is None:
        return 0
    return request.usage.seconds if request.service.measure is Measure.SECONDS else request.usage.messages

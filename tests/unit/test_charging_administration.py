"""What operators do: accounts, money, identities, gateways; nothing half done, nothing done twice."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from ocs.charging.administration import AccountOrder, Administration, Enrolment
from ocs.charging.master_data import identity_value
from ocs.charging.posting import ATTEMPTS_MAX
from ocs.charging.sample import ACCOUNTS, DISCOUNTS, GATEWAYS, PLANS, TARIFFS, load_sample
from ocs.errors import (
    AlreadyExistsError,
    ConflictError,
    InputError,
    InputErrors,
    NotFoundError,
    StoreUnavailableError,
)
from ocs.ports import ChangeKind, CommitResult, Decision, Gateway, Identity, IdentityKind, Plan
from ocs.quota.account import AccountKind, AccountProfile, AccountStatus
from ocs.quota.ledger import EntryKind, post
from ocs.rating.tariff import Rate, TariffTerms
from ocs.storage.memory import MemoryCatalogStore, MemoryLedgerStore
from ocs.units import VOICE, AccessCode

T = TypeVar("T")


class StoppedClock:
    """A clock that shows one time."""

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return 1_767_225_600_000


class BusyLedger(MemoryLedgerStore):
    """A ledger in which somebody else moves the account first, `rivals` times."""

    def __init__(self, rivals: int) -> None:
        super().__init__()
        self.rivals = rivals

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Let a rival's payment of 1 micro in, then commit what was asked."""
        if self.rivals:
            self.rivals -= 1
            account_id = decisions[0].accounts[0].account_id
            account = (await self.load([account_id], ())).accounts[account_id]
            entry = post(account, kind=EntryKind.PAYMENT, amount_micros=1, at_ms=1)
            account.version += 1
            await super().commit([Decision(root_id=account_id, accounts=[account.row()], entries=[entry])])
        return await super().commit(decisions)


class BrokenLedger(MemoryLedgerStore):
    """A ledger whose next commit fails."""

    is_broken = True

    async def commit(self, decisions: Sequence[Decision]) -> Sequence[CommitResult]:
        """Fail once, then work."""
        if self.is_broken:
            self.is_broken = False
            raise StoreUnavailableError("the disk is full")
        return await super().commit(decisions)


class Office:
    """Administration over memory stores."""

    def __init__(self, ledger: MemoryLedgerStore | None = None) -> None:
        self.ledger = ledger or MemoryLedgerStore()
        self.catalog = MemoryCatalogStore()
        self.administration = Administration(self.ledger, self.catalog, StoppedClock())

    def balance(self, name: str) -> int:
        """An account's balance in micros."""
        return run(self.administration.account_state(name)).live.balance_micros

    def enrol(self, *orders: AccountOrder, errors: Sequence[InputError] = ()) -> Enrolment:
        """Create many accounts."""

        async def enrol() -> Enrolment:
            enrolment = await self.administration.plan_enrolment(orders, errors)
            await self.administration.enrol(enrolment)
            return enrolment

        return run(enrol())

    def add_plan(self, name: str, currency: str = "USD") -> None:
        """A plan with one tariff of a currency."""
        tariff = run(self.catalog.save_tariff(TariffTerms(id=0, name=f"{name}-tariff", currency=currency)))
        tariffs = {(VOICE.name, AccessCode.OUTGOING): tariff.id}
        run(self.catalog.save_plan(Plan(id=0, name=name, tariffs=tariffs)))


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one use case."""
    return asyncio.run(work)


def order(name: str, **changes: Any) -> AccountOrder:
    """An order for a prepaid account."""
    fields: dict[str, Any] = {
        "place": f"line {name}",
        "profile": AccountProfile(id=0, name=name, currency=changes.pop("currency", "")),
    }
    return AccountOrder(**(fields | changes))


def username(value: str, secret: str | None = None) -> Identity:
    """A user name to be given to an account."""
    return Identity(kind=IdentityKind.USERNAME, value=value, account_id=0, secret=secret)


# ----------------------------------------------------------------------------------------- create


def test_created_account_has_its_money_and_identities() -> None:
    """Creating books the opening balance as a payment and makes the account recognisable."""
    office = Office()
    office.add_plan("retail", "EUR")

    created = run(
        office.administration.create_account(
            order("alice", plan="retail", opening_micros=10_000_000, identities=[username("al", "pw")])
        )
    )

    state = run(office.administration.account_state("alice"))
    (entry,) = run(office.ledger.list_entries(created.id))
    assert state.profile == created
    assert created.currency == "EUR"
    assert state.plan == "retail"
    assert state.live.balance_micros == 10_000_000
    assert state.available_micros == 10_000_000
    assert [one.value for one in state.identities] == ["al"]
    assert (entry.kind, entry.amount_micros, entry.request_key) == ("payment", 10_000_000, "opening")
    assert run(office.ledger.verify()) == []


def test_account_without_money_has_no_entry() -> None:
    """Nothing is booked when nothing is brought along."""
    office = Office()

    created = run(office.administration.create_account(order("carol")))

    assert run(office.ledger.list_entries(created.id)) == []
    assert created.currency == "USD"


def test_debt_can_be_brought_along() -> None:
    """A negative opening balance is an adjustment."""
    office = Office()

    created = run(office.administration.create_account(order("dave", opening_micros=-5)))

    (entry,) = run(office.ledger.list_entries(created.id))
    assert (entry.kind, entry.balance_micros) == ("adjustment", -5)


def test_child_belongs_to_its_parents_tree() -> None:
    """The parent is found by name, and shown."""
    office = Office()
    parent = run(office.administration.create_account(order("reseller")))

    child = run(office.administration.create_account(order("customer", parent="reseller")))

    assert child.root_id == parent.id
    assert run(office.administration.account_state("customer")).parent == "reseller"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"plan": "none"}, "plan 'none' does not exist"),
        ({"parent": "none"}, "parent account 'none' does not exist"),
        ({"parent": "new"}, "cannot be its own parent"),
        ({"currency": "usd"}, "'usd' is not an ISO 4217 currency code"),
        ({"plan": "retail", "currency": "EUR"}, "plan 'retail' is priced in USD, not only in EUR"),
        ({"profile": AccountProfile(id=0, name=" x")}, "' x' cannot be a name"),
        ({"profile": AccountProfile(id=0, name="x\n")}, "cannot be a name"),
        ({"profile": AccountProfile(id=0, name="x", zone="Mars/Base")}, "'Mars/Base' is not an IANA"),
        ({"profile": AccountProfile(id=0, name="x", credit_limit_micros=-1)}, "is not negative"),
    ],
)
def test_impossible_account_is_refused(changes: dict[str, Any], reason: str) -> None:
    """What cannot be is bad input at the order's place, and nothing is written."""
    office = Office()
    office.add_plan("retail")

    with pytest.raises(InputError) as caught:
        run(office.administration.create_account(order("new", **changes)))

    assert caught.value.place == "line new"
    assert reason in caught.value.reason
    assert office.catalog.accounts == {}


def test_taken_name_and_taken_identity_exist_already() -> None:
    """Names and identities are unique."""
    office = Office()
    run(office.administration.create_account(order("alice", identities=[username("al")])))

    with pytest.raises(AlreadyExistsError, match="alice"):
        run(office.administration.create_account(order("alice")))
    with pytest.raises(AlreadyExistsError, match="al"):
        run(office.administration.create_account(order("other", identities=[username("al")])))

    assert len(office.catalog.accounts) == 1


def test_unknown_account_is_not_found() -> None:
    """Asking for an account that does not exist names it."""
    with pytest.raises(NotFoundError, match="'nobody'"):
        run(Office().administration.account_state("nobody"))


# ----------------------------------------------------------------------------------------- create many


def test_many_accounts_are_created_whatever_their_order() -> None:
    """A child may stand before its parent, and more accounts than one commit takes are booked."""
    office = Office()
    orders = [order("child", parent="parent", opening_micros=3), order("parent", opening_micros=2)]
    orders += [order(f"a{number:04}", opening_micros=number + 1) for number in range(1100)]

    enrolment = office.enrol(*orders)

    assert len(enrolment.new) == 1102
    assert office.balance("child") == 3
    assert office.balance("a1099") == 1100
    assert run(office.ledger.verify()) == []


def test_every_bad_order_is_listed_and_nothing_written() -> None:
    """All that is wrong is found in one pass; the good orders are not carried out either."""
    office = Office()
    run(office.administration.create_account(order("taken", identities=[username("al")])))
    orders = [
        order("good"),
        order("a", plan="none"),
        order("taken", opening_micros=5, profile=AccountProfile(id=0, name="taken", zone="Asia/Tokyo")),
        order("b", identities=[username("al")]),
        order("good", place="line again"),
        order("c", identities=[username("twin")]),
        order("d", identities=[username("twin")]),
    ]

    with pytest.raises(InputErrors) as caught:
        office.enrol(*orders, errors=[InputError("line 0", "is unreadable")])

    assert sorted(str(error) for error in caught.value.errors) == [
        "line 0: is unreadable",
        "line a: plan 'none' does not exist",
        "line again: account 'good' stands at line good already",
        "line b: username 'al' belongs to another account",
        "line d: username 'twin' stands at line c already",
        "line taken: account 'taken' already exists and is not the same",
    ]
    assert [profile.name for profile in office.catalog.accounts.values()] == ["taken"]


def test_accounts_cannot_be_each_others_ancestors() -> None:
    """A circle of parents is refused."""
    office = Office()

    with pytest.raises(InputError, match="own ancestors"):
        office.enrol(order("a", parent="b"), order("b", parent="a"))

    assert office.catalog.accounts == {}


def test_same_orders_again_change_nothing() -> None:
    """Repeating an import finds everything present, addresses and ranges included."""
    office = Office()
    address = Identity(kind=IdentityKind.IP, value="192.0.2.0/24", account_id=0)
    host = Identity(kind=IdentityKind.IP, value="192.0.2.0/32", account_id=0)
    orders = [
        order("a", opening_micros=7, identities=[username("a", "pw"), address]),
        order("b", parent="a", identities=[host]),
    ]
    office.enrol(*orders)
    changes = len(office.catalog.changes)

    enrolment = office.enrol(*orders)

    assert enrolment.new == []
    assert [present.profile.name for present in enrolment.present] == ["a", "b"]
    assert office.balance("a") == 7
    assert len(office.catalog.changes) == changes


def test_interrupted_import_is_completed_by_running_it_again() -> None:
    """When the ledger fails after the catalogue was written, the second run books what is missing, once."""
    office = Office(BrokenLedger())
    orders = [order("a", opening_micros=7, identities=[username("al")]), order("b")]
    with pytest.raises(StoreUnavailableError):
        office.enrol(*orders)
    assert office.balance("a") == 0
    assert office.catalog.identities == {}

    office.enrol(*orders)
    office.enrol(*orders)

    assert office.balance("a") == 7
    assert [one.value for one in run(office.administration.account_state("a")).identities] == ["al"]
    assert run(office.ledger.verify()) == []


def test_existing_account_with_other_money_is_not_the_same() -> None:
    """Importing brings no money to an account that has movements of its own."""
    office = Office()
    office.enrol(order("rich", opening_micros=5), order("poor"))
    run(office.administration.treasury.pay("poor", 1, key="k"))

    for again in (order("rich", opening_micros=6), order("rich"), order("poor", opening_micros=5)):
        with pytest.raises(InputErrors, match="is not the same"):
            office.enrol(again)

    assert (office.balance("rich"), office.balance("poor")) == (5, 1)


def test_existing_account_with_another_secret_is_not_the_same() -> None:
    """Importing never changes an account that is there."""
    office = Office()
    office.enrol(order("a", identities=[username("a", "old")]))

    with pytest.raises(InputErrors, match="is not the same"):
        office.enrol(order("a", identities=[username("a", "new")]))


# ----------------------------------------------------------------------------------------- top up


def test_top_up_moves_the_balance_and_wakes_running_servers() -> None:
    """A payment is an entry, and a change that servers poll."""
    office = Office()
    alice = run(office.administration.create_account(order("alice", opening_micros=1)))
    seen = run(office.catalog.last_change())

    posting = run(office.administration.treasury.pay("alice", 5_000_000, key="bank-1", note="cash"))

    assert not posting.is_repeat
    assert posting.entry.balance_micros == office.balance("alice") == 5_000_001
    assert (posting.entry.kind, posting.entry.note) == ("payment", "cash")
    (change,) = run(office.catalog.changes_after(seen))
    assert (change.kind, change.object_id) == (ChangeKind.ACCOUNT, alice.id)


def test_same_key_pays_once() -> None:
    """A retried payment returns the first entry; another amount under its key is refused."""
    office = Office()
    run(office.administration.create_account(order("alice")))
    first = run(office.administration.treasury.pay("alice", 5, key="k"))

    again = run(office.administration.treasury.pay("alice", 5, key="k"))

    assert again.is_repeat
    assert again.entry == first.entry
    with pytest.raises(AlreadyExistsError, match="'k'"):
        run(office.administration.treasury.pay("alice", 6, key="k"))
    assert office.balance("alice") == 5


def test_same_key_of_another_account_is_another_payment() -> None:
    """Keys are the account's own."""
    office = Office()
    for name in ("alice", "bob"):
        run(office.administration.create_account(order(name)))
        run(office.administration.treasury.pay(name, 5, key="k"))

    assert office.balance("bob") == 5


def test_payment_is_decided_again_when_the_account_moved() -> None:
    """A conflict is read again and loses nothing: neither the rival's money nor ours."""
    ledger = BusyLedger(0)
    office = Office(ledger)
    run(office.administration.create_account(order("alice", opening_micros=100)))
    ledger.rivals = 3

    run(office.administration.treasury.pay("alice", 50, key="k"))

    assert office.balance("alice") == 153
    assert run(office.ledger.verify()) == []


def test_payment_gives_up_when_the_account_never_rests() -> None:
    """The retries are bounded; what was not booked is reported as a conflict."""
    ledger = BusyLedger(0)
    office = Office(ledger)
    run(office.administration.create_account(order("alice", opening_micros=100)))
    ledger.rivals = ATTEMPTS_MAX + 1

    with pytest.raises(ConflictError, match="too busy"):
        run(office.administration.treasury.pay("alice", 50, key="k"))

    assert office.balance("alice") == 100 + ATTEMPTS_MAX


@pytest.mark.parametrize(("amount_micros", "key"), [(0, "k"), (-5, "k"), (5, ""), (5, "opening")])
def test_impossible_payment_is_bad_input(amount_micros: int, key: str) -> None:
    """A payment is above 0 and has a key that is not the opening's."""
    office = Office()
    run(office.administration.create_account(order("alice")))

    with pytest.raises(InputError):
        run(office.administration.treasury.pay("alice", amount_micros, key=key))

    assert office.balance("alice") == 0


# ----------------------------------------------------------------------------------------- the rest


def test_update_changes_what_is_given() -> None:
    """Other master data stays, and the plan comes by name."""
    office = Office()
    office.add_plan("retail")
    office.add_plan("abroad", "EUR")
    run(office.administration.create_account(order("alice")))

    run(office.administration.update_account("alice", {"status": AccountStatus.BLOCKED}, plan="retail"))

    state = run(office.administration.account_state("alice"))
    assert (state.profile.status, state.plan, state.profile.currency) == (
        AccountStatus.BLOCKED,
        "retail",
        "USD",
    )
    with pytest.raises(InputError, match="priced in EUR"):
        run(office.administration.update_account("alice", {}, plan="abroad"))
    with pytest.raises(InputError, match="IANA"):
        run(office.administration.update_account("alice", {"zone": "nowhere"}))


def test_identity_is_added_with_a_plan_of_its_own() -> None:
    """An identity's plan comes by name; a taken value exists already."""
    office = Office()
    office.add_plan("special")
    run(office.administration.create_account(order("alice")))

    added = run(office.administration.add_identity("alice", username("al"), plan="special"))

    assert added.plan_id == run(office.administration.plan("special")).id
    assert run(office.catalog.find_identity(IdentityKind.USERNAME, "al")) == added
    with pytest.raises(AlreadyExistsError):
        run(office.administration.add_identity("alice", username("al")))
    with pytest.raises(NotFoundError):
        run(office.administration.add_identity("nobody", username("x")))
    with pytest.raises(InputError, match="plan 'none'"):
        run(office.administration.add_identity("alice", username("x"), plan="none"))


def test_gateway_gets_a_canonical_address() -> None:
    """Addresses are checked and kept in one form; two gateways do not share one."""
    office = Office()

    host = run(office.administration.add_gateway(Gateway(id=0, name="a", address="192.0.2.1/32", secret="x")))
    net = run(office.administration.add_gateway(Gateway(id=0, name="b", address="2001:DB8::/32", secret="x")))
    local = run(office.administration.add_gateway(Gateway(id=0, name="c")))

    assert (host.address, net.address, local.address) == ("192.0.2.1", "2001:db8::/32", "")
    with pytest.raises(AlreadyExistsError, match=r"192\.0\.2\.1"):
        run(office.administration.add_gateway(Gateway(id=0, name="d", address="192.0.2.1", secret="x")))
    with pytest.raises(AlreadyExistsError, match="'a'"):
        run(office.administration.add_gateway(Gateway(id=0, name="a")))


@pytest.mark.parametrize(
    "gateway",
    [
        Gateway(id=0, name="g", address="192.0.2.1"),
        Gateway(id=0, name="g", address="192.0.2.1/24", secret="x"),
        Gateway(id=0, name="g", address="host.example", secret="x"),
        Gateway(id=0, name="", address=""),
        Gateway(id=0, name="g", zone="nowhere"),
    ],
)
def test_impossible_gateway_is_bad_input(gateway: Gateway) -> None:
    """A RADIUS gateway has a secret and an address that is one; zone and name can be."""
    office = Office()

    with pytest.raises(InputError):
        run(office.administration.add_gateway(gateway))

    assert office.catalog.gateways == {}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (IdentityKind.USERNAME, " Alice ", "Alice"),
        (IdentityKind.ANI, "+1 (202) 555-0100", "12025550100"),
        (IdentityKind.DID, "44.2079.460123", "442079460123"),
        (IdentityKind.IP, "192.0.2.1", "192.0.2.1/32"),
        (IdentityKind.IP, "2001:DB8::/48", "2001:db8::/48"),
    ],
)
def test_identity_value_has_one_form(kind: IdentityKind, text: str, value: str) -> None:
    """Values are kept in the form that requests are compared with."""
    assert identity_value(kind, text, "here") == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (IdentityKind.USERNAME, "  "),
        (IdentityKind.USERNAME, "x" * 101),
        (IdentityKind.ANI, "anonymous"),
        (IdentityKind.DID, "+"),
        (IdentityKind.IP, "192.0.2.1/24"),
        (IdentityKind.IP, "alice"),
    ],
)
def test_impossible_identity_value_is_bad_input(kind: IdentityKind, text: str) -> None:
    """What cannot be a value of its kind is refused at its place."""
    with pytest.raises(InputError, match="here"):
        identity_value(kind, text, "here")


# ----------------------------------------------------------------------------------------- sample


def test_sample_is_added_once() -> None:
    """The sample has tariffs, plans, accounts with their money and gateways; again it adds nothing."""
    office = Office()

    added = run(load_sample(office.administration, office.catalog))
    again = run(load_sample(office.administration, office.catalog))

    assert len(added) == len(TARIFFS) + len(PLANS) + len(DISCOUNTS) + len(ACCOUNTS) + len(GATEWAYS)
    assert again == []
    assert office.balance("alice") == 10_000_000
    assert run(office.administration.account_state("dave")).profile.kind is AccountKind.POSTPAID
    assert run(office.administration.account_state("erin")).parent == "nova-reseller"
    assert run(office.ledger.verify()) == []


def test_sample_leaves_what_is_there_alone() -> None:
    """A changed account or price under a sample's name stands; only what is missing is added."""
    office = Office()
    run(load_sample(office.administration, office.catalog))
    run(office.administration.update_account("alice", {"status": AccountStatus.BLOCKED}))
    (tariff,) = [one for one in run(office.catalog.load_tariffs()) if one.name == "messages"]
    mine = Rate(destination="MSG", hidden=True)
    run(office.catalog.write_rates(tariff.id, [mine]))
    office.catalog.gateways.clear()

    added = run(load_sample(office.administration, office.catalog))

    assert added == [f"gateway {gateway.name}" for gateway in GATEWAYS]
    assert run(office.administration.account("alice")).status is AccountStatus.BLOCKED
    assert office.catalog.rates[tariff.id]["MSG", 0] == mine


def test_half_written_sample_tariff_is_completed() -> None:
    """A tariff whose rates were never written gets them at the next run."""
    office = Office()
    terms, rates = TARIFFS[0]
    run(office.catalog.save_tariff(replace(terms)))

    added = run(load_sample(office.administration, office.catalog))

    assert f"tariff {terms.name}" in added
    assert len(office.catalog.rates[1]) == len(rates)

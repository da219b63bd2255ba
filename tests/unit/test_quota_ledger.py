"""The ledger's verbs: each moves exactly what it says."""

from ocs.quota.account import Account, AccountKind, AccountProfile
from ocs.quota.ledger import EntryKind, debit, post, release, reserve
from ocs.quota.session import Reservation


def funded(balance: int = 1000) -> tuple[Account, Reservation]:
    """An account with a balance and a reservation that holds nothing."""
    account = Account(1)
    post(account, kind=EntryKind.PAYMENT, amount_micros=balance, at_ms=0)
    return account, Reservation(session_id=9, account_id=1, ordinal=0, snapshot_id=5)


def test_reserving_replaces_what_was_held() -> None:
    """New grants replace held ones; releasing gives everything back, twice as well as once."""
    account, held = funded()

    reserve(account, held, 300)
    reserve(account, held, 200)
    assert (account.reserved_micros, account.available_micros(0)) == (200, 800)
    release(account, held)
    release(account, held)

    assert (account.reserved_micros, account.balance_micros) == (0, 1000)


def test_a_debit_brings_the_total_up_and_its_repetition_moves_nothing() -> None:
    """The entry is the difference to what was paid; the reservation shrinks by it."""
    account, held = funded()
    reserve(account, held, 300)

    first = debit(account, held, total_micros=200, floor_micros=0, at_ms=1)
    again = debit(account, held, total_micros=200, floor_micros=0, at_ms=2)

    assert first is not None
    assert (first.number, first.amount_micros, first.balance_micros, first.overrun_micros) == (
        2,
        -200,
        800,
        0,
    )
    assert again is None
    assert (held.reserved_micros, account.reserved_micros, account.entries) == (100, 100, 2)


def test_a_smaller_total_gives_money_back() -> None:
    """A settled price below the assumed one, or a payback, moves the balance up."""
    account, held = funded()
    debit(account, held, total_micros=500, floor_micros=0, at_ms=1)

    entry = debit(account, held, total_micros=-50, floor_micros=0, at_ms=2)

    assert entry is not None
    assert (entry.amount_micros, account.balance_micros, held.debited_micros) == (550, 1050, -50)


def test_what_passes_the_floor_is_recorded_as_overrun() -> None:
    """Usage is always charged; the part beyond the money is marked, and never more than the debit itself."""
    account, held = funded(100)

    first = debit(account, held, total_micros=150, floor_micros=0, at_ms=1)
    second = debit(account, held, total_micros=180, floor_micros=0, at_ms=2)

    assert first is not None
    assert second is not None
    assert (first.overrun_micros, second.overrun_micros, held.overrun_micros) == (50, 30, 80)
    assert account.balance_micros == -80


def test_an_unlimited_account_never_overruns() -> None:
    """Postpaid without a credit limit has no floor; prepaid's is zero, or minus its credit limit."""
    account, held = funded(0)
    entry = debit(account, held, total_micros=10**9, floor_micros=None, at_ms=1)

    assert entry is not None
    assert entry.overrun_micros == 0
    postpaid = AccountProfile(id=1, name="p", kind=AccountKind.POSTPAID)
    assert postpaid.floor_micros is None
    assert AccountProfile(id=1, name="p").floor_micros == 0
    assert AccountProfile(id=1, name="p", credit_limit_micros=7).floor_micros == -7

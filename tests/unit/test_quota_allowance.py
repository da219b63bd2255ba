"""Pools and shares: what is left, what is booked, and when a pool is gone."""

from collections.abc import Sequence

import pytest

from ocs.quota.account import Account
from ocs.quota.allowance import (
    RETAINED_DAYS,
    Share,
    read_pools,
    read_shares,
    replace_shares,
    room,
    write_shares,
)

UNTIL = 100
SHARE = Share(
    account_id=1,
    counter="7/minutes",
    label="gold: minutes",
    per_set=0,
    ladder=0,
    level=0,
    first=70,
    until=UNTIL,
    quantity=600,
    off_ppm=1_000_000,
    counts_money=0,
    promised=1,
)
NAME = "7/minutes|0|0|70"


def book(account: Account, before: Sequence[Share], after: Sequence[Share], today: int = 80) -> None:
    """Replace shares of the one account."""
    replace_shares(before, after, find_account=lambda _: account, today=today)


def test_shares_are_written_and_read() -> None:
    """Every field; none is an empty text."""
    shares = (SHARE._replace(taken=5, held=7, quantity=None), SHARE._replace(label="zažít ‖ Ω"))

    assert read_shares(write_shares(shares)) == shares
    assert (write_shares([]), read_shares("")) == ("", ())


def test_a_pool_is_the_sum_of_its_shares() -> None:
    """Replacing a share moves the sums by the difference; the same again changes nothing."""
    account = Account(1)
    mine, other = SHARE._replace(taken=10, held=20), SHARE._replace(taken=1, held=2)
    book(account, [], [mine])
    book(account, [], [other])
    assert read_pools(account) == {NAME: (11, 22, UNTIL)}
    grown = mine._replace(taken=25, held=0)
    book(account, [mine], [grown])
    book(account, [grown], [grown])
    assert read_pools(account) == {NAME: (26, 2, UNTIL)}
    book(account, [grown, other], [])
    assert account.counters == ""


@pytest.mark.parametrize(
    ("own", "others", "left"),
    [
        ((0, 0), (0, 0), 600),
        ((10, 20), (0, 0), 600),
        ((10, 20), (100, 50), 450),
        ((0, 0), (500, 100), 0),
        ((10, 20), (600, 0), 30),
        ((0, 0), (700, 0), 0),
    ],
)
def test_room_is_what_others_leave(own: tuple[int, int], others: tuple[int, int], left: int) -> None:
    """What the share has is its own, whatever it has of it; a plan that shrank leaves it that."""
    account = Account(1)
    mine = SHARE._replace(taken=own[0], held=own[1])
    book(account, [], [mine])
    book(account, [], [SHARE._replace(taken=others[0], held=others[1])])

    assert room(mine, read_pools(account), today=80) == left


def test_a_level_without_bound_has_no_end() -> None:
    """It is counted all the same."""
    account = Account(1)
    endless = SHARE._replace(quantity=None, taken=10**9)
    book(account, [], [endless])

    assert room(endless, read_pools(account), today=80) is None
    assert read_pools(account)[NAME].taken == 10**9


def test_a_pool_is_kept_a_week_after_its_end() -> None:
    """Then it goes, unless something is held of it; whoever comes later has what it had."""
    account = Account(1)
    mine, holding = SHARE._replace(taken=10), SHARE._replace(held=5)
    other = SHARE._replace(counter="7/other", taken=1, until=0, first=0)
    book(account, [], [mine, holding])
    book(account, [], [other], today=UNTIL + RETAINED_DAYS - 1)
    assert NAME in read_pools(account)
    book(account, [other], [other], today=UNTIL + RETAINED_DAYS)
    assert NAME in read_pools(account), "a session holds some of it"
    book(account, [holding], [holding._replace(held=0)], today=UNTIL + RETAINED_DAYS)
    assert NAME not in read_pools(account)
    assert room(mine, read_pools(account), today=UNTIL + RETAINED_DAYS) == 10
    book(account, [mine], [mine._replace(taken=4)], today=UNTIL + RETAINED_DAYS)
    assert NAME not in read_pools(account), "what is known of it is not all of it"
    assert read_pools(account) == {"7/other|0|0|0": (1, 0, 0)}


def test_counters_of_two_accounts_are_apart() -> None:
    """A session may share its customer's pool and have one of its own."""
    own, customer = Account(1), Account(2)
    accounts = {1: own, 2: customer}
    shares = [SHARE._replace(taken=1), SHARE._replace(account_id=2, counter="c7/minutes", taken=2)]
    replace_shares([], shares, find_account=accounts.__getitem__, today=80)

    assert read_pools(own) == {NAME: (1, 0, UNTIL)}
    assert read_pools(customer) == {"c7/minutes|0|0|70": (2, 0, UNTIL)}

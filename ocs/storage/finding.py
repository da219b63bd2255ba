"""What an audit of the books can find, as sentences: every store words the same damage alike."""

from typing import NamedTuple

from ocs.units import format_money


class Finding(NamedTuple):
    """One difference between a record and what it should be; sorts by account."""

    account_id: int
    sentence: str

    def __str__(self) -> str:
        return f"account {self.account_id}: {self.sentence}"


def wrong_balance(account_id: int, *, recorded_micros: int, entries_micros: int) -> Finding:
    """The balance is not the sum of the entries."""
    return Finding(
        account_id,
        f"balance is {format_money(recorded_micros)}, its entries sum to {format_money(entries_micros)}",
    )


def wrong_entry_count(account_id: int, *, recorded: int, found: int) -> Finding:
    """The account counted another number of entries."""
    return Finding(account_id, f"{recorded} ledger entries were counted, {found} are stored")


def wrong_number(account_id: int, *, number: int, expected: int) -> Finding:
    """Entry numbers have a gap."""
    return Finding(account_id, f"entry {number} stands where entry {expected} is expected")


def wrong_running_balance(account_id: int, *, number: int, recorded_micros: int, sum_micros: int) -> Finding:
    """An entry's balance is not the sum up to it."""
    return Finding(
        account_id,
        f"entry {number} says balance {format_money(recorded_micros)}, "
        f"entries up to it sum to {format_money(sum_micros)}",
    )


def wrong_reserved(account_id: int, *, recorded_micros: int, held_micros: int) -> Finding:
    """The reserved sum is not what open sessions hold."""
    return Finding(
        account_id,
        f"reserved is {format_money(recorded_micros)}, its open sessions hold {format_money(held_micros)}",
    )


def wrong_open_sessions(account_id: int, *, recorded: int, found: int) -> Finding:
    """The account counted another number of open sessions."""
    return Finding(account_id, f"{recorded} open sessions were counted, {found} are open")


def held_after_end(account_id: int, *, session_id: int, held_micros: int) -> Finding:
    """An ended session still holds money."""
    return Finding(account_id, f"session {session_id} has ended and still holds {format_money(held_micros)}")


def wrong_debited(account_id: int, *, session_id: int, recorded_micros: int, charged_micros: int) -> Finding:
    """A reservation's debited sum is not what was charged for the session."""
    return Finding(
        account_id,
        f"session {session_id} has debited {format_money(recorded_micros)}, "
        f"its charges sum to {format_money(charged_micros)}",
    )


def wrong_open_kind(account_id: int, *, kind: str, recorded: int, found: int) -> Finding:
    """The account counted another number of open sessions of a kind."""
    return Finding(account_id, f"{recorded} open {kind} sessions were counted, {found} are open")


def wrong_open_by_identity(account_id: int, *, recorded: str, found: str) -> Finding:
    """The account counted other open sessions of its limited identities."""
    return Finding(
        account_id, f"open sessions by identity were counted as {recorded or '{}'}, open are {found or '{}'}"
    )


def wrong_refunded(account_id: int, *, session_id: int, recorded_micros: int, refunds_micros: int) -> Finding:
    """A reservation's refunded sum is not what was refunded for the session."""
    return Finding(
        account_id,
        f"session {session_id} has refunded {format_money(recorded_micros)}, "
        f"its refunds sum to {format_money(refunds_micros)}",
    )


def wrong_pool(account_id: int, *, pool: str, recorded: tuple[int, int], found: tuple[int, int]) -> Finding:
    """An allowance's counter is not what its sessions have of it: (taken, held)."""
    return Finding(
        account_id,
        f"allowance {pool} counts {recorded[0]} taken and {recorded[1]} held, "
        f"its sessions have {found[0]} and {found[1]}",
    )


def allowance_after_end(account_id: int, *, session_id: int, pool: str, held: int) -> Finding:
    """An ended session still holds a part of an allowance."""
    return Finding(account_id, f"session {session_id} has ended and still holds {held} of allowance {pool}")

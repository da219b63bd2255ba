"""How much is granted and what is held for it (charging section 4). Pure.

A grant is planned for the whole payer chain: the session's total may grow to the smallest total that
every payer can afford. New grants replace held ones, so a plan is made from all the money a payer may put
into the session, what it holds and has paid for it included.
"""

from collections.abc import Sequence
from dataclasses import replace

from ocs.charging.outcome import OutcomeCode
from ocs.charging.situation import Payer
from ocs.ports import GrantMode, GrantPolicy
from ocs.quota.ledger import reserve
from ocs.units import Measure, Service


def with_slices(policy: GrantPolicy, slice_s: int) -> GrantPolicy:
    """The policy for a timed session whose equipment asks again by itself after so many seconds."""
    return replace(policy, mode=GrantMode.SLICE, slice_s=slice_s)


class Ask:
    """How many units to grant and to hold beyond the usage so far, by policy and request."""

    __slots__ = ("longest_units", "margin_units", "min_units", "want_units")

    def __init__(self, *, want_units: int, margin_units: int, min_units: int, longest_units: int) -> None:
        self.want_units = want_units
        self.margin_units = margin_units
        self.min_units = min_units
        self.longest_units = longest_units
        "Total that no session may pass."


def ask_for(policy: GrantPolicy, service: Service, requested_units: int | None) -> Ask:
    """What the policy gives for a service; wanted units above it are capped."""
    whole = policy.mode is GrantMode.WHOLE
    if service.measure is Measure.SECONDS:
        most = policy.max_grant_s if whole else policy.slice_s
        margin, least, longest = policy.margin_s, policy.min_grant_s, policy.session_max_s
    elif service.measure is Measure.OCTETS:
        most = policy.max_grant_octets if whole else policy.slice_octets
        margin, least, longest = policy.margin_octets, policy.min_grant_octets, 2**62
    else:
        most = policy.max_grant_messages if whole else policy.slice_messages
        margin, least, longest = 0, 1, 2**62
    want = most if requested_units is None else min(requested_units, most)
    return Ask(
        want_units=want,
        margin_units=0 if whole else margin,
        min_units=min(least, want),
        longest_units=longest,
    )


class Grant:
    """A plan: what the session's total may become, and what each payer must hold for that."""

    __slots__ = ("final", "held_micros", "held_units", "refusal", "total_units")

    def __init__(
        self,
        *,
        total_units: int,
        held_units: int,
        held_micros: Sequence[int],
        final: bool,
        refusal: OutcomeCode | None,
    ) -> None:
        self.total_units = total_units
        "Cumulative; equal to the usage when nothing can be granted."
        self.held_units = held_units
        "The total that is held for: the grant and a margin."
        self.held_micros = held_micros
        "Per payer."
        self.final = final
        self.refusal = refusal
        "Why nothing can be granted."


def plan_grant(
    payers: Sequence[Payer],
    ask: Ask,
    *,
    used_units: int,
    set_index: int = 0,
    block_units: int = 1,
    unconditional: bool = False,
) -> Grant:
    """Plan the next grant of a session for its whole payer chain; changes nothing.

    Args:
        payers: from the asking account to the root.
        ask: what policy and request want.
        used_units: the session's usage, already debited.
        set_index: price set in which further volume is used.
        block_units: what is granted is rounded up to a multiple of this: the rate's rounding of volume.
        unconditional: grant what is wanted whatever the money (emergency calls); holds what there is.
    """
    longest = max(ask.longest_units, used_units)
    target = min(-(-(used_units + ask.want_units) // block_units) * block_units, longest)
    held_total = min(target + ask.margin_units, longest)
    costs, bound = _costs(payers, held_total, set_index)
    if unconditional or bound >= held_total:
        return Grant(
            total_units=target,
            held_units=held_total,
            held_micros=_held(payers, costs),
            final=target == used_units,
            refusal=None,
        )
    bound = max(bound, used_units)
    if bound - used_units < ask.min_units:
        return Grant(
            total_units=used_units,
            held_units=used_units,
            held_micros=[payer.reservation.reserved_micros for payer in payers],
            final=True,
            refusal=money_refusal(payers, used_units + ask.min_units, set_index=set_index),
        )
    costs, _ = _costs(payers, bound, set_index)
    total = min(bound, target)
    return Grant(
        total_units=total,
        held_units=bound,
        held_micros=_held(payers, costs),
        final=total < target,
        refusal=None,
    )


def apply_grant(payers: Sequence[Payer], grant: Grant, *, set_index: int = 0) -> None:
    """Hold what the plan says, in place of what was held; `set_index` as in `plan_grant`."""
    for payer, held in zip(payers, grant.held_micros, strict=True):
        reserve(payer.account, payer.reservation, held)
        if payer.allowance is not None:
            payer.hold(grant.held_units, set_index=set_index)


def affordable_total(payers: Sequence[Payer], *, cap_units: int, set_index: int = 0) -> int:
    """Greatest total, at most `cap_units`, that every payer could pay at this moment; holds nothing."""
    return min(
        (payer.affordable_units(cap_units=cap_units, set_index=set_index) for payer in payers),
        default=cap_units,
    )


def money_refusal(payers: Sequence[Payer], least_units: int, *, set_index: int = 0) -> OutcomeCode:
    """Why the least grant cannot be paid: held by other sessions, nothing there, or not enough."""
    worst = OutcomeCode.INSUFFICIENT_BALANCE
    for payer in payers:
        if (
            not payer.is_charged
            or payer.affordable_units(cap_units=least_units, set_index=set_index) >= least_units
        ):
            continue
        account, reservation = payer.account, payer.reservation
        held_elsewhere = account.reserved_micros - reservation.reserved_micros
        cost = payer.price(least_units, ended=False, set_index=set_index)
        included_elsewhere = payer.allowance is not None and payer.allowance.is_held_elsewhere
        if included_elsewhere or (held_elsewhere > 0 and payer.funds_micros() + held_elsewhere >= cost):
            code = OutcomeCode.FUNDS_LOCKED
        elif account.balance_micros - (payer.link.floor_micros or 0) <= 0:
            code = OutcomeCode.ZERO_BALANCE
        else:
            code = OutcomeCode.INSUFFICIENT_BALANCE
        if code.precedence < worst.precedence:
            worst = code
    return worst


def _costs(payers: Sequence[Payer], total_units: int, set_index: int) -> tuple[list[int], int]:
    """Each payer's charge at `total_units`, and the greatest total up to it that all can afford."""
    costs = []
    bound = total_units
    for payer in payers:
        if not payer.is_charged:
            costs.append(0)
            continue
        cost = payer.price(total_units, ended=False, set_index=set_index)
        if cost > payer.funds_micros():
            bound = min(bound, payer.affordable_units(cap_units=total_units, set_index=set_index))
        costs.append(cost)
    return costs, bound


def _held(payers: Sequence[Payer], costs: Sequence[int]) -> list[int]:
    """What each payer must hold so that a charge of `costs` is covered; never more than it has."""
    return [
        max(0, min(cost, payer.funds_micros()) - payer.reservation.debited_micros) if cost else 0
        for payer, cost in zip(payers, costs, strict=True)
    ]

"""The simulation once more, with accounts that have included minutes: of their own, and of their customer.

What the auditor asks besides: nothing is promised twice, a session pays for what it did not take, and what is
included is given without money. Prices are those of `ocs` less what the session's record says it took; that
the records add up to the counters is for `ocs ledger verify`, at the end.
"""

from collections.abc import Sequence
from typing import Final

from simulation.auditor import LAG_S, Auditor, Case, Payer, Price
from simulation.scenario import Simulation

from ocs.charging.outcome import Outcome
from ocs.charging.request import ChargingRequest
from ocs.ports import DiscountAssignment
from ocs.quota.account import Account
from ocs.quota.allowance import Share, read_pools, read_shares
from ocs.quota.session import ReservationRow, SessionRow
from ocs.rating.discount import DiscountPlan, DiscountRule, Level, Owner
from ocs.rating.reset import ResetCycle
from ocs.units import MILLIS_PER_SECOND

ALL_OFF: Final = 1_000_000
INCLUDED_S: Final = {"hot": 90, "company": 150}
"By the account that has the counters: a day's of its own, and for good for all of its accounts."
CUSTOMER_OF: Final = {"staff": "company"}
DAY_MS: Final = 86_400 * MILLIS_PER_SECOND


class AllowanceAuditor(Auditor):
    """Watches allowances too."""

    _included: dict[int, int]
    "By account id."
    _holders: dict[str, int]
    "User -> account that has the counters."
    _shares: dict[int, Sequence[Share]]
    "By account id, of the session that is looked at."

    def include(self, holders: dict[str, int], included: dict[int, int]) -> None:
        """Who draws on which account, and how many seconds each has."""
        self._holders, self._included, self._shares = holders, included, {}

    def _check_session(self, row: SessionRow, reservations: Sequence[ReservationRow]) -> None:
        self._shares = {held.account_id: read_shares(held.allowance) for held in reservations}
        super()._check_session(row, reservations)
        self._shares = {}

    def _check_account(self, account_id: int) -> None:
        super()._check_account(account_id)
        account = Account(*self._ledger.accounts[account_id])
        for name, pool in read_pools(account).items():
            self._check(
                pool.taken >= 0 and pool.held >= 0 and pool.taken + pool.held <= self._included[account_id],
                "nothing is promised twice",
                f"account {account_id}: {name} {pool}",
            )

    def _check_grant(self, request: ChargingRequest, case: Case, answer: Outcome) -> None:
        row = self._session((request.gateway.id, request.session_key))
        parts = {} if row is None else self._ledger.reservations[row.session_id]
        # What is granted may use all that the session has and holds.
        self._shares = {
            key: [share._replace(taken=share.taken + share.held) for share in read_shares(held.allowance)]
            for key, held in parts.items()
        }
        super()._check_grant(request, case, answer)
        self._shares = {}

    def _check_service(self, user: str, request: ChargingRequest, answer: Outcome) -> None:
        row = self._session((request.gateway.id, request.session_key))
        if row is not None and row.updated_at_ms < self._now_ms() - LAG_S * MILLIS_PER_SECOND:
            # The stored answer of what was decided before, whatever became of the account since.
            return
        super()._check_service(user, request, answer)

    def _price(self, case: Case, payer: Payer, units: int) -> int:
        taken = sum(share.taken for share in self._shares.get(payer.account_id, ()))
        if case.is_event or payer.voice is None or not taken:
            return super()._price(case, payer, units)
        return _price_beyond(payer.voice, units, taken)

    def can_afford(self, user: str, units: int) -> bool:
        """Whether money, or what is left of the allowance, is there for `units` of voice."""
        holder = self._holders.get(user)
        payer = self._payers[user][0]
        if holder is None or payer.voice is None or units == 0:
            return super().can_afford(user, units)
        due = _price_beyond(payer.voice, units, self._left_s(holder))
        floor = self._floors[payer.account_id][-1][1]
        return due <= 0 or floor is None or self._available(payer.account_id) - floor >= due

    def _left_s(self, account_id: int) -> int:
        row = self._ledger.accounts.get(account_id)
        today = self._now_ms() // DAY_MS
        pools = {} if row is None else read_pools(Account(*row))
        used = sum(
            pool.taken + pool.held
            for name, pool in pools.items()
            if name.rpartition("|")[2] in ("0", str(today))
        )
        return self._included[account_id] - used


class AllowanceSimulation(Simulation):
    """The cast, some of them with included minutes."""

    auditor_type = AllowanceAuditor

    async def set_up(self) -> None:
        """Discount plans, before anybody calls."""
        await super().set_up()
        catalog = self.connection.catalog
        ids = {}
        for name, included_s in INCLUDED_S.items():
            profile = await catalog.find_account(name)
            assert profile is not None, name
            ids[name] = profile.id
            is_customer = name in CUSTOMER_OF.values()
            rule = DiscountRule(
                name="minutes",
                prefixes=("44",),
                ladders=((Level(included_s, ALL_OFF),),),
                reset=ResetCycle.NEVER if is_customer else ResetCycle.DAILY,
            )
            plan = await catalog.save_discount_plan(DiscountPlan(name=name, rules=(rule,)))
            await catalog.assign_discount(
                DiscountAssignment(
                    discount_plan_id=plan.id,
                    owner=Owner.CUSTOMER if is_customer else Owner.ACCOUNT,
                    account_id=profile.id,
                )
            )
        holders = {user: ids[holder] for user, holder in CUSTOMER_OF.items()} | {"hot": ids["hot"]}
        assert isinstance(self.auditor, AllowanceAuditor)
        self.auditor.include(holders, {ids[name]: seconds for name, seconds in INCLUDED_S.items()})
        for node in self.nodes:
            await node.stop()
            await node.boot()


def _price_beyond(price: Price, units: int, included: int) -> int:
    """Price of the billed seconds that are not included, to five decimals, halves away from zero."""
    billed = -(-units // price.interval_s) * price.interval_s
    paid = max(0, billed - included)
    return (paid * price.micros + 300) // 600 * 10

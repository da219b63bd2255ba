"""Everything one decision looks at, gathered before it starts: prefetch, then decide.

Owns: the in-memory form of a payer chain (`Link`, `Payer`) and the bundle of one request (`Situation`).
"""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from ocs.charging.allowance import Allowance, Assigned
from ocs.charging.outcome import OutcomeCode
from ocs.ports import Identity, Plan
from ocs.quota.account import Account, AccountProfile, AccountStatus
from ocs.quota.session import Reservation, Session
from ocs.rating.affordable import affordable
from ocs.rating.applied import AppliedRate
from ocs.rating.discount import Discounts
from ocs.rating.price import Priced, price
from ocs.rating.selection import OnNet
from ocs.units import MILLIS_PER_SECOND

UNLIMITED: Final = 2**62
"Funds of an account without a credit limit, in micros."


@dataclass(frozen=True, slots=True)
class Link:
    """One account of a payer chain with what its master data means."""

    profile: AccountProfile
    zone: ZoneInfo
    floor_micros: int | None
    "The lowest balance allowed; None: no limit."
    plan: Plan | None
    "The plan it pays by; None: it only counts the session, somebody above it pays."
    assigned: tuple[Assigned, ...] = ()
    "Discount plans that the account itself has; those of its plan are found by the plan."
    payback_tariff_id: int = 0
    "Out-payment tariff of the DID that is called: prices calls to it; 0: the plan does."


class Situation:
    """The records of one request; `links` and `accounts` run from the asking account to the root."""

    __slots__ = ("accounts", "identity", "links", "network", "on_net", "session")

    def __init__(
        self,
        *,
        identity: Identity | None,
        links: tuple[Link, ...],
        accounts: list[Account],
        session: Session | None,
        on_net: OnNet = OnNet.NO,
        network: str = "",
    ) -> None:
        self.identity = identity
        self.links = links
        self.accounts = accounts
        self.session = session
        self.on_net = on_net
        "How near the other party is, where a tariff of the chain asks for it."
        self.network = network
        "MCC and MNC of a message's recipient, as the request says."

    def find_account(self, account_id: int) -> Account:
        """The account of the chain with this id."""
        return next(account for account in self.accounts if account.account_id == account_id)


class Payer:
    """One account's part in pricing one session."""

    __slots__ = ("account", "allowance", "applied", "link", "reservation", "session")

    def __init__(
        self,
        *,
        session: Session,
        link: Link,
        account: Account,
        applied: AppliedRate | None,
        reservation: Reservation,
        allowance: Allowance | None = None,
    ) -> None:
        self.session = session
        self.link = link
        self.account = account
        self.applied = applied
        "None: the account only counts the session."
        self.reservation = reservation
        self.allowance = allowance
        "None: no discount applies."

    @property
    def is_charged(self) -> bool:
        """Whether money can leave this account for the session."""
        applied = self.applied
        return applied is not None and not (applied.is_free or applied.is_payback)

    def funds_micros(self) -> int:
        """Money that may go into this session's whole charge: free, held for it, and already paid for it."""
        floor = self.link.floor_micros
        if floor is None:
            return UNLIMITED
        account, reservation = self.account, self.reservation
        funds_micros = (
            account.balance_micros
            - account.reserved_micros
            + reservation.reserved_micros
            + reservation.debited_micros
            - floor
        )
        if self.allowance is not None:
            # What costs nothing more, because it is included, is affordable whatever the balance.
            return max(funds_micros, reservation.debited_micros)
        return funds_micros

    def usage(self, total_units: int, set_index: int = 0) -> tuple[int, int, int]:
        """Usage per price set when the session's total is `total_units`.

        What the total has beyond the recorded usage falls into `set_index`. Services measured in seconds
        keep everything in the first place: their price set follows from time.
        """
        reservation = self.reservation
        set1, set2 = reservation.used_set1_units, reservation.used_set2_units
        beyond = total_units - self.session.used_units
        if set_index == 1:
            set1 += beyond
        elif set_index == 2:
            set2 += beyond
        return (total_units - set1 - set2, set1, set2)

    def price(self, total_units: int, *, ended: bool, set_index: int = 0) -> int:
        """Charge of the session at `total_units` in micros; 0 for an account that does not pay."""
        if self.applied is None:
            return 0
        return self.priced(total_units, ended=ended, set_index=set_index).amount

    def priced(self, total_units: int, *, ended: bool, set_index: int = 0, gross: bool = False) -> Priced:
        """`price` of an account that pays, with what made it; `gross`: before discounts."""
        assert self.applied is not None, "only payers have prices"
        return price(
            self.applied,
            self.usage(total_units, set_index),
            start_s=self.session.started_at_ms // MILLIS_PER_SECOND,
            zone=self.link.zone,
            ended=ended,
            discounts=() if gross else self.discounts,
        )

    def hold(self, total_units: int, *, set_index: int = 0) -> None:
        """Hold of its allowances what the session's total would take."""
        if self.allowance is not None and self.applied is not None:
            priced = self.priced(total_units, ended=False, set_index=set_index)
            self.allowance.hold(priced, self.applied)

    @property
    def discounts(self) -> Discounts:
        """The discounts of the session, with the room that other sessions leave."""
        return () if self.allowance is None else self.allowance.discounts

    def affordable_units(self, *, cap_units: int, set_index: int = 0) -> int:
        """Greatest total of the session, at a block end and at most `cap_units`, that its funds cover."""
        if self.applied is None or not self.is_charged:
            return cap_units
        return affordable(
            self.applied,
            self.funds_micros(),
            usage=self.usage(self.session.used_units),
            start_s=self.session.started_at_ms // MILLIS_PER_SECOND,
            zone=self.link.zone,
            cap_units=cap_units,
            set_index=set_index,
            discounts=self.discounts,
        )


def refuse_profile(profile: AccountProfile, now_ms: int) -> OutcomeCode | None:
    """Why an account may not be served at this moment by its master data; None: it may."""
    if profile.status is not AccountStatus.ACTIVE:
        return OutcomeCode.ACCOUNT_DENIED
    if profile.activates_at_ms is not None and now_ms < profile.activates_at_ms:
        return OutcomeCode.ACCOUNT_DENIED
    if profile.expires_at_ms is not None and now_ms >= profile.expires_at_ms:
        return OutcomeCode.ACCOUNT_EXPIRED
    return None

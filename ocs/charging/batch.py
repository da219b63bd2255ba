"""The open batch: what decisions changed since the last commit, grouped by the accounts they share.

A group is the unit that commits whole or not at all: all decisions of one batch that touched a common
account, directly or through others; normally those of one tree (customer, reseller, root). Records are
changed in place while the batch is open; `Group.seal` takes their rows, with new versions, when it is
handed to the store.
"""

from collections.abc import Callable, Iterable

from ocs.charging.notice import low_balance_notice
from ocs.charging.outcome import NoAnswer, Outcome
from ocs.charging.request import ChargingRequest
from ocs.charging.service import Reply
from ocs.ports import Cdr, Decision, Notice, ParkedReport, RateSnapshot, StoredAnswer
from ocs.quota.account import Account, AccountProfile
from ocs.quota.ledger import LedgerEntry
from ocs.quota.session import ReservationRow, Session


class Pending:
    """A request under way, kept until its outcome is durable so that it can be decided again."""

    __slots__ = ("absent", "attempts", "is_verified", "outcome", "reply", "request", "resume")

    def __init__(self, request: ChargingRequest, reply: Reply, resume: "Callable[[Pending], None]") -> None:
        self.request = request
        self.reply = reply
        self.resume = resume
        "Decides it (once more), when its records are in memory."
        self.outcome: Outcome | NoAnswer = NoAnswer.UNAVAILABLE
        self.attempts = 0
        self.absent = False
        "The store was asked for the session and has none."
        self.is_verified = False
        "The store was asked once more before a refusal that nothing but memory spoke for."


class Group:
    """Changes that are written whole or not at all."""

    __slots__ = (
        "accounts",
        "answers",
        "cdrs",
        "entries",
        "free_at_last",
        "members",
        "notices",
        "parked",
        "pending",
        "sessions",
        "snapshots",
        "unparked",
    )

    def __init__(self) -> None:
        self.members: set[int] = set()
        "Every account that a decision of this group looked at."
        self.accounts: dict[int, Account] = {}
        "The changed ones."
        self.sessions: dict[int, Session] = {}
        self.entries: list[LedgerEntry] = []
        self.cdrs: dict[tuple[int, int], Cdr] = {}
        "By (session, account): a later revision within the batch replaces an earlier one."
        self.answers: list[StoredAnswer] = []
        self.parked: list[ParkedReport] = []
        self.notices: list[Notice] = []
        self.free_at_last: dict[int, int] = {}
        "Free money of accounts when a last grant was given: more than that is money for its session."
        self.unparked: list[int] = []
        self.snapshots: dict[int, str] = {}
        self.pending: list[Pending] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be written."""
        return not (
            self.accounts or self.sessions or self.entries or self.answers or self.parked or self.unparked
        )

    def book(self, entry: LedgerEntry, profile: AccountProfile) -> None:
        """Take in a movement of money, and tell its owner when the balance fell below the threshold."""
        self.entries.append(entry)
        notice = low_balance_notice(entry, profile)
        if notice is not None:
            self.notices.append(notice)

    def absorb(self, other: "Group") -> None:
        """Take over another group's changes: a decision touched accounts of both."""
        self.members |= other.members
        self.accounts.update(other.accounts)
        self.sessions.update(other.sessions)
        self.entries += other.entries
        self.cdrs.update(other.cdrs)
        self.answers += other.answers
        self.parked += other.parked
        self.notices += other.notices
        self.unparked += other.unparked
        self.free_at_last.update(other.free_at_last)
        self.snapshots.update(other.snapshots)
        self.pending += other.pending

    def seal(self) -> Decision:
        """Give every changed record its new version and return their rows."""
        accounts = []
        for account in self.accounts.values():
            account.version += 1
            accounts.append(account.row())
        sessions = []
        reservations: list[ReservationRow] = []
        for session in self.sessions.values():
            session.version += 1
            sessions.append(session.row())
            for reservation in session.reservations:
                row = reservation.row()
                if row != reservation.sealed:
                    reservation.sealed = row
                    reservations.append(row)
        return Decision(
            accounts=accounts,
            sessions=sessions,
            reservations=reservations,
            entries=self.entries,
            cdrs=list(self.cdrs.values()),
            answers=self.answers,
            parked=self.parked,
            notices=self.notices,
            unparked=self.unparked,
            snapshots=[RateSnapshot(key, body) for key, body in self.snapshots.items()],
            audits=[one.request.audit for one in self.pending if one.request.audit is not None],
        )


class Batch:
    """Groups that will be committed together, in one durable step."""

    __slots__ = ("_owners", "groups")

    def __init__(self) -> None:
        self.groups: dict[int, Group] = {}
        "By the identity of the group."
        self._owners: dict[int, Group] = {}

    def group_of(self, account_ids: Iterable[int]) -> Group:
        """The group that owns these accounts, opened or merged from several if need be.

        Account 0 stands for work without any account.
        """
        owners = self._owners
        found: Group | None = None
        for account_id in account_ids:
            owner = owners.get(account_id)
            if owner is None or owner is found:
                continue
            if found is None:
                found = owner
            else:
                found.absorb(owner)
                del self.groups[id(owner)]
                for member in owner.members:
                    owners[member] = found
        if found is None:
            found = Group()
            self.groups[id(found)] = found
        for account_id in account_ids:
            owners[account_id] = found
            found.members.add(account_id)
        return found

    def discard_if_idle(self, group: Group) -> None:
        """Drop a group that changed nothing and that nobody waits for; refusals must not pile up."""
        if group.is_empty and not group.pending and self.groups.pop(id(group), None) is not None:
            for member in group.members:
                del self._owners[member]

    def find(self, account_ids: Iterable[int]) -> Group | None:
        """The group that owns any of these accounts."""
        for account_id in account_ids:
            owner = self._owners.get(account_id)
            if owner is not None:
                return owner
        return None

    def withdraw(self, account_ids: Iterable[int]) -> list[Group]:
        """Remove and return every group that owns one of these accounts."""
        withdrawn: list[Group] = []
        for account_id in account_ids:
            group = self._owners.get(account_id)
            if group is None:
                continue
            del self.groups[id(group)]
            for member in group.members:
                del self._owners[member]
            withdrawn.append(group)
        return withdrawn

    def dirty_account_ids(self) -> Iterable[int]:
        """Accounts whose newest state is not durable yet."""
        return (key for group in self.groups.values() for key in group.accounts)

    def dirty_session_keys(self) -> Iterable[tuple[int, str]]:
        """Sessions whose newest state is not durable yet."""
        return (
            (session.gateway_id, session.session_key)
            for group in self.groups.values()
            for session in group.sessions.values()
        )

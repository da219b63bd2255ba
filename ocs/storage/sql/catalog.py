"""`ocs.ports.CatalogStore` on SQL.

Point reads run on the calling thread, because they take microseconds; everything else in worker threads.
Every write is one transaction with its entry in the change log, and checks what it refers to first, so that
refusals can name it.
"""

import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, literal_column, select, update

from ocs.errors import AlreadyExistsError, NotFoundError
from ocs.ports import AuditEntry, Change, ChangeKind, Gateway, Identity, IdentityKind, NewAccount, Plan
from ocs.quota.account import AccountProfile, AccountStatus, CreditReset
from ocs.rating.index import Tariff
from ocs.rating.tariff import Rate, TariffTerms
from ocs.storage.enrolment import check_replacement, enrol
from ocs.storage.identity import (
    candidate_values,
    canonical_identity,
    check_no_dependent,
    check_primary,
)
from ocs.storage.sql import record, schema
from ocs.storage.sql.access import SqlAccess, add_audits
from ocs.storage.sql.database import Database
from ocs.storage.sql.destination import SqlDestinations
from ocs.storage.sql.discount import SqlDiscounts
from ocs.storage.sql.rate import (
    compile_some,
    compile_tariff,
    count_rates,
    log_change,
    rate_rows,
    read_chunk,
    write_rates,
)
from ocs.storage.sql.record import RateReader
from ocs.storage.sql.removal import (
    SqlRemoval,
    check_unchanged,
    stored_gateway,
    stored_plan,
    stored_tariff,
)
from ocs.storage.sql.statement import columns_of, select_text, slot
from ocs.storage.vault import Vault

T = TypeVar("T")

NAMES_PER_QUERY: Final = 500
"Values looked up at once."

_ACCOUNT: Final = select_text(select(schema.account).where(schema.account.c.id == slot(1)))
_ACCOUNT_BY_NAME: Final = select_text(select(schema.account).where(schema.account.c.name == slot(1)))
_IDENTITIES: Final = select_text(
    select(schema.identity)
    .where(schema.identity.c.account_id == slot(1))
    .order_by(schema.identity.c.kind, schema.identity.c.value)
)
_LAST_CHANGE: Final = select_text(select(func.coalesce(func.max(schema.change_log.c.seq), 0)))
_CHANGES: Final = select_text(
    select(schema.change_log.c.seq, schema.change_log.c.kind, schema.change_log.c.object_id)
    .where(schema.change_log.c.seq > slot(1))
    .order_by(schema.change_log.c.seq)
)
_ACCOUNT_COLUMNS: Final = columns_of(schema.account)
_IDENTITY_COLUMNS: Final = columns_of(schema.identity)


def _identity_text(candidates: int) -> str:
    """Identities of kind ?1 with one of so many values."""
    values = [slot(number) for number in range(2, candidates + 2)]
    return select_text(
        select(schema.identity).where(schema.identity.c.kind == slot(1), schema.identity.c.value.in_(values))
    )


_IDENTITY_TEXTS: Final = {count: _identity_text(count) for count in (1, 33, 129)}
"By number of candidates: a plain value, the networks around an IPv4 and around an IPv6 address."


class SqlCatalogStore(SqlAccess, SqlDestinations, SqlDiscounts, SqlRemoval):
    """The catalogue in an SQL database; `ocs.ports.CatalogStore` says what each call means."""

    def __init__(self, database: Database, vault: Vault) -> None:
        super().__init__(database)
        self._vault = vault
        database.acquire()

    # ------------------------------------------------------------------------------ point reads

    async def find_identity(self, kind: IdentityKind, value: str) -> Identity | None:
        """The identity with this value; for IP the longest CIDR that contains the address."""
        candidates = candidate_values(kind, value)
        if not candidates:
            return None
        statement = _IDENTITY_TEXTS[len(candidates)]
        rows = self._all(statement, kind.value, *candidates)
        found = [self._identity(row) for row in rows]
        return min(found, key=lambda entry: candidates.index(entry.value), default=None)

    async def load_chain(self, account_id: int) -> Sequence[AccountProfile]:
        """The account and its ancestors, leaf first."""

        def read(reader: sqlite3.Connection) -> list[AccountProfile]:
            links = []
            key: int | None = account_id
            while key is not None:
                row = reader.execute(_ACCOUNT, (key,)).fetchone()
                if row is None:
                    break
                links.append(_account_of(row))
                key = links[-1].parent_id
            return links

        return self._database.read_now(read)

    async def find_account(self, name: str) -> AccountProfile | None:
        """The account with this name."""
        return next((_account_of(row) for row in self._all(_ACCOUNT_BY_NAME, name)), None)

    async def list_identities(self, account_id: int) -> Sequence[Identity]:
        """An account's identities, by kind and value."""
        rows = self._all(_IDENTITIES, account_id)
        return [self._identity(row) for row in rows]

    def _identity(self, row: Sequence[Any]) -> Identity:
        return record.identity_of(dict(zip(_IDENTITY_COLUMNS, row, strict=True)), self._vault)

    async def last_change(self) -> int:
        """The newest change's number, 0 when there is none."""
        ((seq,),) = self._all(_LAST_CHANGE)
        return int(seq)

    async def changes_after(self, seq: int) -> Sequence[Change]:
        """Changes with a greater number, in order."""
        return [Change(row[0], ChangeKind(row[1]), row[2]) for row in self._all(_CHANGES, seq)]

    def _all(self, statement: str, *arguments: Any) -> list[Sequence[Any]]:
        return self._database.read_now(lambda reader: reader.execute(statement, arguments).fetchall())

    # ------------------------------------------------------------------------------ longer reads

    async def load_gateways(self) -> Sequence[Gateway]:
        """Every gateway, by name."""
        return await self._load(schema.gateway, lambda row: record.gateway_of(row, self._vault))

    async def load_tariffs(self) -> Sequence[TariffTerms]:
        """The terms of every tariff, by name."""
        return await self._load(schema.tariff, record.tariff_of)

    async def _load(self, table: Table, make: Callable[[record.Row], T]) -> list[T]:
        statement = select(table).order_by(table.c.name)
        return await self._database.read(
            lambda connection: [make(row._asdict()) for row in connection.execute(statement)]
        )

    async def load_plans(self) -> Sequence[Plan]:
        """Every plan, by name."""

        def read(connection: Connection) -> list[Plan]:
            tariffs: dict[int, list[record.Row]] = {}
            for row in connection.execute(select(schema.plan_tariff)):
                tariffs.setdefault(row.plan_id, []).append(row._asdict())
            rows = connection.execute(select(schema.plan).order_by(schema.plan.c.name))
            return [record.plan_of(row._asdict(), tariffs.get(row.id, ())) for row in rows]

        return await self._database.read(read)

    async def list_accounts(
        self, *, prefix: str = "", after: str = "", limit: int = 100
    ) -> Sequence[AccountProfile]:
        """Accounts in order of name, from the first name greater than `after`."""
        name = schema.account.c.name
        statement = (
            select(schema.account)
            .where(name > after, name >= prefix, func.substr(name, 1, len(prefix)) == prefix)
            .order_by(schema.account.c.name)
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: [_account_of(row) for row in connection.execute(statement)]
        )

    async def list_resetting(self, *, after_id: int = 0, limit: int = 100) -> Sequence[AccountProfile]:
        """Accounts with a credit reset that are not closed, in order of id."""
        account = schema.account.c
        statement = (
            select(schema.account)
            .where(
                account.id > after_id,
                account.reset_cycle != literal_column(f"'{CreditReset.NONE.value}'"),
                account.status != AccountStatus.CLOSED.value,
            )
            .order_by(account.id)
            .limit(limit)
        )
        return await self._database.read(
            lambda connection: [_account_of(row) for row in connection.execute(statement)]
        )

    async def list_expired(self, *, after_ms: int, until_ms: int) -> Sequence[int]:
        """Ids of accounts that expired in a span."""
        account = schema.account.c
        statement = select(account.id).where(
            account.expires_at_ms > after_ms, account.expires_at_ms <= until_ms
        )
        return await self._database.read(lambda connection: list(connection.scalars(statement)))

    async def stream_rates(self, tariff_id: int) -> AsyncIterator[Sequence[Rate]]:
        """All rates of a tariff, in chunks, ordered by destination and instant, in one view."""
        reader = RateReader()
        with self._database.reading() as connection:
            rows = rate_rows(connection, tariff_id)
            while chunk := await self._database.run(lambda: read_chunk(rows, reader)):
                yield chunk

    async def load_tariff(self, terms: TariffTerms, *, destinations: Collection[str] | None = None) -> Tariff:
        """Compile a tariff, in a worker thread or, when it is large, with the help of another process."""

        def build() -> Tariff:
            if destinations is None:
                return compile_tariff(self._database, terms)
            with self._database.reading() as connection:
                return compile_some(connection, terms, destinations)

        return await self._database.run(build)

    async def count_rates(self, tariff_id: int) -> int:
        """Rates of a tariff, all versions counted."""

        def count() -> int:
            with self._database.reading() as connection:
                return count_rates(connection, tariff_id)

        return await self._database.run(count)

    # ------------------------------------------------------------------------------ writes

    async def create_accounts(
        self, accounts: Sequence[NewAccount], *, audits: Sequence[AuditEntry] = ()
    ) -> Sequence[AccountProfile]:
        """Create all or none, with identities."""

        def write(connection: Connection) -> list[AccountProfile]:
            names = {new.profile.name for new in accounts} | {new.parent for new in accounts if new.parent}
            known = _accounts_by_name(connection, names)
            first_id = (
                connection.execute(select(func.coalesce(func.max(schema.account.c.id), 0))).scalar_one() + 1
            )
            profiles, identities = enrol(accounts, find_account=known.get, first_id=first_id)
            _check_exist(connection, schema.plan, {profile.plan_id for profile in profiles})
            if profiles:
                connection.execute(
                    insert(schema.account), [record.account_row(profile) for profile in profiles]
                )
            _add_identities(connection, identities, self._vault)
            add_audits(connection, *audits)
            log_change(connection, ChangeKind.ACCOUNT, [profile.id for profile in profiles])
            return profiles

        return await self._database.write(write)

    async def update_account(
        self,
        profile: AccountProfile,
        *,
        expected: AccountProfile | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """Replace an account's master data; its parent cannot change."""

        def write(connection: Connection) -> None:
            row = connection.execute(select(schema.account).where(schema.account.c.id == profile.id)).first()
            if row is None:
                raise NotFoundError(f"account {profile.id} does not exist")
            stored = _account_of(row)
            check_unchanged(f"account {stored.name!r}", stored, expected)
            check_replacement(stored, profile)
            _check_exist(connection, schema.plan, {profile.plan_id})
            _check_name(connection, schema.account, profile.name, profile.id)
            values = record.account_row(profile)
            connection.execute(update(schema.account).where(schema.account.c.id == profile.id).values(values))
            add_audits(connection, audit)
            log_change(connection, ChangeKind.ACCOUNT, [profile.id])

        await self._database.write(write)

    async def add_identities(
        self, identities: Sequence[Identity], *, audits: Sequence[AuditEntry] = ()
    ) -> None:
        """Add all or none."""
        added = [canonical_identity(found) for found in identities]

        def write(connection: Connection) -> None:
            _check_exist(connection, schema.account, {found.account_id for found in added})
            _add_identities(connection, added, self._vault)
            add_audits(connection, *audits)
            log_change(connection, ChangeKind.IDENTITY, [found.account_id for found in added])

        await self._database.write(write)

    async def update_identity(
        self, identity: Identity, *, expected: Identity | None = None, audit: AuditEntry | None = None
    ) -> None:
        """Replace the identity of this kind and value."""
        changed = canonical_identity(identity)

        def write(connection: Connection) -> None:
            _check_exist(connection, schema.account, {changed.account_id})
            _check_exist(connection, schema.plan, {changed.plan_id})
            _check_exist(connection, schema.tariff, {changed.payback_tariff_id})
            former = _stored_identity(connection, changed.kind, changed.value, self._vault)
            check_unchanged(f"identity {changed.value!r}", former, expected)
            if changed.primary_kind is not None:
                _check_primary(connection, changed, self._vault)
            owner = former.account_id
            values = record.identity_row(changed, self._vault)
            connection.execute(
                update(schema.identity).where(*_is_identity(changed.kind, changed.value)).values(values)
            )
            add_audits(connection, audit)
            log_change(connection, ChangeKind.IDENTITY, sorted({owner, changed.account_id}))

        await self._database.write(write)

    async def remove_identity(
        self,
        kind: IdentityKind,
        value: str,
        *,
        expected: Identity | None = None,
        audit: AuditEntry | None = None,
    ) -> None:
        """Nobody is recognised by this value any more."""

        def write(connection: Connection) -> None:
            former = _stored_identity(connection, kind, value, self._vault)
            check_unchanged(f"identity {value!r}", former, expected)
            check_no_dependent(former, _dependent(connection, kind, value, self._vault))
            connection.execute(delete(schema.identity).where(*_is_identity(kind, value)))
            add_audits(connection, audit)
            log_change(connection, ChangeKind.IDENTITY, [former.account_id])

        await self._database.write(write)

    async def save_gateway(
        self, gateway: Gateway, *, expected: Gateway | None = None, audit: AuditEntry | None = None
    ) -> Gateway:
        """Create (id 0) or replace a gateway; returned with its id."""
        row = record.gateway_row(gateway, self._vault)

        def write(connection: Connection) -> int:
            if expected is not None:
                stored = stored_gateway(connection, gateway.id, self._vault)
                check_unchanged(f"gateway {gateway.name!r}", stored, expected)
            key = _save(connection, schema.gateway, row)
            add_audits(connection, audit)
            log_change(connection, ChangeKind.GATEWAY, [key])
            return key

        return replace(gateway, id=await self._database.write(write))

    async def save_plan(
        self, plan: Plan, *, expected: Plan | None = None, audit: AuditEntry | None = None
    ) -> Plan:
        """Create (id 0) or replace a plan; returned with its id."""
        row = record.plan_row(plan)

        def write(connection: Connection) -> Plan:
            if expected is not None:
                check_unchanged(f"plan {plan.name!r}", stored_plan(connection, plan.id), expected)
            _check_exist(connection, schema.tariff, {*plan.tariffs.values(), plan.override_tariff_id})
            saved = replace(plan, id=_save(connection, schema.plan, row))
            connection.execute(delete(schema.plan_tariff).where(schema.plan_tariff.c.plan_id == saved.id))
            if saved.tariffs:
                connection.execute(insert(schema.plan_tariff), record.plan_tariff_rows(saved))
            add_audits(connection, audit)
            log_change(connection, ChangeKind.PLAN, [saved.id])
            return saved

        return await self._database.write(write)

    async def save_tariff(
        self, terms: TariffTerms, *, expected: TariffTerms | None = None, audit: AuditEntry | None = None
    ) -> TariffTerms:
        """Create (id 0) or replace a tariff's terms; returned with its id."""
        row = record.tariff_row(terms)

        def write(connection: Connection) -> int:
            if expected is not None:
                check_unchanged(f"tariff {terms.name!r}", stored_tariff(connection, terms.id), expected)
            key = _save(connection, schema.tariff, row)
            add_audits(connection, audit)
            log_change(connection, ChangeKind.TARIFF, [key])
            return key

        return replace(terms, id=await self._database.write(write))

    async def write_rates(
        self, tariff_id: int, rates: Iterable[Rate], *, audit: AuditEntry | None = None
    ) -> int:
        """Insert or replace rates, all or none, and tell how many; `rates` is consumed in a worker thread."""

        def on_publish(connection: Connection) -> None:
            add_audits(connection, audit)

        return await self._database.run(
            lambda: write_rates(self._database.transact, tariff_id, rates, on_publish=on_publish)
        )

    async def seal_secrets(self) -> int:
        """Write every secret anew as the vault seals it now, all or none; how many there are."""

        def write(connection: Connection) -> int:
            sealed = 0
            for table, key in ((schema.gateway, ("id",)), (schema.identity, ("kind", "value"))):
                columns = [table.c[name] for name in key]
                found = select(table.c.secret, *columns).where(table.c.secret != "")
                for written, *place in connection.execute(found).all():
                    here = [column == value for column, value in zip(columns, place, strict=True)]
                    secret = self._vault.seal(self._vault.open(written))
                    connection.execute(update(table).where(*here).values(secret=secret))
                    sealed += 1
            return sealed

        return await self._database.write(write)

    async def touch(self, kind: ChangeKind, object_id: int) -> None:
        """Append to the change log."""
        await self._database.write(lambda connection: log_change(connection, kind, [object_id]))

    async def close(self) -> None:
        """Let go of the database."""
        self._database.release()


def _account_of(row: Sequence[Any]) -> AccountProfile:
    return record.account_of(dict(zip(_ACCOUNT_COLUMNS, row, strict=True)))


def _in_parts(values: Collection[T]) -> Iterator[list[T]]:
    source = iter(values)
    while part := list(islice(source, NAMES_PER_QUERY)):
        yield part


def _accounts_by_name(connection: Connection, names: Collection[str]) -> dict[str, AccountProfile]:
    found = {}
    for part in _in_parts(names):
        for row in connection.execute(select(schema.account).where(schema.account.c.name.in_(part))):
            found[row.name] = _account_of(row)
    return found


def _check_exist(connection: Connection, table: Table, ids: Collection[int | None]) -> None:
    """Raise NotFoundError for the first id that is not in the table; None refers to nothing."""
    for key in sorted(key for key in ids if key is not None):
        if connection.execute(select(table.c.id).where(table.c.id == key)).first() is None:
            raise NotFoundError(f"{table.name} {key} does not exist")


def _check_name(connection: Connection, table: Table, name: str, key: int) -> None:
    """Raise AlreadyExistsError when the name belongs to another row than `key`."""
    other = select(table.c.id).where(table.c.name == name, table.c.id != key)
    if connection.execute(other).first() is not None:
        raise AlreadyExistsError(f"{table.name} {name!r} exists already")


def _save(connection: Connection, table: Table, row: dict[str, Any]) -> int:
    """Insert the row when its id is 0, else replace the one with its id; the id."""
    key: int = row["id"]
    _check_name(connection, table, row["name"], key)
    if key:
        _check_exist(connection, table, {key})
        connection.execute(update(table).where(table.c.id == key).values(row))
        return key
    values = {name: value for name, value in row.items() if name != "id"}
    added = connection.execute(insert(table).values(values)).inserted_primary_key
    assert added is not None, "a single row was inserted"
    return int(added[0])


def _is_identity(kind: IdentityKind, value: str) -> tuple[ColumnElement[bool], ...]:
    return (schema.identity.c.kind == kind.value, schema.identity.c.value == value)


def _stored_identity(connection: Connection, kind: IdentityKind, value: str, vault: Vault) -> Identity:
    """The identity with exactly this value; NotFoundError when there is none."""
    row = connection.execute(select(schema.identity).where(*_is_identity(kind, value))).first()
    if row is None:
        raise NotFoundError(f"identity {kind.value} {value!r} does not exist")
    return record.identity_of(row._asdict(), vault)


def _add_identities(connection: Connection, identities: Sequence[Identity], vault: Vault) -> None:
    """Insert identities, none of which may exist."""
    _check_exist(connection, schema.plan, {found.plan_id for found in identities})
    _check_exist(connection, schema.tariff, {found.payback_tariff_id for found in identities})
    taken = _taken_values(connection, identities)
    for found in identities:
        if (found.kind, found.value) in taken:
            raise AlreadyExistsError(f"identity {found.kind.value} {found.value!r} exists already")
        taken.add((found.kind, found.value))
    if identities:
        connection.execute(
            insert(schema.identity), [record.identity_row(found, vault) for found in identities]
        )
    for found in identities:
        if found.primary_kind is not None:
            _check_primary(connection, found, vault)


def _check_primary(connection: Connection, identity: Identity, vault: Vault) -> None:
    """Look up an identity's primary, and whether it is one: see `ocs.storage.identity.check_primary`."""
    assert identity.primary_kind is not None, "only asked of one that has a primary"
    where = _is_identity(identity.primary_kind, identity.primary_value)
    row = connection.execute(select(schema.identity).where(*where)).first()
    primary = None if row is None else record.identity_of(row._asdict(), vault)
    check_primary(identity, primary, _dependent(connection, identity.kind, identity.value, vault))


def _dependent(connection: Connection, kind: IdentityKind, value: str, vault: Vault) -> Identity | None:
    """An identity whose primary this is."""
    table = schema.identity.c
    where = (table.primary_kind == kind.value, table.primary_value == value)
    row = connection.execute(select(schema.identity).where(*where).limit(1)).first()
    return None if row is None else record.identity_of(row._asdict(), vault)


def _taken_values(connection: Connection, identities: Iterable[Identity]) -> set[tuple[IdentityKind, str]]:
    values: dict[IdentityKind, set[str]] = {}
    for found in identities:
        values.setdefault(found.kind, set()).add(found.value)
    return {
        (kind, value)
        for kind, asked in values.items()
        for part in _in_parts(asked)
        for value in connection.scalars(
            select(schema.identity.c.value).where(
                schema.identity.c.kind == kind.value, schema.identity.c.value.in_(part)
            )
        )
    }

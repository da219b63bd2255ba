"""Identities as resources: what accounts are recognised by."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, unquote

from ocs.charging.account_sheet import parse_primary, primary_text
from ocs.charging.master_data import identity_value
from ocs.charging.naming import find_account
from ocs.charging.resource.collection import Collection, Key
from ocs.charging.resource.fact import FactReader, Facts
from ocs.errors import InputError
from ocs.ports import AuditEntry, CatalogStore, Identity, IdentityKind
from ocs.quota.account import AccountProfile

ALL: Final = "-"
"Stands for every account as a parent."
ACCOUNTS_PER_READ: Final = 500
SECRET_CHARACTERS_MAX: Final = 200
COST_CENTRE_CHARACTERS_MAX: Final = 64
PRIMARY_CHARACTERS_MAX: Final = 270


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRecord:
    """An identity of an account."""

    account: AccountProfile
    identity: Identity


class Identities(Collection[IdentityRecord]):
    """What accounts are recognised by."""

    segments = ("accounts", "identities")
    title = "identity"
    fixed = frozenset({"kind", "value"})
    fields = frozenset({"secret", "max_sessions", "plan", "cost_centre", "payback_tariff", "primary"})

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog

    def new_key(self, parent: Key, new_id: str, facts: Facts) -> Key:  # noqa: ARG002 - kind and value are its id
        """An identity is known by its kind and its value."""
        reader = FactReader(facts)
        if not reader.has("kind"):
            reader.refuse("kind", "is needed")
        kind = reader.choice("kind", IdentityKind, IdentityKind.USERNAME)
        value = reader.attempt("value", identity_value, kind, str(facts.get("value") or ""), "value")
        reader.finish()
        return (*parent, identity_id(kind, str(value)))

    async def find(self, key: Key) -> IdentityRecord | None:
        """The identity of this account with this kind and value."""
        account = await self._account(key[0])
        kind, value = _parts(key[1])
        if kind is None:
            return None
        for identity in await self._catalog.list_identities(account.id):
            if (identity.kind, identity.value) == (kind, value):
                return IdentityRecord(account=account, identity=identity)
        return None

    async def _account(self, name: str) -> AccountProfile:
        return await find_account(self._catalog, name)

    async def page(
        self, filters: Facts, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, IdentityRecord]]:
        """Identities by account, kind and value.

        Filters: `account` (``-``: all), `kind`, and `value`, which for an address finds its network.
        """
        kind = filters.get("kind")
        value = str(filters.get("value") or "")
        found: list[tuple[Key, IdentityRecord]] = []
        async with aclosing(self._candidates(str(filters["account"]), kind, value, after)) as candidates:
            async for record in candidates:
                if kind is not None and record.identity.kind.value != kind:
                    continue
                key = (record.account.name, identity_id(record.identity.kind, record.identity.value))
                if after is None or key > after:
                    found.append((key, record))
                if len(found) == limit:
                    break
        return found

    async def _candidates(
        self, account: str, kind: str | None, value: str, after: Key | None
    ) -> AsyncGenerator[IdentityRecord, None]:
        if value:
            async for record in self._with_value(account, kind, value):
                yield record
            return
        async with aclosing(self._accounts(account, after)) as accounts:
            async for profile in accounts:
                identities = await self._catalog.list_identities(profile.id)
                for identity in sorted(identities, key=lambda one: identity_id(one.kind, one.value)):
                    yield IdentityRecord(account=profile, identity=identity)

    async def _with_value(
        self, account: str, kind: str | None, value: str
    ) -> AsyncGenerator[IdentityRecord, None]:
        for one in IdentityKind:
            if kind not in (None, one.value):
                continue
            identity = await self._catalog.find_identity(one, value)
            if identity is None:
                continue
            chain = await self._catalog.load_chain(identity.account_id)
            if chain and account in (ALL, chain[0].name):
                yield IdentityRecord(account=chain[0], identity=identity)

    async def _accounts(self, name: str, after: Key | None) -> AsyncGenerator[AccountProfile, None]:
        if name != ALL:
            yield await self._account(name)
            return
        if after is not None and (begun := await self._catalog.find_account(after[0])) is not None:
            yield begun
        last = "" if after is None else after[0]
        while profiles := await self._catalog.list_accounts(after=last, limit=ACCOUNTS_PER_READ):
            for profile in profiles:
                yield profile
            last = profiles[-1].name

    async def facts(self, record: IdentityRecord) -> dict[str, Any]:
        """All but the secret."""
        identity = record.identity
        # Most have none, and every identity of an import comes by here.
        found = [] if identity.plan_id is None else await self._catalog.load_plans()
        plans = {plan.id: f"plans/{plan.name}" for plan in found}
        facts: dict[str, Any] = {
            "kind": identity.kind.value,
            "value": identity.value,
            "has_secret": identity.secret is not None,
            "max_sessions": identity.max_sessions,
            "plan": None if identity.plan_id is None else plans.get(identity.plan_id),
            "cost_centre": identity.cost_centre,
            "payback_tariff": await self._tariff_name(identity.payback_tariff_id),
            "primary": primary_text(identity) or None,
        }
        return {name: value for name, value in facts.items() if value is not None}

    async def build(self, key: Key, facts: Facts, former: IdentityRecord | None) -> IdentityRecord:
        """The identity that the facts say; without a `secret` among them it keeps the one it has."""
        account = former.account if former else await self._account(key[0])
        kind, value = _parts(key[1])
        assert kind is not None, "the key was made of a kind"
        reader = FactReader(facts)
        if former is None:
            await self._check_free(reader, kind, value)
        secret: str | None = reader.text("secret", characters_max=SECRET_CHARACTERS_MAX) or None
        if former is not None and "secret" not in facts:
            secret = former.identity.secret
        shown: dict[str, Any] = {
            "secret": secret,
            "max_sessions": reader.optional("max_sessions"),
            "plan_id": await self._read_plan(reader),
            "payback_tariff_id": await self._read_tariff(reader, kind),
            "cost_centre": reader.text("cost_centre", characters_max=COST_CENTRE_CHARACTERS_MAX),
        }
        primary = reader.text("primary", characters_max=PRIMARY_CHARACTERS_MAX)
        shown |= reader.attempt("primary", parse_primary, primary, "primary") or {}
        reader.finish()
        identity = former.identity if former else Identity(kind=kind, value=value, account_id=account.id)
        return IdentityRecord(account=account, identity=replace(identity, **shown))

    async def _check_free(self, reader: FactReader, kind: IdentityKind, value: str) -> None:
        # A range is looked up by its first address; another, longer range may answer for that.
        asked = value.partition("/")[0] if kind is IdentityKind.IP else value
        taken = await self._catalog.find_identity(kind, asked)
        if taken is not None and taken.value == value:
            reader.refuse("value", f"{kind.value} {value!r} belongs to another account")

    async def _read_plan(self, reader: FactReader) -> int | None:
        name = reader.reference("plan", "plans")
        if not name:
            return None
        for plan in await self._catalog.load_plans():
            if plan.name == name:
                return plan.id
        reader.refuse("plan", f"plan {name!r} does not exist")
        return None

    async def _tariff_name(self, tariff_id: int | None) -> str | None:
        if tariff_id is None:
            return None
        return next(
            (f"tariffs/{one.name}" for one in await self._catalog.load_tariffs() if one.id == tariff_id), None
        )

    async def _read_tariff(self, reader: FactReader, kind: IdentityKind) -> int | None:
        name = reader.reference("payback_tariff", "tariffs")
        if not name:
            return None
        if kind is not IdentityKind.DID:
            reader.refuse("payback_tariff", "only a DID may have one")
        for terms in await self._catalog.load_tariffs():
            if terms.name == name:
                return terms.id
        reader.refuse("payback_tariff", f"tariff {name!r} does not exist")
        return None

    async def write(self, record: IdentityRecord, former: IdentityRecord | None, audit: AuditEntry) -> None:
        """Keep an identity."""
        if former is None:
            await self._catalog.add_identities([record.identity], audits=[audit])
        else:
            await self._catalog.update_identity(record.identity, expected=former.identity, audit=audit)

    async def erase(self, record: IdentityRecord, audit: AuditEntry) -> None:
        """Nobody is recognised by it any more."""
        identity = record.identity
        await self._catalog.remove_identity(identity.kind, identity.value, expected=identity, audit=audit)


def identity_id(kind: IdentityKind, value: str) -> str:
    """The last part of an identity's name; what a name cannot hold is written as a URL writes it."""
    return f"{kind.value}-{quote(value, safe='@:+. ')}"


def _parts(key: str) -> tuple[IdentityKind | None, str]:
    """Kind and value of an identity's id; None when it is none."""
    word, _, value = key.partition("-")
    try:
        return IdentityKind(word), unquote(value)
    except ValueError:
        return None, ""


def check_parent(name: str) -> str:
    """The account in the name of a parent, ``-`` for all.

    Raises:
        InputError: it is no account's name.
    """
    head, _, account = name.partition("/")
    if head != "accounts" or not account or "/" in account:
        raise InputError("parent", f"{name[:80]!r} is not a name such as accounts/alice")
    return account

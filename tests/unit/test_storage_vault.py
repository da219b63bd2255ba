"""Secrets at rest: encrypted under a key, readable by whoever has it, and by nobody else."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from contract.backend import SqliteBackend

from ocs.errors import InputError
from ocs.ports import CatalogStore, Gateway, Identity, IdentityKind, NewAccount
from ocs.quota.account import AccountProfile
from ocs.storage.sql.stores import open_sql_stores
from ocs.storage.vault import SEALED, Vault, new_key, read_keys

SECRETS = {"gw": "radius secret", "alice": "wonder é"}


def use(backend: SqliteBackend, *keys: str, seal: bool = False, write: bool = False) -> dict[str, str | None]:
    """Write or seal the secrets under these keys, and read them back."""

    async def story() -> dict[str, str | None]:
        ledger, catalog = open_sql_stores(backend.url, vault=Vault(keys))
        try:
            if write:
                await fill(catalog)
            if seal:
                assert await catalog.seal_secrets() == len(SECRETS)
            (gateway,) = await catalog.load_gateways()
            identity = await catalog.find_identity(IdentityKind.USERNAME, "alice")
            assert identity is not None
            return {"gw": gateway.secret, "alice": identity.secret}
        finally:
            await ledger.close()
            await catalog.close()

    return asyncio.run(story())


async def fill(catalog: CatalogStore) -> None:
    """A gateway, a subscriber with a password and one without."""
    await catalog.save_gateway(Gateway(id=0, name="gw", address="192.0.2.1", secret=SECRETS["gw"]))
    names = (
        Identity(kind=IdentityKind.USERNAME, value="alice", account_id=0, secret=SECRETS["alice"]),
        Identity(kind=IdentityKind.ANI, value="4420", account_id=0),
    )
    await catalog.create_accounts([NewAccount(profile=AccountProfile(id=0, name="alice"), identities=names)])


def written(backend: SqliteBackend) -> list[str]:
    """What the file holds."""
    with sqlite3.connect(backend.path) as connection:
        rows = connection.execute("SELECT secret FROM gateway UNION ALL SELECT secret FROM identity")
        return [row[0] for row in rows if row[0]]


@pytest.fixture
def backend(tmp_path: Path) -> SqliteBackend:
    """An empty database."""
    return SqliteBackend(tmp_path)


def test_secrets_are_unreadable_in_the_file_and_come_back(backend: SqliteBackend) -> None:
    """Both kinds are written sealed, and read as they were."""
    key = new_key()

    assert use(backend, key, write=True) == SECRETS
    assert all(text.startswith(SEALED) for text in written(backend))
    assert use(backend, key) == SECRETS


def test_a_key_can_be_introduced_and_replaced(backend: SqliteBackend) -> None:
    """Clear secrets are sealed on demand; then under a new key, after which the old one opens nothing."""
    old, new = new_key(), new_key()
    use(backend, write=True)
    assert sorted(written(backend)) == sorted(SECRETS.values())

    assert use(backend, old, seal=True) == SECRETS
    assert use(backend, new, old, seal=True) == SECRETS

    assert use(backend, new) == SECRETS
    with pytest.raises(InputError, match=r"\[storage\] secret_key: is not the key"):
        use(backend, old)


def test_sealed_secrets_need_the_key(backend: SqliteBackend) -> None:
    """Without it the refusal names the setting, and changes nothing."""
    key = new_key()
    use(backend, key, write=True)
    with pytest.raises(InputError, match=r"\[storage\] secret_key: is needed"):
        use(backend)
    assert use(backend, key) == SECRETS


def test_what_looks_sealed_is_no_secret_without_a_key() -> None:
    """It could not be told from a sealed one; with a key it can."""
    with pytest.raises(InputError, match="cannot begin with"):
        Vault().seal("sealed:x")
    vault = Vault([new_key()])
    assert vault.open(vault.seal("sealed:x")) == "sealed:x"


def test_malformed_key_is_refused() -> None:
    """A key of another length is none."""
    with pytest.raises(InputError, match=r"\[storage\] secret_key: a key is 32 octets"):
        Vault(["short"])


def test_keys_come_from_the_setting_and_a_file(tmp_path: Path) -> None:
    """The setting's first, then one a line; comments are passed over."""
    file = tmp_path / "keys"
    file.write_text("# 2026\nsecond\n\nthird # old\n")

    assert read_keys("first", file) == ["first", "second", "third"]
    assert read_keys("", None) == []
    file.write_text("# none\n")
    with pytest.raises(InputError, match="holds no key"):
        read_keys("", file)
    with pytest.raises(InputError, match=r"\[storage\] secret_key_file: .*missing"):
        read_keys("", tmp_path / "missing")

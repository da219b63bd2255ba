"""``ocs secret``: keys, encryption of what is there, and hashes in the place of passwords."""

import io
import json

import pytest
from command import Shell

from ocs.charging.password import matches
from ocs.storage.vault import SEALED


def test_secrets_are_encrypted_once_a_key_is_configured(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample's secrets are sealed; without the key the next command says what is missing."""
    key = shell.ok("secret", "new-key").strip()
    before = shell.json("account", "show", "alice")
    with monkeypatch.context() as patch:
        patch.setenv("OCS_STORAGE_SECRET_KEY", key)
        sealed = shell.json("secret", "seal")
        assert sealed["encrypted"] is True
        assert sealed["secrets"] > 1
        assert shell.json("account", "show", "alice") == before

    assert "[storage] secret_key: is needed" in shell.refused(2, "account", "show", "alice")
    assert SEALED.encode() in (shell.folder / "ocs.db").read_bytes() + _log(shell)


def _log(shell: Shell) -> bytes:
    log = shell.folder / "ocs.db-wal"
    return log.read_bytes() if log.exists() else b""


def test_a_hash_takes_the_place_of_a_password(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is of the password, and the database shows only that there is one."""
    monkeypatch.setattr("sys.stdin", io.StringIO("wonder\n"))
    hashed = shell.ok("secret", "hash").strip()
    assert matches(hashed, b"wonder")

    shell.ok("identity", "add", "alice", "username", "alice2", "--secret", hashed)
    shown = shell.json("account", "show", "alice")

    assert hashed not in json.dumps(shown)
    refusal = shell.refused(2, "call", "--user", "alice2", "--to", "442079460000", "--seconds", "1")
    assert "--password: is needed: only a hash is kept of alice2's" in refusal


def test_an_empty_password_has_no_hash(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was typed."""
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    assert "password: is empty" in shell.refused(2, "secret", "hash")

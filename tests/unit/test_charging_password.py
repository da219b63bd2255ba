"""Hashed passwords: right ones are served, wrong ones and proofs that need the clear text are not."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from world import World

from ocs.charging import password
from ocs.charging.outcome import OutcomeCode
from ocs.charging.password import hash_password, is_same_secret, matches
from ocs.charging.request import RequestType
from ocs.radius.credential import ChapResponse, PapPassword
from ocs.radius.proof import Proof


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Passwords that were compared with a hash, the slow way."""
    seen: list[bytes] = []

    def counted(secret: str, typed: bytes) -> bool:
        seen.append(typed)
        return matches(secret, typed)

    monkeypatch.setattr(password, "matches", counted)
    return seen


def play(story: Callable[[World], Awaitable[None]]) -> None:
    """Play against alice, whose password is kept hashed."""

    async def run() -> None:
        async with World() as w:
            await w.account("alice", "10", plan="", secret=hash_password("wonder"))
            await w.begin()
            await story(w)

    asyncio.run(run())


async def ask(w: World, key: str, proof: Proof) -> OutcomeCode:
    """What an authentication is answered."""
    request = w.request(RequestType.AUTHENTICATION, key, user="alice", credential=proof)
    outcome = await w.ask(request)
    return outcome.code


def test_right_password_is_served_and_hashed_once(checks: list[bytes]) -> None:
    """The second request with the same password needs no second hash."""

    async def story(w: World) -> None:
        answers = [await ask(w, key, PapPassword(b"wonder")) for key in ("c1", "c2")]

        assert answers == [OutcomeCode.SUCCESS] * 2
        assert checks == [b"wonder"]

    play(story)


def test_wrong_password_is_refused(checks: list[bytes]) -> None:
    """Also when it is the hash itself, and however often it is tried."""

    async def story(w: World) -> None:
        identity = (await w.catalog.list_identities(1))[0]
        assert identity.secret is not None
        tries = (b"wander", b"wander", identity.secret.encode(), b"")
        answers = [await ask(w, f"c{number}", PapPassword(typed)) for number, typed in enumerate(tries)]

        assert answers == [OutcomeCode.WRONG_SECRET] * 4
        assert len(checks) == 3

    play(story)


def test_challenge_response_cannot_be_compared_with_a_hash() -> None:
    """CHAP needs the clear text: even the right response is refused."""

    async def story(w: World) -> None:
        digest = hashlib.md5(b"\1wonderchallenge").digest()
        proof = ChapResponse(identifier=b"\1", digest=digest, challenge=b"challenge")
        assert proof.verify("wonder")

        assert await ask(w, "c1", proof) is OutcomeCode.WRONG_SECRET

    play(story)


def test_new_password_counts_at_once(checks: list[bytes]) -> None:
    """What was remembered of the old hash says nothing of the new one."""

    async def story(w: World) -> None:
        assert await ask(w, "c1", PapPassword(b"wonder")) is OutcomeCode.SUCCESS
        (identity,) = await w.catalog.list_identities(1)
        await w.catalog.update_identity(replace(identity, secret=hash_password("other")))
        await w.engine.follow_changes()

        assert await ask(w, "c2", PapPassword(b"wonder")) is OutcomeCode.WRONG_SECRET
        assert await ask(w, "c3", PapPassword(b"other")) is OutcomeCode.SUCCESS

    play(story)


@pytest.mark.parametrize(("wanted", "expected"), [("wonder", True), ("wander", False), (None, False)])
def test_hashed_secret_is_the_same_as_its_password(wanted: str | None, *, expected: bool) -> None:
    """An import that is repeated finds the password that it hashed before."""
    assert is_same_secret(hash_password("wonder"), wanted) is expected


def test_every_hash_has_its_own_salt() -> None:
    """Two subscribers with one password cannot be told to have it."""
    assert hash_password("wonder") != hash_password("wonder")

"""Working on resources: create, change, delete, each once per request id, on one version, and audited.

Owns the order of checks, optimistic concurrency and idempotency. Does not own what a resource is
(`ocs.charging.resource.collection`) or how a command arrives.
"""

import json
from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any, Final, TypeVar

from ocs.charging.audit import Command
from ocs.charging.resource.collection import Collection, Key
from ocs.charging.resource.fact import Facts
from ocs.errors import AlreadyExistsError, ConflictError, InputError, InputErrors, NotFoundError
from ocs.ports import CatalogStore

R = TypeVar("R")

ATTEMPTS_MAX: Final = 20
"How often a change without an etag is made again on a record that others changed meanwhile."


class Registrar:
    """The standard methods. Any may raise `StoreUnavailableError`."""

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog

    async def get(self, collection: Collection[R], key: Key) -> dict[str, Any]:
        """What may be told of a resource, or NotFoundError."""
        return await collection.view(key, await self._found(collection, key))

    async def list(
        self, collection: Collection[R], filters: Facts, after: Key | None, limit: int
    ) -> Sequence[tuple[Key, dict[str, Any]]]:
        """A page of resources."""
        found = await collection.page(filters, after, limit)
        return [(key, await collection.view(key, record)) for key, record in found]

    async def create(
        self,
        collection: Collection[R],
        key: Key,
        facts: Facts,
        command: Command,
        *,
        validate_only: bool = False,
    ) -> dict[str, Any]:
        """Create a resource; what may be told of it.

        Raises:
            InputErrors: facts that cannot be.
            AlreadyExistsError: the name is taken, or the request id was used for something else.
        """
        done = await self.find_done(command)
        if done is None:
            try:
                return await self._create(collection, key, facts, command, validate_only=validate_only)
            except (AlreadyExistsError, InputError):
                # The same command may have come twice at once, and the other one was first.
                done = await self.find_done(command)
                if done is None:
                    raise
        await collection.resume(key, facts)
        return done

    async def _create(
        self, collection: Collection[R], key: Key, facts: Facts, command: Command, *, validate_only: bool
    ) -> dict[str, Any]:
        if await collection.find(key) is not None:
            raise AlreadyExistsError(f"{collection.title} {key[-1]!r} exists already")
        record = await collection.build(key, facts, None)
        after = await collection.view(key, record)
        if not validate_only:
            audit = command.entry("create", collection.name_of(key), after=after)
            await collection.write(record, None, audit)
        return after

    async def update(
        self,
        collection: Collection[R],
        key: Key,
        facts: Facts,
        paths: Iterable[str],
        command: Command,
        *,
        etag: str = "",
        validate_only: bool = False,
    ) -> dict[str, Any]:
        """Set the fields at `paths` to what the facts say; what may be told of the resource then.

        Raises:
            InputErrors: fields that cannot be set, or facts that cannot be.
            NotFoundError: there is no such resource.
            ConflictError: the etag is not that of the resource, or others change it without end.
        """
        done = await self.find_done(command)
        if done is not None:
            return done
        chosen = _check_paths(collection, paths)
        for _ in range(ATTEMPTS_MAX):
            former = await self._found(collection, key)
            before = await collection.view(key, former)
            _check_etag(collection, key, before, etag)
            wanted = merge(await collection.facts(former), facts, chosen)
            _check_fixed(collection, before, facts)
            record = await collection.build(key, wanted, former)
            after = await collection.view(key, record)
            if validate_only:
                return after
            audit = command.entry("update", collection.name_of(key), before=before, after=after)
            try:
                await collection.write(record, former, audit)
            except ConflictError:
                continue
            except AlreadyExistsError:
                done = await self.find_done(command)
                if done is None:
                    raise
                return done
            return after
        raise ConflictError(f"{collection.title} {key[-1]!r} changes faster than this change could be made")

    async def delete(self, collection: Collection[R], key: Key, command: Command, *, etag: str = "") -> None:
        """Delete a resource.

        Raises:
            NotFoundError: there is no such resource.
            InUseError: something refers to it.
            ConflictError: the etag is not that of the resource, or it was changed meanwhile.
        """
        record = await self._found(collection, key)
        before = await collection.view(key, record)
        _check_etag(collection, key, before, etag)
        await collection.erase(record, command.entry("delete", collection.name_of(key), before=before))

    async def find_done(self, command: Command) -> dict[str, Any] | None:
        """What the same command led to before; None: it was not carried out yet.

        Raises:
            AlreadyExistsError: its request id was used with another body.
        """
        if command.request_id is None:
            return None
        entry = await self._catalog.find_audit(command.request_id)
        if entry is None:
            return None
        if entry.request_digest != command.request_digest:
            raise AlreadyExistsError(f"request {command.request_id!r} was made before with another body")
        found: dict[str, Any] = json.loads(entry.after)
        return found

    async def _found(self, collection: Collection[R], key: Key) -> R:
        record = await collection.find(key)
        if record is None:
            raise NotFoundError(f"{collection.title} {key[-1]!r} does not exist")
        return record


def merge(former: Facts, facts: Facts, paths: Iterable[str]) -> dict[str, Any]:
    """Former facts with the fields at `paths` as the new facts have them; absent there: absent."""
    merged: dict[str, Any] = deepcopy(dict(former))
    for path in paths:
        *parents, last = path.split(".")
        target, source = merged, dict(facts)
        for part in parents:
            target[part] = dict(target.get(part) or {})
            target = target[part]
            source = dict(source.get(part) or {})
        if last in source:
            target[last] = source[last]
        else:
            target.pop(last, None)
    return merged


def _check_paths(collection: Collection[R], paths: Iterable[str]) -> list[str]:
    chosen = list(paths)
    errors = [
        InputError("update_mask", f"{path!r} is not set by an update of a {collection.title}")
        for path in chosen
        if path.partition(".")[0] not in collection.fields
    ]
    if errors:
        raise InputErrors("update_mask", errors)
    return chosen


def _check_fixed(collection: Collection[R], before: Facts, facts: Facts) -> None:
    """Fields that never change may be sent along as they are."""
    errors = [
        InputError(field, f"cannot change: it is {before.get(field, '')!r}")
        for field in sorted(collection.fixed)
        if facts.get(field) and facts[field] != before.get(field)
    ]
    if errors:
        raise InputErrors("fields", errors)


def _check_etag(collection: Collection[R], key: Key, before: Facts, etag: str) -> None:
    if etag and etag != before["etag"]:
        raise ConflictError(f"{collection.title} {key[-1]!r} is not the one with etag {etag!r} any more")

"""The standard methods of `ocs.v1.Admin`: list, get, create, update and delete of what operators configure.

Owns how they map to `ocs.charging.resource`, by the names of their messages' fields (AIP-131 to AIP-135).
Does not own what a resource is, or who may call (`ocs.grpc.admission`).
"""

from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from ocs.charging.audit import Command
from ocs.charging.resource.collection import Collection, Key
from ocs.charging.resource.identity import check_parent
from ocs.charging.resource.registrar import Registrar
from ocs.errors import InputError
from ocs.grpc.access import Caller
from ocs.grpc.fact import enum_word, mask_paths, placed, to_facts, to_message, without_fields
from ocs.grpc.pb import admin_pb2 as pb
from ocs.grpc.resource import check_request_id, page_position, page_size_of, page_token
from ocs.ports import Clock

Method = Callable[[Any, Caller], Awaitable[Message]]
"(request, who is calling) -> response."


class Noun(NamedTuple):
    """A resource as the messages name it."""

    collection: Collection[Any]
    message: type[Message]
    field: str
    "Of one in a request: `off_peak_period`."
    plural: str
    "Of many in a response: `off_peak_periods`."
    singular: str
    "In the names of methods: `OffPeakPeriod`."
    plural_title: str
    "In the names of list methods; empty: they are not listed."


class ResourceMethods:
    """The standard methods of all nouns, by name."""

    def __init__(self, registrar: Registrar, clock: Clock, nouns: tuple[Noun, ...]) -> None:
        self._registrar = registrar
        self._clock = clock
        self.methods: Mapping[str, Method] = {
            name: method for noun in nouns for name, method in self._methods_of(noun)
        }

    def _methods_of(self, noun: Noun) -> list[tuple[str, Method]]:
        async def get(request: Any, _: Caller) -> Message:
            key = noun.collection.key_of(request.name, "name")
            return to_message(await self._registrar.get(noun.collection, key), noun.message())

        async def create(request: Any, caller: Caller) -> Message:
            return await self._create(noun, request, caller)

        async def update(request: Any, caller: Caller) -> Message:
            return await self._update(noun, request, caller)

        async def delete(request: Any, caller: Caller) -> Message:
            key = noun.collection.key_of(request.name, "name")
            command = Command(caller.title, self._clock.now_ms())
            await self._registrar.delete(noun.collection, key, command, etag=request.etag)
            return Empty()

        async def list_(request: Any, _: Caller) -> Message:
            return await self._list(noun, request)

        methods: list[tuple[str, Method]] = [
            (f"Get{noun.singular}", get),
            (f"Create{noun.singular}", create),
            (f"Update{noun.singular}", update),
            (f"Delete{noun.singular}", delete),
        ]
        if noun.plural_title:
            methods.append((f"List{noun.plural_title}", list_))
        return methods

    async def _create(self, noun: Noun, request: Any, caller: Caller) -> Message:
        if not request.HasField(noun.field):
            raise InputError(noun.field, "is needed")
        parent = parent_key(request)
        sent = without_fields(getattr(request, noun.field), ("name", "etag"))
        try:
            facts = to_facts(sent)
        except InputError as error:
            raise placed(error, noun.field) from error
        if hasattr(request, "opening_micros"):
            facts["opening_micros"] = request.opening_micros
        command = command_of(request, caller, self._clock.now_ms())
        new_id = getattr(request, f"{noun.field}_id", "")
        try:
            key = noun.collection.new_key(parent, new_id, facts)
        except InputError as error:
            raise _key_error(error, noun.field) from error
        try:
            after = await self._registrar.create(
                noun.collection, key, facts, command, validate_only=request.validate_only
            )
        except InputError as error:
            raise placed(error, noun.field) from error
        return to_message(after, noun.message())

    async def _update(self, noun: Noun, request: Any, caller: Caller) -> Message:
        if not request.HasField(noun.field):
            raise InputError(noun.field, "is needed")
        resource = getattr(request, noun.field)
        key = noun.collection.key_of(resource.name, f"{noun.field}.name")
        paths = mask_paths(request.update_mask, resource, noun.collection.fields)
        command = command_of(request, caller, self._clock.now_ms())
        try:
            after = await self._registrar.update(
                noun.collection,
                key,
                to_facts(without_fields(resource, ("name", "etag"))),
                paths,
                command,
                etag=resource.etag,
                validate_only=request.validate_only,
            )
        except InputError as error:
            raise error if error.place == "update_mask" else placed(error, noun.field) from error
        return to_message(after, noun.message())

    async def _list(self, noun: Noun, request: Any) -> Message:
        size = page_size_of(request)
        position = page_position(request)
        after = None if position is None else tuple(str(part) for part in position)
        found = await self._registrar.list(noun.collection, filters_of(request), after, size + 1)
        response: Any = getattr(pb, f"List{noun.plural_title}Response")()
        for _, facts in found[:size]:
            to_message(facts, getattr(response, noun.plural).add())
        if len(found) > size:
            response.next_page_token = page_token(request, found[size - 1][0])
        return response  # type: ignore[no-any-return]  # the name of a response says what it is


def parent_key(request: Any) -> Key:
    """The key of the parent that a request names; empty without one."""
    if not hasattr(request, "parent"):
        return ()
    head, _, parent_id = request.parent.partition("/")
    if head not in {"accounts", "tariffs"} or not parent_id or "/" in parent_id:
        raise InputError("parent", f"{request.parent[:80]!r} is not a name such as accounts/alice")
    return (parent_id,)


def filters_of(request: Any) -> dict[str, Any]:
    """The filters of a list request, enums by their words and other resources by their ids."""
    filters: dict[str, Any] = {}
    for field, value in request.ListFields():
        if field.name in {"page_size", "page_token", "parent"}:
            continue
        if field.enum_type is not None:
            filters[field.name] = enum_word(field.enum_type, value, field.name)
        elif field.name in {"under", "group"}:
            head, _, key = value.partition("/")
            if head not in {"accounts", "destinationGroups"} or not key:
                raise InputError(field.name, f"{value[:80]!r} is no name of a resource")
            filters[field.name] = key
        else:
            filters[field.name] = value
    if hasattr(request, "parent"):
        filters["account"] = check_parent(request.parent)
    return filters


def command_of(request: Any, caller: Caller, now_ms: int) -> Command:
    """A change as the audit log names it. Only one that is made has a request id."""
    request_id = "" if getattr(request, "validate_only", False) else request.request_id
    if not request_id:
        return Command(caller.title, now_ms)
    check_request_id(request_id)
    kind = request.DESCRIPTOR.name
    digest = blake2b(digest_size=16, person=kind.encode()[:16])
    digest.update(kind.encode())
    digest.update(without_fields(request, ("request_id",)).SerializeToString(deterministic=True))
    return Command(caller.title, now_ms, request_id, digest.hexdigest())


def _key_error(error: InputError, field: str) -> InputError:
    """An id that was sent beside the resource keeps its own field's name."""
    if error.place == "id":
        return InputError(f"{field}_id", error.reason)
    return placed(error, field)

"""Who has which discount plan, and destination groups, over `ocs.v1.Admin`."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import Message

from ocs.charging.audit import Command
from ocs.charging.resource.discount_plan import DiscountPlans, load_groups
from ocs.charging.resource.registrar import Registrar
from ocs.errors import InputError, NotFoundError
from ocs.grpc.access import Caller
from ocs.grpc.admin_resource import Method
from ocs.grpc.fact import placed, to_facts, to_message
from ocs.grpc.pb import admin_pb2 as pb
from ocs.grpc.resource import id_of, page_position, page_size_of, page_token
from ocs.ports import CatalogStore, Clock


class DiscountMethods:
    """Methods on assignments and groups, by name."""

    def __init__(self, catalog: CatalogStore, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._plans = DiscountPlans(catalog)
        self._registrar = Registrar(catalog)
        self.methods: Mapping[str, Method] = {
            "AssignDiscountPlan": self._assign,
            "WithdrawDiscountPlan": self._withdraw,
            "ListDestinationGroups": self._list_groups,
            "GetDestinationGroup": self._get_group,
        }

    async def _assign(self, request: Any, caller: Caller) -> Message:
        return await self._change(request, caller, self._plans.assign)

    async def _withdraw(self, request: Any, caller: Caller) -> Message:
        return await self._change(request, caller, self._plans.withdraw)

    async def _change(self, request: Any, caller: Caller, change: Any) -> Message:
        key = self._plans.key_of(request.name, "name")
        try:
            facts = to_facts(request.assignment)
            await change(key, facts, Command(caller.title, self._clock.now_ms()))
        except InputError as error:
            raise placed(error, "assignment") from error
        return to_message(await self._registrar.get(self._plans, key), pb.DiscountPlan())

    async def _list_groups(self, request: pb.ListDestinationGroupsRequest, _: Caller) -> Message:
        size = page_size_of(request)
        position = page_position(request)
        groups = await load_groups(self._catalog)
        names = [name for name in groups if position is None or name > str(position[0])]
        response = pb.ListDestinationGroupsResponse(
            destination_groups=[group_message(name, groups[name]) for name in names[:size]]
        )
        if len(names) > size:
            response.next_page_token = page_token(request, (names[size - 1],))
        return response

    async def _get_group(self, request: pb.GetDestinationGroupRequest, _: Caller) -> Message:
        name = id_of(request.name, "destinationGroups", "name")
        groups = await load_groups(self._catalog)
        if name not in groups:
            raise NotFoundError(f"no destination names the group {name!r}")
        return group_message(name, groups[name])


def group_message(name: str, prefixes: list[str]) -> pb.DestinationGroup:
    """A group as a message."""
    return pb.DestinationGroup(name=f"destinationGroups/{name}", prefixes=prefixes)

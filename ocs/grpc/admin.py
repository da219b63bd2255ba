"""The service `ocs.v1.Admin`: every method of its document, found by its name.

Owns the table of methods and their way in. Does not own what any of them does: standard methods are
`ocs.grpc.admin_resource`, the books `ocs.grpc.admin_book`, keys and the audit log `ocs.grpc.admin_key`.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from ocs.charging.administration import Administration
from ocs.charging.resource.account import Accounts
from ocs.charging.resource.destination import Destinations
from ocs.charging.resource.discount_plan import DiscountPlans
from ocs.charging.resource.gateway import Gateways
from ocs.charging.resource.identity import Identities
from ocs.charging.resource.plan import Plans
from ocs.charging.resource.rate import Rates
from ocs.charging.resource.registrar import Registrar
from ocs.charging.resource.tariff import Tariffs
from ocs.charging.service import ChargingService
from ocs.grpc.access import Caller
from ocs.grpc.admin_book import BookMethods
from ocs.grpc.admin_discount import DiscountMethods
from ocs.grpc.admin_key import KeyMethods
from ocs.grpc.admin_resource import Method, Noun, ResourceMethods
from ocs.grpc.admission import Door, Permit
from ocs.grpc.pb import admin_pb2 as pb
from ocs.grpc.pb import rating_pb2
from ocs.grpc.peer import Context
from ocs.ports import CatalogStore, Clock, LedgerStore

DESCRIPTOR: Final = pb.DESCRIPTOR.services_by_name["Admin"]
SERVICE: Final = DESCRIPTOR.full_name

Stream = Callable[[Any], AsyncIterator[Message]]


class AdminService:
    """Serves `ocs.v1.Admin`."""

    def __init__(
        self,
        service: ChargingService,
        ledger: LedgerStore,
        catalog: CatalogStore,
        clock: Clock,
        permit: Permit,
    ) -> None:
        self._door = Door(permit, SERVICE)
        book = BookMethods(service, ledger, catalog, Administration(ledger, catalog, clock), clock)
        self._methods: Mapping[str, Method] = {
            **ResourceMethods(Registrar(catalog), clock, nouns(ledger, catalog, clock)).methods,
            **KeyMethods(catalog, clock).methods,
            **DiscountMethods(catalog, clock).methods,
            **book.methods,
        }
        self._streams: Mapping[str, Stream] = book.streams

    def handler(self) -> grpc.GenericRpcHandler:
        """What a server is given."""
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {name: self._handler_of(DESCRIPTOR.methods_by_name[name]) for name in sorted(self.served)},
        )

    @property
    def served(self) -> frozenset[str]:
        """Names of the methods that are served."""
        return frozenset({*self._methods, *self._streams})

    def _handler_of(self, method: MethodDescriptor) -> "grpc.RpcMethodHandler[Any, Any]":
        request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._streaming(method.name, self._streams[method.name]),
                request_deserializer=request.FromString,
                response_serializer=response.SerializeToString,
            )
        return grpc.unary_unary_rpc_method_handler(
            self._unary(method.name, self._methods[method.name]),
            request_deserializer=request.FromString,
            response_serializer=response.SerializeToString,
        )

    def _unary(self, name: str, method: Method) -> Callable[[Any, Context], Any]:
        async def serve(request: Any, context: Context) -> Message:
            async def work(caller: Caller) -> Message:
                return await method(request, caller)

            return await self._door.serve(context, name, work)

        return serve

    def _streaming(self, name: str, stream: Stream) -> Callable[[Any, Context], Any]:
        async def serve(request: Any, context: Context) -> AsyncIterator[Message]:
            parts = stream(request)

            async def next_part(_: Caller) -> Message | None:
                return await anext(parts, None)

            # Each part passes the door: a key that is revoked meanwhile ends the file.
            while (part := await self._door.serve(context, name, next_part)) is not None:
                yield part

        return serve


def nouns(ledger: LedgerStore, catalog: CatalogStore, clock: Clock) -> tuple[Noun, ...]:
    """What operators configure, as the messages name it."""
    return (
        Noun(Accounts(ledger, catalog, clock), pb.Account, "account", "accounts", "Account", "Accounts"),
        Noun(Identities(catalog), pb.Identity, "identity", "identities", "Identity", "Identities"),
        Noun(Plans(catalog), pb.Plan, "plan", "plans", "Plan", "Plans"),
        Noun(Tariffs(catalog), pb.Tariff, "tariff", "tariffs", "Tariff", "Tariffs"),
        Noun(Rates(catalog, clock), rating_pb2.Rate, "rate", "rates", "Rate", ""),
        Noun(
            Destinations(catalog),
            pb.Destination,
            "destination",
            "destinations",
            "Destination",
            "Destinations",
        ),
        Noun(
            DiscountPlans(catalog),
            pb.DiscountPlan,
            "discount_plan",
            "discount_plans",
            "DiscountPlan",
            "DiscountPlans",
        ),
        Noun(Gateways(ledger, catalog), pb.Gateway, "gateway", "gateways", "Gateway", "Gateways"),
    )

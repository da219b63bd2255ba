"""The listening gRPC server: sockets, limits, health, reflection, start and stop."""

import contextlib
from collections.abc import Mapping, Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from ocs.charging.service import ChargingService, SessionObserver
from ocs.errors import InputError
from ocs.grpc.admin import SERVICE as ADMIN_SERVICE
from ocs.grpc.admin import AdminService
from ocs.grpc.charging import ChargingServicer
from ocs.grpc.pb import charging_pb2, charging_pb2_grpc, rating_pb2_grpc
from ocs.grpc.peer import GatewayFor
from ocs.grpc.rating import SERVICE as RATING_SERVICE
from ocs.grpc.rating import RatingServicer
from ocs.grpc.translation import NormaliseNumber, Translator
from ocs.ports import Clock
from ocs.units import SERVICES, Service

CHARGING_SERVICE = charging_pb2.DESCRIPTOR.services_by_name["Charging"].full_name

REQUEST_OCTETS_MAX = 256 * 1024
"A charge request of 16 services is below 8 KiB."
OPTIONS = (
    ("grpc.max_receive_message_length", REQUEST_OCTETS_MAX),
    ("grpc.max_metadata_size", 16 * 1024),
    # A peer that vanished without a word is found within 40 s, and its streams are let go.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Clients may ping idle connections, but not more often than every 10 s.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Two servers on one port would share its connections silently: refuse to start instead.
    ("grpc.so_reuseport", 0),
)


class GrpcServer:
    """Serves charging, and rating and administration where they are given.

    `start` and `stop` once each, on one event loop.
    """

    def __init__(
        self,
        service: ChargingService,
        clock: Clock,
        gateway_for: GatewayFor,
        *,
        normalise_number: NormaliseNumber,
        rating: RatingServicer | None = None,
        admin: AdminService | None = None,
        services: Mapping[str, Service] = SERVICES,
        rating_groups: Mapping[int, Service] | None = None,
        tolerance_s: int = 300,
        calls_max: int = 10_000,
        stream_window: int = 1024,
    ) -> None:
        translator = Translator(
            normalise_number=normalise_number,
            services=services,
            rating_groups=rating_groups,
            tolerance_s=tolerance_s,
        )
        self._charging = ChargingServicer(
            service, clock, gateway_for, translator, stream_window=stream_window
        )
        self._rating = rating
        self._admin = admin
        given = {CHARGING_SERVICE: service, RATING_SERVICE: rating, ADMIN_SERVICE: admin}
        self._services = tuple(name for name, servicer in given.items() if servicer is not None)
        self._health = health_aio.HealthServicer()
        self._calls_max = calls_max
        "Calls and streams open at once; past it a call gets RESOURCE_EXHAUSTED."
        self._server: grpc.aio.Server | None = None
        self.addresses: tuple[str, ...] = ()
        "Where it listens, `host:port` with the true port, once started."

    async def start(self, listen: Sequence[str], credentials: grpc.ServerCredentials | None = None) -> None:
        """Listen on every `host:port` (port 0: a free one), in clear text without `credentials`.

        Raises:
            InputError: an address cannot be bound; nothing listens then.
        """
        server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=self._calls_max)
        charging_pb2_grpc.add_ChargingServicer_to_server(  # type: ignore[no-untyped-call]  # generated
            self._charging, server
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self._rating is not None:
            rating_pb2_grpc.add_RatingServicer_to_server(  # type: ignore[no-untyped-call]  # generated
                self._rating, server
            )
        if self._admin is not None:
            server.add_generic_rpc_handlers((self._admin.handler(),))
        names = (*self._services, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name)
        reflection.enable_server_reflection((*names, reflection.SERVICE_NAME), server)
        self.addresses = tuple([_bind(server, address, credentials) for address in listen])
        await self.set_serving(serving=True)
        await server.start()
        self._server = server

    @property
    def observer(self) -> SessionObserver:
        """What the engine tells of sessions that changed, for their clients' streams."""
        return self._charging

    async def set_serving(self, *, serving: bool) -> None:
        """What the health service says, of the server as a whole and of each service."""
        status = (
            health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        )
        for name in ("", *self._services):
            await self._health.set(name, status)

    async def stop(self, grace_s: float) -> None:
        """Refuse new calls, tell streams to move, answer what is open for up to `grace_s`, then close.

        Harmless when it was not started, or stopped before.
        """
        server, self._server = self._server, None
        if server is None:
            return
        await self._health.enter_graceful_shutdown()
        self._charging.say_go_away(int(grace_s))
        await server.stop(grace_s)


def _bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> str:
    """Bind one address and return it with its true port."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise InputError("listen", f"{address!r} is not host:port, such as 127.0.0.1:50051 or [::1]:50051")
    bound = 0
    with contextlib.suppress(RuntimeError):  # how grpc says that it could not; its reason is in its own log
        if credentials is None:
            bound = server.add_insecure_port(address)
        else:
            bound = server.add_secure_port(address, credentials)
    if not bound:
        raise InputError(
            "listen", f"{address} cannot be bound: in use, not an address of this host, or forbidden"
        )
    return f"{host}:{bound}"

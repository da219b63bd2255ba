"""Composition root: the only place that knows every adapter.

Opens the stores, builds engine and front ends, and owns the event loop, signals and the order of start
(books, engine, sockets) and stop (sockets stop taking, engine drains, books close).
"""

import asyncio
import contextlib
import gc
import logging
import secrets
import signal
from collections.abc import Callable, Sequence

import uvloop

from ocs.charging.clock import SnowflakeIds, SystemClock
from ocs.charging.engine import Engine, EngineLimits
from ocs.config import Settings
from ocs.errors import InputError
from ocs.grpc.peer import Context, is_loopback
from ocs.grpc.server import GrpcServer
from ocs.ports import CatalogStore, Gateway, LedgerStore
from ocs.radius.dialect import load_dialects
from ocs.radius.number import normalise_number
from ocs.radius.udp import RadiusServer
from ocs.storage.sql.lock import lock_database
from ocs.storage.sql.stores import open_sql_stores
from ocs.telemetry import configure_logging

log = logging.getLogger("ocs.server")

GRPC_GRACE_S = 5.0
"How long open gRPC calls may go on after a stop was asked for."
CLOCK_FOLLOW_S = 5.0
"How often a forward step of the machine's clock is looked for."


def open_stores(settings: Settings) -> tuple[LedgerStore, CatalogStore]:
    """Open the books and the catalogue.

    Raises:
        InputError: no such database, its schema is not this version's, or it is not durable enough.
        StoreUnavailableError: it cannot be reached.
    """
    return open_sql_stores(
        settings.storage.url, allow_unsafe_durability=settings.storage.allow_unsafe_durability
    )


class Server:
    """The running system: engine and front ends over the configured stores."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = contextlib.AsyncExitStack()
        self._clock = SystemClock()
        self._gateways: dict[str, Gateway] = {}
        self.engine: Engine | None = None
        self.radius: RadiusServer | None = None
        self.grpc: GrpcServer | None = None

    async def start(self) -> None:
        """Start everything; on any error what was started is stopped again.

        Raises:
            InputError: a setting, a record or an address cannot be used.
            StoreUnavailableError: the database cannot be reached.
        """
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()

    async def stop(self) -> None:
        """Stop in reverse order: nothing new comes in, what is under way is finished and answered."""
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        settings = self._settings
        stack.enter_context(lock_database(settings.storage.url))
        ledger, catalog = open_stores(settings)
        stack.push_async_callback(catalog.close)
        stack.push_async_callback(ledger.close)
        charging = settings.charging
        engine = Engine(
            ledger=ledger,
            catalog=catalog,
            clock=self._clock,
            ids=SnowflakeIds(),
            limits=EngineLimits(
                queue_max=charging.queue_max,
                accounts_cached_max=charging.accounts_cached_max,
                sessions_cached_max=charging.sessions_cached_max,
            ),
            on_gateways=self._take_gateways,
        )
        await engine.start()
        self.engine = engine
        follower = asyncio.create_task(self._follow_clock())
        stack.callback(follower.cancel)
        await self._start_radius(engine, stack)
        await self._start_grpc(engine, stack)

    async def _start_radius(self, engine: Engine, stack: contextlib.AsyncExitStack) -> None:
        settings = self._settings.radius
        folders = [settings.dialects_folder] if settings.dialects_folder else []
        self.radius = RadiusServer(
            engine,
            self._clock,
            engine.gateways,
            class_key=(settings.class_key or secrets.token_hex(16)).encode(),
            dialects=load_dialects([self._settings.path.parent / folder for folder in folders]),
        )
        try:
            await self.radius.start(auth=settings.listen_auth, acct=settings.listen_acct)
        except OSError as error:
            raise InputError("[radius] listen", str(error)) from error
        # The engine drains while the sockets are still open, so that what it decided is answered.
        stack.push_async_callback(self.radius.stop)
        stack.push_async_callback(engine.stop)

    async def _start_grpc(self, engine: Engine, stack: contextlib.AsyncExitStack) -> None:
        settings = self._settings.grpc
        name = settings.unauthenticated_gateway
        if name and name not in self._gateways:
            raise InputError("[grpc] unauthenticated_gateway", f"there is no gateway named {name!r}")
        self.grpc = GrpcServer(engine, self._clock, self._gateway_of, normalise_number=normalise_number)
        await self.grpc.start([str(address) for address in settings.listen])
        stack.push_async_callback(self.grpc.stop, GRPC_GRACE_S)

    def _gateway_of(self, context: Context) -> Gateway | None:
        """Loopback callers act as the configured gateway; everybody else is refused."""
        return (
            self._gateways.get(self._settings.grpc.unauthenticated_gateway)
            if is_loopback(context.peer())
            else None
        )

    def _take_gateways(self, gateways: Sequence[Gateway]) -> None:
        self._gateways = {gateway.name: gateway for gateway in gateways if gateway.enabled}
        if self.radius is None:
            return
        try:
            self.radius.set_gateways(gateways)
        except InputError as error:
            log.warning("the former gateways stay in force: %s", error)

    async def _follow_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_FOLLOW_S)
            self._clock.follow()


def run_server(settings: Settings, on_ready: Callable[[Server], None] = lambda _: None) -> int:
    """Serve until SIGTERM or SIGINT; the process's exit code.

    Raises:
        InputError, StoreUnavailableError: it could not start.
    """
    configure_logging(settings.log.level)
    uvloop.run(_serve(settings, on_ready))
    return 0


async def _serve(settings: Settings, on_ready: Callable[[Server], None]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = Server(settings)
    await server.start()
    # What lives as long as the process is not worth looking at in every collection.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    on_ready(server)
    await stopped.wait()
    log.info("stopping: finishing what is under way")
    await server.stop()
    log.info("stopped")

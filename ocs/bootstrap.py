"""Composition root: the only place that knows every adapter.

Opens the stores, builds engine and front ends, and owns the event loop, signals and the order of start
(books, engine, sockets) and stop (sockets stop taking, engine drains, books close).
"""

import asyncio
import contextlib
import gc
import ipaddress
import logging
import secrets
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import grpc
import uvloop

from ocs.charging.clock import SnowflakeIds, SystemClock
from ocs.charging.engine import Engine, EngineLimits
from ocs.charging.service import Observers
from ocs.config import Settings
from ocs.errors import InputError, StoreUnavailableError
from ocs.grpc.access import AccessControl, KeyRing
from ocs.grpc.admin import AdminService
from ocs.grpc.rating import RatingServicer
from ocs.grpc.server import GrpcServer
from ocs.grpc.tls import CertificateFiles, server_credentials
from ocs.ports import CatalogStore, ChangeKind, Gateway, LedgerStore
from ocs.radius.dialect import Dialect, load_dialects
from ocs.radius.enforcer import family_of
from ocs.radius.number import normalise_number
from ocs.radius.status import write_status
from ocs.radius.stream import RenewedContext, StreamLimits, TlsFiles
from ocs.radius.udp import RadiusServer
from ocs.storage.sql.lock import lock_database
from ocs.storage.sql.stores import open_sql_stores
from ocs.storage.vault import Vault, read_keys
from ocs.telemetry import configure_logging

log = logging.getLogger("ocs.server")

GRPC_GRACE_S = 5.0
"How long open gRPC calls may go on after a stop was asked for."
WATCH_S = 0.5
"How often API keys and the state of the store are looked at."
STATUS_S = 2.0
"How often the RADIUS server's status file is written."
CLOCK_FOLLOW_S = 5.0
"How often a forward step of the machine's clock is looked for."


def open_stores(settings: Settings) -> tuple[LedgerStore, CatalogStore]:
    """Open the books and the catalogue.

    Raises:
        InputError: no such database, its schema is not this version's, or it is not durable enough.
        StoreUnavailableError: it cannot be reached.
    """
    storage = settings.storage
    return open_sql_stores(
        storage.url, allow_unsafe_durability=storage.allow_unsafe_durability, vault=open_vault(settings)
    )


def open_vault(settings: Settings) -> Vault:
    """What secrets are encrypted with.

    Raises:
        InputError: a key is malformed, or the file with them cannot be read.
    """
    storage = settings.storage
    file = settings.path.parent / storage.secret_key_file if storage.secret_key_file else None
    return Vault(read_keys(storage.secret_key, file))


class Server:
    """The running system: engine and front ends over the configured stores."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stack = contextlib.AsyncExitStack()
        self._clock = SystemClock()
        self._gateways: dict[str, Gateway] = {}
        self._observers = Observers()
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
        folder = settings.radius.dialects_folder
        # A wrong file stops the start before anything is opened or bound.
        dialects = load_dialects([settings.path.parent / folder] if folder else [])
        stack.enter_context(lock_database(settings.storage.url))
        ledger, catalog = open_stores(settings)
        stack.push_async_callback(catalog.close)
        stack.push_async_callback(ledger.close)
        charging = settings.charging
        newest = await ledger.list_sessions(only_open=False, limit=1)
        engine = Engine(
            ledger=ledger,
            catalog=catalog,
            clock=self._clock,
            ids=SnowflakeIds(after=newest[0].session_id if newest else 0),
            limits=EngineLimits(
                queue_max=charging.queue_max,
                accounts_cached_max=charging.accounts_cached_max,
                sessions_cached_max=charging.sessions_cached_max,
            ),
            on_gateways=self._take_gateways,
            observer=self._observers,
        )
        await engine.start()
        self.engine = engine
        follower = asyncio.create_task(self._follow_clock())
        stack.callback(follower.cancel)
        await self._start_radius(engine, ledger, dialects, stack)
        await self._start_grpc(engine, ledger, catalog, stack)

    async def _start_radius(
        self,
        engine: Engine,
        ledger: LedgerStore,
        dialects: Mapping[str, Dialect],
        stack: contextlib.AsyncExitStack,
    ) -> None:
        settings = self._settings.radius
        self.radius = RadiusServer(
            engine,
            self._clock,
            engine.gateways,
            tolerance_ms=self._settings.charging.event_time_tolerance_s * 1000,
            class_key=(settings.class_key or secrets.token_hex(16)).encode(),
            dialects=dialects,
        )
        try:
            await self.radius.start(
                auth=settings.listen_auth,
                acct=settings.listen_acct,
                coa_sources=_read_hosts(settings.coa_source, "[radius] coa_source"),
            )
            await self._start_streams(self.radius)
        except OSError as error:
            raise InputError("[radius] listen", str(error)) from error
        self._observers.add(self.radius)
        self.radius.restore(await ledger.find_open(only_final=True))
        if settings.status_file:
            path = self._settings.path.parent / settings.status_file
            teller = asyncio.create_task(self._tell_status(self.radius, path))
            stack.callback(teller.cancel)
        # The engine drains while the sockets are still open, so that what it decided is answered.
        stack.push_async_callback(self.radius.stop)
        stack.push_async_callback(engine.stop)

    async def _start_streams(self, server: RadiusServer) -> None:
        """Serve RADIUS over TCP and TLS where the settings say so."""
        settings, folder = self._settings.radius, self._settings.path.parent
        files = []
        for key in ("radsec_certificate", "radsec_key", "radsec_client_ca"):
            name = getattr(settings, key)
            if settings.listen_radsec and not name:
                raise InputError(f"[radius] {key}", "is needed with listen_radsec")
            if name and not settings.listen_radsec:
                raise InputError(f"[radius] {key}", "needs listen_radsec too")
            files.append(folder / name)
        await server.start_streams(
            tcp=settings.listen_tcp,
            radsec=settings.listen_radsec,
            tls=RenewedContext(TlsFiles(*files)) if settings.listen_radsec else None,
            limits=StreamLimits(settings.stream_connections_max, settings.stream_idle_s * 1000),
        )

    async def _start_grpc(
        self, engine: Engine, ledger: LedgerStore, catalog: CatalogStore, stack: contextlib.AsyncExitStack
    ) -> None:
        settings = self._settings.grpc
        name = settings.unauthenticated_gateway
        if name and name not in self._gateways:
            raise InputError("[grpc] unauthenticated_gateway", f"there is no gateway named {name!r}")
        seen = await catalog.last_change()
        keys = KeyRing(await catalog.load_api_keys())
        access = AccessControl(
            ring=keys,
            gateway_named=self._gateway_named,
            clock=self._clock,
            loopback_gateway=name,
        )
        server = self.grpc = GrpcServer(
            engine,
            self._clock,
            access.gateway_for,
            normalise_number=normalise_number,
            tolerance_s=self._settings.charging.event_time_tolerance_s,
            rating=RatingServicer(ledger, catalog, self._clock, access.permit),
            admin=AdminService(engine, ledger, catalog, self._clock, access.permit),
        )
        await server.start([str(address) for address in settings.listen], self._credentials())
        self._observers.add(server.observer)
        stack.push_async_callback(server.stop, GRPC_GRACE_S)
        watcher = asyncio.create_task(_watch(server, engine, catalog, keys, seen))
        stack.callback(watcher.cancel)

    def _gateway_named(self, name: str) -> Gateway | None:
        """The enabled gateway with this name, as the catalogue has it now."""
        return self._gateways.get(name)

    def _credentials(self) -> grpc.ServerCredentials | None:
        """What the settings say of TLS; None: clear text."""
        settings, folder = self._settings.grpc, self._settings.path.parent
        if not settings.tls_certificate:
            for key in ("tls_key", "tls_client_ca"):
                if getattr(settings, key):
                    raise InputError(f"[grpc] {key}", "needs tls_certificate too")
            return None
        if not settings.tls_key:
            raise InputError("[grpc] tls_key", "is needed with tls_certificate")
        files = CertificateFiles(
            folder / settings.tls_certificate,
            folder / settings.tls_key,
            folder / settings.tls_client_ca if settings.tls_client_ca else None,
        )
        return server_credentials(files)

    def _take_gateways(self, gateways: Sequence[Gateway]) -> None:
        self._gateways = {gateway.name: gateway for gateway in gateways if gateway.enabled}
        if self.radius is None:
            return
        try:
            self.radius.set_gateways(gateways)
        except InputError as error:
            log.warning("the former gateways stay in force: %s", error)

    async def _tell_status(self, server: RadiusServer, path: Path) -> None:
        """Write the status file for ever; a folder that takes none is named once."""
        is_told = False
        while True:
            try:
                await asyncio.to_thread(write_status, path, server.status())
                is_told = False
            except OSError as error:
                if not is_told:
                    log.warning("`ocs gateway test` will know nothing: %s", error)
                is_told = True
            await asyncio.sleep(STATUS_S)

    async def _follow_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_FOLLOW_S)
            self._clock.follow()


def _read_hosts(text: str, place: str) -> list[str]:
    """IP addresses with commas between, which must be this machine's."""
    hosts = [part.strip() for part in text.split(",") if part.strip()]
    for host in hosts:
        try:
            with socket.socket(family_of(host), socket.SOCK_DGRAM) as probe:
                probe.bind((str(ipaddress.ip_address(host)), 0))
        except (OSError, ValueError) as error:
            raise InputError(place, f"{host}: {error}") from error
    return hosts


async def _watch(server: GrpcServer, engine: Engine, catalog: CatalogStore, keys: KeyRing, seen: int) -> None:
    """Keep the keys that are good and what the health service says up to date, for ever."""
    while True:
        await asyncio.sleep(WATCH_S)
        await server.set_serving(serving=engine.is_store_available)
        try:
            changes = await catalog.changes_after(seen)
            if any(change.kind is ChangeKind.API_KEY for change in changes):
                keys.replace(await catalog.load_api_keys())
            seen = changes[-1].seq if changes else seen
        except StoreUnavailableError as error:
            log.warning("API keys cannot be read, the former ones stay good: %s", error)


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

"""TLS, client certificates and API keys over real handshakes."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from certificate import Party, certify
from cryptography.hazmat.primitives import serialization

from ocs.charging.outcome import NoAnswer, Outcome, OutcomeCode
from ocs.charging.request import ChargingRequest
from ocs.charging.service import Reply
from ocs.errors import InputError
from ocs.grpc.access import AccessControl, KeyRing, make_key
from ocs.grpc.client import AsyncChargingClient, RequestFailedError, key_metadata
from ocs.grpc.pb import charging_pb2 as pb
from ocs.grpc.pb.charging_pb2_grpc import ChargingStub
from ocs.grpc.server import GrpcServer
from ocs.grpc.tls import CertificateFiles, server_credentials
from ocs.ports import ApiRole, Gateway

GATEWAYS = {name: Gateway(id=number, name=name) for number, name in enumerate(("kam1", "kam2"), start=1)}
REQUEST = pb.ChargeRequest(
    session_id="call-1", type=pb.REQUEST_TYPE_UPDATE, services=[pb.ServiceUsage(service="voice")]
)


class StillClock:
    """A clock that stands still."""

    def now_ms(self) -> int:
        """Always the same instant."""
        return 1_800_000_000_000


class NamingService:
    """Answers with the name of the gateway that asked."""

    def submit(self, request: ChargingRequest, reply: Reply) -> None:
        """Answer at once."""
        reply(Outcome(code=OutcomeCode.SUCCESS, account_name=request.gateway.name))

    async def charge(self, request: ChargingRequest) -> Outcome | NoAnswer:
        """Never asked."""
        return NoAnswer.UNAVAILABLE

    def end_gateway_sessions(self, gateway_id: int, at_ms: int, reply: Callable[[bool], None]) -> None:
        """There are no sessions."""


AUTHORITY = certify("test authority")
STRANGER = certify("another authority")


def write(folder: Path, server: Party, client_ca: Party | None = None) -> CertificateFiles:
    """A server's files."""
    (folder / "server.pem").write_bytes(server.certificate_pem)
    (folder / "server.key").write_bytes(server.key_pem)
    if client_ca is None:
        return CertificateFiles(folder / "server.pem", folder / "server.key")
    (folder / "clients.pem").write_bytes(client_ca.certificate_pem)
    return CertificateFiles(folder / "server.pem", folder / "server.key", folder / "clients.pem")


def trusting(client: Party | None = None) -> grpc.ChannelCredentials:
    """A client that trusts the test authority and shows its certificate, if it has one."""
    if client is None:
        return grpc.ssl_channel_credentials(AUTHORITY.certificate_pem)
    return grpc.ssl_channel_credentials(AUTHORITY.certificate_pem, client.key_pem, client.certificate_pem)


@asynccontextmanager
async def serving(files: CertificateFiles, ring: KeyRing | None = None) -> AsyncIterator[str]:
    """A TLS server without a loopback gateway, and its address."""
    clock = StillClock()
    access = AccessControl(ring=ring or KeyRing(), gateway_named=GATEWAYS.get, clock=clock)
    server = GrpcServer(NamingService(), clock, access.gateway_for, normalise_number=lambda number, _: number)
    await server.start(["localhost:0"], server_credentials(files))
    try:
        yield server.addresses[0]
    finally:
        await server.stop(0)


async def served_as(address: str, credentials: grpc.ChannelCredentials | None, api_key: str = "") -> str:
    """The gateway that a client is served as at its first try, or the status that refuses it."""
    channel = (
        grpc.aio.secure_channel(address, credentials) if credentials else grpc.aio.insecure_channel(address)
    )
    async with channel:
        try:
            call = ChargingStub(channel).Charge(REQUEST, timeout=10, metadata=key_metadata(api_key))
            return str((await call).account)
        except grpc.aio.AioRpcError as error:
            return error.code().name


def test_api_key_over_tls_names_the_gateway(tmp_path: Path) -> None:
    """Each key is its gateway; no key or a wrong one is nobody."""
    keys = {
        name: make_key(title=name, roles=[ApiRole.CHARGING], gateway=name, created_at_ms=0)
        for name in GATEWAYS
    }
    reader = make_key(title="dashboard", roles=[ApiRole.READ], created_at_ms=0)
    ring = KeyRing(key.record for key in (*keys.values(), reader))

    async def run() -> list[str]:
        async with serving(write(tmp_path, certify("server", AUTHORITY)), ring) as address:
            return [
                await served_as(address, trusting(), keys["kam1"].text),
                await served_as(address, trusting(), keys["kam2"].text),
                await served_as(address, trusting()),
                await served_as(address, trusting(), keys["kam1"].text[:-1]),
                await served_as(address, trusting(), reader.text),
                await served_as(address, None, keys["kam1"].text),
            ]

    assert asyncio.run(run()) == [
        "kam1",
        "kam2",
        "UNAUTHENTICATED",
        "UNAUTHENTICATED",
        "PERMISSION_DENIED",
        "UNAVAILABLE",
    ]


def test_client_certificate_names_the_gateway(tmp_path: Path) -> None:
    """A certificate of our authority is enough; none, or another authority's, ends the handshake."""

    async def run() -> list[str]:
        async with serving(write(tmp_path, certify("server", AUTHORITY), AUTHORITY)) as address:
            return [
                await served_as(address, trusting(certify("kam2", AUTHORITY))),
                await served_as(address, trusting(certify("kam9", AUTHORITY))),
                await served_as(address, trusting(certify("kam2", STRANGER))),
                await served_as(address, trusting()),
            ]

    assert asyncio.run(run()) == ["kam2", "PERMISSION_DENIED", "UNAVAILABLE", "UNAVAILABLE"]


def test_revoked_key_is_refused_on_an_open_stream(tmp_path: Path) -> None:
    """A stream outlives its key, but nothing more is charged on it."""
    key = make_key(title="kam1", roles=[ApiRole.CHARGING], gateway="kam1", created_at_ms=0)
    ring = KeyRing([key.record])

    async def run() -> None:
        async with (
            serving(write(tmp_path, certify("server", AUTHORITY)), ring) as address,
            AsyncChargingClient.connect(address, credentials=trusting(), api_key=key.text) as client,
            client.session_stream() as stream,
        ):
            assert (await stream.charge(REQUEST)).account == "kam1"
            ring.replace([])
            with pytest.raises(RequestFailedError) as caught:
                await stream.charge(REQUEST)
            assert caught.value.code is grpc.StatusCode.UNAUTHENTICATED

    asyncio.run(run())


def test_renewed_certificate_is_taken_up_without_a_restart(tmp_path: Path) -> None:
    """New connections see the new files; unusable ones change nothing."""
    files = write(tmp_path, certify("server", STRANGER))

    async def run() -> list[str]:
        key = make_key(title="kam1", roles=[ApiRole.CHARGING], gateway="kam1", created_at_ms=0)
        async with serving(files, KeyRing([key.record])) as address:
            before = await served_as(address, trusting(), key.text)
            write(tmp_path, certify("server", AUTHORITY))
            after = await served_as(address, trusting(), key.text)
            files.key.write_text("half a ke")
            os.utime(files.key, ns=(1, 1))
            broken = await served_as(address, trusting(), key.text)
            files.key.unlink()
            missing = await served_as(address, trusting(), key.text)
            return [before, after, broken, missing]

    assert asyncio.run(run()) == ["UNAVAILABLE", "kam1", "kam1", "kam1"]


@pytest.mark.parametrize("fault", ["missing", "not PEM", "another key", "passphrase", "client CA"])
def test_unusable_files_are_named(tmp_path: Path, fault: str) -> None:
    """The operator learns which files, before the server listens."""
    files = write(tmp_path, certify("server", AUTHORITY), AUTHORITY)
    assert files.client_ca is not None
    if fault == "missing":
        files.certificate.unlink()
    elif fault == "not PEM":
        files.certificate.write_text("certainly not")
    elif fault == "another key":
        files.key.write_bytes(STRANGER.key_pem)
    elif fault == "passphrase":
        locked = AUTHORITY.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
        files.key.write_bytes(locked)
    else:
        files.client_ca.write_text("nobody")

    with pytest.raises(InputError, match="no usable certificate and key") as caught:
        server_credentials(files)
    assert str(files.key) in caught.value.place

"""Who may call what: every method of every service, for every role and for nobody, over a real channel."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from admin_plant import SERVICES, Client, run
from world import World

from ocs.grpc.access import make_key
from ocs.grpc.peer import Denial
from ocs.ports import ApiRole

READING = frozenset(
    {
        "Rating.Quote",
        "Rating.SearchRates",
        "Rating.ExportSheet",
        "Rating.TestOffPeakPeriod",
        "Admin.ExportLedgerEntries",
        "Admin.ExportCdrs",
    }
    | {
        f"Admin.{method.name}"
        for method in SERVICES["Admin"].methods
        if method.name.startswith(("Get", "List"))
    }
)
"What the role read opens; admin opens it too."
METHODS = [f"{service}.{method.name}" for service, found in SERVICES.items() for method in found.methods]
REFUSALS = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}


def allowed(method: str) -> set[ApiRole]:
    """The roles that may call a method."""
    if method.startswith("Charging."):
        return {ApiRole.CHARGING}
    return {ApiRole.READ, ApiRole.ADMIN} if method in READING else {ApiRole.ADMIN}


async def status(client: Client, method: str) -> grpc.StatusCode:
    """How an empty request ends."""
    from ocs.grpc.client import RequestFailedError

    try:
        await client(method)
    except RequestFailedError as error:
        return error.code
    return grpc.StatusCode.OK


def test_every_other_method_of_the_document_is_served() -> None:
    """Nobody forgot one."""
    from ocs.grpc.admin import AdminService

    async def look() -> None:
        async with World() as world:
            await world.begin()
            service = AdminService(
                world.engine, world.ledger, world.catalog, world.clock, lambda *_: Denial.UNKNOWN_PEER
            )
            assert {f"Admin.{name}" for name in service.served} == {
                method for method in METHODS if method.startswith("Admin.")
            }

    asyncio.run(look())


def test_every_method_is_open_to_its_roles_only(tmp_path: Path) -> None:
    """An allowed caller gets past the door, whatever the method says; another is refused by its role."""

    async def tell(world: World, client: Any) -> None:
        found = {(method, role): await status(client(role), method) for method in METHODS for role in ApiRole}
        for (method, role), code in found.items():
            if role in allowed(method):
                assert code not in REFUSALS, (method, role)
            else:
                assert code is grpc.StatusCode.PERMISSION_DENIED, (method, role)

    run("memory", tmp_path, tell)


def test_without_a_good_key_no_method_is_open(tmp_path: Path) -> None:
    """Not for a peer of this machine either, as long as nothing says so."""
    stranger = make_key(title="stranger", roles=[ApiRole.ADMIN], created_at_ms=0).text

    async def tell(world: World, client: Any) -> None:
        channel = client(ApiRole.ADMIN)._channel
        for text in ("", stranger, "ocs_"):
            for method in METHODS:
                code = await status(Client(channel, text), method)
                assert code is grpc.StatusCode.UNAUTHENTICATED, (method, text)

    run("memory", tmp_path, tell)


@pytest.mark.parametrize("peer", ["ipv4:127.0.0.1:4711", "ipv6:[::1]:4711", "ipv4:192.0.2.1:4711"])
@pytest.mark.parametrize("method", METHODS)
def test_a_loopback_gateway_charges_and_nothing_else(method: str, peer: str) -> None:
    """What the configuration opens to this machine is charging, and only to this machine."""
    from world import FakeClock

    from ocs.grpc.access import AccessControl, KeyRing

    class Call:
        """A call of a peer without a key."""

        def peer(self) -> str:
            return peer

        def invocation_metadata(self) -> tuple[()]:
            return ()

        def auth_context(self) -> dict[str, Any]:
            return {}

    access = AccessControl(
        ring=KeyRing(), gateway_named=lambda _: None, clock=FakeClock(), loopback_gateway="gw"
    )
    service, _, name = method.partition(".")

    found = access.permit(Call(), f"ocs.v1.{service}", name)  # type: ignore[arg-type]  # all that is asked

    if peer.startswith("ipv4:192"):
        assert found is Denial.UNKNOWN_PEER
    elif service == "Charging":
        assert not isinstance(found, Denial)
        assert found.gateway == "gw"
    else:
        assert found is Denial.ROLE_MISSING

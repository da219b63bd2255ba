"""What accounts and gateways are called: by name for commands, by id for what is shown of the books."""

from ocs.errors import NotFoundError
from ocs.ports import CatalogStore
from ocs.quota.account import AccountProfile


async def find_account(catalog: CatalogStore, name: str) -> AccountProfile:
    """The account with this name, or NotFoundError."""
    profile = await catalog.find_account(name)
    if profile is None:
        raise NotFoundError(f"account {name!r} does not exist")
    return profile


async def account_name(catalog: CatalogStore, account_id: int) -> str:
    """The account's name; its number when it is gone."""
    chain = await catalog.load_chain(account_id)
    return chain[0].name if chain else str(account_id)


class Names:
    """Names of accounts and gateways by id, asked for once each."""

    def __init__(self, catalog: CatalogStore) -> None:
        self._catalog = catalog
        self._accounts: dict[int, str] = {}
        self._gateways: dict[int, str] | None = None

    async def account(self, account_id: int) -> str:
        """The account's name; its number when it is gone."""
        if account_id not in self._accounts:
            self._accounts[account_id] = await account_name(self._catalog, account_id)
        return self._accounts[account_id]

    async def gateway(self, gateway_id: int) -> str:
        """The gateway's name; its number when it is gone."""
        return (await self._known_gateways()).get(gateway_id, str(gateway_id))

    async def gateway_id(self, name: str) -> int:
        """The id of the gateway with this name, or NotFoundError."""
        for gateway_id, known in (await self._known_gateways()).items():
            if known == name:
                return gateway_id
        raise NotFoundError(f"gateway {name!r} does not exist")

    async def _known_gateways(self) -> dict[int, str]:
        if self._gateways is None:
            self._gateways = {one.id: one.name for one in await self._catalog.load_gateways()}
        return self._gateways

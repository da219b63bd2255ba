"""Every test that asks for `backend` runs once for each store there is."""

import asyncio
from collections.abc import Iterator

import pytest
from contract.backend import BACKENDS, Backend, Stores


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """An empty database of each kind."""
    return BACKENDS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture
def stores(backend: Backend) -> Iterator[Stores]:
    """Stores opened on it."""
    opened = backend.open()
    yield opened
    asyncio.run(opened.close())

"""The service and its clients, for the tests that see them from outside."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.server import Api, ServerProcess
from tests.support.socket_clients import SocketClients


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that tests share which need no settings of their own."""
    server = ServerProcess(tmp_path_factory.mktemp("server"))
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def api(server: ServerProcess) -> AsyncIterator[Api]:
    """A caller of the shared server."""
    async with Api(server.url) as api:
        yield api


@pytest.fixture(params=["js-websocket", "js-polling", "py-websocket"])
async def clients(request: pytest.FixtureRequest) -> AsyncIterator[SocketClients]:
    """Socket clients, of one kind after the other."""
    async with SocketClients(request.param) as clients:
        yield clients

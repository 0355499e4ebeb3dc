"""The service and its clients, for the tests that see them from outside."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from tests.support.asyncapi import check_what_was_heard
from tests.support.mongod import fresh_database
from tests.support.server import PLAIN_ASGI, Api, ServerProcess
from tests.support.socket_clients import SocketClients

ON_MONGODB = "mongodb-plain-asgi"
CLIENT_ON_MONGODB = "py-websocket"
"""Websockets are what a plain ASGI server serves otherwise than `chat-server run` does."""

what_is_heard_fits = pytest.fixture(autouse=True)(check_what_was_heard)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to `make prove` what on MongoDB differs in neither the store nor the transport."""
    for item in items:
        given = item.callspec.params if hasattr(item, "callspec") else {}
        is_marked = item.get_closest_marker("mongodb") is not None
        client = given.get("clients", CLIENT_ON_MONGODB)
        if given.get("server") == ON_MONGODB and not (is_marked and client == CLIENT_ON_MONGODB):
            item.add_marker("prove")


@pytest.fixture(scope="session", params=["sqlite", ON_MONGODB])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server that tests share which need no settings of their own.

    One is `chat-server run` on SQLite, the other a plain ASGI server on MongoDB: for tests with
    the mark `mongodb`, and for all of them in `make prove`.
    """
    folder = tmp_path_factory.mktemp("server")
    if request.param == "sqlite":
        with _shared(ServerProcess(folder)) as server:
            yield server
        return
    with (
        fresh_database() as url,
        _shared(ServerProcess(folder, PLAIN_ASGI, DATABASE_URL=url)) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Another one, in production, that waits for nothing and takes little."""
    settings: dict[str, str | int] = {
        "NODE_ENV": "production",
        "HOST": "127.0.0.1",
        "CORS_ORIGINS": "https://chat.example, https://admin.example:8443",
        "CHAT_CONNECT_SECONDS": 1,
        "CHAT_REGISTRATION_SECONDS": 1,
        "CHAT_CONNECTIONS_PER_USER": 2,
        "CHAT_MESSAGE_BYTES": 100,
        "CHAT_FRAME_BYTES": 2000,
    }
    with _shared(ServerProcess(tmp_path_factory.mktemp("strict"), **settings)) as server:
        yield server


@contextmanager
def _shared(server: ServerProcess) -> Iterator[ServerProcess]:
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def api(server: ServerProcess) -> AsyncIterator[Api]:
    """A caller of the shared server."""
    async with Api(server.url) as api:
        yield api


@pytest.fixture
async def strict_api(strict_server: ServerProcess) -> AsyncIterator[Api]:
    """A caller of the strict one."""
    async with Api(strict_server.url) as api:
        yield api


@pytest.fixture(params=["js-websocket", "js-polling", "py-websocket"])
async def clients(request: pytest.FixtureRequest) -> AsyncIterator[SocketClients]:
    """Socket clients, of one kind after the other."""
    async with SocketClients(request.param) as clients:
        yield clients

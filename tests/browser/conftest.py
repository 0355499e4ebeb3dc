"""A browser, and a server of one's own for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat_server.demo import fill_with_demo
from chat_server.settings import Settings
from tests.support.browser import Browser, needed
from tests.support.ports import free_port
from tests.support.server import ServerProcess


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server that is at the same address when it comes back, as in real life."""
    needed()
    async with ServerProcess(tmp_path, PORT=free_port()) as server:
        yield server


@pytest.fixture
async def demo(server: ServerProcess, tmp_path: Path) -> ServerProcess:
    """A server with the people of the demonstration."""
    await fill_with_demo(Settings(DATABASE_URL=f"sqlite:///{tmp_path}/chat.db"))  # type: ignore[call-arg]
    return server

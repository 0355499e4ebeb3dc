"""The services over memory adapters."""

from collections.abc import AsyncIterator

import pytest

from chat_core import User
from tests.support.engine import Engine, engine
from tests.support.stores import Stores, memory_stores


@pytest.fixture
async def stores() -> AsyncIterator[Stores]:
    async with memory_stores() as opened:
        yield opened


@pytest.fixture
def chat(stores: Stores) -> Engine:
    return engine(stores)


@pytest.fixture
async def ann(chat: Engine) -> User:
    return await chat.user("ann")


@pytest.fixture
async def bob(chat: Engine) -> User:
    return await chat.user("bob")


@pytest.fixture
async def eve(chat: Engine) -> User:
    return await chat.user("eve")

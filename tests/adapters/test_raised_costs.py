"""Hashes of a version that asked for less: the log-in raises them."""

from collections.abc import AsyncIterator
from dataclasses import replace

import argon2
import pytest

from chat_core import NewAccount
from chat_core.errors import InvalidCredentials
from chat_security import Argon2Hasher
from tests.support.engine import ADDRESS, PASSWORD, Engine, engine
from tests.support.stores import memory_stores


@pytest.fixture
async def chat() -> AsyncIterator[Engine]:
    async with memory_stores() as stores:
        yield engine(stores)


@pytest.fixture
async def hashers() -> AsyncIterator[tuple[Argon2Hasher, Argon2Hasher]]:
    made = Argon2Hasher(time_cost=1, memory_kib=8), Argon2Hasher(time_cost=2, memory_kib=64)
    yield made
    for each in made:
        each.close()


async def costs(chat: Engine) -> tuple[int, int]:
    credentials = await chat.stores.users.credentials("ann")
    assert credentials
    parameters = argon2.extract_parameters(credentials.password_hash)
    return parameters.time_cost, parameters.memory_cost


async def test_a_log_in_raises_the_costs_of_the_hash_to_those_of_now(
    chat: Engine, hashers: tuple[Argon2Hasher, Argon2Hasher]
) -> None:
    former, now = hashers
    accounts = replace(chat.accounts, hasher=former)
    sessions = replace(chat.sessions, hasher=now)
    await accounts.sign_up(NewAccount("ann", PASSWORD), ADDRESS)

    with pytest.raises(InvalidCredentials):
        await sessions.log_in("ann", "another horse", None, ADDRESS)
    assert await costs(chat) == (1, 8)
    await sessions.log_in("ann", PASSWORD, None, ADDRESS)
    assert await costs(chat) == (2, 64)
    await sessions.log_in("ann", PASSWORD, None, ADDRESS)

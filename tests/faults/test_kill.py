"""SIGKILL at the worst moment: what was acked is stored, once, at its place."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.support.mongod import fresh_database
from tests.support.raw_socket import raw_socket
from tests.support.senders import check_pair, pairs, total
from tests.support.server import Api, ServerProcess, answered
from tests.support.waiting import eventually


@pytest.fixture(params=["sqlite", "mongodb"])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield "sqlite:///chat.db"
        return
    with fresh_database() as url:
        yield url


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_a_message_that_was_acked_survives_and_its_repeat_is_no_other(
    tmp_path: Path, database_url: str, transport: str
) -> None:
    async with ServerProcess(tmp_path, DATABASE_URL=database_url) as server:
        async with Api(server.url) as api:
            alice, bob = await api.people("alice", "bob")
            body = {"recipientId": bob.id, "content": "hi", "clientMessageId": "1"}
            if transport == "http":
                message = answered(await api.post("/messages", alice, body), 201)
                server.kill()
            else:
                async with raw_socket(server.url) as raw:
                    await raw.register(alice)
                    message = (await raw.call("send_message", body))["message"]
                    server.kill()
        await server.restart()
        async with Api(server.url) as api:
            assert await api.history(bob, message["conversationId"]) == [
                message | {"clientMessageId": None}
            ]
            assert answered(await api.post("/messages", alice, body), 200) == message
            async with raw_socket(server.url) as raw:
                await raw.register(alice)
                ack = await raw.call("send_message", body)
                assert ack == {"ok": True, "message": message, "duplicate": True}
            assert (await api.send(alice, bob, "next"))["seq"] == 2


async def test_accounts_and_sessions_survive(tmp_path: Path, database_url: str) -> None:
    async with ServerProcess(tmp_path, DATABASE_URL=database_url) as server:
        async with Api(server.url) as api:
            alice = await api.person("alice")
            server.kill()
        await server.restart()
        async with Api(server.url) as api, raw_socket(server.url) as raw:
            await raw.register(alice)
            assert (await api.get("/users/me", alice))["username"] == alice.username
            assert (await api.log_in(alice.username)).id == alice.id


async def test_under_load_everything_acked_is_stored_once_and_in_order(
    tmp_path: Path, database_url: str
) -> None:
    await kill_under_load(tmp_path, database_url, rounds=3)


@pytest.mark.prove
async def test_under_load_the_same_holds_for_thirty_kills(
    tmp_path: Path, database_url: str
) -> None:
    await kill_under_load(tmp_path, database_url, rounds=30)


async def kill_under_load(folder: Path, database_url: str, *, rounds: int) -> None:
    """Kill and restart the server while eight people write to each other in pairs."""
    random = Random(rounds)  # noqa: S311
    async with ServerProcess(folder, DATABASE_URL=database_url) as server:
        async with Api(server.url) as api:
            people = await api.people(*(f"person{number}" for number in range(8)))
        couples = pairs(people)
        senders = [sender for couple in couples for sender in couple]
        for _ in range(rounds):
            wanted = total(senders) + random.randrange(20, 80)
            sending = [
                asyncio.create_task(sender.send_on(server.url, by_socket=number % 2 == 0))
                for number, sender in enumerate(senders)
            ]
            await eventually(lambda: total(senders) >= wanted)  # noqa: B023
            server.kill()
            await asyncio.gather(*sending)
            await server.restart()
        async with Api(server.url) as api:
            for couple in couples:
                await check_pair(api, *couple)
        assert not any(sender.refused for sender in senders)
        assert "Traceback" not in server.log

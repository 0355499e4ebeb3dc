import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from chat_core.errors import Unavailable
from chat_mongo import DatabaseRefused, MongoDatabase
from chat_mongo.documents import UserDocument
from tests.support.machine_speed import check_took
from tests.support.mongod import Mongod, ReplicaSet, fresh_database
from tests.support.waiting import eventually

ANSWER_SECONDS = 5


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_database() as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database[dict[str, Any]]]:
    """What someone else sees of it."""
    with MongoClient[dict[str, Any]](url) as client:
        yield client.get_default_database()


async def refusal(url: str, name: str) -> str:
    with pytest.raises(DatabaseRefused) as caught:
        await MongoDatabase.open(url, name, patience=2)
    (line,) = str(caught.value).splitlines()
    return line


async def test_a_replica_set_that_was_never_initiated_is_refused(tmp_path: Path) -> None:
    mongod = Mongod(tmp_path)
    mongod.start()
    try:
        line = await refusal(f"mongodb://{mongod.address}", "chat")
    finally:
        mongod.kill()
    assert f"the mongod at {mongod.address}" in line
    assert "run rs.initiate()" in line


@pytest.mark.parametrize(
    "index",
    [
        {"keys": [("conversation_id", 1), ("seq", -1)], "name": "place_is_unique"},
        {"keys": [("conversation_id", 1), ("seq", -1)], "name": "by_someone", "unique": True},
        {"keys": [("seq", 1)], "name": "place_is_unique", "unique": True},
    ],
    ids=["not unique", "another name", "other fields"],
)
async def test_an_index_that_someone_made_otherwise_is_refused(
    url: str, database: Database[dict[str, Any]], index: dict[str, Any]
) -> None:
    database["chat_entries"].create_index(**index)
    line = await refusal(url, database.name)
    assert "drop it and start again" in line
    assert index["name"] in line


async def test_entries_that_share_a_place_are_refused(
    url: str, database: Database[dict[str, Any]]
) -> None:
    database["chat_entries"].insert_many(
        {"_id": each, "conversation_id": "c", "seq": 1} for each in "ab"
    )
    line = await refusal(url, database.name)
    assert "place_is_unique" in line
    assert "not unique" in line


async def test_many_who_ask_during_an_outage_are_answered_after_it(tmp_path: Path) -> None:
    with ReplicaSet(tmp_path) as servers:
        database = await MongoDatabase.open(servers.url(), "chat")
        users = database.collection(UserDocument)

        async def read() -> None:
            async with database.session() as session:
                await users.find_one({}, session=session)

        took = []

        async def ask(call: Callable[[], Awaitable[None]], began: float) -> None:
            """On and on for a while."""
            await eventually(lambda: time.monotonic() > began)
            while (asked := time.monotonic()) < began + 5:
                with pytest.raises(Unavailable):
                    await call()
                took.append(time.monotonic() - asked)

        async def is_back() -> bool:
            try:
                await asyncio.gather(read(), database.check())
            except Unavailable:
                return False
            return True

        (mongod,) = servers.members
        mongod.kill()
        now = time.monotonic()
        async with asyncio.TaskGroup() as asking:
            # Not all in one beat: they are to meet each other at every point of their way.
            for number in range(40):
                asking.create_task(ask(read, now + number / 40))
                asking.create_task(ask(database.check, now + number / 40))
        check_took(max(took), ANSWER_SECONDS)
        await asyncio.to_thread(mongod.start)
        await eventually(is_back)
        await database.close()


async def test_a_url_that_can_not_be_read_is_refused_without_a_part_of_its_password() -> None:
    with pytest.raises(DatabaseRefused) as refused:
        await MongoDatabase.open("mongodb://user:pass/phrase@127.0.0.1/chat")
    assert "phrase" not in str(refused.value)
    assert "percent-encode" in str(refused.value)

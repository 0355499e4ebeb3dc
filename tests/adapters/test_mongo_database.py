from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from chat_mongo import DatabaseRefused, MongoDatabase
from tests.support.mongod import Mongod, fresh_database


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

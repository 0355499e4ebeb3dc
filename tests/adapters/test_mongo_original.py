"""Reading a database that Mongoose might have written, whatever is in it."""

import gc
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import WriteConcern

from chat_core.errors import Unavailable
from chat_mongo import DatabaseRefused, OriginalDatabase, OriginalMessage, OriginalUser
from chat_mongo import original as original_module
from tests.support.mongod import Mongod
from tests.support.original import Original, original_database

AT = datetime(2024, 1, 1, tzinfo=UTC)
FINE = datetime(2025, 1, 1, 0, 0, 0, 9999, UTC)
"""BSON keeps milliseconds."""


@pytest.fixture
async def original() -> AsyncIterator[Original]:
    async with original_database("read") as original:
        await original.database.users.insert_one({"_id": "first", "createdAt": AT})
        yield original


@pytest.fixture
async def opened(original: Original) -> AsyncIterator[OriginalDatabase]:
    database = await OriginalDatabase.open(original.url)
    yield database
    await database.close()


@pytest.fixture
def _lost_sockets() -> Iterator[None]:
    """The driver leaves the socket of a connect that is cancelled to the garbage collector."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def all_messages(database: OriginalDatabase) -> list[Sequence[OriginalMessage]]:
    batches, found = database.messages(), []
    while batch := await batches.next():
        found.append(batch)
    assert await batches.next() == []
    return found


async def test_messages_come_by_their_time_then_their_id_some_at_once(
    original: Original, opened: OriginalDatabase
) -> None:
    times = [AT + timedelta(milliseconds=n % 7) for n in range(1100)]
    rows = [{"_id": ObjectId(), "content": f"{n}", "createdAt": at} for n, at in enumerate(times)]
    await original.database.messages.insert_many(reversed(rows))

    batches = await all_messages(opened)
    assert [len(batch) for batch in batches] == [500, 500, 100]
    rows.sort(key=lambda row: (row["createdAt"], row["_id"]))
    assert [each.id for batch in batches for each in batch] == [str(row["_id"]) for row in rows]
    assert (await opened.counts()).messages == 1100


async def test_long_messages_come_in_shorter_batches(
    original: Original, opened: OriginalDatabase
) -> None:
    await original.database.messages.insert_many({"content": "x" * 1_500_000} for _ in range(5))

    assert [len(batch) for batch in await all_messages(opened)] == [3, 2]


async def test_whatever_is_missing_or_of_another_type_is_none(
    original: Original, opened: OriginalDatabase
) -> None:
    key = ObjectId.from_datetime(AT)
    rows: list[dict[str, Any]] = [
        {"_id": key},
        {"_id": "a", "sender": 1, "receiver": key, "content": ["x"], "createdAt": "2024-02-03"},
        {
            "_id": 7,
            "sender": "a",
            "content": "x",
            "createdAt": FINE,
        },
        {"_id": "b", "createdAt": {"$x": 1}},
    ]
    await original.database.messages.insert_many(rows)
    await original.database.users.insert_one({"_id": key, "username": 1, "email": b"x"})

    (batch,) = await all_messages(opened)
    assert batch == [
        OriginalMessage("b", None, None, None, datetime(1970, 1, 1, tzinfo=UTC)),
        OriginalMessage(str(key), None, None, None, AT),
        OriginalMessage("a", None, str(key), None, datetime(2024, 2, 3, tzinfo=UTC)),
        OriginalMessage(None, "a", None, "x", datetime(2025, 1, 1, 0, 0, 0, 9000, UTC)),
    ]
    assert await opened.users().next() == [
        OriginalUser("first", None, None, None, AT),
        OriginalUser(str(key), None, None, None, AT),
    ]


async def test_what_python_has_no_date_or_text_for_is_read_all_the_same(
    original: Original, opened: OriginalDatabase
) -> None:
    # {"createdAt": the year 292278994, "content": a byte that is no UTF-8}
    far = b"\x09createdAt\0" + (2**63 - 1).to_bytes(8, "little")
    text = b"\x02content\0" + (3).to_bytes(4, "little") + b"a\xff\0"
    body = far + text + b"\0"
    raw = RawBSONDocument((len(body) + 4).to_bytes(4, "little") + body)
    await original.database.messages.insert_one(raw)

    ((message,),) = await all_messages(opened)
    assert (message.content, message.created_at.year) == ("a\udcff", 9999)


@pytest.mark.usefixtures("_lost_sockets")
async def test_after_an_outage_reading_goes_on_behind_the_last_that_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(original_module, "SELECT_SECONDS", 0.5)
    mongod = Mongod(tmp_path, replica_set=False)
    mongod.start()
    try:
        with mongod.client() as client:
            durable = client.get_database("test", write_concern=WriteConcern(j=True))
            durable["users"].insert_one({})
            keys: list[Any] = [
                *range(400),
                *map(str, range(400)),
                *(ObjectId() for _ in range(400)),
            ]
            durable["messages"].insert_many(
                {"_id": key, "content": f"{number}", "createdAt": AT}
                for number, key in enumerate(keys)
            )
            everything = [row["content"] for row in durable["messages"].find().sort("_id", 1)]
        database = await OriginalDatabase.open(f"mongodb://{mongod.address}")
        batches = database.messages()
        found = list(await batches.next())
        assert len(found) == 500
        mongod.kill()
        with pytest.raises(Unavailable):
            await batches.next()
        mongod.start()
        while batch := await batches.next():
            found += batch
        await database.close()
    finally:
        mongod.kill()
    assert [each.content for each in found] == everything


@pytest.mark.usefixtures("_lost_sockets")
async def test_a_server_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(original_module, "SELECT_SECONDS", 0.1)
    with pytest.raises(DatabaseRefused, match=r"no MongoDB answers at 127\.0\.0\.1:1 "):
        await OriginalDatabase.open("mongodb://127.0.0.1:1")

"""What the databases keep of bodies; reads through the ports show nothing of what is gone."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from chat_core import Body, Conversation, Message
from chat_core.conversations import MemberDeleted
from chat_core.testing.makers import alter, at, create, draft, group, revision, user
from chat_mongo import mongo_log
from chat_mongo.documents import EntryDocument
from chat_sqlite import SqliteDatabase
from tests.support.stores import Stores, empty_database, mongo_stores_in, sqlite_stores_in

Kept = list[tuple[str | None, str | None]]
"""Of each message, by its place: the text, and the JSON of all else."""
Backend = tuple[Stores, Callable[[], Awaitable[Kept]]]

RICH = Body("hello", {"é": [1, 2.0, {"$a.b": None}]})
STORED = ("hello", '{"é":[1,2.0,{"$a.b":null}]}')
GONE = (None, None)
ANN, BOB = user("ann"), user("bob")


@asynccontextmanager
async def in_sqlite() -> AsyncIterator[Backend]:
    def select(connection: sqlite3.Connection) -> Kept:
        return connection.execute("SELECT content, more FROM messages ORDER BY seq").fetchall()

    with TemporaryDirectory() as folder:
        database = await SqliteDatabase.open(Path(folder) / "chat.db")
        yield sqlite_stores_in(database), lambda: database.read(select)
        await database.close()


@asynccontextmanager
async def in_mongodb() -> AsyncIterator[Backend]:
    async with empty_database() as database:
        log = mongo_log(database)

        async def find() -> Kept:
            messages = database.collection(EntryDocument).find({"kind": "message"}).sort("seq", 1)
            rows = await messages.to_list()
            assert all(each.get("more", "absent") is not None for each in rows)
            return [(each["content"], each.get("more")) for each in rows]

        yield mongo_stores_in(database, log), find
        await log.close()


@pytest.fixture(params=[in_sqlite, in_mongodb])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    opened: Callable[[], AbstractAsyncContextManager[Backend]] = request.param
    async with opened() as stores_and_kept:
        yield stores_and_kept


async def rich_message(stores: Stores) -> tuple[Conversation, Message]:
    """Ann's, at place 2 of a group, before a plain one of Bob's."""
    friends = await create(stores.log, group(ANN, BOB))
    sent = await stores.log.append(replace(draft(friends, ANN, client_id="c"), body=RICH))
    await stores.log.append(draft(friends, BOB, "hi"))
    return friends, sent.message


async def test_a_body_is_its_text_and_the_json_of_all_else(backend: Backend) -> None:
    stores, kept = backend
    await rich_message(stores)
    assert await kept() == [STORED, ("hi", None)]


@pytest.mark.parametrize(("body", "expected"), [(Body("plain"), ("plain", None)), (None, GONE)])
async def test_an_edit_and_a_deletion_leave_nothing_of_it(
    backend: Backend, body: Body | None, expected: tuple[str | None, str | None]
) -> None:
    stores, kept = backend
    friends, message = await rich_message(stores)
    await stores.log.append(replace(revision(friends, message, None), body=body))
    assert await kept() == [expected, ("hi", None)]


async def test_the_end_of_an_account_leaves_nothing_of_it(backend: Backend) -> None:
    stores, kept = backend
    friends, _ = await rich_message(stores)
    await alter(stores.log, friends, MemberDeleted(ANN.id))
    assert await kept() == [GONE, ("hi", None)]


async def test_what_expires_leaves_nothing_of_it_and_is_repeated_by_its_values(
    backend: Backend,
) -> None:
    stores, kept = backend
    friends, message = await rich_message(stores)
    await stores.retention.expire({friends.id: 99}, at(9))
    assert await kept() == [GONE, GONE]

    again = replace(
        draft(friends, ANN, client_id="c"), body=Body("hello", {"é": [1.0, 2, {"$a.b": None}]})
    )
    repeat = await stores.log.append(again)
    assert (repeat.duplicate, repeat.message.id) == (True, message.id)
    assert await stores.log.repeated(replace(again, body=Body("hello"))) is None

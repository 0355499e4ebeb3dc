"""Places: the order in which a database stored its entries, those of all logs."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from bson import Timestamp

from chat_core import Body, MemberAdded, MessageId, Role, TitleChanged, UserId
from chat_core.conversations import MemberDeleted
from chat_core.memory import MemoryConversations
from chat_core.ports import Committed, ConversationLog
from chat_core.testing.makers import (
    alter,
    at,
    create,
    direct,
    draft,
    group,
    revise,
    say,
    user,
)
from chat_mongo import MongoDatabase, mongo_log
from chat_mongo.documents import EntryDocument
from chat_sqlite import SqliteDatabase
from chat_sqlite.schema import APPLICATION_ID, MIGRATIONS
from tests.support.stores import (
    Stores,
    empty_database,
    memory_stores,
    sqlite_stores_in,
)

Placed = list[tuple[int, str, int]]
"""Of each entry: its place, the id of its conversation and its seq."""

_PLACES = """
SELECT m.pk, c.id, m.seq FROM messages m JOIN conversations c ON c.pk = m.conversation_pk
UNION ALL SELECT h.place, c.id, h.seq FROM changes h JOIN conversations c
    ON c.pk = h.conversation_pk
ORDER BY 1
"""
ANN, BOB, EVE = user("ann"), user("bob"), user("eve")


def places_in(connection: sqlite3.Connection) -> Placed:
    return connection.execute(_PLACES).fetchall()


@dataclass(frozen=True, slots=True)
class Backend:
    """A log, and a look at the places of what it has stored."""

    log: ConversationLog
    placed: Callable[[], Awaitable[Placed]]


@asynccontextmanager
async def in_memory() -> AsyncIterator[Backend]:
    async with memory_stores() as stores:
        conversations = stores.conversations
        assert isinstance(conversations, MemoryConversations)

        async def placed() -> Placed:
            return [(place, *entry) for place, entry in enumerate(conversations.stored, start=1)]

        yield Backend(stores.log, placed)


@asynccontextmanager
async def in_sqlite() -> AsyncIterator[Backend]:
    with TemporaryDirectory() as folder:
        async with opened(Path(folder) / "chat.db") as (database, stores):
            yield Backend(stores.log, lambda: database.read(places_in))


@asynccontextmanager
async def in_mongodb() -> AsyncIterator[Backend]:
    async with empty_database() as database, AsyncExitStack() as stack:
        log = mongo_log(database)
        stack.push_async_callback(log.close)
        yield Backend(log, lambda: placed_in_mongodb(database))


async def placed_in_mongodb(database: MongoDatabase) -> Placed:
    entries = await database.collection(EntryDocument).find().sort("place", 1).to_list()
    return [
        ((each["place"].time << 32) + each["place"].inc, each["conversation_id"], each["seq"])
        for each in entries
    ]


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[tuple[SqliteDatabase, Stores]]:
    database = await SqliteDatabase.open(path)
    try:
        yield database, sqlite_stores_in(database)
    finally:
        await database.close()


@pytest.fixture(params=[in_memory, in_sqlite, in_mongodb])
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    backend: Callable[[], AbstractAsyncContextManager[Backend]] = request.param
    async with backend() as log_and_places:
        yield log_and_places


async def entries_of_every_kind(log: ConversationLog) -> None:
    """In a group and a direct conversation, turn and turn about."""
    friends, between = await create(log, group(ANN, BOB)), direct(ANN, BOB)
    first, _ = await say(log, between, ANN, "1", "2")
    (said,) = await say(log, friends, ANN, "hello")
    edited = await revise(log, between, first, "one")
    friends = await alter(log, friends, MemberAdded(EVE.id, Role.MEMBER), TitleChanged("Others"))
    await revise(log, between, edited.message, None)
    await say(log, friends, EVE, "hi")
    await revise(log, friends, said, "Hello")
    await alter(log, friends, MemberDeleted(BOB.id))
    await create(log, group(EVE, ANN))


async def test_entries_of_all_logs_have_places_in_the_order_in_which_they_were_stored(
    backend: Backend,
) -> None:
    told: list[tuple[str, int]] = []

    def follow(committed: Committed) -> None:
        told.append((committed.event.conversation_id, committed.event.seq))

    backend.log.follow(follow)
    await entries_of_every_kind(backend.log)

    placed = await backend.placed()
    places = [place for place, *_ in placed]
    assert [(of, seq) for _, of, seq in placed] == told
    assert len(told) == 12
    assert places == sorted(set(places))
    assert all(0 < place < 2**63 for place in places)


async def test_what_is_stored_together_has_places_in_the_order_of_each_log(
    backend: Backend,
) -> None:
    talks = [direct(ANN, user()) for _ in range(5)]
    await asyncio.gather(*(backend.log.append(draft(talks[n % 5], ANN)) for n in range(50)))

    placed = await backend.placed()
    assert len({place for place, *_ in placed}) == 50
    for talk in talks:
        assert [seq for _, of, seq in placed if of == talk.id] == list(range(1, 11))


# SQLite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


async def test_two_processes_on_one_file_give_places_in_turn(path: Path) -> None:
    async with opened(path) as (one, stores), opened(path) as (_, others):
        friends = await create(stores.log, group(ANN, BOB))
        between = direct(ANN, BOB)
        expected: list[tuple[str, int]] = [(friends.id, 1)]
        for number in range(10):
            for log in (stores.log, others.log):
                (said,) = await say(log, between, ANN, f"{number}")
                friends = await alter(log, friends, TitleChanged(f"{number}"))
                expected += [(said.conversation_id, said.seq), (friends.id, friends.revision)]

        placed = await one.read(places_in)
        assert [(of, seq) for _, of, seq in placed] == expected
        assert len({place for place, *_ in placed}) == len(expected)


async def test_places_go_on_after_a_start_and_after_all_has_expired(path: Path) -> None:
    async with opened(path) as (database, stores):
        friends = await create(stores.log, group(ANN, BOB))
        await say(stores.log, friends, ANN, "hello")
        await alter(stores.log, friends, *(TitleChanged(f"{number}") for number in range(9)))
        last = (await database.read(places_in))[-1][0]
        await stores.retention.expire({friends.id: 99}, at(9))
        assert (await database.read(places_in))[-1][0] < last
    async with opened(path) as (database, stores):
        await create(stores.log, group(ANN, EVE))
        assert (await database.read(places_in))[-1][0] > last


async def test_a_write_that_fails_beside_others_leaves_their_places_in_order(path: Path) -> None:
    async with opened(path) as (database, stores):
        between = direct(ANN, BOB)
        await say(stores.log, between, ANN, "first")
        again = draft(between, ANN, client_id="c")
        results = await asyncio.gather(
            stores.log.append(draft(between, ANN, "two")),
            stores.log.append(again),
            stores.log.append(replace(again, id=draft(between, ANN).id)),
            stores.log.append(draft(between, BOB, "three")),
        )

        assert [each.duplicate for each in results] == [False, False, True, False]
        placed = await database.read(places_in)
        assert [seq for *_, seq in placed] == [1, 2, 3, 4]
        assert len({place for place, *_ in placed}) == 4


async def test_in_a_file_of_version_0_1_new_places_are_above_every_key(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("".join(MIGRATIONS[:4]) + VERSION_0_1_ROWS)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 4")
        connection.commit()
    async with opened(path) as (database, stores):
        talk = await stores.conversations.direct(UserId("u-ann"), UserId("u-bob"))
        said = await stores.reader.message(MessageId("m-2"))
        assert talk is not None
        assert said is not None
        edited = await revise(stores.log, talk, said, "Hi")
        await say(stores.log, talk, ANN, "new")

        assert edited.message.body == Body("Hi")
        placed = await database.read(places_in)
        assert placed == [
            (None, "c-1", 3),
            (7, "c-1", 2),
            (4001, "c-1", 1),
            (4002, "c-1", 4),
            (4003, "c-1", 5),
        ]


VERSION_0_1_ROWS = """
INSERT INTO users (pk, id, password_hash, created_at) VALUES
  (1, 'u-ann', 'h', 1000), (2, 'u-bob', 'h', 1000);
INSERT INTO conversations (pk, id, kind, pair, revision, last_seq, active_at, created_at) VALUES
  (1, 'c-1', 'direct', 'u-ann u-bob', 0, 3, 4000, 1000);
INSERT INTO members (conversation_pk, user_pk, role, joined_at, delivered_seq, read_seq) VALUES
  (1, 1, 'member', 1000, 3, 3), (1, 2, 'member', 1000, 3, 3);
INSERT INTO messages (pk, id, conversation_pk, seq, updated_seq, sender_pk, content, created_at)
  VALUES (4001, 'm-1', 1, 1, 3, 1, NULL, 2000), (7, 'm-2', 1, 2, 2, 1, 'hi', 3000);
INSERT INTO changes (conversation_pk, seq, kind, actor_pk, at, message_pk)
  VALUES (1, 3, 'deleted', 1, 4000, 4001);
"""


# MongoDB


async def test_documents_of_version_0_1_have_no_place_and_new_ones_do(
    empty_mongodb: MongoDatabase,
) -> None:
    entries = empty_mongodb.collection(EntryDocument)
    await entries.insert_one(
        {"_id": "old", "conversation_id": "c", "seq": 1, "revision": 0, "kind": "message"}
    )
    async with AsyncExitStack() as stack:
        log = mongo_log(empty_mongodb)
        stack.push_async_callback(log.close)
        await entries_of_every_kind(log)

    assert await entries.count_documents({"place": {"$exists": False}}) == 1
    assert await entries.count_documents({"place": {"$gt": Timestamp(1, 0)}}) == 12


async def test_pages_in_the_order_of_places_come_from_its_index(
    empty_mongodb: MongoDatabase,
) -> None:
    after = {"place": {"$gt": Timestamp(1, 0)}}
    wanted = empty_mongodb.collection(EntryDocument).find(after).sort("place", 1).limit(10)
    plan = str((await wanted.explain())["queryPlanner"]["winningPlan"])
    assert "by_place" in plan
    assert "'SORT'" not in plan

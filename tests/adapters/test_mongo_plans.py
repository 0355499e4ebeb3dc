from collections.abc import Iterator, Mapping
from typing import Any

import pymongo.monitoring
import pytest
from bson.codec_options import CodecOptions
from pymongo import MongoClient

from chat_core import Conversation, UserId
from chat_core.testing.makers import at, direct, say, stored_users
from chat_mongo import MongoDatabase, mongo_log
from chat_mongo.documents import MESSAGE, EntryDocument
from tests.support.every_query import ask_everything
from tests.support.mongod import mongodb_url
from tests.support.stores import Stores, empty_database, mongo_stores_in

LOADED = 100_000
MOST_EXAMINED = 30
"""Documents or keys that a query of this test may look at; it asks for less."""
ASKS = ("find", "aggregate", "update", "delete", "findAndModify", "count", "distinct")
EXAMINED = ("docsExamined", "keysExamined", "totalDocsExamined", "totalKeysExamined")
OF_THE_CALL = {
    "$clusterTime",
    "$db",
    "autocommit",
    "lsid",
    "maxTimeMS",
    "readConcern",
    "startTransaction",
    "txnNumber",
    "writeConcern",
}


class Listening(pymongo.monitoring.CommandListener):
    """Keeps the commands that clients send, as long as it is told to."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] | None = None

    def started(self, event: pymongo.monitoring.CommandStartedEvent) -> None:
        if self.commands is not None and event.command_name in ASKS:
            command = dict(event.command)
            self.commands.append({k: v for k, v in command.items() if k not in OF_THE_CALL})

    def succeeded(self, event: pymongo.monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: pymongo.monitoring.CommandFailedEvent) -> None:
        pass


@pytest.fixture(scope="module")
def listening() -> Listening:
    listener = Listening()
    pymongo.monitoring.register(listener)  # with every client that is made from now on
    return listener


def parts(explained: Any) -> Iterator[Mapping[str, Any]]:
    """Every part of an explanation, of look-ups in other collections too."""
    if isinstance(explained, Mapping):
        yield explained
        for name, value in explained.items():
            if name != "rejectedPlans":
                yield from parts(value)
    elif isinstance(explained, list):
        for each in explained:
            yield from parts(each)


def explain(client: MongoClient[dict[str, Any]], database: str, command: dict[str, Any]) -> Any:
    """How the server carries out a command, by its own words."""
    # It cuts long values off, in the middle of a character perhaps.
    lenient: CodecOptions[dict[str, Any]] = CodecOptions(unicode_decode_error_handler="replace")
    return client[database].command(
        "explain", command, verbosity="executionStats", codec_options=lenient
    )


def scans(explained: Any) -> bool:
    """Whether it looks at every document of a collection."""
    return any(
        part.get("stage") == "COLLSCAN" or part.get("collectionScans", 0) > 0
        for part in parts(explained)
    )


def examined(explained: Any) -> int:
    """The most keys or documents that one of its parts has looked at."""
    return max(int(part.get(name, 0)) for part in parts(explained) for name in EXAMINED)


async def loaded(database: MongoDatabase, stores: Stores) -> Conversation:
    """A conversation whose log is longer than a scan gets through."""
    one, other = await stored_users(stores.users, "one", "other")
    talk = direct(one, other)
    await say(stores.log, talk, one, "first")
    rows = [
        {
            "_id": f"loaded{seq}",
            "conversation_id": talk.id,
            "seq": seq,
            "revision": 0,
            "kind": MESSAGE,
            "at": at(seq),
            "sender_id": (one, other)[seq % 2].id,
            "recipient_id": (other, one)[seq % 2].id,
            "updated_seq": seq,
            "content": "hello",
            "client_id": f"client{seq}",
            "digest": b"digest",
        }
        for seq in range(2, LOADED + 2)
    ]
    entries = database.collection(EntryDocument)
    for start in range(0, LOADED, 10_000):
        await entries.insert_many(rows[start : start + 10_000])
    return talk


async def ask_about(talk: Conversation, stores: Stores) -> None:
    one = next(iter(talk.members))
    await stores.receipts.move(talk.id, one, delivered=LOADED, read=LOADED)
    await stores.conversations.overview(one, talk.id)
    await stores.conversations.latest(one, after=None, limit=5)
    await stores.conversations.overviews(one, [talk.id])
    await stores.reader.standing(one, talk.id)
    await stores.reader.history(talk.id, before=None, after=None, limit=5)
    await stores.reader.history(talk.id, before=LOADED // 2, after=None, limit=5)
    await stores.reader.history(talk.id, before=None, after=LOADED // 2, limit=5)
    await stores.reader.entries(talk.id, after=LOADED // 2, until=LOADED, limit=5)


async def test_every_query_has_its_index_and_looks_at_little_more_than_it_returns(
    listening: Listening,
) -> None:
    async with empty_database() as database:
        log = mongo_log(database)
        stores = mongo_stores_in(database, log)
        talk = await loaded(database, stores)
        asked: list[dict[str, Any]] = []
        listening.commands = asked
        await ask_everything(stores)
        await ask_about(talk, stores)
        listening.commands = None
        await log.close()

        with MongoClient[dict[str, Any]](mongodb_url()) as client:
            explained = [explain(client, database.name, command) for command in asked]
            without_index = {"find": "chat_entries", "filter": {"content": "none"}}
            at_all = explain(client, database.name, without_index)
        assert len(asked) > 90
        assert [
            (command, examined(each))
            for command, each in zip(asked, explained, strict=True)
            if scans(each) or examined(each) > MOST_EXAMINED
        ] == []
        assert scans(at_all)
        assert examined(at_all) > LOADED


async def test_a_page_of_a_search_looks_at_few_of_the_many_whom_it_finds(
    listening: Listening,
) -> None:
    async with empty_database() as database:
        stores = mongo_stores_in(database, mongo_log(database))
        await stored_users(stores.users, *(f"someone-{number:03}" for number in range(200)))
        asked: list[dict[str, Any]] = []
        listening.commands = asked
        page = await stores.users.search("some", without=UserId("nobody"), after=None, limit=5)
        await stores.users.search("some", without=UserId("nobody"), after=page.next, limit=5)
        listening.commands = None

        with MongoClient[dict[str, Any]](mongodb_url()) as client:
            most = [examined(explain(client, database.name, command)) for command in asked]
    assert len(most) == 4
    assert max(most) <= MOST_EXAMINED

"""Messages as version 0.1 left them."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from chat_core import Body
from chat_core.errors import ClientIdConflict
from chat_core.log import Log
from chat_core.testing.makers import at, direct, draft, user
from chat_mongo import MongoDatabase, MongoLogReader, mongo_log
from chat_mongo.documents import ConversationDocument, EntryDocument

ANN, BOB = user("ann"), user("bob")
BETWEEN = direct(ANN, BOB)
HELLO = bytes.fromhex("46fb7408d4f285228f4af516ea25851b")
"""What it kept of "hello"."""


def message(seq: int, client_id: str, **now: object) -> dict[str, object]:
    """One that Ann first sent as "hello"."""
    first = {
        "_id": f"m-{seq}",
        "conversation_id": BETWEEN.id,
        "seq": seq,
        "revision": 0,
        "kind": "message",
        "at": at(seq),
        "sender_id": ANN.id,
        "updated_seq": seq,
        "content": "hello",
        "recipient_id": BOB.id,
        "client_id": client_id,
        "digest": HELLO,
    }
    return first | now


@pytest.fixture
async def log(empty_mongodb: MongoDatabase) -> AsyncIterator[Log]:
    """Of a direct conversation with three messages, one edited and one deleted."""
    await empty_mongodb.collection(ConversationDocument).insert_one(
        {
            "_id": BETWEEN.id,
            "kind": "direct",
            "members": [
                {"user_id": each.id, "role": "member", "joined_at": at(0)} for each in (ANN, BOB)
            ],
            "revision": 0,
            "created_at": at(0),
            "pair": " ".join(sorted((ANN.id, BOB.id))),
        }
    )
    change = {"conversation_id": BETWEEN.id, "revision": 0, "at": at(9), "actor_id": ANN.id}
    await empty_mongodb.collection(EntryDocument).insert_many(
        [
            message(1, "as it was"),
            message(2, "edited", updated_seq=4, content="HELLO", edited_at=at(9)),
            message(3, "deleted", updated_seq=5, content=None, deleted_at=at(9)),
            change | {"_id": "e-4", "seq": 4, "kind": "edited", "message_id": "m-2"},
            change | {"_id": "e-5", "seq": 5, "kind": "deleted", "message_id": "m-3"},
        ]
    )
    log = mongo_log(empty_mongodb)
    yield log
    await log.close()


async def test_they_read_as_they_are(empty_mongodb: MongoDatabase, log: Log) -> None:
    stored = await MongoLogReader(empty_mongodb).history(BETWEEN.id, before=None, after=0, limit=9)
    assert [each.body for each in stored.items] == [Body("hello"), Body("HELLO"), None]


@pytest.mark.parametrize("client_id", ["as it was", "edited", "deleted"])
async def test_they_are_repeated_by_what_was_sent_first(log: Log, client_id: str) -> None:
    hello = draft(BETWEEN, ANN, "hello", client_id=client_id)

    again = await log.append(hello)
    assert (again.duplicate, again.message.client_message_id) == (True, client_id)
    for other in (Body("HELLO"), Body("Hello"), Body("hello", {"part": 1})):
        with pytest.raises(ClientIdConflict):
            await log.append(replace(hello, body=other))
    assert (await log.append(draft(BETWEEN, BOB, "hi"))).event.seq == 6

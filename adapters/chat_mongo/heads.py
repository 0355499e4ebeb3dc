"""Where logs end, as this process knows it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pymongo.asynchronous.client_session import AsyncClientSession

from chat_core.conversations import Conversation
from chat_core.ids import ConversationId
from chat_mongo.database import MongoDatabase
from chat_mongo.documents import ConversationDocument
from chat_mongo.entries import pair_of
from chat_mongo.tails import tails

REMEMBERED = 50_000
"""Conversations, about 300 bytes each; past it all are forgotten, and read again when needed."""


@dataclass(slots=True)
class Head:
    """The end of a log, and the conversation's revision there."""

    conversation_id: ConversationId
    last_seq: int
    revision: int


class Heads:
    """The ends of logs that were read or written here; other processes may have gone on."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._known: dict[str, Head] = {}

    def of(self, conversation: Conversation) -> Head | None:
        """Where its log ends; None if it is not stored, or not known."""
        return self._known.get(key_of(conversation))

    def moved(self, conversation: Conversation, head: Head) -> None:
        """The log ends there now."""
        self._known[key_of(conversation)] = head

    def forget(self, conversation: Conversation) -> None:
        """Read it again the next time."""
        self._known.pop(key_of(conversation), None)

    def forget_all(self) -> None:
        """Read every one again the next time."""
        self._known.clear()

    async def read(
        self, session: AsyncClientSession, conversations: Iterable[Conversation]
    ) -> Collection[str]:
        """Get to know those that are not known and stored; the keys of what was read."""
        unknown = [each for each in conversations if key_of(each) not in self._known]
        if not unknown:
            return ()
        if len(self._known) > REMEMBERED:
            self._known.clear()
        ids = [each.id for each in unknown]
        pairs = [pair for each in unknown if (pair := pair_of(each)) is not None]
        cursor = self._database.collection(ConversationDocument).find(
            {"$or": [{"_id": {"$in": ids}}, {"pair": {"$in": pairs}}]},
            {"pair": 1, "revision": 1},
            session=session,
        )
        stored = {row["_id"]: row async for row in cursor}
        ends = await tails(self._database, session, stored)
        for conversation_id, row in stored.items():
            # The entry's revision, if there is one: it is as of that seq, the row's of later.
            end = ends.get(conversation_id, {"seq": 0, "revision": row["revision"]})
            key = row.get("pair") or conversation_id
            self._known[key] = Head(conversation_id, end["seq"], end["revision"])
        return {key_of(each) for each in unknown}


def key_of(conversation: Conversation) -> str:
    """What a conversation is known by, before it has its id for good: the pair, if it is direct."""
    return pair_of(conversation) or conversation.id

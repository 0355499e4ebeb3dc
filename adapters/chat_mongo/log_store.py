"""The log store in MongoDB: messages share inserts, all other writes use transactions."""

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from pymongo.errors import DuplicateKeyError

from chat_core.conversations import Conversation
from chat_core.errors import Unavailable
from chat_core.events import ChangeKind, ConversationUpdated
from chat_core.ids import ConversationId, UserId
from chat_core.log import Log
from chat_core.measures import Commits
from chat_core.ports.log_store import (
    CreatedKey,
    FirstSent,
    Head,
    LogStore,
    SentKey,
    Verdicts,
    Write,
)
from chat_mongo.appending import Appending
from chat_mongo.database import MongoDatabase, Row
from chat_mongo.documents import ConversationDocument, EntryDocument
from chat_mongo.entries import conversation, conversation_row, members_of, message
from chat_mongo.tails import tails

PATIENCE_SECONDS = 4.0
"""Seconds that the log lets a caller wait for a primary."""


class MongoLogStore(LogStore):
    """Writes in one session, one commit at a time.

    Use only one in a process, under a log with patience (`mongo_log`).
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._commits = Commits()
        self._database = database
        self._conversations = database.collection(ConversationDocument)
        self._entries = database.collection(EntryDocument)
        self._appending = Appending(database)
        self._committing = asyncio.Lock()

    @property
    def commits(self) -> Commits:
        """See `LogStore.commits`."""
        return self._commits

    async def heads(self, wanted: Sequence[Conversation]) -> Sequence[Head | None]:
        """See `LogStore.heads`."""
        ids = [each.id for each in wanted]
        pairs = [pair for each in wanted if (pair := each.pair) is not None]
        known_by: Row = {"$or": [{"_id": {"$in": ids}}, {"pair": {"$in": pairs}}]}
        heads: dict[str, Head] = {}
        async with self._database.session() as session:
            while True:
                rows = [row async for row in self._conversations.find(known_by, session=session)]
                ends = await tails(self._database, session, [row["_id"] for row in rows])
                changing = []
                for row in rows:
                    # Combine the two reads only if the last entry has the conversation's revision.
                    end = ends.get(row["_id"], {"seq": 0, "revision": row["revision"]})
                    if end["revision"] == row["revision"]:
                        heads[row.get("pair") or row["_id"]] = Head(conversation(row), end["seq"])
                    else:
                        changing.append(row["_id"])
                if not changing:
                    break
                known_by = {"_id": {"$in": changing}}
        return [heads.get(each.pair or each.id) for each in wanted]

    async def commit(self, writes: Sequence[Write]) -> Verdicts:
        """See `LogStore.commit`."""
        began = time.monotonic()
        async with self._committing:
            verdicts = await self._appending.store(writes)
        self._commits.observe(len(writes), time.monotonic() - began)
        self._commits.failed += any(isinstance(each, Unavailable) for each in verdicts)
        return Verdicts(verdicts, time.monotonic())

    async def first_sent(self, wanted: Collection[SentKey]) -> Mapping[SentKey, FirstSent]:
        """See `LogStore.first_sent`."""
        keys = [{"sender_id": sender, "client_id": client_id} for sender, client_id in wanted]
        if not keys:
            return {}
        async with self._database.session() as session:
            rows = await self._entries.find({"$or": keys}, session=session).to_list()
        return {
            (row["sender_id"], row["client_id"]): FirstSent(message(row), row.get("digest"))
            for row in rows
        }

    async def first_created(
        self, wanted: Collection[CreatedKey]
    ) -> Mapping[CreatedKey, ConversationUpdated]:
        """See `LogStore.first_created`."""
        keys = [{"creator_id": creator, "client_id": client_id} for creator, client_id in wanted]
        if not keys:
            return {}
        async with self._database.session() as session:
            groups = await self._conversations.find({"$or": keys}, session=session).to_list()
            created = self._entries.find(
                {"conversation_id": {"$in": [row["_id"] for row in groups]}, "seq": 1},
                session=session,
            )
            first = {row["conversation_id"]: row async for row in created}
        return {
            (row["creator_id"], row["client_id"]): _creation(first[row["_id"]]) for row in groups
        }

    async def open_direct(self, conversation: Conversation) -> Conversation:
        """See `LogStore.open_direct`."""
        with suppress(DuplicateKeyError):
            async with self._database.session() as session:
                await self._conversations.insert_one(
                    conversation_row(conversation), session=session
                )
            return conversation
        (head,) = await self.heads([conversation])
        if head is None:
            raise LookupError(conversation.id)
        return head.conversation

    async def close(self) -> None:
        """See `LogStore.close`. Waits for the current call, and ends the session."""
        self._appending.give_up()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS), self._committing:
                pass
        await self._appending.close()


def mongo_log(database: MongoDatabase) -> Log:
    """Return a log that stores in that database, and waits some time for a primary."""
    return Log(MongoLogStore(database), patience=PATIENCE_SECONDS)


def _creation(row: Row) -> ConversationUpdated:
    return ConversationUpdated(
        ConversationId(row["conversation_id"]),
        1,
        ChangeKind.CREATED,
        UserId(row["actor_id"]),
        title=row["title"],
        members=members_of(row),
    )

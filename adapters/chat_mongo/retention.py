"""Retention in MongoDB.

An expired message leaves an empty entry, which keeps the client id and counts for the sender's
marks. The last entry of a log also stays, because it says where the log ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.client_session import AsyncClientSession

from chat_core.ids import ConversationId
from chat_core.pages import Page
from chat_core.ports.retention import LogRetention, OldFront
from chat_mongo.database import MongoDatabase, Row
from chat_mongo.documents import FIRST_SEQ, MESSAGE, ConversationDocument, EntryDocument
from chat_mongo.tails import tails

LOOK_SECONDS = 120.0
"""Long, because each old entry at the beginning of a log is read."""
EXPIRE_SECONDS = 30.0
"""Includes retries when another process changes the same conversation."""


@dataclass(frozen=True, slots=True)
class MongoLogRetention(LogRetention):
    """Removes expired entries from the collections that the log writes, in a transaction."""

    database: MongoDatabase

    async def old(
        self, before: datetime, *, after: ConversationId | None, limit: int
    ) -> Page[OldFront, ConversationId]:
        """See `LogRetention.old`."""
        conversations = self.database.collection(ConversationDocument)
        async with self.database.session(LOOK_SECONDS) as session:
            cursor = conversations.find(
                {"_id": {"$gt": after or ""}}, {"first_seq": 1}, session=session
            )
            rows = await cursor.sort("_id", ASCENDING).limit(limit + 1).to_list()
            looked_at = rows[:limit]
            ends = await tails(self.database, session, [row["_id"] for row in looked_at])
            fronts = [
                await self._front(session, row, ends[row["_id"]]["seq"], before)
                for row in looked_at
                if row["_id"] in ends
            ]
        old = [front for front in fronts if front.end > front.first_seq]
        return Page(old, looked_at[-1]["_id"] if len(rows) > limit else None)

    async def expire(self, fronts: Mapping[ConversationId, int], at: datetime) -> None:
        """See `LogRetention.expire`."""

        async def take(session: AsyncClientSession) -> None:
            for conversation_id, end in fronts.items():
                await self._expire(session, conversation_id, end, at)

        async with self.database.session(EXPIRE_SECONDS) as session:
            await session.with_transaction(take)

    async def _front(
        self, session: AsyncClientSession, row: Row, last_seq: int, before: datetime
    ) -> OldFront:
        first_seq = row.get("first_seq", FIRST_SEQ)
        newer = await self.database.collection(EntryDocument).find_one(
            {"conversation_id": row["_id"], "seq": {"$gte": first_seq}, "at": {"$gte": before}},
            {"seq": 1},
            sort=[("seq", ASCENDING)],
            session=session,
        )
        return OldFront(row["_id"], first_seq, last_seq + 1 if newer is None else newer["seq"])

    async def _expire(
        self, session: AsyncClientSession, conversation_id: str, end: int, at: datetime
    ) -> None:
        entries = self.database.collection(EntryDocument)
        conversations = self.database.collection(ConversationDocument)
        row = await conversations.find_one(
            {"_id": conversation_id}, {"first_seq": 1, "client_id": 1}, session=session
        )
        last = await entries.find_one(
            {"conversation_id": conversation_id},
            {"seq": 1},
            sort=[("seq", DESCENDING)],
            session=session,
        )
        if row is None or last is None:
            return
        first_seq = row.get("first_seq", FIRST_SEQ)
        end = min(end, last["seq"] + 1)
        if end <= first_seq:
            return
        # Begins one place earlier, at an entry that was kept because it was the last one then.
        stretch = {"conversation_id": conversation_id, "seq": {"$gte": first_seq - 1, "$lt": end}}
        kept = [last["seq"]]
        if row.get("client_id") is not None:
            kept.append(1)  # needed to detect a repeat of the creation
        await entries.delete_many(
            {**stretch, "kind": {"$ne": MESSAGE}, "$nor": [{"seq": {"$in": kept}}]},
            session=session,
        )
        await entries.update_many({**stretch, "kind": {"$ne": MESSAGE}}, _MARK, session=session)
        await entries.update_many(
            {**stretch, "kind": MESSAGE, "expired": None},
            [
                {
                    "$set": {
                        "content": None,
                        "expired": True,
                        "deleted_at": {"$ifNull": ["$deleted_at", at]},
                    }
                },
                {"$unset": "more"},
            ],
            session=session,
        )
        await conversations.update_one(
            {"_id": conversation_id}, {"$set": {"first_seq": end}}, session=session
        )


_MARK = {"$set": {"expired": True}}

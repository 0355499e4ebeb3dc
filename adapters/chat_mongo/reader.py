"""Reads of log entries in MongoDB."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.client_session import AsyncClientSession

from chat_core.conversations import Standing
from chat_core.events import LogEvent, MessageSent, MessageUpdated
from chat_core.ids import ConversationId, MessageId, UserId
from chat_core.log.shown import shown_at
from chat_core.messages import History, Message
from chat_core.ports.storage import LogReader
from chat_mongo.database import MongoDatabase, Row
from chat_mongo.documents import DELETED, EDITED, MESSAGE, ConversationDocument, EntryDocument
from chat_mongo.entries import change, message
from chat_mongo.standings import standing_of_former, standings_of
from chat_mongo.tails import first_place, tails


@dataclass(frozen=True, slots=True)
class MongoLogReader(LogReader):
    """Reads the collections that the log writes."""

    database: MongoDatabase

    async def message(self, message_id: MessageId) -> Message | None:
        """See `LogReader.message`."""
        async with self.database.session() as session:
            row = await self.database.collection(EntryDocument).find_one(
                {"_id": message_id, "kind": MESSAGE, "expired": None}, session=session
            )
        return None if row is None else message(row)

    async def history(
        self, conversation_id: ConversationId, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """See `LogReader.history`."""
        direction = DESCENDING if after is None else ASCENDING
        async with self.database.session() as session:
            places: Row = {"$gte": await first_place(self.database, session, conversation_id)}
            if after is not None:
                places["$gt"] = after
            elif before is not None:
                places["$lt"] = before
            wanted: Row = {"conversation_id": conversation_id, "kind": MESSAGE, "seq": places}
            cursor = self.database.collection(EntryDocument).find(wanted, session=session)
            rows = await cursor.sort("seq", direction).limit(limit + 1).to_list()
        found = [message(row) for row in rows[:limit] if "expired" not in row]
        return History(found if after is not None else found[::-1], len(rows) > limit)

    async def entries(
        self, conversation_id: ConversationId, *, after: int, until: int, limit: int
    ) -> Collection[LogEvent]:
        """See `LogReader.entries`."""
        async with self.database.session() as session:
            first = await first_place(self.database, session, conversation_id)
            places = {"$gte": first, "$gt": after, "$lte": until}
            wanted = {"conversation_id": conversation_id, "seq": places}
            cursor = self.database.collection(EntryDocument).find(wanted, session=session)
            rows = await cursor.sort("seq", ASCENDING).limit(limit).to_list()
            messages = await self._messages_of(session, rows)
        # Entries may expire between the two reads. The caller notices that they are missing.
        return [_event(row, messages, until) for row in rows if "expired" not in row]

    async def standing(self, user_id: UserId, conversation_id: ConversationId) -> Standing | None:
        """See `LogReader.standing`."""
        conversations = self.database.collection(ConversationDocument)
        async with self.database.session() as session:
            ends = await tails(self.database, session, [conversation_id])
            row = await conversations.find_one(
                {"_id": conversation_id, "members.user_id": user_id},
                {"members.user_id": 1, "first_seq": 1},
                session=session,
            )
            if row is None:
                return await standing_of_former(self.database, session, user_id, conversation_id)
            last_seq = ends[conversation_id]["seq"] if conversation_id in ends else 0
            found = await standings_of(
                self.database, session, user_id, [row], {conversation_id: last_seq}
            )
        return found[conversation_id]

    async def _messages_of(
        self, session: AsyncClientSession, rows: list[Row]
    ) -> Mapping[str, Message]:
        """Return the current state of the messages that these entries are about."""
        said = {row["_id"]: row for row in rows if row["kind"] == MESSAGE}
        revised = {row["message_id"] for row in rows if row["kind"] in {EDITED, DELETED}}
        entries = self.database.collection(EntryDocument)
        missing = list(revised - said.keys())
        if missing:
            cursor = entries.find({"_id": {"$in": missing}}, session=session)
            said |= {row["_id"]: row async for row in cursor}
        return {each: message(row) for each, row in said.items()}


def _event(row: Row, messages: Mapping[str, Message], until: int) -> LogEvent:
    seq = row["seq"]
    if row["kind"] == MESSAGE:
        return MessageSent(shown_at(messages[row["_id"]], seq, until))
    if row["kind"] in {EDITED, DELETED}:
        return MessageUpdated(seq, shown_at(messages[row["message_id"]], seq, until))
    return change(row)

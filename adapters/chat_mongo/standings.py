"""The standings of present and past members, and their receipts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession

from chat_core.conversations import MAX_UNREAD, RECEIPTS_UP_TO, Receipt, Standing
from chat_core.errors import NotFound
from chat_core.ids import ConversationId, UserId
from chat_core.ports.storage import ReceiptStore
from chat_mongo.database import MongoDatabase, Row
from chat_mongo.documents import (
    FIRST_SEQ,
    MESSAGE,
    ConversationDocument,
    EntryDocument,
    StandingDocument,
)
from chat_mongo.tails import first_place, last_places, tails


@dataclass(frozen=True, slots=True)
class MongoReceiptStore(ReceiptStore):
    """Marks that only rise. A member's own messages count as received and read."""

    database: MongoDatabase

    async def move(
        self, conversation_id: ConversationId, user_id: UserId, *, delivered: int, read: int
    ) -> tuple[Receipt, bool]:
        """See `ReceiptStore.move`."""
        membership = {"_id": conversation_id, "members.user_id": user_id}
        conversations = self.database.collection(ConversationDocument)
        standings = self.database.collection(StandingDocument)
        async with self.database.session() as session:
            if await conversations.find_one(membership, {"_id": 1}, session=session) is None:
                raise NotFound("There is no such conversation")
            ends = await tails(self.database, session, [conversation_id])
            sent = await last_places(self.database, session, [conversation_id], sender_id=user_id)
            last_seq = ends[conversation_id]["seq"] if conversation_id in ends else 0
            said = sent.get(conversation_id, 0)
            read_now = min(read, last_seq)
            moved_to = {"delivered_seq": max(min(delivered, last_seq), read_now)}
            before = await standings.find_one_and_update(
                {"_id": standing_id(conversation_id, user_id)},
                {"$max": moved_to | {"read_seq": read_now}},
                upsert=True,
                return_document=ReturnDocument.BEFORE,
                session=session,
            )
        was = _receipt(user_id, before or {}, said)
        now = _receipt(
            user_id,
            {
                "delivered_seq": max(was.delivered_seq, moved_to["delivered_seq"]),
                "read_seq": max(was.read_seq, read_now),
            },
            said,
        )
        return now, now != was


def standing_id(conversation_id: str, user_id: str) -> str:
    """Return the id of a member's standing."""
    return f"{conversation_id} {user_id}"


async def standings_of(
    database: MongoDatabase,
    session: AsyncClientSession,
    user_id: UserId,
    conversations: Sequence[Row],
    ends: Mapping[str, int],
) -> Mapping[str, Standing]:
    """Return this member's standing in each conversation, as of the given ends of the logs."""
    shown = {row["_id"]: _shown(row, user_id) for row in conversations}
    sent = await _last_by_sender(database, session, shown)
    ids = [standing_id(each, user) for each, users in shown.items() for user in users]
    cursor = database.collection(StandingDocument).find({"_id": {"$in": ids}}, session=session)
    stored = {row["_id"]: row async for row in cursor}
    receipts = {
        conversation_id: {
            user: _receipt(
                user,
                stored.get(standing_id(conversation_id, user), {}),
                sent.get((conversation_id, user), 0),
            )
            for user in users
        }
        for conversation_id, users in shown.items()
    }
    # Messages may arrive after the ends were read, so marks beyond an end are lowered to it.
    read = {
        conversation_id: min(of_all[user_id].read_seq, ends[conversation_id])
        for conversation_id, of_all in receipts.items()
    }
    unread = await _unread(database, session, user_id, read, ends)
    return {
        row["_id"]: Standing(
            first_seq=row.get("first_seq", FIRST_SEQ),
            last_seq=ends[row["_id"]],
            read_seq=read[row["_id"]],
            unread_count=unread.get(row["_id"], 0),
            receipts=tuple(
                Receipt(
                    each.user_id,
                    min(each.delivered_seq, ends[row["_id"]]),
                    min(each.read_seq, ends[row["_id"]]),
                )
                for each in receipts[row["_id"]].values()
            )
            if len(row["members"]) <= RECEIPTS_UP_TO
            else (),
        )
        for row in conversations
    }


async def standing_of_former(
    database: MongoDatabase,
    session: AsyncClientSession,
    user_id: UserId,
    conversation_id: ConversationId,
) -> Standing | None:
    """Return the standing of a former member, or None if the user never was a member."""
    stored = await database.collection(StandingDocument).find_one(
        {"_id": standing_id(conversation_id, user_id)}, session=session
    )
    removed_seq = (stored or {}).get("removed_seq")
    if stored is None or removed_seq is None:
        return None
    sent = await last_places(database, session, [conversation_id], sender_id=user_id)
    receipt = _receipt(user_id, stored, sent.get(conversation_id, 0))
    first_seq = min(await first_place(database, session, conversation_id), removed_seq + 1)
    read_seq = min(receipt.read_seq, removed_seq)
    return Standing(first_seq, removed_seq, read_seq, 0, (), is_member=False)


def _receipt(user_id: UserId, stored: Mapping[str, int], sent: int) -> Receipt:
    read = max(stored.get("read_seq", 0), sent)
    return Receipt(user_id, max(stored.get("delivered_seq", 0), read), read)


def _shown(row: Row, user_id: UserId) -> list[UserId]:
    """Return the users whose receipts are needed: all members of a small conversation, else one."""
    if len(row["members"]) > RECEIPTS_UP_TO:
        return [user_id]
    return sorted(UserId(each["user_id"]) for each in row["members"])


async def _last_by_sender(
    database: MongoDatabase, session: AsyncClientSession, shown: Mapping[str, Collection[UserId]]
) -> dict[tuple[str, str], int]:
    """Return the seq of each sender's last message in these conversations."""
    last = {"_id": "$sender_id", "seq": {"$first": "$seq"}}
    pipeline: list[Row] = [
        {"$match": {"_id": {"$in": list(shown)}}},
        {"$project": {"_id": 1}},
        {
            "$lookup": {
                "from": EntryDocument.Settings.name,
                "localField": "_id",
                "foreignField": "conversation_id",
                # As in `tails`, the server reads only one entry for each sender.
                "pipeline": [{"$sort": {"sender_id": 1, "seq": -1}}, {"$group": last}],
                "as": "sent",
            }
        },
    ]
    cursor = await database.collection(ConversationDocument).aggregate(pipeline, session=session)
    return {(row["_id"], sent["_id"]): sent["seq"] async for row in cursor for sent in row["sent"]}


async def _unread(
    database: MongoDatabase,
    session: AsyncClientSession,
    user_id: UserId,
    read: Mapping[str, int],
    ends: Mapping[str, int],
) -> dict[str, int]:
    """Count the messages of others after the read mark that are not deleted, up to `MAX_UNREAD`."""
    counts: list[list[Row]] = [
        [
            {
                "$match": {
                    "conversation_id": conversation_id,
                    "seq": {"$gt": read_seq, "$lte": ends[conversation_id]},
                    "kind": MESSAGE,
                    "sender_id": {"$ne": user_id},
                    "deleted_at": None,
                }
            },
            {"$limit": MAX_UNREAD},
            {"$group": {"_id": "$conversation_id", "count": {"$sum": 1}}},
        ]
        for conversation_id, read_seq in read.items()
        if read_seq < ends[conversation_id]
    ]
    if not counts:
        return {}
    name = EntryDocument.Settings.name
    unions = [{"$unionWith": {"coll": name, "pipeline": each}} for each in counts[1:]]
    entries = database.collection(EntryDocument)
    cursor = await entries.aggregate([*counts[0], *unions], session=session)
    return {row["_id"]: row["count"] async for row in cursor}

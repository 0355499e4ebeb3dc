"""Reads of conversations in MongoDB.

The end of a log is always read before the conversation's other data. So the data is never older
than the seq returned with it, and a client that continues from that seq misses nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pymongo import DESCENDING
from pymongo.asynchronous.client_session import AsyncClientSession

from chat_core.conversations import (
    LISTED_MEMBERS,
    RECEIPTS_UP_TO,
    ActivityPlace,
    Conversation,
    ConversationKind,
    Overview,
)
from chat_core.ids import ConversationId, UserId
from chat_core.messages import Message
from chat_core.pages import Page
from chat_core.ports.storage import ConversationStore
from chat_mongo.database import MongoDatabase, Row
from chat_mongo.documents import (
    FIRST_SEQ,
    MESSAGE,
    ConversationDocument,
    EntryDocument,
    StandingDocument,
)
from chat_mongo.entries import conversation, members_of, message
from chat_mongo.standings import standings_of
from chat_mongo.tails import last_times, tails

_FIRST_MEMBERS = max(LISTED_MEMBERS, RECEIPTS_UP_TO) + 1
"""Number of members to read: those that a list shows, and one more to decide about receipts."""


@dataclass(frozen=True, slots=True)
class MongoConversationStore(ConversationStore):
    """Reads the collections that the log writes."""

    database: MongoDatabase

    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        """See `ConversationStore.get`."""
        return await self._one({"_id": conversation_id})

    async def direct(self, one: UserId, other: UserId) -> Conversation | None:
        """See `ConversationStore.direct`."""
        return await self._one({"pair": " ".join(sorted((one, other)))})

    async def overview(self, user_id: UserId, conversation_id: ConversationId) -> Overview | None:
        """See `ConversationStore.overview`."""
        async with self.database.session() as session:
            ends = await tails(self.database, session, [conversation_id])
            row = await self.database.collection(ConversationDocument).find_one(
                {"_id": conversation_id, "members.user_id": user_id}, session=session
            )
            if row is None:
                return None
            (shown,) = await self._overviews(session, user_id, [_listed(row, user_id)], ends)
        return Overview.of(
            conversation(row), user_id, shown.standing, shown.last_message, shown.active_at
        )

    async def latest(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[ActivityPlace, ActivityPlace]:
        """See `ConversationStore.latest`."""
        rows = self.database.collection(ConversationDocument)
        async with self.database.session() as session:
            cursor = rows.find({"members.user_id": user_id}, {"created_at": 1}, session=session)
            created = {row["_id"]: row["created_at"] async for row in cursor}
            ends = await last_times(self.database, session, created)
        places = [ActivityPlace(ends.get(each, at), each) for each, at in created.items()]
        if after is not None:
            places = [each for each in places if _key(each) < _key(after)]
        places.sort(key=_key, reverse=True)
        return Page(places[:limit], places[limit - 1] if len(places) > limit else None)

    async def overviews(
        self, user_id: UserId, conversation_ids: Sequence[ConversationId]
    ) -> Sequence[Overview]:
        """See `ConversationStore.overviews`."""
        async with self.database.session() as session:
            ends = await tails(self.database, session, conversation_ids)
            listed = await self._listed_rows(session, user_id, conversation_ids)
            return await self._overviews(session, user_id, listed, ends)

    async def left_behind(self, user_id: UserId) -> Collection[ConversationId]:
        """See `ConversationStore.left_behind`."""
        removed = {"user_id": user_id, "removed_seq": {"$gt": 0}}
        kept = {"sender_id": user_id, "$or": [{"content": {"$gt": ""}}, {"digest": {"$ne": None}}]}
        found = []
        async with self.database.session() as session:
            cursor = self.database.collection(StandingDocument).find(
                removed, {"_id": 1}, session=session
            )
            async for row in cursor:
                conversation_id, _, _ = row["_id"].partition(" ")
                theirs = await self.database.collection(EntryDocument).find_one(
                    {"conversation_id": conversation_id} | kept, {"_id": 1}, session=session
                )
                if theirs is not None:
                    found.append(ConversationId(conversation_id))
        return found

    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """See `ConversationStore.peers`."""
        peers: dict[UserId, set[UserId]] = {user: set() for user in users}
        rows = self.database.collection(ConversationDocument)
        async with self.database.session() as session:
            cursor = rows.find(
                {"members.user_id": {"$in": list(peers)}},
                {"members.user_id": 1, "_id": 0},
                session=session,
            )
            async for row in cursor:
                members = {UserId(each["user_id"]) for each in row["members"]}
                for user in peers.keys() & members:
                    peers[user] |= members - {user}
        return peers

    async def _one(self, wanted: Row) -> Conversation | None:
        async with self.database.session() as session:
            row = await self.database.collection(ConversationDocument).find_one(
                wanted, session=session
            )
        return None if row is None else conversation(row)

    async def _overviews(
        self,
        session: AsyncClientSession,
        user_id: UserId,
        rows: Sequence[Row],
        ends: Mapping[str, Row],
    ) -> list[Overview]:
        """Return the overviews of conversations, given rows in the form of `_listed`."""
        last_seq = {
            row["_id"]: ends[row["_id"]]["seq"] if row["_id"] in ends else 0 for row in rows
        }
        standings = await standings_of(self.database, session, user_id, rows, last_seq)
        found = []
        for row in rows:
            end = ends.get(row["_id"])
            others = [each for each in row["members"] if each["user_id"] != user_id]
            found.append(
                Overview(
                    id=ConversationId(row["_id"]),
                    kind=ConversationKind(row["kind"]),
                    title=row.get("title"),
                    created_at=row["created_at"],
                    members=members_of({"members": [*row["own"], *others[: LISTED_MEMBERS - 1]]}),
                    member_count=row["member_count"],
                    standing=standings[row["_id"]],
                    last_message=await self._last_message(session, row, end),
                    active_at=row["created_at"] if end is None else end["at"],
                )
            )
        return found

    async def _listed_rows(
        self, session: AsyncClientSession, user_id: UserId, conversation_ids: Sequence[str]
    ) -> list[Row]:
        """Return the rows of those conversations that still have this member, in the given order.

        The rows have the form of `_listed`.
        """
        by_joining = {"input": "$members", "sortBy": {"joined_at": 1, "user_id": 1}}
        is_own = {"$eq": ["$$this.user_id", user_id]}
        pipeline: list[Row] = [
            {"$match": {"_id": {"$in": list(conversation_ids)}, "members.user_id": user_id}},
            {
                "$set": {
                    "own": {"$filter": {"input": "$members", "cond": is_own, "as": "this"}},
                    "member_count": {"$size": "$members"},
                    "members": {"$slice": [{"$sortArray": by_joining}, _FIRST_MEMBERS]},
                }
            },
        ]
        cursor = await self.database.collection(ConversationDocument).aggregate(
            pipeline, session=session
        )
        rows = {row["_id"]: row async for row in cursor}
        return [rows[each] for each in conversation_ids if each in rows]

    async def _last_message(
        self, session: AsyncClientSession, conversation: Row, end: Row | None
    ) -> Message | None:
        if end is None or "expired" in end:
            return None
        if end["kind"] == MESSAGE:
            return message(end)
        row = await self.database.collection(EntryDocument).find_one(
            {
                "conversation_id": end["conversation_id"],
                "seq": {"$lt": end["seq"], "$gte": conversation.get("first_seq", FIRST_SEQ)},
                "kind": MESSAGE,
            },
            sort=[("seq", DESCENDING)],
            session=session,
        )
        return None if row is None else message(row)


def _listed(row: Row, user_id: UserId) -> Row:
    """Return a conversation's row with its first members, this member, and the member count."""
    members = sorted(row["members"], key=lambda each: (each["joined_at"], each["user_id"]))
    own = [each for each in members if each["user_id"] == user_id]
    first = {"members": members[:_FIRST_MEMBERS], "own": own, "member_count": len(members)}
    return {**row, **first}


def _key(place: ActivityPlace) -> tuple[object, str]:
    return place.active_at, place.conversation_id

"""Reads of the first and last places of logs."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from pymongo.asynchronous.client_session import AsyncClientSession

from chat_mongo.database import MongoDatabase, Row
from chat_mongo.documents import FIRST_SEQ, ConversationDocument, EntryDocument


async def tails(
    database: MongoDatabase, session: AsyncClientSession, conversation_ids: Collection[str]
) -> Mapping[str, Row]:
    """Return the last entry of each conversation, except those with empty logs."""
    return await _last_of_each(
        database, session, {"conversation_id": {"$in": list(conversation_ids)}}, "$$ROOT"
    )


async def last_times(
    database: MongoDatabase, session: AsyncClientSession, conversation_ids: Collection[str]
) -> Mapping[str, datetime]:
    """Return the time of the last entry of each conversation, except those with empty logs."""
    return await _last_of_each(
        database, session, {"conversation_id": {"$in": list(conversation_ids)}}, "$at"
    )


async def first_place(
    database: MongoDatabase, session: AsyncClientSession, conversation_id: str
) -> int:
    """Return the oldest place of a log that is kept."""
    row = await database.collection(ConversationDocument).find_one(
        {"_id": conversation_id}, {"first_seq": 1}, session=session
    )
    return int((row or {}).get("first_seq", FIRST_SEQ))


async def last_places(
    database: MongoDatabase,
    session: AsyncClientSession,
    conversation_ids: Collection[str],
    *,
    sender_id: str,
) -> Mapping[str, int]:
    """Return the seq of the user's last message in each conversation that has one."""
    wanted = {"conversation_id": {"$in": list(conversation_ids)}, "sender_id": sender_id}
    return await _last_of_each(database, session, wanted, "$seq")


async def _last_of_each(
    database: MongoDatabase, session: AsyncClientSession, wanted: Row, what: str
) -> dict[str, Any]:
    # In this form, and with the index, the server reads only one entry of each (DISTINCT_SCAN).
    pipeline = [
        {"$match": wanted},
        {"$sort": {"conversation_id": 1, "seq": -1}},
        {"$group": {"_id": "$conversation_id", "last": {"$first": what}}},
    ]
    cursor = await database.collection(EntryDocument).aggregate(pipeline, session=session)
    return {row["_id"]: row["last"] async for row in cursor}

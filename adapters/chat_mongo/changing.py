"""The effect of one write inside a transaction."""

from pymongo.asynchronous.client_session import AsyncClientSession

from chat_core.events import ConversationUpdated
from chat_core.ports.log_store import (
    ChangeWrite,
    CreationWrite,
    MessageWrite,
    RevisionWrite,
    Verdict,
    Write,
)
from chat_mongo.database import MongoDatabase, Row
from chat_mongo.documents import (
    BY_THE_SERVER,
    DELETED,
    EDITED,
    ConversationDocument,
    EntryDocument,
    StandingDocument,
)
from chat_mongo.entries import (
    body_update,
    conversation_row,
    member_rows,
    message_row,
)
from chat_mongo.standings import standing_id


class Changing:
    """Applies writes to the documents, inside one transaction.

    A write that can't be stored is detected before it has changed anything, or by a unique index.
    """

    def __init__(self, database: MongoDatabase, session: AsyncClientSession) -> None:
        self._session = session
        self._conversations = database.collection(ConversationDocument)
        self._entries = database.collection(EntryDocument)
        self._standings = database.collection(StandingDocument)

    async def apply(self, write: Write, entry_id: str) -> Verdict:
        """Apply the write. Return its verdict, which holds once the transaction is committed."""
        match write:
            case MessageWrite():
                return await self._open(write)
            case CreationWrite():
                return await self._create(write, entry_id)
            case RevisionWrite():
                return await self._revise(write, entry_id)
            case ChangeWrite():
                return await self._change(write, entry_id)

    async def _open(self, write: MessageWrite) -> Verdict:
        """Store a direct conversation with its first message."""
        if write.opens is None:
            raise TypeError(write)
        row = conversation_row(write.opens)
        await self._conversations.insert_one(row, session=self._session)
        await self._entries.insert_one(message_row(write), session=self._session)
        return Verdict.STORED

    async def _create(self, write: CreationWrite, entry_id: str) -> Verdict:
        group, event = write.conversation, write.event
        row = conversation_row(group)
        if write.client_id is not None:
            row |= {"creator_id": event.actor_id, "client_id": write.client_id}
        await self._conversations.insert_one(row, session=self._session)
        about: Row = {"title": group.title, "members": member_rows(group)}
        await self._insert(_entry(write, entry_id, group.revision, event) | about)
        return Verdict.STORED

    async def _revise(self, write: RevisionWrite, entry_id: str) -> Verdict:
        before, revised = write.before, write.event.message
        others: Row = {
            "updated_seq": revised.updated_seq,
            "edited_at": revised.edited_at,
            "deleted_at": revised.deleted_at,
        }
        updated = await self._entries.update_one(
            {"_id": revised.id, "updated_seq": before.updated_seq, "expired": None},
            body_update(revised.body, others),
            session=self._session,
        )
        if updated.matched_count == 0:
            return Verdict.CHANGED
        kind = DELETED if revised.body is None else EDITED
        await self._insert(
            {
                "_id": entry_id,
                "conversation_id": write.conversation_id,
                "seq": write.seq,
                "revision": write.revision,
                "kind": kind,
                "at": write.at,
                "place": BY_THE_SERVER,
                "actor_id": write.actor_id,
                "message_id": revised.id,
            }
        )
        return Verdict.STORED

    async def _change(self, write: ChangeWrite, entry_id: str) -> Verdict:
        event, before, after = write.event, write.before, write.after
        changed: Row = {"members": member_rows(after), "revision": after.revision}
        if after.title is not None:
            changed["title"] = after.title
        if after.gone:
            changed["gone"] = sorted(after.gone)
        updated = await self._conversations.update_one(
            {"_id": before.id, "revision": before.revision},
            {"$set": changed},
            session=self._session,
        )
        if updated.matched_count == 0:
            return Verdict.MOVED
        if write.erased is not None:
            await self._erase(write, write.erased)
        if write.removed is not None:
            await self._standings.update_one(
                {"_id": standing_id(before.id, write.removed)},
                {"$min": {"removed_seq": event.seq}, "$set": {"user_id": write.removed}},
                upsert=True,
                session=self._session,
            )
        if write.member is not None and write.member.user_id not in before.members:
            await self._standings.update_one(
                {"_id": standing_id(before.id, write.member.user_id)},
                {"$unset": {"removed_seq": ""}},
                session=self._session,
            )
        about: Row = {"user_id": event.user_id, "role": event.role, "title": event.title}
        row = _entry(write, entry_id, after.revision, event)
        await self._insert(
            row | {name: str(value) for name, value in about.items() if value is not None}
        )
        return Verdict.STORED

    async def _erase(self, write: ChangeWrite, user_id: str) -> None:
        theirs: Row = {"conversation_id": write.conversation_id, "sender_id": user_id}
        await self._entries.update_many(
            theirs | {"deleted_at": None},
            body_update(None, {"updated_seq": write.seq, "deleted_at": write.at}),
            session=self._session,
        )
        # A digest of a short text reveals it, and this user can't send a repeat any more.
        await self._entries.update_many(
            theirs | {"digest": {"$exists": True}},
            {"$unset": {"digest": ""}},
            session=self._session,
        )

    async def _insert(self, row: Row) -> None:
        await self._entries.insert_one(row, session=self._session)


def _entry(
    write: CreationWrite | ChangeWrite, entry_id: str, revision: int, event: ConversationUpdated
) -> Row:
    """Return the entry of a change; `revision` is the conversation's revision after it."""
    return {
        "_id": entry_id,
        "conversation_id": event.conversation_id,
        "seq": event.seq,
        "revision": revision,
        "kind": event.change.value,
        "at": write.at,
        "place": BY_THE_SERVER,
        "actor_id": event.actor_id,
    }

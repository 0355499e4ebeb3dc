"""What one draft does inside a transaction."""

from dataclasses import replace

from pymongo.asynchronous.client_session import AsyncClientSession

from chat_core.conversations import (
    Conversation,
    ConversationKind,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
)
from chat_core.events import ChangeKind, ConversationUpdated, MessageSent, MessageUpdated
from chat_core.ports.log import (
    Appended,
    ChangeDraft,
    CreationDraft,
    Draft,
    MessageDraft,
    RevisionDraft,
    Stale,
)
from chat_mongo.database import MongoDatabase, Row
from chat_mongo.documents import (
    DELETED,
    EDITED,
    ConversationDocument,
    EntryDocument,
    StandingDocument,
)
from chat_mongo.entries import body_row, conversation_row, member_rows, message_row
from chat_mongo.heads import Head
from chat_mongo.repeats import first_sent, repeat_of, repeated_creation
from chat_mongo.standings import standing_id


class Changing:
    """Applies drafts to the documents of one transaction.

    `Stale`, a repeat or a conflict of client ids is found out before anything is written.
    """

    def __init__(self, database: MongoDatabase, session: AsyncClientSession) -> None:
        self._database = database
        self._session = session
        self._conversations = database.collection(ConversationDocument)
        self._entries = database.collection(EntryDocument)
        self._standings = database.collection(StandingDocument)

    async def apply(self, draft: Draft, entry_id: str, head: Head | None) -> Appended | Exception:
        """What comes of the draft, once the transaction is committed.

        `head` is where the conversation's log ends, None where it is not stored.
        """
        match draft:
            case MessageDraft():
                return await self._open(draft)
            case CreationDraft():
                return await self._create(draft, entry_id)
            case RevisionDraft():
                return Stale() if head is None else await self._revise(draft, entry_id, head)
            case ChangeDraft():
                return Stale() if head is None else await self._change(draft, entry_id, head)

    async def _open(self, draft: MessageDraft) -> Appended | Exception:
        """Store a direct conversation with its first message."""
        if draft.client_id is not None:
            first = await first_sent(self._database, self._session, draft)
            if first is not None:
                return repeat_of(draft, first)
        sent = draft.stored(draft.conversation.id, 1)
        revision = draft.conversation.revision
        row = conversation_row(draft.conversation)
        await self._conversations.insert_one(row, session=self._session)
        await self._entries.insert_one(message_row(draft, sent, revision), session=self._session)
        return Appended(MessageSent(sent))

    async def _create(self, draft: CreationDraft, entry_id: str) -> Appended | Exception:
        group, creator = draft.conversation, draft.actor.user_id
        row = conversation_row(group)
        if draft.client_id is not None:
            repeat = await repeated_creation(self._database, self._session, draft)
            if repeat is not None:
                return repeat
            row |= {"creator_id": creator, "client_id": draft.client_id}
        await self._conversations.insert_one(row, session=self._session)
        event = ConversationUpdated(
            group.id,
            1,
            ChangeKind.CREATED,
            creator,
            title=group.title,
            members=tuple(group.members.values()),
        )
        await self._insert(
            draft,
            entry_id,
            Head(group.id, 1, group.revision),
            event.change.value,
            {"title": group.title, "members": member_rows(group)},
        )
        return Appended(event)

    async def _revise(
        self, draft: RevisionDraft, entry_id: str, head: Head
    ) -> Appended | Exception:
        seq = head.last_seq + 1
        revised = replace(draft.message, updated_seq=seq, body=draft.body)
        if draft.body is None:
            revised = replace(revised, deleted_at=draft.at)
            changed: Row = {"content": None, "deleted_at": draft.at}
        else:
            revised = replace(revised, edited_at=draft.at)
            changed = body_row(draft.body) | {"edited_at": draft.at}
        updated = await self._entries.update_one(
            {"_id": revised.id, "updated_seq": draft.message.updated_seq, "expired": None},
            {"$set": changed | {"updated_seq": seq}}
            | ({} if "more" in changed else {"$unset": {"more": ""}}),
            session=self._session,
        )
        if updated.matched_count == 0:
            return Stale()
        kind = DELETED if draft.body is None else EDITED
        after = Head(head.conversation_id, seq, head.revision)
        await self._insert(draft, entry_id, after, kind, {"message_id": revised.id})
        return Appended(MessageUpdated(seq, revised))

    async def _change(self, draft: ChangeDraft, entry_id: str, head: Head) -> Appended | Exception:
        seq, before = head.last_seq + 1, draft.conversation
        after = before.changed(draft.change, seq, draft.at)
        changed: Row = {"members": member_rows(after), "revision": seq}
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
            return Stale()
        await self._move_members(draft, before, seq)
        event = ConversationUpdated.of(before.id, seq, draft.actor.user_id, draft.change)
        about: Row = {"user_id": event.user_id, "role": event.role, "title": event.title}
        await self._insert(
            draft,
            entry_id,
            Head(head.conversation_id, seq, seq),
            event.change.value,
            {name: str(value) for name, value in about.items() if value is not None},
        )
        return Appended(event)

    async def _move_members(self, draft: ChangeDraft, before: Conversation, seq: int) -> None:
        change = draft.change
        if isinstance(change, MemberDeleted):
            await self._entries.update_many(
                {"conversation_id": before.id, "sender_id": change.user_id, "deleted_at": None},
                {
                    "$set": {"content": None, "updated_seq": seq, "deleted_at": draft.at},
                    "$unset": {"more": ""},
                },
                session=self._session,
            )
            # Of a short text a digest tells the text; and nobody can send in that name any more.
            await self._entries.update_many(
                {
                    "conversation_id": before.id,
                    "sender_id": change.user_id,
                    "digest": {"$exists": True},
                },
                {"$unset": {"digest": ""}},
                session=self._session,
            )
            if before.kind is ConversationKind.DIRECT:
                return
        if isinstance(change, MemberRemoved | MemberDeleted):
            await self._standings.update_one(
                {"_id": standing_id(before.id, change.user_id)},
                {"$min": {"removed_seq": seq}, "$set": {"user_id": change.user_id}},
                upsert=True,
                session=self._session,
            )
        elif isinstance(change, MemberAdded):
            await self._standings.update_one(
                {"_id": standing_id(before.id, change.user_id)},
                {"$unset": {"removed_seq": ""}},
                session=self._session,
            )

    async def _insert(self, draft: Draft, entry_id: str, head: Head, kind: str, about: Row) -> None:
        """Store the entry that moves its log's head there."""
        row = {
            "_id": entry_id,
            "conversation_id": head.conversation_id,
            "seq": head.last_seq,
            "revision": head.revision,
            "kind": kind,
            "at": draft.at,
            "actor_id": draft.actor.user_id,
        }
        await self._entries.insert_one(row | about, session=self._session)

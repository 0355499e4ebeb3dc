"""Conversion of drafts to writes: what an accepted draft stores, and who is notified."""

from collections.abc import Collection
from dataclasses import replace

from chat_core.conversations import (
    Change,
    Conversation,
    ConversationKind,
    Member,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    RoleChanged,
    TitleChanged,
)
from chat_core.events import (
    ChangeKind,
    ConversationUpdated,
    MessageSent,
    MessageUpdated,
)
from chat_core.ids import UserId
from chat_core.ports.log import ChangeDraft, CreationDraft, Draft, MessageDraft, RevisionDraft
from chat_core.ports.log_store import (
    ChangeWrite,
    CreationWrite,
    MessageWrite,
    RevisionWrite,
    Write,
)


def write_after(draft: Draft, conversation: Conversation, last_seq: int) -> Write:
    """Return the write that stores the draft after the last entry of its log."""
    seq = last_seq + 1
    if isinstance(draft, MessageDraft):
        sent = MessageSent(draft.stored(conversation.id, seq))
        return MessageWrite(sent, conversation.revision)
    if isinstance(draft, RevisionDraft):
        return _revision(draft, conversation, seq)
    if isinstance(draft, ChangeDraft):
        return _change(draft, conversation, seq)
    raise TypeError(draft)


def first_write(draft: Draft) -> MessageWrite | CreationWrite:
    """Return the write of a draft that starts its conversation."""
    if isinstance(draft, MessageDraft):
        return opening_write(draft)
    if isinstance(draft, CreationDraft):
        return creation_write(draft)
    raise TypeError(draft)


def opening_write(draft: MessageDraft) -> MessageWrite:
    """Return the write of the first message between two users."""
    opened = draft.conversation
    return MessageWrite(MessageSent(draft.stored(opened.id, 1)), opened.revision, opened)


def creation_write(draft: CreationDraft) -> CreationWrite:
    """Return the write that creates a group."""
    group = draft.conversation
    event = ConversationUpdated(
        group.id,
        1,
        ChangeKind.CREATED,
        draft.actor.user_id,
        title=group.title,
        members=tuple(group.members.values()),
    )
    return CreationWrite(event, group, draft.client_id, draft.at)


def audience_of(draft: Draft) -> Collection[UserId]:
    """Return the members before and after the entry."""
    members = draft.conversation.members
    if isinstance(draft, ChangeDraft) and isinstance(draft.change, MemberAdded):
        return members.keys() | {draft.change.user_id}
    return members


def _revision(draft: RevisionDraft, conversation: Conversation, seq: int) -> RevisionWrite:
    revised = replace(draft.message, updated_seq=seq, body=draft.body)
    if draft.body is None:
        revised = replace(revised, deleted_at=draft.at)
    else:
        revised = replace(revised, edited_at=draft.at)
    return RevisionWrite(
        MessageUpdated(seq, revised),
        draft.message,
        conversation.revision,
        draft.actor.user_id,
        draft.at,
    )


def _change(draft: ChangeDraft, before: Conversation, seq: int) -> ChangeWrite:
    after = before.changed(draft.change, seq, draft.at)
    event = ConversationUpdated.of(before.id, seq, draft.actor.user_id, draft.change)
    member, removed, erased = _members(before, after, draft.change)
    return ChangeWrite(event, before, after, draft.at, member, removed, erased)


def _members(
    before: Conversation, after: Conversation, change: Change
) -> tuple[Member | None, UserId | None, UserId | None]:
    """Return the member who is new or has a new role, the removed user, and the erased user."""
    match change:
        case MemberAdded(user_id) | RoleChanged(user_id):
            return after.members[user_id], None, None
        case MemberRemoved(user_id):
            return None, user_id, None
        case MemberDeleted(user_id):
            leaves = before.kind is ConversationKind.GROUP
            return None, user_id if leaves else None, user_id
        case TitleChanged():
            return None, None, None

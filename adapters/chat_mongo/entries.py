"""Conversion of a log's documents to the domain's types and back."""

from chat_core.bodies import Body, digest_of, more_of, stored_body
from chat_core.conversations import Conversation, ConversationKind, Member, Role
from chat_core.events import ChangeKind, ConversationUpdated
from chat_core.ids import ClientMessageId, ConversationId, MessageId, UserId
from chat_core.messages import Message
from chat_core.ports.log_store import MessageWrite
from chat_mongo.database import Row
from chat_mongo.documents import BY_THE_SERVER, MESSAGE


def conversation_row(conversation: Conversation) -> Row:
    """Return the document of a conversation."""
    row: Row = {
        "_id": conversation.id,
        "kind": conversation.kind.value,
        "members": member_rows(conversation),
        "revision": conversation.revision,
        "created_at": conversation.created_at,
    }
    pair = conversation.pair
    return row | ({"title": conversation.title} if pair is None else {"pair": pair})


def member_rows(conversation: Conversation) -> list[Row]:
    """Return the members for the document of a conversation, or of its creation."""
    return [
        {"user_id": each.user_id, "role": each.role.value, "joined_at": each.joined_at}
        for each in conversation.members.values()
    ]


def conversation(row: Row) -> Conversation:
    """Convert a conversation's document to the domain's type."""
    members = sorted(members_of(row), key=lambda each: (each.joined_at, each.user_id))
    return Conversation(
        ConversationId(row["_id"]),
        ConversationKind(row["kind"]),
        row.get("title"),
        {member.user_id: member for member in members},
        row["revision"],
        row["created_at"],
        frozenset(UserId(user_id) for user_id in row.get("gone") or ()),
    )


def members_of(row: Row) -> tuple[Member, ...]:
    """Return the members in a document, in its order."""
    return tuple(
        Member(UserId(each["user_id"]), Role(each["role"]), each["joined_at"])
        for each in row["members"]
    )


def message_row(write: MessageWrite) -> Row:
    """Return the document of a new message."""
    sent = write.event.message
    row: Row = {
        "_id": sent.id,
        "conversation_id": sent.conversation_id,
        "seq": sent.seq,
        "revision": write.revision,
        "kind": MESSAGE,
        "at": sent.created_at,
        "place": BY_THE_SERVER,
        "sender_id": sent.sender_id,
        "updated_seq": sent.updated_seq,
        **_body_row(sent.body),
    }
    if sent.recipient_id is not None:
        row["recipient_id"] = sent.recipient_id
    if sent.client_message_id is not None and sent.body is not None:
        row["client_id"] = sent.client_message_id
        row["digest"] = digest_of(sent.body)
    return row


def body_update(body: Body | None, others: Row) -> Row:
    """Return the update that sets or removes a message's body, and sets other fields."""
    kept = _body_row(body)
    update: Row = {"$set": kept | others}
    return update if "more" in kept else update | {"$unset": {"more": ""}}


def _body_row(body: Body | None) -> Row:
    """Return a body's fields in the document of its message."""
    if body is None:
        return {"content": None}
    more = more_of(body)
    return {"content": body.text} if more is None else {"content": body.text, "more": more}


def message(row: Row) -> Message:
    """Convert a message's document to its current state."""
    recipient_id, client_id = row.get("recipient_id"), row.get("client_id")
    return Message(
        id=MessageId(row["_id"]),
        conversation_id=ConversationId(row["conversation_id"]),
        seq=row["seq"],
        updated_seq=row["updated_seq"],
        sender_id=UserId(row["sender_id"]),
        recipient_id=None if recipient_id is None else UserId(recipient_id),
        body=stored_body(row["content"], row.get("more")),
        client_message_id=None if client_id is None else ClientMessageId(client_id),
        created_at=row["at"],
        edited_at=row.get("edited_at"),
        deleted_at=row.get("deleted_at"),
    )


def change(row: Row) -> ConversationUpdated:
    """Convert the entry of a change to the conversation."""
    user_id, role = row.get("user_id"), row.get("role")
    return ConversationUpdated(
        ConversationId(row["conversation_id"]),
        row["seq"],
        ChangeKind(row["kind"]),
        UserId(row["actor_id"]),
        None if user_id is None else UserId(user_id),
        None if role is None else Role(role),
        row.get("title"),
        members_of(row) if row.get("members") is not None else None,
    )

"""Conversion of rows to the domain's types and back."""

import sqlite3
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from chat_core.bodies import stored_body
from chat_core.conversations import (
    MAX_UNREAD,
    RECEIPTS_UP_TO,
    Conversation,
    ConversationKind,
    Member,
    Receipt,
    Role,
    Standing,
)
from chat_core.ids import ClientMessageId, ConversationId, MessageId, UserId
from chat_core.messages import Message

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

MESSAGE = """
SELECT m.id, c.id, c.pair, m.seq, m.updated_seq, s.id, m.content, m.more,
       m.client_id, m.created_at, m.edited_at, m.deleted_at
FROM messages m
JOIN conversations c ON c.pk = m.conversation_pk
JOIN users s ON s.pk = m.sender_pk
"""
"""Add a WHERE clause. `message` converts the rows."""


@lru_cache(1024)  # messages of one commit share few times
def to_ms(at: datetime) -> int:
    """Convert a time to whole milliseconds since 1970."""
    return (at - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """Convert milliseconds since 1970 to a time in UTC."""
    return EPOCH + ms * MILLISECOND


def maybe_from_ms(ms: int | None) -> datetime | None:
    """Convert milliseconds like `from_ms`, and None to None."""
    return None if ms is None else from_ms(ms)


def maybe_to_ms(at: datetime | None) -> int | None:
    """Convert a time like `to_ms`, and None to None."""
    return None if at is None else to_ms(at)


def message(
    row: tuple[
        str,
        str,
        str | None,
        int,
        int,
        str,
        str | None,
        str | None,
        str | None,
        int,
        int | None,
        int | None,
    ],
) -> Message:
    """Convert a row of `MESSAGE` to a message."""
    (id_, conversation_id, pair, seq, updated_seq, sender, text, more) = row[:8]
    client_id, created_at, edited_at, deleted_at = row[8:]
    recipient = None
    if pair is not None:
        one, other = pair.split(" ")
        recipient = UserId(other if sender == one else one)
    return Message(
        id=MessageId(id_),
        conversation_id=ConversationId(conversation_id),
        seq=seq,
        updated_seq=updated_seq,
        sender_id=UserId(sender),
        recipient_id=recipient,
        body=stored_body(text, more),
        client_message_id=None if client_id is None else ClientMessageId(client_id),
        created_at=from_ms(created_at),
        edited_at=maybe_from_ms(edited_at),
        deleted_at=maybe_from_ms(deleted_at),
    )


def conversation(connection: sqlite3.Connection, column: str, value: str) -> Conversation | None:
    """Return the conversation with that value in a unique column, `id` or `pair`, or None."""
    row = connection.execute(
        f"SELECT pk, id, kind, title, revision, created_at FROM conversations WHERE {column} = ?",
        (value,),
    ).fetchone()
    if row is None:
        return None
    pk, id_, kind, title, revision, created_at = row
    members = connection.execute(
        "SELECT u.id, m.role, m.joined_at, m.is_gone"
        " FROM members m JOIN users u ON u.pk = m.user_pk"
        " WHERE m.conversation_pk = ? AND m.removed_seq IS NULL ORDER BY m.joined_at, u.id",
        (pk,),
    ).fetchall()
    return Conversation(
        ConversationId(id_),
        ConversationKind(kind),
        title,
        {
            UserId(user): Member(UserId(user), Role(role), from_ms(joined_at))
            for user, role, joined_at, _ in members
        },
        revision,
        from_ms(created_at),
        frozenset(UserId(user) for user, _, _, is_gone in members if is_gone),
    )


_RECEIPTS = f"""
SELECT u.id, m.delivered_seq, m.read_seq FROM members m JOIN users u ON u.pk = m.user_pk
WHERE m.conversation_pk = ? AND m.removed_seq IS NULL LIMIT {RECEIPTS_UP_TO + 1}
"""
_UNREAD = f"""
SELECT count(*) FROM (
    SELECT 1 FROM messages WHERE conversation_pk = ? AND seq > ? AND sender_pk != ?
    AND deleted_at IS NULL LIMIT {MAX_UNREAD}
)
"""


def standing(  # noqa: PLR0913, PLR0917 - a row's columns
    connection: sqlite3.Connection,
    conversation_pk: int,
    user_pk: int,
    first_seq: int,
    last_seq: int,
    read_seq: int,
) -> Standing:
    """Return a member's standing."""
    values = (conversation_pk, max(read_seq, first_seq - 1), user_pk)
    (unread,) = connection.execute(_UNREAD, values).fetchone()
    # Sorted here, because with ORDER BY the database would first read all members of a large group.
    receipts = tuple(
        Receipt(UserId(user), delivered, read)
        for user, delivered, read in sorted(connection.execute(_RECEIPTS, (conversation_pk,)))
    )
    return Standing(
        first_seq=first_seq,
        last_seq=last_seq,
        read_seq=read_seq,
        unread_count=unread,
        receipts=receipts if len(receipts) <= RECEIPTS_UP_TO else (),
    )

"""Inserts of new conversations."""

import sqlite3

from chat_core.conversations import Conversation
from chat_sqlite.heads import user_pk
from chat_sqlite.rows import to_ms

INSERT_MEMBER = """
INSERT INTO members (conversation_pk, user_pk, role, joined_at, delivered_seq, read_seq)
VALUES (?, ?, ?, ?, 0, 0)
"""


def insert_conversation(
    connection: sqlite3.Connection,
    conversation: Conversation,
    creator: int | None = None,
    client_id: str | None = None,
) -> int:
    """Store a conversation with its members and an empty log; return its integer key."""
    at = to_ms(conversation.created_at)
    (pk,) = connection.execute(
        "INSERT INTO conversations (id, kind, title, pair, revision, last_seq, active_at,"
        " created_at, creator_pk, client_id) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?) RETURNING pk",
        (
            conversation.id,
            conversation.kind,
            conversation.title,
            conversation.pair,
            conversation.revision,
            at,
            at,
            creator,
            client_id,
        ),
    ).fetchone()
    connection.executemany(
        INSERT_MEMBER,
        [
            (pk, user_pk(connection, user_id), member.role, to_ms(member.joined_at))
            for user_id, member in conversation.members.items()
        ],
    )
    return int(pk)

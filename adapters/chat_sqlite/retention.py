"""Retention in SQLite. An expired message leaves an empty row, which keeps its client id."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chat_core.bodies import digest_of, stored_body
from chat_core.ids import ConversationId
from chat_core.pages import Page
from chat_core.ports.retention import LogRetention, OldFront
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.heads import keep_last_place
from chat_sqlite.rows import to_ms

_LOGS = """
SELECT pk, id, first_seq, last_seq FROM conversations WHERE id > ? ORDER BY id LIMIT ?
"""
_FIRST_NEWER_MESSAGE = """
SELECT seq FROM messages WHERE conversation_pk = ? AND seq >= ? AND created_at >= ?
ORDER BY seq LIMIT 1
"""
_FIRST_NEWER_CHANGE = """
SELECT seq FROM changes WHERE conversation_pk = ? AND seq >= ? AND seq < ? AND at >= ?
ORDER BY seq LIMIT 1
"""
_TO_DIGEST = """
SELECT pk, content, more FROM messages WHERE conversation_pk = ? AND seq >= ? AND seq < ?
AND client_id IS NOT NULL AND content IS NOT NULL AND first_digest IS NULL
"""
_EMPTY = """
UPDATE messages SET content = NULL, more = NULL, deleted_at = coalesce(deleted_at, ?4)
WHERE conversation_pk = ?1 AND seq >= ?2 AND seq < ?3
"""
# Keep a group's creation if it has a client id, because it is needed to detect a repeat.
_DELETE_CHANGES = """
DELETE FROM changes WHERE conversation_pk = ?1 AND seq >= ?2 AND seq < ?3
AND NOT (seq = 1 AND EXISTS (
    SELECT 1 FROM conversations WHERE pk = ?1 AND client_id IS NOT NULL
))
"""


@dataclass(frozen=True, slots=True)
class SqliteLogRetention(LogRetention):
    """Removes expired entries from the tables that the log writes."""

    database: SqliteDatabase

    async def old(
        self, before: datetime, *, after: ConversationId | None, limit: int
    ) -> Page[OldFront, ConversationId]:
        """See `LogRetention.old`."""

        def select(connection: sqlite3.Connection) -> Page[OldFront, ConversationId]:
            rows = connection.execute(_LOGS, (after or "", limit + 1)).fetchall()
            fronts = [_front(connection, row, to_ms(before)) for row in rows[:limit]]
            old = [front for front in fronts if front.end > front.first_seq]
            return Page(old, ConversationId(rows[limit - 1][1]) if len(rows) > limit else None)

        return await self.database.read(select)

    async def expire(self, fronts: Mapping[ConversationId, int], at: datetime) -> None:
        """See `LogRetention.expire`."""
        wanted = dict(fronts)

        def update(connection: sqlite3.Connection) -> None:
            for conversation_id, end in wanted.items():
                _expire(connection, conversation_id, end, to_ms(at))

        await self.database.write(update)


def _front(connection: sqlite3.Connection, row: tuple[int, str, int, int], before: int) -> OldFront:
    pk, conversation_id, first_seq, last_seq = row
    found = connection.execute(_FIRST_NEWER_MESSAGE, (pk, first_seq, before)).fetchone()
    end = last_seq + 1 if found is None else found[0]
    found = connection.execute(_FIRST_NEWER_CHANGE, (pk, first_seq, end, before)).fetchone()
    return OldFront(ConversationId(conversation_id), first_seq, end if found is None else found[0])


def _expire(
    connection: sqlite3.Connection, conversation_id: ConversationId, end: int, at: int
) -> None:
    row = connection.execute(
        "SELECT pk, first_seq, last_seq FROM conversations WHERE id = ?", (conversation_id,)
    ).fetchone()
    if row is None:
        return
    pk, first_seq, last_seq = row
    end = min(end, last_seq + 1)
    if end <= first_seq:
        return
    stretch = (pk, first_seq, end)
    rows = connection.execute(_TO_DIGEST, stretch).fetchall()
    connection.executemany(
        "UPDATE messages SET first_digest = ? WHERE pk = ?",
        [
            (digest_of(body), message_pk)
            for message_pk, *kept in rows
            if (body := stored_body(*kept)) is not None
        ],
    )
    connection.execute(_EMPTY, (*stretch, at))
    keep_last_place(connection)
    connection.execute(_DELETE_CHANGES, stretch)
    connection.execute("UPDATE conversations SET first_seq = ? WHERE pk = ?", (end, pk))

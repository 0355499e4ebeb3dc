"""Reads of log entries in SQLite: messages are in one table, all other entries in another."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from chat_core.conversations import Member, Role, Standing
from chat_core.events import (
    ChangeKind,
    ConversationUpdated,
    LogEvent,
    MessageSent,
    MessageUpdated,
)
from chat_core.ids import ConversationId, MessageId, UserId
from chat_core.log.shown import shown_at
from chat_core.messages import History, Message
from chat_core.ports.storage import LogReader
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.rows import MESSAGE, from_ms, message, standing

EDITED, DELETED = "edited", "deleted"
"""The kinds of changes to messages. `ChangeKind` has the others."""

_OF_CONVERSATION = "m.conversation_pk = (SELECT pk FROM conversations WHERE id = ?1)"
_KEPT = "(SELECT first_seq FROM conversations WHERE id = ?1)"
"""Selects the oldest place that is kept. Below it, rows of expired messages remain for their
client ids."""
_ONE = f"{MESSAGE} WHERE m.id = ?"
_EARLIER = f"""{MESSAGE} WHERE {_OF_CONVERSATION} AND m.seq < ?2 AND m.seq >= {_KEPT}
ORDER BY m.seq DESC LIMIT ?3
"""
_LATER = f"""{MESSAGE} WHERE {_OF_CONVERSATION} AND m.seq >= max(?2 + 1, {_KEPT})
ORDER BY m.seq LIMIT ?3
"""
_SENT = f"""{MESSAGE} WHERE {_OF_CONVERSATION} AND m.seq >= max(?2 + 1, {_KEPT}) AND m.seq <= ?3
ORDER BY m.seq LIMIT ?4
"""
_CHANGES = f"""
SELECT h.seq, h.kind, a.id, h.at, m.id, u.id, h.role, h.title, h.members
FROM changes h
JOIN users a ON a.pk = h.actor_pk
LEFT JOIN messages m ON m.pk = h.message_pk
LEFT JOIN users u ON u.pk = h.user_pk
WHERE h.conversation_pk = (SELECT pk FROM conversations WHERE id = ?1)
AND h.seq >= max(?2 + 1, {_KEPT}) AND h.seq <= ?3 ORDER BY h.seq LIMIT ?4
"""
_STANDING = """
SELECT c.pk, c.first_seq, c.last_seq, m.user_pk, m.read_seq, m.removed_seq
FROM members m JOIN conversations c ON c.pk = m.conversation_pk
WHERE c.id = ? AND m.user_pk = (SELECT pk FROM users WHERE id = ?)
"""

_MAX_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SqliteLogReader(LogReader):
    """Reads the tables that the log writes; a read with several queries uses one snapshot."""

    database: SqliteDatabase

    async def message(self, message_id: MessageId) -> Message | None:
        """See `LogReader.message`."""

        def select(connection: sqlite3.Connection) -> Message | None:
            row = connection.execute(f"{_ONE} AND m.seq >= c.first_seq", (message_id,)).fetchone()
            return None if row is None else message(row)

        return await self.database.read(select)

    async def history(
        self, conversation_id: ConversationId, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """See `LogReader.history`."""

        def select(connection: sqlite3.Connection) -> History:
            if after is not None:
                rows = connection.execute(_LATER, (conversation_id, after, limit + 1)).fetchall()
                return History([message(row) for row in rows[:limit]], len(rows) > limit)
            below = _MAX_INTEGER if before is None else before
            rows = connection.execute(_EARLIER, (conversation_id, below, limit + 1)).fetchall()
            return History([message(row) for row in rows[:limit][::-1]], len(rows) > limit)

        return await self.database.read(select)

    async def entries(
        self, conversation_id: ConversationId, *, after: int, until: int, limit: int
    ) -> Collection[LogEvent]:
        """See `LogReader.entries`."""
        stretch = (conversation_id, after, until, limit)

        def select(connection: sqlite3.Connection) -> list[LogEvent]:
            sent = connection.execute(_SENT, stretch).fetchall()
            changes = connection.execute(_CHANGES, stretch).fetchall()
            events: list[LogEvent] = [
                *(
                    MessageSent(shown_at(sent_now, sent_now.seq, until))
                    for sent_now in map(message, sent)
                ),
                *(_change(connection, conversation_id, row, until) for row in changes),
            ]
            return sorted(events, key=lambda event: event.seq)[:limit]

        return await self.database.read_at_once(select)

    async def standing(self, user_id: UserId, conversation_id: ConversationId) -> Standing | None:
        """See `LogReader.standing`."""

        def select(connection: sqlite3.Connection) -> Standing | None:
            row = connection.execute(_STANDING, (conversation_id, user_id)).fetchone()
            if row is None:
                return None
            pk, first_seq, last_seq, user_pk, read_seq, removed_seq = row
            if removed_seq is not None:
                read_seq = min(read_seq, removed_seq)
                first_seq = min(first_seq, removed_seq + 1)
                return Standing(first_seq, removed_seq, read_seq, 0, (), is_member=False)
            return standing(connection, pk, user_pk, first_seq, last_seq, read_seq)

        return await self.database.read_at_once(select)


def _change(
    connection: sqlite3.Connection,
    conversation_id: ConversationId,
    row: tuple[Any, ...],
    until: int,
) -> LogEvent:
    seq, kind, actor, at, message_id, user, role, title, members = row
    if message_id is not None:
        now = message(connection.execute(_ONE, (message_id,)).fetchone())
        return MessageUpdated(seq, shown_at(now, seq, until))
    return ConversationUpdated(
        conversation_id,
        seq,
        ChangeKind(kind),
        UserId(actor),
        None if user is None else UserId(user),
        None if role is None else Role(role),
        title,
        None if members is None else members_of(members, at),
    )


def members_of(members: str, at: int) -> tuple[Member, ...]:
    """Parse the stored list of a group's first members."""
    joined_at = from_ms(at)
    return tuple(Member(UserId(user), Role(role), joined_at) for user, role in json.loads(members))

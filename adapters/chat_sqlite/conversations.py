"""Reads of conversations and messages in SQLite."""

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from chat_core.conversations import (
    MAX_UNREAD,
    RECEIPTS_UP_TO,
    ActivityPlace,
    Conversation,
    Overview,
    Receipt,
)
from chat_core.ids import ConversationId, UserId
from chat_core.messages import History
from chat_core.pages import Page
from chat_core.ports.storage import ConversationStore
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.rows import MESSAGE, conversation, from_ms, message, to_ms

_LISTED = """
SELECT c.pk, c.id, c.last_seq, c.active_at, m.read_seq, m.user_pk
FROM members m JOIN conversations c ON c.pk = m.conversation_pk
WHERE m.user_pk = (SELECT pk FROM users WHERE id = :user)
AND (c.active_at, c.id) < (:at, :id)
ORDER BY c.active_at DESC, c.id DESC LIMIT :limit
"""
_LAST_MESSAGE = f"{MESSAGE} WHERE m.conversation_pk = ? ORDER BY m.seq DESC LIMIT 1"
_UNREAD = f"""
SELECT count(*) FROM (
    SELECT 1 FROM messages WHERE conversation_pk = ? AND seq > ? AND sender_pk != ?
    AND deleted_at IS NULL LIMIT {MAX_UNREAD}
)
"""
_RECEIPTS = """
SELECT u.id, m.delivered_seq, m.read_seq FROM members m JOIN users u ON u.pk = m.user_pk
WHERE m.conversation_pk = ? ORDER BY u.id
"""
_EARLIER = f"""{MESSAGE}
WHERE m.conversation_pk = (SELECT pk FROM conversations WHERE id = ?) AND m.seq < ?
ORDER BY m.seq DESC LIMIT ?
"""
_LATER = f"""{MESSAGE}
WHERE m.conversation_pk = (SELECT pk FROM conversations WHERE id = ?) AND m.seq > ?
ORDER BY m.seq LIMIT ?
"""
_PEERS = """
SELECT DISTINCT u.id FROM members mine
JOIN members m ON m.conversation_pk = mine.conversation_pk AND m.user_pk != mine.user_pk
JOIN users u ON u.pk = m.user_pk
WHERE mine.user_pk = (SELECT pk FROM users WHERE id = ?)
"""

_MAX_INTEGER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SqliteConversationStore(ConversationStore):
    """Reads from the tables that the log writes."""

    database: SqliteDatabase

    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        """See `ConversationStore.get`."""
        return await self.database.read(
            lambda connection: conversation(connection, "id", conversation_id)
        )

    async def direct(self, one: UserId, other: UserId) -> Conversation | None:
        """See `ConversationStore.direct`."""
        pair = " ".join(sorted((one, other)))
        return await self.database.read(lambda connection: conversation(connection, "pair", pair))

    async def overviews(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[Overview, ActivityPlace]:
        """See `ConversationStore.overviews`."""
        values = {
            "user": user_id,
            "at": to_ms(after.active_at) if after else _MAX_INTEGER,
            "id": after.conversation_id if after else "",
            "limit": limit + 1,
        }

        def select(connection: sqlite3.Connection) -> Page[Overview, ActivityPlace]:
            # One snapshot for all the statements: what they show together was so at one moment.
            connection.execute("BEGIN")
            try:
                rows = connection.execute(_LISTED, values).fetchall()
                overviews = [_overview(connection, row) for row in rows[:limit]]
            finally:
                connection.execute("COMMIT")
            if len(rows) <= limit:
                return Page(overviews, None)
            last = overviews[-1]
            return Page(overviews, ActivityPlace(last.active_at, last.conversation.id))

        return await self.database.read(select)

    async def history(
        self, conversation_id: ConversationId, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """See `ConversationStore.history`."""

        def select(connection: sqlite3.Connection) -> History:
            if after is not None:
                rows = connection.execute(_LATER, (conversation_id, after, limit + 1)).fetchall()
                return History([message(row) for row in rows[:limit]], len(rows) > limit)
            below = _MAX_INTEGER if before is None else before
            rows = connection.execute(_EARLIER, (conversation_id, below, limit + 1)).fetchall()
            return History([message(row) for row in rows[:limit][::-1]], len(rows) > limit)

        return await self.database.read(select)

    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """See `ConversationStore.peers`."""

        def select(connection: sqlite3.Connection) -> dict[UserId, Collection[UserId]]:
            return {
                user: {UserId(peer) for (peer,) in connection.execute(_PEERS, (user,))}
                for user in users
            }

        return await self.database.read(select)


def _overview(connection: sqlite3.Connection, row: tuple[int, str, int, int, int, int]) -> Overview:
    pk, conversation_id, last_seq, active_at, read_seq, user_pk = row
    stored = conversation(connection, "id", conversation_id)
    if stored is None:
        raise LookupError(conversation_id)
    last = connection.execute(_LAST_MESSAGE, (pk,)).fetchone()
    (unread,) = connection.execute(_UNREAD, (pk, read_seq, user_pk)).fetchone()
    receipts: tuple[Receipt, ...] = ()
    if len(stored.members) <= RECEIPTS_UP_TO:
        receipts = tuple(
            Receipt(UserId(user), delivered, read)
            for user, delivered, read in connection.execute(_RECEIPTS, (pk,))
        )
    return Overview(
        conversation=stored,
        first_seq=1,
        last_seq=last_seq,
        last_message=message(last) if last else None,
        read_seq=read_seq,
        unread_count=unread,
        receipts=receipts,
        active_at=from_ms(active_at),
    )

"""Receipts in SQLite, in two columns of the members table."""

import sqlite3
from dataclasses import dataclass

from chat_core.conversations import Receipt
from chat_core.errors import NotFound
from chat_core.ids import ConversationId, UserId
from chat_core.ports.storage import ReceiptStore
from chat_sqlite.database import SqliteDatabase

_MEMBER = """
SELECT m.conversation_pk, m.user_pk, m.delivered_seq, m.read_seq, c.last_seq
FROM members m JOIN conversations c ON c.pk = m.conversation_pk
WHERE c.id = ? AND m.user_pk = (SELECT pk FROM users WHERE id = ?) AND m.removed_seq IS NULL
"""
_MOVE = """
UPDATE members SET delivered_seq = ?, read_seq = ? WHERE conversation_pk = ? AND user_pk = ?
"""


@dataclass(frozen=True, slots=True)
class SqliteReceiptStore(ReceiptStore):
    """Marks that only rise."""

    database: SqliteDatabase

    async def move(
        self, conversation_id: ConversationId, user_id: UserId, *, delivered: int, read: int
    ) -> tuple[Receipt, bool]:
        """See `ReceiptStore.move`."""

        def update(connection: sqlite3.Connection) -> tuple[Receipt, bool]:
            row = connection.execute(_MEMBER, (conversation_id, user_id)).fetchone()
            if row is None:
                raise NotFound("There is no such conversation")
            pk, user_pk, delivered_before, read_before, last_seq = row
            read_now = max(read_before, min(read, last_seq))
            delivered_now = max(delivered_before, min(delivered, last_seq), read_now)
            moved = (delivered_now, read_now) != (delivered_before, read_before)
            if moved:
                connection.execute(_MOVE, (delivered_now, read_now, pk, user_pk))
            return Receipt(user_id, delivered_now, read_now), moved

        return await self.database.write(update)

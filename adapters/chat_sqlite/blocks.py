"""Blocks in SQLite."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from chat_core.ids import UserId
from chat_core.pages import Page
from chat_core.ports.storage import BlockStore
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.heads import user_pk
from chat_sqlite.rows import to_ms


@dataclass(frozen=True, slots=True)
class SqliteBlockStore(BlockStore):
    """Blocks in one table."""

    database: SqliteDatabase

    async def block(self, user_id: UserId, other_id: UserId, at: datetime) -> None:
        """See `BlockStore.block`."""

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO blocks VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (user_pk(connection, user_id), user_pk(connection, other_id), to_ms(at)),
            )

        await self.database.write(insert)

    async def unblock(self, user_id: UserId, other_id: UserId) -> None:
        """See `BlockStore.unblock`."""

        def delete(connection: sqlite3.Connection) -> None:
            connection.execute(
                "DELETE FROM blocks WHERE user_pk = (SELECT pk FROM users WHERE id = ?)"
                " AND other_pk = (SELECT pk FROM users WHERE id = ?)",
                (user_id, other_id),
            )

        await self.database.write(delete)

    async def between(self, one: UserId, other: UserId) -> bool:
        """See `BlockStore.between`."""

        def select(connection: sqlite3.Connection) -> bool:
            row = connection.execute(
                "SELECT 1 FROM users u, users o, blocks b WHERE u.id = ? AND o.id = ? AND"
                " ((b.user_pk = u.pk AND b.other_pk = o.pk)"
                " OR (b.user_pk = o.pk AND b.other_pk = u.pk))",
                (one, other),
            ).fetchone()
            return row is not None

        return await self.database.read(select)

    async def blocked_by(
        self, user_id: UserId, *, after: UserId | None, limit: int
    ) -> Page[UserId, UserId]:
        """See `BlockStore.blocked_by`."""

        def select(connection: sqlite3.Connection) -> Page[UserId, UserId]:
            rows = connection.execute(
                "SELECT o.id FROM blocks b JOIN users o ON o.pk = b.other_pk"
                " WHERE b.user_pk = (SELECT pk FROM users WHERE id = ?) AND o.id > ?"
                " ORDER BY o.id LIMIT ?",
                (user_id, after or "", limit + 1),
            ).fetchall()
            found = [UserId(other) for (other,) in rows[:limit]]
            return Page(found, found[-1] if len(rows) > limit else None)

        return await self.database.read(select)

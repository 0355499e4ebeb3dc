"""Sessions in SQLite."""

import sqlite3
from dataclasses import dataclass

from chat_core.ids import SessionId, UserId
from chat_core.ports.storage import SessionStore
from chat_core.sessions import Session
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.rows import from_ms, to_ms


@dataclass(frozen=True, slots=True)
class SqliteSessionStore(SessionStore):
    """Sessions in one table."""

    database: SqliteDatabase

    async def add(self, session: Session, refresh_digest: bytes) -> None:
        """See `SessionStore.add`."""

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO sessions (id, user_pk, device, created_at, last_seen_at,"
                " refresh_digest) VALUES (?, (SELECT pk FROM users WHERE id = ?), ?, ?, ?, ?)",
                (
                    session.id,
                    session.user_id,
                    session.device,
                    to_ms(session.created_at),
                    to_ms(session.last_seen_at),
                    refresh_digest,
                ),
            )

        await self.database.write(insert)

    async def get(self, session_id: SessionId) -> Session | None:
        """See `SessionStore.get`."""

        def select(connection: sqlite3.Connection) -> Session | None:
            row = connection.execute(
                "SELECT s.id, u.id, s.device, s.created_at, s.last_seen_at"
                " FROM sessions s JOIN users u ON u.pk = s.user_pk WHERE s.id = ?",
                (session_id,),
            ).fetchone()
            if row is None:
                return None
            id_, user_id, device, created_at, last_seen_at = row
            return Session(
                SessionId(id_), UserId(user_id), device, from_ms(created_at), from_ms(last_seen_at)
            )

        return await self.database.read(select)

    async def relabel(self, session_id: SessionId, device: str) -> None:
        """See `SessionStore.relabel`."""

        def update(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE sessions SET device = ? WHERE id = ?", (device, session_id))

        await self.database.write(update)

"""Sessions in SQLite."""

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chat_core.addresses import networks
from chat_core.errors import RefreshReused, SessionRevoked, TokenInvalid
from chat_core.ids import SessionId, UserId
from chat_core.ports.storage import SessionStore
from chat_core.sessions import RefreshChain, RefreshUse, Session
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.rows import from_ms, maybe_from_ms, to_ms

_SESSION = """
SELECT s.id, u.id, s.device, s.created_at, s.last_seen_at, s.ended_at, s.address, s.user_agent
FROM sessions s JOIN users u ON u.pk = s.user_pk
"""

_CHAIN = """
SELECT s.pk, s.current_digest, s.previous_digest, s.replaced_at, s.family_digest FROM sessions s
"""


@dataclass(frozen=True, slots=True)
class SqliteSessionStore(SessionStore):
    """Sessions in one table, and the digests of tokens without a family in another."""

    database: SqliteDatabase

    async def add(self, session: Session, chain: RefreshChain) -> None:
        """See `SessionStore.add`."""

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO sessions (id, user_pk, device, created_at, last_seen_at,"
                " address, network, user_agent, current_digest, family_digest)"
                " VALUES (?, (SELECT pk FROM users WHERE id = ?), ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    session.id,
                    session.user_id,
                    session.device,
                    to_ms(session.created_at),
                    to_ms(session.last_seen_at),
                    session.address,
                    session.network,
                    session.user_agent,
                    chain.current,
                    chain.family,
                ),
            )

        await self.database.write(insert)

    async def get(self, session_id: SessionId) -> Session | None:
        """See `SessionStore.get`."""

        def select(connection: sqlite3.Connection) -> Session | None:
            row = connection.execute(f"{_SESSION} WHERE s.id = ?", (session_id,)).fetchone()
            return None if row is None else _session(row)

        return await self.database.read(select)

    async def refresh(self, use: RefreshUse) -> Session:
        """See `SessionStore.refresh`."""
        outcome = await self.database.write(lambda connection: _refresh(connection, use))
        if isinstance(outcome, RefreshReused):
            raise outcome
        return outcome

    async def of_user(self, user_id: UserId) -> Collection[Session]:
        """See `SessionStore.of_user`."""

        def select(connection: sqlite3.Connection) -> list[Session]:
            rows = connection.execute(
                f"{_SESSION} WHERE s.user_pk = (SELECT pk FROM users WHERE id = ?)"
                " AND s.ended_at IS NULL ORDER BY s.last_seen_at DESC, s.id DESC",
                (user_id,),
            )
            return [_session(row) for row in rows]

        return await self.database.read(select)

    async def knows(self, user_id: UserId, address: str) -> bool:
        """See `SessionStore.knows`."""

        def select(connection: sqlite3.Connection) -> bool:
            row = connection.execute(
                "SELECT 1 FROM sessions WHERE user_pk = (SELECT pk FROM users WHERE id = ?)"
                " AND network = ? LIMIT 1",
                (user_id, networks(address)[0]),
            ).fetchone()
            return row is not None

        return await self.database.read(select)

    async def end(self, session_ids: Collection[SessionId], at: datetime) -> None:
        """See `SessionStore.end`."""
        rows = [(to_ms(at), session_id) for session_id in session_ids]

        def update(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "UPDATE sessions SET ended_at = ? WHERE id = ? AND ended_at IS NULL", rows
            )

        await self.database.write(update)

    async def ended_since(self, at: datetime) -> Mapping[SessionId, UserId]:
        """See `SessionStore.ended_since`."""

        def select(connection: sqlite3.Connection) -> dict[SessionId, UserId]:
            rows = connection.execute(
                "SELECT s.id, u.id FROM sessions s JOIN users u ON u.pk = s.user_pk"
                " WHERE s.ended_at >= ?",
                (to_ms(at),),
            )
            return {SessionId(session_id): UserId(user_id) for session_id, user_id in rows}

        return await self.database.read(select)

    async def forget_devices(self, user_id: UserId) -> None:
        """See `SessionStore.forget_devices`."""

        def update(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE sessions SET device = '', address = NULL, network = NULL,"
                " user_agent = NULL"
                " WHERE user_pk = (SELECT pk FROM users WHERE id = ?)",
                (user_id,),
            )

        await self.database.write(update)

    async def purge(self, before: datetime, *, limit: int) -> int:
        """See `SessionStore.purge`."""

        def delete(connection: sqlite3.Connection) -> int:
            old = connection.execute(
                "SELECT pk FROM sessions WHERE last_seen_at < ?1"
                " AND (ended_at IS NULL OR ended_at < ?1) LIMIT ?2",
                (to_ms(before), limit),
            ).fetchall()
            connection.executemany("DELETE FROM refresh_tokens WHERE session_pk = ?", old)
            connection.executemany("DELETE FROM sessions WHERE pk = ?", old)
            return len(old)

        return await self.database.write(delete)

    async def relabel(self, session_id: SessionId, device: str) -> None:
        """See `SessionStore.relabel`."""

        def update(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE sessions SET device = ? WHERE id = ?", (device, session_id))

        await self.database.write(update)


def _refresh(connection: sqlite3.Connection, use: RefreshUse) -> Session | RefreshReused:
    """Return the session after the use, or the reuse error.

    The error is returned because raising it would roll back the end of the session.
    """
    row = (
        connection.execute(f"{_CHAIN} WHERE s.family_digest = ?", (use.family,)).fetchone()
        or connection.execute(
            f"{_CHAIN} JOIN refresh_tokens t ON t.session_pk = s.pk WHERE t.digest = ?",
            (use.presented,),
        ).fetchone()
    )
    if row is None:
        raise TokenInvalid
    pk, current, previous, replaced_at, family = row
    session = _session(connection.execute(f"{_SESSION} WHERE s.pk = ?", (pk,)).fetchone())
    if session.ended_at is not None:
        raise SessionRevoked.of(session.id)
    try:
        after, chain = use.judge(
            session, RefreshChain(current, previous, maybe_from_ms(replaced_at), family)
        )
    except RefreshReused as error:
        error.session_id = session.id
        connection.execute("UPDATE sessions SET ended_at = ? WHERE pk = ?", (to_ms(use.at), pk))
        return error
    connection.execute(
        "UPDATE sessions SET current_digest = ?, previous_digest = ?, replaced_at = ?,"
        " family_digest = ?, last_seen_at = ?, address = ?, network = ?, user_agent = ?"
        " WHERE pk = ?",
        (
            chain.current,
            chain.previous,
            None if chain.replaced_at is None else to_ms(chain.replaced_at),
            chain.family,
            to_ms(after.last_seen_at),
            after.address,
            after.network,
            after.user_agent,
            pk,
        ),
    )
    return after


def _session(row: tuple[Any, ...]) -> Session:
    id_, user_id, device, created_at, last_seen_at, ended_at, address, user_agent = row
    return Session(
        SessionId(id_),
        UserId(user_id),
        device,
        from_ms(created_at),
        from_ms(last_seen_at),
        maybe_from_ms(ended_at),
        address,
        user_agent,
    )

"""Reads of conversations in SQLite."""

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from chat_core.conversations import (
    LISTED_MEMBERS,
    ActivityPlace,
    Conversation,
    ConversationKind,
    Member,
    Overview,
    Role,
)
from chat_core.ids import ConversationId, UserId
from chat_core.pages import Page
from chat_core.ports.storage import ConversationStore
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.rows import MESSAGE, conversation, from_ms, message, standing, to_ms

_MEMBERSHIP = """
SELECT c.pk, c.id, c.kind, c.title, c.created_at, c.first_seq, c.last_seq, c.active_at,
       m.user_pk, m.role, m.joined_at, m.read_seq
FROM members m JOIN conversations c ON c.pk = m.conversation_pk
WHERE m.user_pk = (SELECT pk FROM users WHERE id = :user) AND m.removed_seq IS NULL
"""
_ONE = f"{_MEMBERSHIP} AND c.id = :id"
_LATEST = """
SELECT c.active_at, c.id FROM members m JOIN conversations c ON c.pk = m.conversation_pk
WHERE m.user_pk = (SELECT pk FROM users WHERE id = :user) AND m.removed_seq IS NULL
AND (c.active_at, c.id) < (:at, :id) ORDER BY c.active_at DESC, c.id DESC LIMIT :limit
"""
_FIRST_OTHERS = f"""
SELECT u.id, m.role, m.joined_at FROM members m JOIN users u ON u.pk = m.user_pk
WHERE m.conversation_pk = ? AND m.removed_seq IS NULL AND m.user_pk != ?
ORDER BY m.joined_at, u.id LIMIT {LISTED_MEMBERS}
"""
_COUNT = "SELECT count(*) FROM members WHERE conversation_pk = ? AND removed_seq IS NULL"
_LAST_MESSAGE = f"""{MESSAGE}
WHERE m.conversation_pk = ? AND m.seq >= ? ORDER BY m.seq DESC LIMIT 1
"""
# Compares integer keys, because comparing ids takes half as long again.
_PEERS = """
SELECT id FROM users WHERE pk IN (
    SELECT m.user_pk FROM members mine
    JOIN members m ON m.conversation_pk = mine.conversation_pk AND m.user_pk != mine.user_pk
    WHERE mine.user_pk = (SELECT pk FROM users WHERE id = ?)
    AND mine.removed_seq IS NULL AND m.removed_seq IS NULL
)
"""

_LEFT_BEHIND = """
SELECT c.id FROM members m JOIN conversations c ON c.pk = m.conversation_pk
WHERE m.user_pk = (SELECT pk FROM users WHERE id = ?) AND m.removed_seq IS NOT NULL
AND EXISTS (
    SELECT 1 FROM messages g WHERE g.conversation_pk = m.conversation_pk
    AND g.sender_pk = m.user_pk AND (g.content IS NOT NULL OR g.first_digest IS NOT NULL)
)
"""

_MAX_INTEGER = 2**63 - 1

_Row = tuple[int, str, str, str | None, int, int, int, int, int, str, int, int]


@dataclass(frozen=True, slots=True)
class SqliteConversationStore(ConversationStore):
    """Reads the tables that the log writes."""

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

    async def overview(self, user_id: UserId, conversation_id: ConversationId) -> Overview | None:
        """See `ConversationStore.overview`."""

        def select(connection: sqlite3.Connection) -> Overview | None:
            values = {"user": user_id, "id": conversation_id}
            row = connection.execute(_ONE, values).fetchone()
            if row is None:
                return None
            stored = conversation(connection, "id", conversation_id)
            if stored is None:
                raise LookupError(conversation_id)
            shown = _listed(connection, user_id, row)
            return Overview.of(stored, user_id, shown.standing, shown.last_message, shown.active_at)

        return await self.database.read_at_once(select)

    async def latest(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[ActivityPlace, ActivityPlace]:
        """See `ConversationStore.latest`."""
        values = {
            "user": user_id,
            "at": to_ms(after.active_at) if after else _MAX_INTEGER,
            "id": after.conversation_id if after else "",
            "limit": limit + 1,
        }

        def select(connection: sqlite3.Connection) -> Page[ActivityPlace, ActivityPlace]:
            rows = connection.execute(_LATEST, values).fetchall()
            places = [ActivityPlace(from_ms(at), ConversationId(id_)) for at, id_ in rows[:limit]]
            return Page(places, places[-1] if len(rows) > limit else None)

        return await self.database.read(select)

    async def overviews(
        self, user_id: UserId, conversation_ids: Sequence[ConversationId]
    ) -> Sequence[Overview]:
        """See `ConversationStore.overviews`."""

        def select(connection: sqlite3.Connection) -> list[Overview]:
            found = []
            for each in conversation_ids:
                row = connection.execute(_ONE, {"user": user_id, "id": each}).fetchone()
                if row is not None:
                    found.append(_listed(connection, user_id, row))
            return found

        return await self.database.read_at_once(select)

    async def left_behind(self, user_id: UserId) -> Collection[ConversationId]:
        """See `ConversationStore.left_behind`."""

        def select(connection: sqlite3.Connection) -> list[ConversationId]:
            rows = connection.execute(_LEFT_BEHIND, (user_id,))
            return [ConversationId(each) for (each,) in rows]

        return await self.database.read(select)

    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """See `ConversationStore.peers`."""

        def select(connection: sqlite3.Connection) -> dict[UserId, Collection[UserId]]:
            return {
                user: {UserId(peer) for (peer,) in connection.execute(_PEERS, (user,))}
                for user in users
            }

        return await self.database.read(select)


def _listed(connection: sqlite3.Connection, user_id: UserId, row: _Row) -> Overview:
    pk, id_, kind, title, created_at, first_seq, last_seq, active_at = row[:8]
    user_pk, role, joined_at, read_seq = row[8:]
    others = connection.execute(_FIRST_OTHERS, (pk, user_pk)).fetchall()
    count = len(others) + 1
    if count > LISTED_MEMBERS:
        (count,) = connection.execute(_COUNT, (pk,)).fetchone()
    last = connection.execute(_LAST_MESSAGE, (pk, first_seq)).fetchone()
    return Overview(
        id=ConversationId(id_),
        kind=ConversationKind(kind),
        title=title,
        created_at=from_ms(created_at),
        members=tuple(
            Member(UserId(each), Role(role), from_ms(at))
            for each, role, at in [(user_id, role, joined_at), *others[: LISTED_MEMBERS - 1]]
        ),
        member_count=count,
        standing=standing(connection, pk, user_pk, first_seq, last_seq, read_seq),
        last_message=message(last) if last else None,
        active_at=from_ms(active_at),
    )

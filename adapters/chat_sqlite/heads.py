"""A cache of what every commit needs."""

import sqlite3
from dataclasses import dataclass, field

from chat_core.ids import ConversationId, UserId

MOST = 100_000
"""Maximum number of cached conversations, and of cached users, about 300 bytes each."""

_HEAD = "SELECT pk, revision, last_seq FROM conversations WHERE id = ?"
_LAST_PLACE = """
SELECT max(
    coalesce((SELECT max(pk) FROM messages), 0),
    coalesce((SELECT max(place) FROM changes WHERE place IS NOT NULL), 0),
    coalesce((SELECT value FROM meta WHERE name = 'last_place'), 0)
)
"""
_KEEP_LAST_PLACE = f"""
INSERT INTO meta (name, value) SELECT 'last_place', ({_LAST_PLACE}) WHERE true
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


@dataclass(slots=True)
class Head:
    """The end of a stored conversation's log, including the writes of this transaction."""

    pk: int
    revision: int
    last_seq: int


@dataclass(slots=True)
class Heads:
    """A cache of heads, users' keys and the last place, for the writing connection.

    Use it only inside that connection's transactions, after `begin`. It is valid until a write that
    used it is rolled back (then call `forget`), or another process writes (`begin` detects that).
    """

    known: dict[ConversationId, Head] = field(default_factory=dict)
    users: dict[UserId, int] = field(default_factory=dict)
    place: int = 0
    """The last place that an entry got. Known after `begin`. See `Place` in docs/glossary.md."""
    _version: int | None = None

    def begin(self, connection: sqlite3.Connection) -> None:
        """Start a transaction: drop the cache if another connection may have written."""
        # Every commit by another connection changes this value.
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self.known) > MOST or len(self.users) > MOST:
            self.forget()
        self._version = version
        if self.place == 0:
            (self.place,) = connection.execute(_LAST_PLACE).fetchone()

    def forget(self) -> None:
        """Drop the cache, after a rollback or if one is possible."""
        self.known.clear()
        self.users.clear()
        self.place = 0

    def of(self, connection: sqlite3.Connection, conversation_id: ConversationId) -> Head | None:
        """Return the head of a conversation's log, or None if it is not stored."""
        head = self.known.get(conversation_id)
        if head is None:
            row = connection.execute(_HEAD, (conversation_id,)).fetchone()
            if row is None:
                return None
            head = self.known[conversation_id] = Head(*row)
        return head

    def opened(self, conversation_id: ConversationId, head: Head) -> None:
        """Add a conversation that was just stored."""
        self.known[conversation_id] = head

    def user(self, connection: sqlite3.Connection, user_id: UserId) -> int:
        """Return the integer key of a user."""
        pk = self.users.get(user_id)
        if pk is None:
            pk = self.users[user_id] = user_pk(connection, user_id)
        return pk


def keep_last_place(connection: sqlite3.Connection) -> None:
    """Store the last place before changes are deleted, so that it is never used again."""
    connection.execute(_KEEP_LAST_PLACE)


def user_pk(connection: sqlite3.Connection, user_id: UserId) -> int:
    """Return the integer key of a user; insert a row for a user whose account is kept elsewhere."""
    row = connection.execute("SELECT pk FROM users WHERE id = ?", (user_id,)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO users (id, password_hash, created_at) VALUES (?, '', 0) RETURNING pk",
            (user_id,),
        ).fetchone()
    return int(row[0])

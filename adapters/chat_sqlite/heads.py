"""What every commit needs to know, kept from one to the next."""

import sqlite3
from dataclasses import dataclass, field

from chat_core.ids import ConversationId, UserId

MOST = 100_000
"""Conversations, and users, that are kept, at some 300 bytes each."""

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
    """Where a stored conversation's log ends, the writes of this transaction included."""

    pk: int
    revision: int
    last_seq: int


@dataclass(slots=True)
class Heads:
    """The ends of logs, the last place and the keys of users, as the writing connection knows them.

    To be used within its transactions alone, `begin` first. They are true as long as nothing that
    was done with them is rolled back (`forget` them then), and no other process writes (`begin`
    finds out).
    """

    known: dict[ConversationId, Head] = field(default_factory=dict)
    users: dict[UserId, int] = field(default_factory=dict)
    place: int = 0
    """The last that an entry got, known from `begin` on: see `Place` in docs/glossary.md."""
    _version: int | None = None

    def begin(self, connection: sqlite3.Connection) -> None:
        """A transaction begins: what another connection may have changed is forgotten."""
        # It changes with every commit that is not this connection's own.
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self.known) > MOST or len(self.users) > MOST:
            self.forget()
        self._version = version
        if self.place == 0:
            (self.place,) = connection.execute(_LAST_PLACE).fetchone()

    def forget(self) -> None:
        """What is known here was rolled back, or may have been."""
        self.known.clear()
        self.users.clear()
        self.place = 0

    def of(self, connection: sqlite3.Connection, conversation_id: ConversationId) -> Head | None:
        """The end of its log; None where it is not stored."""
        head = self.known.get(conversation_id)
        if head is None:
            row = connection.execute(_HEAD, (conversation_id,)).fetchone()
            if row is None:
                return None
            head = self.known[conversation_id] = Head(*row)
        return head

    def opened(self, conversation_id: ConversationId, head: Head) -> None:
        """A conversation was stored."""
        self.known[conversation_id] = head

    def user(self, connection: sqlite3.Connection, user_id: UserId) -> int:
        """The integer key of a user."""
        pk = self.users.get(user_id)
        if pk is None:
            pk = self.users[user_id] = user_pk(connection, user_id)
        return pk


def keep_last_place(connection: sqlite3.Connection) -> None:
    """Call before changes are deleted: no place is given to a second entry."""
    connection.execute(_KEEP_LAST_PLACE)


def user_pk(connection: sqlite3.Connection, user_id: UserId) -> int:
    """The integer key of a user; one whose account is kept elsewhere gets a row for it."""
    row = connection.execute("SELECT pk FROM users WHERE id = ?", (user_id,)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO users (id, password_hash, created_at) VALUES (?, '', 0) RETURNING pk",
            (user_id,),
        ).fetchone()
    return int(row[0])

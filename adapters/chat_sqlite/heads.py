"""Where logs end: what every append needs to know, kept from one transaction to the next."""

import sqlite3
from dataclasses import dataclass, field

from chat_core.conversations import Conversation
from chat_core.ids import ConversationId, UserId
from chat_sqlite.rows import pair_of

MOST = 100_000
"""Conversations, and users, that are kept, at some 300 bytes each."""

_HEAD = """
SELECT pk, id, revision, last_seq FROM conversations WHERE id = ?1
UNION ALL SELECT pk, id, revision, last_seq FROM conversations WHERE pair = ?2
"""


@dataclass(slots=True)
class Head:
    """Where a stored conversation's log ends, the appends of this transaction included."""

    pk: int
    id: ConversationId
    revision: int
    last_seq: int


@dataclass(slots=True)
class Heads:
    """The ends of logs and the keys of users, as the one writing connection knows them.

    To be used within its transactions alone, `begin` first. They are true as long as nothing that
    was done with them is rolled back (`forget` them then), and no other process writes (`begin`
    finds out).
    """

    _known: dict[ConversationId, Head] = field(default_factory=dict)
    _users: dict[UserId, int] = field(default_factory=dict)
    _version: int | None = None

    def begin(self, connection: sqlite3.Connection) -> None:
        """A transaction begins: what another connection may have changed is forgotten."""
        # It changes with every commit that is not this connection's own.
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self._known) > MOST or len(self._users) > MOST:
            self.forget()
        self._version = version

    def forget(self) -> None:
        """What is known here was rolled back, or may have been."""
        self._known.clear()
        self._users.clear()

    def of(self, connection: sqlite3.Connection, conversation: Conversation) -> Head | None:
        """The end of its log; None where it is not stored. A direct one is known by its pair."""
        head = self._known.get(conversation.id)
        if head is None:
            row = connection.execute(_HEAD, (conversation.id, pair_of(conversation))).fetchone()
            if row is None:
                return None
            head = self._known.get(row[1]) or Head(*row)
            self._known[conversation.id] = self._known[head.id] = head
        return head

    def opened(self, pk: int, conversation: Conversation) -> Head:
        """A conversation was stored, with an empty log."""
        head = Head(pk, conversation.id, conversation.revision, 0)
        self._known[conversation.id] = head
        return head

    def user(self, connection: sqlite3.Connection, user_id: UserId) -> int:
        """The integer key of a user."""
        pk = self._users.get(user_id)
        if pk is None:
            pk = self._users[user_id] = user_pk(connection, user_id)
        return pk


def user_pk(connection: sqlite3.Connection, user_id: UserId) -> int:
    """The integer key of a user; one whose account is kept elsewhere gets a row for it."""
    row = connection.execute("SELECT pk FROM users WHERE id = ?", (user_id,)).fetchone()
    if row is None:
        row = connection.execute(
            "INSERT INTO users (id, password_hash, created_at) VALUES (?, '', 0) RETURNING pk",
            (user_id,),
        ).fetchone()
    return int(row[0])

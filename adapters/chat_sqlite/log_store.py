"""The log store in SQLite. Each commit is one transaction in the writing thread."""

import asyncio
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from chat_core.conversations import Conversation
from chat_core.events import ChangeKind, ConversationUpdated
from chat_core.ids import ConversationId
from chat_core.measures import Commits
from chat_core.ports.log_store import (
    CreatedKey,
    FirstSent,
    Head,
    LogStore,
    SentKey,
    Verdict,
    Verdicts,
    Write,
)
from chat_sqlite import writes as database_writes
from chat_sqlite.appending import Appending
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.heads import Heads
from chat_sqlite.opening import insert_conversation
from chat_sqlite.reader import members_of
from chat_sqlite.rows import MESSAGE, conversation, message

_LAST_SEQ = "SELECT last_seq FROM conversations WHERE id = ?"
_FIRST_SENT = f"""{MESSAGE}
WHERE m.sender_pk = (SELECT pk FROM users WHERE id = ?) AND m.client_id = ?
"""
_FIRST_CREATED = """
SELECT c.id, h.title, h.members, h.at FROM conversations c
JOIN changes h ON h.conversation_pk = c.pk AND h.seq = 1
WHERE c.creator_pk = (SELECT pk FROM users WHERE id = ?) AND c.client_id = ?
"""


class SqliteLogStore(LogStore):
    """Writes, and reads what the writes need, in the writing thread.

    Other reads run in other threads, so even a long read never delays a commit.
    """

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._heads = database.heads

    @property
    def commits(self) -> Commits:
        """See `LogStore.commits`."""
        return self._database.commits

    async def heads(self, wanted: Sequence[Conversation]) -> Sequence[Head | None]:
        """See `LogStore.heads`."""
        return await self._database.read_as_writer(
            lambda connection: [_head(connection, each) for each in wanted]
        )

    async def commit(self, writes: Sequence[Write]) -> Verdicts:
        """See `LogStore.commit`."""
        commit = _Commit(self._database, self._heads, writes)
        self._database.submit(commit)
        return await commit.verdicts

    async def first_sent(self, wanted: Collection[SentKey]) -> Mapping[SentKey, FirstSent]:
        """See `LogStore.first_sent`."""

        def select(connection: sqlite3.Connection) -> dict[SentKey, FirstSent]:
            found = {key: _first_sent(connection, key) for key in wanted}
            return {key: first for key, first in found.items() if first is not None}

        return await self._database.read_as_writer(select)

    async def first_created(
        self, wanted: Collection[CreatedKey]
    ) -> Mapping[CreatedKey, ConversationUpdated]:
        """See `LogStore.first_created`."""

        def select(connection: sqlite3.Connection) -> dict[CreatedKey, ConversationUpdated]:
            found = {key: _first_created(connection, key) for key in wanted}
            return {key: first for key, first in found.items() if first is not None}

        return await self._database.read_as_writer(select)

    async def open_direct(self, conversation: Conversation) -> Conversation:
        """See `LogStore.open_direct`."""
        return await self._database.write(lambda connection: _open_direct(connection, conversation))

    async def close(self) -> None:
        """See `LogStore.close`."""


class _Commit(database_writes.Write):
    """The writes of one call. Other writes may share their transaction."""

    def __init__(self, database: SqliteDatabase, heads: Heads, writes: Sequence[Write]) -> None:
        self.verdicts: asyncio.Future[Verdicts] = asyncio.get_running_loop().create_future()
        self._database = database
        self._heads = heads
        self._writes = writes
        self._has_run = False
        self._each: Sequence[Verdict] = ()

    def size(self) -> int:
        """See `Write.size`."""
        return len(self._writes)

    def close(self) -> None:
        """See `Write.close`."""

    def run(self, connection: sqlite3.Connection) -> None:
        """Store the writes without looking up client ids; a unique index reports duplicates."""
        if self._has_run:
            self._heads.forget()
        self._heads.begin(connection)
        appending = Appending(connection, self._heads, looks_up=self._has_run)
        self._has_run = True
        self._each = appending.store(self._writes)

    def done(self, error: Exception | None) -> None:
        """See `Write.done`."""
        if error is not None:
            self._heads.forget()
        if self.verdicts.done():
            return
        if error is None:
            self.verdicts.set_result(Verdicts(self._each, self._database.committed_at))
        else:
            self.verdicts.set_exception(error)


def _head(connection: sqlite3.Connection, wanted: Conversation) -> Head | None:
    pair = wanted.pair
    column, value = ("id", wanted.id) if pair is None else ("pair", pair)
    stored = conversation(connection, column, value)
    if stored is None:
        return None
    (last_seq,) = connection.execute(_LAST_SEQ, (stored.id,)).fetchone()
    return Head(stored, last_seq)


def _first_sent(connection: sqlite3.Connection, key: SentKey) -> FirstSent | None:
    row = connection.execute(_FIRST_SENT, key).fetchone()
    if row is None:
        return None
    (digest,) = connection.execute(
        "SELECT first_digest FROM messages WHERE id = ?", (row[0],)
    ).fetchone()
    return FirstSent(message(row), digest)


def _first_created(connection: sqlite3.Connection, key: CreatedKey) -> ConversationUpdated | None:
    row = connection.execute(_FIRST_CREATED, key).fetchone()
    if row is None:
        return None
    group_id, title, members, at = row
    return ConversationUpdated(
        ConversationId(group_id),
        1,
        ChangeKind.CREATED,
        key[0],
        title=title,
        members=members_of(members, at),
    )


def _open_direct(connection: sqlite3.Connection, wanted: Conversation) -> Conversation:
    stored = conversation(connection, "pair", wanted.pair or "")
    if stored is None:
        insert_conversation(connection, wanted)
        return wanted
    return stored

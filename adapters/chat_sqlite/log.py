"""The log of every conversation in SQLite: all appends that wait share one commit."""

import sqlite3
from collections.abc import Collection, Sequence

from chat_core.conversations import Conversation, MemberAdded
from chat_core.ids import UserId
from chat_core.ports.log import (
    Appended,
    ChangeDraft,
    Committed,
    ConversationLog,
    CreationDraft,
    Done,
    Draft,
    Follower,
    MessageDraft,
    Outcome,
    tell,
)
from chat_sqlite.appending import Appending
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.heads import Heads
from chat_sqlite.opening import insert_conversation
from chat_sqlite.repeats import first_sent, repeated_creation
from chat_sqlite.rows import conversation, pair_of
from chat_sqlite.writes import Write


class SqliteConversationLog(ConversationLog):
    """Appends through the database's one writer."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._followers: list[Follower] = []
        self._heads = Heads()
        self._batch: _Batch | None = None

    def submit(self, draft: Draft, done: Done) -> None:
        """See `ConversationLog.submit`."""
        if self._batch is None or self._batch.is_closed:
            self._batch = _Batch(self._followers, self._heads)
            self._database.submit(self._batch)
        self._batch.add(draft, done)

    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        """See `ConversationLog.repeated`."""
        if draft.client_id is None:
            return None

        def look_up(connection: sqlite3.Connection) -> Outcome | None:
            if isinstance(draft, CreationDraft):
                return repeated_creation(connection, draft)
            known = first_sent(connection, [draft])
            return Appending(connection, Heads(), known).repeat(draft)

        repeat = await self._database.read(look_up)
        return repeat if isinstance(repeat, Appended) else None

    async def open_direct(self, conversation: Conversation) -> Conversation:
        """See `ConversationLog.open_direct`."""
        return await self._database.write(lambda connection: _open_direct(connection, conversation))

    def follow(self, follower: Follower) -> None:
        """See `ConversationLog.follow`."""
        self._followers.append(follower)


class _Batch(Write):
    """Drafts that are stored in one transaction."""

    def __init__(self, followers: Sequence[Follower], heads: Heads) -> None:
        self.is_closed = False
        self._has_run = False
        self._followers = followers
        self._heads = heads
        self._drafts: list[Draft] = []
        self._callers: list[Done] = []
        self._outcomes: Sequence[Outcome] = ()

    def add(self, draft: Draft, done: Done) -> None:
        """Take one more draft, as long as the batch is not closed."""
        self._drafts.append(draft)
        self._callers.append(done)

    def size(self) -> int:
        """See `Write.size`."""
        return len(self._drafts)

    def close(self) -> None:
        """See `Write.close`."""
        self.is_closed = True

    def run(self, connection: sqlite3.Connection) -> None:
        """Store the drafts as if none were a repeat; the unique index tells if one is."""
        known = None
        if self._has_run:
            self._heads.forget()
            known = first_sent(connection, self._drafts)
        self._has_run = True
        self._heads.begin(connection)
        self._outcomes = Appending(connection, self._heads, known).store(self._drafts)

    def done(self, error: Exception | None) -> None:
        """Tell the followers of each entry, then the caller who waits for it."""
        if error is not None:
            self._heads.forget()
        outcomes = self._outcomes if error is None else [error] * len(self._drafts)
        for draft, done, outcome in zip(self._drafts, self._callers, outcomes, strict=True):
            if isinstance(outcome, Appended) and not outcome.duplicate:
                audience, cause = _audience(draft), draft.actor.connection_id
                committed = Committed(outcome.event, audience, cause)
                for follower in self._followers:
                    tell(follower, committed)
            tell(done, outcome)


def _audience(draft: Draft) -> Collection[UserId]:
    """The members before the entry and after it."""
    members = draft.conversation.members.keys()
    if isinstance(draft, ChangeDraft) and isinstance(draft.change, MemberAdded):
        return members | {draft.change.user_id}
    return members


def _open_direct(connection: sqlite3.Connection, wanted: Conversation) -> Conversation:
    stored = conversation(connection, "pair", pair_of(wanted) or "")
    if stored is None:
        insert_conversation(connection, wanted)
        return wanted
    return stored

"""The log of every conversation in SQLite: all appends that wait share one commit."""

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chat_core.conversations import Conversation, ConversationKind
from chat_core.errors import ClientIdConflict
from chat_core.events import MessageSent
from chat_core.ids import ClientMessageId, ConversationId, UserId
from chat_core.messages import Message
from chat_core.ports.storage import (
    Appended,
    Committed,
    ConversationLog,
    Follower,
    MessageDraft,
    Stale,
)
from chat_sqlite.database import SqliteDatabase, Write
from chat_sqlite.rows import MESSAGE, message, pair_of, to_ms

_FIRST_SENT = (
    f"{MESSAGE} WHERE m.sender_pk = (SELECT pk FROM users WHERE id = ?) AND m.client_id = ?"
)
_INSERT_MESSAGE = """
INSERT INTO messages (id, conversation_pk, seq, updated_seq, sender_pk, content, client_id,
                      created_at)
VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7)
"""
_ADVANCE = "UPDATE conversations SET last_seq = ?, active_at = ? WHERE pk = ?"
_MOVE_RECEIPT = """
UPDATE members SET delivered_seq = max(delivered_seq, ?1), read_seq = max(read_seq, ?1)
WHERE conversation_pk = ?2 AND user_pk = ?3
"""

_SentKey = tuple[UserId, ClientMessageId]


def _ignore(_: Committed) -> None:
    pass


class SqliteConversationLog(ConversationLog):
    """Appends through the database's one writer."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._follower: Follower = _ignore
        self._batch: _Batch | None = None

    async def append(self, draft: MessageDraft) -> Appended:
        """See `ConversationLog.append`."""
        if self._batch is None or self._batch.is_closed:
            self._batch = _Batch(self._tell)
            self._database.submit(self._batch)
        return await self._batch.add(draft)

    def follow(self, follower: Follower) -> None:
        """See `ConversationLog.follow`."""
        self._follower = follower

    def _tell(self, committed: Committed) -> None:
        # A follower never raises; were one to, the others that share the commit still get theirs.
        try:
            self._follower(committed)
        except Exception as error:  # noqa: BLE001
            asyncio.get_running_loop().call_exception_handler(
                {"message": "the follower of the log raised", "exception": error}
            )


class _Batch(Write):
    """Drafts that are stored in one transaction."""

    def __init__(self, tell: Follower) -> None:
        self.is_closed = False
        self._tell = tell
        self._drafts: list[MessageDraft] = []
        self._futures: list[asyncio.Future[Appended]] = []
        self._outcomes: Sequence[Appended | Exception] = ()

    def add(self, draft: MessageDraft) -> "asyncio.Future[Appended]":
        """Take one more draft, as long as the batch is not closed."""
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._drafts.append(draft)
        self._futures.append(future)
        return future

    def close(self) -> None:
        """See `Write.close`."""
        self.is_closed = True

    def run(self, connection: sqlite3.Connection) -> None:
        """Store the drafts as if none were a repeat; the unique index tells if one is."""
        connection.execute("SAVEPOINT hopeful")
        try:
            self._outcomes = _Appending(connection).store(self._drafts)
        except (sqlite3.IntegrityError, _MayBeRepeat):
            connection.execute("ROLLBACK TO hopeful")
            first_sent = _first_sent(connection, self._drafts)
            self._outcomes = _Appending(connection, first_sent).store(self._drafts)
        connection.execute("RELEASE hopeful")

    def done(self, error: Exception | None) -> None:
        """Tell the follower of each entry, then the caller who waits for it."""
        outcomes = self._outcomes if error is None else [error] * len(self._drafts)
        for draft, future, outcome in zip(self._drafts, self._futures, outcomes, strict=True):
            if isinstance(outcome, Exception):
                if not future.done():
                    future.set_exception(outcome)
                continue
            if not outcome.duplicate:
                event = MessageSent(outcome.message)
                audience = draft.conversation.members
                self._tell(Committed(event, audience, draft.actor.connection_id))
            if not future.done():
                future.set_result(outcome)


class _MayBeRepeat(Exception):
    """A draft would be refused, and might be the repeat of a message that was looked up nowhere."""


@dataclass(slots=True)
class _Place:
    """Where a stored conversation's log ends, this transaction's appends included."""

    pk: int
    id: ConversationId
    revision: int
    last_seq: int


class _Appending:
    """The appends of one transaction.

    `first_sent` holds, for every draft's sender and client id, the message that was stored first;
    without it, a repeat shows as an `IntegrityError` or as `_MayBeRepeat`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        first_sent: dict[_SentKey, Message] | None = None,
    ) -> None:
        self._connection = connection
        self._looked_up = first_sent is not None
        self._first_sent = {} if first_sent is None else first_sent
        self._places: dict[ConversationId, _Place] = {}
        self._users: dict[UserId, int] = {}
        self._messages: list[tuple[str, int, int, int, str, str | None, int]] = []
        self._active_at: dict[int, tuple[int, int]] = {}
        self._receipts: dict[tuple[int, int], int] = {}

    def store(self, drafts: Iterable[MessageDraft]) -> Sequence[Appended | Exception]:
        """Store what can be stored: for each draft what came of it, or why nothing did."""
        outcomes = [self._append(draft) for draft in drafts]
        self._connection.executemany(_INSERT_MESSAGE, self._messages)
        self._connection.executemany(
            _ADVANCE, [(seq, at, pk) for pk, (seq, at) in self._active_at.items()]
        )
        self._connection.executemany(
            _MOVE_RECEIPT, [(seq, pk, user) for (pk, user), seq in self._receipts.items()]
        )
        return outcomes

    def _append(self, draft: MessageDraft) -> Appended | Exception:
        place = self._place(draft.conversation)
        sender = draft.actor.user_id
        if draft.client_id is not None:
            first = self._first_sent.get((sender, draft.client_id))
            if first is not None:
                same_place = place is not None and place.id == first.conversation_id
                if not same_place or first.content != draft.content:
                    return ClientIdConflict()
                return Appended(first, duplicate=True)
        if place is None and draft.conversation.kind is ConversationKind.DIRECT:
            place = self._open(draft.conversation)
        elif place is None or place.revision != draft.conversation.revision:
            if draft.client_id is not None and not self._looked_up:
                raise _MayBeRepeat
            return Stale()
        return Appended(self._add(place, draft), duplicate=False)

    def _add(self, place: _Place, draft: MessageDraft) -> Message:
        place.last_seq += 1
        sender, at = self._user(draft.actor.user_id), to_ms(draft.at)
        self._messages.append(
            (draft.id, place.pk, place.last_seq, sender, draft.content, draft.client_id, at)
        )
        self._active_at[place.pk] = place.last_seq, at
        self._receipts[place.pk, sender] = place.last_seq
        message = Message(
            id=draft.id,
            conversation_id=place.id,
            seq=place.last_seq,
            updated_seq=place.last_seq,
            sender_id=draft.actor.user_id,
            recipient_id=draft.conversation.other(draft.actor.user_id),
            content=draft.content,
            client_message_id=draft.client_id,
            created_at=draft.at,
        )
        if draft.client_id is not None:
            self._first_sent[message.sender_id, draft.client_id] = message
        return message

    def _place(self, conversation: Conversation) -> _Place | None:
        place = self._places.get(conversation.id)
        if place is None:
            row = self._connection.execute(
                "SELECT pk, id, revision, last_seq FROM conversations WHERE id = ?1"
                " UNION ALL SELECT pk, id, revision, last_seq FROM conversations WHERE pair = ?2",
                (conversation.id, pair_of(conversation)),
            ).fetchone()
            if row is None:
                return None
            pk, stored_id, revision, last_seq = row
            place = self._places.get(stored_id) or _Place(pk, stored_id, revision, last_seq)
            self._places[conversation.id] = self._places[place.id] = place
        return place

    def _open(self, conversation: Conversation) -> _Place:
        at = to_ms(conversation.created_at)
        (pk,) = self._connection.execute(
            "INSERT INTO conversations (id, kind, title, pair, revision, last_seq, active_at,"
            " created_at) VALUES (?, ?, ?, ?, ?, 0, ?, ?) RETURNING pk",
            (
                conversation.id,
                conversation.kind,
                conversation.title,
                pair_of(conversation),
                conversation.revision,
                at,
                at,
            ),
        ).fetchone()
        self._connection.executemany(
            "INSERT INTO members (conversation_pk, user_pk, role, joined_at, delivered_seq,"
            " read_seq) VALUES (?, ?, ?, ?, 0, 0)",
            [
                (pk, self._user(member.user_id), member.role, to_ms(member.joined_at))
                for member in conversation.members.values()
            ],
        )
        place = _Place(pk, conversation.id, conversation.revision, 0)
        self._places[conversation.id] = place
        return place

    def _user(self, user_id: UserId) -> int:
        pk = self._users.get(user_id)
        if pk is None:
            row = self._connection.execute("SELECT pk FROM users WHERE id = ?", (user_id,))
            (pk,) = row.fetchone()
            self._users[user_id] = pk
        return pk


def _first_sent(
    connection: sqlite3.Connection, drafts: Iterable[MessageDraft]
) -> dict[_SentKey, Message]:
    found = {}
    for draft in drafts:
        if draft.client_id is not None:
            key = (draft.actor.user_id, draft.client_id)
            row = connection.execute(_FIRST_SENT, key).fetchone()
            if row is not None:
                found[key] = message(row)
    return found

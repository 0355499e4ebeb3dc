"""Stores the rows of writes, within one transaction."""

import json
import sqlite3
from collections.abc import Sequence

from chat_core.bodies import Body, digest_of, more_of
from chat_core.conversations import Conversation, Member
from chat_core.events import ConversationUpdated
from chat_core.ids import ClientMessageId, ConversationId, UserId
from chat_core.ports.log_store import (
    ChangeWrite,
    CreationWrite,
    MessageWrite,
    RevisionWrite,
    Verdict,
    Write,
)
from chat_sqlite.heads import Head, Heads
from chat_sqlite.opening import INSERT_MEMBER, insert_conversation
from chat_sqlite.reader import DELETED, EDITED
from chat_sqlite.rows import maybe_to_ms, to_ms

_INSERT_MESSAGE = """
INSERT INTO messages (pk, id, conversation_pk, seq, updated_seq, sender_pk, content, client_id,
                      created_at)
VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8)
"""
# A separate statement: a NULL column in each plain insert would cost 3% of the whole append.
_ADD_MORE = "UPDATE messages SET more = ? WHERE pk = ?"
_ADVANCE = "UPDATE conversations SET last_seq = ?, active_at = ? WHERE pk = ?"
_MOVE_RECEIPT = """
UPDATE members SET delivered_seq = max(delivered_seq, ?1), read_seq = max(read_seq, ?1)
WHERE conversation_pk = ?2 AND user_pk = ?3
"""
_PUT_MEMBER = f"""{INSERT_MEMBER} ON CONFLICT (conversation_pk, user_pk)
DO UPDATE SET role = excluded.role, joined_at = excluded.joined_at, removed_seq = NULL
"""
_REMOVE_MEMBER = """
UPDATE members SET removed_seq = ?
WHERE conversation_pk = ? AND user_pk = ? AND removed_seq IS NULL
"""
_REVISE = """
UPDATE messages SET content = ?1, more = ?2, updated_seq = ?3,
    first_digest = coalesce(first_digest, ?4), edited_at = ?5, deleted_at = ?6
WHERE id = ?7 AND updated_seq = ?8
    AND seq >= (SELECT first_seq FROM conversations WHERE pk = conversation_pk)
RETURNING pk
"""
_ERASE = """
UPDATE messages SET content = NULL, more = NULL, updated_seq = ?, deleted_at = ?
WHERE conversation_pk = ? AND sender_pk = ? AND deleted_at IS NULL
"""
_FORGET_DIGESTS = """
UPDATE messages SET first_digest = NULL
WHERE conversation_pk = ? AND sender_pk = ? AND first_digest IS NOT NULL
"""
_INSERT_CHANGE = """
INSERT INTO changes (conversation_pk, seq, kind, actor_pk, at, message_pk, user_pk, role, title,
                     members, place)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_STORED = Verdict.STORED


class Appending:
    """Stores the writes of one transaction.

    With `looks_up`, it first checks whether each client id and each pair already exists. Without
    it, an existing one raises an `IntegrityError`.
    """

    def __init__(self, connection: sqlite3.Connection, heads: Heads, *, looks_up: bool) -> None:
        self._connection = connection
        self._heads = heads
        self._looks_up = looks_up
        self._sent: set[tuple[int, ClientMessageId]] = set()
        self._messages: list[tuple[int, str, int, int, int, str | None, str | None, int]] = []
        self._more: list[tuple[str, int]] = []
        self._ends: dict[int, tuple[int, int]] = {}
        self._receipts: dict[tuple[int, int], int] = {}

    def store(self, writes: Sequence[Write]) -> Sequence[Verdict]:
        """Store the writes that can be stored; return one verdict for each."""
        verdicts: list[Verdict] = []
        behind: set[ConversationId] = set()
        for write in writes:
            if behind and write.conversation_id in behind:
                verdict = Verdict.MOVED
            elif isinstance(write, MessageWrite):
                verdict = self._add_message(write)
            else:
                verdict = self._store(write)
            verdicts.append(verdict)
            if verdict is not _STORED:
                behind.add(write.conversation_id)
        self._flush()
        return verdicts

    def _store(self, write: RevisionWrite | CreationWrite | ChangeWrite) -> Verdict:
        # Write the gathered rows first, because this write may change them.
        self._flush()
        if isinstance(write, CreationWrite):
            return self._create(write)
        head = self._head_before(write)
        if head is None:
            return Verdict.MOVED
        verdict = (
            self._revise(head, write)
            if isinstance(write, RevisionWrite)
            else self._change(head, write)
        )
        if verdict is _STORED:
            head.last_seq = write.seq
            self._ends[head.pk] = write.seq, to_ms(write.at)
        return verdict

    def _flush(self) -> None:
        """Write the gathered rows, many with each statement."""
        execute = self._connection.executemany
        execute(_INSERT_MESSAGE, self._messages)
        if self._more:
            execute(_ADD_MORE, self._more)
        execute(_ADVANCE, [(seq, at, pk) for pk, (seq, at) in self._ends.items()])
        execute(_MOVE_RECEIPT, [(seq, pk, user) for (pk, user), seq in self._receipts.items()])
        self._messages, self._more, self._ends, self._receipts = [], [], {}, {}

    def _add_message(self, write: MessageWrite) -> Verdict:
        message, heads = write.event.message, self._heads
        seq, client_id = message.seq, message.client_message_id
        sender = heads.users.get(message.sender_id) or self._user(message.sender_id)
        if self._looks_up and self._is_taken(sender, client_id):
            return Verdict.TAKEN
        if write.opens is not None:
            head = self._open(write.opens)
        else:
            head = heads.known.get(message.conversation_id) or self._head(message.conversation_id)
        if head is None or head.last_seq + 1 != seq or head.revision != write.revision:
            return Verdict.MOVED
        if self._looks_up and client_id is not None:
            self._sent.add((sender, client_id))
        pk, at = head.pk, to_ms(message.created_at)
        head.last_seq = seq
        self._ends[pk] = seq, at
        self._receipts[pk, sender] = seq
        body = message.body
        text = None if body is None else body.text
        heads.place = place = heads.place + 1
        self._messages.append((place, message.id, pk, seq, sender, text, client_id, at))
        if body is not None and (more := more_of(body)) is not None:
            self._more.append((more, place))
        return _STORED

    def _is_taken(self, sender: int, client_id: ClientMessageId | None) -> bool:
        if client_id is None:
            return False
        found = self._connection.execute(
            "SELECT 1 FROM messages WHERE sender_pk = ? AND client_id = ?", (sender, client_id)
        ).fetchone()
        return found is not None or (sender, client_id) in self._sent

    def _head(self, conversation_id: ConversationId) -> Head | None:
        return self._heads.of(self._connection, conversation_id)

    def _head_before(self, write: RevisionWrite | ChangeWrite) -> Head | None:
        """Return the head of the log, or None if the write does not follow it."""
        head = self._head(write.conversation_id)
        if head is None or head.last_seq + 1 != write.seq or head.revision != write.revision:
            return None
        return head

    def _open(self, opened: Conversation) -> Head | None:
        """Store a direct conversation; return None if the two users already have one."""
        if self._looks_up and self._is_stored(opened.pair):
            return None
        head = Head(insert_conversation(self._connection, opened), opened.revision, 0)
        self._heads.opened(opened.id, head)
        return head

    def _is_stored(self, pair: str | None) -> bool:
        row = self._connection.execute(
            "SELECT 1 FROM conversations WHERE pair = ?", (pair,)
        ).fetchone()
        return row is not None

    def _revise(self, head: Head, write: RevisionWrite) -> Verdict:
        before, revised = write.before, write.event.message
        row = self._connection.execute(
            _REVISE,
            (
                *_columns(revised.body),
                write.seq,
                None if before.body is None else digest_of(before.body),
                maybe_to_ms(revised.edited_at),
                maybe_to_ms(revised.deleted_at),
                revised.id,
                before.updated_seq,
            ),
        ).fetchone()
        if row is None:
            return Verdict.CHANGED
        kind = DELETED if revised.body is None else EDITED
        actor, at, place = self._user(write.actor_id), to_ms(write.at), self._next_place()
        values = (head.pk, write.seq, kind, actor, at, row[0], None, None, None, None, place)
        self._connection.execute(_INSERT_CHANGE, values)
        return _STORED

    def _create(self, write: CreationWrite) -> Verdict:
        group, creator = write.conversation, self._user(write.event.actor_id)
        if self._looks_up and write.client_id is not None:
            taken = self._connection.execute(
                "SELECT 1 FROM conversations WHERE creator_pk = ? AND client_id = ?",
                (creator, write.client_id),
            ).fetchone()
            if taken is not None:
                return Verdict.TAKEN
        pk = insert_conversation(self._connection, group, creator, write.client_id)
        self._heads.opened(group.id, Head(pk, group.revision, write.seq))
        self._ends[pk] = write.seq, to_ms(write.at)
        members = json.dumps([[each.user_id, each.role.value] for each in group.members.values()])
        self._insert_change(pk, write.event, to_ms(write.at), members)
        return _STORED

    def _change(self, head: Head, write: ChangeWrite) -> Verdict:
        at = to_ms(write.at)
        if write.erased is not None:
            self._erase(head, write, write.erased, at)
        if write.removed is not None:
            values = (write.seq, head.pk, self._user(write.removed))
            self._connection.execute(_REMOVE_MEMBER, values)
        if write.member is not None:
            self._put_member(head, write.member)
        for user_id in write.after.gone - write.before.gone:
            self._connection.execute(
                "UPDATE members SET is_gone = 1 WHERE conversation_pk = ? AND user_pk = ?",
                (head.pk, self._user(user_id)),
            )
        self._connection.execute(
            "UPDATE conversations SET title = ?, revision = ? WHERE pk = ?",
            (write.after.title, write.after.revision, head.pk),
        )
        head.revision = write.after.revision
        self._insert_change(head.pk, write.event, at)
        return _STORED

    def _put_member(self, head: Head, member: Member) -> None:
        values = (head.pk, self._user(member.user_id), member.role, to_ms(member.joined_at))
        self._connection.execute(_PUT_MEMBER, values)

    def _erase(self, head: Head, write: ChangeWrite, user_id: UserId, at: int) -> None:
        user = self._user(user_id)
        self._connection.execute(_ERASE, (write.seq, at, head.pk, user))
        # A digest of a short text reveals it, and this user can't send a repeat any more.
        self._connection.execute(_FORGET_DIGESTS, (head.pk, user))

    def _insert_change(
        self, pk: int, event: ConversationUpdated, at: int, members: str | None = None
    ) -> None:
        actor = self._user(event.actor_id)
        user = None if event.user_id is None else self._user(event.user_id)
        self._connection.execute(
            _INSERT_CHANGE,
            (
                pk,
                event.seq,
                event.change.value,
                actor,
                at,
                None,
                user,
                event.role,
                event.title,
                members,
                self._next_place(),
            ),
        )

    def _next_place(self) -> int:
        self._heads.place += 1
        return self._heads.place

    def _user(self, user_id: UserId) -> int:
        return self._heads.user(self._connection, user_id)


def _columns(body: Body | None) -> tuple[str | None, str | None]:
    return (None, None) if body is None else (body.text, more_of(body))

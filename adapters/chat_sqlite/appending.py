"""The appends of one transaction."""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from chat_core.conversations import (
    Change,
    Conversation,
    ConversationKind,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    RoleChanged,
    TitleChanged,
)
from chat_core.errors import ClientIdConflict
from chat_core.events import ChangeKind, ConversationUpdated, MessageSent, MessageUpdated
from chat_core.ids import UserId
from chat_core.messages import Message
from chat_core.ports.log import (
    Appended,
    ChangeDraft,
    CreationDraft,
    Draft,
    MessageDraft,
    Outcome,
    RevisionDraft,
    Stale,
)
from chat_sqlite.heads import Head, Heads
from chat_sqlite.opening import INSERT_MEMBER, insert_conversation
from chat_sqlite.reader import DELETED, EDITED
from chat_sqlite.repeats import (
    FirstSent,
    MayBeRepeat,
    SentKey,
    digest_of,
    first_sent_under,
    repeated_creation,
    roles_of,
)
from chat_sqlite.rows import MESSAGE, message, to_ms

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
_READD_MEMBER = f"""{INSERT_MEMBER} ON CONFLICT (conversation_pk, user_pk)
DO UPDATE SET role = excluded.role, joined_at = excluded.joined_at, removed_seq = NULL
"""
_REVISE = """
UPDATE messages SET content = ?, updated_seq = ?, first_digest = coalesce(first_digest, ?),
    edited_at = coalesce(?, edited_at), deleted_at = coalesce(?, deleted_at)
WHERE pk = ?
"""
_BLANK = """
UPDATE messages SET content = NULL, updated_seq = ?, deleted_at = ?
WHERE conversation_pk = ? AND sender_pk = ? AND deleted_at IS NULL
"""
_FORGET_DIGESTS = """
UPDATE messages SET first_digest = NULL
WHERE conversation_pk = ? AND sender_pk = ? AND first_digest IS NOT NULL
"""
_INSERT_CHANGE = """
INSERT INTO changes (conversation_pk, seq, kind, actor_pk, at, message_pk, user_pk, role, title,
                     members)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class Appending:
    """The appends of one transaction.

    `first_sent` holds, for every draft's sender and client id, the message that was stored first;
    without it, a repeat shows as an `IntegrityError` or as `MayBeRepeat`.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        heads: Heads,
        first_sent: dict[SentKey, FirstSent] | None = None,
    ) -> None:
        self._connection = connection
        self._heads = heads
        self._looked_up = first_sent is not None
        self._first_sent = {} if first_sent is None else first_sent
        self._messages: list[tuple[str, int, int, int, str, str | None, int]] = []
        self._ends: dict[int, tuple[int, int]] = {}
        self._receipts: dict[tuple[int, int], int] = {}

    def store(self, drafts: Iterable[Draft]) -> Sequence[Outcome]:
        """Store what can be stored: for each draft what came of it, or why nothing did."""
        outcomes = [self._append(draft) for draft in drafts]
        self._flush()
        return outcomes

    def _flush(self) -> None:
        """Write what was only gathered: many rows to a statement."""
        self._connection.executemany(_INSERT_MESSAGE, self._messages)
        self._connection.executemany(
            _ADVANCE, [(seq, at, pk) for pk, (seq, at) in self._ends.items()]
        )
        self._connection.executemany(
            _MOVE_RECEIPT, [(seq, pk, user) for (pk, user), seq in self._receipts.items()]
        )
        self._messages, self._ends, self._receipts = [], {}, {}

    def _append(self, draft: Draft) -> Outcome:
        if isinstance(draft, MessageDraft):
            return self._send(draft)
        # What follows reads and changes rows that may be gathered only.
        self._flush()
        match draft:
            case RevisionDraft():
                return self._revise(draft)
            case CreationDraft():
                return self._create(draft)
            case ChangeDraft():
                return self._change(draft)

    def _send(self, draft: MessageDraft) -> Outcome:
        if self._first_sent:
            repeat = self.repeat(draft)
            if repeat is not None:
                return repeat
        head = self._heads.of(self._connection, draft.conversation)
        if head is None and draft.conversation.kind is ConversationKind.DIRECT:
            head = self._open(draft.conversation)
        elif head is None or head.revision != draft.conversation.revision:
            if draft.client_id is not None and not self._looked_up:
                raise MayBeRepeat
            return Stale()
        return Appended(MessageSent(self._add_message(head, draft)))

    def repeat(self, draft: MessageDraft) -> Outcome | None:
        """What a draft repeats, or that it can't; None where its client id is new."""
        if draft.client_id is None:
            return None
        first = self._first_sent.get((draft.actor.user_id, draft.client_id))
        if first is None:
            return None
        head = self._heads.of(self._connection, draft.conversation)
        same_conversation = head is not None and head.id == first.message.conversation_id
        if not same_conversation or not first.is_repeated_by(draft):
            return ClientIdConflict()
        return Appended(MessageSent(first.message), duplicate=True)

    def _add_message(self, head: Head, draft: MessageDraft) -> Message:
        sender, at = self._user(draft.actor.user_id), to_ms(draft.at)
        seq = self._next(head, at)
        self._messages.append((draft.id, head.pk, seq, sender, draft.content, draft.client_id, at))
        self._receipts[head.pk, sender] = seq
        sent = draft.stored(head.id, seq)
        if self._looked_up and draft.client_id is not None:
            self._first_sent[sent.sender_id, draft.client_id] = FirstSent(sent, None)
        return sent

    def _revise(self, draft: RevisionDraft) -> Outcome:
        head = self._heads.of(self._connection, draft.conversation)
        row = self._connection.execute(
            "SELECT m.pk, m.updated_seq, m.content FROM messages m"
            " JOIN conversations c ON c.pk = m.conversation_pk"
            " WHERE m.id = ? AND m.seq >= c.first_seq",
            (draft.message.id,),
        ).fetchone()
        if head is None or head.revision != draft.conversation.revision or row is None:
            return Stale()
        pk, updated_seq, content = row
        if updated_seq != draft.message.updated_seq:
            return Stale()
        at = to_ms(draft.at)
        seq = self._next(head, at)
        edited_at, deleted_at = (None, at) if draft.content is None else (at, None)
        digest = None if content is None else digest_of(content)
        values = (draft.content, seq, digest, edited_at, deleted_at, pk)
        self._connection.execute(_REVISE, values)
        kind = DELETED if draft.content is None else EDITED
        self._insert_change(head, seq, kind, draft, message_pk=pk)
        row = self._connection.execute(f"{MESSAGE} WHERE m.pk = ?", (pk,)).fetchone()
        revised = message(row)
        self._look_up_again(revised.sender_id)
        return Appended(MessageUpdated(seq, revised))

    def _create(self, draft: CreationDraft) -> Outcome:
        group, creator = draft.conversation, self._user(draft.actor.user_id)
        repeat = repeated_creation(self._connection, draft)
        if repeat is not None:
            return repeat
        head = self._open(group, creator, draft.client_id)
        seq = self._next(head, to_ms(draft.at))
        self._insert_change(
            head,
            seq,
            ChangeKind.CREATED.value,
            draft,
            title=group.title,
            members=json.dumps(roles_of(group)),
        )
        return Appended(
            ConversationUpdated(
                head.id,
                seq,
                ChangeKind.CREATED,
                draft.actor.user_id,
                title=group.title,
                members=tuple(group.members.values()),
            )
        )

    def _change(self, draft: ChangeDraft) -> Outcome:
        head = self._heads.of(self._connection, draft.conversation)
        if head is None or head.revision != draft.conversation.revision:
            return Stale()
        at = to_ms(draft.at)
        seq = self._next(head, at)
        self._apply(head, draft.conversation, draft.change, at)
        head.revision = seq
        self._connection.execute(
            "UPDATE conversations SET revision = ? WHERE pk = ?", (seq, head.pk)
        )
        event = ConversationUpdated.of(head.id, seq, draft.actor.user_id, draft.change)
        self._insert_change(
            head,
            seq,
            event.change.value,
            draft,
            user_pk=None if event.user_id is None else self._user(event.user_id),
            role=event.role,
            title=event.title,
        )
        return Appended(event)

    def _apply(self, head: Head, before: Conversation, change: Change, at: int) -> None:
        match change:
            case MemberAdded(user_id, role):
                values = (head.pk, self._user(user_id), role, at)
                self._connection.execute(_READD_MEMBER, values)
            case MemberRemoved(user_id):
                self._remove(head, user_id)
            case RoleChanged(user_id, role):
                self._connection.execute(
                    "UPDATE members SET role = ? WHERE conversation_pk = ? AND user_pk = ?",
                    (role, head.pk, self._user(user_id)),
                )
            case TitleChanged(title):
                self._connection.execute(
                    "UPDATE conversations SET title = ? WHERE pk = ?", (title, head.pk)
                )
            case MemberDeleted(user_id):
                self._blank(head, user_id, at)
                if before.kind is ConversationKind.GROUP:
                    self._remove(head, user_id)
                else:
                    self._connection.execute(
                        "UPDATE members SET is_gone = 1 WHERE conversation_pk = ? AND user_pk = ?",
                        (head.pk, self._user(user_id)),
                    )

    def _blank(self, head: Head, user_id: UserId, at: int) -> None:
        user = self._user(user_id)
        self._connection.execute(_BLANK, (head.last_seq, at, head.pk, user))
        # Of a short text a digest tells the text; and nobody can send in that name any more.
        self._connection.execute(_FORGET_DIGESTS, (head.pk, user))
        self._look_up_again(user_id)

    def _look_up_again(self, sender: UserId) -> None:
        """A later draft of this transaction may repeat what an earlier one has changed."""
        for key in [each for each in self._first_sent if each[0] == sender]:
            first = first_sent_under(self._connection, key)
            if first is not None:
                self._first_sent[key] = first

    def _remove(self, head: Head, user_id: UserId) -> None:
        self._connection.execute(
            "UPDATE members SET removed_seq = ?"
            " WHERE conversation_pk = ? AND user_pk = ? AND removed_seq IS NULL",
            (head.last_seq, head.pk, self._user(user_id)),
        )

    def _insert_change(  # noqa: PLR0913 - a row's columns
        self,
        head: Head,
        seq: int,
        kind: str,
        draft: Draft,
        *,
        message_pk: int | None = None,
        user_pk: int | None = None,
        role: str | None = None,
        title: str | None = None,
        members: str | None = None,
    ) -> None:
        actor, at = self._user(draft.actor.user_id), to_ms(draft.at)
        self._connection.execute(
            _INSERT_CHANGE,
            (head.pk, seq, kind, actor, at, message_pk, user_pk, role, title, members),
        )

    def _next(self, head: Head, at: int) -> int:
        head.last_seq += 1
        self._ends[head.pk] = head.last_seq, at
        return head.last_seq

    def _open(
        self, conversation: Conversation, creator: int | None = None, client_id: str | None = None
    ) -> Head:
        pk = insert_conversation(self._connection, conversation, creator, client_id)
        return self._heads.opened(pk, conversation)

    def _user(self, user_id: UserId) -> int:
        return self._heads.user(self._connection, user_id)

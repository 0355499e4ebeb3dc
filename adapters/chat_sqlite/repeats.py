"""Repeats: what was sent first under a client id, and whether a draft says the same."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from chat_core.conversations import Conversation
from chat_core.errors import ClientIdConflict
from chat_core.events import ChangeKind, ConversationUpdated
from chat_core.ids import ClientMessageId, ConversationId, UserId
from chat_core.messages import Message
from chat_core.ports.log import Appended, CreationDraft, Draft, MessageDraft, Outcome
from chat_sqlite.reader import members_of
from chat_sqlite.rows import MESSAGE, message

_FIRST_SENT = f"""{MESSAGE}
WHERE m.sender_pk = (SELECT pk FROM users WHERE id = ?) AND m.client_id = ?
"""
_FIRST_CREATED = """
SELECT c.id, h.title, h.members, h.at FROM conversations c
JOIN changes h ON h.conversation_pk = c.pk AND h.seq = 1
WHERE c.creator_pk = (SELECT pk FROM users WHERE id = ?) AND c.client_id = ?
"""


class MayBeRepeat(Exception):
    """A draft would be refused, and might be the repeat of a message that was looked up nowhere."""


@dataclass(frozen=True, slots=True)
class FirstSent:
    """A message that was sent under a client id, as it is now, and a digest of how it was first."""

    message: Message
    digest: bytes | None
    """None as long as the message is as it was first, and once its sender's account is gone."""

    def is_repeated_by(self, draft: MessageDraft) -> bool:
        """Whether the draft has the same content."""
        if self.digest is None:
            return self.message.content in {None, draft.content}
        return self.digest == digest_of(draft.content)


def repeated_creation(connection: sqlite3.Connection, draft: CreationDraft) -> Outcome | None:
    """The creation that a draft repeats, or that it can't; None where its client id is new."""
    if draft.client_id is None:
        return None
    row = connection.execute(_FIRST_CREATED, (draft.actor.user_id, draft.client_id)).fetchone()
    if row is None:
        return None
    group_id, title, members, at = row
    group = draft.conversation
    if (title, sorted(json.loads(members))) != (group.title, sorted(roles_of(group))):
        return ClientIdConflict()
    first = ConversationUpdated(
        ConversationId(group_id),
        1,
        ChangeKind.CREATED,
        draft.actor.user_id,
        title=title,
        members=members_of(members, at),
    )
    return Appended(first, duplicate=True)


def roles_of(group: Conversation) -> list[list[str]]:
    """A group's members as its creation keeps them: each a user id and a role."""
    return [[each.user_id, each.role.value] for each in group.members.values()]


SentKey = tuple[UserId, ClientMessageId]


def first_sent(connection: sqlite3.Connection, drafts: Iterable[Draft]) -> dict[SentKey, FirstSent]:
    """For each message draft with a client id: what was sent first under it, if anything was."""
    found = {}
    for draft in drafts:
        if isinstance(draft, MessageDraft) and draft.client_id is not None:
            key = (draft.actor.user_id, draft.client_id)
            first = first_sent_under(connection, key)
            if first is not None:
                found[key] = first
    return found


def first_sent_under(connection: sqlite3.Connection, key: SentKey) -> FirstSent | None:
    """What was sent first under a client id, if anything was."""
    row = connection.execute(_FIRST_SENT, key).fetchone()
    if row is None:
        return None
    (digest,) = connection.execute(
        "SELECT first_digest FROM messages WHERE id = ?", (row[0],)
    ).fetchone()
    return FirstSent(message(row), digest)


def digest_of(content: str) -> bytes:
    """What is kept of a content that was replaced: enough to know a repeat."""
    return hashlib.sha256(content.encode()).digest()

"""Repeats: what was sent first under a client id, and whether a draft says the same."""

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from chat_core.ids import ClientMessageId, UserId
from chat_core.messages import Message
from chat_core.ports.log import Draft, MessageDraft
from chat_sqlite.rows import MESSAGE, message

_FIRST_SENT = f"""{MESSAGE}
WHERE m.sender_pk = (SELECT pk FROM users WHERE id = ?) AND m.client_id = ?
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

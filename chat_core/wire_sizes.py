"""Estimates of sizes as JSON on the wire, rather too large, to limit pages and answers."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from chat_core.bodies import more_of
from chat_core.conversations import Overview
from chat_core.events import ConversationUpdated, LogEvent
from chat_core.messages import Message
from chat_core.sessions import Session
from chat_core.users import User

Item = TypeVar("Item")

PAGE_BYTES = 256 * 1024
"""The approximate limit of a page or an answer of `sync`. It fits a connection's send queue."""
ENTRY_BYTES, MEMBER_BYTES, CONVERSATION_BYTES, RECEIPT_BYTES, USER_BYTES = 500, 150, 300, 100, 400
SESSION_BYTES = 350
"""The bytes that each kind of item takes, without the texts that users write."""


@dataclass(slots=True)
class BoundedItems(Generic[Item]):
    """Items in order, as many as fit, and at least one, so that each page makes progress."""

    size: Callable[[Item], int]
    room: int = PAGE_BYTES
    items: list[Item] = field(default_factory=list)

    def take(self, items: Iterable[Item]) -> bool:
        """Add items up to the first that does not fit. Return whether all fit."""
        for item in items:
            self.room -= self.size(item)
            if self.room < 0 and self.items:
                return False
            self.items.append(item)
        return True


def text_size(text: str | None) -> int:
    """Return the size of a JSON string. A control character takes six bytes."""
    if text is None:
        return 0
    return len(json.dumps(text, ensure_ascii=False).encode())


def message_size(message: Message) -> int:
    """Return the size of a `Message`."""
    if message.body is None:
        return ENTRY_BYTES
    return ENTRY_BYTES + text_size(message.text) + text_size(more_of(message.body))


def entry_size(entry: LogEvent) -> int:
    """Return the size of an entry of `sync`."""
    if isinstance(entry, ConversationUpdated):
        return ENTRY_BYTES + text_size(entry.title) + MEMBER_BYTES * len(entry.members or ())
    return message_size(entry.message)


def overview_size(overview: Overview) -> int:
    """Return the size of a `Conversation`."""
    last = overview.last_message
    return (
        CONVERSATION_BYTES
        + text_size(overview.title)
        + MEMBER_BYTES * len(overview.members)
        + RECEIPT_BYTES * len(overview.standing.receipts)
        + (0 if last is None else message_size(last))
    )


def user_size(user: User) -> int:
    """Return the size of a `User`, whose names may be of any length in a product's own accounts."""
    return USER_BYTES + text_size(user.username) + text_size(user.display_name)


def session_size(session: Session) -> int:
    """Return the size of a `Session`."""
    return SESSION_BYTES + text_size(session.device) + text_size(session.user_agent)

"""Messages: stored content at a place of a conversation's log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chat_core.errors import Invalid
from chat_core.ids import ClientMessageId, ConversationId, MessageId, UserId
from chat_core.records import record
from chat_core.users import is_text

MAX_CLIENT_ID = 64


@record
class Message:
    """A message as it is now. A deleted one keeps its place, with no content.

    `seq` is its place, `updated_seq` the place of the entry that last changed it (its own at
    first): of two copies the one with the higher is the newer.
    """

    id: MessageId
    conversation_id: ConversationId
    seq: int
    updated_seq: int
    sender_id: UserId
    recipient_id: UserId | None
    content: str | None
    client_message_id: ClientMessageId | None
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A stretch of a conversation's messages, ascending by seq.

    `has_more` tells whether there are others further in the direction that was asked for.
    """

    items: Sequence[Message]
    has_more: bool


@record
class ToUser:
    """Send to the direct conversation with this user."""

    user_id: UserId


@record
class ToConversation:
    """Send to this conversation."""

    conversation_id: ConversationId


Recipient = ToUser | ToConversation


def check_content(content: str, max_bytes: int) -> str:
    """1 to `max_bytes` bytes of UTF-8, kept as they are; no NUL, no lone surrogate: `Invalid`."""
    if not is_text(content):
        raise Invalid.field("content", "must not hold NUL or half of a surrogate pair")
    if not content:
        raise Invalid.field("content", "must not be empty")
    # A character takes four bytes at most: short ones need not be counted.
    if len(content) > max_bytes or (
        len(content) * 4 > max_bytes and len(content.encode()) > max_bytes
    ):
        raise Invalid.field("content", f"must be at most {max_bytes} bytes")
    return content


def check_client_id(client_id: str, field: str = "clientMessageId") -> ClientMessageId:
    """1 to 64 characters; raises `Invalid`."""
    if not 1 <= len(client_id) <= MAX_CLIENT_ID or not is_text(client_id):
        raise Invalid.field(field, f"must be 1 to {MAX_CLIENT_ID} characters")
    return ClientMessageId(client_id)

"""Messages: bodies at their places in a conversation's log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chat_core.bodies import Body
from chat_core.errors import Invalid
from chat_core.ids import ClientMessageId, ConversationId, MessageId, UserId
from chat_core.records import record
from chat_core.users import is_text

MAX_CLIENT_ID = 64


@record
class Message:
    """A message as it is now. A deleted one keeps its place, with no body.

    `seq` is its place. `updated_seq` is the place of the entry that last changed it, at first its
    own. Of two copies, the one with the higher `updated_seq` is newer.
    """

    id: MessageId
    conversation_id: ConversationId
    seq: int
    updated_seq: int
    sender_id: UserId
    recipient_id: UserId | None
    body: Body | None
    client_message_id: ClientMessageId | None
    created_at: datetime
    edited_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def text(self) -> str | None:
        """Return the text of the body, or None if the message is deleted."""
        return None if self.body is None else self.body.text


@dataclass(frozen=True, slots=True)
class History:
    """A range of a conversation's messages, ascending by seq.

    `has_more` says whether there are more in the requested direction.
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


def check_client_id(client_id: str, field: str = "clientMessageId") -> ClientMessageId:
    """Check that a client id has 1 to 64 characters. Raises `Invalid`."""
    if not 1 <= len(client_id) <= MAX_CLIENT_ID or not is_text(client_id):
        raise Invalid.field(field, f"must be 1 to {MAX_CLIENT_ID} characters")
    return ClientMessageId(client_id)

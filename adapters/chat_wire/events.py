"""The events and acks that the server sends over a socket."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from chat_core.errors import ChatError
from chat_core.events import (
    ConversationUpdated,
    Event,
    MessageSent,
    MessageUpdated,
    PresenceChanged,
    ReceiptMoved,
    TypingChanged,
    UserUpdated,
)
from chat_core.ids import UserId
from chat_core.ports.log import Appended
from chat_core.records import record
from chat_core.services.synchronising import SyncAnswer, SyncedConversation
from chat_core.sessions import Claims
from chat_wire import shapes
from chat_wire.problems import Problem
from chat_wire.requests import sync_cursor

Succeeded = Annotated[bool, msgspec.Meta(extra_json_schema={"const": True})]
Failed = Annotated[bool, msgspec.Meta(extra_json_schema={"const": False})]
"""Types of the `ok` field, which every ack has."""


class RegistrationSuccess(msgspec.Struct, frozen=True, rename="camel"):
    """The connection is registered.

    `devices` is the number of this user's connections, including this one.
    """

    user_id: str
    session_id: str
    devices: int
    expires_at: shapes.Time
    server_time: shapes.Time

    @classmethod
    def of(cls, claims: Claims, devices: int, now: datetime) -> "RegistrationSuccess":
        """Build from the core's types."""
        return cls(
            claims.user_id,
            claims.session_id,
            devices,
            shapes.time(claims.expires_at),
            shapes.time(now),
        )


class AuthError(msgspec.Struct, frozen=True):
    """Why a connection was not registered, or why it is being closed."""

    code: str
    message: str

    @classmethod
    def of(cls, error: ChatError) -> "AuthError":
        """Build from the core's error."""
        return cls(error.code, error.detail)


class MessageUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """A message was edited or deleted. This is a log entry of its own, at place `seq`."""

    conversation_id: str
    seq: int
    message: shapes.Message


ChangeName = Literal[
    "created", "member_added", "member_removed", "role_changed", "title_changed", "member_deleted"
]


class ConversationUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """A conversation was created or changed. Fields that don't apply to the change are null."""

    conversation_id: str
    seq: int
    change: ChangeName
    actor_id: str
    user_id: str | None
    role: shapes.RoleName | None
    title: str | None
    members: list[shapes.Member] | None

    @classmethod
    def of(cls, event: ConversationUpdated) -> "ConversationUpdate":
        """Build from the core's type."""
        return cls(
            conversation_id=event.conversation_id,
            seq=event.seq,
            change=event.change.value,
            actor_id=event.actor_id,
            user_id=event.user_id,
            role=None if event.role is None else event.role.value,
            title=event.title,
            members=None
            if event.members is None
            else [shapes.Member.of(member) for member in event.members],
        )


class ReceiptUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """A member's marks have risen: how far they have received and read the log."""

    conversation_id: str
    user_id: str
    delivered_seq: int
    read_seq: int


class TypingUpdate(msgspec.Struct, frozen=True, rename="camel"):
    """A member started or stopped typing."""

    conversation_id: str
    user_id: str
    typing: bool


class PresenceChange(msgspec.Struct, frozen=True, rename="camel"):
    """A user came online or went offline."""

    user_id: str
    online: bool
    last_seen_at: shapes.Time | None


class UserUpdate(msgspec.Struct, frozen=True):
    """A user changed a name or deleted the account."""

    user: shapes.User


class ServerClosing(msgspec.Struct, frozen=True, rename="camel"):
    """The server is about to stop. Each client gets a different delay for its reconnect."""

    reconnect_after_ms: int


class RegisteredAck(RegistrationSuccess, frozen=True, rename="camel"):
    """The ack of `register_user`."""

    ok: Succeeded = True


class SentAck(msgspec.Struct, frozen=True):
    """The ack of `send_message`."""

    message: shapes.Message
    duplicate: bool
    ok: Succeeded = True

    @classmethod
    def of(cls, appended: Appended, viewer: UserId) -> "SentAck":
        """Build from the core's type."""
        return cls(shapes.Message.of(appended.message, viewer), appended.duplicate)


class MarkedAck(msgspec.Struct, frozen=True, rename="camel"):
    """The ack of `mark_delivered` and `mark_read`."""

    delivered_seq: int
    read_seq: int
    ok: Succeeded = True


class DoneAck(msgspec.Struct, frozen=True):
    """The ack of an event that returns no data."""

    ok: Succeeded = True


class Entry(msgspec.Struct, frozen=True):
    """A missed push in the answer to `sync`."""

    seq: int
    event: str
    data: msgspec.Struct


class Synced(msgspec.Struct, frozen=True, rename="camel"):
    """The missed entries of one conversation, and its current state."""

    conversation_id: str
    entries: list[Entry]
    first_seq: int
    last_seq: int
    has_more: bool
    reset: bool
    read_seq: int
    unread_count: int
    receipts: list[shapes.Receipt]


class SyncAck(msgspec.Struct, frozen=True, rename="camel"):
    """The ack of `sync`."""

    conversations: list[Synced]
    next_cursor: str | None
    ok: Succeeded = True

    @classmethod
    def of(cls, answer: SyncAnswer, viewer: UserId) -> "SyncAck":
        """Build from the core's type, as that viewer sees it."""
        return cls(
            [_synced(part, viewer) for part in answer.conversations],
            None if answer.next is None else sync_cursor(answer.next),
        )


def _synced(part: SyncedConversation, viewer: UserId) -> Synced:
    standing = part.standing
    entries = []
    for event in part.entries:
        told = push(event, viewer)
        entries.append(Entry(event.seq, told.name, told.payload))
    return Synced(
        conversation_id=part.conversation_id,
        entries=entries,
        first_seq=standing.first_seq,
        last_seq=standing.last_seq,
        has_more=part.has_more,
        reset=part.reset,
        read_seq=standing.read_seq,
        unread_count=standing.unread_count,
        receipts=[shapes.Receipt.of(receipt) for receipt in standing.receipts],
    )


class ErrorAck(msgspec.Struct, frozen=True):
    """The ack of an event that failed."""

    error: Problem
    ok: Failed = False


@record
class Push:
    """The name and payload of an event on the wire."""

    name: str
    payload: msgspec.Struct


def sees_more(event: Event) -> UserId | None:
    """Return the user to whom the event shows more than to others, or None if all see the same."""
    if isinstance(event, (MessageSent, MessageUpdated)):
        message = event.message
        return None if message.client_message_id is None else message.sender_id
    return None


def push(event: Event, viewer: UserId | None = None) -> Push:  # noqa: PLR0911 - a table
    """Return the push that tells that user's clients of an event.

    If the viewer is None, the push omits what only a message's sender may see.
    """
    if isinstance(event, MessageSent):  # the most frequent event; `match` takes three times as long
        return Push("new_message", shapes.Message.of(event.message, viewer))
    match event:
        case MessageUpdated(seq, message):
            shown = shapes.Message.of(message, viewer)
            return Push("message_updated", MessageUpdate(message.conversation_id, seq, shown))
        case ConversationUpdated():
            return Push("conversation_updated", ConversationUpdate.of(event))
        case ReceiptMoved(conversation_id, user_id, delivered_seq, read_seq):
            receipt = ReceiptUpdate(conversation_id, user_id, delivered_seq, read_seq)
            return Push("receipt", receipt)
        case TypingChanged(conversation_id, user_id, typing):
            return Push("typing", TypingUpdate(conversation_id, user_id, typing))
        case PresenceChanged(user_id, online, last_seen_at):
            change = PresenceChange(user_id, online, shapes.maybe_time(last_seen_at))
            return Push("presence_changed", change)
        case UserUpdated(user, presence):
            return Push("user_updated", UserUpdate(shapes.User.of(user, presence)))

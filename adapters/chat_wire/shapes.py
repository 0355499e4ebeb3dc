"""The data that clients receive, built from the core's types."""

from datetime import datetime
from functools import lru_cache
from typing import Annotated, Generic, Literal, TypeVar

import msgspec

from chat_core.conversations import Member as CoreMember
from chat_core.conversations import Overview
from chat_core.conversations import Receipt as CoreReceipt
from chat_core.ids import UserId
from chat_core.messages import History as CoreHistory
from chat_core.messages import Message as CoreMessage
from chat_core.presence import UserPresence
from chat_core.sessions import Login as CoreLogin
from chat_core.sessions import Session as CoreSession
from chat_core.users import User as CoreUser

Item = TypeVar("Item")

Time = Annotated[
    str,
    msgspec.Meta(description="RFC 3339, UTC, milliseconds", examples=["2026-01-31T08:15:00.250Z"]),
]


@lru_cache(1024)  # a message's times are formatted for its sender, for the others, and for acks
def time(at: datetime) -> str:
    """Format a time as RFC 3339 in UTC, with milliseconds and a `Z`."""
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"


def maybe_time(at: datetime | None) -> str | None:
    """Format a time like `time`, or return None for None."""
    return None if at is None else time(at)


RoleName = Literal["owner", "admin", "member"]


class Presence(msgspec.Struct, frozen=True, rename="camel"):
    """A user's presence. `devices` counts live connections."""

    online: bool
    devices: int
    last_seen_at: Time | None


class User(msgspec.Struct, frozen=True, rename="camel"):
    """An account as other users see it."""

    id: str
    username: str | None
    display_name: str | None
    created_at: Time
    deleted_at: Time | None
    presence: Presence

    @classmethod
    def of(cls, user: CoreUser, presence: UserPresence) -> "User":
        """Build from the core's type."""
        return cls(
            id=user.id,
            username=user.username,
            display_name=user.display_name,
            created_at=time(user.created_at),
            deleted_at=maybe_time(user.deleted_at),
            presence=_presence(presence),
        )


class Self(User, frozen=True, rename="camel"):
    """The account of the user who makes the request."""

    email: str | None

    @classmethod
    def of(cls, user: CoreUser, presence: UserPresence) -> "Self":
        """Build from the core's type."""
        return cls(
            id=user.id,
            username=user.username,
            display_name=user.display_name,
            created_at=time(user.created_at),
            deleted_at=maybe_time(user.deleted_at),
            presence=_presence(presence),
            email=user.email,
        )


def _presence(presence: UserPresence) -> Presence:
    return Presence(presence.online, presence.devices, maybe_time(presence.last_seen_at))


class Login(msgspec.Struct, frozen=True, rename="camel"):
    """The tokens and the account that a device receives after a login."""

    token: str
    expires_at: Time
    refresh_token: str
    session_id: str
    user: Self

    @classmethod
    def of(cls, login: CoreLogin, presence: UserPresence) -> "Login":
        """Build from the core's type."""
        return cls(
            token=login.access.text,
            expires_at=time(login.access.expires_at),
            refresh_token=login.refresh_token,
            session_id=login.session.id,
            user=Self.of(login.user, presence),
        )


class Session(msgspec.Struct, frozen=True, rename="camel"):
    """One login of a user. `current` marks the session that makes the request."""

    id: str
    device: str
    created_at: Time
    last_seen_at: Time
    current: bool
    online: bool
    address: str | None
    user_agent: str | None

    @classmethod
    def of(cls, session: CoreSession, *, current: bool, online: bool) -> "Session":
        """Build from the core's type."""
        return cls(
            session.id,
            session.device,
            time(session.created_at),
            time(session.last_seen_at),
            current,
            online,
            session.address,
            session.user_agent,
        )


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """The current state of a message. Only its sender sees `client_message_id`."""

    id: str
    conversation_id: str
    seq: int
    updated_seq: int
    sender_id: str
    recipient_id: str | None
    content: str | None
    client_message_id: str | None
    created_at: Time
    edited_at: Time | None
    deleted_at: Time | None

    @classmethod
    def of(cls, message: CoreMessage, viewer: UserId | None) -> "Message":
        """Build from the core's type for that viewer. Pass None for anyone but the sender."""
        # No calls for fields that are usually None, because each message is built at least twice.
        body, edited_at, deleted_at = message.body, message.edited_at, message.deleted_at
        return cls(
            message.id,
            message.conversation_id,
            message.seq,
            message.updated_seq,
            message.sender_id,
            message.recipient_id,
            None if body is None else body.text,
            message.client_message_id if viewer == message.sender_id else None,
            time(message.created_at),
            None if edited_at is None else time(edited_at),
            None if deleted_at is None else time(deleted_at),
        )


class Member(msgspec.Struct, frozen=True, rename="camel"):
    """One member of a conversation."""

    user_id: str
    role: RoleName
    joined_at: Time

    @classmethod
    def of(cls, member: CoreMember) -> "Member":
        """Build from the core's type."""
        return cls(member.user_id, member.role.value, time(member.joined_at))


class Receipt(msgspec.Struct, frozen=True, rename="camel"):
    """A member's marks: how far the member has received and read the log."""

    user_id: str
    delivered_seq: int
    read_seq: int

    @classmethod
    def of(cls, receipt: CoreReceipt) -> "Receipt":
        """Build from the core's type."""
        return cls(receipt.user_id, receipt.delivered_seq, receipt.read_seq)


class Conversation(msgspec.Struct, frozen=True, rename="camel"):
    """A conversation as one of its members sees it. In lists, `members` has at most 20 entries."""

    id: str
    kind: Literal["direct", "group"]
    title: str | None
    members: list[Member]
    member_count: int
    first_seq: int
    last_seq: int
    last_message: Message | None
    read_seq: int
    unread_count: int
    receipts: list[Receipt]
    created_at: Time

    @classmethod
    def of(cls, overview: Overview, viewer: UserId) -> "Conversation":
        """Build from the core's type, as that member sees it."""
        standing, last = overview.standing, overview.last_message
        return cls(
            id=overview.id,
            kind=overview.kind.value,
            title=overview.title,
            members=[Member.of(member) for member in overview.members],
            member_count=overview.member_count,
            first_seq=standing.first_seq,
            last_seq=standing.last_seq,
            last_message=None if last is None else Message.of(last, viewer),
            read_seq=standing.read_seq,
            unread_count=standing.unread_count,
            receipts=[Receipt.of(receipt) for receipt in standing.receipts],
            created_at=time(overview.created_at),
        )


class ReadMark(msgspec.Struct, frozen=True, rename="camel"):
    """The user's own read mark."""

    read_seq: int


class Page(msgspec.Struct, Generic[Item], frozen=True, rename="camel"):
    """One page of a longer list. `next_cursor` is null on the last page."""

    items: list[Item]
    next_cursor: str | None


class History(msgspec.Struct, frozen=True, rename="camel"):
    """Messages in ascending order of seq. `has_more` refers to the requested direction."""

    items: list[Message]
    has_more: bool

    @classmethod
    def of(cls, history: CoreHistory, viewer: UserId) -> "History":
        """Build from the core's type, as that viewer sees it."""
        return cls([Message.of(message, viewer) for message in history.items], history.has_more)

"""Events: facts for clients. The event of a log entry has the entry's `seq`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chat_core.conversations import (
    Change,
    Member,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Role,
    RoleChanged,
    TitleChanged,
)
from chat_core.ids import ConversationId, UserId
from chat_core.messages import Message
from chat_core.presence import UserPresence
from chat_core.records import record
from chat_core.users import User


@record
class MessageSent:
    """A message took its place in a log."""

    message: Message

    @property
    def conversation_id(self) -> ConversationId:
        """Return the id of the conversation that the entry belongs to."""
        return self.message.conversation_id

    @property
    def seq(self) -> int:
        """Return the entry's place."""
        return self.message.seq


@dataclass(frozen=True, slots=True)
class MessageUpdated:
    """A message was edited or deleted; the entry keeps no old content, only a reference to it."""

    seq: int
    message: Message

    @property
    def conversation_id(self) -> ConversationId:
        """Return the id of the conversation that the entry belongs to."""
        return self.message.conversation_id


class ChangeKind(StrEnum):
    """The kinds of change of a conversation."""

    CREATED = "created"
    MEMBER_ADDED = "member_added"
    MEMBER_REMOVED = "member_removed"
    ROLE_CHANGED = "role_changed"
    TITLE_CHANGED = "title_changed"
    MEMBER_DELETED = "member_deleted"


@dataclass(frozen=True, slots=True)
class ConversationUpdated:
    """A conversation was created or changed. Fields that the change does not need are None."""

    conversation_id: ConversationId
    seq: int
    change: ChangeKind
    actor_id: UserId
    user_id: UserId | None = None
    role: Role | None = None
    title: str | None = None
    members: tuple[Member, ...] | None = None
    """Set only in `created`."""

    @classmethod
    def of(
        cls, conversation_id: ConversationId, seq: int, actor_id: UserId, change: Change
    ) -> "ConversationUpdated":
        """Return the event for a change at that place."""
        match change:
            case MemberAdded(user_id, role):
                return cls(conversation_id, seq, ChangeKind.MEMBER_ADDED, actor_id, user_id, role)
            case MemberRemoved(user_id):
                return cls(conversation_id, seq, ChangeKind.MEMBER_REMOVED, actor_id, user_id)
            case RoleChanged(user_id, role):
                return cls(conversation_id, seq, ChangeKind.ROLE_CHANGED, actor_id, user_id, role)
            case TitleChanged(title):
                return cls(conversation_id, seq, ChangeKind.TITLE_CHANGED, actor_id, title=title)
            case MemberDeleted(user_id):
                return cls(conversation_id, seq, ChangeKind.MEMBER_DELETED, actor_id, user_id)


LogEvent = MessageSent | MessageUpdated | ConversationUpdated
"""An entry of a log, as pushes and `sync` show it."""


@dataclass(frozen=True, slots=True)
class ReceiptMoved:
    """A member's watermarks rose: everything up to them was delivered, or read."""

    conversation_id: ConversationId
    user_id: UserId
    delivered_seq: int
    read_seq: int


@dataclass(frozen=True, slots=True)
class TypingChanged:
    """A member began to type, or stopped."""

    conversation_id: ConversationId
    user_id: UserId
    typing: bool


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """A user came online or went offline."""

    user_id: UserId
    online: bool
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserUpdated:
    """A user's profile changed."""

    user: User
    presence: UserPresence


Event = LogEvent | ReceiptMoved | TypingChanged | PresenceChanged | UserUpdated

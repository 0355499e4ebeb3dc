"""Events: facts to tell clients. Those of a log entry carry its `seq`."""

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
        """Whose log it is."""
        return self.message.conversation_id

    @property
    def seq(self) -> int:
        """The entry's place."""
        return self.message.seq


@dataclass(frozen=True, slots=True)
class MessageUpdated:
    """A message was edited or deleted; the entry keeps no old content, only a reference to it."""

    seq: int
    message: Message

    @property
    def conversation_id(self) -> ConversationId:
        """Whose log it is."""
        return self.message.conversation_id


class ChangeKind(StrEnum):
    """What a change of a conversation is about."""

    CREATED = "created"
    MEMBER_ADDED = "member_added"
    MEMBER_REMOVED = "member_removed"
    ROLE_CHANGED = "role_changed"
    TITLE_CHANGED = "title_changed"
    MEMBER_DELETED = "member_deleted"


@dataclass(frozen=True, slots=True)
class ConversationUpdated:
    """A conversation was created or changed; what the change is not about is None."""

    conversation_id: ConversationId
    seq: int
    change: ChangeKind
    actor_id: UserId
    user_id: UserId | None = None
    role: Role | None = None
    title: str | None = None
    members: tuple[Member, ...] | None = None
    """In `created` only."""

    @classmethod
    def of(
        cls, conversation_id: ConversationId, seq: int, actor_id: UserId, change: Change
    ) -> "ConversationUpdated":
        """The event of a change at that place."""
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
"""An entry of a log, as it is pushed and as `sync` tells of it later."""


@dataclass(frozen=True, slots=True)
class ReceiptMoved:
    """A member got further: everything up to the watermarks was delivered, or read."""

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

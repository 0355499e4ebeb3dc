"""Conversations: who is in them, and what their members may do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chat_core.errors import NotFound
from chat_core.ids import ConversationId, UserId
from chat_core.messages import Message

MAX_UNREAD = 1000
RECEIPTS_UP_TO = 20
"""Conversations with more members show no receipts: the pushes would grow with their square."""


class ConversationKind(StrEnum):
    """Between two users, or among members with roles."""

    DIRECT = "direct"
    GROUP = "group"


class Role(StrEnum):
    """What a member may do, in rising order."""

    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Member:
    """One user's place in a conversation."""

    user_id: UserId
    role: Role
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who is in it, as of `revision`: the seq of its last change of members, roles or title.

    It holds nothing that a message changes, so that a process may keep it while messages flow.
    """

    id: ConversationId
    kind: ConversationKind
    title: str | None
    members: Mapping[UserId, Member]
    revision: int
    created_at: datetime

    @classmethod
    def direct(
        cls, new_id: ConversationId, one: UserId, other: UserId, at: datetime
    ) -> "Conversation":
        """A conversation of two, not stored yet: their first message stores it."""
        members = {user: Member(user, Role.MEMBER, at) for user in sorted((one, other))}
        return cls(new_id, ConversationKind.DIRECT, None, members, 0, at)

    def other(self, user_id: UserId) -> UserId | None:
        """In a direct conversation the one that `user_id` talks to; None in a group."""
        if self.kind is not ConversationKind.DIRECT:
            return None
        return next(member for member in self.members if member != user_id)

    def check_member(self, user_id: UserId) -> None:
        """Raises `NotFound`: to others the conversation does not exist."""
        if user_id not in self.members:
            raise NotFound("There is no such conversation")


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a member got: watermarks in the log, `read_seq <= delivered_seq`."""

    user_id: UserId
    delivered_seq: int
    read_seq: int


@dataclass(frozen=True, slots=True)
class Overview:
    """A conversation as one of its members sees it in a list."""

    conversation: Conversation
    first_seq: int
    last_seq: int
    last_message: Message | None
    read_seq: int
    unread_count: int
    receipts: tuple[Receipt, ...]
    active_at: datetime
    """When its last entry was appended, else when it was made; lists are ordered by it."""


@dataclass(frozen=True, slots=True)
class ActivityPlace:
    """A place in the list of conversations by latest activity."""

    active_at: datetime
    conversation_id: ConversationId

"""Conversations: their members, their changes, and what members may do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chat_core.bodies import Body
from chat_core.errors import AlreadyMember, Forbidden, Invalid, LastOwner, NotFound
from chat_core.ids import ConversationId, UserId
from chat_core.messages import Message
from chat_core.names import shown_name

MAX_TITLE = 100
MAX_UNREAD = 1000
LISTED_MEMBERS = 20
"""The most members that a list shows of a conversation. All of them could make a page huge."""
RECEIPTS_UP_TO = 20
"""Larger conversations show no receipts, because pushes would grow with the square of the size."""


class ConversationKind(StrEnum):
    """Direct, between two users, or a group, with roles."""

    DIRECT = "direct"
    GROUP = "group"


_DIRECT = ConversationKind.DIRECT
"""A module name, because every message needs it, and an enum lookup takes five times as long."""


class Role(StrEnum):
    """The role of a member, which decides what they may do."""

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
class MemberAdded:
    """A user became a member of a group."""

    user_id: UserId
    role: Role


@dataclass(frozen=True, slots=True)
class MemberRemoved:
    """A member left, or was removed."""

    user_id: UserId


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """A member got another role."""

    user_id: UserId
    role: Role


@dataclass(frozen=True, slots=True)
class TitleChanged:
    """The group got another title."""

    title: str


@dataclass(frozen=True, slots=True)
class MemberDeleted:
    """A member's account is deleted: they leave a group, and a direct conversation ends."""

    user_id: UserId


Change = MemberAdded | MemberRemoved | RoleChanged | TitleChanged | MemberDeleted
"""A change of a conversation that an entry of the log can make."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation and its members, as of `revision`: the seq of its last change of them.

    A new message changes nothing in it, so a process can cache it while messages flow.
    """

    id: ConversationId
    kind: ConversationKind
    title: str | None
    members: Mapping[UserId, Member]
    revision: int
    created_at: datetime
    gone: frozenset[UserId] = frozenset()
    """The members of a direct conversation with deleted accounts."""

    @classmethod
    def direct(
        cls, new_id: ConversationId, one: UserId, other: UserId, at: datetime
    ) -> "Conversation":
        """Return a new conversation of two. Their first message stores it."""
        members = {user: Member(user, Role.MEMBER, at) for user in sorted((one, other))}
        return cls(new_id, ConversationKind.DIRECT, None, members, 0, at)

    @classmethod
    def group(
        cls,
        new_id: ConversationId,
        title: str,
        members: Mapping[UserId, Role],
        at: datetime,
    ) -> "Conversation":
        """Return a new group. Its creation, entry 1 of its log, stores it."""
        stored = {user: Member(user, role, at) for user, role in members.items()}
        return cls(new_id, ConversationKind.GROUP, title, stored, 1, at)

    @property
    def has_ended(self) -> bool:
        """Whether a direct conversation has a deleted account, so that nobody can send."""
        return bool(self.gone)

    @property
    def pair(self) -> str | None:
        """The unique key of a direct conversation: both user ids in order, with a space between."""
        return " ".join(sorted(self.members)) if self.kind is _DIRECT else None

    def other(self, user_id: UserId) -> UserId | None:
        """Return the user that `user_id` talks to in a direct conversation, or None in a group."""
        if self.kind is not _DIRECT:
            return None
        for member in self.members:
            if member != user_id:
                return member
        raise LookupError(user_id)

    def changed(self, change: Change, seq: int, at: datetime) -> "Conversation":
        """Return the conversation after a change at that place of its log."""
        members = dict(self.members)
        match change:
            case MemberAdded(user_id, role):
                members[user_id] = Member(user_id, role, at)
            case RoleChanged(user_id, role):
                members[user_id] = replace(members[user_id], role=role)
            case MemberRemoved(user_id):
                del members[user_id]
            case MemberDeleted(user_id):
                if self.kind is ConversationKind.DIRECT:
                    return replace(self, revision=seq, gone=self.gone | {user_id})
                members.pop(user_id, None)  # a user who has left before can be deleted, too
            case TitleChanged(title):
                return replace(self, revision=seq, title=title)
        return replace(self, revision=seq, members=members)

    def check_member(self, user_id: UserId) -> Member:
        """Return the member. Raises `NotFound`, because others must not learn that it exists."""
        member = self.members.get(user_id)
        if member is None:
            raise NotFound("There is no such conversation")
        return member

    def check_may_edit(self, user_id: UserId, message: Message) -> Body:
        """Return the body if this sender may edit it. Raises `NotFound`, `Forbidden`, `Invalid`."""
        self.check_member(user_id)
        if message.sender_id != user_id:
            raise Forbidden("Only the sender can edit a message")
        if message.body is None:
            raise Invalid("The message is deleted")
        return message.body

    def check_may_delete(self, user_id: UserId, message: Message) -> None:
        """Check that the user sent it, or is an admin or owner. Raises `NotFound`, `Forbidden`."""
        member = self.check_member(user_id)
        if message.sender_id != user_id and member.role is Role.MEMBER:
            raise Forbidden("Only the sender, an admin or an owner can delete a message")

    def check_may_add(self, user_id: UserId, new: MemberAdded) -> None:
        """Check that the user is an admin or owner. Only an owner may assign a role.

        Raises `NotFound`, `Forbidden`, `AlreadyMember`.
        """
        member = self._check_group_member(user_id)
        if member.role is Role.MEMBER:
            raise Forbidden("Only an admin or an owner can add members")
        if new.role is not Role.MEMBER and member.role is not Role.OWNER:
            raise Forbidden("Only an owner can assign a role")
        if new.user_id in self.members:
            raise AlreadyMember

    def check_may_remove(self, user_id: UserId, other_id: UserId) -> None:
        """Check that the user may remove the other member, or leave.

        Admins can remove plain members, and owners anyone. Raises `NotFound`, `Forbidden`,
        `LastOwner`.
        """
        member = self._check_group_member(user_id)
        other = self.members.get(other_id)
        if other is None:
            raise NotFound("There is no such member")
        if other_id != user_id:
            by_admin = member.role is Role.ADMIN and other.role is Role.MEMBER
            if member.role is not Role.OWNER and not by_admin:
                raise Forbidden("Owners can remove anyone; admins can remove only plain members")
        self._check_owner_stays(other)

    def check_may_change_role(self, user_id: UserId, change: RoleChanged) -> None:
        """Check that the user is an owner. Raises `NotFound`, `Forbidden`, `LastOwner`."""
        member = self._check_group_member(user_id)
        other = self.members.get(change.user_id)
        if other is None:
            raise NotFound("There is no such member")
        if member.role is not Role.OWNER:
            raise Forbidden("Only an owner can change roles")
        if change.role is not Role.OWNER:
            self._check_owner_stays(other)

    def check_may_change_title(self, user_id: UserId) -> None:
        """Check that the user is an admin or owner. Raises `NotFound`, `Forbidden`."""
        if self._check_group_member(user_id).role is Role.MEMBER:
            raise Forbidden("Only an admin or an owner can change the title")

    def successor_of(self, user_id: UserId) -> Member | None:
        """Return the next owner after that account: the longest-standing admin, else member.

        It returns None if another owner or nobody is left, and for a direct conversation.
        """
        leaving = self.members.get(user_id)
        others = [member for member in self.members.values() if member.user_id != user_id]
        if (
            self.kind is ConversationKind.DIRECT
            or leaving is None
            or leaving.role is not Role.OWNER
            or any(member.role is Role.OWNER for member in others)
        ):
            return None
        return min(
            others,
            key=lambda member: (member.role is not Role.ADMIN, member.joined_at, member.user_id),
            default=None,
        )

    def _check_group_member(self, user_id: UserId) -> Member:
        member = self.check_member(user_id)
        if self.kind is ConversationKind.DIRECT:
            raise Forbidden("The members and title of a direct conversation can't be changed")
        return member

    def _check_owner_stays(self, leaving: Member) -> None:
        others = [each for each in self.members.values() if each.user_id != leaving.user_id]
        is_last = not any(member.role is Role.OWNER for member in others)
        if leaving.role is Role.OWNER and others and is_last:
            raise LastOwner


@dataclass(frozen=True, slots=True)
class Receipt:
    """How far a member has got: watermarks in the log, `read_seq <= delivered_seq`."""

    user_id: UserId
    delivered_seq: int
    read_seq: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A member's standing in a conversation: the ends of the log for them, and what is unread."""

    first_seq: int
    last_seq: int
    read_seq: int
    unread_count: int
    receipts: tuple[Receipt, ...]
    is_member: bool = True


@dataclass(frozen=True, slots=True)
class Overview:
    """A conversation as one of its members sees it. No rule is checked against it."""

    id: ConversationId
    kind: ConversationKind
    title: str | None
    created_at: datetime
    members: tuple[Member, ...]
    """The viewer, then the others by joining time, then by id. In a list only the first
    `LISTED_MEMBERS` of them."""
    member_count: int
    standing: Standing
    last_message: Message | None
    active_at: datetime
    """The time of its last entry, or else of its creation. Lists are ordered by it."""

    @classmethod
    def of(
        cls,
        conversation: Conversation,
        viewer_id: UserId,
        standing: Standing,
        last_message: Message | None,
        active_at: datetime,
    ) -> "Overview":
        """Return an overview with all members."""
        return cls(
            conversation.id,
            conversation.kind,
            conversation.title,
            conversation.created_at,
            tuple(
                sorted(
                    conversation.members.values(),
                    key=lambda each: (each.user_id != viewer_id, each.joined_at, each.user_id),
                )
            ),
            len(conversation.members),
            standing,
            last_message,
            active_at,
        )

    def in_list(self) -> "Overview":
        """Return a copy with only as many members as a list shows."""
        return replace(self, members=self.members[:LISTED_MEMBERS])


@dataclass(frozen=True, slots=True)
class MemberPlace:
    """A place in the list of a conversation's members, by joining time, then by id."""

    joined_at: datetime
    user_id: UserId


@dataclass(frozen=True, slots=True)
class ActivityPlace:
    """A place in the list of conversations by latest activity."""

    active_at: datetime
    conversation_id: ConversationId


def clean_title(title: str) -> str:
    """Return a title of 1 to 100 characters as stored: see `shown_name`. Raises `Invalid`."""
    return shown_name(title, "title", MAX_TITLE)

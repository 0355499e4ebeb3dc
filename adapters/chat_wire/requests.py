"""Requests and events that clients may send, over HTTP and sockets.

Unknown fields are refused. Null counts as absent, except in updates, where it removes a value.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from chat_core.bodies import Body
from chat_core.conversations import ActivityPlace, MemberAdded, Role
from chat_core.errors import Invalid
from chat_core.ids import ConversationId, UserId
from chat_core.messages import Recipient, ToConversation, ToUser
from chat_core.services.accounts import NewAccount
from chat_core.services.conversations import NewGroup
from chat_core.services.synchronising import DEFAULT_LIMIT, SyncPlace, SyncRequest
from chat_core.users import UNCHANGED, ProfileChange, Unchanged
from chat_wire.codec import CursorId, decode_cursor, encode_cursor, not_issued
from chat_wire.shapes import RoleName

MAX_INT64 = 2**63 - 1
Seq = Annotated[int, msgspec.Meta(ge=0, le=MAX_INT64)]
ClaimedSeq = Annotated[int, msgspec.Meta(ge=-MAX_INT64, le=MAX_INT64)]
"""A seq that a client claims to have. The answer to an impossible seq is a reset, not an error."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One JSON object from a client."""


class SignUp(Request, frozen=True):
    """`POST /users`."""

    username: str
    password: str
    email: str | None = None
    display_name: str | None = None

    def account(self) -> NewAccount:
        """Convert to the core's type."""
        return NewAccount(self.username, self.password, self.email, self.display_name)


class LogIn(Request, frozen=True):
    """`POST /users/login`: give `username` or `email`; either field accepts either value."""

    password: str
    username: str | None = None
    email: str | None = None
    device: str | None = None

    def login(self) -> str:
        """Return the username or email that was given. Raises `Invalid` for both or neither."""
        return one_of(self.username, self.email, "username", "email")


class ProfileUpdate(Request, frozen=True):
    """`PATCH /users/me`: null removes a value."""

    display_name: str | msgspec.UnsetType | None = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    current_password: str | None = None

    def change(self) -> ProfileChange:
        """Convert to the core's type."""
        return ProfileChange(_given(self.display_name), _given(self.email))


class SendMessage(Request, frozen=True):
    """A message to a user or to a conversation, for `POST /messages` or `send_message`."""

    content: str
    recipient_id: str | None = None
    conversation_id: str | None = None
    client_message_id: str | None = None

    def body(self) -> Body:
        """Convert to the core's type."""
        return Body(self.content)

    def recipient(self) -> Recipient:
        """Convert to the core's type. Raises `Invalid` for both or neither."""
        user_id, conversation_id = self.recipient_id, self.conversation_id
        if user_id is not None and conversation_id is None:
            return ToUser(UserId(user_id))
        if conversation_id is not None and user_id is None:
            return ToConversation(ConversationId(conversation_id))
        raise Invalid.field("recipientId", "give either recipientId or conversationId, not both")


class Register(Request, frozen=True):
    """Register the connection with a token, by `register_user` or in the `auth` of CONNECT."""

    token: str
    device: str | None = None


class Refresh(Request, frozen=True):
    """`POST /users/refresh`."""

    refresh_token: str


class PasswordChange(Request, frozen=True):
    """`PUT /users/me/password`."""

    current_password: str
    new_password: str


class AccountDeletion(Request, frozen=True):
    """`DELETE /users/me`."""

    password: str


class EditMessage(Request, frozen=True):
    """`PATCH /messages/{id}`."""

    content: str


class CreateConversation(Request, frozen=True):
    """`POST /conversations`: create a group with a title and members, or a direct conversation."""

    kind: Literal["direct", "group"]
    title: str | None = None
    member_ids: list[str] | None = None
    client_conversation_id: str | None = None
    user_id: str | None = None

    def group(self) -> NewGroup:
        """Convert to the core's type. Raises `Invalid` if a field is missing or does not apply."""
        if self.user_id is not None:
            raise Invalid.field("userId", "is only for direct conversations")
        if self.title is None:
            raise Invalid.field("title", "is missing")
        if self.member_ids is None:
            raise Invalid.field("memberIds", "is missing")
        members = [UserId(member) for member in self.member_ids]
        return NewGroup(self.title, members, self.client_conversation_id)

    def other(self) -> UserId:
        """Return the other user of a direct conversation.

        Raises `Invalid` if a field is missing or does not apply.
        """
        for name, value in (
            ("title", self.title),
            ("memberIds", self.member_ids),
            ("clientConversationId", self.client_conversation_id),
        ):
            if value is not None:
                raise Invalid.field(name, "is only for groups")
        if self.user_id is None:
            raise Invalid.field("userId", "is missing")
        return UserId(self.user_id)


class ConversationUpdate(Request, frozen=True):
    """`PATCH /conversations/{id}`."""

    title: str


class AddMember(Request, frozen=True):
    """`POST /conversations/{id}/members`."""

    user_id: str
    role: RoleName | None = None

    def change(self) -> MemberAdded:
        """Convert to the core's type; the default role is `member`."""
        return MemberAdded(UserId(self.user_id), Role(self.role or "member"))


class MemberUpdate(Request, frozen=True):
    """`PATCH /conversations/{id}/members/{userId}`."""

    role: RoleName


class MarkRead(Request, frozen=True):
    """`PUT /conversations/{id}/read`."""

    seq: Seq


class Mark(Request, frozen=True):
    """Everything up to `seq` was delivered (`mark_delivered`) or read (`mark_read`)."""

    conversation_id: str
    seq: Seq


class Typing(Request, frozen=True):
    """The user is typing (send this again every few seconds) or has stopped."""

    conversation_id: str
    typing: bool


class Sync(Request, frozen=True):
    """Fetch the entries after these places, and the latest entries of other conversations.

    Set `others` to `none` to leave out the other conversations.
    """

    conversations: dict[str, ClaimedSeq]
    others: Literal["latest", "none"] | None = None
    limit: int | None = None
    cursor: str | None = None

    def request(self) -> SyncRequest:
        """Convert to the core's type. Raises `Invalid`."""
        after = None
        if self.cursor is not None:
            after = _sync_place(self.cursor)
        return SyncRequest(
            {ConversationId(each): seq for each, seq in self.conversations.items()},
            others=self.others != "none",
            limit=DEFAULT_LIMIT if self.limit is None else self.limit,
            after=after,
        )


def sync_cursor(place: SyncPlace) -> str:
    """Encode the place as a cursor. The client sends it with the same `sync` request."""
    at = place.others
    if at is None:
        return encode_cursor((place.named, None, None))
    return encode_cursor((place.named, at.active_at, at.conversation_id))


def _given(value: str | msgspec.UnsetType | None) -> str | Literal[Unchanged.UNCHANGED] | None:
    return UNCHANGED if isinstance(value, msgspec.UnsetType) else value


def _sync_place(cursor: str) -> SyncPlace:
    # The id of a named conversation comes from a client, so it may not have the form of an id.
    named, at, other = decode_cursor(cursor, tuple[str | None, datetime | None, CursorId | None])
    if named is not None and at is None and other is None:
        return SyncPlace(named=ConversationId(named))
    if named is None and at is not None and other is not None:
        return SyncPlace(others=ActivityPlace(at, ConversationId(other)))
    raise not_issued()


def one_of(one: str | None, other: str | None, name: str, other_name: str) -> str:
    """Return the value that was given. Raises `Invalid` for both or neither."""
    if one is not None and other is None:
        return one
    if other is not None and one is None:
        return other
    raise Invalid.field(name, f"give either {name} or {other_name}, not both")

"""What clients may send, over HTTP and sockets.

Unknown fields are refused; null counts as absent.
"""

import msgspec

from chat_core.errors import Invalid
from chat_core.ids import ConversationId, UserId
from chat_core.messages import Recipient, ToConversation, ToUser
from chat_core.services.accounts import NewAccount
from chat_core.users import ProfileChange


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Whatever a client sends as one JSON object."""


class SignUp(Request, frozen=True):
    """`POST /users`."""

    username: str
    password: str
    email: str | None = None
    display_name: str | None = None

    def account(self) -> NewAccount:
        """To the core's type."""
        return NewAccount(self.username, self.password, self.email, self.display_name)


class LogIn(Request, frozen=True):
    """`POST /users/login`: `username` or `email`, either may hold either."""

    password: str
    username: str | None = None
    email: str | None = None
    device: str | None = None

    def login(self) -> str:
        """The one of the two names that was given. Raises `Invalid`."""
        return one_of(self.username, self.email, "username", "email")


class ProfileUpdate(Request, frozen=True):
    """`PATCH /users/me`."""

    display_name: str | None = None
    email: str | None = None

    def change(self) -> ProfileChange:
        """To the core's type."""
        return ProfileChange(self.display_name, self.email)


class SendMessage(Request, frozen=True):
    """`POST /messages` and `send_message`."""

    content: str
    recipient_id: str | None = None
    conversation_id: str | None = None
    client_message_id: str | None = None

    def recipient(self) -> Recipient:
        """To the core's type. Raises `Invalid` for both or none."""
        to = one_of(self.recipient_id, self.conversation_id, "recipientId", "conversationId")
        if self.recipient_id is not None:
            return ToUser(UserId(to))
        return ToConversation(ConversationId(to))


class Register(Request, frozen=True):
    """`register_user`, and the `auth` of a connect."""

    token: str
    device: str | None = None


def one_of(one: str | None, other: str | None, name: str, other_name: str) -> str:
    """The one of the two that was given. Raises `Invalid` for both or none."""
    if one is not None and other is None:
        return one
    if other is not None and one is None:
        return other
    raise Invalid.field(name, f"give either {name} or {other_name}")

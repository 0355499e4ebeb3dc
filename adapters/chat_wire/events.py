"""What the server tells over a socket: the events by name, and the acks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from chat_core.errors import ChatError
from chat_core.events import Event, MessageSent, PresenceChanged, UserUpdated
from chat_core.ids import UserId
from chat_core.ports.storage import Appended
from chat_core.sessions import Claims
from chat_wire import shapes
from chat_wire.problems import Problem


class RegistrationSuccess(msgspec.Struct, frozen=True, rename="camel"):
    """`registration_success`; `devices` counts this user's live connections, this one included."""

    user_id: str
    session_id: str
    devices: int
    expires_at: shapes.Time
    server_time: shapes.Time

    @classmethod
    def of(cls, claims: Claims, devices: int, now: datetime) -> "RegistrationSuccess":
        """From the core's types."""
        return cls(
            claims.user_id,
            claims.session_id,
            devices,
            shapes.time(claims.expires_at),
            shapes.time(now),
        )


class AuthError(msgspec.Struct, frozen=True):
    """`auth_error`."""

    code: str
    message: str

    @classmethod
    def of(cls, error: ChatError) -> "AuthError":
        """From the core's error."""
        return cls(error.code, error.detail)


class PresenceChange(msgspec.Struct, frozen=True, rename="camel"):
    """`presence_changed`."""

    user_id: str
    online: bool
    last_seen_at: shapes.Time | None


class UserUpdate(msgspec.Struct, frozen=True):
    """`user_updated`."""

    user: shapes.User


class RegisteredAck(RegistrationSuccess, frozen=True, rename="camel"):
    """The ack of `register_user`."""

    ok: bool = True


class SentAck(msgspec.Struct, frozen=True):
    """The ack of `send_message`."""

    message: shapes.Message
    duplicate: bool
    ok: bool = True

    @classmethod
    def of(cls, appended: Appended, viewer: UserId) -> "SentAck":
        """From the core's type."""
        return cls(shapes.Message.of(appended.message, viewer), appended.duplicate)


class ErrorAck(msgspec.Struct, frozen=True):
    """The ack of an event that failed."""

    error: Problem
    ok: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """An event by its name on the wire, with what everyone gets, and who gets another payload."""

    name: str
    payload: msgspec.Struct
    payload_for: Mapping[UserId, msgspec.Struct] = field(default_factory=dict)


def push(event: Event) -> Push:
    """How clients are told of an event."""
    match event:
        case MessageSent(message):
            own = {}
            if message.client_message_id is not None:
                own[message.sender_id] = shapes.Message.of(message, message.sender_id)
            return Push("new_message", shapes.Message.of(message, None), own)
        case PresenceChanged(user_id, online, last_seen_at):
            change = PresenceChange(user_id, online, shapes.maybe_time(last_seen_at))
            return Push("presence_changed", change)
        case UserUpdated(user, presence):
            return Push("user_updated", UserUpdate(shapes.User.of(user, presence)))

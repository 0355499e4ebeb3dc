"""Every socket event by name, with the types of its payload and its ack."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from chat_wire import events, requests, shapes


@dataclass(frozen=True, slots=True)
class ClientEvent:
    """An event that a client may send."""

    payload: type[requests.Request]
    ack: type[msgspec.Struct]
    """The type of the ack after success. After a failure the ack is an `events.ErrorAck`."""


CLIENT_EVENTS: Mapping[str, ClientEvent] = {
    "register_user": ClientEvent(requests.Register, events.RegisteredAck),
    "send_message": ClientEvent(requests.SendMessage, events.SentAck),
    "sync": ClientEvent(requests.Sync, events.SyncAck),
    "mark_delivered": ClientEvent(requests.Mark, events.MarkedAck),
    "mark_read": ClientEvent(requests.Mark, events.MarkedAck),
    "typing": ClientEvent(requests.Typing, events.DoneAck),
}

LOG_EVENTS: Mapping[str, type[msgspec.Struct]] = {
    "new_message": shapes.Message,
    "message_updated": events.MessageUpdate,
    "conversation_updated": events.ConversationUpdate,
}
"""The pushes that come from a log. `sync` returns them under the same names."""

SERVER_EVENTS: Mapping[str, type[msgspec.Struct]] = {
    "registration_success": events.RegistrationSuccess,
    "auth_error": events.AuthError,
    **LOG_EVENTS,
    "receipt": events.ReceiptUpdate,
    "typing": events.TypingUpdate,
    "presence_changed": events.PresenceChange,
    "user_updated": events.UserUpdate,
    "server_closing": events.ServerClosing,
}

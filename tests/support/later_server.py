"""The service as a later version may be: its log has entries that clients of today do not know.

Stored is what this version stores, so places and `sync` are the real ones. On sockets

- an edit or a deletion is `reactions_changed`, an event with a place in the log;
- another title is `metadata_changed`, a change that names its author as `userId`;
- the role admin is `moderator`;
- typing is `preferences_changed`, an event without a place, and its end one without a payload;
- a message has fields that this version does not know.
"""

import sys

import msgspec

from chat_core.conversations import Role
from chat_core.events import (
    ChangeKind,
    ConversationUpdated,
    Event,
    MessageSent,
    MessageUpdated,
    TypingChanged,
)
from chat_core.ids import UserId
from chat_server.cli import main
from chat_socketio import packets
from chat_wire import events

LATER = (sys.executable, __file__, "run")
"""How to start it."""

MESSAGE = {
    "replyToId": None,
    "mentions": None,
    "metadata": {"colour": "red"},
    "reactions": [{"key": "👍", "count": 1, "userIds": ["someone"]}],
    "reactionsSeq": 99,
    "attachments": [],
}
"""What a message has besides."""

BARE = "unheard_of"
"""The event that comes without a payload."""

_push, _packet = events.push, packets.event


def push(event: Event, viewer: UserId | None = None) -> events.Push:
    """As this version does, or as a later one may."""
    told = _push(event, viewer)
    name, payload = told.name, msgspec.to_builtins(told.payload)
    match event:
        case MessageSent():
            payload |= MESSAGE
        case MessageUpdated(seq, message):
            name = "reactions_changed"
            payload = {"conversationId": message.conversation_id, "seq": seq}
            payload |= {"messageId": message.id, "userId": message.sender_id}
            payload |= {"key": "👍", "on": True}
        case ConversationUpdated(change=ChangeKind.TITLE_CHANGED, actor_id=actor):
            payload |= {"change": "metadata_changed", "userId": actor, "title": None}
            payload |= {"metadata": {"colour": "red"}}
        case ConversationUpdated(role=Role.ADMIN):
            payload |= {"role": "moderator"}
        case TypingChanged(conversation_id, typing=True):
            name = "preferences_changed"
            preferences = {"notifications": "none", "mutedUntil": None, "archived": True}
            payload = {"conversationId": conversation_id, "preferences": preferences}
        case TypingChanged():
            name = BARE
    shape = msgspec.defstruct("Later", list(payload))
    return events.Push(name, shape(**payload))


def packet(name: str, payload: object) -> str:
    """As this version writes an event, or without a payload."""
    return f'{packets.EVENT}["{name}"]' if name == BARE else _packet(name, payload)


if __name__ == "__main__":
    events.push = push
    packets.event = packet
    main()

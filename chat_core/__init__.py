"""chat-core: a chat domain that any product can import; the standard library is all it needs."""

from chat_core.conversations import Conversation, ConversationKind, Member, Overview, Receipt, Role
from chat_core.errors import ChatError, ErrorKind, FieldError
from chat_core.events import Event, MessageSent, PresenceChanged, UserUpdated
from chat_core.ids import (
    ClientMessageId,
    ConnectionId,
    ConversationId,
    MessageId,
    SessionId,
    UserId,
)
from chat_core.limits import Limit
from chat_core.messages import History, Message, Recipient, ToConversation, ToUser
from chat_core.pages import Page
from chat_core.presence import PresenceChange, PresenceTracker, UserPresence
from chat_core.services.accounts import Accounts, NewAccount, SignupPolicy
from chat_core.services.conversations import Conversations
from chat_core.services.delivery import Delivery
from chat_core.services.messaging import MessageLimits, Messaging
from chat_core.services.presence import Presence
from chat_core.services.sessions import LoginLimits, Sessions
from chat_core.sessions import AccessToken, Actor, Claims, Login, Session
from chat_core.users import Credentials, ProfileChange, User

__all__ = [
    "AccessToken",
    "Accounts",
    "Actor",
    "ChatError",
    "Claims",
    "ClientMessageId",
    "ConnectionId",
    "Conversation",
    "ConversationId",
    "ConversationKind",
    "Conversations",
    "Credentials",
    "Delivery",
    "ErrorKind",
    "Event",
    "FieldError",
    "History",
    "Limit",
    "Login",
    "LoginLimits",
    "Member",
    "Message",
    "MessageId",
    "MessageLimits",
    "MessageSent",
    "Messaging",
    "NewAccount",
    "Overview",
    "Page",
    "Presence",
    "PresenceChange",
    "PresenceChanged",
    "PresenceTracker",
    "ProfileChange",
    "Receipt",
    "Recipient",
    "Role",
    "Session",
    "SessionId",
    "Sessions",
    "SignupPolicy",
    "ToConversation",
    "ToUser",
    "User",
    "UserId",
    "UserPresence",
    "UserUpdated",
]

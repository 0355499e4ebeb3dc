"""chat-core: a chat domain that any product can import; the standard library is all it needs."""

from chat_core.conversations import Conversation, ConversationKind, Member, Overview, Receipt, Role
from chat_core.errors import ChatError, ErrorKind, FieldError
from chat_core.events import (
    ConversationUpdated,
    Event,
    LogEvent,
    MessageSent,
    MessageUpdated,
    PresenceChanged,
    ReceiptMoved,
    UserUpdated,
)
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
from chat_core.services.administration import Administration
from chat_core.services.blocking import Blocking
from chat_core.services.conversations import Conversations, NewGroup
from chat_core.services.delivery import Delivery
from chat_core.services.erasure import Erasure
from chat_core.services.messaging import MessageLimits, Messaging
from chat_core.services.presence import Presence
from chat_core.services.receipts import Receipts, Typing
from chat_core.services.revocation import Revocations
from chat_core.services.sessions import LoginLimits, Sessions
from chat_core.services.synchronising import Synchronising, SyncRequest
from chat_core.sessions import AccessToken, Actor, Claims, Login, RefreshLimits, Session
from chat_core.users import Credentials, ProfileChange, User

__all__ = [
    "AccessToken",
    "Accounts",
    "Actor",
    "Administration",
    "Blocking",
    "ChatError",
    "Claims",
    "ClientMessageId",
    "ConnectionId",
    "Conversation",
    "ConversationId",
    "ConversationKind",
    "ConversationUpdated",
    "Conversations",
    "Credentials",
    "Delivery",
    "Erasure",
    "ErrorKind",
    "Event",
    "FieldError",
    "History",
    "Limit",
    "LogEvent",
    "Login",
    "LoginLimits",
    "Member",
    "Message",
    "MessageId",
    "MessageLimits",
    "MessageSent",
    "MessageUpdated",
    "Messaging",
    "NewAccount",
    "NewGroup",
    "Overview",
    "Page",
    "Presence",
    "PresenceChange",
    "PresenceChanged",
    "PresenceTracker",
    "ProfileChange",
    "Receipt",
    "ReceiptMoved",
    "Receipts",
    "Recipient",
    "RefreshLimits",
    "Revocations",
    "Role",
    "Session",
    "SessionId",
    "Sessions",
    "SignupPolicy",
    "SyncRequest",
    "Synchronising",
    "ToConversation",
    "ToUser",
    "Typing",
    "User",
    "UserId",
    "UserPresence",
    "UserUpdated",
]

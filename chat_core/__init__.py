"""chat-core: a chat domain that any product can import. It needs only the standard library.

`Chat.compose` connects the services. `chat_core.ports` has the interfaces that they need,
`chat_core.memory` the adapters that need no library, `chat_core.errors` all errors, and
`chat_core.testing` the tests for products and adapters. Times are in UTC, in whole milliseconds.
"""

from chat_core.account_services import AccountLimits, AccountServices
from chat_core.bodies import Body
from chat_core.chat import Chat, ChatLimits
from chat_core.conversations import (
    ActivityPlace,
    Change,
    Conversation,
    ConversationKind,
    Member,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Overview,
    Receipt,
    Role,
    RoleChanged,
    Standing,
    TitleChanged,
)
from chat_core.errors import ChatError, ErrorKind, FieldError
from chat_core.events import (
    ChangeKind,
    ConversationUpdated,
    Event,
    LogEvent,
    MessageSent,
    MessageUpdated,
    PresenceChanged,
    ReceiptMoved,
    TypingChanged,
    UserUpdated,
)
from chat_core.ids import (
    ClientConversationId,
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
from chat_core.passwords import PasswordRules
from chat_core.presence import PresenceChange, PresenceTracker, UserPresence
from chat_core.services.accounts import Accounts, NewAccount, SignupPolicy
from chat_core.services.administration import Administration
from chat_core.services.blocking import Blocking
from chat_core.services.conversations import Conversations, GroupLimits, NewGroup, Opened
from chat_core.services.delivery import Delivery
from chat_core.services.erasure import Erasure
from chat_core.services.export import Export
from chat_core.services.external_sessions import ExternalSessions
from chat_core.services.fair_queue import FairQueue
from chat_core.services.login_attempts import LoginLimits
from chat_core.services.messaging import MessageLimits, Messaging
from chat_core.services.presence import Presence
from chat_core.services.purging import SessionPurge
from chat_core.services.receipts import Receipts, Typing
from chat_core.services.retention import Retention
from chat_core.services.revocation import Revocations
from chat_core.services.sessions import ListedSession, Sessions
from chat_core.services.synchronising import (
    SyncAnswer,
    SyncedConversation,
    Synchronising,
    SyncPlace,
    SyncRequest,
)
from chat_core.sessions import (
    AccessToken,
    Actor,
    Claims,
    Login,
    RefreshChain,
    RefreshLimits,
    RefreshUse,
    Session,
)
from chat_core.users import UNCHANGED, Credentials, NamePlace, ProfileChange, User, fold

__all__ = [
    "UNCHANGED",
    "AccessToken",
    "AccountLimits",
    "AccountServices",
    "Accounts",
    "ActivityPlace",
    "Actor",
    "Administration",
    "Blocking",
    "Body",
    "Change",
    "ChangeKind",
    "Chat",
    "ChatError",
    "ChatLimits",
    "Claims",
    "ClientConversationId",
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
    "Export",
    "ExternalSessions",
    "FairQueue",
    "FieldError",
    "GroupLimits",
    "History",
    "Limit",
    "ListedSession",
    "LogEvent",
    "Login",
    "LoginLimits",
    "Member",
    "MemberAdded",
    "MemberDeleted",
    "MemberRemoved",
    "Message",
    "MessageId",
    "MessageLimits",
    "MessageSent",
    "MessageUpdated",
    "Messaging",
    "NamePlace",
    "NewAccount",
    "NewGroup",
    "Opened",
    "Overview",
    "Page",
    "PasswordRules",
    "Presence",
    "PresenceChange",
    "PresenceChanged",
    "PresenceTracker",
    "ProfileChange",
    "Receipt",
    "ReceiptMoved",
    "Receipts",
    "Recipient",
    "RefreshChain",
    "RefreshLimits",
    "RefreshUse",
    "Retention",
    "Revocations",
    "Role",
    "RoleChanged",
    "Session",
    "SessionId",
    "SessionPurge",
    "Sessions",
    "SignupPolicy",
    "Standing",
    "SyncAnswer",
    "SyncPlace",
    "SyncRequest",
    "SyncedConversation",
    "Synchronising",
    "TitleChanged",
    "ToConversation",
    "ToUser",
    "Typing",
    "TypingChanged",
    "User",
    "UserId",
    "UserPresence",
    "UserUpdated",
    "fold",
]

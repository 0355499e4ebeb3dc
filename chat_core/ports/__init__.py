"""Ports: the interfaces that the services use. A port's docstring is its contract.

Each sentence of a contract has a test in `chat_core.testing`. Every adapter, the in-memory ones
included, runs these tests.
"""

from chat_core.ports.conversation_stores import ConversationStores
from chat_core.ports.limits import RateLimiter
from chat_core.ports.log import (
    Appended,
    ChangeDraft,
    Committed,
    ConversationLog,
    CreationDraft,
    Done,
    Draft,
    Follower,
    MessageDraft,
    Outcome,
    RevisionDraft,
    Stale,
)
from chat_core.ports.log_store import (
    ChangeWrite,
    CreationWrite,
    FirstSent,
    Head,
    LogStore,
    MessageWrite,
    RevisionWrite,
    Verdict,
    Verdicts,
    Write,
)
from chat_core.ports.maintenance import Maintenance
from chat_core.ports.notifications import Connections, Notifier
from chat_core.ports.retention import LogRetention, OldFront
from chat_core.ports.security import PasswordHasher, SecurityEvents, TokenIssuer, TokenVerifier
from chat_core.ports.storage import (
    AccountStore,
    BlockStore,
    ConversationStore,
    LogReader,
    ReceiptStore,
    SessionStore,
    UserDirectory,
    UserStore,
)
from chat_core.ports.system import Clock, IdGenerator, Timer

__all__ = [
    "AccountStore",
    "Appended",
    "BlockStore",
    "ChangeDraft",
    "ChangeWrite",
    "Clock",
    "Committed",
    "Connections",
    "ConversationLog",
    "ConversationStore",
    "ConversationStores",
    "CreationDraft",
    "CreationWrite",
    "Done",
    "Draft",
    "FirstSent",
    "Follower",
    "Head",
    "IdGenerator",
    "LogReader",
    "LogRetention",
    "LogStore",
    "Maintenance",
    "MessageDraft",
    "MessageWrite",
    "Notifier",
    "OldFront",
    "Outcome",
    "PasswordHasher",
    "RateLimiter",
    "ReceiptStore",
    "RevisionDraft",
    "RevisionWrite",
    "SecurityEvents",
    "SessionStore",
    "Stale",
    "Timer",
    "TokenIssuer",
    "TokenVerifier",
    "UserDirectory",
    "UserStore",
    "Verdict",
    "Verdicts",
    "Write",
]

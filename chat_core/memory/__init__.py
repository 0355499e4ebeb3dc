"""In-memory adapters for all ports: fakes for tests, and a service without storage.

They pass the same contract tests (`chat_core.testing`) as the real adapters.
"""

from chat_core.memory.blocks import MemoryBlockStore
from chat_core.memory.caching import CachedBlocks, CachedConversations, CacheTellingLog
from chat_core.memory.conversations import MemoryConversations
from chat_core.memory.limits import MemoryRateLimiter
from chat_core.memory.log_store import MemoryLogStore
from chat_core.memory.notifications import Notification, RecordingNotifier
from chat_core.memory.retention import MemoryLogRetention
from chat_core.memory.security import PlainHasher, PlainTokens, RecordingSecurityEvents
from chat_core.memory.sessions import MemorySessionStore
from chat_core.memory.stores import memory_conversations
from chat_core.memory.system import RandomIds, SystemClock
from chat_core.memory.users import MemoryUserStore

__all__ = [
    "CacheTellingLog",
    "CachedBlocks",
    "CachedConversations",
    "MemoryBlockStore",
    "MemoryConversations",
    "MemoryLogRetention",
    "MemoryLogStore",
    "MemoryRateLimiter",
    "MemorySessionStore",
    "MemoryUserStore",
    "Notification",
    "PlainHasher",
    "PlainTokens",
    "RandomIds",
    "RecordingNotifier",
    "RecordingSecurityEvents",
    "SystemClock",
    "memory_conversations",
]

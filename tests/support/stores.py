"""The stores of one backend, so that a test can run over any of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from chat_core.memory import MemoryConversations, MemorySessionStore, MemoryUserStore
from chat_core.ports.storage import ConversationLog, ConversationStore, SessionStore, UserStore


@dataclass(frozen=True, slots=True)
class Stores:
    """The storage ports of one backend, empty at first."""

    users: UserStore
    sessions: SessionStore
    conversations: ConversationStore
    log: ConversationLog


@asynccontextmanager
async def memory_stores() -> AsyncIterator[Stores]:
    """Stores in dictionaries."""
    conversations = MemoryConversations()
    yield Stores(MemoryUserStore(), MemorySessionStore(), conversations, conversations)

"""The stores of one backend, so that a test can run over any of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chat_core.memory import MemoryConversations, MemorySessionStore, MemoryUserStore
from chat_core.ports.storage import ConversationLog, ConversationStore, SessionStore, UserStore
from chat_sqlite import (
    SqliteConversationLog,
    SqliteConversationStore,
    SqliteDatabase,
    SqliteSessionStore,
    SqliteUserStore,
)


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


@asynccontextmanager
async def sqlite_stores() -> AsyncIterator[Stores]:
    """Stores in a file that is gone afterwards."""
    with TemporaryDirectory() as folder:
        database = await SqliteDatabase.open(Path(folder) / "chat.db")
        try:
            yield sqlite_stores_in(database)
        finally:
            await database.close()


def sqlite_stores_in(database: SqliteDatabase) -> Stores:
    """The stores in an open file."""
    return Stores(
        SqliteUserStore(database),
        SqliteSessionStore(database),
        SqliteConversationStore(database),
        SqliteConversationLog(database),
    )

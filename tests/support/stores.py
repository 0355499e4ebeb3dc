"""The stores of one backend, so that a test can run over any of them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chat_core.memory import (
    MemoryBlockStore,
    MemoryConversationLog,
    MemoryConversations,
    MemorySessionStore,
    MemoryUserStore,
)
from chat_core.ports.log import ConversationLog
from chat_core.ports.storage import (
    BlockStore,
    ConversationStore,
    LogReader,
    ReceiptStore,
    SessionStore,
    UserStore,
)
from chat_sqlite import (
    SqliteBlockStore,
    SqliteConversationLog,
    SqliteConversationStore,
    SqliteDatabase,
    SqliteLogReader,
    SqliteReceiptStore,
    SqliteSessionStore,
    SqliteUserStore,
)


@dataclass(frozen=True, slots=True)
class Stores:
    """The storage ports of one backend, empty at first."""

    users: UserStore
    sessions: SessionStore
    conversations: ConversationStore
    reader: LogReader
    receipts: ReceiptStore
    blocks: BlockStore
    log: ConversationLog


@asynccontextmanager
async def memory_stores() -> AsyncIterator[Stores]:
    """Stores in dictionaries."""
    conversations = MemoryConversations()
    yield Stores(
        users=MemoryUserStore(),
        sessions=MemorySessionStore(),
        conversations=conversations,
        reader=conversations,
        receipts=conversations,
        blocks=MemoryBlockStore(),
        log=MemoryConversationLog(conversations),
    )


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
        users=SqliteUserStore(database),
        sessions=SqliteSessionStore(database),
        conversations=SqliteConversationStore(database),
        reader=SqliteLogReader(database),
        receipts=SqliteReceiptStore(database),
        blocks=SqliteBlockStore(database),
        log=SqliteConversationLog(database),
    )

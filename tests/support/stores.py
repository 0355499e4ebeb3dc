"""The stores of one backend, so that a test can run over any of them."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chat_core.log import Log
from chat_core.memory import (
    MemoryBlockStore,
    MemoryConversations,
    MemoryLogRetention,
    MemoryLogStore,
    MemorySessionStore,
    MemoryUserStore,
)
from chat_core.ports.log import ConversationLog
from chat_core.ports.retention import LogRetention
from chat_core.ports.storage import (
    AccountStore,
    BlockStore,
    ConversationStore,
    LogReader,
    ReceiptStore,
    SessionStore,
    UserStore,
)
from chat_mongo import (
    MongoBlockStore,
    MongoConversationStore,
    MongoDatabase,
    MongoLogReader,
    MongoLogRetention,
    MongoReceiptStore,
    MongoSessionStore,
    MongoUserStore,
    mongo_log,
)
from chat_mongo.documents import DOCUMENTS, MetaDocument
from chat_sqlite import (
    SqliteBlockStore,
    SqliteConversationStore,
    SqliteDatabase,
    SqliteLogReader,
    SqliteLogRetention,
    SqliteLogStore,
    SqliteReceiptStore,
    SqliteSessionStore,
    SqliteUserStore,
)
from tests.support.mongod import mongodb_url


@dataclass(frozen=True, slots=True)
class Stores:
    """The storage ports of one backend, empty at first."""

    users: UserStore
    accounts: AccountStore
    sessions: SessionStore
    conversations: ConversationStore
    reader: LogReader
    receipts: ReceiptStore
    blocks: BlockStore
    log: ConversationLog
    retention: LogRetention


@asynccontextmanager
async def memory_stores() -> AsyncIterator[Stores]:
    """Stores in dictionaries."""
    conversations, users = MemoryConversations(), MemoryUserStore()
    yield Stores(
        users=users,
        accounts=users,
        sessions=MemorySessionStore(),
        conversations=conversations,
        reader=conversations,
        receipts=conversations,
        blocks=MemoryBlockStore(),
        log=Log(MemoryLogStore(conversations)),
        retention=MemoryLogRetention(conversations),
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
    users = SqliteUserStore(database)
    return Stores(
        users=users,
        accounts=users,
        sessions=SqliteSessionStore(database),
        conversations=SqliteConversationStore(database),
        reader=SqliteLogReader(database),
        receipts=SqliteReceiptStore(database),
        blocks=SqliteBlockStore(database),
        log=Log(SqliteLogStore(database)),
        retention=SqliteLogRetention(database),
    )


@asynccontextmanager
async def mongo_stores() -> AsyncIterator[Stores]:
    """Stores in a database that is emptied before."""
    async with empty_database() as database:
        log = mongo_log(database)
        try:
            yield mongo_stores_in(database, log)
        finally:
            await log.close()


@asynccontextmanager
async def empty_database() -> AsyncIterator[MongoDatabase]:
    """This process's own database on the tests' mongod, without a document."""
    # A machine that is busy with other tests may hold up a call for seconds.
    name = f"test_{os.getpid()}"
    database = await MongoDatabase.open(mongodb_url(), name, patience=60, call_seconds=30)
    try:
        for document in DOCUMENTS:
            if document is not MetaDocument:
                await database.collection(document).delete_many({})
        yield database
    finally:
        await database.close()


def mongo_stores_in(database: MongoDatabase, log: Log) -> Stores:
    """The stores in an open database."""
    users = MongoUserStore(database)
    return Stores(
        users=users,
        accounts=users,
        sessions=MongoSessionStore(database),
        conversations=MongoConversationStore(database),
        reader=MongoLogReader(database),
        receipts=MongoReceiptStore(database),
        blocks=MongoBlockStore(database),
        log=log,
        retention=MongoLogRetention(database),
    )

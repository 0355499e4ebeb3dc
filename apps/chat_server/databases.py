"""The storage adapters behind the ports, chosen by `DATABASE_URL`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chat_core.log import Log
from chat_core.measures import Calls, Commits
from chat_core.memory import (
    MemoryBlockStore,
    MemoryConversations,
    MemoryLogRetention,
    MemoryLogStore,
    MemorySessionStore,
    MemoryUserStore,
)
from chat_core.ports.log import ConversationLog
from chat_core.ports.maintenance import DatabaseNotReady, DatabaseRefused, Maintenance
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
from chat_core.services.fair_queue import TURNS_AT_ONCE
from chat_server.database_url import MemoryDatabase, MongoDatabase, SqliteDatabase
from chat_server.settings import Settings
from chat_sqlite import (
    Copied,
    CopyRefused,
    SqliteBlockStore,
    SqliteConversationStore,
    SqliteLogReader,
    SqliteLogRetention,
    SqliteLogStore,
    SqliteMaintenance,
    SqliteReceiptStore,
    SqliteSessionStore,
    SqliteUserStore,
    back_up,
    restore,
    vacuum,
)
from chat_sqlite import SqliteDatabase as SqliteFile

if TYPE_CHECKING:
    from chat_mongo import OriginalDatabase

__all__ = [
    "Copied",
    "CopyRefused",
    "DatabaseNotReady",
    "DatabaseRefused",
    "Stores",
    "back_up",
    "maintenance",
    "open_original",
    "open_stores",
    "restore",
    "vacuum",
]

MONGO_READS_AT_ONCE = 32
"""Higher than for SQLite, because MongoDB is behind a network and its driver has a connection for
each read."""
PATIENCE_SECONDS = 10.0
"""Default time that opening waits for a database."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of an open database, with its health check and measurements."""

    users: UserStore
    accounts: AccountStore
    sessions: SessionStore
    conversations: ConversationStore
    reader: LogReader
    receipts: ReceiptStore
    blocks: BlockStore
    log: ConversationLog
    retention: LogRetention
    check: Callable[[], Awaitable[None]]
    commits: Commits = field(default_factory=Commits)
    calls: Calls = field(default_factory=Calls)
    free_bytes: Callable[[], int] | None = None
    """Returns the free bytes on the database's disk, if the disk belongs to this machine."""
    reads_at_once: int = TURNS_AT_ONCE
    """Maximum number of reads that run at the same time for callers that take turns."""


@asynccontextmanager
async def open_stores(
    settings: Settings, *, patience: float = PATIENCE_SECONDS
) -> AsyncIterator[Stores]:
    """Open the stores that `DATABASE_URL` names, and close them at the end.

    Waits up to `patience` seconds for a primary. Raises `DatabaseRefused`.
    """
    match settings.database:
        case MemoryDatabase():
            memory, memory_users = MemoryConversations(), MemoryUserStore()
            yield Stores(
                users=memory_users,
                accounts=memory_users,
                sessions=MemorySessionStore(),
                conversations=memory,
                reader=memory,
                receipts=memory,
                blocks=MemoryBlockStore(),
                log=Log(MemoryLogStore(memory)),
                retention=MemoryLogRetention(memory),
                check=_nothing_to_ask,
            )
        case SqliteDatabase(path):
            file = await SqliteFile.open(path)
            file_users, file_log = SqliteUserStore(file), Log(SqliteLogStore(file))
            try:
                yield Stores(
                    users=file_users,
                    accounts=file_users,
                    sessions=SqliteSessionStore(file),
                    conversations=SqliteConversationStore(file),
                    reader=SqliteLogReader(file),
                    receipts=SqliteReceiptStore(file),
                    blocks=SqliteBlockStore(file),
                    log=file_log,
                    retention=SqliteLogRetention(file),
                    check=file.check,
                    commits=file.commits,
                    calls=file.calls,
                    free_bytes=file.free_bytes,
                )
            finally:
                await file_log.close()
                await file.close()
        case MongoDatabase(url, name):
            # Imported here because the driver takes a quarter of the CPU time of a start, and 9 MB.
            from chat_mongo import (  # noqa: PLC0415
                MongoBlockStore,
                MongoConversationStore,
                MongoLogReader,
                MongoLogRetention,
                MongoReceiptStore,
                MongoSessionStore,
                MongoUserStore,
                mongo_log,
            )
            from chat_mongo import MongoDatabase as MongoClient  # noqa: PLC0415

            client = await MongoClient.open(url, name, patience=patience)
            log, client_users = mongo_log(client), MongoUserStore(client)
            try:
                yield Stores(
                    users=client_users,
                    accounts=client_users,
                    sessions=MongoSessionStore(client),
                    conversations=MongoConversationStore(client),
                    reader=MongoLogReader(client),
                    receipts=MongoReceiptStore(client),
                    blocks=MongoBlockStore(client),
                    log=log,
                    retention=MongoLogRetention(client),
                    check=client.check,
                    commits=log.commits,
                    calls=client.calls,
                    reads_at_once=MONGO_READS_AT_ONCE,
                )
            finally:
                await log.close()
                await client.close()


def maintenance(settings: Settings) -> Maintenance | None:
    """Return the maintenance of the database that `DATABASE_URL` names, or None for memory."""
    match settings.database:
        case SqliteDatabase(path):
            return SqliteMaintenance(path)
        case MongoDatabase(url, name):
            from chat_mongo import MongoMaintenance  # noqa: PLC0415

            return MongoMaintenance(url, name)
        case MemoryDatabase():
            return None


@asynccontextmanager
async def open_original(url: str) -> AsyncIterator["OriginalDatabase"]:
    """Open the original system's database at that URL for reading, and close it at the end."""
    from chat_mongo import OriginalDatabase  # noqa: PLC0415

    original = await OriginalDatabase.open(url)
    try:
        yield original
    finally:
        await original.close()


async def _nothing_to_ask() -> None:
    pass

"""All conversation stores of one file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from chat_core.log import Log
from chat_core.ports.conversation_stores import ConversationStores
from chat_sqlite.blocks import SqliteBlockStore
from chat_sqlite.conversations import SqliteConversationStore
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.log_store import SqliteLogStore
from chat_sqlite.reader import SqliteLogReader
from chat_sqlite.receipts import SqliteReceiptStore


@asynccontextmanager
async def sqlite_conversations(path: str | Path) -> AsyncIterator[ConversationStores]:
    """Open the stores in that file, create it if it is missing, and close it at the end.

    Raises `DatabaseRefused` if the file can't be used. The file is only for chat; put a product's
    own tables into another file.
    """
    database = await SqliteDatabase.open(Path(path))
    log = Log(SqliteLogStore(database))
    try:
        yield ConversationStores(
            conversations=SqliteConversationStore(database),
            reader=SqliteLogReader(database),
            log=log,
            receipts=SqliteReceiptStore(database),
            blocks=SqliteBlockStore(database),
        )
    finally:
        await log.close()
        await database.close()

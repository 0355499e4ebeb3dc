"""The stores of conversations in one database, together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chat_core.ports.conversation_stores import ConversationStores
from chat_mongo.blocks import MongoBlockStore
from chat_mongo.conversations import MongoConversationStore
from chat_mongo.database import MongoDatabase
from chat_mongo.log_store import mongo_log
from chat_mongo.reader import MongoLogReader
from chat_mongo.standings import MongoReceiptStore


@asynccontextmanager
async def mongo_conversations(url: str, name: str = "chat") -> AsyncIterator[ConversationStores]:
    """The stores in the database of that name on a replica set; it is closed at the end.

    The names of their collections begin with `chat_`, so that it may be a product's own database.
    Raises `DatabaseRefused` where it can't be used.
    """
    database = await MongoDatabase.open(url, name)
    log = mongo_log(database)
    try:
        yield ConversationStores(
            conversations=MongoConversationStore(database),
            reader=MongoLogReader(database),
            log=log,
            receipts=MongoReceiptStore(database),
            blocks=MongoBlockStore(database),
        )
    finally:
        await log.close()
        await database.close()

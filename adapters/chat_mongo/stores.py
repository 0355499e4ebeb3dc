"""All conversation stores of one database."""

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
    """Open the stores in that database of a replica set, and close it at the end.

    The names of all collections begin with `chat_`, so you can use your product's own database.
    Raises `DatabaseRefused` if the database can't be used.
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

"""Storage in MongoDB, with Beanie and pymongo's asynchronous client (extra `mongo`)."""

try:
    from chat_core.ports.maintenance import DatabaseNotReady, DatabaseRefused
    from chat_mongo.blocks import MongoBlockStore
    from chat_mongo.conversations import MongoConversationStore
    from chat_mongo.database import MongoDatabase
    from chat_mongo.log_store import MongoLogStore, mongo_log
    from chat_mongo.maintenance import MongoMaintenance
    from chat_mongo.original import (
        Batches,
        OriginalCounts,
        OriginalDatabase,
        OriginalMessage,
        OriginalUser,
    )
    from chat_mongo.reader import MongoLogReader
    from chat_mongo.retention import MongoLogRetention
    from chat_mongo.sessions import MongoSessionStore
    from chat_mongo.standings import MongoReceiptStore
    from chat_mongo.stores import mongo_conversations
    from chat_mongo.users import MongoUserStore
except ModuleNotFoundError as error:
    if error.name not in {"beanie", "bson", "pymongo"}:
        raise
    raise ImportError(
        f'chat_mongo needs {error.name}: pip install "chat-core[mongo]"', name=error.name
    ) from error

__all__ = [
    "Batches",
    "DatabaseNotReady",
    "DatabaseRefused",
    "MongoBlockStore",
    "MongoConversationStore",
    "MongoDatabase",
    "MongoLogReader",
    "MongoLogRetention",
    "MongoLogStore",
    "MongoMaintenance",
    "MongoReceiptStore",
    "MongoSessionStore",
    "MongoUserStore",
    "OriginalCounts",
    "OriginalDatabase",
    "OriginalMessage",
    "OriginalUser",
    "mongo_conversations",
    "mongo_log",
]

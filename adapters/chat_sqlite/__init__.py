"""Storage in one SQLite file: write-ahead log, `synchronous=FULL`, many appends per commit."""

from chat_core.ports.maintenance import DatabaseNotReady, DatabaseRefused
from chat_sqlite.blocks import SqliteBlockStore
from chat_sqlite.conversations import SqliteConversationStore
from chat_sqlite.copies import Copied, CopyRefused, back_up, restore, vacuum
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.log_store import SqliteLogStore
from chat_sqlite.maintenance import SqliteMaintenance
from chat_sqlite.reader import SqliteLogReader
from chat_sqlite.receipts import SqliteReceiptStore
from chat_sqlite.retention import SqliteLogRetention
from chat_sqlite.schema import SCHEMA_VERSION
from chat_sqlite.sessions import SqliteSessionStore
from chat_sqlite.stores import sqlite_conversations
from chat_sqlite.users import SqliteUserStore

__all__ = [
    "SCHEMA_VERSION",
    "Copied",
    "CopyRefused",
    "DatabaseNotReady",
    "DatabaseRefused",
    "SqliteBlockStore",
    "SqliteConversationStore",
    "SqliteDatabase",
    "SqliteLogReader",
    "SqliteLogRetention",
    "SqliteLogStore",
    "SqliteMaintenance",
    "SqliteReceiptStore",
    "SqliteSessionStore",
    "SqliteUserStore",
    "back_up",
    "restore",
    "sqlite_conversations",
    "vacuum",
]

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat_core.log import Log
from chat_core.testing.accounts_contract import AccountStoreContract
from chat_core.testing.blocks_contract import BlockStoreContract
from chat_core.testing.conversations_contract import ConversationStoreContract
from chat_core.testing.log_contract import ConversationLogContract
from chat_core.testing.log_store_contract import LogStoreContract
from chat_core.testing.reader_contract import LogReaderContract
from chat_core.testing.receipts_contract import ReceiptStoreContract
from chat_core.testing.retention_contract import LogRetentionContract
from chat_core.testing.sessions_contract import SessionStoreContract
from chat_core.testing.users_contract import UserStoreContract
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


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(tmp_path / "chat.db")
    yield database
    await database.close()


@pytest.fixture
def users(database: SqliteDatabase) -> SqliteUserStore:
    return SqliteUserStore(database)


@pytest.fixture
def accounts(users: SqliteUserStore) -> SqliteUserStore:
    return users


@pytest.fixture
def sessions(database: SqliteDatabase) -> SqliteSessionStore:
    return SqliteSessionStore(database)


@pytest.fixture
def conversations(database: SqliteDatabase) -> SqliteConversationStore:
    return SqliteConversationStore(database)


@pytest.fixture
def reader(database: SqliteDatabase) -> SqliteLogReader:
    return SqliteLogReader(database)


@pytest.fixture
def receipts(database: SqliteDatabase) -> SqliteReceiptStore:
    return SqliteReceiptStore(database)


@pytest.fixture
def blocks(database: SqliteDatabase) -> SqliteBlockStore:
    return SqliteBlockStore(database)


@pytest.fixture
def retention(database: SqliteDatabase) -> SqliteLogRetention:
    return SqliteLogRetention(database)


@pytest.fixture
def log_store(database: SqliteDatabase) -> SqliteLogStore:
    return SqliteLogStore(database)


@pytest.fixture
def log(log_store: SqliteLogStore) -> Log:
    return Log(log_store)


class TestSqliteUserStore(UserStoreContract):
    pass


class TestSqliteAccountStore(AccountStoreContract):
    pass


class TestSqliteSessionStore(SessionStoreContract):
    pass


class TestSqliteConversationStore(ConversationStoreContract):
    pass


class TestSqliteLogReader(LogReaderContract):
    pass


class TestSqliteLogStore(LogStoreContract):
    pass


class TestLogInSqlite(ConversationLogContract):
    pass


class TestSqliteReceiptStore(ReceiptStoreContract):
    pass


class TestSqliteBlockStore(BlockStoreContract):
    pass


class TestSqliteLogRetention(LogRetentionContract):
    pass

from collections.abc import AsyncIterator

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
from chat_mongo import (
    MongoBlockStore,
    MongoConversationStore,
    MongoDatabase,
    MongoLogReader,
    MongoLogRetention,
    MongoLogStore,
    MongoReceiptStore,
    MongoSessionStore,
    MongoUserStore,
    mongo_log,
)


@pytest.fixture
async def database(empty_mongodb: MongoDatabase) -> MongoDatabase:
    return empty_mongodb


@pytest.fixture
def users(database: MongoDatabase) -> MongoUserStore:
    return MongoUserStore(database)


@pytest.fixture
def accounts(users: MongoUserStore) -> MongoUserStore:
    return users


@pytest.fixture
def sessions(database: MongoDatabase) -> MongoSessionStore:
    return MongoSessionStore(database)


@pytest.fixture
def conversations(database: MongoDatabase) -> MongoConversationStore:
    return MongoConversationStore(database)


@pytest.fixture
def reader(database: MongoDatabase) -> MongoLogReader:
    return MongoLogReader(database)


@pytest.fixture
def receipts(database: MongoDatabase) -> MongoReceiptStore:
    return MongoReceiptStore(database)


@pytest.fixture
def blocks(database: MongoDatabase) -> MongoBlockStore:
    return MongoBlockStore(database)


@pytest.fixture
def retention(database: MongoDatabase) -> MongoLogRetention:
    return MongoLogRetention(database)


@pytest.fixture
async def log_store(database: MongoDatabase) -> AsyncIterator[MongoLogStore]:
    store = MongoLogStore(database)
    yield store
    await store.close()


@pytest.fixture
async def log(database: MongoDatabase) -> AsyncIterator[Log]:
    log = mongo_log(database)
    yield log
    await log.close()


class TestMongoUserStore(UserStoreContract):
    pass


class TestMongoAccountStore(AccountStoreContract):
    pass


class TestMongoSessionStore(SessionStoreContract):
    pass


class TestMongoConversationStore(ConversationStoreContract):
    pass


class TestMongoLogReader(LogReaderContract):
    pass


class TestMongoLogStore(LogStoreContract):
    pass


class TestLogInMongo(ConversationLogContract):
    pass


class TestMongoReceiptStore(ReceiptStoreContract):
    pass


class TestMongoBlockStore(BlockStoreContract):
    pass


class TestMongoLogRetention(LogRetentionContract):
    pass

import pytest

from chat_core.log import Log
from chat_core.memory import (
    MemoryBlockStore,
    MemoryConversations,
    MemoryLogRetention,
    MemoryLogStore,
    MemorySessionStore,
    MemoryUserStore,
)
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


@pytest.fixture
def users() -> MemoryUserStore:
    return MemoryUserStore()


@pytest.fixture
def accounts(users: MemoryUserStore) -> MemoryUserStore:
    return users


@pytest.fixture
def sessions() -> MemorySessionStore:
    return MemorySessionStore()


@pytest.fixture
def conversations() -> MemoryConversations:
    return MemoryConversations()


@pytest.fixture
def reader(conversations: MemoryConversations) -> MemoryConversations:
    return conversations


@pytest.fixture
def receipts(conversations: MemoryConversations) -> MemoryConversations:
    return conversations


@pytest.fixture
def blocks() -> MemoryBlockStore:
    return MemoryBlockStore()


@pytest.fixture
def retention(conversations: MemoryConversations) -> MemoryLogRetention:
    return MemoryLogRetention(conversations)


@pytest.fixture
def log_store(conversations: MemoryConversations) -> MemoryLogStore:
    return MemoryLogStore(conversations)


@pytest.fixture
def log(log_store: MemoryLogStore) -> Log:
    return Log(log_store)


class TestMemoryUserStore(UserStoreContract):
    pass


class TestMemoryAccountStore(AccountStoreContract):
    pass


class TestMemorySessionStore(SessionStoreContract):
    pass


class TestMemoryConversationStore(ConversationStoreContract):
    pass


class TestMemoryLogReader(LogReaderContract):
    pass


class TestMemoryLogStore(LogStoreContract):
    pass


class TestLogInMemory(ConversationLogContract):
    pass


class TestMemoryReceiptStore(ReceiptStoreContract):
    pass


class TestMemoryBlockStore(BlockStoreContract):
    pass


class TestMemoryLogRetention(LogRetentionContract):
    pass

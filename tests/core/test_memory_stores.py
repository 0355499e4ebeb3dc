import pytest

from chat_core.memory import MemoryConversations, MemorySessionStore, MemoryUserStore
from chat_core.testing.conversations_contract import ConversationStoreContract
from chat_core.testing.log_contract import ConversationLogContract
from chat_core.testing.sessions_contract import SessionStoreContract
from chat_core.testing.users_contract import UserStoreContract


@pytest.fixture
def users() -> MemoryUserStore:
    return MemoryUserStore()


@pytest.fixture
def sessions() -> MemorySessionStore:
    return MemorySessionStore()


@pytest.fixture
def conversations() -> MemoryConversations:
    return MemoryConversations()


@pytest.fixture
def log(conversations: MemoryConversations) -> MemoryConversations:
    return conversations


class TestMemoryUserStore(UserStoreContract):
    pass


class TestMemorySessionStore(SessionStoreContract):
    pass


class TestMemoryConversationStore(ConversationStoreContract):
    pass


class TestMemoryConversationLog(ConversationLogContract):
    pass

"""Fixtures for a product that uses chat-core: a whole chat in the test's process.

Ask for them in the `conftest.py` at the root of the tests:

    pytest_plugins = ["chat_core.testing.plugin"]

Pytest does not load them by itself: short names such as `user` belong to the product, and a project
that only installs chat-core should not find them in its tests.

Tests use `chat`, `clock`, `user` and `device`. Override the other fixtures to test
with a product's own parts, such as its stores (`chat_stores`) or its directory (`chat_users`).
"""

from collections.abc import Awaitable, Callable

import pytest

from chat_core.account_services import AccountLimits, AccountServices
from chat_core.chat import Chat, ChatLimits
from chat_core.ids import SessionId, UserId
from chat_core.limits import Limit
from chat_core.memory import (
    MemorySessionStore,
    MemoryUserStore,
    PlainHasher,
    PlainTokens,
    memory_conversations,
)
from chat_core.ports.conversation_stores import ConversationStores
from chat_core.services.accounts import SignupPolicy
from chat_core.services.conversations import GroupLimits
from chat_core.services.login_attempts import LoginLimits
from chat_core.services.messaging import MessageLimits
from chat_core.testing.clock import ManualClock
from chat_core.testing.devices import ConnectedDevices, Device
from chat_core.testing.ids import CountedIds
from chat_core.users import User

OFTEN = 1_000_000
"""Actions in a second: the clock does not move, and no test should hit a limit by accident."""

MakeUser = Callable[[str], Awaitable[User]]
MakeDevice = Callable[[User], Device]


@pytest.fixture
def clock() -> ManualClock:
    """Return the chat's clock. It does not move until a test advances it."""
    return ManualClock()


@pytest.fixture
def chat_limits() -> ChatLimits:
    """Return the service's limits, with rates that no test reaches."""
    return ChatLimits(
        messages=MessageLimits(4096, Limit("messages", OFTEN, 1)),
        groups=GroupLimits(
            creations=Limit("groups", OFTEN, 1),
            additions=Limit("members", OFTEN, 1),
            changes=Limit("changes", OFTEN, 1),
        ),
    )


@pytest.fixture
def chat_stores() -> ConversationStores:
    """Return the stores of conversations."""
    return memory_conversations()


@pytest.fixture
def chat_users() -> MemoryUserStore:
    """Return the store of accounts."""
    return MemoryUserStore()


@pytest.fixture
def chat_notifier() -> ConnectedDevices:
    """Return the notifier, with all notifications and the connected devices."""
    return ConnectedDevices()


@pytest.fixture
def chat(
    chat_stores: ConversationStores,
    chat_users: MemoryUserStore,
    chat_notifier: ConnectedDevices,
    chat_limits: ChatLimits,
    clock: ManualClock,
) -> Chat:
    """Return all services of a chat. A test awaits `presence.announce` to announce presence."""
    return Chat.compose(
        stores=chat_stores,
        users=chat_users,
        notifier=chat_notifier,
        limits=chat_limits,
        clock=clock,
        ids=CountedIds(),
    )


@pytest.fixture
def chat_accounts(
    chat: Chat, chat_users: MemoryUserStore, chat_notifier: ConnectedDevices
) -> AccountServices:
    """Return accounts with passwords and sessions, for a product without its own."""
    limits = AccountLimits(
        signups=SignupPolicy(Limit("signups per address", OFTEN, 1)),
        logins=LoginLimits(
            per_account=Limit("logins per account", OFTEN, 1),
            per_address=Limit("logins per address", OFTEN, 1),
            per_account_total=Limit("logins per account in total", OFTEN, 1),
        ),
        profile_changes=Limit("profile changes", OFTEN, 1),
    )
    tokens = PlainTokens(lifetime=limits.token_life)
    return AccountServices.compose(
        chat,
        users=chat_users,
        sessions=MemorySessionStore(),
        connections=chat_notifier,
        hasher=PlainHasher(),
        issuer=tokens,
        verifier=tokens,
        limits=limits,
    )


@pytest.fixture
def user(chat: Chat, chat_users: MemoryUserStore) -> MakeUser:
    """Return a function that creates a user with that name, without a password.

    `ann = await user("ann")`
    """

    async def make(username: str) -> User:
        user_id = UserId(chat.ids.new_id())
        made = User(user_id, username, username.title(), None, created_at=chat.clock.now())
        await chat_users.add(made, password_hash="")
        return made

    return make


@pytest.fixture
def device(chat: Chat, chat_notifier: ConnectedDevices) -> MakeDevice:
    """Return a function that creates a connected device.

    `phone = device(ann)`
    """

    def make(of: User) -> Device:
        made = Device(chat, chat_notifier, of, SessionId(chat.ids.new_id()))
        made.connect()
        return made

    return make

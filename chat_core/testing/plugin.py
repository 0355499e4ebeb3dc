"""Fixtures for the tests of a product that uses chat-core: a whole chat in the test's process.

Ask for them in the `conftest.py` at the root of the tests:

    pytest_plugins = ["chat_core.testing.plugin"]

They are not loaded by themselves: names as short as `user` belong to the product, and whoever only
installs chat-core should not find them in their tests.

`chat`, `clock`, `user` and `device` are what a test asks for. The others are what they are made of,
to be overridden: a product's own stores as `chat_stores`, its directory as `chat_users`.
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
"""Times in a second: the clock stands still, and a test is not to run into a rate by accident."""

MakeUser = Callable[[str], Awaitable[User]]
MakeDevice = Callable[[User], Device]


@pytest.fixture
def clock() -> ManualClock:
    """The chat's time; it stands still until a test moves it."""
    return ManualClock()


@pytest.fixture
def chat_limits() -> ChatLimits:
    """The service's bounds, and rates that no test gets to."""
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
    """Where conversations are kept."""
    return memory_conversations()


@pytest.fixture
def chat_users() -> MemoryUserStore:
    """The accounts."""
    return MemoryUserStore()


@pytest.fixture
def chat_notifier() -> ConnectedDevices:
    """All that clients were told, and the devices that are connected."""
    return ConnectedDevices()


@pytest.fixture
def chat(
    chat_stores: ConversationStores,
    chat_users: MemoryUserStore,
    chat_notifier: ConnectedDevices,
    chat_limits: ChatLimits,
    clock: ManualClock,
) -> Chat:
    """Every service of a chat. Presence is announced when a test awaits `presence.announce`."""
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
    """Accounts with passwords and sessions, for a product that has none of its own."""
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
    """A function that makes a user of that name, without a password.

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
    """A function that makes a connected device.

    `phone = device(ann)`
    """

    def make(of: User) -> Device:
        made = Device(chat, chat_notifier, of, SessionId(chat.ids.new_id()))
        made.connect()
        return made

    return make

"""Every service over some stores, with a clock that is moved by hand."""

from dataclasses import dataclass

from chat_core import (
    Accounts,
    Actor,
    ConnectionId,
    Conversations,
    Delivery,
    Limit,
    LoginLimits,
    MessageLimits,
    Messaging,
    NewAccount,
    Presence,
    SessionId,
    Sessions,
    SignupPolicy,
    User,
)
from chat_core.memory import MemoryRateLimiter, PlainHasher, PlainTokens, RecordingNotifier
from chat_core.testing.clock import ManualClock
from chat_core.testing.ids import CountedIds
from tests.support.stores import Stores

PASSWORD = "correct horse"
ADDRESS = "192.0.2.1"
CONTENT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Engine:
    """The services, and what they are made of."""

    stores: Stores
    clock: ManualClock
    notifier: RecordingNotifier
    accounts: Accounts
    sessions: Sessions
    messaging: Messaging
    conversations: Conversations
    presence: Presence

    async def user(self, username: str) -> User:
        """Sign someone up."""
        return await self.accounts.sign_up(NewAccount(username, PASSWORD), ADDRESS)

    def sent(self) -> int:
        """How many notifications there were."""
        return len(self.notifier.notifications)


def engine(stores: Stores, *, connections_per_user: int = 10, often: int = 1_000_000) -> Engine:
    """Services that allow nearly everything `often` times a second."""
    clock, notifier, hasher, ids = ManualClock(), RecordingNotifier(), PlainHasher(), CountedIds()
    tokens, limiter = PlainTokens(), MemoryRateLimiter(clock)
    stores.log.follow(Delivery(notifier))
    presence = Presence(stores.users, stores.conversations, notifier, clock, connections_per_user)
    return Engine(
        stores,
        clock,
        notifier,
        Accounts(
            users=stores.users,
            conversations=stores.conversations,
            hasher=hasher,
            limiter=limiter,
            presence=presence,
            notifier=notifier,
            clock=clock,
            ids=ids,
            signups=SignupPolicy(Limit("sign-ups", often, 1)),
        ),
        Sessions(
            sessions=stores.sessions,
            users=stores.users,
            hasher=hasher,
            issuer=tokens,
            verifier=tokens,
            limiter=limiter,
            clock=clock,
            ids=ids,
            limits=LoginLimits(
                per_account=Limit("log-ins of an account", often, 1),
                per_address=Limit("log-ins from an address", often, 1),
            ),
        ),
        Messaging(
            users=stores.users,
            conversations=stores.conversations,
            log=stores.log,
            limiter=limiter,
            clock=clock,
            ids=ids,
            limits=MessageLimits(CONTENT_BYTES, Limit("messages", often, 1)),
        ),
        Conversations(stores.conversations),
        presence,
    )


def actor(user: User, connection: str | None = None) -> Actor:
    """Someone who does something, through that connection."""
    return Actor(
        user.id,
        SessionId(f"session of {user.username}"),
        None if connection is None else ConnectionId(connection),
    )

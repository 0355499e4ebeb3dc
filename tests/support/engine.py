"""Every service over some stores, with a clock that is moved by hand."""

from dataclasses import dataclass
from datetime import timedelta

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
from chat_core.services.administration import Administration
from chat_core.services.blocking import Blocking
from chat_core.services.erasure import Erasure
from chat_core.services.receipts import Receipts, Typing
from chat_core.services.retention import Retention
from chat_core.services.revocation import Revocations
from chat_core.services.synchronising import Synchronising
from chat_core.sessions import RefreshLimits
from chat_core.testing.clock import ManualClock
from chat_core.testing.ids import CountedIds
from tests.support.connections import RecordingConnections
from tests.support.stores import Stores

PASSWORD = "correct horse"
ADDRESS = "192.0.2.1"
CONTENT_BYTES = 4096
GROUP_MEMBERS = 30
TOKEN_LIFE = timedelta(minutes=10)
LASTING = RefreshLimits(idle=timedelta(days=14), total=timedelta(days=30))


@dataclass(frozen=True, slots=True)
class Engine:
    """The services, and what they are made of."""

    stores: Stores
    clock: ManualClock
    notifier: RecordingNotifier
    connections: RecordingConnections
    accounts: Accounts
    revocations: Revocations
    sessions: Sessions
    messaging: Messaging
    conversations: Conversations
    receipts: Receipts
    typing: Typing
    synchronising: Synchronising
    blocking: Blocking
    erasure: Erasure
    administration: Administration
    presence: Presence
    retention: Retention

    async def user(self, username: str) -> User:
        """Sign someone up."""
        return await self.accounts.sign_up(NewAccount(username, PASSWORD), ADDRESS)

    def sent(self) -> int:
        """How many notifications there were."""
        return len(self.notifier.notifications)


def engine(stores: Stores, *, connections_per_user: int = 10, often: int = 1_000_000) -> Engine:
    """Services that allow nearly everything `often` times a second."""
    clock, notifier, hasher, ids = ManualClock(), RecordingNotifier(), PlainHasher(), CountedIds()
    tokens, limiter = PlainTokens(lifetime=TOKEN_LIFE), MemoryRateLimiter(clock)
    stores.log.follow(Delivery(notifier))
    presence = Presence(stores.users, stores.conversations, notifier, clock, connections_per_user)
    connections = RecordingConnections()
    revocations = Revocations(stores.sessions, stores.users, connections, clock, TOKEN_LIFE)
    sessions = Sessions(
        sessions=stores.sessions,
        users=stores.users,
        revocations=revocations,
        connections=connections,
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
        lasting=LASTING,
    )
    return Engine(
        stores=stores,
        clock=clock,
        notifier=notifier,
        connections=connections,
        accounts=Accounts(
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
        revocations=revocations,
        sessions=sessions,
        messaging=Messaging(
            users=stores.users,
            conversations=stores.conversations,
            reader=stores.reader,
            log=stores.log,
            blocks=stores.blocks,
            limiter=limiter,
            clock=clock,
            ids=ids,
            limits=MessageLimits(CONTENT_BYTES, Limit("messages", often, 1)),
        ),
        conversations=Conversations(
            conversations=stores.conversations,
            reader=stores.reader,
            log=stores.log,
            users=stores.users,
            clock=clock,
            ids=ids,
            group_members=GROUP_MEMBERS,
        ),
        receipts=Receipts(stores.conversations, stores.receipts, notifier),
        typing=Typing(stores.conversations, notifier, clock),
        synchronising=Synchronising(stores.conversations, stores.reader),
        blocking=Blocking(stores.users, stores.blocks, clock),
        erasure=Erasure(
            users=stores.users,
            conversations=stores.conversations,
            log=stores.log,
            blocks=stores.blocks,
            stored_sessions=stores.sessions,
            sessions=sessions,
            presence=presence,
            notifier=notifier,
            clock=clock,
        ),
        administration=Administration(
            users=stores.users,
            accounts=stores.accounts,
            sessions=stores.sessions,
            revocations=revocations,
            hasher=hasher,
            clock=clock,
            ids=ids,
        ),
        presence=presence,
        retention=Retention(stores.retention, clock),
    )


def actor(user: User, connection: str | None = None) -> Actor:
    """Someone who does something, through that connection."""
    return Actor(
        user.id,
        SessionId(f"session of {user.username}"),
        None if connection is None else ConnectionId(connection),
    )

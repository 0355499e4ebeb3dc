"""Every service over some stores, with a clock that is moved by hand."""

from dataclasses import dataclass
from datetime import timedelta

from chat_core import (
    AccountLimits,
    Accounts,
    AccountServices,
    Actor,
    Blocking,
    Chat,
    ChatLimits,
    ConnectionId,
    Conversations,
    Erasure,
    GroupLimits,
    Limit,
    LoginLimits,
    MessageLimits,
    Messaging,
    NewAccount,
    Presence,
    Receipts,
    RefreshLimits,
    Revocations,
    SessionId,
    Sessions,
    SignupPolicy,
    Synchronising,
    Typing,
    User,
)
from chat_core.memory import (
    PlainHasher,
    PlainTokens,
    RecordingNotifier,
    RecordingSecurityEvents,
)
from chat_core.ports import ConversationStores
from chat_core.services.administration import Administration
from chat_core.services.retention import Retention
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
    security_events: RecordingSecurityEvents
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
    clock, notifier, connections = ManualClock(), RecordingNotifier(), RecordingConnections()
    security_events = RecordingSecurityEvents()
    tokens, hasher = PlainTokens(lifetime=TOKEN_LIFE), PlainHasher()
    chat = Chat.compose(
        stores=ConversationStores(
            conversations=stores.conversations,
            reader=stores.reader,
            log=stores.log,
            receipts=stores.receipts,
            blocks=stores.blocks,
        ),
        users=stores.users,
        notifier=notifier,
        limits=ChatLimits(
            messages=MessageLimits(CONTENT_BYTES, Limit("messages", often, 1)),
            groups=GroupLimits(
                members=GROUP_MEMBERS,
                creations=Limit("groups", often, 1),
                additions=Limit("members", often, 1),
                changes=Limit("changes", often, 1),
            ),
            connections_per_user=connections_per_user,
        ),
        clock=clock,
        ids=CountedIds(),
    )
    own = AccountServices.compose(
        chat,
        users=stores.users,
        sessions=stores.sessions,
        connections=connections,
        hasher=hasher,
        issuer=tokens,
        verifier=tokens,
        limits=AccountLimits(
            signups=SignupPolicy(Limit("sign-ups", often, 1)),
            logins=LoginLimits(
                per_account=Limit("log-ins of an account", often, 1),
                per_address=Limit("log-ins from an address", often, 1),
                per_account_total=Limit("log-ins of an account in total", often, 1),
            ),
            lasting=LASTING,
            profile_changes=Limit("profile changes", often, 1),
            token_life=TOKEN_LIFE,
        ),
        security_events=security_events,
    )
    return Engine(
        stores=stores,
        clock=clock,
        notifier=notifier,
        connections=connections,
        accounts=own.accounts,
        revocations=own.revocations,
        sessions=own.sessions,
        messaging=chat.messaging,
        conversations=chat.conversations,
        receipts=chat.receipts,
        typing=chat.typing,
        synchronising=chat.synchronising,
        blocking=chat.blocking,
        erasure=own.erasure,
        administration=Administration(
            users=stores.users,
            accounts=stores.accounts,
            sessions=stores.sessions,
            revocations=own.revocations,
            hasher=hasher,
            clock=clock,
            ids=chat.ids,
            security_events=security_events,
        ),
        security_events=security_events,
        presence=chat.presence,
        retention=Retention(stores.retention, clock),
    )


def actor(user: User, connection: str | None = None) -> Actor:
    """Someone who does something, through that connection."""
    return Actor(
        user.id,
        SessionId(f"session of {user.username}"),
        None if connection is None else ConnectionId(connection),
    )

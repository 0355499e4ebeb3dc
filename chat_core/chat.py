"""The composition of a chat: its services, and the ports that a product supplies."""

from dataclasses import dataclass, field, replace

from chat_core.limits import Limit
from chat_core.memory import (
    CachedBlocks,
    CachedConversations,
    CacheTellingLog,
    MemoryRateLimiter,
    RandomIds,
    SystemClock,
)
from chat_core.ports.conversation_stores import ConversationStores
from chat_core.ports.limits import RateLimiter
from chat_core.ports.notifications import Notifier
from chat_core.ports.storage import UserDirectory
from chat_core.ports.system import Clock, IdGenerator
from chat_core.services.blocking import Blocking
from chat_core.services.conversations import Conversations, GroupLimits
from chat_core.services.delivery import Delivery
from chat_core.services.fair_queue import CALLS_AT_ONCE, FairQueue
from chat_core.services.messaging import MessageLimits, Messaging
from chat_core.services.presence import Presence
from chat_core.services.receipts import Receipts, Typing
from chat_core.services.synchronising import Synchronising


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """Limits of a chat; the defaults are those of the service (docs/settings.md).

    `connections_per_user` is the largest number of live connections at one time.
    """

    messages: MessageLimits = field(
        default_factory=lambda: MessageLimits(4096, Limit("messages", burst=20, seconds=2.0))
    )
    groups: GroupLimits = field(default_factory=GroupLimits)
    connections_per_user: int = 10
    requests_at_once: int = CALLS_AT_ONCE


DEFAULT_LIMITS = ChatLimits()


@dataclass(frozen=True, slots=True)
class Chat:
    """Everything that users do in a chat, one service for each capability. See `compose`.

    It does not identify users. A product verifies its own tokens (`ExternalSessions`), or uses
    `AccountServices` with it.
    """

    messaging: Messaging
    conversations: Conversations
    synchronising: Synchronising
    receipts: Receipts
    typing: Typing
    blocking: Blocking
    presence: Presence
    """Presence. Keep `run` running, so that it announces who comes online and goes offline."""

    stores: ConversationStores
    """The stores as given. Reads of them come from the store, never from a cache."""
    log: CacheTellingLog
    """The log that the services write to. Anything that is appended to it is pushed, too."""
    users: UserDirectory
    reads: FairQueue
    """Gives turns to users who read lists."""
    notifier: Notifier
    limiter: RateLimiter
    clock: Clock
    ids: IdGenerator

    @classmethod
    def compose(  # noqa: PLR0913 - all the ports of a product
        cls,
        *,
        stores: ConversationStores,
        users: UserDirectory,
        notifier: Notifier,
        limits: ChatLimits = DEFAULT_LIMITS,
        clock: Clock | None = None,
        ids: IdGenerator | None = None,
    ) -> "Chat":
        """Return the services of one process, which does all pushes and presence of these stores.

        The notifier gets everything that is stored from now on, and typing, receipts and presence.
        By default the clock is the machine's, and ids are random. Conversations and blocks are
        cached for the checks of a send, and rates are counted in this process.
        """
        clock, ids = clock or SystemClock(), ids or RandomIds()
        limiter = MemoryRateLimiter(clock)
        reads = FairQueue(clock, limits.requests_at_once)
        # Only for data that the log or a store checks again.
        known = CachedConversations(stores.conversations)
        blocks = CachedBlocks(stores.blocks, clock)
        log = CacheTellingLog(stores.log, known)
        log.follow(Delivery(notifier))
        return cls(
            messaging=Messaging(
                users=users,
                conversations=known,
                reader=stores.reader,
                log=log,
                blocks=blocks,
                limiter=limiter,
                clock=clock,
                ids=ids,
                limits=limits.messages,
            ),
            conversations=Conversations(
                conversations=stores.conversations,
                reader=stores.reader,
                log=log,
                users=users,
                reads=reads,
                limiter=limiter,
                clock=clock,
                ids=ids,
                limits=limits.groups,
                opening=limits.messages.rate,
            ),
            synchronising=Synchronising(stores.conversations, stores.reader, reads),
            receipts=Receipts(known, stores.receipts, notifier),
            typing=Typing(
                known, notifier, clock, limiter, replace(limits.messages.rate, name="typing")
            ),
            blocking=Blocking(users, blocks, reads, clock),
            presence=Presence(
                users=users,
                conversations=stores.conversations,
                notifier=notifier,
                clock=clock,
                connections_per_user=limits.connections_per_user,
            ),
            stores=stores,
            log=log,
            users=users,
            reads=reads,
            notifier=notifier,
            limiter=limiter,
            clock=clock,
            ids=ids,
        )

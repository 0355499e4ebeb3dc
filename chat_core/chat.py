"""A chat, put together: its services over the ports that a product brings."""

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
    """Bounds of a chat; by default those of the service (docs/settings.md).

    `connections_per_user` is the most that may be live at one time.
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

    Who they are, and by which token one knows them, is not its business: a product verifies its own
    tokens (`ExternalSessions`), or has `AccountServices` beside this.
    """

    messaging: Messaging
    conversations: Conversations
    synchronising: Synchronising
    receipts: Receipts
    typing: Typing
    blocking: Blocking
    presence: Presence
    """Its `run` announces who comes and goes, for as long as the chat is served."""

    stores: ConversationStores
    """As they were given: what they answer is stored, and not remembered."""
    log: CacheTellingLog
    """The log that the services write to. Whatever else appends to it is pushed, too."""
    users: UserDirectory
    reads: FairQueue
    """Gives those who read lists their turns."""
    notifier: Notifier
    limiter: RateLimiter
    clock: Clock
    ids: IdGenerator

    @classmethod
    def compose(  # noqa: PLR0913 - what a product brings, and what it may
        cls,
        *,
        stores: ConversationStores,
        users: UserDirectory,
        notifier: Notifier,
        limits: ChatLimits = DEFAULT_LIMITS,
        clock: Clock | None = None,
        ids: IdGenerator | None = None,
    ) -> "Chat":
        """The services of one process, which has the stores' pushes and presence to itself.

        `notifier` is told of everything that is stored from now on, and of typing, receipts and
        presence. Clock and ids are the machine's and random ones by default. Conversations and
        blocks that a send is judged on are remembered, rates are counted in this process.
        """
        clock, ids = clock or SystemClock(), ids or RandomIds()
        limiter = MemoryRateLimiter(clock)
        reads = FairQueue(clock, limits.requests_at_once)
        # For what the log, or a store, checks once more.
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

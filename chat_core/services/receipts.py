"""Receipts and typing: members' marks of delivered and read, and who is typing."""

from dataclasses import dataclass, field

from chat_core.conversations import RECEIPTS_UP_TO, Conversation, Receipt
from chat_core.errors import Invalid, NotFound, RateLimited
from chat_core.events import ReceiptMoved, TypingChanged
from chat_core.ids import ConversationId, UserId
from chat_core.limits import Limit
from chat_core.ports.limits import RateLimiter
from chat_core.ports.notifications import Notifier
from chat_core.ports.storage import ConversationStore, ReceiptStore
from chat_core.ports.system import Clock, Timer
from chat_core.sessions import Actor

TYPING_SECONDS = 6.0
"""Typing expires after this many seconds unless renewed."""


@dataclass(frozen=True, slots=True)
class Receipts:
    """Move watermarks, and notify members."""

    conversations: ConversationStore
    receipts: ReceiptStore
    notifier: Notifier

    async def mark_delivered(
        self, actor: Actor, conversation_id: ConversationId, seq: int
    ) -> Receipt:
        """Mark everything up to `seq` as delivered. Raises `NotFound`, `Invalid`."""
        return await self._move(actor, conversation_id, delivered=seq, read=0)

    async def mark_read(self, actor: Actor, conversation_id: ConversationId, seq: int) -> Receipt:
        """Mark everything up to `seq` as read. Raises `NotFound`, `Invalid`."""
        return await self._move(actor, conversation_id, delivered=seq, read=seq)

    async def _move(
        self, actor: Actor, conversation_id: ConversationId, *, delivered: int, read: int
    ) -> Receipt:
        if delivered < 0:
            raise Invalid.field("seq", "must be a seq, which is 0 or more")
        conversation = await _conversation_of(self.conversations, actor.user_id, conversation_id)
        receipt, moved = await self.receipts.move(
            conversation_id, actor.user_id, delivered=delivered, read=read
        )
        if moved:
            shown_to_all = len(conversation.members) <= RECEIPTS_UP_TO
            audience = conversation.members if shown_to_all else [actor.user_id]
            event = ReceiptMoved(
                conversation_id, actor.user_id, receipt.delivered_seq, receipt.read_seq
            )
            self.notifier.notify(event, audience, actor.connection_id)
        return receipt


@dataclass(frozen=True, slots=True)
class Typing:
    """Tracks who is typing in which conversation. Typing expires.

    If a user exceeds `rate`, others do not see when that user starts typing. The limit exists
    because each start and end goes to all members of a conversation.
    """

    conversations: ConversationStore
    notifier: Notifier
    clock: Clock
    limiter: RateLimiter
    rate: Limit
    _ends: dict[tuple[ConversationId, UserId], Timer] = field(default_factory=dict)

    async def set(self, actor: Actor, conversation_id: ConversationId, *, typing: bool) -> None:
        """Start or stop typing, and notify the other members of a change. Raises `NotFound`."""
        conversation = await _conversation_of(self.conversations, actor.user_id, conversation_id)
        key = conversation_id, actor.user_id
        if typing and key not in self._ends:
            try:
                await self.limiter.take(self.rate, actor.user_id)
            except RateLimited:
                return  # clients repeat it every few seconds
        timer = self._ends.pop(key, None)
        if timer is not None:
            timer.cancel()
        if typing:
            self._ends[key] = self.clock.call_later(
                TYPING_SECONDS, lambda: self._end(conversation, actor.user_id)
            )
        if typing is not (timer is not None):
            self._tell(conversation, actor.user_id, typing=typing)

    def _end(self, conversation: Conversation, user_id: UserId) -> None:
        del self._ends[conversation.id, user_id]
        self._tell(conversation, user_id, typing=False)

    def _tell(self, conversation: Conversation, user_id: UserId, *, typing: bool) -> None:
        others = conversation.members.keys() - {user_id}
        self.notifier.notify(TypingChanged(conversation.id, user_id, typing), others)


async def _conversation_of(
    conversations: ConversationStore, user_id: UserId, conversation_id: ConversationId
) -> Conversation:
    conversation = await conversations.get(conversation_id)
    if conversation is not None and user_id not in conversation.members:
        conversation = await conversations.fresh(conversation_id)
    if conversation is None:
        raise NotFound("There is no such conversation")
    conversation.check_member(user_id)
    return conversation

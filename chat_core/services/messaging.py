"""Messaging: send messages."""

from dataclasses import dataclass

from chat_core.conversations import Conversation
from chat_core.errors import Invalid, NotFound, Overloaded, RecipientNotFound
from chat_core.ids import ClientMessageId, ConversationId, MessageId, UserId
from chat_core.limits import Limit
from chat_core.messages import Recipient, ToUser, check_client_id, check_content
from chat_core.ports.limits import RateLimiter
from chat_core.ports.storage import (
    Appended,
    ConversationLog,
    ConversationStore,
    MessageDraft,
    Stale,
    UserStore,
)
from chat_core.ports.system import Clock, IdGenerator
from chat_core.sessions import Actor

ATTEMPTS = 10
"""Judgements of one message; a conversation whose members change faster is not a conversation."""


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """How long a message may be, in bytes of UTF-8, and how often a user may send one."""

    content_bytes: int
    rate: Limit


@dataclass(frozen=True, slots=True)
class Messaging:
    """Send messages. Their pushes follow from the log."""

    users: UserStore
    conversations: ConversationStore
    log: ConversationLog
    limiter: RateLimiter
    clock: Clock
    ids: IdGenerator
    limits: MessageLimits

    async def send(
        self, actor: Actor, to: Recipient, content: str, client_id: str | None
    ) -> Appended:
        """Store a message, or find the one that this repeats.

        Raises `Invalid`, `RateLimited`, `RecipientNotFound`, `NotFound`, `ClientIdConflict`,
        `Unavailable`; after the last, and after no answer at all, a retry with the same client id
        is safe.
        """
        check_content(content, self.limits.content_bytes)
        checked_id = None if client_id is None else check_client_id(client_id)
        await self.limiter.take(self.limits.rate, actor.user_id)
        for _ in range(ATTEMPTS):
            conversation = await self._conversation(actor.user_id, to)
            try:
                return await self.log.append(self._draft(actor, conversation, content, checked_id))
            except Stale:
                continue
        raise Overloaded("The conversation changes too fast to send to it")

    def _draft(
        self,
        actor: Actor,
        conversation: Conversation,
        content: str,
        client_id: ClientMessageId | None,
    ) -> MessageDraft:
        now = self.clock.now()
        message_id = MessageId(self.ids.new_id())
        return MessageDraft(message_id, conversation, actor, content, client_id, now)

    async def _conversation(self, sender: UserId, to: Recipient) -> Conversation:
        if isinstance(to, ToUser):
            return await self._direct(sender, to.user_id)
        conversation = await self.conversations.get(to.conversation_id)
        if conversation is None:
            raise NotFound("There is no such conversation")
        conversation.check_member(sender)
        return conversation

    async def _direct(self, sender: UserId, recipient: UserId) -> Conversation:
        if recipient == sender:
            raise Invalid.field("recipientId", "must be someone else")
        stored = await self.conversations.direct(sender, recipient)
        if stored is not None:
            return stored
        if recipient not in await self.users.get([recipient]):
            raise RecipientNotFound
        new_id = ConversationId(self.ids.new_id())
        return Conversation.direct(new_id, sender, recipient, self.clock.now())

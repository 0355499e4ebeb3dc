"""Messaging: send, edit and delete messages."""

import asyncio
from dataclasses import dataclass, field
from functools import partial

from chat_core.conversations import Conversation, ConversationKind
from chat_core.errors import (
    Blocked,
    ChatError,
    Invalid,
    NotFound,
    Overloaded,
    RecipientNotFound,
    Unavailable,
)
from chat_core.ids import ClientMessageId, ConversationId, MessageId, UserId
from chat_core.limits import Limit
from chat_core.messages import Message, Recipient, ToUser, check_client_id, check_content
from chat_core.ports.limits import RateLimiter
from chat_core.ports.log import Appended, ConversationLog, MessageDraft, RevisionDraft, Stale
from chat_core.ports.storage import BlockStore, ConversationStore, LogReader, UserStore
from chat_core.ports.system import Clock, IdGenerator
from chat_core.services.turns import Turns, turn_of
from chat_core.sessions import Actor

ATTEMPTS = 10
"""Judgements of one request; a conversation whose members change faster is not a conversation."""


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """How long a message may be, in bytes of UTF-8, and how often a user may send one."""

    content_bytes: int
    rate: Limit


@dataclass(frozen=True, slots=True)
class _Wish:
    """What somebody wants to send, before it is judged."""

    actor: Actor
    to: Recipient
    content: str
    client_id: ClientMessageId | None


@dataclass(frozen=True, slots=True)
class Messaging:
    """Send, edit and delete messages. Their pushes follow from the log."""

    users: UserStore
    conversations: ConversationStore
    reader: LogReader
    log: ConversationLog
    blocks: BlockStore
    limiter: RateLimiter
    clock: Clock
    ids: IdGenerator
    limits: MessageLimits
    _turns: Turns = field(default_factory=Turns)

    async def send(
        self, actor: Actor, to: Recipient, content: str, client_id: str | None
    ) -> Appended:
        """Store a message, or find the one that this repeats, whatever has changed since.

        Raises `Invalid`, `RateLimited`, `RecipientNotFound`, `NotFound`, `Blocked`,
        `ClientIdConflict`, `Unavailable`; after the last, and after no answer at all, a retry
        with the same client id is safe.
        """
        return await (await self.submit(actor, to, content, client_id))

    async def submit(
        self, actor: Actor, to: Recipient, content: str, client_id: str | None
    ) -> "asyncio.Future[Appended]":
        """As `send`, in two steps: this returns once the message has its place in the order.

        So a connection may submit one message after another without waiting for what came of
        each: they are stored in that order, and share commits. What `send` raises either step
        does.
        """
        check_content(content, self.limits.content_bytes)
        checked_id = None if client_id is None else check_client_id(client_id)
        await self.limiter.take(self.limits.rate, actor.user_id)
        wish = _Wish(actor, to, content, checked_id)
        outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        conversation = await self._conversation(actor.user_id, to)
        await self._turns.wait(turn_of(actor, conversation), conversation.revision)
        await self._submit(wish, conversation, outcome, ATTEMPTS)
        return outcome

    async def _submit(
        self,
        wish: "_Wish",
        conversation: Conversation,
        outcome: "asyncio.Future[Appended]",
        attempts: int,
    ) -> None:
        """Judge on this conversation, and hand over to the log."""
        actor, message_id = wish.actor, MessageId(self.ids.new_id())
        draft = MessageDraft(
            message_id, conversation, actor, wish.content, wish.client_id, self.clock.now()
        )
        try:
            await self._check_may_send(actor.user_id, conversation)
        except Unavailable:
            raise  # a store that is out of reach can't tell of repeats either
        except ChatError:
            repeated = await self.log.repeated(draft)
            if repeated is None:
                raise
            outcome.set_result(repeated)
            return
        stored = self.log.submit(draft)
        self._turns.take(turn_of(actor, conversation), conversation.revision, outcome)
        stored.add_done_callback(partial(self._settle, wish, conversation, outcome, attempts - 1))

    def _settle(
        self,
        wish: "_Wish",
        conversation: Conversation,
        outcome: "asyncio.Future[Appended]",
        attempts: int,
        stored: "asyncio.Future[Appended]",
    ) -> None:
        """Pass on what the log says; what it finds stale is judged again."""
        turn, error = turn_of(wish.actor, conversation), stored.exception()
        if isinstance(error, Stale) and attempts and not outcome.done():
            again = self._submit_again(wish, outcome, attempts)
            self._turns.again(turn, again)
        elif not outcome.done():
            if isinstance(error, Stale):
                error = Overloaded("The conversation changes too fast to send to it")
            if error is not None:
                outcome.set_exception(error)
            else:
                outcome.set_result(stored.result())
        self._turns.settled(turn, outcome)

    async def _submit_again(
        self, wish: "_Wish", outcome: "asyncio.Future[Appended]", attempts: int
    ) -> None:
        try:
            conversation = await self._conversation(wish.actor.user_id, wish.to)
            await self._submit(wish, conversation, outcome, attempts)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            if not outcome.done():
                outcome.set_exception(error)

    async def edit(self, actor: Actor, message_id: MessageId, content: str) -> Message:
        """Give a message another content; the same content again adds no entry.

        Raises `Invalid`, `NotFound`, `Forbidden`, `RateLimited`.
        """
        check_content(content, self.limits.content_bytes)
        await self.limiter.take(self.limits.rate, actor.user_id)
        for _ in range(ATTEMPTS):
            message, conversation = await self._message(message_id)
            conversation.check_may_edit(actor.user_id, message)
            if message.content == content:
                return message
            try:
                return await self._revise(actor, conversation, message, content)
            except Stale:
                continue
        raise Overloaded("The message changes too fast to edit it")

    async def delete(self, actor: Actor, message_id: MessageId) -> Message:
        """Take a message's content away; again adds no entry. Raises `NotFound`, `Forbidden`."""
        await self.limiter.take(self.limits.rate, actor.user_id)
        for _ in range(ATTEMPTS):
            message, conversation = await self._message(message_id)
            conversation.check_may_delete(actor.user_id, message)
            if message.deleted_at is not None:
                return message
            try:
                return await self._revise(actor, conversation, message, None)
            except Stale:
                continue
        raise Overloaded("The message changes too fast to delete it")

    async def _revise(
        self, actor: Actor, conversation: Conversation, message: Message, content: str | None
    ) -> Message:
        draft = RevisionDraft(conversation, actor, message, content, self.clock.now())
        return (await self.log.append(draft)).message

    async def _message(self, message_id: MessageId) -> tuple[Message, Conversation]:
        message = await self.reader.message(message_id)
        conversation = await self.conversations.get(message.conversation_id) if message else None
        if message is None or conversation is None:
            raise NotFound("There is no such message")
        return message, conversation

    async def _conversation(self, sender: UserId, to: Recipient) -> Conversation:
        if isinstance(to, ToUser):
            return await self._direct(sender, to.user_id)
        conversation = await self.conversations.get(to.conversation_id)
        if conversation is None:
            raise NotFound("There is no such conversation")
        return conversation

    async def _direct(self, sender: UserId, recipient: UserId) -> Conversation:
        if recipient == sender:
            raise Invalid.field("recipientId", "must be someone else")
        stored = await self.conversations.direct(sender, recipient)
        if stored is not None:
            return stored
        users = await self.users.get([recipient])
        if recipient not in users or users[recipient].deleted_at is not None:
            raise RecipientNotFound
        new_id = ConversationId(self.ids.new_id())
        return Conversation.direct(new_id, sender, recipient, self.clock.now())

    async def _check_may_send(self, sender: UserId, conversation: Conversation) -> None:
        conversation.check_member(sender)
        if conversation.kind is not ConversationKind.DIRECT:
            return
        if conversation.has_ended:
            raise RecipientNotFound("The account of the recipient is gone")
        other = conversation.other(sender)
        if other is not None and await self.blocks.between(sender, other):
            raise Blocked

"""Messaging: send, edit and delete messages."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from chat_core.bodies import Body, check_text
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
from chat_core.measures import Sent
from chat_core.messages import Message, Recipient, ToUser, check_client_id
from chat_core.ports.limits import RateLimiter
from chat_core.ports.log import (
    Appended,
    ConversationLog,
    Done,
    MessageDraft,
    Outcome,
    RevisionDraft,
    Stale,
    resolve,
)
from chat_core.ports.storage import BlockStore, ConversationStore, LogReader, UserDirectory
from chat_core.ports.system import Clock, IdGenerator
from chat_core.services.turns import Turn, Turns, turn_of
from chat_core.sessions import Actor

Judged = TypeVar("Judged")

IsBlocked = Callable[[UserId, UserId], Awaitable[bool]]
"""Returns whether one of two users has blocked the other."""

ATTEMPTS = 10
"""Attempts per request. Only a conversation whose members change all the time needs more."""


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """The maximum length of a message, in bytes of UTF-8, and how often a user may send."""

    content_bytes: int
    rate: Limit


@dataclass(slots=True)
class _Wish:
    """A request to send a message, and the callback for its outcome."""

    actor: Actor
    to: Recipient
    body: Body
    client_id: ClientMessageId | None
    done: Done


@dataclass(frozen=True, slots=True)
class Messaging:
    """Send, edit and delete messages. The log pushes them."""

    users: UserDirectory
    conversations: ConversationStore
    reader: LogReader
    log: ConversationLog
    blocks: BlockStore
    limiter: RateLimiter
    clock: Clock
    ids: IdGenerator
    limits: MessageLimits
    sent: Sent = field(default_factory=Sent)
    _turns: Turns = field(default_factory=Turns)

    async def send(
        self, actor: Actor, to: Recipient, body: Body, client_id: str | None
    ) -> Appended:
        """Store a message, or return the one that this repeats, whatever has changed since.

        Raises `Invalid`, `RateLimited`, `RecipientNotFound`, `NotFound`, `Blocked`,
        `ClientIdConflict`, `Unavailable`. After `Unavailable`, or without an answer, a retry with
        the same client id is safe.
        """
        outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        waiting = self.submit(actor, to, body, client_id, partial(resolve, outcome))
        if waiting is not None:
            await waiting
        return await outcome

    def submit(
        self, actor: Actor, to: Recipient, body: Body, client_id: str | None, done: Done
    ) -> Coroutine[Any, Any, None] | None:
        """Send in two steps: return a coroutine to await until the position is fixed, or None.

        It returns None if the position is already fixed, which is so if all the data for the checks
        is cached. So a connection can submit messages without waiting for each outcome. They are
        stored in that order, and share commits. The errors of `send` are raised by this call, by
        the coroutine, or passed to `done`.
        """
        try:
            check_text(body.text, self.limits.content_bytes)
            checked_id = None if client_id is None else check_client_id(client_id)
            wish = _Wish(actor, to, body, checked_id, done)
            if not self.limiter.take_at_once(self.limits.rate, actor.user_id):
                return self._counted(self._wait_and_judge(wish))
            conversation = self._known(actor.user_id, to)
            if conversation is None or not self._may_send_at_once(actor.user_id, conversation):
                return self._counted(self._judge(wish))
            draft, turn = self._draft(wish, conversation), turn_of(actor, conversation)
            if not self._turns.take_at_once(turn, conversation.revision):
                return self._counted(self._judge(wish))
            self._append(wish, draft, turn)
        except Exception as error:
            self._count(error)
            raise
        return None

    async def _counted(self, waiting: Coroutine[Any, Any, None]) -> None:
        try:
            await waiting
        except Exception as error:
            self._count(error)
            raise

    async def _wait_and_judge(self, wish: _Wish) -> None:
        await self.limiter.take(self.limits.rate, wish.actor.user_id)
        await self._judge(wish)

    async def _judge(self, wish: _Wish) -> None:
        """Check the rules on stored data, and submit the draft to the log."""
        conversation = await self._conversation(wish.actor.user_id, wish.to)
        judged = await self._judged(wish, conversation)
        if isinstance(judged, Appended):
            self._answer(wish, judged)
            return
        turn, revision = turn_of(wish.actor, judged.conversation), judged.conversation.revision
        await self._turns.wait(turn, revision)
        self._turns.take(turn, revision)
        self._append(wish, judged, turn)

    def _append(self, wish: _Wish, draft: MessageDraft, turn: Turn) -> None:
        """Submit the draft to the log. The caller has taken the turn."""
        try:
            self.log.submit(draft, partial(self._settle, wish, turn))
        except BaseException:
            self._turns.settled(turn)
            raise

    def _settle(self, wish: _Wish, turn: Turn, outcome: Outcome) -> None:
        """Pass on the log's outcome. If it is `Stale`, check the draft again, in its turn."""
        if isinstance(outcome, Stale):
            self._turns.again(turn, self._judge_again(wish, turn))
        else:
            self._turns.settled(turn)
            self._answer(wish, outcome)

    def _answer(self, wish: _Wish, outcome: Outcome) -> None:
        if not isinstance(outcome, Appended):
            self._count(outcome)
        elif outcome.duplicate:
            self.sent.duplicate += 1
        else:
            self.sent.stored += 1
        wish.done(outcome)

    def _count(self, error: Exception) -> None:
        self.sent.refused[error.kind.value if isinstance(error, ChatError) else "internal"] += 1

    async def _judge_again(self, wish: _Wish, turn: Turn) -> None:
        outcome: Outcome
        try:
            outcome = await self._appended(wish)
        except Exception as error:  # noqa: BLE001 - passed to the caller
            outcome = error
        self._turns.settled(turn)
        self._answer(wish, outcome)

    async def _appended(self, wish: _Wish) -> Appended:
        """Check and append until the log accepts the revision that was checked."""
        for _ in range(ATTEMPTS - 1):
            conversation = await self._conversation(wish.actor.user_id, wish.to)
            judged = await self._judged(wish, conversation)
            if isinstance(judged, Appended):
                return judged
            try:
                return await self.log.append(judged)
            except Stale:
                continue
        raise Overloaded("The conversation is changing too fast; try again")

    async def _judged(self, wish: _Wish, conversation: Conversation) -> MessageDraft | Appended:
        """Return the draft to append, or the earlier message if the rules allow only a repeat.

        A refusal never relies on a cache. The data is read and checked again first.
        """
        sender = wish.actor.user_id
        try:
            await self._check_may_send(sender, conversation, self.blocks.between)
        except Unavailable:
            raise  # an unreachable store can't find repeats either
        except ChatError:
            conversation = await self.conversations.fresh(conversation.id) or conversation
            return await self._judged_again(wish, conversation)
        return self._draft(wish, conversation)

    async def _judged_again(
        self, wish: _Wish, conversation: Conversation
    ) -> MessageDraft | Appended:
        draft = self._draft(wish, conversation)
        try:
            await self._check_may_send(wish.actor.user_id, conversation, self.blocks.fresh_between)
        except Unavailable:
            raise
        except ChatError:
            repeated = await self.log.repeated(draft)
            if repeated is None:
                raise
            return repeated
        return draft

    def _draft(self, wish: _Wish, conversation: Conversation) -> MessageDraft:
        message_id = MessageId(self.ids.new_id())
        return MessageDraft(
            message_id, conversation, wish.actor, wish.body, wish.client_id, self.clock.now()
        )

    def _known(self, sender: UserId, to: Recipient) -> Conversation | None:
        if isinstance(to, ToUser):
            return self.conversations.known_direct(sender, to.user_id)
        return self.conversations.known(to.conversation_id)

    def _may_send_at_once(self, sender: UserId, conversation: Conversation) -> bool:
        """Return whether cached data shows that no rule forbids the message."""
        if sender not in conversation.members:
            return False
        other = conversation.other(sender)
        if other is None:
            return True
        return not conversation.gone and self.blocks.known_between(sender, other) is False

    async def edit(self, actor: Actor, message_id: MessageId, text: str) -> Message:
        """Change the text of a message. If the text is the same, no entry is added.

        Raises `Invalid`, `NotFound`, `Forbidden`, `RateLimited`.
        """
        check_text(text, self.limits.content_bytes)
        await self.limiter.take(self.limits.rate, actor.user_id)
        for _ in range(ATTEMPTS):
            message, conversation, body = await self._judged_message(
                message_id, partial(Conversation.check_may_edit, user_id=actor.user_id)
            )
            if body.text == text:
                return message
            try:
                return await self._revise(actor, conversation, message, replace(body, text=text))
            except Stale:
                continue
        raise Overloaded("The message is changing too fast; try again")

    async def delete(self, actor: Actor, message_id: MessageId) -> Message:
        """Delete a message's body. A repeat adds no entry.

        Raises `NotFound`, `Forbidden`, `RateLimited`.
        """
        await self.limiter.take(self.limits.rate, actor.user_id)
        for _ in range(ATTEMPTS):
            message, conversation, _ = await self._judged_message(
                message_id, partial(Conversation.check_may_delete, user_id=actor.user_id)
            )
            if message.deleted_at is not None:
                return message
            try:
                return await self._revise(actor, conversation, message, None)
            except Stale:
                continue
        raise Overloaded("The message is changing too fast; try again")

    async def _revise(
        self, actor: Actor, conversation: Conversation, message: Message, body: Body | None
    ) -> Message:
        draft = RevisionDraft(conversation, actor, message, body, self.clock.now())
        return (await self.log.append(draft)).message

    async def _judged_message(
        self, message_id: MessageId, rule: Callable[..., Judged]
    ) -> tuple[Message, Conversation, Judged]:
        """Return the message, its conversation, and the result of the rule.

        A refusal never relies on a cached conversation.
        """
        message, conversation = await self._message(message_id)
        try:
            return message, conversation, rule(conversation, message=message)
        except ChatError:
            fresh = await self.conversations.fresh(conversation.id)
            if fresh is None:
                raise
            return message, fresh, rule(fresh, message=message)

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

    async def _check_may_send(
        self, sender: UserId, conversation: Conversation, is_blocked: IsBlocked
    ) -> None:
        conversation.check_member(sender)
        if conversation.kind is not ConversationKind.DIRECT:
            return
        if conversation.has_ended:
            raise RecipientNotFound("The recipient has deleted their account")
        other = conversation.other(sender)
        if other is not None and await is_blocked(sender, other):
            raise Blocked

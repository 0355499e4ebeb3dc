"""The port to the one writer of conversations."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from chat_core.bodies import Body
from chat_core.conversations import Change, Conversation
from chat_core.events import LogEvent, MessageSent, MessageUpdated
from chat_core.ids import (
    ClientConversationId,
    ClientMessageId,
    ConnectionId,
    ConversationId,
    MessageId,
    UserId,
)
from chat_core.messages import Message
from chat_core.records import record
from chat_core.sessions import Actor

Told = TypeVar("Told")


class Stale(Exception):
    """What the rules were judged on has changed since: read it again and judge anew."""


@record
class MessageDraft:
    """A message to append.

    `conversation` is the one on which the rules were judged. A direct one that is not stored yet
    is stored with its first entry.
    """

    id: MessageId
    conversation: Conversation
    actor: Actor
    body: Body
    client_id: ClientMessageId | None
    at: datetime

    def stored(self, conversation_id: ConversationId, seq: int) -> Message:
        """The message that this has become, at its place."""
        sender = self.actor.user_id
        recipient = self.conversation.other(sender)
        # By position: so many names take twice as long.
        return Message(
            self.id,
            conversation_id,
            seq,
            seq,
            sender,
            recipient,
            self.body,
            self.client_id,
            self.at,
        )


@dataclass(frozen=True, slots=True)
class RevisionDraft:
    """An edit of a message, or with no body its deletion; `message` is what was judged."""

    conversation: Conversation
    actor: Actor
    message: Message
    body: Body | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CreationDraft:
    """A group to create: entry 1 of its log."""

    conversation: Conversation
    actor: Actor
    client_id: ClientConversationId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeDraft:
    """A change of a conversation's members, roles or title, judged on `conversation`."""

    conversation: Conversation
    actor: Actor
    change: Change
    at: datetime


Draft = MessageDraft | RevisionDraft | CreationDraft | ChangeDraft


@record
class Appended:
    """What came of an append; with `duplicate` it was there before and nothing was stored."""

    event: LogEvent
    duplicate: bool = False

    @property
    def message(self) -> Message:
        """The message that was sent, edited or deleted, as it is now."""
        event = self.event
        if isinstance(event, (MessageSent, MessageUpdated)):
            return event.message
        raise TypeError("The entry is about no message")


Outcome = Appended | Exception
"""What came of a draft, or why nothing did."""

Done = Callable[[Outcome], None]
"""Is told an outcome, once, in the event loop's thread. It never raises."""


@record
class Committed:
    """An entry that was just stored, for the log's followers."""

    event: LogEvent
    audience: Collection[UserId]
    """The members before the entry and after it."""
    cause: ConnectionId | None
    """The connection whose own event it was."""


Follower = Callable[[Committed], None]


class ConversationLog(Protocol):
    """The stored log of every conversation, and its only writer. Every push is derived from it."""

    async def append(self, draft: Draft) -> Appended:
        """`submit`, and wait for the outcome. An exception is raised.

        - A cancelled caller stops neither the commit nor the followers.
        """
        outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.submit(draft, partial(resolve, outcome))
        return await outcome

    @abstractmethod
    def submit(self, draft: Draft, done: Done) -> None:
        """Store one entry at the next place of its conversation's log.

        `done` is told what came of it, at once or later; what "raises" here is told, too.

        - Places in one conversation are 1, 2, 3 … without holes, under concurrent calls too.
        - Calls take their places in the order in which they were started.
        - The same sender and client id of a message again: returns the first message as it is
          now, stores nothing, whatever has changed since.
        - The same sender and client id with another body, or for another conversation, than was
          sent first: raises `ClientIdConflict`.
        - The same creator and client id of a group again: returns the creation of the first; with
          another title or other members raises `ClientIdConflict`.
        - Two first messages of the same two users make one direct conversation.
        - `draft.conversation.revision` is no longer the conversation's, or the conversation is a
          group that is not stored: raises `Stale`, stores nothing.
        - The message of a revision has changed since it was judged: raises `Stale`, stores
          nothing.
        - A change is in force when `done` is told: members, roles, title, and `revision`,
          which is its place.
        - Whoever's account is deleted leaves no content: their messages are deleted at that place,
          those of somebody who had left the group before, too.
        - Nothing is kept then of what they first sent, not even a digest: a client id of theirs
          with whatever content for that conversation is a repeat.
        - The sender's own receipt moves to a new message.
        - Each follower gets each committed entry, in the order of seq, before `done` is told; a
          repeat is none.
        - Followers are told the members before and after an entry.
        - After `Unavailable` a retry with the client id is safe.
        """

    @abstractmethod
    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        """What the draft repeats: the first message as it is now, or the group's creation.

        - A draft that repeats nothing: None.
        - The same sender and client id with another body, or for another conversation, than was
          sent first: None.
        - The same creator and client id with another title or other members: None.
        """

    @abstractmethod
    async def open_direct(self, conversation: Conversation) -> Conversation:
        """Store a direct conversation with an empty log; where the two have one, returns that."""

    @abstractmethod
    def follow(self, follower: Follower) -> None:
        """Add a follower: a function that only queues, and never raises.

        - It gets every entry that is committed from now on, after those that were added before it.
        - It runs in the event loop's thread.
        """


def resolve(future: "asyncio.Future[Appended]", outcome: Outcome) -> None:
    """Hand an outcome to whoever waits for it, if anybody still does."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def tell(listener: Callable[[Told], None], what: Told) -> None:
    """Call a follower, or a caller's `Done`: were one to raise, the others still get theirs."""
    try:
        listener(what)
    except Exception as error:  # noqa: BLE001
        message = "the follower of a log, or a caller, raised"
        asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})

"""The port to the one writer of conversations."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chat_core.conversations import Change, Conversation
from chat_core.events import LogEvent, MessageSent, MessageUpdated
from chat_core.ids import (
    ClientConversationId,
    ClientMessageId,
    ConnectionId,
    MessageId,
    UserId,
)
from chat_core.messages import Message
from chat_core.sessions import Actor


class Stale(Exception):
    """What the rules were judged on has changed since: read it again and judge anew."""


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """A message to append.

    `conversation` is the one on which the rules were judged. A direct one that is not stored yet
    is stored with its first entry.
    """

    id: MessageId
    conversation: Conversation
    actor: Actor
    content: str
    client_id: ClientMessageId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RevisionDraft:
    """An edit of a message, or with no content its deletion; `message` is what was judged."""

    conversation: Conversation
    actor: Actor
    message: Message
    content: str | None
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


@dataclass(frozen=True, slots=True)
class Appended:
    """What came of an append; with `duplicate` it was there before and nothing was stored."""

    event: LogEvent
    duplicate: bool = False

    @property
    def message(self) -> Message:
        """The message that was sent, edited or deleted, as it is now."""
        if isinstance(self.event, MessageSent | MessageUpdated):
            return self.event.message
        raise TypeError("The entry is about no message")


@dataclass(frozen=True, slots=True)
class Committed:
    """An entry that was just stored, for the log's follower."""

    event: LogEvent
    audience: Collection[UserId]
    """The members before the entry and after it."""
    cause: ConnectionId | None
    """The connection whose own event it was."""


Follower = Callable[[Committed], None]


class ConversationLog(Protocol):
    """The stored log of every conversation, and its only writer. Every push is derived from it."""

    async def append(self, draft: Draft) -> Appended:
        """`submit`, and wait for what comes of it."""
        return await self.submit(draft)

    @abstractmethod
    def submit(self, draft: Draft) -> "asyncio.Future[Appended]":
        """Store one entry at the next place of its conversation's log.

        The future is done once that is so; what "raises" here is its exception.

        - Places in one conversation are 1, 2, 3 … without holes, under concurrent calls too.
        - Calls take their places in the order in which they were started.
        - The same sender and client id of a message again: returns the first message as it is
          now, stores nothing, whatever has changed since.
        - The same sender and client id with other content, or for another conversation, than was
          sent first: raises `ClientIdConflict`.
        - The same creator and client id of a group again: returns the creation of the first; with
          another title or other members raises `ClientIdConflict`.
        - Two first messages of the same two users make one direct conversation.
        - `draft.conversation.revision` is no longer the conversation's, or the conversation is a
          group that is not stored: raises `Stale`, stores nothing.
        - The message of a revision has changed since it was judged: raises `Stale`, stores
          nothing.
        - A change is in force when the future is done: members, roles, title, and `revision`,
          which is its place.
        - A member whose account is deleted leaves no content: their messages are deleted at that
          place.
        - The sender's own receipt moves to a new message.
        - The follower gets each committed entry, in the order of seq, before the future is
          done; a repeat is none.
        - The follower is told the members before and after an entry.
        - A cancelled caller neither stops the commit nor the follower.
        - After `Unavailable` a retry with the client id is safe.
        """

    @abstractmethod
    async def repeated(self, draft: MessageDraft) -> Appended | None:
        """The first message that the draft repeats, as it is now; None where it repeats none.

        - The same sender and client id with other content, or for another conversation, than was
          sent first: None.
        """

    @abstractmethod
    async def open_direct(self, conversation: Conversation) -> Conversation:
        """Store a direct conversation with an empty log; where the two have one, returns that."""

    @abstractmethod
    def follow(self, follower: Follower) -> None:
        """Set the log's one follower: a function that only queues, and never raises.

        It runs in the event loop's thread.
        """

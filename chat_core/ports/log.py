"""The port to the only writer of conversations."""

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
    """The state that the rules were checked against has changed. Read it and check again."""


@record
class MessageDraft:
    """A message to append.

    The rules were checked against `conversation`. If it is a direct one that is not stored yet, the
    log stores it with its first entry.
    """

    id: MessageId
    conversation: Conversation
    actor: Actor
    body: Body
    client_id: ClientMessageId | None
    at: datetime

    def stored(self, conversation_id: ConversationId, seq: int) -> Message:
        """Return the message that this draft becomes when it is stored at `seq`."""
        sender = self.actor.user_id
        recipient = self.conversation.other(sender)
        # Positional arguments: this many keywords take twice as long.
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
    """An edit of `message` as it was when the rules were checked. No body means a deletion."""

    conversation: Conversation
    actor: Actor
    message: Message
    body: Body | None
    at: datetime


@dataclass(frozen=True, slots=True)
class CreationDraft:
    """A group to create. The creation is entry 1 of its log."""

    conversation: Conversation
    actor: Actor
    client_id: ClientConversationId | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeDraft:
    """A change of members, roles or title. The rules were checked against `conversation`."""

    conversation: Conversation
    actor: Actor
    change: Change
    at: datetime


Draft = MessageDraft | RevisionDraft | CreationDraft | ChangeDraft


@record
class Appended:
    """The entry that an append stored, or with `duplicate` the earlier entry that it repeats."""

    event: LogEvent
    duplicate: bool = False

    @property
    def message(self) -> Message:
        """Return the message that was sent, edited or deleted, as it is now."""
        event = self.event
        if isinstance(event, (MessageSent, MessageUpdated)):
            return event.message
        raise TypeError("The entry is about no message")


Outcome = Appended | Exception
"""The result of a draft, or the exception that explains why nothing was stored."""

Done = Callable[[Outcome], None]
"""A callback for one outcome. It runs once, in the event loop's thread, and never raises."""


@record
class Committed:
    """An entry that was just stored, as the log's followers get it."""

    event: LogEvent
    audience: Collection[UserId]
    """The members before the entry and after it."""
    cause: ConnectionId | None
    """The connection that caused the entry, if one did."""


Follower = Callable[[Committed], None]


class ConversationLog(Protocol):
    """The stored log of each conversation, and the only writer of it. All pushes come from it."""

    async def append(self, draft: Draft) -> Appended:
        """Submit the draft and return its outcome, or raise it if it is an exception.

        - If the caller is cancelled, the commit and the followers still run.
        """
        outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.submit(draft, partial(resolve, outcome))
        return await outcome

    @abstractmethod
    def submit(self, draft: Draft, done: Done) -> None:
        """Store one entry at the next place of its conversation's log.

        The log calls `done` with the outcome, now or later. "Raises" below means this outcome, too.

        - The places in one conversation are 1, 2, 3 … without gaps, under concurrent calls, too.
        - Calls take their places in the order in which they started.
        - If the same sender and client id of a message come again, returns the first message as it
          is now, and stores nothing, whatever has changed since.
        - If they come again with another body, or for another conversation, raises
          `ClientIdConflict`.
        - If the same creator and client id of a group come again, returns the creation of the
          first; with another title or other members raises `ClientIdConflict`.
        - Two first messages between the same two users create one direct conversation.
        - If `draft.conversation.revision` is outdated, or the conversation is a group that is not
          stored, raises `Stale`, and stores nothing.
        - If the message of a revision has changed since the rules were checked, raises `Stale`, and
          stores nothing.
        - When the log calls `done`, a change of members, roles or title is in force, and `revision`
          is the place of the change.
        - If a member's account is deleted, all their messages in the conversation are deleted at
          that place, even if they had left the group before.
        - Then not even a digest of their first texts remains: any content with one of their client
          ids in that conversation is a repeat.
        - The sender's own receipt moves to a new message.
        - Each follower gets each committed entry, in the order of seq, before `done` is called; a
          repeat commits no entry.
        - Followers get the members before and after an entry.
        - After `Unavailable` a retry with the client id is safe.
        """

    @abstractmethod
    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        """Return the first message as it is now, or the group's creation, that this draft repeats.

        - If the draft repeats nothing, returns None.
        - If the first message with the same sender and client id had another body, or was for
          another conversation, returns None.
        - If the first group with the same creator and client id had another title or other members,
          returns None.
        """

    @abstractmethod
    async def open_direct(self, conversation: Conversation) -> Conversation:
        """Store a direct conversation with an empty log, or return the one that already exists."""

    @abstractmethod
    def follow(self, follower: Follower) -> None:
        """Add a follower: a function that only queues, and never raises.

        - It gets every entry committed from now on, after the followers that were added earlier.
        - It runs in the event loop's thread.
        """


def resolve(future: "asyncio.Future[Appended]", outcome: Outcome) -> None:
    """Pass an outcome to the future, unless the future is done or cancelled."""
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def tell(listener: Callable[[Told], None], what: Told) -> None:
    """Call a follower or a `Done`. If it raises, report the error, so that the others still run."""
    try:
        listener(what)
    except Exception as error:  # noqa: BLE001
        message = "the follower of a log, or a caller, raised"
        asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})

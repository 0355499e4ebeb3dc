"""The port to where logs are kept: a handful of primitives, under the rules of `chat_core.log`."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Protocol

from chat_core.conversations import Conversation, Member
from chat_core.events import ConversationUpdated, MessageSent, MessageUpdated
from chat_core.ids import ClientConversationId, ClientMessageId, ConversationId, UserId
from chat_core.measures import Commits
from chat_core.messages import Message
from chat_core.records import record


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a log: the conversation as it is there, and the seq of its last entry, or 0."""

    conversation: Conversation
    last_seq: int


@record
class MessageWrite:
    """A new message, at the place after its log's last entry.

    - The sender's own receipt moves to it.
    - `opens` is the direct conversation to store before it.
    """

    event: MessageSent
    revision: int
    """The conversation's, which the message leaves as it is."""
    opens: Conversation | None = None

    @property
    def conversation_id(self) -> ConversationId:
        """Whose log it is."""
        return self.event.message.conversation_id


@dataclass(frozen=True, slots=True)
class RevisionWrite:
    """An edit or a deletion: the entry, and what the message is then."""

    event: MessageUpdated
    before: Message
    """The message as it was judged."""
    revision: int
    actor_id: UserId
    at: datetime

    @property
    def conversation_id(self) -> ConversationId:
        """Whose log it is."""
        return self.before.conversation_id

    @property
    def seq(self) -> int:
        """The entry's place."""
        return self.event.seq


@dataclass(frozen=True, slots=True)
class CreationWrite:
    """A new group with entry 1 of its log."""

    event: ConversationUpdated
    conversation: Conversation
    client_id: ClientConversationId | None
    at: datetime

    @property
    def conversation_id(self) -> ConversationId:
        """Whose log it is."""
        return self.event.conversation_id

    @property
    def seq(self) -> int:
        """The entry's place."""
        return self.event.seq


@dataclass(frozen=True, slots=True)
class ChangeWrite:
    """A change of a conversation: the entry, and what it does to what is stored."""

    event: ConversationUpdated
    before: Conversation
    after: Conversation
    at: datetime
    member: Member | None
    """Who is a member from now on, or is one with another role. Marks of before are kept."""
    removed: UserId | None
    """Who is a member no more, since this place; who was removed before stays so since then."""
    erased: UserId | None
    """Whose messages in this conversation become deleted at this place, if they are not yet.
    Their content is gone, and each digest of what they first sent."""

    @property
    def conversation_id(self) -> ConversationId:
        """Whose log it is."""
        return self.event.conversation_id

    @property
    def seq(self) -> int:
        """The entry's place."""
        return self.event.seq

    @property
    def revision(self) -> int:
        """The conversation's before it."""
        return self.before.revision


Write = MessageWrite | RevisionWrite | CreationWrite | ChangeWrite
"""One entry to store, with all that changes by it."""


class Verdict(Enum):
    """What became of a write."""

    STORED = "stored"
    MOVED = "moved"
    """Its log goes on already where it was to go, or the direct conversation is stored already that
    it would open."""
    CHANGED = "changed"
    """The message is not as it was judged, or has expired."""
    TAKEN = "taken"
    """The sender, or creator, has used the client id before."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What became of writes that were committed together."""

    each: Sequence[Verdict | Exception]
    """In the order of the writes. An exception is a mistake in this write or its adapter."""
    at: float
    """When that was so, by `time.monotonic`."""


@dataclass(frozen=True, slots=True)
class FirstSent:
    """The message that was sent under a client id, as it is now."""

    message: Message
    digest: bytes | None
    """Of what it said first. None where it says that still, and once its sender is erased."""


SentKey = tuple[UserId, ClientMessageId]
CreatedKey = tuple[UserId, ClientConversationId]


class LogStore(Protocol):
    """Where logs are kept. `chat_core.log.Log` is its one user in a process, one call at a time.

    A backend that is out of reach, busy or full raises `Unavailable`.
    """

    @property
    @abstractmethod
    def commits(self) -> Commits:
        """Measures of the commits; the log adds how late its pushes are."""

    @abstractmethod
    async def heads(self, wanted: Sequence[Conversation]) -> Sequence[Head | None]:
        """The ends of the logs of these conversations, in their order; None where none is stored.

        - A direct conversation is known by its two members, a group by its id.
        - What other processes have stored is seen.
        """

    @abstractmethod
    async def commit(self, writes: Sequence[Write]) -> Verdicts:
        """Store what can be stored, in this order within each conversation, and durably.

        Each write follows a head that was read, or a write before it.

        - A write is stored whole, or not at all.
        - Where something else has been stored at its place meanwhile: `MOVED`. So is what comes
          after one that is not stored, in the same log, though it might fit; and what was not
          tried.
        - One that would open a direct conversation which the two have already: `MOVED`.
        - A revision whose message is not as it was, or has expired: `CHANGED`.
        - A client id that its sender, or creator, has used before: `TAKEN`, and the log is as
          before.
        - A verdict is certain: nothing that was not `STORED` appears later.
        - Raises `Unavailable`: nothing is stored.
        """

    @abstractmethod
    async def first_sent(self, wanted: Collection[SentKey]) -> Mapping[SentKey, FirstSent]:
        """What these senders sent under these client ids; keys that nobody used are left out."""

    @abstractmethod
    async def first_created(
        self, wanted: Collection[CreatedKey]
    ) -> Mapping[CreatedKey, ConversationUpdated]:
        """The creations of groups under these client ids; keys that nobody used are left out."""

    @abstractmethod
    async def open_direct(self, conversation: Conversation) -> Conversation:
        """Store a direct conversation with an empty log; where the two have one, return that."""

    @abstractmethod
    async def close(self) -> None:
        """The process ends: a commit that has still to find something out raises `Unavailable`."""

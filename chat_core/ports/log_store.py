"""The port to the storage of logs: a few primitives, below the rules of `chat_core.log`."""

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
    """The end of a log: the conversation at that point, and the seq of the last entry, or 0."""

    conversation: Conversation
    last_seq: int


@record
class MessageWrite:
    """A new message, to store after the last entry of its log.

    - The sender's own receipt moves to this message.
    - `opens` is a direct conversation to store first.
    """

    event: MessageSent
    revision: int
    """The conversation's revision, which a message does not change."""
    opens: Conversation | None = None

    @property
    def conversation_id(self) -> ConversationId:
        """Return the id of the conversation that the entry belongs to."""
        return self.event.message.conversation_id


@dataclass(frozen=True, slots=True)
class RevisionWrite:
    """An edit or a deletion: the entry with the changed message."""

    event: MessageUpdated
    before: Message
    """The message that the rules were checked on."""
    revision: int
    actor_id: UserId
    at: datetime

    @property
    def conversation_id(self) -> ConversationId:
        """Return the id of the conversation that the entry belongs to."""
        return self.before.conversation_id

    @property
    def seq(self) -> int:
        """Return the entry's place."""
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
        """Return the id of the conversation that the entry belongs to."""
        return self.event.conversation_id

    @property
    def seq(self) -> int:
        """Return the entry's place."""
        return self.event.seq


@dataclass(frozen=True, slots=True)
class ChangeWrite:
    """A change of a conversation: the entry, and its effects on the stored data."""

    event: ConversationUpdated
    before: Conversation
    after: Conversation
    at: datetime
    member: Member | None
    """The member that this change adds, or gives another role. Existing receipts stay."""
    removed: UserId | None
    """A user who stops being a member at this place. If already removed, the first place stays."""
    erased: UserId | None
    """A user whose messages in this conversation are deleted at this place, unless they already
    are. Their content and the digests of their first texts are deleted."""

    @property
    def conversation_id(self) -> ConversationId:
        """Return the id of the conversation that the entry belongs to."""
        return self.event.conversation_id

    @property
    def seq(self) -> int:
        """Return the entry's place."""
        return self.event.seq

    @property
    def revision(self) -> int:
        """Return the conversation's revision before the change."""
        return self.before.revision


Write = MessageWrite | RevisionWrite | CreationWrite | ChangeWrite
"""One entry to store, with all the changes that it makes."""


class Verdict(Enum):
    """The result of a write."""

    STORED = "stored"
    MOVED = "moved"
    """Another entry is at that place of its log, or the direct conversation to open exists
    already."""
    CHANGED = "changed"
    """The message has changed since the rules were checked, or has expired."""
    TAKEN = "taken"
    """The sender, or creator, has used the client id before."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The results of writes that were committed together."""

    each: Sequence[Verdict | Exception]
    """One for each write, in order. An exception is a fault of this write or of its adapter."""
    at: float
    """The time of the commit, by `time.monotonic`."""


@dataclass(frozen=True, slots=True)
class FirstSent:
    """The first message with a client id, as it is now."""

    message: Message
    digest: bytes | None
    """The digest of its first text. None if the text is unchanged, or the sender is erased."""


SentKey = tuple[UserId, ClientMessageId]
CreatedKey = tuple[UserId, ClientConversationId]


class LogStore(Protocol):
    """The storage of logs. In a process only `chat_core.log.Log` uses it, one call at a time.

    If a backend is unreachable, busy or full, it raises `Unavailable`.
    """

    @property
    @abstractmethod
    def commits(self) -> Commits:
        """Return the measures of the commits. The log adds how late its pushes are."""

    @abstractmethod
    async def heads(self, wanted: Sequence[Conversation]) -> Sequence[Head | None]:
        """Return the heads of these conversations' logs, in order, and None if a log is not stored.

        - It finds a direct conversation by its two members, and a group by its id.
        - It sees what other processes have stored.
        """

    @abstractmethod
    async def commit(self, writes: Sequence[Write]) -> Verdicts:
        """Store as many writes as possible, in this order within each conversation, durably.

        Each write follows a head that was read, or an earlier write.

        - It stores a write completely, or not at all.
        - If another entry was stored at a write's place meanwhile, the verdict is `MOVED`. Later
          writes to the same log after one that is not stored are `MOVED`, too, and so are writes
          that were not tried.
        - If a write would open a direct conversation that already exists, the verdict is `MOVED`.
        - If the message of a revision has changed, or has expired, the verdict is `CHANGED`.
        - If its sender or creator has used the client id before, the verdict is `TAKEN`, and the
          log is unchanged.
        - A verdict is final: a write that was not `STORED` never appears later.
        - If it raises `Unavailable`, nothing is stored.
        """

    @abstractmethod
    async def first_sent(self, wanted: Collection[SentKey]) -> Mapping[SentKey, FirstSent]:
        """Return the first message with each sender and client id. Unused keys are left out."""

    @abstractmethod
    async def first_created(
        self, wanted: Collection[CreatedKey]
    ) -> Mapping[CreatedKey, ConversationUpdated]:
        """Return the creation of the group for each key. Unused keys are left out."""

    @abstractmethod
    async def open_direct(self, conversation: Conversation) -> Conversation:
        """Store a direct conversation with an empty log, or return the one that already exists."""

    @abstractmethod
    async def close(self) -> None:
        """Close the store. A commit whose outcome is still unknown raises `Unavailable`."""

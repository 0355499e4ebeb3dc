"""Heads: the ends of logs, as this process knows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chat_core.conversations import Conversation
from chat_core.ids import ConversationId
from chat_core.ports.log_store import Head

MOST_MEMBERS = 500_000
"""Of the known conversations together, about 200 bytes each; past it all are forgotten."""


@dataclass(slots=True, eq=False)
class KnownHead:
    """The end of a log, with the writes that were made for it."""

    conversation: Conversation
    last_seq: int
    read: int
    """The round in which it was read."""
    moved: int = 0
    """The latest round in which a write was made for it."""
    members: int = field(init=False)
    """How many it was remembered with."""

    def __post_init__(self) -> None:
        self.members = len(self.conversation.members)


class Heads:
    """The heads that were read or written here; other processes may have gone on."""

    def __init__(self) -> None:
        self.by_id: dict[ConversationId, KnownHead] = {}
        self._by_pair: dict[str, KnownHead] = {}
        self._members = 0

    def of(self, conversation: Conversation) -> KnownHead | None:
        """The conversation's, if it is known; a direct one is known by its two members."""
        head = self.by_id.get(conversation.id)
        if head is None and (pair := conversation.pair) is not None:
            return self._by_pair.get(pair)
        return head

    def read(self, read: Sequence[Head | None], now: int) -> None:
        """These were read."""
        for head in read:
            if head is not None and head.conversation.id not in self.by_id:
                self.add(KnownHead(head.conversation, head.last_seq, now))

    def add(self, head: KnownHead) -> None:
        """A head that was not known."""
        conversation = head.conversation
        self.by_id[conversation.id] = head
        if (pair := conversation.pair) is not None:
            self._by_pair[pair] = head
        self._members += head.members

    def begin(self, conversation: Conversation, now: int) -> None:
        """The first entry of a conversation is written."""
        self.add(KnownHead(conversation, 1, now, now))

    def forget(self, conversation: Conversation) -> None:
        """Read it again the next time."""
        head = self.of(conversation)
        if head is not None:
            self._members -= head.members
            del self.by_id[head.conversation.id]
            if (pair := conversation.pair) is not None:
                del self._by_pair[pair]

    def forget_each(self, conversations: Iterable[Conversation]) -> None:
        """Read these again the next time."""
        for conversation in conversations:
            self.forget(conversation)

    def forget_all(self) -> None:
        """Read every one again the next time."""
        self.by_id.clear()
        self._by_pair.clear()
        self._members = 0

    def make_room(self) -> None:
        """Forget all, if they have become too many."""
        if self._members > MOST_MEMBERS:
            self.forget_all()

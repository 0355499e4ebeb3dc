"""Heads: the ends of logs, as cached in this process."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from chat_core.conversations import Conversation
from chat_core.ids import ConversationId
from chat_core.ports.log_store import Head

MOST_MEMBERS = 500_000
"""The most members in the cache, at about 200 bytes each. Above it, all are removed."""


@dataclass(slots=True, eq=False)
class KnownHead:
    """The end of a log, and the rounds that read it and wrote after it."""

    conversation: Conversation
    last_seq: int
    read: int
    """The round that read the head."""
    moved: int = 0
    """The latest round that planned a write after the head."""
    members: int = field(init=False)
    """The number of members that it counts for in the cache."""

    def __post_init__(self) -> None:
        self.members = len(self.conversation.members)


class Heads:
    """The heads that this process has read or written. Other processes may have written since."""

    def __init__(self) -> None:
        self.by_id: dict[ConversationId, KnownHead] = {}
        self._by_pair: dict[str, KnownHead] = {}
        self._members = 0

    def of(self, conversation: Conversation) -> KnownHead | None:
        """Return a conversation's head, or None. It finds a direct one by its two members."""
        head = self.by_id.get(conversation.id)
        if head is None and (pair := conversation.pair) is not None:
            return self._by_pair.get(pair)
        return head

    def read(self, read: Sequence[Head | None], now: int) -> None:
        """Add the heads that were read in round `now`."""
        for head in read:
            if head is not None and head.conversation.id not in self.by_id:
                self.add(KnownHead(head.conversation, head.last_seq, now))

    def add(self, head: KnownHead) -> None:
        """Add an unknown head."""
        conversation = head.conversation
        self.by_id[conversation.id] = head
        if (pair := conversation.pair) is not None:
            self._by_pair[pair] = head
        self._members += head.members

    def begin(self, conversation: Conversation, now: int) -> None:
        """Add the head of a conversation whose first entry is being written."""
        self.add(KnownHead(conversation, 1, now, now))

    def forget(self, conversation: Conversation) -> None:
        """Remove a head, so that it is read again."""
        head = self.of(conversation)
        if head is not None:
            self._members -= head.members
            del self.by_id[head.conversation.id]
            if (pair := conversation.pair) is not None:
                del self._by_pair[pair]

    def forget_each(self, conversations: Iterable[Conversation]) -> None:
        """Remove these heads, so that they are read again."""
        for conversation in conversations:
            self.forget(conversation)

    def forget_all(self) -> None:
        """Remove all heads, so that they are read again."""
        self.by_id.clear()
        self._by_pair.clear()
        self._members = 0

    def make_room(self) -> None:
        """Remove all heads if they take too much memory."""
        if self._members > MOST_MEMBERS:
            self.forget_all()

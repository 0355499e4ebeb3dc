"""Conversations and their logs in dictionaries."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from chat_core.conversations import (
    MAX_UNREAD,
    RECEIPTS_UP_TO,
    ActivityPlace,
    Conversation,
    Overview,
    Receipt,
    Standing,
)
from chat_core.errors import NotFound
from chat_core.events import ConversationUpdated, LogEvent, MessageSent, MessageUpdated
from chat_core.ids import ConversationId, MessageId, UserId
from chat_core.log.shown import shown_at
from chat_core.messages import History, Message
from chat_core.pages import Page
from chat_core.ports.storage import ConversationStore, LogReader, ReceiptStore


@dataclass(frozen=True, slots=True)
class Said:
    """The entry of a message."""

    message_id: MessageId


@dataclass(frozen=True, slots=True)
class Revised:
    """The entry of an edit or a deletion."""

    message_id: MessageId


@dataclass(frozen=True, slots=True)
class Expired:
    """An entry that was removed from the front."""


@dataclass(slots=True)
class StoredLog:
    """A conversation. The entry at place `seq` is `entries[seq - 1]`, with a time in `times`."""

    conversation: Conversation
    active_at: datetime
    entries: list[Said | Revised | ConversationUpdated | Expired] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    first_seq: int = 1
    messages: dict[MessageId, Message] = field(default_factory=dict)
    removed_at: dict[UserId, int] = field(default_factory=dict)
    receipts: dict[UserId, Receipt] = field(default_factory=dict)

    def receipt(self, user_id: UserId) -> Receipt:
        """Return a member's watermarks, which start at 0."""
        return self.receipts.get(user_id, Receipt(user_id, 0, 0))

    def move_receipt(self, user_id: UserId, delivered: int, read: int) -> bool:
        """Move the watermarks forward, at most to the end, and return whether they moved."""
        before = self.receipt(user_id)
        read = max(before.read_seq, min(read, len(self.entries)))
        delivered = max(before.delivered_seq, min(delivered, len(self.entries)), read)
        self.receipts[user_id] = after = Receipt(user_id, delivered, read)
        return after != before

    def add(self, entry: Said | Revised | ConversationUpdated, at: datetime) -> None:
        """Append an entry."""
        self.entries.append(entry)
        self.times.append(at)
        self.active_at = at

    def event(self, seq: int, until: int) -> LogEvent:
        """Return the entry at a place. Its message is as it is now, or as it was at `until`."""
        entry = self.entries[seq - 1]
        if isinstance(entry, ConversationUpdated):
            return entry
        if isinstance(entry, Expired):
            raise TypeError(entry)
        message = shown_at(self.messages[entry.message_id], seq, until)
        return MessageSent(message) if isinstance(entry, Said) else MessageUpdated(seq, message)

    def said(self, places: Sequence[int]) -> Iterator[Message]:
        """Yield the messages at those places, in that order, and skip other entries."""
        for seq in places:
            entry = self.entries[seq - 1]
            if isinstance(entry, Said):
                yield self.messages[entry.message_id]

    def standing(self, user_id: UserId) -> Standing:
        """Return a member's standing."""
        members, last = self.conversation.members, len(self.entries)
        read_seq = self.receipt(user_id).read_seq
        unread = sum(
            message.sender_id != user_id and message.deleted_at is None
            for message in self.said(range(read_seq + 1, last + 1))
        )
        receipts = tuple(self.receipt(member) for member in sorted(members))
        return Standing(
            first_seq=self.first_seq,
            last_seq=last,
            read_seq=read_seq,
            unread_count=min(unread, MAX_UNREAD),
            receipts=receipts if len(members) <= RECEIPTS_UP_TO else (),
        )


@dataclass(slots=True)
class MemoryConversations(ConversationStore, LogReader, ReceiptStore):
    """Conversations in memory, for as long as the process runs."""

    logs: dict[ConversationId, StoredLog] = field(default_factory=dict)
    stored: list[tuple[ConversationId, int]] = field(default_factory=list)
    """The log and seq of each entry, in stored order. The entry's place is its index plus one."""
    directs: dict[frozenset[UserId], ConversationId] = field(default_factory=dict)

    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        """See `ConversationStore.get`."""
        log = self.logs.get(conversation_id)
        return log.conversation if log else None

    async def direct(self, one: UserId, other: UserId) -> Conversation | None:
        """See `ConversationStore.direct`."""
        conversation_id = self.directs.get(frozenset((one, other)))
        return self.logs[conversation_id].conversation if conversation_id else None

    async def overview(self, user_id: UserId, conversation_id: ConversationId) -> Overview | None:
        """See `ConversationStore.overview`."""
        log = self._log_of_member(user_id, conversation_id)
        return _overview(log, user_id) if log else None

    async def latest(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[ActivityPlace, ActivityPlace]:
        """See `ConversationStore.latest`."""
        places = [
            ActivityPlace(log.active_at, log.conversation.id)
            for log in self.logs.values()
            if user_id in log.conversation.members
        ]
        places.sort(key=_order, reverse=True)
        if after is not None:
            places = [place for place in places if _order(place) < _order(after)]
        found, more = places[:limit], len(places) > limit
        return Page(found, found[-1] if more else None)

    async def overviews(
        self, user_id: UserId, conversation_ids: Sequence[ConversationId]
    ) -> Sequence[Overview]:
        """See `ConversationStore.overviews`."""
        logs = [self._log_of_member(user_id, each) for each in conversation_ids]
        return [_overview(log, user_id).in_list() for log in logs if log is not None]

    async def left_behind(self, user_id: UserId) -> Collection[ConversationId]:
        """See `ConversationStore.left_behind`."""
        return [
            conversation_id
            for conversation_id, log in self.logs.items()
            if user_id in log.removed_at
            and any(
                message.sender_id == user_id and message.body is not None
                for message in log.messages.values()
            )
        ]

    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """See `ConversationStore.peers`."""
        peers: dict[UserId, set[UserId]] = {user: set() for user in users}
        for log in self.logs.values():
            members = log.conversation.members
            for user in peers.keys() & members.keys():
                peers[user].update(members.keys() - {user})
        return peers

    async def message(self, message_id: MessageId) -> Message | None:
        """See `LogReader.message`."""
        for log in self.logs.values():
            message = log.messages.get(message_id)
            if message is not None:
                return message if message.seq >= log.first_seq else None
        return None

    async def history(
        self, conversation_id: ConversationId, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """See `LogReader.history`."""
        log = self.logs.get(conversation_id)
        if log is None:
            return History([], has_more=False)
        last = len(log.entries)
        if after is not None:
            later = list(islice(log.said(range(after + 1, last + 1)), limit + 1))
            return History(later[:limit], len(later) > limit)
        end = last if before is None else min(before - 1, last)
        earlier = list(islice(log.said(range(end, 0, -1)), limit + 1))
        return History(earlier[:limit][::-1], len(earlier) > limit)

    async def entries(
        self, conversation_id: ConversationId, *, after: int, until: int, limit: int
    ) -> Collection[LogEvent]:
        """See `LogReader.entries`."""
        log = self.logs.get(conversation_id)
        if log is None:
            return []
        first = max(after + 1, log.first_seq)
        end = min(until, len(log.entries), first - 1 + limit)
        return [log.event(seq, until) for seq in range(first, end + 1)]

    async def standing(self, user_id: UserId, conversation_id: ConversationId) -> Standing | None:
        """See `LogReader.standing`."""
        log = self.logs.get(conversation_id)
        if log is None:
            return None
        if user_id in log.conversation.members:
            return log.standing(user_id)
        removed_at = log.removed_at.get(user_id)
        if removed_at is None:
            return None
        read_seq = min(log.receipt(user_id).read_seq, removed_at)
        first_seq = min(log.first_seq, removed_at + 1)
        return Standing(first_seq, removed_at, read_seq, 0, (), is_member=False)

    async def move(
        self, conversation_id: ConversationId, user_id: UserId, *, delivered: int, read: int
    ) -> tuple[Receipt, bool]:
        """See `ReceiptStore.move`."""
        log = self._log_of_member(user_id, conversation_id)
        if log is None:
            raise NotFound("There is no such conversation")
        moved = log.move_receipt(user_id, delivered, read)
        return log.receipt(user_id), moved

    def _log_of_member(self, user_id: UserId, conversation_id: ConversationId) -> StoredLog | None:
        log = self.logs.get(conversation_id)
        return log if log is not None and user_id in log.conversation.members else None


def _overview(log: StoredLog, user_id: UserId) -> Overview:
    return Overview.of(
        log.conversation,
        user_id,
        log.standing(user_id),
        next(log.said(range(len(log.entries), 0, -1)), None),
        log.active_at,
    )


def _order(place: ActivityPlace) -> tuple[datetime, ConversationId]:
    return place.active_at, place.conversation_id

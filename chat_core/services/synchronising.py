"""Synchronising: read the entries that a client missed from the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chat_core.conversations import ActivityPlace, Standing
from chat_core.errors import Invalid
from chat_core.events import LogEvent
from chat_core.ids import ConversationId, UserId
from chat_core.measures import Synced
from chat_core.ports.storage import ConversationStore, LogReader
from chat_core.services.fair_queue import FairQueue, Turn
from chat_core.wire_sizes import (
    CONVERSATION_BYTES,
    PAGE_BYTES,
    RECEIPT_BYTES,
    BoundedItems,
    entry_size,
)

DEFAULT_LIMIT, MAX_LIMIT = 100, 500
MAX_CONVERSATIONS = 100
NOWHERE = Standing(1, 0, 0, 0, (), is_member=False)
NO_END = 2**63 - 1


@dataclass(frozen=True, slots=True)
class SyncPlace:
    """The place to continue after: a named conversation, or one of the others."""

    named: ConversationId | None = None
    others: ActivityPlace | None = None


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """The entries that a client has: up to a seq in each conversation that it names.

    With `others` it also asks for the latest entries of all other conversations.
    """

    conversations: Mapping[ConversationId, int]
    others: bool
    limit: int = DEFAULT_LIMIT
    after: SyncPlace | None = None


@dataclass(frozen=True, slots=True)
class SyncedConversation:
    """A conversation's missed entries. With `reset`, the client drops its copy and begins again."""

    conversation_id: ConversationId
    entries: Sequence[LogEvent]
    standing: Standing
    has_more: bool = False
    reset: bool = False


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    """Conversations, and the place to continue from with the same request, or None at the end."""

    conversations: Sequence[SyncedConversation]
    next: SyncPlace | None


@dataclass(frozen=True, slots=True)
class Synchronising:
    """Return the missed entries, in order, and without unreported gaps."""

    conversations: ConversationStore
    reader: LogReader
    reads: FairQueue
    synced: Synced = field(default_factory=Synced)

    async def sync(self, user_id: UserId, request: SyncRequest) -> SyncAnswer:
        """Return what the client missed. Raises `Invalid`, `RateLimited`."""
        if not 1 <= request.limit <= MAX_LIMIT:
            raise Invalid.field("limit", f"must be from 1 to {MAX_LIMIT}")
        async with self.reads.call(user_id) as turn:
            answer = await self._sync(user_id, request, turn)
        self.synced.answers += 1
        self.synced.entries += sum(len(part.entries) for part in answer.conversations)
        return answer

    async def _sync(self, user_id: UserId, request: SyncRequest, turn: Turn) -> SyncAnswer:
        answer = _Answer()
        place = request.after or SyncPlace()
        if place.others is None:
            for conversation_id in sorted(request.conversations):
                if place.named is not None and conversation_id <= place.named:
                    continue
                if answer.is_full():
                    return SyncAnswer(answer.parts, place)
                seq = request.conversations[conversation_id]
                async with turn:
                    part = await self._named(user_id, conversation_id, seq, request.limit, answer)
                answer.add(part)
                place = SyncPlace(named=conversation_id)
        if request.others:
            return await self._others(user_id, request, place, answer, turn)
        return SyncAnswer(answer.parts, None)

    async def _named(
        self,
        user_id: UserId,
        conversation_id: ConversationId,
        seq: int,
        limit: int,
        answer: "_Answer",
    ) -> SyncedConversation:
        standing = await self.reader.standing(user_id, conversation_id)
        if standing is None:
            return SyncedConversation(conversation_id, (), NOWHERE, reset=True)
        if not standing.first_seq - 1 <= seq <= standing.last_seq:
            latest = await self._latest(conversation_id, standing, limit, answer)
            return SyncedConversation(conversation_id, latest, standing, reset=True)
        entries = list(
            await self.reader.entries(conversation_id, after=seq, until=_end(standing), limit=limit)
        )
        if _lacks_any(entries, seq, standing):
            # Entries expired after the standing was read. Read it again.
            return await self._named(user_id, conversation_id, seq, limit, answer)
        fitting = answer.fitting(entries)
        end = fitting[-1].seq if fitting else seq
        standing = replace(standing, last_seq=max(standing.last_seq, end))
        return SyncedConversation(
            conversation_id, fitting, standing, has_more=end < standing.last_seq
        )

    async def _others(
        self,
        user_id: UserId,
        request: SyncRequest,
        place: SyncPlace,
        answer: "_Answer",
        turn: Turn,
    ) -> SyncAnswer:
        while True:
            async with turn:
                page = await self.conversations.latest(
                    user_id, after=place.others, limit=MAX_CONVERSATIONS
                )
            for other in page.items:
                conversation_id = other.conversation_id
                if conversation_id not in request.conversations:
                    if answer.is_full():
                        return SyncAnswer(answer.parts, place)
                    async with turn:
                        standing = await self.reader.standing(user_id, conversation_id)
                        if standing is not None and standing.is_member:
                            latest = await self._latest(
                                conversation_id, standing, request.limit, answer
                            )
                            answer.add(SyncedConversation(conversation_id, latest, standing))
                place = SyncPlace(others=other)
            if page.next is None:
                return SyncAnswer(answer.parts, None)

    async def _latest(
        self,
        conversation_id: ConversationId,
        standing: Standing,
        limit: int,
        answer: "_Answer",
    ) -> Sequence[LogEvent]:
        """Return the newest entries that fit, ascending."""
        after = max(standing.first_seq - 1, standing.last_seq - limit)
        entries = await self.reader.entries(
            conversation_id, after=after, until=_end(standing), limit=limit
        )
        return answer.fitting(list(entries)[::-1])[::-1]


class _Answer:
    """An unfinished answer, and how much of its limits is used."""

    def __init__(self) -> None:
        self.parts: list[SyncedConversation] = []
        self._bytes = 0

    def is_full(self) -> bool:
        return len(self.parts) >= MAX_CONVERSATIONS or self._bytes >= PAGE_BYTES

    def fitting(self, entries: Iterable[LogEvent]) -> list[LogEvent]:
        """Return the entries that fit, and at least one, so that each answer makes progress."""
        bounded = BoundedItems(entry_size, PAGE_BYTES - self._bytes)
        bounded.take(entries)
        return bounded.items

    def add(self, part: SyncedConversation) -> None:
        self.parts.append(part)
        self._bytes += CONVERSATION_BYTES + RECEIPT_BYTES * len(part.standing.receipts)
        self._bytes += sum(map(entry_size, part.entries))


def _lacks_any(entries: Sequence[LogEvent], seq: int, standing: Standing) -> bool:
    """Return whether the first entry after `seq` is missing."""
    if not entries:
        return seq < standing.last_seq
    return entries[-1].seq != seq + len(entries)


def _end(standing: Standing) -> int:
    """Return the last place to show. A member also sees entries newer than the standing."""
    return NO_END if standing.is_member else standing.last_seq

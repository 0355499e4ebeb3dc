"""Retention in dictionaries."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from chat_core.ids import ConversationId
from chat_core.memory.conversations import Expired, MemoryConversations, Said, StoredLog
from chat_core.pages import Page
from chat_core.ports.retention import LogRetention, OldFront


@dataclass(slots=True)
class MemoryLogRetention(LogRetention):
    """Removes entries from the logs of `conversations`."""

    conversations: MemoryConversations

    async def old(
        self, before: datetime, *, after: ConversationId | None, limit: int
    ) -> Page[OldFront, ConversationId]:
        """See `LogRetention.old`."""
        ids = sorted(each for each in self.conversations.logs if after is None or each > after)
        looked_at = ids[:limit]
        fronts = [_front(self.conversations.logs[each], before) for each in looked_at]
        old = [front for front in fronts if front.end > front.first_seq]
        return Page(old, looked_at[-1] if len(ids) > limit else None)

    async def expire(self, fronts: Mapping[ConversationId, int], at: datetime) -> None:
        """See `LogRetention.expire`."""
        for conversation_id, end in fronts.items():
            log = self.conversations.logs.get(conversation_id)
            if log is not None:
                _expire(log, min(end, len(log.entries) + 1), at)


def _front(log: StoredLog, before: datetime) -> OldFront:
    end = log.first_seq
    while end <= len(log.entries) and log.times[end - 1] < before:
        end += 1
    return OldFront(log.conversation.id, log.first_seq, end)


def _expire(log: StoredLog, end: int, at: datetime) -> None:
    for seq in range(log.first_seq, end):
        entry = log.entries[seq - 1]
        if isinstance(entry, Said):
            message = log.messages[entry.message_id]
            log.messages[message.id] = replace(
                message, body=None, deleted_at=message.deleted_at or at
            )
        log.entries[seq - 1] = Expired()
    log.first_seq = max(log.first_seq, end)

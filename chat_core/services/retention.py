"""Retention: remove entries older than a given age from the front of each log."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chat_core.errors import Invalid
from chat_core.ids import ConversationId
from chat_core.ports.retention import LogRetention, OldFront
from chat_core.ports.system import Clock

PAGE = 200
"""The number of conversations to read together."""
BATCH = 500
"""Entries to remove in one step of a few milliseconds, during which nobody can write."""
REST_SECONDS = 0.05
"""The shortest pause between steps, so that a server can write. Long steps have longer ones."""

Step = Callable[[int], None]
"""A callback for progress: the number of entries done since the last call."""


def _ignore(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class OldEntries:
    """The number of old entries, and of conversations that have them."""

    entries: int
    conversations: int


@dataclass(frozen=True, slots=True)
class Retention:
    """Remove old entries from the logs. If it is interrupted, run it again, and it continues."""

    retention: LogRetention
    clock: Clock

    def before(self, age: timedelta) -> datetime:
        """Return the time that is `age` ago. Raises `Invalid`."""
        if age <= timedelta():
            raise Invalid.field("age", "must be positive")
        try:
            return self.clock.now() - age
        except OverflowError as error:
            raise Invalid.field("age", "is too large") from error

    async def old(self, before: datetime) -> OldEntries:
        """Count the entries that `expire` would remove now."""
        entries = conversations = 0
        async for front in self._fronts(before):
            entries += front.end - front.first_seq
            conversations += 1
        return OldEntries(entries, conversations)

    async def expire(self, before: datetime, step: Step = _ignore) -> OldEntries:
        """Remove entries older than `before` from the fronts of all logs, and count them."""
        entries = conversations = 0
        batch: dict[ConversationId, int] = {}
        size = 0
        async for front in self._fronts(before):
            conversations += 1
            first = front.first_seq
            while first < front.end:
                end = min(front.end, first + BATCH - size)
                batch[front.conversation_id] = end
                size += end - first
                first = end
                if size >= BATCH:
                    await self._expire(batch)
                    step(size)
                    entries, size = entries + size, 0
                    batch.clear()
        if batch:
            await self._expire(batch)
            step(size)
        return OldEntries(entries + size, conversations)

    async def _expire(self, batch: dict[ConversationId, int]) -> None:
        began = self.clock.monotonic()
        await self.retention.expire(batch, self.clock.now())
        await self.clock.sleep(max(REST_SECONDS, self.clock.monotonic() - began))

    async def _fronts(self, before: datetime) -> AsyncIterator[OldFront]:
        after = None
        while True:
            page = await self.retention.old(before, after=after, limit=PAGE)
            for front in page.items:
                yield front
            if page.next is None:
                return
            after = page.next

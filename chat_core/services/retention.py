"""Retention: what is older than it may be leaves the logs, from the front."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chat_core.errors import Invalid
from chat_core.ids import ConversationId
from chat_core.ports.retention import LogRetention, OldFront
from chat_core.ports.system import Clock

PAGE = 200
"""Conversations that are looked at together."""
BATCH = 500
"""Entries that are taken in one step, in a few milliseconds: nobody can write meanwhile."""
REST_SECONDS = 0.05
"""Between two steps, and at least as long as a step took: a server comes to write, too."""

Step = Callable[[int], None]
"""Told how many more entries are done."""


def _ignore(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class OldEntries:
    """How many entries are older than they may be, in how many conversations."""

    entries: int
    conversations: int


@dataclass(frozen=True, slots=True)
class Retention:
    """Take old entries from the logs. Interrupted, it can be run again and goes on."""

    retention: LogRetention
    clock: Clock

    def before(self, age: timedelta) -> datetime:
        """The moment before which everything is older than that; raises `Invalid`."""
        if age <= timedelta():
            raise Invalid.field("age", "must be positive")
        try:
            return self.clock.now() - age
        except OverflowError as error:
            raise Invalid.field("age", "is too large") from error

    async def old(self, before: datetime) -> OldEntries:
        """What `expire` would take now."""
        entries = conversations = 0
        async for front in self._fronts(before):
            entries += front.end - front.first_seq
            conversations += 1
        return OldEntries(entries, conversations)

    async def expire(self, before: datetime, step: Step = _ignore) -> OldEntries:
        """Take the entries of before that moment from the fronts of all logs: what went."""
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

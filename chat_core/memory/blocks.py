"""Blocks in a set."""

from dataclasses import dataclass, field
from datetime import datetime

from chat_core.ids import UserId
from chat_core.pages import Page
from chat_core.ports.storage import BlockStore


@dataclass(slots=True)
class MemoryBlockStore(BlockStore):
    """Blocks in memory, for as long as the process runs."""

    _blocks: set[tuple[UserId, UserId]] = field(default_factory=set)

    async def block(self, user_id: UserId, other_id: UserId, at: datetime) -> None:  # noqa: ARG002
        """See `BlockStore.block`."""
        self._blocks.add((user_id, other_id))

    async def unblock(self, user_id: UserId, other_id: UserId) -> None:
        """See `BlockStore.unblock`."""
        self._blocks.discard((user_id, other_id))

    async def between(self, one: UserId, other: UserId) -> bool:
        """See `BlockStore.between`."""
        return (one, other) in self._blocks or (other, one) in self._blocks

    async def blocked_by(
        self, user_id: UserId, *, after: UserId | None, limit: int
    ) -> Page[UserId, UserId]:
        """See `BlockStore.blocked_by`."""
        blocked = sorted(other for one, other in self._blocks if one == user_id)
        if after is not None:
            blocked = [other for other in blocked if other > after]
        found, more = blocked[:limit], len(blocked) > limit
        return Page(found, found[-1] if more else None)

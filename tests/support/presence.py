"""Stores for tests of presence, which can be out of reach or take their time."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from chat_core import Presence, UserId
from chat_core.errors import Unavailable
from chat_core.memory import MemoryConversations, MemoryUserStore


@dataclass
class Users(MemoryUserStore):
    """Accounts whose store can be out of reach, and what was written of when they were seen."""

    down: bool = False
    writes: list[dict[UserId, datetime]] = field(default_factory=list)

    async def saw(self, seen: Mapping[UserId, datetime]) -> None:
        if self.down:
            raise Unavailable
        self.writes.append(dict(seen))
        await super().saw(seen)


@dataclass
class Peers(MemoryConversations):
    """Conversations whose store can be out of reach, take its time, or have crowds in it."""

    down: bool = False
    crowd: Collection[UserId] = ()
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    reads: list[set[UserId]] = field(default_factory=list)

    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        self.reads.append(set(users))
        if self.down:
            raise Unavailable
        await self.ready.wait()
        if self.crowd:
            return dict.fromkeys(users, self.crowd)
        return await super().peers(users)


@asynccontextmanager
async def running(presence: Presence) -> AsyncIterator[None]:
    """Announce in the background."""
    task = asyncio.create_task(presence.run())
    try:
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

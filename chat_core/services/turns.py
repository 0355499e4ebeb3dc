"""Turns: keep the order of messages from one connection to one conversation."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from chat_core.conversations import Conversation
from chat_core.ids import ConnectionId, ConversationId, SessionId
from chat_core.sessions import Actor

Turn = tuple[ConnectionId | SessionId, ConversationId]
"""A connection, or else a session, and a conversation."""


def turn_of(actor: Actor, conversation: Conversation) -> Turn:
    """Return the turn of this actor in that conversation."""
    return actor.connection_id or actor.session_id, conversation.id


@dataclass(slots=True)
class _UnderWay:
    """Messages that wait for their outcome."""

    revision: int
    """The conversation's revision when they were first checked."""
    count: int = 0
    retry: "asyncio.Task[None] | None" = None
    """The task that checks the last stale message again."""
    over: "asyncio.Future[None] | None" = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Makes a message wait for earlier ones that it could overtake.

    The log keeps the order of drafts with the same revision. But a draft with a newer revision
    could be stored while an earlier one is stale and has to be checked again.
    """

    _under_way: dict[Turn, _UnderWay] = field(default_factory=dict)

    def is_free(self, turn: Turn, revision: int) -> bool:
        """Return whether a message checked on this revision has no earlier one to wait for."""
        before = self._under_way.get(turn)
        return before is None or (before.revision == revision and before.retry is None)

    async def wait(self, turn: Turn, revision: int) -> None:
        """Wait until the turn is free."""
        while not self.is_free(turn, revision):
            before = self._under_way[turn]
            if before.over is None:
                before.over = asyncio.get_running_loop().create_future()
            await asyncio.shield(before.over)

    def take(self, turn: Turn, revision: int) -> None:
        """Count a submitted message."""
        under_way = self._under_way.get(turn)
        if under_way is None:
            under_way = self._under_way[turn] = _UnderWay(revision)
        under_way.count += 1

    def take_at_once(self, turn: Turn, revision: int) -> bool:
        """Take the turn if it is free, and return whether it was."""
        under_way = self._under_way.get(turn)
        if under_way is None:
            under_way = self._under_way[turn] = _UnderWay(revision)
        elif under_way.revision != revision or under_way.retry is not None:
            return False
        under_way.count += 1
        return True

    def settled(self, turn: Turn) -> None:
        """Remove a message whose outcome is known."""
        under_way = self._under_way[turn]
        under_way.count -= 1
        if not under_way.count:
            del self._under_way[turn]
            if under_way.over is not None:
                under_way.over.set_result(None)

    def again(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """Check a stale message again, after earlier stale messages."""
        under_way = self._under_way[turn]
        under_way.retry = asyncio.get_running_loop().create_task(_after(under_way.retry, work))


async def _after(earlier: "asyncio.Task[None] | None", work: Coroutine[Any, Any, None]) -> None:
    if earlier is not None:
        await asyncio.wait([earlier])
    await work

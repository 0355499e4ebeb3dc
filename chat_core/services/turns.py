"""Turns: what one connection submits to one conversation keeps its order."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from chat_core.conversations import Conversation
from chat_core.ids import ConnectionId, ConversationId, SessionId
from chat_core.sessions import Actor

Turn = tuple[ConnectionId | SessionId, ConversationId]
"""One connection, or one session's requests, and a conversation."""


def turn_of(actor: Actor, conversation: Conversation) -> Turn:
    """What keeps its order when this actor sends to that conversation."""
    return actor.connection_id or actor.session_id, conversation.id


@dataclass(slots=True)
class _UnderWay:
    """Messages whose outcome is awaited."""

    revision: int
    """Of the conversation, as all of them were judged at first."""
    count: int = 0
    retry: "asyncio.Task[None] | None" = None
    """The last of them that was found stale, as it is judged again."""
    over: "asyncio.Future[None] | None" = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Lets a message wait for those before it, where it could overtake them.

    The log keeps the order of what was judged alike. But one that was judged on more than an
    earlier one may be stored while that is refused as stale, and has to be judged again.
    """

    _under_way: dict[Turn, _UnderWay] = field(default_factory=dict)

    def is_free(self, turn: Turn, revision: int) -> bool:
        """Whether nothing is before a message that was judged on this revision."""
        before = self._under_way.get(turn)
        return before is None or (before.revision == revision and before.retry is None)

    async def wait(self, turn: Turn, revision: int) -> None:
        """Return once that is so."""
        while not self.is_free(turn, revision):
            before = self._under_way[turn]
            if before.over is None:
                before.over = asyncio.get_running_loop().create_future()
            await asyncio.shield(before.over)

    def take(self, turn: Turn, revision: int) -> None:
        """A message is submitted."""
        under_way = self._under_way.get(turn)
        if under_way is None:
            under_way = self._under_way[turn] = _UnderWay(revision)
        under_way.count += 1

    def take_at_once(self, turn: Turn, revision: int) -> bool:
        """As `take`, if the turn is free; returns whether it was."""
        under_way = self._under_way.get(turn)
        if under_way is None:
            under_way = self._under_way[turn] = _UnderWay(revision)
        elif under_way.revision != revision or under_way.retry is not None:
            return False
        under_way.count += 1
        return True

    def settled(self, turn: Turn) -> None:
        """It is known what came of one."""
        under_way = self._under_way[turn]
        under_way.count -= 1
        if not under_way.count:
            del self._under_way[turn]
            if under_way.over is not None:
                under_way.over.set_result(None)

    def again(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """Judge a message anew, after those that are to be judged anew already."""
        under_way = self._under_way[turn]
        under_way.retry = asyncio.get_running_loop().create_task(_after(under_way.retry, work))


async def _after(earlier: "asyncio.Task[None] | None", work: Coroutine[Any, Any, None]) -> None:
    if earlier is not None:
        await asyncio.wait([earlier])
    await work

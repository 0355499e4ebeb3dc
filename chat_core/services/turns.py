"""Turns: what one connection submits to one conversation keeps its order."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from chat_core.conversations import Conversation
from chat_core.ids import ConnectionId, ConversationId, SessionId
from chat_core.ports.log import Appended
from chat_core.sessions import Actor

Turn = tuple[ConnectionId | SessionId, ConversationId]
"""One connection, or one session's requests, and a conversation."""


def turn_of(actor: Actor, conversation: Conversation) -> Turn:
    """What keeps its order when this actor sends to that conversation."""
    return actor.connection_id or actor.session_id, conversation.id


@dataclass(frozen=True, slots=True)
class _Last:
    """What was submitted last: on which revision it was judged, and what will come of it."""

    revision: int
    outcome: "asyncio.Future[Appended]"


@dataclass(frozen=True, slots=True)
class Turns:
    """Lets a message wait for those before it, where it could overtake them.

    The log keeps the order of what was judged alike. But one that was judged on more than an
    earlier one may be stored while that is refused as stale, and has to be judged again.
    """

    _last: dict[Turn, _Last] = field(default_factory=dict)
    _retries: dict[Turn, "asyncio.Task[None]"] = field(default_factory=dict)

    async def wait(self, turn: Turn, revision: int) -> None:
        """Return once nothing is before a message that was judged on this revision."""
        while True:
            retry, last = self._retries.get(turn), self._last.get(turn)
            if retry is not None:
                await asyncio.wait([retry])
            elif last is not None and last.revision != revision:
                await asyncio.wait([last.outcome])
            else:
                return

    def take(self, turn: Turn, revision: int, outcome: "asyncio.Future[Appended]") -> None:
        """A message was submitted."""
        self._last[turn] = _Last(revision, outcome)

    def settled(self, turn: Turn, outcome: "asyncio.Future[Appended]") -> None:
        """It is known what came of it."""
        last = self._last.get(turn)
        if last is not None and last.outcome is outcome:
            del self._last[turn]

    def again(self, turn: Turn, work: Coroutine[Any, Any, None]) -> None:
        """Submit a message anew, after those that are to be submitted anew already."""
        task = asyncio.get_running_loop().create_task(_after(self._retries.get(turn), work))
        self._retries[turn] = task
        task.add_done_callback(lambda done: self._ended(turn, done))

    def _ended(self, turn: Turn, task: "asyncio.Task[None]") -> None:
        if self._retries.get(turn) is task:
            del self._retries[turn]


async def _after(earlier: "asyncio.Task[None] | None", work: Coroutine[Any, Any, None]) -> None:
    if earlier is not None:
        await asyncio.wait([earlier])
    await work

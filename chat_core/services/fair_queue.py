"""Fair queuing: users take turns, so that one user with many requests delays nobody else."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from chat_core.errors import RateLimited
from chat_core.ports.system import Clock

Item = TypeVar("Item")

CALLS_AT_ONCE = 8
TURNS_AT_ONCE = 4
PATIENCE_SECONDS = 5.0


@dataclass(slots=True)
class FairQueue:
    """Admits expensive calls, and gives the users who make them turns at the work.

    - At most `calls_at_once` calls of a user run at one time. Further ones wait, first come, first
      served; after `PATIENCE_SECONDS` they raise `RateLimited`.
    - A call works in slices, and each slice takes a turn. A user has one turn at a time, and all
      users together have `turns_at_once`. If more users want a turn, they get it round robin, so
      with k other users waiting, at most k turns of others come before a user's next turn.
    - A cancelled caller keeps no turn and no place in a queue.

    Keep turns short: a database that serves reads in order has at most `turns_at_once` of them
    waiting. It works in one event loop, and with any kind of work.
    """

    clock: Clock
    calls_at_once: int = CALLS_AT_ONCE
    turns_at_once: int = TURNS_AT_ONCE
    refused: int = 0
    """The number of calls that waited until they were refused."""
    _readers: "dict[str, _Reader]" = field(default_factory=dict)
    _next: "deque[_Reader]" = field(default_factory=deque)
    """Users with a waiting slice and no turn, in the order of their turns."""
    _turns: int = 0

    @asynccontextmanager
    async def call(self, user: str) -> AsyncIterator["Turn"]:
        """Admit a call of the user, named by any text. Put `async with turn:` around each slice.

        Raises `RateLimited`.
        """
        reader = await self._enter(user)
        try:
            yield Turn(partial(self._begin, reader), partial(self._end, reader))
        finally:
            self._leave(reader)

    @property
    def users(self) -> int:
        """Return the number of users with a running or waiting call."""
        return len(self._readers)

    async def _enter(self, user: str) -> "_Reader":
        reader = self._readers.get(user)
        if reader is None:
            reader = self._readers[user] = _Reader(user)
        if reader.calls < self.calls_at_once:
            reader.calls += 1
        else:
            await self._admission(reader)
        return reader

    async def _admission(self, reader: "_Reader") -> None:
        """Wait until another call of the user ends."""
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.clock.call_later(PATIENCE_SECONDS, lambda: self._give_up(reader, admitted))
        reader.entering.append(admitted)
        try:
            await admitted
        except asyncio.CancelledError:
            if admitted.cancelled():
                _discard(reader.entering, admitted)
            elif admitted.exception() is None:
                self._leave(reader)
            raise
        finally:
            timer.cancel()

    def _give_up(self, reader: "_Reader", admitted: "asyncio.Future[None]") -> None:
        if admitted.done():
            return
        reader.entering.remove(admitted)
        self.refused += 1
        admitted.set_exception(
            RateLimited(
                f"You can have at most {self.calls_at_once} such requests running at once",
                retry_after=PATIENCE_SECONDS,
            )
        )

    def _leave(self, reader: "_Reader") -> None:
        while reader.entering:
            admitted = reader.entering.popleft()
            if not admitted.done():
                admitted.set_result(None)
                return
        reader.calls -= 1
        if not reader.calls:
            del self._readers[reader.user]

    async def _begin(self, reader: "_Reader") -> None:
        if not reader.has_turn and self._turns < self.turns_at_once and not reader.slices:
            reader.has_turn = True
            self._turns += 1
            return
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        reader.slices.append(begun)
        if not reader.has_turn and len(reader.slices) == 1:
            self._next.append(reader)
        try:
            await begun
        except asyncio.CancelledError:
            if begun.cancelled():
                _discard(reader.slices, begun)
                if not reader.slices:
                    _discard(self._next, reader)
            else:
                self._end(reader)
            raise

    def _end(self, reader: "_Reader") -> None:
        reader.has_turn = False
        self._turns -= 1
        if reader.slices:
            self._next.append(reader)
        while self._next and self._turns < self.turns_at_once:
            self._give_turn(self._next.popleft())

    def _give_turn(self, reader: "_Reader") -> None:
        # Skip slices whose callers were just cancelled, but did not yet leave the queue.
        while reader.slices:
            begun = reader.slices.popleft()
            if not begun.done():
                reader.has_turn = True
                self._turns += 1
                begun.set_result(None)
                return


def _discard(queue: deque[Item], item: Item) -> None:
    """Remove an item, if it is still in the queue."""
    with suppress(ValueError):
        queue.remove(item)


@dataclass(slots=True, eq=False)
class _Reader:
    """A user, with the number of running calls, the waiting calls, and the waiting slices."""

    user: str
    calls: int = 0
    entering: "deque[asyncio.Future[None]]" = field(default_factory=deque)
    slices: "deque[asyncio.Future[None]]" = field(default_factory=deque)
    has_turn: bool = False


class Turn:
    """The turns of one call. Enter it to wait for the next turn, and leave it to end the turn."""

    __slots__ = ("_begin", "_end")

    def __init__(self, begin: Callable[[], Awaitable[None]], end: Callable[[], None]) -> None:
        self._begin = begin
        self._end = end

    async def __aenter__(self) -> None:
        await self._begin()

    async def __aexit__(self, *_: object) -> None:
        self._end()

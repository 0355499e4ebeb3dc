"""A clock that moves only when a test advances it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from chat_core.ports.system import Clock, Timer

TOLERANCE = 1e-9
"""A tolerance in seconds, because sums of floats may fall short of the exact time."""

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(slots=True, eq=False)
class _ManualTimer(Timer):
    due: float
    callback: Callable[[], None]
    is_cancelled: bool = False

    def cancel(self) -> None:
        """See `Timer.cancel`."""
        self.is_cancelled = True


@dataclass(slots=True)
class ManualClock(Clock):
    """A clock that moves only by `advance`, which calls due timers, earliest first."""

    wall: datetime = START
    _monotonic: float = 0.0
    _timers: list[_ManualTimer] = field(default_factory=list)

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self.wall

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        timer = self.call_later(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            timer.cancel()

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """See `Clock.call_later`."""
        timer = _ManualTimer(self._monotonic + seconds, callback)
        self._timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Move the clock, in whole milliseconds, and make the calls that are due on the way.

        Sleeping tasks continue when the caller awaits something.
        """
        end = self.wall + timedelta(milliseconds=round(seconds * 1000))
        while due := self._due_by(self._monotonic + (end - self.wall).total_seconds()):
            timer = min(due, key=lambda timer: timer.due)
            self._timers.remove(timer)
            step = max(0.0, timer.due - self._monotonic)
            self._monotonic += step
            self.wall += timedelta(milliseconds=round(step * 1000))
            timer.callback()
        self._monotonic += (end - self.wall).total_seconds()
        self.wall = end

    @property
    def waiting(self) -> int:
        """Return the number of sleepers and timers, so that a test can wait for one."""
        return sum(not timer.is_cancelled for timer in self._timers)

    def _due_by(self, moment: float) -> list[_ManualTimer]:
        self._timers = [timer for timer in self._timers if not timer.is_cancelled]
        return [timer for timer in self._timers if timer.due <= moment + TOLERANCE]

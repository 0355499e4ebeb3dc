"""A clock that jumps from event to event, and threads that do one piece of work after another."""

import heapq
import itertools
from collections.abc import Callable

Event = Callable[[], None]


class Events:
    """What is to happen, in the order of its times; what is due at once, in the order of asking."""

    def __init__(self) -> None:
        self.now = 0.0
        """Seconds."""
        self._waiting: list[tuple[float, int, Event]] = []
        self._numbers = itertools.count()

    def at(self, time: float, event: Event) -> None:
        """Let it happen then."""
        heapq.heappush(self._waiting, (time, next(self._numbers), event))

    def after(self, seconds: float, event: Event) -> None:
        """Let it happen in so many seconds."""
        self.at(self.now + seconds, event)

    def run(self, until: float) -> None:
        """Let everything happen that is due up to then."""
        while self._waiting and self._waiting[0][0] <= until:
            self.now, _, event = heapq.heappop(self._waiting)
            event()
        self.now = until


class Thread:
    """Does one piece of work after another, in the order in which it was given them."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._free_at = 0.0
        self.busy = 0.0
        """Seconds of work, of what was given up to now."""

    def do(self, seconds: float, then: Event) -> None:
        """Work for so long, as soon as all that was given before is done."""
        self._free_at = max(self._free_at, self._events.now) + seconds
        self.busy += seconds
        self._events.at(self._free_at, then)

    @property
    def backlog(self) -> float:
        """Seconds of work that wait."""
        return max(0.0, self._free_at - self._events.now)

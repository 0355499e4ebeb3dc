"""A clock that jumps from event to event, and threads that do one task at a time."""

import heapq
import itertools
from collections.abc import Callable

Event = Callable[[], None]


class Events:
    """A queue of events by time; events at the same time keep the order of their addition."""

    def __init__(self) -> None:
        self.now = 0.0
        """The current time in seconds."""
        self._waiting: list[tuple[float, int, Event]] = []
        self._numbers = itertools.count()

    def at(self, time: float, event: Event) -> None:
        """Schedule an event at that time."""
        heapq.heappush(self._waiting, (time, next(self._numbers), event))

    def after(self, seconds: float, event: Event) -> None:
        """Schedule an event after that many seconds."""
        self.at(self.now + seconds, event)

    def run(self, until: float) -> None:
        """Run all events up to that time."""
        while self._waiting and self._waiting[0][0] <= until:
            self.now, _, event = heapq.heappop(self._waiting)
            event()
        self.now = until


class Thread:
    """Does one task after another, in the order of their addition."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._free_at = 0.0
        self.busy = 0.0
        """Total seconds of all tasks added so far."""

    def do(self, seconds: float, then: Event) -> None:
        """Add a task of that length, which runs after all previous tasks."""
        self._free_at = max(self._free_at, self._events.now) + seconds
        self.busy += seconds
        self._events.at(self._free_at, then)

    @property
    def backlog(self) -> float:
        """Seconds of work that are waiting."""
        return max(0.0, self._free_at - self._events.now)

"""The counts, times and problems of a run."""

import asyncio
import time
from array import array
from collections import Counter

from chat_bench.plan import Begin, Outcome


class Tally:
    """Counts between two times. The first problem ends the run."""

    def __init__(self) -> None:
        self._from = self._to = float("inf")
        self._done = 0
        self._seconds: dict[str, array[float]] = {}
        self._problems: Counter[str] = Counter()
        self._broken = asyncio.Event()

    @property
    def done(self) -> int:
        """The count so far."""
        return self._done

    @property
    def is_over(self) -> bool:
        """Whether no new work should begin, because the time is up or there is a problem."""
        return time.monotonic() >= self._to or self._broken.is_set()

    @property
    def is_broken(self) -> bool:
        """Whether there is a problem."""
        return self._broken.is_set()

    @property
    def counts_from(self) -> float:
        """Time at which counting begins, as `time.monotonic`."""
        return self._from

    @property
    def counts_to(self) -> float:
        """Time at which counting and the run end."""
        return self._to

    def begin(self, begin: Begin) -> None:
        """Set the times between which to count."""
        self._from, self._to = begin.counts_from, begin.counts_to

    def add(self, number: int = 1) -> None:
        """Count something that happened now."""
        if self._from <= time.monotonic() < self._to:
            self._done += number

    def took(self, what: str, since: float) -> None:
        """Record the time from `since` to now, unless `since` is outside the counted time."""
        if self._from <= since < self._to:
            series = self._seconds.get(what)
            if series is None:
                series = self._seconds[what] = array("d")
            series.append(time.monotonic() - since)

    def problem(self, what: str, number: int = 1) -> None:
        """Record a problem with the counted units."""
        self._problems[what] += number
        self._broken.set()

    async def over(self) -> None:
        """Wait until the time is up or there is a problem."""
        try:
            async with asyncio.timeout(max(0.0, self._to - time.monotonic())):
                await self._broken.wait()
        except TimeoutError:
            return

    def outcome(self) -> Outcome:
        """Return the counts, times and problems."""
        seconds = {what: series.tobytes() for what, series in self._seconds.items()}
        return Outcome(self._done, seconds, dict(self._problems))

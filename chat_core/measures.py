"""Measures of what goes on, as plain numbers: whoever wants to show them reads them.

They only ever rise, and know nothing of any monitoring system. All are for one thread.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds for how long things take that a person may wait for."""
SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


@dataclass(slots=True)
class Histogram:
    """How many values were at most so large, for each of the bounds, and past the last one."""

    bounds: tuple[float, ...]
    total: float = 0.0
    counts: list[int] = field(init=False)
    """Of each bound those alone that are past the one before; the last are past all."""

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Commits:
    """How many writes shared a commit, how many seconds each took, and what came after it."""

    sizes: Histogram = field(default_factory=lambda: Histogram(SIZES))
    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    push_lag: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """Seconds from a commit until the last push of what it stored was handed on."""
    failed: int = 0
    """Commits that the surroundings did not let happen: a full disk, a database out of reach."""

    def observe(self, size: int, seconds: float) -> None:
        """Count a commit."""
        self.sizes.observe(size)
        self.seconds.observe(seconds)


@dataclass(slots=True)
class Calls:
    """How many seconds callers waited for the database, other than for a commit."""

    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    failed: int = 0
    """Calls that the surroundings did not let happen."""


@dataclass(slots=True)
class Sent:
    """What came of the messages that users sent."""

    stored: int = 0
    duplicate: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By the kind of error; `internal` is a mistake of the program."""


@dataclass(slots=True)
class Synced:
    """How often `sync` was answered, and how many entries went with the answers."""

    answers: int = 0
    entries: int = 0

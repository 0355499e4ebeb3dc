"""Measures of the program's work, as plain numbers for any monitoring system.

They only rise, and depend on no monitoring system. All of them are for one thread.
"""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds in seconds, for actions that a person may wait for."""
SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)


@dataclass(slots=True)
class Histogram:
    """A histogram: the number of values in each range between bounds, and above the last bound."""

    bounds: tuple[float, ...]
    total: float = 0.0
    counts: list[int] = field(init=False)
    """Each counts values above the previous bound, and the last those above all bounds."""

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(slots=True)
class Commits:
    """Measures of commits: writes per commit, seconds per commit, and the delay of pushes."""

    sizes: Histogram = field(default_factory=lambda: Histogram(SIZES))
    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    push_lag: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    """Seconds from a commit until the last push of its entries was queued."""
    failed: int = 0
    """Commits that failed for an outside cause, such as a full disk or an unreachable database."""

    def observe(self, size: int, seconds: float) -> None:
        """Count a commit."""
        self.sizes.observe(size)
        self.seconds.observe(seconds)


@dataclass(slots=True)
class Calls:
    """Measures of calls to the database other than commits: the seconds that callers waited."""

    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))
    failed: int = 0
    """Calls that failed for an outside cause."""


@dataclass(slots=True)
class Sent:
    """Counts of the outcomes of sent messages."""

    stored: int = 0
    duplicate: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """Counts by the kind of error. `internal` is a fault of the program."""


@dataclass(slots=True)
class Synced:
    """Counts of the answers of `sync` and of the entries in them."""

    answers: int = 0
    entries: int = 0

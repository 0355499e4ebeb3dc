"""Limits on log lines about requests without an account, so that a crowd can't fill the disk."""

from dataclasses import dataclass

WINDOW_SECONDS = 10.0
REFUSED_LINES = 100
"""Log lines per window about refused requests; further ones are only counted."""
OTHER_LINES = 500
"""Log lines per window about answered requests: pages, log-ins, health checks and socket polls."""


@dataclass(slots=True)
class BoundedLines:
    """Decides which requests of one kind get a log line, and counts those that get none."""

    most: int
    written: int = 0
    untold: int = 0

    def take(self) -> bool:
        """Return whether one more request gets a line, and count it."""
        if self.written < self.most:
            self.written += 1
            return True
        self.untold += 1
        return False

    def begin(self) -> int:
        """Begin a new window, and return how many requests got no line in the previous one."""
        untold, self.written, self.untold = self.untold, 0, 0
        return untold

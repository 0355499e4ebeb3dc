"""Bounds the log lines of requests that come from no account: a crowd must not fill the disk."""

from dataclasses import dataclass

WINDOW_SECONDS = 10.0
REFUSED_LINES = 100
"""Of requests that were refused, in a window; past them these are only counted."""
OTHER_LINES = 500
"""The same of those that were answered: pages, log-ins, health checks, polls of sockets."""


@dataclass(slots=True)
class BoundedLines:
    """Which requests of one kind get a line of their own, and how many got none."""

    most: int
    written: int = 0
    untold: int = 0

    def take(self) -> bool:
        """Whether one more gets a line."""
        if self.written < self.most:
            self.written += 1
            return True
        self.untold += 1
        return False

    def begin(self) -> int:
        """Begin a new window; how many got no line in the one before."""
        untold, self.written, self.untold = self.untold, 0, 0
        return untold

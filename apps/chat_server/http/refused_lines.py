"""Bounds the log lines about requests that were refused: a crowd of them must not fill the disk."""

from dataclasses import dataclass

WINDOW_SECONDS = 10.0
LINES = 100
"""In a window; past them requests that are refused are only counted."""


@dataclass(slots=True)
class RefusedLines:
    """Which of the refused requests get a line of their own."""

    _window_ends: float = 0.0
    _lines: int = 0
    _untold: int = 0

    def take(self) -> bool:
        """Whether one more gets a line."""
        if self._lines < LINES:
            self._lines += 1
            return True
        self._untold += 1
        return False

    def over(self, now: float) -> int:
        """How many got none in a window that is over by now, told once; 0 where there is none."""
        if now < self._window_ends:
            return 0
        self._window_ends, self._lines = now + WINDOW_SECONDS, 0
        untold, self._untold = self._untold, 0
        return untold

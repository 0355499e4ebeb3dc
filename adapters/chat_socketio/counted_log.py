"""Log lines about what clients do wrong: a crowd of them must not fill the disk."""

import asyncio
import logging
from collections.abc import Mapping

WINDOW_SECONDS = 10.0
"""In which at most two lines are written, whatever comes."""


class CountedLog:
    """Says the first time at once, and counts the others until the window is over."""

    def __init__(self, logger: logging.Logger, what: str) -> None:
        self._logger = logger
        self._what = what
        self._is_counting = False
        self._more = 0

    def note(self, why: object = "", about: Mapping[str, str] | None = None) -> None:
        """It happened; `why` is in words of our own, `about` ids that the line carries."""
        if self._is_counting:
            self._more += 1
            return
        self._is_counting = True
        self._logger.info("%s%s", self._what, f": {why}" if why else "", extra=about)
        asyncio.get_running_loop().call_later(WINDOW_SECONDS, self._end_window)

    def _end_window(self) -> None:
        self._is_counting = False
        more, self._more = self._more, 0
        if more:
            self._logger.info(
                "%s: %d more in the last %d seconds", self._what, more, WINDOW_SECONDS
            )

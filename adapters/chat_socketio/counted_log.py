"""Log lines about misbehaving clients, limited so that a crowd of them can't fill the disk."""

import asyncio
import logging
from collections.abc import Mapping

WINDOW_SECONDS = 10.0
"""The length of a window. At most two lines are written in each."""


class CountedLog:
    """Logs the first occurrence at once, and counts the others until the window ends."""

    def __init__(self, logger: logging.Logger, what: str) -> None:
        self._logger = logger
        self._what = what
        self._is_counting = False
        self._more = 0

    def note(self, why: object = "", about: Mapping[str, str] | None = None) -> None:
        """Note one occurrence. `why` is our own text, `about` holds ids for the log line."""
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

"""A filter for uvicorn's warnings about clients, so that a crowd of them can't fill the disk."""

import logging

from chat_server.http.bounded_lines import WINDOW_SECONDS

MOST_TEXTS = 100
"""Maximum number of different texts that are counted separately; uvicorn has only a few."""


class PeersMistakes(logging.Filter):
    """Keeps one warning of each text per ten seconds; the next one says how many were dropped.

    Drops uvicorn's tracebacks about websocket texts that are not UTF-8.
    """

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[str, tuple[float, int]] = {}
        """End of the window and number of dropped lines, by text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to keep the record."""
        if record.exc_info is not None and isinstance(record.exc_info[1], UnicodeDecodeError):
            return False
        if record.levelno != logging.WARNING:
            return True
        text = str(record.msg)
        ends, dropped = self._windows.get(text, (0.0, 0))
        if record.created < ends:
            self._windows[text] = ends, dropped + 1
            return False
        if len(self._windows) >= MOST_TEXTS:
            self._windows.clear()
        self._windows[text] = record.created + WINDOW_SECONDS, 0
        if dropped:
            record.msg = f"{text} ({dropped} more since the last such line)"
        return True

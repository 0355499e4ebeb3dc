"""What uvicorn logs about the mistakes of clients: a crowd of them must not fill the disk."""

import logging

from chat_server.http.bounded_lines import WINDOW_SECONDS

MOST_TEXTS = 100
"""How many different texts are told apart. uvicorn has a handful."""


class PeersMistakes(logging.Filter):
    """Keeps one warning of each text in ten seconds; the next one says how many it stands for.

    Drops what uvicorn logs, with a traceback, of a websocket text that is not UTF-8.
    """

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[str, tuple[float, int]] = {}
        """By text: when its window ends, and how many lines it has dropped so far."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep the record."""
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

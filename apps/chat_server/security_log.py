"""Security events as log lines; docs/operations.md says what to look for in them."""

import json
import sys
from abc import abstractmethod
from datetime import UTC, datetime
from typing import Protocol

import structlog

from chat_core.ports.security import SecurityEvents
from chat_core.ports.system import Clock
from chat_core.security_events import SecurityEvent, SecurityEventKind
from chat_server.http.bounded_lines import WINDOW_SECONDS, BoundedLines

LOGIN_LINES = 100
"""Lines per window about failed or refused log-ins; further ones are only counted."""
BOUNDED = frozenset({SecurityEventKind.LOGIN_FAILED, SecurityEventKind.LOGIN_REFUSED})
"""Kinds of events that anyone can cause without limit."""

logger = structlog.get_logger("chat_server.security")


class WriteLine(Protocol):
    """Writes a log line."""

    @abstractmethod
    def __call__(self, event: str, **fields: object) -> None:
        """Write a line. `event` names what happened, and the fields name who was affected."""


def write_to_log(event: str, **fields: object) -> None:
    """Write a line to the server's log, with the id of the current request."""
    logger.info(event, **fields)


def write_to_stderr(event: str, **fields: object) -> None:
    """Write a command's line to stderr, in the JSON format of the production log."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = json.dumps({**fields, "event": event, "level": "info", "timestamp": at})
    sys.stderr.write(f"{line}\n")


class SecurityLog(SecurityEvents):
    """Writes a line for each event with its known `address`, `user_id` and `session_id`.

    For failed or refused log-ins it writes at most 100 lines in ten seconds, and then the number of
    the others. The log-in limits alone do not bound them, because they apply to each address.
    """

    def __init__(self, clock: Clock, write: WriteLine) -> None:
        self._clock = clock
        self._write = write
        self._window_ends = clock.monotonic()
        self._failed = BoundedLines(LOGIN_LINES)

    def record(self, event: SecurityEvent) -> None:
        """See `SecurityEvents.record`."""
        now = self._clock.monotonic()
        if now >= self._window_ends:
            self._begin_window(now)
        if event.kind in BOUNDED and not self._failed.take():
            return
        known = {
            "address": event.address,
            "user_id": event.user_id,
            "session_id": event.session_id,
        }
        fields = {name: value for name, value in known.items() if value is not None}
        self._write(event.kind.value, **fields)

    def _begin_window(self, now: float) -> None:
        self._window_ends = now + WINDOW_SECONDS
        untold = self._failed.begin()
        if untold:
            self._write(
                "more log-ins failed or were refused", number=untold, seconds=WINDOW_SECONDS
            )

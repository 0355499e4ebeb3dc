"""Logs: readable in development, JSON in production, and never with a body, a token or a query."""

import asyncio
import atexit
import json
import logging
import logging.config
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog

from chat_server.peers_mistakes import PeersMistakes

IDS = ("incident", "connection_id", "user_id")
"""Extra fields that a record of `logging` may have."""

QUIET = ("uvicorn.access", "httptools", "multipart", "asyncio")

current_request: ContextVar[str | None] = ContextVar("current_request", default=None)
"""Id of the current request, which every log line about the request contains."""


def configure_logging(*, production: bool) -> None:
    """Send every log line of the process, including those of libraries, to stderr in one format."""
    described: list[structlog.typing.Processor] = [
        _add_request_id,
        structlog.stdlib.add_log_level,
        _Timestamp(),
    ]
    written: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(_json),
    ]
    if not production:
        # A plain traceback, because a rich one prints the values of variables, including passwords.
        written = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [*described, structlog.stdlib.ExtraAdder(allow=IDS)],
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *written],
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": formatter},
            "filters": {"peers_mistakes": {"()": PeersMistakes}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": "INFO"},
            "loggers": {
                **{name: {"level": "WARNING"} for name in QUIET},
                "uvicorn.error": {"level": "WARNING", "filters": ["peers_mistakes"]},
            },
        }
    )
    # Request lines bypass `logging`, whose records cost several times as much as their content.
    joined = JoinedLines(sys.stderr)
    structlog.configure(
        processors=[*described, *written],
        wrapper_class=LineLogger,
        logger_factory=lambda *_: joined,
        cache_logger_on_first_use=True,
    )


class LineLogger(structlog.BoundLoggerBase):
    """A structlog logger reduced to what lines of one level without bound fields need."""

    def info(self, event: str, **fields: object) -> None:
        """Write a line with these fields."""
        line: Any = {**fields, "event": event}
        for process in self._processors:
            line = process(self._logger, "info", line)
        self._logger.msg(line)


class JoinedLines:
    """Writes the lines of one turn of the event loop together."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines: list[str] = []
        atexit.register(self._write)

    def msg(self, line: str) -> None:
        """Write a line at the end of the turn, or immediately if no event loop runs."""
        self._lines.append(f"{line}\n")
        if len(self._lines) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self._write)
        except RuntimeError:
            self._write()

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        if lines:
            self._file.write("".join(lines))
            self._file.flush()


class _Timestamp:
    """Adds the time in RFC 3339, UTC, with milliseconds; caches the text of each millisecond."""

    def __init__(self) -> None:
        self._ms = 0
        self._text = ""

    def __call__(
        self, _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        ms = time.time_ns() // 1_000_000
        if ms != self._ms:
            at = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
            self._ms, self._text = ms, f"{at[:-6]}Z"
        event["timestamp"] = self._text
        return event


def _add_request_id(
    _: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    request_id = current_request.get()
    if request_id is not None:
        event["request_id"] = request_id
    return event


def _json(event: object, default: Callable[[object], object]) -> str:
    try:
        return orjson.dumps(event, default=default).decode()
    except TypeError:  # not valid UTF-8: an error's message contains half of a surrogate pair
        return json.dumps(event, default=default)

"""Logs: readable in development, JSON in production; never a body, a token or a query."""

import logging
import logging.config
import sys

import structlog

QUIET = ("uvicorn.access", "httptools", "multipart", "asyncio")


class PeersMistakes(logging.Filter):
    """Drops what uvicorn logs, with a traceback, of a websocket text that is no UTF-8."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep the record."""
        return record.exc_info is None or not isinstance(record.exc_info[1], UnicodeDecodeError)


def configure_logging(*, production: bool) -> None:
    """Send every log line of the process, the libraries' included, through one format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=["incident"]),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]
    if not production:
        # The plain traceback: a rich one prints the values of variables, passwords among them.
        last = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": shared,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
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
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )

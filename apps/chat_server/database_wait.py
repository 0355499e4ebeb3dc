"""The wait for the database at start: limited, logged, and ended by SIGTERM or Ctrl-C."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

from chat_server.database_url import mask_passwords
from chat_server.databases import DatabaseNotReady, DatabaseRefused, open_stores
from chat_server.settings import Settings, SettingsError
from chat_server.settings_errors import DatabaseMissingError

SILENT_SECONDS = 1.0
"""Delay before the first log line, because the database usually answers sooner."""
TELL_SECONDS = 5.0
"""Interval between later log lines."""
RETRY_SECONDS = 0.25
OVERRUN_SECONDS = 3.0
"""Extra time for an attempt that began before the deadline."""

logger = logging.getLogger("chat_server")


async def wait_for_database(settings: Settings) -> None:
    """Return once the database can be used, with its schema up to date.

    Raises `SettingsError` if the database can't be used as it is, and `DatabaseMissingError` after
    `CHAT_DATABASE_WAIT_SECONDS`. SIGTERM or Ctrl-C ends the process with exit code 0.
    """
    patience = settings.database_wait_seconds
    where = mask_passwords(settings.database_url)
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with _signalled() as stopped:
        opening = asyncio.create_task(_opened(settings, patience))
        next_line = SILENT_SECONDS
        while not opening.done():
            waited = loop.time() - began
            if waited >= next_line:
                logger.info(
                    "waiting for the database %s: %d of %d seconds", where, waited, patience
                )
                next_line = waited + TELL_SECONDS
            # A driver may exceed its own deadline; wait a little longer so that it can report the
            # cause.
            left = patience + OVERRUN_SECONDS - waited
            if left <= 0:
                break
            tasks = {opening, stopped}
            pause = min(next_line - waited, left)
            await asyncio.wait(tasks, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                logger.info("stopped while waiting for the database")
                _end(0)
        if not opening.done():
            logger.error("%s", _missing(where, patience, "it does not answer"))
            _end(1)
    try:
        opening.result()
    except DatabaseNotReady as error:
        raise DatabaseMissingError(_missing(where, patience, str(error))) from error
    except DatabaseRefused as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error


async def _opened(settings: Settings, patience: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        try:
            async with open_stores(settings, patience=max(RETRY_SECONDS, deadline - loop.time())):
                return
        except DatabaseNotReady:
            if loop.time() + RETRY_SECONDS > deadline:
                raise
        await asyncio.sleep(RETRY_SECONDS)


@asynccontextmanager
async def _signalled() -> AsyncIterator["asyncio.Future[None]"]:
    """Yield a future that is done at the first SIGTERM or Ctrl-C.

    A second signal kills the process.
    """
    loop = asyncio.get_running_loop()
    came: asyncio.Future[None] = loop.create_future()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def note() -> None:
        if not came.done():
            came.set_result(None)
        for number in numbers:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in numbers:
        loop.add_signal_handler(number, note)
    try:
        yield came
    finally:
        if not came.done():
            for number, handler in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, handler)


def _end(code: int) -> NoReturn:
    """End the process without waiting for a thread or a driver call that may never return."""
    os._exit(code)


def _missing(where: str, patience: float, why: str) -> str:
    return (
        f"the database {where} did not answer within {patience} seconds: {why}\n"
        "Start it, or check that DATABASE_URL is right. CHAT_DATABASE_WAIT_SECONDS sets how long"
        " the service waits."
    )
